//! What the shadow model found, and stays mended.

use crate::{SECOND, on_both, receive, send, take, take_all};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, Consumer, Delivery, Hub, Jitter, ManualClock, Message, OnExhausted, Queue, Rate, Retry,
};
use std::{sync::Arc, time::Duration};
fn open(disk: &SimDisk, clock: &ManualClock) -> (Hub, Queue) {
    let hub = Hub::builder()
        .clock(Clock::Manual(clock.clone()))
        .storage(Arc::new(disk.clone()))
        .open("/hub")
        .unwrap();
    let jobs = hub.queue("jobs").dead_letter("jobs.dead").max_failures(1).open().unwrap();
    (hub, jobs)
}
fn taken_ahead(disk: &SimDisk, clock: &ManualClock) -> (Hub, Queue, Consumer, Delivery) {
    let (hub, jobs) = open(disk, clock);
    jobs.send(Message::new("first")).unwrap();
    jobs.send(Message::new("second")).unwrap();
    jobs.send(Message::new("waits behind them").priority(1)).unwrap();
    let mut consumer = jobs.consumer().prefetch(2).start().unwrap();
    let first = consumer.next().unwrap();
    (hub, jobs, consumer, first)
}
#[test]
fn a_message_that_was_cancelled_while_taken_ahead_stays_gone() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let (hub, jobs, consumer, first) = taken_ahead(&disk, &clock);
    assert!(jobs.cancel_now(1).unwrap());
    hub.close(Duration::from_secs(60)).unwrap();
    drop((consumer, first, jobs));
    let (_hub, jobs) = open(&disk, &clock);
    let ids: Vec<u64> = jobs.peek(0, 10).unwrap().iter().map(|p| p.id()).collect();
    assert_eq!(ids, [0, 2]);
}

#[test]
fn a_message_that_died_while_taken_ahead_is_only_a_letter_after_reopening() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let (hub, jobs, consumer, first) = taken_ahead(&disk, &clock);
    clock.advance(Duration::from_secs(31));
    assert_eq!(jobs.stats().unwrap().dead_letters, 2);
    hub.close(Duration::from_secs(60)).unwrap();
    drop((consumer, first, jobs));
    let (_hub, jobs) = open(&disk, &clock);
    let ids: Vec<u64> = jobs.peek(0, 10).unwrap().iter().map(|p| p.id()).collect();
    assert_eq!(ids, [2]);
}

#[test]
fn a_retry_holds_up_its_ordering_key_after_reopening_too() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let (hub, _) = open(&disk, &clock);
    let open_jobs = |hub: &Hub| {
        hub.queue("jobs")
            .dead_letter("jobs.dead")
            .retry(Retry {
                base: Duration::from_secs(60),
                factor: 1.0,
                cap: Duration::from_secs(60),
                jitter: Jitter::None,
            })
            .max_failures(5)
            .open()
            .unwrap()
    };
    let jobs = open_jobs(&hub);
    jobs.send(Message::new("other").priority(9)).unwrap();
    jobs.send(Message::new("a1").ordering_key("a")).unwrap();
    jobs.send(Message::new("a2").ordering_key("a")).unwrap();
    let mut consumer = jobs.consumer().prefetch(2).start().unwrap();
    let first = consumer.next().unwrap();
    first.ack().unwrap();
    clock.advance(Duration::from_secs(31));
    assert!(jobs.try_receive().unwrap().is_none(), "a1 waits for its retry");
    hub.close(Duration::from_secs(60)).unwrap();
    drop((consumer, first, jobs));
    let (hub, _) = open(&disk, &clock);
    let jobs = open_jobs(&hub);
    assert_eq!(jobs.try_receive().unwrap().map(|d| d.id()), None, "a1 still waits for its retry");
}

#[test]
fn what_was_cancelled_is_not_handed_out_by_a_consumer_of_a_memory_hub() {
    let clock = ManualClock::new();
    let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory().unwrap();
    let jobs = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
    for n in ["1", "2", "3"] {
        jobs.send(Message::new(n)).unwrap();
    }
    let mut consumer = jobs.consumer().prefetch(3).start().unwrap();
    let first = consumer.next().unwrap();
    assert!(jobs.cancel_now(1).unwrap());
    assert_eq!((first.id(), consumer.next().unwrap().id()), (0, 2));
}

#[test]
fn a_message_whose_key_changes_priority_is_received_when_it_is_ready() {
    let hub = Hub::memory();
    let jobs = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
    jobs.send(Message::new("a").ordering_key("k")).unwrap();
    jobs.send(Message::new("b").ordering_key("k").priority(5)).unwrap();
    jobs.try_receive().unwrap().unwrap().ack().unwrap();
    assert_eq!(jobs.stats().unwrap().ready, 1);
    assert!(jobs.try_receive().unwrap().is_some());
}

/// What is received next: attempts, failures and value.
fn next(jobs: &Queue) -> Option<(u32, u32, String)> {
    let delivery = jobs.try_receive().unwrap()?;
    delivery.ack().unwrap();
    let value = String::from_utf8(delivery.value().to_vec()).unwrap();
    Some((delivery.attempts(), delivery.failures(), value))
}

