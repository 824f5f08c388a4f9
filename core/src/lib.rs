//! Ringmain: embeddable messaging. Task queues and event streams in a library, in memory or durable on local
//! disk, with no broker to run.

pub mod clock;
mod durability;
pub mod error;
pub mod hub;
pub mod limits;
pub mod message;
pub mod name;
pub mod queue;
pub mod ring;
pub mod storage;
pub mod stream;

#[cfg(feature = "seeded-bugs")]
pub use journal::SeededBug;
#[cfg(feature = "seeded-bugs")]
pub use log::without_frame_checksums;

mod journal;
mod log;
mod notice;
mod sync;

pub use clock::{Clock, ManualClock};
pub use durability::Durability;
pub use error::{Error, ErrorCode, Result};
pub use hub::{
    Damage, Hub, HubBuilder, HubStats, Loss, QueueBuilder, QueueInfo, Report, Snapshot, SnapshotProgress,
    StreamBuilder, StreamInfo,
};
#[cfg(feature = "cron")]
pub use hub::{Missed, Schedule, ScheduleBuilder, ScheduleInfo};
pub use journal::Receipt;
pub use message::Message;
pub use name::Name;
pub use queue::{
    Breach, Capacity, Cause, Consumer, DeadLetters, Deadline, Dedup, DedupMode, Delivery, Ending, ErrorClass,
    Explanation, Finished, HaltedGroup, IntoOutcome, Jitter, Job, Letters, Limit, OnBreach, OnConflict,
    OnExhausted, OnGroupDeath, Outcome, Overflow, Peeked, Queue, QueueStats, Rate, Receive, Redrive, Retry,
    Sent, StillRunning, Worker, WorkerBuilder, WorkerStats,
};
pub use stream::{
    Accepted, Batcher, Batching, Canceller, CommitMode, Compaction, End, Fetch, Filter, Follow, Group,
    GroupLag, GroupStats, IntoHandled, Member, Pace, PartitionStats, Pending, Position, Processing, Producer,
    Reader, Record, RecordRef, Replay, Reset, SlowReaders, Start, Stream, StreamStats, StreamWorker,
    StreamWorkerBuilder, StreamWorkerStats, Table, TimeOf, WhenSlow,
};
