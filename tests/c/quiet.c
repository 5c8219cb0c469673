/* Writes that wait for no answer. */
#include "operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct server server;
static cm_client *client;

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
    CHECK(holds(client, "quiet:9999", "quiet:9999") && holds(client, "quiet:0", "quiet:0"));

    /* One call for each, on one connection, never waiting for an answer. */
    uint64_t connections = server_stat(&server, "total_connections");
    for (int i = 0; i < COUNT; i++) {
        ops[i] = op_on(CM_OP_DELETE, keys[i], CM_WANT_QUIET);
        CHECK_STATUS(CM_OK, run_op(client, ops[i]).result.status);
    }
    CHECK(!holds(client, "quiet:9999", "quiet:9999"));
    CHECK(server_stat(&server, "total_connections") == connections + 1); /* the one that asks */
    CHECK(server_stat(&server, "delete_hits") >= COUNT);
}

/* Errors come late, and disturb nobody. */
static void quiet_errors(void) {
    uint64_t connections = server_stat(&server, "total_connections");
    set(client, "there", "text");
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
            cm_status status = run_op(client, failing[i]).result.status;
            CHECK(status == CM_OK || status == expected[i]); /* where it is known */
        }
    CHECK(holds(client, "there", "text"));
    cm_op creating = op_on(CM_OP_INCREMENT, "quiet:new", CM_WANT_QUIET | CM_WANT_CREATE);
    creating.initial = 41;
    CHECK_STATUS(CM_OK, run_op(client, creating).result.status);
    CHECK(holds(client, "quiet:new", "41"));
    CHECK(server_stat(&server, "total_connections") == connections + 1);
}

/* What is known before the call ends is told. */
static void quiet_errors_in_the_same_call(void) {
    set(client, "there", "text");
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
    CHECK(run_op(client, ops[8]).result.status == CM_OK);
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
        CHECK_STATUS(CM_OK, run_op(client, op).result.status);
        set(client, "after", "v");
        CHECK(holds(client, "after", "v"));
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
    CHECK_STATUS(CM_OK,
                 run_op(client, op_with(CM_OP_SET, "idle", "v", CM_WANT_QUIET)).result.status);
    sleep_ms(100); /* the answer lies there: that is no reason to give the connection up */
    CHECK(holds(client, "idle", "v"));
    CHECK(server_stat(&server, "total_connections") == connections + 1);

    CHECK_STATUS(CM_OK,
                 run_op(client, op_with(CM_OP_SET, "idle", "v", CM_WANT_QUIET)).result.status);
    sleep_ms(50);
    server_restart(&server); /* but its end is */
    sleep_ms(50);
    set(client, "idle", "again"); /* a write is not risked on a dead connection */
    CHECK(holds(client, "idle", "again"));
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "connections_per_server=1 timeout_ms=5000");
    RUN(many_quiet_writes);
    RUN(quiet_errors);
    RUN(quiet_errors_in_the_same_call);
    RUN(quiet_and_too_large);
    RUN(quiet_and_idle);
    cm_client_free(client);
    return finish();
}
