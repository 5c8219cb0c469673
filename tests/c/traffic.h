/* Callers that do a little of everything, on keys they have in common, and judge what comes. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "support.h"
#include "values.h"

#include <pthread.h>

struct caller {
    pthread_t thread;
    struct random random;
    cm_client *client;
    /* Whether the faults of the test explain that an operation has failed so. */
    bool (*explains)(const cm_result *result);
    unsigned long operations, hits, misses, lost, wrong, unexplained;
};

/* One call of one operation, or of a batch of gets, or of anything. Returns how many it was. */
size_t traffic_call(struct caller *caller);

/* Adds what another has come to. */
void traffic_add(struct caller *sum, const struct caller *caller);

/* ThreadSanitizer holds memory and descriptors of its own: then these tell nothing. */
#ifdef __SANITIZE_THREAD__
enum { IS_WEIGHABLE = false };
#else
enum { IS_WEIGHABLE = true };
#endif

size_t open_descriptors(void);
long resident_kb(void);

#endif
