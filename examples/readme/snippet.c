#include <ringmain.h>
#include <stdio.h>

int main(void) {
    ringmain_hub hub; ringmain_queue jobs; ringmain_delivery job;
    ringmain_message message = {.size = sizeof message, .value = "N14228 is late", .value_bytes = 14};
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "jobs.dead"};
    ringmain_hub_memory(&hub); /* or ringmain_hub_open("data", NULL, &hub), durable */
    ringmain_queue_open(hub, "jobs", &options, &jobs);
    ringmain_queue_send(jobs, &message, NULL);
    ringmain_queue_receive(jobs, 1000, &job);
    if (ringmain_delivery_ack(job) != RINGMAIN_OK) /* or fail, release, reject, extend */
        return fprintf(stderr, "%s\n", ringmain_last_error_message()), 1;

    ringmain_stream flights; ringmain_reader reader; ringmain_records batch; size_t count;
    ringmain_stream_open(hub, "flights", NULL, &flights);
    ringmain_stream_append(flights, &message, NULL);
    ringmain_reader_open(flights, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader);
    ringmain_reader_poll(reader, 100, 1000, &batch, &count);
    ringmain_record record = {.size = sizeof record};
    for (size_t i = 0; i < count && ringmain_records_get(batch, i, &record) == RINGMAIN_OK; i++)
        printf("%.*s\n", (int)record.value_bytes, (const char *)record.value);
    return ringmain_hub_close(hub, 1000); /* waits at most 1,000 ms */
}
