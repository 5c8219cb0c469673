/* A server that lies about writes, and within batches of all kinds: every answer belongs to its own
   request or is an error, and the next call is right. */
#include "fake.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static char address[32];

static cm_client *fresh_client(void) {
    return client_open(address, "connections_per_server=1 failure_threshold=1000");
}

static bool is_true(const cm_result *result, const char *key) {
    char expected[64];
    snprintf(expected, sizeof expected, "true %s", key);
    return result != NULL && result->status == CM_OK && result->value_len == strlen(expected) &&
           memcmp(result->value, expected, result->value_len) == 0;
}

/* One of each kind, and what an honest server answers. No two neighbours share a command. */
enum { KINDS = 6 };

static const cm_op MIX[KINDS] = {
    {.kind = CM_OP_GET, .key = "first", .key_len = 5},
    {.kind = CM_OP_SET, .key = "key", .key_len = 3, .value = "v", .value_len = 1},
    {.kind = CM_OP_INCREMENT, .key = "number", .key_len = 6, .delta = 1},
    {.kind = CM_OP_GET, .key = "second", .key_len = 6},
    {.kind = CM_OP_DELETE, .key = "key", .key_len = 3},
    {.kind = CM_OP_TOUCH, .key = "key", .key_len = 3, .ttl_seconds = 100},
};

static bool is_honest(size_t i, const cm_result *result) {
    if (MIX[i].kind == CM_OP_GET)
        return is_true(result, MIX[i].key);
    return result->status == CM_OK && result->value_len == 0 &&
           result->number == (MIX[i].kind == CM_OP_INCREMENT ? 42 : 0);
}

static void the_next_calls_are_right(cm_client *client, const char *lie) {
    cm_results *results = NULL;
    bool right = cm_execute(client, MIX, sizeof *MIX, KINDS, 0, &results, NULL) == CM_OK;
    for (size_t i = 0; i < KINDS; i++)
        right = is_honest(i, cm_results_at(results, i)) && right;
    cm_results_free(results);
    for (size_t i = 0; i < KINDS; i++) {
        right = cm_execute(client, MIX + i, sizeof *MIX, 1, 0, &results, NULL) == CM_OK && right;
        right = is_honest(i, cm_results_at(results, 0)) && right;
        cm_results_free(results);
    }
    if (!CHECK(right))
        fprintf(stderr, "after the lie %.60s\n", lie);
}

/* What a lie is to make of the operation it is told to. */
struct lie {
    const char *reply;
    cm_status expected;
};

static const struct lie LIES[] = {
    {"SERVER_ERROR out of memory\r\n", CM_ERR_SERVER},
    {"CLIENT_ERROR bad data chunk\r\n", CM_ERR_REJECTED},
    {"ERROR\r\n", CM_ERR_UNSUPPORTED},
    {"OK\r\n", CM_ERR_PROTOCOL},
    {"EXISTS\r\n", CM_ERR_PROTOCOL},
    {"VALUE key 0 4\r\nliar\r\nEND\r\n", CM_ERR_PROTOCOL},
    {"VALUE key 0 4294967295\r\nliar", CM_ERR_PROTOCOL},
    {"-1\r\n", CM_ERR_PROTOCOL},
    {"4 2\r\n", CM_ERR_PROTOCOL},
    {"42%w\r\n", CM_ERR_TIMEOUT},
    {"18446744073709551616\r\n", CM_ERR_PROTOCOL},
    {"STORED\n", CM_ERR_PROTOCOL},
    {"STOREDSTORED\r\n", CM_ERR_PROTOCOL},
    {"\r\n", CM_ERR_PROTOCOL},
    {"%w%h", CM_ERR_TIMEOUT},
    {"%c", CM_ERR_CONNECTION},
};
enum { LIE_COUNT = sizeof LIES / sizeof *LIES };

static bool waits(const char *lie) { return strstr(lie, "%w") != NULL; }

/* Runs operations, and the lie is told to one of them. On what the fake does not finish a caller
   gives up early, on a busy machine perhaps before it has sent anything: then once more. */
