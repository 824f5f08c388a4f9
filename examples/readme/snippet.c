#include <ringmain.h>
#include <stdio.h>

int main(void) {
    ringmain_hub hub; ringmain_queue jobs; ringmain_stream flights;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "jobs.dead"};
    if (ringmain_hub_memory(&hub) || ringmain_queue_open(hub, "jobs", &options, &jobs)
        || ringmain_stream_open(hub, "flights", NULL, &flights))
        return fprintf(stderr, "%s\n", ringmain_last_error_message()), 1;

    ringmain_message task = {.size = sizeof task, .value = "rebook N14228", .value_bytes = 13};
    ringmain_delivery delivery; ringmain_message_info got = {.size = sizeof got};
    ringmain_queue_send(jobs, &task, NULL);
    ringmain_queue_receive(jobs, 1000, &delivery);
    if (ringmain_delivery_get(delivery, &got) == RINGMAIN_OK)
        printf("task: %.*s\n", (int)got.value_bytes, (const char *)got.value);
    ringmain_delivery_ack(delivery); /* or fail, release, reject, extend */
    ringmain_delivery_close(delivery);

    ringmain_message event = {.size = sizeof event, .value = "departed", .value_bytes = 8, .key = "N14228", .key_bytes = 6};
    ringmain_reader reader; ringmain_records batch; size_t count; ringmain_record record = {.size = sizeof record};
    ringmain_stream_append(flights, &event, NULL);
    ringmain_reader_open(flights, RINGMAIN_PARTITION_ALL, RINGMAIN_START_EARLIEST, 0, &reader);
    ringmain_reader_poll(reader, 100, 1000, &batch, &count);
    for (size_t i = 0; i < count && ringmain_records_get(batch, i, &record) == RINGMAIN_OK; i++)
        printf("record %d: %.*s\n", (int)record.offset, (int)record.value_bytes, (const char *)record.value);
    ringmain_records_close(batch);
    return ringmain_hub_close(hub, 1000);
}
