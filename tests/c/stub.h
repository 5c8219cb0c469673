/* Listeners in the place of a server that are no use. They run until the program ends. */
#ifndef STUB_H
#define STUB_H

#include "support.h"

enum manner {
    SILENT,   /* accepts, and never answers */
    CLOSING,  /* closes each connection when the first request has come */
    DRIPPING, /* answers without end, one byte a second */
    BLACK     /* a black hole: the kernel drops what wants to connect */
};

struct stub {
    enum manner manner;
    int listener;
    char address[32];
    unsigned accepted; /* see stub_accepted */
};

/* The stub lives as long as the program. */
void stub_start(struct stub *stub, enum manner manner);

/* How many connections it has accepted. */
unsigned stub_accepted(const struct stub *stub);

#endif
