#include "operate.h"

#include <string.h>

struct answer run_op(cm_client *client, cm_op op) {
    struct answer answer = {0};
    cm_results *results = NULL;
    cm_status status = cm_execute(client, &op, sizeof op, 1, 0, &results, NULL);
    REQUIRE(cm_results_count(results) == 1);
    answer.result = *cm_results_at(results, 0);
    CHECK(status == (answer.result.status < 0 ? answer.result.status : CM_OK));
    if (answer.result.value_len > 0 && answer.result.value_len < sizeof answer.value)
        memcpy(answer.value, answer.result.value, answer.result.value_len);
    cm_results_free(results);
    return answer;
}

cm_op op_on(uint32_t kind, const char *key, uint32_t want) {
    return (cm_op){.kind = kind, .want = want, .key = key, .key_len = strlen(key)};
}

cm_op op_with(uint32_t kind, const char *key, const char *value, uint32_t want) {
    cm_op op = op_on(kind, key, want);
    op.value = value;
    op.value_len = strlen(value);
    return op;
}

bool has_value(const struct answer *answer, const char *value) {
    return answer->result.status == CM_OK && answer->result.value_len == strlen(value) &&
           memcmp(answer->value, value, strlen(value)) == 0;
}

void set(cm_client *client, const char *key, const char *value) {
    CHECK_STATUS(CM_OK, cm_set(client, key, strlen(key), value, strlen(value), 0, 0, NULL));
}

bool holds(cm_client *client, const char *key, const char *value) {
    cm_result *result = NULL;
    cm_status status = cm_get(client, key, strlen(key), &result, NULL);
    bool same = status == CM_OK && result->value_len == strlen(value) &&
                memcmp(result->value, value, strlen(value)) == 0;
    cm_result_free(result);
    return same;
}
