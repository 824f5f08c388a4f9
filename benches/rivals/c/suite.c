/* One round of the C suite: prints a line for each cell that each entrant does, "CELL<TAB>ENTRANT<TAB>VALUE". `./x bench c` runs rounds of this
 * and of rust.rs in turn, and compares. `suite COUNT TURN`: how many messages a measurement has, and who begins. */

#define _GNU_SOURCE

#include <ringmain.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef WITH_CK
#include <ck_ring.h>
#endif
#ifdef WITH_RTE
#include <rte_ring.h>
#endif

enum { VALUE_BYTES = 100, BATCH = 64, RING = 16384 };

static long count;
static unsigned char value[VALUE_BYTES];

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ringmain_last_error_message());
    exit(1);
}

#define CHECK(call)                                                                                              \
    do {                                                                                                         \
        if ((call) != 0)                                                                                         \
            die(#call);                                                                                          \
    } while (0)

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void tell(const char *cell, const char *entrant, double figure) { printf("%s\t%s\t%.4f\n", cell, entrant, figure); }

/* Of every message: nothing is lost, doubled or altered. */
static void look(const unsigned char *bytes, size_t size, long *sum)
{
    long number;
    if (size != VALUE_BYTES)
        die("a message of another length");
    memcpy(&number, bytes, sizeof number);
    *sum += number;
}

static void look_at_sum(long messages, long sum)
{
    if (sum != messages * (messages - 1) / 2)
        die("messages were lost or doubled");
}

/* What both sides of an exchange know. */
struct queue {
    void (*send)(struct queue *, long first, long messages);
    /* How many there were. */
    long (*receive)(struct queue *, long messages, long *sum);
    ringmain_queue ours;
    /* A queue of a mutex and a condition variable. */
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    struct node {
        struct node *next;
        unsigned char value[VALUE_BYTES];
    } *first, **last;
#ifdef WITH_CK
    ck_ring_t ck;
    ck_ring_buffer_t *ck_buffer;
#endif
#ifdef WITH_RTE
    struct rte_ring *rte;
#endif
};

/* Ours, one at a time and packed. */
static void ours_send(struct queue *queue, long first, long messages)
{
    ringmain_message batch[BATCH];
    unsigned char values[BATCH][VALUE_BYTES];
    for (long index = 0; index < messages; index++) {
        memcpy(values[index], value, VALUE_BYTES);
        long number = first + index;
        memcpy(values[index], &number, sizeof number);
        batch[index] = (ringmain_message){.size = sizeof *batch, .value = values[index], .value_bytes = VALUE_BYTES};
    }
    if (messages == 1)
        CHECK(ringmain_queue_send(queue->ours, batch, NULL));
    else
        CHECK(ringmain_queue_send_batch(queue->ours, batch, (size_t)messages, NULL));
}

static long ours_receive_one(struct queue *queue, long messages, long *sum)
{
    ringmain_delivery delivery;
    ringmain_message_info info = {.size = sizeof info};
    (void)messages;
    CHECK(ringmain_queue_receive(queue->ours, 1000, &delivery));
    if (delivery == 0)
        return 0;
    CHECK(ringmain_delivery_get(delivery, &info));
    look(info.value, info.value_bytes, sum);
    CHECK(ringmain_delivery_ack(delivery));
    CHECK(ringmain_delivery_close(delivery));
    return 1;
}

static long ours_receive_packed(struct queue *queue, long messages, long *sum)
{
    unsigned char buffer[BATCH * VALUE_BYTES];
    ringmain_packed_message entries[BATCH];
    uint64_t tokens[BATCH];
    size_t received;
    CHECK(ringmain_queue_receive_packed(queue->ours, buffer, sizeof buffer, entries, (size_t)messages, 1000, &received));
    for (size_t index = 0; index < received; index++) {
        look(buffer + entries[index].value_at, entries[index].value_bytes, sum);
        tokens[index] = entries[index].token;
    }
    CHECK(ringmain_queue_ack_packed(queue->ours, tokens, received, NULL));
    return (long)received;
}

/* What one writes first: no leases, no limits, memory for each message. */
static struct node *node(long number)
{
    struct node *node = malloc(sizeof *node);
    if (node == NULL)
        die("malloc");
    memcpy(node->value, value, VALUE_BYTES);
    memcpy(node->value, &number, sizeof number);
    node->next = NULL;
    return node;
}

static void mutex_send(struct queue *queue, long first, long messages)
{
    struct node *head = NULL, **tail = &head;
    for (long index = 0; index < messages; index++) {
        *tail = node(first + index);
        tail = &(*tail)->next;
    }
    pthread_mutex_lock(&queue->mutex);
    *queue->last = head;
    queue->last = tail;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

static long mutex_receive(struct queue *queue, long messages, long *sum)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->first == NULL)
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    struct node *taken = queue->first, *end = taken;
    long received = 1;
    while (received < messages && end->next != NULL) {
        end = end->next;
        received++;
    }
    queue->first = end->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    pthread_mutex_unlock(&queue->mutex);
    for (long index = 0; index < received; index++) {
        struct node *next = taken->next;
        look(taken->value, VALUE_BYTES, sum);
        free(taken);
        taken = next;
    }
    return received;
}

