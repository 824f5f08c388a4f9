//! Every limit in one place, so that nothing a caller or a file says can make the process grow without bound.

/// Longest message (key, headers and value together) in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Longest key in bytes.
pub const KEY_BYTES_MAX: usize = 4096;
/// Most headers of one message.
pub const HEADER_COUNT_MAX: usize = 64;
/// Longest header name in bytes.
pub const HEADER_NAME_BYTES_MAX: usize = 255;
/// Longest header value in bytes.
pub const HEADER_VALUE_BYTES_MAX: usize = 32 << 10;
/// Longest name of a queue, stream or group in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Most records of one atomic batch.
pub const BATCH_RECORDS_MAX: usize = 65_536;
/// Longest atomic batch in bytes of frames.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// Most partitions of one stream.
pub const PARTITION_COUNT_MAX: u32 = 1024;
/// Most producers of one stream that are kept by name.
pub const PRODUCER_COUNT_MAX: usize = 10_000;
/// Most gaps between the records of a partition that a group has done, beyond which no more of it is handed out.
pub const GAP_COUNT_MAX: usize = 10_000;
/// Most members of one consumer group.
pub const GROUP_MEMBER_COUNT_MAX: usize = 4096;
/// Longest failure or rejection reason kept, in bytes; longer ones are cut at a character boundary.
pub const REASON_BYTES_MAX: usize = 4096;
/// Most deliveries that one receive hands out.
pub const RECEIVE_COUNT_MAX: usize = 65_536;
/// Most threads of one worker.
pub const WORKER_THREAD_COUNT_MAX: usize = 1024;
/// Most leases out of one queue at a time.
pub const LEASE_COUNT_MAX: usize = 1 << 24;
/// Most messages that wait for room of their keys (see `QueueBuilder::concurrency_max_per_key`) before a queue looks no further.
pub const HELD_COUNT_MAX: usize = 1 << 18;
/// Longest delay, and farthest `deliver_at`, in seconds: ten years.
pub const DELAY_SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
/// Ready messages of a queue from which on the operator is told.
pub const BACKLOG_COUNT: u64 = 10_000;
/// Longest window of deduplication in seconds: 30 days.
pub const DEDUP_WINDOW_SECONDS_MAX: u64 = 30 * 24 * 3600;
/// Most deduplication keys that a queue may be told to remember.
pub const DEDUP_ENTRIES_MAX: u64 = 100_000_000;
/// Deduplication keys that a queue remembers unless it is told otherwise.
pub const DEDUP_ENTRIES_DEFAULT: u64 = 1_000_000;
/// Highest priority; the lowest is 0.
pub const PRIORITY_MAX: u8 = 9;
/// Most messages of one ordering key out at a time that a queue may be told to allow.
pub const GROUP_PARALLELISM_MAX: u32 = 1000;
/// Most ordering keys of a queue that are halted at a time.
pub const GROUP_HALTED_COUNT_MAX: usize = 10_000;
/// Most turns that an ordering key may have in a row.
pub const GROUP_WEIGHT_MAX: u32 = 100;
/// Most ordering keys of a queue that have a weight.
pub const GROUP_WEIGHT_COUNT_MAX: usize = 1000;
/// Most bytes of those keys together: the catalogue holds them all.
pub const GROUP_WEIGHT_BYTES_MAX: usize = 64 << 10;
/// Longest lease in seconds: seven days.
pub const LEASE_SECONDS_MAX: u64 = 7 * 24 * 3600;
/// Longest name of an error class in bytes.
pub const CLASS_BYTES_MAX: usize = 64;
/// Most error classes that a queue has rules for, and that it counts one by one.
pub const CLASS_COUNT_MAX: usize = 64;
/// How many of a message's last failures are kept for its dead letter.
pub const HISTORY_COUNT_MAX: usize = 3;
/// Longest text that tells them, in bytes.
pub const HISTORY_BYTES_MAX: usize = 4096;
/// Most messages that a queue may be told to keep the ending of.
pub const HISTORY_ENTRIES_MAX: u32 = 1_000_000;
/// For how long at most, in seconds: 30 days.
pub const HISTORY_WINDOW_SECONDS_MAX: u64 = 30 * 24 * 3600;
/// Longest result that is kept with it in bytes.
pub const RESULT_BYTES_MAX: usize = 4096;
/// Most schedules of a hub.
pub const SCHEDULE_COUNT_MAX: usize = 1000;
/// Longest message of a schedule (value, keys and headers together) in bytes: the catalogue holds them all.
pub const SCHEDULE_MESSAGE_BYTES_MAX: usize = 16 << 10;
/// Longest expression of a schedule in bytes.
pub const CRON_BYTES_MAX: usize = 256;
/// Longest name of a time zone in bytes.
pub const TIME_ZONE_BYTES_MAX: usize = 64;
/// Most missed slots that a schedule makes up for.
pub const MISSED_COUNT_MAX: u32 = 64;
/// Most terms of a filter of a reader, each key counted.
pub const FILTER_TERM_COUNT_MAX: usize = 65_536;
/// How deep filters may lie in one another.
pub const FILTER_DEPTH_MAX: usize = 16;
/// Records that one call of a reader looks at before it returns what it has, however few its filter wants.
pub const FILTER_LOOK_COUNT_MAX: usize = 65_536;
