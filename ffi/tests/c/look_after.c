/* What operators do: cancel, purge, pause, explain, dead letters, schedules, snapshots, deleting. */

#include "check.h"

static ringmain_hub clocked_hub(void)
{
    ringmain_hub_options options = {.size = sizeof options, .manual_clock = RINGMAIN_FLAG_ON};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory_with(&options, &hub));
    return hub;
}

static uint64_t send_text(ringmain_queue queue, const char *text)
{
    ringmain_message message = text_message(text);
    uint64_t id = UINT64_MAX;
    OK(ringmain_queue_send(queue, &message, &id));
    return id;
}

void test_waiting_messages_are_cancelled_and_put_off(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue_options options = {.size = sizeof options,
                                      .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP,
                                      .history_window_ms = 60000,
                                      .history_count_max = 10};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    uint64_t one = send_text(queue, "one");
    uint64_t two = send_text(queue, "two");
    uint64_t three = send_text(queue, "three");
    int32_t done = 7;
    OK(ringmain_queue_cancel(queue, one, &done));
    CHECK(done == 1);
    OK(ringmain_queue_cancel(queue, one, &done));
    CHECK(done == 0);
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    OK(ringmain_queue_cancel(queue, two, &done));
    CHECK(done == 0);
    OK(ringmain_queue_cancel_now(queue, two, &done));
    CHECK(done == 1);
    CHECK_CODE(RINGMAIN_ERROR_LEASE_LOST, ringmain_delivery_extend(delivery, 1000));
    OK(ringmain_delivery_close(delivery));

    OK(ringmain_queue_reschedule(queue, three, 60000, &done));
    CHECK(done == 1);
    ringmain_text text = 0;
    OK(ringmain_queue_explain(queue, three, &text));
    CHECK(tells(text, "\"cause\":\"scheduled\""));
    uint64_t now_ns = 0;
    OK(ringmain_hub_now(hub, &now_ns));
    OK(ringmain_queue_reschedule_at(queue, three, now_ns, &done));
    CHECK(done == 1);
    OK(ringmain_queue_pause(queue));
    OK(ringmain_queue_receive(queue, 0, &delivery));
    CHECK(delivery == 0);
    OK(ringmain_queue_explain(queue, three, &text));
    CHECK(tells(text, "\"limit\":\"paused\""));
    OK(ringmain_queue_resume(queue));
    OK(ringmain_queue_receive(queue, 0, &delivery));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_finished(queue, 0, 10, &text));
    CHECK(tells(text, "\"ending\":\"done\""));
    INVALID_ARGUMENT(ringmain_queue_finished(queue, 0, 0, &text));
    CHECK(text == 0);

    send_text(queue, "four");
    send_text(queue, "five");
    OK(ringmain_queue_receive(queue, 0, &delivery));
    uint64_t count = 0;
    OK(ringmain_queue_purge(queue, &count));
    CHECK(count == 1);
    OK(ringmain_queue_purge_all(queue, &count));
    CHECK(count == 1);
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_stats_all(queue, &text));
    CHECK(tells(text, "\"purged_total\":2"));
    OK(ringmain_queue_desired_workers(queue, 1000, &count));
    INVALID_ARGUMENT(ringmain_queue_reschedule(queue, three, UINT64_MAX, NULL));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_delete_queue(hub, "q"));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_hub_delete_queue(hub, "q"));
    ringmain_stream stream = 0;
    OK(ringmain_stream_open(hub, "s", NULL, &stream));
    OK(ringmain_hub_streams(hub, &text));
    CHECK(tells(text, "[\"s\"]"));
    OK(ringmain_hub_stream_info(hub, "s", &text));
    CHECK(tells(text, "\"partitions\":1"));
    OK(ringmain_hub_delete_stream(hub, "s"));
    CHECK_CODE(RINGMAIN_ERROR_CLOSED, ringmain_stream_append(stream, &(ringmain_message){.size = sizeof(ringmain_message)}, NULL));
    OK(ringmain_stream_close(stream));
    OK(ringmain_hub_prometheus(hub, &text));
    CHECK(tells(text, "# HELP"));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_ordering_keys_are_weighed_and_resumed(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    OK(ringmain_queue_set_weight(queue, "airline", 7, 2));
    INVALID_ARGUMENT(ringmain_queue_set_weight(queue, "airline", 7, 101));
    CHECK_CODE(RINGMAIN_ERROR_TOO_LARGE, ringmain_queue_set_weight(queue, "x", 4097, 1));
    int32_t resumed = 7;
    OK(ringmain_queue_resume_group(queue, "airline", 7, &resumed));
    CHECK(resumed == 0);
    ringmain_text text = 0;
    OK(ringmain_queue_halted_groups(queue, &text));
    CHECK(tells(text, "[]"));
    OK(ringmain_queue_breaches(queue, &text));
    CHECK(tells(text, "[]"));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_dead_letters_are_seen_sent_back_written_and_thrown_away(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "q.dead"};
    ringmain_queue queue = 0;
    ringmain_queue dead = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    OK(ringmain_queue_open(hub, "q.dead", NULL, &dead));
    static const char *const reasons[] = {"no host", "no route", "no name"};
    for (size_t index = 0; index < 3; index++) {
        ringmain_delivery delivery = 0;
        send_text(queue, reasons[index]);
        OK(ringmain_queue_receive(queue, 0, &delivery));
        OK(ringmain_delivery_reject(delivery, reasons[index], strlen(reasons[index])));
        OK(ringmain_delivery_close(delivery));
    }
    ringmain_letters route = {.size = sizeof route, .error_contains = "route", .reason = "rejected", .queue_name = "q"};
    ringmain_peeked peeked = 0;
    size_t seen = 0;
    OK(ringmain_dead_letters_peek(dead, &route, 10, &peeked, &seen));
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_peeked_get(peeked, 0, &info));
    CHECK(seen == 1 && is_text(info.value, info.value_bytes, "no route"));
    uint64_t id = info.id;
    OK(ringmain_peeked_close(peeked));
    OK(ringmain_dead_letters_peek(dead, NULL, 10, &peeked, &seen));
    CHECK(seen == 3);
    OK(ringmain_peeked_close(peeked));

    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, "letters.jsonl");
    uint64_t count = 0;
    OK(ringmain_dead_letters_export(dead, NULL, path, &count));
    CHECK(count == 3);
    CHECK_CODE(RINGMAIN_ERROR_IO, ringmain_dead_letters_export(dead, NULL, path, &count));
    CHECK(count == 0);

    ringmain_redrive nowhere = {.size = sizeof nowhere, .to = "nowhere"};
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_dead_letters_redrive(dead, &route, &nowhere, NULL));
    ringmain_redrive slowly = {.size = sizeof slowly, .per_second = -1.0};
    INVALID_ARGUMENT(ringmain_dead_letters_redrive(dead, &route, &slowly, NULL));
    slowly.per_second = 10.0;
    slowly.keep_failures = RINGMAIN_FLAG_ON;
    OK(ringmain_dead_letters_redrive(dead, &route, &slowly, &count));
    CHECK(count == 1);
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    CHECK(delivery != 0);
    OK(ringmain_delivery_close(delivery));

    uint64_t ids[] = {id, 0};
    ringmain_letters some = {.size = sizeof some, .ids = ids, .id_count = 2, .died_before_ns = UINT64_MAX};
    OK(ringmain_dead_letters_discard(dead, &some, &count));
    CHECK(count == 1);
    some.ids = NULL;
    INVALID_ARGUMENT(ringmain_dead_letters_discard(dead, &some, &count));
    OK(ringmain_dead_letters_discard(dead, NULL, &count));
    CHECK(count == 1);
    OK(ringmain_queue_close(dead));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_schedules_fire_pause_and_go(void)
{
    ringmain_hub hub = clocked_hub();
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "reports", &options, &queue));
    CHECK_CODE(RINGMAIN_ERROR_OPTION_MISSING, ringmain_hub_schedule(hub, "hourly", NULL));
    ringmain_message message = text_message("all flights");
    ringmain_schedule_options hourly = {.size = sizeof hourly,
                                        .cron = "0 * * * *",
                                        .time_zone = "Europe/Berlin",
                                        .queue = queue,
                                        .message = &message,
                                        .missed = RINGMAIN_MISSED_ALL,
                                        .missed_count_max = 3};
    OK(ringmain_hub_schedule(hub, "hourly", &hourly));
    OK(ringmain_hub_advance(hub, 3600000));
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    ringmain_message_info info = {.size = sizeof info};
    OK(ringmain_delivery_get(delivery, &info));
    CHECK(is_text(info.value, info.value_bytes, "all flights"));
    OK(ringmain_delivery_ack(delivery));
    OK(ringmain_delivery_close(delivery));

    ringmain_text text = 0;
    OK(ringmain_hub_schedule_pause(hub, "hourly"));
    OK(ringmain_hub_schedule_info(hub, "hourly", &text));
    CHECK(tells(text, "\"next_slot_ns\":null"));
    OK(ringmain_hub_schedule_resume(hub, "hourly"));
    ringmain_schedule_options skip = {.size = sizeof skip, .missed = RINGMAIN_MISSED_SKIP};
    OK(ringmain_hub_schedule(hub, "hourly", &skip));
    OK(ringmain_hub_schedules(hub, &text));
    CHECK(tells(text, "\"missed\":\"skip\""));
    skip.missed_count_max = 5;
    INVALID_ARGUMENT(ringmain_hub_schedule(hub, "hourly", &skip));
    skip.missed = 99;
    INVALID_ARGUMENT(ringmain_hub_schedule(hub, "hourly", &skip));
    hourly.cron = "61 * * * *";
    INVALID_ARGUMENT(ringmain_hub_schedule(hub, "hourly", &hourly));
    OK(ringmain_hub_schedule_delete(hub, "hourly"));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_hub_schedule_info(hub, "hourly", &text));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_hub_schedule_pause(hub, "hourly"));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

