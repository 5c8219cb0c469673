/* What only the meta commands can do: metadata, leases, stale items, quiet writes, binary keys. */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_QUIET 0

static struct server server;
static cm_client *client;

/* What an operation came to, with a copy of its value. */
struct answer {
    cm_result result;
    char value[256];
    char message[160];
};

static struct answer run_op(cm_op op) {
    struct answer answer = {0};
    cm_results *results = NULL;
    cm_error *error = NULL;
    cm_status status = cm_execute(client, &op, sizeof op, 1, 0, &results, &error);
    REQUIRE(cm_results_count(results) == 1);
    answer.result = *cm_results_at(results, 0);
    CHECK(status == (answer.result.status < 0 ? answer.result.status : CM_OK));
    if (answer.result.value_len > 0 && answer.result.value_len < sizeof answer.value)
        memcpy(answer.value, answer.result.value, answer.result.value_len);
    if (error != NULL)
        snprintf(answer.message, sizeof answer.message, "%s", cm_error_message(error));
    cm_results_free(results);
    cm_error_free(error);
    return answer;
}

static cm_op op_on(uint32_t kind, const char *key, uint32_t want) {
    return (cm_op){.kind = kind, .want = want, .key = key, .key_len = strlen(key)};
}

static cm_op op_with(uint32_t kind, const char *key, const char *value, uint32_t want) {
    cm_op op = op_on(kind, key, want);
    op.value = value;
    op.value_len = strlen(value);
    return op;
}

static void set(const char *key, const char *value) {
    CHECK_STATUS(CM_OK, cm_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL));
}

static bool holds(const char *key, const char *value) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    bool same = status == CM_OK && result->value_len == strlen(value) &&
                memcmp(result->value, value, strlen(value)) == 0;
    cm_result_free(result);
    return same;
}

static bool has_value(const struct answer *answer, const char *value) {
    return answer->result.status == CM_OK && answer->result.value_len == strlen(value) &&
           memcmp(answer->value, value, strlen(value)) == 0;
}

/* The server's version as one number: 1.6.18 is 10618. */
static int server_version(void) {
    int major = 0, minor = 0, patch = 0;
    char *reply = server_ask(&server, "version\r\n");
    REQUIRE(sscanf(reply, "VERSION %d.%d.%d", &major, &minor, &patch) == 3);
    free(reply);
    return major * 10000 + minor * 100 + patch;
}

static void metadata(void) {
    const uint32_t everything =
        CM_WANT_CAS | CM_WANT_TTL | CM_WANT_LAST_ACCESS | CM_WANT_HIT_BEFORE | CM_WANT_SIZE;
    CHECK_STATUS(CM_OK, cm_set(client, "m", 1, "value", 5, 7, 100, NULL));
    struct answer answer = run_op(op_on(CM_OP_GET, "m", everything));
    CHECK(has_value(&answer, "value") && answer.result.flags == 7);
    CHECK(answer.result.cas != 0 && answer.result.size == 5);
    CHECK(answer.result.ttl_seconds > 90 && answer.result.ttl_seconds <= 100);
    CHECK(answer.result.last_access_seconds >= 0 && answer.result.last_access_seconds < 50);
    CHECK(answer.result.state == 0);
    answer = run_op(op_on(CM_OP_GET, "m", everything));
    CHECK(answer.result.state == CM_HIT_BEFORE);

    answer = run_op(op_on(CM_OP_GET, "m", CM_WANT_NO_VALUE));
    CHECK(answer.result.status == CM_OK && answer.result.value == NULL);
    CHECK(answer.result.value_len == 0 && answer.result.flags == 7 && answer.result.cas == 0);

    cm_op touch = op_on(CM_OP_GET_AND_TOUCH, "m", CM_WANT_TTL);
    answer = run_op(touch); /* never expires */
    CHECK(has_value(&answer, "value") && answer.result.ttl_seconds == -1);
    touch.ttl_seconds = 50;
    answer = run_op(touch);
    CHECK(answer.result.ttl_seconds > 40 && answer.result.ttl_seconds <= 50);
    answer = run_op(op_on(CM_OP_GET, "none", everything));
    CHECK(answer.result.status == CM_NOT_FOUND && answer.result.state == 0);

    set("m", "again"); /* a look that does not count as a use */
    run_op(op_on(CM_OP_GET, "m", CM_WANT_NO_BUMP));
    answer = run_op(op_on(CM_OP_GET, "m", CM_WANT_HIT_BEFORE));
    CHECK(answer.result.state == 0);
    answer = run_op(op_on(CM_OP_GET, "m", CM_WANT_HIT_BEFORE));
    CHECK(answer.result.state == CM_HIT_BEFORE);
}

