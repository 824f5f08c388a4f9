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

// For `disk_reserve_bytes`: publishing may fill the disk.
#define RINGMAIN_DISK_RESERVE_NONE 18446744073709551615ull

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

// Most messages that one receive or poll hands out.
#define RINGMAIN_RECEIVE_COUNT_MAX 65536

// As stored, or the default.
#define RINGMAIN_FLAG_DEFAULT 0

// Yes.
#define RINGMAIN_FLAG_ON 1

// No.
#define RINGMAIN_FLAG_OFF 2

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

// As stored; of a new queue as `RINGMAIN_ON_BREACH_NONE`.
#define RINGMAIN_ON_BREACH_DEFAULT 0

// A message that misses a deadline is counted, and told by `ringmain_queue_breaches()`; nothing more.
#define RINGMAIN_ON_BREACH_NONE 1

// A copy of it goes to the queue `breach_queue`, and it goes on here.
#define RINGMAIN_ON_BREACH_ESCALATE 2

// It goes to the queue `breach_queue`.
#define RINGMAIN_ON_BREACH_MOVE 3

// It is dead: it goes where exhausted messages go.
#define RINGMAIN_ON_BREACH_DEAD 4

// It is cancelled: at once if it waits; if it is out, its worker is told.
#define RINGMAIN_ON_BREACH_CANCEL 5

// As stored; of a new queue as `RINGMAIN_ON_GROUP_DEATH_CONTINUE`.
#define RINGMAIN_ON_GROUP_DEATH_DEFAULT 0

// The other messages of an ordering key go on when one dies.
#define RINGMAIN_ON_GROUP_DEATH_CONTINUE 1

// Those behind it wait until somebody calls `ringmain_queue_resume_group()`.
#define RINGMAIN_ON_GROUP_DEATH_HALT 2

// It counts, and the message is tried again, as without a class: takes a rule away.
#define RINGMAIN_ERROR_CLASS_RETRIED 0

// It is no use to try again: the message is exhausted at once.
#define RINGMAIN_ERROR_CLASS_PERMANENT 1

// It is not the message's fault: tried again after the retry delay, and not counted.
#define RINGMAIN_ERROR_CLASS_IGNORED 2

// A key is remembered for the window, from the first message on. The default.
#define RINGMAIN_DEDUP_FIXED 0

// For the window, from the last message or duplicate on.
#define RINGMAIN_DEDUP_SLIDING 1

// Until the message has left the queue.
#define RINGMAIN_DEDUP_UNTIL_DONE 2

// Until the message was first received.
#define RINGMAIN_DEDUP_UNTIL_STARTED 3

// A duplicate does nothing. The default.
#define RINGMAIN_ON_CONFLICT_IGNORE 0

// It takes the place of the message that waits.
#define RINGMAIN_ON_CONFLICT_REPLACE 1

// It puts that one off to when it would itself be due.
#define RINGMAIN_ON_CONFLICT_EXTEND 2

// It is refused with `RINGMAIN_ERROR_DUPLICATE`.
#define RINGMAIN_ON_CONFLICT_ERROR 3

// Sending waits for room, at most `block_ms`, and is then refused with `RINGMAIN_ERROR_FULL`. The default.
#define RINGMAIN_OVERFLOW_BLOCK 0

// What does not fit is refused with `RINGMAIN_ERROR_FULL`.
#define RINGMAIN_OVERFLOW_REJECT 1

// The oldest messages that are not leased are dropped.
#define RINGMAIN_OVERFLOW_DROP_OLDEST 2

// The newest messages that are not leased are dropped.
#define RINGMAIN_OVERFLOW_DROP_NEWEST 3

// The oldest of the messages with the lowest priority are dropped.
#define RINGMAIN_OVERFLOW_DROP_LOWEST_PRIORITY 4

// The oldest go where exhausted messages go.
#define RINGMAIN_OVERFLOW_DEAD_LETTER_OLDEST 5

// In memory only: what is beyond `bytes` goes to a file in the hub's scratch directory until its turn comes.
#define RINGMAIN_OVERFLOW_SPILL 6

// The queue's retry policy decides when a failed message is tried again.
#define RINGMAIN_DELAY_POLICY -1

// As stored, or `RINGMAIN_MISSED_ONE`.
#define RINGMAIN_MISSED_DEFAULT 0

// Nothing is sent for slots that were missed.
#define RINGMAIN_MISSED_SKIP 1

