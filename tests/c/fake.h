/* A server that tells one lie and is honest afterwards. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>

/* How it answers the next request. */
enum lie {
    HONEST,
    LATE,            /* after the client's deadline */
    CUT,             /* half the reply, then the end */
    NOTHING,         /* closes at once */
    DRIP,            /* a right reply, byte after byte */
    OTHER_KEY,       /* an item nobody asked for */
    TOO_SHORT,       /* fewer bytes than announced */
    TOO_LONG,        /* more bytes than announced */
    NO_END,          /* an item, but no END */
    TWICE,           /* the reply, then another that nobody asked for, at once */
    TWICE_LATER,     /* the same, but some time after */
    FOUR_GIGABYTES,  /* announces them */
    HUGE_LENGTH,     /* announces more than 64 bits hold */
    NEGATIVE_LENGTH, /* announces -1 */
    ENDLESS_LINE,    /* a line that never ends */
    ENDLESS_ITEMS,   /* items nobody asked for, on and on */
    GARBAGE,         /* bytes that are no reply */
    SERVER_ERROR,
    CLIENT_ERROR,
    BARE_ERROR,
    WRONG_KIND /* an answer that belongs to another command */
};

enum { LATE_MS = 500 };

/* Starts the fake on a free loopback port; it runs until the program ends. */
void fake_start(char *address, size_t size);

/* The next request is answered so; those after it honestly. */
void fake_tell(enum lie lie);

/* The next request that is a meta command gets this answer, every @ in it replaced by the opaque of
   the request; those after it are answered honestly. "" to close the connection. */
void fake_say(const char *text);

/* Whether the lie has been told. */
bool fake_has_told(void);

#endif