static uint64_t cas_of(const char *key) {
    return run_op(op_on(CM_OP_GET, key, CM_WANT_CAS)).result.cas;
}

static void large_values(void) {
    enum { SIZE = 300 * 1000 };
    char *value = malloc(SIZE);
    REQUIRE(value != NULL);
    for (int i = 0; i < SIZE; i++)
        value[i] = (char)(i * 7 % 251);
    CHECK_STATUS(CM_OK, cm_set(client, "large", 5, value, SIZE, 3, 0, NULL));
    cm_op ops[] = {op_on(CM_OP_GET, "large", CM_WANT_TTL), op_on(CM_OP_GET, "none", CM_WANT_TTL),
                   op_on(CM_OP_GET, "large", CM_WANT_SIZE)};
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *ops, 3, 0, &results, NULL));
    for (size_t i = 0; i < 3; i += 2) {
        const cm_result *result = cm_results_at(results, i);
        CHECK(result->status == CM_OK && result->flags == 3 && result->value_len == SIZE);
        CHECK(memcmp(result->value, value, SIZE) == 0);
    }
    CHECK(cm_results_at(results, 0)->ttl_seconds == -1);
    CHECK(cm_results_at(results, 1)->status == CM_NOT_FOUND);
    CHECK(cm_results_at(results, 2)->size == SIZE);
    cm_results_free(results);

    /* A limit of the caller's holds for these answers too. */
    cm_client *narrow = client_open(server.address, "max_value_bytes=1000");
    CHECK_STATUS(CM_ERR_PROTOCOL, cm_execute(narrow, ops, sizeof *ops, 1, 0, &results, NULL));
    cm_results_free(results);
    cm_client_free(narrow);
    free(value);
}

static void comparing(void) {
    set("c", "1");
    cm_op delete = op_on(CM_OP_DELETE, "c", 0);
    uint64_t cas = cas_of("c");
    set("c", "2");
    delete.cas = cas;
    CHECK(run_op(delete).result.status == CM_EXISTS);
    CHECK(holds("c", "2"));
    delete.cas = cas_of("c");
    CHECK(run_op(delete).result.status == CM_OK);
    CHECK(run_op(delete).result.status == CM_NOT_FOUND);

    set("n", "10");
    cm_op count = op_on(CM_OP_INCREMENT, "n", CM_WANT_CAS);
    count.delta = 5;
    count.cas = cas_of("n");
    struct answer answer = run_op(count);
    CHECK(answer.result.status == CM_OK && answer.result.number == 15);
    CHECK(answer.result.cas == cas_of("n") && answer.result.cas != count.cas);
    CHECK(run_op(count).result.status == CM_EXISTS);
    count.kind = CM_OP_DECREMENT;
    count.cas = answer.result.cas;
    CHECK(run_op(count).result.number == 10);
    CHECK(holds("n", "10"));
}