// One message is sent, for the latest of them.
#define RINGMAIN_MISSED_ONE 2

// A message is sent for each of them, the latest `missed_count_max`, in their order.
#define RINGMAIN_MISSED_ALL 3

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

// Most partitions of one stream.
#define RINGMAIN_PARTITION_COUNT_MAX 1024

// Text that a call has answered with: JSON where its comment says so. 0 is no text. Any thread may use it.
//
// In JSON, durations are numbers of milliseconds and end in `_ms`; points in time are integers of nanoseconds since 1970 and
// end in `_ns`; bytes are base64 and end in `_base64`; an error is an object of `code`, `name` and `message`. Later versions
// may add fields.
typedef uint64_t ringmain_text;

// An open hub: the queues and streams of one directory, or of this process's memory. 0 is no hub. Any thread may use
// it.
typedef uint64_t ringmain_hub;

// Told how far a snapshot has come, by the thread that takes it: before the first byte, and after every mebibyte or so. 0 has it
// go on, anything else stops it. It may call this library.
typedef int32_t (*ringmain_snapshot_progress)(void *context,
                                              uint64_t copied_bytes,
                                              uint64_t total_bytes);

// What a snapshot has copied.
typedef struct ringmain_snapshot {
    // sizeof(ringmain_snapshot), set by the caller.
    size_t size;
    // 1: there is a copy; 0: `progress` has stopped it, and there is none.
    uint64_t is_complete;
    // Queues, empty ones too.
    uint64_t queues;
    // Streams, empty ones too.
    uint64_t streams;
    // Segment files.
    uint64_t segments;
    // Bytes read from them.
    uint64_t bytes;
} ringmain_snapshot;

// Options of a hub. Set `size`, zero the rest: 0 is the default everywhere.
typedef struct ringmain_hub_options {
    // sizeof(ringmain_hub_options).
    size_t size;
    // What verbs wait for: one of `RINGMAIN_DURABILITY_*`.
    int32_t durability;
    // Must be 0.
    uint32_t reserved;
    // How long a write that nobody waits for may stay in memory: what `RINGMAIN_DURABILITY_RELAXED` may lose. Default 100.
    uint64_t relaxed_max_ms;
    // About how much each of the two journal files holds, 4 KiB to 1 GiB. Default 16 MiB.
    uint64_t journal_bytes_max;
    // From about so much on, what one queue or stream has waiting goes straight to its own file, 4 KiB to 16 MiB. Default 128 KiB.
    uint64_t streaming_bytes_min;
    // How much of the file system publishing leaves free; `RINGMAIN_DISK_RESERVE_NONE` for nothing. Default a twentieth of
    // it, at most 1 GiB.
    uint64_t disk_reserve_bytes;
    // Where queues in memory that spill make their files, NUL-terminated. Default the system's directory for temporary files.
    const char *scratch_directory;
    // Whether a directory may be opened that everybody on this machine may write: one of `RINGMAIN_FLAG_*`. Default no.
    int32_t allow_world_writable;
    // Whether time stands still but for `ringmain_hub_advance()`, for tests: one of `RINGMAIN_FLAG_*`. Default no.
    int32_t manual_clock;
} ringmain_hub_options;

// What becomes of a message that failed with an error of a class. This struct will not change.
typedef struct ringmain_error_class {
    // The class, NUL-terminated, at most 64 bytes.
    const char *name;
    // One of `RINGMAIN_ERROR_CLASS_*`.
    int32_t rule;
    // Must be 0.
    uint32_t reserved;
} ringmain_error_class;

// What happens to messages with a deduplication key. Set `size`, zero the rest: 0 is the default.
typedef struct ringmain_dedup {
    // sizeof(ringmain_dedup).
    size_t size;
    // How long a key is remembered, 1 s to 30 days. Default 600,000.
    uint64_t window_ms;
    // Most keys that are remembered, 1 to 100 million. Default one million.
    uint64_t entries_max;
    // From when to when a key is remembered: one of `RINGMAIN_DEDUP_*`.
    int32_t mode;
    // What a duplicate does: one of `RINGMAIN_ON_CONFLICT_*`.
    int32_t on_conflict;
    // `RINGMAIN_FLAG_ON`: a duplicate with another value than the first message's is an error. Default no.
    int32_t verify_payload;
    // Must be 0.
    uint32_t reserved;
} ringmain_dedup;

