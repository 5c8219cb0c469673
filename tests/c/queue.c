/* The completion queue, driven by epoll: many calls in flight from one thread. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 4, KEYS = 500, IN_FLIGHT = 5000, ROUNDS = 20000, ROOM = 64 };

static struct server servers[SERVERS];
static cm_client *client;

/* An event loop that knows one descriptor. */
static int loop_of(cm_queue *queue) {
    struct epoll_event event = {.events = EPOLLIN};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    REQUIRE(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, cm_queue_fd(queue), &event) == 0);
    return loop;
}

static bool readable(int loop, int timeout_ms) {
    struct epoll_event event;
    return epoll_wait(loop, &event, 1, timeout_ms) == 1;
}

static cm_queue *queue_on(cm_client *on) {
    cm_queue *queue = NULL;
    REQUIRE(cm_queue_new(on, &queue, NULL) == CM_OK && queue != NULL);
    return queue;
}

static cm_op get_op(const char *key) {
    return (cm_op){.kind = CM_OP_GET, .key = key, .key_len = strlen(key)};
}

static cm_status submit(cm_queue *queue, const cm_op *op, uint32_t timeout_ms, uint64_t tag) {
    return cm_queue_submit(queue, op, sizeof *op, 1, timeout_ms, tag, NULL);
}

/* Drives until so many calls have ended, and hands each to `judge`. */
static void drive(cm_queue *queue, size_t count, void (*judge)(uint64_t, const cm_results *)) {
    int loop = loop_of(queue);
    while (count > 0 && CHECK(readable(loop, 60000))) {
        cm_completion done[ROOM];
        size_t found = ROOM + 1;
        REQUIRE(cm_queue_drive(queue, done, sizeof *done, ROOM, &found, NULL) == CM_OK);
        REQUIRE(found <= ROOM && found <= count);
        for (size_t i = 0; i < found; i++) {
            judge(done[i].tag, done[i].results);
            cm_results_free(done[i].results);
        }
        count -= found;
    }
    close(loop);
}

static cm_status seen; /* of the only result of the call driven last */
static uint32_t seen_state;

static void see(uint64_t tag, const cm_results *results) {
    (void)tag;
    seen = cm_results_at(results, 0)->status;
    seen_state = cm_results_at(results, 0)->state;
}

static size_t name_key(char *key, size_t size, unsigned number) {
    return (size_t)snprintf(key, size, "key:%u", number % KEYS);
}

static void fill(void) {
    for (unsigned number = 0; number < KEYS; number++) {
        char key[32];
        size_t key_len = name_key(key, sizeof key, number);
        REQUIRE(cm_set(client, key, key_len, key, key_len, number, 0, NULL) == CM_OK);
    }
}

static size_t right, wrong;

/* The tag is the number of the key. */
static void judge_get(uint64_t tag, const cm_results *results) {
    char key[32];
    size_t key_len = name_key(key, sizeof key, (unsigned)tag);
    const cm_result *result = cm_results_at(results, 0);
    bool good = result->status == CM_OK && result->flags == tag % KEYS &&
                result->value_len == key_len && memcmp(result->value, key, key_len) == 0;
    good ? right++ : wrong++;
}

static void thousands_in_flight(void) {
    cm_queue *queue = queue_on(client);
    right = wrong = 0;
    for (unsigned sent = 0; sent < ROUNDS; sent += IN_FLIGHT) {
        for (unsigned number = sent; number < sent + IN_FLIGHT; number++) {
            char key[32];
            name_key(key, sizeof key, number); /* gone when submit returns: it was copied */
            cm_op op = get_op(key);
            REQUIRE(submit(queue, &op, 60000, number) == CM_OK);
        }
        drive(queue, IN_FLIGHT, judge_get);
    }
    CHECK(right == ROUNDS && wrong == 0);
    cm_queue_free(queue);
}

static void *get_in_a_thread(void *failures) {
    for (unsigned number = 0; number < 3000; number++) {
        char key[32];
        size_t key_len = name_key(key, sizeof key, number);
        cm_result *result = NULL;
        if (cm_get(client, key, key_len, &result, NULL) != CM_OK || result->value_len != key_len ||
            memcmp(result->value, key, key_len) != 0)
            ++*(size_t *)failures;
        cm_result_free(result);
    }
    return NULL;
}

/* Threads and a loop share connections: each may carry the other's requests. */
static void beside_threads(void) {
    pthread_t threads[8];
    size_t failures[8] = {0};
    for (size_t i = 0; i < 8; i++)
        REQUIRE(pthread_create(&threads[i], NULL, get_in_a_thread, &failures[i]) == 0);
    thousands_in_flight();
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        CHECK(failures[i] == 0);
    }
}

