#include "noise.h"
#include "support.h"

#include <pthread.h>

/* One slot holds the worst of a tenth of a second. They are used again after some hours. */
enum { SLOTS = 100000, SLOTS_PER_SECOND = 10, NAP_MS = 5 };

static uint32_t worst_us[SLOTS]; /* read and written atomically */

static size_t slot_of(double time) { return (size_t)(time * SLOTS_PER_SECOND); }

static void *nap(void *unused) {
    (void)unused;
    for (;;) {
        double start = seconds_now();
        sleep_ms(NAP_MS);
        double end = seconds_now();
        uint32_t late_us = (uint32_t)((end - start) * 1e6 - NAP_MS * 1e3);
        for (size_t slot = slot_of(start); slot <= slot_of(end); slot++) {
            uint32_t *worst = &worst_us[slot % SLOTS];
            if (slot_of(start) < slot || late_us > __atomic_load_n(worst, __ATOMIC_RELAXED))
                __atomic_store_n(worst, late_us, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

void noise_start(void) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, nap, NULL) == 0);
    pthread_detach(thread);
}

double noise_between(double start, double end) {
    uint32_t worst = 0;
    for (size_t slot = slot_of(start); slot <= slot_of(end); slot++) {
        uint32_t late_us = __atomic_load_n(&worst_us[slot % SLOTS], __ATOMIC_RELAXED);
        worst = late_us > worst ? late_us : worst;
    }
    return worst / 1e6;
}
