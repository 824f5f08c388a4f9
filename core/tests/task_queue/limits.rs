//! What holds messages back: limits, pauses and rests (semantics B9).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{Delivery, Error, Message, OnBreach, Queue, Rate};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// Sends messages whose keys are their first letters.
fn send_keyed(queue: &Queue, values: &[&str]) {
    for value in values {
        send(queue, Message::new(*value).key(&value[..1]));
    }
}

/// Receives all that may be out at once.
fn hold_all(queue: &Queue) -> Vec<Delivery> {
    std::iter::from_fn(|| receive(queue)).collect()
}

fn values(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| std::str::from_utf8(delivery.value()).unwrap()).collect()
}

/// A task that waits for messages of a queue, and counts how often it was woken.
#[derive(Default)]
struct Waiting(AtomicUsize);

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Waiting {
    fn on(queue: &Queue) -> Arc<Self> {
        let waiting = Arc::new(Self::default());
        let waker = Waker::from(waiting.clone());
        assert!(queue.poll_receive(&mut Context::from_waker(&waker), 1).is_pending());
        waiting
    }

    fn is_woken(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

#[test]
fn of_a_queue_no_more_are_out_than_its_concurrency() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max(2).open().unwrap();
        send_keyed(&queue, &["a", "b", "c"]);
        let held = queue.receive_batch(10, SECOND).unwrap();
        assert_eq!(values(&held), ["a", "b"]);
        assert!(receive(&queue).is_none());
        let waiting = Waiting::on(&queue);
        held[1].ack().unwrap();
        assert!(waiting.is_woken(), "by the ack");
        assert_eq!(take(&queue).unwrap(), "c");
    });
}

#[test]
fn a_lease_that_runs_out_makes_room() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max(1).open().unwrap();
        send_keyed(&queue, &["a", "b"]);
        let held = receive(&queue).unwrap();
        let waiting = Waiting::on(&queue);
        b.clock.advance(30 * SECOND);
        assert!(waiting.is_woken());
        assert_eq!(take(&queue).unwrap(), "b");
        assert!(matches!(held.ack(), Err(Error::LeaseLost { .. })));
    });
}

#[test]
fn of_a_key_no_more_are_out_than_its_concurrency_and_other_keys_go_ahead() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3", "b1"]);
        send(&queue, Message::new("no key"));
        send(&queue, Message::new("no key"));
        let held = hold_all(&queue);
        assert_eq!(values(&held), ["a1", "b1", "no key", "no key"]);
        assert_eq!((stats(&queue).ready, stats(&queue).blocked, stats(&queue).leased), (0, 2, 4));
        let waiting = Waiting::on(&queue);
        held[0].ack().unwrap();
        assert!(waiting.is_woken(), "by the ack");
        let next = hold_all(&queue);
        assert_eq!(values(&next), ["a2"]);
        next[0].fail("again").unwrap();
        assert_eq!(take_all(&queue), ["a3"], "while a2 waits for its retry");
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn waiting_for_a_limit_is_no_attempt_and_no_failure() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).max_failures(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2"]);
        for _ in 0..10 {
            let first = receive(&queue).unwrap();
            assert!(receive(&queue).is_none());
            first.release().unwrap();
        }
        receive(&queue).unwrap().ack().unwrap();
        let second = receive(&queue).unwrap();
        assert_eq!((second.value(), second.attempts(), second.failures()), (&b"a2"[..], 1, 0));
    });
}

#[test]
fn messages_that_wait_for_their_key_keep_their_order_and_their_priority() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3"]);
        let first = receive(&queue).unwrap();
        assert!(receive(&queue).is_none());
        send(&queue, Message::new("a urgent").key("a").priority(9));
        assert!(receive(&queue).is_none());
        first.release().unwrap();
        assert_eq!(take_all(&queue), ["a urgent", "a1", "a2", "a3"]);
    });
}

#[test]
fn a_message_that_waits_for_its_key_can_be_cancelled_and_expires() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1"]);
        let first = hold_all(&queue);
        send_keyed(&queue, &["a2"]);
        send(&queue, Message::new("a3").key("a").ttl(SECOND));
        send_keyed(&queue, &["a4"]);
        assert!(receive(&queue).is_none());
        assert_eq!(stats(&queue).blocked, 3);
        let seen = queue.peek(0, 10).unwrap();
        assert_eq!(seen.iter().map(|peeked| peeked.id()).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(queue.cancel(1).unwrap());
        b.clock.advance(SECOND);
        assert_eq!((stats(&queue).blocked, stats(&queue).expired_total), (1, 1));
        first[0].ack().unwrap();
        assert_eq!(take_all(&queue), ["a4"]);
    });
}

