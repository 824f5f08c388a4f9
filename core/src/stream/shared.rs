//! One open stream, shared by its handles.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::Log;
use crate::name::Name;
use crate::stream::batcher::Lines;
use crate::stream::gate::Gate;
use crate::stream::growing::Growing;
use crate::stream::latest::{KeyLimit, Latest};
use crate::stream::live_groups::LiveGroups;
use crate::stream::offsets::Offsets;
use crate::stream::options::StreamOptions;
use crate::stream::partitioner::Partitioner;
use crate::stream::producer::Sessions;
use crate::stream::read_by_all::ReadByAll;
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
    pub(super) logs: Arc<Growing<Arc<Log>>>,
    /// What all partitions notify.
    data: Arc<EventCount>,
    pub(super) journal: Arc<Journal>,
    pub(super) partitioner: Partitioner,
    upkeep: Upkeep,
    read_by_all: ReadByAll,
    latest: Arc<Latest>,
    gate: Arc<Gate>,
    /// An append has to be let in first.
    is_guarded: AtomicBool,
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
        let logs = Arc::new(Growing::from(logs));
        let sessions = Sessions::new(name.clone(), logs.clone(), journal.clone(), offsets.clone());
        let sessions = Arc::new(sessions);
        let upkeep = Upkeep::new(&logs, journal.clone(), sessions.clone());
        let partitioner = Partitioner::new(logs.len());
        let live_groups = LiveGroups::new();
        let rates = Mutex::new(Rates::new(&logs, journal.now_ns()));
        let latest = Arc::new(Latest::new(name.clone(), logs.clone()));
        let shared = Arc::new(Self {
            name,
            logs,
            data,
            journal,
            partitioner,
            upkeep,
            read_by_all: ReadByAll::default(),
            latest,
            gate: Arc::new(Gate::new()),
            is_guarded: AtomicBool::new(false),
            offsets,
            sessions,
            lines: Lines::default(),
            live_groups,
            rates,
            waits: Waits::new(),
            out_of_range: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
        });
        shared.set_options(options);
        shared
    }

    /// Finds again what its log of commits tells. Before anything is appended.
    ///
    /// # Errors
    /// `Corrupt` saying where, `Io`, `Poisoned`.
    pub(crate) fn recover(&self) -> Result<()> {
        self.offsets.take_back(&self.logs)?;
        self.sessions.recover()
    }

    /// From now on these hold.
    pub(crate) fn set_options(&self, options: &StreamOptions) {
        self.read_by_all.set(options.until_read);
        if options.until_read {
            self.offsets.tell(self.upkeep.due());
        }
        self.upkeep.set_options(options);
        self.gate.set(options.gate());
        // ORDERING: Relaxed: a flag by itself.
        self.is_guarded.store(self.upkeep.is_latest_only() || self.gate.is_on(), Ordering::Relaxed);
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

    pub(crate) fn data(&self) -> &Arc<EventCount> {
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
        self.logs.len()
    }

    pub(crate) fn partition(&self, partition: u32) -> Result<&Arc<Log>> {
        self.logs.get(partition).ok_or_else(|| Error::NotFound {
            noun: "partition",
            name: partition.to_string(),
            advice: "; partitions are counted from 0",
        })
    }

    /// The log of a partition, with its start where it is now.
    pub(crate) fn readable(&self, partition: u32) -> Result<&Arc<Log>> {
        let log = self.partition(partition)?;
        if log.is_limited() {
            self.read_by_all.release(&self.offsets, &self.logs);
            log.move_start(self.journal.now_ns());
        }
        Ok(log)
    }

    /// Whether an append has to ask [`let_in`](Self::let_in) first.
    #[inline]
    pub(super) fn is_guarded(&self) -> bool {
        // ORDERING: Relaxed: as in `set_options`.
        self.is_guarded.load(Ordering::Relaxed)
    }

    /// What holds those who append.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Where the last record of each key is.
    pub(crate) fn latest(&self) -> &Arc<Latest> {
        &self.latest
    }

    /// The same, if readers are to see nothing else.
    pub(crate) fn latest_only(&self) -> Option<Arc<Latest>> {
        self.upkeep.is_latest_only().then(|| self.latest.clone())
    }

    /// How many keys a table may have. One that appends keep to is not limited once more.
    pub(crate) fn table_limit(&self) -> Option<KeyLimit> {
        self.upkeep.key_limit().filter(|_| !self.upkeep.is_latest_only())
    }

    /// Has the clock move the starts of all partitions.
    ///
    /// # Errors
    /// `Closed`.
    pub(crate) fn look_at_clock(&self) -> Result<()> {
        self.check_open()?;
        (0..self.partition_count()).try_for_each(|partition| self.readable(partition).map(drop))
    }

    /// Has what every group has read be durable, and the starts behind it.
    pub(crate) fn release_read(&self) {
        if self.read_by_all.is_asked() {
            // Whatever the hub's level. Who commits is told what is wrong with that log.
            let _ = self.offsets.make_durable();
            self.read_by_all.release(&self.offsets, &self.logs);
        }
    }

    /// What is to be done now and then.
    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.journal.now_ns()
    }
}
