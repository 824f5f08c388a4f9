//! What leases are measured from, and for whom they count (semantics B2 and B3).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Error, Message};
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

/// Where verbs go by the message and not by the delivery, a late one finishes or releases somebody else's (nats-server 2.9.10, pgmq,
/// OptimalBits/bull#308, taskforcesh/bullmq#3183).
#[test]
fn a_stale_ack_finishes_nobody_elses_delivery_and_a_stale_nack_makes_no_third_holder() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        let stale = receive(&queue).unwrap();
        b.clock.advance(30 * SECOND);
        b.clock.advance(10 * SECOND);
        let current = receive(&queue).unwrap();
        let nack = stale.fail_after("late", Duration::ZERO);
        for late in [stale.ack(), nack, stale.fail("late"), stale.release(), stale.reject("late")] {
            assert!(matches!(late, Err(Error::LeaseLost { .. })), "{late:?}");
        }
        drop(stale);
        b.clock.advance(SECOND);
        assert!(receive(&queue).is_none(), "it has one holder");
        assert_eq!((stats(&queue).leased, stats(&queue).acked_total), (1, 0));
        current.ack().unwrap();
    });
}

/// A nack after the timeout made counts begin anew and skip, so that the limit was not reached (apache/pulsar#6451).
#[test]
fn a_nack_after_the_lease_ran_out_counts_nothing_and_the_limit_is_reached_as_it_should_be() {
    on_both(|b| {
        let queue = b.queue("jobs").max_failures(3).open().unwrap();
        send(&queue, Message::new("x"));
        let late_nack = || {
            let delivery = receive(&queue)?;
            b.clock.advance(30 * SECOND);
            assert!(matches!(delivery.fail("late"), Err(Error::LeaseLost { .. })));
            b.clock.advance(10 * SECOND);
            Some((delivery.attempts(), delivery.failures()))
        };
        assert_eq!(std::iter::from_fn(late_nack).collect::<Vec<_>>(), [(1, 0), (2, 1), (3, 2)]);
        assert_eq!((stats(&queue).failures_total, stats(&queue).scheduled), (3, 0));
    });
}

#[test]
fn after_a_day_in_which_the_machine_slept_each_lease_has_run_out_once_and_no_timer_is_lost() {
    const HOUR: Duration = Duration::from_secs(3600);
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["out 1", "out 2", "failed"] {
            send(&queue, Message::new(value));
        }
        let out = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        receive(&queue).unwrap().fail_after("boom", 30 * HOUR).unwrap();
        for (value, hours) in [("third", 3), ("first", 1), ("tomorrow", 25), ("second", 2)] {
            send(&queue, Message::new(value).delay(hours * HOUR));
        }
        b.clock.advance(24 * HOUR);
        assert_eq!((stats(&queue).leases_expired_total, stats(&queue).failures_total), (2, 3));
        assert_eq!(take_all(&queue), ["first", "second", "third"], "what was due meanwhile, in its order");
        assert!(out.iter().all(|late| matches!(late.ack(), Err(Error::LeaseLost { .. }))));
        b.clock.advance(10 * SECOND);
        let again = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        let counts = again.each_ref().map(|next| (next.value(), next.attempts(), next.failures()));
        assert_eq!(
            counts,
            [(&b"out 1"[..], 2, 1), (&b"out 2"[..], 2, 1)],
            "a retry later, and one failure each"
        );
        again.iter().for_each(|next| next.ack().unwrap());
        for (value, rest) in [("tomorrow", HOUR - 10 * SECOND), ("failed", 5 * HOUR)] {
            b.clock.advance(rest - Duration::from_nanos(1));
            assert!(receive(&queue).is_none(), "{value} is not due");
            b.clock.advance(Duration::from_nanos(1));
            assert_eq!(take_all(&queue), [value]);
        }
        assert_eq!((stats(&queue).leases_expired_total, stats(&queue).failures_total), (2, 3));
    });
}
