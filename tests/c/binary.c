/* Keys of any bytes, as base64. */
#include "operate.h"

#include <stdlib.h>
#include <string.h>

static struct server server;
static cm_client *client;

static const char binary[] = "a key\r\n\0\x7f\xff";
enum { BINARY_LEN = sizeof binary - 1 };
#define BINARY_BASE64 "YSBrZXkNCgB//w==" /* of the key alone */

static void binary_keys(void) {
    cm_client *usual = client;
    size_t index;
    CHECK_STATUS(CM_ERR_KEY, cm_set(client, binary, BINARY_LEN, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_select_server(client, binary, BINARY_LEN, &index, NULL));

    client = client_open(server.address, "binary_keys=base64");
    CHECK_STATUS(CM_OK, cm_select_server(client, binary, BINARY_LEN, &index, NULL));
    CHECK_STATUS(CM_OK, cm_set(client, binary, BINARY_LEN, "value", 5, 9, 0, NULL));
    char *reply = server_ask(&server, "mg " BINARY_BASE64 " b v f\r\n");
    CHECK(strcmp(reply, "VA 5 f9\r\nvalue\r\n") == 0);
    free(reply);
    cm_result *result = NULL;
    REQUIRE(cm_gets(client, binary, BINARY_LEN, &result, NULL) == CM_OK);
    CHECK(result->flags == 9 && result->value_len == 5 && memcmp(result->value, "value", 5) == 0);
    CHECK_STATUS(CM_OK, cm_cas(client, binary, BINARY_LEN, "v", 1, 0, 0, result->cas, NULL));
    CHECK_STATUS(CM_EXISTS, cm_cas(client, binary, BINARY_LEN, "v", 1, 0, 0, result->cas, NULL));
    cm_result_free(result);
    CHECK_STATUS(CM_NOT_STORED, cm_add(client, binary, BINARY_LEN, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_replace(client, binary, BINARY_LEN, "1", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_append(client, binary, BINARY_LEN, "2", 1, NULL));
    CHECK_STATUS(CM_OK, cm_prepend(client, binary, BINARY_LEN, "3", 1, NULL));
    uint64_t number = 0;
    CHECK_STATUS(CM_OK, cm_increment(client, binary, BINARY_LEN, 5, &number, NULL));
    CHECK(number == 317);
    CHECK_STATUS(CM_OK, cm_decrement(client, binary, BINARY_LEN, 7, &number, NULL));
    CHECK(number == 310);
    CHECK_STATUS(CM_OK, cm_touch(client, binary, BINARY_LEN, 100, NULL));
    REQUIRE(cm_get_and_touch(client, binary, BINARY_LEN, 90, &result, NULL) == CM_OK);
    CHECK(result->value_len == 3 && memcmp(result->value, "310", 3) == 0);
    cm_result_free(result);
    cm_op look = {.kind = CM_OP_GET, .want = CM_WANT_TTL, .key = binary, .key_len = BINARY_LEN};
    CHECK(run_op(client, look).result.ttl_seconds > 80 &&
          run_op(client, look).result.ttl_seconds <= 90);
    static const char *const keys[] = {"plain", binary, "plain", binary};
    static const size_t lengths[] = {5, BINARY_LEN, 5, BINARY_LEN};
    set(client, "plain", "p");
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_get_multi(client, keys, lengths, 4, &results, NULL));
    for (size_t i = 0; i < 4; i++)
        CHECK(cm_results_at(results, i)->value_len == (i % 2 == 0 ? 1 : 3));
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_delete(client, binary, BINARY_LEN, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_get(client, binary, BINARY_LEN, &result, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_touch(client, binary, BINARY_LEN, 1, NULL));

    char longest[187] = {0};
    CHECK_STATUS(CM_OK, cm_set(client, longest, 186, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_set(client, longest, 187, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_set(client, "", 0, "v", 1, 0, 0, NULL));
    cm_client_free(client);
    client = usual;
}

/* The prefix is part of what is encoded, and of what is placed. */
static void binary_keys_with_a_prefix(void) {
    cm_client *usual = client;
    client = client_open(server.address, "binary_keys=base64 key_prefix=a");
    CHECK_STATUS(CM_OK, cm_set(client, binary + 1, BINARY_LEN - 1, "whole", 5, 0, 0, NULL));
    char *reply = server_ask(&server, "mg " BINARY_BASE64 " b v\r\n");
    CHECK(strcmp(reply, "VA 5\r\nwhole\r\n") == 0);
    free(reply);
    char longest[186] = {0};
    CHECK_STATUS(CM_OK, cm_delete(client, longest, 185, NULL) == CM_NOT_FOUND ? CM_OK : CM_EXISTS);
    CHECK_STATUS(CM_ERR_KEY, cm_delete(client, longest, 186, NULL));
    cm_client_free(client);
    client = usual;

    cm_client *whole = client_open("a,b,c,d", "binary_keys=base64");
    cm_client *prefixed = client_open("a,b,c,d", "binary_keys=base64 key_prefix=a");
    for (char last = 0; last < 32; last++) {
        char key[4] = {'a', '\n', 'x', last};
        cm_op op = {.key = key, .key_len = 4}, rest = {.key = key + 1, .key_len = 3};
        cm_explanation *one = NULL, *other = NULL;
        REQUIRE(cm_explain(whole, &op, sizeof op, &one, NULL) == CM_OK);
        REQUIRE(cm_explain(prefixed, &rest, sizeof rest, &other, NULL) == CM_OK);
        CHECK(one->position == other->position);
        cm_explanation_free(one);
        cm_explanation_free(other);
    }
    cm_client_free(whole);
    cm_client_free(prefixed);
}

/* A key the caller wants to go as base64: another name for the same item. */
static void base64_by_wish(void) {
    cm_op store = op_with(CM_OP_SET, "wish", "v", CM_WANT_BASE64_KEY);
    CHECK_STATUS(CM_OK, run_op(client, store).result.status);
    CHECK(holds(client, "wish", "v"));
    cm_op read = {.kind = CM_OP_GET, .want = CM_WANT_BASE64_KEY, .key = " \n", .key_len = 2};
    CHECK_STATUS(CM_NOT_FOUND, run_op(client, read).result.status);
    read.want = 0;
    CHECK_STATUS(CM_ERR_KEY, run_op(client, read).result.status);
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "connections_per_server=1 timeout_ms=5000");
    RUN(binary_keys);
    RUN(binary_keys_with_a_prefix);
    RUN(base64_by_wish);
    cm_client_free(client);
    return finish();
}
