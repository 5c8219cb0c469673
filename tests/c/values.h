/* Random numbers, and values that tell whose they are. */
#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SplitMix64: each state gives a stream of its own. */
struct random {
    uint64_t state;
};

uint32_t random_below(struct random *random, uint32_t limit);

/* The seed in `text`; without one, another in each run. Printed, so that a run can be repeated. */
uint64_t random_seed(const char *text);

enum { VALUE_MAX = 512 };

/* Writes a value that holds its key, the number, and a tail that follows from the number. Returns
   its length, below VALUE_MAX. A key has at most 60 bytes. */
size_t value_write(char *value, const char *key, uint32_t number);

/* True if this is, byte for byte, what was written for the key with some number. */
bool value_read(const void *value, size_t value_len, const char *key, uint32_t *number_out);

#endif
