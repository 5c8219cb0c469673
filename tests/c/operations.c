/* Every operation and every answer it can get. */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAYS(count) (INT64_C(86400) * (count))

static struct server servers[3];
static cm_client *client;

static cm_status set(const char *key, const char *value) {
    return cm_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL);
}

static cm_status get_status(const char *key) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    CHECK((status == CM_OK) == (result != NULL));
    cm_result_free(result);
    return status;
}

static bool holds(const char *key, const char *value) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    bool same = status == CM_OK && result->value_len == strlen(value) &&
                memcmp(result->value, value, strlen(value)) == 0;
    cm_result_free(result);
    return same;
}

static uint64_t cas_of(const char *key) {
    cm_result *result = NULL;
    REQUIRE(cm_gets(client, key, strlen(key), &result, NULL) == CM_OK);
    uint64_t cas = result->cas;
    CHECK(cas != 0);
    cm_result_free(result);
    return cas;
}

static void add_and_replace(void) {
    cm_error *error = (cm_error *)&client;
    CHECK_STATUS(CM_NOT_STORED, cm_replace(client, "a", 1, "0", 1, 0, 0, &error));
    CHECK(error == NULL); /* "no" is an answer, not a failure */
    CHECK_STATUS(CM_OK, cm_add(client, "a", 1, "1", 1, 0, 0, &error));
    CHECK_STATUS(CM_NOT_STORED, cm_add(client, "a", 1, "2", 1, 0, 0, &error));
    CHECK(holds("a", "1"));
    CHECK_STATUS(CM_OK, cm_replace(client, "a", 1, "3", 1, 9, 0, &error));
    cm_result *result = NULL;
    REQUIRE(cm_get(client, "a", 1, &result, NULL) == CM_OK);
    CHECK(result->flags == 9 && result->value_len == 1 && memcmp(result->value, "3", 1) == 0);
    cm_result_free(result);
}

static void append_and_prepend(void) {
    CHECK_STATUS(CM_NOT_STORED, cm_append(client, "joined", 6, "x", 1, NULL));
    CHECK_STATUS(CM_NOT_STORED, cm_prepend(client, "joined", 6, "x", 1, NULL));
    CHECK_STATUS(CM_OK, cm_set(client, "joined", 6, "b", 1, 5, 0, NULL));
    CHECK_STATUS(CM_OK, cm_append(client, "joined", 6, "c", 1, NULL));
    CHECK_STATUS(CM_OK, cm_prepend(client, "joined", 6, "a", 1, NULL));
    CHECK_STATUS(CM_OK, cm_append(client, "joined", 6, NULL, 0, NULL));
    cm_result *result = NULL;
    REQUIRE(cm_get(client, "joined", 6, &result, NULL) == CM_OK);
    CHECK(result->value_len == 3 && memcmp(result->value, "abc", 3) == 0);
    CHECK(result->flags == 5);
    cm_result_free(result);
}

static void compare_and_swap(void) {
    CHECK_STATUS(CM_NOT_FOUND, cm_cas(client, "c", 1, "x", 1, 0, 0, 1, NULL));
    CHECK_STATUS(CM_OK, set("c", "1"));
    uint64_t cas = cas_of("c");
    CHECK_STATUS(CM_OK, cm_cas(client, "c", 1, "2", 1, 0, 0, cas, NULL));
    CHECK_STATUS(CM_EXISTS, cm_cas(client, "c", 1, "3", 1, 0, 0, cas, NULL));
    CHECK(holds("c", "2"));
    /* Never a set in disguise: without a cas id there is nothing to compare with. */
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_cas(client, "c", 1, "4", 1, 0, 0, 0, NULL));
    CHECK(holds("c", "2"));
    CHECK_STATUS(CM_EXISTS, cm_cas(client, "c", 1, "5", 1, 0, 0, UINT64_MAX, NULL));
    cm_result *result = NULL;
    CHECK_STATUS(CM_NOT_FOUND, cm_gets(client, "none", 4, &result, NULL));
    CHECK(result == NULL);
}

