/* Each field is what it says, and none is another one. */

#include "check.h"

#include <stdlib.h>

static ringmain_hub clocked_hub(void)
{
    ringmain_hub_options options = {.size = sizeof options, .manual_clock = RINGMAIN_FLAG_ON};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory_with(&options, &hub));
    return hub;
}

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_queue_send(queue, &message, NULL));
}

static ringmain_delivery receive(ringmain_queue queue)
{
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, WAIT_MS, &delivery));
    CHECK(delivery != 0);
    return delivery;
}

void test_fields_of_packed_messages(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    char buffer[16];
    ringmain_packed_message entries[4];
    size_t count = 0;
    uint64_t now_ns = 0;
    OK(ringmain_hub_now(hub, &now_ns));
    ringmain_message message = text_message("value");
    message.key = "key";
    message.key_bytes = 3;
    message.event_time_ns = 7;
    OK(ringmain_queue_send(queue, &message, NULL));
    ringmain_delivery delivery = receive(queue);
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(delivery, &info));
    CHECK(info.event_time_ns == 7 && info.time_ns == now_ns && info.attempts == 1 && info.failures == 0);
    OK(ringmain_delivery_fail(delivery, "no", 2, 0));
    OK(ringmain_delivery_close(delivery));
    delivery = receive(queue);
    OK(ringmain_delivery_release(delivery, 0));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, WAIT_MS, &count));
    CHECK(count == 1 && entries[0].id == info.id && entries[0].time_ns == now_ns);
    CHECK(entries[0].attempts == 3 && entries[0].failures == 1);
    CHECK(is_text(buffer + entries[0].value_at, entries[0].value_bytes, "value"));
    CHECK(is_text(buffer + entries[0].key_at, entries[0].key_bytes, "key"));

    /* Its place is used again, its token is not. */
    uint64_t used_up = entries[0].token;
    OK(ringmain_queue_ack_packed(queue, &used_up, 1, NULL));
    send_text(queue, "x");
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, WAIT_MS, &count));
    CHECK(count == 1 && entries[0].token != used_up);
    INVALID_HANDLE(ringmain_queue_ack_packed(queue, &used_up, 1, NULL));
    OK(ringmain_queue_ack_packed(queue, &entries[0].token, 1, NULL));

    /* What comes behind one that does not fit waits for it, though it would fit itself. */
    for (int short_ones = 0; short_ones < 10; short_ones++) {
        send_text(queue, "x");
        OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, WAIT_MS, &count));
        OK(ringmain_queue_ack_packed(queue, &entries[0].token, 1, NULL));
    }
    send_text(queue, "eight by");
    send_text(queue, "ten bytes.");
    send_text(queue, "two");
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, entries, 4, WAIT_MS, &count));
    CHECK(count == 1 && is_text(buffer + entries[0].value_at, entries[0].value_bytes, "eight by"));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_fields_of_deadlines(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue queue = 0;
    ringmain_text text = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    ringmain_message message = text_message("x");
    message.start_within_ms = 1000;
    message.complete_within_ms = 5000;
    OK(ringmain_queue_send(queue, &message, NULL));
    OK(ringmain_hub_advance(hub, 2000));
    OK(ringmain_queue_breaches(queue, &text));
    CHECK(tells(text, "\"deadline\":\"start\""));
    OK(ringmain_hub_advance(hub, 2000));
    OK(ringmain_queue_breaches(queue, &text));
    CHECK(tells(text, "[]"));
    OK(ringmain_hub_advance(hub, 2000));
    OK(ringmain_queue_breaches(queue, &text));
    CHECK(tells(text, "\"deadline\":\"complete\""));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_fields_of_packed_records(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_stream stream = 0;
    ringmain_reader reader = 0;
    ringmain_stream_options options = {.size = sizeof options, .partitions = 3};
    OK(ringmain_stream_open(hub, "s", &options, &stream));
    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
    uint64_t now_ns = 0;
    OK(ringmain_hub_now(hub, &now_ns));
    ringmain_message message = text_message("x");
    OK(ringmain_stream_append_to(stream, 2, &message, NULL));
    message.event_time_ns = 7;
    OK(ringmain_stream_append_to(stream, 2, &message, NULL));
    char buffer[16];
    ringmain_packed_record entries[4];
    size_t count = 0;
    OK(ringmain_reader_poll_packed(reader, buffer, sizeof buffer, entries, 4, WAIT_MS, &count));
    CHECK(count == 2 && entries[0].partition == 2 && entries[0].offset == 0 && entries[1].offset == 1);
    CHECK(entries[0].time_ns == now_ns && entries[0].event_time_ns == 0 && entries[1].event_time_ns == 7);
    CHECK(entries[0].key_at == RINGMAIN_NOT_PACKED && entries[0].key_bytes == 0);
    OK(ringmain_reader_close(reader));

    /* What options may not say yet. */
    ringmain_reader_options later = {.size = sizeof later, .reserved = 1};
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, RINGMAIN_START_EARLIEST, 0, &later, &reader));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* How many letters these are. */
static size_t letters_of(ringmain_queue dead, const ringmain_letters *letters)
{
    ringmain_peeked peeked = 0;
    size_t count = 7;
    OK(ringmain_dead_letters_peek(dead, letters, 10, &peeked, &count));
    OK(ringmain_peeked_close(peeked));
    return count;
}

