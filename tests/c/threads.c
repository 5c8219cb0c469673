/* Many threads on one client: every value belongs to its key.

   threads [SECONDS] */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 16, SERVERS = 3, KEYS = 500, BATCH = 20 };

static double duration = 10;
static cm_client *client;
static double end;

struct worker {
    pthread_t thread;
    uint32_t seed;
    unsigned long calls, hits, misses, wrong, failed;
};

static uint32_t next(struct worker *worker) {
    worker->seed = worker->seed * 1664525u + 1013904223u;
    return worker->seed >> 16;
}

static size_t name_key(char *key, size_t size, uint32_t number) {
    return (size_t)snprintf(key, size, "key:%u", (unsigned)(number % KEYS));
}

/* A value is the name of its key, some number, and a tail whose length the number tells. */
static size_t make_value(char *value, size_t size, const char *key, uint32_t number) {
    size_t length = (size_t)snprintf(value, size, "%s %u ", key, (unsigned)number);
    memset(value + length, 'a' + (int)(number % 26), number % 400);
    return length + number % 400;
}

static bool belongs(const void *value, size_t value_len, const char *key) {
    char copy[512], expected[512];
    unsigned number;
    size_t key_len = strlen(key);
    if (value_len >= sizeof copy || value_len <= key_len)
        return false;
    memcpy(copy, value, value_len);
    copy[value_len] = '\0';
    if (memcmp(copy, key, key_len) != 0 || sscanf(copy + key_len, " %u ", &number) != 1)
        return false;
    return make_value(expected, sizeof expected, key, number) == value_len &&
           memcmp(copy, expected, value_len) == 0;
}

static void judge(struct worker *worker, const cm_result *result, cm_status status,
                  const char *key) {
    worker->calls++;
    if (status == CM_NOT_FOUND)
        worker->misses++;
    else if (status != CM_OK)
        worker->failed++;
    else if (belongs(result->value, result->value_len, key))
        worker->hits++;
    else
        worker->wrong++;
}

static void set_one(struct worker *worker) {
    char key[32], value[512];
    size_t key_len = name_key(key, sizeof key, next(worker));
    size_t value_len = make_value(value, sizeof value, key, next(worker));
    worker->calls++;
    worker->failed += cm_set(client, key, key_len, value, value_len, 0, 0, NULL) != CM_OK;
}

static void get_one(struct worker *worker) {
    char key[32];
    cm_result *result = NULL;
    size_t key_len = name_key(key, sizeof key, next(worker));
    cm_status status = cm_get(client, key, key_len, &result, NULL);
    judge(worker, result, status, key);
    cm_result_free(result);
}

static void get_many(struct worker *worker) {
    char names[BATCH][32];
    const char *keys[BATCH];
    size_t lengths[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        keys[i] = names[i];
        lengths[i] = name_key(names[i], sizeof names[i], next(worker));
    }
    cm_results *results = NULL;
    cm_get_multi(client, keys, lengths, BATCH, &results, NULL);
    for (size_t i = 0; i < BATCH; i++) {
        const cm_result *result = cm_results_at(results, i);
        if (result != NULL)
            judge(worker, result, result->status, keys[i]);
        else
            worker->failed++;
    }
    cm_results_free(results);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    while (seconds_now() < end) {
        switch (next(worker) % 8) {
        case 0:
        case 1:
            set_one(worker);
            break;
        case 2:
            get_many(worker);
            break;
        default:
            get_one(worker);
        }
    }
    return NULL;
}

static void no_wrong_value(void) {
    struct server servers[SERVERS];
    struct worker workers[THREADS], sum = {0};
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, SERVERS);
    client = client_open(list, "timeout_ms=30000 connections_per_server=3");
    free(list);
    end = seconds_now() + duration;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.seed = (uint32_t)i + 1};
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].calls > 0);
        sum.calls += workers[i].calls;
        sum.hits += workers[i].hits;
        sum.misses += workers[i].misses;
        sum.wrong += workers[i].wrong;
        sum.failed += workers[i].failed;
    }
    printf("%d threads, %.0f s: %lu calls, %lu hits, %lu misses, %lu wrong, %lu failed\n", THREADS,
           duration, sum.calls, sum.hits, sum.misses, sum.wrong, sum.failed);
    CHECK(sum.wrong == 0);
    CHECK(sum.failed == 0);
    CHECK(sum.hits > 0);
    for (size_t i = 0; i < SERVERS; i++) /* one of them is this question's own */
        CHECK(server_stat(&servers[i], "curr_connections") <= 3 + 2);
    cm_client_free(client);
    for (size_t i = 0; i < SERVERS; i++)
        server_kill(&servers[i]);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1)
        duration = strtod(arguments[1], NULL);
    RUN(no_wrong_value);
    return finish();
}
