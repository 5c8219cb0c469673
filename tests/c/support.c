#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SERVERS = 32, PATIENCE_SECONDS = 20, TEST_SECONDS = 400 };

/* ---- checks ---- */

static pthread_mutex_t failures_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned failures, tests_passed, tests_failed;

bool check(bool good, const char *file, int line, const char *what) {
    if (!good) {
        pthread_mutex_lock(&failures_lock);
        failures++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
        pthread_mutex_unlock(&failures_lock);
    }
    return good;
}

void require(bool good, const char *file, int line, const char *what) {
    if (!check(good, file, line, what))
        exit(EXIT_FAILURE);
}

bool check_status(cm_status expected, cm_status found, const char *file, int line,
                  const char *what) {
    char text[512];
    snprintf(text, sizeof text, "%s is %s, not %s", what, cm_status_name(found),
             cm_status_name(expected));
    return check(found == expected, file, line, text);
}

void run(const char *name, void (*test)(void)) {
    unsigned before = failures;
    double start = seconds_now();
    alarm(TEST_SECONDS); /* against hanging */
    test();
    alarm(0);
    bool good = failures == before;
    *(good ? &tests_passed : &tests_failed) += 1;
    printf("%s %s (%.2f s)\n", good ? "ok  " : "FAIL", name, seconds_now() - start);
    fflush(stdout);
}

