/*
 * A peer of the benchmark is a program: it connects, stores its keys, reads them back, prints
 * "ready", and then obeys lines on its input until that ends:
 *
 *   run COUNT    makes COUNT calls, prints "SECONDS CPU_SECONDS P50_SECONDS P99_SECONDS"
 *   plain COUNT  makes COUNT calls without looking at the clock, prints "done"
 *
 * main.c is that program; raw.c, ours.c and libmemcached.c each fill in who makes the calls.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

/* What is called, given on the command line. */
struct workload {
    const char *servers; /* "127.0.0.1:PORT,127.0.0.1:PORT" */
    int ports[16];
    size_t server_count;
    size_t keys;
    size_t batch; /* keys in one call */
    size_t value_bytes;
    size_t threads;
};
extern struct workload workload;

/* Keys are numbered and all have one length; values begin with the number. */
enum { DIGITS = 8, KEY_LEN = 24 };
extern const char **keys;
extern size_t *key_lens;

void workload_make(void);
void workload_free(void);
const char *value_of(size_t number);

/* The number at the end of a key. */
size_t number_of(const char *key);

/* Where libmemcached puts a key by default; everyone here does the same. */
size_t owner_of(size_t number);

/* Ends the program unless this is the value of that key. Looks at its length and beginning, and
   at all of it while `thorough`. */
void check(size_t number, const void *value, size_t len);
extern bool thorough;

void fail(const char *what);

/* Exit code of a program that cannot do what it is asked for, and has said why. */
enum { UNABLE = 3 };

struct peer {
    bool shared; /* one client for all threads; else each thread has its own */
    void *(*open)(const char *variant);
    void (*get)(void *client, size_t number);
    void (*set)(void *client, size_t number);
    void (*get_multi)(void *client, size_t first, size_t count);
    void (*set_multi)(void *client, size_t first, size_t count);
    void (*settle)(void *client); /* returns when what was sent has arrived; may be NULL */
    void (*close)(void *client);
};
extern const struct peer peer;

#endif
