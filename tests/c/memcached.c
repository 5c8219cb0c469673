/* Real memcached servers for the C tests. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_SERVERS = 32 };

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

int server_connect(const struct server *server) {
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
    while ((connection = server_connect(server)) < 0) {
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
    int connection = server_connect(server);
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
