/* Batches: mixes, partial failures, the size of a cm_op, large ones, the packed form.

   batch [GETS] [SETS]: how many of each the large batches have. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 4, LARGE_VALUE = 500 * 1000 };

static size_t get_count = 100000, set_count = 2000;
static struct server servers[SERVERS];
static cm_client *client;

static cm_op operation(uint32_t kind, const char *key, const char *value) {
    cm_op op = {.kind = kind, .key = key, .key_len = strlen(key)};
    op.value = value;
    op.value_len = value == NULL ? 0 : strlen(value);
    return op;
}

static bool has(const cm_result *result, cm_status status, const char *value) {
    return CHECK_STATUS(status, result->status) && CHECK(result->value_len == strlen(value)) &&
           CHECK(memcmp(result->value == NULL ? "" : result->value, value, strlen(value)) == 0);
}

/* All on one key, so on one server, one after the other. */
static void a_mix_in_order(void) {
    cm_op ops[] = {
        operation(CM_OP_GET, "mix", NULL),     operation(CM_OP_SET, "mix", "5"),
        operation(CM_OP_ADD, "mix", "6"),      operation(CM_OP_INCREMENT, "mix", NULL),
        operation(CM_OP_GET, "mix", NULL),     operation(CM_OP_APPEND, "mix", "0"),
        operation(CM_OP_PREPEND, "mix", "1"),  operation(CM_OP_DECREMENT, "mix", NULL),
        operation(CM_OP_REPLACE, "mix", "x"),  operation(CM_OP_CAS, "mix", "y"),
        operation(CM_OP_TOUCH, "mix", NULL),   operation(CM_OP_GET_AND_TOUCH, "mix", NULL),
        operation(CM_OP_DELETE, "mix", NULL),  operation(CM_OP_DELETE, "mix", NULL),
        operation(CM_OP_REPLACE, "mix", "no"), operation(CM_OP_CAS, "mix", "no"),
    };
    enum { COUNT = sizeof ops / sizeof *ops };
    ops[3].delta = 2;
    ops[7].delta = 20;
    ops[4].want = ops[11].want = CM_WANT_CAS;
    ops[9].cas = ops[15].cas = 1;
    ops[8].flags = 3;
    cm_results *results = NULL;
    cm_error *error = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *ops, COUNT, 0, &results, &error));
    CHECK(error == NULL);
    REQUIRE(cm_results_count(results) == COUNT);
    static const cm_status expected[COUNT] = {
        CM_NOT_FOUND, CM_OK,        CM_NOT_STORED, CM_OK,        CM_OK, CM_OK,
        CM_OK,        CM_OK,        CM_OK,         CM_EXISTS,    CM_OK, CM_OK,
        CM_OK,        CM_NOT_FOUND, CM_NOT_STORED, CM_NOT_FOUND,
    };
    for (size_t i = 0; i < COUNT; i++) {
        const cm_result *result = cm_results_at(results, i);
        if (!CHECK_STATUS(expected[i], result->status))
            fprintf(stderr, "of operation %zu\n", i);
        CHECK(result->server == cm_results_at(results, 0)->server);
        CHECK(result->state == 0);
    }
    CHECK(cm_results_at(results, 3)->number == 7);
    CHECK(has(cm_results_at(results, 4), CM_OK, "7") && cm_results_at(results, 4)->cas != 0);
    CHECK(cm_results_at(results, 7)->number == 150);
    CHECK(has(cm_results_at(results, 11), CM_OK, "x") && cm_results_at(results, 11)->cas != 0);
    CHECK(cm_results_at(results, 11)->flags == 3);
    cm_results_free(results);
}

static void one_bad_operation_spares_the_others(void) {
    cm_op ops[] = {
        operation(CM_OP_SET, "good:1", "1"),  operation(CM_OP_SET, "bad key", "2"),
        operation(CM_OP_SET, "good:2", "3"),  operation(99, "kind", NULL),
        operation(CM_OP_SET, "ttl", "4"),     operation(CM_OP_GET, "reserved", NULL),
        operation(CM_OP_GET, "later", NULL),  operation(0, "none", NULL),
        operation(CM_OP_GET, "good:1", NULL), operation(CM_OP_GET, "want", NULL),
    };
    enum { COUNT = sizeof ops / sizeof *ops };
    ops[4].ttl_seconds = INT64_MAX;
    ops[5].reserved = 1;
    ops[6].lease_seconds = -1;
    ops[9].want = 1u << 31;
    cm_results *results = NULL;
    cm_error *error = NULL;
    CHECK_STATUS(CM_ERR_KEY, cm_execute(client, ops, sizeof *ops, COUNT, 0, &results, &error));
    CHECK_STATUS(CM_ERR_KEY, cm_error_status(error));
    cm_error_free(error);
    REQUIRE(cm_results_count(results) == COUNT);
    static const cm_status expected[COUNT] = {
        CM_OK,           CM_ERR_KEY,      CM_OK,           CM_ERR_ARGUMENT, CM_ERR_ARGUMENT,
        CM_ERR_ARGUMENT, CM_ERR_ARGUMENT, CM_ERR_ARGUMENT, CM_OK,           CM_ERR_UNSUPPORTED,
    };
    for (size_t i = 0; i < COUNT; i++) {
        const cm_result *result = cm_results_at(results, i);
        if (!CHECK_STATUS(expected[i], result->status))
            fprintf(stderr, "of operation %zu\n", i);
        CHECK((result->state == CM_UNSENT) == (expected[i] < 0));
    }
    CHECK(has(cm_results_at(results, 8), CM_OK, "1"));
    cm_results_free(results);
}