#ifdef WITH_CK
static void ck_send(struct queue *queue, long first, long messages)
{
    for (long index = 0; index < messages; index++) {
        struct node *message = node(first + index);
        while (!ck_ring_enqueue_spsc(&queue->ck, queue->ck_buffer, message))
            sched_yield();
    }
}

static long ck_receive(struct queue *queue, long messages, long *sum)
{
    long received = 0;
    void *taken;
    while (received < messages && ck_ring_dequeue_spsc(&queue->ck, queue->ck_buffer, &taken)) {
        look(((struct node *)taken)->value, VALUE_BYTES, sum);
        free(taken);
        received++;
    }
    if (received == 0)
        sched_yield();
    return received;
}
#endif

#ifdef WITH_RTE
static void rte_send(struct queue *queue, long first, long messages)
{
    void *batch[BATCH];
    for (long index = 0; index < messages; index++)
        batch[index] = node(first + index);
    for (unsigned sent = 0; sent < (unsigned)messages;) {
        unsigned now = rte_ring_sp_enqueue_burst(queue->rte, batch + sent, (unsigned)messages - sent, NULL);
        if (now == 0)
            sched_yield();
        sent += now;
    }
}

static long rte_receive(struct queue *queue, long messages, long *sum)
{
    void *batch[BATCH];
    unsigned received = rte_ring_sc_dequeue_burst(queue->rte, batch, (unsigned)messages, NULL);
    for (unsigned index = 0; index < received; index++) {
        look(((struct node *)batch[index])->value, VALUE_BYTES, sum);
        free(batch[index]);
    }
    if (received == 0)
        sched_yield();
    return (long)received;
}
#endif

/* One thread: sends as many as are received at once. */
static void one_thread(const char *cell, const char *entrant, struct queue *queue, long at_once)
{
    long sum = 0;
    long messages = count / at_once * at_once;
    double begun = now_ns();
    for (long first = 0; first < messages; first += at_once) {
        queue->send(queue, first, at_once);
        for (long received = 0; received < at_once;)
            received += queue->receive(queue, at_once - received, &sum);
    }
    tell(cell, entrant, (now_ns() - begun) / (double)messages);
    look_at_sum(messages, sum);
}

struct exchange {
    struct queue *queue;
    long at_once, messages, received;
};

static void *consume(void *argument)
{
    struct exchange *exchange = argument;
    long sum = 0;
    for (long received = 0; received < exchange->messages;) {
        received += exchange->queue->receive(exchange->queue, exchange->at_once, &sum);
        __atomic_store_n(&exchange->received, received, __ATOMIC_RELEASE);
    }
    look_at_sum(exchange->messages, sum);
    return NULL;
}