/// Leases that were taken ahead and never started used to count as attempts until the hub was reopened, and to move their message
/// before those that were due earlier.
#[test]
fn what_was_only_taken_ahead_counts_for_nothing_and_keeps_its_place_whether_the_hub_is_reopened_or_not() {
    for is_reopened in [false, true] {
        let (disk, clock) = (SimDisk::new(), ManualClock::new());
        let (mut hub, mut jobs) = open(&disk, &clock);
        jobs.send(Message::new("due second").delay(Duration::from_secs(2))).unwrap();
        jobs.send(Message::new("due first").delay(Duration::from_secs(1))).unwrap();
        jobs.send(Message::new("plain")).unwrap();
        clock.advance(Duration::from_secs(3));
        let mut consumer = jobs.consumer().prefetch(3).start().unwrap();
        consumer.next().unwrap().release().unwrap();
        drop(consumer);
        if is_reopened {
            hub.close(Duration::from_secs(60)).unwrap();
            (hub, jobs) = open(&disk, &clock);
        }
        let order: Vec<_> = std::iter::from_fn(|| next(&jobs)).collect();
        let wanted = [(2, 0, "due first"), (1, 0, "due second"), (1, 0, "plain")];
        assert_eq!(order, wanted.map(|(attempts, failures, value)| (attempts, failures, value.to_owned())));
        drop(hub);
    }
}

#[test]
fn what_was_out_when_the_process_died_is_ready_at_once_with_a_failure_more() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let (hub, _) = open(&disk, &clock);
    let jobs = hub.queue("jobs").max_failures(5).open().unwrap();
    jobs.send(Message::new("x")).unwrap();
    let held = jobs.try_receive().unwrap();
    hub.flush().unwrap();
    let disk = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    let hub =
        Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk)).open("/hub").unwrap();
    let jobs = hub.queue("jobs").open().unwrap();
    assert_eq!(next(&jobs), Some((2, 1, "x".to_owned())));
    drop(held);
}

#[test]
fn a_message_that_comes_back_to_its_key_stands_before_one_that_was_let_go_meanwhile() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(2).open().unwrap();
        for value in ["first", "second", "third", "fourth"] {
            send(&queue, Message::new(value).key("a"));
        }
        let (first, second) = (receive(&queue).unwrap(), receive(&queue).unwrap());
        assert!(receive(&queue).is_none());
        second.ack().unwrap();
        first.release().unwrap();
        assert_eq!(take_all(&queue), ["first", "third", "fourth"]);
    });
}

#[test]
fn a_key_lets_a_more_urgent_message_go_though_another_one_was_let_go_before() {
    on_both(|b| {
        let queue = b.queue("jobs").rate_per_key(Rate::per_second(1.0)).open().unwrap();
        send(&queue, Message::new("at once").key("a"));
        send(&queue, Message::new("last").key("a").priority(0));
        assert_eq!(take_all(&queue), ["at once"]);
        b.clock.advance(SECOND);
        // The last one may go now, and is overtaken: by one that takes the token, and by one that waits for the next.
        send(&queue, Message::new("most urgent").key("a").priority(9));
        send(&queue, Message::new("urgent").key("a").priority(8));
        send(&queue, Message::new("of no key"));
        let held = queue.receive_batch(2, SECOND).unwrap();
        assert_eq!(held.len(), 2);
        b.clock.advance(SECOND);
        assert_eq!(take(&queue).unwrap(), "urgent");
    });
}

/// A lease that ran out before it was started used to be no lease when the log was read back: its message lost its place.
#[test]
fn what_ran_out_unstarted_and_is_retried_at_once_has_its_place_after_reopening_too() {
    for is_reopened in [false, true] {
        let (disk, clock) = (SimDisk::new(), ManualClock::new());
        let (mut hub, _) = open(&disk, &clock);
        let retry = Retry { base: Duration::ZERO, jitter: Jitter::None, ..Retry::default() };
        let mut jobs = hub.queue("jobs").max_failures(5).retry(retry).open().unwrap();
        for message in [Message::new("first"), Message::new("second"), Message::new("due").delay(SECOND)] {
            jobs.send(message).unwrap();
        }
        let mut consumer = jobs.consumer().prefetch(2).start().unwrap();
        let first = consumer.next().unwrap();
        clock.advance(31 * SECOND);
        assert_eq!(jobs.stats().unwrap().leases_expired_total, 2);
        if is_reopened {
            hub.close(Duration::from_secs(60)).unwrap();
            (hub, _) = open(&disk, &clock);
            jobs = hub.queue("jobs").max_failures(5).open().unwrap();
        }
        let order: Vec<_> = std::iter::from_fn(|| next(&jobs)).collect();
        let wanted = [(2, 1, "first"), (2, 1, "second"), (1, 0, "due")];
        assert_eq!(order, wanted.map(|(attempts, failures, value)| (attempts, failures, value.to_owned())));
        drop((hub, consumer, first));
    }
}