#[test]
fn one_that_was_let_go_and_is_cancelled_lets_the_next_of_its_key_go() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3"]);
        let first = hold_all(&queue);
        first[0].ack().unwrap();
        assert!(queue.cancel(1).unwrap(), "a2 is ready, and nobody took it");
        assert_eq!(take_all(&queue), ["a3"]);
    });
}

#[test]
fn a_full_key_does_not_hold_up_an_ordering_key_for_ever() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        for (value, ordering_key) in [("1", "x"), ("2", "y"), ("3", "y"), ("4", "z")] {
            send(&queue, Message::new(value).key("tenant").ordering_key(ordering_key));
        }
        let first = hold_all(&queue);
        assert_eq!((values(&first), stats(&queue).blocked), (vec!["1"], 3));
        first[0].ack().unwrap();
        let mut rest = take_all(&queue);
        rest.sort();
        assert_eq!(rest, ["2", "3", "4"]);
    });
}

#[test]
fn messages_that_wait_for_their_key_survive_a_power_cut() {
    on_durable(|b| {
        let open = |b: &Bench| b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        let queue = open(b);
        send_keyed(&queue, &["a1", "a2", "a3", "b1", "b2"]);
        let held = hold_all(&queue);
        assert_eq!(values(&held), ["a1", "b1"]);
        held[1].ack().unwrap();
        b.crash();
        let queue = open(b);
        assert_eq!(take_all(&queue), ["a1", "a2", "a3", "b2"]);
    });
}

#[test]
fn a_rate_lets_its_burst_through_and_then_one_at_a_time() {
    on_both(|b| {
        let queue = b.queue("jobs").rate(Rate::per_second(2.0).burst(3)).open().unwrap();
        send_keyed(&queue, &["a", "b", "c", "d", "e", "f"]);
        assert_eq!(take_all(&queue), ["a", "b", "c"]);
        let waiting = Waiting::on(&queue);
        b.clock.advance(SECOND / 2 - SECOND / 1000);
        assert!(!waiting.is_woken());
        b.clock.advance(SECOND / 1000);
        assert!(waiting.is_woken(), "by the clock");
        assert_eq!(take_all(&queue), ["d"]);
        b.clock.advance(SECOND);
        assert_eq!(take_all(&queue), ["e", "f"]);
        assert_eq!((stats(&queue).redeliveries_total, stats(&queue).failures_total), (0, 0));
    });
}

#[test]
fn a_rate_per_key_holds_up_no_other_key() {
    on_both(|b| {
        let queue = b.queue("jobs").rate_per_key(Rate::per_second(1.0)).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3", "b1", "b2"]);
        assert_eq!(take_all(&queue), ["a1", "b1"]);
        let waiting = Waiting::on(&queue);
        b.clock.advance(SECOND);
        assert!(waiting.is_woken(), "by the clock");
        assert_eq!(take_all(&queue), ["a2", "b2"]);
        b.clock.advance(SECOND);
        assert_eq!(take_all(&queue), ["a3"]);
    });
}

#[test]
fn buckets_are_full_when_the_queue_is_opened_again() {
    on_durable(|b| {
        let queue = b.queue("jobs").rate(Rate::per_second(0.01)).open().unwrap();
        send_keyed(&queue, &["a", "b", "c"]);
        assert_eq!(take_all(&queue), ["a"]);
        drop(queue);
        b.reopen();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["b"], "the limit was kept");
    });
}

#[test]
fn a_limit_that_is_altered_counts_at_once() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3", "a4"]);
        let first = hold_all(&queue);
        assert_eq!(values(&first), ["a1"]);
        let waiting = Waiting::on(&queue);
        b.queue("jobs").concurrency_max_per_key(3).open().unwrap();
        assert!(waiting.is_woken());
        assert_eq!(values(&hold_all(&queue)), ["a2", "a3"]);
    });
}

#[test]
fn limits_out_of_their_range_are_refused() {
    on_both(|b| {
        for builder in [
            b.queue("jobs").concurrency_max(0),
            b.queue("jobs").concurrency_max_per_key(0),
            b.queue("jobs").rate(Rate::per_second(0.0)),
            b.queue("jobs").rate_per_key(Rate::per_second(1.0).burst(0)),
        ] {
            assert!(matches!(builder.open(), Err(Error::InvalidArgument { .. })));
        }
    });
}

#[test]
fn a_paused_queue_takes_messages_and_delivers_none_until_it_is_resumed() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("before"));
        let held = receive(&queue).unwrap();
        queue.pause().unwrap();
        send(&queue, Message::new("meanwhile"));
        held.ack().unwrap();
        assert!(receive(&queue).is_none());
        let waiting = Waiting::on(&queue);
        queue.resume().unwrap();
        assert!(waiting.is_woken());
        assert_eq!(take_all(&queue), ["meanwhile"]);
    });
}

