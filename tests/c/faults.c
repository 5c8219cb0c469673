#define _DEFAULT_SOURCE /* for MAP_ANONYMOUS */

#include "faults.h"
#include "relay.h"
#include "values.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MAX_SERVERS = 8, PAUSE_MS = 200, MAX_DELAY_MS = 700 };

const char *const fault_names[FAULTS] = {"kills", "freezes", "delays",
                                         "cuts",  "resets",  "garbled lines"};

/* Shared with the process of the proxies; all of it is read and written atomically. */
static struct shared {
    bool happen;
    unsigned under_way;
    unsigned counts[FAULTS];
    uint64_t last_us[MAX_SERVERS][FAULTS];
} * shared;

static uint64_t now_us(void) { return (uint64_t)(seconds_now() * 1e6); }

static void prepare(void) {
    if (shared != NULL)
        return;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
}

void faults_end(size_t server, enum fault fault) {
    __atomic_store_n(&shared->last_us[server][fault], now_us(), __ATOMIC_SEQ_CST);
}

void faults_begin(size_t server, enum fault fault) {
    __atomic_fetch_add(&shared->counts[fault], 1, __ATOMIC_SEQ_CST);
    faults_end(server, fault);
}

double faults_last(size_t server, enum fault fault) {
    return (double)__atomic_load_n(&shared->last_us[server][fault], __ATOMIC_SEQ_CST) / 1e6;
}

unsigned faults_count(enum fault fault) {
    return __atomic_load_n(&shared->counts[fault], __ATOMIC_SEQ_CST);
}

static bool may_happen(void) { return __atomic_load_n(&shared->happen, __ATOMIC_SEQ_CST); }

void faults_let_happen(bool happen) {
    __atomic_store_n(&shared->happen, happen, __ATOMIC_SEQ_CST);
    double end = seconds_now() + PATIENCE_SECONDS;
    while (!happen && __atomic_load_n(&shared->under_way, __ATOMIC_SEQ_CST) > 0) {
        REQUIRE(seconds_now() < end);
        sleep_ms(1);
    }
}

/* ---- the proxies ---- */

static struct proxied {
    size_t number;
    struct server server;
    int listener;
    pthread_mutex_t lock;
    struct random random;
    enum fault next;
    enum way next_way;
    uint64_t next_us;
} proxied[MAX_SERVERS];

static uint32_t random_of(struct proxied *proxied, uint32_t limit) {
    pthread_mutex_lock(&proxied->lock);
    uint32_t number = random_below(&proxied->random, limit);
    pthread_mutex_unlock(&proxied->lock);
    return number;
}

static void plan(struct proxied *proxied) {
    proxied->next = DELAY + random_below(&proxied->random, FAULTS - DELAY);
    proxied->next_way = proxied->next == GARBLE ? REPLIES : random_below(&proxied->random, 2);
    proxied->next_us = now_us() + random_below(&proxied->random, 2 * PAUSE_MS * 1000);
}

/* The fault that befalls what passes now, or FAULTS for none. */
static enum fault draw(struct proxied *proxied, enum way way) {
    enum fault fault = FAULTS;
    pthread_mutex_lock(&proxied->lock);
    if (way == proxied->next_way && now_us() >= proxied->next_us) {
        fault = proxied->next;
        plan(proxied);
    }
    pthread_mutex_unlock(&proxied->lock);
    return fault;
}

static void delay(struct proxied *proxied) {
    double end = seconds_now() + random_of(proxied, MAX_DELAY_MS) / 1e3;
    while (may_happen() && seconds_now() < end)
        sleep_ms(5);
}

/* Makes another byte of one that belongs to a line; one with which no other line can be mistaken
   for it: no key of the tests and no number holds it. */
static void garble(struct proxied *proxied, struct replies replies, char *bytes, size_t size) {
    char *chosen = NULL;
    uint32_t candidates = 0;
    for (size_t i = 0; i < size; i++)
        if (relay_is_of_line(&replies, bytes[i]) && random_of(proxied, ++candidates) == 0)
            chosen = &bytes[i];
    if (chosen != NULL)
        *chosen = (char)(random_of(proxied, 2) == 0 ? '~' : *chosen ^ 0x80);
}

static bool suffer(struct passage *passage, enum way way, char *bytes, size_t size,
                   enum fault fault, struct replies before) {
    struct proxied *proxied = passage->context;
    size_t first = random_of(proxied, (uint32_t)size + 1);
    switch (fault) {
    case DELAY:
        delay(proxied);
        return true;
    case GARBLE:
        garble(proxied, before, bytes, size);
        return true;
    case RESETTING:
        relay_send(passage, way, bytes, first);
        relay_reset_when_closed(passage);
        return false;
    default:
        relay_send(passage, way, bytes, first);
        return false;
    }
}

static bool pass_on(struct passage *passage, enum way way, char *bytes, size_t size) {
    struct proxied *proxied = passage->context;
    const struct replies before = passage->replies;
    for (size_t i = 0; way == REPLIES && i < size; i++)
        (void)relay_is_of_line(&passage->replies, bytes[i]);
    __atomic_fetch_add(&shared->under_way, 1, __ATOMIC_SEQ_CST);
    enum fault fault = may_happen() ? draw(proxied, way) : FAULTS;
    bool goes_on = true;
    if (fault != FAULTS) {
        faults_begin(proxied->number, fault);
        goes_on = suffer(passage, way, bytes, size, fault, before);
        faults_end(proxied->number, fault);
    }
    __atomic_fetch_sub(&shared->under_way, 1, __ATOMIC_SEQ_CST);
    return goes_on && relay_send(passage, way, bytes, size);
}

void faults_start(const struct server *servers, size_t count, uint64_t seed, char addresses[][32]) {
    prepare();
    REQUIRE(count <= MAX_SERVERS);
    for (size_t i = 0; i < count; i++) {
        int port;
        proxied[i] = (struct proxied){.number = i,
                                      .server = servers[i],
                                      .listener = listen_on_loopback(64, &port),
                                      .lock = PTHREAD_MUTEX_INITIALIZER,
                                      .random = {seed + i}};
        plan(&proxied[i]);
        snprintf(addresses[i], sizeof addresses[i], "127.0.0.1:%d", port);
    }
    pid_t parent = getpid(), child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < count; i++)
            relay_serve(proxied[i].listener, &proxied[i].server, pass_on, &proxied[i]);
        while (getppid() == parent)
            sleep_ms(100);
        _exit(0);
    }
    for (size_t i = 0; i < count; i++)
        close(proxied[i].listener);
}
