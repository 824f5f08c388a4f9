/*
 * Ringmain: embeddable messaging. Task queues and event streams in a library, in memory or durable on local disk, with
 * no broker to run. This header is the manual of the C surface.
 *
 * Answers. Every function that can fail returns 0 (RINGMAIN_OK) or one of RINGMAIN_ERROR_*, which are positive, never
 * change, and are the same in every language. ringmain_last_error_message() has the details. Nothing was changed by a
 * call that failed, unless its comment says so. What a call stores through its `_out` pointers is zeroed first, so it
 * is 0 after a failure. A call that finds nothing in time (receive, poll, peek) is no failure: it stores 0.
 *
 * Handles. Hubs, queues, deliveries and all else that is open are 64-bit numbers. 0 is never one. A handle that is
 * closed, of another kind or made up is answered with RINGMAIN_ERROR_INVALID_HANDLE; handles are never used again.
 * Any thread may use and close any handle; a call that is inside when another thread closes its handle goes on to its
 * end. Every handle wants its own close, in any order; closing 0 does nothing.
 *
 * Pointers. What a call reads is copied before it returns. What it lends (values, keys, headers) lives until the
 * delivery or the batch that lent it is closed: do not close it in one thread while another one reads. NULL where
 * something is needed, misaligned pointers, and lengths beyond a limit are RINGMAIN_ERROR_INVALID_ARGUMENT or
 * RINGMAIN_ERROR_TOO_LARGE. A pointer that leads to less than the call says cannot be told from a good one.
 *
 * Text is UTF-8 without NUL, given as a pointer and a length in bytes. Only names (of queues, streams, groups, headers)
 * and paths are NUL-terminated instead, where the comment says so.
 *
 * Structs that begin with `size` grow in later versions: set it to sizeof and zero the rest, as in
 * `ringmain_message m = {.size = sizeof m, ...};`. A library that is older than the header refuses fields that it does
 * not know, unless they are 0.
 *
 * Times are milliseconds to wait or delay (`_ms`), and nanoseconds since 1970 for points in time (`_ns`).
 *
 * Callbacks are given the context pointer that was said with them, and must return: no longjmp and no exception of C++
 * out of them. The library holds no lock while they run but what their comment says, so that they may call it. What they
 * are lent lives until they return. A callback that answers RINGMAIN_ERROR_* of a call that failed in it hands that error
 * on, with its text.
 *
 * Not promised: use in signal handlers, and use of a hub in a child made by fork (RINGMAIN_ERROR_FORKED).
 * `errno` is never changed.
 */

#ifndef RINGMAIN_H
#define RINGMAIN_H

/* Made by cbindgen from the sources of ffi/; change those, then bless it as ffi/tests/header.rs says. */

#include <stddef.h>
#include <stdint.h>

// Major version of this header; the library's is in `ringmain_version()`.
#define RINGMAIN_VERSION_MAJOR 0

// Minor version of this header.
#define RINGMAIN_VERSION_MINOR 1

// Patch version of this header.
#define RINGMAIN_VERSION_PATCH 0

// The call did what was asked.
#define RINGMAIN_OK 0

// An argument is out of its range: NULL, misaligned, too long, not UTF-8, an unknown constant, a wrong `size`.
#define RINGMAIN_ERROR_INVALID_ARGUMENT 1

// The name of a queue, stream or group breaks the rules: 1 to 128 bytes of A-Z a-z 0-9 . _ - that start with a
// letter or digit and do not end in a dot.
#define RINGMAIN_ERROR_INVALID_NAME 2

// Something is larger than its limit.
#define RINGMAIN_ERROR_TOO_LARGE 3

// There is nothing of that name.
#define RINGMAIN_ERROR_NOT_FOUND 4

// The hub's directory is open in another process; the text says in which.
#define RINGMAIN_ERROR_LOCKED 5

// The hub was closed.
#define RINGMAIN_ERROR_CLOSED 6

// The delivery's lease expired, was settled, or was given to somebody else. Nothing was changed.
#define RINGMAIN_ERROR_LEASE_LOST 7

// A wait ended without what was waited for.
#define RINGMAIN_ERROR_TIMEOUT 8

// A write or sync failed earlier: nothing more is written until the hub is opened again.
#define RINGMAIN_ERROR_POISONED 9

// A file says something that Ringmain never wrote; the text says which file and where.
#define RINGMAIN_ERROR_CORRUPT 10

// The system refused a file operation; see `ringmain_last_error_errno()`.
#define RINGMAIN_ERROR_IO 11

// A file was written by a version of Ringmain that this one does not understand.
#define RINGMAIN_ERROR_UNSUPPORTED 12

// A group member acted on a partition that it no longer owns, or another member has taken its name.
#define RINGMAIN_ERROR_FENCED 13

// An offset lies outside what the partition holds.
#define RINGMAIN_ERROR_OUT_OF_RANGE 14

// A queue or stream exists with an option that cannot be altered.
#define RINGMAIN_ERROR_OPTION_MISMATCH 15

// An option that has no safe default was not given.
#define RINGMAIN_ERROR_OPTION_MISSING 16

// The process was forked: the hub belongs to the parent.
#define RINGMAIN_ERROR_FORKED 17

// A bug in Ringmain; please report the text. The handle of that call refuses everything but close from then on.
#define RINGMAIN_ERROR_INTERNAL 18

// A handle is closed, of another kind, 0, or never was one.
#define RINGMAIN_ERROR_INVALID_HANDLE 19

// Publishing would use the part of the disk that is kept in reserve. Acknowledging, committing and deleting go on.
#define RINGMAIN_ERROR_DISK_FULL 20

// A queue holds as much as it was told to hold: have more of it received and acked, or send it later.
#define RINGMAIN_ERROR_FULL 21

// A message has the deduplication key of an earlier one, and the queue was told to refuse that.
#define RINGMAIN_ERROR_DUPLICATE 22

// A partition of a stream does not end where an append was to go.
#define RINGMAIN_ERROR_CONFLICT 23

// A producer of a stream left out sequence numbers.
#define RINGMAIN_ERROR_SEQUENCE_GAP 24

// A producer of a stream was opened again: this handle may not append any more.
#define RINGMAIN_ERROR_PRODUCER_FENCED 25

// The handler of a stream's worker failed as often as it may: the worker has stopped.
#define RINGMAIN_ERROR_HANDLER_FAILED 26

// As `RINGMAIN_DURABILITY_SYNCED`.
#define RINGMAIN_DURABILITY_DEFAULT 0

// Verbs return at once; written and synced in the background. A power loss loses at most the last 100 ms.
#define RINGMAIN_DURABILITY_RELAXED 1

// Verbs return when the operating system has the bytes: survives a killed process, not power loss.
#define RINGMAIN_DURABILITY_WRITTEN 2

// Verbs return when the bytes are synced to disk, grouped over concurrent callers: survives power loss.
#define RINGMAIN_DURABILITY_SYNCED 3

// Longest message (key, headers and value together) in bytes.
#define RINGMAIN_MESSAGE_BYTES_MAX 1048576

// Longest key in bytes.
#define RINGMAIN_KEY_BYTES_MAX 4096

// Most headers of one message.
#define RINGMAIN_HEADER_COUNT_MAX 64

// Most messages of one batch.
#define RINGMAIN_BATCH_COUNT_MAX 65536

// Waits until there is something or the hub is closed (in fact ten years).
#define RINGMAIN_WAIT_FOREVER 18446744073709551615ull

// As stored; a queue that is new must say.
#define RINGMAIN_ON_EXHAUSTED_DEFAULT 0

// Exhausted messages move to the queue `dead_letter`. Need not be said if `dead_letter` is given.
#define RINGMAIN_ON_EXHAUSTED_DEAD_LETTER 1

// Exhausted messages are dropped.
#define RINGMAIN_ON_EXHAUSTED_DROP 2

// Exhausted messages stay and are retried for ever: what a dead letter queue does.
#define RINGMAIN_ON_EXHAUSTED_KEEP 3

// As `RINGMAIN_JITTER_FULL`.
#define RINGMAIN_JITTER_DEFAULT 0

// The retry delay as computed.
#define RINGMAIN_JITTER_NONE 1

// Half of the retry delay, and a random part of the other half.
#define RINGMAIN_JITTER_EQUAL 2

// A random part of the retry delay.
#define RINGMAIN_JITTER_FULL 3

// Most messages that one receive or poll hands out.
#define RINGMAIN_RECEIVE_COUNT_MAX 65536

// The queue's retry policy decides when a failed message is tried again.
#define RINGMAIN_DELAY_POLICY -1

// Bytes that a reason of a handler may have, with the NUL at its end.
#define RINGMAIN_OUTCOME_REASON_BYTES 512

// Done, as by `ringmain_delivery_ack`.
#define RINGMAIN_OUTCOME_ACK 0

// As by `ringmain_delivery_fail`, after `delay_ms`.
#define RINGMAIN_OUTCOME_FAIL 1

// As by `ringmain_delivery_release`, after `delay_ms`.
#define RINGMAIN_OUTCOME_RELEASE 2

// As by `ringmain_delivery_reject`.
#define RINGMAIN_OUTCOME_REJECT 3

// 0 itself, for options of which 0 is the default.
#define RINGMAIN_ZERO 18446744073709551614ull

// No limit, for options of which 0 is what is stored.
#define RINGMAIN_NO_LIMIT 18446744073709551615ull

// As stored; a stream that is new is not compacted.
#define RINGMAIN_COMPACTION_DEFAULT 0

// Not compacted.
#define RINGMAIN_COMPACTION_NONE 1

// What a later record of the same key has replaced is left out in time; until then readers see it.
#define RINGMAIN_COMPACTION_LATEST 2

// The same, and readers and groups see of each key the last record only, at once. Takes a place in memory for each key.
#define RINGMAIN_COMPACTION_LATEST_ONLY 3

// As stored; a stream that is new does not.
#define RINGMAIN_UNTIL_READ_DEFAULT 0

// Records stay when all groups have committed past them.
#define RINGMAIN_UNTIL_READ_NO 1

// Records go when all groups have committed past them, durably. Needs one of `age_max_ms`, `bytes_max` and `count_max` beside it.
#define RINGMAIN_UNTIL_READ_YES 2

// As stored; a stream that is new has them lag.
#define RINGMAIN_SLOW_READERS_DEFAULT 0

// A reader that is too slow loses what the stream does not hold any more.
#define RINGMAIN_SLOW_READERS_LAG 1

// In memory only, needs `count_max`: appends wait for the slowest open reader, at most `slow_readers_timeout_ms`; then they are
// refused with `RINGMAIN_ERROR_FULL`.
#define RINGMAIN_SLOW_READERS_GATE_THEN_REFUSE 2

