/* What a client counts. */
#include "fake.h"
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static cm_status get(cm_client *client, const char *key) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    cm_result_free(result);
    return status;
}

static cm_status set(cm_client *client, const char *key, const char *value) {
    return cm_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL);
}

/* What is known of one server. The texts are gone. */
static cm_server figures_at(cm_client *client, size_t index) {
    cm_servers *servers = NULL;
    REQUIRE(cm_servers_snapshot(client, &servers, NULL) == CM_OK);
    REQUIRE(index < cm_servers_count(servers));
    cm_server server = *cm_servers_at(servers, index);
    cm_servers_free(servers);
    return server;
}

static cm_server figures(cm_client *client) { return figures_at(client, 0); }

static uint64_t errors_of(cm_client *client, cm_status status) {
    cm_servers *servers = NULL;
    REQUIRE(cm_servers_snapshot(client, &servers, NULL) == CM_OK);
    const cm_server *server = cm_servers_at(servers, 0);
    REQUIRE((size_t)-status < server->errors_by_status_count);
    uint64_t count = server->errors_by_status[-status];
    cm_servers_free(servers);
    return count;
}

static void a_server_never_used(void) {
    cm_client *client = client_open("127.0.0.1:1 weight=3 name=first, [::1]:2", "");
    cm_servers *servers = NULL;
    CHECK_STATUS(CM_OK, cm_servers_snapshot(client, &servers, NULL));
    cm_client_free(client); /* which they outlive */
    REQUIRE(cm_servers_count(servers) == 2);
    const cm_server *first = cm_servers_at(servers, 0), *second = cm_servers_at(servers, 1);
    CHECK(strcmp(first->identity, "first") == 0);
    CHECK(strcmp(first->address, "127.0.0.1:1") == 0);
    CHECK(first->weight == 3 && first->state == CM_SERVER_UP);
    CHECK(first->operations == 0 && first->latency_p99_us == 0 && first->latency_max_us == 0);
    CHECK(strcmp(second->identity, "[::1]:2") == 0);
    CHECK(strcmp(second->address, "[::1]:2") == 0);
    CHECK(cm_servers_at(servers, 2) == NULL);
    cm_servers_free(servers);
}

static void every_operation_is_counted_once(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    uint64_t number = 0;
    CHECK_STATUS(CM_OK, set(client, "text", "word"));
    for (int i = 0; i < 5; i++)
        CHECK_STATUS(CM_OK, get(client, "text"));
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(CM_NOT_FOUND, get(client, "none"));
    const char *keys[] = {"text", "none", "bad key"};
    const size_t lengths[] = {4, 4, 7};
    cm_results *results = NULL;
    CHECK_STATUS(CM_ERR_KEY, cm_get_multi(client, keys, lengths, 3, &results, NULL));
    cm_results_free(results);
    CHECK_STATUS(CM_NOT_FOUND, cm_delete(client, "none", 4, NULL)); /* no miss: it reads nothing */
    CHECK_STATUS(CM_NOT_STORED, cm_add(client, "text", 4, "x", 1, 0, 0, NULL));
    CHECK_STATUS(CM_ERR_REJECTED, cm_increment(client, "text", 4, 1, &number, NULL));
    cm_server found = figures(client);
    CHECK(found.operations == 14);
    CHECK(found.hits == 6);
    CHECK(found.misses == 4);
    CHECK(found.errors == 1);
    CHECK(errors_of(client, CM_ERR_REJECTED) == 1);
    CHECK(found.failures == 0 && found.timeouts == 0 && found.protocol_violations == 0);
    CHECK(found.connections == 1 && found.connections_opened == 1);
    CHECK(found.exchanges == 13); /* two of them shared one */
    CHECK(found.latency_p50_us <= found.latency_p99_us);
    CHECK(found.latency_p99_us <= found.latency_max_us);
    CHECK(found.latency_max_us > 0 && found.latency_max_us <= found.latency_sum_us);
    cm_client_free(client);
    server_kill(&server);
}

enum { THREADS = 8, GETS = 2000 };

static void *get_often(void *client) {
    size_t hits = 0;
    for (int i = 0; i < GETS; i++)
        hits += get(client, "k") == CM_OK;
    return (void *)hits;
}

/* Those who share a connection are carried by others, who do not count them too. */
static void threads_are_counted_once(void) {
    struct server server;
    pthread_t threads[THREADS];
    server_start(&server, "");
    cm_client *client = client_open(server.address, "connections_per_server=1");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    double start = seconds_now();
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, get_often, client) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *hits = NULL;
        pthread_join(threads[i], &hits);
        CHECK((size_t)hits == GETS);
    }
    cm_server found = figures(client);
    CHECK(found.operations == THREADS * GETS + 1 && found.hits == THREADS * GETS);
    CHECK(found.exchanges <= found.operations && found.connections_opened == 1);
    /* On one connection there is one exchange at a time. */
    CHECK((double)found.latency_sum_us < (seconds_now() - start) * 1e6 + 1e5);
    cm_client_free(client);
    server_kill(&server);
}

