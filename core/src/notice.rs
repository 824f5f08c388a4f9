//! What an operator must see: events of `tracing` with the target `ringmain`. `docs/events.md` tells what each means, and what to do.
//!
//! **Promise.** A subscriber may ask whatever it is told of, and say verbs to it: nothing is told while this thread holds a lock of the hub.
//! What is noticed meanwhile waits, and is told in order by the same thread when it has given its locks back. Without a subscriber
//! nothing is put together.
//!
//! **Not promised.** That something is told by the thread that did it: messages die under the hands of whoever looks. Nothing is told of
//! plain messages one by one.
//!
//! **How.** [`later`] keeps a notice for this thread, [`tell`] tells those that wait, unless a [`Quiet`] lives. The locks that are held
//! while others are taken and given back have one: those of the hub ([`lock_quietly`]). Who gives back one of the others tells.

use crate::error::Error;
use crate::name::Name;
use crate::sync::{Mutex, MutexGuard, lock, thread_local};
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use tracing::level_filters::LevelFilter;
use tracing::{debug, error, info, warn};

/// Of all events.
const TARGET: &str = "ringmain";

thread_local! {
    static WAITING: RefCell<Vec<Notice>> = const { RefCell::new(Vec::new()) };
}
thread_local! {
    static QUIET: Cell<usize> = const { Cell::new(0) };
}

/// Something that an operator must see: one event each.
#[derive(Debug)]
pub(crate) enum Notice {
    StorageFailed {
        is_journal: bool,
        error: Error,
    },
    DiskReserveReached {
        path: PathBuf,
        free_bytes: u64,
        reserve_bytes: u64,
    },
    DiskReserveLeft {
        path: PathBuf,
        reserve_bytes: u64,
    },
    HubOpened {
        path: Option<PathBuf>,
        storage: String,
    },
    HubClosed {
        path: Option<PathBuf>,
    },
    JournalReplayed {
        path: PathBuf,
        pieces: u64,
        bytes: u64,
    },
    TailCut {
        path: PathBuf,
        bytes: u64,
    },
    Salvaged {
        path: PathBuf,
        into: PathBuf,
        records: u64,
        damage: u64,
    },
    SnapshotBegun {
        path: PathBuf,
        into: PathBuf,
        bytes: u64,
    },
    SnapshotTaken {
        path: PathBuf,
        into: PathBuf,
        segments: u64,
        bytes: u64,
    },
    Restored {
        path: PathBuf,
        into: PathBuf,
        records: u64,
    },
    QueueCreated {
        queue: Name,
    },
    QueueAltered {
        queue: Name,
    },
    QueueDeleted {
        queue: Name,
    },
    StreamCreated {
        stream: Name,
        partitions: u32,
    },
    StreamAltered {
        stream: Name,
        partitions: u32,
    },
    StreamDeleted {
        stream: Name,
    },
    QueuePurged {
        queue: Name,
        count: u64,
    },
    MemberSilent {
        stream: Name,
        group: Name,
        member: u64,
    },
    MemberReplaced {
        stream: Name,
        group: Name,
        member: u64,
        name: Name,
    },
    RevokeTimedOut {
        stream: Name,
        group: Name,
        member: u64,
        partition: u32,
    },
    CrashCounted {
        queue: Name,
        count: u64,
    },
    DeadLettersWait {
        queue: Name,
        to: Name,
        count: u64,
    },
    Backlog {
        queue: Name,
        ready: u64,
    },
    Died {
        queue: Name,
        id: u64,
        reason: &'static str,
        class: String,
        error: String,
        failures: u32,
        to: Option<Name>,
    },
    DeadlineMissed {
        queue: Name,
        id: u64,
        kind: &'static str,
    },
    LeaseExpired {
        queue: Name,
        id: u64,
        attempt: u32,
        failures: u32,
    },
    LastChance {
        queue: Name,
        id: u64,
        failures: u32,
    },
    Overflowed {
        queue: Name,
        policy: &'static str,
        count: u64,
    },
    KeyHeld {
        queue: Name,
        id: u64,
        limit: &'static str,
    },
    ConsumerActive {
        queue: Name,
        released: u64,
        is_deserted: bool,
    },
    HandlerPanicked {
        queue: Name,
        id: u64,
        error: String,
    },
    RecordHandlerPanicked {
        stream: Name,
        partition: u32,
        offset: u64,
        error: String,
    },
    StreamWorkerStopped {
        stream: Name,
        error: Error,
    },
    HandlerNotAlive {
        queue: Name,
        id: u64,
    },
    HandlerLostLease {
        queue: Name,
        id: u64,
    },
    DrainTimedOut {
        queue: Name,
        count: u64,
    },
    OutOfRange {
        stream: Name,
        partition: u32,
        offset: u64,
        start: u64,
        end: u64,
        reset: &'static str,
    },
    #[cfg(feature = "cron")]
    SlotsMissed {
        schedule: String,
        queue: String,
        policy: &'static str,
        sent: u64,
        since_ns: u64,
    },
    #[cfg(feature = "cron")]
    SlotLate {
        schedule: String,
        queue: String,
        slot_ns: u64,
        late_ms: u64,
    },
    #[cfg(feature = "cron")]
    SlotFailed {
        schedule: String,
        queue: String,
        error: Error,
    },
}