static void delete_once(void) {
    CHECK_STATUS(CM_OK, set("d", "1"));
    CHECK_STATUS(CM_OK, cm_delete(client, "d", 1, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_delete(client, "d", 1, NULL));
    CHECK_STATUS(CM_NOT_FOUND, get_status("d"));
}

static void counting(void) {
    uint64_t number = 77;
    CHECK_STATUS(CM_NOT_FOUND, cm_increment(client, "n", 1, 1, &number, NULL));
    CHECK(number == 0);
    CHECK_STATUS(CM_OK, set("n", "10"));
    CHECK_STATUS(CM_OK, cm_increment(client, "n", 1, 5, &number, NULL));
    CHECK(number == 15);
    CHECK_STATUS(CM_OK, cm_decrement(client, "n", 1, 6, &number, NULL));
    CHECK(number == 9);
    CHECK_STATUS(CM_OK, cm_increment(client, "n", 1, 1, NULL, NULL)); /* whatever it comes to */
    CHECK_STATUS(CM_OK, cm_decrement(client, "n", 1, 1, NULL, NULL));
    CHECK(holds("n", "9 ")); /* the server keeps the length */
    CHECK_STATUS(CM_OK, cm_decrement(client, "n", 1, 100, &number, NULL));
    CHECK(number == 0); /* the server stops there */
    CHECK_STATUS(CM_OK, set("n", "18446744073709551614"));
    CHECK_STATUS(CM_OK, cm_increment(client, "n", 1, 1, &number, NULL));
    CHECK(number == UINT64_MAX);
    CHECK_STATUS(CM_OK, cm_increment(client, "n", 1, 1, &number, NULL));
    CHECK(number == 0); /* and wraps round there */
    CHECK_STATUS(CM_OK, cm_increment(client, "n", 1, UINT64_MAX, &number, NULL));
    CHECK(number == UINT64_MAX);
}

static void counting_text(void) {
    cm_error *error = NULL;
    uint64_t number = 77;
    CHECK_STATUS(CM_OK, set("text", "abc"));
    uint64_t connections = 0, after = 0;
    for (size_t i = 0; i < 3; i++)
        connections += server_stat(&servers[i], "total_connections");
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(CM_ERR_REJECTED, cm_increment(client, "text", 4, 1, &number, &error));
        CHECK(number == 0);
        CHECK(strstr(cm_error_message(error), "non-numeric") != NULL);
        CHECK(strlen(cm_error_server(error)) > 0);
        cm_error_free(error);
        CHECK(holds("text", "abc"));
    }
    for (size_t i = 0; i < 3; i++)
        after += server_stat(&servers[i], "total_connections");
    CHECK(after == connections + 3); /* such a refusal costs no connection */
}

static void touching(void) {
    cm_result *result = NULL;
    CHECK_STATUS(CM_NOT_FOUND, cm_touch(client, "t", 1, 10, NULL));
    CHECK_STATUS(CM_NOT_FOUND, cm_get_and_touch(client, "t", 1, 10, &result, NULL));
    CHECK(result == NULL);
    CHECK_STATUS(CM_OK, cm_set(client, "t", 1, "v", 1, 3, 0, NULL));
    CHECK_STATUS(CM_OK, cm_touch(client, "t", 1, 100, NULL));
    CHECK(holds("t", "v"));
    REQUIRE(cm_get_and_touch(client, "t", 1, 100, &result, NULL) == CM_OK);
    CHECK(result->value_len == 1 && result->flags == 3);
    cm_result_free(result);
    CHECK_STATUS(CM_OK, cm_touch(client, "t", 1, -1, NULL));
    CHECK_STATUS(CM_NOT_FOUND, get_status("t"));
    CHECK_STATUS(CM_OK, set("t", "v"));
    REQUIRE(cm_get_and_touch(client, "t", 1, -1, &result, NULL) == CM_OK);
    cm_result_free(result);
    CHECK_STATUS(CM_NOT_FOUND, get_status("t"));
}

