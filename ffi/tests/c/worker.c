/* Workers, whose handlers are called by threads of the library; consumers; tables. */

#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <pthread.h>

/* What handlers did. Waits of the tests end when `handled` has come to what they want. */
struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int handled;
    int handed_over;
    ringmain_queue queue;
    char reason[64];
};

static struct seen new_seen(void)
{
    struct seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    return seen;
}

static int count_one(struct seen *seen)
{
    pthread_mutex_lock(&seen->mutex);
    int number = ++seen->handled;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
    return number;
}

static void wait_for(struct seen *seen, int handled)
{
    pthread_mutex_lock(&seen->mutex);
    while (seen->handled < handled)
        pthread_cond_wait(&seen->changed, &seen->mutex);
    pthread_mutex_unlock(&seen->mutex);
}

static ringmain_hub open_queue(ringmain_queue *queue)
{
    ringmain_hub hub = 0;
    ringmain_queue_options options = {
        .size = sizeof options, .dead_letter = "jobs.dead", .max_failures = 1, .retry_jitter = RINGMAIN_JITTER_NONE};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "jobs", &options, queue));
    return hub;
}

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_queue_send(queue, &message, NULL));
}

/* Does with a message what its value says. */
static int32_t do_as_told(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    struct seen *seen = context;
    ringmain_message_info info = {.size = sizeof info};
    int32_t answer = 0;
    int32_t flag = 7;
    OK(ringmain_job_get(job, &info));
    OK(ringmain_job_is_lost(job, &flag));
    CHECK(flag == 0);
    OK(ringmain_job_is_cancelled(job, &flag));
    CHECK(flag == 0);
    OK(ringmain_job_extend(job, 60000));
    CHECK(outcome->size == sizeof *outcome && outcome->kind == RINGMAIN_OUTCOME_ACK);
    if (is_text(info.value, info.value_bytes, "fail")) {
        outcome->kind = RINGMAIN_OUTCOME_FAIL;
        snprintf(outcome->reason, sizeof outcome->reason, "no tail in %s", "N14228");
    } else if (is_text(info.value, info.value_bytes, "hand on")) {
        answer = ringmain_queue_send(1, NULL, NULL);
    } else if (is_text(info.value, info.value_bytes, "reject")) {
        outcome->kind = RINGMAIN_OUTCOME_REJECT;
    } else if (is_text(info.value, info.value_bytes, "release")) {
        outcome->kind = RINGMAIN_OUTCOME_RELEASE;
        outcome->delay_ms = 3600 * 1000;
    } else if (is_text(info.value, info.value_bytes, "ack")) {
        OK(ringmain_job_ack(job));
    }
    count_one(seen);
    return answer;
}

