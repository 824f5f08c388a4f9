/* Runs the C tests: `c_tests DIRECTORY`, where DIRECTORY is empty. Ends with "N passed, M failed". */

#include "check.h"

int checks_failed;
const char *directory;

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"handles", test_handles},
    {"arguments", test_arguments},
    {"structs", test_structs},
    {"texts", test_texts},
    {"panics", test_panics},
    {"outputs", test_outputs},
    {"refused calls leave zeroes", test_refused_calls_leave_zeroes},
    {"refused batches say so in each code", test_refused_batches_say_so_in_each_code},
    {"a handler fails for its own reasons", test_a_handler_fails_for_its_own_reasons},
    {"a callback of a member fails for its own reasons", test_a_callback_of_a_member_fails_for_its_own_reasons},
    {"counts of a queue", test_counts_of_a_queue},
    {"counts of a worker", test_counts_of_a_worker},
    {"counts of a stream", test_counts_of_a_stream},
    {"fields of packed messages", test_fields_of_packed_messages},
    {"fields of packed records", test_fields_of_packed_records},
    {"fields of letters", test_fields_of_letters},
    {"fields of deadlines", test_fields_of_deadlines},
    {"fields of options", test_fields_of_options},
    {"hub in memory", test_hub_in_memory},
    {"hub on a directory", test_hub_on_a_directory},
    {"hub that is open already", test_hub_that_is_open_already},
    {"hub that is closed", test_hub_that_is_closed},
    {"options of a hub", test_options_of_a_hub},
    {"options move the clock", test_options_move_the_clock},
    {"options of a queue", test_options_of_a_queue},
    {"options of a queue that make no sense", test_options_of_a_queue_that_make_no_sense},
    {"waiting messages are cancelled and put off", test_waiting_messages_are_cancelled_and_put_off},
    {"ordering keys are weighed and resumed", test_ordering_keys_are_weighed_and_resumed},
    {"dead letters are seen sent back written and thrown away", test_dead_letters_are_seen_sent_back_written_and_thrown_away},
    {"schedules fire pause and go", test_schedules_fire_pause_and_go},
    {"snapshots are taken verified and restored", test_snapshots_are_taken_verified_and_restored},
    {"notices reach the program's own logger", test_notices_reach_the_programs_own_logger},
    {"queue: send, receive, ack", test_queue_send_receive_ack},
    {"queue: batches", test_queue_batches},
    {"queue: headers and times", test_queue_headers_and_times},
    {"queue: fail until dead", test_queue_fail_until_dead},
    {"queue: release, reject, extend", test_queue_release_reject_extend},
    {"queue: lease expires", test_queue_lease_expires},
    {"queue: close while receiving", test_queue_close_while_receiving},
    {"packed: receive", test_packed_receive},
    {"packed: close releases", test_packed_close_releases},
    {"packed: poll", test_packed_poll},
    {"descriptor of a queue", test_descriptor_of_a_queue},
    {"descriptor of a stream", test_descriptor_of_a_stream},
    {"descriptor in a child", test_descriptor_in_a_child},
    {"stream: append and read", test_stream_append_and_read},
    {"stream: partitions and seek", test_stream_partitions_and_seek},
    {"stream: starts", test_stream_starts},
    {"stream: group", test_stream_group},
    {"message: priority and ordering key", test_message_priority_and_ordering_key},
    {"message: unique", test_message_unique},
    {"message: limits of its own", test_message_limits_of_its_own},
    {"message: receive with limits", test_message_receive_with_limits},
    {"message: told apart", test_message_told_apart},
    {"append: to a partition", test_append_to_a_partition},
    {"append: by a partitioner", test_append_by_a_partitioner},
    {"append: without waiting", test_append_without_waiting},
    {"append: by a producer", test_append_by_a_producer},
    {"append: by a batcher", test_append_by_a_batcher},
    {"append: and look for offsets", test_append_and_look_for_offsets},
    {"append: as the options say", test_append_as_the_options_say},
    {"reader: up to an end", test_reader_up_to_an_end},
    {"reader: filters", test_reader_filters},
    {"reader: fetch and batches", test_reader_fetch_and_batches},
    {"reader: is cancelled", test_reader_is_cancelled},
    {"reader: replays", test_reader_replays},
    {"group: tells of partitions", test_group_tells_of_partitions},
    {"group: commits", test_group_commits},
    {"worker: settles as its handler says", test_worker_settles_as_its_handler_says},
    {"worker: runs several and takes jobs back", test_worker_runs_several_and_takes_jobs_back},
    {"worker: of a stream", test_worker_of_a_stream},
    {"consumer: takes ahead and acks up to", test_consumer_takes_ahead_and_acks_up_to},
    {"table: has the last of each key", test_table_has_the_last_of_each_key},
};

int main(int argc, char **argv)
{
    int passed = 0;
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    for (size_t index = 0; index < sizeof tests / sizeof tests[0]; index++) {
        checks_failed = 0;
        tests[index].run();
        printf("%s %s\n", checks_failed ? "FAILED" : "ok    ", tests[index].name);
        fflush(stdout);
        if (checks_failed)
            failed++;
        else
            passed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
