/* For the programs that pass NULL wherever a pointer goes. Each has its own outs, and fills them
   with `poison` before every call: a function that fails must have written them. */
#ifndef NULL_H
#define NULL_H

#include "support.h"

#include <string.h>

static cm_error *error;
static uint64_t poison[8];

static void poison_outs(void);

/* After a call that must fail: the status, the error that comes with it. */
static void refused_as(cm_status expected, cm_status found, int line, const char *call) {
    check_status(expected, found, __FILE__, line, call);
    if (!check(error != (cm_error *)&poison, __FILE__, line, "error_out is written"))
        return;
    if (!check(error != NULL, __FILE__, line, "a failure comes with an error"))
        return;
    check_status(expected, cm_error_status(error), __FILE__, line, "cm_error_status(error)");
    check(strlen(cm_error_message(error)) > 0, __FILE__, line, "the error has a message");
    cm_error_free(error);
}

#define REFUSED_AS(expected, call) (poison_outs(), refused_as((expected), (call), __LINE__, #call))
#define REFUSED(call) REFUSED_AS(CM_ERR_ARGUMENT, call)

#endif
