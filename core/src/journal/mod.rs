//! The hub's commit path: whoever waits and finds the committer free commits for everybody.
//!
//! **Promise.** [`Journal::commit`] returns `Ok` only when everything up to the given place of the given log has reached
//! the level. One commit covers the committed ranges of every dirty log of the hub; whoever arrives during a commit is
//! covered by the next, which is group commit without a timer. The leader is one of the waiters: no thread is
//! handed anything.
//!
//! **Not promised.** Atomicity across logs: each log recovers to a prefix of its own.
//!
//! ```text
//!   dirty logs --collect--> [ piece of A | piece of B | ... ]  one batch, one write, one sync   (small ones)
//!                                  |                                                                 |
//!                                  +---- checkpoint, when the file is full ----> their own files <---+ (large ones: at once)
//! ```
//!
//! What a log has written since the last commit goes into the hub's journal, however many logs there are: one write and
//! one sync for all. What is larger than [`STREAM_BYTES_MIN`] goes straight to the log's own file, where it would have to
//! go anyway: by the leader if nobody else waits, by the I/O thread otherwise (`background.rs`, `log/streaming.rs`). The
//! pieces are the same bytes in both, so that copying them home can be repeated.
//!
//! **Protocol.** `P8 dirty`: a waiter raises the log's flag by a swap, and puts the log on the list if it was down. The
//! leader takes the list and lowers the flags *before* it collects: a waiter that found its flag up is covered by the
//! leader that will lower it. `P9 lead`: the leader unlocks, *then* notifies; in the other order the last waiter
//! sleeps for ever.
//!
//! **Failure.** The first failed write or sync of a log's own file poisons the log, one of the journal poisons the hub;
//! their waiters are woken with the error. Nothing is tried again on a file that failed.
//!
//! **Where next.** `receipt.rs`: who does not wait; `writer.rs`: the two files; `batch.rs`, `file.rs`: what is in them;
//! `replay.rs`: after a crash; `salvage.rs`: after damage.

mod background;
mod batch;
mod file;
mod receipt;
mod replay;
mod reserve;
mod salvage;
mod seeded_bug;
mod writer;

pub(crate) use batch::Range;
pub(crate) use receipt::Ends;
pub use receipt::Receipt;
pub(crate) use reserve::Reserve;
pub(crate) use salvage::salvage;
pub(crate) use seeded_bug::Planted;
pub use seeded_bug::SeededBug;
pub(crate) use writer::JournalPlace;

use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::error::{Error, Result};
use crate::log::{Level, Log, Place, Progress};
use crate::notice::{self, Notice};
use crate::sync::event_count::EventCount;
use crate::sync::fork::Lineage;
use crate::sync::{IS_MODEL, Mutex, lock, yield_now};
use background::Background;
use std::sync::{Arc, TryLockError};
use writer::Writer;

/// What a log wrote since the last commit goes to its own file directly, if it is at least so much: written twice, it
/// would cost more than the sync that is saved.
pub(crate) const STREAM_BYTES_MIN: u64 = if IS_MODEL { 8 } else { 128 << 10 };

/// A batch takes no more logs from here on: what is left goes to the logs' own files. Far below what its length can say.
const BATCH_BYTES_MAX: u64 = 64 << 20;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    alarm: Arc<Alarm>,
    /// What verbs wait for.
    level: Level,
    /// How long something noted may stay uncommitted.
    delay_ns_max: u64,
    owner: Lineage,
    dirty: Mutex<Vec<Arc<Log>>>,
    leader: Mutex<Leader>,
    done: EventCount,
    background: Arc<Background>,
    stream_bytes_min: u64,
    planted: Planted,
    reserve: Option<Reserve>,
}

#[derive(Debug, Default)]
struct Leader {
    /// None: without files of its own, everything goes to the logs' own.
    writer: Option<Writer>,
    /// What stopped the journal.
    failed: Option<Error>,
}

impl Journal {
    /// Without files of its own.
    pub(crate) fn new(clock: Clock, alarm: Arc<Alarm>, level: Level, delay_ns_max: u64) -> Self {
        Self {
            clock,
            alarm,
            level,
            delay_ns_max,
            owner: Lineage::current(),
            dirty: Mutex::new(Vec::new()),
            leader: Mutex::new(Leader::default()),
            done: EventCount::symmetric(),
            background: Arc::new(Background::new()),
            stream_bytes_min: STREAM_BYTES_MIN,
            planted: Planted::default(),
            reserve: None,
        }
    }

    /// Keeps the journal in files. What they hold that may not be home is handed to `restore`, which brings it there, synced.
    ///
    /// # Errors
    /// `Corrupt`: something that was synced cannot be read; `Unsupported`, `Io`, what `restore` brings.
    pub(crate) fn open(
        &mut self,
        place: JournalPlace,
        restore: impl FnOnce(&mut dyn Iterator<Item = &Range<'_>>) -> Result<()>,
    ) -> Result<()> {
        self.planted = place.planted;
        self.stream_bytes_min = place.stream_bytes_min;
        let writer = Some(Writer::open(place, restore)?);
        self.leader = Mutex::new(Leader { writer, failed: None });
        Ok(())
    }

    /// Starts the hub's I/O thread. Without it, all is done by those who wait.
    ///
    /// # Errors
    /// `Io`: there can be no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        self.background.start(Arc::downgrade(self))
    }