static void judge_batch(uint64_t tag, const cm_results *results) {
    (void)tag;
    CHECK(cm_results_count(results) == 3);
    CHECK_STATUS(CM_OK, cm_results_at(results, 0)->status);
    CHECK_STATUS(CM_ERR_KEY, cm_results_at(results, 1)->status);
    CHECK(cm_results_at(results, 2)->value_len == 4);
}

static void a_batch_with_a_bad_key(void) {
    cm_queue *queue = queue_on(client);
    cm_op ops[3] = {
        {.kind = CM_OP_SET, .key = "q:a", .key_len = 3, .value = "four", .value_len = 4},
        get_op("two words"),
        get_op("q:a")};
    CHECK_STATUS(CM_OK, cm_queue_submit(queue, ops, sizeof *ops, 3, 0, 1, NULL));
    drive(queue, 1, judge_batch);
    CHECK_STATUS(CM_OK, cm_queue_submit(queue, NULL, sizeof *ops, 0, 0, 1, NULL));
    int loop = loop_of(queue);
    CHECK(readable(loop, 60000)); /* nothing to do has been done */
    close(loop);
    cm_queue_free(queue);
}

static void ignore(uint64_t tag, const cm_results *results) {
    (void)tag;
    (void)results;
}

static void completions_left_keep_it_readable(void) {
    cm_queue *queue = queue_on(client);
    cm_op op = get_op("two words");
    for (uint64_t tag = 0; tag < 3; tag++)
        CHECK_STATUS(CM_OK, submit(queue, &op, 0, tag));
    cm_completion done[2];
    size_t found = 0;
    int loop = loop_of(queue);
    CHECK_STATUS(CM_OK, cm_queue_drive(queue, NULL, sizeof *done, 0, &found, NULL));
    CHECK(found == 0 && readable(loop, 0));
    CHECK_STATUS(CM_OK, cm_queue_drive(queue, done, sizeof *done, 2, &found, NULL));
    CHECK(found == 2 && done[0].tag == 0 && done[1].tag == 1 && readable(loop, 0));
    cm_results_free(done[0].results);
    cm_results_free(done[1].results);
    close(loop);
    drive(queue, 1, ignore);
    loop = loop_of(queue);
    CHECK(!readable(loop, 0));
    close(loop);
    cm_queue_free(queue);
}

static size_t timeouts, closed, downs, others;

static void count(uint64_t tag, const cm_results *results) {
    (void)tag;
    cm_status status = cm_results_at(results, 0)->status;
    timeouts += status == CM_ERR_TIMEOUT;
    closed += status == CM_ERR_CLOSED;
    downs += status == CM_ERR_CONNECTION || status == CM_ERR_SERVER_DOWN;
    others += status == CM_OK;
}

/* A frozen and a dead server: their keys fail, in time; those of the others are answered. */
static void a_dead_and_a_frozen_server(void) {
    struct server fleet[SERVERS];
    size_t owned[SERVERS] = {0};
    char *list = NULL;
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&fleet[i], "");
    list = server_list(fleet, SERVERS);
    cm_client *on = client_open(list, "timeout_ms=500 failure_threshold=1000000");
    cm_queue *queue = queue_on(on);
    server_suspend(&fleet[0]);
    server_kill(&fleet[1]);
    double start = seconds_now();
    for (unsigned number = 0; number < 2000; number++) {
        char key[32];
        size_t owner;
        size_t key_len = (size_t)snprintf(key, sizeof key, "number:%u", number);
        cm_op op = {
            .kind = CM_OP_SET, .key = key, .key_len = key_len, .value = "v", .value_len = 1};
        REQUIRE(cm_select_server(on, key, key_len, &owner, NULL) == CM_OK);
        owned[owner]++;
        REQUIRE(submit(queue, &op, 0, number) == CM_OK);
    }
    timeouts = downs = others = 0;
    drive(queue, 2000, count);
    CHECK(seconds_now() - start < 30);
    CHECK(timeouts == owned[0] && downs == owned[1] && others == owned[2] + owned[3]);
    server_resume(&fleet[0]);
    server_restart(&fleet[1]);
    for (unsigned number = 0; number < 100; number++) {
        char key[32];
        snprintf(key, sizeof key, "number:%u", number);
        cm_op op = {.kind = CM_OP_SET, .key = key, .key_len = strlen(key)};
        REQUIRE(submit(queue, &op, 20000, number) == CM_OK);
    }
    timeouts = downs = others = 0;
    drive(queue, 100, count);
    CHECK(others == 100);
    cm_queue_free(queue);
    cm_client_free(on);
    for (size_t i = 0; i < SERVERS; i++)
        server_kill(&fleet[i]);
    free(list);
}

