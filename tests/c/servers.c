/* Lists of servers and options: what is taken, what is refused, and that the message says why. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list is refused and the message names the offender. */
static void refused(const char *list, const char *offender, int line) {
    cm_client *client = (cm_client *)&line;
    cm_error *error = NULL;
    cm_status status = cm_client_new(list, NULL, &client, &error);
    check_status(CM_ERR_ARGUMENT, status, __FILE__, line, list);
    check(client == NULL, __FILE__, line, "client_out is NULL");
    if (!check(error != NULL, __FILE__, line, "a failure comes with an error"))
        return;
    check_status(CM_ERR_ARGUMENT, cm_error_status(error), __FILE__, line, list);
    const char *message = cm_error_message(error);
    char text[512];
    snprintf(text, sizeof text, "\"%s\" names \"%s\"", message, offender);
    check(strstr(message, offender) != NULL, __FILE__, line, text);
    check(strpbrk(message, "\r\n") == NULL, __FILE__, line, "the message is one line");
    cm_error_free(error);
}

#define REFUSED(list, offender) refused((list), (offender), __LINE__)

static void lists_that_are_refused(void) {
    REFUSED("", "server");
    REFUSED("   ", "server");
    REFUSED(",", "server");
    REFUSED("\n\n", "server");
    REFUSED("10.0.0.1:11211,10.0.0.2:11211,10.0.0.1:11211", "10.0.0.1:11211");
    REFUSED("10.0.0.1,10.0.0.1:11211", "10.0.0.1:11211"); /* the port that is left out */
    REFUSED("Cache.Example.com,cache.example.com.:11211", "cache.example.com");
    REFUSED("10.0.0.1 name=a,10.0.0.2 name=a", "a");
    REFUSED("unix:/tmp/a,unix:/tmp/a", "unix:/tmp/a");
    REFUSED("[::1]:11211,[0:0:0:0:0:0:0:1]", "[::1]:11211");
    REFUSED("10.0.0.1 weight=0", "weight");
    REFUSED("10.0.0.1 weight=65536", "65536");
    REFUSED("10.0.0.1 weight=-1", "-1");
    REFUSED("10.0.0.1 weight=two", "two");
    REFUSED("10.0.0.1 weight=", "weight");
    REFUSED("10.0.0.1 wieght=2", "wieght");
    REFUSED("10.0.0.1 nonsense", "nonsense");
    REFUSED("10.0.0.1 name=", "name");
    REFUSED("10.0.0.1:0", "10.0.0.1:0");
    REFUSED("10.0.0.1:65536", "65536");
    REFUSED("10.0.0.1:http", "http");
    REFUSED("10.0.0.1:", "10.0.0.1:");
    REFUSED(":11211", ":11211");
    REFUSED("::1", "::1");
    REFUSED("[::1", "[::1");
    REFUSED("[nonsense]:11211", "nonsense");
    REFUSED("unix:", "unix:");
    REFUSED("unix:relative%00", "%00");
    REFUSED("unix:/tmp/a%00b", "%00");
    REFUSED("10.0.0.1 name=a%00", "%00");
    REFUSED("unix:/tmp/a%zz", "%zz");
    REFUSED("host!:11211", "host!");
    REFUSED("ho/st:11211", "ho/st");
    REFUSED("host%20weight=5", "host%20weight=5");
    REFUSED("host;rm", "host;rm");
}