void test_fields_of_letters(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "dead", .max_failures = 1};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    OK(ringmain_queue_open(hub, "dead", NULL, &dead));
    static const char *const classes[] = {"timeout", "refused", "timeout"};
    uint64_t times_ns[3];
    for (int index = 0; index < 3; index++) {
        OK(ringmain_hub_advance(hub, 1000));
        OK(ringmain_hub_now(hub, &times_ns[index]));
        send_text(queue, classes[index]);
        ringmain_delivery delivery = receive(queue);
        OK(ringmain_delivery_fail_as(delivery, classes[index], 7, "why", 3));
        OK(ringmain_delivery_close(delivery));
    }
    ringmain_letters class = {.size = sizeof class, .error_class = "timeout"};
    CHECK(letters_of(dead, &class) == 2);
    ringmain_letters reason = {.size = sizeof reason, .reason = "failed"};
    CHECK(letters_of(dead, &reason) == 3);
    reason.reason = "rejected";
    CHECK(letters_of(dead, &reason) == 0);
    ringmain_letters from = {.size = sizeof from, .from_id = 1};
    CHECK(letters_of(dead, &from) == 2);
    ringmain_letters late = {.size = sizeof late, .died_from_ns = times_ns[1]};
    CHECK(letters_of(dead, &late) == 2);
    ringmain_letters between = {.size = sizeof between, .died_from_ns = times_ns[1], .died_before_ns = times_ns[2]};
    CHECK(letters_of(dead, &between) == 1);
    ringmain_letters elsewhere = {.size = sizeof elsewhere, .queue_name = "dead"};
    CHECK(letters_of(dead, &elsewhere) == 0);

    /* Failures begin again, or go on. */
    uint64_t count = 0;
    ringmain_redrive how = {.size = sizeof how};
    ringmain_message_info info = {.size = sizeof info};
    for (uint32_t kept = 0; kept < 2; kept++) {
        how.keep_failures = kept ? RINGMAIN_FLAG_ON : RINGMAIN_FLAG_OFF;
        ringmain_letters first = {.size = sizeof first, .from_id = 2};
        ringmain_letters refused = {.size = sizeof refused, .error_class = "refused"};
        OK(ringmain_dead_letters_redrive(dead, kept ? &refused : &first, &how, &count));
        CHECK(count == 1);
        ringmain_delivery delivery = receive(queue);
        OK(ringmain_delivery_get(delivery, &info));
        CHECK(info.failures == kept);
        OK(ringmain_delivery_ack(delivery));
        OK(ringmain_delivery_close(delivery));
    }
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_fields_of_options(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue queue = 0;
    ringmain_stream stream = 0;
    ringmain_text text = 0;
    ringmain_queue_options options = {.size = sizeof options,
                                      .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP,
                                      .lease_ms = 11,
                                      .max_failures = 12,
                                      .retry_base_ms = 13,
                                      .retry_cap_ms = 14,
                                      .retry_factor = 1.5,
                                      .retry_jitter = RINGMAIN_JITTER_EQUAL};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    static const char *const parts[] = {"\"lease_ms\":11,", "\"max_failures\":12,", "\"base_ms\":13,",
                                        "\"cap_ms\":14,",   "\"factor\":1.5,",      "\"jitter\":\"equal\""};
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        OK(ringmain_hub_queue_info(hub, "q", &text));
        CHECK(tells(text, parts[index]));
    }
    ringmain_stream_options limits = {.size = sizeof limits, .age_max_ms = 5000, .bytes_max = 6000, .count_max = 7000};
    OK(ringmain_stream_open(hub, "s", &limits, &stream));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_stream_info(hub, "s", &text));
    CHECK(tells(text, "\"age_max_ms\":5000"));
    limits = (ringmain_stream_options){.size = sizeof limits, .age_max_ms = RINGMAIN_NO_LIMIT};
    OK(ringmain_stream_open(hub, "s", &limits, &stream));
    OK(ringmain_hub_stream_info(hub, "s", &text));
    CHECK(tells(text, "\"age_max_ms\":null"));
    OK(ringmain_hub_stream_info(hub, "s", &text));
    CHECK(tells(text, "\"bytes_max\":6000"));
    OK(ringmain_hub_stream_info(hub, "s", &text));
    CHECK(tells(text, "\"count_max\":7000"));
    INVALID_ARGUMENT(ringmain_hub_advance(hub, UINT64_MAX));

    /* Numbers that are none. */
    const double none = strtod("nan", NULL);
    options = (ringmain_queue_options){.size = sizeof options, .rate_per_second = none};
    INVALID_ARGUMENT(ringmain_queue_open(hub, "q", &options, &queue));
    options = (ringmain_queue_options){.size = sizeof options, .key_rate_per_second = none};
    INVALID_ARGUMENT(ringmain_queue_open(hub, "q", &options, &queue));
    options = (ringmain_queue_options){.size = sizeof options, .retry_factor = none};
    INVALID_ARGUMENT(ringmain_queue_open(hub, "q", &options, &queue));
    CHECK(queue == 0);
    ringmain_pace pace = {.size = sizeof pace, .factor = none};
    ringmain_replay replay = 7;
    INVALID_ARGUMENT(ringmain_replay_open(stream, 0, RINGMAIN_START_EARLIEST, 0, NULL, &pace, &replay));
    CHECK(replay == 0);
    OK(ringmain_queue_open(hub, "q", NULL, &queue));
    ringmain_redrive how = {.size = sizeof how, .per_second = none};
    INVALID_ARGUMENT(ringmain_dead_letters_redrive(queue, NULL, &how, NULL));
    OK(ringmain_queue_close(queue));

    /* All structs of an array have one size. */
    ringmain_message messages[3] = {text_message("a"), text_message("b"), text_message("c")};
    memset(&messages[2], 0, sizeof messages[2]);
    messages[1].size = sizeof messages[1] + 8;
    INVALID_ARGUMENT(ringmain_stream_append_batch(stream, messages, 2, NULL));

    /* To be given nothing is no end. */
    ringmain_stream table_stream = 0;
    ringmain_stream_options compacted = {.size = sizeof compacted, .compaction = RINGMAIN_COMPACTION_LATEST};
    ringmain_table table = 0;
    ringmain_table_scan scan = 0;
    ringmain_records records = 0;
    size_t count = 0;
    OK(ringmain_stream_open(hub, "t", &compacted, &table_stream));
    OK(ringmain_table_open(table_stream, &table));
    OK(ringmain_table_scan_open(table, &scan));
    INVALID_ARGUMENT(ringmain_table_scan_next(scan, 0, &records, &count));
    OK(ringmain_table_scan_close(scan));
    OK(ringmain_table_close(table));
    OK(ringmain_stream_close(table_stream));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
