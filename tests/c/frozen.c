/* One of eight servers freezes, dies, or is a black hole, with failover=next: soon its keys are
   answered by others, and the rest never notices.

   frozen [measure]: measure prints how long that takes, and fails if throughput and latency are not
   what they were before. */
#include "fleet.h"
#include "operate.h"
#include "stub.h"
#include "values.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 8, LOST = SERVERS - 1, THREADS = 4, SAMPLES = 1 << 18, ATTEMPTS = 3 };

static struct fleet fleet;

/* ---- in `make test` ---- */

static void its_keys_are_answered_by_others(void) {
    cm_result found = {0};
    int in_vain = 0;
    fleet_start(&fleet, SERVERS, NULL,
                "timeout_ms=500 connect_timeout_ms=500 failure_threshold=3 retry_after_ms=300 "
                "failover=next");
    server_suspend(&fleet.servers[LOST]);
    while (fleet_set(&fleet, fleet_key(&fleet, LOST, 0), &found) == CM_ERR_TIMEOUT && in_vain < 10)
        in_vain++;
    CHECK(in_vain == 3); /* the threshold */
    CHECK_STATUS(CM_OK, found.status);
    CHECK(found.server != LOST);
    server_resume(&fleet.servers[LOST]);
    sleep_ms(400);
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        CHECK_STATUS(CM_OK, fleet_get(&fleet, fleet.keys[i], &found)); /* it has kept its memory */
        CHECK(found.server == fleet.owners[i]);
    }
    fleet_stop(&fleet);
}

/* ---- throughput and latency ---- */

struct reader {
    pthread_t thread;
    struct random random;
    size_t count, lost;
    float *took; /* seconds, of each call */
};

static double measure_until; /* written while no reader runs */

static void *read_keys(void *argument) {
    struct reader *reader = argument;
    double now = seconds_now();
    while (now < measure_until && reader->count < SAMPLES) {
        const size_t i = random_below(&reader->random, FLEET_KEYS);
        cm_result *result = NULL;
        const double start = now;
        cm_status status = cm_get(fleet.client, fleet.keys[i], fleet.lengths[i], &result, NULL);
        cm_result_free(result);
        now = seconds_now();
        reader->lost += status < 0;
        reader->took[reader->count++] = (float)(now - start);
    }
    return NULL;
}

struct figures {
    double per_second, p99;
    size_t lost;
};

static int by_size(const void *one, const void *other) {
    const float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

static struct figures measure_for(double seconds) {
    static float samples[THREADS * SAMPLES];
    struct reader readers[THREADS];
    struct figures figures = {0};
    size_t count = 0;
    double start = seconds_now();
    measure_until = start + seconds;
    for (size_t i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){.random = {i + 1}, .took = samples + i * SAMPLES};
        REQUIRE(pthread_create(&readers[i].thread, NULL, read_keys, &readers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(readers[i].thread, NULL);
        memmove(samples + count, readers[i].took, readers[i].count * sizeof *samples);
        count += readers[i].count;
        figures.lost += readers[i].lost;
    }
    figures.per_second = (double)count / (seconds_now() - start);
    qsort(samples, count, sizeof *samples, by_size);
    figures.p99 = samples[count * 99 / 100];
    return figures;
}

static void print_figures(const char *when, const struct figures *figures) {
    printf("     %-18s %8.0f gets/s, p99 %6.3f ms, %zu in vain\n", when, figures->per_second,
           figures->p99 * 1e3, figures->lost);
}

/* The defaults; the server that is lost is not tried again meanwhile. */
static bool is_as_before(void) {
    fleet_start(&fleet, SERVERS, NULL, "timeout_ms=1000 connect_timeout_ms=250 failover=next");
    (void)measure_for(0.5);
    struct figures before = measure_for(2);
    server_suspend(&fleet.servers[LOST]);
    struct figures meanwhile = measure_for(4); /* the threshold is reached */
    struct figures after = measure_for(2);
    print_figures("before", &before);
    print_figures("first 4 s frozen", &meanwhile);
    print_figures("after", &after);
    CHECK(before.lost == 0 && after.lost == 0);
    fleet_stop(&fleet);
    return after.per_second >= 0.8 * before.per_second && after.p99 <= 2 * before.p99;
}

static void throughput_and_latency(void) {
    int attempt = 0; /* another load on the machine may spoil one */
    while (attempt < ATTEMPTS && !is_as_before())
        attempt++;
    CHECK(attempt < ATTEMPTS);
}

/* ---- how long until it is left ---- */

enum loss { DEAD, FROZEN, BLACK_HOLE };

static struct finding {
    pthread_mutex_t lock;
    double left_at, worst;
    unsigned slowed, lost;
} finding = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Reads a key of the lost server until it is answered elsewhere, or refused, at once. */
static void *find_out(void *options) {
    const char *key = fleet_key(&fleet, LOST, 0);
    const bool fails_over = strstr(options, "next") != NULL;
    for (int at_once = 0; at_once < 20;) {
        double start = seconds_now();
        cm_status status = fleet_get(&fleet, key, NULL);
        double took = seconds_now() - start;
        bool is_left = fails_over ? status >= 0 : status == CM_ERR_SERVER_DOWN;
        at_once = is_left && took < 0.02 ? at_once + 1 : 0;
        if (at_once > 0)
            continue;
        pthread_mutex_lock(&finding.lock);
        finding.left_at = seconds_now();
        finding.worst = took > finding.worst ? took : finding.worst;
        finding.slowed++;
        finding.lost += status < 0;
        pthread_mutex_unlock(&finding.lock);
    }
    return NULL;
}

static void lose(enum loss loss, size_t callers, const char *failover) {
    static const char *const names[] = {"dead", "frozen", "black hole"};
    static struct stub stub;
    pthread_t threads[8];
    char options[128];
    snprintf(options, sizeof options, "timeout_ms=1000 connect_timeout_ms=250 failover=%s",
             failover);
    if (loss == BLACK_HOLE && stub.listener == 0)
        stub_start(&stub, BLACK);
    fleet_start(&fleet, loss == BLACK_HOLE ? LOST : SERVERS,
                loss == BLACK_HOLE ? stub.address : NULL, options);
    if (loss == DEAD)
        server_kill(&fleet.servers[LOST]);
    if (loss == FROZEN)
        server_suspend(&fleet.servers[LOST]);
    double start = finding.left_at = seconds_now();
    finding.worst = finding.slowed = finding.lost = 0;
    for (size_t i = 0; i < callers; i++)
        REQUIRE(pthread_create(&threads[i], NULL, find_out, options) == 0);
    for (size_t i = 0; i < callers; i++)
        pthread_join(threads[i], NULL);
    printf("     %-10s  %zu caller%s  failover=%s  left after %7.1f ms  %3u calls slowed, %3u in "
           "vain, "
           "by %7.1f ms at most\n",
           names[loss], callers, callers == 1 ? " " : "s", failover,
           (finding.left_at - start) * 1e3, finding.slowed, finding.lost, finding.worst * 1e3);
    CHECK(finding.left_at - start < 10);
    fleet_stop(&fleet);
}

static void finding_out(void) {
    for (int loss = DEAD; loss <= BLACK_HOLE; loss++)
        for (size_t callers = 1; callers <= 8; callers += 7) {
            lose((enum loss)loss, callers, "none");
            lose((enum loss)loss, callers, "next");
        }
}

int main(int argument_count, char **arguments) {
    RUN(its_keys_are_answered_by_others);
    if (argument_count > 1 && strcmp(arguments[1], "measure") == 0) {
        RUN(finding_out);
        RUN(throughput_and_latency);
    }
    return finish();
}