static cm_results *execute(cm_client *client, const cm_op *ops, size_t count, size_t told,
                           const struct lie *lie) {
    cm_results *results = NULL;
    do {
        cm_results_free(results);
        fake_tell(told, lie->reply);
        uint32_t timeout_ms = lie->expected == CM_ERR_TIMEOUT ? 50 : 0;
        cm_execute(client, ops, sizeof *ops, count, timeout_ms, &results, NULL);
    } while (lie->expected == CM_ERR_TIMEOUT && cm_results_at(results, told)->state & CM_UNSENT);
    if (CHECK(fake_has_told()) && waits(lie->reply))
        fake_go_on();
    return results;
}

/* A read whose connection ends is repeated, so the end of one does not show. */
static bool is_expected(size_t i, const struct lie *lie, const cm_result *result) {
    if (lie->expected == CM_ERR_CONNECTION && MIX[i].kind == CM_OP_GET)
        return is_honest(i, result);
    return result->status == lie->expected && result->value_len == 0 && result->number == 0;
}

static void lies_to_single_operations(void) {
    for (size_t l = 0; l < LIE_COUNT; l++)
        for (size_t i = 0; i < KINDS; i++) {
            cm_client *client = fresh_client();
            cm_results *results = execute(client, MIX + i, 1, 0, &LIES[l]);
            const cm_result *result = cm_results_at(results, 0);
            if (!CHECK(is_expected(i, &LIES[l], result)))
                fprintf(stderr, "operation %zu with the lie %.60s: %s\n", i, LIES[l].reply,
                        cm_status_name(result->status));
            cm_results_free(results);
            the_next_calls_are_right(client, LIES[l].reply);
            cm_client_free(client);
        }
}

/* What the lie leaves of a batch. The operations before the one it is told to are right, unless a
   caller in a hurry has missed the answer. Those behind it are right where the connection lives on;
   where it does not, they are right or failed. */
static bool is_right(size_t i, size_t told, const struct lie *lie, const cm_result *result) {
    if (i == told)
        return is_expected(i, lie, result);
    if (is_honest(i, result))
        return true;
    if (i < told)
        return lie->expected == CM_ERR_TIMEOUT && result->status == CM_ERR_TIMEOUT;
    return lie->expected != CM_ERR_SERVER && result->status < 0 && result->value_len == 0;
}

static void lies_within_a_batch(void) {
    for (size_t l = 0; l < LIE_COUNT; l++)
        for (size_t told = 0; told < KINDS; told++) {
            cm_client *client = fresh_client();
            cm_results *results = execute(client, MIX, KINDS, told, &LIES[l]);
            for (size_t i = 0; i < KINDS; i++) {
                const cm_result *result = cm_results_at(results, i);
                if (!CHECK(is_right(i, told, &LIES[l], result)))
                    fprintf(stderr, "operation %zu, the lie %.60s told to %zu: %s\n", i,
                            LIES[l].reply, told, cm_status_name(result->status));
            }
            cm_results_free(results);
            the_next_calls_are_right(client, LIES[l].reply);
            cm_client_free(client);
        }
}

/* Two answers where one belongs, so that each behind them would go to the operation before its own;
   and two in each other's place. */
static void answers_one_too_many(void) {
    static const char *const lies[] = {"%h%h", "%hSTORED\r\n", "42\r\n%h",
                                       "TOUCHED\r\nDELETED\r\n"};
    for (size_t l = 0; l < sizeof lies / sizeof *lies; l++)
        for (size_t told = 0; told < KINDS; told++) {
            cm_client *client = fresh_client();
            cm_results *results = NULL;
            fake_tell(told, lies[l]);
            cm_execute(client, MIX, sizeof *MIX, KINDS, 0, &results, NULL);
            for (size_t i = 0; i < KINDS; i++) {
                const cm_result *result = cm_results_at(results, i);
                if (!CHECK(is_honest(i, result) || (i >= told && result->status < 0)))
                    fprintf(stderr, "operation %zu, the lie %s told to %zu: %s\n", i, lies[l], told,
                            cm_status_name(result->status));
            }
            cm_results_free(results);
            the_next_calls_are_right(client, lies[l]);
            cm_client_free(client);
        }
}

int main(void) {
    fake_start(address, sizeof address);
    RUN(lies_to_single_operations);
    RUN(lies_within_a_batch);
    RUN(answers_one_too_many);
    return finish();
}
