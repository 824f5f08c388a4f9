/* Ways to append: to a partition, where it ends, without waiting, by a producer, by a batcher. */

#include "check.h"

static ringmain_hub open_stream(const ringmain_stream_options *options, ringmain_stream *stream)
{
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "events", options, stream));
    return hub;
}

static void close_both(ringmain_stream stream, ringmain_hub hub)
{
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_append_to_a_partition(void)
{
    ringmain_stream_options options = {.size = sizeof options, .partitions = 4};
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(&options, &stream);
    ringmain_message messages[] = {text_message("a"), text_message("b")};
    ringmain_position positions[2];
    OK(ringmain_stream_append_to(stream, 3, &messages[0], &positions[0]));
    CHECK(positions[0].partition == 3 && positions[0].offset == 0);
    OK(ringmain_stream_append_batch_to(stream, 3, messages, 2, positions));
    CHECK(positions[1].partition == 3 && positions[1].offset == 2);
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_stream_append_to(stream, 4, &messages[0], NULL));

    /* Only where it ends. */
    CHECK_CODE(RINGMAIN_ERROR_CONFLICT, ringmain_stream_append_expecting(stream, 3, 2, messages, 2, positions));
    CHECK(strstr(ringmain_last_error_message(), "3") != NULL && positions[0].partition == 0);
    OK(ringmain_stream_append_expecting(stream, 3, 3, messages, 2, positions));
    CHECK(positions[1].offset == 4);
    INVALID_ARGUMENT(ringmain_stream_append_expecting(stream, 3, 5, messages, 0, NULL));
    close_both(stream, hub);
}

/* Into the partition that the value names. */
static uint32_t as_the_value_says(void *context, const void *key, size_t key_bytes, const void *value,
                                  size_t value_bytes, uint32_t partition_count)
{
    CHECK(partition_count == 4 && value_bytes == 1 && (key == NULL) == (key_bytes == 0));
    ++*(int *)context;
    return (uint32_t)(*(const char *)value - '0');
}

void test_append_by_a_partitioner(void)
{
    ringmain_stream_options options = {.size = sizeof options, .partitions = 4};
    ringmain_stream stream = 0;
    ringmain_stream chosen = 0;
    ringmain_hub hub = open_stream(&options, &stream);
    int asked = 0;
    OK(ringmain_stream_partitioner(stream, as_the_value_says, &asked, &chosen));
    ringmain_message messages[] = {text_message("3"), text_message("1")};
    messages[1].key = "UA1";
    messages[1].key_bytes = 3;
    ringmain_position positions[2];
    OK(ringmain_stream_append_batch(chosen, messages, 2, positions));
    CHECK(positions[0].partition == 3 && positions[1].partition == 1 && asked == 2);
    ringmain_message beyond = text_message("4");
    INVALID_ARGUMENT(ringmain_stream_append(chosen, &beyond, NULL));
    OK(ringmain_stream_close(chosen));

    /* Other handles go on by key. */
    OK(ringmain_stream_append(stream, &beyond, NULL));
    CHECK(asked == 3);
    INVALID_ARGUMENT(ringmain_stream_partitioner(stream, NULL, NULL, &chosen));
    CHECK(chosen == 0);
    close_both(stream, hub);
}

