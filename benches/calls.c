/*
 * How long one get and one set of 100 bytes take: this library, a hand-written loop that sends
 * the same bytes, and libmemcached, in one run. The contenders take turns in short rounds, so
 * that the machine's moods hit all of them; medians are compared.
 *
 * calls [ROUNDS [CALLS]]: needs `memcached` on the PATH; started here, on a free port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <consistent_memcached.h>
#include <libmemcached/memcached.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VALUE = 100, CONTENDERS = 4, WARM_UP = 2 };

static char value[VALUE];
static const char key[] = "bench:key:0001";
static const size_t key_len = sizeof key - 1;
static double *samples; /* of one round, in nanoseconds */

static int raw;
static cm_client *ours;
static memcached_st *peer;

static void fail(const char *what) {
    fprintf(stderr, "calls: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static void raw_exchange(const char *request, size_t len, const char *end) {
    char reply[4096];
    size_t got = 0;
    if (send(raw, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail("raw send");
    do {
        ssize_t n = recv(raw, reply + got, sizeof reply - got, 0);
        if (n <= 0)
            fail("raw recv");
        got += (size_t)n;
    } while (got < strlen(end) || memcmp(reply + got - strlen(end), end, strlen(end)) != 0);
}

static void raw_get(void) {
    char request[64];
    int len = snprintf(request, sizeof request, "get %s\r\n", key);
    raw_exchange(request, (size_t)len, "END\r\n");
}

static void raw_set(void) {
    char request[64 + VALUE];
    int len = snprintf(request, sizeof request, "set %s 0 0 %d\r\n", key, VALUE);
    memcpy(request + len, value, VALUE);
    memcpy(request + len + VALUE, "\r\n", 2);
    raw_exchange(request, (size_t)len + VALUE + 2, "STORED\r\n");
}

static void our_get(void) {
    cm_result *result;
    if (cm_get(ours, key, key_len, &result, NULL) != CM_OK || result->value_len != VALUE)
        fail("cm_get");
    cm_result_free(result);
}

static void our_set(void) {
    if (cm_set(ours, key, key_len, value, VALUE, 0, 0, NULL) != CM_OK)
        fail("cm_set");
}

static void peer_get(void) {
    size_t len;
    uint32_t flags;
    memcached_return_t status;
    char *got = memcached_get(peer, key, key_len, &len, &flags, &status);
    if (got == NULL || len != VALUE)
        fail("memcached_get");
    free(got);
}

static void peer_set(void) {
    if (memcached_set(peer, key, key_len, value, VALUE, 0, 0) != MEMCACHED_SUCCESS)
        fail("memcached_set");
}

/* Two of us: the ratio between them shows the noise. */
static const struct contender {
    const char *name;
    void (*get)(void);
    void (*set)(void);
} contenders[CONTENDERS] = {
    {"raw loop", raw_get, raw_set},
    {"cm", our_get, our_set},
    {"cm again", our_get, our_set},
    {"libmemcached", peer_get, peer_set},
};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *sorted, int count, double q) {
    return sorted[(int)(q * (count - 1) + 0.5)];
}

struct figures {
    double p50, p99, rate, cpu;
};

static struct figures one_round(void (*call)(void), int calls) {
    struct figures figures;
    double cpu_before = cpu(), start = now(), before = start;
    for (int i = 0; i < calls; i++) {
        call();
        double after = now();
        samples[i] = after - before;
        before = after;
    }
    figures.rate = calls / ((before - start) / 1e9);
    figures.cpu = (cpu() - cpu_before) / calls;
    qsort(samples, (size_t)calls, sizeof *samples, ascending);
    figures.p50 = quantile(samples, calls, 0.5);
    figures.p99 = quantile(samples, calls, 0.99);
    return figures;
}

static double median_of(struct figures *rounds, int count, size_t offset) {
    double values[1000];
    for (int i = 0; i < count; i++)
        memcpy(&values[i], (char *)&rounds[i] + offset, sizeof(double));
    qsort(values, (size_t)count, sizeof *values, ascending);
    return quantile(values, count, 0.5);
}

static void compare(const char *what, int is_set, int rounds, int calls) {
    static struct figures all[CONTENDERS][1000];
    for (int round = -WARM_UP; round < rounds; round++)
        for (int c = 0; c < CONTENDERS; c++) {
            struct figures f = one_round(is_set ? contenders[c].set : contenders[c].get, calls);
            if (round >= 0)
                all[c][round] = f;
        }
    printf("%s of %d bytes          p50 us   p99 us   calls/s   CPU us   p50/raw  "
           "calls/libmemcached\n",
           what, VALUE);
    double raw_p50 = median_of(all[0], rounds, offsetof(struct figures, p50));
    double peer_rate = median_of(all[3], rounds, offsetof(struct figures, rate));
    for (int c = 0; c < CONTENDERS; c++) {
        double p50 = median_of(all[c], rounds, offsetof(struct figures, p50));
        double rate = median_of(all[c], rounds, offsetof(struct figures, rate));
        printf("  %-20s %8.1f %8.1f %9.0f %8.1f %8.2f %8.2f\n", contenders[c].name, p50 / 1e3,
               median_of(all[c], rounds, offsetof(struct figures, p99)) / 1e3, rate,
               median_of(all[c], rounds, offsetof(struct figures, cpu)) / 1e3, p50 / raw_p50,
               rate / peer_rate);
    }
}

/* Placement alone: no server is asked. */
static void time_placement(int servers) {
    enum { KEYS = 1000, PASSES = 200 };
    static char keys[KEYS][32], list[1000 * 24];
    cm_client *client;
    size_t used = 0, index, sum = 0;
    double passes[PASSES], start = now();
    for (int i = 0; i < servers; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s10.0.%d.%d", i ? "," : "",
                                 i / 250, i % 250 + 1);
    start = now();
    if (cm_client_new(list, NULL, &client, NULL) != CM_OK)
        fail("cm_client_new");
    double built = now() - start;
    for (int i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "user:%06d:profile", i);
    for (int pass = 0; pass < PASSES; pass++) {
        start = now();
        for (int i = 0; i < KEYS; i++) {
            if (cm_select_server(client, keys[i], 19, &index, NULL) != CM_OK)
                fail("cm_select_server");
            sum += index;
        }
        passes[pass] = (now() - start) / KEYS;
    }
    qsort(passes, PASSES, sizeof *passes, ascending);
    printf("  %4d servers: cm_select_server %5.1f ns, cm_client_new %5.2f ms%s\n", servers,
           quantile(passes, PASSES, 0.5), built / 1e6, sum == 0 ? " ?" : "");
    cm_client_free(client);
}

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&address, len) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &len) != 0)
        fail("no free port");
    close(s);
    return ntohs(address.sin_port);
}