// The same, but then that reader loses what it has not read, and holds nobody any more.
#define RINGMAIN_SLOW_READERS_GATE_THEN_LAG 3

// The partition of a position that is not known, as that of a duplicate that was appended long ago.
#define RINGMAIN_PARTITION_UNKNOWN 4294967295

// Records with one of the `keys`.
#define RINGMAIN_FILTER_KEYS 1

// Records with a header `name`.
#define RINGMAIN_FILTER_HAS_HEADER 2

// Records with a header `name` of the value `value`; where several have the name, any of them.
#define RINGMAIN_FILTER_HEADER 3

// Records that all of the `filters` want; all records, if there are none.
#define RINGMAIN_FILTER_ALL 4

// Records that any of the `filters` wants; no record, if there are none.
#define RINGMAIN_FILTER_ANY 5

// Records of which `is_wanted` says so.
#define RINGMAIN_FILTER_WHERE 6

// At the first record held.
#define RINGMAIN_START_EARLIEST 0

// After the last record.
#define RINGMAIN_START_LATEST 1

// At the offset `start_value`, in each partition that is read.
#define RINGMAIN_START_OFFSET 2

// At the first record appended at `start_value`, in nanoseconds since 1970, or later.
#define RINGMAIN_START_TIME 3

// All partitions.
#define RINGMAIN_PARTITION_ALL -1

// It has no end.
#define RINGMAIN_END_NEVER 0

// Before what is appended from now on.
#define RINGMAIN_END_NOW 1

// Before the offset `end_value`, in each partition that is read; waited for where it is beyond what is there.
#define RINGMAIN_END_OFFSET 2

// Before the first record accepted at `end_value`, in nanoseconds since 1970, or later; a time to come is waited for.
#define RINGMAIN_END_TIME 3

// Nowhere: `RINGMAIN_ERROR_OUT_OF_RANGE` comes again at each call, until a seek to an offset that is held.
#define RINGMAIN_RESET_FAIL 0

// At the first record held; the error comes once.
#define RINGMAIN_RESET_EARLIEST 1

// After the last record; the error comes once.
#define RINGMAIN_RESET_LATEST 2

// When the record was accepted.
#define RINGMAIN_TIME_OF_INGEST 0

// Its event time; when it was accepted, if it has none.
#define RINGMAIN_TIME_OF_EVENT 1

// Of groups only: where the group has committed; `RINGMAIN_ERROR_NOT_FOUND` if it has not.
#define RINGMAIN_START_COMMITTED 4

// By `ringmain_member_commit` and its siblings. What was not committed is read again: at least once.
#define RINGMAIN_COMMIT_MANUAL 0

// Each poll first commits what the polls before it returned. At least once.
#define RINGMAIN_COMMIT_ON_POLL 1

// Before poll hands records over: what is not handled then, because of a crash or an error, is lost.
#define RINGMAIN_COMMIT_AT_MOST_ONCE 2

// Most partitions of one stream.
#define RINGMAIN_PARTITION_COUNT_MAX 1024

// The worker stops with `RINGMAIN_ERROR_HANDLER_FAILED`, and the record is not committed.
#define RINGMAIN_ON_FAILED_STOP 0

// The record is committed as if it had been handled, and counted as skipped.
#define RINGMAIN_ON_FAILED_SKIP 1

// The record goes to `hand_over`, and is committed when that has returned 0.
#define RINGMAIN_ON_FAILED_HAND_OVER 2

// An open hub: the queues and streams of one directory, or of this process's memory. 0 is no hub. Any thread may use
// it.
typedef uint64_t ringmain_hub;

// Options of a durable hub. Set `size`, zero the rest: 0 is the default everywhere.
typedef struct ringmain_hub_options {
    // sizeof(ringmain_hub_options).
    size_t size;
    // What verbs wait for: one of `RINGMAIN_DURABILITY_*`.
    int32_t durability;
    // Must be 0.
    uint32_t reserved;
} ringmain_hub_options;

// An open task queue. 0 is no queue. Any thread may use it.
typedef uint64_t ringmain_queue;

// Receives messages of a queue one after the other, several taken ahead. Of a queue that has a single active consumer only the oldest
// one gets messages; when it is closed the next one takes over, and all leases that are out end. 0 is no consumer. Any thread may
// use it, one at a time: others wait for it.
typedef uint64_t ringmain_consumer;

// One message, leased to whoever holds this. 0 is no delivery. Any thread may use it.
typedef uint64_t ringmain_delivery;

// Options of a queue. Set `size`, zero the rest: 0 is the default, or what is stored if the queue exists. If one of
// the `retry_` options is given, those that are 0 are their defaults. The delay before the nth retry is
// `min(retry_cap_ms, retry_base_ms * retry_factor^(n-1))`, then jitter.
typedef struct ringmain_queue_options {
    // sizeof(ringmain_queue_options).
    size_t size;
    // How long a delivery is leased. Default 30,000, at most 7 days.
    uint64_t lease_ms;
    // The NUL-terminated name of the queue for exhausted and rejected messages, made if it does not exist; NULL for
    // none.
    const char *dead_letter;
    // Failures after which a message is exhausted. Default 5.
    uint32_t max_failures;
    // What happens to exhausted messages: one of `RINGMAIN_ON_EXHAUSTED_*`.
    int32_t on_exhausted;
    // First retry delay, at most `retry_cap_ms`. Default 1,000.
    uint64_t retry_base_ms;
    // Longest retry delay. Default 600,000.
    uint64_t retry_cap_ms;
    // Growth of the retry delay, at least 1. Default 2.
    double retry_factor;
    // Spread of the retry delay: one of `RINGMAIN_JITTER_*`.
    int32_t retry_jitter;
    // Must be 0.
    uint32_t reserved;
} ringmain_queue_options;

// One header of a message. This struct will not change.
typedef struct ringmain_header {
    // The name, UTF-8, not NUL-terminated. Names that start with "rm-" are the engine's and refused in messages.
    const char *name;
    // Bytes of the name, 1 to 255.
    size_t name_bytes;
    // The value; NULL in an answer means that there is no such header.
    const void *value;
    // Bytes of the value, at most 32768.
    size_t value_bytes;
} ringmain_header;

// A message to send to a queue or append to a stream. Set `size`, zero the rest, and set what you need:
// `ringmain_message m = {.size = sizeof m, .value = "x", .value_bytes = 1};`. Everything that it points to is copied
// before the call returns.
typedef struct ringmain_message {
    // sizeof(ringmain_message).
    size_t size;
    // The value; may be NULL if it has no bytes.
    const void *value;
    // Bytes of the value.
    size_t value_bytes;
    // The key, NULL for none: chooses the partition of a stream, and is a label on a queue.
    const void *key;
    // Bytes of the key, at most 4096.
    size_t key_bytes;
    // The headers; may be NULL if there are none.
    const struct ringmain_header *headers;
    // How many headers there are, at most 64.
    size_t header_count;
    // Queue only, refused by a stream: not before so many milliseconds have passed, at most ten years.
    uint64_t delay_ms;
    // Queue only, refused by a stream: not before this time, in nanoseconds since 1970; 0 for at once. Wins over `delay_ms`.
    uint64_t deliver_at_ns;
    // When what the message tells of happened, in nanoseconds since 1970; 0 for not said.
    uint64_t event_time_ns;
    // Queue only: how long it may wait, at most ten years, from now on and however often it comes back; then it expires. Of
    // this and the queue's own limit the shorter counts; 0 for the queue's. While it is leased it does not expire.
    uint64_t ttl_ms;
    // Queue only: a deadline for its first delivery, at most ten years from now; 0 for none. When it is missed, that is counted
    // and the queue does what its options say; once.
    uint64_t start_within_ms;
    // Queue only: a deadline for its ack, at most ten years from now; 0 for none. As `start_within_ms`.
    uint64_t complete_within_ms;
    // Queue only: the same at a time in nanoseconds since 1970, at most ten years ahead; 0 for none. Wins over
    // `complete_within_ms`.
    uint64_t complete_by_ns;
    // Queue only: messages of one ordering key are delivered one at a time, in the order in which they were sent, those of other
    // keys beside them. NULL for none.
    const void *ordering_key;
    // Bytes of the ordering key, at most 4096.
    size_t ordering_key_bytes;
    // Queue only: a message whose key the queue still remembers from an earlier one is a duplicate and not sent again; for how
    // long that is, the queue's options say. NULL for none.
    const void *dedup_key;
    // Bytes of the deduplication key, at most 4096.
    size_t dedup_key_bytes;
    // Queue only: failures after which it is exhausted, whatever its queue says; 0 for what the queue says.
    uint32_t max_failures;
    // What the verb that takes it waits for, one of `RINGMAIN_DURABILITY_*`, if that is more than the hub's own; 0 for the
    // hub's. Of several in a batch the safest counts.
    int32_t durability;
    // Queue only: 1 if `priority` is given, 0 if the message has the default priority, 4.
    uint8_t has_priority;
    // Queue only: 0 to 9, delivered from the largest down. Must be 0 where `has_priority` is.
    uint8_t priority;
    // Stream only, refused by a queue: 1 says that the key has no value any more, so that a compacted stream forgets what came
    // before. It must have a key and no value. Otherwise 0.
    uint8_t is_tombstone;
    // Must be 0.
    uint8_t reserved[5];
} ringmain_message;

// What became of a message that was sent. This struct will not change.
typedef struct ringmain_sent {
    // The message's id; of a duplicate the first message's, or, if it replaced that one, its own.
    uint64_t id;
    // 1 if the queue still remembered its deduplication key, otherwise 0.
    uint32_t is_duplicate;
    // 0.
    uint32_t reserved;
} ringmain_sent;

// Something that was accepted and may not have reached its durability yet. 0 is no receipt. Any thread may use it, several at a
// time. Closing one changes nothing: what was accepted is made durable in the background.
typedef uint64_t ringmain_receipt;

// Counts of a queue; the totals count since the hub was opened.
typedef struct ringmain_queue_stats {
    // sizeof(ringmain_queue_stats), set by the caller.
    size_t size;
    // Messages that a receive would get now.
    uint64_t ready;
    // Messages that wait for their time.
    uint64_t scheduled;
    // Messages out with a worker.
    uint64_t leased;
    // Messages sent.
    uint64_t sent_total;
    // Messages acked.
    uint64_t acked_total;
    // Failures counted.
    uint64_t failures_total;
    // Leases that expired.
    uint64_t leases_expired_total;
    // Deliveries beyond the first of their message.
    uint64_t redeliveries_total;
    // Messages moved to the dead letter queue.
    uint64_t dead_total;
    // Messages dropped.
    uint64_t dropped_total;
} ringmain_queue_stats;

