#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint32_t random_below(struct random *random, uint32_t limit) {
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % limit);
}

uint64_t random_seed(const char *text) {
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10)
                                 : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

size_t value_write(char *value, const char *key, uint32_t number) {
    size_t length = (size_t)snprintf(value, VALUE_MAX, "%s %u ", key, (unsigned)number);
    memset(value + length, 'a' + (int)(number % 26), number % 400);
    return length + number % 400;
}

bool value_read(const void *value, size_t value_len, const char *key, uint32_t *number_out) {
    char copy[VALUE_MAX], expected[VALUE_MAX];
    unsigned number;
    size_t key_len = strlen(key);
    if (value_len >= sizeof copy || value_len <= key_len)
        return false;
    memcpy(copy, value, value_len);
    copy[value_len] = '\0';
    if (memcmp(copy, key, key_len) != 0 || sscanf(copy + key_len, " %u ", &number) != 1)
        return false;
    *number_out = number;
    return value_write(expected, key, number) == value_len &&
           memcmp(copy, expected, value_len) == 0;
}