static void lists_that_are_taken(void) {
    static const struct {
        const char *list;
        size_t count;
    } good[] = {
        {"10.0.0.1", 1},
        {"10.0.0.1:11211", 1},
        {"10.0.0.1,10.0.0.2", 2},
        {"10.0.0.1, 10.0.0.2 ,10.0.0.3", 3},
        {"10.0.0.1\n10.0.0.2\n", 2},
        {"cache-1.example_a.com weight=65535,10.0.0.2 weight=60000", 2},
        {"10.0.0.1 weight=2 name=first,10.0.0.2 name=second weight=3", 2},
        {"10.0.0.1 name=a%20name%2C%25", 1},
        {"10.0.0.1 name=a,10.0.0.1 name=b", 2},
        {"[::1],[::2]:11212", 2},
        {"unix:/tmp/a.sock,unix:/tmp/with%20space", 2},
        {"127.0.0.1:1,127.0.0.1:2", 2},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cm_client *client = NULL;
        cm_error *error = NULL;
        CHECK_STATUS(CM_OK, cm_client_new(good[i].list, NULL, &client, &error));
        if (error != NULL)
            fprintf(stderr, "%s: %s\n", good[i].list, cm_error_message(error));
        cm_error_free(error);
        CHECK(cm_client_server_count(client) == good[i].count);
        cm_client_free(client);
    }
}

static void options_that_are_refused(void) {
    static const struct {
        const char *name, *value, *offender;
    } bad[] = {
        {"colour", "red", "colour"},
        {"", "1", "option"},
        {"timeout_ms", "0", "timeout_ms"},
        {"timeout_ms", "-1", "timeout_ms"},
        {"timeout_ms", "1.5", "1.5"},
        {"timeout_ms", "soon", "soon"},
        {"timeout_ms", "", "timeout_ms"},
        {"timeout_ms", " 5", "timeout_ms"},
        {"timeout_ms", "99999999999999999999", "timeout_ms"},
        {"Timeout_ms", "5", "Timeout_ms"},
        {"connections_per_server", "0", "connections_per_server"},
        {"slots", "1023", "slots"},
        {"slots", "4194305", "slots"},
        {"distribution", "random", "random"},
        {"hash", "sha1", "sha1"},
        {"tcp_nodelay", "maybe", "maybe"},
    };
    cm_options *options = cm_options_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cm_error *error = NULL;
        CHECK_STATUS(CM_ERR_OPTION, cm_options_set(options, bad[i].name, bad[i].value, &error));
        CHECK_STATUS(CM_ERR_OPTION, cm_error_status(error));
        if (!CHECK(strstr(cm_error_message(error), bad[i].offender) != NULL))
            fprintf(stderr, "%s=%s: %s\n", bad[i].name, bad[i].value, cm_error_message(error));
        cm_error_free(error);
    }
    const char *value = "";
    CHECK_STATUS(CM_ERR_OPTION, cm_options_get(options, "colour", &value, NULL));
    CHECK(value == NULL);
    cm_options_free(options);
}

