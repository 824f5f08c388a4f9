//! The queue under test, on a simulated disk and a manual clock.

use crate::model::FAILURES_MAX;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Consumer, Delivery, Durability, Hub, Jitter, ManualClock, OnExhausted, Queue, Retry};
use std::sync::Arc;
use std::time::Duration;

pub const DEAD: &str = "jobs.dead";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Memory,
    /// A crash is a killed process: everything written is there.
    Written,
    /// A crash is a power cut: nothing unsynced is there.
    Synced,
}

/// The queue under test.
pub struct Subject {
    pub mode: Mode,
    pub policy: OnExhausted,
    pub clock: ManualClock,
    pub disk: SimDisk,
    pub held: Vec<Held>,
    pub consumer: Option<Consumer>,
    pub hub: Hub,
    pub jobs: Queue,
    pub dead: Queue,
}

pub struct Held {
    pub delivery: Delivery,
    pub id: u64,
    pub attempt: u32,
    /// A verb ended it: dropping it does nothing.
    pub ended: bool,
}

fn open(mode: Mode, policy: &OnExhausted, clock: &ManualClock, disk: &SimDisk) -> (Hub, Queue, Queue) {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = match mode {
        Mode::Memory => builder.memory(),
        Mode::Written => builder.durability(Durability::Written).open("/hub"),
        Mode::Synced => builder.open("/hub"),
    };
    let hub = hub.expect("the hub opens");
    let retry = Retry {
        base: Duration::from_millis(500),
        factor: 2.0,
        cap: Duration::from_secs(3),
        jitter: Jitter::None,
    };
    let jobs = hub.queue("jobs").max_failures(FAILURES_MAX).retry(retry).on_exhausted(policy.clone()).open();
    let dead = hub.queue(DEAD).on_exhausted(OnExhausted::Keep).open();
    (hub, jobs.expect("the queue opens"), dead.expect("the dead letter queue opens"))
}

impl Subject {
    pub fn new(mode: Mode, policy: OnExhausted) -> Self {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let (hub, jobs, dead) = open(mode, &policy, &clock, &disk);
        Self { mode, policy, clock, disk, held: Vec::new(), consumer: None, hub, jobs, dead }
    }

    pub fn reopen(&mut self) {
        self.held.clear();
        self.consumer = None;
        (self.hub, self.jobs, self.dead) = open(self.mode, &self.policy, &self.clock, &self.disk);
    }

    /// The old hub goes on for a moment, on a disk that nobody looks at any more.
    pub fn crash(&mut self) {
        let fate = if self.mode == Mode::Written { Unsynced::Kept } else { Unsynced::Dropped };
        self.disk = self.disk.image_with(self.disk.operation_count(), fate);
        self.reopen();
    }

    /// Has the queue do what time brings: the counts of the very look that does it are those of before.
    pub fn look(&self) {
        self.jobs.stats().expect("stats");
    }

    pub fn index(&self, which: usize) -> Option<usize> {
        which.checked_rem(self.held.len())
    }
}
