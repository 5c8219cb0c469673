/* A server that lies: never a wrong value, and the next call is right. */
#include "fake.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define KEY "VALUE key 0 8\r\ntrue key\r\n"
#define SECOND "VALUE second 0 11\r\ntrue second\r\n"
#define THIRD "VALUE third 0 10\r\ntrue third\r\n"
#define OTHER "VALUE other 0 10\r\nliar other\r\n"
#define END "END\r\n"

static char address[32];

/* A client of its own for each lie, with one connection, so that the next call would meet whatever
   the lie left behind. */
static cm_client *fresh_client(void) {
    return client_open(address, "connections_per_server=1 failure_threshold=1000");
}

static bool is_true(const cm_result *result, const char *key) {
    char expected[64];
    snprintf(expected, sizeof expected, "true %s", key);
    return result != NULL && result->value_len == strlen(expected) &&
           memcmp(result->value, expected, result->value_len) == 0;
}

/* A few honest calls, of keys of their own. */
static void the_next_calls_are_right(cm_client *client, const char *lie) {
    static const char *const keys[] = {"other", "key", "third"};
    static const size_t lengths[] = {5, 3, 5};
    bool right = true;
    for (size_t i = 0; i < 3; i++) {
        cm_result *result = NULL;
        right = cm_get(client, keys[i], lengths[i], &result, NULL) == CM_OK && right;
        right = is_true(result, keys[i]) && right;
        cm_result_free(result);
    }
    uint64_t number = 0;
    right = cm_set(client, "key", 3, "v", 1, 0, 0, NULL) == CM_OK && right;
    right = cm_increment(client, "key", 3, 1, &number, NULL) == CM_OK && number == 42 && right;
    cm_results *results = NULL;
    right = cm_get_multi(client, keys, lengths, 3, &results, NULL) == CM_OK && right;
    for (size_t i = 0; i < 3; i++)
        right = is_true(cm_results_at(results, i), keys[i]) && right;
    cm_results_free(results);
    if (!CHECK(right))
        fprintf(stderr, "after the lie %.60s\n", lie);
}

/* One get answered with a lie. CM_OK stands for a right value, and a negative status for that
   error; `or_right`: the lie may also go unnoticed, as long as the value is right. */
static void a_get(cm_client *client, const char *lie, cm_status expected, bool or_right) {
    cm_result *result = (cm_result *)&client;
    cm_error *error = NULL;
    fake_tell(0, lie);
    cm_status status = cm_get(client, "key", 3, &result, &error);
    bool good = status == expected || (or_right && status == CM_OK);
    good = (status == CM_OK ? is_true(result, "key") : result == NULL) && good;
    good = (status == CM_OK || strcmp(cm_error_server(error), address) == 0) && good;
    if (!CHECK(good && fake_has_told()))
        fprintf(stderr, "a get with the lie %.60s: %s\n", lie, cm_status_name(status));
    cm_result_free(result);
    cm_error_free(error);
}

/* The same within a batch: each value that comes is right, and an error is no miss. */
static void a_batch(cm_client *client, const char *lie, cm_status expected, bool or_right) {
    static const char *const keys[] = {"key", "second", "third"};
    cm_op ops[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        ops[i] = (cm_op){.kind = CM_OP_GET, .key = keys[i], .key_len = strlen(keys[i])};
    cm_results *results = NULL;
    cm_status status;
    for (bool unsent = true; unsent; unsent = cm_results_at(results, 0)->state & CM_UNSENT) {
        uint32_t timeout_ms =
            expected == CM_ERR_TIMEOUT ? 100 : 0; /* on a busy machine: too short */
        cm_results_free(results);
        fake_tell(0, lie);
        status = cm_execute(client, ops, sizeof *ops, 3, timeout_ms, &results, NULL);
    }
    bool good = status == expected || (or_right && status == CM_OK);
    for (size_t i = 0; i < 3; i++) {
        const cm_result *result = cm_results_at(results, i);
        good = (result->status == CM_OK ? is_true(result, keys[i]) : result->status < 0) && good;
    }
    if (!CHECK(good && fake_has_told()))
        fprintf(stderr, "a batch with the lie %.60s: %s\n", lie, cm_status_name(status));
    cm_results_free(results);
}

typedef void (*call)(cm_client *, const char *, cm_status, bool);

/* Each lie is told to a client of its own, and then the client is asked again. */
static void tell_all(call call, const char *const *lies, cm_status expected, bool or_right) {
    for (; *lies != NULL; lies++) {
        cm_client *client = fresh_client();
        call(client, *lies, expected, or_right);
        the_next_calls_are_right(client, *lies);
        cm_client_free(client);
    }
}

/* The reply comes between this call and the next, or during the next. */
static void late_replies_to_a_batch(void) {
    static const char *const lies[] = {"%w%h", "VALUE key 0 8\r\ntr%wue key\r\n" END, KEY "%w" END,
                                       "VALUE key 0 50\r\nliar%w"};
    for (int i = 0; i < 8; i++) {
        cm_client *client = fresh_client();
        a_batch(client, lies[i / 2], CM_ERR_TIMEOUT, false);
        if (i % 2 == 1)
            the_next_calls_are_right(client, lies[i / 2]);
        fake_go_on();
        the_next_calls_are_right(client, lies[i / 2]);
        cm_client_free(client);
    }
}

/* With the client's own timeout, in which its other calls must be answered. */
static void late_replies(void) {
    cm_client *client =
        client_open(address, "connections_per_server=1 failure_threshold=1000 timeout_ms=1500");
    a_get(client, "%w%h", CM_ERR_TIMEOUT, false);
    fake_go_on();
    the_next_calls_are_right(client, "a late reply");
    a_get(client, KEY "%w" END, CM_ERR_TIMEOUT, true);
    the_next_calls_are_right(client, "a late end");
    fake_go_on();
    cm_error *error = NULL;
    fake_tell(0, "%w%h");
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_set(client, "key", 3, "v", 1, 0, 0, &error));
    CHECK(cm_error_state(error) == 0); /* it may have been stored */
    cm_error_free(error);
    fake_go_on();
    the_next_calls_are_right(client, "a late STORED");
    cm_client_free(client);
}

