/* What a client tells of its servers: changes of state, and a page for Prometheus. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static cm_status get(cm_client *client, const char *key) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    cm_result_free(result);
    return status;
}

static cm_status set(cm_client *client, const char *key, const char *value) {
    return cm_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL);
}

/* Of the first server. The texts are gone. */
static cm_server figures(cm_client *client) {
    cm_servers *servers = NULL;
    REQUIRE(cm_servers_snapshot(client, &servers, NULL) == CM_OK);
    REQUIRE(cm_servers_count(servers) >= 1);
    cm_server server = *cm_servers_at(servers, 0);
    cm_servers_free(servers);
    return server;
}

static void check_event(const cm_events *events, size_t index, const char *server, uint32_t from,
                        uint32_t to) {
    const cm_event *event = cm_events_at(events, index);
    REQUIRE(event != NULL);
    CHECK(strcmp(event->server, server) == 0);
    CHECK(event->from_state == from && event->to_state == to);
    CHECK(strlen(event->reason) > 0);
    CHECK(event->time_ms > 1600000000000);
    CHECK(index == 0 || event->time_ms >= cm_events_at(events, index - 1)->time_ms - 1000);
}

static void a_server_dies_and_comes_back(void) {
    struct server server;
    cm_events *events = NULL;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "failure_threshold=2 retry_after_ms=300");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    server_kill(&server);
    CHECK_STATUS(CM_ERR_CONNECTION, get(client, "k"));
    while (get(client, "k") != CM_ERR_SERVER_DOWN)
        ;
    CHECK(figures(client).state == CM_SERVER_DOWN);
    CHECK(figures(client).connections == 0);
    CHECK(figures(client).failures == 2);
    CHECK_STATUS(CM_OK, cm_events_take(client, &events, NULL));
    CHECK(cm_events_count(events) == 2 && cm_events_dropped(events) == 0);
    check_event(events, 0, server.address, CM_SERVER_UP, CM_SERVER_SUSPECT);
    check_event(events, 1, server.address, CM_SERVER_SUSPECT, CM_SERVER_DOWN);
    CHECK(cm_events_at(events, 2) == NULL);
    cm_events_free(events);

    server_restart(&server);
    sleep_ms(400);
    CHECK_STATUS(CM_NOT_FOUND, get(client, "k"));
    CHECK(figures(client).state == CM_SERVER_UP);
    CHECK_STATUS(CM_OK, cm_events_take(client, &events, NULL));
    cm_client_free(client); /* which they outlive */
    CHECK(cm_events_count(events) == 2);
    check_event(events, 0, server.address, CM_SERVER_DOWN, CM_SERVER_PROBING);
    check_event(events, 1, server.address, CM_SERVER_PROBING, CM_SERVER_UP);
    cm_events_free(events);
    server_kill(&server);
}

static void another_list_keeps_what_was_counted(void) {
    struct server server;
    char list[200];
    cm_events *events = NULL;
    server_start(&server, "");
    cm_client *client = client_open("127.0.0.1:1", "failure_threshold=1");
    CHECK_STATUS(CM_ERR_CONNECTION, get(client, "k"));
    CHECK_STATUS(CM_OK, cm_client_set_servers(client, server.address, NULL));
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    snprintf(list, sizeof list, "%s weight=7", server.address);
    CHECK_STATUS(CM_OK, cm_client_set_servers(client, list, NULL));
    CHECK(figures(client).operations == 1 && figures(client).weight == 7);
    CHECK_STATUS(CM_OK, cm_events_take(client, &events, NULL));
    CHECK(cm_events_count(events) == 1);
    check_event(events, 0, "127.0.0.1:1", CM_SERVER_UP, CM_SERVER_DOWN);
    cm_events_free(events);
    cm_client_free(client);
    server_kill(&server);
}

/* ---- Prometheus ---- */

static char *prometheus(cm_client *client) {
    char *text = NULL;
    REQUIRE(cm_metrics_prometheus(client, &text, NULL) == CM_OK && text != NULL);
    return text;
}

static bool has_sample(const char *text, const char *name, const char *server, const char *rest) {
    char line[300];
    snprintf(line, sizeof line, "\nconsistent_memcached_%s{server=\"%s\"%s\n", name, server, rest);
    return strstr(text, line) != NULL;
}

