/* max_batch_bytes: what the values of a batch may come to, whatever the servers send. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SERVERS = 4,
    LARGE = 200, /* keys with a value of LARGE_SIZE bytes */
    SMALL = 50,  /* keys with a value of SMALL_SIZE bytes */
    KEYS = LARGE + SMALL,
    LARGE_SIZE = 1000 * 1000,
    SMALL_SIZE = 100,
    THREADS = 6,
};

static struct server servers[SERVERS];
static char *list;
static char names[KEYS][16];
static const char *keys[KEYS]; /* the large ones first */
static size_t lengths[KEYS];

static char *value_of(size_t key) {
    size_t size = key < LARGE ? LARGE_SIZE : SMALL_SIZE;
    char *value = malloc(size);
    REQUIRE(value != NULL);
    memset(value, 'a' + (int)(key % 26), size);
    return value;
}

static void store_all(void) {
    cm_client *client = client_open(list, "");
    for (size_t key = 0; key < KEYS; key++) {
        snprintf(names[key], sizeof names[key], "key:%zu", key);
        keys[key] = names[key];
        lengths[key] = strlen(names[key]);
        char *value = value_of(key);
        size_t size = key < LARGE ? LARGE_SIZE : SMALL_SIZE;
        REQUIRE(cm_set(client, keys[key], lengths[key], value, size, 0, 0, NULL) == CM_OK);
        free(value);
    }
    cm_client_free(client);
}

static bool is_true(const cm_result *result, size_t key) {
    char *value = value_of(key);
    size_t size = key < LARGE ? LARGE_SIZE : SMALL_SIZE;
    bool good = result->value_len == size && memcmp(result->value, value, size) == 0;
    free(value);
    return good;
}

/* How many of these keys have their value; the others were refused. */
static size_t count_brought(const cm_results *results, size_t first, size_t count) {
    size_t brought = 0;
    for (size_t i = 0; i < count; i++) {
        const cm_result *result = cm_results_at(results, i);
        if (result->status == CM_OK) {
            CHECK(is_true(result, first + i));
            brought++;
        } else {
            CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE, result->status);
            CHECK(result->value == NULL && result->value_len == 0);
            CHECK(result->server < SERVERS && !(result->state & CM_UNSENT));
        }
    }
    return brought;
}

static void brings(cm_client *client, size_t first, size_t count, size_t brought) {
    cm_results *results = NULL;
    cm_error *error = NULL;
    cm_status expected = brought == count ? CM_OK : CM_ERR_VALUE_TOO_LARGE;
    CHECK_STATUS(expected,
                 cm_get_multi(client, keys + first, lengths + first, count, &results, &error));
    CHECK(count_brought(results, first, count) == brought);
    cm_error_free(error);
    cm_results_free(results);
}

static uint64_t connections(void) {
    uint64_t count = 0;
    for (size_t i = 0; i < SERVERS; i++)
        count += server_stat(&servers[i], "total_connections");
    return count;
}

static long peak_memory_kb(void) {
    struct rusage usage;
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

/* Twenty times what it may come to, from all servers at once. */
static void far_too_much(void) {
    cm_client *client = client_open(list, "max_batch_bytes=10500000 connections_per_server=1");
    brings(client, LARGE, SMALL, SMALL);
    long before = peak_memory_kb();
    uint64_t connected = connections();
    for (int round = 0; round < 3; round++) {
        brings(client, 0, LARGE, 10);
        /* What is small still fits. */
        cm_results *results = NULL;
        cm_error *error = NULL;
        CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                     cm_get_multi(client, keys, lengths, KEYS, &results, &error));
        CHECK(count_brought(results, 0, KEYS) == 10 + SMALL);
        for (size_t key = LARGE; key < KEYS; key++)
            CHECK_STATUS(CM_OK, cm_results_at(results, key)->status);
        unsigned len, left, limit;
        CHECK(sscanf(cm_error_message(error),
                     "a value of %u bytes, %u are left of max_batch_bytes=%u", &len, &left,
                     &limit) == 3);
        CHECK(len == LARGE_SIZE && left < len && limit == 10500000);
        CHECK(strncmp(cm_error_server(error), "127.0.0.1:", 10) == 0);
        cm_error_free(error);
        cm_results_free(results);
        /* The next call is right, on the same connections. */
        brings(client, LARGE, SMALL, SMALL);
    }
    /* Each look at the servers' own counters is a connection to each. */
    CHECK(connections() == connected + SERVERS);
    CHECK(peak_memory_kb() - before < 40 * 1024);
    cm_client_free(client);
}