impl Notice {
    fn tell(&self) {
        match self {
            Self::StorageFailed { is_journal: true, error } => error!(
                name: "journal_failed", target: TARGET, error = %error, errno = error.errno(),
                "a write or sync of the journal failed; the hub accepts nothing until it is opened again"
            ),
            Self::StorageFailed { is_journal: false, error } => error!(
                name: "log_failed", target: TARGET, error = %error, errno = error.errno(),
                "a write or sync of a queue or stream failed; it accepts nothing until the hub is opened again"
            ),
            Self::DiskReserveReached { path, free_bytes, reserve_bytes } => error!(
                name: "disk_reserve_reached", target: TARGET, path = %path.display(), free_bytes, reserve_bytes,
                "the disk is nearly full; sending is refused, draining goes on"
            ),
            Self::DiskReserveLeft { path, reserve_bytes } => info!(
                name: "disk_reserve_left", target: TARGET, path = %path.display(), reserve_bytes,
                "the disk has room again; sending goes on"
            ),
            Self::HubOpened { path, storage } => info!(
                name: "hub_opened", target: TARGET, path = %shown(path), storage = storage.as_str(),
                "hub opened"
            ),
            Self::HubClosed { path } => {
                info!(name: "hub_closed", target: TARGET, path = %shown(path), "hub closed");
            }
            Self::JournalReplayed { path, pieces, bytes } => info!(
                name: "journal_replayed", target: TARGET, path = %path.display(), pieces, bytes,
                "what the journal had was written to the files of queues and streams"
            ),
            Self::TailCut { path, bytes } => warn!(
                name: "tail_cut", target: TARGET, path = %path.display(), bytes,
                "an unfinished write was cut; nothing that was acknowledged is lost"
            ),
            Self::Salvaged { path, into, records, damage } if *damage > 0 => error!(
                name: "salvaged", target: TARGET, path = %path.display(), into = %into.display(), records, damage,
                "a damaged hub was salvaged; the report tells what is lost"
            ),
            Self::Salvaged { path, into, records, damage } => info!(
                name: "salvaged", target: TARGET, path = %path.display(), into = %into.display(), records, damage,
                "a hub was salvaged; nothing is lost"
            ),
            Self::SnapshotBegun { path, into, bytes } => info!(
                name: "snapshot_begun", target: TARGET, path = %path.display(), into = %into.display(), bytes,
                "a snapshot is being taken"
            ),
            Self::SnapshotTaken { path, into, segments, bytes } => info!(
                name: "snapshot_taken", target: TARGET, path = %path.display(), into = %into.display(), segments, bytes,
                "a snapshot was taken, and is on disk"
            ),
            Self::Restored { path, into, records } => info!(
                name: "restored", target: TARGET, path = %path.display(), into = %into.display(), records,
                "a snapshot was looked through and copied to where it is used"
            ),
            Self::QueueCreated { queue } => {
                info!(name: "queue_created", target: TARGET, queue = queue.as_str(), "queue created");
            }
            Self::QueueAltered { queue } => {
                info!(name: "queue_altered", target: TARGET, queue = queue.as_str(), "queue altered");
            }
            Self::MemberSilent { stream, group, member } => warn!(
                name: "member_silent", target: TARGET, stream = stream.as_str(), group = group.as_str(), member,
                "a member has not polled in time, and others get what it has"
            ),
            Self::MemberReplaced { stream, group, member, name } => warn!(
                name: "member_replaced", target: TARGET, stream = stream.as_str(), group = group.as_str(), member,
                member_name = name.as_str(), "a member that is still there was replaced by another one of its name"
            ),
            Self::RevokeTimedOut { stream, group, member, partition } => warn!(
                name: "revoke_timed_out", target: TARGET, stream = stream.as_str(), group = group.as_str(), member, partition,
                "a member did not let go of a partition in time; what it has not committed is read again"
            ),
            Self::QueueDeleted { queue } => {
                info!(name: "queue_deleted", target: TARGET, queue = queue.as_str(), "queue deleted");
            }
            Self::StreamCreated { stream, partitions } => {
                info!(name: "stream_created", target: TARGET, stream = stream.as_str(), partitions, "stream created");
            }
            Self::StreamAltered { stream, partitions } => {
                info!(name: "stream_altered", target: TARGET, stream = stream.as_str(), partitions, "stream altered");
            }
            Self::StreamDeleted { stream } => {
                info!(name: "stream_deleted", target: TARGET, stream = stream.as_str(), "stream deleted");
            }
            Self::QueuePurged { queue, count } => {
                info!(name: "queue_purged", target: TARGET, queue = queue.as_str(), count, "queue purged");
            }
            Self::CrashCounted { queue, count } => warn!(
                name: "crash_counted", target: TARGET, queue = queue.as_str(), count,
                "the process ended while messages were out; each counts as a failure"
            ),
            Self::DeadLettersWait { queue, to, count } => warn!(
                name: "dead_letters_wait", target: TARGET, queue = queue.as_str(), to = to.as_str(), count,
                "dead letters wait to be looked at"
            ),
            Self::Backlog { queue, ready } => warn!(
                name: "backlog", target: TARGET, queue = queue.as_str(), ready,
                "more messages are ready than workers take"
            ),
            Self::Died { queue, id, reason, class, error, failures, to } => warn!(
                name: "message_died", target: TARGET, queue = queue.as_str(), id, reason, class = class.as_str(),
                error = error.as_str(), failures, to = to.as_ref().map(Name::as_str),
                "a message died"
            ),
            Self::DeadlineMissed { queue, id, kind } => warn!(
                name: "deadline_missed", target: TARGET, queue = queue.as_str(), id, kind,
                "a message missed a deadline"
            ),
            Self::LeaseExpired { queue, id, attempt, failures } => warn!(
                name: "lease_expired", target: TARGET, queue = queue.as_str(), id, attempt, failures,
                "a lease ran out"
            ),
            Self::LastChance { queue, id, failures } => warn!(
                name: "last_chance", target: TARGET, queue = queue.as_str(), id, failures,
                "a message dies if it fails once more"
            ),
            Self::Overflowed { queue, policy, count } => warn!(
                name: "overflowed", target: TARGET, queue = queue.as_str(), policy, count,
                "messages went to make room for others"
            ),
            Self::KeyHeld { queue, id, limit } => debug!(
                name: "key_held", target: TARGET, queue = queue.as_str(), id, limit,
                "a message waits for a limit of its key"
            ),
            Self::ConsumerActive { queue, released, is_deserted: false } => warn!(
                name: "consumer_took_over", target: TARGET, queue = queue.as_str(), released,
                "the active consumer is gone, and the next one took over"
            ),
            Self::ConsumerActive { queue, released, is_deserted: true } => warn!(
                name: "consumer_gone", target: TARGET, queue = queue.as_str(), released,
                "the active consumer is gone, and there is no other"
            ),
            Self::HandlerPanicked { queue, id, error } => error!(
                name: "handler_panicked", target: TARGET, queue = queue.as_str(), id, error = error.as_str(),
                "a handler panicked"
            ),
            Self::RecordHandlerPanicked { stream, partition, offset, error } => error!(
                name: "record_handler_panicked", target: TARGET, stream = stream.as_str(), partition, offset, error = error.as_str(),
                "a handler of records panicked"
            ),
            Self::StreamWorkerStopped { stream, error } => error!(
                name: "stream_worker_stopped", target: TARGET, stream = stream.as_str(), error = %error,
                "a worker of a stream has stopped by itself"
            ),
            Self::HandlerNotAlive { queue, id } => warn!(
                name: "handler_not_alive", target: TARGET, queue = queue.as_str(), id,
                "a handler failed its liveness check; its lease is not prolonged"
            ),
            Self::HandlerLostLease { queue, id } => warn!(
                name: "handler_lost_lease", target: TARGET, queue = queue.as_str(), id,
                "a handler is still running, and its lease is over"
            ),
            Self::DrainTimedOut { queue, count } => warn!(
                name: "drain_timed_out", target: TARGET, queue = queue.as_str(), count,
                "a worker was closed, and handlers are still running"
            ),
            Self::OutOfRange { stream, partition, offset, start, end, reset } => warn!(
                name: "out_of_range", target: TARGET, stream = stream.as_str(), partition, offset, start, end, reset,
                "records were removed before a reader came to them"
            ),
            #[cfg(feature = "cron")]
            Self::SlotsMissed { schedule, queue, policy, sent, since_ns } => warn!(
                name: "slots_missed", target: TARGET, schedule = schedule.as_str(), queue = queue.as_str(), policy, sent,
                since_ns, "slots of a schedule were missed"
            ),
            #[cfg(feature = "cron")]
            Self::SlotLate { schedule, queue, slot_ns, late_ms } => warn!(
                name: "slot_late", target: TARGET, schedule = schedule.as_str(), queue = queue.as_str(), slot_ns, late_ms,
                "the message of a slot was sent late"
            ),
            #[cfg(feature = "cron")]
            Self::SlotFailed { schedule, queue, error } => error!(
                name: "slot_failed", target: TARGET, schedule = schedule.as_str(), queue = queue.as_str(), error = %error,
                "the message of a slot cannot be sent; it is tried again"
            ),
        }
    }
}

