//! Verbs on many deliveries (semantics B1, batch verbs).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Delivery, Error, Message, Queue, Result};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn send_numbers(queue: &Queue, count: usize) {
    for number in 0..count {
        send(queue, Message::new(&number.to_string()));
    }
}

fn lost(result: &Result<()>) -> bool {
    matches!(result, Err(Error::LeaseLost { .. }))
}

#[test]
fn an_ack_up_to_a_delivery_acks_what_the_same_consumer_handed_out_before_and_nothing_else() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_numbers(&queue, 9);
        let mut ours = queue.consumer().prefetch(4).start().unwrap();
        let mut theirs = queue.consumer().start().unwrap();
        let first = ours.next().unwrap();
        let foreign = theirs.next().unwrap();
        let [second, third] = [ours.next().unwrap(), ours.next().unwrap()];
        ours.ack_up_to(&second).unwrap();
        assert_eq!((stats(&queue).acked_total, stats(&queue).leased), (2, 3));
        assert!(lost(&first.fail("too late")), "it was acked with the second");
        second.ack().expect("twice is once");
        assert!(matches!(ours.ack_up_to(&foreign), Err(Error::InvalidArgument { .. })));
        assert!(matches!(ours.ack_up_to(&second), Err(Error::InvalidArgument { .. })), "it is not out");
        let other = b.queue("other").open().unwrap();
        send_numbers(&other, 3);
        let same_id = other.receive_batch(3, Duration::ZERO).unwrap().pop().unwrap();
        assert_eq!(same_id.id(), third.id());
        assert!(matches!(ours.ack_up_to(&same_id), Err(Error::InvalidArgument { .. })));
        drop((first, second, third, foreign, ours, theirs));
        assert_eq!((stats(&queue).leased, take_all(&queue).len()), (0, 7));
    });
}

#[test]
fn what_was_said_of_an_earlier_delivery_stands() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).open().unwrap();
        send_numbers(&queue, 3);
        let mut consumer = queue.consumer().start().unwrap();
        let [failed, ran_out] = [consumer.next().unwrap(), consumer.next().unwrap()];
        failed.fail("no").unwrap();
        b.clock.advance(30 * SECOND);
        let [again, last] = [consumer.next().unwrap(), consumer.next().unwrap()];
        assert_eq!(again.id(), failed.id());
        assert!(lost(&consumer.ack_up_to(&ran_out)), "its own lease is lost");
        consumer.ack_up_to(&last).unwrap();
        assert_eq!((stats(&queue).acked_total, stats(&queue).scheduled), (2, 1));
    });
}

#[test]
fn a_consumer_that_settles_one_by_one_can_still_ack_the_rest_at_once() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_numbers(&queue, 5000);
        let mut consumer = queue.consumer().prefetch(100).start().unwrap();
        let kept: Vec<Delivery> = (0..5000)
            .filter_map(|number| {
                let delivery = consumer.next().unwrap();
                if number % 100 == 0 {
                    return Some(delivery);
                }
                delivery.ack().unwrap();
                None
            })
            .collect();
        consumer.ack_up_to(&kept[48]).unwrap();
        assert_eq!((stats(&queue).acked_total, stats(&queue).leased), (4999, 1));
    });
}

#[test]
fn a_batch_of_failures_or_releases_has_a_result_for_each_and_one_bad_one_spoils_none() {
    on_both(|b| {
        let [queue, other] = ["jobs", "other"].map(|name| b.queue(name).max_failures(1).open().unwrap());
        send_numbers(&queue, 4);
        send_numbers(&other, 1);
        let taken = queue.receive_batch(4, Duration::ZERO).unwrap();
        let foreign = receive(&other).unwrap();
        taken[1].ack().unwrap();
        let results = queue.release_batch(&[&taken[0], &taken[1], &foreign, &taken[0]]);
        assert!(results[0].is_ok() && lost(&results[1]) && lost(&results[3]));
        assert!(matches!(results[2], Err(Error::InvalidArgument { .. })));
        let results = queue.fail_batch(&[&taken[2], &foreign, &taken[3]], "no");
        assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
        assert_eq!((stats(&queue).failures_total, stats(&queue).dropped_total), (2, 2));
        let results = queue.ack_batch(&[&foreign, &receive(&queue).unwrap()]);
        assert!(results[0].is_err() && results[1].is_ok());
        assert_eq!((stats(&queue).acked_total, stats(&queue).leased), (2, 0));
        foreign.ack().expect("it is still out");
    });
}

#[test]
fn batches_survive_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_numbers(&queue, 6);
        let mut consumer = queue.consumer().start().unwrap();
        let taken: Vec<_> = consumer.by_ref().take(6).collect();
        consumer.ack_up_to(&taken[1]).unwrap();
        assert!(queue.fail_batch(&[&taken[2], &taken[3]], "no").iter().all(Result::is_ok));
        assert!(queue.release_batch(&[&taken[4], &taken[5]]).iter().all(Result::is_ok));
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!((stats(&queue).ready, stats(&queue).scheduled), (2, 2));
        assert_eq!(take_all(&queue), ["4", "5"]);
    });
}

#[test]
fn a_consumer_that_waits_for_a_time_or_in_a_task_gives_what_an_iterator_gives() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let mut consumer = queue.consumer().prefetch(4).start().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        assert!(consumer.receive(Duration::from_millis(1)).unwrap().is_none());
        assert!(consumer.poll_receive(&mut context).is_pending());
        for value in ["one", "two", "three"] {
            send(&queue, Message::new(value));
        }
        let first = consumer.receive(Duration::ZERO).unwrap().expect("three were sent");
        let Poll::Ready(second) = consumer.poll_receive(&mut context) else { panic!("three were sent") };
        let third = consumer.next().expect("three were sent");
        let values = [first.value(), second.as_ref().unwrap().value(), third.value()];
        assert_eq!(values, [&b"one"[..], b"two", b"three"]);
        consumer.ack_up_to(&third).unwrap();
        assert_eq!(stats(&queue).acked_total, 3);
        b.hub.close(Duration::MAX).unwrap();
        assert!(matches!(consumer.receive(Duration::ZERO), Err(Error::Closed { .. })));
    });
}

#[test]
fn a_delivery_that_is_named_twice_in_a_batch_is_acked_once_and_so_are_those_behind_it() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_numbers(&queue, 3);
        let taken = queue.receive_batch(3, Duration::ZERO).unwrap();
        let [first, second, third] = &taken[..] else { panic!("three were sent") };
        let results = queue.ack_batch(&[first, first, second, first, third]);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!((stats(&queue).acked_total, stats(&queue).leased), (3, 0));
    });
}
