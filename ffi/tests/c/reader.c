/* Readers with options: ends, filters, fetching, cancelling, replaying; and groups with theirs. */

#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <pthread.h>

static ringmain_hub open_stream(uint32_t partitions, uint64_t count_max, ringmain_stream *stream)
{
    ringmain_stream_options options = {.size = sizeof options, .partitions = partitions, .count_max = count_max};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "events", &options, stream));
    return hub;
}

static void close_both(ringmain_stream stream, ringmain_hub hub)
{
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

static void append(ringmain_stream stream, const char *text, const char *key, const char *from)
{
    ringmain_header header = {.name = "from", .name_bytes = 4, .value = from};
    ringmain_message message = text_message(text);
    message.key = key;
    message.key_bytes = key == NULL ? 0 : strlen(key);
    if (from != NULL) {
        header.value_bytes = strlen(from);
        message.headers = &header;
        message.header_count = 1;
    }
    OK(ringmain_stream_append(stream, &message, NULL));
}

static ringmain_reader open_reader(ringmain_stream stream, ringmain_reader_options options)
{
    ringmain_reader reader = 0;
    options.size = sizeof options;
    OK(ringmain_reader_open_with(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &options, &reader));
    return reader;
}

/* The values of a batch, one after the other; it is closed. */
static void values(ringmain_records records, size_t count, char *text)
{
    *text = 0;
    for (size_t index = 0; index < count; index++) {
        ringmain_record record = {.size = sizeof record};
        OK(ringmain_records_get(records, index, &record));
        strncat(text, record.value, record.value_bytes);
    }
    OK(ringmain_records_close(records));
}

/* What is there now has these values. */
static void expect_values(ringmain_reader reader, const char *expected)
{
    ringmain_records records = 0;
    size_t count = 0;
    char text[256];
    OK(ringmain_reader_poll(reader, 100, 0, &records, &count));
    values(records, count, text);
    CHECK(strcmp(text, expected) == 0);
}

void test_reader_up_to_an_end(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    append(stream, "a", NULL, NULL);
    append(stream, "b", NULL, NULL);
    int32_t is_done = 7;
    uint64_t lag = 7;
    ringmain_reader now = open_reader(stream, (ringmain_reader_options){.end_kind = RINGMAIN_END_NOW});
    ringmain_reader first =
        open_reader(stream, (ringmain_reader_options){.end_kind = RINGMAIN_END_OFFSET, .end_value = 1});
    append(stream, "c", NULL, NULL);
    OK(ringmain_reader_lag(now, &lag));
    CHECK(lag == 3);
    expect_values(now, "ab");
    OK(ringmain_reader_is_done(now, &is_done));
    CHECK(is_done == 1);

    /* There is nothing to wait for. */
    ringmain_records records = 7;
    size_t count = 7;
    OK(ringmain_reader_poll(now, 10, RINGMAIN_WAIT_FOREVER, &records, &count));
    CHECK(records == 0 && count == 0);
    expect_values(first, "a");
    OK(ringmain_reader_close(now));
    OK(ringmain_reader_close(first));
    ringmain_reader endless = open_reader(stream, (ringmain_reader_options){0});
    expect_values(endless, "abc");
    OK(ringmain_reader_is_done(endless, &is_done));
    CHECK(is_done == 0);
    OK(ringmain_reader_close(endless));

    ringmain_reader_options options = {.size = sizeof options, .end_kind = 4};
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &endless));
    options = (ringmain_reader_options){.size = sizeof options, .end_kind = RINGMAIN_END_NOW, .end_value = 1};
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &endless));
    options = (ringmain_reader_options){.size = sizeof options, .on_out_of_range = 3};
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &endless));
    close_both(stream, hub);
}

static int32_t is_long(void *context, const ringmain_record *record)
{
    return record->value_bytes > *(size_t *)context;
}

