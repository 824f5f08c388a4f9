/* Options of hubs and queues: each is stored, told again, and refused by name when it makes no sense. */

#include "check.h"

static int info_tells(ringmain_hub hub, const char *part)
{
    ringmain_text text = 0;
    OK(ringmain_hub_queue_info(hub, "q", &text));
    return tells(text, part);
}

void test_options_of_a_hub(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, "options");
    ringmain_hub_options options = {.size = sizeof options,
                                    .durability = RINGMAIN_DURABILITY_WRITTEN,
                                    .relaxed_max_ms = 20,
                                    .journal_bytes_max = 1 << 20,
                                    .streaming_bytes_min = 1 << 16,
                                    .disk_reserve_bytes = 12345,
                                    .scratch_directory = directory,
                                    .allow_world_writable = RINGMAIN_FLAG_ON,
                                    .manual_clock = RINGMAIN_FLAG_ON};
    ringmain_hub hub = 0;
    ringmain_text text = 0;
    OK(ringmain_hub_open(path, &options, &hub));
    OK(ringmain_hub_stats(hub, &text));
    CHECK(tells(text, "\"disk_reserve_bytes\":12345"));
    OK(ringmain_hub_close(hub, WAIT_MS));
    options.disk_reserve_bytes = RINGMAIN_DISK_RESERVE_NONE;
    OK(ringmain_hub_open(path, &options, &hub));
    OK(ringmain_hub_stats(hub, &text));
    CHECK(tells(text, "\"disk_reserve_bytes\":0"));
    OK(ringmain_hub_close(hub, WAIT_MS));

    /* A caller that was compiled with the first version of the struct. */
    ringmain_hub_options first = {.size = offsetof(ringmain_hub_options, relaxed_max_ms), .manual_clock = 77};
    OK(ringmain_hub_memory_with(&first, &hub));
    OK(ringmain_hub_close(hub, WAIT_MS));
    options.manual_clock = 7;
    INVALID_ARGUMENT(ringmain_hub_memory_with(&options, &hub));
    CHECK(hub == 0 && strstr(ringmain_last_error_message(), "manual_clock") != NULL);
}

void test_options_move_the_clock(void)
{
    ringmain_hub_options options = {.size = sizeof options, .manual_clock = RINGMAIN_FLAG_ON};
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory_with(&options, &hub));
    ringmain_queue_options drop = {.size = sizeof drop, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &drop, &queue));
    ringmain_message message = text_message("later");
    message.delay_ms = 5000;
    OK(ringmain_queue_send(queue, &message, NULL));
    uint64_t before = 0;
    uint64_t after = 0;
    ringmain_delivery delivery = 7;
    OK(ringmain_hub_now(hub, &before));
    OK(ringmain_hub_advance(hub, 4999));
    OK(ringmain_queue_receive(queue, 0, &delivery));
    CHECK(delivery == 0);
    OK(ringmain_hub_advance(hub, 1));
    OK(ringmain_queue_receive(queue, 0, &delivery));
    CHECK(delivery != 0);
    OK(ringmain_hub_now(hub, &after));
    CHECK(after - before == UINT64_C(5000000000));
    OK(ringmain_delivery_close(delivery));
    OK(ringmain_queue_close(queue));
    OK(ringmain_hub_close(hub, WAIT_MS));

    OK(ringmain_hub_memory(&hub));
    INVALID_ARGUMENT(ringmain_hub_advance(hub, 1));
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_options_of_a_queue(void)
{
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    ringmain_error_class classes[] = {{.name = "Quota", .rule = RINGMAIN_ERROR_CLASS_IGNORED},
                                      {.name = "Unknown", .rule = RINGMAIN_ERROR_CLASS_PERMANENT}};
    ringmain_dedup dedup = {.size = sizeof dedup,
                            .window_ms = 2000,
                            .entries_max = 99,
                            .mode = RINGMAIN_DEDUP_SLIDING,
                            .on_conflict = RINGMAIN_ON_CONFLICT_EXTEND,
                            .verify_payload = RINGMAIN_FLAG_ON};
    ringmain_capacity capacity = {.size = sizeof capacity, .messages = 10, .bytes = 4096, .block_ms = 70};
    ringmain_queue_options options = {.size = sizeof options,
                                      .dead_letter = "q.dead",
                                      .lease_total_max_ms = 90000,
                                      .ttl_ms = 86400000,
                                      .age_step_ms = 250,
                                      .on_breach = RINGMAIN_ON_BREACH_ESCALATE,
                                      .on_group_death = RINGMAIN_ON_GROUP_DEATH_HALT,
                                      .breach_queue = "late",
                                      .error_classes = classes,
                                      .error_class_count = 2,
                                      .dedup = &dedup,
                                      .capacity = &capacity,
                                      .history_window_ms = 3600000,
                                      .history_count_max = 5,
                                      .concurrency_max = 8,
                                      .concurrency_max_per_key = 2,
                                      .group_parallelism = 3,
                                      .rate_per_second = 10.5,
                                      .key_rate_per_second = 0.5,
                                      .rate_burst = 20,
                                      .single_active_consumer = RINGMAIN_FLAG_ON};
    static const char *const parts[] = {
        "\"dead_letter\":\"q.dead\"",
        "\"lease_total_max_ms\":90000",
        "\"ttl_ms\":86400000",
        "\"age_step_ms\":250",
        "\"on_breach\":{\"escalate_to\":\"late\"}",
        "\"on_group_death\":\"halt\"",
        "{\"name\":\"Quota\",\"rule\":\"ignored\"},{\"name\":\"Unknown\",\"rule\":\"permanent\"}",
        "\"entries_max\":99,\"mode\":\"sliding\",\"on_conflict\":\"extend\",\"verify_payload\":true,\"window_ms\":2000",
        "\"block_ms\":70,\"bytes\":4096,\"messages\":10,\"overflow\":\"block\"",
        "\"count_max\":5,\"window_ms\":3600000",
        "\"concurrency_max\":8",
        "\"concurrency_max_per_key\":2",
        "\"group_parallelism\":3",
        "\"rate\":{\"burst\":20,\"per_second\":10.5}",
        "\"rate_per_key\":{\"burst\":1,\"per_second\":0.5}",
        "\"single_active_consumer\":true",
    };
    ringmain_queue queue = 0;
    OK(ringmain_queue_open(hub, "q", &options, &queue));
    OK(ringmain_queue_close(queue));
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++)
        CHECK(info_tells(hub, parts[index]));

    /* What is not given stays; what can be taken away is. */
    capacity = (ringmain_capacity){.size = sizeof capacity};
    classes[0].rule = RINGMAIN_ERROR_CLASS_RETRIED;
    ringmain_queue_options less = {.size = sizeof less,
                                   .on_breach = RINGMAIN_ON_BREACH_NONE,
                                   .capacity = &capacity,
                                   .history_window_ms = 1,
                                   .error_classes = classes,
                                   .error_class_count = 1,
                                   .single_active_consumer = RINGMAIN_FLAG_OFF};
    OK(ringmain_queue_open(hub, "q", &less, &queue));
    OK(ringmain_queue_close(queue));
    CHECK(info_tells(hub, "\"on_breach\":\"none\"") && info_tells(hub, "\"history\":null"));
    CHECK(info_tells(hub, "\"bytes\":null,\"messages\":null"));
    CHECK(info_tells(hub, "\"error_classes\":[{\"name\":\"Unknown\",\"rule\":\"permanent\"}]"));
    CHECK(info_tells(hub, "\"single_active_consumer\":false") && info_tells(hub, "\"ttl_ms\":86400000"));

    ringmain_text text = 0;
    OK(ringmain_hub_queues(hub, &text));
    CHECK(tells(text, "[\"late\",\"q\",\"q.dead\"]"));
    CHECK_CODE(RINGMAIN_ERROR_NOT_FOUND, ringmain_hub_queue_info(hub, "nothing", &text));
    CHECK(text == 0);
    OK(ringmain_hub_close(hub, WAIT_MS));
}