// How much a queue may hold. Set `size`, zero the rest: 0 is no limit.
typedef struct ringmain_capacity {
    // sizeof(ringmain_capacity).
    size_t size;
    // Most messages.
    uint64_t messages;
    // Most bytes of keys, headers and values, and of what is kept with them, about 24 bytes each.
    uint64_t bytes;
    // For `RINGMAIN_OVERFLOW_BLOCK` only: how long sending waits; 0 is 30,000, and `RINGMAIN_WAIT_FOREVER` is for ever.
    uint64_t block_ms;
    // What happens to what does not fit: one of `RINGMAIN_OVERFLOW_*`.
    int32_t overflow;
    // Must be 0.
    uint32_t reserved;
} ringmain_capacity;

// Options of a queue. Set `size`, zero the rest: 0 and NULL are the default, or what is stored if the queue exists. If one
// of the `retry_` options is given, those that are 0 are their defaults. The delay before the nth retry is
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
    // How long a delivery may be leased in all, however often it is extended. Default an hour, at most 7 days.
    uint64_t lease_total_max_ms;
    // How long a message may wait before it expires, at most ten years. Default without limit.
    uint64_t ttl_ms;
    // Time in which the priority of a message that waits rises by one, at most ten years. Default: it stays.
    uint64_t age_step_ms;
    // What happens to a message that misses a deadline: one of `RINGMAIN_ON_BREACH_*`.
    int32_t on_breach;
    // What happens to the rest of an ordering key when a message of it dies: one of `RINGMAIN_ON_GROUP_DEATH_*`.
    int32_t on_group_death;
    // The NUL-terminated name of the queue that `on_breach` needs, made if it does not exist; else NULL.
    const char *breach_queue;
    // What becomes of failures by their class. Classes that are not named keep their rules.
    const struct ringmain_error_class *error_classes;
    // How many there are, at most 64.
    size_t error_class_count;
    // What happens to messages with a deduplication key.
    const struct ringmain_dedup *dedup;
    // How much the queue may hold. Without messages and bytes: no limit any more.
    const struct ringmain_capacity *capacity;
    // How long it is kept what became of messages that have left, at most 30 days. If one of this and `history_count_max` is given, and
    // the other is 0, nothing is kept any more. Default nothing.
    uint64_t history_window_ms;
    // Of how many messages, at most a million.
    uint32_t history_count_max;
    // Most messages out at a time. Default without limit.
    uint32_t concurrency_max;
    // Most messages of one key out at a time. Default without limit.
    uint32_t concurrency_max_per_key;
    // Most messages of one ordering key out at a time, 1 to 1000. Default 1.
    uint32_t group_parallelism;
    // Most deliveries a second, 0.0001 to 1e9. Default without limit.
    double rate_per_second;
    // The same of each key.
    double key_rate_per_second;
    // Deliveries at once after a pause, with `rate_per_second`: at most 1,000,000. Default 1.
    uint32_t rate_burst;
    // The same with `key_rate_per_second`.
    uint32_t key_rate_burst;
    // Whether of several consumers and workers only the oldest gets messages: one of `RINGMAIN_FLAG_*`. Default no.
    int32_t single_active_consumer;
    // Must be 0.
    uint32_t reserved_2;
} ringmain_queue_options;

// An open task queue. 0 is no queue. Any thread may use it.
typedef uint64_t ringmain_queue;

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
} ringmain_message;

// One message, leased to whoever holds this. 0 is no delivery. Any thread may use it.
typedef uint64_t ringmain_delivery;

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

// Some of the dead letters of a queue: those for which everything holds that is given. Set `size`, zero the rest; what is 0 or NULL
// does not matter. Text is NUL-terminated.
typedef struct ringmain_letters {
    // sizeof(ringmain_letters).
    size_t size;
    // Those with these ids.
    const uint64_t *ids;
    // How many ids there are, at most 65,536.
    size_t id_count;
    // Those with at least this id.
    uint64_t from_id;
    // Those that died so: "failed", "rejected", "expired", or another value of the header rm-dead-reason.
    const char *reason;
    // Those whose last failure was told this error class.
    const char *error_class;
    // Those in whose last error this text is.
    const char *error_contains;
    // Those that died in this queue.
    const char *queue_name;
    // Those that died at this time or later, in nanoseconds since 1970.
    uint64_t died_from_ns;
    // Those that died before this time, in nanoseconds since 1970.
    uint64_t died_before_ns;
} ringmain_letters;

