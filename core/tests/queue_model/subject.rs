//! The queue under test, on a simulated disk and a manual clock.

use crate::setup::Setup;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Consumer, Delivery, Durability, Hub, ManualClock, OnExhausted, Queue};
use std::sync::Arc;

pub const JOBS: &str = "jobs";
pub const DEAD: &str = "jobs.dead";
pub const LATE: &str = "late";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Memory,
    /// A crash is a killed process: everything written is there.
    Written,
    /// A crash is a power cut: nothing unsynced is there.
    Synced,
}

/// The queue under test, and those that get what it loses.
pub struct Subject {
    pub clock: ManualClock,
    pub disk: SimDisk,
    pub held: Vec<Held>,
    pub consumer: Option<Consumer>,
    pub hub: Hub,
    pub queues: Queues,
}

pub struct Queues {
    pub jobs: Queue,
    pub dead: Queue,
    pub late: Queue,
}

pub struct Held {
    pub delivery: Delivery,
    pub id: u64,
    pub attempt: u32,
    /// A verb ended it: dropping it does nothing.
    pub ended: bool,
}

fn open(setup: &Setup, clock: &ManualClock, disk: &SimDisk) -> (Hub, Queues) {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = match setup.mode {
        Mode::Memory => builder.memory(),
        Mode::Written => builder.durability(Durability::Written).open("/hub"),
        Mode::Synced => builder.open("/hub"),
    };
    let hub = hub.expect("the hub opens");
    let jobs = setup.tell(hub.queue(JOBS)).open().expect("the queue opens");
    let kept = |name| hub.queue(name).on_exhausted(OnExhausted::Keep).open().expect("it opens");
    let queues = Queues { jobs, dead: kept(DEAD), late: kept(LATE) };
    (hub, queues)
}

impl Subject {
    pub fn new(setup: &Setup) -> Self {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let (hub, queues) = open(setup, &clock, &disk);
        Self { clock, disk, held: Vec::new(), consumer: None, hub, queues }
    }

    /// Alters what the open queue was told.
    pub fn alter(&mut self, setup: &Setup) {
        setup.tell(self.hub.queue(JOBS)).open().expect("the queue is altered");
    }

    pub fn reopen(&mut self, setup: &Setup) {
        self.held.clear();
        self.consumer = None;
        (self.hub, self.queues) = open(setup, &self.clock, &self.disk);
    }

    /// The old hub goes on for a moment, on a disk that nobody looks at any more.
    pub fn crash(&mut self, setup: &Setup) {
        let fate = if setup.mode == Mode::Written { Unsynced::Kept } else { Unsynced::Dropped };
        self.disk = self.disk.image_with(self.disk.operation_count(), fate);
        self.reopen(setup);
    }

    /// Has the queue do what time brings: the counts of the very look that does it are those of before.
    pub fn look(&self) {
        self.queues.jobs.stats().expect("stats");
    }

    pub fn index(&self, which: usize) -> Option<usize> {
        which.checked_rem(self.held.len())
    }
}