// A message of a queue, delivered or peeked at. The pointers live until the delivery or the batch is closed.
typedef struct ringmain_message_info {
    // sizeof(ringmain_message_info), set by the caller.
    size_t size;
    // The message's number in its queue.
    uint64_t id;
    // The value.
    const void *value;
    // Bytes of the value.
    size_t value_bytes;
    // The key; NULL if it has none.
    const void *key;
    // Bytes of the key.
    size_t key_bytes;
    // How many headers it has.
    size_t header_count;
    // When it was sent, in nanoseconds since 1970.
    uint64_t time_ns;
    // The sender's event time, in nanoseconds since 1970; 0 for not said.
    uint64_t event_time_ns;
    // Leases granted, this one included.
    uint32_t attempts;
    // Failures counted so far.
    uint32_t failures;
} ringmain_message_info;

// A batch of messages seen without leasing them. 0 is no batch. Any thread may use it.
typedef uint64_t ringmain_peeked;

// A message in the hands of a worker's handler. 0 is no job. Any thread may use it until the handler returns; then it is closed by
// itself, and so is everything that it lent.
typedef uint64_t ringmain_job;

// What becomes of what a handler was given. The library makes it, with `kind` ack, and the handler may change it.
typedef struct ringmain_outcome {
    // sizeof(ringmain_outcome) of the library: a handler that was compiled with a longer one leaves alone what is beyond.
    size_t size;
    // One of `RINGMAIN_OUTCOME_*`. A worker of a stream knows ack and fail only.
    int32_t kind;
    // 0.
    uint32_t reserved;
    // When a message that failed or was released is tried again, at most ten years. `RINGMAIN_DELAY_POLICY`, which it is at first, is
    // the queue's retry delay of one that failed, and at once for one that was released. Not looked at by a worker of a stream.
    int64_t delay_ms;
    // Why it failed or was rejected: NUL-terminated, UTF-8 (what is not becomes U+FFFD).
    char reason[RINGMAIN_OUTCOME_REASON_BYTES];
} ringmain_outcome;

// Handles a message: look at it by `ringmain_job_get`. 0 is what `outcome` says, which is an ack unless the handler changed it; another
// number is a failure, of which `outcome` may say more: for want of a reason it is the text of the call that failed in the handler
// with that code. Called by threads of the library, several at a time; it must return, and neither throw nor jump out. The
// lease is prolonged while it runs. Messages are delivered at least once: have it do no harm twice.
typedef int32_t (*ringmain_job_handler)(void *context,
                                        ringmain_job job,
                                        struct ringmain_outcome *outcome);

// Asked before the lease of a running handler is prolonged, at each third of it: 0, and it is not, so that a handler that hangs
// loses its message in the end. One thread of the library asks for all jobs of the worker: it must not wait. It may use the job
// as long as it runs.
typedef int32_t (*ringmain_job_liveness)(void *context, ringmain_job job);

// How a worker works. Set `size`, zero the rest: 0 is the default. It must have a handler.
typedef struct ringmain_worker_options {
    // sizeof(ringmain_worker_options).
    size_t size;
    // Handles each message.
    ringmain_job_handler handler;
    // Says whether a handler is alive; NULL: it always is.
    ringmain_job_liveness liveness;
    // Given to both; it must live until the worker is closed and all handlers have returned.
    void *context;
    // How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024.
    uint32_t concurrency;
    // Must be 0.
    uint32_t reserved;
    // How many messages may be taken ahead, for handlers that are about to be free, at most 65,535. Default as many as handlers;
    // `RINGMAIN_ZERO` for none.
    uint64_t prefetch;
    // How long the lease of one delivery is prolonged altogether, from its hand-over to the handler. Default 3,600,000 (1 h);
    // `RINGMAIN_ZERO` does not prolong it.
    uint64_t lease_total_max_ms;
} ringmain_worker_options;

// Threads that handle the messages of a queue until it is closed. 0 is no worker. Any thread may use it.
typedef uint64_t ringmain_worker;

// Counts of a worker; the totals count since it was started.
typedef struct ringmain_worker_stats {
    // sizeof(ringmain_worker_stats), set by the caller.
    size_t size;
    // Messages taken ahead, that no handler has got yet.
    uint64_t waiting;
    // Messages that handlers are busy with.
    uint64_t running;
    // Messages acked.
    uint64_t acked_total;
    // Messages failed.
    uint64_t failed_total;
    // Messages that handlers handed back.
    uint64_t released_total;
    // Messages rejected.
    uint64_t rejected_total;
    // Messages that handlers settled themselves.
    uint64_t settled_by_handler_total;
    // Messages whose lease was lost before they were settled: what the handler said was discarded.
    uint64_t lost_total;
    // Messages taken ahead and handed back unstarted.
    uint64_t returned_total;
} ringmain_worker_stats;

// An open event stream. 0 is no stream. Any thread may use it.
typedef uint64_t ringmain_stream;

// Where a record is. This struct will not change.
typedef struct ringmain_position {
    // Its number in the partition: strictly increasing, not always by one.
    uint64_t offset;
    // The partition.
    uint32_t partition;
    // 0.
    uint32_t reserved;
} ringmain_position;

// When a batcher closes a batch: whichever comes first. Set `size`, zero the rest: 0 is the default.
typedef struct ringmain_batcher_options {
    // sizeof(ringmain_batcher_options).
    size_t size;
    // How long the first record of a batch waits for others. Default 0: each record is a batch.
    uint64_t linger_ms;
    // Bytes of a batch as it lies in the log, at most 16 MiB; a larger record is a batch of its own. Default 16384.
    size_t max_batch_bytes;
    // Records of a batch, at most 65,536, which is the default.
    size_t max_batch_messages;
} ringmain_batcher_options;

// Gathers records into batches. 0 is no batcher. Any thread may use it.
typedef uint64_t ringmain_batcher;

// Chooses the partition of a record, 0 to `partition_count` - 1, by its key (NULL for none) and its value, which live until it returns. The
// same key should always go to the same partition. Called by whichever thread appends, several at a time, before anything is
// appended, and without a lock; it must return, and neither throw nor jump out.
typedef uint32_t (*ringmain_choose_partition)(void *context,
                                              const void *key,
                                              size_t key_bytes,
                                              const void *value,
                                              size_t value_bytes,
                                              uint32_t partition_count);

// A producer of a stream, by its name. It numbers its messages from 0; those that were appended before, as their numbers say, are
// not appended again, across crashes. 0 is no producer. Any thread may use it.
typedef uint64_t ringmain_producer;

// Options of a stream. Set `size`, zero the rest: 0 is the default, or what is stored if the stream exists. What is given is stored.
// If `compaction` is given, those of its options that are 0 are their defaults.
typedef struct ringmain_stream_options {
    // sizeof(ringmain_stream_options).
    size_t size;
    // How many partitions a new stream has; default 1, at most 1024. A stream with fewer gets more, unless keys of its records
    // would move (`RINGMAIN_ERROR_INVALID_ARGUMENT`); one with more is `RINGMAIN_ERROR_OPTION_MISMATCH`. 0: as it is.
    uint32_t partitions;
    // 1 lets the stream have more partitions although keys move: from then on records of a key may be read before older ones,
    // which lie in another partition. Otherwise 0. It is not stored.
    uint32_t force_growth;
    // How long a record is kept after it was accepted, whatever its event time. Default `RINGMAIN_NO_LIMIT`.
    uint64_t age_max_ms;
    // How many bytes each partition keeps, in segments that go as a whole, oldest first; the one that is written to comes on top.
    // Default `RINGMAIN_NO_LIMIT`.
    uint64_t bytes_max;
    // How many of its last records each partition keeps. Default `RINGMAIN_NO_LIMIT`.
    uint64_t count_max;
    // Whether what a later record of the same key has replaced is left out: one of `RINGMAIN_COMPACTION_*`. Records without a key
    // are refused from then on.
    int32_t compaction;
    // Of compaction: it begins by itself when this much of what is written was not compacted yet, in percent of bytes, 1 to 100.
    // Default 50.
    uint32_t dirty_percent_min;
    // Of compaction: records younger than this all stay. Default none; not with `RINGMAIN_COMPACTION_LATEST_ONLY`.
    uint64_t lag_min_ms;
    // Of compaction: how long a tombstone stays, counted from when compaction first came by. Default 86,400,000 (24 h);
    // `RINGMAIN_ZERO` for not at all.
    uint64_t tombstone_grace_ms;
    // Of compaction: the segment that is written to is ended when its first record is about that old, so that a quiet stream is
    // compacted, too. Default 3,600,000 (1 h); `RINGMAIN_ZERO` for at once.
    uint64_t seal_after_ms;
    // Of compaction: how many keys a stream that is `RINGMAIN_COMPACTION_LATEST_ONLY`, or a table, has at most; an append that would
    // bring in more is refused. Default 1,000,000, at most 16,777,216.
    uint32_t keys_max;
    // Whether records go when all groups have committed past them: one of `RINGMAIN_UNTIL_READ_*`.
    int32_t until_read;
    // What happens when records come faster than an open reader reads: one of `RINGMAIN_SLOW_READERS_*`.
    int32_t slow_readers;
    // Must be 0.
    uint32_t reserved;
    // How long an append waits for slow readers, 1 ms to ten years. Must be 0 without a gate.
    uint64_t slow_readers_timeout_ms;
} ringmain_stream_options;

// Counts of one partition.
typedef struct ringmain_partition_stats {
    // sizeof(ringmain_partition_stats), set by the caller.
    size_t size;
    // First offset held.
    uint64_t start;
    // One past the last offset.
    uint64_t end;
    // Bytes held, with what the log adds to each record.
    uint64_t bytes;
    // Records that may be read: without those that were compacted away, or that are hidden by later ones of their key.
    uint64_t records;
    // Records appended, over the last minute; or since the last time that somebody asked, if that is longer ago.
    double produced_per_second;
} ringmain_partition_stats;

// Ends the waiting of the reader or replay that it was made of. 0 is no canceller. Any thread may use it, while others are in calls
// on what it ends.
typedef uint64_t ringmain_canceller;

// Reads a stream at its own pace. 0 is no reader. Any thread may use it, one at a time: others wait for it.
typedef uint64_t ringmain_reader;

// A key. This struct will not change.
typedef struct ringmain_key {
    // The key; may be NULL if it has no bytes.
    const void *key;
    // Bytes of the key, at most 4096.
    size_t key_bytes;
} ringmain_key;

// One record of a stream. The pointers live until its batch is closed.
typedef struct ringmain_record {
    // sizeof(ringmain_record), set by the caller.
    size_t size;
    // Its number in the partition: strictly increasing, not always by one.
    uint64_t offset;
    // The value.
    const void *value;
    // Bytes of the value.
    size_t value_bytes;
    // The key; NULL if it has none.
    const void *key;
    // Bytes of the key.
    size_t key_bytes;
    // How many headers it has.
    size_t header_count;
    // When it was appended, in nanoseconds since 1970.
    uint64_t time_ns;
    // The producer's event time, in nanoseconds since 1970; 0 for not said.
    uint64_t event_time_ns;
    // The partition.
    uint32_t partition;
    // 1 if it says that its key has no value any more, otherwise 0.
    uint32_t is_tombstone;
} ringmain_record;

