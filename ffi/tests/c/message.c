/* What a message may ask of its queue, and what a delivery may be told. */

#include "check.h"

static ringmain_hub open_queue(ringmain_queue *queue)
{
    ringmain_hub hub = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "jobs.dead"};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "jobs", &options, queue));
    return hub;
}

static uint64_t send(ringmain_queue queue, ringmain_message message)
{
    uint64_t id = 0;
    OK(ringmain_queue_send(queue, &message, &id));
    return id;
}

static ringmain_delivery next(ringmain_queue queue)
{
    ringmain_delivery delivery = 7;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    return delivery;
}

/* The next delivery has this value; it is acked. */
static void expect_next(ringmain_queue queue, const char *text)
{
    ringmain_delivery delivery = next(queue);
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(delivery, &info));
    CHECK(is_text(info.value, info.value_bytes, text));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
}

static void close_both(ringmain_queue queue, ringmain_hub hub)
{
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_message_priority_and_ordering_key(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);
    ringmain_message low = text_message("low");
    ringmain_message high = text_message("high");
    low.has_priority = high.has_priority = 1;
    high.priority = 9;
    send(queue, low);
    send(queue, text_message("default"));
    send(queue, high);
    expect_next(queue, "high");
    expect_next(queue, "default");
    expect_next(queue, "low");
    high.priority = 10;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &high, NULL));
    high.has_priority = 0;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &high, NULL));
    high.has_priority = 2;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &high, NULL));

    /* Of one ordering key one at a time. */
    const char *const texts[] = {"first", "second"};
    for (int index = 0; index < 2; index++) {
        ringmain_message message = text_message(texts[index]);
        message.ordering_key = "N14228";
        message.ordering_key_bytes = 6;
        send(queue, message);
    }
    ringmain_delivery first = next(queue);
    CHECK(first != 0 && next(queue) == 0);
    OK(ringmain_delivery_ack(first));
    OK(ringmain_delivery_close(first));
    expect_next(queue, "second");
    close_both(queue, hub);
}

void test_message_unique(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);
    ringmain_message message = text_message("pay");
    message.dedup_key = "order 17";
    message.dedup_key_bytes = 8;
    ringmain_sent first = {.id = 7, .is_duplicate = 7};
    ringmain_sent again = {0};
    OK(ringmain_queue_send_unique(queue, &message, &first));
    OK(ringmain_queue_send_unique(queue, &message, &again));
    CHECK(!first.is_duplicate && again.is_duplicate && again.id == first.id);
    message.dedup_key = NULL;
    INVALID_ARGUMENT(ringmain_queue_send_unique(queue, &message, &again));
    CHECK(again.id == 0 && again.is_duplicate == 0);
    expect_next(queue, "pay");
    CHECK(next(queue) == 0);
    close_both(queue, hub);
}

void test_message_limits_of_its_own(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);

    /* One failure is enough for this one. */
    ringmain_message fragile = text_message("fragile");
    fragile.max_failures = 1;
    send(queue, fragile);
    ringmain_delivery delivery = next(queue);
    OK(ringmain_delivery_fail(delivery, "once", 4, 0));
    OK(ringmain_delivery_close(delivery));
    ringmain_queue dead = 0;
    OK(ringmain_queue_open(hub, "jobs.dead", NULL, &dead));
    expect_next(dead, "fragile");

    /* Times that are set and not over do not change anything. */
    ringmain_message timed = text_message("timed");
    timed.ttl_ms = timed.start_within_ms = timed.complete_within_ms = 3600 * 1000;
    timed.complete_by_ns = UINT64_C(1);
    timed.durability = RINGMAIN_DURABILITY_SYNCED;
    send(queue, timed);
    expect_next(queue, "timed");
    timed.durability = 4;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &timed, NULL));
    timed = text_message("timed");
    timed.ttl_ms = UINT64_MAX;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &timed, NULL));
    timed = text_message("timed");
    timed.reserved[4] = 1;
    INVALID_ARGUMENT(ringmain_queue_send(queue, &timed, NULL));

    /* A queue has no tombstones. */
    ringmain_message tombstone = {.size = sizeof tombstone, .key = "k", .key_bytes = 1, .is_tombstone = 1};
    INVALID_ARGUMENT(ringmain_queue_send(queue, &tombstone, NULL));
    OK(ringmain_queue_close(dead));
    close_both(queue, hub);
}