static void counting(void) {
    cm_op count = op_on(CM_OP_INCREMENT, "counter", CM_WANT_CREATE | CM_WANT_TTL);
    count.delta = 3;
    count.initial = UINT64_MAX - 2;
    count.initial_ttl_seconds = 100;
    struct answer answer = run_op(count);
    CHECK(answer.result.status == CM_OK && answer.result.number == UINT64_MAX - 2);
    CHECK(answer.result.ttl_seconds > 90 && answer.result.ttl_seconds <= 100);
    CHECK(run_op(count).result.number == 0); /* wraps */
    count.kind = CM_OP_DECREMENT;
    CHECK(run_op(count).result.number == 0);
    count.ttl_seconds = 1000; /* sets it */
    CHECK(run_op(count).result.ttl_seconds > 900);
    count = op_on(CM_OP_INCREMENT, "counter", 0);
    CHECK(run_op(count).result.number == 0); /* a delta of 0 */
    CHECK(run_op(op_on(CM_OP_GET, "counter", CM_WANT_TTL)).result.ttl_seconds > 900);

    count = op_on(CM_OP_DECREMENT, "forever", CM_WANT_CREATE);
    CHECK(run_op(count).result.status == CM_OK);
    CHECK(run_op(op_on(CM_OP_GET, "forever", CM_WANT_TTL)).result.ttl_seconds == -1);
    count = op_on(CM_OP_INCREMENT, "absent", CM_WANT_TTL);
    CHECK(run_op(count).result.status == CM_NOT_FOUND);
    set("text", "abc");
    count = op_on(CM_OP_INCREMENT, "text", CM_WANT_TTL);
    CHECK(run_op(count).result.status == CM_ERR_REJECTED);
    CHECK(holds("text", "abc"));
}

static cm_op lease_on(const char *key, int64_t seconds) {
    cm_op op = op_on(CM_OP_GET, key, 0);
    op.lease_seconds = seconds;
    return op;
}

static cm_op store_won(const char *key, const char *value, uint64_t cas) {
    cm_op op = op_with(CM_OP_CAS, key, value, 0);
    op.cas = cas;
    return op;
}

static void leases(void) {
    struct answer first = run_op(lease_on("lease", 30));
    CHECK(first.result.status == CM_NOT_FOUND && first.result.state == CM_WON);
    CHECK(first.result.cas != 0 && first.result.value == NULL);
    struct answer second = run_op(lease_on("lease", 30));
    CHECK(second.result.status == CM_NOT_FOUND && second.result.state == CM_ALREADY_SENT);
    struct answer look = run_op(op_on(CM_OP_GET, "lease", CM_WANT_NO_VALUE));
    CHECK(look.result.status == CM_NOT_FOUND && look.result.state == CM_ALREADY_SENT);
    CHECK(run_op(store_won("lease", "computed", first.result.cas)).result.status == CM_OK);
    struct answer third = run_op(lease_on("lease", 30));
    CHECK(has_value(&third, "computed") && third.result.state == 0);
    CHECK(holds("lease", "computed"));

    /* Deleted while it was computed: what was computed is old. */
    first = run_op(lease_on("overtaken", 30));
    CHECK_STATUS(CM_OK, cm_delete(client, "overtaken", 9, NULL));
    CHECK(run_op(store_won("overtaken", "old", first.result.cas)).result.status == CM_NOT_FOUND);
    first = run_op(lease_on("overtaken", 30));
    set("overtaken", "new");
    CHECK(run_op(store_won("overtaken", "old", first.result.cas)).result.status == CM_EXISTS);
    CHECK(holds("overtaken", "new"));

    /* And with a ttl set at the same time; a lease of 40 days is one. */
    cm_op touch = op_on(CM_OP_GET_AND_TOUCH, "lease", CM_WANT_TTL);
    touch.ttl_seconds = touch.lease_seconds = 40 * 86400;
    third = run_op(touch);
    CHECK(has_value(&third, "computed") && third.result.ttl_seconds > 39 * 86400);
    touch.key = "leased", touch.key_len = 6;
    CHECK(run_op(touch).result.state == CM_WON);
}

