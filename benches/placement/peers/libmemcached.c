/* libmemcached's own placement, timed for the benchmark. Usage: libmemcached ketama|ketama-weighted
 * SERVERS KEYS, two files with a line for each. See ../peer.rs for what is asked of a peer. */

#define _POSIX_C_SOURCE 200809L

#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char **lines_of(const char *path, size_t *count_out) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    char **lines = NULL, *line = NULL;
    size_t count = 0, capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, file)) > 0) {
        line[length - 1] = '\0';
        lines = realloc(lines, (count + 1) * sizeof *lines);
        lines[count++] = strdup(line);
    }
    free(line);
    fclose(file);
    *count_out = count;
    return lines;
}

static memcached_st *fleet(const char *kind, const char *path) {
    memcached_st *client = memcached_create(NULL);
    size_t count;
    char **servers = lines_of(path, &count);
    for (size_t i = 0; i < count; i++) {
        char *port = strchr(servers[i], ':');
        *port++ = '\0';
        memcached_server_add(client, servers[i], (in_port_t)atoi(port));
    }
    /* After the servers: each of them would otherwise sort the continuum anew. */
    bool weighted = strcmp(kind, "ketama-weighted") == 0;
    memcached_behavior_set(
        client, weighted ? MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED : MEMCACHED_BEHAVIOR_KETAMA, 1);
    return client;
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    memcached_st *client = fleet(argv[1], argv[2]);
    size_t count;
    char **keys = lines_of(argv[3], &count);
    size_t *lengths = calloc(count, sizeof *lengths);
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(keys[i]);

    char order[16];
    size_t asked;
    while (scanf("%15s %zu", order, &asked) == 2) {
        if (strcmp(order, "owners") == 0) {
            for (size_t i = 0; i < asked; i++)
                printf("%u ", memcached_generate_hash(client, keys[i], lengths[i]));
            printf("\n");
        } else {
            volatile uint32_t sink;
            long long start = now_ns();
            for (size_t i = 0, key = 0; i < asked; i++, key = key + 1 == count ? 0 : key + 1)
                sink = memcached_generate_hash(client, keys[key], lengths[key]);
            (void)sink;
            printf("%lld\n", now_ns() - start);
        }
        fflush(stdout);
    }
    return 0;
}