void test_reader_filters(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    append(stream, "a", "UA1", "EWR");
    append(stream, "b", "UA1", "IAH");
    append(stream, "c", "B6", "EWR");
    append(stream, "long", NULL, NULL);

    const ringmain_key keys[] = {{"UA1", 3}, {"DL9", 3}};
    const ringmain_filter parts[] = {
        {.size = sizeof parts[0], .kind = RINGMAIN_FILTER_KEYS, .keys = keys, .key_count = 2},
        {.size = sizeof parts[0], .kind = RINGMAIN_FILTER_HEADER, .name = "from", .value = "EWR", .value_bytes = 3},
    };
    const ringmain_filter all = {
        .size = sizeof all, .kind = RINGMAIN_FILTER_ALL, .filters = parts, .filter_count = 2};
    ringmain_filter any = {.size = sizeof any, .kind = RINGMAIN_FILTER_ANY, .filters = parts, .filter_count = 2};
    const ringmain_filter has = {.size = sizeof has, .kind = RINGMAIN_FILTER_HAS_HEADER, .name = "from"};
    size_t shortest = 1;
    const ringmain_filter where = {
        .size = sizeof where, .kind = RINGMAIN_FILTER_WHERE, .is_wanted = is_long, .context = &shortest};
    const struct {
        const ringmain_filter *filter;
        const char *values;
    } cases[] = {{NULL, "abclong"}, {&parts[0], "ab"}, {&parts[1], "ac"}, {&all, "a"},
                 {&any, "abc"},     {&has, "abc"},     {&where, "long"}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        ringmain_reader reader = open_reader(stream, (ringmain_reader_options){.filter = cases[index].filter});
        expect_values(reader, cases[index].values);
        OK(ringmain_reader_close(reader));
    }

    /* A filter that lies in itself has no end; many that are the same are many. */
    ringmain_reader reader = 7;
    ringmain_reader_options options = {.size = sizeof options, .filter = &any};
    any.filters = &any;
    any.filter_count = 1;
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    CHECK(reader == 0);
    ringmain_filter levels[12];
    levels[0] = has;
    for (int level = 1; level < 12; level++) {
        /* Each has the one before, sixteen times. */
        static ringmain_filter many[12][16];
        for (int copy = 0; copy < 16; copy++)
            many[level][copy] = levels[level - 1];
        levels[level] = (ringmain_filter){
            .size = sizeof levels[0], .kind = RINGMAIN_FILTER_ALL, .filters = many[level], .filter_count = 16};
    }
    options.filter = &levels[11];
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    ringmain_filter bad = {.size = sizeof bad, .kind = 7};
    options.filter = &bad;
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    bad.kind = RINGMAIN_FILTER_WHERE;
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    bad.kind = RINGMAIN_FILTER_HAS_HEADER;
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    bad.kind = RINGMAIN_FILTER_KEYS;
    bad.key_count = SIZE_MAX;
    INVALID_ARGUMENT(ringmain_reader_open_with(stream, 0, 0, 0, &options, &reader));
    close_both(stream, hub);
}

void test_reader_fetch_and_batches(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    for (int index = 0; index < 10; index++)
        append(stream, "x", NULL, NULL);
    ringmain_reader reader = open_reader(stream, (ringmain_reader_options){0});
    ringmain_records records = 0;
    size_t count = 0;
    OK(ringmain_reader_fetch(reader, 1, 80, 100, WAIT_MS, &records, &count));
    CHECK(count == 3);
    OK(ringmain_records_close(records));
    OK(ringmain_reader_poll_batch(reader, 4, WAIT_MS, WAIT_MS, &records, &count));
    CHECK(count == 4);
    OK(ringmain_records_close(records));
    OK(ringmain_reader_poll_batch(reader, 4, 0, WAIT_MS, &records, &count));
    CHECK(count == 3);
    OK(ringmain_records_close(records));
    INVALID_ARGUMENT(ringmain_reader_fetch(reader, 0, 80, 100, 0, &records, &count));
    INVALID_ARGUMENT(ringmain_reader_fetch(reader, 81, 80, 100, 0, &records, &count));
    INVALID_ARGUMENT(ringmain_reader_fetch(reader, 1, 80, 0, 0, &records, &count));
    OK(ringmain_reader_close(reader));
    close_both(stream, hub);

    /* What is told once when records were removed. */
    hub = open_stream(1, 2, &stream);
    reader = open_reader(stream, (ringmain_reader_options){.on_out_of_range = RINGMAIN_RESET_EARLIEST});
    const char *const texts[] = {"a", "b", "c", "d", "e"};
    for (int index = 0; index < 5; index++)
        append(stream, texts[index], NULL, NULL);
    CHECK_CODE(RINGMAIN_ERROR_OUT_OF_RANGE, ringmain_reader_poll(reader, 10, 0, &records, &count));
    expect_values(reader, "de");
    OK(ringmain_reader_close(reader));
    close_both(stream, hub);
}