/* A pure read is repeated once, on a fresh connection. */
static void cut_replies(void) {
    static const char *const lies[] = {
        "%c", "VAL%c", "VALUE key 0 8\r\ntrue%c", KEY "%c", KEY "EN%c", "%d%h", NULL,
    };
    tell_all(a_get, lies, CM_OK, false);
    tell_all(a_batch, lies, CM_OK, false);
}

/* Items that were not asked for; an item in another order, or twice. */
static void items_out_of_place(void) {
    static const char *const lies[] = {
        OTHER END,
        KEY OTHER END,
        "VALUE ke 0 4\r\nliar\r\n" END,
        "VALUE key2 0 4\r\nliar\r\n" END,
        "VALUE KEY 0 4\r\nliar\r\n" END,
        "VALUE  0 4\r\nliar\r\n" END,
        "VALUE key 0 4 99\r\nliar\r\n" END, /* a cas id, which was not asked for */
        KEY "VALUE key 0 4\r\nliar\r\n" END,
        OTHER "%e",
        NULL,
    };
    static const char *const in_another_order[] = {THIRD KEY SECOND END, NULL};
    tell_all(a_get, lies, CM_ERR_PROTOCOL, true);
    tell_all(a_batch, lies, CM_ERR_PROTOCOL, false);
    tell_all(a_batch, in_another_order, CM_ERR_PROTOCOL, true);
}

static void lengths_that_are_wrong(void) {
    static const char *const lies[] = {
        "VALUE key 0 2\r\nliar liar\r\n" END,
        "VALUE key 0 0\r\nliar\r\n" END,
        "VALUE key 0 -1\r\nliar\r\n" END,
        "VALUE key 0 +4\r\nliar\r\n" END,
        "VALUE key 0 4x\r\nliar\r\n" END,
        "VALUE key 0 \r\nliar\r\n" END,
        "VALUE key 0\r\nliar\r\n" END,
        "VALUE key 0 4\nliar\r\n" END,
        "VALUE key 0 4\r\nliar" END,
        "VALUE key 4294967296 4\r\nliar\r\n" END,
        "VALUE key 0 18446744073709551620\r\nliar\r\n" END, /* 4, in 64 bits */
        "VALUE key 0 4294967300\r\nliar\r\n" END,           /* 4, in 32 bits */
        NULL,
    };
    tell_all(a_get, lies, CM_ERR_PROTOCOL, false);
    tell_all(a_batch, lies, CM_ERR_PROTOCOL, false);
}

