/* Another list of servers, while the client works.

   changes [measure]: measure prints how long a change takes. */
#include "fleet.h"
#include "operate.h"
#include "traffic.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 8, THREADS = 8, CHANGES = 200 };

static struct fleet fleet;
static bool stop; /* read and written atomically */

static cm_status change(const char *list) {
    return cm_client_set_servers(fleet.client, list, NULL);
}

/* The list without one of the servers; to be freed. `count` for none. */
static char *list_without(size_t left_out) {
    struct server kept[FLEET_MAX];
    size_t count = 0;
    for (size_t i = 0; i < fleet.count; i++)
        if (i != left_out)
            kept[count++] = fleet.servers[i];
    return server_list(kept, count);
}

static cm_status change_to_all_but(size_t left_out) {
    char *list = list_without(left_out);
    cm_status status = change(list);
    free(list);
    return status;
}

static uint64_t connections_of(size_t server) {
    sleep_ms(50); /* those that were closed before are forgotten by then */
    return server_stat(&fleet.servers[server], "curr_connections");
}

static bool connections_come_to(size_t server, uint64_t wanted) {
    double end = seconds_now() + PATIENCE_SECONDS;
    while (connections_of(server) != wanted)
        if (seconds_now() > end)
            return false;
    return true;
}

/* ---- under load ---- */

static bool moves[FLEET_KEYS]; /* when the last server goes */

static bool nothing_explains(const cm_result *result) {
    (void)result;
    return false;
}

/* Reads what does not move, which is to be there, and does a little of everything. */
static void *work(void *argument) {
    struct caller *caller = argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        size_t i = random_below(&caller->random, FLEET_KEYS);
        if (!moves[i])
            CHECK_STATUS(CM_OK, fleet_get(&fleet, fleet.keys[i], NULL));
        traffic_call(caller);
    }
    return NULL;
}

static size_t find_what_moves(void) {
    size_t count = 0;
    char *list = list_without(SERVERS - 1);
    cm_client *smaller = client_open(list, "");
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        size_t owner = SERVERS;
        REQUIRE(cm_select_server(smaller, fleet.keys[i], fleet.lengths[i], &owner, NULL) == CM_OK);
        moves[i] = owner != fleet.owners[i];
        count += moves[i];
    }
    cm_client_free(smaller);
    free(list);
    return count;
}

static void under_load(void) {
    struct caller callers[THREADS], sum = {0};
    uint64_t connections[SERVERS];
    fleet_start(&fleet, SERVERS, NULL, "connections_per_server=1");
    size_t moving = find_what_moves();
    CHECK(moving > 0 && moving < FLEET_KEYS / 4);
    for (size_t i = 0; i < SERVERS; i++)
        connections[i] = server_stat(&fleet.servers[i], "total_connections");
    stop = false;
    for (size_t i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){
            .random = {i + 1}, .client = fleet.client, .explains = nothing_explains};
        REQUIRE(pthread_create(&callers[i].thread, NULL, work, &callers[i]) == 0);
    }
    for (int i = 0; i < CHANGES; i++) {
        CHECK_STATUS(CM_OK, change_to_all_but(i % 2 == 0 ? SERVERS - 1 : SERVERS));
        CHECK(cm_client_server_count(fleet.client) == (i % 2 == 0 ? SERVERS - 1 : SERVERS));
        sleep_ms(5);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        traffic_add(&sum, &callers[i]);
    }
    CHECK(sum.wrong == 0 && sum.lost == 0 && sum.hits > 0);
    for (size_t i = 0; i < SERVERS - 1; i++) /* the look */
        CHECK(server_stat(&fleet.servers[i], "total_connections") == connections[i] + 1);
    CHECK(server_stat(&fleet.servers[SERVERS - 1], "total_connections") >
          connections[SERVERS - 1] + 1);
    fleet_stop(&fleet);
}

/* ---- who stays, and who goes ---- */

static void who_goes_is_closed(void) {
    fleet_start(&fleet, 3, NULL, "connections_per_server=1");
    size_t descriptors = open_descriptors();
    uint64_t connections = connections_of(2);
    CHECK_STATUS(CM_OK, change_to_all_but(2));
    CHECK(open_descriptors() == descriptors - 1);
    CHECK(connections_come_to(2, connections - 1));
    fleet_stop(&fleet);
}

