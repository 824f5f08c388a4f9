//! What who handles messages outside of a worker's threads relies on: leases that are looked after.

use ringmain::{Clock, Delivery, Error, Hub, Keeper, ManualClock, Message, Queue};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    clock: ManualClock,
    queue: Queue,
    keeper: Keeper,
    _scratch: Option<tempfile::TempDir>,
}

fn bench(scratch: Option<tempfile::TempDir>) -> Bench {
    let clock = ManualClock::new();
    let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
    let hub = match &scratch {
        Some(directory) => builder.open(directory.path()).unwrap(),
        None => builder.memory().unwrap(),
    };
    let queue = hub.queue("jobs").lease(30 * SECOND).dead_letter("jobs.dead").open().unwrap();
    let keeper = queue.keeper().unwrap();
    Bench { clock, queue, keeper, _scratch: scratch }
}

fn on_both_kinds_of_hub(test: impl Fn(&Bench)) {
    test(&bench(None));
    test(&bench(Some(tempfile::tempdir().unwrap())));
}

impl Bench {
    fn held(&self, total_max: Option<Duration>) -> Arc<Delivery> {
        self.queue.send(Message::new(b"x")).unwrap();
        let job = Arc::new(self.queue.try_receive().unwrap().unwrap());
        self.keeper.hold(&job, total_max);
        job
    }

    /// Moves the clock by so many steps of 10 s, the third of a lease.
    fn thirds(&self, count: u32) {
        (0..count).for_each(|_| self.clock.advance(10 * SECOND));
    }

    fn leases_expired(&self) -> u64 {
        self.queue.stats().unwrap().leases_expired_total
    }
}

#[test]
fn a_held_message_stays_with_its_holder_for_many_leases() {
    on_both_kinds_of_hub(|b| {
        let job = b.held(None);
        b.thirds(100);
        assert_eq!(b.leases_expired(), 0);
        job.ack().unwrap();
        assert!(b.keeper.take_lost().is_empty());
    });
}

#[test]
fn a_held_message_is_lost_when_its_total_is_over_and_that_is_told() {
    on_both_kinds_of_hub(|b| {
        let job = b.held(Some(60 * SECOND));
        b.thirds(5);
        assert_eq!(b.leases_expired(), 0);
        b.thirds(5);
        assert_eq!(b.leases_expired(), 1);
        assert_eq!(b.keeper.take_lost(), [job.id()]);
        assert!(matches!(job.ack(), Err(Error::LeaseLost { .. })));
    });
}

#[test]
fn a_holder_that_does_not_beat_loses_its_messages_and_one_that_does_keeps_them() {
    on_both_kinds_of_hub(|b| {
        b.keeper.stall_after(40 * SECOND);
        let job = b.held(None);
        for _ in 0..20 {
            b.thirds(1);
            b.keeper.beat();
        }
        assert_eq!(b.leases_expired(), 0);
        b.thirds(10);
        assert_eq!(b.leases_expired(), 1);
        assert_eq!(b.keeper.take_lost(), [job.id()]);
    });
}

#[test]
fn a_message_that_is_let_go_has_its_lease_and_no_more() {
    on_both_kinds_of_hub(|b| {
        let job = b.held(None);
        b.thirds(6);
        b.keeper.let_go(&job);
        b.thirds(4);
        assert_eq!(b.leases_expired(), 1);
    });
}

#[test]
fn a_held_delivery_that_is_dropped_is_handed_back_at_once() {
    on_both_kinds_of_hub(|b| {
        drop(b.held(None));
        assert_eq!(b.queue.try_receive().unwrap().unwrap().failures(), 0);
    });
}

#[test]
fn a_message_that_its_holder_settled_is_not_told_as_lost() {
    on_both_kinds_of_hub(|b| {
        let job = b.held(None);
        job.fail("no").unwrap();
        b.thirds(10);
        assert!(b.keeper.take_lost().is_empty());
        assert_eq!(b.leases_expired(), 0);
    });
}

#[test]
fn without_a_keeper_the_same_message_is_lost() {
    on_both_kinds_of_hub(|b| {
        b.queue.send(Message::new(b"x")).unwrap();
        let _job = b.queue.try_receive().unwrap().unwrap();
        b.thirds(4);
        assert_eq!(b.leases_expired(), 1);
    });
}

#[test]
fn on_the_clock_of_the_system_a_thread_of_the_keepers_own_prolongs() {
    let hub = Hub::memory();
    let lease = Duration::from_millis(30);
    let queue = hub.queue("jobs").lease(lease).dead_letter("jobs.dead").open().unwrap();
    let keeper = queue.keeper().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    let job = Arc::new(queue.try_receive().unwrap().unwrap());
    keeper.hold(&job, Some(Duration::from_millis(90)));
    // It is prolonged, then it is not, and then it is another's.
    assert_eq!(queue.receive(Duration::from_secs(60)).unwrap().unwrap().id(), job.id());
}
