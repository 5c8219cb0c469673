#include "proxy.h"

#include <pthread.h>
#include <stdio.h>

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

static bool pass_on(struct passage *passage, enum way way, char *bytes, size_t size) {
    enum interruption then;
    size_t first = let_pass(way, size, &then);
    if (!relay_send(passage, way, bytes, first))
        return false;
    switch (then) {
    case NONE:
        return true;
    case STALL:
        wait_for_the_end_of_the_stall();
        return relay_send(passage, way, bytes + first, size - first);
    case RESET:
        relay_reset_when_closed(passage);
        return false;
    default:
        return false;
    }
}

void proxy_start(const struct server *server, char *address, size_t size) {
    int port;
    int listener = listen_on_loopback(64, &port);
    snprintf(address, size, "127.0.0.1:%d", port);
    relay_serve(listener, server, pass_on, NULL);
}