static void *wait_for_records(void *reader)
{
    ringmain_records records = 7;
    size_t count = 7;
    OK(ringmain_reader_poll(*(ringmain_reader *)reader, 10, RINGMAIN_WAIT_FOREVER, &records, &count));
    CHECK(records == 0 && count == 0);
    return NULL;
}

void test_reader_is_cancelled(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    ringmain_reader reader = open_reader(stream, (ringmain_reader_options){0});
    ringmain_canceller canceller = 0;
    OK(ringmain_reader_canceller(reader, &canceller));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_records, &reader) == 0);
    OK(ringmain_canceller_cancel(canceller));
    CHECK(pthread_join(thread, NULL) == 0);
    OK(ringmain_canceller_close(canceller));
    INVALID_HANDLE(ringmain_canceller_cancel(canceller));

    /* What is there it hands out all the same. */
    append(stream, "a", NULL, NULL);
    expect_values(reader, "a");
    OK(ringmain_reader_close(reader));
    close_both(stream, hub);
}

void test_reader_replays(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    const uint64_t event_ns[] = {1000, 2000, UINT64_C(1000000000) * 3600 * 24};
    for (int index = 0; index < 3; index++) {
        ringmain_message message = text_message("x");
        message.event_time_ns = event_ns[index];
        OK(ringmain_stream_append(stream, &message, NULL));
    }
    ringmain_pace pace = {.size = sizeof pace, .time_of = RINGMAIN_TIME_OF_EVENT};
    ringmain_replay replay = 0;
    ringmain_records records = 0;
    size_t count = 0;
    uint64_t due_ns = 0;
    OK(ringmain_replay_open(stream, 0, RINGMAIN_START_EARLIEST, 0, NULL, &pace, &replay));
    for (int index = 0; index < 2; index++) {
        OK(ringmain_replay_next(replay, &records, &count));
        CHECK(count == 1);
        OK(ringmain_records_close(records));
    }

    /* The third is a day away: it is due, and not there; whoever waits for it is told to stop. */
    OK(ringmain_replay_try_next(replay, &records, &count));
    CHECK(records == 0 && count == 0);
    OK(ringmain_replay_due(replay, &due_ns));
    CHECK(due_ns > 0);
    ringmain_canceller canceller = 0;
    OK(ringmain_replay_canceller(replay, &canceller));
    OK(ringmain_canceller_cancel(canceller));
    OK(ringmain_replay_next(replay, &records, &count));
    CHECK(records == 0);
    OK(ringmain_canceller_close(canceller));
    OK(ringmain_replay_close(replay));
    pace.factor = -1;
    INVALID_ARGUMENT(ringmain_replay_open(stream, 0, RINGMAIN_START_EARLIEST, 0, NULL, &pace, &replay));

    /* Long gaps are cut. */
    pace.factor = 1000;
    pace.gap_max_ms = 1;
    OK(ringmain_replay_open(stream, 0, RINGMAIN_START_EARLIEST, 0, NULL, &pace, &replay));
    for (int index = 0; index < 3; index++) {
        OK(ringmain_replay_next(replay, &records, &count));
        CHECK(count == 1);
        OK(ringmain_records_close(records));
    }
    OK(ringmain_replay_next(replay, &records, &count));
    CHECK(records == 0);
    OK(ringmain_replay_close(replay));
    close_both(stream, hub);
}

