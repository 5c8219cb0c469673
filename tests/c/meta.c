/* What only the meta commands can do: metadata, comparing, creating; and what cannot be asked. */
#include "operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct server server;
static cm_client *client;

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
    struct answer answer = run_op(client, op_on(CM_OP_GET, "m", everything));
    CHECK(has_value(&answer, "value") && answer.result.flags == 7);
    CHECK(answer.result.cas != 0 && answer.result.size == 5);
    CHECK(answer.result.ttl_seconds > 90 && answer.result.ttl_seconds <= 100);
    CHECK(answer.result.last_access_seconds >= 0 && answer.result.last_access_seconds < 50);
    CHECK(answer.result.state == 0);
    answer = run_op(client, op_on(CM_OP_GET, "m", everything));
    CHECK(answer.result.state == CM_HIT_BEFORE);

    answer = run_op(client, op_on(CM_OP_GET, "m", CM_WANT_NO_VALUE));
    CHECK(answer.result.status == CM_OK && answer.result.value == NULL);
    CHECK(answer.result.value_len == 0 && answer.result.flags == 7 && answer.result.cas == 0);

    cm_op touch = op_on(CM_OP_GET_AND_TOUCH, "m", CM_WANT_TTL);
    answer = run_op(client, touch); /* never expires */
    CHECK(has_value(&answer, "value") && answer.result.ttl_seconds == -1);
    touch.ttl_seconds = 50;
    answer = run_op(client, touch);
    CHECK(answer.result.ttl_seconds > 40 && answer.result.ttl_seconds <= 50);
    answer = run_op(client, op_on(CM_OP_GET, "none", everything));
    CHECK(answer.result.status == CM_NOT_FOUND && answer.result.state == 0);

    set(client, "m", "again"); /* a look that does not count as a use */
    run_op(client, op_on(CM_OP_GET, "m", CM_WANT_NO_BUMP));
    answer = run_op(client, op_on(CM_OP_GET, "m", CM_WANT_HIT_BEFORE));
    CHECK(answer.result.state == 0);
    answer = run_op(client, op_on(CM_OP_GET, "m", CM_WANT_HIT_BEFORE));
    CHECK(answer.result.state == CM_HIT_BEFORE);
}

static uint64_t cas_of(const char *key) {
    return run_op(client, op_on(CM_OP_GET, key, CM_WANT_CAS)).result.cas;
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
    set(client, "c", "1");
    cm_op delete = op_on(CM_OP_DELETE, "c", 0);
    uint64_t cas = cas_of("c");
    set(client, "c", "2");
    delete.cas = cas;
    CHECK(run_op(client, delete).result.status == CM_EXISTS);
    CHECK(holds(client, "c", "2"));
    delete.cas = cas_of("c");
    CHECK(run_op(client, delete).result.status == CM_OK);
    CHECK(run_op(client, delete).result.status == CM_NOT_FOUND);

    set(client, "n", "10");
    cm_op count = op_on(CM_OP_INCREMENT, "n", CM_WANT_CAS);
    count.delta = 5;
    count.cas = cas_of("n");
    struct answer answer = run_op(client, count);
    CHECK(answer.result.status == CM_OK && answer.result.number == 15);
    CHECK(answer.result.cas == cas_of("n") && answer.result.cas != count.cas);
    CHECK(run_op(client, count).result.status == CM_EXISTS);
    count.kind = CM_OP_DECREMENT;
    count.cas = answer.result.cas;
    CHECK(run_op(client, count).result.number == 10);
    CHECK(holds(client, "n", "10"));
}

static void counting(void) {
    cm_op count = op_on(CM_OP_INCREMENT, "counter", CM_WANT_CREATE | CM_WANT_TTL);
    count.delta = 3;
    count.initial = UINT64_MAX - 2;
    count.initial_ttl_seconds = 100;
    struct answer answer = run_op(client, count);
    CHECK(answer.result.status == CM_OK && answer.result.number == UINT64_MAX - 2);
    CHECK(answer.result.ttl_seconds > 90 && answer.result.ttl_seconds <= 100);
    CHECK(run_op(client, count).result.number == 0); /* wraps */
    count.kind = CM_OP_DECREMENT;
    CHECK(run_op(client, count).result.number == 0);
    count.ttl_seconds = 1000; /* sets it */
    CHECK(run_op(client, count).result.ttl_seconds > 900);
    count = op_on(CM_OP_INCREMENT, "counter", 0);
    CHECK(run_op(client, count).result.number == 0); /* a delta of 0 */
    CHECK(run_op(client, op_on(CM_OP_GET, "counter", CM_WANT_TTL)).result.ttl_seconds > 900);

    count = op_on(CM_OP_DECREMENT, "forever", CM_WANT_CREATE);
    CHECK(run_op(client, count).result.status == CM_OK);
    CHECK(run_op(client, op_on(CM_OP_GET, "forever", CM_WANT_TTL)).result.ttl_seconds == -1);
    count = op_on(CM_OP_INCREMENT, "absent", CM_WANT_TTL);
    CHECK(run_op(client, count).result.status == CM_NOT_FOUND);
    set(client, "text", "abc");
    count = op_on(CM_OP_INCREMENT, "text", CM_WANT_TTL);
    CHECK(run_op(client, count).result.status == CM_ERR_REJECTED);
    CHECK(holds(client, "text", "abc"));
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
    set(client, "old:x", "v");
    cases[4].op.ttl_seconds = 60;
    cm_op ops[2 * CASES + 1];
    for (size_t i = 0; i < CASES; i++) {
        ops[2 * i] = op_with(CM_OP_SET, "fine", "v", i % 2 == 0 ? CM_WANT_QUIET : 0);
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
    CHECK_STATUS(version < 10627 ? CM_ERR_UNSUPPORTED : CM_OK, run_op(client, drop).result.status);
    CHECK(holds(client, "fine", "v"));
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
        struct answer answer = run_op(client, cases[i].op);
        CHECK_STATUS(cases[i].status, answer.result.status);
        CHECK(answer.result.state == CM_UNSENT && answer.result.server == CM_NO_SERVER);
    }
    static const int64_t bad[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 32};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cm_op lease = op_on(CM_OP_GET, "k", 0);
        lease.lease_seconds = bad[i];
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(client, lease).result.status);
        cm_op refresh = op_on(CM_OP_GET, "k", 0);
        refresh.refresh_before_seconds = bad[i];
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(client, refresh).result.status);
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
        CHECK_STATUS(CM_ERR_ARGUMENT, run_op(client, fields[i]).result.status);
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "connections_per_server=1 timeout_ms=5000");
    RUN(metadata);
    RUN(large_values);
    RUN(comparing);
    RUN(counting);
    RUN(what_the_server_is_too_old_for);
    RUN(what_makes_no_sense);
    cm_client_free(client);
    return finish();
}
