/* Which keys and values are taken, and that they come back the same. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an item of a one-byte key costs besides its value: header 48, cas id 8, key and NUL 2,
   line end 2. memcached stores up to 1 MB in all. */
enum { OVERHEAD = 60, LARGEST = 1024 * 1024 - OVERHEAD };

static struct server server;
static cm_client *client;

/* Every call that takes a key. The server must see none of them. */
static void every_call_refuses(const char *key, size_t key_len) {
    cm_result *result;
    cm_results *results;
    cm_error *error = NULL;
    uint64_t number;
    char buffer[8];
    size_t size;
    uint32_t flags;
    CHECK_STATUS(CM_ERR_KEY, cm_select_server(client, key, key_len, &size, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_get(client, key, key_len, &result, &error));
    CHECK(result == NULL && error != NULL);
    CHECK_STATUS(CM_ERR_KEY, cm_error_status(error));
    CHECK(strlen(cm_error_message(error)) > 0);
    cm_error_free(error);
    CHECK_STATUS(CM_ERR_KEY, cm_gets(client, key, key_len, &result, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_get_and_touch(client, key, key_len, 0, &result, NULL));
    CHECK_STATUS(CM_ERR_KEY,
                 cm_get_into(client, key, key_len, buffer, sizeof buffer, &size, &flags, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_set(client, key, key_len, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_add(client, key, key_len, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_replace(client, key, key_len, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_append(client, key, key_len, "v", 1, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_prepend(client, key, key_len, "v", 1, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_cas(client, key, key_len, "v", 1, 0, 0, 1, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_delete(client, key, key_len, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_touch(client, key, key_len, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_increment(client, key, key_len, 1, &number, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_decrement(client, key, key_len, 1, &number, NULL));

    CHECK_STATUS(CM_ERR_KEY, cm_get_multi(client, &key, &key_len, 1, &results, NULL));
    REQUIRE(cm_results_count(results) == 1);
    CHECK_STATUS(CM_ERR_KEY, cm_results_at(results, 0)->status);
    CHECK(cm_results_at(results, 0)->server == CM_NO_SERVER);
    CHECK(cm_results_at(results, 0)->state == CM_UNSENT);
    cm_results_free(results);
}

static void bad_keys_are_not_sent(void) {
    static const struct {
        const char *key;
        size_t key_len;
    } bad[] = {
        {"", 0},     {" ", 1},      {"two words", 9}, {" front", 6},  {"back ", 5},
        {"\n", 1},   {"line\n", 5}, {"line\r\n", 6},  {"a\nb", 3},    {"\0", 1},
        {"a\0b", 3}, {"tab\t", 4},  {"\x7f", 1},      {"del\x7f", 4}, {"\x1b", 1},
    };
    char long_key[251];
    memset(long_key, 'k', sizeof long_key);
    uint64_t before = server_commands(&server);
    uint64_t connections = server_stat(&server, "total_connections");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        every_call_refuses(bad[i].key, bad[i].key_len);
    every_call_refuses(long_key, 251);
    /* A fresh client has not even connected; this question itself is one connection. */
    CHECK(server_stat(&server, "total_connections") == connections + 1);
    CHECK(server_commands(&server) == before);
}

static bool comes_back(const char *key, size_t key_len, const void *value, size_t value_len,
                       uint32_t flags) {
    cm_result *result = NULL;
    bool good =
        CHECK_STATUS(CM_OK, cm_set(client, key, key_len, value, value_len, flags, 0, NULL)) &&
        CHECK_STATUS(CM_OK, cm_get(client, key, key_len, &result, NULL)) &&
        CHECK(result->status == CM_OK) && CHECK(result->value_len == value_len) &&
        CHECK(value_len == 0 || memcmp(result->value, value, value_len) == 0) &&
        CHECK(result->flags == flags) && CHECK(result->cas == 0) && CHECK(result->state == 0) &&
        CHECK(result->server == 0);
    cm_result_free(result);
    return good;
}

static void the_longest_key_works(void) {
    char key[250];
    memset(key, 'k', sizeof key);
    CHECK(comes_back(key, sizeof key, "long", 4, 0));
    CHECK(comes_back(key, 249, "shorter", 7, 0));
    cm_result *result = NULL;
    REQUIRE(cm_get(client, key, sizeof key, &result, NULL) == CM_OK);
    CHECK(result->value_len == 4 && memcmp(result->value, "long", 4) == 0);
    cm_result_free(result);
}

static void every_allowed_byte_in_a_key(void) {
    for (unsigned byte = 0x21; byte < 0x100; byte++) {
        if (byte == 0x7f)
            continue;
        const char key[] = {'a', (char)byte, 'z'};
        char value[16];
        int value_len = snprintf(value, sizeof value, "byte %u", byte);
        CHECK(comes_back(key, sizeof key, value, (size_t)value_len, 0));
    }
}

static void values_of_every_length_and_byte(void) {
    unsigned char every_byte[1024];
    for (size_t i = 0; i < sizeof every_byte; i++)
        every_byte[i] = (unsigned char)i;
    CHECK(comes_back("empty", 5, NULL, 0, 0));
    CHECK(comes_back("empty", 5, "", 0, 7));
    CHECK(comes_back("bytes", 5, every_byte, sizeof every_byte, 0));
    for (size_t i = 0; i < 256; i++)
        CHECK(comes_back("byte", 4, every_byte + i, 1, (uint32_t)i));
    CHECK(comes_back("crlf", 4, "\r\nEND\r\nVALUE crlf 0 1\r\n", 23, 0));
    CHECK(comes_back("flags", 5, "v", 1, UINT32_MAX));
}

static char *filled(size_t size) {
    char *value = malloc(size);
    REQUIRE(value != NULL);
    for (size_t i = 0; i < size; i++)
        value[i] = (char)(i * 2654435761u >> 24);
    return value;
}

static void large_values(void) {
    char *value = filled(LARGEST);
    for (size_t size = 1; size < LARGEST; size = size * 4 + 3)
        CHECK(comes_back("k", 1, value, size, 0));
    CHECK(comes_back("k", 1, value, LARGEST, 0));
    free(value);
}

static void a_value_too_large(void) {
    cm_error *error = NULL;
    char *value = filled(8 * 1024 * 1024);
    static const size_t sizes[] = {LARGEST + 1, 2 * 1024 * 1024, 8 * 1024 * 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(comes_back("other", 5, "kept", 4, 0));
        CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE, cm_set(client, "k", 1, value, sizes[i], 0, 0, &error));
        CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE, cm_error_status(error));
        CHECK(strcmp(cm_error_server(error), server.address) == 0);
        cm_error_free(error);
        cm_result *result = NULL;
        CHECK_STATUS(CM_NOT_FOUND, cm_get(client, "k", 1, &result, NULL)); /* the server's doing */
        REQUIRE(cm_get(client, "other", 5, &result, NULL) == CM_OK);
        CHECK(result->value_len == 4 && memcmp(result->value, "kept", 4) == 0);
        cm_result_free(result);
    }
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE, cm_add(client, "k", 1, value, LARGEST + 1, 0, 0, NULL));
    CHECK(comes_back("k", 1, value, LARGEST, 0));
    free(value);
}

static void a_buffer_of_the_caller(void) {
    char buffer[8];
    size_t length = 77;
    uint32_t flags = 77;
    REQUIRE(comes_back("k", 1, "12345678", 8, 5));
    memset(buffer, '.', sizeof buffer);
    CHECK_STATUS(CM_OK, cm_get_into(client, "k", 1, buffer, 8, &length, &flags, NULL));
    CHECK(length == 8 && flags == 5 && memcmp(buffer, "12345678", 8) == 0);
    CHECK_STATUS(CM_OK, cm_get_into(client, "k", 1, buffer, 8, &length, NULL, NULL));

    memset(buffer, '.', sizeof buffer);
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_get_into(client, "k", 1, buffer, 7, &length, &flags, NULL));
    CHECK(length == 8);
    CHECK(buffer[7] == '.');
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_get_into(client, "k", 1, NULL, 0, &length, &flags, NULL));
    CHECK(length == 8);

    CHECK_STATUS(CM_NOT_FOUND, cm_get_into(client, "none", 4, buffer, 8, &length, &flags, NULL));
    CHECK(length == 0 && flags == 0);
    REQUIRE(comes_back("e", 1, NULL, 0, 0));
    CHECK_STATUS(CM_OK, cm_get_into(client, "e", 1, NULL, 0, &length, &flags, NULL));
    CHECK(length == 0);
}

static void the_prefix_counts(void) {
    cm_client *prefixed = client_open(server.address, "key_prefix=app:");
    char key[247];
    memset(key, 'p', sizeof key);
    CHECK_STATUS(CM_ERR_KEY, cm_set(prefixed, key, 247, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_KEY, cm_set(prefixed, "", 0, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_set(prefixed, key, 246, "v", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_set(prefixed, "name", 4, "Ada", 3, 0, 0, NULL));
    cm_result *result = NULL;
    REQUIRE(cm_get(client, "app:name", 8, &result, NULL) == CM_OK);
    CHECK(result->value_len == 3 && memcmp(result->value, "Ada", 3) == 0);
    cm_result_free(result);
    CHECK_STATUS(CM_NOT_FOUND, cm_get(client, "name", 4, &result, NULL));
    cm_client_free(prefixed);
}

static void results_outlive_the_client(void) {
    cm_client *short_lived = client_open(server.address, "");
    const char *const keys[] = {"k"};
    const size_t lengths[] = {1};
    cm_result *result = NULL;
    cm_results *results = NULL;
    REQUIRE(comes_back("k", 1, "kept", 4, 0));
    REQUIRE(cm_get(short_lived, "k", 1, &result, NULL) == CM_OK);
    REQUIRE(cm_get_multi(short_lived, keys, lengths, 1, &results, NULL) == CM_OK);
    cm_client_free(short_lived);
    CHECK(memcmp(result->value, "kept", 4) == 0);
    CHECK(memcmp(cm_results_at(results, 0)->value, "kept", 4) == 0);
    cm_result_free(result);
    cm_results_free(results);
}

int main(void) {
    server_start(&server, "");
    client = client_open(server.address, "");
    RUN(bad_keys_are_not_sent);
    RUN(the_longest_key_works);
    RUN(every_allowed_byte_in_a_key);
    RUN(values_of_every_length_and_byte);
    RUN(large_values);
    RUN(a_value_too_large);
    RUN(a_buffer_of_the_caller);
    RUN(the_prefix_counts);
    RUN(results_outlive_the_client);
    cm_client_free(client);
    return finish();
}
