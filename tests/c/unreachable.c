/* Servers that cannot be connected to. */
#include "stub.h"

#include <stdio.h>
#include <string.h>

/* A generous bound for a slow machine: it only tells "at the limit" from "much later". */
static const double SLACK = 10.0;

static cm_result result_of_get(cm_client *client) {
    static const char *const key = "k";
    const size_t key_len = 1;
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
    cm_client *client = client_open(address, "timeout_ms=60000");
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
    cm_result found = result_of_get(client);
    CHECK(found.status == CM_ERR_CONNECTION && found.state == CM_UNSENT && found.server == 0);
    CHECK(seconds_now() - start < SLACK);
    cm_client_free(client);
}

static void a_connect_that_hangs(void) {
    static struct stub stub;
    stub_start(&stub, BLACK);
    cm_client *client = client_open(stub.address, "connect_timeout_ms=200 timeout_ms=60000");
    double start = seconds_now();
    cm_result found = result_of_get(client);
    double took = seconds_now() - start;
    CHECK_STATUS(CM_ERR_TIMEOUT, found.status);
    CHECK(found.state == CM_UNSENT);
    CHECK(took > 0.15 && took < 0.2 + SLACK);
    cm_client_free(client);
}

static void a_socket_file_that_is_not_there(void) {
    cm_client *client = client_open("unix:/nonexistent/memcached.sock", "");
    cm_result found = result_of_get(client);
    CHECK_STATUS(CM_ERR_CONNECTION, found.status);
    CHECK(found.state == CM_UNSENT);
    cm_client_free(client);
}

int main(void) {
    RUN(nobody_listens);
    RUN(a_connect_that_hangs);
    RUN(a_socket_file_that_is_not_there);
    return finish();
}
