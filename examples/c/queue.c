/* A task queue: send, receive, ack, and what comes of a message that fails.
 *
 *     cc -std=c11 queue.c $(pkg-config --cflags --libs ringmain) -o queue
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

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = {.size = sizeof message, .value = text, .value_bytes = strlen(text)};
    check(ringmain_queue_send(queue, &message, NULL));
}

int main(void)
{
    ringmain_hub hub;
    ringmain_queue emails, dead;
    check(ringmain_hub_memory(&hub)); /* or ringmain_hub_open("data", NULL, &hub), durable */
    ringmain_queue_options options = {
        .size = sizeof options,
        .dead_letter = "emails.dead",
        .max_failures = 2,
        .retry_base_ms = 1,
        .retry_jitter = RINGMAIN_JITTER_NONE,
    };
    check(ringmain_queue_open(hub, "emails", &options, &emails));
    check(ringmain_queue_open(hub, "emails.dead", NULL, &dead));

    send_text(emails, "welcome");
    send_text(emails, "bounces");
    /* Until nothing comes for a tenth of a second. */
    for (;;) {
        ringmain_delivery job;
        check(ringmain_queue_receive(emails, 100, &job));
        if (job == 0)
            break;
        ringmain_message_info info = {.size = sizeof info};
        check(ringmain_delivery_get(job, &info));
        if (memcmp(info.value, "bounces", info.value_bytes) == 0) {
            printf("%.*s fails, attempt %u\n", (int)info.value_bytes, (const char *)info.value, info.attempts);
            check(ringmain_delivery_fail(job, "no such address", 15, RINGMAIN_DELAY_POLICY));
        } else {
            printf("%.*s is sent\n", (int)info.value_bytes, (const char *)info.value);
            check(ringmain_delivery_ack(job));
        }
        check(ringmain_delivery_close(job));
    }

    /* Many by one call, in memory of our own. */
    char buffer[4096];
    ringmain_packed_message letters[16];
    size_t count;
    check(ringmain_queue_receive_packed(dead, buffer, sizeof buffer, letters, 16, 1000, &count));
    for (size_t index = 0; index < count; index++) {
        printf("dead: %.*s\n", (int)letters[index].value_bytes, buffer + letters[index].value_at);
        check(ringmain_queue_ack_packed(dead, &letters[index].token, 1, NULL));
    }

    check(ringmain_queue_close(dead));
    check(ringmain_queue_close(emails));
    check(ringmain_hub_close(hub, 1000));
    return 0;
}
