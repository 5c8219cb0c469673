#define _GNU_SOURCE /* for sched_setaffinity */

#include "noise.h"
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/* A slot holds how many microseconds were lost by the end of a tenth of a second. They are used
   again after half an hour. */
enum { CPUS = 64, SLOTS = 20000, SLOTS_PER_SECOND = 10, NAP_MS = 5, COUNTS_FROM_US = 1000 };

/* A processor of its own may stall while others go on. Read and written atomically. */
static struct cpu { uint64_t lost_us[SLOTS], woken_us; } cpus[CPUS];

static size_t cpu_count;

static size_t slot_of(double time) { return (size_t)(time * SLOTS_PER_SECOND); }

static void set_lost(struct cpu *cpu, size_t slot, uint64_t lost) {
    __atomic_store_n(&cpu->lost_us[slot % SLOTS], lost, __ATOMIC_SEQ_CST);
}

static uint64_t lost_by(struct cpu *cpu, size_t slot) {
    return __atomic_load_n(&cpu->lost_us[slot % SLOTS], __ATOMIC_SEQ_CST);
}

static void *nap(void *argument) {
    struct cpu *cpu = argument;
    cpu_set_t own;
    uint64_t lost = 0;
    CPU_ZERO(&own);
    CPU_SET((size_t)(cpu - cpus), &own);
    (void)sched_setaffinity(0, sizeof own, &own); /* where it may not run there, anywhere */
    for (double start = seconds_now(), end; true; start = end) {
        sleep_ms(NAP_MS);
        end = seconds_now();
        for (size_t slot = slot_of(start) + 1; slot < slot_of(end); slot++)
            set_lost(cpu, slot, lost);
        uint64_t late_us = (uint64_t)((end - start) * 1e6 - NAP_MS * 1e3);
        lost += late_us >= COUNTS_FROM_US ? late_us : 0;
        set_lost(cpu, slot_of(end), lost);
        __atomic_store_n(&cpu->woken_us, (uint64_t)(end * 1e6), __ATOMIC_SEQ_CST);
    }
    return NULL;
}

void noise_start(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_count = online < 1 ? 1 : online > CPUS ? CPUS : (size_t)online;
    for (size_t i = 0; i < cpu_count; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, nap, &cpus[i]) == 0);
        pthread_detach(thread);
    }
}

double noise_between(double start, double end) {
    uint64_t lost = 0;
    for (size_t i = 0; i < cpu_count; i++) {
        while (__atomic_load_n(&cpus[i].woken_us, __ATOMIC_SEQ_CST) < (uint64_t)(end * 1e6))
            sleep_ms(1);
        lost += lost_by(&cpus[i], slot_of(end)) - lost_by(&cpus[i], slot_of(start) - 1);
    }
    return (double)lost / 1e6;
}