static void at_the_limit(void) {
    static const struct {
        const char *options;
        size_t first, count, brought;
    } cases[] = {
        {"max_batch_bytes=5000000", 0, 5, 5},
        {"max_batch_bytes=4999999", 0, 5, 4},
        {"max_batch_bytes=1000", LARGE, 10, 10},
        {"max_batch_bytes=999", LARGE, 10, 9},
        {"max_batch_bytes=1", 0, 5, 0},
        {"max_batch_bytes=1", LARGE, 5, 0},
        {"max_batch_bytes=1000099", LARGE - 1, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cm_client *client = client_open(list, cases[i].options);
        brings(client, cases[i].first, cases[i].count, cases[i].brought);
        brings(client, cases[i].first, cases[i].count, cases[i].brought);
        cm_client_free(client);
    }
}

static void what_does_not_count(void) {
    cm_client *client = client_open(list, "max_batch_bytes=1");
    cm_result *result = NULL;
    CHECK_STATUS(CM_OK, cm_get(client, keys[0], lengths[0], &result, NULL));
    CHECK(is_true(result, 0));
    cm_result_free(result);
    cm_results *results = NULL;
    cm_op ops[2] = {{.kind = CM_OP_GET, .want = CM_WANT_NO_VALUE | CM_WANT_SIZE},
                    {.kind = CM_OP_TOUCH, .ttl_seconds = 1000}};
    ops[0].key = ops[1].key = keys[1];
    ops[0].key_len = ops[1].key_len = lengths[1];
    CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *ops, 2, 0, &results, NULL));
    CHECK(cm_results_at(results, 0)->size == LARGE_SIZE);
    cm_results_free(results);
    cm_client_free(client);
    cm_options *options = cm_options_new();
    CHECK_STATUS(CM_ERR_OPTION, cm_options_set(options, "max_batch_bytes", "0", NULL));
    cm_options_free(options);
}

/* Through the meta commands. */
static void with_what_else_there_is(void) {
    cm_client *client = client_open(list, "max_batch_bytes=3000000");
    cm_op ops[LARGE] = {{0}};
    for (size_t i = 0; i < LARGE; i++) {
        ops[i].kind = CM_OP_GET;
        ops[i].want = i % 2 == 0 ? CM_WANT_TTL : 0;
        ops[i].key = keys[i];
        ops[i].key_len = lengths[i];
    }
    cm_results *results = NULL;
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_execute(client, ops, sizeof *ops, LARGE, 0, &results, NULL));
    CHECK(count_brought(results, 0, LARGE) == 3);
    cm_results_free(results);
    brings(client, LARGE, SMALL, SMALL);
    cm_client_free(client);
}

static void packed(void) {
    struct record {
        int32_t status;
        uint32_t flags;
        uint64_t offset, length, rest[5];
    };
    cm_client *client = client_open(list, "max_batch_bytes=5000050");
    char all[KEYS * 16];
    uint32_t lens[KEYS];
    size_t size = 0, brought = 0;
    for (size_t key = 0; key < KEYS; key++) {
        memcpy(all + size, keys[key], lengths[key]);
        size += lens[key] = (uint32_t)lengths[key];
    }
    void *block = NULL;
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_get_multi_packed(client, 0, all, size, lens, KEYS, &block, NULL));
    const struct record *records = (const struct record *)((const char *)block + 16);
    for (size_t key = 0; key < KEYS; key++) {
        cm_result result = {.value = (const char *)block + records[key].offset,
                            .value_len = records[key].length};
        if (records[key].status == CM_OK && CHECK(is_true(&result, key)))
            brought += records[key].length;
        else
            CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE, records[key].status);
    }
    CHECK(brought > 4000000 && brought <= 5000050);
    cm_block_free(block);
    cm_client_free(client);
}

static void *a_thread(void *client) {
    for (int round = 0; round < 15; round++) {
        brings(client, 0, 16, 4);
        brings(client, LARGE, SMALL, SMALL);
    }
    return NULL;
}

/* Who is carried by others has a budget of its own. */
static void threads_on_one_connection(void) {
    cm_client *client = client_open(list, "max_batch_bytes=4000000 connections_per_server=1");
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, a_thread, client) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    cm_client_free(client);
}

int main(void) {
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "-I 2m -m 200");
    list = server_list(servers, SERVERS);
    store_all();
    RUN(far_too_much);
    RUN(at_the_limit);
    RUN(what_does_not_count);
    RUN(with_what_else_there_is);
    RUN(packed);
    RUN(threads_on_one_connection);
    free(list);
    return finish();
}