static void early_refresh(void) {
    CHECK_STATUS(CM_OK, cm_set(client, "r", 1, "old", 3, 0, 100, NULL));
    cm_op read = op_on(CM_OP_GET, "r", 0);
    read.refresh_before_seconds = 10;
    struct answer answer = run_op(read);
    CHECK(has_value(&answer, "old") && answer.result.state == 0);
    read.refresh_before_seconds = 1000;
    answer = run_op(read);
    CHECK(has_value(&answer, "old") && answer.result.state == CM_WON && answer.result.cas != 0);
    struct answer other = run_op(read);
    CHECK(has_value(&other, "old") && other.result.state == CM_ALREADY_SENT);
    CHECK(run_op(store_won("r", "new", answer.result.cas)).result.status == CM_OK);
    answer = run_op(op_on(CM_OP_GET, "r", CM_WANT_TTL));
    CHECK(has_value(&answer, "new") && answer.result.state == 0);
}

static void invalidating(void) {
    set("i", "old");
    cm_op invalidate = op_on(CM_OP_DELETE, "i", CM_WANT_INVALIDATE);
    invalidate.ttl_seconds = 60;
    CHECK(run_op(invalidate).result.status == CM_OK);
    CHECK(holds("i", "old")); /* who does not ask is served as before */
    struct answer winner = run_op(lease_on("i", 30));
    CHECK(has_value(&winner, "old") && winner.result.state == (CM_STALE | CM_WON));
    struct answer other = run_op(lease_on("i", 30));
    CHECK(has_value(&other, "old") && other.result.state == (CM_STALE | CM_ALREADY_SENT));
    struct answer look = run_op(op_on(CM_OP_GET, "i", CM_WANT_TTL));
    CHECK(look.result.ttl_seconds > 50 && look.result.ttl_seconds <= 60);

    CHECK(run_op(store_won("i", "new", winner.result.cas)).result.status == CM_OK);
    struct answer fresh = run_op(lease_on("i", 30));
    CHECK(has_value(&fresh, "new") && fresh.result.state == 0);

    /* Invalidated again while it was computed: stored, but stale. */
    winner = run_op(op_on(CM_OP_GET, "i", CM_WANT_CAS));
    invalidate.ttl_seconds = 0;
    CHECK(run_op(invalidate).result.status == CM_OK);
    cm_op late = store_won("i", "late", winner.result.cas);
    CHECK(run_op(late).result.status == CM_EXISTS);
    late.want = CM_WANT_INVALIDATE;
    CHECK(run_op(late).result.status == CM_OK);
    winner = run_op(lease_on("i", 30));
    CHECK(has_value(&winner, "late") && winner.result.state == (CM_STALE | CM_WON));
    late.cas = UINT64_MAX;
    CHECK(run_op(late).result.status == CM_EXISTS);
    invalidate.key = "nothing", invalidate.key_len = 7;
    CHECK(run_op(invalidate).result.status == CM_NOT_FOUND);
}

