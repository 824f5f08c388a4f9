/*
 * Step 4 of the flights pipeline: reads the whole stream `flights` from the beginning and peeks at every dead letter of
 * the queue `rebook`. Totals for people on stderr, and for the pipeline one line of JSON on stdout.
 *
 *     cc -std=c99 -I ffi/include examples/flights/c/main.c -L target/release -lringmain -o flights_c
 *     flights_c HUB_DIRECTORY
 */

#define _POSIX_C_SOURCE 200809L

#include <ringmain.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many records or dead letters one call brings. */
#define BATCH_COUNT 1024

/* How often each text was seen. */
typedef struct {
    struct entry {
        char text[128];
        uint64_t count;
    } *entries;
    size_t length;
} tally;

/* What the pipeline wants to know. */
typedef struct {
    uint64_t records;
    uint64_t cancelled;
    tally carriers;
    uint64_t dead;
    uint64_t dead_failures;
    tally dead_by_failures;
    tally dead_by_reason;
} totals;

/* Ends the program if the call failed. */
static void must(int32_t code, const char *what)
{
    if (code == RINGMAIN_OK)
        return;
    fprintf(stderr, "flights_c: %s: %s: %s\n", what, ringmain_error_name(code), ringmain_last_error_message());
    exit(1);
}

/* Counts one more of a text, cut to 127 bytes. */
static void tally_add(tally *counts, const char *text, size_t bytes)
{
    struct entry new = {.count = 0};
    memcpy(new.text, text, bytes < sizeof new.text ? bytes : sizeof new.text - 1);
    size_t at = 0;
    while (at < counts->length && strcmp(counts->entries[at].text, new.text) != 0)
        at++;
    if (at == counts->length) {
        struct entry *entries = realloc(counts->entries, (counts->length + 1) * sizeof new);
        if (entries == NULL) {
            fprintf(stderr, "flights_c: out of memory\n");
            exit(1);
        }
        counts->entries = entries;
        counts->entries[counts->length++] = new;
    }
    counts->entries[at].count++;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(((const struct entry *)left)->text, ((const struct entry *)right)->text);
}

static bool contains(const void *bytes, size_t count, const char *wanted)
{
    const char *text = bytes;
    size_t length = strlen(wanted);
    for (size_t at = 0; at + length <= count; at++)
        if (memcmp(text + at, wanted, length) == 0)
            return true;
    return false;
}

static void count_record(ringmain_records batch, size_t index, totals *all)
{
    ringmain_record record = {.size = sizeof record};
    ringmain_header carrier;
    must(ringmain_records_get(batch, index, &record), "record");
    must(ringmain_records_header(batch, index, "carrier", &carrier), "header carrier");
    all->records++;
    if (contains(record.value, record.value_bytes, "\"dep_delay\":null"))
        all->cancelled++;
    if (carrier.value != NULL)
        tally_add(&all->carriers, carrier.value, carrier.value_bytes);
}

/* Every record of every partition; an empty batch is the end. */
static void read_flights(ringmain_hub hub, totals *all)
{
    ringmain_stream stream;
    ringmain_reader reader;
    ringmain_records batch;
    size_t count;
    must(ringmain_stream_open(hub, "flights", NULL, &stream), "stream flights");
    must(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader), "reader");
    do {
        must(ringmain_reader_poll(reader, BATCH_COUNT, 0, &batch, &count), "poll");
        for (size_t index = 0; index < count; index++)
            count_record(batch, index, all);
        must(ringmain_records_close(batch), "close records");
    } while (count > 0);
    must(ringmain_reader_close(reader), "close reader");
    must(ringmain_stream_close(stream), "close stream");
}

/* A header of a dead letter as text, empty if it has none. */
static void dead_header(ringmain_peeked batch, size_t index, const char *name, char *text, size_t bytes)
{
    ringmain_header header;
    must(ringmain_peeked_header(batch, index, name, &header), name);
    const char *value = header.value != NULL ? header.value : "";
    snprintf(text, bytes, "%.*s", (int)header.value_bytes, value);
}

