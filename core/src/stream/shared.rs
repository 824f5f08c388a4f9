//! One open stream, shared by its handles.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::Log;
use crate::name::Name;
use crate::stream::coordinator::Coordinator;
use crate::stream::offsets::Offsets;
use crate::stream::options::StreamOptions;
use crate::stream::partitioner::Partitioner;
use crate::stream::read_by_all::ReadByAll;
use crate::stream::stats::Rates;
use crate::stream::upkeep::Upkeep;
use crate::stream::wait::Waits;
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use crate::sync::{AtomicBool, AtomicU64, Ordering, yield_now};
use std::collections::BTreeMap;
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
    read_by_all: ReadByAll,
    pub(crate) offsets: Offsets,
    groups: Mutex<BTreeMap<Name, Arc<Mutex<Coordinator>>>>,
    pub(crate) rates: Mutex<Rates>,
    pub(super) waits: Waits,
    /// How often the place of a reader was removed.
    pub(super) out_of_range: AtomicU64,
    closed: AtomicBool,
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
        let upkeep = Upkeep::new(logs.clone(), journal.clone());
        let partitioner = Partitioner::new(logs.len() as u32);
        let groups = Mutex::default();
        let rates = Mutex::new(Rates::new(&logs, journal.now_ns()));
        let shared = Arc::new(Self {
            name,
            logs,
            data,
            journal,
            partitioner,
            upkeep,
            read_by_all: ReadByAll::default(),
            offsets,
            groups,
            rates,
            waits: Waits::new(),
            out_of_range: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        shared.set_options(options);
        shared
    }

    /// From now on these hold.
    pub(crate) fn set_options(&self, options: &StreamOptions) {
        self.read_by_all.set(options.until_read);
        if options.until_read {
            self.offsets.tell(self.upkeep.due());
        }
        self.upkeep.set_options(options);
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.journal.check_owner()?;
        // ORDERING: Acquire: pairs with `close`.
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed { what: "the hub of this stream" });
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        // ORDERING: Release: pairs with `check_open`.
        self.closed.store(true, Ordering::Release);
        self.wake_all();
        self.upkeep.close();
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
            self.read_by_all.release(&self.offsets, &self.logs);
            log.move_start(self.journal.now_ns());
        }
        Ok(log)
    }

    /// Does what is due.
    pub(crate) fn tick(&self, now_ns: u64) {
        self.upkeep.tick(now_ns, || {
            if self.read_by_all.is_asked() {
                // Whatever the hub's level. Who commits is told what is wrong with that log.
                let _ = self.offsets.make_durable();
                self.read_by_all.release(&self.offsets, &self.logs);
            }
        });
    }

    /// What is to be done now and then.
    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    /// The coordinator of a group, made at first use.
    pub(crate) fn coordinator(&self, group: &Name) -> Arc<Mutex<Coordinator>> {
        let make = || Arc::new(Mutex::new(Coordinator::new(self.partition_count())));
        lock(&self.groups).entry(group.clone()).or_insert_with(make).clone()
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.journal.now_ns()
    }
}
