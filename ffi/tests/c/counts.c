/* Each count says what its field says: all of them differ. */

#include "check.h"

static ringmain_hub clocked_hub(void)
{
    ringmain_hub_options options = {.size = sizeof options, .manual_clock = RINGMAIN_FLAG_ON};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory_with(&options, &hub));
    return hub;
}

static void send_text(ringmain_queue queue, const char *text, uint64_t delay_ms)
{
    ringmain_message message = text_message(text);
    message.delay_ms = delay_ms;
    OK(ringmain_queue_send(queue, &message, NULL));
}

static ringmain_delivery receive(ringmain_queue queue)
{
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, WAIT_MS, &delivery));
    CHECK(delivery != 0);
    return delivery;
}

void test_counts_of_a_queue(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue_options options = {.size = sizeof options,
                                      .dead_letter = "dead",
                                      .max_failures = 3,
                                      .lease_ms = 1000,
                                      .retry_base_ms = 1,
                                      .retry_cap_ms = 1,
                                      .retry_jitter = RINGMAIN_JITTER_NONE};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    /* One that dies, one that fails twice and is acked then, and four that are acked at once. */
    ringmain_delivery delivery;
    send_text(queue, "dies", 0);
    delivery = receive(queue);
    OK(ringmain_delivery_reject(delivery, "no", 2));
    OK(ringmain_delivery_close(delivery));
    send_text(queue, "fails", 0);
    for (int time = 0; time < 2; time++) {
        delivery = receive(queue);
        OK(ringmain_delivery_fail(delivery, "no", 2, 0));
        OK(ringmain_delivery_close(delivery));
    }
    delivery = receive(queue);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    for (int index = 0; index < 4; index++)
        send_text(queue, "acked", 0);
    for (int index = 0; index < 4; index++) {
        delivery = receive(queue);
        OK(ringmain_delivery_ack(delivery));
        OK(ringmain_delivery_close(delivery));
    }
    /* Now: 3 leased, 4 scheduled, 6 ready. */
    for (int index = 0; index < 9; index++)
        send_text(queue, "stays", 0);
    for (int index = 0; index < 4; index++)
        send_text(queue, "later", 3600000);
    ringmain_delivery leased[3] = {receive(queue), receive(queue), receive(queue)};
    ringmain_queue_stats stats = {.size = sizeof stats};
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.leased == 3 && stats.scheduled == 4 && stats.ready == 6);
    CHECK(stats.sent_total == 19 && stats.acked_total == 5 && stats.failures_total == 2 && stats.dead_total == 1);
    CHECK(stats.redeliveries_total == 2 && stats.leases_expired_total == 0 && stats.dropped_total == 0);
    OK(ringmain_hub_advance(hub, 2000));
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.leased == 0 && stats.leases_expired_total == 3 && stats.dropped_total == 0);
    for (int index = 0; index < 3; index++)
        OK(ringmain_delivery_close(leased[index]));

    /* What dies in a queue without dead letters is dropped. */
    ringmain_queue_options drop = {.size = sizeof drop, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue dropping = 0;
    OK(ringmain_queue_open(hub, "drop", &drop, &dropping));
    send_text(dropping, "dies", 0);
    delivery = receive(dropping);
    OK(ringmain_delivery_reject(delivery, "no", 2));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_stats_get(dropping, &stats));
    CHECK(stats.dropped_total == 1 && stats.dead_total == 0);
    OK(ringmain_queue_close(dropping));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* What a handler does the message says: one letter. The place of a job is used again for the next: none is left behind. */
static int32_t obey(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    ringmain_job *last = context;
    CHECK(*last == 0 || (*last != job && (*last & 0xffffff) == (job & 0xffffff)));
    *last = job;
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_job_get(job, &info));
    switch (*(const char *)info.value) {
    case 'f':
        outcome->kind = RINGMAIN_OUTCOME_FAIL;
        break;
    case 'l':
        outcome->kind = RINGMAIN_OUTCOME_RELEASE;
        outcome->delay_ms = 3600000;
        break;
    case 'j':
        outcome->kind = RINGMAIN_OUTCOME_REJECT;
        break;
    case 's':
        OK(ringmain_job_ack(job));
        break;
    }
    return 0;
}

void test_counts_of_a_worker(void)
{
    ringmain_hub hub = 0;
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "dead", .max_failures = 1};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    for (const char *told = "aaaaaffffllljjs"; *told; told++) {
        char text[2] = {*told, 0};
        send_text(queue, text, 0);
    }
    ringmain_worker worker = 0;
    ringmain_job last = 0;
    ringmain_worker_options how = {.size = sizeof how, .handler = obey, .context = &last};
    OK(ringmain_worker_start(queue, &how, &worker));
    ringmain_worker_stats stats = {.size = sizeof stats};
    do {
        OK(ringmain_worker_stats_get(worker, &stats));
    } while (stats.acked_total + stats.failed_total + stats.released_total + stats.rejected_total +
                 stats.settled_by_handler_total <
             15);
    CHECK(stats.acked_total == 5 && stats.failed_total == 4 && stats.released_total == 3);
    CHECK(stats.rejected_total == 2 && stats.settled_by_handler_total == 1);
    CHECK(stats.waiting == 0 && stats.running == 0 && stats.lost_total == 0 && stats.returned_total == 0);
    OK(ringmain_worker_close(worker, WAIT_MS));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_counts_of_a_stream(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_stream stream = 0;
    ringmain_stream_options options = {.size = sizeof options, .partitions = 2, .count_max = 5};
    OK(ringmain_stream_open(hub, "s", &options, &stream));
    ringmain_message message = text_message("ten bytes.");
    for (int index = 0; index < 7; index++)
        OK(ringmain_stream_append_to(stream, 1, &message, NULL));
    ringmain_partition_stats partition = {.size = sizeof partition};
    OK(ringmain_stream_stats_get(stream, 1, &partition));
    CHECK(partition.start == 2 && partition.end == 7 && partition.records == 5);
    CHECK(partition.bytes >= 50);

    /* Three members of two partitions: one is idle. */
    ringmain_member members[3] = {0};
    for (int index = 0; index < 3; index++)
        OK(ringmain_group_join(stream, "g", RINGMAIN_START_EARLIEST, 0, &members[index]));
    OK(ringmain_hub_advance(hub, 60000));
    ringmain_group_stats group = {.size = sizeof group};
    OK(ringmain_group_stats_get(stream, "g", &group));
    CHECK(group.lag == 5 && group.lag_age_ms == 60000 && group.members == 3);
    CHECK(group.away_members == 0 && group.idle_members + group.revoking_partitions <= 3);
    CHECK(group.generation >= 3);
    ringmain_partition_lag lag = {.size = sizeof lag};
    OK(ringmain_group_partition_lag(stream, "g", 1, &lag));
    CHECK(lag.records == 5 && lag.age_ms == 60000);
    OK(ringmain_group_partition_lag(stream, "g", 0, &lag));
    CHECK(lag.records == 0 && lag.age_ms == 0);
    CHECK(ringmain_group_partition_lag(stream, "g", 2, &lag) == RINGMAIN_ERROR_INVALID_ARGUMENT);
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_group_stats_get(stream, "none", &group));
    CHECK(group.members == 0 && group.lag == 0);
    for (int index = 0; index < 3; index++)
        OK(ringmain_member_leave(members[index]));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