/* What the callbacks of a member were told. */
struct told {
    int assigned;
    int revoked;
    int lost;
    int32_t answer;
    uint32_t partition;
};

static int32_t on_assign(void *context, ringmain_member member, const uint32_t *partitions, size_t count)
{
    struct told *told = context;
    CHECK(member != 0);
    told->assigned += (int)count;
    if (count > 0)
        told->partition = partitions[0];
    return told->answer;
}

static int32_t on_revoke(void *context, ringmain_member member, const uint32_t *partitions, size_t count)
{
    struct told *told = context;
    (void)partitions;
    told->revoked += (int)count;

    /* Every verb of the member may be used, but leaving. */
    uint64_t lag = 0;
    uint32_t revoking[4];
    size_t revoking_count = 0;
    OK(ringmain_member_lag(member, &lag));
    OK(ringmain_member_revoking(member, 4, revoking, &revoking_count));
    CHECK(revoking_count == count);
    INVALID_ARGUMENT(ringmain_member_leave(member));
    return ringmain_member_commit(member);
}

static int32_t on_lost(void *context, ringmain_member member, const uint32_t *partitions, size_t count)
{
    (void)member;
    (void)partitions;
    ((struct told *)context)->lost += (int)count;
    return 0;
}

static size_t poll_count(ringmain_member member)
{
    ringmain_records records = 0;
    size_t count = 0;
    OK(ringmain_member_poll(member, 100, 0, &records, &count));
    OK(ringmain_records_close(records));
    return count;
}

void test_group_tells_of_partitions(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(2, 0, &stream);
    ringmain_message message = text_message("x");
    for (uint32_t index = 0; index < 10; index++)
        OK(ringmain_stream_append_to(stream, index % 2, &message, NULL));
    struct told told = {0};
    ringmain_group_options options = {.size = sizeof options,
                                      .member_name = "desk-1",
                                      .session_timeout_ms = RINGMAIN_ZERO,
                                      .on_assign = on_assign,
                                      .on_revoke = on_revoke,
                                      .on_lost = on_lost,
                                      .context = &told};
    ringmain_member first = 0;
    ringmain_member second = 0;
    OK(ringmain_group_join_with(stream, "billing", &options, &first));
    CHECK(poll_count(first) == 10 && told.assigned == 2);

    /* One partition moves; the callback commits what was polled of it, and so it is given on. */
    OK(ringmain_group_join(stream, "billing", RINGMAIN_START_EARLIEST, 0, &second));
    CHECK(poll_count(second) == 0);
    poll_count(first);
    CHECK(told.revoked == 1 && told.lost == 0);
    uint64_t lag = 7;
    OK(ringmain_group_lag(stream, "billing", &lag));
    CHECK(lag == 0);
    uint32_t partitions[2];
    size_t count = 0;
    OK(ringmain_member_assignment(second, 2, partitions, &count));
    CHECK(count == 1);
    ringmain_group_stats stats = {.size = sizeof stats};
    ringmain_partition_lag behind = {.size = sizeof behind};
    OK(ringmain_group_stats_get(stream, "billing", &stats));
    CHECK(stats.members == 2 && stats.idle_members == 0 && stats.lag == 0 && stats.generation > 0);
    OK(ringmain_stream_append_to(stream, 1, &message, NULL));
    OK(ringmain_group_partition_lag(stream, "billing", 1, &behind));
    CHECK(behind.records == 1);
    OK(ringmain_group_partition_lag(stream, "billing", 0, &behind));
    CHECK(behind.records == 0 && behind.age_ms == 0);
    INVALID_ARGUMENT(ringmain_group_partition_lag(stream, "billing", 2, &behind));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_group_stats_get(stream, "nobody", &stats));
    OK(ringmain_member_leave(second));

    /* What a callback answers the poll does. */
    told.answer = 77;
    ringmain_records records = 7;
    INVALID_ARGUMENT(ringmain_member_poll(first, 10, 0, &records, &count));
    CHECK(strstr(ringmain_last_error_message(), "on_assign") != NULL && records == 0);
    OK(ringmain_member_leave(first));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_stream_delete_group(stream, "nobody"));
    ringmain_text names = 0;
    OK(ringmain_stream_groups(stream, &names));
    CHECK(tells(names, "[\"billing\"]"));
    OK(ringmain_stream_delete_group(stream, "billing"));
    OK(ringmain_stream_groups(stream, &names));
    CHECK(tells(names, "[]"));
    close_both(stream, hub);
}