/* The next letter has this value and this reason. */
static void expect_letter(ringmain_queue dead, const char *value, const char *reason)
{
    ringmain_delivery delivery = 0;
    ringmain_message_info info = {.size = sizeof info};
    ringmain_header header;
    OK(ringmain_queue_receive(dead, WAIT_MS, &delivery));
    OK(ringmain_delivery_get(delivery, &info));
    CHECK(is_text(info.value, info.value_bytes, value));
    OK(ringmain_delivery_header(delivery, "rm-dead-error", &header));
    CHECK(header.value != NULL && header.value_bytes >= strlen(reason) &&
          memcmp(header.value, reason, strlen(reason)) == 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
}

void test_worker_settles_as_its_handler_says(void)
{
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    ringmain_hub hub = open_queue(&queue);
    struct seen seen = new_seen();
    ringmain_worker worker = 0;
    ringmain_worker_options options = {.size = sizeof options, .handler = do_as_told, .context = &seen};
    const char *const texts[] = {"done", "fail", "hand on", "reject", "release", "ack"};
    for (int index = 0; index < 6; index++)
        send_text(queue, texts[index]);
    OK(ringmain_worker_start(queue, &options, &worker));
    wait_for(&seen, 6);
    OK(ringmain_queue_open(hub, "jobs.dead", NULL, &dead));
    expect_letter(dead, "fail", "no tail in N14228");
    expect_letter(dead, "hand on", "");
    expect_letter(dead, "reject", "the handler gave no reason");
    OK(ringmain_worker_error(worker));
    OK(ringmain_worker_close(worker, WAIT_MS));
    INVALID_HANDLE(ringmain_worker_close(worker, 0));
    OK(ringmain_worker_close(0, 0));
    ringmain_queue_stats stats = {.size = sizeof stats};
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.scheduled == 1 && stats.ready == 0 && stats.leased == 0 && stats.acked_total == 2);

    options.handler = NULL;
    INVALID_ARGUMENT(ringmain_worker_start(queue, &options, &worker));
    options.handler = do_as_told;
    options.concurrency = 1025;
    INVALID_ARGUMENT(ringmain_worker_start(queue, &options, &worker));
    INVALID_ARGUMENT(ringmain_worker_start(queue, NULL, &worker));
    CHECK(worker == 0);
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* Keeps its number of calls waiting until another handler has been called. */
static int32_t meet(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    (void)job;
    (void)outcome;
    count_one(context);
    wait_for(context, 3);
    return 0;
}

static ringmain_job escaped;

/* Uses a job until it is nobody's. */
static void *use_up(void *context)
{
    int32_t flag = 0;
    int32_t code = 0;
    while (code == RINGMAIN_OK)
        code = ringmain_job_is_cancelled(escaped, &flag);
    CHECK(code == RINGMAIN_ERROR_INVALID_HANDLE);
    return context;
}

static pthread_t user;

static int32_t escape(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    (void)outcome;
    escaped = job;
    CHECK(pthread_create(&user, NULL, use_up, NULL) == 0);
    count_one(context);
    return 0;
}

static int32_t is_alive(void *context, ringmain_job job)
{
    (void)context;
    (void)job;
    return 1;
}

void test_worker_runs_several_and_takes_jobs_back(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);
    struct seen seen = new_seen();
    ringmain_worker worker = 0;
    ringmain_worker_options options = {.size = sizeof options,
                                       .handler = meet,
                                       .liveness = is_alive,
                                       .context = &seen,
                                       .concurrency = 3,
                                       .prefetch = RINGMAIN_ZERO,
                                       .lease_total_max_ms = RINGMAIN_ZERO};
    for (int index = 0; index < 3; index++)
        send_text(queue, "x");
    OK(ringmain_worker_start(queue, &options, &worker));
    wait_for(&seen, 3);
    OK(ringmain_worker_close(worker, WAIT_MS));

    /* A job is nobody's when its handler has returned. */
    struct seen later = new_seen();
    options = (ringmain_worker_options){.size = sizeof options, .handler = escape, .context = &later};
    send_text(queue, "x");
    OK(ringmain_worker_start(queue, &options, &worker));
    wait_for(&later, 1);
    CHECK(pthread_join(user, NULL) == 0);
    OK(ringmain_worker_close(worker, WAIT_MS));
    ringmain_message_info info = {.size = sizeof info};
    INVALID_HANDLE(ringmain_job_get(escaped, &info));
    INVALID_HANDLE(ringmain_job_ack(escaped));
    INVALID_HANDLE(ringmain_delivery_ack(escaped));

    /* What it took ahead it hands back when it is closed, though a handler is still running. */
    struct seen busy = new_seen();
    options = (ringmain_worker_options){.size = sizeof options, .handler = meet, .context = &busy, .prefetch = 2};
    for (int index = 0; index < 4; index++)
        send_text(queue, "x");
    OK(ringmain_worker_start(queue, &options, &worker));
    wait_for(&busy, 1);
    ringmain_worker_stats stats = {.size = sizeof stats};
    do {
        OK(ringmain_worker_stats_get(worker, &stats));
    } while (stats.waiting < 2);
    CHECK(stats.waiting == 2 && stats.running == 1 && stats.returned_total == 0);
    CHECK_CODE(RINGMAIN_ERROR_TIMEOUT, ringmain_worker_close(worker, 0));
    do {
        OK(ringmain_worker_stats_get(worker, &stats));
    } while (stats.returned_total < 2 && stats.lost_total == 0);
    CHECK(stats.returned_total == 2 && stats.lost_total == 0 && stats.running == 1);
    count_one(&busy);
    count_one(&busy);
    OK(ringmain_worker_close(worker, WAIT_MS));
    options = (ringmain_worker_options){.size = sizeof options, .handler = escape, .context = &later};
    OK(ringmain_queue_purge(queue, NULL));

    /* When its hub is closed a worker ends, and says so. */
    OK(ringmain_worker_start(queue, &options, &worker));
    OK(ringmain_hub_close(hub, WAIT_MS));
    OK(ringmain_worker_close(worker, WAIT_MS));
    OK(ringmain_queue_close(queue));
}

