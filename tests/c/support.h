/* What the C tests share: checks, and real memcached servers to run against. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <consistent_memcached.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A failed CHECK prints where it stands and the test goes on; a failed REQUIRE ends the program.
   Any thread may use them. */
#define CHECK(condition) check((condition), __FILE__, __LINE__, #condition)
#define REQUIRE(condition) require((condition), __FILE__, __LINE__, #condition)
#define CHECK_STATUS(expected, call) check_status((expected), (call), __FILE__, __LINE__, #call)

bool check(bool good, const char *file, int line, const char *what);
void require(bool good, const char *file, int line, const char *what);
bool check_status(cm_status expected, cm_status found, const char *file, int line,
                  const char *what);

/* Runs one test and counts it. */
#define RUN(test) run(#test, (test))
void run(const char *name, void (*test)(void));

/* Prints "N passed, N failed" and returns what main should. */
int finish(void);

/* Nothing in a test waits longer. */
enum { PATIENCE_SECONDS = 20 };

double seconds_now(void); /* monotonic */
void sleep_ms(long milliseconds);

/* A memcached on a port of the loopback interface, which stays its own while it is away, or on a
   UNIX socket. Every server still running when the program ends, however it ends, is killed. */
struct server {
    pid_t pid;
    int port;          /* 0: a UNIX socket */
    char address[128]; /* as cm_client_new takes it */
    char arguments[64];
};

/* `arguments` are memcached's, "" for none. Only the main thread starts servers. */
void server_start(struct server *server, const char *arguments);
void server_start_unix(struct server *server);
void server_kill(struct server *server);
void server_restart(struct server *server);       /* where it was, empty */
void server_suspend(const struct server *server); /* it accepts connections, but never answers */
void server_resume(const struct server *server);

/* A connection to the server, or -1 when it accepts none. */
int server_connect(const struct server *server);

/* Sends a request on a connection of its own and returns all that comes back; to be freed. */
char *server_ask(const struct server *server, const char *request);

/* A counter of the server's `stats`. */
uint64_t server_stat(const struct server *server, const char *name);

/* How many commands with a key the server has seen. */
uint64_t server_commands(const struct server *server);

/* The addresses of some servers as one list; to be freed. */
char *server_list(const struct server *servers, size_t count);

/* A client with options written "NAME=VALUE NAME=VALUE". Its timeouts, if not given, only guard
   against hanging: a machine may be slow. */
cm_client *client_open(const char *servers, const char *options);

/* A loopback port that nobody else is given until the program ends, and where nobody listens. */
int reserve_port(void);

/* A listening socket on a free loopback port that nobody accepts from. */
int listen_on_loopback(int backlog, int *port_out);

#endif