// Whether a record is wanted: not 0 if it is. The record and what it points to live until the callback returns. Called once for each
// record that is looked at, by whichever thread is in a call on the reader; it must not use that reader.
typedef int32_t (*ringmain_is_wanted)(void *context, const struct ringmain_record *record);

// Which records a reader wants. Keys and values of headers are compared byte for byte. Everything that it points to is copied before
// the call returns, but for `context`. At most 65,536 terms, each key counted, at most 16 deep in one another.
typedef struct ringmain_filter {
    // sizeof(ringmain_filter).
    size_t size;
    // One of `RINGMAIN_FILTER_*`. The fields below that it does not name are not looked at.
    int32_t kind;
    // Must be 0.
    uint32_t reserved;
    // Keys.
    const struct ringmain_key *keys;
    // How many keys there are.
    size_t key_count;
    // The NUL-terminated name of a header, UTF-8.
    const char *name;
    // The value of a header; may be NULL if it has no bytes.
    const void *value;
    // Bytes of the value.
    size_t value_bytes;
    // Filters.
    const struct ringmain_filter *filters;
    // How many filters there are.
    size_t filter_count;
    // Says which records are wanted.
    ringmain_is_wanted is_wanted;
    // Given to `is_wanted`; it must live as long as the reader.
    void *context;
} ringmain_filter;

// Options of a reader. Set `size`, zero the rest: 0 is the default.
typedef struct ringmain_reader_options {
    // sizeof(ringmain_reader_options).
    size_t size;
    // Which records it hands out; NULL for all. What it does not want moves the reader on all the same.
    const struct ringmain_filter *filter;
    // Where it ends, in each partition that it reads: one of `RINGMAIN_END_*`.
    int32_t end_kind;
    // Where it goes on when the records that it would read next were removed, because they are too old or too many for the
    // stream's options: one of `RINGMAIN_RESET_*`.
    int32_t on_out_of_range;
    // The offset or time of the end; 0 where the kind has none.
    uint64_t end_value;
    // Must be 0.
    uint64_t reserved;
} ringmain_reader_options;

// A batch of records, from a reader or a member. 0 is no batch. Any thread may use it.
typedef uint64_t ringmain_records;

// How fast a stream is replayed. Set `size`, zero the rest: 0 is the default.
typedef struct ringmain_pace {
    // sizeof(ringmain_pace).
    size_t size;
    // How many times as fast as the records came: 2.0 takes half the time. Above 0. Default 1.0.
    double factor;
    // Longer gaps between two records are taken for gaps of this length, before the factor. Default none.
    uint64_t gap_max_ms;
    // Which time of a record counts: one of `RINGMAIN_TIME_OF_*`.
    int32_t time_of;
    // Must be 0.
    uint32_t reserved;
} ringmain_pace;

// Hands out the records of a stream at the pace at which they came, times a factor. 0 is no replay. Any thread may use it, one at a
// time: others wait for it.
typedef uint64_t ringmain_replay;

// One member of a consumer group: polls the partitions it owns and commits what it has handled. 0 is no member. Any
// thread may use it, one at a time: others wait for it, also while its callbacks run. A callback may use it, in its own thread.
typedef uint64_t ringmain_member;

// Told of partitions of a member that come or go, in order. Called by the thread that polls (or seeks, or asks for the assignment),
// within that call. It may use the member, by its handle, in this thread; other threads wait for the call. What it returns that is not 0
// the call answers: RINGMAIN_ERROR_* of a call that failed in it, or RINGMAIN_ERROR_INVALID_ARGUMENT with the number in the text.
// It must return, and neither throw nor jump out. The partitions live until it returns.
typedef int32_t (*ringmain_partitions_callback)(void *context,
                                                ringmain_member member,
                                                const uint32_t *partitions,
                                                size_t count);

// How a member joins a group. Set `size`, zero the rest: 0 is the default.
typedef struct ringmain_group_options {
    // sizeof(ringmain_group_options).
    size_t size;
    // The NUL-terminated name of the member, NULL for none: what it has is kept for the name while it is away, so that a restart moves
    // nothing. Who joins by the name of a member that is there takes its place.
    const char *member_name;
    // For how long a member with a name may be away before others get what it has. Default 45,000; `RINGMAIN_ZERO` gives it up at
    // once.
    uint64_t session_timeout_ms;
    // How long a member may go without polling before it is given up for dead. Default 300,000; `RINGMAIN_NO_LIMIT` for never.
    uint64_t max_poll_interval_ms;
    // How long the owner of a partition that is to move may take to commit what it has polled of it. Default 30,000; `RINGMAIN_ZERO`
    // does not wait. The group's: the first member that says one decides, and another one that says something else is
    // `RINGMAIN_ERROR_OPTION_MISMATCH`.
    uint64_t revoke_timeout_ms;
    // Where partitions without a committed offset start: one of `RINGMAIN_START_*`.
    int32_t start_kind;
    // What it does when the records that it would read next were removed: one of `RINGMAIN_RESET_*`.
    int32_t on_out_of_range;
    // The offset or time of the start; 0 where the kind has none.
    uint64_t start_value;
    // When it commits: one of `RINGMAIN_COMMIT_*`.
    int32_t commit_mode;
    // Must be 0.
    uint32_t reserved;
    // Told of the partitions that the member has got, before the first of their records is polled; it may seek. NULL for none.
    ringmain_partitions_callback on_assign;
    // Told of the partitions that the member is to let go of: nothing of them is polled any more, what was can be committed. NULL for
    // none.
    ringmain_partitions_callback on_revoke;
    // Told of the partitions that the member has lost without having been asked: somebody else may have them already, and commits of
    // them are refused. NULL for none.
    ringmain_partitions_callback on_lost;
    // Given to the callbacks; it must live until the member has left.
    void *context;
} ringmain_group_options;

// Counts of one consumer group.
typedef struct ringmain_group_stats {
    // sizeof(ringmain_group_stats), set by the caller.
    size_t size;
    // Records that it has not committed, over all partitions.
    uint64_t lag;
    // How long ago the oldest of them was appended, in milliseconds; 0 if there is none.
    uint64_t lag_age_ms;
    // Grows whenever members come or go, or a partition is given to one, since the stream was opened.
    uint64_t generation;
    // Records committed, over the last minute; or since the last time that somebody asked, if that is longer ago.
    double consumed_per_second;
    // Members that are there.
    uint32_t members;
    // Those of them that have no partition.
    uint32_t idle_members;
    // Members with a name that are away, and for which partitions are kept.
    uint32_t away_members;
    // Partitions that their owners were asked to let go of, and have not yet.
    uint32_t revoking_partitions;
} ringmain_group_stats;

// How far a group is behind in one partition.
typedef struct ringmain_partition_lag {
    // sizeof(ringmain_partition_lag), set by the caller.
    size_t size;
    // Records that it has not committed: those that it would be given, not offsets.
    uint64_t records;
    // How long ago the first of them was appended, in milliseconds; 0 if there is none.
    uint64_t age_ms;
} ringmain_partition_lag;

// Says that a handler of the member's records is running: until it is closed, the member is not given up for dead, however long it
// does not poll. 0 is none. Any thread may close it.
typedef uint64_t ringmain_processing;

// The last record of each key of a stream that is compacted. It follows the stream. 0 is no table. Any thread may use it.
typedef uint64_t ringmain_table;

// A walk over the keys of a table. 0 is no scan. Any thread may use it, one at a time: others wait for it.
typedef uint64_t ringmain_table_scan;

// Handles `count` records of one partition, in order: look at them by `ringmain_records_get`. 0 is what `outcome` says, which is an ack
// unless the handler changed it; another number is a failure: then all of them are tried again. Called by threads of the library,
// several at a time; it must return, and neither throw nor jump out. The batch is closed when it returns. Records are handled
// at least once: have it do no harm twice.
typedef int32_t (*ringmain_records_handler)(void *context,
                                            ringmain_records records,
                                            size_t count,
                                            struct ringmain_outcome *outcome);

// Takes a record that has failed too often, as a batch of one, with the reason of its last failure (not NUL-terminated); both live until
// it returns. What is not 0 stops the worker with that error. As the handler, otherwise.
typedef int32_t (*ringmain_record_sink)(void *context,
                                        ringmain_records records,
                                        const char *reason,
                                        size_t reason_bytes);

// How a worker of a stream works. Set `size`, zero the rest: 0 is the default. It must have a handler.
typedef struct ringmain_stream_worker_options {
    // sizeof(ringmain_stream_worker_options).
    size_t size;
    // Handles the records.
    ringmain_records_handler handler;
    // Takes what has failed too often; only with `RINGMAIN_ON_FAILED_HAND_OVER`.
    ringmain_record_sink hand_over;
    // Given to both; it must live until the worker is closed and all handlers have returned.
    void *context;
    // How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024.
    uint32_t concurrency;
    // How many handlers of one partition run at a time, at most 1,024. Default 1, which keeps its order.
    uint32_t parallel;
    // How many records the handler is given at a time, at most 65,536. Default 1.
    uint32_t batch_max;
    // After how many failures a record is given up. Default 5.
    uint32_t max_failures;
    // How long the first record of a batch waits for others. Default 0.
    uint64_t batch_wait_ms;
    // After what time a record that failed is tried again; then twice as long each time. Default 1,000; `RINGMAIN_ZERO` for at once.
    uint64_t retry_delay_ms;
    // The longest such time. Default 60,000; `RINGMAIN_ZERO` for at once.
    uint64_t retry_delay_max_ms;
    // What becomes of a record that is given up: one of `RINGMAIN_ON_FAILED_*`.
    int32_t on_failed;
    // Where it goes on when the records that it would read next were removed: one of `RINGMAIN_RESET_*`. With
    // `RINGMAIN_RESET_FAIL` it stops.
    int32_t on_out_of_range;
    // Where the group begins if it has committed nothing yet: one of `RINGMAIN_START_*`.
    int32_t start_kind;
    // Must be 0.
    uint32_t reserved;
    // The offset or time of the start; 0 where the kind has none.
    uint64_t start_value;
} ringmain_stream_worker_options;

// Threads that handle the records of a stream until it is closed. 0 is no worker. Any thread may use it.
typedef uint64_t ringmain_stream_worker;

