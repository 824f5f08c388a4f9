//! Receiving several at a time (semantics B18, the consumer's side).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Delivery, Error, Message, Receive};
use std::time::Duration;

const NOW: Receive = Receive { count_min: 1, count_max: 500, bytes_max: 1 << 20, wait: Duration::ZERO };

fn values(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| std::str::from_utf8(delivery.value()).unwrap()).collect()
}

#[test]
fn a_batch_ends_before_the_message_that_does_not_fit_and_that_one_keeps_its_place() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["four", "5five", "x", "y"] {
            send(&queue, Message::new(value));
        }
        let receive = Receive { count_min: 4, bytes_max: 8, wait: Duration::MAX, ..NOW };
        let batch = queue.receive_with(receive).unwrap();
        assert_eq!(values(&batch), ["four"], "nothing more is waited for");
        assert_eq!((stats(&queue).ready, stats(&queue).leased), (3, 1));
        let receive = Receive { wait: Duration::ZERO, ..receive };
        assert_eq!(values(&queue.receive_with(receive).unwrap()), ["5five", "x", "y"]);
    });
}

#[test]
fn a_message_over_the_limit_is_delivered_alone() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["a", "much too long", "b"] {
            send(&queue, Message::new(value));
        }
        let receive = Receive { bytes_max: 4, ..NOW };
        let batches: Vec<_> = (0..3).map(|_| queue.receive_with(receive).unwrap()).collect();
        let batches: Vec<_> = batches.iter().map(|batch| values(batch)).collect();
        assert_eq!(batches, [["a"], ["much too long"], ["b"]]);
    });
}

#[test]
fn a_message_that_did_not_fit_survives_a_power_cut_without_penalty() {
    on_durable(|b| {
        let open = |b: &Bench| b.queue("jobs").max_failures(1).open().unwrap();
        let queue = open(b);
        for value in ["a", "too long", "b"] {
            send(&queue, Message::new(value));
        }
        let batch = queue.receive_with(Receive { bytes_max: 4, ..NOW }).unwrap();
        batch[0].ack().unwrap();
        b.crash();
        let queue = open(b);
        let next = receive(&queue).unwrap();
        assert_eq!((next.value(), next.attempts(), next.failures()), (&b"too long"[..], 1, 0));
        assert_eq!(take_all(&queue), ["b"]);
    });
}

#[test]
fn fewer_than_asked_for_come_when_the_time_is_over() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let receive = Receive { count_min: 3, wait: Duration::from_millis(1), ..NOW };
        assert!(queue.receive_with(receive).unwrap().is_empty());
        send(&queue, Message::new("one"));
        assert_eq!(values(&queue.receive_with(receive).unwrap()), ["one"]);
    });
}

#[test]
fn whoever_gathers_waits_for_as_many_as_it_wants_and_their_leases_begin_together() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let other = queue.clone();
        let gathering = std::thread::spawn(move || {
            other.receive_with(Receive { count_min: 3, count_max: 3, wait: Duration::MAX, ..NOW }).unwrap()
        });
        send(&queue, Message::new("one"));
        send(&queue, Message::new("two"));
        while stats(&queue).leased < 2 {
            std::thread::yield_now();
        }
        b.clock.advance(29 * SECOND);
        send(&queue, Message::new("three"));
        let batch = gathering.join().unwrap();
        assert_eq!(values(&batch), ["one", "two", "three"]);
        b.clock.advance(29 * SECOND);
        assert_eq!(stats(&queue).leases_expired_total, 0, "58 s after the first came");
        b.clock.advance(SECOND);
        assert_eq!(stats(&queue).leases_expired_total, 3);
    });
}

#[test]
fn whoever_stops_gathering_hands_back_what_has_come_and_it_counts_for_nothing() {
    on_both(|b| {
        let queue = b.queue("jobs").max_failures(1).open().unwrap();
        send(&queue, Message::new("one"));
        let receive = Receive { count_min: 2, wait: Duration::MAX, ..NOW };
        let mut pauses = 0;
        let stopped = queue.receive_while(receive, Duration::from_millis(1), || {
            pauses += 1;
            pauses < 3
        });
        assert_eq!((stopped.unwrap().len(), pauses), (0, 3));
        assert_eq!((stats(&queue).ready, stats(&queue).redeliveries_total), (1, 0));
        let short = Receive { wait: Duration::from_millis(5), ..receive };
        let came = queue.receive_while(short, Duration::from_millis(1), || true).unwrap();
        assert_eq!(values(&came), ["one"], "the time is over, though there were pauses");
        assert_eq!((came[0].attempts(), came[0].failures()), (1, 0));
    });
}

#[test]
fn closing_the_hub_wakes_whoever_gathers_and_releases_what_it_has() {
    on_durable(|b| {
        let queue = b.queue("jobs").max_failures(1).open().unwrap();
        send(&queue, Message::new("x"));
        let gathering = std::thread::spawn(move || {
            let receive = Receive { count_min: 2, wait: Duration::MAX, ..NOW };
            let watch = queue.clone();
            let gathered = queue.receive_with(receive);
            (gathered, watch)
        });
        while b.hub.stats().unwrap().queues[0].1.leased < 1 {
            std::thread::yield_now();
        }
        b.hub.close(Duration::MAX).unwrap();
        let (gathered, queue) = gathering.join().unwrap();
        assert!(matches!(gathered, Err(Error::Closed { .. })));
        drop(queue);
        b.reopen();
        assert_eq!(take_all(&b.queue("jobs").open().unwrap()), ["x"]);
    });
}

#[test]
fn a_receive_out_of_its_range_is_refused() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for bad in [
            Receive { count_min: 0, ..NOW },
            Receive { count_min: 501, ..NOW },
            Receive { count_max: 0, ..NOW },
            Receive { count_max: 65_537, ..NOW },
            Receive { bytes_max: 0, ..NOW },
        ] {
            assert!(matches!(queue.receive_with(bad), Err(Error::InvalidArgument { .. })), "{bad:?}");
        }
    });
}
