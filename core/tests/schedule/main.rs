//! What a user of schedules relies on, on the manual clock: semantics B4, "Cron".

mod calendar;
mod crash;
mod missed;
mod model;
mod verbs;

use jiff::Timestamp;
use ringmain::queue::{SCHEDULE, SCHEDULE_SLOT};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Delivery, Hub, ManualClock, Message, OnExhausted, Queue, ScheduleBuilder};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const JOBS: &str = "jobs";

/// A hub with a manual clock, in memory or on a simulated disk, and a queue in it.
struct Bench {
    clock: ManualClock,
    disk: Option<SimDisk>,
    hub: Hub,
    jobs: Queue,
}

/// Runs a test on a hub in memory, and on a durable one, from this time on.
fn on_both(from: &str, test: impl Fn(&mut Bench)) {
    for disk in [None, Some(SimDisk::new())] {
        test(&mut Bench::new(from, disk));
    }
}

/// Runs a test on a durable hub only: it is about what a directory keeps.
fn on_durable(from: &str, test: impl Fn(&mut Bench)) {
    test(&mut Bench::new(from, Some(SimDisk::new())));
}

fn open(clock: &ManualClock, disk: Option<&SimDisk>) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
    match disk {
        None => builder.memory().unwrap(),
        // So small a journal that checkpoints are a part of every test, and so is streaming.
        Some(disk) => builder
            .journal_bytes_max(24 << 10)
            .streaming_bytes_min(4 << 10)
            .storage(Arc::new(disk.clone()))
            .open("/hub")
            .unwrap(),
    }
}

fn jobs_of(hub: &Hub) -> Queue {
    hub.queue(JOBS).on_exhausted(OnExhausted::Drop).open().unwrap()
}

fn ns(time: &str) -> u64 {
    time.parse::<Timestamp>().unwrap().as_nanosecond().try_into().unwrap()
}

/// The time of a slot, as it is written.
fn time(slot_ns: u64) -> String {
    Timestamp::from_nanosecond(slot_ns.into()).unwrap().to_string()
}

impl Bench {
    fn new(from: &str, disk: Option<SimDisk>) -> Self {
        let clock = ManualClock::new();
        clock.advance(Duration::from_nanos(ns(from) - clock.now_ns()));
        let hub = open(&clock, disk.as_ref());
        let jobs = jobs_of(&hub);
        Self { clock, disk, hub, jobs }
    }

    /// A schedule that sends its name to the queue.
    fn schedule(&self, name: &'static str, expression: &str) -> ScheduleBuilder<'static> {
        self.hub.schedule(name).cron(expression).to(&self.jobs).message(Message::new(name))
    }

    /// Moves the clock in small steps, as a process that runs all the time sees it.
    fn run_until(&self, until: &str) {
        while self.clock.now_ns() < ns(until) {
            let left = Duration::from_nanos(ns(until) - self.clock.now_ns());
            self.clock.advance(left.min(Duration::from_secs(20)));
        }
    }

    /// Moves the clock at once: the machine slept, or its clock was set.
    fn jump_to(&self, time: &str) {
        self.clock.advance(Duration::from_nanos(ns(time) - self.clock.now_ns()));
    }

    /// Closes the hub, and opens it again at another time.
    fn closed_until(&mut self, time: &str) {
        self.hub.close(Duration::MAX).unwrap();
        self.jump_to(time);
        self.hub = open(&self.clock, self.disk.as_ref());
        self.jobs = jobs_of(&self.hub);
    }

    /// Cuts the power: what was not synced is gone.
    fn crash(&mut self) {
        let disk = self.disk.as_mut().expect("a hub in memory does not survive");
        *disk = disk.image_with(disk.operation_count(), Unsynced::Dropped);
        self.hub = open(&self.clock, self.disk.as_ref());
        self.jobs = jobs_of(&self.hub);
    }

    /// The slots of all messages that can be received now; they are acked.
    fn slots(&self) -> Vec<String> {
        let deliveries = std::iter::from_fn(|| self.jobs.try_receive().unwrap());
        deliveries
            .inspect(|delivery| delivery.ack().unwrap())
            .map(|delivery| time(slot_of(&delivery)))
            .collect()
    }
}

fn slot_of(delivery: &Delivery) -> u64 {
    assert_eq!(delivery.header(SCHEDULE), Some(delivery.value()));
    std::str::from_utf8(delivery.header(SCHEDULE_SLOT).unwrap()).unwrap().parse().unwrap()
}
