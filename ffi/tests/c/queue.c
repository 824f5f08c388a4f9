/* Queues: send, receive, settle. */

#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <pthread.h>

static ringmain_hub open_queue(const char *name, ringmain_queue_options options, ringmain_queue *queue)
{
    ringmain_hub hub = 0;
    options.size = sizeof options;
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, name, &options, queue));
    return hub;
}

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_queue_send(queue, &message, NULL));
}

/* The next delivery, or 0. */
static ringmain_delivery next(ringmain_queue queue, uint64_t wait_ms)
{
    ringmain_delivery delivery = 7;
    OK(ringmain_queue_receive(queue, wait_ms, &delivery));
    return delivery;
}

static ringmain_message_info look(ringmain_delivery delivery)
{
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(delivery, &info));
    return info;
}

static ringmain_queue_stats count(ringmain_queue queue)
{
    ringmain_queue_stats stats = {.size = sizeof stats};
    OK(ringmain_queue_stats_get(queue, &stats));
    return stats;
}

void test_queue_send_receive_ack(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue("jobs", (ringmain_queue_options){.dead_letter = "jobs.dead"}, &queue);
    CHECK(next(queue, 0) == 0);

    ringmain_message message = text_message("rebook");
    message.key = "N14228";
    message.key_bytes = 6;
    uint64_t id = UINT64_MAX;
    OK(ringmain_queue_send(queue, &message, &id));
    CHECK(id != UINT64_MAX && count(queue).ready == 1 && count(queue).sent_total == 1);

    ringmain_delivery delivery = next(queue, 0);
    CHECK(delivery != 0 && next(queue, 0) == 0);
    ringmain_message_info info = look(delivery);
    CHECK(info.id == id && info.attempts == 1 && info.failures == 0 && info.header_count == 0);
    CHECK(is_text(info.value, info.value_bytes, "rebook") && is_text(info.key, info.key_bytes, "N14228"));
    CHECK(info.time_ns > 0 && info.event_time_ns == 0);
    CHECK(count(queue).leased == 1);

    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_ack(delivery));
    CHECK(count(queue).leased == 0 && count(queue).ready == 0 && count(queue).acked_total == 1);
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_delivery_fail(delivery, "late", 4, 0));
    CHECK(is_text(info.value, info.value_bytes, "rebook"));
    OK(ringmain_delivery_close(delivery));

    /* Closing an unsettled delivery hands it back without a failure. */
    send_text(queue, "again");
    OK(ringmain_delivery_close(next(queue, 0)));
    delivery = next(queue, WAIT_MS);
    info = look(delivery);
    CHECK(info.attempts == 2 && info.failures == 0 && info.key == NULL && info.key_bytes == 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    /* Empty values and keys are values and keys. */
    message = (ringmain_message){.size = sizeof message, .key = ""};
    OK(ringmain_queue_send(queue, &message, NULL));
    delivery = next(queue, 0);
    info = look(delivery);
    CHECK(info.value_bytes == 0 && info.key != NULL && info.key_bytes == 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_queue_batches(void)
{
    enum { COUNT = 100 };
    ringmain_queue queue = 0;
    ringmain_hub hub =
        open_queue("batches", (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP}, &queue);
    ringmain_message messages[COUNT];
    uint64_t ids[COUNT];
    uint32_t numbers[COUNT];
    for (uint32_t index = 0; index < COUNT; index++) {
        numbers[index] = index;
        messages[index] = (ringmain_message){
            .size = sizeof messages[index], .value = &numbers[index], .value_bytes = sizeof numbers[index]};
    }
    OK(ringmain_queue_send_batch(queue, messages, COUNT, ids));

    /* Peeking changes nothing, from any id on. */
    ringmain_peeked peeked = 0;
    size_t peeked_count = 0;
    OK(ringmain_queue_peek(queue, ids[90], 20, &peeked, &peeked_count));
    CHECK(peeked_count == 10);
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_peeked_get(peeked, 9, &info));
    CHECK(info.id == ids[99] && info.attempts == 0 && memcmp(info.value, &numbers[99], sizeof numbers[99]) == 0);
    INVALID_ARGUMENT(ringmain_peeked_get(peeked, 10, &info));
    INVALID_ARGUMENT(ringmain_peeked_get(peeked, SIZE_MAX, &info));
    OK(ringmain_peeked_close(peeked));
    OK(ringmain_queue_peek(queue, ids[99] + 1, 20, &peeked, &peeked_count));
    CHECK(peeked == 0 && peeked_count == 0);

    ringmain_delivery deliveries[COUNT + 1];
    size_t received = 0;
    OK(ringmain_queue_receive_batch(queue, COUNT + 1, 0, deliveries, &received));
    CHECK(received == COUNT && deliveries[COUNT] == 0);
    for (size_t index = 0; index < received; index++) {
        info = look(deliveries[index]);
        CHECK(info.id == ids[index] && memcmp(info.value, &numbers[index], sizeof numbers[index]) == 0);
    }

    /* One that is closed does not keep the others from being acked. */
    OK(ringmain_delivery_close(deliveries[50]));
    int32_t codes[COUNT];
    INVALID_HANDLE(ringmain_queue_ack_batch(queue, deliveries, COUNT, codes));
    for (size_t index = 0; index < COUNT; index++)
        CHECK(codes[index] == (index == 50 ? RINGMAIN_ERROR_INVALID_HANDLE : RINGMAIN_OK));
    CHECK(count(queue).acked_total == COUNT - 1);
    for (size_t index = 0; index < COUNT; index++)
        CHECK_CODE(index == 50 ? RINGMAIN_ERROR_INVALID_HANDLE : RINGMAIN_OK, ringmain_delivery_close(deliveries[index]));

    OK(ringmain_queue_receive_batch(queue, COUNT, WAIT_MS, deliveries, &received));
    CHECK(received == 1 && look(deliveries[0]).id == ids[50]);
    OK(ringmain_queue_ack_batch(queue, deliveries, 1, NULL));
    OK(ringmain_delivery_close(deliveries[0]));
    OK(ringmain_queue_ack_batch(queue, NULL, 0, NULL));
    OK(ringmain_queue_receive_batch(queue, COUNT, 0, deliveries, &received));
    CHECK(received == 0);

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_queue_headers_and_times(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub =
        open_queue("headers", (ringmain_queue_options){.on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP}, &queue);
    const ringmain_header headers[] = {
        {.name = "carrier", .name_bytes = 7, .value = "UA", .value_bytes = 2},
        {.name = "caf\xc3\xa9", .name_bytes = 5, .value = "\0\xff", .value_bytes = 2},
        {.name = "empty", .name_bytes = 5},
        {.name = "carrier", .name_bytes = 7, .value = "second", .value_bytes = 6},
    };
    ringmain_message message = text_message("x");
    message.headers = headers;
    message.header_count = 4;
    message.event_time_ns = UINT64_C(1357034400000000000);
    message.delay_ms = 1;
    OK(ringmain_queue_send(queue, &message, NULL));

    ringmain_delivery delivery = next(queue, WAIT_MS);
    ringmain_message_info info = look(delivery);
    CHECK(info.header_count == 4 && info.event_time_ns == UINT64_C(1357034400000000000));
    ringmain_header header;
    for (size_t index = 0; index < 4; index++) {
        OK(ringmain_delivery_header_at(delivery, index, &header));
        CHECK(header.name_bytes == headers[index].name_bytes && header.value_bytes == headers[index].value_bytes);
        CHECK(memcmp(header.name, headers[index].name, header.name_bytes) == 0);
        CHECK(header.value_bytes == 0 || memcmp(header.value, headers[index].value, header.value_bytes) == 0);
    }
    OK(ringmain_delivery_header(delivery, "carrier", &header));
    CHECK(is_text(header.value, header.value_bytes, "UA"));
    OK(ringmain_delivery_header(delivery, "empty", &header));
    CHECK(header.value != NULL && header.value_bytes == 0);
    OK(ringmain_delivery_header(delivery, "none", &header));
    CHECK(header.value == NULL);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_queue_fail_until_dead(void)
{
    ringmain_queue_options options = {
        .dead_letter = "failing.dead",
        .max_failures = 3,
        .retry_base_ms = 1,
        .retry_cap_ms = 2,
        .retry_factor = 1.5,
        .retry_jitter = RINGMAIN_JITTER_NONE,
    };
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue("failing", options, &queue);
    send_text(queue, "doomed");
    for (uint32_t failures = 0; failures < 3; failures++) {
        ringmain_delivery delivery = next(queue, WAIT_MS);
        CHECK(look(delivery).failures == failures && look(delivery).attempts == failures + 1);
        OK(ringmain_delivery_fail(delivery, "no seat", 7, failures == 1 ? 0 : RINGMAIN_DELAY_POLICY));
        OK(ringmain_delivery_close(delivery));
    }
    CHECK(next(queue, 0) == 0 && count(queue).dead_total == 1 && count(queue).failures_total == 3);

    ringmain_queue dead = 0;
    OK(ringmain_queue_open(hub, "failing.dead", NULL, &dead));
    ringmain_peeked peeked = 0;
    size_t peeked_count = 0;
    OK(ringmain_queue_peek(dead, 0, 10, &peeked, &peeked_count));
    CHECK(peeked_count == 1);
    ringmain_header header;
    OK(ringmain_peeked_header(peeked, 0, "rm-dead-reason", &header));
    CHECK(is_text(header.value, header.value_bytes, "failed"));
    OK(ringmain_peeked_header(peeked, 0, "rm-dead-error", &header));
    CHECK(is_text(header.value, header.value_bytes, "no seat"));
    OK(ringmain_peeked_header(peeked, 0, "rm-failures", &header));
    CHECK(is_text(header.value, header.value_bytes, "3"));
    OK(ringmain_peeked_header(peeked, 0, "rm-attempts", &header));
    CHECK(is_text(header.value, header.value_bytes, "3"));
    OK(ringmain_peeked_header_at(peeked, 0, 0, &header));
    CHECK(header.name_bytes > 3 && memcmp(header.name, "rm-", 3) == 0);
    INVALID_ARGUMENT(ringmain_peeked_header_at(peeked, 0, 1000, &header));
    INVALID_ARGUMENT(ringmain_peeked_header(peeked, 1, "rm-failures", &header));
    OK(ringmain_peeked_close(peeked));

    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_queue_release_reject_extend(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue("verbs", (ringmain_queue_options){.dead_letter = "verbs.dead"}, &queue);
    send_text(queue, "x");
    ringmain_delivery delivery = next(queue, 0);
    OK(ringmain_delivery_extend(delivery, 60000));
    OK(ringmain_delivery_release(delivery, 0));
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_delivery_extend(delivery, 60000));
    OK(ringmain_delivery_close(delivery));

    delivery = next(queue, WAIT_MS);
    CHECK(look(delivery).failures == 0);
    OK(ringmain_delivery_release(delivery, 3600000));
    OK(ringmain_delivery_close(delivery));
    CHECK(next(queue, 0) == 0 && count(queue).scheduled == 1);

    /* A reason that is too long is cut at a character, here within the two bytes of the last one. */
    char reason[RINGMAIN_KEY_BYTES_MAX + 1];
    memset(reason, 'r', sizeof reason);
    memcpy(reason + sizeof reason - 2, "\xc3\xa9", 2);
    send_text(queue, "y");
    delivery = next(queue, 0);
    OK(ringmain_delivery_reject(delivery, reason, sizeof reason));
    OK(ringmain_delivery_close(delivery));
    ringmain_queue dead = 0;
    OK(ringmain_queue_open(hub, "verbs.dead", NULL, &dead));
    delivery = next(dead, 0);
    ringmain_header header;
    OK(ringmain_delivery_header(delivery, "rm-dead-reason", &header));
    CHECK(is_text(header.value, header.value_bytes, "rejected"));
    OK(ringmain_delivery_header(delivery, "rm-dead-error", &header));
    CHECK(header.value_bytes == sizeof reason - 2 && memcmp(header.value, reason, header.value_bytes) == 0);
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_queue_lease_expires(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub =
        open_queue("leases", (ringmain_queue_options){.dead_letter = "leases.dead", .lease_ms = 1, .retry_base_ms = 1,
                                                      .retry_cap_ms = 1}, &queue);
    send_text(queue, "x");
    ringmain_delivery late = next(queue, 0);
    ringmain_delivery delivery = 0;
    for (int tries = 0; tries < 100 && delivery == 0; tries++)
        delivery = next(queue, WAIT_MS / 100);
    CHECK(delivery != 0 && look(delivery).attempts >= 2 && look(delivery).failures >= 1);
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_delivery_ack(late));
    CHECK(strstr(ringmain_last_error_message(), "leases") != NULL);
    OK(ringmain_delivery_close(late));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

static void *receive_until_hub_is_closed(void *argument)
{
    ringmain_delivery delivery = 7;
    CHECK_CODE(RINGMAIN_ERROR_CLOSED,
               ringmain_queue_receive(*(ringmain_queue *)argument, RINGMAIN_WAIT_FOREVER, &delivery));
    CHECK(delivery == 0);
    return NULL;
}

static void *receive_while_handle_is_closed(void *argument)
{
    ringmain_delivery delivery = 7;
    int32_t code = ringmain_queue_receive(*(ringmain_queue *)argument, RINGMAIN_WAIT_FOREVER, &delivery);
    CHECK(code == RINGMAIN_ERROR_CLOSED || code == RINGMAIN_ERROR_INVALID_HANDLE);
    CHECK(delivery == 0);
    return NULL;
}

void test_queue_close_while_receiving(void)
{
    enum { THREADS = 4 };
    ringmain_queue queue = 0;
    ringmain_queue closed = 0;
    ringmain_hub hub = open_queue("waiting", (ringmain_queue_options){.dead_letter = "waiting.dead"}, &queue);
    OK(ringmain_queue_open(hub, "waiting", NULL, &closed));
    pthread_t threads[2 * THREADS];
    for (int index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, receive_until_hub_is_closed, &queue) == 0);
        CHECK(pthread_create(&threads[THREADS + index], NULL, receive_while_handle_is_closed, &closed) == 0);
    }

    /* Whether they wait already or not: closing a handle does not end the calls inside, closing the hub does. */
    OK(ringmain_queue_close(closed));
    OK(ringmain_hub_close(hub, WAIT_MS));
    for (int index = 0; index < 2 * THREADS; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    OK(ringmain_queue_close(queue));
}