// Counts of a worker of a stream, in records; the totals count since it was started.
typedef struct ringmain_stream_worker_stats {
    // sizeof(ringmain_stream_worker_stats), set by the caller.
    size_t size;
    // Polled, and not in the hands of a handler: those that are to be tried again included.
    uint64_t waiting;
    // Calls of the handler that have not returned.
    uint64_t running;
    // Handled.
    uint64_t done_total;
    // Failed, each time that they did.
    uint64_t failed_total;
    // Given to `hand_over` after their last failure.
    uint64_t handed_over_total;
    // Left out after their last failure.
    uint64_t skipped_total;
    // How often what it would have read next was removed, and it went on where it was told to; not in records.
    uint64_t out_of_range_total;
    // Handled while their partition went to another member, which handles them again.
    uint64_t lost_total;
} ringmain_stream_worker_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The library's version, such as "0.1.0". Static: never free it.
const char *ringmain_version(void);

// The name of a code without its prefix, such as "LEASE_LOST"; "OK" for 0, "UNKNOWN" for a number that is no code.
// Static: never free it.
const char *ringmain_error_name(int32_t code);

// One line on what went wrong in the last call that failed on this thread, with the names, values and limits
// concerned; empty if none failed yet. Never NULL. Valid until the next call of this library on the same thread:
// copy it to keep it.
const char *ringmain_last_error_message(void);

// The system's error number behind the last call that failed on this thread; 0 where the system was not the cause.
// The thread's own `errno` is never changed by this library.
int32_t ringmain_last_error_errno(void);

// Makes a hub in memory: gone when it is closed.
int32_t ringmain_hub_memory(ringmain_hub *hub_out);

// Opens the durable hub in `directory` (a NUL-terminated UTF-8 path of at most 4095 bytes), making it if need be.
// `options` may be NULL. One process at a time has a directory open: `RINGMAIN_ERROR_LOCKED` says who.
int32_t ringmain_hub_open(const char *directory,
                          const struct ringmain_hub_options *options,
                          ringmain_hub *hub_out);

// Makes everything appended so far durable, whatever the hub's durability. Nothing to do in memory.
int32_t ringmain_hub_flush(ringmain_hub hub);

// Closes the hub: wakes and refuses every caller, waits for those inside (at most `timeout_ms`), makes everything
// durable and unlocks the directory. The handle is closed whatever the answer; handles of queues and streams of this
// hub answer `RINGMAIN_ERROR_CLOSED` from then on, and must still be closed. Closing 0 does nothing.
int32_t ringmain_hub_close(ringmain_hub hub,
                           uint64_t timeout_ms);

// Opens a consumer of the queue that takes `prefetch` messages at a time, 1 to 65,536. Each is leased from when it is handed out; one
// that has waited for longer than a lease is another's by then, and left out. Close the consumer.
int32_t ringmain_consumer_open(ringmain_queue queue,
                               size_t prefetch,
                               ringmain_consumer *consumer_out);

// Receives the next message, waiting for it at most `wait_ms`. Stores 0 if none came: that is no error. Settle the delivery and close
// it.
int32_t ringmain_consumer_receive(ringmain_consumer consumer,
                                  uint64_t wait_ms,
                                  ringmain_delivery *delivery_out);

// Receives the message `id` that was set aside, as `ringmain_queue_receive_deferred`; of a queue that has a single active consumer, by
// that one, and 0 from another one.
int32_t ringmain_consumer_receive_deferred(ringmain_consumer consumer,
                                           uint64_t id,
                                           ringmain_delivery *delivery_out);

// Acks a delivery, and all that this consumer handed out before it and that are still out, with one commit; not what it took ahead. The
// others' own verbs answer `RINGMAIN_ERROR_LEASE_LOST` from then on. The deliveries stay open. `RINGMAIN_ERROR_INVALID_ARGUMENT`
// for a delivery that is not this consumer's, or no longer out: then nothing was acked.
int32_t ringmain_consumer_ack_up_to(ringmain_consumer consumer,
                                    ringmain_delivery delivery);

// Closes the consumer; what it took ahead is handed back. What it handed out stays with who has it. Closing 0 does nothing.
int32_t ringmain_consumer_close(ringmain_consumer consumer);

// Opens the queue `queue_name` (NUL-terminated), making it if it does not exist. `options` may be NULL. A queue that
// is new must say what happens to exhausted messages (`dead_letter` or `on_exhausted`), else
// `RINGMAIN_ERROR_OPTION_MISSING`.
int32_t ringmain_queue_open(ringmain_hub hub,
                            const char *queue_name,
                            const struct ringmain_queue_options *options,
                            ringmain_queue *queue_out);

// Sends a message and stores its id (NULL if it does not matter) once it has reached the hub's durability.
int32_t ringmain_queue_send(ringmain_queue queue,
                            const struct ringmain_message *message,
                            uint64_t *id_out);

// As `ringmain_queue_send`, and says whether the message was a duplicate: its `dedup_key` was still remembered, and it was not
// sent again.
int32_t ringmain_queue_send_unique(ringmain_queue queue,
                                   const struct ringmain_message *message,
                                   struct ringmain_sent *sent_out);

// Sends `count` messages as one atomic batch, all or none, and stores their ids (`count` of them, or NULL).
int32_t ringmain_queue_send_batch(ringmain_queue queue,
                                  const struct ringmain_message *messages,
                                  size_t count,
                                  uint64_t *ids_out);

// As `ringmain_queue_send`, and does not wait: the receipt does. Its one message is at index 0. Close the receipt.
int32_t ringmain_queue_submit(ringmain_queue queue,
                              const struct ringmain_message *message,
                              ringmain_receipt *receipt_out);

// As `ringmain_queue_send_batch` of at least one message, and does not wait: the receipt does. Close the receipt.
int32_t ringmain_queue_submit_batch(ringmain_queue queue,
                                    const struct ringmain_message *messages,
                                    size_t count,
                                    ringmain_receipt *receipt_out);

// Stores the queue's counts. Set `stats_out->size` before.
int32_t ringmain_queue_stats_get(ringmain_queue queue, struct ringmain_queue_stats *stats_out);

// Closes the handle; the queue and its messages stay, as do open deliveries. Closing 0 does nothing.
int32_t ringmain_queue_close(ringmain_queue queue);

// Receives one message, waiting for it at most `wait_ms`. Stores 0 if none came: that is no error. Settle the
// delivery and close it.
int32_t ringmain_queue_receive(ringmain_queue queue,
                               uint64_t wait_ms,
                               ringmain_delivery *delivery_out);

// Receives up to `count_max` messages (1 to 65,536), waiting at most `wait_ms` for the first. Fills the first
// `count_out` of `deliveries_out`, which has `count_max` places, and zeroes the rest. None is no error. Settle each
// and close each.
int32_t ringmain_queue_receive_batch(ringmain_queue queue,
                                     size_t count_max,
                                     uint64_t wait_ms,
                                     ringmain_delivery *deliveries_out,
                                     size_t *count_out);

// As `ringmain_queue_receive_batch`, with limits: waits at most `wait_ms` until there are `count_min` messages (1 to `count_max`),
// then there are fewer or none. Of values it takes at most `bytes_max` bytes (at least 1): when the next message does not fit,
// nothing more is waited for; one that is longer comes alone. What has come is held meanwhile, and its lease runs from when this
// returns.
int32_t ringmain_queue_receive_with(ringmain_queue queue,
                                    size_t count_min,
                                    size_t count_max,
                                    size_t bytes_max,
                                    uint64_t wait_ms,
                                    ringmain_delivery *deliveries_out,
                                    size_t *count_out);

// As `ringmain_queue_receive_batch`, leased for `lease_ms` and not for the queue's own time: 1 ms to the longest that the queue's
// options allow in all.
int32_t ringmain_queue_receive_with_lease(ringmain_queue queue,
                                          size_t count_max,
                                          uint64_t wait_ms,
                                          uint64_t lease_ms,
                                          ringmain_delivery *deliveries_out,
                                          size_t *count_out);

// Receives the message `id` that was set aside by `ringmain_delivery_defer`. Stores 0 if it was not, is no longer there, has
// expired, somebody has it, or a pause or a limit is in its way: that is no error. Does not wait. Settle the delivery and close it.
int32_t ringmain_queue_receive_deferred(ringmain_queue queue,
                                        uint64_t id,
                                        ringmain_delivery *delivery_out);

// Stores what was delivered. Set `info_out->size` before. The pointers live until the delivery is closed.
int32_t ringmain_delivery_get(ringmain_delivery delivery,
                              struct ringmain_message_info *info_out);

// Stores the first header of the NUL-terminated name `header_name`. If there is none, its `value` is NULL: that is
// no error. The pointers live until the delivery is closed.
int32_t ringmain_delivery_header(ringmain_delivery delivery,
                                 const char *header_name,
                                 struct ringmain_header *header_out);

// Stores the header at `header_index`, from 0 to `header_count` - 1. The pointers live until the delivery is closed.
int32_t ringmain_delivery_header_at(ringmain_delivery delivery,
                                    size_t header_index,
                                    struct ringmain_header *header_out);

// Done: the message is never delivered again. Acking the same delivery twice is fine.
int32_t ringmain_delivery_ack(ringmain_delivery delivery);

// Done, with a result of `result_bytes` (at most 4096) that the queue tells of the message as long as its options keep a history.
// `RINGMAIN_ERROR_OPTION_MISSING` if they keep none, `RINGMAIN_ERROR_TOO_LARGE`: then nothing was acked.
int32_t ringmain_delivery_ack_with(ringmain_delivery delivery,
                                   const void *result,
                                   size_t result_bytes);

// Failed: counts, and the message is tried again after `delay_ms` (at most ten years), or after the queue's retry delay for
// `RINGMAIN_DELAY_POLICY`, or is exhausted. The reason (UTF-8, cut after 4096 bytes) is kept with it.
int32_t ringmain_delivery_fail(ringmain_delivery delivery,
                               const char *reason,
                               size_t reason_bytes,
                               int64_t delay_ms);

// Failed with an error of a class, a name of 1 to 64 bytes (UTF-8): what becomes of the message the queue's options say of that class;
// if they say nothing, as `ringmain_delivery_fail` after the queue's retry delay. The reason (UTF-8, cut after 4096 bytes) is
// kept with it.
int32_t ringmain_delivery_fail_as(ringmain_delivery delivery,
                                  const char *error_class,
                                  size_t error_class_bytes,
                                  const char *reason,
                                  size_t reason_bytes);

// Hands the message back, to be delivered after `delay_ms` (at most ten years): does not count as a failure.
int32_t ringmain_delivery_release(ringmain_delivery delivery,
                                  uint64_t delay_ms);

// Hands the message back because what handles it is rate limited: does not count as a failure, and no message of the same key is
// delivered for `retry_after_ms` (at most ten years); no message of the queue, if this one has no key. The rest survives opening
// the hub again.
int32_t ringmain_delivery_rate_limited(ringmain_delivery delivery,
                                       uint64_t retry_after_ms);

