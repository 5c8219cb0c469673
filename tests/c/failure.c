/* Servers that are away, hang, die and come back. */
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS = 4, KEYS = 200 };

/* A generous bound: it only tells "at the limit" from "much later". */
static const double SLACK = 2.0;

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

static void nobody_listens(void) {
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", reserve_port());
    cm_client *client = client_open(address, "connect_timeout_ms=250 timeout_ms=20000");
    size_t owner = 9;
    CHECK_STATUS(CM_OK, cm_select_server(client, "k", 1, &owner, NULL));
    CHECK(owner == 0 && cm_client_server_count(client) == 1);
    double start = seconds_now();
    cm_result *result = (cm_result *)&client;
    cm_error *error = NULL;
    CHECK_STATUS(CM_ERR_CONNECTION, cm_get(client, "k", 1, &result, &error));
    CHECK(result == NULL);
    CHECK(strcmp(cm_error_server(error), address) == 0);
    CHECK(cm_error_state(error) == CM_UNSENT);
    CHECK(strlen(cm_error_message(error)) > 0);
    cm_error_free(error);
    cm_result found = result_of_get(client, "k");
    CHECK(found.status == CM_ERR_CONNECTION && found.state == CM_UNSENT && found.server == 0);
    CHECK(seconds_now() - start < 0.25 + SLACK);
    cm_client_free(client);
}

static int connect_without_waiting(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connection >= 0 && fcntl(connection, F_SETFL, O_NONBLOCK) == 0);
    (void)connect(connection, (const struct sockaddr *)&address, sizeof address);
    return connection;
}

/* The queue of connections nobody accepts is full: the kernel drops what comes. */
static void a_connect_that_hangs(void) {
    int port, fillers[8];
    char address[32];
    int listener = listen_on_loopback(0, &port);
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        fillers[i] = connect_without_waiting(port);
    sleep_ms(50);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    cm_client *client = client_open(address, "connect_timeout_ms=200 timeout_ms=20000");
    double start = seconds_now();
    cm_result found = result_of_get(client, "k");
    double took = seconds_now() - start;
    CHECK_STATUS(CM_ERR_TIMEOUT, found.status);
    CHECK(found.state == CM_UNSENT);
    CHECK(took > 0.15 && took < 0.2 + SLACK);
    cm_client_free(client);
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        close(fillers[i]);
    close(listener);
}

static void a_socket_file_that_is_not_there(void) {
    cm_client *client = client_open("unix:/nonexistent/memcached.sock", "");
    cm_result found = result_of_get(client, "k");
    CHECK_STATUS(CM_ERR_CONNECTION, found.status);
    CHECK(found.state == CM_UNSENT);
    cm_client_free(client);
}

/* Four servers that hold KEYS keys. */
struct fleet {
    struct server servers[SERVERS];
    cm_client *client;
    char text[KEYS][16];
    const char *keys[KEYS];
    size_t lengths[KEYS], owners[KEYS];
};

static void fleet_start(struct fleet *fleet, const char *options) {
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&fleet->servers[i], "");
    char *list = server_list(fleet->servers, SERVERS);
    fleet->client = client_open(list, options);
    free(list);
    for (size_t i = 0; i < KEYS; i++) {
        fleet->lengths[i] = (size_t)snprintf(fleet->text[i], sizeof *fleet->text, "key:%zu", i);
        fleet->keys[i] = fleet->text[i];
        CHECK_STATUS(CM_OK, set(fleet->client, fleet->keys[i]));
        CHECK_STATUS(CM_OK, cm_select_server(fleet->client, fleet->keys[i], fleet->lengths[i],
                                             &fleet->owners[i], NULL));
    }
}

static void fleet_stop(struct fleet *fleet) {
    cm_client_free(fleet->client);
    for (size_t i = 0; i < SERVERS; i++)
        if (fleet->servers[i].pid != 0)
            server_kill(&fleet->servers[i]);
}

static const char *key_of(const struct fleet *fleet, size_t owner) {
    size_t i = 0;
    while (i < KEYS && fleet->owners[i] != owner)
        i++;
    REQUIRE(i < KEYS);
    return fleet->keys[i];
}

/* All keys at once: those of server 1 come to `expected`, the others are answered. */
static void get_all(const struct fleet *fleet, cm_status expected) {
    cm_results *results = NULL;
    cm_status status =
        cm_get_multi(fleet->client, fleet->keys, fleet->lengths, KEYS, &results, NULL);
    CHECK_STATUS(expected, status);
    REQUIRE(cm_results_count(results) == KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        const cm_result *result = cm_results_at(results, i);
        CHECK_STATUS(fleet->owners[i] == 1 ? expected : CM_OK, result->status);
        CHECK(result->server == fleet->owners[i]);
    }
    cm_results_free(results);
}

static void one_of_four_hangs(void) {
    static struct fleet fleet;
    fleet_start(&fleet, "timeout_ms=400 failure_threshold=1000");
    for (int round = 0; round < 2; round++) {
        server_suspend(&fleet.servers[1]);
        double start = seconds_now();
        get_all(&fleet, CM_ERR_TIMEOUT);
        double took = seconds_now() - start;
        CHECK(took > 0.35 && took < 0.4 + SLACK);
        CHECK_STATUS(CM_ERR_TIMEOUT, get(fleet.client, key_of(&fleet, 1)));
        cm_error *error = NULL;
        const char *key = key_of(&fleet, 1);
        CHECK_STATUS(CM_ERR_TIMEOUT, cm_set(fleet.client, key, strlen(key), "v", 1, 0, 0, &error));
        CHECK(cm_error_state(error) == 0); /* it may have been stored */
        cm_error_free(error);
        CHECK_STATUS(CM_OK, get(fleet.client, key_of(&fleet, 2)));
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

static void one_of_four_dies_and_returns(void) {
    static struct fleet fleet;
    fleet_start(&fleet, "timeout_ms=2000 failure_threshold=2 retry_after_ms=700");
    const char *lost = key_of(&fleet, 1);
    server_kill(&fleet.servers[1]);
    cm_status first = get(fleet.client, lost);
    CHECK_STATUS(CM_ERR_CONNECTION, first);
    int calls = 1;
    while (calls < 10 && get(fleet.client, lost) != CM_ERR_SERVER_DOWN)
        calls++;
    CHECK(calls <= 2); /* the threshold, then it is known to be down */

    double start = seconds_now();
    int down = 0;
    for (int i = 0; i < 100; i++)
        down += get(fleet.client, lost) == CM_ERR_SERVER_DOWN;
    CHECK(down == 100);
    CHECK(seconds_now() - start < 0.5);
    cm_result found = result_of_get(fleet.client, lost);
    CHECK(found.status == CM_ERR_SERVER_DOWN && found.state == CM_UNSENT && found.server == 1);
    get_all(&fleet, CM_ERR_SERVER_DOWN);

    server_restart(&fleet.servers[1]);
    sleep_ms(800);
    CHECK_STATUS(CM_NOT_FOUND, get(fleet.client, lost)); /* it came back empty */
    CHECK_STATUS(CM_OK, set(fleet.client, lost));
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
    RUN(nobody_listens);
    RUN(a_connect_that_hangs);
    RUN(a_socket_file_that_is_not_there);
    RUN(one_of_four_hangs);
    RUN(a_deadline_of_its_own);
    RUN(one_of_four_dies_and_returns);
    RUN(a_restart_while_idle_goes_unnoticed);
    RUN(a_read_after_a_restart_is_repeated);
    RUN(close_wakes_who_waits);
    return finish();
}
