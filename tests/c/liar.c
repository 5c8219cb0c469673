/* A server that lies: never a wrong value, and the next call is right. */
#include "fake.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static char address[32];

/* A client of its own for each lie, with one connection, so that the next call would meet whatever
   the lie left behind. */
static cm_client *fresh_client(void) {
    return client_open(address, "connections_per_server=1 timeout_ms=200 failure_threshold=1000");
}

static bool is_true(const cm_result *result, const char *key) {
    char expected[64];
    snprintf(expected, sizeof expected, "true %s", key);
    return result != NULL && result->value_len == strlen(expected) &&
           memcmp(result->value, expected, result->value_len) == 0;
}

/* A few honest calls, of keys of their own. */
static void the_next_calls_are_right(cm_client *client) {
    static const char *const keys[] = {"other", "key", "third"};
    static const size_t lengths[] = {5, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        cm_result *result = NULL;
        CHECK_STATUS(CM_OK, cm_get(client, keys[i], lengths[i], &result, NULL));
        CHECK(is_true(result, keys[i]));
        cm_result_free(result);
    }
    CHECK_STATUS(CM_OK, cm_set(client, "key", 3, "v", 1, 0, 0, NULL));
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_get_multi(client, keys, lengths, 3, &results, NULL));
    for (size_t i = 0; i < 3; i++)
        CHECK(is_true(cm_results_at(results, i), keys[i]));
    cm_results_free(results);
}

/* One get answered with a lie. CM_OK stands for a right value. */
static void a_get(enum lie lie, cm_status expected, int line) {
    cm_client *client = fresh_client();
    cm_result *result = NULL;
    cm_error *error = NULL;
    char what[64];
    snprintf(what, sizeof what, "a get with lie %d", lie);
    fake_tell(lie);
    cm_status status = cm_get(client, "key", 3, &result, &error);
    check_status(expected, status, __FILE__, line, what);
    check((status == CM_OK) == (result != NULL), __FILE__, line, what);
    check(status != CM_OK || is_true(result, "key"), __FILE__, line, what);
    check(status >= 0 || strcmp(cm_error_server(error), address) == 0, __FILE__, line, what);
    check(fake_has_told(), __FILE__, line, "the lie was told");
    cm_result_free(result);
    cm_error_free(error);
    the_next_calls_are_right(client);
    cm_client_free(client);
}

/* The same within a batch. */
static void a_batch(enum lie lie, cm_status expected, int line) {
    static const char *const keys[] = {"key", "second", "third"};
    static const size_t lengths[] = {3, 6, 5};
    cm_client *client = fresh_client();
    cm_results *results = NULL;
    char what[64];
    snprintf(what, sizeof what, "a batch with lie %d", lie);
    fake_tell(lie);
    check_status(expected, cm_get_multi(client, keys, lengths, 3, &results, NULL), __FILE__, line,
                 what);
    for (size_t i = 0; i < cm_results_count(results); i++) {
        const cm_result *result = cm_results_at(results, i);
        check(result->status != CM_OK || is_true(result, keys[i]), __FILE__, line, what);
        check(result->status != CM_NOT_FOUND, __FILE__, line, "an error never looks like a miss");
    }
    cm_results_free(results);
    the_next_calls_are_right(client);
    cm_client_free(client);
}

#define GET(lie, expected) a_get((lie), (expected), __LINE__)
#define BATCH(lie, expected) a_batch((lie), (expected), __LINE__)

static void late_replies(void) {
    GET(LATE, CM_ERR_TIMEOUT);
    BATCH(LATE, CM_ERR_TIMEOUT);
    /* Now with a wait in which the late reply arrives. */
    cm_client *client = fresh_client();
    cm_result *result = NULL;
    fake_tell(LATE);
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_get(client, "key", 3, &result, NULL));
    sleep_ms(LATE_MS);
    the_next_calls_are_right(client);
    fake_tell(LATE);
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_set(client, "key", 3, "v", 1, 0, 0, NULL));
    the_next_calls_are_right(client);
    cm_client_free(client);
}

static void cut_replies(void) {
    GET(CUT, CM_OK); /* a pure read is repeated once, on a fresh connection */
    GET(NOTHING, CM_OK);
    BATCH(CUT, CM_OK);
    BATCH(NOTHING, CM_OK);
    GET(DRIP, CM_OK);
    cm_client *client = fresh_client();
    for (int i = 0; i < 2; i++) {
        fake_tell(i == 0 ? CUT : NOTHING); /* a write whose fate is unknown is not repeated */
        CHECK_STATUS(CM_ERR_CONNECTION, cm_set(client, "key", 3, "v", 1, 0, 0, NULL));
        the_next_calls_are_right(client);
    }
    cm_client_free(client);
}

