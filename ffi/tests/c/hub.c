/* Hubs: in memory, on a directory, open already, closed. */

#include "check.h"

#include <errno.h>

static void join_path(char *path, size_t bytes, const char *name)
{
    snprintf(path, bytes, "%s/%s", directory, name);
}

void test_hub_in_memory(void)
{
    ringmain_hub one = 0;
    ringmain_hub other = 0;
    OK(ringmain_hub_memory(&one));
    OK(ringmain_hub_memory(&other));
    CHECK(one != 0 && other != 0 && one != other);
    OK(ringmain_hub_flush(one));

    /* Two hubs share nothing. */
    ringmain_stream stream = 0;
    ringmain_stream empty = 0;
    OK(ringmain_stream_open(one, "s", NULL, &stream));
    OK(ringmain_stream_open(other, "s", NULL, &empty));
    ringmain_message message = text_message("x");
    OK(ringmain_stream_append(stream, &message, NULL));
    ringmain_partition_stats stats = {.size = sizeof stats};
    OK(ringmain_stream_stats_get(stream, 0, &stats));
    CHECK(stats.end > stats.start && stats.bytes > 0);
    OK(ringmain_stream_stats_get(empty, 0, &stats));
    CHECK(stats.end == stats.start);
    OK(ringmain_stream_close(stream));
    OK(ringmain_stream_close(empty));
    OK(ringmain_hub_close(one, WAIT_MS));
    OK(ringmain_hub_close(other, WAIT_MS));
}

void test_hub_on_a_directory(void)
{
    char path[4096];
    join_path(path, sizeof path, "kept");
    const int32_t durabilities[] = {RINGMAIN_DURABILITY_DEFAULT, RINGMAIN_DURABILITY_RELAXED,
                                    RINGMAIN_DURABILITY_WRITTEN, RINGMAIN_DURABILITY_SYNCED};
    size_t opened = sizeof durabilities / sizeof durabilities[0];

    /* What is sent and appended is there when the hub is opened again. */
    for (size_t index = 0; index < opened; index++) {
        ringmain_hub_options options = {.size = sizeof options, .durability = durabilities[index]};
        ringmain_hub hub = 0;
        OK(ringmain_hub_open(path, &options, &hub));
        ringmain_queue_options drop = {.size = sizeof drop, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
        ringmain_queue queue = 0;
        OK(ringmain_queue_open(hub, "tasks", index == 0 ? &drop : NULL, &queue));
        ringmain_stream_options partitions = {.size = sizeof partitions, .partitions = 2};
        ringmain_stream stream = 0;
        OK(ringmain_stream_open(hub, "events", index == 0 ? &partitions : NULL, &stream));
        uint32_t partition_count = 0;
        OK(ringmain_stream_partitions(stream, &partition_count));
        CHECK(partition_count == 2);

        ringmain_message message = text_message("kept");
        OK(ringmain_queue_send(queue, &message, NULL));
        OK(ringmain_stream_append(stream, &message, NULL));
        OK(ringmain_hub_flush(hub));

        ringmain_queue_stats stats = {.size = sizeof stats};
        OK(ringmain_queue_stats_get(queue, &stats));
        CHECK(stats.ready == index + 1);
        ringmain_reader reader = 0;
        OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
        size_t read = 0;
        while (read < index + 1) {
            ringmain_records records = 0;
            size_t count = 0;
            OK(ringmain_reader_poll(reader, 100, WAIT_MS, &records, &count));
            if (count == 0)
                break;
            ringmain_record record = {.size = sizeof record};
            OK(ringmain_records_get(records, 0, &record));
            CHECK(is_text(record.value, record.value_bytes, "kept"));
            OK(ringmain_records_close(records));
            read += count;
        }
        CHECK(read == index + 1);
        OK(ringmain_reader_close(reader));
        OK(ringmain_stream_close(stream));
        OK(ringmain_queue_close(queue));
        OK(ringmain_hub_close(hub, WAIT_MS));
    }
}

void test_hub_that_is_open_already(void)
{
    char path[4096];
    join_path(path, sizeof path, "locked");
    ringmain_hub hub = 0;
    ringmain_hub second = 7;
    OK(ringmain_hub_open(path, NULL, &hub));
    CHECK_CODE(RINGMAIN_ERROR_LOCKED, ringmain_hub_open(path, NULL, &second));
    CHECK(second == 0 && strstr(ringmain_last_error_message(), path) != NULL);
    OK(ringmain_hub_close(hub, WAIT_MS));
    OK(ringmain_hub_open(path, NULL, &second));
    OK(ringmain_hub_close(second, WAIT_MS));

    /* A file in the way: the system's number is told, and errno stays what it was. */
    join_path(path, sizeof path, "file");
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL)
        fclose(file);
    errno = 0;
    CHECK_CODE(RINGMAIN_ERROR_IO, ringmain_hub_open(path, NULL, &hub));
    CHECK(errno == 0);
    CHECK(ringmain_last_error_errno() == ENOTDIR || ringmain_last_error_errno() == EEXIST);
}

void test_hub_that_is_closed(void)
{
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "q.dead"};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    ringmain_stream stream = 0;
    OK(ringmain_stream_open(hub, "s", NULL, &stream));
    ringmain_message message = text_message("x");
    OK(ringmain_queue_send(queue, &message, NULL));
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    OK(ringmain_hub_close(hub, WAIT_MS));

    /* What is left open answers, lends what it lent, and can be closed. */
    CHECK_CODE(RINGMAIN_ERROR_CLOSED, ringmain_queue_send(queue, &message, NULL));
    CHECK_CODE(RINGMAIN_ERROR_CLOSED, ringmain_stream_append(stream, &message, NULL));
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(delivery, &info));
    CHECK(is_text(info.value, info.value_bytes, "x"));
    CHECK_CODE(RINGMAIN_ERROR_CLOSED, ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(queue));
    OK(ringmain_stream_close(stream));
}
