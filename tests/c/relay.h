/* Connections on whose two ways something can happen: what the proxies of the tests have in common.
 */
#ifndef RELAY_H
#define RELAY_H

#include "support.h"

enum way { REQUESTS, REPLIES };

/* How far the replies of a connection have been read. */
struct replies {
    char line[128]; /* the one that has begun */
    size_t line_len;
    size_t value_left;
};

/* ends[REQUESTS] is where requests come from, ends[REPLIES] where replies come from. */
struct passage {
    int ends[2];
    void *context;
    struct replies replies;
};

/* Passes on, with relay_send or not, what has come one way. It may change the bytes. False when the
   connections are to be closed. */
typedef bool relay_pass(struct passage *passage, enum way way, char *bytes, size_t size);

/* Connects whoever connects to the listener with the server. Runs until the program ends. */
void relay_serve(int listener, const struct server *server, relay_pass *pass, void *context);

bool relay_send(const struct passage *passage, enum way way, const char *bytes, size_t size);

/* When it is closed, the client's connection is reset. */
void relay_reset_when_closed(const struct passage *passage);

/* The next byte of the replies: true if it belongs to a line, false if to a value. */
bool relay_is_of_line(struct replies *replies, char byte);

#endif