/* A caller compiled with a later header may have a larger cm_op. */
struct larger_op {
    cm_op op;
    uint64_t later;
};

static void the_size_of_an_operation(void) {
    struct larger_op larger[2] = {{operation(CM_OP_SET, "size:1", "1"), 0},
                                  {operation(CM_OP_SET, "size:2", "2"), 0}};
    const cm_op *ops = &larger[0].op;
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *larger, 2, 0, &results, NULL));
    REQUIRE(cm_results_count(results) == 2);
    cm_results_free(results);
    cm_result *result = NULL;
    REQUIRE(cm_get(client, "size:2", 6, &result, NULL) == CM_OK);
    CHECK(has(result, CM_OK, "2"));
    cm_result_free(result);

    larger[1].later = 1; /* asks for something this library does not know */
    cm_status status = cm_execute(client, ops, sizeof *larger, 2, 0, &results, NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, status);
    cm_results_free(results);

    CHECK_STATUS(CM_ERR_ARGUMENT, cm_execute(client, ops, sizeof *ops - 1, 1, 0, &results, NULL));
    CHECK(results == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_execute(client, ops, sizeof *ops - 8, 1, 0, &results, NULL));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_execute(client, ops, 0, 1, 0, &results, NULL));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_set_multi(client, ops, 8, 1, &results, NULL));
    CHECK(results == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_execute(client, ops, SIZE_MAX, 2, 0, &results, NULL));
}

static void routed_by_something_else(void) {
    cm_op ops[] = {operation(CM_OP_SET, "routed", "here"), operation(CM_OP_SET, "routed", "here")};
    bool used[SERVERS] = {false};
    for (int i = 0; i < 64; i++) {
        char route[16];
        size_t owner = SERVERS;
        cm_results *results = NULL;
        ops[0].route = route;
        ops[0].route_len = (size_t)snprintf(route, sizeof route, "route:%d", i);
        ops[1].want = CM_WANT_HASH;
        ops[1].hash = INT64_C(-1234567890123) * i;
        CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *ops, 2, 0, &results, NULL));
        REQUIRE(cm_results_count(results) == 2);
        CHECK_STATUS(CM_OK, cm_select_server(client, route, ops[0].route_len, &owner, NULL));
        CHECK(cm_results_at(results, 0)->server == owner);
        REQUIRE(cm_results_at(results, 1)->server < SERVERS);
        used[cm_results_at(results, 1)->server] = true;
        cm_results_free(results);
    }
    CHECK(used[0] + used[1] + used[2] + used[3] >= 2);
}

static void nothing_and_duplicates(void) {
    cm_results *results = NULL;
    void *block = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, NULL, sizeof(cm_op), 0, 0, &results, NULL));
    CHECK(results != NULL && cm_results_count(results) == 0 && cm_results_at(results, 0) == NULL);
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_get_multi(client, NULL, NULL, 0, &results, NULL));
    CHECK(results != NULL && cm_results_count(results) == 0);
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_get_multi_packed(client, 0, NULL, 0, NULL, 0, &block, NULL));
    CHECK(block != NULL && ((uint32_t *)block)[1] == 0);
    cm_block_free(block);

    static const char *const keys[] = {"twice", "none", "twice", "none", "twice"};
    static const size_t lengths[] = {5, 4, 5, 4, 5};
    CHECK_STATUS(CM_OK, cm_set(client, "twice", 5, "2", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_get_multi(client, keys, lengths, 5, &results, NULL));
    REQUIRE(cm_results_count(results) == 5);
    for (size_t i = 0; i < 5; i++)
        CHECK(has(cm_results_at(results, i), i % 2 == 0 ? CM_OK : CM_NOT_FOUND,
                  i % 2 == 0 ? "2" : ""));
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_delete_multi(client, keys, lengths, 5, &results, NULL));
    REQUIRE(cm_results_count(results) == 5);
    for (size_t i = 0; i < 5; i++)
        CHECK_STATUS(i == 0 ? CM_OK : CM_NOT_FOUND, cm_results_at(results, i)->status);
    cm_results_free(results);
}