// Sets the message aside: from now on only `ringmain_queue_receive_deferred` delivers it, by its id. Its time to live and its
// deadlines go on; those behind it of its ordering key wait.
int32_t ringmain_delivery_defer(ringmain_delivery delivery);

// Dead letter now. The reason (UTF-8, cut after 4096 bytes) is kept with it.
int32_t ringmain_delivery_reject(ringmain_delivery delivery,
                                 const char *reason,
                                 size_t reason_bytes);

// Stores 1 if the work is no longer wanted, because the message was cancelled or taken out of the queue, otherwise 0. An ack still
// counts if the message is there; whatever else is said of it, it does not come back.
int32_t ringmain_delivery_is_cancelled(ringmain_delivery delivery,
                                       int32_t *is_cancelled_out);

// Prolongs the lease to `duration_ms` (1 ms to 7 days) from now; never shortens it.
int32_t ringmain_delivery_extend(ringmain_delivery delivery, uint64_t duration_ms);

// Closes the handle and frees what it lent; an unsettled message is released. Closing 0 does nothing.
int32_t ringmain_delivery_close(ringmain_delivery delivery);

// Stores a batch of up to `count_max` (1 to 65,536) waiting messages, ready or scheduled, with ids of at least
// `from_id`, in order of id, and how many there are. They stay as they are. None is no error: then the batch is 0.
int32_t ringmain_queue_peek(ringmain_queue queue,
                            uint64_t from_id,
                            size_t count_max,
                            ringmain_peeked *peeked_out,
                            size_t *count_out);

// Stores the message at `index`, from 0. Set `info_out->size` before. The pointers live until the batch is closed.
int32_t ringmain_peeked_get(ringmain_peeked peeked,
                            size_t index,
                            struct ringmain_message_info *info_out);

// Stores the first header of the NUL-terminated name `header_name` of the message at `index`. If there is none, its
// `value` is NULL: that is no error. The pointers live until the batch is closed.
int32_t ringmain_peeked_header(ringmain_peeked peeked,
                               size_t index,
                               const char *header_name,
                               struct ringmain_header *header_out);

// Stores the header at `header_index`, from 0 to `header_count` - 1, of the message at `index`. The pointers live
// until the batch is closed.
int32_t ringmain_peeked_header_at(ringmain_peeked peeked,
                                  size_t index,
                                  size_t header_index,
                                  struct ringmain_header *header_out);

// Closes the batch and frees what it lent. Closing 0 does nothing.
int32_t ringmain_peeked_close(ringmain_peeked peeked);

// Acks `count` deliveries of the queue with one commit. Stores a code for each in `codes_out` (`count` of them, or NULL), and
// answers with the first that is not 0. The deliveries stay open.
int32_t ringmain_queue_ack_batch(ringmain_queue queue,
                                 const ringmain_delivery *deliveries,
                                 size_t count,
                                 int32_t *codes_out);

// Fails `count` deliveries of the queue with one commit, each as by `ringmain_delivery_fail` after the queue's retry delay, all for
// the same reason. Codes as of `ringmain_queue_ack_batch`. The deliveries stay open.
int32_t ringmain_queue_fail_batch(ringmain_queue queue,
                                  const ringmain_delivery *deliveries,
                                  size_t count,
                                  const char *reason,
                                  size_t reason_bytes,
                                  int32_t *codes_out);

// Hands back `count` deliveries of the queue with one commit, each as by `ringmain_delivery_release` without a delay. Codes as of
// `ringmain_queue_ack_batch`. The deliveries stay open.
int32_t ringmain_queue_release_batch(ringmain_queue queue,
                                     const ringmain_delivery *deliveries,
                                     size_t count,
                                     int32_t *codes_out);

// Stores the message. Set `info_out->size` before. The pointers live until the handler returns.
int32_t ringmain_job_get(ringmain_job job, struct ringmain_message_info *info_out);

// Stores the first header of the NUL-terminated name `header_name`. If there is none, its `value` is NULL: that is no error. The
// pointers live until the handler returns.
int32_t ringmain_job_header(ringmain_job job,
                            const char *header_name,
                            struct ringmain_header *header_out);

// Stores the header at `header_index`, from 0 to `header_count` - 1. The pointers live until the handler returns.
int32_t ringmain_job_header_at(ringmain_job job,
                               size_t header_index,
                               struct ringmain_header *header_out);

// Stores 1 if the lease is known to be lost, so that what the handler returns is discarded, otherwise 0: a long one may ask now and
// then, and give up.
int32_t ringmain_job_is_lost(ringmain_job job,
                             int32_t *is_lost_out);

// Stores 1 if the work is no longer wanted, as `ringmain_delivery_is_cancelled`, otherwise 0.
int32_t ringmain_job_is_cancelled(ringmain_job job, int32_t *is_cancelled_out);

// Acks the message before the handler returns, in a transaction of its own for instance: what it returns changes nothing then.
int32_t ringmain_job_ack(ringmain_job job);

// Prolongs the lease to `duration_ms` (1 ms to 7 days) from now; never shortens it. The worker prolongs it by itself.
int32_t ringmain_job_extend(ringmain_job job,
                            uint64_t duration_ms);

// Starts a worker on the queue. It ends when it is closed, when the hub is, or when the queue refuses
// (`ringmain_worker_error`). It keeps the hub open, unless that is closed. Close the worker.
int32_t ringmain_worker_start(ringmain_queue queue,
                              const struct ringmain_worker_options *options,
                              ringmain_worker *worker_out);

// Stores the worker's counts. Set `stats_out->size` before.
int32_t ringmain_worker_stats_get(ringmain_worker worker, struct ringmain_worker_stats *stats_out);

// 0 while the worker works and after it was closed; otherwise the code of what ended it: `RINGMAIN_ERROR_CLOSED` with its hub, or what
// the queue refused with.
int32_t ringmain_worker_error(ringmain_worker worker);

// Starts no handler any more, hands back what was taken ahead, and waits at most `timeout_ms` for the handlers that are running, whose
// leases are prolonged meanwhile. The handle is closed then. `RINGMAIN_ERROR_TIMEOUT`: handlers are still running; the handle stays
// open, so that it can be closed again: what they return within their lease still counts. Called by a handler, it waits
// for nobody. Closing 0 does nothing.
int32_t ringmain_worker_close(ringmain_worker worker,
                              uint64_t timeout_ms);

// Appends a record and stores its position (NULL if it does not matter) once it has reached the hub's durability. Its
// key chooses the partition.
int32_t ringmain_stream_append(ringmain_stream stream,
                               const struct ringmain_message *message,
                               struct ringmain_position *position_out);

// Appends `count` records (at most 65,536, and 16 MiB a partition) and stores their positions (`count` of them, or NULL). Those of
// one partition are one atomic batch; after an error those of other partitions may have been appended.
int32_t ringmain_stream_append_batch(ringmain_stream stream,
                                     const struct ringmain_message *messages,
                                     size_t count,
                                     struct ringmain_position *positions_out);

// As `ringmain_stream_append`, to this partition whatever the key. `RINGMAIN_ERROR_NOT_FOUND` if there is no such partition.
int32_t ringmain_stream_append_to(ringmain_stream stream,
                                  uint32_t partition,
                                  const struct ringmain_message *message,
                                  struct ringmain_position *position_out);

// As `ringmain_stream_append_batch`, to this partition whatever the keys: one atomic batch.
int32_t ringmain_stream_append_batch_to(ringmain_stream stream,
                                        uint32_t partition,
                                        const struct ringmain_message *messages,
                                        size_t count,
                                        struct ringmain_position *positions_out);

// Appends `count` records, at least one, to a partition as one atomic batch, but only if it ends at the offset `end`: of several who
// read up to there and append what follows from it, one succeeds. The others get `RINGMAIN_ERROR_CONFLICT`, whose text says where
// it ends. Stores the positions (`count` of them, or NULL).
int32_t ringmain_stream_append_expecting(ringmain_stream stream,
                                         uint32_t partition,
                                         uint64_t end,
                                         const struct ringmain_message *messages,
                                         size_t count,
                                         struct ringmain_position *positions_out);

// As `ringmain_stream_append`, and does not wait: the receipt does. Its one record is at index 0. Close the receipt.
int32_t ringmain_stream_submit(ringmain_stream stream,
                               const struct ringmain_message *message,
                               ringmain_receipt *receipt_out);

// As `ringmain_stream_append_batch`, and does not wait: the receipt does. Close the receipt.
int32_t ringmain_stream_submit_batch(ringmain_stream stream,
                                     const struct ringmain_message *messages,
                                     size_t count,
                                     ringmain_receipt *receipt_out);

// As `ringmain_stream_append_to`, and does not wait: the receipt does. Close the receipt.
int32_t ringmain_stream_submit_to(ringmain_stream stream,
                                  uint32_t partition,
                                  const struct ringmain_message *message,
                                  ringmain_receipt *receipt_out);

// As `ringmain_stream_append_batch_to`, and does not wait: the receipt does. Close the receipt.
int32_t ringmain_stream_submit_batch_to(ringmain_stream stream,
                                        uint32_t partition,
                                        const struct ringmain_message *messages,
                                        size_t count,
                                        ringmain_receipt *receipt_out);

// Opens a batcher of the stream. `options` may be NULL.
int32_t ringmain_batcher_open(ringmain_stream stream,
                              const struct ringmain_batcher_options *options,
                              ringmain_batcher *batcher_out);

// Takes a record, and copies it; it is appended with its batch. What became of it the receipt tells (NULL if it does not matter),
// whose position at index 0 is known when it is reached. Close the receipt. Where slow readers hold those who append, this waits.
int32_t ringmain_batcher_send(ringmain_batcher batcher,
                              const struct ringmain_message *message,
                              ringmain_receipt *receipt_out);

// Appends what was gathered; returns when all that was sent before has reached its durability. The error is that of the batch that was
// open; of those before it their own receipts tell.
int32_t ringmain_batcher_flush(ringmain_batcher batcher);

// Closes the batcher; what it has gathered is appended, and not waited for. Closing 0 does nothing.
int32_t ringmain_batcher_close(ringmain_batcher batcher);

// Stores another handle of the same stream that has a partitioner of its own, for everything that is appended by that handle and what
// is opened of it; it is not stored with the stream. A partition that there is not is refused with
// `RINGMAIN_ERROR_INVALID_ARGUMENT`, and nothing is appended. `context` is given to `choose`, and must live until the handle and
// what was opened of it are closed. Close the handle.
int32_t ringmain_stream_partitioner(ringmain_stream stream,
                                    ringmain_choose_partition choose,
                                    void *context,
                                    ringmain_stream *stream_out);

