/* What a call that is refused leaves behind, and what is believed of a callback that says that something went wrong. */

#include "check.h"

static ringmain_hub open_queue(ringmain_queue *queue, ringmain_queue *dead)
{
    ringmain_hub hub = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "jobs.dead", .max_failures = 1};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_queue_open(hub, "jobs", &options, queue));
    OK(ringmain_queue_open(hub, "jobs.dead", NULL, dead));
    return hub;
}

static void send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    OK(ringmain_queue_send(queue, &message, NULL));
}

static ringmain_delivery receive(ringmain_queue queue)
{
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, WAIT_MS, &delivery));
    CHECK(delivery != 0);
    return delivery;
}

/* A count is 0 after a call that was refused, whatever it was refused for; nothing was touched. */
void test_refused_calls_leave_zeroes(void)
{
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    ringmain_hub hub = open_queue(&queue, &dead);
    send_text(queue, "x");
    ringmain_delivery delivery = receive(queue);
    OK(ringmain_delivery_reject(delivery, "no", 2));
    OK(ringmain_delivery_close(delivery));

    ringmain_letters letters = {.size = 1};
    ringmain_redrive how = {.size = sizeof how, .keep_failures = 9};
    uint64_t count = 7;
    INVALID_ARGUMENT(ringmain_dead_letters_redrive(dead, &letters, NULL, &count));
    CHECK(count == 0);
    count = 7;
    INVALID_ARGUMENT(ringmain_dead_letters_redrive(dead, NULL, &how, &count));
    CHECK(count == 0);
    count = 7;
    INVALID_ARGUMENT(ringmain_dead_letters_discard(dead, &letters, &count));
    CHECK(count == 0);
    count = 7;
    INVALID_ARGUMENT(ringmain_dead_letters_export(dead, NULL, NULL, &count));
    CHECK(count == 0);
    size_t bytes = 7;
    INVALID_ARGUMENT(ringmain_text_get(1, NULL, &bytes));
    CHECK(bytes == 0);

    /* A list of ids that came out empty is no letter, and not all of them. */
    uint64_t none[1] = {0};
    letters = (ringmain_letters){.size = sizeof letters, .ids = none, .id_count = 0};
    OK(ringmain_dead_letters_discard(dead, &letters, &count));
    CHECK(count == 0);
    ringmain_peeked peeked = 0;
    size_t seen = 0;
    OK(ringmain_dead_letters_peek(dead, &letters, 10, &peeked, &seen));
    CHECK(peeked == 0 && seen == 0);
    letters.ids = NULL;
    OK(ringmain_dead_letters_discard(dead, &letters, &count));
    CHECK(count == 1);

    /* The text of a refusal names the argument as the header does. */
    send_text(queue, "y");
    delivery = receive(queue);
    ringmain_header header;
    INVALID_ARGUMENT(ringmain_delivery_header(delivery, NULL, &header));
    CHECK(strcmp(ringmain_last_error_message(), "header_name: it is NULL") == 0);
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* A code of 0 says that it was done: a batch that was refused altogether says of none that it was. */
void test_refused_batches_say_so_in_each_code(void)
{
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    ringmain_hub hub = open_queue(&queue, &dead);
    send_text(queue, "one");
    send_text(queue, "two");
    ringmain_delivery deliveries[2] = {receive(queue), receive(queue)};
    int32_t codes[2] = {0, 0};
    INVALID_HANDLE(ringmain_queue_ack_batch(1, deliveries, 2, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_HANDLE && codes[1] == RINGMAIN_ERROR_INVALID_HANDLE);
    INVALID_ARGUMENT(ringmain_queue_release_batch(queue, NULL, 2, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_ARGUMENT && codes[1] == RINGMAIN_ERROR_INVALID_ARGUMENT);
    INVALID_ARGUMENT(ringmain_queue_fail_batch(queue, deliveries, 2, "\xff", 1, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_ARGUMENT && codes[1] == RINGMAIN_ERROR_INVALID_ARGUMENT);
    INVALID_HANDLE(ringmain_queue_ack_batch(1, deliveries, 2, NULL));

    /* Of several that went wrong the first answers. */
    send_text(queue, "late");
    ringmain_delivery late = receive(queue);
    OK(ringmain_queue_cancel_now(queue, 2, NULL));
    ringmain_delivery mixed[2] = {late, 1};
    int32_t of_mixed[2] = {7, 7};
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_queue_release_batch(queue, mixed, 2, of_mixed));
    CHECK(of_mixed[0] == RINGMAIN_ERROR_LEASE_LOST && of_mixed[1] == RINGMAIN_ERROR_INVALID_HANDLE);
    OK(ringmain_delivery_close(late));
    OK(ringmain_queue_ack_batch(queue, deliveries, 2, codes));
    CHECK(codes[0] == RINGMAIN_OK && codes[1] == RINGMAIN_OK);
    OK(ringmain_delivery_close(deliveries[0]));
    OK(ringmain_delivery_close(deliveries[1]));

    /* Nor are the tokens of such a one used up. */
    char buffer[16];
    ringmain_packed_message entry;
    size_t count = 0;
    send_text(queue, "three");
    OK(ringmain_queue_receive_packed(queue, buffer, sizeof buffer, &entry, 1, WAIT_MS, &count));
    CHECK(count == 1);
    INVALID_ARGUMENT(ringmain_queue_fail_packed(queue, &entry.token, 1, "\xff", 1, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_ARGUMENT);
    INVALID_HANDLE(ringmain_queue_ack_packed(1, &entry.token, 1, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_HANDLE);
    INVALID_ARGUMENT(ringmain_queue_release_packed(queue, NULL, 1, codes));
    CHECK(codes[0] == RINGMAIN_ERROR_INVALID_ARGUMENT);
    OK(ringmain_queue_ack_packed(queue, &entry.token, 1, codes));
    CHECK(codes[0] == RINGMAIN_OK);
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

/* Has a call fail and goes on, or answers the code that this call had failed with. */
static int32_t fail_of_its_own(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    (void)context;
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_job_get(job, &info));
    if (is_text(info.value, info.value_bytes, "recovers")) {
        INVALID_ARGUMENT(ringmain_hub_memory(NULL));
        return 0;
    }
    if (is_text(info.value, info.value_bytes, "hands on"))
        return ringmain_hub_memory(NULL);
    if (is_text(info.value, info.value_bytes, "long ago")) {
        outcome->kind = RINGMAIN_OUTCOME_RELEASE;
        outcome->delay_ms = -5;
        return 0;
    }
    return RINGMAIN_ERROR_INVALID_ARGUMENT;
}

static void expect_letter(ringmain_queue dead, const char *error)
{
    ringmain_delivery delivery = receive(dead);
    ringmain_header header;
    OK(ringmain_delivery_header(delivery, "rm-dead-error", &header));
    CHECK(is_text(header.value, header.value_bytes, error));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
}

/* An error of an earlier call of the handler, on the same thread, is not why this one failed. */
void test_a_handler_fails_for_its_own_reasons(void)
{
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    ringmain_hub hub = open_queue(&queue, &dead);
    ringmain_worker worker = 0;
    ringmain_worker_options options = {.size = sizeof options, .handler = fail_of_its_own};
    send_text(queue, "recovers");
    send_text(queue, "fails");
    send_text(queue, "hands on");
    send_text(queue, "long ago");
    OK(ringmain_worker_start(queue, &options, &worker));
    expect_letter(dead, "the handler returned 1");
    expect_letter(dead, "hub_out: it is NULL");
    expect_letter(dead, "the handler set delay_ms -5; 0 or more, or -1 for the policy");
    OK(ringmain_worker_close(worker, WAIT_MS));
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

static int32_t answer_one(void *context, ringmain_member member, const uint32_t *partitions, size_t count)
{
    (void)context, (void)member, (void)partitions, (void)count;
    return 1;
}

void test_a_callback_of_a_member_fails_for_its_own_reasons(void)
{
    ringmain_hub hub = 0;
    ringmain_stream stream = 0;
    ringmain_member member = 0;
    ringmain_records records = 0;
    size_t count = 0;
    ringmain_group_options options = {.size = sizeof options, .on_assign = answer_one};
    OK(ringmain_hub_memory(&hub));
    OK(ringmain_stream_open(hub, "s", NULL, &stream));
    OK(ringmain_group_join_with(stream, "g", &options, &member));
    INVALID_ARGUMENT(ringmain_hub_memory(NULL));
    INVALID_ARGUMENT(ringmain_member_poll(member, 1, 0, &records, &count));
    CHECK(strcmp(ringmain_last_error_message(), "on_assign: the callback returned 1") == 0);
    OK(ringmain_member_leave(member));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_close(hub, WAIT_MS));
}
