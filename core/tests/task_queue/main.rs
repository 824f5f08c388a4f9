//! What a user of queues relies on, on the manual clock: a file for each group of rules of semantics B1 to B12. The shadow
//! model in `queue_model` covers their combinations.

mod ageing;
mod batch;
mod by_id;
mod capacity;
mod counting;
mod dead_letters;
mod deadline;
mod dedup;
mod defer;
mod delay;
mod dying;
mod explain;
mod finished;
mod found;
mod full_dead_letters;
mod gather;
mod groups;
mod halt;
mod lease;
mod leases;
mod limits;
mod metrics;
mod order;
mod purge;
mod ready;
mod send_async;
mod spill;
mod stragglers;
mod ttl;
mod verbs;
mod waking;

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, Delivery, Hub, Jitter, ManualClock, Message, OnExhausted, Queue, QueueBuilder, QueueStats, Retry,
};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A hub with a manual clock, in memory or on a simulated disk.
struct Bench {
    clock: ManualClock,
    disk: Option<SimDisk>,
    hub: Hub,
}

/// Runs a test on a hub in memory, and on a durable one.
fn on_both(test: impl Fn(&mut Bench)) {
    for disk in [None, Some(SimDisk::new())] {
        let clock = ManualClock::new();
        let hub = open(&clock, disk.as_ref());
        test(&mut Bench { clock, disk, hub });
    }
}

/// Runs a test on a durable hub only: it is about what a directory keeps.
fn on_durable(test: impl Fn(&mut Bench)) {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let hub = open(&clock, Some(&disk));
    test(&mut Bench { clock, disk: Some(disk), hub });
}

fn open(clock: &ManualClock, disk: Option<&SimDisk>) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
    match disk {
        None => builder.memory().unwrap(),
        Some(disk) => builder.storage(Arc::new(disk.clone())).open("/hub").unwrap(),
    }
}

impl Bench {
    /// A queue that drops what is exhausted, and retries after ten seconds.
    fn queue(&self, name: &str) -> QueueBuilder {
        let retry = Retry { base: 10 * SECOND, factor: 1.0, jitter: Jitter::None, ..Retry::default() };
        self.hub.queue(name).retry(retry).on_exhausted(OnExhausted::Drop)
    }

    /// Closes the hub and opens its directory again. Queues must be opened anew.
    fn reopen(&mut self) {
        self.hub.close(Duration::MAX).unwrap();
        self.hub = open(&self.clock, self.disk.as_ref());
    }

    /// Cuts the power: what was not synced is gone.
    fn crash(&mut self) {
        let disk = self.disk.as_mut().expect("a hub in memory does not survive");
        *disk = disk.image_with(disk.operation_count(), Unsynced::Dropped);
        self.hub = open(&self.clock, self.disk.as_ref());
    }
}

fn send(queue: &Queue, message: Message<'_>) -> u64 {
    queue.send(message).unwrap()
}

fn receive(queue: &Queue) -> Option<Delivery> {
    queue.try_receive().unwrap()
}

/// The value of the next message, which is acked.
fn take(queue: &Queue) -> Option<String> {
    let delivery = receive(queue)?;
    delivery.ack().unwrap();
    Some(String::from_utf8(delivery.value().to_vec()).unwrap())
}

/// The values of all messages that can be received now, in order; they are acked one by one.
fn take_all(queue: &Queue) -> Vec<String> {
    std::iter::from_fn(|| take(queue)).collect()
}

fn stats(queue: &Queue) -> QueueStats {
    queue.stats().unwrap()
}
