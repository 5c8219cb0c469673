/* failover=next: what cannot go to its server goes to the next its placement names; and nothing
   does that might have been done already. */
#include "fleet.h"
#include "operate.h"
#include "proxy.h"
#include "stub.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 4, THREADS = 16 };

/* For tests in which a server that is down stays so. */
#define STAYS_DOWN "failure_threshold=2 retry_after_ms=3600000 "

static struct fleet fleet;

/* What a server says it holds, asked without the client. */
static bool server_holds(size_t server, const char *key) {
    char request[64];
    snprintf(request, sizeof request, "get %s\r\n", key);
    char *reply = server_ask(&fleet.servers[server], request);
    bool holds = strncmp(reply, "VALUE", 5) == 0;
    free(reply);
    return holds;
}

/* Long enough ago for the client to look at its connections before it uses them again. */
static void kill_some_time_ago(size_t server) {
    server_kill(&fleet.servers[server]);
    sleep_ms(100);
}

static void of_a_dead_server(void) {
    fleet_start(&fleet, SERVERS, NULL, STAYS_DOWN "failover=next");
    kill_some_time_ago(1);
    for (size_t i = 0; i < 20; i++) {
        const char *key = fleet_key(&fleet, 1, i);
        const size_t next = fleet_next(&fleet, key);
        cm_result found = {0};
        CHECK(next < SERVERS && next != 1);
        CHECK_STATUS(CM_NOT_FOUND, fleet_get(&fleet, key, &found));
        CHECK(found.server == next);
        CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found));
        CHECK(found.server == next);
        CHECK(server_holds(next, key));
        CHECK_STATUS(CM_OK, fleet_get(&fleet, key, &found));
        CHECK(found.server == next);
        size_t owner = 9; /* where a key belongs does not change */
        CHECK_STATUS(CM_OK, cm_select_server(fleet.client, key, strlen(key), &owner, NULL));
        CHECK(owner == 1);
    }
    fleet_stop(&fleet);
}

/* Each is answered, `ops` of any kind. Returns how many were by the server that comes next. */
static size_t all_answered(const cm_op *ops, cm_status expected) {
    size_t elsewhere = 0;
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(fleet.client, ops, sizeof *ops, FLEET_KEYS, 0, &results, NULL));
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        const cm_result *result = cm_results_at(results, i);
        const bool is_lost = fleet.owners[i] == 1;
        CHECK_STATUS(is_lost ? expected : CM_OK, result->status);
        CHECK(result->server == (is_lost ? fleet_next(&fleet, fleet.keys[i]) : fleet.owners[i]));
        elsewhere += is_lost;
    }
    cm_results_free(results);
    return elsewhere;
}

static void prepare(cm_op *gets, cm_op *sets) {
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        gets[i] = op_on(CM_OP_GET, fleet.keys[i], 0);
        sets[i] = op_with(CM_OP_SET, fleet.keys[i], fleet.keys[i], 0);
    }
}

static void of_a_batch(void) {
    static cm_op gets[FLEET_KEYS], sets[FLEET_KEYS];
    fleet_start(&fleet, SERVERS, NULL, STAYS_DOWN "failover=next");
    prepare(gets, sets);
    kill_some_time_ago(1);
    for (int round = 0; round < 3; round++) { /* while it is being found out, and after */
        CHECK(all_answered(gets, round == 0 ? CM_NOT_FOUND : CM_OK) > 0);
        CHECK(all_answered(sets, CM_OK) > 0);
        CHECK(all_answered(gets, CM_OK) > 0);
    }
    fleet_stop(&fleet);
}

static void of_a_queue(void) {
    static cm_op gets[FLEET_KEYS], sets[FLEET_KEYS];
    fleet_start(&fleet, SERVERS, NULL, STAYS_DOWN "failover=next");
    prepare(gets, sets);
    kill_some_time_ago(1);
    cm_queue *queue = NULL;
    CHECK_STATUS(CM_OK, cm_queue_new(fleet.client, &queue, NULL));
    for (size_t i = 0; i < 2 * FLEET_KEYS;
         i++) { /* one at a time, so that each set is before its get */
        const cm_op *op = i % 2 == 0 ? &sets[i / 2] : &gets[i / 2];
        cm_completion done = {0};
        size_t count = 0;
        CHECK_STATUS(CM_OK, cm_queue_submit(queue, op, sizeof *op, 1, 0, i, NULL));
        for (struct pollfd ready = {.fd = cm_queue_fd(queue), .events = POLLIN}; count == 0;) {
            REQUIRE(poll(&ready, 1, PATIENCE_SECONDS * 1000) == 1);
            REQUIRE(cm_queue_drive(queue, &done, sizeof done, 1, &count, NULL) == CM_OK);
        }
        CHECK(done.tag == i);
        const cm_result *result = cm_results_at(done.results, 0);
        CHECK_STATUS(CM_OK, result->status);
        CHECK((result->server != fleet.owners[i / 2]) == (fleet.owners[i / 2] == 1));
        cm_results_free(done.results);
    }
    cm_queue_free(queue);
    fleet_stop(&fleet);
}