void test_append_without_waiting(void)
{
    /* A hub on a directory, which has something to wait for. */
    char path[4096];
    snprintf(path, sizeof path, "%s/receipts", directory);
    ringmain_hub hub = 0;
    ringmain_stream stream = 0;
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_hub_open(path, NULL, &hub));
    OK(ringmain_stream_open(hub, "events", NULL, &stream));
    OK(ringmain_queue_open(hub, "jobs", &options, &queue));
    ringmain_message messages[] = {text_message("a"), text_message("b")};
    messages[1].dedup_key = "b";
    messages[1].dedup_key_bytes = 1;
    int32_t is_reached = 7;

    ringmain_receipt receipts[4] = {0};
    OK(ringmain_queue_submit(queue, &messages[0], &receipts[0]));
    OK(ringmain_queue_submit_batch(queue, messages, 2, &receipts[1]));
    ringmain_sent sent = {0};
    ringmain_position position = {0};
    OK(ringmain_receipt_sent(receipts[0], 0, &sent));
    uint64_t first = sent.id;
    OK(ringmain_receipt_sent(receipts[1], 1, &sent));
    CHECK(sent.id > first && !sent.is_duplicate);
    INVALID_ARGUMENT(ringmain_receipt_sent(receipts[1], 2, &sent));
    INVALID_ARGUMENT(ringmain_receipt_position(receipts[1], 0, &position));
    OK(ringmain_receipt_wait(receipts[1], WAIT_MS, &is_reached));
    CHECK(is_reached == 1);
    OK(ringmain_receipt_wait(receipts[0], 0, &is_reached));
    CHECK(is_reached == 1);

    messages[1] = text_message("b");
    OK(ringmain_stream_submit(stream, &messages[0], &receipts[2]));
    OK(ringmain_stream_submit_batch_to(stream, 0, messages, 2, &receipts[3]));
    OK(ringmain_receipt_position(receipts[3], 1, &position));
    CHECK(position.offset == 2 && position.partition == 0);
    INVALID_ARGUMENT(ringmain_receipt_position(receipts[3], 2, &position));
    INVALID_ARGUMENT(ringmain_receipt_sent(receipts[3], 0, &sent));
    INVALID_ARGUMENT(ringmain_receipt_is_duplicate(receipts[3], &is_reached));
    OK(ringmain_receipt_wait(receipts[3], WAIT_MS, &is_reached));
    CHECK(is_reached == 1);
    OK(ringmain_receipt_wait(receipts[2], 0, &is_reached));
    CHECK(is_reached == 1);
    for (int index = 0; index < 4; index++)
        OK(ringmain_receipt_close(receipts[index]));
    INVALID_HANDLE(ringmain_receipt_wait(receipts[0], 0, &is_reached));
    CHECK(is_reached == 0);
    OK(ringmain_receipt_close(0));
    OK(ringmain_queue_close(queue));
    close_both(stream, hub);
}

void test_append_by_a_producer(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(NULL, &stream);
    ringmain_producer producer = 0;
    ringmain_message messages[] = {text_message("a"), text_message("b")};
    ringmain_position positions[2];
    uint64_t number = 7;
    int32_t is_duplicate = 7;
    OK(ringmain_producer_open(stream, "import", &producer));
    OK(ringmain_producer_next_sequence(producer, &number));
    CHECK(number == 0);
    OK(ringmain_producer_append(producer, 0, messages, 2, positions, &is_duplicate));
    CHECK(is_duplicate == 0 && positions[1].offset > positions[0].offset);

    /* Nobody heard how that ended? Once more: nothing is appended. */
    uint64_t offset = positions[1].offset;
    OK(ringmain_producer_append(producer, 0, messages, 2, positions, &is_duplicate));
    CHECK(is_duplicate == 1 && positions[1].offset == offset);
    CHECK_CODE(RINGMAIN_ERROR_SEQUENCE_GAP, ringmain_producer_append(producer, 3, messages, 1, NULL, NULL));
    ringmain_receipt receipt = 0;
    OK(ringmain_producer_submit(producer, 1, messages + 1, 1, &receipt));
    OK(ringmain_receipt_is_duplicate(receipt, &is_duplicate));
    CHECK(is_duplicate == 1);
    OK(ringmain_receipt_close(receipt));

    /* Opened again, the older handle is refused. */
    ringmain_producer again = 0;
    OK(ringmain_producer_open(stream, "import", &again));
    OK(ringmain_producer_epoch(again, &number));
    CHECK(number == 2);
    OK(ringmain_producer_next_sequence(again, &number));
    CHECK(number == 2);
    CHECK_CODE(RINGMAIN_ERROR_PRODUCER_FENCED, ringmain_producer_append(producer, 2, messages, 1, NULL, NULL));
    OK(ringmain_producer_close(producer));
    ringmain_text names = 0;
    OK(ringmain_stream_producers(stream, &names));
    CHECK(tells(names, "[\"import\"]"));
    OK(ringmain_stream_delete_producer(stream, "import"));
    OK(ringmain_stream_producers(stream, &names));
    CHECK(tells(names, "[]"));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_producer_append(again, 2, messages, 1, NULL, NULL));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_stream_delete_producer(stream, "import"));
    OK(ringmain_producer_close(again));
    close_both(stream, hub);
}

