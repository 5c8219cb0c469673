/* Keys and values, the same for every peer. */
#include "peer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workload workload;
const char **keys;
size_t *key_lens;
bool thorough = true;

static char *key_bytes;
static char *values;
static uint8_t *owners;

void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* libmemcached's default: the one-at-a-time hash, modulo the number of servers. */
static size_t place(const char *key) {
    uint32_t hash = 0;
    for (size_t i = 0; i < KEY_LEN; i++) {
        hash += (unsigned char)key[i];
        hash += hash << 10;
        hash ^= hash >> 6;
    }
    hash += hash << 3;
    hash ^= hash >> 11;
    hash += hash << 15;
    return hash % workload.server_count;
}

static void make_item(size_t number) {
    char *key = key_bytes + number * (KEY_LEN + 1), *value = values + number * workload.value_bytes;
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%08u", (unsigned)(number % 100000000));
    snprintf(key, KEY_LEN + 1, "session:profile:%s", digits);
    memset(value, 'a' + (int)(number % 26), workload.value_bytes);
    memcpy(value, digits, DIGITS);
    keys[number] = key;
    key_lens[number] = KEY_LEN;
    owners[number] = (uint8_t)place(key);
}

void workload_make(void) {
    size_t count = workload.keys;
    keys = calloc(count, sizeof *keys);
    key_lens = calloc(count, sizeof *key_lens);
    key_bytes = calloc(count, KEY_LEN + 1);
    values = malloc(count * workload.value_bytes);
    owners = calloc(count, sizeof *owners);
    if (!keys || !key_lens || !key_bytes || !values || !owners)
        fail("no memory");
    for (size_t number = 0; number < count; number++)
        make_item(number);
}

void workload_free(void) {
    free(keys);
    free(key_lens);
    free(key_bytes);
    free(values);
    free(owners);
}

const char *value_of(size_t number) { return values + number * workload.value_bytes; }

size_t owner_of(size_t number) { return owners[number]; }

size_t number_of(const char *key) {
    size_t number = 0;
    for (const char *digit = key + KEY_LEN - DIGITS; digit < key + KEY_LEN; digit++)
        number = number * 10 + (size_t)(*digit - '0');
    if (number >= workload.keys)
        fail("a key nobody asked for");
    return number;
}

void check(size_t number, const void *value, size_t len) {
    size_t compared = thorough ? workload.value_bytes : DIGITS;
    if (len != workload.value_bytes || memcmp(value, value_of(number), compared) != 0)
        fail("a wrong value");
}
