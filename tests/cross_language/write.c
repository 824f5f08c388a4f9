/* First of four: sends tasks 0..99 to the queue `relay` and appends records 0..99 to the stream `log`. */
#include <ringmain.h>
#include <stdio.h>
#include <string.h>

static int check(int32_t code, const char *what) {
    if (code != RINGMAIN_OK) fprintf(stderr, "write.c: %s: %s\n", what, ringmain_last_error_message());
    return code == RINGMAIN_OK;
}

int main(int count, char **arguments) {
    ringmain_hub hub;
    ringmain_queue relay;
    ringmain_stream log;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "relay.dead"};
    ringmain_stream_options four = {.size = sizeof four, .partitions = 4};
    if (count != 2) return fprintf(stderr, "usage: write HUB_DIRECTORY\n"), 2;
    if (!check(ringmain_hub_open(arguments[1], NULL, &hub), "open")) return 1;
    if (!check(ringmain_queue_open(hub, "relay", &options, &relay), "queue")) return 1;
    if (!check(ringmain_stream_open(hub, "log", &four, &log), "stream")) return 1;
    for (int i = 0; i < 100; i++) {
        char value[32], key[32];
        ringmain_header header = {.name = "from", .name_bytes = 4, .value = "C", .value_bytes = 1};
        ringmain_message message = {.size = sizeof message, .headers = &header, .header_count = 1};
        snprintf(value, sizeof value, "task %d", i);
        snprintf(key, sizeof key, "key %d", i % 10);
        message.value = value, message.value_bytes = strlen(value);
        message.key = key, message.key_bytes = strlen(key);
        if (!check(ringmain_queue_send(relay, &message, NULL), "send")) return 1;
        if (!check(ringmain_stream_append(log, &message, NULL), "append")) return 1;
    }
    return check(ringmain_hub_close(hub, 60000), "close") ? 0 : 1;
}