void test_message_receive_with_limits(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);
    const char *const texts[] = {"one", "two", "three"};
    for (int index = 0; index < 3; index++)
        send(queue, text_message(texts[index]));

    /* Six bytes are two of them. */
    ringmain_delivery deliveries[10] = {0};
    size_t count = 0;
    OK(ringmain_queue_receive_with(queue, 2, 10, 6, WAIT_MS, deliveries, &count));
    CHECK(count == 2 && deliveries[1] != 0 && deliveries[2] == 0);

    /* What is handed back together, failed together. */
    int32_t codes[2] = {7, 7};
    OK(ringmain_queue_release_batch(queue, deliveries, 2, codes));
    CHECK(codes[0] == 0 && codes[1] == 0);
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_queue_fail_batch(queue, deliveries, 2, "late", 4, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_LEASE_LOST && codes[1] == RINGMAIN_ERROR_LEASE_LOST);
    OK(ringmain_delivery_close(deliveries[0]));
    OK(ringmain_delivery_close(deliveries[1]));
    INVALID_HANDLE(ringmain_queue_release_batch(queue, deliveries, 1, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_HANDLE);

    OK(ringmain_queue_receive_with_lease(queue, 10, 0, 60000, deliveries, &count));
    CHECK(count == 3);
    OK(ringmain_queue_ack_batch(queue, deliveries, count, NULL));
    for (size_t index = 0; index < count; index++)
        OK(ringmain_delivery_close(deliveries[index]));

    INVALID_ARGUMENT(ringmain_queue_receive_with(queue, 0, 10, 6, 0, deliveries, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_with(queue, 11, 10, 6, 0, deliveries, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_with(queue, 1, 10, 0, 0, deliveries, &count));
    INVALID_ARGUMENT(ringmain_queue_receive_with_lease(queue, 1, 0, 0, deliveries, &count));
    CHECK(count == 0);
    close_both(queue, hub);
}

void test_message_told_apart(void)
{
    ringmain_queue queue = 0;
    ringmain_hub hub = open_queue(&queue);

    /* Set aside, and asked for by its id. */
    uint64_t id = send(queue, text_message("early"));
    ringmain_delivery delivery = next(queue);
    OK(ringmain_delivery_defer(delivery));
    OK(ringmain_delivery_close(delivery));
    CHECK(next(queue) == 0);
    OK(ringmain_queue_receive_deferred(queue, id + 1, &delivery));
    CHECK(delivery == 0);
    OK(ringmain_queue_receive_deferred(queue, id, &delivery));
    CHECK(delivery != 0);
    int32_t is_cancelled = 7;
    OK(ringmain_delivery_is_cancelled(delivery, &is_cancelled));
    CHECK(is_cancelled == 0);

    /* Without a history there is no place for a result; nothing was acked by that. */
    CHECK_CODE(RINGMAIN_ERROR_OPTION_MISSING, ringmain_delivery_ack_with(delivery, "42", 2));
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_delivery_ack_with(delivery, "42", 4097));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    /* Rate limited: nothing comes until the rest is over. */
    send(queue, text_message("busy"));
    delivery = next(queue);
    OK(ringmain_delivery_rate_limited(delivery, 3600 * 1000));
    OK(ringmain_delivery_close(delivery));
    send(queue, text_message("other"));
    CHECK(next(queue) == 0);
    close_both(queue, hub);

    /* Of a class that nothing is said of: an ordinary failure, whose class the letter tells. */
    hub = open_queue(&queue);
    ringmain_message once = text_message("once");
    once.max_failures = 1;
    send(queue, once);
    delivery = next(queue);
    INVALID_ARGUMENT(ringmain_delivery_fail_as(delivery, "", 0, "x", 1));
    OK(ringmain_delivery_fail_as(delivery, "BadAddress", 10, "no such host", 12));
    OK(ringmain_delivery_close(delivery));
    ringmain_queue dead = 0;
    OK(ringmain_queue_open(hub, "jobs.dead", NULL, &dead));
    delivery = next(dead);
    ringmain_header header;
    OK(ringmain_delivery_header(delivery, "rm-dead-class", &header));
    CHECK(is_text(header.value, header.value_bytes, "BadAddress"));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(dead));
    close_both(queue, hub);
}
