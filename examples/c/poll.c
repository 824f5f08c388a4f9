/* An event loop over poll(2) that waits for two queues at once. Any loop that takes file descriptors will do.
 *
 *     cc -std=c11 poll.c $(pkg-config --cflags --libs ringmain) -lpthread -o poll
 */

#define _POSIX_C_SOURCE 200112L

#include <ringmain.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUES = 2, MESSAGES = 100 };

static void check(int32_t code)
{
    if (code != RINGMAIN_OK) {
        fprintf(stderr, "%s: %s\n", ringmain_error_name(code), ringmain_last_error_message());
        exit(1);
    }
}

/* Some other thread, which knows nothing of the loop. */
static void *produce(void *queues)
{
    for (int number = 0; number < MESSAGES; number++) {
        ringmain_message message = {.size = sizeof message, .value = &number, .value_bytes = sizeof number};
        check(ringmain_queue_send(((ringmain_queue *)queues)[number % QUEUES], &message, NULL));
    }
    return NULL;
}

/* All there is, without waiting. */
static int drain(ringmain_queue queue)
{
    int received = 0;
    for (;;) {
        ringmain_delivery job;
        check(ringmain_queue_receive(queue, 0, &job));
        if (job == 0)
            return received;
        check(ringmain_delivery_ack(job));
        check(ringmain_delivery_close(job));
        received++;
    }
}

int main(void)
{
    const char *const names[QUEUES] = {"imports", "exports"};
    ringmain_hub hub;
    ringmain_queue queues[QUEUES];
    struct pollfd descriptors[QUEUES];
    check(ringmain_hub_memory(&hub));
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    for (int index = 0; index < QUEUES; index++) {
        check(ringmain_queue_open(hub, names[index], &options, &queues[index]));
        check(ringmain_queue_fd(queues[index], &descriptors[index].fd));
        descriptors[index].events = POLLIN;
    }
    pthread_t producer;
    if (pthread_create(&producer, NULL, produce, queues) != 0)
        return 1;

    int received = 0;
    while (received < MESSAGES) {
        int is_ready = 0;
        for (int index = 0; index < QUEUES; index++) {
            received += drain(queues[index]);
            int32_t ready;
            check(ringmain_queue_arm(queues[index], &ready));
            is_ready |= ready;
        }
        if (!is_ready && received < MESSAGES && poll(descriptors, QUEUES, 10000) <= 0)
            return 1;
    }
    printf("received %d\n", received);

    pthread_join(producer, NULL);
    for (int index = 0; index < QUEUES; index++)
        check(ringmain_queue_close(queues[index]));
    check(ringmain_hub_close(hub, 1000));
    return 0;
}
