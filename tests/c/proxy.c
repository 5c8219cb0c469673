#include "proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct server *behind;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone_on = PTHREAD_COND_INITIALIZER;
static enum interruption planned; /* NONE: it has come */
static enum way planned_way;
static size_t planned_after, passed[2];
static unsigned stalled;

void proxy_interrupt(enum interruption interruption, enum way way, size_t bytes) {
    pthread_mutex_lock(&lock);
    planned = interruption;
    planned_way = way;
    planned_after = bytes;
    passed[REQUESTS] = passed[REPLIES] = 0;
    pthread_mutex_unlock(&lock);
}

size_t proxy_passed(enum way way) {
    pthread_mutex_lock(&lock);
    size_t bytes = passed[way];
    pthread_mutex_unlock(&lock);
    return bytes;
}

void proxy_go_on(void) {
    pthread_mutex_lock(&lock);
    planned = NONE;
    stalled = 0;
    pthread_cond_broadcast(&gone_on);
    pthread_mutex_unlock(&lock);
}

/* How many of `size` bytes may pass, and what comes then. */
static size_t let_pass(enum way way, size_t size, enum interruption *then) {
    pthread_mutex_lock(&lock);
    *then = NONE;
    if (planned != NONE && planned_way == way && passed[way] + size >= planned_after) {
        size = planned_after - passed[way];
        *then = planned;
        stalled += planned == STALL;
        planned = NONE;
    }
    passed[way] += size;
    pthread_mutex_unlock(&lock);
    return size;
}

static void wait_for_the_end_of_the_stall(void) {
    pthread_mutex_lock(&lock);
    while (stalled > 0)
        pthread_cond_wait(&gone_on, &lock);
    pthread_mutex_unlock(&lock);
}

static bool send_all(int to, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(to, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void reset_when_closed(int connection) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    REQUIRE(setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

/* Passes on what has come. False when the connections are to be closed. */
static bool pass_on(const int ends[2], enum way way) {
    char bytes[16384];
    enum interruption then;
    ssize_t got = read(ends[way], bytes, sizeof bytes);
    if (got <= 0)
        return false;
    size_t first = let_pass(way, (size_t)got, &then);
    if (!send_all(ends[!way], bytes, first))
        return false;
    switch (then) {
    case NONE:
        return true;
    case STALL:
        wait_for_the_end_of_the_stall();
        return send_all(ends[!way], bytes + first, (size_t)got - first);
    case RESET:
        reset_when_closed(ends[REQUESTS]);
        return false;
    default:
        return false;
    }
}

/* ends[REQUESTS] is where requests come from, ends[REPLIES] where replies come from. */
static void *serve(void *argument) {
    const int ends[2] = {(int)(intptr_t)argument, server_connect(behind)};
    REQUIRE(ends[REPLIES] >= 0);
    for (bool goes_on = true; goes_on;) {
        struct pollfd ready[2] = {{.fd = ends[0], .events = POLLIN},
                                  {.fd = ends[1], .events = POLLIN}};
        REQUIRE(poll(ready, 2, -1) > 0);
        for (int way = REQUESTS; way <= REPLIES && goes_on; way++)
            if (ready[way].revents != 0)
                goes_on = pass_on(ends, (enum way)way);
    }
    close(ends[REQUESTS]);
    close(ends[REPLIES]);
    return NULL;
}

static void *accept_on_and_on(void *listener) {
    for (;;) {
        pthread_t thread;
        int connection = accept((int)(intptr_t)listener, NULL, NULL);
        REQUIRE(connection >= 0);
        REQUIRE(pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

void proxy_start(const struct server *server, char *address, size_t size) {
    int port;
    pthread_t thread;
    int listener = listen_on_loopback(64, &port);
    behind = server;
    snprintf(address, size, "127.0.0.1:%d", port);
    REQUIRE(pthread_create(&thread, NULL, accept_on_and_on, (void *)(intptr_t)listener) == 0);
    pthread_detach(thread);
}