/* With flags: a server's placeholder for a value to come has none, and is no value. */
static void values_of_no_length(void) {
    static const char *const keys[] = {"first", "second", "third", "key"};
    static const size_t lengths[] = {5, 6, 5, 3};
    cm_client *client = fresh_client();
    for (int all = 0; all < 2; all++) {
        cm_results *results = NULL;
        fake_tell(0, all ? "VALUE first 7 0\r\n\r\nVALUE second 7 0\r\n\r\n"
                           "VALUE third 7 0\r\n\r\nVALUE key 7 0\r\n\r\n" END
                         : "VALUE first 7 0\r\n\r\n" SECOND "VALUE third 7 0\r\n\r\n" KEY END);
        CHECK_STATUS(CM_OK, cm_get_multi(client, keys, lengths, 4, &results, NULL));
        for (size_t i = 0; i < 4; i++) {
            const cm_result *result = cm_results_at(results, i);
            CHECK_STATUS(CM_OK, result->status);
            CHECK(i % 2 == 1 && !all ? is_true(result, keys[i])
                                     : result->value_len == 0 && result->flags == 7);
        }
        cm_results_free(results);
        the_next_calls_are_right(client, "values of no length");
    }
    cm_client_free(client);
}

static void replies_after_the_reply(void) {
    static const char *const at_once[] = {"%h" OTHER END, "%h" END, "%hVAL", "%h%h", NULL};
    tell_all(a_get, at_once, CM_ERR_PROTOCOL, true);
    tell_all(a_batch, at_once, CM_ERR_PROTOCOL, true);
    cm_client *client = fresh_client();
    a_get(client, "%h%w" OTHER END, CM_OK, false);
    fake_go_on();
    sleep_ms(300); /* idle: a connection is looked at before it is used again */
    the_next_calls_are_right(client, "a second reply, later");
    cm_client_free(client);
}

/* The peak, which Linux shows as VmHWM too. */
static long peak_memory_kb(void) {
    struct rusage usage;
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

static void lengths_that_would_take_memory(void) {
    static const char *const lies[] = {
        "VALUE key 0 4294967295\r\nliar",
        "VALUE key 0 4294967297\r\nliar",
        "VALUE key 0 9223372036854775807\r\nliar",
        "VALUE key 0 18446744073709551615\r\nliar",
        "VALUE lines_without_an_end_are_no_reply%e",
        NULL,
    };
    long before = peak_memory_kb();
    tell_all(a_get, lies, CM_ERR_PROTOCOL, false);
    tell_all(a_batch, lies, CM_ERR_PROTOCOL, false);
    /* Nor does a length that is allowed: memory is for the bytes that come. */
    cm_client *client =
        client_open(address, "connections_per_server=1 timeout_ms=1000 max_value_bytes=4294967296");
    a_get(client, "VALUE key 0 4294967296\r\nliar", CM_ERR_TIMEOUT, false);
    the_next_calls_are_right(client, "four gigabytes, which are allowed");
    cm_client_free(client);
    CHECK(peak_memory_kb() - before < 20 * 1024);
}

static void what_is_no_reply(void) {
    static const char *const lies[] = {"\x80\x01\xff\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n",
                                       "\r\n",
                                       "STORED\r\n",
                                       "NOT_FOUND\r\n",
                                       "42\r\n",
                                       "end\r\n",
                                       "END\n",
                                       "END \r\n",
                                       "VALUE\r\n",
                                       NULL};
    tell_all(a_get, lies, CM_ERR_PROTOCOL, false);
    tell_all(a_batch, lies, CM_ERR_PROTOCOL, false);
}

/* An error line ends the reply; the items before it are right. */
static void errors_of_the_server(void) {
    static const char *const failing[] = {"SERVER_ERROR out of luck\r\n",
                                          KEY "SERVER_ERROR out of memory\r\n",
                                          KEY SECOND "SERVER_ERROR out of memory\r\n", NULL};
    static const char *const rejecting[] = {"CLIENT_ERROR out of order\r\n", NULL};
    tell_all(a_get, failing, CM_ERR_SERVER, true);
    tell_all(a_batch, failing, CM_ERR_SERVER, false);
    tell_all(a_get, rejecting, CM_ERR_REJECTED, false);
    tell_all(a_batch, rejecting, CM_ERR_REJECTED, false);
    cm_client *client = fresh_client();
    cm_result *result = NULL;
    cm_error *error = NULL;
    fake_tell(0, failing[0]);
    CHECK_STATUS(CM_ERR_SERVER, cm_get(client, "key", 3, &result, &error));
    CHECK(strstr(cm_error_message(error), "out of luck") != NULL);
    cm_error_free(error);
    cm_client_free(client);
}

int main(void) {
    fake_start(address, sizeof address);
    RUN(late_replies);
    RUN(late_replies_to_a_batch);
    RUN(cut_replies);
    RUN(items_out_of_place);
    RUN(lengths_that_are_wrong);
    RUN(values_of_no_length);
    RUN(replies_after_the_reply);
    RUN(lengths_that_would_take_memory);
    RUN(what_is_no_reply);
    RUN(errors_of_the_server);
    return finish();
}
