/*
 * libmemcached, a memcached_st for each thread, with TCP_NODELAY. VARIANT: any of "binary",
 * "noblock", "buffer", "noreply", and "confirm": a call that stores ends with a read.
 */
#include "peer.h"

#include <libmemcached/memcached.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool buffers, hears_nothing, confirms;
static memcached_result_st result;

/* A key of each server. */
static const char *sample_keys[16];
static size_t sample_count;

static void expect(memcached_return_t status, const char *what) {
    if (status != MEMCACHED_SUCCESS && !(buffers && status == MEMCACHED_BUFFERED)) {
        fprintf(stderr, "%s: %s\n", what, memcached_strerror(NULL, status));
        exit(1);
    }
}

static void behave(memcached_st *client, const char *variant, const char *word,
                   memcached_behavior_t behaviour) {
    if (strstr(variant, word))
        expect(memcached_behavior_set(client, behaviour, 1), word);
}

static void choose_samples(void) {
    sample_count = 0;
    for (size_t server = 0; server < workload.server_count; server++)
        for (size_t number = 0; number < workload.keys; number++)
            if (owner_of(number) == server) {
                sample_keys[sample_count++] = keys[number];
                break;
            }
}

static void *open_client(const char *variant) {
    memcached_st *client = memcached_create(NULL);
    for (size_t i = 0; i < workload.server_count; i++)
        expect(memcached_server_add(client, "127.0.0.1", (in_port_t)workload.ports[i]), "add");
    expect(memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1), "nodelay");
    behave(client, variant, "binary", MEMCACHED_BEHAVIOR_BINARY_PROTOCOL);
    behave(client, variant, "noblock", MEMCACHED_BEHAVIOR_NO_BLOCK);
    behave(client, variant, "buffer", MEMCACHED_BEHAVIOR_BUFFER_REQUESTS);
    behave(client, variant, "noreply", MEMCACHED_BEHAVIOR_NOREPLY);
    buffers = strstr(variant, "buffer") != NULL;
    hears_nothing = strstr(variant, "noreply") != NULL;
    confirms = strstr(variant, "confirm") != NULL;
    for (size_t number = 0; number < workload.keys; number++)
        if (memcached_generate_hash(client, keys[number], KEY_LEN) != owner_of(number))
            fail("places otherwise than by default");
    choose_samples();
    memcached_result_create(client, &result);
    return client;
}

static void get(void *client, size_t number) {
    size_t len;
    uint32_t flags;
    memcached_return_t status;
    char *value = memcached_get(client, keys[number], KEY_LEN, &len, &flags, &status);
    expect(status, "memcached_get");
    check(number, value, len);
    free(value);
}

static void set(void *client, size_t number) {
    expect(
        memcached_set(client, keys[number], KEY_LEN, value_of(number), workload.value_bytes, 0, 0),
        "memcached_set");
}

/* One memcached_result_st for all items: quicker than memcached_fetch, which copies each. */
static void read_keys(memcached_st *client, const char *const *wanted, size_t count) {
    memcached_return_t status;
    size_t found = 0;
    expect(memcached_mget(client, wanted, key_lens, count), "memcached_mget");
    while (memcached_fetch_result(client, &result, &status)) {
        check(number_of(memcached_result_key_value(&result)), memcached_result_value(&result),
              memcached_result_length(&result));
        found++;
    }
    if (found != count)
        fail("memcached_mget: not all were found");
}

static void get_multi(void *client, size_t first, size_t count) {
    read_keys(client, keys + first, count);
}

/* A server answers a read when it has done what was sent before. */
static void settle(void *client) {
    if (hears_nothing)
        read_keys(client, sample_keys, sample_count);
}

/* libmemcached has no call for this. */
static void set_multi(void *client, size_t first, size_t count) {
    for (size_t i = 0; i < count; i++)
        set(client, first + i);
    if (buffers)
        expect(memcached_flush_buffers(client), "memcached_flush_buffers");
    if (confirms)
        settle(client);
}

static void close_client(void *client) {
    memcached_result_free(&result);
    memcached_free(client);
}

const struct peer peer = {
    .open = open_client,
    .get = get,
    .set = set,
    .get_multi = get_multi,
    .set_multi = set_multi,
    .settle = settle,
    .close = close_client,
};
