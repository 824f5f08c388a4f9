/* Checks and small shortcuts for the C tests. Each test is a function that returns; main.c lists and counts them. */

#ifndef RINGMAIN_TESTS_CHECK_H
#define RINGMAIN_TESTS_CHECK_H

#include "ringmain.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Failed checks of the running test. */
extern int checks_failed;

/* An empty directory for a hub. */
extern const char *directory;

#define CHECK(condition)                                                                                         \
    do {                                                                                                         \
        if (!(condition)) {                                                                                      \
            fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #condition,             \
                    ringmain_last_error_message());                                                              \
            checks_failed++;                                                                                     \
        }                                                                                                        \
    } while (0)

/* The call answers this code. */
#define CHECK_CODE(expected, call)                                                                               \
    do {                                                                                                         \
        int32_t code_ = (call);                                                                                  \
        if (code_ != (expected)) {                                                                               \
            fprintf(stderr, "%s:%d: %s answered %s, not %s (last error: %s)\n", __FILE__, __LINE__, #call,      \
                    ringmain_error_name(code_), ringmain_error_name(expected), ringmain_last_error_message());   \
            checks_failed++;                                                                                     \
        }                                                                                                        \
    } while (0)

#define OK(call) CHECK_CODE(RINGMAIN_OK, call)
#define INVALID_ARGUMENT(call) CHECK_CODE(RINGMAIN_ERROR_INVALID_ARGUMENT, call)
#define INVALID_HANDLE(call) CHECK_CODE(RINGMAIN_ERROR_INVALID_HANDLE, call)

/* Time enough for anything that comes at all. */
#define WAIT_MS 20000

static inline ringmain_message text_message(const char *text)
{
    ringmain_message message = {.size = sizeof message, .value = text, .value_bytes = strlen(text)};
    return message;
}

static inline int is_text(const void *bytes, size_t count, const char *text)
{
    return bytes != NULL && count == strlen(text) && memcmp(bytes, text, count) == 0;
}

/* Whether a text that a call has stored holds a part; closes it. */
static inline int tells(ringmain_text text, const char *part)
{
    const char *bytes = NULL;
    size_t count = 0;
    OK(ringmain_text_get(text, &bytes, &count));
    int found = bytes != NULL && strlen(bytes) == count && strstr(bytes, part) != NULL;
    if (!found)
        fprintf(stderr, "%s is not in %s\n", part, bytes != NULL ? bytes : "nothing");
    OK(ringmain_text_close(text));
    return found;
}

/* The tests, by file. */
void test_handles(void);
void test_arguments(void);
void test_structs(void);
void test_texts(void);
void test_panics(void);
void test_outputs(void);

void test_refused_calls_leave_zeroes(void);
void test_refused_batches_say_so_in_each_code(void);
void test_a_handler_fails_for_its_own_reasons(void);
void test_a_callback_of_a_member_fails_for_its_own_reasons(void);

void test_counts_of_a_queue(void);
void test_counts_of_a_worker(void);
void test_counts_of_a_stream(void);

void test_fields_of_packed_messages(void);
void test_fields_of_packed_records(void);
void test_fields_of_letters(void);
void test_fields_of_deadlines(void);
void test_fields_of_options(void);

void test_hub_in_memory(void);
void test_hub_on_a_directory(void);
void test_hub_that_is_open_already(void);
void test_hub_that_is_closed(void);

void test_options_of_a_hub(void);
void test_options_move_the_clock(void);
void test_options_of_a_queue(void);
void test_options_of_a_queue_that_make_no_sense(void);

void test_waiting_messages_are_cancelled_and_put_off(void);
void test_ordering_keys_are_weighed_and_resumed(void);
void test_dead_letters_are_seen_sent_back_written_and_thrown_away(void);
void test_schedules_fire_pause_and_go(void);
void test_notices_reach_the_programs_own_logger(void);
void test_snapshots_are_taken_verified_and_restored(void);

void test_queue_send_receive_ack(void);
void test_queue_batches(void);
void test_queue_headers_and_times(void);
void test_queue_fail_until_dead(void);
void test_queue_release_reject_extend(void);
void test_queue_lease_expires(void);
void test_queue_close_while_receiving(void);

void test_packed_receive(void);
void test_packed_close_releases(void);
void test_packed_poll(void);

void test_descriptor_of_a_queue(void);
void test_descriptor_of_a_stream(void);
void test_descriptor_in_a_child(void);

void test_stream_append_and_read(void);
void test_stream_partitions_and_seek(void);
void test_stream_starts(void);
void test_stream_group(void);

void test_message_priority_and_ordering_key(void);
void test_message_unique(void);
void test_message_limits_of_its_own(void);
void test_message_receive_with_limits(void);
void test_message_told_apart(void);

void test_append_to_a_partition(void);
void test_append_by_a_partitioner(void);
void test_append_without_waiting(void);
void test_append_by_a_producer(void);
void test_append_by_a_batcher(void);
void test_append_and_look_for_offsets(void);
void test_append_as_the_options_say(void);

void test_reader_up_to_an_end(void);
void test_reader_filters(void);
void test_reader_fetch_and_batches(void);
void test_reader_is_cancelled(void);
void test_reader_replays(void);

void test_group_tells_of_partitions(void);
void test_group_commits(void);

void test_worker_settles_as_its_handler_says(void);
void test_worker_runs_several_and_takes_jobs_back(void);
void test_worker_of_a_stream(void);

void test_consumer_takes_ahead_and_acks_up_to(void);

void test_table_has_the_last_of_each_key(void);

#endif