void test_options_of_a_queue_that_make_no_sense(void)
{
    ringmain_hub hub = 0;
    OK(ringmain_hub_memory(&hub));
    const ringmain_queue_options drop = {.size = sizeof drop, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    ringmain_queue queue = 0;
    ringmain_queue_options options;
    ringmain_capacity capacity = {.size = sizeof capacity};
    ringmain_dedup dedup = {.size = sizeof dedup};
    ringmain_error_class class_ = {.name = NULL};

#define REFUSED(named)                                                                                           \
    INVALID_ARGUMENT(ringmain_queue_open(hub, "q", &options, &queue));                                          \
    CHECK(queue == 0 && strstr(ringmain_last_error_message(), named) != NULL);                                   \
    options = drop

    options = drop;
    options.on_breach = RINGMAIN_ON_BREACH_MOVE;
    REFUSED("breach_queue");
    options.breach_queue = "late";
    REFUSED("breach_queue");
    options.on_breach = 99;
    REFUSED("on_breach");
    options.on_group_death = 99;
    REFUSED("on_group_death");
    options.rate_burst = 5;
    REFUSED("rate_burst");
    options.rate_per_second = -1;
    REFUSED("rate");
    options.single_active_consumer = 9;
    REFUSED("single_active_consumer");
    options.reserved_2 = 9;
    REFUSED("reserved");
    options.error_class_count = 1;
    REFUSED("error_classes");
    options.error_classes = &class_;
    options.error_class_count = 1;
    REFUSED("error class name");
    options.error_class_count = 65;
    REFUSED("error_classes");
    class_ = (ringmain_error_class){.name = "x", .rule = 99};
    options.error_classes = &class_;
    options.error_class_count = 1;
    REFUSED("error_classes");
    capacity.overflow = 99;
    options.capacity = &capacity;
    REFUSED("overflow");
    capacity = (ringmain_capacity){.size = sizeof capacity, .overflow = RINGMAIN_OVERFLOW_REJECT, .block_ms = 5};
    options.capacity = &capacity;
    REFUSED("block_ms");
    capacity = (ringmain_capacity){.size = 3};
    options.capacity = &capacity;
    REFUSED("capacity");
    dedup.mode = 99;
    options.dedup = &dedup;
    REFUSED("dedup mode");
    dedup = (ringmain_dedup){.size = sizeof dedup, .on_conflict = 99};
    options.dedup = &dedup;
    REFUSED("dedup on_conflict");
    dedup = (ringmain_dedup){.size = sizeof dedup, .window_ms = 1};
    options.dedup = &dedup;
    REFUSED("dedup window");
#undef REFUSED
    OK(ringmain_hub_close(hub, WAIT_MS));
}