static void *get_of_the_last(void *unused) {
    (void)unused;
    return (void *)(intptr_t)fleet_get(&fleet, fleet_key(&fleet, 2, 0), NULL);
}

/* A call finishes on the list it began with. */
static void who_goes_answers_first(void) {
    pthread_t thread;
    void *status = NULL;
    fleet_start(&fleet, 3, NULL, "");
    size_t descriptors = open_descriptors();
    server_suspend(&fleet.servers[2]);
    REQUIRE(pthread_create(&thread, NULL, get_of_the_last, NULL) == 0);
    sleep_ms(100);
    CHECK_STATUS(CM_OK, change_to_all_but(2));
    CHECK_STATUS(CM_OK, fleet_get(&fleet, fleet_key(&fleet, 0, 0), NULL)); /* nobody waits */
    CHECK_STATUS(CM_NOT_FOUND, fleet_get(&fleet, fleet_key(&fleet, 2, 1), NULL));
    server_resume(&fleet.servers[2]);
    pthread_join(thread, &status);
    CHECK_STATUS(CM_OK, (cm_status)(intptr_t)status);
    CHECK(open_descriptors() == descriptors - 1);
    fleet_stop(&fleet);
}

static void who_goes_answers_a_queue(void) {
    cm_queue *queue = NULL;
    cm_completion done = {0};
    size_t count = 0;
    fleet_start(&fleet, 3, NULL, "");
    const char *key = fleet_key(&fleet, 2, 0);
    const cm_op op = op_on(CM_OP_GET, key, 0);
    server_suspend(&fleet.servers[2]);
    REQUIRE(cm_queue_new(fleet.client, &queue, NULL) == CM_OK);
    CHECK_STATUS(CM_OK, cm_queue_submit(queue, &op, sizeof op, 1, 0, 7, NULL));
    CHECK_STATUS(CM_OK, change_to_all_but(2));
    server_resume(&fleet.servers[2]);
    for (struct pollfd ready = {.fd = cm_queue_fd(queue), .events = POLLIN}; count == 0;) {
        REQUIRE(poll(&ready, 1, PATIENCE_SECONDS * 1000) == 1);
        REQUIRE(cm_queue_drive(queue, &done, sizeof done, 1, &count, NULL) == CM_OK);
    }
    CHECK(done.tag == 7 && cm_results_at(done.results, 0)->status == CM_OK);
    cm_results_free(done.results);
    cm_queue_free(queue);
    fleet_stop(&fleet);
}

/* Known by its name, it keeps its keys, and by name and address its health. */
static void health_stays_with_name_and_address(void) {
    struct server other;
    char list[512];
    const char *const a = fleet.servers[0].address, *const b = fleet.servers[1].address;
    server_start(&other, "");
    fleet_start(&fleet, 2, NULL, "failure_threshold=1 retry_after_ms=3600000");
    snprintf(list, sizeof list, "%s name=a, %s name=b", a, b);
    CHECK_STATUS(CM_OK, change(list));
    char key[16] = "";
    for (size_t i = 0, owner = 0; owner != 1; i++) {
        snprintf(key, sizeof key, "k%zu", i);
        REQUIRE(cm_select_server(fleet.client, key, strlen(key), &owner, NULL) == CM_OK);
    }
    server_kill(&fleet.servers[1]);
    CHECK_STATUS(CM_ERR_CONNECTION, fleet_set(&fleet, key, NULL));
    CHECK_STATUS(CM_ERR_SERVER_DOWN, fleet_set(&fleet, key, NULL));
    snprintf(list, sizeof list, "%s name=b, %s name=a", b, a);
    CHECK_STATUS(CM_OK, change(list));
    cm_result found = {0};
    CHECK_STATUS(CM_ERR_SERVER_DOWN, fleet_set(&fleet, key, &found));
    CHECK(found.server == 0); /* its place in the list now */
    snprintf(list, sizeof list, "%s name=a, %s name=b", a, other.address);
    CHECK_STATUS(CM_OK, change(list)); /* a spare takes its name */
    CHECK_STATUS(CM_OK, fleet_set(&fleet, key, &found));
    CHECK(found.server == 1);
    server_kill(&other);
    fleet_stop(&fleet);
}

/* ---- what cannot be ---- */

