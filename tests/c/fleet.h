/* Servers, a client of them, and keys of which it is known who owns them. */
#ifndef FLEET_H
#define FLEET_H

#include "support.h"

enum { FLEET_MAX = 8, FLEET_KEYS = 400 };

struct fleet {
    size_t count; /* servers that are real */
    struct server servers[FLEET_MAX];
    cm_client *client;
    char text[FLEET_KEYS][16];
    const char *keys[FLEET_KEYS];
    size_t lengths[FLEET_KEYS], owners[FLEET_KEYS];
};

/* Starts the servers and stores each key, with itself as its value. `other`, if not NULL, is an
   address that stands behind theirs in the list; its keys are not stored. */
void fleet_start(struct fleet *fleet, size_t count, const char *other, const char *options);
void fleet_stop(struct fleet *fleet);

/* A key of this server; of several, the one with that number. */
const char *fleet_key(const struct fleet *fleet, size_t owner, size_t number);

/* The status of a get; of a hit, only if its value is right. The result may be NULL. */
cm_status fleet_get(const struct fleet *fleet, const char *key, cm_result *result_out);
cm_status fleet_set(const struct fleet *fleet, const char *key, cm_result *result_out);

/* The server that comes next for a key, by its place in the list. */
size_t fleet_next(const struct fleet *fleet, const char *key);

#endif