static int connected(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 1000; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(s, (struct sockaddr *)&address, sizeof address) == 0) {
            setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return s;
        }
        close(s);
        usleep(5000);
    }
    fail("memcached does not start");
    return -1;
}

/* Server and client on a core each: else the scheduler moves them together and apart as it
   likes, and the difference is larger than what is measured. */
static void pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0)
        fputs("calls: not pinned\n", stderr);
}

static pid_t server;

static void stop_server(void) {
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 15, calls = argc > 2 ? atoi(argv[2]) : 5000;
    int port = free_port();
    char digits[16], list[32];
    if (rounds < 1 || rounds > 1000 || calls < 1)
        fail("calls [ROUNDS [CALLS]]");
    snprintf(digits, sizeof digits, "%d", port);
    server = fork();
    if (server == 0) {
        pin(1);
        execlp("memcached", "memcached", "-u", "root", "-l", "127.0.0.1", "-p", digits, "-t", "1",
               (char *)NULL);
        _exit(127);
    }
    atexit(stop_server);
    pin(0);
    raw = connected(port);
    snprintf(list, sizeof list, "127.0.0.1:%d", port);
    if (cm_client_new(list, NULL, &ours, NULL) != CM_OK)
        fail("cm_client_new");
    peer = memcached_create(NULL);
    memcached_server_add(peer, "127.0.0.1", (in_port_t)port);
    memcached_behavior_set(peer, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    samples = malloc((size_t)calls * sizeof *samples);
    if (samples == NULL)
        fail("no memory");
    memset(value, 'v', VALUE);
    raw_set();
    compare("get", 0, rounds, calls);
    compare("set", 1, rounds, calls);
    puts("placement, keys of 19 bytes");
    time_placement(4);
    time_placement(100);
    time_placement(1000);
    cm_client_free(ours);
    memcached_free(peer);
    free(samples);
    close(raw);
    return 0;
}