/* Options that exclude each other, or the list, show when the client is made. */
static void options_that_do_not_go_together(void) {
    static const struct {
        const char *name, *value, *name_2, *value_2;
    } bad[] = {
        {"hash", "cmemcache", "distribution", "rehash"},
        {"slots", "1025", "distribution", "rehash"},
        {"key_prefix", "a b", "distribution", "rehash"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cm_options *options = cm_options_new();
        cm_client *client = NULL;
        cm_error *error = NULL;
        CHECK_STATUS(CM_OK, cm_options_set(options, bad[i].name, bad[i].value, NULL));
        CHECK_STATUS(CM_OK, cm_options_set(options, bad[i].name_2, bad[i].value_2, NULL));
        cm_status status = cm_client_new("10.0.0.1", options, &client, &error);
        CHECK_STATUS(CM_ERR_OPTION, status);
        CHECK(client == NULL);
        if (status < 0 && !CHECK(strstr(cm_error_message(error), bad[i].name) != NULL))
            fprintf(stderr, "%s\n", cm_error_message(error));
        cm_error_free(error);
        cm_options_free(options);
    }
}

static void options_are_read_back(void) {
    cm_options *options = cm_options_new();
    for (size_t i = 0; i < cm_option_count(); i++) {
        const cm_option *option = cm_option_at(i);
        const char *value = NULL;
        CHECK_STATUS(CM_OK, cm_options_get(options, option->name, &value, NULL));
        REQUIRE(value != NULL);
        CHECK(strcmp(value, option->default_value) == 0);
        CHECK(strlen(option->type_name) > 0 && strlen(option->range) > 0 &&
              strlen(option->text) > 0);
        if (strlen(value) > 0) /* a default may be set like any other value */
            CHECK_STATUS(CM_OK, cm_options_set(options, option->name, value, NULL));
    }
    const char *value = NULL;
    CHECK_STATUS(CM_OK, cm_options_set(options, "timeout_ms", "123", NULL));
    CHECK_STATUS(CM_ERR_OPTION, cm_options_set(options, "timeout_ms", "-9", NULL));
    CHECK_STATUS(CM_OK, cm_options_get(options, "timeout_ms", &value, NULL));
    CHECK(value != NULL && strcmp(value, "123") == 0);
    cm_options_free(options);
}

static void names_of_statuses(void) {
    CHECK(strcmp(cm_status_name(CM_OK), "CM_OK") == 0);
    CHECK(strcmp(cm_status_name(CM_EXISTS), "CM_EXISTS") == 0);
    for (cm_status status = CM_ERR_BUSY; status <= CM_EXISTS; status++) {
        const char *name = cm_status_name(status);
        CHECK(strncmp(name, status < 0 ? "CM_ERR_" : "CM_", status < 0 ? 7 : 3) == 0);
        for (cm_status other = CM_ERR_BUSY; other < status; other++)
            CHECK(strcmp(name, cm_status_name(other)) != 0);
    }
    CHECK(strcmp(cm_status_name(12345), "CM_UNKNOWN") == 0);
    CHECK(strcmp(cm_status_name(INT32_MIN), "CM_UNKNOWN") == 0);
    CHECK(strlen(cm_version()) >= strlen("0.0.0"));
}

/* The order of the list changes nothing but the numbers of the servers. */
static void placement_follows_identity(void) {
    cm_client *one = client_open("10.0.0.1,10.0.0.2 weight=3,10.0.0.3 name=x", "");
    cm_client *other = client_open("10.9.9.9 name=x,10.0.0.2 weight=3,10.0.0.1:11211", "");
    static const size_t same[] = {2, 1, 0};
    size_t counts[3] = {0};
    for (int i = 0; i < 10000; i++) {
        char key[16];
        int key_len = snprintf(key, sizeof key, "key:%d", i);
        size_t owner = 9, owner_2 = 9;
        CHECK_STATUS(CM_OK, cm_select_server(one, key, (size_t)key_len, &owner, NULL));
        CHECK_STATUS(CM_OK, cm_select_server(other, key, (size_t)key_len, &owner_2, NULL));
        REQUIRE(owner < 3 && owner_2 < 3);
        CHECK(same[owner] == owner_2);
        counts[owner]++;
    }
    CHECK(counts[1] > 5400 && counts[1] < 6600); /* three fifths */
    cm_client_free(one);
    cm_client_free(other);
}

static void a_unix_socket(void) {
    struct server server;
    server_start_unix(&server);
    cm_client *client = client_open(server.address, "");
    cm_result *result = NULL;
    CHECK_STATUS(CM_OK, cm_set(client, "k", 1, "v", 1, 0, 0, NULL));
    REQUIRE(cm_get(client, "k", 1, &result, NULL) == CM_OK);
    CHECK(result->value_len == 1 && memcmp(result->value, "v", 1) == 0);
    cm_result_free(result);
    cm_client_free(client);
    server_kill(&server);
}

int main(void) {
    RUN(lists_that_are_refused);
    RUN(lists_that_are_taken);
    RUN(options_that_are_refused);
    RUN(options_that_do_not_go_together);
    RUN(options_are_read_back);
    RUN(names_of_statuses);
    RUN(placement_follows_identity);
    RUN(a_unix_socket);
    return finish();
}
