/* Names that cannot be resolved, then can; whose addresses change; and a resolver that blocks.

   The test brings its own resolver: a getaddrinfo in the program comes before the C library's. */
#include "operate.h"
#include "relay.h"
#include "stub.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A generous bound for a slow machine: it only tells "at the limit" from "much later". */
static const double SLACK = 10.0;

/* ---- the resolver ---- */

enum { RESOLVES = 0, BLOCKS = 1000 }; /* or an EAI_ error */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int answer_of_resolver;
static const char *last_bytes = ""; /* of the addresses: "12" for 127.0.0.1 and 127.0.0.2 */
static unsigned look_ups;

/* Every name has these addresses from now on, or fails so. */
static void resolver(int answer, const char *addresses) {
    pthread_mutex_lock(&lock);
    answer_of_resolver = answer;
    last_bytes = addresses;
    look_ups = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static unsigned look_ups_since(void) {
    pthread_mutex_lock(&lock);
    unsigned count = look_ups;
    pthread_mutex_unlock(&lock);
    return count;
}

static struct addrinfo *address_info(unsigned last_byte, struct addrinfo *next) {
    struct entry {
        struct addrinfo info;
        struct sockaddr_in address;
    } *entry = calloc(1, sizeof *entry);
    REQUIRE(entry != NULL);
    entry->address.sin_family = AF_INET;
    entry->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last_byte);
    entry->info = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_addrlen = sizeof entry->address,
                                    .ai_addr = (struct sockaddr *)&entry->address,
                                    .ai_next = next};
    return &entry->info;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result) {
    (void)name, (void)service, (void)hints;
    *result = NULL;
    pthread_mutex_lock(&lock);
    look_ups++;
    while (answer_of_resolver == BLOCKS)
        pthread_cond_wait(&changed, &lock);
    int answer = answer_of_resolver;
    for (size_t i = strlen(last_bytes); answer == RESOLVES && i-- > 0;)
        *result = address_info((unsigned)(last_bytes[i] - '0'), *result);
    pthread_mutex_unlock(&lock);
    return answer;
}