/* Two threads; the sender runs ahead by as many as a ring has room for, for everybody. */
static void two_threads(const char *cell, const char *entrant, struct queue *queue, long at_once)
{
    struct exchange exchange = {.queue = queue, .at_once = at_once, .messages = count / at_once * at_once};
    pthread_t consumer;
    double begun = now_ns();
    CHECK(pthread_create(&consumer, NULL, consume, &exchange));
    for (long first = 0; first < exchange.messages; first += at_once) {
        while (first - __atomic_load_n(&exchange.received, __ATOMIC_ACQUIRE) > RING - 2 * BATCH)
            sched_yield();
        queue->send(queue, first, at_once);
    }
    pthread_join(consumer, NULL);
    tell(cell, entrant, (double)exchange.messages / (now_ns() - begun) * 1e3);
}

static void empty_calls(ringmain_hub hub)
{
    ringmain_stream stream;
    uint32_t partitions, sum = 0;
    CHECK(ringmain_stream_open(hub, "empty", NULL, &stream));
    double begun = now_ns();
    for (long index = 0; index < count * 10; index++) {
        CHECK(ringmain_stream_partitions(stream, &partitions));
        sum += partitions;
    }
    tell("call empty", "ringmain C", (now_ns() - begun) / (double)sum);
    CHECK(ringmain_stream_close(stream));
}

enum { ENTRANTS_MAX = 4 };

int main(int argc, char **argv)
{
    if (argc != 3 || (count = atol(argv[1])) < BATCH) {
        fprintf(stderr, "usage: %s COUNT TURN\n", argv[0]);
        return 2;
    }
    struct queue queues[ENTRANTS_MAX];
    const char *names[ENTRANTS_MAX];
    int entrants = 0;
    memset(queues, 0, sizeof queues);
    ringmain_hub hub;
    ringmain_queue_options options = {.size = sizeof options, .on_exhausted = RINGMAIN_ON_EXHAUSTED_DROP};
    CHECK(ringmain_hub_memory(&hub));

    struct queue *ours = &queues[entrants];
    names[entrants++] = "ringmain C";
    ours->send = ours_send;
    CHECK(ringmain_queue_open(hub, "bench", &options, &ours->ours));
    struct queue *mutex = &queues[entrants];
    names[entrants++] = "mutex + condvar";
    *mutex = (struct queue){.send = mutex_send, .receive = mutex_receive};
    pthread_mutex_init(&mutex->mutex, NULL);
    pthread_cond_init(&mutex->not_empty, NULL);
    mutex->last = &mutex->first;
#ifdef WITH_CK
    struct queue *ck = &queues[entrants];
    names[entrants++] = "ck_ring";
    *ck = (struct queue){.send = ck_send, .receive = ck_receive};
    ck->ck_buffer = calloc(RING, sizeof *ck->ck_buffer);
    ck_ring_init(&ck->ck, RING);
#endif
#ifdef WITH_RTE
    struct queue *rte = &queues[entrants];
    names[entrants++] = "rte_ring";
    *rte = (struct queue){.send = rte_send, .receive = rte_receive};
    rte->rte = aligned_alloc(64, (size_t)rte_ring_get_memsize(RING));
    CHECK(rte_ring_init(rte->rte, "bench", RING, RING_F_SP_ENQ | RING_F_SC_DEQ));
#endif

    empty_calls(hub);
    for (int turn = 0; turn < entrants; turn++) {
        int entrant = (turn + atoi(argv[2])) % entrants;
        for (int is_batch = 0; is_batch < 2; is_batch++) {
            ours->receive = is_batch ? ours_receive_packed : ours_receive_one;
            const char *one = is_batch ? "cycle 100 B batch64" : "cycle 100 B single";
            const char *two = is_batch ? "1p1c 100 B batch64" : "1p1c 100 B single";
            one_thread(one, names[entrant], &queues[entrant], is_batch ? BATCH : 1);
            two_threads(two, names[entrant], &queues[entrant], is_batch ? BATCH : 1);
        }
    }
    CHECK(ringmain_queue_close(ours->ours));
    CHECK(ringmain_hub_close(hub, 10000));
    return 0;
}
