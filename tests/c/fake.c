#include "fake.h"
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *lie;
static size_t before_it;
static enum { UNTOLD, BEGUN, MAY_GO_ON, TOLD } stage = TOLD;

void fake_tell(size_t skip, const char *reply) {
    pthread_mutex_lock(&lock);
    lie = reply;
    before_it = skip;
    stage = UNTOLD;
    pthread_mutex_unlock(&lock);
}

/* The lie, if it is for this request. */
static const char *take_lie(void) {
    const char *taken = NULL;
    pthread_mutex_lock(&lock);
    if (stage == UNTOLD && before_it-- == 0) {
        taken = lie;
        stage = BEGUN;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

static void reach(int next_stage) {
    pthread_mutex_lock(&lock);
    stage = next_stage;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* False when it takes too long. */
static bool wait_until(int wanted) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&lock);
    while (stage < (unsigned)wanted && pthread_cond_timedwait(&changed, &lock, &end) == 0)
        ;
    bool reached = stage >= (unsigned)wanted;
    pthread_mutex_unlock(&lock);
    return reached;
}

bool fake_has_told(void) { return wait_until(BEGUN); }

void fake_go_on(void) {
    REQUIRE(wait_until(BEGUN));
    reach(MAY_GO_ON);
    REQUIRE(wait_until(TOLD));
}

/* False when the client has gone. */
static bool send_bytes(int connection, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(connection, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* One request: a command line, and the value that a `set` brings. */
struct request {
    char command[16];
    char keys[4][64];
    int key_count;
};

static bool read_request(FILE *stream, struct request *request) {
    char line[2048];
    unsigned long flags, value_len;
    long ttl;
    if (fgets(line, sizeof line, stream) == NULL)
        return false;
    memset(request, 0, sizeof *request);
    request->key_count =
        sscanf(line, "%15s %63s %63s %63s %63s", request->command, request->keys[0],
               request->keys[1], request->keys[2], request->keys[3]) -
        1;
    if (strcmp(request->command, "set") != 0)
        return true;
    if (sscanf(line, "set %63s %lu %ld %lu", request->keys[0], &flags, &ttl, &value_len) != 4)
        return false;
    for (unsigned long i = 0; i < value_len + 2; i++)
        if (fgetc(stream) == EOF)
            return false;
    return true;
}

static void honest_reply(const struct request *request, char *reply, size_t size) {
    static const char *const replies[][2] = {{"set", "STORED\r\n"},
                                             {"incr", "42\r\n"},
                                             {"delete", "DELETED\r\n"},
                                             {"touch", "TOUCHED\r\n"}};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (strcmp(request->command, replies[i][0]) == 0) {
            snprintf(reply, size, "%s", replies[i][1]);
            return;
        }
    reply[0] = '\0';
    for (int i = 0; i < request->key_count; i++) {
        size_t used = strlen(reply);
        snprintf(reply + used, size - used, "VALUE %s 0 %zu\r\ntrue %s\r\n", request->keys[i],
                 strlen(request->keys[i]) + strlen("true "), request->keys[i]);
    }
    strcat(reply, "END\r\n");
}

/* What is to be sent next: at once, so that it also comes at once. */
struct outgoing {
    int connection;
    bool slowly;
    size_t size;
    char bytes[4096];
};

static void append(struct outgoing *out, const char *bytes, size_t size) {
    REQUIRE(size <= sizeof out->bytes - out->size);
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static bool flush(struct outgoing *out) {
    size_t size = out->size;
    out->size = 0;
    if (!out->slowly)
        return send_bytes(out->connection, out->bytes, size);
    for (size_t i = 0; i < size; i++) {
        if (!send_bytes(out->connection, out->bytes + i, 1))
            return false;
        sleep_ms(1);
    }
    return true;
}

/* False when the connection is to be closed. */
static bool tell(int connection, const char *reply, const char *honest) {
    struct outgoing out = {.connection = connection};
    for (;;) {
        size_t plain = strcspn(reply, "%");
        append(&out, reply, plain);
        reply += plain;
        if (*reply == '\0')
            return flush(&out);
        switch (reply[1]) {
        case 'h':
            append(&out, honest, strlen(honest));
            break;
        case 'w':
            if (!flush(&out))
                return false;
            (void)wait_until(MAY_GO_ON);
            break;
        case 'd':
            out.slowly = true;
            break;
        case 'e':
            while (send_bytes(connection, out.bytes, out.size))
                ;
            return false;
        default:
            (void)flush(&out);
            return false;
        }
        reply += 2;
    }
}

static void *serve(void *argument) {
    int connection = (int)(intptr_t)argument;
    FILE *stream = fdopen(connection, "r");
    struct request request;
    REQUIRE(stream != NULL);
    for (bool goes_on = true; goes_on && read_request(stream, &request);) {
        char honest[1024];
        const char *told = take_lie();
        honest_reply(&request, honest, sizeof honest);
        goes_on = tell(connection, told != NULL ? told : honest, honest);
        if (told != NULL)
            reach(TOLD);
    }
    fclose(stream);
    return NULL;
}

static void *accept_on_and_on(void *argument) {
    for (;;) {
        pthread_t thread;
        int connection = accept((int)(intptr_t)argument, NULL, NULL);
        if (connection < 0)
            return NULL;
        REQUIRE(pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0);
        pthread_detach(thread);
    }
}

void fake_start(char *address, size_t size) {
    int port;
    pthread_t thread;
    int listener = listen_on_loopback(64, &port);
    snprintf(address, size, "127.0.0.1:%d", port);
    REQUIRE(pthread_create(&thread, NULL, accept_on_and_on, (void *)(intptr_t)listener) == 0);
    pthread_detach(thread);
}
