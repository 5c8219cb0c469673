/* A server that lies in answer to meta commands: never a wrong value, and the next call is right.
 */
#include "fake.h"
#include "operate.h"

#include <stdio.h>
#include <string.h>

static char address[32];

static cm_client *fresh_client(const char *options) {
    char all[200];
    snprintf(all, sizeof all, "connections_per_server=1 timeout_ms=300 failure_threshold=1000 %s",
             options);
    return client_open(address, all);
}

static void the_next_calls_are_right(cm_client *client) {
    struct answer read = run_op(client, op_on(CM_OP_GET, "key", CM_WANT_NO_BUMP));
    CHECK(has_value(&read, "true key"));
    CHECK(run_op(client, op_with(CM_OP_SET, "key", "v", CM_WANT_QUIET)).result.status == CM_OK);
    CHECK(holds(client, "other", "true other"));
}

/* One operation with this answer. */
static void tell(cm_op op, const char *words, cm_status expected) {
    cm_client *client = fresh_client("max_value_bytes=1000");
    fake_tell(0, words);
    struct answer answer = run_op(client, op);
    if (!CHECK_STATUS(expected, answer.result.status))
        fprintf(stderr, "after %s\n", words);
    CHECK(answer.result.value_len == 0 || answer.result.status == CM_OK);
    CHECK(answer.result.number == 0 || answer.result.status == CM_OK);
    CHECK(fake_has_told());
    the_next_calls_are_right(client);
    cm_client_free(client);
}

