//! One open stream, shared by its handles.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::Log;
use crate::name::Name;
use crate::stream::batcher::Lines;
use crate::stream::live_groups::LiveGroups;
use crate::stream::offsets::Offsets;
use crate::stream::options::StreamOptions;
use crate::stream::partitioner::Partitioner;
use crate::stream::producer::Sessions;
use crate::stream::stats::Rates;
use crate::stream::upkeep::Upkeep;
use crate::stream::wait::Waits;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicBool, AtomicU64, Ordering, yield_now};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a reader that has read everything lets others go first before it sleeps: while they append, waking it for
/// each record would cost them, and it, more than the record does.
const YIELD_COUNT: u32 = 16;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Name,
    logs: Vec<Arc<Log>>,
    /// What all partitions notify.
    data: Arc<EventCount>,
    pub(super) journal: Arc<Journal>,
    pub(super) partitioner: Partitioner,
    upkeep: Upkeep,
    pub(crate) offsets: Arc<Offsets>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) lines: Lines,
    pub(super) live_groups: LiveGroups,
    pub(crate) rates: Mutex<Rates>,
    pub(super) waits: Waits,
    /// How often the place of a reader was removed.
    pub(super) out_of_range: AtomicU64,
    closed: AtomicBool,
    deleted: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        name: Name,
        logs: Vec<Arc<Log>>,
        data: Arc<EventCount>,
        journal: Arc<Journal>,
        offsets: Offsets,
        options: &StreamOptions,
    ) -> Arc<Self> {
        let offsets = Arc::new(offsets);
        let sessions = Sessions::new(name.clone(), logs.clone(), journal.clone(), offsets.clone());
        let sessions = Arc::new(sessions);
        let upkeep = Upkeep::new(logs.clone(), journal.clone(), sessions.clone());
        upkeep.set_options(options);
        let partitioner = Partitioner::new(logs.len() as u32);
        let live_groups = LiveGroups::new();
        let rates = Mutex::new(Rates::new(&logs, journal.now_ns()));
        Arc::new(Self {
            name,
            logs,
            data,
            journal,
            partitioner,
            upkeep,
            offsets,
            sessions,
            lines: Lines::default(),
            live_groups,
            rates,
            waits: Waits::new(),
            out_of_range: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
        })
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.journal.check_owner()?;
        // ORDERING: Acquire: pairs with `close`.
        if self.closed.load(Ordering::Acquire) {
            // ORDERING: Relaxed: raised before the flag that was acquired.
            let is_deleted = self.deleted.load(Ordering::Relaxed);
            let what = if is_deleted { "this stream, which was deleted," } else { "the hub of this stream" };
            return Err(Error::Closed { what });
        }
        Ok(())
    }

    /// As `close`, for good, and says why. Returns its logs, closed.
    pub(crate) fn delete(&self) -> Vec<Arc<Log>> {
        // ORDERING: Relaxed: published by the flag that `close` raises.
        self.deleted.store(true, Ordering::Relaxed);
        self.close();
        let logs: Vec<_> = self.logs.iter().chain([self.offsets.log()]).cloned().collect();
        logs.iter().for_each(|log| log.close());
        logs
    }

    pub(crate) fn close(&self) {
        // What was sent is appended.
        self.lines.close();
        // ORDERING: Release: pairs with `check_open`.
        self.closed.store(true, Ordering::Release);
        self.wake_all();
        self.upkeep.close();
        // Else it is found again by reading the partitions.
        let _ = self.sessions.save_rest();
    }

    pub(crate) fn data(&self) -> &EventCount {
        &self.data
    }

    /// What `attempt` gives, waiting at most `wait` until it gives something.
    pub(crate) fn wait_for<T>(&self, wait: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let mut got = attempt();
        let mut left = if wait.is_zero() { 0 } else { YIELD_COUNT };
        while got.is_none() && left > 0 {
            yield_now();
            got = attempt();
            left -= 1;
        }
        got.or_else(|| self.data.wait_for(wait, attempt))
    }

    pub(crate) fn partition_count(&self) -> u32 {
        self.logs.len() as u32
    }

    pub(crate) fn partition(&self, partition: u32) -> Result<&Arc<Log>> {
        self.logs.get(partition as usize).ok_or_else(|| Error::NotFound {
            noun: "partition",
            name: partition.to_string(),
            advice: "; partitions are counted from 0",
        })
    }

    /// The log of a partition, with its start where it is now.
    pub(crate) fn readable(&self, partition: u32) -> Result<&Arc<Log>> {
        let log = self.partition(partition)?;
        if log.is_limited() {
            log.move_start(self.journal.now_ns());
        }
        Ok(log)
    }

    /// What is to be done now and then.
    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.journal.now_ns()
    }
}