static void a_bad_list_changes_nothing(void) {
    static const char *const bad[] = {NULL, "", "a:1,a:1", "a weight=0", "a colour=red", "a:0"};
    fleet_start(&fleet, 2, NULL, "connections_per_server=1");
    uint64_t before = server_stat(&fleet.servers[0], "total_connections");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cm_error *error = NULL;
        CHECK_STATUS(CM_ERR_ARGUMENT, cm_client_set_servers(fleet.client, bad[i], &error));
        CHECK(strlen(cm_error_message(error)) > 0);
        cm_error_free(error);
        CHECK(cm_client_server_count(fleet.client) == 2);
        CHECK_STATUS(CM_OK, fleet_get(&fleet, fleet_key(&fleet, 0, i), NULL));
    }
    CHECK(server_stat(&fleet.servers[0], "total_connections") == before + 1);
    fleet_stop(&fleet);
}

static void in_a_child(void) {
    fleet_start(&fleet, 3, NULL, "connections_per_server=1");
    const char *key = fleet_key(&fleet, 0, 0);
    uint64_t before = server_stat(&fleet.servers[0], "total_connections");
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        bool good = change_to_all_but(2) == CM_OK && cm_client_server_count(fleet.client) == 2 &&
                    fleet_get(&fleet, key, NULL) == CM_OK;
        cm_client_free(fleet.client);
        _exit(!good);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(cm_client_server_count(fleet.client) == 3);
    CHECK_STATUS(CM_OK, fleet_get(&fleet, key, NULL));
    CHECK(server_stat(&fleet.servers[0], "total_connections") == before + 2); /* child, look */
    fleet_stop(&fleet);
}

static void *change_until_closed(void *unused) {
    cm_status status = CM_OK;
    (void)unused;
    for (size_t i = 0; status == CM_OK; i++)
        status = change_to_all_but(1 + i % 3);
    return (void *)(intptr_t)status;
}

static void while_it_is_closed(void) {
    for (int round = 0; round < 20; round++) {
        pthread_t threads[4];
        fleet_start(&fleet, 3, NULL, "");
        for (size_t i = 0; i < 4; i++)
            REQUIRE(pthread_create(&threads[i], NULL, change_until_closed, NULL) == 0);
        sleep_ms(round);
        cm_client_close(fleet.client);
        for (size_t i = 0; i < 4; i++) {
            void *status = NULL;
            pthread_join(threads[i], &status);
            CHECK_STATUS(CM_ERR_CLOSED, (cm_status)(intptr_t)status);
        }
        CHECK(!holds(fleet.client, "k", ""));
        CHECK_STATUS(CM_ERR_CLOSED, change(fleet.servers[0].address));
        fleet_stop(&fleet);
    }
}

/* ---- figures ---- */

static void measure(void) {
    static const char *const distributions[] = {"rehash", "ketama", "rendezvous", "jump"};
    static char lists[2][32 * 1024];
    for (size_t count = 10; count <= 1000; count *= 10)
        for (size_t i = 0; i < sizeof distributions / sizeof *distributions; i++) {
            char options[64];
            for (size_t list = 0; list < 2; list++) {
                size_t used = 0;
                for (size_t server = 0; server < count + list; server++)
                    used += (size_t)snprintf(lists[list] + used, sizeof lists[list] - used,
                                             "%s10.0.%zu.%zu", server > 0 ? "," : "", server / 250,
                                             server % 250);
            }
            snprintf(options, sizeof options, "distribution=%s", distributions[i]);
            cm_client *client = client_open(lists[0], options);
            double start = seconds_now();
            for (size_t change = 1; change <= 10; change++)
                REQUIRE(cm_client_set_servers(client, lists[change % 2], NULL) == CM_OK);
            printf("%4zu servers, %-10s: a change takes %.2f ms\n", count, distributions[i],
                   (seconds_now() - start) / 10 * 1e3);
            cm_client_free(client);
        }
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "measure") == 0) {
        measure();
        return EXIT_SUCCESS;
    }
    RUN(under_load);
    RUN(who_goes_is_closed);
    RUN(who_goes_answers_first);
    RUN(who_goes_answers_a_queue);
    RUN(health_stays_with_name_and_address);
    RUN(a_bad_list_changes_nothing);
    RUN(in_a_child);
    RUN(while_it_is_closed);
    return finish();
}
