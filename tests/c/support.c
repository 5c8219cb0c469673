#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TEST_SECONDS = 400 };

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

/* ---- clients and ports ---- */

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