int finish(void) {
    printf("%u passed, %u failed\n", tests_passed, tests_failed);
    return tests_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void sleep_ms(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* ---- what must not be left behind ---- */

static pid_t owner; /* the process that started the servers, not one forked from it */
static pid_t running[MAX_SERVERS];
static char directory[] = "/tmp/cm-test-XXXXXX";
static char socket_files[MAX_SERVERS][64];
static size_t socket_count;

/* Calls only what a signal handler may call. */
static void clean_up(void) {
    if (getpid() != owner)
        return;
    for (size_t i = 0; i < MAX_SERVERS; i++)
        if (running[i] > 0)
            kill(running[i], SIGKILL);
    for (size_t i = 0; i < socket_count; i++)
        unlink(socket_files[i]);
    rmdir(directory);
}

static void clean_up_after_signal(int number) {
    static const char late[] = "the test took too long\n";
    if (number == SIGALRM && write(STDERR_FILENO, late, sizeof late - 1) < 0)
        _exit(EXIT_FAILURE);
    clean_up();
    signal(number, SIG_DFL);
    raise(number);
}

static void prepare(void) {
    if (owner != 0)
        return;
    static const int ends[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM, SIGABRT, SIGSEGV, SIGBUS};
    REQUIRE(mkdtemp(directory) != NULL);
    owner = getpid();
    atexit(clean_up);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        signal(ends[i], clean_up_after_signal);
}

/* ---- servers ---- */

static void spawn(struct server *server) {
    char where[160], command[320];
    if (server->port == 0)
        snprintf(where, sizeof where, "-s %s", server->address + strlen("unix:"));
    else
        snprintf(where, sizeof where, "-l 127.0.0.1 -p %d", server->port);
    snprintf(command, sizeof command, "exec memcached %s -U 0 %s %s",
             geteuid() == 0 ? "-u root" : "", where, server->arguments);
    prepare();
    size_t free_place = 0;
    while (free_place < MAX_SERVERS && running[free_place] != 0)
        free_place++;
    REQUIRE(free_place < MAX_SERVERS);
    server->pid = fork();
    REQUIRE(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should this program be killed itself */
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    running[free_place] = server->pid;
}

static int connect_to(const struct server *server) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in inet = {.sin_family = AF_INET};
    const void *address = &inet;
    socklen_t size = sizeof inet;
    if (server->port == 0) {
        snprintf(local.sun_path, sizeof local.sun_path, "%s", server->address + strlen("unix:"));
        address = &local;
        size = sizeof local;
    } else {
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet.sin_port = htons((uint16_t)server->port);
    }
    int connection = socket(server->port == 0 ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    REQUIRE(connection >= 0);
    if (connect(connection, address, size) == 0)
        return connection;
    close(connection);
    return -1;
}

static void start(struct server *server) {
    spawn(server);
    double end = seconds_now() + PATIENCE_SECONDS;
    int connection;
    while ((connection = connect_to(server)) < 0) {
        REQUIRE(waitpid(server->pid, NULL, WNOHANG) == 0);
        REQUIRE(seconds_now() < end);
        sleep_ms(5);
    }
    close(connection);
}

void server_start(struct server *server, const char *arguments) {
    *server = (struct server){.port = reserve_port()};
    snprintf(server->address, sizeof server->address, "127.0.0.1:%d", server->port);
    snprintf(server->arguments, sizeof server->arguments, "%s", arguments);
    start(server);
}

void server_start_unix(struct server *server) {
    prepare();
    REQUIRE(socket_count < MAX_SERVERS);
    char *path = socket_files[socket_count++];
    snprintf(path, sizeof *socket_files, "%s/%zu.sock", directory, socket_count);
    *server = (struct server){0};
    snprintf(server->address, sizeof server->address, "unix:%s", path);
    start(server);
}

void server_kill(struct server *server) {
    for (size_t i = 0; i < MAX_SERVERS; i++)
        if (running[i] == server->pid)
            running[i] = 0;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void server_restart(struct server *server) {
    if (server->pid != 0)
        server_kill(server);
    start(server);
}

void server_suspend(const struct server *server) {
    int status = 0;
    REQUIRE(kill(server->pid, SIGSTOP) == 0);
    /* Returns when the last of its threads has stopped: until then one may still answer. */
    REQUIRE(waitpid(server->pid, &status, WUNTRACED) == server->pid);
    REQUIRE(WIFSTOPPED(status));
}

void server_resume(const struct server *server) { REQUIRE(kill(server->pid, SIGCONT) == 0); }

char *server_ask(const struct server *server, const char *request) {
    int connection = connect_to(server);
    REQUIRE(connection >= 0);
    size_t size = 0, room = 4096;
    char *reply = malloc(room);
    REQUIRE(reply != NULL);
    REQUIRE(write(connection, request, strlen(request)) == (ssize_t)strlen(request));
    REQUIRE(write(connection, "quit\r\n", 6) == 6);
    for (ssize_t got; (got = read(connection, reply + size, room - size - 1)) > 0;) {
        size += (size_t)got;
        if (room - size < 1024)
            REQUIRE((reply = realloc(reply, room *= 2)) != NULL);
    }
    reply[size] = '\0';
    close(connection);
    return reply;
}

uint64_t server_stat(const struct server *server, const char *name) {
    char *reply = server_ask(server, "stats\r\n"), wanted[64];
    snprintf(wanted, sizeof wanted, "STAT %s ", name);
    const char *line = strstr(reply, wanted);
    REQUIRE(line != NULL);
    uint64_t number = strtoull(line + strlen(wanted), NULL, 10);
    free(reply);
    return number;
}

uint64_t server_commands(const struct server *server) {
    return server_stat(server, "cmd_get") + server_stat(server, "cmd_set") +
           server_stat(server, "cmd_touch") + server_stat(server, "incr_misses") +
           server_stat(server, "decr_misses") + server_stat(server, "delete_misses");
}

char *server_list(const struct server *servers, size_t count) {
    char *list = calloc(count, sizeof servers->address + 1);
    REQUIRE(list != NULL);
    for (size_t i = 0; i < count; i++) {
        strcat(list, i > 0 ? "," : "");
        strcat(list, servers[i].address);
    }
    return list;
}

/* ---- the rest ---- */

cm_client *client_open(const char *servers, const char *options) {
    cm_options *set = cm_options_new();
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "timeout_ms=%d connect_timeout_ms=%d %s", PATIENCE_SECONDS * 1000,
             PATIENCE_SECONDS * 1000, options);
    for (char *name; (name = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(name, '=');
        REQUIRE(value != NULL);
        *value++ = '\0';
        REQUIRE(cm_options_set(set, name, value, NULL) == CM_OK);
    }
    cm_client *client = NULL;
    cm_error *error = NULL;
    if (cm_client_new(servers, set, &client, &error) != CM_OK)
        fprintf(stderr, "cm_client_new: %s\n", cm_error_message(error));
    cm_options_free(set);
    REQUIRE(client != NULL);
    return client;
}

/* A socket bound to a free loopback port. */
static int bind_anywhere(int *port_out) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int bound = socket(AF_INET, SOCK_STREAM, 0);
    /* memcached sets this too: so it may listen where this socket is bound. */
    REQUIRE(setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0);
    REQUIRE(fcntl(bound, F_SETFD, FD_CLOEXEC) == 0);
    REQUIRE(bind(bound, (const struct sockaddr *)&address, size) == 0);
    REQUIRE(getsockname(bound, (struct sockaddr *)&address, &size) == 0);
    *port_out = ntohs(address.sin_port);
    return bound;
}

int reserve_port(void) {
    int port;
    (void)bind_anywhere(&port);
    return port;
}

int listen_on_loopback(int backlog, int *port_out) {
    int listener = bind_anywhere(port_out);
    REQUIRE(listen(listener, backlog) == 0);
    return listener;
}
