//! That a queue with a capacity counts everything that is in it, whoever put it there, and however (semantics B12).

use crate::{Bench, SECOND, on_both, receive, send, stats};
use ringmain::{Capacity, Error, Letters, Message, Overflow, Queue, Redrive};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many messages are in a queue.
fn held(queue: &Queue) -> u64 {
    let stats = stats(queue);
    stats.ready + stats.scheduled + stats.blocked + stats.leased + stats.deferred
}

fn limit(b: &Bench, messages: Option<u64>) -> Queue {
    let capacity = Capacity { messages, overflow: Overflow::Reject, ..Capacity::default() };
    b.queue("jobs").capacity(capacity).open().unwrap()
}

fn is_full(queue: &Queue) -> bool {
    match queue.send(Message::new("x")) {
        Ok(_) => false,
        Err(Error::Full { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

/// Gives the queue room for one message more than it holds, and shows that it has room for just that.
fn assert_counted(b: &Bench, queue: &Queue) {
    let count = held(queue);
    limit(b, Some(count));
    assert!(is_full(queue), "{count} are there");
    limit(b, Some(count + 1));
    assert!(!is_full(queue), "{count} are there");
    assert!(is_full(queue), "{} are there", count + 1);
}

fn drain(queue: &Queue) {
    while let Some(delivery) = receive(queue) {
        delivery.ack().unwrap();
    }
}

#[test]
fn what_nobody_has_waited_for_counts_when_a_capacity_is_given() {
    on_both(|b| {
        let queue = limit(b, None);
        let receipts = ["a", "b", "c"].map(|value| queue.submit(Message::new(value)).unwrap());
        limit(b, Some(3));
        assert!(is_full(&queue));
        limit(b, Some(4));
        assert!(!is_full(&queue) && is_full(&queue));
        for receipt in receipts {
            receipt.wait().unwrap();
        }
        drain(&queue);
        let taken = (0..4).filter(|_| !is_full(&queue)).count();
        assert!(taken == 4 && is_full(&queue), "and each makes room once");
    });
}

#[test]
fn whatever_is_in_a_queue_counts_when_a_capacity_is_given() {
    on_both(|b| {
        let queue = limit(b, None);
        let failing = b.hub.queue("failing").dead_letter("jobs").open().unwrap();
        for value in ["leased", "failed", "deferred", "released"] {
            send(&queue, Message::new(value));
        }
        let [_leased, failed, deferred, released] = [(); 4].map(|()| receive(&queue).unwrap());
        failed.fail_after("not yet", SECOND).unwrap();
        deferred.defer().unwrap();
        released.release().unwrap();
        send(&queue, Message::new("scheduled").delay(SECOND));
        send(&queue, Message::new("urgent").priority(9));
        send(&queue, Message::new("head").ordering_key("k"));
        send(&queue, Message::new("blocked").ordering_key("k"));
        send(&failing, Message::new("letter"));
        receive(&failing).unwrap().reject("never").unwrap();
        queue.cancel(send(&queue, Message::new("cancelled"))).unwrap();
        assert_eq!(held(&queue), 9);
        assert_counted(b, &queue);
        drop((_leased, deferred));
    });
}

#[test]
fn letters_and_what_they_are_sent_back_as_count_and_make_room_once() {
    on_both(|b| {
        let queue = limit(b, Some(100));
        let dead = b.hub.queue("dead").open().or_else(|_| b.queue("dead").open()).unwrap();
        b.queue("jobs").dead_letter("dead").open().unwrap();
        for _ in 0..5 {
            send(&queue, Message::new("x").priority(7));
            receive(&queue).unwrap().reject("never").unwrap();
        }
        drain(&queue);
        assert_eq!(dead.dead_letters().redrive(&Letters::default(), &Redrive::default()).unwrap(), 5);
        assert_counted(b, &queue);
        drain(&queue);
        let taken = (0..20).filter(|_| !is_full(&queue)).count() as u64;
        assert_eq!(taken, held(&queue));
        assert!(is_full(&queue));
    });
}

#[test]
fn a_capacity_that_is_altered_while_messages_come_and_go_loses_count_of_none() {
    on_both(|b| {
        for round in 0..20 {
            let queue = limit(b, None);
            let failing = b.hub.queue("failing").dead_letter("jobs").open().unwrap();
            let is_over = AtomicBool::new(false);
            let goes_on = || !is_over.load(Ordering::Relaxed);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for number in 0..400u32 {
                        let urgent = Message::new("urgent").priority(9);
                        let plain = Message::new("plain");
                        match number % 4 {
                            0 => drop(queue.send(urgent)),
                            1 => drop(queue.submit(plain).map(drop)),
                            2 => drop(queue.send_batch(&[plain, urgent])),
                            _ => drop(queue.send(plain)),
                        }
                    }
                });
                scope.spawn(|| {
                    for _ in 0..40 {
                        send(&failing, Message::new("letter"));
                        receive(&failing).unwrap().reject("never").unwrap();
                    }
                });
                scope.spawn(|| {
                    let mut kept = Vec::new();
                    while goes_on() {
                        for (index, delivery) in
                            queue.receive_batch(5, Duration::ZERO).unwrap().into_iter().enumerate()
                        {
                            match index {
                                0 => delivery.release().unwrap(),
                                1 => kept.push(delivery),
                                2 => delivery.fail_after("later", SECOND).unwrap(),
                                _ => delivery.ack().unwrap(),
                            }
                        }
                        kept.truncate(20);
                    }
                });
                for step in 0..20 {
                    limit(b, if step % 2 == 0 { Some(1 << 20) } else { None });
                    std::thread::yield_now();
                }
                limit(b, Some(1 << 20));
                is_over.store(true, Ordering::Relaxed);
            });
            assert_counted(b, &queue);
            b.clock.advance(2 * SECOND);
            drain(&queue);
            assert_eq!(held(&queue), 0);
            limit(b, Some(3));
            let taken = (0..4).filter(|_| !is_full(&queue)).count();
            assert_eq!(taken, 3, "round {round}");
            limit(b, None);
            drain(&queue);
        }
    });
}