/// Where a hub is.
fn shown(path: &Option<PathBuf>) -> std::path::Display<'_> {
    path.as_deref().unwrap_or(std::path::Path::new("memory")).display()
}

/// Tells something once this thread holds no lock, if anybody listens.
pub(crate) fn later(notice: impl FnOnce() -> Notice) {
    if LevelFilter::current() != LevelFilter::OFF {
        // A thread that is ending tells nothing more.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().push(notice()));
    }
}

/// The same at once, if this thread holds none.
pub(crate) fn now(notice: impl FnOnce() -> Notice) {
    later(notice);
    tell();
}

/// Tells what waits, unless somebody on this thread wants quiet: holds a lock.
#[inline]
pub(crate) fn tell() {
    let waits = WAITING.try_with(|waiting| !waiting.borrow().is_empty()).unwrap_or(false);
    if waits && QUIET.with(Cell::get) == 0 {
        tell_all();
    }
}

#[cold]
fn tell_all() {
    // What a subscriber brings about is told after this, and not within: it may bring about more.
    let quiet = Quiet::new();
    loop {
        let waiting = WAITING.with(RefCell::take);
        if waiting.is_empty() {
            break;
        }
        waiting.iter().for_each(Notice::tell);
    }
    quiet.end();
}

/// While one lives, its thread tells nothing.
#[derive(Debug)]
pub(crate) struct Quiet(());

impl Quiet {
    pub(crate) fn new() -> Self {
        QUIET.with(|count| count.set(count.get() + 1));
        Self(())
    }

    /// Without telling what waits.
    fn end(self) {
        std::mem::forget(self);
        QUIET.with(|count| count.set(count.get() - 1));
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = QUIET.try_with(|count| count.set(count.get() - 1));
        if !std::thread::panicking() {
            tell();
        }
    }
}

/// A lock that is held while others are taken and given back: nothing is told before it is given back itself.
#[derive(Debug)]
pub(crate) struct QuietGuard<'a, T> {
    // In this order: first the lock is given back.
    guard: MutexGuard<'a, T>,
    _quiet: Quiet,
}

pub(crate) fn lock_quietly<T>(mutex: &Mutex<T>) -> QuietGuard<'_, T> {
    let quiet = Quiet::new();
    QuietGuard { guard: lock(mutex), _quiet: quiet }
}

impl<T> Deref for QuietGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for QuietGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
