//! What a user of event streams relies on, on the manual clock: a file for each group of rules of semantics B8 to B18.
#![cfg(feature = "simulation")]

mod bounded;
mod commits;
mod deleting;
mod expected;
mod fetch;
mod filter;
mod follow;
mod gaps;
mod gate;
mod groups;
mod growth;
mod info;
mod linger;
mod partitioner;
mod poll;
mod producer;
mod ready;
mod replay;
mod reset;
mod table;
mod time;
mod until_read;
mod worker;

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Durability, Hub, ManualClock, Message, Start, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
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

/// A waker, and how often it was called.
fn counting_wakes() -> (Waker, Arc<Wakes>) {
    let wakes = Arc::new(Wakes::default());
    (Waker::from(wakes.clone()), wakes)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Appends records whose values are their numbers, from `first` on.
fn append(stream: &Stream, count: u64) {
    let first = end(stream);
    for number in first..first + count {
        stream.append(Message::new(&number.to_string())).unwrap();
    }
}

/// Offsets of what a reader of the first partition sees from the start.
fn held(stream: &Stream) -> Vec<u64> {
    stream.partition_reader(0, Start::Earliest).unwrap().map(|record| record.unwrap().offset()).collect()
}

fn start(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].start
}

fn end(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].end
}

fn bytes(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].bytes
}
