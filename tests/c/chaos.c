/* Eight servers that are killed, frozen and started again at random, four of them behind proxies
   that delay, cut, reset and garble, under callers of everything: no wrong value, every error of a
   kind that a fault explains, no call beyond its deadline, nothing that grows, and all is well soon
   after the last fault.

   chaos [SECONDS [strict|lax [SEED]]]: strict measures time; otherwise it is bounded only against
   hanging. */
#include "faults.h"
#include "noise.h"
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 16, SERVERS = 8, PROXIED = 4, CONNECTIONS = 2, AT_ONCE = 3 };
enum { TIMEOUT_MS = 1000, CONNECT_TIMEOUT_MS = 250, RETRY_AFTER_MS = 500 };

static double duration = 20;
static bool strict, fails_over;
static uint64_t seed;
static struct server servers[SERVERS];
static char addresses[PROXIED][32];
static cm_client *client;

/* Read and written atomically, by all threads. */
static bool stop, is_well; /* well: long enough after the last fault that no call should fail */
static unsigned late, worst_overrun_us;

/* ---- what is allowed ---- */

/* The faults after which an operation may have such a status, as bits. */
static unsigned causes_of(cm_status status) {
    switch (status) {
    case CM_ERR_CONNECTION:
        return 1u << KILL | 1u << CUT | 1u << RESETTING | 1u << GARBLE;
    case CM_ERR_TIMEOUT: /* a garbled line may not end */
        return 1u << FREEZE | 1u << DELAY | 1u << GARBLE;
    case CM_ERR_PROTOCOL:
        return 1u << GARBLE;
    case CM_ERR_SERVER_DOWN:
        return (1u << FAULTS) - 1;
    default:
        return 0;
    }
}

static void print_unexplained(const cm_result *result) {
    char text[512];
    int used = snprintf(text, sizeof text, "server %d, %s, %s;", (int)result->server,
                        cm_status_name(result->status),
                        __atomic_load_n(&is_well, __ATOMIC_SEQ_CST) ? "all is well" : "in trouble");
    for (int fault = 0; fault < FAULTS && result->server < SERVERS; fault++)
        used +=
            snprintf(text + used, sizeof text - (size_t)used, " %s %.3f s ago", fault_names[fault],
                     seconds_now() - faults_last(result->server, (enum fault)fault));
    fprintf(stderr, "unexplained: %s\n", text);
}

/* Whether one of them was in effect at the server so short a time ago. */
static bool was_in_effect(unsigned causes, size_t server, double ago) {
    for (int fault = 0; fault < FAULTS; fault++)
        if ((causes & 1u << fault) != 0 &&
            seconds_now() - faults_last(server, (enum fault)fault) < ago)
            return true;
    return false;
}

/* A call may have spent its time at another server before it went to this one. */
static bool faults_explain(const cm_result *result, double memory) {
    const bool anywhere = fails_over && result->status == CM_ERR_TIMEOUT;
    const unsigned causes = causes_of(result->status);
    for (size_t server = 0; server < SERVERS; server++)
        if ((anywhere || server == result->server) && was_in_effect(causes, server, memory))
            return true;
    return false;
}

static bool explains(const cm_result *result) {
    const double now = seconds_now(), timeout = TIMEOUT_MS / 1e3;
    const double memory = (2 * TIMEOUT_MS + RETRY_AFTER_MS + CONNECT_TIMEOUT_MS) / 1e3;
    const bool may_fail = !__atomic_load_n(&is_well, __ATOMIC_SEQ_CST);
    if (may_fail && faults_explain(result, memory))
        return true;
    /* Perhaps the machine has slept. Then even healthy servers are late, and so taken for down. */
    const double noise = noise_between(now - memory, now);
    const bool is_late = result->status == CM_ERR_TIMEOUT || result->status == CM_ERR_SERVER_DOWN;
    if ((is_late && noise > timeout / 4) || (may_fail && faults_explain(result, memory + noise)))
        return true;
    print_unexplained(result);
    return false;
}