#[test]
fn a_pause_survives_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        queue.pause().unwrap();
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert!(receive(&queue).is_none());
        queue.resume().unwrap();
        b.crash();
        assert_eq!(take_all(&b.queue("jobs").open().unwrap()), ["x"]);
    });
}

#[test]
fn a_rate_limited_key_rests_and_the_message_is_handed_back_without_penalty() {
    on_both(|b| {
        let queue = b.queue("jobs").max_failures(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "b1"]);
        receive(&queue).unwrap().rate_limited(5 * SECOND).unwrap();
        assert_eq!(take_all(&queue), ["b1"]);
        let waiting = Waiting::on(&queue);
        b.clock.advance(5 * SECOND);
        assert!(waiting.is_woken(), "by the clock");
        let again = receive(&queue).unwrap();
        assert_eq!((again.value(), again.failures()), (&b"a1"[..], 0));
        again.ack().unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn without_a_key_the_queue_rests() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        send_keyed(&queue, &["a"]);
        receive(&queue).unwrap().rate_limited(5 * SECOND).unwrap();
        assert!(receive(&queue).is_none());
        let waiting = Waiting::on(&queue);
        b.clock.advance(5 * SECOND);
        assert!(waiting.is_woken());
        assert_eq!(take_all(&queue), ["x", "a"]);
    });
}

#[test]
fn rests_survive_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_keyed(&queue, &["a1", "a2", "b1"]);
        receive(&queue).unwrap().rate_limited(60 * SECOND).unwrap();
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["b1"]);
        b.clock.advance(60 * SECOND);
        assert_eq!(take_all(&queue), ["a1", "a2"]);
    });
}

#[test]
fn a_stale_delivery_cannot_have_its_key_rest() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_keyed(&queue, &["a"]);
        let stale = receive(&queue).unwrap();
        b.clock.advance(30 * SECOND);
        b.clock.advance(10 * SECOND);
        assert!(matches!(stale.rate_limited(60 * SECOND), Err(Error::LeaseLost { .. })));
        assert_eq!(take_all(&queue), ["a"]);
    });
}

#[test]
fn only_the_oldest_consumer_gets_messages_and_the_next_takes_over_when_it_is_dropped() {
    on_both(|b| {
        let queue = b.queue("jobs").single_active_consumer(true).open().unwrap();
        let mut first = queue.consumer().prefetch(2).start().unwrap();
        let second = queue.consumer().start().unwrap();
        send_keyed(&queue, &["a", "b", "c"]);
        let next = std::thread::spawn(move || {
            let mut second = second;
            let got = second.next().unwrap();
            got.ack().unwrap();
            (String::from_utf8(got.value().to_vec()).unwrap(), second)
        });
        let held = first.next().unwrap();
        assert_eq!(held.value(), b"a");
        drop(first);
        let (value, second) = next.join().unwrap();
        assert_eq!(value, "a", "handed over with everything that was out");
        assert!(matches!(held.ack(), Err(Error::LeaseLost { .. })), "the generation before");
        let attempts = |delivery: Delivery| delivery.ack().map(|()| delivery.attempts()).unwrap();
        let rest = second.take(2).map(attempts).collect::<Vec<_>>();
        assert_eq!(rest, [1, 1], "what was only taken ahead was not out");
    });
}

#[test]
fn a_receive_without_a_consumer_is_refused_where_one_is_active() {
    on_both(|b| {
        let queue = b.queue("jobs").single_active_consumer(true).open().unwrap();
        assert!(matches!(queue.try_receive(), Err(Error::InvalidArgument { argument: "consumer", .. })));
    });
}

#[test]
fn an_ack_wakes_who_waits_for_the_next_message_of_its_ordering_key() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["a1", "a2"] {
            send(&queue, Message::new(value).ordering_key("a"));
        }
        let first = receive(&queue).unwrap();
        let waiting = Waiting::on(&queue);
        first.ack().unwrap();
        assert!(waiting.is_woken());
        let second = receive(&queue).unwrap();
        send(&queue, Message::new("a3").ordering_key("a"));
        let waiting = Waiting::on(&queue);
        second.reject("dead").unwrap();
        assert!(waiting.is_woken());
    });
}

#[test]
fn a_purge_takes_what_waits_for_its_key_and_leaves_room_for_what_comes_after() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "b1", "a3"]);
        let out = hold_all(&queue);
        assert_eq!((values(&out), stats(&queue).blocked), (vec!["a1", "b1"], 2));
        assert_eq!(queue.purge().unwrap(), 2);
        assert_eq!((stats(&queue).ready, stats(&queue).blocked, stats(&queue).leased), (0, 0, 2));
        send_keyed(&queue, &["a4", "a5"]);
        assert!(receive(&queue).is_none(), "a1 is out still");
        out[0].ack().unwrap();
        let out = hold_all(&queue);
        assert_eq!(values(&out), ["a4"]);
        assert_eq!(queue.purge_all().unwrap(), 3, "b1, a4, a5");
        send_keyed(&queue, &["a6", "b2"]);
        assert_eq!(values(&hold_all(&queue)), ["a6", "b2"], "nothing of the keys is out");
    });
}

