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
    {"queue: send, receive, ack", test_queue_send_receive_ack},
    {"queue: batches", test_queue_batches},
    {"queue: headers and times", test_queue_headers_and_times},
    {"queue: fail until dead", test_queue_fail_until_dead},
    {"queue: release, reject, extend", test_queue_release_reject_extend},
    {"queue: lease expires", test_queue_lease_expires},
    {"queue: close while receiving", test_queue_close_while_receiving},
    {"stream: append and read", test_stream_append_and_read},
    {"stream: partitions and seek", test_stream_partitions_and_seek},
    {"stream: starts", test_stream_starts},
    {"stream: group", test_stream_group},
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