void freeaddrinfo(struct addrinfo *info) {
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

/* ---- servers under names ---- */

static bool pass_all(struct passage *passage, enum way way, char *bytes, size_t size) {
    return relay_send(passage, way, bytes, size);
}

/* Makes a server reachable at 127.0.0.2 too, at another's port. */
static void listen_beside(const struct server *server, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bind(listener, (const struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(listener, 64) == 0);
    relay_serve(listener, server, pass_all, NULL);
}

/* Two servers on one port: 127.0.0.1 and 127.0.0.2. "where" holds its number on each. */
static struct server servers[2];
static char address[64];

static cm_client *open_named(const char *options) {
    server_start(&servers[0], "");
    server_start(&servers[1], "");
    listen_beside(&servers[1], servers[0].port);
    snprintf(address, sizeof address, "cache.example:%d", servers[0].port);
    free(server_ask(&servers[0], "set where 0 0 1\r\n1\r\n"));
    free(server_ask(&servers[1], "set where 0 0 1\r\n2\r\n"));
    return client_open(address, options);
}

static void close_named(cm_client *client) {
    cm_client_free(client);
    server_kill(&servers[0]);
    server_kill(&servers[1]);
}

static cm_result get(cm_client *client, const char *key) {
    return run_op(client, op_on(CM_OP_GET, key, 0)).result;
}

/* ---- tests ---- */

static void cannot_be_resolved_then_can(void) {
    static const int failures[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL};
    resolver(RESOLVES, "1");
    cm_client *client = open_named("failure_threshold=3 retry_after_ms=300");
    for (size_t i = 0; i < 3; i++) {
        resolver(failures[i], "");
        cm_result *result = NULL;
        cm_error *error = NULL;
        CHECK_STATUS(CM_ERR_RESOLVE, cm_get(client, "where", 5, &result, &error));
        CHECK(result == NULL && cm_error_state(error) == CM_UNSENT);
        CHECK(strcmp(cm_error_server(error), address) == 0);
        CHECK(strlen(cm_error_message(error)) > 0);
        cm_error_free(error);
        CHECK(look_ups_since() == 1);
    }
    CHECK_STATUS(CM_ERR_SERVER_DOWN, get(client, "where").status);
    resolver(RESOLVES, "1");
    sleep_ms(400);
    CHECK(holds(client, "where", "1"));
    close_named(client);
}

static void a_fleet_that_cannot_be_resolved(void) {
    enum { NAMES = 8, KEYS = 100 };
    char list[512] = "", keys[KEYS][8];
    cm_op gets[KEYS];
    cm_results *results = NULL;
    server_start(&servers[0], "");
    for (int i = 0; i < NAMES; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%sn%d.example:%d",
                 i > 0 ? "," : "", i, servers[0].port);
    resolver(EAI_AGAIN, "");
    cm_client *client = client_open(list, "failure_threshold=2 retry_after_ms=100");
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        gets[i] = op_on(CM_OP_GET, keys[i], 0);
    }
    for (int round = 0; round < 4; round++) {
        CHECK(cm_execute(client, gets, sizeof *gets, KEYS, 0, &results, NULL) < 0);
        for (size_t i = 0; i < KEYS; i++) {
            cm_status status = cm_results_at(results, i)->status;
            CHECK(status == CM_ERR_RESOLVE || (round > 0 && status == CM_ERR_SERVER_DOWN));
        }
        cm_results_free(results);
    }
    resolver(RESOLVES, "1");
    sleep_ms(200);
    CHECK_STATUS(CM_OK, cm_execute(client, gets, sizeof *gets, KEYS, 0, &results, NULL));
    cm_results_free(results);
    cm_client_free(client);
    server_kill(&servers[0]);
}

static void *get_where(void *client) {
    return (void *)(intptr_t)(holds(client, "where", "1") ? 1 : 0);
}

/* Holds the first connection with a call, so that another needs a new one. */
static void with_a_connection_taken(cm_client *client, const char *expected) {
    pthread_t thread;
    void *held = NULL;
    server_suspend(&servers[0]);
    REQUIRE(pthread_create(&thread, NULL, get_where, client) == 0);
    sleep_ms(100);
    if (expected[0] == '1')
        server_resume(&servers[0]);
    CHECK(holds(client, "where", expected));
    if (expected[0] != '1')
        server_resume(&servers[0]);
    pthread_join(thread, &held);
    CHECK(held != NULL); /* it was under way: answered where it was asked */
}

static void an_address_that_goes(void) {
    resolver(RESOLVES, "1");
    cm_client *client = open_named("connections_per_server=2");
    CHECK(holds(client, "where", "1"));
    resolver(RESOLVES, "2");
    with_a_connection_taken(client, "2");
    uint64_t commands = server_commands(&servers[0]);
    for (int i = 0; i < 50; i++)
        CHECK(holds(client, "where", "2"));
    CHECK(server_commands(&servers[0]) == commands); /* nobody asks the old one any more */
    close_named(client);
}

/* Two addresses at a time would be two caches: it stays with the one it has, in whatever order. */
static void addresses_that_rotate(void) {
    resolver(RESOLVES, "12");
    cm_client *client = open_named("connections_per_server=4");
    CHECK(holds(client, "where", "1"));
    uint64_t connections = server_stat(&servers[1], "total_connections");
    for (int i = 0; i < 4; i++) {
        resolver(RESOLVES, i % 2 == 0 ? "21" : "12");
        with_a_connection_taken(client, "1");
    }
    CHECK(server_stat(&servers[1], "total_connections") == connections + 1); /* the look */
    server_kill(&servers[0]);
    sleep_ms(50);
    CHECK(holds(client, "where", "2")); /* until nobody answers there */
    server_restart(&servers[0]);
    close_named(client);
}

static void an_address_that_is_dead(void) {
    resolver(RESOLVES, "31"); /* nobody listens at 127.0.0.3 */
    cm_client *client = open_named("");
    CHECK(holds(client, "where", "1"));
    close_named(client);
}

static void an_address_that_is_a_black_hole(void) {
    static struct stub stub;
    stub_start(&stub, BLACK);
    const int port = (int)strtol(strchr(stub.address, ':') + 1, NULL, 10);
    server_start(&servers[1], "");
    listen_beside(&servers[1], port);
    snprintf(address, sizeof address, "cache.example:%d", port);
    resolver(RESOLVES, "12");
    cm_client *client = client_open(address, "connect_timeout_ms=400");
    double start = seconds_now();
    set(client, "k", "v");
    double took = seconds_now() - start;
    CHECK(took > 0.15 && took < 0.2 + SLACK); /* half of the time for each address */
    CHECK(holds(client, "k", "v"));
    CHECK(look_ups_since() == 1);
    cm_client_free(client);
    server_kill(&servers[1]);
}

static void a_resolver_that_blocks(void) {
    char list[256];
    struct answer late;
    resolver(RESOLVES, "1");
    cm_client *client = open_named("connect_timeout_ms=400 failure_threshold=1000");
    cm_op gets[64];
    char keys[64][8];
    cm_results *results = NULL;
    snprintf(list, sizeof list, "%s,%s", address, servers[1].address);
    CHECK_STATUS(CM_OK, cm_client_set_servers(client, list, NULL));
    for (size_t i = 0; i < 64; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        gets[i] = op_on(CM_OP_GET, keys[i], 0);
    }
    resolver(BLOCKS, "1");
    double start = seconds_now();
    CHECK_STATUS(CM_ERR_TIMEOUT, cm_execute(client, gets, sizeof *gets, 64, 100, &results, NULL));
    CHECK(seconds_now() - start < 0.1 + SLACK);
    for (size_t i = 0; i < 64; i++) /* the other's keys are answered */
        CHECK_STATUS(cm_results_at(results, i)->server == 0 ? CM_ERR_TIMEOUT : CM_NOT_FOUND,
                     cm_results_at(results, i)->status);
    cm_results_free(results);
    CHECK_STATUS(CM_OK, cm_client_set_servers(client, address, NULL));
    for (int i = 0; i < 3; i++) { /* the limit of a connect holds too */
        late = run_op(client, op_on(CM_OP_GET, "k", 0));
        CHECK_STATUS(CM_ERR_TIMEOUT, late.result.status);
        CHECK(late.result.state == CM_UNSENT);
    }
    CHECK(look_ups_since() == 1); /* they share it */
    resolver(RESOLVES, "1");
    CHECK(holds(client, "where", "1"));
    close_named(client);
}

static void *get_status(void *client) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, "k", 1, &result, NULL);
    cm_result_free(result);
    return (void *)(intptr_t)status;
}