// How dead letters go back. Set `size`, zero the rest: 0 and NULL are the defaults.
typedef struct ringmain_redrive {
    // sizeof(ringmain_redrive).
    size_t size;
    // To this queue (NUL-terminated); NULL: each to the one that it died in.
    const char *to;
    // One after the other, so many a second; 0: all at once.
    double per_second;
    // `RINGMAIN_FLAG_ON`: failures go on from where they were. Default: they begin again at 0.
    int32_t keep_failures;
    // Must be 0.
    uint32_t reserved;
} ringmain_redrive;

// A schedule. Set `size`, zero the rest: what is 0 or NULL stays as it is stored.
typedef struct ringmain_schedule_options {
    // sizeof(ringmain_schedule_options).
    size_t size;
    // When it fires, NUL-terminated, at most 256 bytes: five fields, or six with seconds before them; `@hourly` and the like;
    // `@every 1h30m`. A new schedule must say.
    const char *cron;
    // Whose clock on the wall it goes by, NUL-terminated: an IANA name. Default UTC.
    const char *time_zone;
    // The queue of the same hub that it sends to. A new schedule must say.
    ringmain_queue queue;
    // What it sends, at most 16 KiB: value, key, headers and delay. A new schedule must say.
    const struct ringmain_message *message;
    // What it does about slots that it could not fire in time: one of `RINGMAIN_MISSED_*`.
    int32_t missed;
    // For `RINGMAIN_MISSED_ALL`: 1 to 64.
    uint32_t missed_count_max;
} ringmain_schedule_options;

// Options of a stream. Set `size`, zero the rest: 0 is the default, or what is stored if the stream exists.
typedef struct ringmain_stream_options {
    // sizeof(ringmain_stream_options).
    size_t size;
    // How many partitions a new stream has; default 1, at most 1024. A stream with fewer gets more, unless keys of its records
    // would move (`RINGMAIN_ERROR_INVALID_ARGUMENT`); one with more is `RINGMAIN_ERROR_OPTION_MISMATCH`. 0: as it is.
    uint32_t partitions;
    // Must be 0.
    uint32_t reserved;
} ringmain_stream_options;

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
} ringmain_partition_stats;

// Reads a stream at its own pace. 0 is no reader. Any thread may use it, one at a time: others wait for it.
typedef uint64_t ringmain_reader;

// A batch of records, from a reader or a member. 0 is no batch. Any thread may use it.
typedef uint64_t ringmain_records;

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
    // 0.
    uint32_t reserved;
} ringmain_record;

// One member of a consumer group: polls the partitions it owns and commits what it has handled. 0 is no member. Any
// thread may use it, one at a time: others wait for it.
typedef uint64_t ringmain_member;

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

// Stores where the text is, NUL-terminated UTF-8, and how many bytes it has without the NUL (`bytes_out` may be NULL). The
// pointer lives until the text is closed.
int32_t ringmain_text_get(ringmain_text text,
                          const char **text_out,
                          size_t *bytes_out);

// Closes the text and frees it. Closing 0 does nothing.
int32_t ringmain_text_close(ringmain_text text);

// Moves the clock of a hub that was opened with `manual_clock` forward, by at most ten years. What falls due by it has happened
// when this returns. Of another hub: `RINGMAIN_ERROR_INVALID_ARGUMENT`.
int32_t ringmain_hub_advance(ringmain_hub hub,
                             uint64_t by_ms);

// Stores the hub's time, in nanoseconds since 1970.
int32_t ringmain_hub_now(ringmain_hub hub, uint64_t *time_ns_out);

// Copies a durable hub, while it is in use, into the directory `into` (NUL-terminated, at most 4095 bytes), which is empty or not
// there yet, and lies outside of the hub's own. It holds everything that verbs had returned for. `progress` may be NULL; it
// is called with `context`. Set `snapshot_out->size` before. One snapshot of a hub is taken at a time:
// `RINGMAIN_ERROR_INVALID_ARGUMENT`. `RINGMAIN_ERROR_IO` if there is no room.
int32_t ringmain_hub_snapshot(ringmain_hub hub,
                              const char *into,
                              ringmain_snapshot_progress progress,
                              void *context,
                              struct ringmain_snapshot *snapshot_out);

