/* Many callers on few connections, some with very short deadlines, while servers freeze and go on:
   one that gives up leaves everything in order for the others.

   sharing [SECONDS [SEED]]: how long each test works its servers. */
#include "support.h"
#include "values.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 2, THREADS = 32, SHARED = 200, PRIVATE = 8, COUNTERS = 16, BATCH = 12 };
enum { LARGE = 300 * 1000 };

/* The numbers of a counter start here and tell which one it is. */
static const uint64_t COUNTER_BASE = UINT64_C(1000000000000);

static double duration = 2;
static uint64_t seed;
static struct server servers[SERVERS];
static cm_client *client;
static bool large_values, stop; /* `stop` is read and written atomically */
static char large[LARGE];
static uint64_t acknowledged[COUNTERS], unknown[COUNTERS];

/* Numbers an increment has answered with: none does so twice. */
enum { NUMBERS = 1 << 22 };
static uint8_t seen[COUNTERS][NUMBERS / 8];

/* A patient caller is never in want of an answer, so it knows what its own keys hold. */
struct worker {
    pthread_t thread;
    struct random random;
    size_t number;
    bool patient;
    bool present[PRIVATE];
    uint32_t value[PRIVATE], last;
    unsigned long calls, answered, wrong, refused;
};

static bool in_a_hurry(const struct worker *worker) { return !worker->patient; }

/* A patient caller is always answered. One in a hurry may find its time gone. With large values a
   request that was half sent when its caller gave up costs the others their connection. */
static bool is_allowed(const struct worker *worker, cm_status status) {
    return status >= 0 || (in_a_hurry(worker) && status == CM_ERR_TIMEOUT) ||
           (large_values && status == CM_ERR_CONNECTION);
}

static void judge(struct worker *worker, bool good, cm_status status, const char *key) {
    worker->answered += status >= 0;
    if (good)
        return;
    if (worker->wrong++ < 3)
        fprintf(stderr, "caller %zu%s: a wrong answer for %s: %s\n", worker->number,
                worker->patient ? "" : " in a hurry", key, cm_status_name(status));
}

static cm_results *execute(struct worker *worker, const cm_op *ops, size_t count) {
    cm_results *results = NULL;
    uint32_t timeout_ms = worker->patient ? 0 : 1 + random_below(&worker->random, 5);
    cm_execute(client, ops, sizeof *ops, count, timeout_ms, &results, NULL);
    worker->calls++;
    for (size_t i = 0; i < count; i++) {
        cm_status status = cm_results_at(results, i)->status;
        if (!is_allowed(worker, status) && worker->refused++ < 3)
            fprintf(stderr, "caller %zu%s: %s\n", worker->number,
                    worker->patient ? "" : " in a hurry", cm_status_name(status));
    }
    return results;
}

/* Keys that all use: whatever is found belongs to its key. */
static void get_many(struct worker *worker) {
    char keys[BATCH][24];
    cm_op ops[BATCH] = {{0}};
    size_t count = 1 + random_below(&worker->random, BATCH);
    for (size_t i = 0; i < count; i++) {
        ops[i].kind = CM_OP_GET;
        ops[i].key = keys[i];
        ops[i].key_len = (size_t)snprintf(keys[i], sizeof keys[i], "shared:%u",
                                          (unsigned)random_below(&worker->random, SHARED));
    }
    cm_results *results = execute(worker, ops, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t number;
        const cm_result *result = cm_results_at(results, i);
        judge(worker,
              result->status != CM_OK ||
                  value_read(result->value, result->value_len, keys[i], &number),
              result->status, keys[i]);
    }
    cm_results_free(results);
}

static void write_shared(struct worker *worker, uint32_t kind) {
    char key[24], value[VALUE_MAX];
    cm_op op = {.kind = kind, .key = key};
    op.key_len = (size_t)snprintf(key, sizeof key, "shared:%u",
                                  (unsigned)random_below(&worker->random, SHARED));
    if (kind == CM_OP_SET) {
        op.value = value;
        op.value_len = value_write(value, key, random_below(&worker->random, 1u << 31));
    }
    cm_results *results = execute(worker, &op, 1);
    cm_status status = cm_results_at(results, 0)->status;
    judge(worker, status <= (kind == CM_OP_DELETE ? CM_NOT_FOUND : CM_OK), status, key);
    cm_results_free(results);
}

/* A value that does not fit into the buffers, so that a request is half sent when a server freezes.
 */
static void set_large(struct worker *worker) {
    const cm_op op = {
        .kind = CM_OP_SET, .key = "large", .key_len = 5, .value = large, .value_len = LARGE};
    cm_results_free(execute(worker, &op, 1));
}

static void increment(struct worker *worker) {
    char key[24];
    uint32_t counter = random_below(&worker->random, COUNTERS);
    cm_op op = {.kind = CM_OP_INCREMENT, .key = key, .delta = 1};
    op.key_len = (size_t)snprintf(key, sizeof key, "counter:%u", (unsigned)counter);
    cm_results *results = execute(worker, &op, 1);
    const cm_result *result = cm_results_at(results, 0);
    if (result->status == CM_OK) {
        uint64_t count = result->number - counter * COUNTER_BASE;
        bool good = count > 0 && count < NUMBERS;
        uint8_t bit = (uint8_t)(1 << count % 8);
        good = good && !(__atomic_fetch_or(&seen[counter][count / 8], bit, __ATOMIC_RELAXED) & bit);
        judge(worker, good, result->status, key);
        __atomic_fetch_add(&acknowledged[counter], 1, __ATOMIC_RELAXED);
    } else {
        judge(worker, result->status < 0, result->status, key);
        if (!(result->state & CM_UNSENT))
            __atomic_fetch_add(&unknown[counter], 1, __ATOMIC_RELAXED);
    }
    cm_results_free(results);
}