static void closed_while_the_resolver_blocks(void) {
    pthread_t thread;
    void *status = NULL;
    resolver(BLOCKS, "1");
    cm_client *client = open_named("");
    REQUIRE(pthread_create(&thread, NULL, get_status, client) == 0);
    sleep_ms(100);
    cm_client_close(client);
    pthread_join(thread, &status);
    CHECK_STATUS(CM_ERR_CLOSED, (cm_status)(intptr_t)status);
    close_named(client);
    resolver(RESOLVES, "1"); /* comes back when nobody waits any more */
    sleep_ms(50);
}

static void forked_while_the_resolver_blocks(void) {
    pthread_t thread;
    void *status = NULL;
    int ended = 0;
    resolver(BLOCKS, "1");
    cm_client *client = open_named("");
    REQUIRE(pthread_create(&thread, NULL, get_status, client) == 0);
    sleep_ms(100);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        answer_of_resolver = RESOLVES;
        _exit(!holds(client, "where", "1"));
    }
    REQUIRE(waitpid(child, &ended, 0) == child);
    CHECK(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    resolver(RESOLVES, "1");
    pthread_join(thread, &status);
    CHECK_STATUS(CM_NOT_FOUND, (cm_status)(intptr_t)status);
    close_named(client);
}

int main(void) {
    RUN(cannot_be_resolved_then_can);
    RUN(a_fleet_that_cannot_be_resolved);
    RUN(an_address_that_goes);
    RUN(addresses_that_rotate);
    RUN(an_address_that_is_dead);
    RUN(an_address_that_is_a_black_hole);
    RUN(a_resolver_that_blocks);
    RUN(closed_while_the_resolver_blocks);
    RUN(forked_while_the_resolver_blocks);
    return finish();
}
