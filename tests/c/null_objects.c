/* As null.c, for explanations, queues, snapshots and events. */
#include "null.h"

static cm_explanation *explanation;
static cm_queue *queue;
static cm_servers *servers;
static cm_events *events;
static char *text;
static size_t length;

static void poison_outs(void) {
    error = (cm_error *)&poison;
    explanation = (cm_explanation *)&poison;
    queue = (cm_queue *)&poison;
    servers = (cm_servers *)&poison;
    events = (cm_events *)&poison;
    text = (char *)&poison;
    length = 77;
}

static cm_client *client; /* its server need not exist: nothing here gets that far */

static void explanations(void) {
    const cm_op op = {.key = "k", .key_len = 1};
    cm_explanation_free(NULL);
    REFUSED(cm_explain(NULL, &op, sizeof op, &explanation, &error));
    CHECK(explanation == NULL);
    REFUSED(cm_explain(client, NULL, sizeof op, &explanation, &error));
    CHECK(explanation == NULL);
    REFUSED(cm_explain(client, &op, sizeof op, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_explain(NULL, &op, sizeof op, &explanation, NULL));
}

static void queues(void) {
    cm_op op = {.kind = CM_OP_GET, .key = "k", .key_len = 1};
    cm_completion done;
    REFUSED(cm_queue_new(NULL, &queue, &error));
    CHECK(queue == NULL);
    REFUSED(cm_queue_new(client, NULL, &error));
    poison_outs();
    CHECK_STATUS(CM_OK, cm_queue_new(client, &queue, &error));
    cm_queue *made_queue = queue;
    REFUSED(cm_queue_submit(NULL, &op, sizeof op, 1, 0, 1, &error));
    REFUSED(cm_queue_submit(made_queue, NULL, sizeof op, 1, 0, 1, &error));
    REFUSED(cm_queue_submit(made_queue, &op, sizeof op - 1, 1, 0, 1, &error));
    REFUSED(cm_queue_drive(NULL, &done, sizeof done, 1, &length, &error));
    CHECK(length == 0);
    REFUSED(cm_queue_drive(made_queue, NULL, sizeof done, 1, &length, &error));
    REFUSED(cm_queue_drive(made_queue, &done, sizeof done - 1, 1, &length, &error));
    REFUSED(cm_queue_drive(made_queue, &done, sizeof done, 1, NULL, &error));
    CHECK_STATUS(CM_OK, cm_queue_drive(made_queue, NULL, sizeof done, 0, &length, NULL));
    CHECK(length == 0);
    REFUSED(cm_queue_cancel(NULL, 1, &error));
    CHECK(cm_queue_fd(NULL) == -1 && cm_queue_fd(made_queue) >= 0);
    cm_queue_free(made_queue);
    cm_queue_free(NULL);
}

static void snapshots(void) {
    REFUSED(cm_servers_snapshot(NULL, &servers, &error));
    CHECK(servers == NULL);
    REFUSED(cm_servers_snapshot(client, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_servers_snapshot(NULL, &servers, NULL));
    CHECK(cm_servers_count(NULL) == 0);
    CHECK(cm_servers_at(NULL, 0) == NULL);
    cm_servers_free(NULL);

    REFUSED(cm_metrics_prometheus(NULL, &text, &error));
    CHECK(text == NULL);
    REFUSED(cm_metrics_prometheus(client, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_metrics_prometheus(NULL, &text, NULL));
    cm_text_free(NULL);
}

static void taken_events(void) {
    REFUSED(cm_events_take(NULL, &events, &error));
    CHECK(events == NULL);
    REFUSED(cm_events_take(client, NULL, &error));
    CHECK_STATUS(CM_ERR_ARGUMENT, cm_events_take(NULL, &events, NULL));
    CHECK(cm_events_count(NULL) == 0);
    CHECK(cm_events_at(NULL, 0) == NULL);
    CHECK(cm_events_dropped(NULL) == 0);
    cm_events_free(NULL);
}

int main(void) {
    client = client_open("127.0.0.1:1", "");
    RUN(explanations);
    RUN(queues);
    RUN(snapshots);
    RUN(taken_events);
    cm_client_free(client);
    return finish();
}