/* Keys of one patient caller: it finds what it wrote last, and nothing where it has deleted. */
static void use_own(struct worker *worker) {
    static const uint32_t kinds[] = {CM_OP_GET, CM_OP_GET, CM_OP_SET, CM_OP_DELETE, CM_OP_ADD};
    char key[24], value[VALUE_MAX];
    uint32_t number, own = random_below(&worker->random, PRIVATE);
    cm_op op = {.kind = kinds[random_below(&worker->random, 5)], .key = key};
    op.key_len = (size_t)snprintf(key, sizeof key, "own:%zu:%u", worker->number, (unsigned)own);
    if (op.kind == CM_OP_SET || op.kind == CM_OP_ADD) {
        op.value = value;
        op.value_len = value_write(value, key, ++worker->last);
    }
    cm_results *results = execute(worker, &op, 1);
    const cm_result *result = cm_results_at(results, 0);
    bool *present = &worker->present[own];
    cm_status expected = CM_OK;
    if (op.kind == CM_OP_ADD && *present)
        expected = CM_NOT_STORED;
    else if ((op.kind == CM_OP_GET || op.kind == CM_OP_DELETE) && !*present)
        expected = CM_NOT_FOUND;
    bool good = result->status == expected;
    if (good && op.kind == CM_OP_GET && *present)
        good = value_read(result->value, result->value_len, key, &number) &&
               number == worker->value[own];
    judge(worker, good, result->status, key);
    if (op.kind == CM_OP_SET || (op.kind == CM_OP_ADD && !*present))
        worker->value[own] = worker->last;
    if (op.kind != CM_OP_GET)
        *present = op.kind != CM_OP_DELETE;
    cm_results_free(results);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint32_t choice = random_below(&worker->random, 10);
        if (choice < 3)
            get_many(worker);
        else if (choice < 5)
            write_shared(worker, choice == 3 ? CM_OP_SET : CM_OP_DELETE);
        else if (choice < 7)
            increment(worker);
        else if (large_values && choice == 7 && in_a_hurry(worker))
            set_large(worker);
        else if (worker->patient && !large_values)
            use_own(worker);
        else
            get_many(worker);
    }
    return NULL;
}

static void freeze_and_go_on(void) {
    struct random random = {seed};
    unsigned frozen = 0;
    for (double end = seconds_now() + duration; seconds_now() < end; frozen++) {
        const struct server *server = &servers[random_below(&random, SERVERS)];
        sleep_ms(random_below(&random, 40));
        server_suspend(server);
        sleep_ms(random_below(&random, 25));
        server_resume(server);
    }
    CHECK(frozen > 3);
}

static void count(uint32_t kind, size_t counter, uint64_t *number_out) {
    char key[24], text[24];
    int key_len = snprintf(key, sizeof key, "counter:%zu", counter);
    int text_len =
        snprintf(text, sizeof text, "%llu", (unsigned long long)(counter * COUNTER_BASE));
    if (kind == CM_OP_SET)
        CHECK_STATUS(CM_OK,
                     cm_set(client, key, (size_t)key_len, text, (size_t)text_len, 0, 0, NULL));
    else
        CHECK_STATUS(CM_OK, cm_increment(client, key, (size_t)key_len, 0, number_out, NULL));
}

static void no_increment_is_lost(void) {
    for (size_t i = 0; i < COUNTERS; i++) {
        uint64_t number = 0;
        count(CM_OP_INCREMENT, i, &number);
        number -= i * COUNTER_BASE;
        CHECK(number >= acknowledged[i] && number <= acknowledged[i] + unknown[i]);
    }
}

static void share(const char *options) {
    struct worker workers[THREADS], sum[2] = {{0}};
    memset(seen, 0, sizeof seen);
    memset(acknowledged, 0, sizeof acknowledged);
    memset(unknown, 0, sizeof unknown);
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, SERVERS);
    client = client_open(list, options);
    free(list);
    for (size_t i = 0; i < COUNTERS; i++)
        count(CM_OP_SET, i, NULL);
    __atomic_store_n(&stop, false, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = {seed + i + 1}, .number = i, .patient = i % 2 == 0};
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    freeze_and_go_on();
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        struct worker *of_its_sort = &sum[workers[i].patient];
        of_its_sort->calls += workers[i].calls;
        of_its_sort->answered += workers[i].answered;
        CHECK(workers[i].wrong == 0 && workers[i].refused == 0);
    }
    for (int patient = 0; patient < 2; patient++) {
        printf("%s callers: %lu calls, %lu answers\n", patient ? "patient" : "hurried",
               sum[patient].calls, sum[patient].answered);
        CHECK(sum[patient].answered > 0);
    }
    no_increment_is_lost();
    cm_client_free(client);
    for (size_t i = 0; i < SERVERS; i++)
        server_kill(&servers[i]);
}

static void one_connection(void) { share("connections_per_server=1"); }

static void two_connections(void) { share("connections_per_server=2"); }

static void requests_half_sent(void) {
    memset(large, 'l', LARGE);
    large_values = true;
    share("connections_per_server=1 failure_threshold=1000000");
    large_values = false;
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1)
        duration = strtod(arguments[1], NULL);
    seed = random_seed(argument_count > 2 ? arguments[2] : NULL);
    RUN(one_connection);
    RUN(two_connections);
    RUN(requests_half_sent);
    return finish();
}
