/* Why a key belongs where it belongs. No server is asked: none of these exists. */
#include "support.h"

#include <string.h>

#define SERVERS "a weight=2, b, c name=third, d"

static cm_explanation *explain(cm_client *client, const cm_op *op) {
    cm_explanation *explanation = NULL;
    CHECK_STATUS(CM_OK, cm_explain(client, op, sizeof *op, &explanation, NULL));
    REQUIRE(explanation != NULL);
    return explanation;
}

static void a_key(void) {
    static const char *const identities[] = {"a:11211", "b:11211", "third", "d:11211"};
    cm_client *client = client_open(SERVERS, "");
    const cm_op op = {.key = "key", .key_len = 3};
    cm_explanation *explanation = explain(client, &op);
    size_t index = 77;
    CHECK_STATUS(CM_OK, cm_select_server(client, "key", 3, &index, NULL));
    CHECK(explanation->server == index);
    CHECK(explanation->position_kind == CM_POSITION_SLOT);
    CHECK(explanation->position < 65536);
    CHECK(strcmp(explanation->identity, identities[index]) == 0);
    CHECK(explanation->sequence_count == 4);
    CHECK(strcmp(explanation->sequence[0], identities[index]) == 0);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(explanation->sequence[i], explanation->sequence[j]) != 0);
    cm_client_free(client);
    /* It outlives the client. */
    CHECK(strcmp(explanation->identity, identities[index]) == 0);
    cm_explanation_free(explanation);
}

static void by_route_and_by_hash(void) {
    cm_client *client = client_open(SERVERS, "distribution=modulo hash=crc32");
    const cm_op plain = {.key = "user:17", .key_len = 7};
    const cm_op routed = {.key = "photo:4", .key_len = 7, .route = "user:17", .route_len = 7};
    cm_explanation *one = explain(client, &plain), *other = explain(client, &routed);
    CHECK(one->server == other->server && one->position == other->position);
    cm_explanation_free(one);
    cm_explanation_free(other);
    /* Weights 2, 1, 1, 1: five buckets. Negative hashes as Python's %. */
    for (int64_t hash = -5; hash < 5; hash++) {
        static const uint32_t owner[] = {0, 0, 1, 2, 3};
        const cm_op hashed = {.key = "k", .key_len = 1, .want = CM_WANT_HASH, .hash = hash};
        one = explain(client, &hashed);
        CHECK(one->server == owner[(hash + 5) % 5]);
        CHECK(one->position == (uint64_t)((hash + 5) % 5));
        cm_explanation_free(one);
    }
    cm_client_free(client);
}

static void other_distributions(void) {
    static const struct {
        const char *options;
        uint32_t position_kind;
    } cases[] = {
        {"distribution=ketama", CM_POSITION_POINT},
        {"compat=dalli", CM_POSITION_POINT},
        {"distribution=jump", CM_POSITION_SLOT},
        {"compat=pymemcache", CM_POSITION_SCORE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cm_client *client = client_open("a, b, c", cases[i].options);
        const cm_op op = {.key = "key", .key_len = 3};
        cm_explanation *explanation = explain(client, &op);
        CHECK(explanation->position_kind == cases[i].position_kind);
        cm_explanation_free(explanation);
        cm_client_free(client);
    }
}

static void what_cannot_be_explained(void) {
    cm_client *client = client_open(SERVERS, "compat=pymemcache distribution=rehash");
    cm_client *by_score = client_open("a, b", "compat=pymemcache");
    cm_explanation *explanation = NULL;
    const cm_op bad_key = {.key = "two words", .key_len = 9};
    const cm_op hashed = {.key = "k", .key_len = 1, .want = CM_WANT_HASH, .hash = 5};
    CHECK_STATUS(CM_ERR_KEY, cm_explain(client, &bad_key, sizeof bad_key, &explanation, NULL));
    CHECK(explanation == NULL);
    CHECK_STATUS(CM_ERR_UNSUPPORTED,
                 cm_explain(by_score, &hashed, sizeof hashed, &explanation, NULL));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_explain(client, &hashed, 8, &explanation, NULL));
    cm_client_free(client);
    cm_client_free(by_score);
}

int main(void) {
    RUN(a_key);
    RUN(by_route_and_by_hash);
    RUN(other_distributions);
    RUN(what_cannot_be_explained);
    return finish();
}