static void a_stub_is_a_miss(void) {
    static const char *const keys[] = {"full", "stub", "empty", "none", "stub", "flagged", "full"};
    static const size_t lengths[] = {4, 4, 5, 4, 4, 7, 4};
    static const cm_status expected[] = {CM_OK,        CM_NOT_FOUND, CM_OK, CM_NOT_FOUND,
                                         CM_NOT_FOUND, CM_OK,        CM_OK};
    set("full", "value");
    set("empty", "");
    CHECK_STATUS(CM_OK, cm_set(client, "flagged", 7, NULL, 0, 5, 0, NULL));
    CHECK(run_op(lease_on("stub", 100)).result.state == CM_WON);
    for (int round = 0; round < 2; round++) {
        cm_results *results = NULL;
        CHECK_STATUS(CM_OK, cm_get_multi(client, keys, lengths, 7, &results, NULL));
        for (size_t i = 0; i < 7; i++) {
            const cm_result *result = cm_results_at(results, i);
            CHECK_STATUS(expected[i], result->status);
            CHECK(result->value_len == (strcmp(keys[i], "full") == 0 ? 5 : 0));
            CHECK((result->value != NULL) == (result->status == CM_OK));
        }
        CHECK(cm_results_at(results, 5)->flags == 5);
        cm_results_free(results);
    }
    cm_result *result = NULL;
    char buffer[8];
    size_t value_len;
    CHECK_STATUS(CM_NOT_FOUND, cm_get(client, "stub", 4, &result, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_gets(client, "stub", 4, &result, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_get_and_touch(client, "stub", 4, 90, &result, NULL));
    CHECK(result == NULL);
    CHECK_STATUS(CM_NOT_FOUND,
                 cm_get_into(client, "stub", 4, buffer, sizeof buffer, &value_len, NULL, NULL));
    CHECK_STATUS(CM_OK,
                 cm_get_into(client, "empty", 5, buffer, sizeof buffer, &value_len, NULL, NULL));
    REQUIRE(cm_gets(client, "empty", 5, &result, NULL) == CM_OK);
    CHECK(result->value_len == 0 && result->cas != 0 && result->state == 0);
    CHECK_STATUS(CM_OK, cm_cas(client, "empty", 5, "", 0, 0, 0, result->cas, NULL));
    cm_result_free(result);
    REQUIRE(cm_get_and_touch(client, "empty", 5, 90, &result, NULL) == CM_OK);
    CHECK(result->value_len == 0);
    cm_result_free(result);
    /* The touch has been done all the same, once. */
    struct answer look = run_op(op_on(CM_OP_GET, "stub", CM_WANT_TTL));
    CHECK(look.result.status == CM_NOT_FOUND && look.result.ttl_seconds <= 90);
}

/* What this server is too old for is refused without a byte of it, and costs the others nothing. */
static void what_the_server_is_too_old_for(void) {
    int version = server_version();
    struct {
        cm_op op;
        int since;
    } cases[] = {
        {op_with(CM_OP_SET, "old:set", "v", CM_WANT_CAS), 10621},
        {op_with(CM_OP_SET, "old:size", "v", CM_WANT_SIZE), 10620},
        {op_with(CM_OP_APPEND, "old:append", "v", CM_WANT_CREATE), 10620},
        {op_with(CM_OP_PREPEND, "old:prepend", "v", CM_WANT_CREATE), 10620},
        {op_on(CM_OP_DELETE, "old:x", CM_WANT_INVALIDATE | CM_WANT_DROP_VALUE), 10627},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    set("old:x", "v");
    cases[4].op.ttl_seconds = 60;
    cm_op ops[2 * CASES + 1];
    for (size_t i = 0; i < CASES; i++) {
        ops[2 * i] = op_with(CM_OP_SET, "fine", "v", i % 2 == 0 ? CM_WANT_QUIET : NOT_QUIET);
        ops[2 * i + 1] = cases[i].op;
    }
    ops[2 * CASES] = op_on(CM_OP_GET, "fine", CM_WANT_TTL);
    cm_results *results = NULL;
    cm_error *error = NULL;
    cm_status status = cm_execute(client, ops, sizeof *ops, 2 * CASES + 1, 0, &results, &error);
    for (size_t i = 0; i < CASES; i++) {
        const cm_result *result = cm_results_at(results, 2 * i + 1);
        CHECK_STATUS(version < cases[i].since ? CM_ERR_UNSUPPORTED : CM_OK, result->status);
        CHECK((result->state == CM_UNSENT) == (version < cases[i].since));
        CHECK_STATUS(CM_OK, cm_results_at(results, 2 * i)->status);
    }
    CHECK_STATUS(CM_OK, cm_results_at(results, 2 * CASES)->status);
    if (version < 10620) {
        CHECK_STATUS(CM_ERR_UNSUPPORTED, status);
        CHECK(strstr(cm_error_message(error), "1.6.21") != NULL);
        CHECK(strcmp(cm_error_server(error), server.address) == 0);
    }
    cm_error_free(error);
    cm_results_free(results);
    /* One alone, and quiet. */
    cm_op drop = cases[4].op;
    drop.want |= CM_WANT_QUIET;
    CHECK_STATUS(version < 10627 ? CM_ERR_UNSUPPORTED : CM_OK, run_op(drop).result.status);
    CHECK(holds("fine", "v"));
}

static void what_makes_no_sense(void) {
    struct {
        cm_op op;
        cm_status status;
    } cases[] = {
        {op_on(CM_OP_GET, "k", CM_WANT_QUIET), CM_ERR_ARGUMENT},
        {op_on(CM_OP_GET_AND_TOUCH, "k", CM_WANT_QUIET), CM_ERR_ARGUMENT},
        {op_on(CM_OP_TOUCH, "k", CM_WANT_QUIET), CM_ERR_ARGUMENT},
        {op_on(CM_OP_TOUCH, "k", CM_WANT_TTL), CM_ERR_ARGUMENT},
        {op_on(CM_OP_GET, "k", CM_WANT_INVALIDATE), CM_ERR_ARGUMENT},
        {op_on(CM_OP_GET, "k", CM_WANT_CREATE), CM_ERR_ARGUMENT},
        {op_with(CM_OP_SET, "k", "v", CM_WANT_CREATE), CM_ERR_ARGUMENT},
        {op_with(CM_OP_SET, "k", "v", CM_WANT_TTL), CM_ERR_ARGUMENT},
        {op_with(CM_OP_SET, "k", "v", CM_WANT_INVALIDATE), CM_ERR_ARGUMENT},
        {op_with(CM_OP_SET, "k", "v", CM_WANT_QUIET | CM_WANT_SIZE), CM_ERR_ARGUMENT},
        {op_on(CM_OP_DELETE, "k", CM_WANT_CAS), CM_ERR_ARGUMENT},
        {op_on(CM_OP_DELETE, "k", CM_WANT_DROP_VALUE), CM_ERR_ARGUMENT},
        {op_on(CM_OP_DELETE, "k", CM_WANT_INVALIDATE | CM_WANT_DROP_VALUE), CM_ERR_ARGUMENT},
        {op_on(CM_OP_INCREMENT, "k", CM_WANT_QUIET | CM_WANT_CAS), CM_ERR_ARGUMENT},
        {op_on(CM_OP_GET, "k", 1u << 31), CM_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer = run_op(cases[i].op);
        CHECK_STATUS(cases[i].status, answer.result.status);
        CHECK(answer.result.state == CM_UNSENT && answer.result.server == CM_NO_SERVER);
    }
    static const int64_t bad[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 32};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(lease_on("k", bad[i])).result.status);
        cm_op refresh = op_on(CM_OP_GET, "k", 0);
        refresh.refresh_before_seconds = bad[i];
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(refresh).result.status);
    }
    cm_op fields[] = {
        op_on(CM_OP_DELETE, "k", 0),    op_on(CM_OP_INCREMENT, "k", 0),
        op_on(CM_OP_INCREMENT, "k", 0), op_with(CM_OP_APPEND, "k", "v", CM_WANT_CREATE),
        op_on(CM_OP_DELETE, "k", 0),    op_with(CM_OP_SET, "k", "v", 0)};
    fields[0].ttl_seconds = 30;
    fields[1].initial = 1;
    fields[2].initial_ttl_seconds = 1;
    fields[3].initial = 1;
    fields[4].lease_seconds = 1;
    fields[5].cas = 1;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(fields[i]).result.status);
}

