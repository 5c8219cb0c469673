/* A proxy before a memcached that lets a number of bytes pass and then interrupts. */
#ifndef PROXY_H
#define PROXY_H

#include "relay.h"

enum interruption {
    NONE,
    CLOSE, /* both connections end */
    RESET, /* the client's connection is reset, the server's ends */
    STALL  /* nothing passes any more, until proxy_go_on */
};

/* Starts the proxy on a free loopback port; it runs until the program ends. */
void proxy_start(const struct server *server, char *address, size_t size);

/* After `bytes` more bytes have passed one way, whatever the connection, an interruption. It comes
   once: on other connections everything passes. */
void proxy_interrupt(enum interruption interruption, enum way way, size_t bytes);

/* How many bytes have passed one way since proxy_interrupt. */
size_t proxy_passed(enum way way);

/* Ends a stall, or the wait for an interruption that did not come. What was held back passes. */
void proxy_go_on(void);

#endif
