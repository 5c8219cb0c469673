#include "traffic.h"

#include <dirent.h>
#include <stdio.h>

enum { KEYS = 2000, BATCH = 16 };

static size_t name_key(char *key, size_t size, struct random *random) {
    return (size_t)snprintf(key, size, "key:%u", (unsigned)random_below(random, KEYS));
}

static bool holds_its_own(const cm_op *op, const cm_result *result) {
    char key[24];
    uint32_t number;
    snprintf(key, sizeof key, "%.*s", (int)op->key_len, op->key);
    return value_read(result->value, result->value_len, key, &number);
}

/* The answers an operation may have. Values are no numbers, which an increment is told. */
static void judge(struct caller *caller, const cm_op *op, const cm_result *result) {
    bool reads = op->kind == CM_OP_GET || op->kind == CM_OP_GET_AND_TOUCH;
    bool right = true;
    switch (result->status) {
    case CM_OK:
        caller->hits += reads;
        right = op->kind != CM_OP_INCREMENT && (!reads || holds_its_own(op, result));
        break;
    case CM_NOT_FOUND:
        caller->misses += reads;
        right = op->kind != CM_OP_SET && op->kind != CM_OP_ADD;
        break;
    case CM_NOT_STORED:
        right = op->kind == CM_OP_ADD;
        break;
    case CM_ERR_REJECTED:
        right = op->kind == CM_OP_INCREMENT;
        break;
    default:
        caller->lost++;
        if (!caller->explains(result) && caller->unexplained++ == 0)
            fprintf(stderr, "operation %u at server %d: %s\n", (unsigned)op->kind,
                    (int)result->server, cm_status_name(result->status));
    }
    if (!right && caller->wrong++ == 0)
        fprintf(stderr, "operation %u on %.*s: a wrong answer, %s\n", (unsigned)op->kind,
                (int)op->key_len, op->key, cm_status_name(result->status));
}

size_t traffic_call(struct caller *caller) {
    static const uint32_t kinds[] = {CM_OP_GET,       CM_OP_GET,   CM_OP_GET,   CM_OP_SET,
                                     CM_OP_SET,       CM_OP_ADD,   CM_OP_TOUCH, CM_OP_GET_AND_TOUCH,
                                     CM_OP_INCREMENT, CM_OP_DELETE};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    char keys[BATCH][24], values[BATCH][VALUE_MAX];
    cm_op ops[BATCH] = {{0}};
    uint32_t shape = random_below(&caller->random, 4);
    size_t count = shape < 2 ? 1 : 2 + random_below(&caller->random, BATCH - 1);
    for (size_t i = 0; i < count; i++) {
        ops[i].kind = shape == 2 ? CM_OP_GET : kinds[random_below(&caller->random, KINDS)];
        ops[i].key = keys[i];
        ops[i].key_len = name_key(keys[i], sizeof keys[i], &caller->random);
        ops[i].delta = ops[i].kind == CM_OP_INCREMENT;
        if (ops[i].kind == CM_OP_SET || ops[i].kind == CM_OP_ADD) {
            ops[i].value = values[i];
            ops[i].value_len =
                value_write(values[i], keys[i], random_below(&caller->random, 1u << 31));
        }
    }
    cm_results *results = NULL;
    cm_execute(caller->client, ops, sizeof *ops, count, 0, &results, NULL);
    for (size_t i = 0; i < count; i++)
        judge(caller, &ops[i], cm_results_at(results, i));
    cm_results_free(results);
    caller->operations += count;
    return count;
}

void traffic_add(struct caller *sum, const struct caller *caller) {
    sum->operations += caller->operations;
    sum->hits += caller->hits;
    sum->misses += caller->misses;
    sum->lost += caller->lost;
    sum->wrong += caller->wrong;
    sum->unexplained += caller->unexplained;
}

/* ---- what the process holds ---- */

size_t open_descriptors(void) {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    REQUIRE(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

long resident_kb(void) {
    char line[128];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    REQUIRE(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %ld kB", &kilobytes) == 1)
            break;
    fclose(status);
    return kilobytes;
}
