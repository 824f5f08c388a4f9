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

// The queue's retry policy decides when a failed message is tried again.
#define RINGMAIN_DELAY_POLICY -1

// Where something would begin in a buffer that it is not in.
#define RINGMAIN_NOT_PACKED 18446744073709551615ull

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
// tokens are used up, whatever the answer.
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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RINGMAIN_H */