// Reads all of the hub in `directory` (NUL-terminated), every segment and every checksum, and changes nothing. No process may have
// it open: `RINGMAIN_ERROR_LOCKED`. Stores a report: JSON, an object of `records`, `segments`, `bytes`, `is_sound`, `damage` (a
// list of `of`, `path`, `byte_position`, `detail`, `loss`, `lost_first`, `lost_end`, `text`), `refused` (the error for which it
// cannot be opened, or null) and `text`, the same in words. That something is damaged is no failure of this call. Close the text.
int32_t ringmain_verify(const char *directory,
                        ringmain_text *text_out);

// Reads all of the snapshot in `snapshot`, and copies it into the directory `into`, which is empty or not there yet (both
// NUL-terminated). `RINGMAIN_ERROR_CORRUPT` naming the first damage by which something is lost: then there is no copy. Stores a report as
// `ringmain_verify()` does. Close the text.
int32_t ringmain_restore(const char *snapshot,
                         const char *into,
                         ringmain_text *text_out);

// Copies everything that can still be read in `directory`, which stays as it is, into the directory `into`, which is empty or
// not there yet (both NUL-terminated). Stores a report of what was lost as `ringmain_verify()` does. Close the text.
int32_t ringmain_salvage(const char *directory,
                         const char *into,
                         ringmain_text *text_out);

// Makes a hub in memory: gone when it is closed.
int32_t ringmain_hub_memory(ringmain_hub *hub_out);

// The same with options, which may be NULL. Those that are about files say nothing of a hub in memory.
int32_t ringmain_hub_memory_with(const struct ringmain_hub_options *options,
                                 ringmain_hub *hub_out);

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

// Stores the names of the hub's queues, in order: JSON, a list. Close the text.
int32_t ringmain_hub_queues(ringmain_hub hub, ringmain_text *text_out);

// Stores the names of the hub's streams, in order: JSON, a list. Close the text.
int32_t ringmain_hub_streams(ringmain_hub hub, ringmain_text *text_out);

// Stores the options of the queue `queue_name` (NUL-terminated) as they are stored: JSON, an object with the names of
// `ringmain_queue_options`, and `is_paused`. The queue is not opened. Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_queue_info(ringmain_hub hub,
                                const char *queue_name,
                                ringmain_text *text_out);

// Stores the options of the stream `stream_name` (NUL-terminated) as they are stored: JSON, an object with the names of
// `ringmain_stream_options`. The stream is not opened. Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_stream_info(ringmain_hub hub,
                                 const char *stream_name,
                                 ringmain_text *text_out);

// Stores the hub's counts: JSON, an object of `queues` and `streams` that are open (lists, each with its `name` and all its
// counts, of streams with partitions, groups and their lags), `recovered_cut_bytes`, `disk_free_bytes` (or null),
// `disk_reserve_bytes` and `storage`. Close the text.
int32_t ringmain_hub_stats(ringmain_hub hub,
                           ringmain_text *text_out);

// Stores the hub's counts as text that Prometheus scrapes. Close the text.
int32_t ringmain_hub_prometheus(ringmain_hub hub, ringmain_text *text_out);

// Deletes the queue `queue_name` (NUL-terminated) with all its messages. Handles of it answer `RINGMAIN_ERROR_CLOSED` from
// then on, and must still be closed; whoever waits for a message is woken. Refused while another queue sends its dead letters or
// late messages there. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_delete_queue(ringmain_hub hub,
                                  const char *queue_name);

// Deletes the stream `stream_name` (NUL-terminated) with all its records and what its groups have committed. Handles of it, of
// readers and of members answer `RINGMAIN_ERROR_CLOSED` from then on, and must still be closed. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_delete_stream(ringmain_hub hub,
                                   const char *stream_name);

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

// Sends `count` messages as one atomic batch, all or none, and stores their ids (`count` of them, or NULL).
int32_t ringmain_queue_send_batch(ringmain_queue queue,
                                  const struct ringmain_message *messages,
                                  size_t count,
                                  uint64_t *ids_out);

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

// Acks `count` deliveries with one commit. Stores a code for each in `codes_out` (`count` of them, or NULL), and
// answers with the first that is not 0. The deliveries stay open.
int32_t ringmain_queue_ack_batch(ringmain_queue queue,
                                 const ringmain_delivery *deliveries,
                                 size_t count,
                                 int32_t *codes_out);

