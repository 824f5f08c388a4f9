//! What a user of event streams relies on, on the manual clock: a file for each group of rules of semantics B8 to B18.
#![cfg(feature = "simulation")]

mod bounded;
mod deleting;
mod expected;
mod fetch;
mod filter;
mod follow;
mod groups;
mod linger;
mod partitioner;
mod producer;
mod replay;
mod reset;
mod time;

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Durability, Hub, ManualClock};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A hub with a manual clock, in memory or on a simulated disk.
struct Bench {
    clock: ManualClock,
    disk: Option<SimDisk>,
    durability: Durability,
    hub: Hub,
}

/// Runs a test on a hub in memory, and on a durable one.
fn hubs(test: impl Fn(&mut Bench)) {
    for disk in [None, Some(SimDisk::new())] {
        test(&mut Bench::new(disk, Durability::Synced));
    }
}

/// Runs a test on a durable hub only: it is about what a directory keeps.
fn durable_hubs(test: impl Fn(&mut Bench)) {
    for durability in [Durability::Synced, Durability::Relaxed] {
        test(&mut Bench::new(Some(SimDisk::new()), durability));
    }
}

fn open(clock: &ManualClock, disk: Option<&SimDisk>, durability: Durability) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
    match disk {
        None => builder.memory().unwrap(),
        Some(disk) => builder.durability(durability).storage(Arc::new(disk.clone())).open("/hub").unwrap(),
    }
}

impl Bench {
    fn new(disk: Option<SimDisk>, durability: Durability) -> Self {
        let clock = ManualClock::new();
        let hub = open(&clock, disk.as_ref(), durability);
        Self { clock, disk, durability, hub }
    }

    /// Closes the hub and opens its directory again. Streams must be opened anew.
    fn reopen(&mut self) {
        self.hub.close(Duration::MAX).unwrap();
        self.hub = open(&self.clock, self.disk.as_ref(), self.durability);
    }

    /// Cuts the power: what was not synced is gone.
    fn crash(&mut self) {
        let disk = self.disk.as_mut().expect("a hub in memory does not survive");
        *disk = disk.image_with(disk.operation_count(), Unsynced::Dropped);
        self.hub = open(&self.clock, self.disk.as_ref(), self.durability);
    }
}
