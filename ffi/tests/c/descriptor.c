/* File descriptors for event loops. */

#define _POSIX_C_SOURCE 200112L

#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_readable(int fd, int wait_ms)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, wait_ms) == 1 && (entry.revents & POLLIN);
}

static void *send_one(void *queue)
{
    ringmain_message message = text_message("x");
    OK(ringmain_queue_send(*(ringmain_queue *)queue, &message, NULL));
    return NULL;
}

void test_descriptor_of_a_queue(void)
{
    ringmain_hub hub = 0;
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    int32_t fd = -1;
    int32_t again = -1;
    int32_t ready = 7;
    OK(ringmain_queue_fd(queue, &fd));
    OK(ringmain_queue_fd(queue, &again));
    CHECK(fd == again && fd > 2);

    /* Unarmed it says nothing; armed it says that something came, until it is armed again. */
    send_one(&queue);
    CHECK(!is_readable(fd, 0));
    OK(ringmain_queue_arm(queue, &ready));
    CHECK(ready == 1 && !is_readable(fd, 0));
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    CHECK(delivery != 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    for (int round = 0; round < 3; round++) {
        OK(ringmain_queue_arm(queue, &ready));
        CHECK(ready == 0 && !is_readable(fd, 0));
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, send_one, &queue) == 0);
        CHECK(is_readable(fd, WAIT_MS) && is_readable(fd, 0));
        CHECK(pthread_join(thread, NULL) == 0);
        OK(ringmain_queue_receive(queue, 0, &delivery));
        CHECK(delivery != 0);
        OK(ringmain_delivery_ack(delivery));
        OK(ringmain_delivery_close(delivery));
    }

    /* What is delayed rings when it is due. */
    OK(ringmain_queue_arm(queue, &ready));
    CHECK(ready == 0 && !is_readable(fd, 0));
    ringmain_message later = text_message("later");
    later.delay_ms = 20;
    OK(ringmain_queue_send(queue, &later, NULL));
    CHECK(is_readable(fd, WAIT_MS));

    /* The end of the hub rings; the descriptor closes with the handle. */
    OK(ringmain_queue_receive(queue, WAIT_MS, &delivery));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_arm(queue, &ready));
    CHECK(ready == 0);
    OK(ringmain_hub_close(hub, WAIT_MS));
    CHECK(is_readable(fd, WAIT_MS));
    CHECK_CODE(RINGMAIN_ERROR_CLOSED, ringmain_queue_arm(queue, &ready));
    OK(ringmain_queue_close(queue));
    struct pollfd closed = {.fd = fd, .events = POLLIN};
    CHECK(poll(&closed, 1, 0) == 1 && (closed.revents & POLLNVAL));
    INVALID_HANDLE(ringmain_queue_fd(queue, &fd));
}

void test_descriptor_of_a_stream(void)
{
    ringmain_hub hub = 0;
    ringmain_stream stream = 0;
    ringmain_reader reader = 0;
    ringmain_member member = 0;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "s", NULL, &stream));
    OK(ringmain_reader_open(stream, RINGMAIN_PARTITION_ALL, RINGMAIN_START_LATEST, 0, &reader));
    OK(ringmain_group_join(stream, "g", RINGMAIN_START_EARLIEST, 0, &member));
    int32_t of_reader = -1;
    int32_t of_member = -1;
    OK(ringmain_reader_fd(reader, &of_reader));
    OK(ringmain_member_fd(member, &of_member));
    CHECK(of_reader != of_member);
    char buffer[64];
    ringmain_packed_record entries[4];
    size_t count = 0;
    for (int round = 0; round < 3; round++) {
        int32_t ready = 7;
        OK(ringmain_reader_arm(reader, &ready));
        CHECK(ready == 0);
        OK(ringmain_member_arm(member, &ready));
        CHECK(ready == 0);
        CHECK(!is_readable(of_reader, 0) && !is_readable(of_member, 0));
        ringmain_message message = text_message("x");
        OK(ringmain_stream_append(stream, &message, NULL));
        CHECK(is_readable(of_reader, WAIT_MS) && is_readable(of_member, WAIT_MS));
        OK(ringmain_reader_arm(reader, &ready));
        CHECK(ready == 1);
        OK(ringmain_reader_poll_packed(reader, buffer, sizeof buffer, entries, 4, 0, &count));
        CHECK(count == 1);
        OK(ringmain_member_poll_packed(member, buffer, sizeof buffer, entries, 4, 0, &count));
        CHECK(count == 1);
        OK(ringmain_member_commit(member));
    }
    OK(ringmain_member_leave(member));
    OK(ringmain_reader_close(reader));
    INVALID_HANDLE(ringmain_reader_arm(reader, &of_reader));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* A child has the same descriptor: it cannot take from its parent what rang there. */
void test_descriptor_in_a_child(void)
{
    ringmain_hub hub = 0;
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    int32_t fd = -1;
    int32_t ready = 7;
    OK(ringmain_queue_fd(queue, &fd));
    OK(ringmain_queue_arm(queue, &ready));
    CHECK(ready == 0);
    send_one(&queue);
    CHECK(is_readable(fd, WAIT_MS));
    int ends[2] = {-1, -1};
    int32_t codes[2] = {-1, -1};
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        codes[0] = ringmain_queue_arm(queue, &ready);
        codes[1] = ringmain_queue_fd(queue, &ready);
        /* What threads that are not in the child had in memory is no leak to look for at its end. */
        if (write(ends[1], codes, sizeof codes) == sizeof codes)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    CHECK(child > 0 && read(ends[0], codes, sizeof codes) == sizeof codes && waitpid(child, NULL, 0) == child);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK(codes[0] == RINGMAIN_ERROR_FORKED && codes[1] == RINGMAIN_ERROR_FORKED);
    CHECK(is_readable(fd, 0));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