/* What is cancelled ends at once; what shares its connection goes on. */
static void cancelling(void) {
    struct server server;
    server_start(&server, "");
    cm_client *on = client_open(server.address, "connections_per_server=1 timeout_ms=60000");
    cm_queue *queue = queue_on(on);
    cm_op op = {.kind = CM_OP_SET, .key = "k", .key_len = 1, .value = "v", .value_len = 1};
    REQUIRE(submit(queue, &op, 0, 0) == CM_OK);
    drive(queue, 1, see);
    server_suspend(&server);
    for (uint64_t tag = 1; tag <= 10; tag++)
        REQUIRE(submit(queue, &op, 0, tag) == CM_OK);
    CHECK_STATUS(CM_NOT_FOUND, cm_queue_cancel(queue, 99, NULL));
    CHECK_STATUS(CM_OK, cm_queue_cancel(queue, 4, NULL)); /* waits for the connection */
    drive(queue, 1, see);
    CHECK(seen == CM_ERR_CANCELLED && (seen_state & CM_UNSENT));
    CHECK_STATUS(CM_OK, cm_queue_cancel(queue, 1, NULL)); /* is on its way */
    drive(queue, 1, see);
    CHECK(seen == CM_ERR_CANCELLED && !(seen_state & CM_UNSENT));
    server_resume(&server);
    others = timeouts = downs = 0;
    drive(queue, 8, count);
    CHECK(others == 8);
    cm_queue_free(queue);
    cm_client_free(on);
    server_kill(&server);
}

static void closing_the_client_ends_its_calls(void) {
    struct server server;
    server_start(&server, "");
    cm_client *on = client_open(server.address, "timeout_ms=60000");
    cm_queue *queue = queue_on(on);
    cm_op op = get_op("k");
    server_suspend(&server);
    for (uint64_t tag = 0; tag < 20; tag++)
        REQUIRE(submit(queue, &op, 0, tag) == CM_OK);
    cm_client_free(on); /* the queue outlives it */
    closed = others = 0;
    drive(queue, 20, count);
    CHECK(closed == 20 && others == 0);
    cm_error *error = NULL;
    CHECK_STATUS(CM_ERR_CLOSED, cm_queue_submit(queue, &op, sizeof op, 1, 0, 7, &error));
    cm_error_free(error);
    cm_queue_free(queue);
    server_kill(&server);
}

static void freed_with_calls_under_way(void) {
    cm_queue *queue = queue_on(client);
    cm_op op = get_op("key:1");
    for (uint64_t tag = 0; tag < 100; tag++)
        REQUIRE(submit(queue, &op, 0, tag) == CM_OK);
    cm_queue_free(queue);
    cm_result *result = NULL;
    CHECK_STATUS(CM_OK, cm_get(client, "key:1", 5, &result, NULL));
    CHECK(result->value_len == 5 && memcmp(result->value, "key:1", 5) == 0);
    cm_result_free(result);
}

static void not_in_a_child(void) {
    cm_queue *queue = queue_on(client);
    cm_op op = get_op("key:1");
    REQUIRE(submit(queue, &op, 0, 1) == CM_OK);
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        cm_completion done;
        size_t found = 7;
        bool good = cm_queue_fd(queue) == -1 && submit(queue, &op, 0, 2) == CM_ERR_CLOSED &&
                    cm_queue_drive(queue, &done, sizeof done, 1, &found, NULL) == CM_ERR_CLOSED &&
                    found == 0 && cm_queue_cancel(queue, 1, NULL) == CM_ERR_CLOSED;
        cm_queue_free(queue);
        _exit(good ? 0 : 1);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    drive(queue, 1, see);
    CHECK(seen == CM_OK);
    cm_queue_free(queue);
}

int main(void) {
    for (size_t i = 0; i < SERVERS; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, SERVERS);
    client = client_open(list, "timeout_ms=60000");
    free(list);
    fill();
    RUN(thousands_in_flight);
    RUN(beside_threads);
    RUN(a_batch_with_a_bad_key);
    RUN(completions_left_keep_it_readable);
    RUN(a_dead_and_a_frozen_server);
    RUN(cancelling);
    RUN(closing_the_client_ends_its_calls);
    RUN(freed_with_calls_under_way);
    RUN(not_in_a_child);
    cm_client_free(client);
    return finish();
}
