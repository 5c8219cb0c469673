/* A client made before fork works in parent and child, and they share no connection. */
#include "traffic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 3, ROUNDS = 60, CHILDREN = 40, THREADS = 6 };

static struct server servers[SERVERS];
static cm_client *client;

/* Writes and reads keys that parent and children have in common; a value starts with the name of
   its key. Returns how many answers were wrong. */
static int exercise(int seed) {
    int wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char key[24], value[64];
        int key_len = snprintf(key, sizeof key, "key:%d", (seed * 31 + i * 7) % 40);
        int value_len = snprintf(value, sizeof value, "%s of %ld", key, (long)getpid());
        cm_result *result = NULL;
        wrong +=
            cm_set(client, key, (size_t)key_len, value, (size_t)value_len, 0, 0, NULL) != CM_OK;
        cm_status status = cm_get(client, key, (size_t)key_len, &result, NULL);
        wrong += status != CM_OK || result->value_len < (size_t)key_len + 4 ||
                 memcmp(result->value, key, (size_t)key_len) != 0 ||
                 memcmp((const char *)result->value + key_len, " of ", 4) != 0;
        cm_result_free(result);
    }
    return wrong;
}

/* A child that hangs does not outlive its test by much. */
static pid_t fork_for_a_while(void) {
    pid_t child = fork();
    if (child == 0)
        alarm(120);
    return child;
}

/* True when the child ended by itself and found nothing wrong. */
static bool ended_well(pid_t child) {
    int status = 0;
    REQUIRE(child > 0);
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void parent_and_child(void) {
    CHECK(exercise(0) == 0);
    pid_t child = fork_for_a_while();
    if (child == 0)
        _exit(exercise(1) != 0);
    CHECK(exercise(2) == 0);
    CHECK(ended_well(child));
    CHECK(exercise(3) == 0);
}

static void child_of_a_child(void) {
    pid_t child = fork_for_a_while();
    if (child == 0) {
        int wrong = exercise(1);
        pid_t grandchild = fork_for_a_while();
        if (grandchild == 0)
            _exit(exercise(2) != 0);
        wrong += exercise(3);
        _exit(wrong != 0 || !ended_well(grandchild));
    }
    CHECK(exercise(4) == 0);
    CHECK(ended_well(child));
}

/* Counts connections as the server sees them. Every look is a connection itself. */
static void connections_are_not_shared(void) {
    cm_client *before = client;
    client = client_open(servers[0].address, "connections_per_server=1");
    CHECK(exercise(0) == 0);
    uint64_t at_start = server_stat(&servers[0], "total_connections");
    pid_t child = fork_for_a_while();
    if (child == 0)
        _exit(exercise(1) != 0);
    CHECK(ended_well(child));
    CHECK(server_stat(&servers[0], "total_connections") ==
          at_start + 2);     /* the child's, the look */
    CHECK(exercise(2) == 0); /* the parent's lives on, whatever the child did with its copy */
    CHECK(server_stat(&servers[0], "total_connections") == at_start + 3); /* the look */

    child = fork_for_a_while();
    if (child == 0) { /* freed without having been used */
        cm_client_free(client);
        _exit(0);
    }
    CHECK(ended_well(child));
    CHECK(exercise(3) == 0);
    CHECK(server_stat(&servers[0], "total_connections") == at_start + 4); /* the look */
    cm_client_free(client);
    client = before;
}

static bool go_on; /* read and written by the compiler's atomic built-ins: C99 has none */

static void *exercise_on_and_on(void *seed) {
    intptr_t wrong = 0;
    for (int i = 0; __atomic_load_n(&go_on, __ATOMIC_RELAXED); i++)
        wrong += exercise((int)(intptr_t)seed + i);
    return (void *)wrong;
}

/* The other threads are in the middle of calls, and of whatever locks those take. */
static void children_while_threads_work(void) {
    pthread_t threads[THREADS];
    __atomic_store_n(&go_on, true, __ATOMIC_RELAXED);
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, exercise_on_and_on, (void *)(i * 100)) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork_for_a_while();
        if (child == 0) {
            int wrong = exercise(i);
            if (i % 2 == 0)
                cm_client_free(client);
            _exit(wrong != 0);
        }
        CHECK(exercise(i) == 0);
        CHECK(ended_well(child));
    }
    __atomic_store_n(&go_on, false, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        CHECK(wrong == NULL);
    }
}

static void children_at_the_same_time(void) {
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork_for_a_while();
        if (children[i] == 0)
            _exit(exercise(i) != 0);
    }
    CHECK(exercise(0) == 0);
    for (size_t i = 0; i < CHILDREN; i++)
        CHECK(ended_well(children[i]));
}

static void *wait_for_a_get(void *waiting_client) {
    cm_result *result = NULL;
    cm_get(waiting_client, "k", 1, &result, NULL);
    cm_result_free(result);
    return NULL;
}

