/* Stores COUNT keys in batches:

   store [-o NAME=VALUE]... [-w OWNERS] COUNT SERVER...

   Key number 123 is "user:000123" and its value "profile of user:000123", so that whoever reads
   one can check it. -o sets an option of the client. -w writes the owner of each key to a file,
   one a line, as an index into the list of servers. */
#include <consistent_memcached.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 1000 };

static void fail(const char *what, cm_status status, cm_error *error) {
    fprintf(stderr, "%s: %s: %s %s\n", what, cm_status_name(status), cm_error_message(error),
            cm_error_server(error));
    cm_error_free(error);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: store [-o NAME=VALUE]... [-w OWNERS] COUNT SERVER...\n");
    exit(2);
}

static void set_option(cm_options *options, char *text) {
    cm_error *error = NULL;
    char *value = strchr(text, '=');
    if (value == NULL)
        usage();
    *value++ = '\0';
    cm_status status = cm_options_set(options, text, value, &error);
    if (status != CM_OK)
        fail("option", status, error);
}

static cm_client *connect_to(char **servers, size_t count, const cm_options *options) {
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(servers[i]) + 1;
    char *list = calloc(size, 1);
    if (list == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        strcat(strcat(list, servers[i]), ",");
    list[size - 2] = '\0'; /* the comma after the last */
    cm_client *client = NULL;
    cm_error *error = NULL;
    cm_status status = cm_client_new(list, options, &client, &error);
    if (status != CM_OK)
        fail("servers", status, error);
    free(list);
    return client;
}

static void store(cm_client *client, unsigned first, unsigned count) {
    static char keys[BATCH][32], values[BATCH][64];
    static cm_op items[BATCH]; /* what is not used stays zero */
    for (unsigned i = 0; i < count; i++) {
        int key_len = snprintf(keys[i], sizeof keys[i], "user:%06u", first + i);
        int value_len = snprintf(values[i], sizeof values[i], "profile of %s", keys[i]);
        items[i].key = keys[i];
        items[i].key_len = (size_t)key_len;
        items[i].value = values[i];
        items[i].value_len = (size_t)value_len;
    }
    cm_results *results = NULL;
    cm_error *error = NULL;
    cm_status status = cm_set_multi(client, items, sizeof items[0], count, &results, &error);
    if (status != CM_OK)
        fail("set", status, error);
    cm_results_free(results);
}

static void write_owners(cm_client *client, unsigned count, const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (unsigned i = 0; i < count; i++) {
        char key[32];
        size_t owner = 0;
        cm_error *error = NULL;
        int key_len = snprintf(key, sizeof key, "user:%06u", i);
        cm_status status = cm_select_server(client, key, (size_t)key_len, &owner, &error);
        if (status != CM_OK)
            fail("owner", status, error);
        fprintf(file, "%zu\n", owner);
    }
    if (fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

int main(int argument_count, char **arguments) {
    const char *owners = NULL;
    cm_options *options = cm_options_new();
    for (int option; (option = getopt(argument_count, arguments, "o:w:")) != -1;) {
        if (option == 'o')
            set_option(options, optarg);
        else if (option == 'w')
            owners = optarg;
        else
            usage();
    }
    if (argument_count - optind < 2)
        usage();
    unsigned count = (unsigned)strtoul(arguments[optind], NULL, 10);
    char **servers = arguments + optind + 1;
    cm_client *client = connect_to(servers, (size_t)(argument_count - optind - 1), options);
    cm_options_free(options);

    for (unsigned first = 0; first < count; first += BATCH)
        store(client, first, count - first < BATCH ? count - first : BATCH);
    if (owners != NULL)
        write_owners(client, count, owners);
    printf("stored %u keys\n", count);
    cm_client_free(client);
    return EXIT_SUCCESS;
}
