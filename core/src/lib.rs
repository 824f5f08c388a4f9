//! Ringmain: embeddable messaging. Task queues and event streams in a library, in memory or durable on local
//! disk, with no broker to run.
//!
//! Everything begins with a [`Hub`], in memory or in a directory, which has queues and streams by name.
//!
//! - A [`Queue`] gives each message to one of those who [`receive`](Queue::receive), under a lease, until it is acked; what keeps failing
//!   becomes a dead letter. A [`Worker`] runs a handler on each message.
//! - A [`Stream`] keeps its records. A [`Reader`] has an offset of its own; the members of a [`Group`] share the partitions, and commit how
//!   far they are; a [`StreamWorker`] runs a handler as such a member. A [`Producer`] may append again what it does not know to be there. A
//!   [`Table`] is the last record of each key.
//! - Both survive what the hub's [`Durability`] says; a [snapshot](Hub::snapshot) is a copy of it all while it is in use. Messages
//!   are delivered at least once: make handlers idempotent.
//!
//! ```
//! use ringmain::{Hub, Message};
//! use std::time::Duration;
//! let hub = Hub::memory(); // or Hub::open("data")?
//! let jobs = hub.queue("emails").dead_letter("emails.dead").open()?;
//! jobs.send(Message::new("welcome N14228"))?;
//! if let Some(job) = jobs.receive(Duration::from_secs(1))? {
//!     job.ack()?;
//! }
//! let flights = hub.stream("flights").partitions(4).open()?;
//! flights.append(Message::new("EWR-IAH").key("N14228"))?;
//! let mut member = flights.group("billing").join()?;
//! assert_eq!(member.poll(100, Duration::from_secs(1))?.len(), 1);
//! member.commit()?;
//! # Ok::<(), ringmain::Error>(())
//! ```
//!
//! | feature | what it adds |
//! |---|---|
//! | `cron` | schedules: messages sent by cron expressions |
//! | `simulation` | a simulated disk, for tests |
//! | `seeded-bugs` | bugs that the tests must catch; for nobody else |

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
    Explanation, Finished, HaltedGroup, IntoOutcome, Jitter, Job, Keeper, Letters, Limit, OnBreach,
    OnConflict, OnExhausted, OnGroupDeath, Outcome, Overflow, Peeked, Queue, QueueStats, Rate, Receive,
    Redrive, Retry, Sent, StillRunning, Worker, WorkerBuilder, WorkerStats,
};
pub use stream::{
    Accepted, Batcher, Batching, Canceller, CommitMode, Compaction, End, Fetch, Filter, Follow, Group,
    GroupLag, GroupStats, IntoHandled, Member, Pace, PartitionStats, Pending, Position, Processing, Producer,
    Reader, Record, RecordRef, Replay, Reset, SlowReaders, Start, Stream, StreamStats, StreamWorker,
    StreamWorkerBuilder, StreamWorkerStats, Table, TimeOf, WhenSlow,
};
