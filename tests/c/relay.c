#include "relay.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct relay {
    int listener;
    const struct server *server;
    relay_pass *pass;
    void *context;
};

struct served {
    const struct relay *relay;
    struct passage passage;
};

bool relay_send(const struct passage *passage, enum way way, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(passage->ends[!way], bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

void relay_reset_when_closed(const struct passage *passage) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int client = passage->ends[REQUESTS];
    REQUIRE(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

static size_t value_after(const char *line) {
    size_t value_len;
    if (sscanf(line, "VALUE %*s %*u %zu", &value_len) == 1 ||
        sscanf(line, "VA %zu", &value_len) == 1)
        return value_len + 2;
    return 0;
}

bool relay_is_of_line(struct replies *replies, char byte) {
    if (replies->value_left > 0) {
        replies->value_left--;
        return false;
    }
    REQUIRE(replies->line_len < sizeof replies->line - 1);
    replies->line[replies->line_len++] = byte;
    if (byte == '\n') {
        replies->line[replies->line_len] = '\0';
        replies->value_left = value_after(replies->line);
        replies->line_len = 0;
    }
    return true;
}

static bool pass_on(const struct relay *relay, struct passage *passage, enum way way) {
    char bytes[16384];
    ssize_t got = read(passage->ends[way], bytes, sizeof bytes);
    return got > 0 && relay->pass(passage, way, bytes, (size_t)got);
}

static void *serve(void *argument) {
    struct served *served = argument;
    struct passage *passage = &served->passage;
    const int *ends = passage->ends;
    for (bool goes_on = ends[REPLIES] >= 0; goes_on;) {
        struct pollfd ready[2] = {{.fd = ends[0], .events = POLLIN},
                                  {.fd = ends[1], .events = POLLIN}};
        REQUIRE(poll(ready, 2, -1) > 0);
        for (int way = REQUESTS; way <= REPLIES && goes_on; way++)
            if (ready[way].revents != 0)
                goes_on = pass_on(served->relay, passage, (enum way)way);
    }
    close(ends[REQUESTS]);
    if (ends[REPLIES] >= 0)
        close(ends[REPLIES]);
    free(served);
    return NULL;
}

static void *accept_on_and_on(void *argument) {
    const struct relay *relay = argument;
    for (;;) {
        pthread_t thread;
        struct served *served = calloc(1, sizeof *served);
        int client = accept(relay->listener, NULL, NULL);
        REQUIRE(served != NULL && client >= 0);
        served->relay = relay;
        served->passage = (struct passage){.ends = {client, server_connect(relay->server)},
                                           .context = relay->context};
        REQUIRE(pthread_create(&thread, NULL, serve, served) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

void relay_serve(int listener, const struct server *server, relay_pass *pass, void *context) {
    pthread_t thread;
    struct relay *relay = malloc(sizeof *relay);
    REQUIRE(relay != NULL);
    *relay = (struct relay){listener, server, pass, context};
    REQUIRE(pthread_create(&thread, NULL, accept_on_and_on, relay) == 0);
    pthread_detach(thread);
}