/* The last in the list accepts, and closes: what it was asked may have been done. */
static void down_costs_no_connection(void) {
    static struct stub stub;
    stub_start(&stub, CLOSING);
    fleet_start(&fleet, SERVERS, stub.address, STAYS_DOWN "failover=next");
    const char *key = fleet_key(&fleet, SERVERS, 0);
    cm_result found = {0};
    CHECK_STATUS(CM_ERR_CONNECTION, fleet_set(&fleet, key, &found));
    CHECK(found.server == SERVERS && found.state == 0);
    CHECK_STATUS(CM_ERR_CONNECTION, fleet_set(&fleet, key, &found));
    unsigned accepted = stub_accepted(&stub);
    CHECK(accepted == 2); /* the threshold */
    for (int i = 0; i < 100; i++)
        CHECK_STATUS(CM_OK, fleet_set(&fleet, fleet_key(&fleet, SERVERS, i % 10), &found));
    CHECK(stub_accepted(&stub) == accepted);
    fleet_stop(&fleet);
}

static uint64_t commands_of_all_but(size_t server) {
    uint64_t commands = 0;
    for (size_t i = 0; i < SERVERS; i++)
        commands += i == server ? 0 : server_commands(&fleet.servers[i]);
    return commands;
}

static void not_of_what_has_no_answer(void) {
    fleet_start(&fleet, SERVERS, NULL, "failure_threshold=100 timeout_ms=150 failover=next");
    server_suspend(&fleet.servers[1]);
    uint64_t before = commands_of_all_but(1);
    cm_result found = {0};
    CHECK_STATUS(CM_ERR_TIMEOUT, fleet_get(&fleet, fleet_key(&fleet, 1, 0), &found));
    CHECK(found.server == 1);
    CHECK_STATUS(CM_ERR_TIMEOUT, fleet_set(&fleet, fleet_key(&fleet, 1, 1), &found));
    CHECK(found.server == 1 && found.state == 0);
    CHECK(commands_of_all_but(1) == before);
    server_resume(&fleet.servers[1]);
    fleet_stop(&fleet);
}

/* The server adds, and its answer is lost. */
static void not_of_a_write_of_unknown_fate(void) {
    static struct server server;
    static char address[32];
    server_start(&server, "");
    proxy_start(&server, address, sizeof address);
    fleet_start(&fleet, SERVERS, address, "failure_threshold=100 failover=next");
    const char *key = fleet_key(&fleet, SERVERS, 0);
    set(fleet.client, key, "0");
    uint64_t before = commands_of_all_but(SERVERS);
    cm_op add = op_on(CM_OP_INCREMENT, key, 0);
    add.delta = 1;
    for (int way = REQUESTS; way <= REPLIES; way++)
        for (int interruption = CLOSE; interruption <= RESET; interruption++) {
            proxy_interrupt((enum interruption)interruption, (enum way)way,
                            way == REQUESTS ? 4 : 0);
            struct answer answer = run_op(fleet.client, add);
            CHECK_STATUS(CM_ERR_CONNECTION, answer.result.status);
            CHECK(answer.result.server == SERVERS && answer.result.state == 0);
            proxy_go_on();
        }
    CHECK(commands_of_all_but(SERVERS) == before);
    CHECK(holds(fleet.client, key, "2")); /* once for each that arrived */
    fleet_stop(&fleet);
    server_kill(&server);
}

static void until_it_returns(void) {
    fleet_start(&fleet, SERVERS, NULL, "failure_threshold=1 retry_after_ms=200 failover=next");
    const char *key = fleet_key(&fleet, 1, 0);
    cm_result found = {0};
    kill_some_time_ago(1);
    CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found));
    CHECK(found.server != 1);
    server_restart(&fleet.servers[1]);
    sleep_ms(300);
    CHECK_STATUS(CM_NOT_FOUND, fleet_get(&fleet, key, &found)); /* at home again */
    CHECK(found.server == 1);
    CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found));
    CHECK(found.server == 1);
    fleet_stop(&fleet);
}