/* A thread waits for a server that hangs; the child may not wait with it. */
static void a_child_of_one_that_waits(void) {
    cm_client *before = client;
    pthread_t waiter;
    client = client_open(servers[0].address, "timeout_ms=60000 connections_per_server=1");
    CHECK(exercise(0) == 0);
    server_suspend(&servers[0]);
    REQUIRE(pthread_create(&waiter, NULL, wait_for_a_get, client) == 0);
    sleep_ms(100);
    pid_t child = fork_for_a_while();
    if (child == 0)
        _exit(exercise(1) != 0);
    server_resume(&servers[0]);
    CHECK(ended_well(child));
    pthread_join(waiter, NULL);
    CHECK(exercise(2) == 0);
    cm_client_free(client);
    client = before;
}

/* The child opens files under the numbers that the inherited connections had; they stay its own. */
static void nothing_is_closed_twice(void) {
    size_t descriptors = open_descriptors();
    pid_t child = fork_for_a_while();
    if (child == 0) {
        int pipes[16][2], wrong = exercise(1);
        wrong += open_descriptors() > descriptors; /* the inherited ones are gone */
        for (size_t i = 0; i < 16; i++)
            wrong += pipe(pipes[i]) != 0;
        wrong += exercise(2);
        cm_client_free(client);
        for (size_t i = 0; i < 16; i++) {
            char byte = 0;
            wrong += write(pipes[i][1], "x", 1) != 1 || read(pipes[i][0], &byte, 1) != 1;
        }
        _exit(wrong != 0 || open_descriptors() >= descriptors + 32);
    }
    CHECK(ended_well(child));
    CHECK(open_descriptors() == descriptors);
    CHECK(exercise(3) == 0);
}

static void *exercise_once(void *seed) { return (void *)(intptr_t)exercise((int)(intptr_t)seed); }

/* All of them find at once that the client is inherited. */
static void many_threads_of_a_child(void) {
    for (int i = 0; i < CHILDREN / 4; i++) {
        pid_t child = fork_for_a_while();
        if (child == 0) {
            pthread_t threads[THREADS];
            bool good = true;
            for (intptr_t thread = 0; thread < THREADS; thread++)
                good &= pthread_create(&threads[thread], NULL, exercise_once, (void *)thread) == 0;
            for (size_t thread = 0; thread < THREADS; thread++) {
                void *wrong = NULL;
                pthread_join(threads[thread], &wrong);
                good &= wrong == NULL;
            }
            _exit(!good);
        }
        CHECK(ended_well(child));
    }
}

/* Ends with the whole list. */
static void *change_on_and_on(void *unused) {
    char *lists[] = {server_list(servers, SERVERS), server_list(servers, SERVERS - 1)};
    (void)unused;
    for (size_t i = 1; __atomic_load_n(&go_on, __ATOMIC_RELAXED) || i % 2 == 0; i++)
        CHECK_STATUS(CM_OK, cm_client_set_servers(client, lists[i % 2], NULL));
    free(lists[0]);
    free(lists[1]);
    return NULL;
}

/* Nobody changes the list of a child. */
static void children_while_the_list_changes(void) {
    pthread_t thread;
    __atomic_store_n(&go_on, true, __ATOMIC_RELAXED);
    REQUIRE(pthread_create(&thread, NULL, change_on_and_on, NULL) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork_for_a_while();
        if (child == 0)
            _exit(exercise(i) != 0);
        CHECK(ended_well(child));
    }
    __atomic_store_n(&go_on, false, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    CHECK(cm_client_server_count(client) == SERVERS);
    CHECK(exercise(0) == 0);
}

/* What the parent thinks of a server is nothing to its child. */
static void a_child_of_one_that_probes(void) {
    cm_client *before = client;
    pthread_t prober;
    client = client_open(servers[0].address, "timeout_ms=500 connect_timeout_ms=20000 "
                                             "failure_threshold=1 retry_after_ms=1");
    server_suspend(&servers[0]);
    wait_for_a_get(client); /* down from now on */
    sleep_ms(10);
    REQUIRE(pthread_create(&prober, NULL, wait_for_a_get, client) == 0);
    sleep_ms(100);
    pid_t child = fork_for_a_while();
    if (child == 0)
        _exit(exercise(1) != 0);
    server_resume(&servers[0]);
    CHECK(ended_well(child));
    pthread_join(prober, NULL);
    CHECK(exercise(2) == 0);
    cm_client_free(client);
    client = before;
}

int main(void) {
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, SERVERS);
    client = client_open(list, "timeout_ms=30000");
    free(list);
    RUN(parent_and_child);
    RUN(child_of_a_child);
    RUN(connections_are_not_shared);
    RUN(children_at_the_same_time);
    RUN(children_while_threads_work);
    RUN(a_child_of_one_that_waits);
    RUN(a_child_of_one_that_probes);
    RUN(nothing_is_closed_twice);
    RUN(many_threads_of_a_child);
    RUN(children_while_the_list_changes);
    cm_client_free(client);
    return finish();
}