/* `count` keys end to end in `text`, with a pointer and a length for each. */
struct key_list {
    char *text;
    const char **keys;
    size_t *lengths;
    uint32_t *short_lengths;
    size_t size;
};

static struct key_list key_list(size_t count) {
    struct key_list list = {malloc(count * 24), malloc(count * sizeof(char *)),
                            malloc(count * sizeof(size_t)), malloc(count * sizeof(uint32_t)), 0};
    REQUIRE(list.text && list.keys && list.lengths && list.short_lengths);
    for (size_t i = 0; i < count; i++) {
        list.keys[i] = list.text + list.size;
        list.lengths[i] = (size_t)sprintf(list.text + list.size, "key:%zu", i);
        list.short_lengths[i] = (uint32_t)list.lengths[i];
        list.size += list.lengths[i];
    }
    return list;
}

static void key_list_free(struct key_list list) {
    free(list.text);
    free(list.keys);
    free(list.lengths);
    free(list.short_lengths);
}

/* Each key is its own value. */
static void many_gets(void) {
    struct key_list list = key_list(get_count);
    cm_op *items = calloc(get_count, sizeof *items);
    REQUIRE(items != NULL);
    for (size_t i = 0; i < get_count; i++) {
        items[i].key = list.keys[i];
        items[i].value = list.keys[i];
        items[i].key_len = items[i].value_len = list.lengths[i];
    }
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_set_multi(client, items, sizeof *items, get_count, &results, NULL));
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_get_multi(client, list.keys, list.lengths, get_count, &results, NULL));
    REQUIRE(cm_results_count(results) == get_count);
    size_t wrong = 0, on[SERVERS] = {0};
    for (size_t i = 0; i < get_count; i++) {
        const cm_result *result = cm_results_at(results, i);
        wrong += result->status != CM_OK || result->value_len != list.lengths[i] ||
                 memcmp(result->value, list.keys[i], list.lengths[i]) != 0;
        on[result->server % SERVERS]++;
    }
    CHECK(wrong == 0);
    for (size_t i = 0; i < SERVERS; i++)
        CHECK(on[i] == server_stat(&servers[i], "cmd_get") && on[i] > get_count / 5);
    cm_results_free(results);
    free(items);
    key_list_free(list);
}

/* Requests of a gigabyte, to servers that evict as it comes. */
static void many_large_sets(void) {
    struct key_list list = key_list(set_count);
    cm_op *items = calloc(set_count, sizeof *items);
    char *value = malloc(LARGE_VALUE);
    REQUIRE(items != NULL && value != NULL);
    memset(value, 'v', LARGE_VALUE);
    for (size_t i = 0; i < set_count; i++)
        items[i] = (cm_op){.kind = CM_OP_SET,
                           .key = list.keys[i],
                           .key_len = list.lengths[i],
                           .value = value,
                           .value_len = LARGE_VALUE};
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, items, sizeof *items, set_count, 0, &results, NULL));
    CHECK(cm_results_count(results) == set_count);
    cm_results_free(results);

    /* Set and get in turns: the replies too are larger than what any buffer holds. */
    for (size_t i = 1; i < set_count; i += 2)
        items[i] =
            (cm_op){.kind = CM_OP_GET, .key = list.keys[i - 1], .key_len = list.lengths[i - 1]};
    CHECK_STATUS(CM_OK, cm_execute(client, items, sizeof *items, set_count / 4, 0, &results, NULL));
    size_t wrong = 0;
    for (size_t i = 1; i < cm_results_count(results); i += 2) {
        const cm_result *result = cm_results_at(results, i);
        wrong += result->status != CM_OK || result->value_len != LARGE_VALUE ||
                 memcmp(result->value, value, LARGE_VALUE) != 0;
    }
    CHECK(wrong == 0);
    cm_results_free(results);
    free(value);
    free(items);
    key_list_free(list);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 2) {
        get_count = strtoul(arguments[1], NULL, 10);
        set_count = strtoul(arguments[2], NULL, 10);
    }
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "-m 64 -I 2m");
    char *list = server_list(servers, SERVERS);
    client = client_open(list, "timeout_ms=120000");
    free(list);
    RUN(many_gets);
    RUN(a_mix_in_order);
    RUN(one_bad_operation_spares_the_others);
    RUN(the_size_of_an_operation);
    RUN(routed_by_something_else);
    RUN(nothing_and_duplicates);
    RUN(many_large_sets);
    cm_client_free(client);
    return finish();
}
