/* Leases and stale items, and what a stub looks like to those who know nothing of it. */
#include "operate.h"

#include <string.h>

static struct server server;
static cm_client *client;

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
    struct answer first = run_op(client, lease_on("lease", 30));
    CHECK(first.result.status == CM_NOT_FOUND && first.result.state == CM_WON);
    CHECK(first.result.cas != 0 && first.result.value == NULL);
    struct answer second = run_op(client, lease_on("lease", 30));
    CHECK(second.result.status == CM_NOT_FOUND && second.result.state == CM_ALREADY_SENT);
    struct answer look = run_op(client, op_on(CM_OP_GET, "lease", CM_WANT_NO_VALUE));
    CHECK(look.result.status == CM_NOT_FOUND && look.result.state == CM_ALREADY_SENT);
    CHECK(run_op(client, store_won("lease", "computed", first.result.cas)).result.status == CM_OK);
    struct answer third = run_op(client, lease_on("lease", 30));
    CHECK(has_value(&third, "computed") && third.result.state == 0);
    CHECK(holds(client, "lease", "computed"));

    /* Deleted while it was computed: what was computed is old. */
    first = run_op(client, lease_on("overtaken", 30));
    CHECK_STATUS(CM_OK, cm_delete(client, "overtaken", 9, NULL));
    CHECK(run_op(client, store_won("overtaken", "old", first.result.cas)).result.status ==
          CM_NOT_FOUND);
    first = run_op(client, lease_on("overtaken", 30));
    set(client, "overtaken", "new");
    CHECK(run_op(client, store_won("overtaken", "old", first.result.cas)).result.status ==
          CM_EXISTS);
    CHECK(holds(client, "overtaken", "new"));

    /* And with a ttl set at the same time; a lease of 40 days is one. */
    cm_op touch = op_on(CM_OP_GET_AND_TOUCH, "lease", CM_WANT_TTL);
    touch.ttl_seconds = touch.lease_seconds = 40 * 86400;
    third = run_op(client, touch);
    CHECK(has_value(&third, "computed") && third.result.ttl_seconds > 39 * 86400);
    touch.key = "leased", touch.key_len = 6;
    CHECK(run_op(client, touch).result.state == CM_WON);
}

static void early_refresh(void) {
    CHECK_STATUS(CM_OK, cm_set(client, "r", 1, "old", 3, 0, 100, NULL));
    cm_op read = op_on(CM_OP_GET, "r", 0);
    read.refresh_before_seconds = 10;
    struct answer answer = run_op(client, read);
    CHECK(has_value(&answer, "old") && answer.result.state == 0);
    read.refresh_before_seconds = 1000;
    answer = run_op(client, read);
    CHECK(has_value(&answer, "old") && answer.result.state == CM_WON && answer.result.cas != 0);
    struct answer other = run_op(client, read);
    CHECK(has_value(&other, "old") && other.result.state == CM_ALREADY_SENT);
    CHECK(run_op(client, store_won("r", "new", answer.result.cas)).result.status == CM_OK);
    answer = run_op(client, op_on(CM_OP_GET, "r", CM_WANT_TTL));
    CHECK(has_value(&answer, "new") && answer.result.state == 0);
}

static void invalidating(void) {
    set(client, "i", "old");
    cm_op invalidate = op_on(CM_OP_DELETE, "i", CM_WANT_INVALIDATE);
    invalidate.ttl_seconds = 60;
    CHECK(run_op(client, invalidate).result.status == CM_OK);
    CHECK(holds(client, "i", "old")); /* who does not ask is served as before */
    struct answer winner = run_op(client, lease_on("i", 30));
    CHECK(has_value(&winner, "old") && winner.result.state == (CM_STALE | CM_WON));
    struct answer other = run_op(client, lease_on("i", 30));
    CHECK(has_value(&other, "old") && other.result.state == (CM_STALE | CM_ALREADY_SENT));
    struct answer look = run_op(client, op_on(CM_OP_GET, "i", CM_WANT_TTL));
    CHECK(look.result.ttl_seconds > 50 && look.result.ttl_seconds <= 60);

    CHECK(run_op(client, store_won("i", "new", winner.result.cas)).result.status == CM_OK);
    struct answer fresh = run_op(client, lease_on("i", 30));
    CHECK(has_value(&fresh, "new") && fresh.result.state == 0);

    /* Invalidated again while it was computed: stored, but stale. */
    winner = run_op(client, op_on(CM_OP_GET, "i", CM_WANT_CAS));
    invalidate.ttl_seconds = 0;
    CHECK(run_op(client, invalidate).result.status == CM_OK);
    cm_op late = store_won("i", "late", winner.result.cas);
    CHECK(run_op(client, late).result.status == CM_EXISTS);
    late.want = CM_WANT_INVALIDATE;
    CHECK(run_op(client, late).result.status == CM_OK);
    winner = run_op(client, lease_on("i", 30));
    CHECK(has_value(&winner, "late") && winner.result.state == (CM_STALE | CM_WON));
    late.cas = UINT64_MAX;
    CHECK(run_op(client, late).result.status == CM_EXISTS);
    invalidate.key = "nothing", invalidate.key_len = 7;
    CHECK(run_op(client, invalidate).result.status == CM_NOT_FOUND);
}

static void a_stub_is_a_miss(void) {
    static const char *const keys[] = {"full", "stub", "empty", "none", "stub", "flagged", "full"};
    static const size_t lengths[] = {4, 4, 5, 4, 4, 7, 4};
    static const cm_status expected[] = {CM_OK,        CM_NOT_FOUND, CM_OK, CM_NOT_FOUND,
                                         CM_NOT_FOUND, CM_OK,        CM_OK};
    set(client, "full", "value");
    set(client, "empty", "");
    CHECK_STATUS(CM_OK, cm_set(client, "flagged", 7, NULL, 0, 5, 0, NULL));
    CHECK(run_op(client, lease_on("stub", 100)).result.state == CM_WON);
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
    struct answer look = run_op(client, op_on(CM_OP_GET, "stub", CM_WANT_TTL));
    CHECK(look.result.status == CM_NOT_FOUND && look.result.ttl_seconds <= 90);
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "connections_per_server=1 timeout_ms=5000");
    RUN(leases);
    RUN(early_refresh);
    RUN(invalidating);
    RUN(a_stub_is_a_miss);
    cm_client_free(client);
    return finish();
}