static void time_to_live(void) {
    static const int64_t kept[] = {0, 1000, DAYS(30), DAYS(30) + 1, DAYS(40), DAYS(365)};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        CHECK_STATUS(CM_OK, cm_set(client, "ttl", 3, "v", 1, 0, kept[i], NULL));
        CHECK(holds("ttl", "v"));
        CHECK_STATUS(CM_OK, cm_touch(client, "ttl", 3, kept[i], NULL));
        CHECK(holds("ttl", "v"));
    }
    static const int64_t expired[] = {-1, -1000, INT64_MIN};
    for (size_t i = 0; i < sizeof expired / sizeof *expired; i++) {
        CHECK_STATUS(CM_OK, cm_set(client, "ttl", 3, "v", 1, 0, expired[i], NULL));
        CHECK_STATUS(CM_NOT_FOUND, get_status("ttl"));
    }
    static const int64_t refused[] = {INT32_MAX, INT64_C(1) << 32, INT64_C(1) << 40, INT64_MAX};
    CHECK_STATUS(CM_OK, set("ttl", "before"));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cm_error *error = NULL;
        CHECK_STATUS(CM_ERR_ARGUMENT, cm_set(client, "ttl", 3, "v", 1, 0, refused[i], &error));
        CHECK(strstr(cm_error_message(error), "ttl") != NULL);
        cm_error_free(error);
        CHECK_STATUS(CM_ERR_ARGUMENT, cm_touch(client, "ttl", 3, refused[i], NULL));
        CHECK(holds("ttl", "before"));
    }
}

static void an_item_expires(void) {
    CHECK_STATUS(CM_OK, cm_set(client, "brief", 5, "v", 1, 0, 1, NULL));
    CHECK_STATUS(CM_OK, cm_set(client, "long", 4, "v", 1, 0, 1000, NULL));
    CHECK_STATUS(CM_OK, cm_touch(client, "long", 4, 1, NULL));
    double end = seconds_now() + PATIENCE_SECONDS;
    while ((get_status("brief") == CM_OK || get_status("long") == CM_OK) && seconds_now() < end)
        sleep_ms(100);
    CHECK_STATUS(CM_NOT_FOUND, get_status("brief"));
    CHECK_STATUS(CM_NOT_FOUND, get_status("long"));
}

static cm_status set_until(int64_t unix_time) {
    const cm_op op = {.kind = CM_OP_SET,
                      .want = CM_WANT_UNIX_TTL,
                      .key = "unix",
                      .key_len = 4,
                      .value = "v",
                      .value_len = 1,
                      .ttl_seconds = unix_time};
    cm_results *results = NULL;
    cm_status status = cm_execute(client, &op, sizeof op, 1, 0, &results, NULL);
    cm_results_free(results);
    return status;
}

static void unix_time_to_live(void) {
    int64_t now = (int64_t)time(NULL);
    CHECK_STATUS(CM_OK, set_until(now + 1000));
    CHECK(holds("unix", "v"));
    CHECK_STATUS(CM_OK, set_until(now - 1000));
    CHECK_STATUS(CM_NOT_FOUND, get_status("unix"));
    CHECK_STATUS(CM_OK, set_until(DAYS(10))); /* January 1970 */
    CHECK_STATUS(CM_NOT_FOUND, get_status("unix"));
    CHECK_STATUS(CM_OK, set_until(0));
    CHECK(holds("unix", "v"));
    CHECK_STATUS(CM_ERR_ARGUMENT, set_until(INT64_MAX));
}

/* The value of a result about a server, which is text. */
static char *text_of(const cm_result *result) {
    char *text = calloc(result->value_len + 1, 1);
    REQUIRE(text != NULL);
    memcpy(text, result->value, result->value_len);
    return text;
}

