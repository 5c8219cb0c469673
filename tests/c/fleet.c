#include "fleet.h"
#include "operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With all the time it takes, whatever the client's deadline is. */
static void store(const struct fleet *fleet) {
    cm_op sets[FLEET_KEYS];
    cm_results *results = NULL;
    size_t count = 0;
    for (size_t i = 0; i < FLEET_KEYS; i++)
        if (fleet->owners[i] < fleet->count)
            sets[count++] = op_with(CM_OP_SET, fleet->keys[i], fleet->keys[i], 0);
    REQUIRE(cm_execute(fleet->client, sets, sizeof *sets, count, PATIENCE_SECONDS * 1000, &results,
                       NULL) == CM_OK);
    cm_results_free(results);
}

void fleet_start(struct fleet *fleet, size_t count, const char *other, const char *options) {
    REQUIRE(count <= FLEET_MAX);
    fleet->count = count;
    for (size_t i = 0; i < count; i++)
        server_start(&fleet->servers[i], "");
    char *own = server_list(fleet->servers, count), list[2048];
    snprintf(list, sizeof list, "%s%s%s", own, other != NULL ? "," : "",
             other != NULL ? other : "");
    free(own);
    fleet->client = client_open(list, options);
    for (size_t i = 0; i < FLEET_KEYS; i++) {
        fleet->lengths[i] = (size_t)snprintf(fleet->text[i], sizeof *fleet->text, "fleet:%zu", i);
        fleet->keys[i] = fleet->text[i];
        REQUIRE(cm_select_server(fleet->client, fleet->keys[i], fleet->lengths[i],
                                 &fleet->owners[i], NULL) == CM_OK);
    }
    store(fleet);
}

void fleet_stop(struct fleet *fleet) {
    cm_client_free(fleet->client);
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->servers[i].pid != 0)
            server_kill(&fleet->servers[i]);
}

const char *fleet_key(const struct fleet *fleet, size_t owner, size_t number) {
    for (size_t i = 0; i < FLEET_KEYS; i++)
        if (fleet->owners[i] == owner && number-- == 0)
            return fleet->keys[i];
    REQUIRE(!"there are enough keys");
    return NULL;
}

static cm_status ask(const struct fleet *fleet, cm_op op, cm_result *result_out) {
    struct answer answer = run_op(fleet->client, op);
    if (answer.result.status == CM_OK && op.kind == CM_OP_GET)
        CHECK(has_value(&answer, op.key));
    if (result_out != NULL)
        *result_out = answer.result;
    return answer.result.status;
}

cm_status fleet_get(const struct fleet *fleet, const char *key, cm_result *result_out) {
    return ask(fleet, op_on(CM_OP_GET, key, 0), result_out);
}

cm_status fleet_set(const struct fleet *fleet, const char *key, cm_result *result_out) {
    return ask(fleet, op_with(CM_OP_SET, key, key, 0), result_out);
}

size_t fleet_next(const struct fleet *fleet, const char *key) {
    const cm_op op = op_on(CM_OP_GET, key, 0);
    cm_explanation *explanation = NULL;
    REQUIRE(cm_explain(fleet->client, &op, sizeof op, &explanation, NULL) == CM_OK);
    size_t next = 0;
    if (CHECK(explanation->sequence_count > 1))
        while (next < fleet->count &&
               strcmp(fleet->servers[next].address, explanation->sequence[1]) != 0)
            next++;
    cm_explanation_free(explanation);
    return next;
}