void test_append_by_a_batcher(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(NULL, &stream);
    ringmain_batcher_options options = {.size = sizeof options, .linger_ms = 3600 * 1000, .max_batch_messages = 3};
    ringmain_batcher batcher = 0;
    ringmain_message message = text_message("x");
    ringmain_receipt receipts[2] = {0};
    ringmain_position position;
    int32_t is_reached = 7;
    OK(ringmain_batcher_open(stream, &options, &batcher));
    OK(ringmain_batcher_send(batcher, &message, &receipts[0]));
    OK(ringmain_batcher_send(batcher, &message, &receipts[1]));

    /* It lingers: nobody knows where it will be. */
    OK(ringmain_receipt_wait(receipts[1], 1, &is_reached));
    CHECK(is_reached == 0);
    OK(ringmain_receipt_position(receipts[1], 0, &position));
    CHECK(position.partition == RINGMAIN_PARTITION_UNKNOWN);

    /* The third one makes it full. */
    OK(ringmain_batcher_send(batcher, &message, NULL));
    OK(ringmain_receipt_wait(receipts[1], WAIT_MS, &is_reached));
    CHECK(is_reached == 1);
    OK(ringmain_receipt_position(receipts[1], 0, &position));
    CHECK(position.partition == 0 && position.offset == 1);
    OK(ringmain_receipt_position(receipts[0], 0, &position));
    CHECK(position.offset == 0);
    INVALID_ARGUMENT(ringmain_receipt_position(receipts[0], 1, &position));
    OK(ringmain_receipt_close(receipts[0]));
    OK(ringmain_receipt_close(receipts[1]));

    OK(ringmain_batcher_send(batcher, &message, &receipts[0]));
    OK(ringmain_batcher_flush(batcher));
    OK(ringmain_receipt_wait(receipts[0], 0, &is_reached));
    CHECK(is_reached == 1);
    OK(ringmain_receipt_close(receipts[0]));

    /* Closed, it appends what it has gathered. */
    OK(ringmain_batcher_send(batcher, &message, NULL));
    OK(ringmain_batcher_close(batcher));
    ringmain_partition_stats stats = {.size = sizeof stats};
    OK(ringmain_stream_stats_get(stream, 0, &stats));
    CHECK(stats.records == 5);
    options.max_batch_bytes = SIZE_MAX;
    INVALID_ARGUMENT(ringmain_batcher_open(stream, &options, &batcher));
    close_both(stream, hub);
}

void test_append_and_look_for_offsets(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(NULL, &stream);
    const uint64_t event_ns[] = {10, 30, 20, 40};
    for (int index = 0; index < 4; index++) {
        ringmain_message message = text_message("x");
        message.event_time_ns = event_ns[index];
        OK(ringmain_stream_append(stream, &message, NULL));
    }
    uint64_t offset = 7;
    OK(ringmain_stream_scan_event_time(stream, 0, 25, &offset));
    CHECK(offset == 1);
    OK(ringmain_stream_offset_at_time(stream, 0, 0, &offset));
    CHECK(offset == 0);
    OK(ringmain_stream_offset_at_time(stream, 0, UINT64_MAX, &offset));
    CHECK(offset == 4);
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_stream_offset_at_time(stream, 1, 0, &offset));
    close_both(stream, hub);
}

static void refuses(ringmain_stream_options options, const char *option)
{
    ringmain_hub hub = 0;
    ringmain_stream stream = 7;
    OK(ringmain_hub_memory(&hub));
    options.size = sizeof options;
    INVALID_ARGUMENT(ringmain_stream_open(hub, "events", &options, &stream));
    CHECK(stream == 0 && strncmp(ringmain_last_error_message(), option, strlen(option)) == 0);
    OK(ringmain_hub_close(hub, WAIT_MS));
}