static void a_value_too_large_for_the_buffer_is_a_hit(void) {
    struct server server;
    char buffer[2];
    size_t length = 0;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    CHECK_STATUS(CM_OK, set(client, "text", "word"));
    CHECK_STATUS(CM_ERR_VALUE_TOO_LARGE,
                 cm_get_into(client, "text", 4, buffer, sizeof buffer, &length, NULL, NULL));
    cm_server found = figures(client);
    CHECK(found.operations == 2 && found.hits == 1 && found.errors == 0);
    cm_client_free(client);
    server_kill(&server);
}

static void time_that_is_over(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "timeout_ms=500");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    server_suspend(&server);
    const char *keys[] = {"a", "b", "c"};
    const size_t lengths[] = {1, 1, 1};
    cm_results *results = NULL;
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_get_multi(client, keys, lengths, 3, &results, NULL));
    cm_results_free(results);
    cm_server found = figures(client);
    CHECK(errors_of(client, CM_ERR_TIMEOUT) == 3);
    CHECK(found.operations == 4 && found.errors == 3 && found.misses == 0);
    CHECK(found.failures == 1 && found.timeouts == 1); /* of one connection */
    CHECK(found.connections == 0 && found.connections_opened == 1);
    CHECK(found.exchanges == 1);
    cm_client_free(client);
    server_resume(&server);
    server_kill(&server);
}

static void an_answer_to_nothing(void) {
    char address[32];
    fake_start(address, sizeof address);
    cm_client *client = client_open(address, "failure_threshold=1000");
    CHECK_STATUS(CM_OK, get(client, "k"));
    fake_tell(0, "STORED\r\n");
    CHECK_STATUS(CM_ERR_PROTOCOL, get(client, "k"));
    cm_server found = figures(client);
    CHECK(found.operations == 2 && found.hits == 1 && found.errors == 1);
    CHECK(errors_of(client, CM_ERR_PROTOCOL) == 1);
    CHECK(found.failures == 1 && found.protocol_violations == 1 && found.timeouts == 0);
    CHECK(found.state == CM_SERVER_SUSPECT && found.connections == 0);
    cm_client_free(client);
}

/* Nobody waits for the refusal of a quiet write: the next to use the connection reads it. */
static void a_quiet_failure(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "connections_per_server=1");
    CHECK_STATUS(CM_OK, set(client, "text", "word"));
    cm_op op = {.kind = CM_OP_INCREMENT, .want = CM_WANT_QUIET, .key = "text", .key_len = 4};
    op.delta = 1;
    cm_results *results = NULL;
    CHECK_STATUS(CM_OK, cm_execute(client, &op, sizeof op, 1, 0, &results, NULL));
    cm_results_free(results);
    CHECK_STATUS(CM_OK, get(client, "text"));
    cm_server found = figures(client);
    CHECK(found.quiet_failures == 1 && found.errors == 0 && found.operations == 3);
    cm_client_free(client);
    server_kill(&server);
}

static void a_connection_found_dead_is_replaced(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    server_restart(&server);
    sleep_ms(100);
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    cm_server found = figures(client);
    CHECK(found.connections_opened == 2 && found.connections == 1);
    CHECK(found.connections_replaced == 1);
    CHECK(found.failures == 0 && found.errors == 0);
    cm_client_free(client);
    server_kill(&server);
}

static void failovers_are_counted_where_they_come_from(void) {
    struct server servers[2];
    server_start(&servers[0], "");
    server_start(&servers[1], "");
    char *list = server_list(servers, 2);
    cm_client *client = client_open(list, "failover=next failure_threshold=1");
    free(list);
    size_t lost = 0;
    CHECK_STATUS(CM_OK, cm_select_server(client, "k", 1, &lost, NULL));
    server_kill(&servers[lost]);
    for (int i = 0; i < 4; i++)
        CHECK_STATUS(CM_OK, set(client, "k", "v"));
    cm_server from = figures_at(client, lost), to = figures_at(client, 1 - lost);
    CHECK(from.failovers == 4 && from.operations == 0 && from.state == CM_SERVER_DOWN);
    CHECK(to.failovers == 0 && to.operations == 4 && to.state == CM_SERVER_UP);
    cm_client_free(client);
    server_kill(&servers[1 - lost]);
}

int main(void) {
    RUN(a_server_never_used);
    RUN(every_operation_is_counted_once);
    RUN(threads_are_counted_once);
    RUN(a_value_too_large_for_the_buffer_is_a_hit);
    RUN(time_that_is_over);
    RUN(an_answer_to_nothing);
    RUN(a_quiet_failure);
    RUN(a_connection_found_dead_is_replaced);
    RUN(failovers_are_counted_where_they_come_from);
    return finish();
}
