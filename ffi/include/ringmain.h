/*
 * Ringmain: embeddable messaging. Task queues and event streams in a library, in memory or durable on local disk, with
 * no broker to run. This header is the manual of the C surface.
 *
 * Answers. Every function that can fail returns 0 (RINGMAIN_OK) or one of RINGMAIN_ERROR_*, which are positive, never
 * change, and are the same in every language. ringmain_last_error_message() has the details. Nothing was changed by a
 * call that failed, unless its comment says so. What a call stores through its `_out` pointers is zeroed first, so it
 * is 0 after a failure; only the codes of a batch say why then. A call that finds nothing in time (receive, poll, peek)
 * is no failure: it stores 0.
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

// Most messages that one receive or poll hands out.
#define RINGMAIN_RECEIVE_COUNT_MAX 65536

// The queue's retry policy decides when a failed message is tried again.
#define RINGMAIN_DELAY_POLICY -1

// Where something would begin in a buffer that it is not in.
#define RINGMAIN_NOT_PACKED 18446744073709551615ull

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

// As stored, or `RINGMAIN_MISSED_ONE`.
#define RINGMAIN_MISSED_DEFAULT 0

// Nothing is sent for slots that were missed.
#define RINGMAIN_MISSED_SKIP 1

// One message is sent, for the latest of them.
#define RINGMAIN_MISSED_ONE 2

// A message is sent for each of them, the latest `missed_count_max`, in their order.
#define RINGMAIN_MISSED_ALL 3

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

// A listener to what the library notices (docs/events.md). 0 is none. Any thread may use it.
typedef uint64_t ringmain_notices;

// An open task queue. 0 is no queue. Any thread may use it.
typedef uint64_t ringmain_queue;

// Receives messages of a queue one after the other, several taken ahead. Of a queue that has a single active consumer only the oldest
// one gets messages; when it is closed the next one takes over, and all leases that are out end. 0 is no consumer. Any thread may
// use it, one at a time: others wait for it.
typedef uint64_t ringmain_consumer;

// One message, leased to whoever holds this. 0 is no delivery. Any thread may use it.
typedef uint64_t ringmain_delivery;

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

// A message that was received into a buffer. This struct will not change.
typedef struct ringmain_packed_message {
    // The message's number in its queue.
    uint64_t id;
    // Stands for the lease: ack, fail or release it. Never 0.
    uint64_t token;
    // When it was sent, in nanoseconds since 1970.
    uint64_t time_ns;
    // Where in the buffer the value begins, at any byte. `RINGMAIN_NOT_PACKED` if the buffer is too small for this message alone.
    uint64_t value_at;
    // Bytes of the value.
    size_t value_bytes;
    // Where in the buffer the key begins; `RINGMAIN_NOT_PACKED` if it has none.
    uint64_t key_at;
    // Bytes of the key.
    size_t key_bytes;
    // Leases granted, this one included.
    uint32_t attempts;
    // Failures counted so far.
    uint32_t failures;
} ringmain_packed_message;

// A batch of messages seen without leasing them. 0 is no batch. Any thread may use it.
typedef uint64_t ringmain_peeked;

// Some of the dead letters of a queue: those for which everything holds that is given. Set `size`, zero the rest; what is 0 or NULL
// does not matter. Text is NUL-terminated.
typedef struct ringmain_letters {
    // sizeof(ringmain_letters).
    size_t size;
    // Those with these ids; NULL: whatever the id. A list that is not NULL and has no ids in it is of no letter.
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

// A message in the hands of a worker's handler. 0 is no job. Any thread may use it until the handler returns; then it is closed by
// itself, and so is everything that it lent.
typedef uint64_t ringmain_job;

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

// A record that was polled into a buffer. This struct will not change.
typedef struct ringmain_packed_record {
    // Its number in the partition: strictly increasing, not always by one.
    uint64_t offset;
    // When it was appended, in nanoseconds since 1970.
    uint64_t time_ns;
    // The producer's event time, in nanoseconds since 1970; 0 for not said.
    uint64_t event_time_ns;
    // Where in the buffer the value begins, at any byte.
    uint64_t value_at;
    // Bytes of the value.
    size_t value_bytes;
    // Where in the buffer the key begins; `RINGMAIN_NOT_PACKED` if it has none.
    uint64_t key_at;
    // Bytes of the key.
    size_t key_bytes;
    // The partition.
    uint32_t partition;
    // 0.
    uint32_t reserved;
} ringmain_packed_record;

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

// Listens to what is noticed from now on of at least this level: "error", "warn", "info" or "debug", NUL-terminated. Threads of the library
// write into a ring of 4,096 notices, and never wait for who reads it; what there is no room for is counted. Close it.
int32_t ringmain_notices_open(const char *level,
                              ringmain_notices *notices_out);

// Takes what was noticed since this was called last, after waiting at most `wait_ms` for the first: JSON, an object of `missed` (how many there
// was no room for) and `notices`, each with `name`, `level`, `message` and `fields`. Close the text.
int32_t ringmain_notices_take(ringmain_notices notices,
                              uint64_t wait_ms,
                              ringmain_text *text_out);

// Listens no more. Closing 0 does nothing.
int32_t ringmain_notices_close(ringmain_notices notices);

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

// Receives up to `count_max` messages (1 to 65,536), as many as fit into the `buffer_bytes` bytes at `buffer`, waiting at most `wait_ms`
// for the first. Their values and keys are copied into the buffer, one after the other; the first `count_out` of `entries_out`, which has
// `count_max` places, say where, and the rest are zeroed. None is no error. There is no handle to close: each token is to be acked, failed,
// released or made a delivery of, through the same handle of the queue; what is left when that is closed is released. A message that is longer than the whole
// buffer comes alone, and not packed: `ringmain_queue_unpack` gives it. The first call on a handle, and one after much shorter messages,
// may take fewer than would fit.
int32_t ringmain_queue_receive_packed(ringmain_queue queue,
                                      void *buffer,
                                      size_t buffer_bytes,
                                      struct ringmain_packed_message *entries_out,
                                      size_t count_max,
                                      uint64_t wait_ms,
                                      size_t *count_out);

// Acks `count` messages that were received packed, by their tokens, with one commit. Stores a code for each in `codes_out` (`count` of
// them, or NULL), and answers with the first that is not 0; a token that is used up or made up is `RINGMAIN_ERROR_INVALID_HANDLE`. The
// tokens are used up, whatever the answer; unless the call itself is refused, as for NULL or the handle of no queue: then nothing was
// done, and each code is that of the refusal.
int32_t ringmain_queue_ack_packed(ringmain_queue queue,
                                  const uint64_t *tokens,
                                  size_t count,
                                  int32_t *codes_out);

// As `ringmain_queue_ack_packed`: all failed, for the same reason (UTF-8, cut after 4096 bytes); the queue's retry policy says when they come again.
int32_t ringmain_queue_fail_packed(ringmain_queue queue,
                                   const uint64_t *tokens,
                                   size_t count,
                                   const char *reason,
                                   size_t reason_bytes,
                                   int32_t *codes_out);

// As `ringmain_queue_ack_packed`: hands all back, to be delivered again at once. Does not count as a failure.
int32_t ringmain_queue_release_packed(ringmain_queue queue,
                                      const uint64_t *tokens,
                                      size_t count,
                                      int32_t *codes_out);

// Makes a delivery of a message that was received packed, with all the verbs of one, and headers. The token is used up; close the
// delivery.
int32_t ringmain_queue_unpack(ringmain_queue queue,
                              uint64_t token,
                              ringmain_delivery *delivery_out);

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
// answers with the first that is not 0; if the call itself is refused, each code is that of the refusal. The deliveries stay open.
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
// open, so that it can be closed again: what they return within their lease still counts. Called by a handler,
// which is running itself, it waits for nobody and answers that. Closing 0 does nothing.
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

// Stores the names of the producers of the stream that are kept, in order: JSON, a list. Close the text.
int32_t ringmain_stream_producers(ringmain_stream stream,
                                  ringmain_text *text_out);

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

// Stores the names of the groups of the stream that have committed: JSON, a list. Close the text.
int32_t ringmain_stream_groups(ringmain_stream stream, ringmain_text *text_out);

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

// Polls up to `count_max` records (1 to 65,536), as many as fit into the `buffer_bytes` bytes at `buffer`, waiting at most `wait_ms` for
// the first. Their values and keys are copied into the buffer, one after the other; the first `count_out` of `entries_out`, which has
// `count_max` places, say where, and the rest are zeroed. Headers are not: poll without packing for those. None is no error. There is
// nothing to close. `RINGMAIN_ERROR_TOO_LARGE`, with the bytes that are needed in the text, if the next record alone does not fit: it comes again.
int32_t ringmain_reader_poll_packed(ringmain_reader reader,
                                    void *buffer,
                                    size_t buffer_bytes,
                                    struct ringmain_packed_record *entries_out,
                                    size_t count_max,
                                    uint64_t wait_ms,
                                    size_t *count_out);

// As `ringmain_reader_poll_packed`, of the partitions that the member owns: see `ringmain_member_poll`. A commit counts what was packed.
// `RINGMAIN_ERROR_INVALID_ARGUMENT` for a member that commits before it hands out.
int32_t ringmain_member_poll_packed(ringmain_member member,
                                    void *buffer,
                                    size_t buffer_bytes,
                                    struct ringmain_packed_record *entries_out,
                                    size_t count_max,
                                    uint64_t wait_ms,
                                    size_t *count_out);

// Stores a file descriptor for poll(2), epoll and the like, which gets readable when the queue may have something for a receive after
// it was armed. It is the handle's: it is always the same one, and closes with the handle; neither read, write nor close it. Readable it
// stays until it is armed again. An eventfd on Linux, a socket elsewhere; `RINGMAIN_ERROR_IO` where there are none.
int32_t ringmain_queue_fd(ringmain_queue queue,
                          int32_t *fd_out);

// Arms the descriptor, and stores 1 if there is something to receive already: then receive now, nothing will ring. 0: go and wait for
// the descriptor. Nothing is received by this. Receive without waiting until there is nothing more, then arm again: other receivers
// may be quicker, so to find nothing is no error. `RINGMAIN_ERROR_CLOSED` once the hub is closed, which rings.
int32_t ringmain_queue_arm(ringmain_queue queue,
                           int32_t *ready_out);

// As `ringmain_queue_fd`, for what a reader may poll.
int32_t ringmain_reader_fd(ringmain_reader reader, int32_t *fd_out);

// As `ringmain_queue_arm`, for a reader. Nothing is read by this.
int32_t ringmain_reader_arm(ringmain_reader reader, int32_t *ready_out);

// As `ringmain_queue_fd`, for what a member may poll: partitions that come or are to go ring too.
int32_t ringmain_member_fd(ringmain_member member, int32_t *fd_out);

// As `ringmain_queue_arm`, for a member. Nothing is read by this; a member that is armed counts as one that polls.
int32_t ringmain_member_arm(ringmain_member member,
                            int32_t *ready_out);

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
// closed again. Called by a handler, which is running itself, it waits for nobody and answers that. Closing 0 does nothing.
int32_t ringmain_stream_worker_close(ringmain_stream_worker worker,
                                     uint64_t timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RINGMAIN_H */
