/* An exchange interrupted at every byte, of the request and of the reply: closed, reset, or stalled
   until the caller gives up. What comes is right, and so is the next call on the same client. */
#include "proxy.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum { LARGE = 20000, HURRY_MS = 10 };

static struct server server;
static cm_client *client; /* through the proxy */
static char large[LARGE];
static uint64_t acknowledged, unknown; /* increments */
static uint32_t last_number;           /* of "written" */

/* Every key holds its own name, but for these. */
static size_t value_of(const char *key, const char **value_out) {
    *value_out = strcmp(key, "large") == 0 ? large : key;
    return strcmp(key, "large") == 0 ? LARGE : strcmp(key, "empty") == 0 ? 0 : strlen(key);
}

static bool is_right(const cm_result *result, const char *key) {
    const char *value;
    size_t value_len = value_of(key, &value);
    if (strcmp(key, "missing") == 0)
        return result->status == CM_NOT_FOUND;
    return result->status == CM_OK && result->value_len == value_len &&
           memcmp(value_len == 0 ? "" : result->value, value, value_len) == 0;
}

/* An exchange: one batch, whose operations fit on one connection. Returns its status. */
typedef cm_status (*exchange)(uint32_t timeout_ms);

static cm_status get(const char *const *keys, size_t count, uint32_t timeout_ms) {
    cm_op ops[8] = {{0}};
    cm_results *results = NULL;
    for (size_t i = 0; i < count; i++)
        ops[i] = (cm_op){.kind = CM_OP_GET, .key = keys[i], .key_len = strlen(keys[i])};
    cm_status status = cm_execute(client, ops, sizeof *ops, count, timeout_ms, &results, NULL);
    for (size_t i = 0; i < count; i++) {
        const cm_result *result = cm_results_at(results, i);
        if (result->status >= 0) /* an error is no miss */
            CHECK(is_right(result, keys[i]));
    }
    cm_results_free(results);
    return status;
}

static cm_status a_get(uint32_t timeout_ms) {
    static const char *const keys[] = {"alpha"};
    return get(keys, 1, timeout_ms);
}

static cm_status a_get_of_many(uint32_t timeout_ms) {
    static const char *const keys[] = {"alpha", "empty", "bravo", "missing", "charlie", "alpha"};
    return get(keys, 6, timeout_ms);
}

static cm_status a_get_of_a_large_value(uint32_t timeout_ms) {
    static const char *const keys[] = {"bravo", "large", "charlie"};
    return get(keys, 3, timeout_ms);
}

static cm_status write_one(const cm_op *op, uint32_t timeout_ms, cm_result *result_out) {
    cm_results *results = NULL;
    cm_status status = cm_execute(client, op, sizeof *op, 1, timeout_ms, &results, NULL);
    *result_out = *cm_results_at(results, 0);
    cm_results_free(results);
    return status;
}

static cm_status a_set(uint32_t timeout_ms) {
    char value[VALUE_MAX];
    cm_result result;
    cm_op op = {.kind = CM_OP_SET, .key = "written", .key_len = 7, .value = value};
    op.value_len = value_write(value, op.key, ++last_number * 400); /* short */
    return write_one(&op, timeout_ms, &result);
}

static cm_status an_increment(uint32_t timeout_ms) {
    cm_result result;
    const cm_op op = {.kind = CM_OP_INCREMENT, .key = "count", .key_len = 5, .delta = 1};
    cm_status status = write_one(&op, timeout_ms, &result);
    if (status == CM_OK)
        CHECK(result.number > acknowledged && result.number <= acknowledged + unknown + 1);
    acknowledged += status == CM_OK;
    unknown += status < 0 && !(result.state & CM_UNSENT);
    return status;
}

