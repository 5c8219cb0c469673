/* The packed form that bindings use: one block in, one block out. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the header of the library describes a block. */
struct head {
    uint32_t version, count;
    uint64_t size;
};

struct record {
    int32_t status;
    uint32_t flags;
    uint64_t offset, length, cas, number;
    int64_t ttl;
    uint32_t state, server;
    uint64_t zero;
};

static struct server servers[3];
static cm_client *client;

static const struct record *records_of(const void *block, size_t count) {
    const struct head *head = block;
    REQUIRE(block != NULL);
    CHECK((uintptr_t)block % 8 == 0);
    CHECK(head->version == 1 && head->count == count);
    CHECK(head->size >= sizeof *head + count * sizeof(struct record));
    const struct record *records = (const struct record *)(head + 1);
    for (size_t i = 0; i < count; i++) {
        CHECK(records[i].zero == 0);
        CHECK(records[i].length == 0 ||
              records[i].offset >= sizeof *head + count * sizeof *records);
        CHECK(records[i].offset + records[i].length <= head->size);
    }
    return records;
}

static bool value_is(const void *block, const struct record *record, const char *value) {
    return record->length == strlen(value) &&
           memcmp((const char *)block + record->offset, value, strlen(value)) == 0;
}

static void the_layout(void) {
    CHECK(sizeof(struct head) == 16);
    CHECK(sizeof(struct record) == 64);
}

static void set_get_delete(void) {
    static const char keys[] = "onetwothree", values[] = "first3rd";
    static const uint32_t key_lens[] = {3, 3, 5}, value_lens[] = {5, 0, 3}, flags[] = {7, 0, 9};
    void *block = NULL;
    cm_error *error = NULL;
    CHECK_STATUS(CM_OK, cm_set_multi_packed(client, 0, keys, 11, key_lens, values, 8, value_lens,
                                            flags, 0, 3, &block, &error));
    const struct record *records = records_of(block, 3);
    for (size_t i = 0; i < 3; i++)
        CHECK(records[i].status == CM_OK && records[i].length == 0 && records[i].server < 3);
    cm_block_free(block);

    static const char asked[] = "threenoneonetwo";
    static const uint32_t asked_lens[] = {5, 4, 3, 3};
    CHECK_STATUS(
        CM_OK, cm_get_multi_packed(client, CM_WANT_CAS, asked, 15, asked_lens, 4, &block, &error));
    records = records_of(block, 4);
    CHECK(records[0].status == CM_OK && value_is(block, &records[0], "3rd"));
    CHECK(records[0].flags == 9 && records[0].cas != 0);
    CHECK(records[1].status == CM_NOT_FOUND && records[1].length == 0);
    CHECK(records[2].status == CM_OK && value_is(block, &records[2], "first"));
    CHECK(records[2].flags == 7);
    CHECK(records[3].status == CM_OK && records[3].length == 0);
    for (size_t i = 0; i < 4; i++)
        CHECK(records[i].state == 0 && records[i].server < 3);
    cm_block_free(block);

    CHECK_STATUS(CM_OK, cm_get_multi_packed(client, 0, asked, 15, asked_lens, 4, &block, NULL));
    records = records_of(block, 4);
    CHECK(records[0].cas == 0);
    cm_block_free(block);

    CHECK_STATUS(CM_OK, cm_delete_multi_packed(client, asked, 15, asked_lens, 4, &block, NULL));
    records = records_of(block, 4);
    CHECK(records[0].status == CM_OK && records[1].status == CM_NOT_FOUND);
    cm_block_free(block);
}

static void add_and_replace(void) {
    static const uint32_t lens[] = {1, 1};
    void *block = NULL;
    CHECK_STATUS(CM_OK, cm_set(client, "a", 1, "0", 1, 0, 0, NULL));
    CHECK_STATUS(CM_OK, cm_set_multi_packed(client, CM_OP_ADD, "ab", 2, lens, "12", 2, lens, NULL,
                                            0, 2, &block, NULL));
    const struct record *records = records_of(block, 2);
    CHECK(records[0].status == CM_NOT_STORED && records[1].status == CM_OK);
    cm_block_free(block);
    CHECK_STATUS(CM_OK, cm_set_multi_packed(client, CM_OP_REPLACE, "bc", 2, lens, "34", 2, lens,
                                            NULL, -1, 2, &block, NULL));
    records = records_of(block, 2);
    CHECK(records[0].status == CM_OK && records[1].status == CM_NOT_STORED);
    cm_block_free(block);
    cm_result *result = NULL;
    CHECK_STATUS(CM_NOT_FOUND, cm_get(client, "b", 1, &result, NULL)); /* the ttl was in the past */
}

static void what_is_wrong_with_one_item(void) {
    static const uint32_t lens[] = {1, 3, 1};
    void *block = NULL;
    cm_error *error = NULL;
    CHECK_STATUS(CM_ERR_KEY, cm_get_multi_packed(client, 0, "ab cd", 5, lens, 3, &block, &error));
    CHECK_STATUS(CM_ERR_KEY, cm_error_status(error));
    cm_error_free(error);
    const struct record *records = records_of(block, 3);
    CHECK(records[0].status >= 0 && records[2].status >= 0);
    CHECK(records[1].status == CM_ERR_KEY && records[1].state == CM_UNSENT);
    CHECK(records[1].server == CM_NO_SERVER);
    cm_block_free(block);
}

static void lengths_that_do_not_add_up(void) {
    static const uint32_t lens[] = {1, 2}, huge[] = {UINT32_MAX, UINT32_MAX};
    void *block = &block;
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_multi_packed(client, 0, "ab", 2, lens, 2, &block, NULL));
    CHECK(block == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_multi_packed(client, 0, "abcd", 4, lens, 2, &block, NULL));
    CHECK(block == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_get_multi_packed(client, 0, "abc", 3, huge, 2, &block, NULL));
    CHECK(block == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_delete_multi_packed(client, "ab", 2, lens, 2, &block, NULL));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_set_multi_packed(client, 0, "abc", 3, lens, "ab", 2, lens,
                                                      NULL, 0, 2, &block, NULL));
    CHECK(block == NULL);
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_set_multi_packed(client, CM_OP_APPEND, "abc", 3, lens, "abc",
                                                      3, lens, NULL, 0, 2, &block, NULL));
    CHECK(block == NULL);
}

int main(void) {
    for (size_t i = 0; i < 3; i++)
        server_start(&servers[i], "");
    char *list = server_list(servers, 3);
    client = client_open(list, "");
    free(list);
    RUN(the_layout);
    RUN(set_get_delete);
    RUN(add_and_replace);
    RUN(what_is_wrong_with_one_item);
    RUN(lengths_that_do_not_add_up);
    cm_client_free(client);
    return finish();
}
