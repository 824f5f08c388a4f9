//! The stream under test, and what is known of it.

use crate::group::{Group, Sitting};
use crate::log::{Entry, Log};
use crate::verb::{Compacted, Draft, From, Setup, TOMBSTONE_GRACE};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Compaction, Durability, Hub, ManualClock, Producer, Start, Stream};
use std::sync::Arc;
use std::time::Duration;

pub const REVOKE: Duration = Duration::from_secs(30);
pub const SESSION: Duration = Duration::from_secs(45);
pub const POLL_INTERVAL: Duration = Duration::from_secs(300);
pub const GROUPS: [&str; 2] = ["billing", "audit"];
pub const PRODUCERS: [&str; 2] = ["import", "mirror"];

/// What a producer has sent: of each message what it is, and where it is known to be.
#[derive(Debug, Default)]
pub struct Sender {
    pub handle: Option<Producer>,
    pub drafts: Vec<(Draft, String)>,
    pub places: Vec<Option<(u32, u64)>>,
    pub next: usize,
}

/// See the module's description.
#[derive(Debug)]
pub struct World {
    pub setup: Setup,
    pub clock: ManualClock,
    pub disk: SimDisk,
    pub sittings: Vec<Sitting>,
    pub senders: [Sender; 2],
    pub hub: Hub,
    pub stream: Stream,
    pub logs: Vec<Log>,
    pub groups: [Group; 2],
    pub next_id: u64,
    pub serial: u64,
    /// Of each partition the least that the groups had committed, when it was looked at last.
    pub least: Vec<Option<u64>>,
}

fn open_hub(setup: &Setup, clock: &ManualClock, disk: &SimDisk) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    match setup.durability {
        None => builder.memory(),
        Some(durability) => builder.durability(durability).open("/hub"),
    }
    .expect("the hub opens")
}

fn open_stream(hub: &Hub, setup: &Setup) -> Stream {
    let compaction = |latest_only, lag_min| Compaction {
        latest_only,
        lag_min,
        tombstone_grace: TOMBSTONE_GRACE,
        ..Compaction::default()
    };
    let compaction = match setup.compacted {
        Compacted::No => None,
        Compacted::Later { lag_min } => Some(compaction(false, lag_min)),
        Compacted::AtOnce => Some(compaction(true, Duration::ZERO)),
    };
    hub.stream("events")
        .partitions(setup.partitions)
        .force_growth()
        .age_max(setup.age_max.unwrap_or(Duration::MAX))
        .count_max(setup.count_max.unwrap_or(u64::MAX))
        .until_read(setup.until_read)
        .compaction(compaction)
        .open()
        .expect("the stream opens")
}

impl World {
    pub fn new(setup: Setup) -> Self {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let hub = open_hub(&setup, &clock, &disk);
        let stream = open_stream(&hub, &setup);
        Self {
            setup,
            clock,
            disk,
            sittings: Vec::new(),
            senders: Default::default(),
            hub,
            stream,
            logs: vec![Log::default(); setup.partitions as usize],
            groups: Default::default(),
            next_id: 1,
            serial: 0,
            least: vec![None; setup.partitions as usize],
        }
    }

    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    pub fn start(&self, from: From) -> Start {
        match from {
            From::Earliest => Start::Earliest,
            From::Latest => Start::Latest,
            From::Offset(offset) => Start::Offset(offset),
            From::Time(ms) => Start::Time(1_000_000_000 + ms * 1_000_000),
        }
    }

    pub fn committed(&self, group: usize) -> Vec<Option<u64>> {
        self.stream.group(GROUPS[group]).committed().expect("commits")
    }

    /// What a draft says: a key where there must be one, and a value of its own.
    pub fn draft(&mut self, (key, is_tombstone): Draft) -> (Draft, String) {
        self.serial += 1;
        let is_keyed = self.setup.compacted != Compacted::No;
        let key = key.or(is_keyed.then_some(0));
        let is_tombstone = is_tombstone && key.is_some();
        let fill = ".".repeat((self.serial * 157 % 1500) as usize);
        let value = if is_tombstone { String::new() } else { format!("record {} {fill}", self.serial) };
        ((key, is_tombstone), value)
    }

    pub fn entry(&self, ((key, is_tombstone), value): &(Draft, String)) -> Entry {
        Entry { value: value.clone(), key: *key, is_tombstone: *is_tombstone, time_ns: self.now_ns() }
    }

    pub fn grow(&mut self) {
        self.setup.partitions += 1;
        self.logs.push(Log::default());
        self.least.push(None);
        self.stream = open_stream(&self.hub, &self.setup);
    }

    fn forget_handles(&mut self) {
        self.sittings.clear();
        self.senders.iter_mut().for_each(|sender| sender.handle = None);
        self.groups.iter_mut().for_each(|group| group.readers.clear());
    }

    pub fn reopen(&mut self) {
        self.hub.close(Duration::from_secs(60)).expect("closed");
        self.forget_handles();
        self.hub = open_hub(&self.setup, &self.clock, &self.disk);
        self.stream = open_stream(&self.hub, &self.setup);
    }

    /// Cuts the power.
    pub fn crash(&mut self) {
        self.disk = self.disk.image_with(self.disk.operation_count(), Unsynced::Dropped);
        self.forget_handles();
        self.hub = open_hub(&self.setup, &self.clock, &self.disk);
        self.stream = open_stream(&self.hub, &self.setup);
    }

    pub fn may_lose(&self) -> bool {
        self.setup.durability == Some(Durability::Relaxed)
    }
}
