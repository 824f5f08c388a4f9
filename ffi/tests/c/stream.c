/* Streams: append, read, groups. */

#include "check.h"

static ringmain_hub open_stream(uint32_t partitions, ringmain_stream *stream)
{
    ringmain_stream_options options = {.size = sizeof options, .partitions = partitions};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "events", &options, stream));
    return hub;
}

static ringmain_position append(ringmain_stream stream, const char *text, const char *key)
{
    ringmain_position position = {.offset = UINT64_MAX};
    ringmain_message message = text_message(text);
    message.key = key;
    message.key_bytes = key == NULL ? 0 : strlen(key);
    OK(ringmain_stream_append(stream, &message, &position));
    return position;
}

/* The one record that is next: its value and position. */
static void expect_next(ringmain_reader reader, const char *text, ringmain_position position)
{
    ringmain_records records = 0;
    size_t count = 0;
    ringmain_record record = {.size = sizeof record};
    OK(ringmain_reader_poll(reader, 1, WAIT_MS, &records, &count));
    CHECK(records != 0 && count == 1);
    OK(ringmain_records_get(records, 0, &record));
    CHECK(is_text(record.value, record.value_bytes, text));
    CHECK(record.partition == position.partition && record.offset == position.offset);
    OK(ringmain_records_close(records));
}

static void expect_nothing(ringmain_reader reader)
{
    ringmain_records records = 7;
    size_t count = 7;
    OK(ringmain_reader_poll(reader, 10, 0, &records, &count));
    CHECK(records == 0 && count == 0);
}

void test_stream_append_and_read(void)
{
    enum { COUNT = 50 };
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(0, &stream);
    ringmain_reader reader = 0;
    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
    expect_nothing(reader);

    ringmain_header header = {.name = "carrier", .name_bytes = 7, .value = "UA", .value_bytes = 2};
    ringmain_message messages[COUNT];
    ringmain_position positions[COUNT];
    for (int index = 0; index < COUNT; index++) {
        messages[index] = text_message(index % 2 ? "odd" : "even");
        messages[index].headers = &header;
        messages[index].header_count = 1;
        messages[index].event_time_ns = (uint64_t)index + 1;
    }
    OK(ringmain_stream_append_batch(stream, messages, COUNT, positions));

    ringmain_records records = 0;
    size_t count = 0;
    OK(ringmain_reader_poll(reader, COUNT, WAIT_MS, &records, &count));
    CHECK(count == COUNT);
    for (size_t index = 0; index < count; index++) {
        ringmain_record record = {.size = sizeof record};
        OK(ringmain_records_get(records, index, &record));
        CHECK(is_text(record.value, record.value_bytes, index % 2 ? "odd" : "even"));
        CHECK(record.offset == positions[index].offset && record.event_time_ns == index + 1 && record.time_ns > 0);
        CHECK(record.header_count == 1 && record.key == NULL);
        ringmain_header found;
        OK(ringmain_records_header(records, index, "carrier", &found));
        CHECK(is_text(found.value, found.value_bytes, "UA"));
        OK(ringmain_records_header_at(records, index, 0, &found));
        CHECK(is_text(found.name, found.name_bytes, "carrier"));
        INVALID_ARGUMENT(ringmain_records_header_at(records, index, 1, &found));
    }
    ringmain_record beyond = {.size = sizeof beyond};
    INVALID_ARGUMENT(ringmain_records_get(records, count, &beyond));

    /* Delays are for queues. */
    ringmain_message delayed = text_message("x");
    delayed.delay_ms = 1;
    INVALID_ARGUMENT(ringmain_stream_append(stream, &delayed, NULL));

    /* A batch outlives its reader, its stream and its hub. */
    ringmain_record first = {.size = sizeof first};
    OK(ringmain_records_get(records, 0, &first));
    OK(ringmain_reader_close(reader));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
    CHECK(is_text(first.value, first.value_bytes, "even"));
    OK(ringmain_records_close(records));
    INVALID_HANDLE(ringmain_records_close(records));
}