static uint64_t records_of(ringmain_stream stream)
{
    ringmain_partition_stats stats = {.size = sizeof stats};
    OK(ringmain_stream_stats_get(stream, 0, &stats));
    return stats.records;
}

void test_append_as_the_options_say(void)
{
    /* The last two. */
    ringmain_stream_options options = {.size = sizeof options, .count_max = 2};
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(&options, &stream);
    ringmain_message message = text_message("x");
    for (int index = 0; index < 5; index++)
        OK(ringmain_stream_append(stream, &message, NULL));
    CHECK(records_of(stream) == 2);

    /* 0 is what is stored; the limit is taken away by name. */
    ringmain_stream again = 0;
    ringmain_stream_options unchanged = {.size = sizeof unchanged, .age_max_ms = 3600 * 1000};
    OK(ringmain_stream_open(hub, "events", &unchanged, &again));
    OK(ringmain_stream_append(stream, &message, NULL));
    CHECK(records_of(stream) == 2);
    OK(ringmain_stream_close(again));
    options.count_max = RINGMAIN_NO_LIMIT;
    OK(ringmain_stream_open(hub, "events", &options, &again));
    OK(ringmain_stream_append(stream, &message, NULL));
    CHECK(records_of(stream) == 3);
    OK(ringmain_stream_close(again));
    close_both(stream, hub);

    /* Compacted: the last of each key; a tombstone is one, too. */
    options = (ringmain_stream_options){.size = sizeof options, .compaction = RINGMAIN_COMPACTION_LATEST};
    hub = open_stream(&options, &stream);
    INVALID_ARGUMENT(ringmain_stream_append(stream, &message, NULL));
    message.key = "UA1";
    message.key_bytes = 3;
    OK(ringmain_stream_append(stream, &message, NULL));
    OK(ringmain_stream_append(stream, &message, NULL));
    message.is_tombstone = 1;
    INVALID_ARGUMENT(ringmain_stream_append(stream, &message, NULL));
    message.value_bytes = 0;
    OK(ringmain_stream_append(stream, &message, NULL));
    CHECK(records_of(stream) == 3);
    OK(ringmain_stream_compact(stream));
    CHECK(records_of(stream) == 1);
    close_both(stream, hub);

    /* A gate refuses what a slow reader would lose. */
    options = (ringmain_stream_options){.size = sizeof options,
                                        .count_max = 1,
                                        .slow_readers = RINGMAIN_SLOW_READERS_GATE_THEN_REFUSE,
                                        .slow_readers_timeout_ms = 1};
    hub = open_stream(&options, &stream);
    ringmain_reader reader = 0;
    OK(ringmain_reader_open(stream, 0, RINGMAIN_START_EARLIEST, 0, &reader));
    message = text_message("x");
    OK(ringmain_stream_append(stream, &message, NULL));
    CHECK_CODE(RINGMAIN_ERROR_FULL, ringmain_stream_append(stream, &message, NULL));
    OK(ringmain_reader_close(reader));
    OK(ringmain_stream_append(stream, &message, NULL));
    close_both(stream, hub);

    refuses((ringmain_stream_options){.reserved = 1}, "reserved");
    refuses((ringmain_stream_options){.partitions = 1025}, "partitions");
    refuses((ringmain_stream_options){.force_growth = 2}, "force_growth");
    refuses((ringmain_stream_options){.compaction = 4}, "compaction");
    refuses((ringmain_stream_options){.until_read = -1}, "until_read");
    refuses((ringmain_stream_options){.until_read = RINGMAIN_UNTIL_READ_YES}, "until_read");
    refuses((ringmain_stream_options){.slow_readers = 4}, "slow_readers");
    refuses((ringmain_stream_options){.slow_readers_timeout_ms = 1}, "slow_readers_timeout_ms");
    refuses((ringmain_stream_options){.keys_max = 1}, "keys_max");
    refuses((ringmain_stream_options){.tombstone_grace_ms = RINGMAIN_ZERO}, "tombstone_grace_ms");
    refuses((ringmain_stream_options){.compaction = RINGMAIN_COMPACTION_LATEST, .dirty_percent_min = 101},
            "dirty_percent_min");
}
