#include "fake.h"
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum lie next_lie = HONEST;
static const char *next_words;

void fake_tell(enum lie lie) {
    pthread_mutex_lock(&lock);
    next_lie = lie;
    pthread_mutex_unlock(&lock);
}

void fake_say(const char *text) {
    pthread_mutex_lock(&lock);
    next_words = text;
    pthread_mutex_unlock(&lock);
}

static const char *take_words(void) {
    pthread_mutex_lock(&lock);
    const char *words = next_words;
    next_words = NULL;
    pthread_mutex_unlock(&lock);
    return words;
}

static enum lie take_lie(void) {
    pthread_mutex_lock(&lock);
    enum lie lie = next_lie;
    next_lie = HONEST;
    pthread_mutex_unlock(&lock);
    return lie;
}

bool fake_has_told(void) {
    pthread_mutex_lock(&lock);
    bool told = next_lie == HONEST && next_words == NULL;
    pthread_mutex_unlock(&lock);
    return told;
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

static bool send_text(int connection, const char *text) {
    return send_bytes(connection, text, strlen(text));
}

/* One request: a command line, and the value that a `set` or `ms` brings. */
struct request {
    char command[16];
    char opaque[32]; /* of a meta command */
    bool is_quiet;
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
    const char *opaque = strstr(line, " O");
    if (opaque != NULL)
        sscanf(opaque, " O%31s", request->opaque);
    request->is_quiet = strstr(line, " q ") != NULL;
    if (strcmp(request->command, "set") != 0 && strcmp(request->command, "ms") != 0)
        return true;
    if (sscanf(line, "set %63s %lu %ld %lu", request->keys[0], &flags, &ttl, &value_len) != 4 &&
        sscanf(line, "ms %63s %lu", request->keys[0], &value_len) != 2)
        return false;
    for (unsigned long i = 0; i < value_len + 2; i++)
        if (fgetc(stream) == EOF)
            return false;
    return true;
}

/* The value it holds for every key is "true KEY". */
static void honest_reply(const struct request *request, char *reply, size_t size) {
    reply[0] = '\0';
    if (strcmp(request->command, "set") == 0) {
        snprintf(reply, size, "STORED\r\n");
        return;
    }
    if (strcmp(request->command, "incr") == 0) {
        snprintf(reply, size, "42\r\n");
        return;
    }
    if (strcmp(request->command, "version") == 0) {
        snprintf(reply, size, "VERSION 1.6.18\r\n");
        return;
    }
    if (strcmp(request->command, "mg") == 0) {
        snprintf(reply, size, "VA %zu f0 O%s\r\ntrue %s\r\n",
                 strlen(request->keys[0]) + strlen("true "), request->opaque, request->keys[0]);
        return;
    }
    if (strcmp(request->command, "mn") == 0) {
        snprintf(reply, size, "MN\r\n");
        return;
    }
    if (request->opaque[0] != '\0') {
        if (!request->is_quiet)
            snprintf(reply, size, "HD O%s\r\n", request->opaque);
        return;
    }
    for (int i = 0; i < request->key_count; i++) {
        size_t used = strlen(reply);
        snprintf(reply + used, size - used, "VALUE %s 0 %zu\r\ntrue %s\r\n", request->keys[i],
                 strlen(request->keys[i]) + strlen("true "), request->keys[i]);
    }
    strcat(reply, "END\r\n");
}

/* Sends `text` with every %s replaced by the key. */
static bool send_about(int connection, const char *format, const struct request *request) {
    char text[512];
    snprintf(text, sizeof text, format, request->keys[0]);
    return send_text(connection, text);
}

static void send_on_and_on(int connection, const char *text) {
    double end = seconds_now() + 5;
    while (send_text(connection, text) && seconds_now() < end)
        ;
}

/* False when the connection is to be closed. */
static bool answer(int connection, enum lie lie, const struct request *request) {
    static const char other_item[] = "VALUE other 0 10\r\nliar other\r\nEND\r\n";
    char reply[1024];
    honest_reply(request, reply, sizeof reply);
    switch (lie) {
    case HONEST:
        return send_text(connection, reply);
    case LATE:
        sleep_ms(LATE_MS);
        return send_text(connection, reply);
    case CUT:
        send_bytes(connection, reply, strlen(reply) / 2);
        return false;
    case NOTHING:
        return false;
    case DRIP:
        for (const char *byte = reply; *byte != '\0'; byte++) {
            if (!send_bytes(connection, byte, 1))
                return false;
            sleep_ms(1);
        }
        return true;
    case OTHER_KEY:
        return send_text(connection, other_item);
    case TOO_SHORT:
        return send_about(connection, "VALUE %s 0 50\r\nliar\r\nEND\r\n", request);
    case TOO_LONG:
        return send_about(connection, "VALUE %s 0 2\r\nliar liar\r\nEND\r\n", request);
    case NO_END:
        return send_bytes(connection, reply, strlen(reply) - strlen("END\r\n"));
    case TWICE:
        strcat(reply, other_item);
        return send_text(connection, reply);
    case TWICE_LATER:
        send_text(connection, reply);
        sleep_ms(50);
        return send_text(connection, other_item);
    case FOUR_GIGABYTES:
        return send_about(connection, "VALUE %s 0 4294967295\r\nliar", request);
    case HUGE_LENGTH:
        return send_about(connection, "VALUE %s 0 18446744073709551620\r\nliar", request);
    case NEGATIVE_LENGTH:
        return send_about(connection, "VALUE %s 0 -1\r\nliar\r\nEND\r\n", request);
    case ENDLESS_LINE:
        send_on_and_on(connection, "VALUE lines_without_an_end_are_no_reply");
        return false;
    case ENDLESS_ITEMS:
        send_on_and_on(connection, "VALUE other 0 10\r\nliar other\r\n");
        return false;
    case GARBAGE:
        return send_text(connection, "\x80\x01\xff\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n");
    case SERVER_ERROR:
        return send_text(connection, "SERVER_ERROR out of luck\r\n");
    case CLIENT_ERROR:
        return send_text(connection, "CLIENT_ERROR out of order\r\n");
    case BARE_ERROR:
        return send_text(connection, "ERROR\r\n");
    case WRONG_KIND:
        return send_text(connection,
                         strcmp(request->command, "set") == 0 ? "DELETED\r\n" : "STORED\r\n");
    }
    return false;
}

/* False when the connection is to be closed. */
static bool say(int connection, const char *words, const struct request *request) {
    char text[512] = "";
    for (const char *word = words; *word != '\0'; word++) {
        const char letter[] = {*word, '\0'};
        strcat(text, *word == '@' ? request->opaque : letter);
    }
    return words[0] != '\0' && send_text(connection, text);
}

/* Meta commands are answered with what there is to say, others with what lie there is. */
static bool respond(int connection, const struct request *request) {
    const char *words = request->opaque[0] != '\0' ? take_words() : NULL;
    if (words != NULL)
        return say(connection, words, request);
    bool is_version = strcmp(request->command, "version") == 0;
    return answer(connection, is_version ? HONEST : take_lie(), request);
}

static void *serve(void *argument) {
    int connection = (int)(intptr_t)argument;
    FILE *stream = fdopen(connection, "r");
    struct request request;
    while (stream != NULL && read_request(stream, &request) && respond(connection, &request))
        ;
    if (stream != NULL)
        fclose(stream);
    return NULL;
}

static void *accept_on_and_on(void *argument) {
    for (;;) {
        pthread_t thread;
        int connection = accept((int)(intptr_t)argument, NULL, NULL);
        if (connection < 0)
            return NULL;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0)
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
