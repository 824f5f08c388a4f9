//! What an operator is told: each event of `docs/events.md`, with what is in it. The subscriber of these tests asks the hub back
//! about each, so that a lock that was held meanwhile would be found by a test that never ends.

mod group;
mod hub;
mod queue;
mod recorder;
mod schedule;
mod stream;
mod worker;

use recorder::{ask_back, listen};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Hub, Jitter, ManualClock, QueueBuilder, Retry};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A hub on a simulated disk with a manual clock. Its directory has the name of the test, as its queues do: all tests share
/// one subscriber.
struct Bench {
    name: &'static str,
    clock: ManualClock,
    disk: SimDisk,
    hub: Hub,
}

impl Bench {
    fn new(name: &'static str) -> Self {
        listen();
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let hub = open(name, &clock, &disk);
        Self { name, clock, disk, hub }
    }

    /// The hub's directory.
    fn path(&self) -> String {
        format!("/{}", self.name)
    }

    /// A queue with the name of the test, whose dead letters go to another one.
    fn queue(&self) -> QueueBuilder {
        let retry = Retry { base: Duration::ZERO, factor: 1.0, jitter: Jitter::None, ..Retry::default() };
        self.hub.queue(self.name).retry(retry).dead_letter(&format!("{}.dead", self.name))
    }

    fn reopen(&mut self) {
        self.hub.close(Duration::MAX).unwrap();
        self.hub = open(self.name, &self.clock, &self.disk);
    }

    /// Cuts the power: what was not synced is gone, or half there.
    fn crash(&mut self, unsynced: Unsynced) {
        self.disk = self.disk.image_with(self.disk.operation_count(), unsynced);
        self.hub = open(self.name, &self.clock, &self.disk);
    }
}

fn open(name: &'static str, clock: &ManualClock, disk: &SimDisk) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = builder.open(format!("/{name}")).unwrap();
    ask_back(name, &hub);
    hub
}

/// Every event that the core can tell is in the table for operators, and none that it cannot.
#[test]
fn the_table_for_operators_has_every_event() {
    let names = |text: &str, before: &str, after: char| -> Vec<String> {
        let found = text.split(before).skip(1).filter_map(|rest| rest.split(after).next());
        let mut found: Vec<String> = found.map(str::to_owned).collect();
        found.sort();
        found.dedup();
        found
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let told = names(&read("src/notice.rs"), "name: \"", '"');
    assert!(told.len() > 20, "{told:?}");
    assert_eq!(told, names(&read("../docs/events.md"), "\n| `", '`'));
}