// Opens the producer `producer_name` (NUL-terminated) of the stream, making it if there is none of that name. From then on handles
// that were opened before are refused, with `RINGMAIN_ERROR_PRODUCER_FENCED`. At most 10,000 producers are kept.
int32_t ringmain_producer_open(ringmain_stream stream,
                               const char *producer_name,
                               ringmain_producer *producer_out);

// Stores the sequence to go on with: all messages before it were appended.
int32_t ringmain_producer_next_sequence(ringmain_producer producer, uint64_t *sequence_out);

// Stores how often the producer was opened, this time included. Outlives the hub.
int32_t ringmain_producer_epoch(ringmain_producer producer, uint64_t *epoch_out);

// Appends `count` messages, the first of which has this sequence and each other the next one; returns once they have reached the hub's
// durability. Those that were appended before are left out, so that a call may be repeated until it is heard of; the messages must
// be the same then. Stores their positions (`count` of them, or NULL): of one that was appended long ago the partition is
// `RINGMAIN_PARTITION_UNKNOWN`. Stores 1 in `is_duplicate_out` (NULL if it does not matter) if all were there already.
//
// `RINGMAIN_ERROR_SEQUENCE_GAP`: messages before this sequence were not appended yet. `RINGMAIN_ERROR_PRODUCER_FENCED`: it was
// opened again. `RINGMAIN_ERROR_NOT_FOUND`: it was deleted.
int32_t ringmain_producer_append(ringmain_producer producer,
                                 uint64_t sequence,
                                 const struct ringmain_message *messages,
                                 size_t count,
                                 struct ringmain_position *positions_out,
                                 int32_t *is_duplicate_out);

// As `ringmain_producer_append`, and does not wait: the receipt does, for everything of this producer up to here. Close the receipt.
int32_t ringmain_producer_submit(ringmain_producer producer,
                                 uint64_t sequence,
                                 const struct ringmain_message *messages,
                                 size_t count,
                                 ringmain_receipt *receipt_out);

// Closes the handle; the producer is kept, and goes on where it was when it is opened again. Closing 0 does nothing.
int32_t ringmain_producer_close(ringmain_producer producer);

// Forgets how far the producer `producer_name` (NUL-terminated) has come: opened again, it begins at sequence 0. Its records stay,
// its handles are refused. `RINGMAIN_ERROR_NOT_FOUND` if there is none.
int32_t ringmain_stream_delete_producer(ringmain_stream stream,
                                        const char *producer_name);

// Opens the stream `stream_name` (NUL-terminated), making it if it does not exist. `options` may be NULL.
int32_t ringmain_stream_open(ringmain_hub hub,
                             const char *stream_name,
                             const struct ringmain_stream_options *options,
                             ringmain_stream *stream_out);

// Stores how many partitions the stream has.
int32_t ringmain_stream_partitions(ringmain_stream stream, uint32_t *count_out);

// Stores the smallest offset of a partition whose record was accepted at or after `time_ns` (nanoseconds since 1970): the end if
// there is none, the start if all were. Found by bisection.
int32_t ringmain_stream_offset_at_time(ringmain_stream stream,
                                       uint32_t partition,
                                       uint64_t time_ns,
                                       uint64_t *offset_out);

// Stores the offset of the first record of a partition whose event time is at or after `time_ns` (nanoseconds since 1970); the end if
// there is none. Event times come in any order, so there are others behind it. There is no index of them: the partition is read
// from its start to that record.
int32_t ringmain_stream_scan_event_time(ringmain_stream stream,
                                        uint32_t partition,
                                        uint64_t time_ns,
                                        uint64_t *offset_out);

// Compacts the stream now, as far as its options allow, instead of when it is worth while; returns when every partition is done. A
// stream that is not compacted stays as it is.
int32_t ringmain_stream_compact(ringmain_stream stream);

// Stores the counts of one partition. Set `stats_out->size` before.
int32_t ringmain_stream_stats_get(ringmain_stream stream,
                                  uint32_t partition,
                                  struct ringmain_partition_stats *stats_out);

// Closes the handle; the stream and its records stay. Closing 0 does nothing.
int32_t ringmain_stream_close(ringmain_stream stream);

// Waits at most `wait_ms` until what the receipt is for has reached its durability. Stores 1 if it has, 0 if it has not yet: that is
// no error. An error says that it never will, or that nobody knows whether it did (`RINGMAIN_ERROR_POISONED`). The receipt stays
// open.
int32_t ringmain_receipt_wait(ringmain_receipt receipt,
                              uint64_t wait_ms,
                              int32_t *is_reached_out);

// Stores what became of the message at `index`, from 0, of those that were submitted to a queue. Known at once, whether it is
// durable yet or not.
int32_t ringmain_receipt_sent(ringmain_receipt receipt,
                              size_t index,
                              struct ringmain_sent *sent_out);

// Stores where the record at `index`, from 0, of those that were submitted to a stream is. Known at once, whether it is durable yet
// or not. Only of a record that was sent to a batcher it is known when `ringmain_receipt_wait` says that it is reached. Where it is
// not known the partition is `RINGMAIN_PARTITION_UNKNOWN`.
int32_t ringmain_receipt_position(ringmain_receipt receipt,
                                  size_t index,
                                  struct ringmain_position *position_out);

// Stores 1 if everything that was submitted by a producer had been appended before, so that nothing was appended now, otherwise 0.
int32_t ringmain_receipt_is_duplicate(ringmain_receipt receipt,
                                      int32_t *is_duplicate_out);

// Closes the receipt. Closing 0 does nothing.
int32_t ringmain_receipt_close(ringmain_receipt receipt);

// From now on the reader waits for nothing any more: it hands out what is there. A replay ends. Does not wait for the calls that it
// ends.
int32_t ringmain_canceller_cancel(ringmain_canceller canceller);

// Closes the handle, and cancels nothing. Closing 0 does nothing.
int32_t ringmain_canceller_close(ringmain_canceller canceller);

// Opens a reader of one partition, or of all for `RINGMAIN_PARTITION_ALL`, that begins at `start_kind` (one of
// `RINGMAIN_START_*`) and `start_value` (0 where the kind has none).
int32_t ringmain_reader_open(ringmain_stream stream,
                             int64_t partition,
                             int32_t start_kind,
                             uint64_t start_value,
                             ringmain_reader *reader_out);

// As `ringmain_reader_open`, with options, which may be NULL.
int32_t ringmain_reader_open_with(ringmain_stream stream,
                                  int64_t partition,
                                  int32_t start_kind,
                                  uint64_t start_value,
                                  const struct ringmain_reader_options *options,
                                  ringmain_reader *reader_out);

// Stores a batch of up to `count_max` (1 to 65,536) records and how many there are, waiting at most `wait_ms` for the
// first. None is no error: then the batch is 0. Close the batch. To follow a stream, call it again and again with
// `RINGMAIN_WAIT_FOREVER`: it waits until there is something, `ringmain_reader_is_done` says 1, or it was cancelled; with a filter
// it may also come back with nothing after it has looked at 65,536 records.
int32_t ringmain_reader_poll(ringmain_reader reader,
                             size_t count_max,
                             uint64_t wait_ms,
                             ringmain_records *records_out,
                             size_t *count_out);

// Stores a batch with limits: waits at most `wait_ms` until there are `bytes_min` bytes (at least 1) of records, takes at most
// `bytes_max` of them, but a first record that has more all the same, and at most `count_max` (1 to 65,536) records. Bytes are those
// of the records in the log: key, headers and value, and 24 bytes each. What there is then comes, be it nothing. Close the batch.
int32_t ringmain_reader_fetch(ringmain_reader reader,
                              uint64_t bytes_min,
                              uint64_t bytes_max,
                              size_t count_max,
                              uint64_t wait_ms,
                              ringmain_records *records_out,
                              size_t *count_out);

// As `ringmain_reader_poll`, and then waits for more, until there are `count_max`, or at most `fill_wait_ms` since the first came,
// whether more come or not: a micro-batch. Close the batch.
int32_t ringmain_reader_poll_batch(ringmain_reader reader,
                                   size_t count_max,
                                   uint64_t fill_wait_ms,
                                   uint64_t wait_ms,
                                   ringmain_records *records_out,
                                   size_t *count_out);

// Stores 1 if the reader was told an end and has come to it in all its partitions, as of its last look, otherwise 0.
int32_t ringmain_reader_is_done(ringmain_reader reader,
                                int32_t *is_done_out);

// Stores how many records the reader is behind, over all its partitions: offsets from its places to the ends, be it that compaction
// left some out, or that a filter does not want them.
int32_t ringmain_reader_lag(ringmain_reader reader,
                            uint64_t *lag_out);

// Stores what ends the waiting of the reader from any thread. Ask for it before another thread waits in it. Close the canceller.
int32_t ringmain_reader_canceller(ringmain_reader reader,
                                  ringmain_canceller *canceller_out);

// Continues one partition at `offset`.
int32_t ringmain_reader_seek(ringmain_reader reader, uint32_t partition, uint64_t offset);

// Closes the reader. Closing 0 does nothing.
int32_t ringmain_reader_close(ringmain_reader reader);

// Stores the record at `index`, from 0. Set `record_out->size` before. The pointers live until the batch is closed.
int32_t ringmain_records_get(ringmain_records records,
                             size_t index,
                             struct ringmain_record *record_out);

// Stores the first header of the NUL-terminated name `header_name` of the record at `index`. If there is none, its
// `value` is NULL: that is no error. The pointers live until the batch is closed.
int32_t ringmain_records_header(ringmain_records records,
                                size_t index,
                                const char *header_name,
                                struct ringmain_header *header_out);

// Stores the header at `header_index`, from 0 to `header_count` - 1, of the record at `index`. The pointers live until
// the batch is closed.
int32_t ringmain_records_header_at(ringmain_records records,
                                   size_t index,
                                   size_t header_index,
                                   struct ringmain_header *header_out);

// Closes the batch and frees what it lent. Closing 0 does nothing.
int32_t ringmain_records_close(ringmain_records records);

// Opens a replay of what a reader with these arguments would read, as `ringmain_reader_open_with`. `options` and `pace` may be NULL.
// Records come in the order of their times across the partitions; whoever is late is handed out what is due until the schedule is
// met again.
int32_t ringmain_replay_open(ringmain_stream stream,
                             int64_t partition,
                             int32_t start_kind,
                             uint64_t start_value,
                             const struct ringmain_reader_options *options,
                             const struct ringmain_pace *pace,
                             ringmain_replay *replay_out);

// Stores the next record, as a batch of one, when its time has come: waits for that, and not for records that are still to be
// appended. 0 at the end of what is there, and when it was cancelled. Close the batch.
int32_t ringmain_replay_next(ringmain_replay replay,
                             ringmain_records *records_out,
                             size_t *count_out);

