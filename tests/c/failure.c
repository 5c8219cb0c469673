/* Servers that are away, hang, die and come back. */
#include "fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 4 };

/* A generous bound for a slow machine: it only tells "at the limit" from "much later". */
static const double SLACK = 10.0;

static cm_status get(cm_client *client, const char *key) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    cm_result_free(result);
    return status;
}

static cm_status set(cm_client *client, const char *key) {
    return cm_set(client, key, strlen(key), "v", 1, 0, 0, NULL);
}

/* One get as a batch, for what only a result tells. */
static cm_result result_of_get(cm_client *client, const char *key) {
    const size_t key_len = strlen(key);
    cm_results *results = NULL;
    cm_get_multi(client, &key, &key_len, 1, &results, NULL);
    REQUIRE(cm_results_count(results) == 1);
    cm_result result = *cm_results_at(results, 0);
    cm_results_free(results);
    return result;
}

/* All keys at once: those of server 1 come to `expected`, the others are answered. */
static void get_all(const struct fleet *fleet, cm_status expected) {
    cm_results *results = NULL;
    cm_status status =
        cm_get_multi(fleet->client, fleet->keys, fleet->lengths, FLEET_KEYS, &results, NULL);
    CHECK_STATUS(expected, status);
    REQUIRE(cm_results_count(results) == FLEET_KEYS);
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        const cm_result *result = cm_results_at(results, i);
        CHECK_STATUS(fleet->owners[i] == 1 ? expected : CM_OK, result->status);
        CHECK(result->server == fleet->owners[i]);
    }
    cm_results_free(results);
}

/* One operation with a timeout of its own. */
static cm_result result_within(cm_client *client, uint32_t kind, const char *key,
                               uint32_t timeout_ms) {
    cm_op op = {.kind = kind, .key = key, .key_len = strlen(key)};
    cm_results *results = NULL;
    cm_execute(client, &op, sizeof op, 1, timeout_ms, &results, NULL);
    REQUIRE(cm_results_count(results) == 1);
    cm_result result = *cm_results_at(results, 0);
    cm_results_free(results);
    return result;
}

static void one_of_four_hangs(void) {
    static struct fleet fleet;
    fleet_start(&fleet, SERVERS, NULL, "timeout_ms=1500 failure_threshold=1000");
    for (int round = 0; round < 2; round++) {
        server_suspend(&fleet.servers[1]);
        double start = seconds_now();
        get_all(&fleet, CM_ERR_TIMEOUT);
        double took = seconds_now() - start;
        CHECK(took > 1.4 && took < 1.5 + SLACK);
        const char *key = fleet_key(&fleet, 1, 0);
        CHECK_STATUS(CM_ERR_TIMEOUT, result_within(fleet.client, CM_OP_GET, key, 200).status);
        cm_result set_result = result_within(fleet.client, CM_OP_SET, key, 200);
        CHECK_STATUS(CM_ERR_TIMEOUT, set_result.status);
        CHECK(set_result.state == 0); /* it may have been stored */
        CHECK_STATUS(CM_OK, get(fleet.client, fleet_key(&fleet, 2, 0)));
        server_resume(&fleet.servers[1]);
        sleep_ms(100); /* its late replies arrive now, where nobody must take them */
        get_all(&fleet, CM_OK);
    }
    fleet_stop(&fleet);
}

static void a_deadline_of_its_own(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "timeout_ms=60000");
    const cm_op op = {.kind = CM_OP_GET, .key = "k", .key_len = 1};
    cm_results *results = NULL;
    CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    server_suspend(&server);
    double start = seconds_now();
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_execute(client, &op, sizeof op, 1, 150, &results, NULL));
    CHECK(seconds_now() - start < 0.15 + SLACK);
    CHECK(cm_results_count(results) == 1);
    cm_results_free(results);
    server_resume(&server);
    CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    cm_client_free(client);
    server_kill(&server);
}

static int calls_until_down(cm_client *client, const char *key) {
    int calls = 1;
    while (calls < 100 && get(client, key) != CM_ERR_SERVER_DOWN)
        calls++;
    return calls;
}