/* It accepts connections, but an answer is what counts. Nothing but the probe is sent to it. */
static void a_stopped_server_is_not_back(void) {
    fleet_start(&fleet, SERVERS, NULL,
                "failure_threshold=1 timeout_ms=10000 connect_timeout_ms=200 retry_after_ms=100 "
                "failover=next");
    const char *key = fleet_key(&fleet, 1, 0);
    cm_result found = {0};
    kill_some_time_ago(1);
    CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found)); /* refused: down from now on */
    server_restart(&fleet.servers[1]);
    server_suspend(&fleet.servers[1]);
    for (int i = 0; i < 3; i++) {
        sleep_ms(150);
        CHECK_STATUS(CM_OK, fleet_get(&fleet, key, &found));
        CHECK(found.server != 1);
        CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found));
        CHECK(found.server != 1);
    }
    server_resume(&fleet.servers[1]);
    sleep_ms(200);
    CHECK_STATUS(CM_NOT_FOUND, fleet_get(&fleet, key, &found));
    CHECK(found.server == 1);
    CHECK(server_stat(&fleet.servers[1], "cmd_set") == 0);
    fleet_stop(&fleet);
}

static void *ask_once(void *unused) {
    (void)unused;
    return (void *)(intptr_t)fleet_get(&fleet, fleet_key(&fleet, SERVERS, 0), NULL);
}

static void one_caller_probes(void) {
    static struct stub stub;
    pthread_t threads[THREADS];
    stub_start(&stub, SILENT);
    fleet_start(&fleet, SERVERS, stub.address,
                "failure_threshold=1 timeout_ms=2000 connect_timeout_ms=1500 retry_after_ms=500 "
                "connections_per_server=8");
    CHECK_STATUS(CM_ERR_TIMEOUT, fleet_get(&fleet, fleet_key(&fleet, SERVERS, 0), NULL));
    CHECK(stub_accepted(&stub) == 1);
    sleep_ms(600);
    double start = seconds_now();
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, ask_once, NULL) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *status = NULL;
        pthread_join(threads[i], &status);
        CHECK_STATUS(CM_ERR_SERVER_DOWN, (cm_status)(intptr_t)status);
    }
    CHECK(stub_accepted(&stub) == 2);
    CHECK(seconds_now() - start < PATIENCE_SECONDS);
    fleet_stop(&fleet);
}

static void when_all_are_dead(void) {
    fleet_start(&fleet, SERVERS, NULL, STAYS_DOWN "failover=next");
    for (size_t i = 0; i < SERVERS; i++)
        kill_some_time_ago(i);
    for (int i = 0; i < 6; i++) {
        cm_result *result = NULL;
        cm_error *error = NULL;
        cm_status status = cm_get(fleet.client, "k", 1, &result, &error);
        CHECK_STATUS(i < 2 ? CM_ERR_CONNECTION : CM_ERR_SERVER_DOWN, status);
        CHECK(result == NULL && cm_error_state(error) == CM_UNSENT);
        CHECK(strlen(cm_error_server(error)) > 0 && strlen(cm_error_message(error)) > 0);
        cm_error_free(error);
    }
    fleet_stop(&fleet);
}

/* Who fails over by itself, and who when told to. */
static void as_other_clients_do(void) {
    static const struct {
        const char *options;
        bool fails_over;
    } clients[] = {{"compat=python-memcached", true},
                   {"compat=dalli", true},
                   {"compat=pymemcache", true},
                   {"compat=libmemcached", false},
                   {"compat=pylibmc-ketama", false},
                   {"compat=gomemcache", false},
                   {"compat=twemproxy", false},
                   {"compat=memcached-proxy", false},
                   {"distribution=rehash", false},
                   {"compat=dalli failover=none", false},
                   {"compat=libmemcached failover=next", true},
                   {"distribution=ketama failover=next", true},
                   {"distribution=jump failover=next", true}};
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        char options[128];
        cm_result found = {0};
        snprintf(options, sizeof options, STAYS_DOWN "%s", clients[i].options);
        fleet_start(&fleet, SERVERS, NULL, options);
        kill_some_time_ago(1);
        const char *key = fleet_key(&fleet, 1, 0);
        const size_t next = fleet_next(&fleet, key);
        if (!CHECK_STATUS(clients[i].fails_over ? CM_OK : CM_ERR_CONNECTION,
                          fleet_set(&fleet, key, &found)) ||
            !CHECK(found.server == (clients[i].fails_over ? next : 1)))
            fprintf(stderr, "%s: server %u, next %zu\n", clients[i].options, found.server, next);
        fleet_stop(&fleet);
    }
}

int main(void) {
    RUN(of_a_dead_server);
    RUN(of_a_batch);
    RUN(of_a_queue);
    RUN(down_costs_no_connection);
    RUN(not_of_what_has_no_answer);
    RUN(not_of_a_write_of_unknown_fate);
    RUN(until_it_returns);
    RUN(a_stopped_server_is_not_back);
    RUN(one_caller_probes);
    RUN(when_all_are_dead);
    RUN(as_other_clients_do);
    return finish();
}