/* ---- quiet writes ---- */

static void many_quiet_writes(void) {
    enum { COUNT = 10000 };
    static char keys[COUNT][16];
    static cm_op ops[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "quiet:%d", i);
        ops[i] = op_with(CM_OP_SET, keys[i], keys[i], CM_WANT_QUIET);
    }
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, ops, sizeof *ops, COUNT, 0, &results, NULL));
    bool all_sent = true;
    for (size_t i = 0; i < COUNT; i++)
        all_sent &= cm_results_at(results, i)->status == CM_OK;
    CHECK(all_sent);
    cm_results_free(results);
    CHECK(holds("quiet:9999", "quiet:9999") && holds("quiet:0", "quiet:0"));

    /* One call for each, on one connection, never waiting for an answer. */
    uint64_t connections = server_stat(&server, "total_connections");
    for (int i = 0; i < COUNT; i++) {
        ops[i] = op_on(CM_OP_DELETE, keys[i], CM_WANT_QUIET);
        CHECK_STATUS(CM_OK, run_op(ops[i]).result.status);
    }
    CHECK(!holds("quiet:9999", "quiet:9999"));
    CHECK(server_stat(&server, "total_connections") == connections + 1); /* the one that asks */
    CHECK(server_stat(&server, "delete_hits") >= COUNT);
}

