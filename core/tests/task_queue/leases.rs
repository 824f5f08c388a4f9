//! What leases are measured from, and for whom they count (semantics B2 and B3).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::Message;
use std::time::Duration;

#[test]
fn what_was_taken_ahead_counts_for_nothing_if_the_process_dies_and_what_was_handed_out_does() {
    on_durable(|b| {
        let queue = b.queue("jobs").max_failures(5).open().unwrap();
        for value in ["in hand", "ahead 1", "ahead 2"] {
            send(&queue, Message::new(value));
        }
        let mut consumer = queue.consumer().prefetch(10).start().unwrap();
        let in_hand = consumer.next().unwrap();
        assert_eq!((in_hand.value(), stats(&queue).leased), (&b"in hand"[..], 3));
        b.hub.flush().unwrap();
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        let taken = [(); 3].map(|()| receive(&queue).unwrap());
        let counts = taken.each_ref().map(|delivery| (delivery.failures(), delivery.attempts()));
        assert_eq!((taken[0].value(), counts), (&b"in hand"[..], [(1, 2), (0, 1), (0, 1)]));
    });
}

#[test]
fn what_was_taken_ahead_when_the_power_went_can_be_cancelled_for_good_after_that() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["in hand", "ahead", "received"].map(|value| send(&queue, Message::new(value)));
        let mut consumer = queue.consumer().prefetch(2).start().unwrap();
        let _in_hand = consumer.next().unwrap();
        let _received = receive(&queue).unwrap();
        b.hub.flush().unwrap();
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        for id in ids {
            assert!(queue.cancel(id).unwrap());
        }
        b.crash();
        b.clock.advance(100 * SECOND);
        assert!(take_all(&b.queue("jobs").open().unwrap()).is_empty());
    });
}

#[test]
fn what_was_taken_ahead_and_failed_later_is_not_forgotten_by_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").lease(SECOND).open().unwrap();
        for value in ["in hand", "ran out"] {
            send(&queue, Message::new(value));
        }
        let mut consumer = queue.consumer().prefetch(10).start().unwrap();
        let _in_hand = consumer.next().unwrap();
        b.clock.advance(SECOND);
        b.hub.flush().unwrap();
        b.crash();
        b.clock.advance(10 * SECOND);
        let queue = b.queue("jobs").open().unwrap();
        let failures =
            [receive(&queue).unwrap(), receive(&queue).unwrap()].map(|delivery| delivery.failures());
        assert_eq!(failures, [1, 1]);
    });
}

#[test]
fn a_message_that_was_taken_ahead_is_leased_for_the_whole_time_from_when_it_is_handed_out() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(10 * SECOND).open().unwrap();
        for value in ["a", "b", "c"] {
            send(&queue, Message::new(value));
        }
        let mut consumer = queue.consumer().prefetch(10).start().unwrap();
        consumer.next().unwrap().ack().unwrap();
        b.clock.advance(6 * SECOND);
        let second = consumer.next().unwrap();
        b.clock.advance(6 * SECOND);
        second.ack().expect("it was handed out 6 s ago");
        assert_eq!(stats(&queue).leases_expired_total, 1, "the third waited for too long, and is another's");
        drop(consumer);
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["c"]);
    });
}

#[test]
fn a_message_on_its_last_chance_is_delivered_alone() {
    on_both(|b| {
        let queue = b.queue("jobs").max_failures(2).open().unwrap();
        send(&queue, Message::new("bad"));
        receive(&queue).unwrap().fail("boom").unwrap();
        b.clock.advance(10 * SECOND);
        for value in ["good 1", "good 2"] {
            send(&queue, Message::new(value));
        }
        let all = || queue.receive_batch(10, Duration::ZERO).unwrap();
        let alone = all();
        assert_eq!((alone.len(), alone[0].value()), (1, &b"bad"[..]));
        assert_eq!(all().len(), 2, "those that are not are delivered together");
    });
}

#[test]
fn what_is_said_of_a_message_that_was_taken_ahead_from_a_bounded_queue_outlives_the_hub() {
    on_durable(|b| {
        let jobs = |b: &crate::Bench| {
            let capacity = ringmain::Capacity { messages: Some(100), ..ringmain::Capacity::default() };
            b.queue("jobs").capacity(capacity).open().unwrap()
        };
        let queue = jobs(b);
        let [_, other] = ["a", "b"].map(|value| send(&queue, Message::new(value)));
        let mut consumer = queue.consumer().prefetch(2).start().unwrap();
        consumer.next().unwrap().ack().unwrap();
        drop(consumer);
        assert!(queue.cancel(other).unwrap());
        drop(queue);
        b.reopen();
        assert!(take_all(&jobs(b)).is_empty(), "it was cancelled");
    });
}
