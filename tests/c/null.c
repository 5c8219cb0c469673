/* NULL for every pointer argument of every function, one by one: refused or neutral, never a crash,
   and every out is written. The other objects' functions are in null_objects.c. */
#include "null.h"

#include <stdlib.h>

/* Every out that a function may write, and what stands in it before the call. */
static cm_client *made;
static cm_result *result;
static cm_results *results;
static void *block;
static size_t index_found, length;
static uint64_t number;
static uint32_t flags;
static const char *text;

static void poison_outs(void) {
    error = (cm_error *)&poison;
    made = (cm_client *)&poison;
    result = (cm_result *)&poison;
    results = (cm_results *)&poison;
    block = &poison;
    index_found = length = 77;
    number = flags = 77;
    text = (const char *)&poison;
}

static cm_client *client; /* its server need not exist: nothing here gets that far */

static void errors(void) {
    CHECK_STATUS(CM_OK, cm_error_status(NULL));
    CHECK(strcmp(cm_error_message(NULL), "") == 0);
    CHECK(strcmp(cm_error_server(NULL), "") == 0);
    CHECK(cm_error_state(NULL) == 0);
    cm_error_free(NULL);
}

static void options(void) {
    cm_options *set = cm_options_new();
    REFUSED(cm_options_set(NULL, "timeout_ms", "5", &error));
    REFUSED(cm_options_set(set, NULL, "5", &error));
    REFUSED(cm_options_set(set, "timeout_ms", NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_options_set(set, NULL, "5", NULL));
    CHECK_STATUS(CM_OK, cm_options_set(set, "timeout_ms", "5", NULL));

    REFUSED(cm_options_get(NULL, "timeout_ms", &text, &error));
    CHECK(text == NULL);
    REFUSED(cm_options_get(set, NULL, &text, &error));
    CHECK(text == NULL);
    REFUSED(cm_options_get(set, "timeout_ms", NULL, &error));
    CHECK_STATUS(CM_OK, cm_options_get(set, "timeout_ms", &text, NULL));
    CHECK(text != NULL && strcmp(text, "5") == 0);

    cm_options_free(set);
    cm_options_free(NULL);
    CHECK(cm_option_count() > 0);
    CHECK(cm_option_at(cm_option_count() - 1) != NULL);
    CHECK(cm_option_at(cm_option_count()) == NULL);
    CHECK(cm_option_at(SIZE_MAX) == NULL);
}

static void clients(void) {
    REFUSED(cm_client_new(NULL, NULL, &made, &error));
    CHECK(made == NULL);
    REFUSED(cm_client_new("127.0.0.1:1", NULL, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_client_new(NULL, NULL, &made, NULL));
    poison_outs();
    CHECK_STATUS(CM_OK, cm_client_new("127.0.0.1:1", NULL, &made, &error));
    CHECK(made != NULL && error == NULL);
    cm_client_free(made);

    REFUSED(cm_client_set_fleet(NULL, "127.0.0.1:1", NULL, &error));
    REFUSED(cm_client_set_fleet(client, NULL, NULL, &error));
    CHECK_STATUS(CM_OK, cm_client_set_fleet(client, "127.0.0.1:1", NULL, NULL));
    REFUSED(cm_client_set_servers(NULL, "127.0.0.1:1", &error));
    REFUSED(cm_client_set_servers(client, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_client_set_servers(client, "a,", NULL));
    CHECK(cm_client_server_count(NULL) == 0);
    cm_client_close(NULL);
    cm_client_free(NULL);

    REFUSED(cm_select_server(NULL, "k", 1, &index_found, &error));
    CHECK(index_found != 77);
    REFUSED(cm_select_server(client, NULL, 1, &index_found, &error));
    CHECK(index_found != 77);
    REFUSED_AS(CM_ERR_KEY, cm_select_server(client, NULL, 0, &index_found, &error));
    REFUSED(cm_select_server(client, "k", 1, NULL, &error));
    CHECK_STATUS(CM_OK, cm_select_server(client, "k", 1, &index_found, NULL));
}

static void reads(void) {
    REFUSED(cm_get(NULL, "k", 1, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_get(client, NULL, 1, &result, &error));
    CHECK(result == NULL);
    REFUSED_AS(CM_ERR_KEY, cm_get(client, NULL, 0, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_get(client, "k", 1, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get(client, NULL, 1, &result, NULL));

    REFUSED(cm_gets(NULL, "k", 1, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_gets(client, NULL, 1, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_gets(client, "k", 1, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_gets(client, NULL, 1, &result, NULL));

    REFUSED(cm_get_and_touch(NULL, "k", 1, 0, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_get_and_touch(client, NULL, 1, 0, &result, &error));
    CHECK(result == NULL);
    REFUSED(cm_get_and_touch(client, "k", 1, 0, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_and_touch(client, NULL, 1, 0, &result, NULL));
    cm_result_free(NULL);
}

static void read_into_a_buffer(void) {
    char buffer[8];
    REFUSED(cm_get_into(NULL, "k", 1, buffer, sizeof buffer, &length, &flags, &error));
    CHECK(length == 0 && flags == 0);
    REFUSED(cm_get_into(client, NULL, 1, buffer, sizeof buffer, &length, &flags, &error));
    CHECK(length == 0 && flags == 0);
    REFUSED(cm_get_into(client, "k", 1, NULL, sizeof buffer, &length, &flags, &error));
    CHECK(length == 0 && flags == 0);
    REFUSED(cm_get_into(client, "k", 1, buffer, sizeof buffer, NULL, &flags, &error));
    CHECK(flags == 0);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_into(client, NULL, 1, buffer, 8, &length, &flags, NULL));
}

/* cm_set, cm_add and cm_replace have one shape, and so do cm_append and cm_prepend. */
typedef cm_status (*store_function)(cm_client *, const char *, size_t, const void *, size_t,
                                    uint32_t, int64_t, cm_error **);
typedef cm_status (*extend_function)(cm_client *, const char *, size_t, const void *, size_t,
                                     cm_error **);

static void writes(void) {
    static const store_function stores[] = {cm_set, cm_add, cm_replace};
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        REFUSED(stores[i](NULL, "k", 1, "v", 1, 0, 0, &error));
        REFUSED(stores[i](client, NULL, 1, "v", 1, 0, 0, &error));
        REFUSED_AS(CM_ERR_KEY, stores[i](client, NULL, 0, "v", 1, 0, 0, &error));
        REFUSED(stores[i](client, "k", 1, NULL, 1, 0, 0, &error));
        CHECK_STATUS(CM_ERR_ARGUMENT, stores[i](client, NULL, 1, "v", 1, 0, 0, NULL));
    }
    static const extend_function extends[] = {cm_append, cm_prepend};
    for (size_t i = 0; i < sizeof extends / sizeof *extends; i++) {
        REFUSED(extends[i](NULL, "k", 1, "v", 1, &error));
        REFUSED(extends[i](client, NULL, 1, "v", 1, &error));
        REFUSED(extends[i](client, "k", 1, NULL, 1, &error));
        CHECK_STATUS(CM_ERR_ARGUMENT, extends[i](client, NULL, 1, "v", 1, NULL));
    }
    REFUSED(cm_cas(NULL, "k", 1, "v", 1, 0, 0, 1, &error));
    REFUSED(cm_cas(client, NULL, 1, "v", 1, 0, 0, 1, &error));
    REFUSED(cm_cas(client, "k", 1, NULL, 1, 0, 0, 1, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_cas(client, NULL, 1, "v", 1, 0, 0, 1, NULL));
}

static void the_other_operations(void) {
    REFUSED(cm_delete(NULL, "k", 1, &error));
    REFUSED(cm_delete(client, NULL, 1, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_delete(client, NULL, 1, NULL));

    REFUSED(cm_touch(NULL, "k", 1, 0, &error));
    REFUSED(cm_touch(client, NULL, 1, 0, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_touch(client, NULL, 1, 0, NULL));

    REFUSED(cm_increment(NULL, "k", 1, 1, &number, &error));
    CHECK(number == 0);
    REFUSED(cm_increment(client, NULL, 1, 1, &number, &error));
    CHECK(number == 0);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_increment(client, NULL, 1, 1, &number, NULL));

    REFUSED(cm_decrement(NULL, "k", 1, 1, &number, &error));
    CHECK(number == 0);
    REFUSED(cm_decrement(client, NULL, 1, 1, &number, &error));
    CHECK(number == 0);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_decrement(client, NULL, 1, 1, &number, NULL));
}

static void batches(void) {
    const char *const keys[] = {"k"};
    const size_t lengths[] = {1};
    const cm_op op = {.kind = CM_OP_SET, .key = "k", .key_len = 1, .value = "v", .value_len = 1};

    REFUSED(cm_execute(NULL, &op, sizeof op, 1, 0, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_execute(client, NULL, sizeof op, 1, 0, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_execute(client, &op, sizeof op, 1, 0, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_execute(client, NULL, sizeof op, 1, 0, &results, NULL));

    REFUSED(cm_set_multi(NULL, &op, sizeof op, 1, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_set_multi(client, NULL, sizeof op, 1, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_set_multi(client, &op, sizeof op, 1, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_set_multi(client, NULL, sizeof op, 1, &results, NULL));

    typedef cm_status (*keys_function)(cm_client *, const char *const *, const size_t *, size_t,
                                       cm_results **, cm_error **);
    static const keys_function calls[] = {cm_get_multi, cm_delete_multi};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        REFUSED(calls[i](NULL, keys, lengths, 1, &results, &error));
        CHECK(results == NULL);
        REFUSED(calls[i](client, NULL, lengths, 1, &results, &error));
        CHECK(results == NULL);
        REFUSED(calls[i](client, keys, NULL, 1, &results, &error));
        CHECK(results == NULL);
        REFUSED(calls[i](client, keys, lengths, 1, NULL, &error));
        CHECK_STATUS(CM_ERR_ARGUMENT, calls[i](client, NULL, lengths, 1, &results, NULL));
    }
    CHECK(cm_results_count(NULL) == 0);
    CHECK(cm_results_at(NULL, 0) == NULL);
    cm_results_free(NULL);
}

/* A NULL within the arrays is the matter of that one operation. */
static void operations_of_a_batch(void) {
    const char *const keys[] = {NULL, NULL};
    const size_t lengths[] = {1, 0};
    const cm_op op = {.kind = CM_OP_SET, .key = "k", .key_len = 1, .value_len = 1};

    REFUSED(cm_get_multi(client, keys, lengths, 2, &results, &error));
    REQUIRE(cm_results_count(results) == 2);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_results_at(results, 0)->status);
    CHECK_STATUS(CM_ERR_KEY, cm_results_at(results, 1)->status);
    CHECK(cm_results_at(results, 2) == NULL);
    cm_results_free(results);

    REFUSED(cm_execute(client, &op, sizeof op, 1, 0, &results, &error));
    REQUIRE(cm_results_count(results) == 1);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_results_at(results, 0)->status);
    cm_results_free(results);
}

static void calls_to_every_server(void) {
    REFUSED(cm_stats(NULL, NULL, 0, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_stats(client, NULL, 5, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_stats(client, NULL, 0, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_stats(NULL, NULL, 0, &results, NULL));

    REFUSED(cm_flush_all(NULL, 0, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_flush_all(client, 0, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_flush_all(NULL, 0, &results, NULL));

    REFUSED(cm_server_versions(NULL, &results, &error));
    CHECK(results == NULL);
    REFUSED(cm_server_versions(client, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_server_versions(NULL, &results, NULL));
}

static void packed_reads(void) {
    const uint32_t lengths[] = {1};
    REFUSED(cm_get_multi_packed(NULL, 0, "k", 1, lengths, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_get_multi_packed(client, 0, NULL, 1, lengths, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_get_multi_packed(client, 0, "k", 1, NULL, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_get_multi_packed(client, 0, "k", 1, lengths, 1, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_multi_packed(NULL, 0, "k", 1, lengths, 1, &block, NULL));

    REFUSED(cm_delete_multi_packed(NULL, "k", 1, lengths, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_delete_multi_packed(client, NULL, 1, lengths, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_delete_multi_packed(client, "k", 1, NULL, 1, &block, &error));
    CHECK(block == NULL);
    REFUSED(cm_delete_multi_packed(client, "k", 1, lengths, 1, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_delete_multi_packed(NULL, "k", 1, lengths, 1, &block, NULL));
    cm_block_free(NULL);
}

static cm_status set_packed(cm_client *to, const void *keys, const uint32_t *key_lens,
                            const void *values, const uint32_t *value_lens, void **block_out,
                            cm_error **error_out) {
    return cm_set_multi_packed(to, CM_OP_SET, keys, 1, key_lens, values, 1, value_lens, NULL, 0, 1,
                               block_out, error_out);
}

static void packed_writes(void) {
    const uint32_t one[] = {1};
    REFUSED(set_packed(NULL, "k", one, "v", one, &block, &error));
    CHECK(block == NULL);
    REFUSED(set_packed(client, NULL, one, "v", one, &block, &error));
    CHECK(block == NULL);
    REFUSED(set_packed(client, "k", NULL, "v", one, &block, &error));
    CHECK(block == NULL);
    REFUSED(set_packed(client, "k", one, NULL, one, &block, &error));
    CHECK(block == NULL);
    REFUSED(set_packed(client, "k", one, "v", NULL, &block, &error));
    CHECK(block == NULL);
    REFUSED(set_packed(client, "k", one, "v", one, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, set_packed(NULL, "k", one, "v", one, &block, NULL));
}

int main(void) {
    client = client_open("127.0.0.1:1", "");
    RUN(errors);
    RUN(options);
    RUN(clients);
    RUN(reads);
    RUN(read_into_a_buffer);
    RUN(writes);
    RUN(the_other_operations);
    RUN(batches);
    RUN(operations_of_a_batch);
    RUN(calls_to_every_server);
    RUN(packed_reads);
    RUN(packed_writes);
    cm_client_free(client);
    return finish();
}