/* Errors come late, and disturb nobody. */
static void quiet_errors(void) {
    uint64_t connections = server_stat(&server, "total_connections");
    set("there", "text");
    cm_op failing[] = {
        op_with(CM_OP_ADD, "there", "v", CM_WANT_QUIET),
        op_with(CM_OP_REPLACE, "not:there", "v", CM_WANT_QUIET),
        op_on(CM_OP_DELETE, "not:there", CM_WANT_QUIET),
        op_on(CM_OP_INCREMENT, "there", CM_WANT_QUIET), /* no number */
        op_on(CM_OP_DECREMENT, "not:there", CM_WANT_QUIET),
        op_with(CM_OP_CAS, "there", "v", CM_WANT_QUIET),
    };
    static const cm_status expected[] = {CM_NOT_STORED,   CM_NOT_STORED, CM_NOT_FOUND,
                                         CM_ERR_REJECTED, CM_NOT_FOUND,  CM_EXISTS};
    failing[5].cas = UINT64_MAX;
    for (int round = 0; round < 200; round++)
        for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
            cm_status status = run_op(failing[i]).result.status;
            CHECK(status == CM_OK || status == expected[i]); /* where it is known */
        }
    CHECK(holds("there", "text"));
    cm_op creating = op_on(CM_OP_INCREMENT, "quiet:new", CM_WANT_QUIET | CM_WANT_CREATE);
    creating.initial = 41;
    CHECK_STATUS(CM_OK, run_op(creating).result.status);
    CHECK(holds("quiet:new", "41"));
    CHECK(server_stat(&server, "total_connections") == connections + 1);
}

/* What is known before the call ends is told. */
static void quiet_errors_in_the_same_call(void) {
    set("there", "text");
    cm_op ops[] = {
        op_with(CM_OP_SET, "same:1", "v", CM_WANT_QUIET),
        op_with(CM_OP_ADD, "there", "v", CM_WANT_QUIET),
        op_on(CM_OP_DELETE, "not:there", CM_WANT_QUIET),
        op_on(CM_OP_GET, "same:1", 0),
        op_on(CM_OP_INCREMENT, "there", CM_WANT_QUIET),
        op_on(CM_OP_GET, "there", 0),
        op_with(CM_OP_CAS, "there", "v", CM_WANT_QUIET),
        op_on(CM_OP_GET, "there", 0),
        op_on(CM_OP_DELETE, "same:1", CM_WANT_QUIET),
    };
    static const cm_status expected[] = {CM_OK, CM_NOT_STORED, CM_NOT_FOUND, CM_OK, CM_ERR_REJECTED,
                                         CM_OK, CM_EXISTS,     CM_OK,        CM_OK};
    enum { COUNT = sizeof ops / sizeof *ops };
    ops[6].cas = UINT64_MAX;
    CHECK(run_op(ops[8]).result.status == CM_OK);
    for (int round = 0; round < 100; round++) {
        cm_results *results = NULL;
        CHECK_STATUS(CM_ERR_REJECTED,
                     cm_execute(client, ops, sizeof *ops, COUNT, 0, &results, NULL));
        for (size_t i = 0; i < COUNT; i++)
            CHECK_STATUS(expected[i], cm_results_at(results, i)->status);
        CHECK(cm_results_at(results, 5)->value_len == 4);
        cm_results_free(results);
    }
}