// Stores the queue's counts. Set `stats_out->size` before.
int32_t ringmain_queue_stats_get(ringmain_queue queue, struct ringmain_queue_stats *stats_out);

// Closes the handle; the queue and its messages stay, as do open deliveries. Closing 0 does nothing.
int32_t ringmain_queue_close(ringmain_queue queue);

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

// Failed: counts, and the message is tried again after `delay_ms` (at most ten years), or after the queue's retry delay for
// `RINGMAIN_DELAY_POLICY`, or is exhausted. The reason (UTF-8, cut after 4096 bytes) is kept with it.
int32_t ringmain_delivery_fail(ringmain_delivery delivery,
                               const char *reason,
                               size_t reason_bytes,
                               int64_t delay_ms);

// Hands the message back, to be delivered after `delay_ms` (at most ten years): does not count as a failure.
int32_t ringmain_delivery_release(ringmain_delivery delivery,
                                  uint64_t delay_ms);

// Dead letter now. The reason (UTF-8, cut after 4096 bytes) is kept with it.
int32_t ringmain_delivery_reject(ringmain_delivery delivery,
                                 const char *reason,
                                 size_t reason_bytes);

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

// Takes a message out of the queue for good, if it is waiting, and stores 1 in `cancelled_out` (NULL if it does not matter). 0: it
// is no longer there, or out; then its worker can see that it is no longer wanted, and it is gone when it comes back.
int32_t ringmain_queue_cancel(ringmain_queue queue,
                              uint64_t id,
                              int32_t *cancelled_out);

// The same, and takes a message that is out from its worker, whose verbs then answer `RINGMAIN_ERROR_LEASE_LOST`. 1: it was there.
int32_t ringmain_queue_cancel_now(ringmain_queue queue,
                                  uint64_t id,
                                  int32_t *cancelled_out);

// Has a waiting message wait until `delay_ms` from now, at most ten years, and stores 1 in `rescheduled_out` (NULL if it does not
// matter). 0: it is out, set aside, or no longer there.
int32_t ringmain_queue_reschedule(ringmain_queue queue,
                                  uint64_t id,
                                  uint64_t delay_ms,
                                  int32_t *rescheduled_out);

// The same, until a time in nanoseconds since 1970.
int32_t ringmain_queue_reschedule_at(ringmain_queue queue,
                                     uint64_t id,
                                     uint64_t time_ns,
                                     int32_t *rescheduled_out);

// Takes every message out of the queue for good that waits, and stores how many (NULL if it does not matter). Those that are out
// stay with who has them. No deduplication key is remembered any more.
int32_t ringmain_queue_purge(ringmain_queue queue,
                             uint64_t *count_out);

// The same, and takes those that are out, too: what their holders say to them is answered by `RINGMAIN_ERROR_LEASE_LOST`.
int32_t ringmain_queue_purge_all(ringmain_queue queue,
                                 uint64_t *count_out);

// Stores a batch of up to `count_max` (1 to 65,536) of these letters in this queue, by id, and how many there are. `letters` may be
// NULL: all. They stay as they are. None is no error: then the batch is 0. Close the batch.
int32_t ringmain_dead_letters_peek(ringmain_queue queue,
                                   const struct ringmain_letters *letters,
                                   size_t count_max,
                                   ringmain_peeked *peeked_out,
                                   size_t *count_out);

// Sends these letters back, as they were sent first, and stores how many (NULL if it does not matter). `letters` may be NULL: all. `how`
// may be NULL. `RINGMAIN_ERROR_NOT_FOUND` if a queue that one of them would go to does not exist: then nothing was moved.
int32_t ringmain_dead_letters_redrive(ringmain_queue queue,
                                      const struct ringmain_letters *letters,
                                      const struct ringmain_redrive *how,
                                      uint64_t *count_out);

// Throws these letters away, and stores how many (NULL if it does not matter). `letters` may be NULL: all.
int32_t ringmain_dead_letters_discard(ringmain_queue queue,
                                      const struct ringmain_letters *letters,
                                      uint64_t *count_out);

// Writes these letters, unchanged, into the file `file_path` (NUL-terminated), which must not be there yet, one JSON object a line, and stores
// how many (NULL if it does not matter). `letters` may be NULL: all.
int32_t ringmain_dead_letters_export(ringmain_queue queue,
                                     const struct ringmain_letters *letters,
                                     const char *file_path,
                                     uint64_t *count_out);

