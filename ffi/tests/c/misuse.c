/* What a caller may do wrong: each is answered by a code, and nothing crashes. */

#include "check.h"

/* Only in libraries built for tests: panics, with the handle that it is told. */
int32_t ringmain_test_panic(uint64_t handle);

static ringmain_hub memory_hub(void)
{
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    return hub;
}

static ringmain_queue drop_queue(ringmain_hub hub, const char *name)
{
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_queue_open(hub, name, &options, &queue));
    return queue;
}

static uint32_t choose_none(void *context, const void *key, size_t key_bytes, const void *value, size_t value_bytes,
                            uint32_t partition_count)
{
    (void)context, (void)key, (void)key_bytes, (void)value, (void)value_bytes;
    return partition_count;
}

/* Every function that takes a handle, with one that is not good. */
static void refuses(uint64_t bad)
{
    char name[] = "x";
    uint64_t handle;
    uint64_t number;
    uint32_t partitions[4];
    size_t count;
    int32_t codes[1];
    ringmain_header header;
    ringmain_position position;
    ringmain_message message = text_message("x");
    ringmain_message_info info = {.size = sizeof info};
    ringmain_record record = {.size = sizeof record};
    ringmain_snapshot snapshot = {.size = sizeof snapshot};
    const char *text = NULL;
    ringmain_queue_stats queue_stats = {.size = sizeof queue_stats};
    ringmain_partition_stats partition_stats = {.size = sizeof partition_stats};
    ringmain_group_stats group_stats = {.size = sizeof group_stats};
    ringmain_partition_lag partition_lag = {.size = sizeof partition_lag};
    ringmain_sent sent;
    ringmain_worker_options worker_options = {.size = sizeof worker_options};
    ringmain_worker_stats worker_stats = {.size = sizeof worker_stats};
    ringmain_stream_worker_options stream_worker_options = {.size = sizeof stream_worker_options};
    ringmain_stream_worker_stats stream_worker_stats = {.size = sizeof stream_worker_stats};

    INVALID_HANDLE(ringmain_hub_flush(bad));
    INVALID_HANDLE(ringmain_hub_advance(bad, 1));
    INVALID_HANDLE(ringmain_hub_now(bad, &number));
    INVALID_HANDLE(ringmain_hub_queues(bad, &handle));
    INVALID_HANDLE(ringmain_hub_streams(bad, &handle));
    INVALID_HANDLE(ringmain_hub_queue_info(bad, name, &handle));
    INVALID_HANDLE(ringmain_hub_stream_info(bad, name, &handle));
    INVALID_HANDLE(ringmain_hub_stats(bad, &handle));
    INVALID_HANDLE(ringmain_hub_prometheus(bad, &handle));
    INVALID_HANDLE(ringmain_hub_delete_queue(bad, name));
    INVALID_HANDLE(ringmain_hub_delete_stream(bad, name));
    INVALID_HANDLE(ringmain_hub_snapshot(bad, name, NULL, NULL, &snapshot));
    INVALID_HANDLE(ringmain_hub_schedule(bad, name, NULL));
    INVALID_HANDLE(ringmain_hub_schedules(bad, &handle));
    INVALID_HANDLE(ringmain_hub_schedule_info(bad, name, &handle));
    INVALID_HANDLE(ringmain_hub_schedule_pause(bad, name));
    INVALID_HANDLE(ringmain_hub_schedule_resume(bad, name));
    INVALID_HANDLE(ringmain_hub_schedule_delete(bad, name));
    INVALID_HANDLE(ringmain_text_get(bad, &text, &count));
    INVALID_HANDLE(ringmain_queue_open(bad, name, NULL, &handle));
    INVALID_HANDLE(ringmain_stream_open(bad, name, NULL, &handle));

    INVALID_HANDLE(ringmain_queue_send(bad, &message, &number));
    INVALID_HANDLE(ringmain_queue_send_batch(bad, &message, 1, &number));
    INVALID_HANDLE(ringmain_queue_receive(bad, 0, &handle));
    INVALID_HANDLE(ringmain_queue_receive_batch(bad, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_queue_ack_batch(bad, &handle, 1, codes));
    INVALID_HANDLE(ringmain_queue_stats_get(bad, &queue_stats));
    INVALID_HANDLE(ringmain_queue_peek(bad, 0, 1, &handle, &count));
    INVALID_HANDLE(ringmain_queue_send_unique(bad, &message, &sent));
    INVALID_HANDLE(ringmain_queue_submit(bad, &message, &handle));
    INVALID_HANDLE(ringmain_queue_submit_batch(bad, &message, 1, &handle));
    INVALID_HANDLE(ringmain_queue_receive_with(bad, 1, 1, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_queue_receive_with_lease(bad, 1, 0, 1000, &handle, &count));
    INVALID_HANDLE(ringmain_queue_receive_deferred(bad, 1, &handle));
    INVALID_HANDLE(ringmain_queue_fail_batch(bad, &handle, 1, name, 1, codes));
    INVALID_HANDLE(ringmain_queue_release_batch(bad, &handle, 1, codes));

    INVALID_HANDLE(ringmain_receipt_wait(bad, 0, codes));
    INVALID_HANDLE(ringmain_receipt_sent(bad, 0, &sent));
    INVALID_HANDLE(ringmain_receipt_position(bad, 0, &position));
    INVALID_HANDLE(ringmain_receipt_is_duplicate(bad, codes));

    INVALID_HANDLE(ringmain_consumer_open(bad, 1, &handle));
    INVALID_HANDLE(ringmain_consumer_receive(bad, 0, &handle));
    INVALID_HANDLE(ringmain_consumer_receive_deferred(bad, 1, &handle));
    INVALID_HANDLE(ringmain_consumer_ack_up_to(bad, bad));

    INVALID_HANDLE(ringmain_job_get(bad, &info));
    INVALID_HANDLE(ringmain_job_header(bad, name, &header));
    INVALID_HANDLE(ringmain_job_header_at(bad, 0, &header));
    INVALID_HANDLE(ringmain_job_is_lost(bad, codes));
    INVALID_HANDLE(ringmain_job_is_cancelled(bad, codes));
    INVALID_HANDLE(ringmain_job_ack(bad));
    INVALID_HANDLE(ringmain_job_extend(bad, 1000));
    INVALID_HANDLE(ringmain_worker_start(bad, &worker_options, &handle));
    INVALID_HANDLE(ringmain_worker_error(bad));
    INVALID_HANDLE(ringmain_worker_stats_get(bad, &worker_stats));

    int32_t flag;
    ringmain_packed_message packed_message;
    ringmain_packed_record packed_record;
    INVALID_HANDLE(ringmain_queue_receive_packed(bad, name, 1, &packed_message, 1, 0, &count));
    INVALID_HANDLE(ringmain_queue_ack_packed(bad, &number, 1, codes));
    INVALID_HANDLE(ringmain_queue_fail_packed(bad, &number, 1, name, 1, codes));
    INVALID_HANDLE(ringmain_queue_release_packed(bad, &number, 1, codes));
    INVALID_HANDLE(ringmain_queue_unpack(bad, 0, &handle));
    INVALID_HANDLE(ringmain_queue_fd(bad, &flag));
    INVALID_HANDLE(ringmain_queue_arm(bad, &flag));
    INVALID_HANDLE(ringmain_queue_cancel(bad, 0, codes));
    INVALID_HANDLE(ringmain_queue_cancel_now(bad, 0, codes));
    INVALID_HANDLE(ringmain_queue_reschedule(bad, 0, 0, codes));
    INVALID_HANDLE(ringmain_queue_reschedule_at(bad, 0, 0, codes));
    INVALID_HANDLE(ringmain_queue_purge(bad, &number));
    INVALID_HANDLE(ringmain_queue_purge_all(bad, &number));
    INVALID_HANDLE(ringmain_queue_pause(bad));
    INVALID_HANDLE(ringmain_queue_resume(bad));
    INVALID_HANDLE(ringmain_queue_resume_group(bad, name, 1, codes));
    INVALID_HANDLE(ringmain_queue_set_weight(bad, name, 1, 1));
    INVALID_HANDLE(ringmain_queue_explain(bad, 0, &handle));
    INVALID_HANDLE(ringmain_queue_finished(bad, 0, 1, &handle));
    INVALID_HANDLE(ringmain_queue_breaches(bad, &handle));
    INVALID_HANDLE(ringmain_queue_halted_groups(bad, &handle));
    INVALID_HANDLE(ringmain_queue_stats_all(bad, &handle));
    INVALID_HANDLE(ringmain_queue_desired_workers(bad, 1, &number));
    INVALID_HANDLE(ringmain_dead_letters_peek(bad, NULL, 1, &handle, &count));
    INVALID_HANDLE(ringmain_dead_letters_redrive(bad, NULL, NULL, &number));
    INVALID_HANDLE(ringmain_dead_letters_discard(bad, NULL, &number));

    INVALID_HANDLE(ringmain_delivery_get(bad, &info));
    INVALID_HANDLE(ringmain_delivery_header(bad, name, &header));
    INVALID_HANDLE(ringmain_delivery_header_at(bad, 0, &header));
    INVALID_HANDLE(ringmain_delivery_ack(bad));
    INVALID_HANDLE(ringmain_delivery_fail(bad, name, 1, RINGMAIN_DELAY_POLICY));
    INVALID_HANDLE(ringmain_delivery_release(bad, 0));
    INVALID_HANDLE(ringmain_delivery_reject(bad, name, 1));
    INVALID_HANDLE(ringmain_delivery_extend(bad, 1000));
    INVALID_HANDLE(ringmain_delivery_ack_with(bad, name, 1));
    INVALID_HANDLE(ringmain_delivery_fail_as(bad, name, 1, name, 1));
    INVALID_HANDLE(ringmain_delivery_rate_limited(bad, 0));
    INVALID_HANDLE(ringmain_delivery_defer(bad));
    INVALID_HANDLE(ringmain_delivery_is_cancelled(bad, codes));

    INVALID_HANDLE(ringmain_peeked_get(bad, 0, &info));
    INVALID_HANDLE(ringmain_peeked_header(bad, 0, name, &header));
    INVALID_HANDLE(ringmain_peeked_header_at(bad, 0, 0, &header));

    INVALID_HANDLE(ringmain_stream_partitions(bad, partitions));
    INVALID_HANDLE(ringmain_stream_append(bad, &message, &position));
    INVALID_HANDLE(ringmain_stream_append_batch(bad, &message, 1, &position));
    INVALID_HANDLE(ringmain_stream_stats_get(bad, 0, &partition_stats));
    INVALID_HANDLE(ringmain_stream_append_to(bad, 0, &message, &position));
    INVALID_HANDLE(ringmain_stream_append_batch_to(bad, 0, &message, 1, &position));
    INVALID_HANDLE(ringmain_stream_append_expecting(bad, 0, 0, &message, 1, &position));
    INVALID_HANDLE(ringmain_stream_submit(bad, &message, &handle));
    INVALID_HANDLE(ringmain_stream_submit_batch(bad, &message, 1, &handle));
    INVALID_HANDLE(ringmain_stream_submit_to(bad, 0, &message, &handle));
    INVALID_HANDLE(ringmain_stream_submit_batch_to(bad, 0, &message, 1, &handle));
    INVALID_HANDLE(ringmain_stream_offset_at_time(bad, 0, 0, &number));
    INVALID_HANDLE(ringmain_stream_scan_event_time(bad, 0, 0, &number));
    INVALID_HANDLE(ringmain_stream_compact(bad));
    INVALID_HANDLE(ringmain_stream_partitioner(bad, choose_none, NULL, &handle));
    INVALID_HANDLE(ringmain_stream_groups(bad, &handle));
    INVALID_HANDLE(ringmain_stream_producers(bad, &handle));
    INVALID_HANDLE(ringmain_stream_delete_group(bad, name));
    INVALID_HANDLE(ringmain_stream_delete_producer(bad, name));
    INVALID_HANDLE(ringmain_stream_worker_start(bad, name, &stream_worker_options, &handle));
    INVALID_HANDLE(ringmain_stream_worker_error(bad));
    INVALID_HANDLE(ringmain_stream_worker_stats_get(bad, &stream_worker_stats));

    INVALID_HANDLE(ringmain_producer_open(bad, name, &handle));
    INVALID_HANDLE(ringmain_producer_next_sequence(bad, &number));
    INVALID_HANDLE(ringmain_producer_epoch(bad, &number));
    INVALID_HANDLE(ringmain_producer_append(bad, 0, &message, 1, &position, codes));
    INVALID_HANDLE(ringmain_producer_submit(bad, 0, &message, 1, &handle));
    INVALID_HANDLE(ringmain_batcher_open(bad, NULL, &handle));
    INVALID_HANDLE(ringmain_batcher_send(bad, &message, &handle));
    INVALID_HANDLE(ringmain_batcher_flush(bad));

    INVALID_HANDLE(ringmain_table_open(bad, &handle));
    INVALID_HANDLE(ringmain_table_get(bad, name, 1, &handle, &count));
    INVALID_HANDLE(ringmain_table_count(bad, &count));
    INVALID_HANDLE(ringmain_table_scan_open(bad, &handle));
    INVALID_HANDLE(ringmain_table_scan_next(bad, 1, &handle, &count));

    INVALID_HANDLE(ringmain_reader_open(bad, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &handle));
    INVALID_HANDLE(ringmain_reader_poll(bad, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_reader_seek(bad, 0, 0));
    INVALID_HANDLE(ringmain_reader_open_with(bad, RINGMAIN_PARTITION_ALL, 0, 0, NULL, &handle));
    INVALID_HANDLE(ringmain_reader_fetch(bad, 1, 1, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_reader_poll_batch(bad, 1, 0, 0, &handle, &count));
    INVALID_HANDLE(ringmain_reader_is_done(bad, codes));
    INVALID_HANDLE(ringmain_reader_lag(bad, &number));
    INVALID_HANDLE(ringmain_reader_canceller(bad, &handle));
    INVALID_HANDLE(ringmain_canceller_cancel(bad));
    INVALID_HANDLE(ringmain_replay_open(bad, RINGMAIN_PARTITION_ALL, 0, 0, NULL, NULL, &handle));
    INVALID_HANDLE(ringmain_replay_next(bad, &handle, &count));
    INVALID_HANDLE(ringmain_replay_try_next(bad, &handle, &count));
    INVALID_HANDLE(ringmain_replay_due(bad, &number));
    INVALID_HANDLE(ringmain_replay_canceller(bad, &handle));
    INVALID_HANDLE(ringmain_reader_poll_packed(bad, name, 1, &packed_record, 1, 0, &count));
    INVALID_HANDLE(ringmain_reader_fd(bad, &flag));
    INVALID_HANDLE(ringmain_reader_arm(bad, &flag));

    INVALID_HANDLE(ringmain_records_get(bad, 0, &record));
    INVALID_HANDLE(ringmain_records_header(bad, 0, name, &header));
    INVALID_HANDLE(ringmain_records_header_at(bad, 0, 0, &header));

    INVALID_HANDLE(ringmain_group_join(bad, name, RINGMAIN_START_EARLIEST, 0, &handle));
    INVALID_HANDLE(ringmain_group_lag(bad, name, &number));
    INVALID_HANDLE(ringmain_member_poll(bad, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_member_poll_packed(bad, name, 1, &packed_record, 1, 0, &count));
    INVALID_HANDLE(ringmain_member_fd(bad, &flag));
    INVALID_HANDLE(ringmain_member_arm(bad, &flag));
    INVALID_HANDLE(ringmain_member_commit(bad));
    INVALID_HANDLE(ringmain_member_commit_offset(bad, 0, 0));
    INVALID_HANDLE(ringmain_member_seek(bad, 0, 0));
    INVALID_HANDLE(ringmain_member_assignment(bad, 4, partitions, &count));
    INVALID_HANDLE(ringmain_group_join_with(bad, name, NULL, &handle));
    INVALID_HANDLE(ringmain_group_committed(bad, name, 0, &number, codes));
    INVALID_HANDLE(ringmain_group_stats_get(bad, name, &group_stats));
    INVALID_HANDLE(ringmain_group_partition_lag(bad, name, 0, &partition_lag));
    INVALID_HANDLE(ringmain_member_fetch(bad, 1, 1, 1, 0, &handle, &count));
    INVALID_HANDLE(ringmain_member_poll_batch(bad, 1, 0, 0, &handle, &count));
    INVALID_HANDLE(ringmain_member_submit_commit(bad, &handle));
    INVALID_HANDLE(ringmain_member_done(bad, bad, 0));
    INVALID_HANDLE(ringmain_member_commit_done(bad));
    INVALID_HANDLE(ringmain_member_rewind(bad, 0, 0));
    INVALID_HANDLE(ringmain_member_revoking(bad, 4, partitions, &count));
    INVALID_HANDLE(ringmain_member_confirm_revoke(bad, 0));
    INVALID_HANDLE(ringmain_member_lag(bad, &number));
    INVALID_HANDLE(ringmain_member_processing(bad, &handle));
}

static void refuses_to_close(uint64_t bad)
{
    INVALID_HANDLE(ringmain_hub_close(bad, 0));
    INVALID_HANDLE(ringmain_queue_close(bad));
    INVALID_HANDLE(ringmain_text_close(bad));
    INVALID_HANDLE(ringmain_delivery_close(bad));
    INVALID_HANDLE(ringmain_peeked_close(bad));
    INVALID_HANDLE(ringmain_stream_close(bad));
    INVALID_HANDLE(ringmain_reader_close(bad));
    INVALID_HANDLE(ringmain_records_close(bad));
    INVALID_HANDLE(ringmain_member_leave(bad));
    INVALID_HANDLE(ringmain_receipt_close(bad));
    INVALID_HANDLE(ringmain_producer_close(bad));
    INVALID_HANDLE(ringmain_batcher_close(bad));
    INVALID_HANDLE(ringmain_canceller_close(bad));
    INVALID_HANDLE(ringmain_replay_close(bad));
    INVALID_HANDLE(ringmain_processing_close(bad));
    INVALID_HANDLE(ringmain_table_close(bad));
    INVALID_HANDLE(ringmain_table_scan_close(bad));
    INVALID_HANDLE(ringmain_consumer_close(bad));
    INVALID_HANDLE(ringmain_worker_close(bad, 0));
    INVALID_HANDLE(ringmain_stream_worker_close(bad, 0));
}

void test_handles(void)
{
    const uint64_t forged[] = {1, 42, UINT64_MAX, (uint64_t)(uintptr_t)&forged, UINT64_C(0x0100000001ffffff)};
    refuses(0);
    for (size_t index = 0; index < sizeof forged / sizeof forged[0]; index++) {
        refuses(forged[index]);
        refuses_to_close(forged[index]);
    }

    OK(ringmain_hub_close(0, 0));
    OK(ringmain_queue_close(0));
    OK(ringmain_delivery_close(0));
    OK(ringmain_peeked_close(0));
    OK(ringmain_stream_close(0));
    OK(ringmain_reader_close(0));
    OK(ringmain_records_close(0));
    OK(ringmain_member_leave(0));
    OK(ringmain_receipt_close(0));
    OK(ringmain_producer_close(0));
    OK(ringmain_batcher_close(0));
    OK(ringmain_canceller_close(0));
    OK(ringmain_replay_close(0));
    OK(ringmain_processing_close(0));
    OK(ringmain_table_close(0));
    OK(ringmain_table_scan_close(0));
    OK(ringmain_consumer_close(0));
    OK(ringmain_worker_close(0, 0));
    OK(ringmain_stream_worker_close(0, 0));

    /* Of another kind, closed twice, used after close, and its number never used again. */
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "handles");
    ringmain_message message = text_message("x");
    INVALID_HANDLE(ringmain_queue_send(hub, &message, NULL));
    INVALID_HANDLE(ringmain_hub_flush(queue));
    INVALID_HANDLE(ringmain_stream_close(queue));
    OK(ringmain_queue_send(queue, &message, NULL));
    OK(ringmain_queue_close(queue));
    INVALID_HANDLE(ringmain_queue_close(queue));
    refuses(queue);
    ringmain_queue again = drop_queue(hub, "handles");
    CHECK(again != queue);
    refuses(queue);

    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(again, 0, &delivery));
    CHECK(delivery != 0);
    INVALID_HANDLE(ringmain_peeked_close(delivery));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    INVALID_HANDLE(ringmain_delivery_ack(delivery));
    INVALID_HANDLE(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(again));
    OK(ringmain_hub_close(hub, WAIT_MS));
    INVALID_HANDLE(ringmain_hub_close(hub, WAIT_MS));
    refuses(hub);
}

void test_arguments(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "arguments");
    ringmain_stream stream = 0;
    OK(ringmain_stream_open(hub, "arguments", NULL, &stream));
    ringmain_reader reader = 0;
    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
    uint64_t handles[2];
    size_t count;

    /* NULL where something is needed. */
    INVALID_ARGUMENT(ringmain_hub_memory(NULL));
    INVALID_ARGUMENT(ringmain_hub_open(NULL, NULL, handles));
    INVALID_ARGUMENT(ringmain_hub_open(directory, NULL, NULL));
    INVALID_ARGUMENT(ringmain_queue_open(hub, NULL, NULL, handles));
    INVALID_ARGUMENT(ringmain_queue_open(hub, "x", NULL, NULL));
    INVALID_ARGUMENT(ringmain_queue_send(queue, NULL, handles));
    INVALID_ARGUMENT(ringmain_queue_send_batch(queue, NULL, 2, handles));
    INVALID_ARGUMENT(ringmain_queue_receive(queue, 0, NULL));
    INVALID_ARGUMENT(ringmain_queue_receive_batch(queue, 1, 0, NULL, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_batch(queue, 1, 0, handles, NULL));
    INVALID_ARGUMENT(ringmain_queue_ack_batch(queue, NULL, 1, NULL));
    char buffer[8];
    ringmain_packed_message messages_packed[2];
    ringmain_packed_record records_packed[2];
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, NULL, 8, messages_packed, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, buffer, 8, NULL, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, buffer, 8, messages_packed, 2, 0, NULL));
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, buffer, 8, messages_packed, 0, 0, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, buffer, 8, messages_packed, SIZE_MAX, 0, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_packed(queue, buffer, SIZE_MAX, messages_packed, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_queue_ack_packed(queue, NULL, 1, NULL));
    INVALID_ARGUMENT(ringmain_queue_ack_packed(queue, handles, SIZE_MAX / 8, NULL));
    INVALID_ARGUMENT(ringmain_queue_fail_packed(queue, handles, 1, NULL, 1, NULL));
    INVALID_ARGUMENT(ringmain_queue_unpack(queue, 1, NULL));
    INVALID_ARGUMENT(ringmain_queue_fd(queue, NULL));
    INVALID_ARGUMENT(ringmain_queue_arm(queue, NULL));
    INVALID_ARGUMENT(ringmain_reader_poll_packed(reader, NULL, 8, records_packed, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_reader_poll_packed(reader, buffer, SIZE_MAX, records_packed, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_reader_poll_packed(reader, buffer, 8, NULL, 2, 0, &count));
    INVALID_ARGUMENT(ringmain_reader_poll_packed(reader, buffer, 8, records_packed, 0, 0, &count));
    INVALID_ARGUMENT(ringmain_reader_arm(reader, NULL));
    INVALID_ARGUMENT(ringmain_queue_stats_get(queue, NULL));
    INVALID_ARGUMENT(ringmain_queue_peek(queue, 0, 1, NULL, &count));
    INVALID_ARGUMENT(ringmain_queue_peek(queue, 0, 1, handles, NULL));
    INVALID_ARGUMENT(ringmain_stream_open(hub, "x", NULL, NULL));
    INVALID_ARGUMENT(ringmain_stream_partitions(stream, NULL));
    INVALID_ARGUMENT(ringmain_stream_append(stream, NULL, NULL));
    INVALID_ARGUMENT(ringmain_stream_stats_get(stream, 0, NULL));
    INVALID_ARGUMENT(ringmain_reader_open(stream, 0, RINGMAIN_START_EARLIEST, 0, NULL));
    INVALID_ARGUMENT(ringmain_reader_poll(reader, 1, 0, NULL, &count));
    INVALID_ARGUMENT(ringmain_reader_poll(reader, 1, 0, handles, NULL));
    INVALID_ARGUMENT(ringmain_group_join(stream, NULL, RINGMAIN_START_EARLIEST, 0, handles));
    INVALID_ARGUMENT(ringmain_group_join(stream, "x", RINGMAIN_START_EARLIEST, 0, NULL));
    INVALID_ARGUMENT(ringmain_group_lag(stream, "x", NULL));

    /* Misaligned. */
    union {
        uint64_t aligned[64];
        char bytes[512];
    } space;
    memset(&space, 0, sizeof space);
    INVALID_ARGUMENT(ringmain_hub_memory((ringmain_hub *)(void *)(space.bytes + 1)));
    INVALID_ARGUMENT(ringmain_queue_receive(queue, 0, (ringmain_delivery *)(void *)(space.bytes + 4)));
    INVALID_ARGUMENT(ringmain_queue_send(queue, (const ringmain_message *)(const void *)(space.bytes + 2), NULL));
    CHECK(strstr(ringmain_last_error_message(), "misaligned") != NULL);

    /* Counts. */
    INVALID_ARGUMENT(ringmain_queue_receive_batch(queue, 0, 0, handles, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_batch(queue, SIZE_MAX, 0, handles, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_batch(queue, RINGMAIN_RECEIVE_COUNT_MAX + 1, 0, handles, &count));
    INVALID_ARGUMENT(ringmain_queue_peek(queue, 0, 0, handles, &count));
    INVALID_ARGUMENT(ringmain_queue_peek(queue, 0, SIZE_MAX / 2, handles, &count));
    INVALID_ARGUMENT(ringmain_reader_poll(reader, 0, 0, handles, &count));
    INVALID_ARGUMENT(ringmain_reader_poll(reader, SIZE_MAX, 0, handles, &count));
    ringmain_message message = text_message("x");
    INVALID_ARGUMENT(ringmain_queue_send_batch(queue, &message, SIZE_MAX, NULL));
    INVALID_ARGUMENT(ringmain_stream_append_batch(stream, &message, RINGMAIN_BATCH_COUNT_MAX + 1, NULL));
    INVALID_ARGUMENT(ringmain_queue_ack_batch(queue, handles, SIZE_MAX / 8, NULL));

    /* Constants that are none. */
    INVALID_ARGUMENT(ringmain_reader_open(stream, 0, 4, 0, handles));
    INVALID_ARGUMENT(ringmain_reader_open(stream, 0, -1, 0, handles));
    INVALID_ARGUMENT(ringmain_reader_open(stream, 0, RINGMAIN_START_LATEST, 7, handles));
    INVALID_ARGUMENT(ringmain_reader_open(stream, -2, RINGMAIN_START_EARLIEST, 0, handles));
    INVALID_ARGUMENT(ringmain_reader_open(stream, INT64_C(1) << 32, RINGMAIN_START_EARLIEST, 0, handles));
    CHECK(ringmain_reader_open(stream, 1, RINGMAIN_START_EARLIEST, 0, handles) != RINGMAIN_OK && handles[0] == 0);
    ringmain_partition_stats stats = {.size = sizeof stats};
    INVALID_ARGUMENT(ringmain_stream_stats_get(stream, 1, &stats));
    ringmain_hub_options hub_options = {.size = sizeof hub_options, .durability = 4};
    INVALID_ARGUMENT(ringmain_hub_open(directory, &hub_options, handles));

    OK(ringmain_reader_close(reader));
    OK(ringmain_stream_close(stream));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

static void refuses_queue_options(ringmain_hub hub, ringmain_queue_options options)
{
    ringmain_queue queue = 7;
    options.size = sizeof options;
    INVALID_ARGUMENT(ringmain_queue_open(hub, "options", &options, &queue));
    CHECK(queue == 0);
}

void test_structs(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "structs");

    /* Sizes: unset, too small, odd, absurd. */
    const size_t sizes[] = {0, 8, sizeof(ringmain_message) - 8, sizeof(ringmain_message) + 1, 1 << 20, SIZE_MAX};
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
        ringmain_message message = text_message("x");
        message.size = sizes[index];
        INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
        ringmain_queue_stats stats = {.size = sizes[index] == sizeof(ringmain_message) - 8 ? 16 : sizes[index]};
        INVALID_ARGUMENT(ringmain_queue_stats_get(queue, &stats));
    }

    /* From a newer header: fine as long as what this library does not know is 0. */
    struct {
        ringmain_message message;
        uint64_t newer;
    } future = {text_message("from the future"), 0};
    future.message.size = sizeof future;
    OK(ringmain_queue_send(queue, &future.message, NULL));
    future.newer = 1;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &future.message, NULL));
    struct {
        ringmain_queue_stats stats;
        uint64_t newer;
    } future_stats;
    memset(&future_stats, 0xff, sizeof future_stats);
    future_stats.stats.size = sizeof future_stats;
    OK(ringmain_queue_stats_get(queue, &future_stats.stats));
    CHECK(future_stats.stats.size == sizeof future_stats && future_stats.newer == 0);
    CHECK(future_stats.stats.ready == 1 && future_stats.stats.dropped_total == 0);

    /* A batch has one size. */
    ringmain_message messages[] = {text_message("a"), text_message("b")};
    messages[1].size += 8;
    INVALID_ARGUMENT(ringmain_queue_send_batch(queue, messages, 2, NULL));

    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = 4});
    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = -1});
    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DEAD_LETTER});
    refuses_queue_options(
        hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .dead_letter = "options.dead"});
    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .retry_jitter = 9});
    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .retry_factor = -2});
    refuses_queue_options(
        hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .retry_factor = 0.0 / 0.0});
    refuses_queue_options(hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .reserved = 1});
    refuses_queue_options(
        hub, (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP, .lease_ms = UINT64_MAX});

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_texts(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "texts");
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    uint64_t handle;

    /* Names. */
    char long_name[8192];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    const char *const bad_names[] = {"", ".", "..", "../etc", "a/b", ".x", "-x", "x.", "a b", long_name};
    for (size_t index = 0; index < sizeof bad_names / sizeof bad_names[0]; index++) {
        CHECK_CODE(RINGMAIN_ERROR_INVALID_NAME, ringmain_queue_open(hub, bad_names[index], &options, &handle));
        CHECK_CODE(RINGMAIN_ERROR_INVALID_NAME, ringmain_stream_open(hub, bad_names[index], NULL, &handle));
    }
    INVALID_ARGUMENT(ringmain_queue_open(hub, "\xff\xfe", &options, &handle));
    INVALID_ARGUMENT(ringmain_stream_open(hub, "caf\xe9", NULL, &handle));
    INVALID_ARGUMENT(ringmain_hub_open(long_name, NULL, &handle));
    INVALID_ARGUMENT(ringmain_hub_open("\xc3\x28", NULL, &handle));
    long_name[128] = 0;
    ringmain_queue longest = 0;
    OK(ringmain_queue_open(hub, long_name, &options, &longest));
    OK(ringmain_queue_close(longest));

    /* Values, keys and headers: lengths beyond the limits are refused without looking at the bytes. */
    ringmain_message message = text_message("x");
    message.value_bytes = SIZE_MAX;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message.value_bytes = RINGMAIN_MESSAGE_BYTES_MAX + 1;
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_queue_send(queue, &message, NULL));
    message.value = NULL;
    message.value_bytes = 1;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message = text_message("x");
    message.key = "k";
    message.key_bytes = RINGMAIN_KEY_BYTES_MAX + 1;
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_queue_send(queue, &message, NULL));
    message.key = NULL;
    message.key_bytes = 1;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message = text_message("x");
    message.delay_ms = UINT64_MAX;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message = text_message("x");
    ringmain_header header = {.name = "carrier", .name_bytes = 7, .value = "UA", .value_bytes = 2};
    message.headers = &header;
    message.header_count = RINGMAIN_HEADER_COUNT_MAX + 1;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message.header_count = SIZE_MAX;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    message.header_count = 1;
    header.name = "a\0b";
    header.name_bytes = 3;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    header.name = "caf\xe9";
    header.name_bytes = 4;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    header.name = NULL;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    header.name = "";
    header.name_bytes = 0;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    header.name = "rm-failures";
    header.name_bytes = 11;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));
    header.name_bytes = 256;
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_queue_send(queue, &message, NULL));
    message.headers = NULL;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &message, NULL));

    /* Reasons, and what else a delivery is told. */
    message = text_message("x");
    OK(ringmain_queue_send(queue, &message, NULL));
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "caf\xe9", 4, 0));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "a\0b", 3, 0));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, NULL, 1, 0));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "x", SIZE_MAX, 0));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "x", 1, -2));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "x", 1, INT64_MIN));
    INVALID_ARGUMENT(ringmain_delivery_fail(delivery, "x", 1, INT64_MAX));
    INVALID_ARGUMENT(ringmain_delivery_reject(delivery, "\xff", 1));
    INVALID_ARGUMENT(ringmain_delivery_release(delivery, UINT64_MAX));
    INVALID_ARGUMENT(ringmain_delivery_extend(delivery, UINT64_MAX));
    INVALID_ARGUMENT(ringmain_delivery_header(delivery, NULL, &header));
    INVALID_ARGUMENT(ringmain_delivery_header(delivery, "\xff", &header));
    INVALID_ARGUMENT(ringmain_delivery_header_at(delivery, 0, &header));
    CHECK(header.name == NULL && header.value == NULL && header.value_bytes == 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_panics(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "panics");
    ringmain_message message = text_message("x");
    CHECK_CODE(RINGMAIN_ERROR_INTERNAL, ringmain_test_panic(0));
    CHECK(strstr(ringmain_last_error_message(), "a panic on purpose") != NULL);
    CHECK_CODE(RINGMAIN_ERROR_INTERNAL, ringmain_test_panic(UINT64_MAX));
    OK(ringmain_queue_send(queue, &message, NULL));

    /* The handle of the call that panicked refuses everything but close; others go on. */
    CHECK_CODE(RINGMAIN_ERROR_INTERNAL, ringmain_test_panic(queue));
    CHECK_CODE(RINGMAIN_ERROR_INTERNAL, ringmain_queue_send(queue, &message, NULL));
    OK(ringmain_queue_close(queue));
    INVALID_HANDLE(ringmain_queue_send(queue, &message, NULL));
    queue = drop_queue(hub, "panics");
    OK(ringmain_queue_send(queue, &message, NULL));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_outputs(void)
{
    /* A call that fails leaves zeroes, never what was there. */
    uint64_t handles[3] = {7, 7, 7};
    size_t count = 7;
    ringmain_queue_receive_batch(1, 3, 0, handles, &count);
    CHECK(handles[0] == 0 && handles[1] == 0 && handles[2] == 0 && count == 0);
    handles[0] = 7;
    CHECK(ringmain_queue_receive_batch(1, 3, 0, handles, NULL) != 0 && handles[0] == 0);
    count = 7;
    CHECK(ringmain_queue_peek(1, 0, 3, NULL, &count) != 0 && count == 0);
    handles[1] = 7;
    ringmain_message messages[] = {text_message("a"), text_message("b")};
    CHECK(ringmain_queue_send_batch(1, messages, 2, handles) != 0 && handles[1] == 0);
    ringmain_message_info info;
    memset(&info, 0xff, sizeof info);
    info.size = sizeof info;
    CHECK(ringmain_delivery_get(1, &info) != 0 && info.size == sizeof info);
    CHECK(info.value == NULL && info.value_bytes == 0 && info.id == 0 && info.failures == 0);
    ringmain_position position = {.offset = 7, .partition = 7};
    CHECK(ringmain_stream_append(1, messages, &position) != 0 && position.offset == 0 && position.partition == 0);

    /* The text of an error names what was wrong; it is there until the next call fails. */
    INVALID_ARGUMENT(ringmain_hub_memory(NULL));
    CHECK(strcmp(ringmain_last_error_message(), "hub_out: it is NULL") == 0);
    CHECK(ringmain_last_error_errno() == 0);
    CHECK(strcmp(ringmain_error_name(RINGMAIN_ERROR_LEASE_LOST), "LEASE_LOST") == 0);
    CHECK(strcmp(ringmain_error_name(RINGMAIN_OK), "OK") == 0);
    CHECK(strcmp(ringmain_error_name(-1), "UNKNOWN") == 0);
    CHECK(strcmp(ringmain_error_name(INT32_MAX), "UNKNOWN") == 0);
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", RINGMAIN_VERSION_MAJOR, RINGMAIN_VERSION_MINOR,
             RINGMAIN_VERSION_PATCH);
    CHECK(strcmp(ringmain_version(), version) == 0);
}
