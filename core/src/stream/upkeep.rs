//! What is done for a stream in the background, on the hub's clock: what is too old or too much is given back.
//!
//! **Promise.** Never in the way of an append: it tells the hub's thread that there is a new segment, no more. What may be
//! read does not wait for this (`log/retention.rs`): only space does, a second at most once its time has come.

use crate::error::Result;
use crate::journal::Journal;
use crate::log::{Level, Limits, Log, Place, UNLIMITED};
use crate::stream::options::StreamOptions;
use crate::sync::{AtomicU64, Ordering};
use std::sync::Arc;

/// Time alone has nothing done more often.
const PAUSE_NS_MIN: u64 = 1_000_000_000;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Upkeep {
    journal: Arc<Journal>,
    partitions: Vec<Partition>,
    /// When there will be something to do.
    due_ns: AtomicU64,
}

#[derive(Debug)]
struct Partition {
    log: Arc<Log>,
    /// The segment that an append was in last.
    segment: AtomicU64,
}

impl Upkeep {
    pub(crate) fn new(logs: Vec<Arc<Log>>, journal: Arc<Journal>) -> Self {
        let partitions = logs.into_iter().map(|log| Partition { log, segment: AtomicU64::new(0) }).collect();
        Self { journal, partitions, due_ns: AtomicU64::new(u64::MAX) }
    }

    /// From now on these hold.
    pub(crate) fn set_options(&self, options: &StreamOptions) {
        let limits = options.limits();
        self.partitions.iter().for_each(|partition| partition.log.set_limits(limits));
        if limits != Limits::NONE {
            self.be_due_at(self.journal.now_ns());
        }
    }

    fn be_due_at(&self, at_ns: u64) {
        if at_ns == u64::MAX {
            return;
        }
        // ORDERING: AcqRel, as P10 of the alarm: pairs with the swap of `tick`, which looks at the logs after it.
        self.due_ns.fetch_min(at_ns, Ordering::AcqRel);
        self.journal.alarm().arm(at_ns);
    }

    /// An append ended at `end`: a new segment may be one too many.
    pub(crate) fn notice(&self, partition: u32, end: Place) {
        let Some(partition) = self.partitions.get(partition as usize) else { return };
        // ORDERING: Relaxed: a hint; whoever else appends there says the same.
        if partition.log.is_limited() && partition.segment.load(Ordering::Relaxed) != end.segment() {
            partition.segment.store(end.segment(), Ordering::Relaxed);
            self.be_due_at(self.journal.now_ns());
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&self, now_ns: u64) {
        // ORDERING: Acquire: pairs with `be_due_at`.
        if self.due_ns.load(Ordering::Acquire) > now_ns {
            return;
        }
        // ORDERING: AcqRel: before the logs are looked at; whoever comes later makes it due again.
        self.due_ns.swap(u64::MAX, Ordering::AcqRel);
        for Partition { log, .. } in &self.partitions {
            // A log that failed says so to its users; a file that could not be removed is tried again in the next round.
            let _ = self.give_back(log, now_ns);
            if log.expires_ns() != UNLIMITED {
                self.be_due_at(log.expires_ns().max(now_ns.saturating_add(PAUSE_NS_MIN)));
            }
        }
    }

    /// Gives back what may not be read any more, and what is over the bytes.
    fn give_back(&self, log: &Arc<Log>, now_ns: u64) -> Result<()> {
        if !log.is_limited() {
            return Ok(());
        }
        log.move_start(now_ns);
        if log.is_open_segment_unreadable() {
            log.seal_open();
        }
        if log.release_unreadable()? {
            return Ok(());
        }
        // The file to go holds the place of what is only in the journal: that goes home first, and so that there is
        // something, a durable mark.
        log.append_durable_mark(now_ns);
        self.journal.commit_to(log, log.claimed(), Level::Durable)?;
        log.bring_all_home()?;
        log.release_unreadable().map(drop)
    }
}