// Stores why a message is not being delivered now: JSON, an object of `queue`, `id`, `time_ns`, `causes` (a list, the message's own
// first; each a `cause`, such as "scheduled", and what belongs to it, such as `due_ns`) and `text`, the same in words. Close the text.
int32_t ringmain_queue_explain(ringmain_queue queue,
                               uint64_t id,
                               ringmain_text *text_out);

// Stores what became of up to `count_max` (1 to 65,536) messages that have left the queue, with ids of at least `from_id`, by id, if
// the queue keeps a history: JSON, a list of `id`, `key_base64`, `ending` ("done", "dead", "expired", "cancelled", "dropped"), `sent_ns`,
// `finished_ns`, `attempts`, `failures` and `result_base64`. Close the text.
int32_t ringmain_queue_finished(ringmain_queue queue,
                                uint64_t from_id,
                                size_t count_max,
                                ringmain_text *text_out);

// Stores the deadlines that messages missed since this was asked last, oldest first, the last 1,024: JSON, a list of `id`,
// `deadline` ("start" or "complete") and `time_ns`. Close the text.
int32_t ringmain_queue_breaches(ringmain_queue queue,
                                ringmain_text *text_out);

// Stores the ordering keys of which nothing is delivered because a message died: JSON, a list of `key_base64`, `id`, `reason`,
// `error`, `time_ns` and `messages`. Close the text.
int32_t ringmain_queue_halted_groups(ringmain_queue queue,
                                     ringmain_text *text_out);

// Stores all the queue's counts: JSON, an object; `ringmain_queue_stats_get()` has the usual ones as a struct. Close the text.
int32_t ringmain_queue_stats_all(ringmain_queue queue,
                                 ringmain_text *text_out);

// Stores how many workers would keep up with what is sent and bring the backlog down within `drain_ms`; 0 before an ack was timed.
int32_t ringmain_queue_desired_workers(ringmain_queue queue,
                                       uint64_t drain_ms,
                                       uint64_t *count_out);

// Has the queue deliver nothing until it is resumed, in whichever process. Sending, settling what is out, and what time brings go
// on; receivers wait.
int32_t ringmain_queue_pause(ringmain_queue queue);

// Has the queue deliver again.
int32_t ringmain_queue_resume(ringmain_queue queue);

// Has an ordering key of `key_bytes` bytes go on that was halted because a message of it died, and stores 1 in `resumed_out`
// (NULL if it does not matter). 0: it was not halted. What died stays dead.
int32_t ringmain_queue_resume_group(ringmain_queue queue,
                                    const void *ordering_key,
                                    size_t key_bytes,
                                    int32_t *resumed_out);

// Gives an ordering key of `key_bytes` bytes so many turns in a row when keys take turns, 1 to 100; 1, as all have by default, takes
// that away again. Outlives the hub. At most 1,000 keys, of 64 KiB together.
int32_t ringmain_queue_set_weight(ringmain_queue queue,
                                  const void *ordering_key,
                                  size_t key_bytes,
                                  uint32_t weight);

// Makes, alters or opens the schedule `schedule_name` (NUL-terminated) of the hub. It fires in whichever process has the hub open, at most
// 1,000 of them. `options` may be NULL. Everything that it points to is copied.
int32_t ringmain_hub_schedule(ringmain_hub hub,
                              const char *schedule_name,
                              const struct ringmain_schedule_options *options);

// Stores the schedules of the hub, by name: JSON, a list, each as `ringmain_hub_schedule_info()` tells it. Close the text.
int32_t ringmain_hub_schedules(ringmain_hub hub,
                               ringmain_text *text_out);

// Stores a schedule: JSON, an object of `name`, `cron`, `time_zone`, `missed`, `queue`, `is_paused`, `last_slot_ns`, `next_slot_ns` (or
// null) and `failure` (the error for which it could not fire, or null). Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_schedule_info(ringmain_hub hub,
                                   const char *schedule_name,
                                   ringmain_text *text_out);

// Has a schedule fire no more until it is resumed, in whichever process. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_schedule_pause(ringmain_hub hub,
                                    const char *schedule_name);

// Has a schedule go on from now; what came while it was paused was not missed. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_schedule_resume(ringmain_hub hub,
                                     const char *schedule_name);

// Deletes a schedule. What it has sent stays in the queue. `RINGMAIN_ERROR_NOT_FOUND`.
int32_t ringmain_hub_schedule_delete(ringmain_hub hub, const char *schedule_name);

