/* Many messages or records by one call, in memory of the caller's. */

#include "check.h"

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

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_queue_send(queue, &message, NULL));
}

/* Receives packed until there is nothing more; how many there were, with their tokens and texts one after the other. */
static size_t receive_all(ringmain_queue queue, void *buffer, size_t buffer_bytes, uint64_t *tokens, char *texts)
{
    ringmain_packed_message entries[8];
    size_t count = 0;
    size_t total = 0;
    *texts = 0;
    do {
        OK(ringmain_queue_receive_packed(queue, buffer, buffer_bytes, entries, 8, 0, &count));
        for (size_t index = 0; index < count; index++) {
            tokens[total++] = entries[index].token;
            if (entries[index].value_at != RINGMAIN_NOT_PACKED)
                strncat(texts, (const char *)buffer + entries[index].value_at, entries[index].value_bytes);
            else
                strcat(texts, "?");
        }
    } while (count > 0);
    return total;
}

void test_packed_receive(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "packed");
    char buffer[16];
    char texts[256];
    uint64_t tokens[64];
    int32_t codes[64];
    ringmain_queue_stats stats = {.size = sizeof stats};

    /* All of them, in order, though they do not fit at once; each by one token. */
    const char *const words[] = {"one", "two", "three", "", "four", "fivefivefive", "six"};
    for (size_t index = 0; index < 7; index++)
        send_text(queue, words[index]);
    CHECK(receive_all(queue, buffer, sizeof buffer, tokens, texts) == 7);
    CHECK(strcmp(texts, "onetwothreefourfivefivefivesix") == 0);
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.leased == 7 && stats.ready == 0);
    OK(ringmain_queue_ack_packed(queue, tokens, 5, codes));
    CHECK(codes[0] == 0 && codes[4] == 0);
    OK(ringmain_queue_release_packed(queue, tokens + 5, 1, NULL));
    OK(ringmain_queue_fail_packed(queue, tokens + 6, 1, "no", 2, NULL));
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.leased == 0 && stats.acked_total == 5 && stats.ready == 1 && stats.failures_total == 1);

    /* A token is used up by its verb; one that is made up is none. The others of the batch are settled. */
    CHECK(receive_all(queue, buffer, sizeof buffer, tokens + 5, texts) == 1);
    CHECK(strcmp(texts, "fivefivefive") == 0);
    tokens[6] = UINT64_MAX;
    INVALID_HANDLE(ringmain_queue_ack_packed(queue, tokens + 4, 3, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_HANDLE && codes[1] == 0 && codes[2] == RINGMAIN_ERROR_INVALID_HANDLE);
    INVALID_HANDLE(ringmain_queue_ack_packed(queue, tokens + 5, 1, NULL));

    /* What is longer than the buffer comes alone, and can be looked at as a delivery, with its key and headers. */
    ringmain_header header = {.name = "carrier", .name_bytes = 7, .value = "UA", .value_bytes = 2};
    ringmain_message message = text_message("this is longer than sixteen bytes");
    message.key = "k";
    message.key_bytes = 1;
    message.headers = &header;
    message.header_count = 1;
    OK(ringmain_queue_send(queue, &message, NULL));
    send_text(queue, "short");
    ringmain_packed_message entries[4];
    size_t count = 0;
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, 0, &count));
    CHECK(count == 1 && entries[0].value_at == RINGMAIN_NOT_PACKED && entries[0].value_bytes == 33);
    CHECK(entries[1].token == 0);
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_unpack(queue, entries[0].token, &delivery));
    INVALID_HANDLE(ringmain_queue_unpack(queue, entries[0].token, &delivery));
    CHECK(delivery == 0);
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, 0, &count));
    CHECK(count == 1 && is_text(buffer + entries[0].value_at, entries[0].value_bytes, "short"));
    CHECK(entries[0].key_at == RINGMAIN_NOT_PACKED && entries[0].attempts == 1);
    OK(ringmain_queue_unpack(queue, entries[0].token, &delivery));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_packed_close_releases(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_queue queue = drop_queue(hub, "packed");
    ringmain_queue other = drop_queue(hub, "packed");
    char buffer[64];
    char texts[64];
    uint64_t tokens[8];
    send_text(queue, "one");
    CHECK(receive_all(queue, buffer, sizeof buffer, tokens, texts) == 1);
    INVALID_HANDLE(ringmain_queue_ack_packed(other, tokens, 1, NULL));
    OK(ringmain_queue_close(queue));
    INVALID_HANDLE(ringmain_queue_ack_packed(queue, tokens, 1, NULL));
    CHECK(receive_all(other, buffer, sizeof buffer, tokens, texts) == 1);
    CHECK(strcmp(texts, "one") == 0);
    OK(ringmain_queue_ack_packed(other, tokens, 1, NULL));
    OK(ringmain_queue_close(other));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_packed_poll(void)
{
    ringmain_hub hub = memory_hub();
    ringmain_stream stream = 0;
    OK(ringmain_stream_open(hub, "packed", NULL, &stream));
    ringmain_reader reader = 0;
    ringmain_member member = 0;
    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
    OK(ringmain_group_join(stream, "g", RINGMAIN_START_EARLIEST, 0, &member));
    ringmain_message message = text_message("four");
    message.key = "key";
    message.key_bytes = 3;
    for (int index = 0; index < 5; index++)
        OK(ringmain_stream_append(stream, &message, NULL));

    char buffer[16];
    ringmain_packed_record entries[8];
    size_t count = 0;
    uint64_t lag = 0;
    size_t left = 5;
    /* Two fit at a time: the others come again, and are not committed. */
    for (uint64_t offset = 0; offset < 5; offset += 2) {
        size_t expected = left < 2 ? left : 2;
        OK(ringmain_member_poll_packed(member, buffer, sizeof buffer, entries, 8, 0, &count));
        CHECK(count == expected && entries[0].offset == offset);
        OK(ringmain_member_commit(member));
        left -= expected;
        OK(ringmain_group_lag(stream, "g", &lag));
        CHECK(lag == left);
        OK(ringmain_reader_poll_packed(reader, buffer, sizeof buffer, entries, 8, 0, &count));
        CHECK(count == expected && entries[0].offset == offset && entries[0].time_ns > 0);
        CHECK(is_text(buffer + entries[count - 1].value_at, entries[count - 1].value_bytes, "four"));
        CHECK(is_text(buffer + entries[count - 1].key_at, entries[count - 1].key_bytes, "key"));
        CHECK(entries[count].value_bytes == 0);
    }
    OK(ringmain_reader_poll_packed(reader, buffer, sizeof buffer, entries, 8, 0, &count));
    CHECK(count == 0);

    /* One that does not fit alone says how much it needs, and comes again. */
    OK(ringmain_stream_append(stream, &message, NULL));
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_reader_poll_packed(reader, buffer, 6, entries, 8, 0, &count));
    CHECK(strstr(ringmain_last_error_message(), "7") != NULL);
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_member_poll_packed(member, NULL, 0, entries, 8, 0, &count));
    OK(ringmain_reader_poll_packed(reader, buffer, 7, entries, 8, 0, &count));
    CHECK(count == 1 && entries[0].offset == 5);
    OK(ringmain_member_poll_packed(member, buffer, 7, entries, 8, 0, &count));
    CHECK(count == 1 && entries[0].offset == 5);

    OK(ringmain_member_leave(member));
    OK(ringmain_reader_close(reader));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