static void statistics(void) {
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_stats(client, NULL, 0, &results, NULL));
    REQUIRE(cm_results_count(results) == 3);
    for (size_t i = 0; i < 3; i++) {
        const cm_result *result = cm_results_at(results, i);
        CHECK_STATUS(CM_OK, result->status);
        CHECK(result->server == i);
        char *text = text_of(result), pid[64];
        snprintf(pid, sizeof pid, "pid %ld\n", (long)servers[i].pid);
        CHECK(strncmp(text, pid, strlen(pid)) == 0); /* lines "NAME VALUE\n", in list order */
        CHECK(strstr(text, "\ncurr_items ") != NULL);
        CHECK(text[result->value_len - 1] == '\n' && strchr(text, '\r') == NULL);
        free(text);
    }
    cm_results_free(results);

    CHECK_STATUS(CM_OK, cm_stats(client, "settings", 8, &results, NULL));
    char *text = text_of(cm_results_at(results, 1));
    CHECK(strstr(text, "item_size_max ") != NULL);
    free(text);
    cm_results_free(results);

    /* Nothing may follow the argument on the wire. */
    cm_status status = cm_stats(client, "items\r\nflush_all", 16, &results, NULL);
    CHECK(status == CM_ERR_ARGUMENT || status == CM_ERR_KEY);
    cm_results_free(results);
}

static void versions(void) {
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_server_versions(client, &results, NULL));
    REQUIRE(cm_results_count(results) == 3);
    for (size_t i = 0; i < 3; i++) {
        char *text = text_of(cm_results_at(results, i)), *answer, expected[64];
        answer = server_ask(&servers[i], "version\r\n");
        snprintf(expected, sizeof expected, "VERSION %s\r\n", text);
        CHECK(strcmp(answer, expected) == 0);
        free(answer);
        free(text);
    }
    cm_results_free(results);
}

static void flushing(void) {
    cm_results *results = NULL;
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "flush:%d", i);
        CHECK_STATUS(CM_OK, set(key, "v"));
    }
    CHECK_STATUS(CM_OK, cm_flush_all(client, 1000, &results, NULL)); /* later, so not now */
    CHECK(cm_results_count(results) == 3);
    cm_results_free(results);
    CHECK(holds("flush:0", "v"));
    CHECK_STATUS(CM_OK, cm_flush_all(client, 0, &results, NULL));
    REQUIRE(cm_results_count(results) == 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(CM_OK, cm_results_at(results, i)->status);
        CHECK(cm_results_at(results, i)->server == i);
    }
    cm_results_free(results);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "flush:%d", i);
        CHECK_STATUS(CM_NOT_FOUND, get_status(key));
    }
    cm_status status = cm_flush_all(client, -1, &results, NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, status);
    cm_results_free(results);
}

static void keys_go_to_their_owner(void) {
    for (int i = 0; i < 50; i++) {
        char key[16], request[32];
        int key_len = snprintf(key, sizeof key, "owner:%d", i);
        size_t owner = 9;
        CHECK_STATUS(CM_OK, set(key, key));
        CHECK_STATUS(CM_OK, cm_select_server(client, key, (size_t)key_len, &owner, NULL));
        REQUIRE(owner < 3);
        snprintf(request, sizeof request, "get %s\r\n", key);
        for (size_t server = 0; server < 3; server++) {
            char *reply = server_ask(&servers[server], request);
            CHECK((strncmp(reply, "VALUE", 5) == 0) == (server == owner));
            free(reply);
        }
    }
}

int main(void) {
    for (size_t i = 0; i < 3; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, 3);
    client = client_open(list, "");
    free(list);
    RUN(add_and_replace);
    RUN(append_and_prepend);
    RUN(compare_and_swap);
    RUN(delete_once);
    RUN(counting);
    RUN(counting_text);
    RUN(touching);
    RUN(time_to_live);
    RUN(an_item_expires);
    RUN(unix_time_to_live);
    RUN(statistics);
    RUN(versions);
    RUN(flushing);
    RUN(keys_go_to_their_owner);
    cm_client_free(client);
    return finish();
}