// Opens the stream `stream_name` (NUL-terminated), making it if it does not exist. `options` may be NULL.
int32_t ringmain_stream_open(ringmain_hub hub,
                             const char *stream_name,
                             const struct ringmain_stream_options *options,
                             ringmain_stream *stream_out);

// Stores how many partitions the stream has.
int32_t ringmain_stream_partitions(ringmain_stream stream, uint32_t *count_out);

// Appends a record and stores its position (NULL if it does not matter) once it has reached the hub's durability. Its
// key chooses the partition.
int32_t ringmain_stream_append(ringmain_stream stream,
                               const struct ringmain_message *message,
                               struct ringmain_position *position_out);

// Appends `count` records and stores their positions (`count` of them, or NULL). Those of one partition are one
// atomic batch.
int32_t ringmain_stream_append_batch(ringmain_stream stream,
                                     const struct ringmain_message *messages,
                                     size_t count,
                                     struct ringmain_position *positions_out);

// Stores the counts of one partition. Set `stats_out->size` before.
int32_t ringmain_stream_stats_get(ringmain_stream stream,
                                  uint32_t partition,
                                  struct ringmain_partition_stats *stats_out);

// Closes the handle; the stream and its records stay. Closing 0 does nothing.
int32_t ringmain_stream_close(ringmain_stream stream);

// Opens a reader of one partition, or of all for `RINGMAIN_PARTITION_ALL`, that begins at `start_kind` (one of
// `RINGMAIN_START_*`) and `start_value` (0 where the kind has none).
int32_t ringmain_reader_open(ringmain_stream stream,
                             int64_t partition,
                             int32_t start_kind,
                             uint64_t start_value,
                             ringmain_reader *reader_out);

// Stores a batch of up to `count_max` (1 to 65,536) records and how many there are, waiting at most `wait_ms` for the
// first. None is no error: then the batch is 0. Close the batch.
int32_t ringmain_reader_poll(ringmain_reader reader,
                             size_t count_max,
                             uint64_t wait_ms,
                             ringmain_records *records_out,
                             size_t *count_out);

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

// Joins the group `group_name` (NUL-terminated) of the stream. Partitions without a committed offset start at
// `start_kind` (one of `RINGMAIN_START_*`) and `start_value` (0 where the kind has none).
int32_t ringmain_group_join(ringmain_stream stream,
                            const char *group_name,
                            int32_t start_kind,
                            uint64_t start_value,
                            ringmain_member *member_out);

// Stores how many records the group `group_name` (NUL-terminated) has not committed yet, over all partitions.
int32_t ringmain_group_lag(ringmain_stream stream,
                           const char *group_name,
                           uint64_t *lag_out);

// Stores a batch of up to `count_max` (1 to 65,536) records of the partitions that the member owns and how many there
// are, waiting at most `wait_ms` for the first. None is no error: then the batch is 0. Close the batch. A partition that is to move to
// another member is not read on; it moves when what was polled of it is committed, at the latest after 30 seconds. Who does not
// poll for 5 minutes loses all.
int32_t ringmain_member_poll(ringmain_member member,
                             size_t count_max,
                             uint64_t wait_ms,
                             ringmain_records *records_out,
                             size_t *count_out);

// Commits everything polled so far. `RINGMAIN_ERROR_FENCED` if some of it was lost to another member; the rest is committed.
int32_t ringmain_member_commit(ringmain_member member);

// Commits one partition: `offset` is the next to read. A commit never goes back.
int32_t ringmain_member_commit_offset(ringmain_member member, uint32_t partition, uint64_t offset);

// Continues one owned partition at `offset`.
int32_t ringmain_member_seek(ringmain_member member, uint32_t partition, uint64_t offset);

// Stores the partitions that the member owns now in the first `count_out` of `partitions_out`, which has `count_max`
// places, and zeroes the rest. 1024 places are always enough; too few are `RINGMAIN_ERROR_INVALID_ARGUMENT`.
int32_t ringmain_member_assignment(ringmain_member member,
                                   size_t count_max,
                                   uint32_t *partitions_out,
                                   size_t *count_out);

// Leaves the group and closes the handle, whatever the answer: what the member polled and did not commit goes to the
// others. Leaving 0 does nothing.
int32_t ringmain_member_leave(ringmain_member member);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RINGMAIN_H */
