#include "stub.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void read_to_the_end(int connection) {
    char requests[4096];
    while (read(connection, requests, sizeof requests) > 0)
        ;
    close(connection);
}

static void *stay_silent(void *connection) {
    read_to_the_end((int)(intptr_t)connection);
    return NULL;
}

static void *close_at_once(void *connection) {
    char request[4096];
    (void)!read((int)(intptr_t)connection, request, sizeof request);
    close((int)(intptr_t)connection);
    return NULL;
}

/* A line of a reply that does not end within the patience of anybody. */
static void *drip(void *argument) {
    static const char line[] = "SERVER_ERROR out of patience";
    int connection = (int)(intptr_t)argument;
    char request[4096];
    if (read(connection, request, sizeof request) > 0)
        for (size_t i = 0; i < sizeof line; i++) {
            if (send(connection, line + i, 1, MSG_NOSIGNAL) != 1)
                break;
            sleep_ms(1000);
        }
    read_to_the_end(connection);
    return NULL;
}

static void *accept_on_and_on(void *argument) {
    static void *(*const serve[])(void *) = {stay_silent, close_at_once, drip};
    struct stub *stub = argument;
    for (;;) {
        pthread_t thread;
        int connection = accept(stub->listener, NULL, NULL);
        REQUIRE(connection >= 0);
        __atomic_fetch_add(&stub->accepted, 1, __ATOMIC_SEQ_CST);
        REQUIRE(pthread_create(&thread, NULL, serve[stub->manner], (void *)(intptr_t)connection) ==
                0);
        pthread_detach(thread);
    }
    return NULL;
}

/* Connections that nobody accepts, and more than the queue of the listener takes. */
static void fill(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; i++) {
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        REQUIRE(connection >= 0 && fcntl(connection, F_SETFL, O_NONBLOCK) == 0);
        (void)connect(connection, (const struct sockaddr *)&address, sizeof address);
    }
    sleep_ms(100); /* until those that the queue takes are in it */
}

void stub_start(struct stub *stub, enum manner manner) {
    pthread_t thread;
    int port;
    *stub = (struct stub){.manner = manner};
    stub->listener = listen_on_loopback(manner == BLACK ? 0 : 64, &port);
    snprintf(stub->address, sizeof stub->address, "127.0.0.1:%d", port);
    if (manner == BLACK) {
        fill(port);
        return;
    }
    REQUIRE(pthread_create(&thread, NULL, accept_on_and_on, stub) == 0);
    pthread_detach(thread);
}

unsigned stub_accepted(const struct stub *stub) {
    return __atomic_load_n(&stub->accepted, __ATOMIC_SEQ_CST);
}
