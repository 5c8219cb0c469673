/* Many threads on one client: every value belongs to its key.

   threads [SECONDS] */
#include "support.h"
#include "values.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 16, SERVERS = 3, KEYS = 500, BATCH = 20 };

static double duration = 10;
static cm_client *client;
static double end;

struct worker {
    pthread_t thread;
    struct random random;
    unsigned long calls, hits, misses, wrong, failed;
};

static size_t name_key(char *key, size_t size, struct random *random) {
    return (size_t)snprintf(key, size, "key:%u", (unsigned)random_below(random, KEYS));
}

static void judge(struct worker *worker, const cm_result *result, cm_status status,
                  const char *key) {
    uint32_t number;
    worker->calls++;
    if (status == CM_NOT_FOUND)
        worker->misses++;
    else if (status != CM_OK)
        worker->failed++;
    else if (value_read(result->value, result->value_len, key, &number))
        worker->hits++;
    else
        worker->wrong++;
}

static void set_one(struct worker *worker) {
    char key[32], value[VALUE_MAX];
    size_t key_len = name_key(key, sizeof key, &worker->random);
    size_t value_len = value_write(value, key, random_below(&worker->random, 1u << 31));
    worker->calls++;
    worker->failed += cm_set(client, key, key_len, value, value_len, 0, 0, NULL) != CM_OK;
}

static void get_one(struct worker *worker) {
    char key[32];
    cm_result *result = NULL;
    size_t key_len = name_key(key, sizeof key, &worker->random);
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
        lengths[i] = name_key(names[i], sizeof names[i], &worker->random);
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
        switch (random_below(&worker->random, 8)) {
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
        workers[i] = (struct worker){.random = {i}};
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