static void judge_time(double start, double end) {
    const double timeout = TIMEOUT_MS / 1e3, a_tenth = timeout / 10;
    double overrun = end - start - timeout;
    if (overrun <= 0)
        return;
    double noise = noise_between(start, end);
    unsigned over_us = overrun > noise ? (unsigned)((overrun - noise) * 1e6) : 0;
    unsigned worst = __atomic_load_n(&worst_overrun_us, __ATOMIC_RELAXED);
    while (over_us > worst &&
           !__atomic_compare_exchange_n(&worst_overrun_us, &worst, over_us, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        ;
    if (over_us / 1e6 > (strict ? (a_tenth > 0.05 ? a_tenth : 0.05) : 5.0))
        __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
}

static void *work(void *argument) {
    struct caller *caller = argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        double start = seconds_now();
        traffic_call(caller);
        judge_time(start, seconds_now());
        sleep_ms(random_below(&caller->random, 3));
    }
    return NULL;
}

/* ---- what happens ---- */

struct trouble {
    bool is_in;
    enum fault fault;
    double until;
};

static void begin(struct trouble *trouble, size_t server, struct random *random) {
    *trouble = (struct trouble){.is_in = true,
                                .fault = random_below(random, 2) == 0 ? KILL : FREEZE,
                                .until = seconds_now() + (10 + random_below(random, 1500)) / 1e3};
    faults_begin(server, trouble->fault);
    if (trouble->fault == KILL)
        server_kill(&servers[server]);
    else
        server_suspend(&servers[server]);
}

static void end(struct trouble *trouble, size_t server) {
    if (trouble->fault == KILL)
        server_restart(&servers[server]);
    else
        server_resume(&servers[server]);
    faults_end(server, trouble->fault);
    trouble->is_in = false;
}

static void harass(struct random *random, double seconds) {
    struct trouble troubles[SERVERS] = {{0}};
    double finish_at = seconds_now() + seconds;
    for (size_t in_trouble = 0; seconds_now() < finish_at || in_trouble > 0;) {
        sleep_ms(random_below(random, 100));
        for (size_t i = 0; i < SERVERS; i++)
            if (troubles[i].is_in && seconds_now() >= troubles[i].until) {
                end(&troubles[i], i);
                in_trouble--;
            }
        size_t next = random_below(random, SERVERS);
        if (seconds_now() < finish_at && in_trouble < AT_ONCE && !troubles[next].is_in) {
            begin(&troubles[next], next, random);
            in_trouble++;
        }
    }
}

static bool answers(size_t server) {
    char key[32];
    size_t owner = SERVERS, key_len = 0;
    for (int i = 0; owner != server; i++) {
        key_len = (size_t)snprintf(key, sizeof key, "recovery:%d", i);
        REQUIRE(cm_select_server(client, key, key_len, &owner, NULL) == CM_OK);
    }
    const cm_op op = {.kind = CM_OP_GET, .key = key, .key_len = key_len};
    cm_results *results = NULL;
    cm_execute(client, &op, sizeof op, 1, 0, &results, NULL);
    const cm_result *result = cm_results_at(results, 0);
    bool answered = result->status >= 0 && result->server == server;
    cm_results_free(results);
    return answered;
}

/* Returns how long it took. */
static double all_recover(void) {
    double start = seconds_now();
    for (size_t i = 0; i < SERVERS; i++)
        while (!answers(i) && seconds_now() < start + PATIENCE_SECONDS)
            sleep_ms(5);
    double end = seconds_now();
    double allowed = RETRY_AFTER_MS / 1e3 + (strict ? 1.0 + noise_between(start, end) : 5.0);
    CHECK(end - start <= allowed);
    return end - start;
}

static void quiet(void) {
    sleep_ms(TIMEOUT_MS); /* what began before has ended */
    __atomic_store_n(&is_well, true, __ATOMIC_SEQ_CST);
    sleep_ms(1000);
}

/* ---- the test ---- */

static void open_client(const char *options) {
    char *direct = server_list(servers + PROXIED, SERVERS - PROXIED), list[1024] = "", all[256];
    for (size_t i = 0; i < PROXIED; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s,", addresses[i]);
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s", direct);
    free(direct);
    snprintf(all, sizeof all,
             "timeout_ms=%d connect_timeout_ms=%d retry_after_ms=%d connections_per_server=%d %s",
             TIMEOUT_MS, CONNECT_TIMEOUT_MS, RETRY_AFTER_MS, CONNECTIONS, options);
    client = client_open(list, all);
}

static void report(const struct caller *sum, double recovery, long resident, long grown) {
    printf("%lu operations: %lu hits, %lu misses, %lu lost;", sum->operations, sum->hits,
           sum->misses, sum->lost);
    for (int fault = 0; fault < FAULTS; fault++)
        printf(" %u %s", faults_count((enum fault)fault), fault_names[fault]);
    printf("; recovered in %.0f ms; %.1f ms beyond a deadline at most; %ld kB grown by %ld kB\n",
           recovery * 1e3, worst_overrun_us / 1e3, resident, grown);
}

static void chaos(const char *options) {
    struct caller callers[THREADS], sum = {0};
    struct random random = {seed};
    alarm((unsigned)duration + 120);
    size_t descriptors = open_descriptors();
    stop = is_well = false;
    late = worst_overrun_us = 0;
    open_client(options);
    faults_let_happen(true);
    for (size_t i = 0; i < THREADS; i++) {
        callers[i] =
            (struct caller){.random = {seed + i + 1}, .client = client, .explains = explains};
        REQUIRE(pthread_create(&callers[i].thread, NULL, work, &callers[i]) == 0);
    }
    harass(&random, duration / 2 / 4);
    long resident = resident_kb();
    harass(&random, duration / 2 * 3 / 4);
    faults_let_happen(false);
    double recovery = all_recover();
    quiet();
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        traffic_add(&sum, &callers[i]);
    }
    long grown = resident_kb() - resident;
    report(&sum, recovery, resident, grown);
    CHECK(sum.wrong == 0);
    CHECK(sum.unexplained == 0);
    CHECK(late == 0);
    CHECK(sum.hits > 0 && sum.lost > 0);
    CHECK(!IS_WEIGHABLE || grown < 4 * 1024);
    CHECK(!IS_WEIGHABLE || open_descriptors() <= descriptors + SERVERS * CONNECTIONS);
    cm_client_free(client);
    CHECK(!IS_WEIGHABLE || open_descriptors() == descriptors);
}

static void without_failover(void) { chaos("failover=none"); }

static void with_failover(void) {
    fails_over = true;
    chaos("failover=next");
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1)
        duration = strtod(arguments[1], NULL);
    strict = argument_count > 2 && strcmp(arguments[2], "strict") == 0;
    seed = random_seed(argument_count > 3 ? arguments[3] : NULL);
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    faults_start(servers, PROXIED, seed, addresses);
    noise_start();
    RUN(without_failover);
    RUN(with_failover);
    return finish();
}
