/*
 * PEER VARIANT OPERATION SERVERS KEYS BATCH VALUE_BYTES THREADS
 * OPERATION: get, set, get_multi or set_multi. VARIANT: what the peer makes of it; may be empty.
 */
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static void **clients; /* one for each thread, or one */
static void (*operation)(void *client, size_t first, size_t count);

/* A turn, shared by the threads: each takes the next call until none is left. */
static size_t calls, next_call;
static double *samples; /* NULL: nobody looks at the clock */
static bool ending;
static pthread_barrier_t begin, end;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void one_get(void *client, size_t first, size_t count) {
    (void)count;
    peer.get(client, first);
}

static void one_set(void *client, size_t first, size_t count) {
    (void)count;
    peer.set(client, first);
}

static void take_part(size_t thread) {
    void *client = clients[peer.shared ? 0 : thread];
    double before = samples ? now() : 0;
    for (;;) {
        size_t call = __atomic_fetch_add(&next_call, 1, __ATOMIC_RELAXED);
        if (call >= calls)
            return;
        operation(client, call * workload.batch % workload.keys, workload.batch);
        if (samples) {
            double after = now();
            samples[call] = after - before;
            before = after;
        }
    }
}

static void *thread_main(void *number) {
    for (;;) {
        pthread_barrier_wait(&begin);
        if (ending)
            return NULL;
        take_part((size_t)number);
        pthread_barrier_wait(&end);
    }
}

static void turn(size_t count) {
    calls = count;
    next_call = 0;
    if (workload.threads == 1) {
        take_part(0);
    } else {
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
    }
    if (peer.settle)
        peer.settle(clients[0]);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void timed_turn(size_t count) {
    samples = malloc(count * sizeof *samples);
    if (!samples)
        fail("no memory");
    memset(samples, 0, count * sizeof *samples);
    double cpu_before = cpu(), before = now();
    turn(count);
    double took = now() - before, used = cpu() - cpu_before;
    qsort(samples, count, sizeof *samples, ascending);
    printf("%.9f %.9f %.9f %.9f\n", took, used, samples[(count - 1) / 2],
           samples[(size_t)((double)(count - 1) * 0.99)]);
    free(samples);
    samples = NULL;
}

/* Stores every key by the operation that is measured, if it stores, and reads all of them. */
static void prepare(void) {
    for (size_t number = 0; number < workload.keys; number += workload.batch)
        if (operation == peer.set_multi)
            operation(clients[0], number, workload.batch);
        else
            for (size_t i = 0; i < workload.batch; i++)
                peer.set(clients[0], number + i);
    if (peer.settle)
        peer.settle(clients[0]);
    for (size_t number = 0; number < workload.keys; number++)
        peer.get(clients[0], number);
    if (operation == peer.get_multi)
        for (size_t number = 0; number < workload.keys; number += workload.batch)
            operation(clients[0], number, workload.batch);
    thorough = false;
}

static void obey(void) {
    char line[64];
    size_t count;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &count) == 1) {
            timed_turn(count);
        } else if (sscanf(line, "plain %zu", &count) == 1) {
            turn(count);
            puts("done");
        } else {
            fail("what?");
        }
        fflush(stdout);
    }
}

static void read_arguments(char **arguments) {
    const char *name = arguments[1];
    operation = strcmp(name, "get") == 0         ? one_get
                : strcmp(name, "set") == 0       ? one_set
                : strcmp(name, "get_multi") == 0 ? peer.get_multi
                : strcmp(name, "set_multi") == 0 ? peer.set_multi
                                                 : NULL;
    workload.servers = arguments[2];
    workload.keys = strtoul(arguments[3], NULL, 10);
    workload.batch = strtoul(arguments[4], NULL, 10);
    workload.value_bytes = strtoul(arguments[5], NULL, 10);
    workload.threads = strtoul(arguments[6], NULL, 10);
    for (const char *at = arguments[2]; (at = strchr(at, ':')); at++)
        if (workload.server_count < 16)
            workload.ports[workload.server_count++] = (int)strtol(at + 1, NULL, 10);
    if (!operation || !workload.server_count || !workload.batch || !workload.threads ||
        workload.keys % workload.batch || workload.value_bytes < DIGITS)
        fail("wrong arguments");
    workload_make();
}

int main(int argc, char **argv) {
    if (argc != 8)
        fail("PEER VARIANT OPERATION SERVERS KEYS BATCH VALUE_BYTES THREADS");
    read_arguments(argv + 1);
    size_t threads = workload.threads, count = peer.shared ? 1 : threads;
    pthread_t *running = calloc(threads, sizeof *running);
    clients = calloc(count, sizeof *clients);
    if (!running || !clients)
        fail("no memory");
    for (size_t i = 0; i < count; i++)
        clients[i] = peer.open(argv[1]);
    prepare();
    if (threads > 1) {
        pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
        pthread_barrier_init(&end, NULL, (unsigned)threads + 1);
        for (size_t i = 0; i < threads; i++)
            if (pthread_create(&running[i], NULL, thread_main, (void *)i) != 0)
                fail("no thread");
    }
    obey();
    ending = true;
    if (threads > 1) {
        pthread_barrier_wait(&begin);
        for (size_t i = 0; i < threads; i++)
            pthread_join(running[i], NULL);
    }
    for (size_t i = 0; i < count; i++)
        peer.close(clients[i]);
    free(clients);
    free(running);
    workload_free();
    return 0;
}