static int32_t handle_records(void *context, ringmain_records records, size_t count, ringmain_outcome *outcome)
{
    struct seen *seen = context;
    int is_bad = 0;
    for (size_t index = 0; index < count; index++) {
        ringmain_record record = {.size = sizeof record};
        OK(ringmain_records_get(records, index, &record));
        is_bad |= is_text(record.value, record.value_bytes, "bad");
    }
    if (is_bad) {
        outcome->kind = RINGMAIN_OUTCOME_FAIL;
        snprintf(outcome->reason, sizeof outcome->reason, "bad value");
    } else {
        for (size_t index = 0; index < count; index++)
            count_one(seen);
    }
    return 0;
}

static int32_t take_over(void *context, ringmain_records records, const char *reason, size_t reason_bytes)
{
    struct seen *seen = context;
    ringmain_record record = {.size = sizeof record};
    OK(ringmain_records_get(records, 0, &record));
    CHECK(is_text(record.value, record.value_bytes, "bad"));
    snprintf(seen->reason, sizeof seen->reason, "%.*s", (int)reason_bytes, reason);
    seen->handed_over++;
    return 0;
}

static int32_t refuse(void *context, ringmain_records records, const char *reason, size_t reason_bytes)
{
    (void)context;
    (void)records;
    (void)reason;
    (void)reason_bytes;
    return ringmain_hub_flush(1);
}

static int32_t answer_five(void *context, ringmain_records records, size_t count, ringmain_outcome *outcome)
{
    (void)context, (void)records, (void)count, (void)outcome;
    return 5;
}

static int32_t take_reason(void *context, ringmain_records records, const char *reason, size_t reason_bytes)
{
    struct seen *seen = context;
    (void)records;
    if (count_one(seen) == 1)
        snprintf(seen->reason, sizeof seen->reason, "%.*s", (int)reason_bytes, reason);
    return 0;
}

static void append_text(ringmain_stream stream, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_stream_append(stream, &message, NULL));
}

