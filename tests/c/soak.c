/* Many operations from many threads on one client, while servers are killed and started again: no
   wrong value, only errors that a killed server explains, and nothing that grows.

   soak [OPERATIONS [SEED]] */
#include "support.h"
#include "values.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 32, SERVERS = 4, CONNECTIONS = 2, KEYS = 2000, BATCH = 16 };

static unsigned long operations = 100000;
static uint64_t seed;
static cm_client *client;
static unsigned long done; /* operations; read and written atomically, by all threads */
static pthread_barrier_t warm, measured;

struct worker {
    pthread_t thread;
    struct random random;
    unsigned long hits, misses, lost, wrong, unexplained;
};

static size_t name_key(char *key, size_t size, struct random *random) {
    return (size_t)snprintf(key, size, "key:%u", (unsigned)random_below(random, KEYS));
}

static bool holds_its_own(const cm_op *op, const cm_result *result) {
    char key[24];
    uint32_t number;
    snprintf(key, sizeof key, "%.*s", (int)op->key_len, op->key);
    return value_read(result->value, result->value_len, key, &number);
}

/* The answers an operation may have. Values are no numbers, which an increment is told. */
static void judge(struct worker *worker, const cm_op *op, const cm_result *result) {
    bool reads = op->kind == CM_OP_GET || op->kind == CM_OP_GET_AND_TOUCH;
    bool right = true;
    switch (result->status) {
    case CM_OK:
        worker->hits += reads;
        right = op->kind != CM_OP_INCREMENT && (!reads || holds_its_own(op, result));
        break;
    case CM_NOT_FOUND:
        worker->misses += reads;
        right = op->kind != CM_OP_SET && op->kind != CM_OP_ADD;
        break;
    case CM_NOT_STORED:
        right = op->kind == CM_OP_ADD;
        break;
    case CM_ERR_REJECTED:
        right = op->kind == CM_OP_INCREMENT;
        break;
    case CM_ERR_CONNECTION:
    case CM_ERR_SERVER_DOWN:
        worker->lost++;
        break;
    default:
        if (worker->unexplained++ == 0)
            fprintf(stderr, "operation %u: %s\n", (unsigned)op->kind,
                    cm_status_name(result->status));
    }
    if (!right && worker->wrong++ == 0)
        fprintf(stderr, "operation %u on %.*s: a wrong answer, %s\n", (unsigned)op->kind,
                (int)op->key_len, op->key, cm_status_name(result->status));
}

/* One call of one operation, or of a batch of gets, or of anything. Returns how many it was. */
static size_t call(struct worker *worker) {
    static const uint32_t kinds[] = {CM_OP_GET,       CM_OP_GET,   CM_OP_GET,   CM_OP_SET,
                                     CM_OP_SET,       CM_OP_ADD,   CM_OP_TOUCH, CM_OP_GET_AND_TOUCH,
                                     CM_OP_INCREMENT, CM_OP_DELETE};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    char keys[BATCH][24], values[BATCH][VALUE_MAX];
    cm_op ops[BATCH] = {{0}};
    uint32_t shape = random_below(&worker->random, 4);
    size_t count = shape < 2 ? 1 : 2 + random_below(&worker->random, BATCH - 1);
    for (size_t i = 0; i < count; i++) {
        ops[i].kind = shape == 2 ? CM_OP_GET : kinds[random_below(&worker->random, KINDS)];
        ops[i].key = keys[i];
        ops[i].key_len = name_key(keys[i], sizeof keys[i], &worker->random);
        ops[i].delta = ops[i].kind == CM_OP_INCREMENT;
        if (ops[i].kind == CM_OP_SET || ops[i].kind == CM_OP_ADD) {
            ops[i].value = values[i];
            ops[i].value_len =
                value_write(values[i], keys[i], random_below(&worker->random, 1u << 31));
        }
    }
    cm_results *results = NULL;
    cm_execute(client, ops, sizeof *ops, count, 0, &results, NULL);
    for (size_t i = 0; i < count; i++)
        judge(worker, &ops[i], cm_results_at(results, i));
    cm_results_free(results);
    return count;
}

static void work_until(struct worker *worker, unsigned long limit) {
    while (__atomic_load_n(&done, __ATOMIC_RELAXED) < limit)
        __atomic_fetch_add(&done, call(worker), __ATOMIC_RELAXED);
}

static void *work(void *worker) {
    work_until(worker, operations / 4);
    pthread_barrier_wait(&warm);
    pthread_barrier_wait(&measured);
    work_until(worker, operations);
    return NULL;
}

static size_t open_descriptors(void) {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    REQUIRE(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static long resident_kb(void) {
    char line[128];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    REQUIRE(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %ld kB", &kilobytes) == 1)
            break;
    fclose(status);
    return kilobytes;
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
    struct worker workers[THREADS], sum = {0};
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
        workers[i] = (struct worker){.random = {seed + i + 1}};
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    unsigned killed = kill_and_restart(servers, &random, operations / 4);
    pthread_barrier_wait(&warm);
    long resident = resident_kb();
    pthread_barrier_wait(&measured);
    killed += kill_and_restart(servers, &random, operations);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        sum.hits += workers[i].hits;
        sum.misses += workers[i].misses;
        sum.lost += workers[i].lost;
        sum.wrong += workers[i].wrong;
        sum.unexplained += workers[i].unexplained;
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
