/*
 * No library at all: blocking sockets, the fewest system calls, and replies whose every byte is
 * known before they come. What a client can hope to come near to. VARIANT: none.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SERVERS = 16, AROUND_A_VALUE = KEY_LEN + 64 };

struct raw {
    int sockets[SERVERS];
    char *buffers[SERVERS]; /* request, then reply */
    size_t used[SERVERS];
    size_t asked[SERVERS]; /* keys */
};

static char head[32]; /* what stands between a key and its value */
static size_t head_len;

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 10};
    int on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(s, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return s;
}

static void *open_client(const char *variant) {
    struct raw *raw = calloc(1, sizeof *raw);
    (void)variant;
    if (!raw)
        fail("no memory");
    head_len = (size_t)snprintf(head, sizeof head, " 0 %zu\r\n", workload.value_bytes);
    for (size_t i = 0; i < workload.server_count; i++) {
        raw->sockets[i] = connect_to(workload.ports[i]);
        raw->buffers[i] = malloc(workload.batch * (workload.value_bytes + AROUND_A_VALUE) + 64);
        if (!raw->buffers[i])
            fail("no memory");
    }
    return raw;
}

static void put(struct raw *raw, size_t server, const char *bytes, size_t len) {
    memcpy(raw->buffers[server] + raw->used[server], bytes, len);
    raw->used[server] += len;
}

static void send_all(struct raw *raw, size_t server) {
    const char *at = raw->buffers[server];
    while (raw->used[server] > 0) {
        ssize_t sent = send(raw->sockets[server], at, raw->used[server], MSG_NOSIGNAL);
        if (sent <= 0)
            fail("send");
        at += sent;
        raw->used[server] -= (size_t)sent;
    }
}

/* Receives a reply of this length, with this at its end. */
static void receive(struct raw *raw, size_t server, size_t len, const char *tail) {
    char *buffer = raw->buffers[server];
    size_t got = 0, tail_len = strlen(tail);
    while (got < len) {
        ssize_t n = recv(raw->sockets[server], buffer + got, len - got, 0);
        if (n <= 0)
            fail("a reply that is too short");
        got += (size_t)n;
    }
    if (memcmp(buffer + len - tail_len, tail, tail_len) != 0)
        fail("another reply than expected");
}

static void ask(struct raw *raw, size_t server, size_t number) {
    if (raw->asked[server]++ == 0)
        put(raw, server, "get", 3);
    put(raw, server, " ", 1);
    put(raw, server, keys[number], KEY_LEN);
}

static void receive_items(struct raw *raw, size_t server, size_t first, size_t count) {
    size_t before = 6 + KEY_LEN + head_len, item = before + workload.value_bytes + 2;
    receive(raw, server, raw->asked[server] * item + 5, "\r\nEND\r\n");
    const char *value = raw->buffers[server] + before;
    for (size_t number = first; number < first + count; number++)
        if (owner_of(number) == server) {
            check(number, value, workload.value_bytes);
            value += item;
        }
    raw->asked[server] = 0;
}

static void get_multi(void *client, size_t first, size_t count) {
    struct raw *raw = client;
    for (size_t number = first; number < first + count; number++)
        ask(raw, owner_of(number), number);
    for (size_t server = 0; server < workload.server_count; server++)
        if (raw->asked[server]) {
            put(raw, server, "\r\n", 2);
            send_all(raw, server);
        }
    for (size_t server = 0; server < workload.server_count; server++)
        if (raw->asked[server])
            receive_items(raw, server, first, count);
}

static void get(void *client, size_t number) {
    struct raw *raw = client;
    size_t server = owner_of(number);
    ask(raw, server, number);
    put(raw, server, "\r\n", 2);
    send_all(raw, server);
    receive_items(raw, server, number, 1);
}

static void put_set(struct raw *raw, size_t server, size_t number) {
    raw->asked[server]++;
    put(raw, server, "set ", 4);
    put(raw, server, keys[number], KEY_LEN);
    put(raw, server, " 0", 2);
    put(raw, server, head, head_len);
    put(raw, server, value_of(number), workload.value_bytes);
    put(raw, server, "\r\n", 2);
}

static void receive_stored(struct raw *raw, size_t server) {
    size_t count = raw->asked[server];
    receive(raw, server, count * 8, "STORED\r\n");
    for (size_t i = 0; i < count; i++)
        if (memcmp(raw->buffers[server] + i * 8, "STORED\r\n", 8) != 0)
            fail("not stored");
    raw->asked[server] = 0;
}

static void set_multi(void *client, size_t first, size_t count) {
    struct raw *raw = client;
    for (size_t number = first; number < first + count; number++)
        put_set(raw, owner_of(number), number);
    for (size_t server = 0; server < workload.server_count; server++)
        send_all(raw, server);
    for (size_t server = 0; server < workload.server_count; server++)
        if (raw->asked[server])
            receive_stored(raw, server);
}

static void set(void *client, size_t number) {
    struct raw *raw = client;
    size_t server = owner_of(number);
    put_set(raw, server, number);
    send_all(raw, server);
    receive_stored(raw, server);
}

static void close_client(void *client) {
    struct raw *raw = client;
    for (size_t i = 0; i < workload.server_count; i++) {
        close(raw->sockets[i]);
        free(raw->buffers[i]);
    }
    free(raw);
}

const struct peer peer = {
    .open = open_client,
    .get = get,
    .set = set,
    .get_multi = get_multi,
    .set_multi = set_multi,
    .close = close_client,
};