void test_group_commits(void)
{
    ringmain_stream stream = 0;
    ringmain_hub hub = open_stream(1, 0, &stream);
    for (int index = 0; index < 4; index++)
        append(stream, "x", NULL, NULL);
    ringmain_member member = 0;
    ringmain_group_options options = {.size = sizeof options, .start_kind = RINGMAIN_START_COMMITTED};
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_group_join_with(stream, "billing", &options, &member));
    OK(ringmain_group_join_with(stream, "billing", NULL, &member));

    /* The second record is done, the first one is not. */
    ringmain_records records = 0;
    size_t count = 0;
    uint64_t number = 7;
    int32_t flag = 7;
    OK(ringmain_member_poll_batch(member, 3, 0, 0, &records, &count));
    CHECK(count == 3);
    OK(ringmain_member_done(member, records, 1));
    INVALID_ARGUMENT(ringmain_member_done(member, records, 3));
    OK(ringmain_member_commit_done(member));
    OK(ringmain_records_close(records));
    OK(ringmain_group_committed(stream, "billing", 0, &number, &flag));
    CHECK(number == 0 && flag == 1);
    OK(ringmain_member_lag(member, &number));
    CHECK(number == 3);

    /* Everything, without waiting; and back. */
    ringmain_receipt receipt = 0;
    OK(ringmain_member_fetch(member, 1, 1 << 20, 10, 0, &records, &count));
    CHECK(count == 1);
    OK(ringmain_records_close(records));
    OK(ringmain_member_submit_commit(member, &receipt));
    OK(ringmain_receipt_wait(receipt, WAIT_MS, &flag));
    CHECK(flag == 1);
    OK(ringmain_receipt_close(receipt));
    OK(ringmain_member_rewind(member, 0, 2));
    INVALID_ARGUMENT(ringmain_member_rewind(member, 0, 3));
    CHECK(poll_count(member) == 2);
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_member_confirm_revoke(member, 0));
    ringmain_processing processing = 0;
    OK(ringmain_member_processing(member, &processing));
    OK(ringmain_processing_close(processing));
    INVALID_HANDLE(ringmain_processing_close(processing));
    OK(ringmain_member_leave(member));

    /* Each poll commits what the one before it returned. */
    options.commit_mode = RINGMAIN_COMMIT_ON_POLL;
    OK(ringmain_group_join_with(stream, "billing", &options, &member));
    CHECK(poll_count(member) == 2 && poll_count(member) == 0);
    OK(ringmain_group_lag(stream, "billing", &number));
    CHECK(number == 0);
    OK(ringmain_member_leave(member));

    options.commit_mode = 3;
    INVALID_ARGUMENT(ringmain_group_join_with(stream, "billing", &options, &member));
    options.commit_mode = 0;
    options.max_poll_interval_ms = RINGMAIN_ZERO;
    INVALID_ARGUMENT(ringmain_group_join_with(stream, "billing", &options, &member));
    INVALID_ARGUMENT(ringmain_group_committed(stream, "billing", 1, &number, &flag));
    close_both(stream, hub);
}
