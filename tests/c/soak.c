/* Many operations from many threads on one client, while servers are killed and started again: no
   wrong value, only errors that a killed server explains, and nothing that grows.

   soak [OPERATIONS [SEED]] */
#include "support.h"
#include "traffic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 32, SERVERS = 4, CONNECTIONS = 2 };

static unsigned long operations = 100000;
static uint64_t seed;
static cm_client *client;
static unsigned long done; /* operations; read and written atomically, by all threads */
static pthread_barrier_t warm, measured;

/* A killed server is gone, and then known to be down. */
static bool explains(const cm_result *result) {
    return result->status == CM_ERR_CONNECTION || result->status == CM_ERR_SERVER_DOWN;
}

static void work_until(struct caller *caller, unsigned long limit) {
    while (__atomic_load_n(&done, __ATOMIC_RELAXED) < limit)
        __atomic_fetch_add(&done, traffic_call(caller), __ATOMIC_RELAXED);
}

static void *work(void *caller) {
    work_until(caller, operations / 4);
    pthread_barrier_wait(&warm);
    pthread_barrier_wait(&measured);
    work_until(caller, operations);
    return NULL;
}

/* Kills servers and starts them again until so many operations are done. */
static unsigned kill_and_restart(struct server *servers, struct random *random,
                                 unsigned long limit) {
    unsigned killed = 0;
    while (__atomic_load_n(&done, __ATOMIC_RELAXED) < limit) {
        struct server *server = &servers[random_below(random, SERVERS)];
        sleep_ms(random_below(random, 60));
        server_kill(server);
        sleep_ms(random_below(random, 40));
        server_restart(server);
        killed++;
    }
    return killed;
}

static void soak(void) {
    struct server servers[SERVERS];
    struct caller callers[THREADS], sum = {0};
    struct random random = {seed};
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    size_t descriptors = open_descriptors();
    char *list = server_list(servers, SERVERS), options[80];
    snprintf(options, sizeof options, "connections_per_server=%d retry_after_ms=20", CONNECTIONS);
    client = client_open(list, options);
    free(list);
    REQUIRE(pthread_barrier_init(&warm, NULL, THREADS + 1) == 0);
    REQUIRE(pthread_barrier_init(&measured, NULL, THREADS + 1) == 0);
    double start = seconds_now();
    for (size_t i = 0; i < THREADS; i++) {
        callers[i] =
            (struct caller){.random = {seed + i + 1}, .client = client, .explains = explains};
        REQUIRE(pthread_create(&callers[i].thread, NULL, work, &callers[i]) == 0);
    }
    unsigned killed = kill_and_restart(servers, &random, operations / 4);
    pthread_barrier_wait(&warm);
    long resident = resident_kb();
    pthread_barrier_wait(&measured);
    killed += kill_and_restart(servers, &random, operations);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        traffic_add(&sum, &callers[i]);
    }
    long grown = resident_kb() - resident;
    printf("%lu operations in %.1f s, %u kills: %lu hits, %lu misses, %lu lost; %ld kB grown by "
           "%ld kB\n",
           done, seconds_now() - start, killed, sum.hits, sum.misses, sum.lost, resident, grown);
    CHECK(sum.wrong == 0);
    CHECK(sum.unexplained == 0);
    CHECK(killed > 0 && sum.lost > 0 && sum.hits > 0);
    CHECK(grown < 4 * 1024);
    CHECK(open_descriptors() <= descriptors + SERVERS * CONNECTIONS);
    cm_client_free(client);
    CHECK(open_descriptors() == descriptors);
    for (size_t i = 0; i < SERVERS; i++)
        server_kill(&servers[i]);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1)
        operations = strtoul(arguments[1], NULL, 10);
    seed = random_seed(argument_count > 2 ? arguments[2] : NULL);
    RUN(soak);
    return finish();
}