static void to_a_read(void) {
    static const struct {
        const char *words;
        cm_status expected;
    } cases[] = {
        {"VA 5 f0 O%o\r\nvalue\r\n", CM_OK},
        {"VA 0 f0 O%o W\r\n\r\n", CM_NOT_FOUND},
        {"EN O%o\r\n", CM_NOT_FOUND},
        {"VA 4 f0 O%o1\r\nliar\r\n", CM_ERR_PROTOCOL}, /* another's opaque */
        {"VA 4 f0 O7\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 4 f0\r\nliar\r\n", CM_ERR_PROTOCOL}, /* none */
        {"EN\r\n", CM_ERR_PROTOCOL},
        {"EN O9\r\n", CM_ERR_PROTOCOL},
        {"HD f0 O%o\r\n", CM_ERR_PROTOCOL}, /* a code that is not for this */
        {"NF O%o\r\n", CM_ERR_PROTOCOL},
        {"NS O%o\r\n", CM_ERR_PROTOCOL},
        {"EX O%o\r\n", CM_ERR_PROTOCOL},
        {"MN\r\n", CM_ERR_PROTOCOL},
        {"ME key exp=-1\r\n", CM_ERR_PROTOCOL},
        {"END\r\n", CM_ERR_PROTOCOL},
        {"VALUE key 0 4\r\nliar\r\nEND\r\n", CM_ERR_PROTOCOL},
        {"VA 4 f0 f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL}, /* doubled */
        {"VA 4 O%o f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 4 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},       /* not what was asked */
        {"VA 4 f0 c1 O%o\r\nliar\r\n", CM_ERR_PROTOCOL}, /* more than was asked */
        {"VA 4 f0 O%o \r\nliar\r\n", CM_ERR_PROTOCOL},   /* junk */
        {"VA 4 f0 O%o Q\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 4 fx O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 4 f4294967296 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 4 f0 O99999999999999999999\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA -4 f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA x f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 1001 f0 O%o\r\n", CM_ERR_PROTOCOL}, /* over the limit, before memory is taken */
        {"VA 4294967295 f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 18446744073709551616 f0 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"VA 2 f0 O%o\r\nliar liar\r\n", CM_ERR_PROTOCOL}, /* not that long */
        {"VA 50 f0 O%o\r\nliar\r\n", CM_ERR_TIMEOUT},
        {"VA 0 f0 O%o W\r\nx\r\n", CM_ERR_PROTOCOL},
        {"EN O%o\r\nEN O%o\r\n", CM_NOT_FOUND}, /* the first is right */
        {"SERVER_ERROR out of luck\r\n", CM_ERR_SERVER},
        {"CLIENT_ERROR out of order\r\n", CM_ERR_REJECTED},
        {"ERROR\r\n", CM_ERR_UNSUPPORTED},
        {"\x80\x01\xff\r\n", CM_ERR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tell(op_on(CM_OP_GET, "key", CM_WANT_NO_BUMP), cases[i].words, cases[i].expected);
}

static void to_a_write(void) {
    cm_op delete = op_on(CM_OP_DELETE, "key", 0), count = op_on(CM_OP_INCREMENT, "key", 0);
    cm_op cas = op_with(CM_OP_CAS, "key", "v", CM_WANT_INVALIDATE);
    delete.cas = count.cas = cas.cas = 5;
    tell(delete, "EX O%o\r\n", CM_EXISTS);
    tell(delete, "VA 4 O%o\r\nliar\r\n", CM_ERR_PROTOCOL);
    tell(delete, "HD O%o1\r\n", CM_ERR_PROTOCOL);
    tell(delete, "HD\r\n", CM_ERR_PROTOCOL);
    tell(delete, "EN O%o\r\n", CM_ERR_PROTOCOL);
    tell(delete, "NS O%o\r\n", CM_ERR_PROTOCOL);
    tell(delete, "HD O%o W\r\n", CM_ERR_PROTOCOL);
    tell(delete, "DELETED\r\n", CM_ERR_PROTOCOL);
    tell(count, "VA 2 O%o\r\n17\r\n", CM_OK);
    tell(count, "VA 21 O%o\r\n100000000000000000000\r\n", CM_ERR_PROTOCOL);
    tell(count, "VA 20 O%o\r\n18446744073709551616\r\n", CM_ERR_PROTOCOL);
    tell(count, "VA 2 O%o\r\n1x\r\n", CM_ERR_PROTOCOL);
    tell(count, "VA 0 O%o\r\n\r\n", CM_ERR_PROTOCOL);
    tell(count, "VA 2 O%o\r\n177\r\n", CM_ERR_PROTOCOL);
    tell(count, "HD O%o\r\n", CM_ERR_PROTOCOL);
    tell(count, "17\r\n", CM_ERR_PROTOCOL);
    tell(cas, "NF O%o\r\n", CM_NOT_FOUND);
    tell(cas, "NS O%o\r\n", CM_ERR_PROTOCOL);
    tell(cas, "STORED\r\n", CM_ERR_PROTOCOL);
    tell(cas, "CLIENT_ERROR bad data chunk\r\n", CM_ERR_REJECTED);
    tell(cas, "%c", CM_ERR_CONNECTION);
}

/* Lies about quiet writes are found by whoever uses the connection next, and are never taken for
   the answer to what it asks. */
static void to_a_quiet_write(void) {
    static const struct {
        const char *words;
        cm_status expected; /* of the next read: repeated on another connection, or an error */
    } cases[] = {
        {"NS O%o\r\n", CM_OK},
        {"EX O%o\r\n", CM_OK},
        {"SERVER_ERROR object too large for cache\r\n", CM_OK},
        {"CLIENT_ERROR bad data chunk\r\n", CM_OK},
        {"ERROR\r\n", CM_OK},
        {"%c", CM_OK},
        {"VA 4 O%o\r\nliar\r\n", CM_ERR_PROTOCOL},
        {"EN O%o\r\n", CM_ERR_PROTOCOL},
        {"VALUE key 0 4\r\nliar\r\nEND\r\n", CM_ERR_PROTOCOL},
        {"END\r\n", CM_ERR_PROTOCOL},
        {"STORED\r\n", CM_ERR_PROTOCOL},
        {"NS O%o O%o\r\n", CM_ERR_PROTOCOL},
        {"garbage\r\n", CM_ERR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cm_client *client = fresh_client("");
        fake_tell(0, cases[i].words);
        cm_status sent =
            run_op(client, op_with(CM_OP_ADD, "key", "v", CM_WANT_QUIET)).result.status;
        CHECK(sent == CM_OK);
        cm_result *result = NULL;
        cm_status status = cm_get(client, "other", 5, &result, NULL);
        CHECK_STATUS(cases[i].expected, status);
        CHECK(status != CM_OK ||
              (result->value_len == 10 && memcmp(result->value, "true other", 10) == 0));
        cm_result_free(result);
        the_next_calls_are_right(client);
        cm_client_free(client);
    }
}

int main(void) {
    fake_start(address, sizeof address);
    RUN(to_a_read);
    RUN(to_a_write);
    RUN(to_a_quiet_write);
    return finish();
}
