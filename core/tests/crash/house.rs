//! The hub under test: its queues and its stream, always opened in the same way.

use ringmain::storage::Storage;
use ringmain::{
    Clock, Durability, Hub, Jitter, ManualClock, OnExhausted, Queue, Result, Retry, SeededBug, Stream,
};
use std::sync::Arc;
use std::time::Duration;

/// Not in the root, so that the names on the way to it must be made durable too.
pub const DIRECTORY: &str = "/var/lib/hub";
pub const LEASE: Duration = Duration::from_secs(30);
pub const PARTITIONS: u32 = 2;
pub const JOURNAL_BYTES_MAX: u64 = 24 << 10;
pub const GROUP: &str = "billing";
pub const JOBS: &str = "jobs";
pub const MAIL: &str = "mail";
pub const DEAD: &str = "jobs.dead";

/// How it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub durability: Durability,
    pub bug: Option<SeededBug>,
}

impl Plan {
    pub const SYNCED: Self = Self { durability: Durability::Synced, bug: None };
}

/// See the module's description. `jobs` moves its exhausted messages to `dead`, `mail` drops them.
#[derive(Debug)]
pub struct House {
    pub hub: Hub,
    pub jobs: Queue,
    pub mail: Queue,
    pub dead: Queue,
    pub events: Stream,
}

/// Failures after which a message of a queue is exhausted.
pub fn failures_max(queue: &str) -> u64 {
    if queue == JOBS { 3 } else { 2 }
}

impl House {
    pub fn open(plan: Plan, storage: Arc<dyn Storage>, clock: &ManualClock) -> Result<Self> {
        let mut builder = Hub::builder()
            .storage(storage)
            .clock(Clock::Manual(clock.clone()))
            .durability(plan.durability)
            // So small that checkpoints are a part of every workload.
            .journal_bytes_max(JOURNAL_BYTES_MAX);
        if let Some(bug) = plan.bug {
            builder = builder.seeded_bug(bug);
        }
        let hub = builder.open(DIRECTORY)?;
        let retry = Retry { base: Duration::from_secs(1), jitter: Jitter::None, ..Retry::default() };
        let queue = |name: &str, policy| {
            hub.queue(name)
                .lease(LEASE)
                .retry(retry)
                .max_failures(failures_max(name) as u32)
                .on_exhausted(policy)
                .open()
        };
        let jobs = queue(JOBS, OnExhausted::DeadLetter(DEAD.into()))?;
        let mail = queue(MAIL, OnExhausted::Drop)?;
        let dead = hub.queue(DEAD).on_exhausted(OnExhausted::Keep).open()?;
        let events = hub.stream("events").partitions(PARTITIONS).open()?;
        Ok(Self { hub, jobs, mail, dead, events })
    }

    pub fn queue(&self, name: &str) -> &Queue {
        match name {
            JOBS => &self.jobs,
            MAIL => &self.mail,
            _ => &self.dead,
        }
    }
}