struct watch {
    int calls;
    int answer;
    ringmain_hub hub;
};

static int32_t watch_progress(void *context, uint64_t copied_bytes, uint64_t total_bytes)
{
    struct watch *watch = context;
    CHECK(copied_bytes <= total_bytes);
    /* It may use the library. */
    OK(ringmain_hub_flush(watch->hub));
    watch->calls++;
    return watch->answer;
}

void test_snapshots_are_taken_verified_and_restored(void)
{
    char paths[5][4096];
    static const char *const names[] = {"live", "backup", "stopped", "restored", "mended"};
    for (size_t index = 0; index < 5; index++)
        snprintf(paths[index], sizeof paths[index], "%s/%s", directory, names[index]);
    ringmain_hub hub = 0;
    OK(ringmain_hub_open(paths[0], NULL, &hub));
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    send_text(queue, "kept");

    struct watch watch = {.hub = hub};
    ringmain_snapshot copied = {.size = sizeof copied};
    OK(ringmain_hub_snapshot(hub, paths[1], watch_progress, &watch, &copied));
    CHECK(watch.calls > 0 && copied.is_complete == 1 && copied.queues == 1 && copied.streams == 0);
    watch.answer = 1;
    OK(ringmain_hub_snapshot(hub, paths[2], watch_progress, &watch, &copied));
    CHECK(copied.is_complete == 0 && copied.queues == 0);
    OK(ringmain_hub_snapshot(hub, paths[2], NULL, NULL, &copied));
    CHECK(copied.is_complete == 1);
    INVALID_ARGUMENT(ringmain_hub_snapshot(hub, paths[1], NULL, NULL, &copied));

    ringmain_text text = 0;
    CHECK_CODE(RINGMAIN_ERROR_LOCKED, ringmain_verify(paths[0], &text));
    OK(ringmain_verify(paths[1], &text));
    CHECK(tells(text, "\"is_sound\":true"));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_verify(directory, &text));
    OK(ringmain_restore(paths[1], paths[3], &text));
    CHECK(tells(text, "\"records\":1"));
    OK(ringmain_salvage(paths[1], paths[4], &text));
    CHECK(tells(text, "\"damage\":[]"));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));

    OK(ringmain_hub_open(paths[3], NULL, &hub));
    OK(ringmain_queue_open(hub, "q", NULL, &queue));
    ringmain_queue_stats stats = {.size = sizeof stats};
    OK(ringmain_queue_stats_get(queue, &stats));
    CHECK(stats.ready == 1);
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_notices_reach_the_programs_own_logger(void)
{
    ringmain_notices notices = 7;
    CHECK_CODE(RINGMAIN_ERROR_INVALID_ARGUMENT, ringmain_notices_open("loud", &notices));
    CHECK(notices == 0);
    OK(ringmain_notices_open("info", &notices));
    ringmain_hub hub = clocked_hub();
    ringmain_queue queue = 0;
    ringmain_queue_options options = {.size = sizeof options, .dead_letter = "dead"};
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    send_text(queue, "x");
    ringmain_delivery delivery = 0;
    OK(ringmain_queue_receive(queue, 0, &delivery));
    OK(ringmain_delivery_reject(delivery, "no", 2));
    ringmain_text text = 0;
    OK(ringmain_notices_take(notices, 60000, &text));
    CHECK(tells(text, "\"name\":\"message_died\""));
    OK(ringmain_notices_take(notices, 0, &text));
    CHECK(tells(text, "{\"missed\":0,\"notices\":[]}"));
    OK(ringmain_notices_close(notices));
    CHECK_CODE(RINGMAIN_ERROR_INVALID_HANDLE, ringmain_notices_take(notices, 0, &text));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, 1000));
}