#[test]
fn a_message_that_was_set_aside_leaves_its_room_and_is_delivered_only_if_there_is_room() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3"]);
        let first = receive(&queue).unwrap();
        assert!(receive(&queue).is_none());
        first.defer().unwrap();
        let second = receive(&queue).unwrap();
        assert!(queue.receive_deferred(first.id()).unwrap().is_none(), "a2 is out");
        second.ack().unwrap();
        queue.pause().unwrap();
        assert!(queue.receive_deferred(first.id()).unwrap().is_none(), "paused");
        queue.resume().unwrap();
        let first = queue.receive_deferred(first.id()).unwrap().unwrap();
        assert!(receive(&queue).is_none(), "a1 is out");
        first.ack().unwrap();
        assert_eq!(take_all(&queue), ["a3"]);
        assert_eq!((stats(&queue).deferred, stats(&queue).blocked), (0, 0));
    });
}

#[test]
fn what_was_set_aside_counts_against_its_key_after_a_power_cut() {
    on_durable(|b| {
        let open = |b: &Bench| b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        let queue = open(b);
        send_keyed(&queue, &["a1", "a2"]);
        let aside = receive(&queue).unwrap();
        aside.defer().unwrap();
        b.crash();
        let queue = open(b);
        let aside = queue.receive_deferred(aside.id()).unwrap().unwrap();
        assert!(receive(&queue).is_none());
        aside.ack().unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn a_message_that_waits_for_its_key_can_be_put_off() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2", "a3"]);
        let first = receive(&queue).unwrap();
        assert!(receive(&queue).is_none());
        assert!(queue.reschedule(first.id() + 1, 10 * SECOND).unwrap());
        assert_eq!((stats(&queue).scheduled, stats(&queue).blocked), (1, 1));
        first.ack().unwrap();
        assert_eq!(take_all(&queue), ["a3"]);
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn a_deadline_ends_the_wait_for_a_key() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).on_breach(OnBreach::Cancel).open().unwrap();
        send_keyed(&queue, &["a1"]);
        let first = receive(&queue).unwrap();
        send(&queue, Message::new("a2").key("a").start_within(SECOND));
        send_keyed(&queue, &["a3"]);
        assert!(receive(&queue).is_none());
        b.clock.advance(SECOND);
        assert_eq!((stats(&queue).blocked, stats(&queue).start_breaches_total), (1, 1));
        first.ack().unwrap();
        assert_eq!(take_all(&queue), ["a3"]);
    });
}

#[test]
fn a_receive_with_a_lease_of_its_own_is_limited_too() {
    on_both(|b| {
        let queue = b.queue("jobs").concurrency_max(1).open().unwrap();
        send_keyed(&queue, &["a1", "a2"]);
        let out = queue.receive_with_lease(5, Duration::ZERO, 5 * SECOND).unwrap();
        assert_eq!(values(&out), ["a1"]);
        b.clock.advance(5 * SECOND);
        assert_eq!(stats(&queue).leases_expired_total, 1);
        assert_eq!(take_all(&queue), ["a2"]);
        b.queue("jobs").single_active_consumer(true).open().unwrap();
        assert!(queue.receive_with_lease(5, Duration::ZERO, 5 * SECOND).is_err());
    });
}

#[test]
fn what_was_out_before_a_key_was_limited_counts_against_the_limit() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send_keyed(&queue, &["a1", "a2", "b1"]);
        let held = receive(&queue).unwrap();
        b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        let others = hold_all(&queue);
        assert_eq!(values(&others), ["b1"], "a1 is out");
        held.ack().unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn what_was_set_aside_is_for_the_single_active_consumer_too() {
    on_both(|b| {
        let queue = b.queue("jobs").single_active_consumer(true).open().unwrap();
        let id = send(&queue, Message::new("x"));
        let mut active = queue.consumer().start().unwrap();
        let mut second = queue.consumer().start().unwrap();
        active.next().unwrap().defer().unwrap();
        let refused = queue.receive_deferred(id);
        assert!(matches!(refused, Err(Error::InvalidArgument { argument: "consumer", .. })));
        assert!(second.receive_deferred(id).unwrap().is_none());
        let fetched = active.receive_deferred(id).unwrap().unwrap();
        active.ack_up_to(&fetched).unwrap();
        assert_eq!(stats(&queue).acked_total, 1);
    });
}