    /// Has publishing refused while the disk has less room than this. None: it is not.
    pub(crate) fn keep_free(&mut self, reserve: Option<Reserve>) {
        self.reserve = reserve;
    }

    /// How much room publishing leaves free, in bytes; 0 for none.
    pub(crate) fn reserve_bytes(&self) -> u64 {
        self.reserve.as_ref().map_or(0, Reserve::bytes)
    }

    /// Whether there is room to publish something.
    ///
    /// # Errors
    /// `DiskFull`.
    pub(crate) fn check_space(&self) -> Result<()> {
        self.reserve.as_ref().map_or(Ok(()), Reserve::admit)
    }

    /// The hub's time.
    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// The hub's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether time moves by itself.
    pub(crate) fn has_system_clock(&self) -> bool {
        self.clock.is_system()
    }

    /// The hub's alarm.
    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// What verbs wait for, and readers see.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Refuses a forked child.
    ///
    /// # Errors
    /// `Forked`.
    #[inline]
    pub(crate) fn check_owner(&self) -> Result<()> {
        if self.owner.is_current() { Ok(()) } else { Err(Error::Forked { owner: self.owner.process() }) }
    }

    /// Has a log committed soon, by whoever commits next or by the alarm.
    #[inline]
    pub(crate) fn note(&self, log: &Arc<Log>) {
        if log.is_durable() && log.mark_dirty() {
            lock(&self.dirty).push(log.clone());
            self.alarm.arm(self.clock.now_ns().saturating_add(self.delay_ns_max));
        }
    }

    /// Waits until everything before `place` has reached the hub's level.
    ///
    /// # Errors
    /// `Poisoned`: a write or sync of this log failed.
    #[inline]
    pub(crate) fn commit(&self, log: &Arc<Log>, place: Place) -> Result<()> {
        self.commit_at(log, place, self.level)
    }

    /// Waits until everything before `place` has reached the hub's level, or a higher one.
    ///
    /// # Errors
    /// `Poisoned`: a write or sync of this log failed.
    #[inline]
    pub(crate) fn commit_at(&self, log: &Arc<Log>, place: Place, level: Level) -> Result<()> {
        if !log.is_durable() {
            // In memory every level is reached at once.
            return log.poisoned();
        }
        let level = level.max(self.level);
        if level == Level::Committed {
            self.accept(log, place);
            return log.poisoned();
        }
        self.commit_to(log, place, level)
    }

    /// Has a log committed soon whose appends do not wait for the disk, and streamed when there is something to stream; waits
    /// when the disk falls too far behind.
    fn accept(&self, log: &Arc<Log>, place: Place) {
        if !log.is_durable() {
            return;
        }
        self.note(log);
        if log.begins_streaming(place, self.stream_bytes_min) && !self.background.stream(log) {
            return self.stream(log);
        }
        if log.is_backlogged() {
            let is_free = || !log.is_backlogged() || log.poisoned().is_err() || !self.background.stream(log);
            self.done.wait_until(None, is_free);
        }
    }

    /// Whether that bug is planted and awake.
    pub(crate) fn has_bug(&self, bug: SeededBug) -> bool {
        self.planted.is(bug)
    }

    /// Streams a log, and tells whoever waits for it. By the I/O thread.
    pub(crate) fn stream(&self, log: &Arc<Log>) {
        if self.planted.is(SeededBug::StreamedAhead) {
            log.publish(log.claimed(), true);
        }
        if let Err(error) = log.stream_home(self.stream_bytes_min, self) {
            log.poison(&error);
        }
        self.done.notify_all();
        notice::tell();
        // What is left is less than a piece.
        self.note(log);
    }

    /// Whether a bug was planted that is not the journal's own.
    pub(crate) fn is_planted(&self, bug: SeededBug) -> bool {
        self.planted.is(bug)
    }

    /// Waits until everything before `place` has reached `level`.
    ///
    /// # Errors
    /// `Poisoned`: a write or sync of this log failed.
    pub(crate) fn commit_to(&self, log: &Arc<Log>, place: Place, level: Level) -> Result<()> {
        loop {
            if log.reached(level, place) {
                return Ok(());
            }
            log.poisoned()?;
            if log.is_streaming() {
                self.done.wait_until(None, || {
                    log.reached(level, place) || log.poisoned().is_err() || !log.is_streaming()
                });
                continue;
            }
            if log.mark_dirty() {
                lock(&self.dirty).push(log.clone());
            }
            if self.try_lead(level) {
                if !log.reached(level, place) {
                    // A frame before ours is claimed and not committed: a few instructions of another thread.
                    yield_now();
                }
                continue;
            }
            self.done.wait_until(None, || {
                log.reached(level, place) || log.poisoned().is_err() || self.try_lead(level)
            });
        }
    }

