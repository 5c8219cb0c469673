/* What can happen to servers, when it last did, and proxies that do some of it at random. */
#ifndef FAULTS_H
#define FAULTS_H

#include "support.h"

enum fault { KILL, FREEZE, DELAY, CUT, RESETTING, GARBLE, FAULTS };

extern const char *const fault_names[FAULTS];

/* Proxies before the servers, from time to time each with a fault: a delay, the end or the reset of
   a connection, a byte of a reply's line (never of a value) that is another. They run in a process
   of their own, so that the one under test can be weighed, until this one ends. */
void faults_start(const struct server *servers, size_t count, uint64_t seed, char addresses[][32]);

/* From now on, or no longer. When it returns with false, the last fault is over. */
void faults_let_happen(bool happen);

/* A fault begins, or ends, at the server, whose number is its place among `servers`. */
void faults_begin(size_t server, enum fault fault);
void faults_end(size_t server, enum fault fault);

/* When a fault last began or ended, as seconds_now; 0 for never. */
double faults_last(size_t server, enum fault fault);

/* How many have begun, at all servers. */
unsigned faults_count(enum fault fault);

#endif
