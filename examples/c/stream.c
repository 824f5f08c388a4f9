/* An event stream: append, read at one's own pace, and share the work in a group.
 *
 *     cc -std=c11 stream.c $(pkg-config --cflags --libs ringmain) -o stream
 */

#include <ringmain.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int32_t code)
{
    if (code != RINGMAIN_OK) {
        fprintf(stderr, "%s: %s\n", ringmain_error_name(code), ringmain_last_error_message());
        exit(1);
    }
}

int main(void)
{
    ringmain_hub hub;
    ringmain_stream flights;
    check(ringmain_hub_memory(&hub));
    ringmain_stream_options options = {.size = sizeof options, .partitions = 4};
    check(ringmain_stream_open(hub, "flights", &options, &flights));
    const char *const tails[] = {"N14228", "N24211", "N14228"};
    for (size_t index = 0; index < 3; index++) {
        ringmain_message message = {
            .size = sizeof message,
            .value = "departed",
            .value_bytes = 8,
            .key = tails[index], /* those of one key stay in order */
            .key_bytes = strlen(tails[index]),
        };
        check(ringmain_stream_append(flights, &message, NULL));
    }

    /* A reader has a place of its own. */
    ringmain_reader reader;
    check(ringmain_reader_open(flights, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader));
    ringmain_records records;
    size_t count;
    check(ringmain_reader_poll(reader, 100, 1000, &records, &count));
    size_t of_one = 0;
    for (size_t index = 0; index < count; index++) {
        ringmain_record record = {.size = sizeof record};
        check(ringmain_records_get(records, index, &record));
        of_one += record.key_bytes == 6 && memcmp(record.key, "N14228", 6) == 0;
    }
    printf("read %zu, %zu of them of N14228\n", count, of_one);
    check(ringmain_records_close(records));
    check(ringmain_reader_close(reader));

    /* The members of a group share the partitions, and commit what they have handled. */
    ringmain_member member;
    check(ringmain_group_join(flights, "billing", RINGMAIN_START_EARLIEST, 0, &member));
    char buffer[4096];
    ringmain_packed_record packed[16];
    size_t billed = 0;
    do {
        check(ringmain_member_poll_packed(member, buffer, sizeof buffer, packed, 16, 0, &count));
        billed += count;
        check(ringmain_member_commit(member));
    } while (count > 0);
    uint64_t lag;
    check(ringmain_group_lag(flights, "billing", &lag));
    printf("billed %zu, %u to go\n", billed, (unsigned)lag);
    check(ringmain_member_leave(member));

    check(ringmain_stream_close(flights));
    check(ringmain_hub_close(hub, 1000));
    return 0;
}