    /// Has what was noted committed soon, for somebody who cannot wait for the disk itself.
    fn ask(&self, level: Level) {
        if level != Level::Committed && !self.background.commit(level) {
            self.commit_all(level);
        }
    }

    /// Commits everything that is dirty.
    pub(crate) fn commit_all(&self, level: Level) {
        loop {
            if self.try_lead(level) {
                return;
            }
            self.done.wait_until(None, || self.is_free());
        }
    }

    /// Commits what was noted, if anything was: what the alarm is for.
    pub(crate) fn commit_noted(&self) {
        if !lock(&self.dirty).is_empty() {
            self.commit_all(self.level_of_noted());
        }
    }

    /// What everything reaches in time, waited for or not.
    pub(crate) fn level_of_noted(&self) -> Level {
        if self.level == Level::Written { Level::Written } else { Level::Durable }
    }

    fn is_free(&self) -> bool {
        !matches!(self.leader.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Commits for everybody, if nobody else does.
    fn try_lead(&self, level: Level) -> bool {
        let mut leader = match self.leader.try_lock() {
            Ok(leader) => leader,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        self.lead(&mut leader, level);
        drop(leader);
        self.done.notify_all();
        notice::tell();
        true
    }

    fn lead(&self, leader: &mut Leader, level: Level) {
        let logs = std::mem::take(&mut *lock(&self.dirty));
        for log in &logs {
            log.clear_dirty();
        }
        let Leader { writer, failed } = leader;
        let synced = level == Level::Durable;
        let synced = synced && !self.planted.is(SeededBug::AckBeforeSync);
        let outcome = match failed {
            None => self.commit_logs(writer.as_mut(), &logs, synced),
            Some(error) => Err(error.clone()),
        };
        match outcome {
            Ok(committed) => {
                committed.iter().for_each(|(log, place)| log.publish(*place, level == Level::Durable));
            }
            Err(error) => {
                logs.iter().for_each(|log| _ = log.refuse(&error));
                if failed.is_none() {
                    notice::later(|| Notice::StorageFailed { is_journal: true, error: error.clone() });
                    *failed = Some(error);
                }
            }
        }
    }

    /// Writes what is committed in these logs, and syncs it. Returns those for which that went well; the others are
    /// poisoned.
    ///
    /// # Errors
    /// The journal failed.
    fn commit_logs(
        &self,
        mut writer: Option<&mut Writer>,
        logs: &[Arc<Log>],
        synced: bool,
    ) -> Result<Vec<(Arc<Log>, Place)>> {
        let mut committed = Vec::with_capacity(logs.len());
        let mut journalled = Vec::new();
        let mut draft = writer.as_mut().map(|writer| writer.draft());
        let mut collected_bytes = 0;
        for log in logs.iter().filter(|log| log.poisoned().is_ok()) {
            if synced && log.has_unwritten() {
                log.append_durable_mark(self.clock.now_ns());
            }
            // Who streams commits, too.
            let Some((extents, place)) = log.collect() else { continue };
            let bytes: u64 = extents.iter().map(|extent| log.piece(extent).2.len() as u64).sum();
            collected_bytes += bytes;
            match &mut draft {
                Some(draft) if bytes < self.stream_bytes_min && draft.padded_bytes() < BATCH_BYTES_MAX => {
                    for (segment, byte_position, bytes) in extents.iter().map(|extent| log.piece(extent)) {
                        draft.push(&Range { segment: *segment, byte_position, bytes });
                    }
                    if bytes != 0 {
                        journalled.push((log.clone(), place));
                    }
                }
                // The others are not to wait for it.
                _ if logs.len() > 1 && self.background.stream(log) => continue,
                _ => {
                    if let Err(error) = log.bring_home(place) {
                        log.poison(&error);
                        continue;
                    }
                }
            }
            committed.push((log.clone(), place));
        }
        if let Some(writer) = writer {
            writer.write(journalled, synced)?;
            if synced {
                writer.sync()?;
            }
            if let Some(reserve) = &self.reserve {
                reserve.committed(collected_bytes, || writer.pending_bytes(), self.clock.now_ns());
            }
        }
        Ok(committed)
    }

    /// Brings everything home that the journal has, so that the next opening finds nothing to do.
    ///
    /// # Errors
    /// A write or sync failed, now or before.
    pub(crate) fn close(&self) -> Result<()> {
        self.background.stop();
        let mut leader = lock(&self.leader);
        let Leader { writer, failed } = &mut *leader;
        if let Some(error) = failed {
            return Err(error.clone());
        }
        let closed = writer.as_mut().map_or(Ok(()), Writer::close);
        if let Err(error) = &closed {
            *failed = Some(error.clone());
        }
        closed
    }
}

impl Progress for Journal {
    fn moved(&self) {
        if let Some(reserve) = &self.reserve {
            reserve.streamed();
        }
        self.done.notify_all();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if self.check_owner().is_ok() {
            self.background.stop();
        }
    }
}
