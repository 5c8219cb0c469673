/* This library. VARIANT: options, "NAME=VALUE NAME=VALUE". */
#include "peer.h"

#include <consistent_memcached.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(cm_status status, const char *what) {
    if (status != CM_OK) {
        fprintf(stderr, "%s: %s\n", what, cm_status_name(status));
        exit(1);
    }
}

static cm_options *options_from(const char *variant) {
    cm_options *options = cm_options_new();
    char text[256], *rest = text;
    snprintf(text, sizeof text, "%s", variant);
    for (char *name = strtok_r(text, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        cm_error *error;
        char *value = strchr(name, '=');
        if (!value)
            fail("an option without a value");
        *value++ = 0;
        if (cm_options_set(options, name, value, &error) != CM_OK) {
            fprintf(stderr, "%s\n", cm_error_message(error));
            exit(UNABLE);
        }
    }
    return options;
}

static void compare_placement(cm_client *client) {
    for (size_t number = 0; number < workload.keys; number++) {
        size_t owner;
        expect(cm_select_server(client, keys[number], KEY_LEN, &owner, NULL), "cm_select_server");
        if (owner != owner_of(number))
            fail("places otherwise than libmemcached");
    }
}

static void *open_client(const char *variant) {
    cm_client *client;
    cm_options *options = options_from(variant);
    expect(cm_client_new(workload.servers, options, &client, NULL), "cm_client_new");
    cm_options_free(options);
    if (strstr(variant, "compat=libmemcached"))
        compare_placement(client);
    return client;
}

static void get(void *client, size_t number) {
    cm_result *result;
    expect(cm_get(client, keys[number], KEY_LEN, &result, NULL), "cm_get");
    check(number, result->value, result->value_len);
    cm_result_free(result);
}

static void set(void *client, size_t number) {
    expect(
        cm_set(client, keys[number], KEY_LEN, value_of(number), workload.value_bytes, 0, 0, NULL),
        "cm_set");
}

static void get_multi(void *client, size_t first, size_t count) {
    cm_results *results;
    expect(cm_get_multi(client, keys + first, key_lens + first, count, &results, NULL),
           "cm_get_multi");
    for (size_t i = 0; i < count; i++) {
        const cm_result *result = cm_results_at(results, i);
        check(first + i, result->value, result->value_len);
    }
    cm_results_free(results);
}

static void set_multi(void *client, size_t first, size_t count) {
    cm_results *results;
    cm_op *items = calloc(count, sizeof *items);
    if (!items)
        fail("no memory");
    for (size_t i = 0; i < count; i++) {
        items[i].key = keys[first + i];
        items[i].key_len = KEY_LEN;
        items[i].value = value_of(first + i);
        items[i].value_len = workload.value_bytes;
    }
    expect(cm_set_multi(client, items, sizeof *items, count, &results, NULL), "cm_set_multi");
    for (size_t i = 0; i < count; i++)
        expect(cm_results_at(results, i)->status, "cm_set_multi");
    cm_results_free(results);
    free(items);
}

static void close_client(void *client) { cm_client_free(client); }

const struct peer peer = {
    .shared = true,
    .open = open_client,
    .get = get,
    .set = set,
    .get_multi = get_multi,
    .set_multi = set_multi,
    .close = close_client,
};
