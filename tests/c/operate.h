/* One operation at a time through cm_execute, for the tests of what only cm_op can ask. */
#ifndef OPERATE_H
#define OPERATE_H

#include "support.h"

/* What an operation came to, with a copy of its value. */
struct answer {
    cm_result result;
    char value[256];
};

struct answer run_op(cm_client *client, cm_op op);

cm_op op_on(uint32_t kind, const char *key, uint32_t want);
cm_op op_with(uint32_t kind, const char *key, const char *value, uint32_t want);

bool has_value(const struct answer *answer, const char *value);

/* By the plain functions. */
void set(cm_client *client, const char *key, const char *value);
bool holds(cm_client *client, const char *key, const char *value);

#endif