/* A value over the server's limit, in a run of quiet ones: the stream stays in step. */
static void quiet_and_too_large(void) {
    enum { SIZE = 2 * 1000 * 1000 };
    char *value = calloc(1, SIZE);
    cm_op op = op_on(CM_OP_SET, "too:large", CM_WANT_QUIET);
    op.value = value;
    op.value_len = SIZE;
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(CM_OK, run_op(op).result.status);
        set("after", "v");
        CHECK(holds("after", "v"));
    }
    cm_op ops[] = {op, op_on(CM_OP_GET, "after", 0)};
    cm_results *results = NULL;
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_execute(client, ops, sizeof *ops, 2, 0, &results, NULL));
    CHECK(cm_results_at(results, 1)->status == CM_OK);
    cm_results_free(results);
    free(value);
}

static void quiet_and_idle(void) {
    uint64_t connections = server_stat(&server, "total_connections");
    CHECK_STATUS(CM_OK, run_op(op_with(CM_OP_SET, "idle", "v", CM_WANT_QUIET)).result.status);
    sleep_ms(100); /* the answer lies there: that is no reason to give the connection up */
    CHECK(holds("idle", "v"));
    CHECK(server_stat(&server, "total_connections") == connections + 1);

    CHECK_STATUS(CM_OK, run_op(op_with(CM_OP_SET, "idle", "v", CM_WANT_QUIET)).result.status);
    sleep_ms(50);
    server_restart(&server); /* but its end is */
    sleep_ms(50);
    set("idle", "again"); /* a write is not risked on a dead connection */
    CHECK(holds("idle", "again"));
}

/* ---- binary keys ---- */

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
    CHECK(run_op(look).result.ttl_seconds > 80 && run_op(look).result.ttl_seconds <= 90);
    static const char *const keys[] = {"plain", binary, "plain", binary};
    static const size_t lengths[] = {5, BINARY_LEN, 5, BINARY_LEN};
    set("plain", "p");
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
    CHECK_STATUS(CM_OK, run_op(store).result.status);
    CHECK(holds("wish", "v"));
    cm_op read = {.kind = CM_OP_GET, .want = CM_WANT_BASE64_KEY, .key = " \n", .key_len = 2};
    CHECK_STATUS(CM_NOT_FOUND, run_op(read).result.status);
    read.want = 0;
    CHECK_STATUS(CM_ERR_KEY, run_op(read).result.status);
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "connections_per_server=1 timeout_ms=5000");
    RUN(metadata);
    RUN(large_values);
    RUN(comparing);
    RUN(counting);
    RUN(leases);
    RUN(early_refresh);
    RUN(invalidating);
    RUN(a_stub_is_a_miss);
    RUN(what_the_server_is_too_old_for);
    RUN(what_makes_no_sense);
    RUN(many_quiet_writes);
    RUN(quiet_errors);
    RUN(quiet_errors_in_the_same_call);
    RUN(quiet_and_too_large);
    RUN(quiet_and_idle);
    RUN(binary_keys);
    RUN(binary_keys_with_a_prefix);
    RUN(base64_by_wish);
    cm_client_free(client);
    return finish();
}
