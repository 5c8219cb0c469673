/* Servers that take too long, each in its way: every call ends by its deadline, and the keys of the
   other servers are answered.

   slow [strict]: strict measures time; otherwise it is bounded only against hanging. */
#include "fleet.h"
#include "noise.h"
#include "operate.h"
#include "stub.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 3, SLOW = SERVERS, THREADS = 8, FROZEN = BLACK + 1, MANNERS };
enum { LARGE = 8 * 1000 * 1000 };

static const char *const names[MANNERS] = {[SILENT] = "silent",
                                           [DRIPPING] = "one byte a second",
                                           [BLACK] = "black hole",
                                           [FROZEN] = "frozen"};

static bool strict;
static double timeout; /* of a call, in seconds */
static double worst;   /* how far a call went beyond its deadline at most */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `worst` */
static struct fleet fleet;
static struct server frozen;
static struct stub stubs[MANNERS];
static cm_op all_gets[FLEET_KEYS], one_of_each[8];
static char large[LARGE];

static void judge_time(const char *what, double start) {
    double end = seconds_now(), noise = noise_between(start, end);
    double overrun = end - start - timeout - noise;
    double tolerance = timeout / 10 > 0.05 ? timeout / 10 : 0.05;
    pthread_mutex_lock(&lock);
    worst = overrun > worst ? overrun : worst;
    pthread_mutex_unlock(&lock);
    if (!CHECK(overrun <= (strict ? tolerance : 10.0)))
        fprintf(stderr, "%s: %.1f ms too late\n", what, overrun * 1e3);
}

/* What is not the slow one's is answered. */
static void judge_all(const cm_results *results) {
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        const cm_result *result = cm_results_at(results, i);
        CHECK_STATUS(fleet.owners[i] == SLOW ? CM_ERR_TIMEOUT : CM_OK, result->status);
        CHECK(result->server == fleet.owners[i]);
    }
}

static void a_batch(void) {
    cm_results *results = NULL;
    double start = seconds_now();
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_execute(fleet.client, all_gets, sizeof *all_gets, FLEET_KEYS, 0,
                                            &results, NULL));
    judge_time("a batch", start);
    judge_all(results);
    cm_results_free(results);
}

static void a_queue(void) {
    cm_queue *queue = NULL;
    cm_completion done = {0};
    size_t count = 0;
    REQUIRE(cm_queue_new(fleet.client, &queue, NULL) == CM_OK);
    struct pollfd ready = {.fd = cm_queue_fd(queue), .events = POLLIN};
    double start = seconds_now();
    CHECK_STATUS(CM_OK, cm_queue_submit(queue, all_gets, sizeof *all_gets, FLEET_KEYS, 0, 1, NULL));
    while (count == 0) {
        REQUIRE(poll(&ready, 1, PATIENCE_SECONDS * 1000) == 1);
        REQUIRE(cm_queue_drive(queue, &done, sizeof done, 1, &count, NULL) == CM_OK);
    }
    judge_time("a queue", start);
    judge_all(done.results);
    cm_results_free(done.results);
    cm_queue_free(queue);
}

/* One call of each kind to the slow one, each from a thread, with more of them than connections. */
static void *one(void *op) {
    double start = seconds_now();
    CHECK_STATUS(CM_ERR_TIMEOUT, run_op(fleet.client, *(const cm_op *)op).result.status);
    judge_time("a call", start);
    return NULL;
}

static void one_of_each_kind(void) {
    pthread_t threads[THREADS];
    const char *key = fleet_key(&fleet, SLOW, 0);
    one_of_each[0] = op_on(CM_OP_GET, key, 0);
    one_of_each[1] = op_with(CM_OP_SET, key, "v", 0);
    one_of_each[2] = op_with(CM_OP_ADD, key, "v", 0);
    one_of_each[3] = op_on(CM_OP_DELETE, key, 0);
    one_of_each[4] = op_on(CM_OP_TOUCH, key, 0);
    one_of_each[5] = op_on(CM_OP_INCREMENT, key, 0);
    one_of_each[6] = op_on(CM_OP_GET, key, CM_WANT_TTL);
    one_of_each[7] = op_on(CM_OP_SET, key, 0); /* more than fits into the buffers of a socket */
    one_of_each[7].value = large;
    one_of_each[7].value_len = LARGE;
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, one, &one_of_each[i]) == 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void of_the_whole_fleet(void) {
    cm_results *results = NULL;
    double start = seconds_now();
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_stats(fleet.client, NULL, 0, &results, NULL));
    judge_time("stats", start);
    for (size_t i = 0; i <= SERVERS; i++)
        CHECK_STATUS(i == SLOW ? CM_ERR_TIMEOUT : CM_OK, cm_results_at(results, i)->status);
    cm_results_free(results);
}

static void slow(int manner, const char *failover) {
    char options[128];
    timeout = manner == DRIPPING ? 1.1 : 0.4;
    worst = 0;
    /* A black hole that is left after connect_timeout_ms would be failed over from. */
    snprintf(options, sizeof options,
             "timeout_ms=%d connect_timeout_ms=60000 failure_threshold=1000000 failover=%s",
             (int)(timeout * 1e3), failover);
    fleet_start(&fleet, SERVERS, manner == FROZEN ? frozen.address : stubs[manner].address,
                options);
    for (size_t i = 0; i < FLEET_KEYS; i++)
        all_gets[i] = op_on(CM_OP_GET, fleet.keys[i], 0);
    a_batch();
    a_queue();
    one_of_each_kind();
    of_the_whole_fleet();
    a_batch();
    printf("     %-17s failover=%s: at most %.1f ms beyond the deadline\n", names[manner], failover,
           worst * 1e3);
    fleet_stop(&fleet);
}

static void both(int manner) {
    if (manner != FROZEN)
        stub_start(&stubs[manner], (enum manner)manner);
    slow(manner, "none");
    slow(manner, "next");
}

static void a_silent_server(void) { both(SILENT); }
static void a_byte_a_second(void) { both(DRIPPING); }
static void a_black_hole(void) { both(BLACK); }

/* A kernel's timers are the coarser the longer they run. */
static void deadlines_short_and_long(void) {
    static const double timeouts[] = {0.03, 0.1, 0.3, 0.7, 1, 2.1};
    static struct stub stub;
    stub_start(&stub, SILENT);
    worst = 0;
    cm_client *client = client_open(stub.address, "failure_threshold=1000000");
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        const cm_op op = op_on(CM_OP_GET, "k", 0);
        cm_results *results = NULL;
        timeout = timeouts[i];
        double start = seconds_now();
        CHECK_STATUS(CM_ERR_TIMEOUT, cm_execute(client, &op, sizeof op, 1,
                                                (uint32_t)(timeout * 1e3), &results, NULL));
        judge_time("a call", start);
        cm_results_free(results);
    }
    printf("     at most %.1f ms beyond the deadline\n", worst * 1e3);
    cm_client_free(client);
}

static void a_frozen_server(void) {
    server_start(&frozen, "");
    server_suspend(&frozen);
    both(FROZEN);
    server_resume(&frozen);
    server_kill(&frozen);
}

int main(int argument_count, char **arguments) {
    strict = argument_count > 1 && strcmp(arguments[1], "strict") == 0;
    noise_start();
    RUN(a_silent_server);
    RUN(a_byte_a_second);
    RUN(a_black_hole);
    RUN(a_frozen_server);
    RUN(deadlines_short_and_long);
    return finish();
}