void test_worker_of_a_stream(void)
{
    ringmain_hub hub = 0;
    ringmain_stream stream = 0;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "flights", NULL, &stream));
    struct seen seen = new_seen();
    ringmain_stream_worker worker = 0;
    ringmain_stream_worker_options options = {.size = sizeof options,
                                              .handler = handle_records,
                                              .hand_over = take_over,
                                              .context = &seen,
                                              .max_failures = 2,
                                              .retry_delay_ms = RINGMAIN_ZERO,
                                              .retry_delay_max_ms = RINGMAIN_ZERO,
                                              .on_failed = RINGMAIN_ON_FAILED_HAND_OVER};
    append_text(stream, "good");
    append_text(stream, "bad");
    append_text(stream, "good");
    OK(ringmain_stream_worker_start(stream, "billing", &options, &worker));
    wait_for(&seen, 2);
    OK(ringmain_stream_worker_error(worker));
    OK(ringmain_stream_worker_close(worker, WAIT_MS));
    CHECK(seen.handed_over == 1 && strcmp(seen.reason, "bad value") == 0);
    uint64_t lag = 7;
    OK(ringmain_group_lag(stream, "billing", &lag));
    CHECK(lag == 0);

    /* Batches; what has failed too often is left out. */
    struct seen batched = new_seen();
    options.hand_over = NULL;
    options.context = &batched;
    options.on_failed = RINGMAIN_ON_FAILED_SKIP;
    options.batch_max = 10;
    options.concurrency = 2;
    OK(ringmain_stream_worker_start(stream, "loading", &options, &worker));
    append_text(stream, "good");
    ringmain_stream_worker_stats stats = {.size = sizeof stats};
    do {
        OK(ringmain_stream_worker_stats_get(worker, &stats));
    } while (stats.done_total + stats.skipped_total < 4);
    OK(ringmain_stream_worker_close(worker, WAIT_MS));
    CHECK(stats.skipped_total >= 1);

    /* A sink that refuses stops the worker, with the error of the call that failed in it. */
    options.on_failed = RINGMAIN_ON_FAILED_HAND_OVER;
    options.hand_over = refuse;
    OK(ringmain_stream_worker_start(stream, "stopping", &options, &worker));
    while (ringmain_stream_worker_error(worker) == RINGMAIN_OK) {
    }
    INVALID_HANDLE(ringmain_stream_worker_error(worker));
    OK(ringmain_stream_worker_close(worker, WAIT_MS));

    /* A handler that answers a number has failed, though its outcome says nothing of that. */
    struct seen answering = new_seen();
    options.handler = answer_five;
    options.hand_over = take_reason;
    options.context = &answering;
    OK(ringmain_stream_worker_start(stream, "answering", &options, &worker));
    wait_for(&answering, 1);
    OK(ringmain_stream_worker_close(worker, WAIT_MS));
    CHECK(strcmp(answering.reason, "the handler returned 5") == 0);
    options.handler = handle_records;

    options.hand_over = NULL;
    INVALID_ARGUMENT(ringmain_stream_worker_start(stream, "x", &options, &worker));
    options.on_failed = 3;
    INVALID_ARGUMENT(ringmain_stream_worker_start(stream, "x", &options, &worker));
    options.on_failed = 0;
    options.handler = NULL;
    INVALID_ARGUMENT(ringmain_stream_worker_start(stream, "x", &options, &worker));
    CHECK(worker == 0);
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_consumer_takes_ahead_and_acks_up_to(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);
    ringmain_consumer consumer = 0;
    ringmain_delivery deliveries[3] = {0};
    OK(ringmain_consumer_open(queue, 8, &consumer));
    OK(ringmain_consumer_receive(consumer, 0, &deliveries[0]));
    CHECK(deliveries[0] == 0);
    for (int index = 0; index < 4; index++)
        send_text(queue, "x");
    for (int index = 0; index < 3; index++) {
        OK(ringmain_consumer_receive(consumer, WAIT_MS, &deliveries[index]));
        CHECK(deliveries[index] != 0);
    }

    /* The first two; the fourth was taken ahead, and comes back when the consumer is closed. */
    OK(ringmain_consumer_ack_up_to(consumer, deliveries[1]));
    INVALID_ARGUMENT(ringmain_consumer_ack_up_to(consumer, deliveries[1]));
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_delivery_ack(deliveries[0]));
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(deliveries[2], &info));
    OK(ringmain_delivery_defer(deliveries[2]));
    uint64_t id = info.id;
    for (int index = 0; index < 3; index++)
        OK(ringmain_delivery_close(deliveries[index]));
    OK(ringmain_consumer_receive_deferred(consumer, id, &deliveries[2]));
    CHECK(deliveries[2] != 0);
    OK(ringmain_consumer_close(consumer));
    INVALID_HANDLE(ringmain_consumer_receive(consumer, 0, &deliveries[0]));
    OK(ringmain_delivery_ack(deliveries[2]));
    OK(ringmain_delivery_close(deliveries[2]));
    ringmain_queue_stats stats = {.size = sizeof stats};
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.acked_total == 3 && stats.ready == 1 && stats.leased == 0);
    INVALID_ARGUMENT(ringmain_consumer_open(queue, 0, &consumer));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_table_has_the_last_of_each_key(void)
{
    ringmain_hub hub = 0;
    ringmain_stream stream = 0;
    ringmain_stream_options options = {
        .size = sizeof options, .compaction = RINGMAIN_COMPACTION_LATEST_ONLY, .keys_max = 10};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "gates", &options, &stream));
    const char *const gates[][2] = {{"UA1", "C71"}, {"UA2", "C73"}, {"UA1", "C75"}};
    for (int index = 0; index < 3; index++) {
        ringmain_message message = text_message(gates[index][1]);
        message.key = gates[index][0];
        message.key_bytes = 3;
        OK(ringmain_stream_append(stream, &message, NULL));
    }
    ringmain_table table = 0;
    ringmain_table_scan scan = 0;
    ringmain_records records = 0;
    ringmain_record record = {.size = sizeof record};
    size_t count = 0;
    OK(ringmain_table_open(stream, &table));
    OK(ringmain_table_count(table, &count));
    CHECK(count == 2);
    OK(ringmain_table_get(table, "UA1", 3, &records, &count));
    CHECK(count == 1);
    OK(ringmain_records_get(records, 0, &record));
    CHECK(is_text(record.value, record.value_bytes, "C75"));
    OK(ringmain_records_close(records));
    OK(ringmain_table_get(table, "UA9", 3, &records, &count));
    CHECK(records == 0 && count == 0);

    OK(ringmain_table_scan_open(table, &scan));
    OK(ringmain_table_close(table));
    OK(ringmain_table_scan_next(scan, 1, &records, &count));
    OK(ringmain_records_get(records, 0, &record));
    CHECK(count == 1 && is_text(record.key, record.key_bytes, "UA2"));
    OK(ringmain_records_close(records));
    OK(ringmain_table_scan_next(scan, 10, &records, &count));
    CHECK(count == 1);
    OK(ringmain_records_close(records));
    OK(ringmain_table_scan_next(scan, 10, &records, &count));
    CHECK(records == 0);
    OK(ringmain_table_scan_close(scan));

    /* A stream that is not compacted has none. */
    ringmain_stream plain = 0;
    OK(ringmain_stream_open(hub, "plain", NULL, &plain));
    INVALID_ARGUMENT(ringmain_table_open(plain, &table));
    OK(ringmain_stream_close(plain));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