static void one_of_four_dies(void) {
    static struct fleet fleet;
    fleet_start(&fleet, SERVERS, NULL, "failure_threshold=2 retry_after_ms=3600000");
    const char *lost = fleet_key(&fleet, 1, 0);
    server_kill(&fleet.servers[1]);
    CHECK_STATUS(CM_ERR_CONNECTION, get(fleet.client, lost));
    CHECK(calls_until_down(fleet.client, lost) <= 2); /* the threshold was two failures */
    int down = 0;
    for (int i = 0; i < 100; i++)
        down += get(fleet.client, lost) == CM_ERR_SERVER_DOWN;
    CHECK(down == 100);
    cm_result found = result_of_get(fleet.client, lost);
    CHECK(found.status == CM_ERR_SERVER_DOWN && found.state == CM_UNSENT && found.server == 1);
    get_all(&fleet, CM_ERR_SERVER_DOWN);
    server_restart(&fleet.servers[1]); /* the client does not look again so soon */
    CHECK_STATUS(CM_ERR_SERVER_DOWN, get(fleet.client, lost));
    fleet_stop(&fleet);
}

static void one_of_four_returns(void) {
    static struct fleet fleet;
    fleet_start(&fleet, SERVERS, NULL, "failure_threshold=2 retry_after_ms=300");
    const char *lost = fleet_key(&fleet, 1, 0);
    server_kill(&fleet.servers[1]);
    CHECK(calls_until_down(fleet.client, lost) < 100);
    server_restart(&fleet.servers[1]);
    sleep_ms(400);
    CHECK_STATUS(CM_NOT_FOUND, get(fleet.client, lost)); /* it came back empty */
    CHECK_STATUS(CM_OK, fleet_set(&fleet, lost, NULL));
    CHECK_STATUS(CM_OK, get(fleet.client, lost));
    fleet_stop(&fleet);
}

static void a_restart_while_idle_goes_unnoticed(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    CHECK_STATUS(CM_OK, set(client, "k"));
    for (int i = 0; i < 5; i++) {
        server_restart(&server);
        sleep_ms(200);
        CHECK_STATUS(CM_OK, set(client, "k")); /* a write, which must not be sent twice */
        server_restart(&server);
        sleep_ms(200);
        CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    }
    cm_client_free(client);
    server_kill(&server);
}

/* A pure read that lost its connection is repeated once on a fresh one, so not even a restart
   between two calls shows. */
static void a_read_after_a_restart_is_repeated(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(CM_OK, set(client, "k"));
        server_restart(&server);
        CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    }
    cm_client_free(client);
    server_kill(&server);
}

static void *wait_for_a_get(void *client) { return (void *)(intptr_t)get(client, "k"); }

static void close_wakes_who_waits(void) {
    enum { WAITERS = 6 };
    struct server server;
    pthread_t waiters[WAITERS];
    server_start(&server, "");
    cm_client *client = client_open(server.address, "timeout_ms=60000");
    CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    server_suspend(&server);
    for (size_t i = 0; i < WAITERS; i++) /* more than there are connections */
        REQUIRE(pthread_create(&waiters[i], NULL, wait_for_a_get, client) == 0);
    sleep_ms(200);
    double start = seconds_now();
    cm_client_close(client);
    for (size_t i = 0; i < WAITERS; i++) {
        void *status = NULL;
        pthread_join(waiters[i], &status);
        CHECK_STATUS(CM_ERR_CLOSED, (cm_status)(intptr_t)status);
    }
    CHECK(seconds_now() - start < SLACK);
    CHECK_STATUS(CM_ERR_CLOSED, get(client, "k"));
    CHECK_STATUS(CM_ERR_CLOSED, set(client, "k"));
    const cm_op op = {.kind = CM_OP_GET, .key = "k", .key_len = 1};
    cm_results *results = NULL;
    CHECK_STATUS(CM_ERR_CLOSED, cm_execute(client, &op, sizeof op, 1, 0, &results, NULL));
    cm_results_free(results);
    cm_client_close(client);
    cm_client_close(client);
    cm_client_free(client);
    server_kill(&server);
}

int main(void) {
    RUN(one_of_four_hangs);
    RUN(a_deadline_of_its_own);
    RUN(one_of_four_dies);
    RUN(one_of_four_returns);
    RUN(a_restart_while_idle_goes_unnoticed);
    RUN(a_read_after_a_restart_is_repeated);
    RUN(close_wakes_who_waits);
    return finish();
}