/* All at once would be simpler, but here each is the first thing on the connection it finds. */
static void the_next_calls_are_right(void) {
    uint32_t number = 0;
    cm_result *result = NULL;
    CHECK_STATUS(CM_OK, a_get_of_many(0));
    CHECK_STATUS(CM_OK, a_set(0));
    CHECK_STATUS(CM_OK, a_get(0));
    CHECK_STATUS(CM_OK, an_increment(0));
    CHECK_STATUS(CM_OK, a_get_of_a_large_value(0));
    if (CHECK_STATUS(CM_OK, cm_get(client, "written", 7, &result, NULL)))
        CHECK(value_read(result->value, result->value_len, "written", &number) &&
              number <= last_number * 400);
    cm_result_free(result);
}

/* Whether an exchange may end so. A read that lost its connection is repeated once. A write that
   was cut off has failed. */
static bool is_allowed(cm_status status, bool is_read, enum interruption interruption,
                       bool is_whole) {
    if (interruption == STALL)
        return status == CM_ERR_TIMEOUT || (status == CM_OK && (is_read || is_whole));
    if (is_read)
        return status == CM_OK;
    return status == CM_ERR_CONNECTION || (status == CM_OK && is_whole);
}

static void interrupt(exchange exchange, bool is_read, size_t step) {
    static const char *const names[] = {"", "close", "reset", "stall"};
    proxy_interrupt(NONE, REQUESTS, 0);
    CHECK_STATUS(CM_OK, exchange(0));
    size_t lengths[] = {proxy_passed(REQUESTS), proxy_passed(REPLIES)};
    CHECK(lengths[REQUESTS] > 0 && lengths[REPLIES] > 0);
    for (int interruption = CLOSE; interruption <= STALL; interruption++)
        for (int way = REQUESTS; way <= REPLIES; way++)
            for (size_t at = 0; at <= lengths[way]; at += step) {
                proxy_interrupt((enum interruption)interruption, (enum way)way, at);
                cm_status status = exchange(interruption == STALL ? HURRY_MS : 0);
                proxy_interrupt(NONE, REQUESTS, 0); /* in case the caller gave up before it came */
                bool is_whole = way == REPLIES && at >= lengths[REPLIES];
                if (!CHECK(is_allowed(status, is_read, (enum interruption)interruption, is_whole)))
                    fprintf(stderr, "%s at byte %zu of the %s: %s\n", names[interruption], at,
                            way == REQUESTS ? "request" : "reply", cm_status_name(status));
                /* What was held back comes before the next call, or after it, when that is on
                   another connection. */
                if (at % 2 == 0 || status == CM_OK)
                    proxy_go_on();
                the_next_calls_are_right();
                proxy_go_on();
            }
}

static void during_a_get(void) { interrupt(a_get, true, 1); }
static void during_a_get_of_many(void) { interrupt(a_get_of_many, true, 1); }
static void during_a_get_of_a_large_value(void) { interrupt(a_get_of_a_large_value, true, 997); }
static void during_a_set(void) { interrupt(a_set, false, 1); }

static void during_an_increment(void) {
    interrupt(an_increment, false, 1);
    uint64_t count = 0;
    REQUIRE(cm_increment(client, "count", 5, 0, &count, NULL) == CM_OK);
    CHECK(count >= acknowledged && count <= acknowledged + unknown);
}

int main(void) {
    static const char *const keys[] = {"alpha", "empty", "bravo", "charlie", "large"};
    char address[32];
    server_start(&server, "");
    proxy_start(&server, address, sizeof address);
    client = client_open(address, "connections_per_server=1 failure_threshold=1000000");
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value;
        size_t value_len = value_of(keys[i], &value);
        REQUIRE(cm_set(client, keys[i], strlen(keys[i]), value, value_len, 0, 0, NULL) == CM_OK);
    }
    REQUIRE(cm_set(client, "count", 5, "0", 1, 0, 0, NULL) == CM_OK);
    RUN(during_a_get);
    RUN(during_a_get_of_many);
    RUN(during_a_get_of_a_large_value);
    RUN(during_a_set);
    RUN(during_an_increment);
    cm_client_free(client);
    server_kill(&server);
    return finish();
}
