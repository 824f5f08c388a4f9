/* Workers on threads of the library: of a queue, and of a stream that hands over what it cannot handle.
 *
 *     cc -std=c11 worker.c $(pkg-config --cflags --libs ringmain) -lpthread -o worker
 */

#define _POSIX_C_SOURCE 200809L

#include <ringmain.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 3 };

/* What both share; the library calls them on threads of its own. */
struct desk {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int done;
    ringmain_queue complaints;
};

static void check(int32_t code)
{
    if (code != RINGMAIN_OK) {
        fprintf(stderr, "%s: %s\n", ringmain_error_name(code), ringmain_last_error_message());
        exit(1);
    }
}

static void count_one(struct desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    desk->done++;
    pthread_cond_signal(&desk->changed);
    pthread_mutex_unlock(&desk->mutex);
}

/* A record without a value is none of ours. */
static int32_t handle(void *context, ringmain_records records, size_t count, ringmain_outcome *outcome)
{
    for (size_t index = 0; index < count; index++) {
        ringmain_record record = {.size = sizeof record};
        int32_t code = ringmain_records_get(records, index, &record);
        if (code != RINGMAIN_OK)
            return code; /* failed, with the text of that call */
        if (record.value_bytes == 0) {
            outcome->kind = RINGMAIN_OUTCOME_FAIL;
            snprintf(outcome->reason, sizeof outcome->reason, "nothing at offset %u", (unsigned)record.offset);
            return RINGMAIN_OK;
        }
        count_one(context);
    }
    return RINGMAIN_OK;
}

/* What has failed as often as it may becomes a message of a queue. */
static int32_t hand_over(void *context, ringmain_records records, const char *reason, size_t reason_bytes)
{
    struct desk *desk = context;
    (void)records;
    ringmain_message message = {.size = sizeof message, .value = reason, .value_bytes = reason_bytes};
    return ringmain_queue_send(desk->complaints, &message, NULL);
}

static int32_t complain(void *context, ringmain_job job, ringmain_outcome *outcome)
{
    (void)outcome;
    ringmain_message_info info = {.size = sizeof info};
    int32_t code = ringmain_job_get(job, &info);
    if (code != RINGMAIN_OK)
        return code;
    printf("complaint: %.*s\n", (int)info.value_bytes, (const char *)info.value);
    count_one(context);
    return RINGMAIN_OK;
}

int main(void)
{
    struct desk desk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    ringmain_hub hub;
    ringmain_stream flights;
    ringmain_worker of_queue;
    ringmain_stream_worker of_stream;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    check(ringmain_hub_memory(&hub));
    check(ringmain_queue_open(hub, "complaints", &options, &desk.complaints));
    check(ringmain_stream_open(hub, "flights", NULL, &flights));

    ringmain_worker_options how = {.size = sizeof how, .handler = complain, .context = &desk};
    check(ringmain_worker_start(desk.complaints, &how, &of_queue));
    ringmain_stream_worker_options and_how = {
        .size = sizeof and_how,
        .handler = handle,
        .hand_over = hand_over,
        .on_failed = RINGMAIN_ON_FAILED_HAND_OVER,
        .max_failures = 1,
        .context = &desk,
    };
    check(ringmain_stream_worker_start(flights, "desk", &and_how, &of_stream));

    const char *const values[RECORDS] = {"departed", "", "arrived"};
    for (int index = 0; index < RECORDS; index++) {
        ringmain_message message = {.size = sizeof message, .value = values[index], .value_bytes = strlen(values[index])};
        check(ringmain_stream_append(flights, &message, NULL));
    }
    pthread_mutex_lock(&desk.mutex);
    while (desk.done < RECORDS)
        pthread_cond_wait(&desk.changed, &desk.mutex);
    pthread_mutex_unlock(&desk.mutex);

    /* Handlers are through when these return; what they use may go then. */
    check(ringmain_stream_worker_close(of_stream, 10000));
    check(ringmain_worker_close(of_queue, 10000));
    uint64_t lag;
    check(ringmain_group_lag(flights, "desk", &lag));
    printf("%d done, %u to go\n", desk.done, (unsigned)lag);
    check(ringmain_stream_close(flights));
    check(ringmain_queue_close(desk.complaints));
    check(ringmain_hub_close(hub, 1000));
    return 0;
}
