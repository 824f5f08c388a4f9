//! The hub's commit path: whoever waits and finds the committer free commits for everybody.
//!
//! **Promise.** [`Journal::commit`] returns `Ok` only when everything up to the given place of the given log has reached
//! the level. One commit covers the committed ranges of every dirty log of the hub; whoever arrives during a commit is
//! covered by the next, which is group commit without a timer. The leader is one of the waiters: no thread is
//! handed anything.
//!
//! **Not promised.** Atomicity across logs: each log recovers to a prefix of its own.
//!
//! **Today** a commit writes each log's ranges home and syncs each home file. A later version writes the same ranges as
//! one checksummed batch to one file with one sync; the ranges ([`Extent`](crate::log)) are pieces of segment images
//! for that reason, and nothing outside this folder will notice.
//!
//! **Protocol.** `P8 dirty`: a waiter raises the log's flag by a swap, and puts the log on the list if it was down. The
//! leader takes the list and lowers the flags *before* it collects: a waiter that found its flag up is covered by the
//! leader that will lower it. `P9 lead`: the leader unlocks, *then* notifies; in the other order the last waiter
//! sleeps for ever.
//!
//! **Failure.** The first failed write or sync poisons its log, and wakes its waiters with the error.

use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::error::{Error, Result};
use crate::log::{Level, Log, Place};
use crate::sync::event_count::EventCount;
use crate::sync::fork::Lineage;
use crate::sync::lock;
use std::sync::{Arc, Mutex, TryLockError};

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
    #[cfg(feature = "seeded-bugs")]
    pub(crate) bug: Option<SeededBug>,
}

#[derive(Debug, Default)]
struct Leader {
    /// Seeded bug: logs that were published and not synced.
    #[cfg(feature = "seeded-bugs")]
    unsynced: Vec<Arc<Log>>,
}

/// A bug planted on purpose, to show that a gate catches it.
#[cfg(feature = "seeded-bugs")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeededBug {
    /// Waiters are told that their data is durable before it was synced.
    AckBeforeSync,
}

impl Journal {
    pub(crate) fn new(clock: Clock, alarm: Arc<Alarm>, level: Level, delay_ns_max: u64) -> Self {
        Self {
            clock,
            alarm,
            level,
            delay_ns_max,
            owner: Lineage::current(),
            dirty: Mutex::new(Vec::new()),
            leader: Mutex::new(Leader::default()),
            done: EventCount::new(),
            #[cfg(feature = "seeded-bugs")]
            bug: None,
        }
    }

    /// The hub's time.
    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
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
    pub(crate) fn check_owner(&self) -> Result<()> {
        if self.owner.is_current() { Ok(()) } else { Err(Error::Forked { owner: self.owner.process() }) }
    }

    /// Has a log committed soon, by whoever commits next or by the alarm.
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
    pub(crate) fn commit(&self, log: &Arc<Log>, place: Place) -> Result<()> {
        if self.level == Level::Committed {
            self.note(log);
            return log.poisoned();
        }
        self.commit_to(log, place, self.level)
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
            if log.mark_dirty() {
                lock(&self.dirty).push(log.clone());
            }
            if self.try_lead(level) {
                if !log.reached(level, place) {
                    // A frame before ours is claimed and not committed: a few instructions of another thread.
                    std::thread::yield_now();
                }
                continue;
            }
            self.done.wait_until(None, || {
                log.reached(level, place) || log.poisoned().is_err() || self.try_lead(level)
            });
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
            self.commit_all(if self.level == Level::Written { Level::Written } else { Level::Durable });
        }
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
        true
    }

    #[cfg_attr(not(feature = "seeded-bugs"), allow(unused_variables))]
    fn lead(&self, leader: &mut Leader, level: Level) {
        let logs = std::mem::take(&mut *lock(&self.dirty));
        for log in &logs {
            log.clear_dirty();
        }
        #[cfg(feature = "seeded-bugs")]
        for log in std::mem::take(&mut leader.unsynced) {
            let _ = log.sync_home();
        }
        let synced = level == Level::Durable;
        let written: Vec<&Arc<Log>> = logs.iter().filter(|log| self.write(log, synced)).collect();
        for log in written {
            #[cfg(feature = "seeded-bugs")]
            if self.bug == Some(SeededBug::AckBeforeSync) && synced {
                log.publish(true);
                leader.unsynced.push(log.clone());
                continue;
            }
            match if synced { log.sync_home() } else { Ok(()) } {
                Ok(()) => log.publish(synced),
                Err(error) => log.poison(&error),
            }
        }
    }

    /// Writes what is committed. False: it failed, and the log is poisoned.
    fn write(&self, log: &Log, synced: bool) -> bool {
        if log.poisoned().is_err() {
            return false;
        }
        if synced && log.has_unwritten() {
            log.append_durable_mark(self.clock.now_ns());
        }
        let extents = log.collect();
        match log.write_home(&extents) {
            Ok(()) => true,
            Err(error) => {
                log.poison(&error);
                false
            }
        }
    }
}