/* Counts one dead letter; its id. */
static uint64_t count_dead_letter(ringmain_peeked batch, size_t index, totals *all)
{
    ringmain_message_info info = {.size = sizeof info};
    char failures[24], reason[32], error[90], label[128];
    must(ringmain_peeked_get(batch, index, &info), "dead letter");
    dead_header(batch, index, "rm-failures", failures, sizeof failures);
    dead_header(batch, index, "rm-dead-reason", reason, sizeof reason);
    dead_header(batch, index, "rm-dead-error", error, sizeof error);
    snprintf(label, sizeof label, "%s: %s", reason, error);
    all->dead++;
    all->dead_failures += strtoull(failures, NULL, 10);
    tally_add(&all->dead_by_failures, failures, strlen(failures));
    tally_add(&all->dead_by_reason, label, strlen(label));
    return info.id;
}

/* Every dead letter, by id; they stay where they are. */
static void peek_dead_letters(ringmain_hub hub, totals *all)
{
    ringmain_queue queue;
    ringmain_peeked batch;
    size_t count;
    uint64_t from_id = 0;
    int32_t opened = ringmain_queue_open(hub, "rebook.dead", NULL, &queue);
    if (opened == RINGMAIN_ERROR_OPTION_MISSING)
        return; /* It is not there to open, and to make it takes options: the Python step was left out. */
    must(opened, "queue rebook.dead");
    do {
        must(ringmain_queue_peek(queue, from_id, BATCH_COUNT, &batch, &count), "peek");
        for (size_t index = 0; index < count; index++)
            from_id = count_dead_letter(batch, index, all) + 1;
        must(ringmain_peeked_close(batch), "close peeked");
    } while (count > 0);
    must(ringmain_queue_close(queue), "close queue");
}

static void print_tally(const char *title, tally *counts)
{
    fprintf(stderr, "%s\n", title);
    if (counts->length > 0)
        qsort(counts->entries, counts->length, sizeof counts->entries[0], by_text);
    for (size_t index = 0; index < counts->length; index++)
        fprintf(stderr, "  %-40s %10" PRIu64 "\n", counts->entries[index].text, counts->entries[index].count);
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; byte++) {
        if (*byte < 0x20 || *byte == '"' || *byte == '\\')
            printf("\\u%04x", *byte);
        else
            putchar(*byte);
    }
    putchar('"');
}

static void print_totals(totals *all, double seconds)
{
    fprintf(stderr, "flights: %" PRIu64 " records, %" PRIu64 " of them cancelled\n", all->records, all->cancelled);
    print_tally("records by carrier:", &all->carriers);
    fprintf(stderr, "rebook.dead: %" PRIu64 " dead letters, %" PRIu64 " failures\n", all->dead, all->dead_failures);
    print_tally("dead letters by reason:", &all->dead_by_reason);
    print_tally("dead letters by failures:", &all->dead_by_failures);

    printf("{\"step\":\"c\",\"records\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"dead_failures\":%" PRIu64 ",\"carriers\":{",
           all->records, all->dead, all->dead_failures);
    for (size_t index = 0; index < all->carriers.length; index++) {
        if (index > 0)
            putchar(',');
        print_json_text(all->carriers.entries[index].text);
        printf(":%" PRIu64, all->carriers.entries[index].count);
    }
    printf("},\"seconds\":%.6f}\n", seconds);
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static totals all;
    ringmain_hub hub;
    if (argc != 2) {
        fprintf(stderr, "usage: %s HUB_DIRECTORY\n", argv[0]);
        return 2;
    }
    double start = now_seconds();
    must(ringmain_hub_open(argv[1], NULL, &hub), "hub");
    read_flights(hub, &all);
    peek_dead_letters(hub, &all);
    must(ringmain_hub_close(hub, 10000), "close hub");
    print_totals(&all, now_seconds() - start);
    return 0;
}