static void items_nobody_asked_for(void) {
    GET(OTHER_KEY, CM_ERR_PROTOCOL);
    BATCH(OTHER_KEY, CM_ERR_PROTOCOL);
    GET(ENDLESS_ITEMS, CM_ERR_PROTOCOL);
}

static void lengths_that_are_wrong(void) {
    GET(TOO_SHORT, CM_ERR_TIMEOUT);
    GET(TOO_LONG, CM_ERR_PROTOCOL);
    BATCH(TOO_LONG, CM_ERR_PROTOCOL);
    GET(NO_END, CM_OK); /* at the deadline: the item is whole; the connection is not kept */
}

static void replies_after_the_reply(void) {
    cm_client *client = fresh_client();
    cm_result *result = NULL;
    fake_tell(TWICE);
    cm_status status = cm_get(client, "key", 3, &result, NULL);
    CHECK(status == CM_ERR_PROTOCOL || (status == CM_OK && is_true(result, "key")));
    cm_result_free(result);
    the_next_calls_are_right(client);

    fake_tell(TWICE_LATER);
    CHECK_STATUS(CM_OK, cm_get(client, "key", 3, &result, NULL));
    CHECK(is_true(result, "key"));
    cm_result_free(result);
    sleep_ms(300); /* idle: a connection is looked at before it is used again */
    the_next_calls_are_right(client);
    cm_client_free(client);
}

static long peak_memory_kb(void) {
    struct rusage usage;
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

static void lengths_that_would_take_memory(void) {
    long before = peak_memory_kb();
    GET(FOUR_GIGABYTES, CM_ERR_PROTOCOL);
    BATCH(FOUR_GIGABYTES, CM_ERR_PROTOCOL);
    GET(HUGE_LENGTH, CM_ERR_PROTOCOL);
    GET(NEGATIVE_LENGTH, CM_ERR_PROTOCOL);
    GET(ENDLESS_LINE, CM_ERR_PROTOCOL);
    CHECK(peak_memory_kb() - before < 50 * 1024);
}

static void what_is_no_reply(void) {
    GET(GARBAGE, CM_ERR_PROTOCOL);
    GET(WRONG_KIND, CM_ERR_PROTOCOL);
    BATCH(GARBAGE, CM_ERR_PROTOCOL);
    static const enum lie lies[] = {GARBAGE, WRONG_KIND, OTHER_KEY};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        cm_client *client = fresh_client();
        fake_tell(lies[i]);
        CHECK_STATUS(CM_ERR_PROTOCOL, cm_set(client, "key", 3, "v", 1, 0, 0, NULL));
        the_next_calls_are_right(client);
        uint64_t number = 77;
        fake_tell(lies[i]);
        CHECK_STATUS(CM_ERR_PROTOCOL, cm_increment(client, "key", 3, 1, &number, NULL));
        CHECK(number == 0);
        the_next_calls_are_right(client);
        cm_client_free(client);
    }
}

static void errors_of_the_server(void) {
    GET(SERVER_ERROR, CM_ERR_SERVER);
    BATCH(SERVER_ERROR, CM_ERR_SERVER);
    GET(CLIENT_ERROR, CM_ERR_REJECTED);
    cm_client *client = fresh_client();
    cm_error *error = NULL;
    fake_tell(SERVER_ERROR);
    CHECK_STATUS(CM_ERR_SERVER, cm_set(client, "key", 3, "v", 1, 0, 0, &error));
    CHECK(strstr(cm_error_message(error), "out of luck") != NULL);
    cm_error_free(error);
    the_next_calls_are_right(client);
    fake_tell(CLIENT_ERROR);
    CHECK_STATUS(CM_ERR_REJECTED, cm_set(client, "key", 3, "v", 1, 0, 0, &error));
    CHECK(strstr(cm_error_message(error), "out of order") != NULL);
    cm_error_free(error);
    the_next_calls_are_right(client);
    fake_tell(BARE_ERROR);
    CHECK(cm_set(client, "key", 3, "v", 1, 0, 0, NULL) < 0);
    the_next_calls_are_right(client);
    cm_client_free(client);
}

int main(void) {
    fake_start(address, sizeof address);
    RUN(late_replies);
    RUN(cut_replies);
    RUN(items_nobody_asked_for);
    RUN(lengths_that_are_wrong);
    RUN(replies_after_the_reply);
    RUN(lengths_that_would_take_memory);
    RUN(what_is_no_reply);
    RUN(errors_of_the_server);
    return finish();
}