void test_stream_partitions_and_seek(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(4, &stream);
    uint32_t partitions = 0;
    OK(ringmain_stream_partitions(stream, &partitions));
    CHECK(partitions == 4);

    /* One key, one partition. */
    ringmain_position first = append(stream, "first", "N14228");
    ringmain_position second = append(stream, "second", "N14228");
    CHECK(first.partition == second.partition && first.partition < 4 && first.offset < second.offset);
    ringmain_partition_stats stats = {.size = sizeof stats};
    OK(ringmain_stream_stats_get(stream, first.partition, &stats));
    CHECK(stats.start <= first.offset && stats.end == second.offset + 1);
    INVALID_ARGUMENT(ringmain_stream_stats_get(stream, 4, &stats));

    ringmain_reader reader = 0;
    OK(ringmain_reader_open(stream, first.partition, RINGMAIN_START_EARLIEST, 0, &reader));
    expect_next(reader, "first", first);
    expect_next(reader, "second", second);
    expect_nothing(reader);
    OK(ringmain_reader_seek(reader, first.partition, second.offset));
    expect_next(reader, "second", second);
    CHECK(ringmain_reader_seek(reader, 4, 0) != RINGMAIN_OK);
    CHECK_CODE(RINGMAIN_ERROR_OUT_OF_RANGE, ringmain_reader_seek(reader, first.partition, second.offset + 100));
    OK(ringmain_reader_close(reader));

    /* It cannot have fewer partitions, nor more, which would move keys. */
    ringmain_stream_options options = {.size = sizeof options, .partitions = 3};
    ringmain_stream other = 7;
    CHECK_CODE(RINGMAIN_ERROR_OPTION_MISMATCH, ringmain_stream_open(hub, "events", &options, &other));
    CHECK(other == 0);
    options.partitions = 5;
    INVALID_ARGUMENT(ringmain_stream_open(hub, "events", &options, &other));
    OK(ringmain_stream_partitions(stream, &partitions));
    CHECK(partitions == 4);

    /* One without keys grows. */
    ringmain_stream plain = 0;
    options.partitions = 1;
    OK(ringmain_stream_open(hub, "plain", &options, &other));
    append(other, "first", NULL);
    options.partitions = 2;
    OK(ringmain_stream_open(hub, "plain", &options, &plain));
    OK(ringmain_stream_partitions(other, &partitions));
    CHECK(partitions == 2);
    OK(ringmain_stream_close(plain));
    OK(ringmain_stream_close(other));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_stream_starts(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, &stream);
    ringmain_position first = append(stream, "first", NULL);
    ringmain_position second = append(stream, "second", NULL);
    ringmain_reader reader = 0;

    OK(ringmain_reader_open(stream, 0, RINGMAIN_START_OFFSET, second.offset, &reader));
    expect_next(reader, "second", second);
    OK(ringmain_reader_close(reader));

    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_TIME, 0, &reader));
    expect_next(reader, "first", first);
    OK(ringmain_reader_close(reader));

    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_LATEST, 0, &reader));
    expect_nothing(reader);
    ringmain_position third = append(stream, "third", NULL);
    expect_next(reader, "third", third);
    OK(ringmain_reader_close(reader));

    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* Polls until `wanted` records came; the offset of the last one. */
static uint64_t poll_records(ringmain_member member, size_t wanted)
{
    uint64_t last = UINT64_MAX;
    size_t polled = 0;
    for (int tries = 0; tries < 100 && polled < wanted; tries++) {
        ringmain_records records = 0;
        size_t count = 0;
        OK(ringmain_member_poll(member, wanted - polled, WAIT_MS / 100, &records, &count));
        polled += count;
        if (count > 0) {
            ringmain_record record = {.size = sizeof record};
            OK(ringmain_records_get(records, count - 1, &record));
            last = record.offset;
        }
        OK(ringmain_records_close(records));
    }
    CHECK(polled == wanted);
    return last;
}

void test_stream_group(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, &stream);
    append(stream, "1", NULL);
    append(stream, "2", NULL);
    append(stream, "3", NULL);
    ringmain_member member = 0;
    uint64_t lag = 0;
    OK(ringmain_group_join(stream, "billing", RINGMAIN_START_EARLIEST, 0, &member));
    OK(ringmain_group_lag(stream, "billing", &lag));
    CHECK(lag == 3);

    /* What was polled is committed, and goes on from there after leaving and joining again. */
    poll_records(member, 2);
    OK(ringmain_member_commit(member));
    OK(ringmain_group_lag(stream, "billing", &lag));
    CHECK(lag == 1);
    uint32_t partitions[RINGMAIN_PARTITION_COUNT_MAX] = {7};
    size_t count = 0;
    OK(ringmain_member_assignment(member, RINGMAIN_PARTITION_COUNT_MAX, partitions, &count));
    CHECK(count == 1 && partitions[0] == 0);
    INVALID_ARGUMENT(ringmain_member_assignment(member, 0, partitions, &count));
    OK(ringmain_member_leave(member));
    INVALID_HANDLE(ringmain_member_leave(member));
    INVALID_HANDLE(ringmain_member_commit(member));

    OK(ringmain_group_join(stream, "billing", RINGMAIN_START_EARLIEST, 0, &member));
    uint64_t third = poll_records(member, 1);
    OK(ringmain_member_seek(member, 0, third));
    CHECK(poll_records(member, 1) == third);
    OK(ringmain_member_commit_offset(member, 0, third + 1));
    OK(ringmain_group_lag(stream, "billing", &lag));
    CHECK(lag == 0);
    OK(ringmain_member_leave(member));

    /* Another group has offsets of its own. */
    OK(ringmain_group_join(stream, "late", RINGMAIN_START_LATEST, 0, &member));
    ringmain_records records = 7;
    OK(ringmain_member_poll(member, 10, 0, &records, &count));
    CHECK(records == 0 && count == 0);
    append(stream, "4", NULL);
    poll_records(member, 1);
    OK(ringmain_member_leave(member));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
