/* The client in one minute: quickstart [SERVERS], where SERVERS is "host:port,host:port,...".

   cc quickstart.c $(pkg-config --cflags --libs consistent_memcached) */
#include <consistent_memcached.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every call returns a status: CM_OK, a positive one when the server said no (a miss is
   CM_NOT_FOUND), a negative one when it failed. Only a failure comes with an error. */
static cm_status must(cm_status status, cm_error **error) {
    if (status < 0) {
        fprintf(stderr, "%s: %s %s\n", cm_status_name(status), cm_error_message(*error),
                cm_error_server(*error));
        cm_error_free(*error);
        exit(EXIT_FAILURE);
    }
    return status;
}

static void get(cm_client *client, const char *key) {
    cm_result *result = NULL;
    cm_error *error = NULL;
    if (must(cm_get(client, key, strlen(key), &result, &error), &error) == CM_NOT_FOUND) {
        printf("%s: a miss\n", key);
        return;
    }
    printf("%s: %.*s\n", key, (int)result->value_len, (const char *)result->value);
    cm_result_free(result);
}

static void get_fruit(cm_client *client) {
    const char *keys[] = {"apples", "pears", "plums"};
    const size_t key_lens[] = {6, 5, 5};
    cm_results *results = NULL;
    cm_error *error = NULL;
    must(cm_get_multi(client, keys, key_lens, 3, &results, &error), &error);
    for (size_t i = 0; i < cm_results_count(results); i++) {
        const cm_result *result = cm_results_at(results, i);
        if (result->status == CM_OK)
            printf("%s: %.*s\n", keys[i], (int)result->value_len, (const char *)result->value);
        else
            printf("%s: %s\n", keys[i], cm_status_name(result->status));
    }
    cm_results_free(results);
}

int main(int count, char **arguments) {
    const char *servers = count > 1 ? arguments[1] : "127.0.0.1:11211";
    cm_error *error = NULL;

    cm_options *options = cm_options_new();
    must(cm_options_set(options, "timeout_ms", "500", &error), &error);
    must(cm_options_set(options, "key_prefix", "quickstart:", &error), &error);
    cm_client *client = NULL;
    must(cm_client_new(servers, options, &client, &error), &error);
    cm_options_free(options);

    must(cm_set(client, "greeting", 8, "hello", 5, 0, 60, &error), &error);
    get(client, "greeting");
    get(client, "absent");

    must(cm_set(client, "apples", 6, "3", 1, 0, 60, &error), &error);
    must(cm_set(client, "pears", 5, "5", 1, 0, 60, &error), &error);
    uint64_t apples = 0;
    must(cm_increment(client, "apples", 6, 1, &apples, &error), &error);
    printf("after one more apple: %" PRIu64 "\n", apples);
    get_fruit(client);

    cm_client_free(client);
    return EXIT_SUCCESS;
}