// Stores the next record, as a batch of one, if its time has come, without waiting; otherwise 0. Close the batch.
int32_t ringmain_replay_try_next(ringmain_replay replay,
                                 ringmain_records *records_out,
                                 size_t *count_out);

// Stores when the next record is due, in nanoseconds since 1970; 0 if there is none now.
int32_t ringmain_replay_due(ringmain_replay replay, uint64_t *due_ns_out);

// Stores what ends the replay from any thread. Ask for it before another thread waits in it. Close the canceller.
int32_t ringmain_replay_canceller(ringmain_replay replay,
                                  ringmain_canceller *canceller_out);

// Closes the replay. Closing 0 does nothing.
int32_t ringmain_replay_close(ringmain_replay replay);

// Joins the group `group_name` (NUL-terminated) of the stream. Partitions without a committed offset start at
// `start_kind` (one of `RINGMAIN_START_*`) and `start_value` (0 where the kind has none). Have it leave.
int32_t ringmain_group_join(ringmain_stream stream,
                            const char *group_name,
                            int32_t start_kind,
                            uint64_t start_value,
                            ringmain_member *member_out);

// As `ringmain_group_join`, with options, which may be NULL.
int32_t ringmain_group_join_with(ringmain_stream stream,
                                 const char *group_name,
                                 const struct ringmain_group_options *options,
                                 ringmain_member *member_out);

// Stores how many records the group `group_name` (NUL-terminated) has not committed yet, over all partitions.
int32_t ringmain_group_lag(ringmain_stream stream,
                           const char *group_name,
                           uint64_t *lag_out);

// Stores the offset that the group `group_name` (NUL-terminated) has committed of a partition, which is the next to read, and 1 in
// `is_committed_out`; 0 in both if it has committed nothing of it.
int32_t ringmain_group_committed(ringmain_stream stream,
                                 const char *group_name,
                                 uint32_t partition,
                                 uint64_t *offset_out,
                                 int32_t *is_committed_out);

// Forgets the group `group_name` (NUL-terminated), with all that it committed. `RINGMAIN_ERROR_NOT_FOUND` if there is none,
// `RINGMAIN_ERROR_INVALID_ARGUMENT` while it has members.
int32_t ringmain_stream_delete_group(ringmain_stream stream,
                                     const char *group_name);

// Stores the counts of the group `group_name` (NUL-terminated); those of all groups of the stream are worked out for that. Set
// `stats_out->size` before. `RINGMAIN_ERROR_NOT_FOUND` if the stream has no such group.
int32_t ringmain_group_stats_get(ringmain_stream stream,
                                 const char *group_name,
                                 struct ringmain_group_stats *stats_out);

// Stores how far the group `group_name` (NUL-terminated) is behind in one partition, as `ringmain_group_stats_get`. Set
// `lag_out->size` before.
int32_t ringmain_group_partition_lag(ringmain_stream stream,
                                     const char *group_name,
                                     uint32_t partition,
                                     struct ringmain_partition_lag *lag_out);

// Stores a batch of up to `count_max` (1 to 65,536) records of the partitions that the member owns and how many there
// are, waiting at most `wait_ms` for the first. None is no error: then the batch is 0. Close the batch. A partition that is to move to
// another member is not read on; it moves when what was polled of it is committed, at the latest after the group's `revoke_timeout_ms`.
// Who does not poll for `max_poll_interval_ms` loses all. What a callback answers as an error this does.
int32_t ringmain_member_poll(ringmain_member member,
                             size_t count_max,
                             uint64_t wait_ms,
                             ringmain_records *records_out,
                             size_t *count_out);

// Stores a batch with limits, as `ringmain_reader_fetch`; one that has some comes early when partitions come or are to go. Close the
// batch.
int32_t ringmain_member_fetch(ringmain_member member,
                              uint64_t bytes_min,
                              uint64_t bytes_max,
                              size_t count_max,
                              uint64_t wait_ms,
                              ringmain_records *records_out,
                              size_t *count_out);

// As `ringmain_member_poll`, and then waits for more, until there are `count_max`, or at most `fill_wait_ms` since the first came, or
// partitions come or are to go. Close the batch.
int32_t ringmain_member_poll_batch(ringmain_member member,
                                   size_t count_max,
                                   uint64_t fill_wait_ms,
                                   uint64_t wait_ms,
                                   ringmain_records *records_out,
                                   size_t *count_out);

// Commits everything polled so far. `RINGMAIN_ERROR_FENCED` if some of it was lost to another member; the rest is committed.
int32_t ringmain_member_commit(ringmain_member member);

// As `ringmain_member_commit`, and does not wait: the receipt does. It counts for members of this hub at once. Close the receipt.
int32_t ringmain_member_submit_commit(ringmain_member member,
                                      ringmain_receipt *receipt_out);

// Marks the record at `index` of a batch that this member polled as handled, whatever becomes of those before it;
// `ringmain_member_commit_done` commits what is marked. Nothing is written here. `RINGMAIN_ERROR_FULL` for more than 10,000 gaps
// in a partition; `RINGMAIN_ERROR_NOT_FOUND` if it is not this member's.
int32_t ringmain_member_done(ringmain_member member,
                             ringmain_records records,
                             size_t index);

// Commits what was marked by `ringmain_member_done`: up to the first record that is not, and those beyond it one by one, so that
// nobody gets them again. Errors as of `ringmain_member_commit`.
int32_t ringmain_member_commit_done(ringmain_member member);

// Takes one partition back to `offset`: that is committed, whatever was done beyond it is forgotten, and this member goes on there.
// It only goes back: `RINGMAIN_ERROR_INVALID_ARGUMENT` beyond what is committed.
int32_t ringmain_member_rewind(ringmain_member member,
                               uint32_t partition,
                               uint64_t offset);

// Commits one partition: `offset` is the next to read. A commit never goes back: `ringmain_member_rewind` does.
int32_t ringmain_member_commit_offset(ringmain_member member,
                                      uint32_t partition,
                                      uint64_t offset);

// Continues one owned partition at `offset`.
int32_t ringmain_member_seek(ringmain_member member, uint32_t partition, uint64_t offset);

// Stores the partitions that the member owns now in the first `count_out` of `partitions_out`, which has `count_max`
// places, and zeroes the rest; without those that it was asked to let go of. 1024 places are always enough; too few are
// `RINGMAIN_ERROR_INVALID_ARGUMENT`.
int32_t ringmain_member_assignment(ringmain_member member,
                                   size_t count_max,
                                   uint32_t *partitions_out,
                                   size_t *count_out);

// Stores the partitions that the member was asked to let go of and still has, as `ringmain_member_assignment`: nothing is polled of
// them any more, what was can be committed.
int32_t ringmain_member_revoking(ringmain_member member,
                                 size_t count_max,
                                 uint32_t *partitions_out,
                                 size_t *count_out);

// Lets go of a partition that the member was asked for, although not everything polled of it is committed: the next owner polls that
// again. `RINGMAIN_ERROR_NOT_FOUND` if it was not asked for it.
int32_t ringmain_member_confirm_revoke(ringmain_member member,
                                       uint32_t partition);

// Stores how many records the member's group has not committed yet, over all partitions.
int32_t ringmain_member_lag(ringmain_member member, uint64_t *lag_out);

// Stores what says that a handler is running. Close it when the handler has returned.
int32_t ringmain_member_processing(ringmain_member member, ringmain_processing *processing_out);

// The handler has returned. Closing 0 does nothing.
int32_t ringmain_processing_close(ringmain_processing processing);

// Leaves the group and closes the handle, whatever the answer: what the member polled and did not commit goes to the
// others; that of a member with a name is kept for it for its `session_timeout_ms`. Leaving 0 does nothing. In a callback of the
// member it is refused with `RINGMAIN_ERROR_INVALID_ARGUMENT`, and nothing is closed.
int32_t ringmain_member_leave(ringmain_member member);

// Opens the table of the stream: its keys are read into memory. `RINGMAIN_ERROR_INVALID_ARGUMENT` if the stream is not compacted,
// `RINGMAIN_ERROR_FULL` if it has more keys than its options allow.
int32_t ringmain_table_open(ringmain_stream stream,
                            ringmain_table *table_out);

// Stores the last record of a key, as a batch of one; 0 if the key has no value. Whoever appended a record and was told so finds it.
// Close the batch.
int32_t ringmain_table_get(ringmain_table table,
                           const void *key,
                           size_t key_bytes,
                           ringmain_records *records_out,
                           size_t *count_out);

// Stores how many keys have a value.
int32_t ringmain_table_count(ringmain_table table, size_t *count_out);

// Closes the table; its scans go on. Closing 0 does nothing.
int32_t ringmain_table_close(ringmain_table table);

// Begins a walk over all keys that have a value now: by partition, and there in the order in which they were written last. Each comes
// once, with the value that it has when its turn comes, and not if it has none then. Close the scan.
int32_t ringmain_table_scan_open(ringmain_table table,
                                 ringmain_table_scan *scan_out);

// Stores a batch of the next up to `count_max` (1 to 65,536) records and how many there are; 0 at the end. Does not wait. Close the
// batch. After an error what was read of that batch is lost.
int32_t ringmain_table_scan_next(ringmain_table_scan scan,
                                 size_t count_max,
                                 ringmain_records *records_out,
                                 size_t *count_out);

// Closes the scan. Closing 0 does nothing.
int32_t ringmain_table_scan_close(ringmain_table_scan scan);

// Joins the group `group_name` (NUL-terminated) of the stream, and starts a worker: it handles records in order within a partition, and
// commits after that. It ends when it is closed, when the hub is, or when a record has failed too often
// (`ringmain_stream_worker_error`). Close the worker.
int32_t ringmain_stream_worker_start(ringmain_stream stream,
                                     const char *group_name,
                                     const struct ringmain_stream_worker_options *options,
                                     ringmain_stream_worker *worker_out);

// Stores the worker's counts. Set `stats_out->size` before.
int32_t ringmain_stream_worker_stats_get(ringmain_stream_worker worker,
                                         struct ringmain_stream_worker_stats *stats_out);

// 0 while the worker works and after it was closed; otherwise the code of what ended it, such as `RINGMAIN_ERROR_HANDLER_FAILED`, whose
// text names the record, or `RINGMAIN_ERROR_CLOSED` with its hub.
int32_t ringmain_stream_worker_error(ringmain_stream_worker worker);

// Starts no handler any more, waits at most `timeout_ms` for those that are running, commits what they have handled, and leaves the
// group. The handle is closed then. `RINGMAIN_ERROR_TIMEOUT`: handlers are still running; the handle stays open, so that it can be
// closed again. Called by a handler, it waits for nobody. Closing 0 does nothing.
int32_t ringmain_stream_worker_close(ringmain_stream_worker worker,
                                     uint64_t timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RINGMAIN_H */