static void a_page_for_prometheus(void) {
    struct server server;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    CHECK_STATUS(CM_OK, get(client, "k"));
    CHECK_STATUS(CM_NOT_FOUND, get(client, "none"));
    char *text = prometheus(client);
    CHECK(strncmp(text, "# HELP ", 7) == 0 && text[strlen(text) - 1] == '\n');
    CHECK(strstr(text, "\n# TYPE consistent_memcached_hits_total counter\n") != NULL);
    CHECK(has_sample(text, "operations_total", server.address, "} 3"));
    CHECK(has_sample(text, "hits_total", server.address, "} 1"));
    CHECK(has_sample(text, "misses_total", server.address, "} 1"));
    CHECK(has_sample(text, "connections", server.address, "} 1"));
    CHECK(has_sample(text, "server_state", server.address, ",state=\"up\"} 1"));
    CHECK(has_sample(text, "server_state", server.address, ",state=\"down\"} 0"));
    CHECK(has_sample(text, "errors_total", server.address, ",kind=\"timeout\"} 0"));
    CHECK(has_sample(text, "exchange_duration_seconds_bucket", server.address, ",le=\"+Inf\"} 3"));
    CHECK(has_sample(text, "exchange_duration_seconds_count", server.address, "} 3"));
    cm_text_free(text);
    cm_client_free(client);
    server_kill(&server);
}

static void handovers_are_counted(void) {
    enum { KEYS = 100 };
    struct server servers[2];
    char key[16], expected[64];
    int moved = 0;
    server_start(&servers[0], "");
    server_start(&servers[1], "");
    cm_client *client = client_open(servers[0].address, "handover_ms=600000");
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        CHECK_STATUS(CM_OK, set(client, key, "v"));
    }
    char *list = server_list(servers, 2);
    CHECK_STATUS(CM_OK, cm_client_set_servers(client, list, NULL));
    free(list);
    for (int i = 0; i < KEYS; i++) {
        size_t owner = 0;
        snprintf(key, sizeof key, "key:%d", i);
        CHECK_STATUS(CM_OK, cm_select_server(client, key, strlen(key), &owner, NULL));
        CHECK_STATUS(CM_OK, get(client, key));
        moved += owner == 1;
    }
    char *text = prometheus(client);
    CHECK(moved > 0);
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"moved", "found", "copied"};
        snprintf(expected, sizeof expected, "\nconsistent_memcached_handover_%s_total %d\n",
                 names[i], moved);
        CHECK(strstr(text, expected) != NULL);
    }
    cm_text_free(text);
    cm_client_free(client);
    server_kill(&servers[0]);
    server_kill(&servers[1]);
}

/* ---- fork, close ---- */

static void a_child_begins_anew(void) {
    struct server server;
    cm_events *events = NULL;
    server_start(&server, "");
    cm_client *client = client_open(server.address, "failure_threshold=1 retry_after_ms=1");
    CHECK_STATUS(CM_OK, set(client, "k", "v"));
    server_kill(&server);
    CHECK_STATUS(CM_ERR_CONNECTION, set(client, "k", "v")); /* an event */
    server_restart(&server);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool good = figures(client).operations == 0;
        good = good && cm_events_take(client, &events, NULL) == CM_OK;
        good = good && cm_events_count(events) == 0 && get(client, "k") == CM_NOT_FOUND;
        _exit(good && figures(client).misses == 1 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(figures(client).operations == 2 && figures(client).misses == 0);
    CHECK_STATUS(CM_OK, cm_events_take(client, &events, NULL));
    CHECK(cm_events_count(events) == 1);
    cm_events_free(events);
    cm_client_free(client);
    server_kill(&server);
}

static void a_closed_client_tells_nothing(void) {
    cm_client *client = client_open("127.0.0.1:1", "");
    cm_servers *servers = (cm_servers *)&client;
    cm_events *events = (cm_events *)&client;
    char *text = (char *)&client;
    cm_client_close(client);
    CHECK_STATUS(CM_ERR_CLOSED, cm_servers_snapshot(client, &servers, NULL));
    CHECK_STATUS(CM_ERR_CLOSED, cm_events_take(client, &events, NULL));
    CHECK_STATUS(CM_ERR_CLOSED, cm_metrics_prometheus(client, &text, NULL));
    CHECK(servers == NULL && events == NULL && text == NULL);
    cm_client_free(client);
}

int main(void) {
    RUN(a_server_dies_and_comes_back);
    RUN(another_list_keeps_what_was_counted);
    RUN(a_page_for_prometheus);
    RUN(handovers_are_counted);
    RUN(a_child_begins_anew);
    RUN(a_closed_client_tells_nothing);
    return finish();
}
