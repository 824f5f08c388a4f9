//! Why a message is not being delivered.

use crate::{SECOND, on_both, on_durable, receive, send};
use ringmain::{Cause, Limit, Message, Queue, Rate};

fn causes(queue: &Queue, id: u64) -> Vec<Cause> {
    queue.explain(id).unwrap().causes
}

fn words(queue: &Queue, id: u64) -> String {
    queue.explain(id).unwrap().to_string()
}

#[test]
fn a_message_that_is_not_there_is_told_from_one_that_was_not_sent() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("acked"));
        send(&queue, Message::new("cancelled"));
        send(&queue, Message::new("expired").ttl(SECOND));
        assert!(queue.cancel(1).unwrap());
        receive(&queue).unwrap();
        b.clock.advance(SECOND);
        receive(&queue).unwrap().ack().unwrap();
        for id in 0..3 {
            assert_eq!(causes(&queue, id), [Cause::Gone], "{id}");
        }
        assert_eq!(causes(&queue, 3), [Cause::NotSent]);
        assert_eq!(words(&queue, 3), "message 3 of queue jobs: it was not sent yet");
    });
}

#[test]
fn a_ready_message_is_told_who_comes_before_it() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for _ in 0..3 {
            send(&queue, Message::new("plain"));
        }
        let high = send(&queue, Message::new("high").priority(9));
        let low = send(&queue, Message::new("low").priority(0));
        let grouped = send(&queue, Message::new("grouped").ordering_key("a"));
        assert_eq!(causes(&queue, high), [Cause::Next]);
        assert_eq!(causes(&queue, 2), [Cause::Behind { count: 3, next: high }]);
        assert_eq!(causes(&queue, low), [Cause::Behind { count: 4, next: high }]);
        assert_eq!(causes(&queue, grouped), [Cause::Behind { count: 0, next: high }]);
        assert_eq!(
            words(&queue, 2),
            "message 2 of queue jobs: it is ready, 3 come before it, and message 3 is next"
        );
        receive(&queue).unwrap().ack().unwrap();
        assert_eq!(causes(&queue, grouped), [Cause::Next]);
    });
}

#[test]
fn a_message_that_waits_for_its_time_or_is_out_is_told_until_when() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let now_ns = b.clock.now_ns();
        let delayed = send(&queue, Message::new("delayed").delay(5 * SECOND));
        let leased = send(&queue, Message::new("leased"));
        let due_ns = now_ns + 5_000_000_000;
        assert_eq!(causes(&queue, delayed), [Cause::Scheduled { due_ns, failures: 0 }]);
        assert_eq!(words(&queue, delayed), "message 0 of queue jobs: it is due in 5.000 s");
        let delivery = receive(&queue).unwrap();
        let until_ns = now_ns + 30_000_000_000;
        assert_eq!(causes(&queue, leased), [Cause::Leased { until_ns, attempts: 1 }]);
        delivery.fail("no").unwrap();
        let due_ns = now_ns + 10_000_000_000;
        assert_eq!(causes(&queue, leased), [Cause::Scheduled { due_ns, failures: 1 }]);
        assert_eq!(
            words(&queue, leased),
            "message 1 of queue jobs: it has failed 1 times and is due again in 10.000 s"
        );
    });
}

#[test]
fn a_message_of_an_ordering_key_is_told_whom_it_waits_for() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["a1", "a2"] {
            send(&queue, Message::new(value).ordering_key("a"));
        }
        assert_eq!(causes(&queue, 1), [Cause::Blocked { by: 0 }]);
        let first = receive(&queue).unwrap();
        assert_eq!(causes(&queue, 1), [Cause::Blocked { by: 0 }]);
        first.ack().unwrap();
        assert_eq!(causes(&queue, 1), [Cause::Next]);
    });
}

#[test]
fn every_limit_in_the_way_is_told_before_and_after_a_receive_has_met_it() {
    on_both(|b| {
        let queue = b
            .queue("jobs")
            .concurrency_max(3)
            .concurrency_max_per_key(1)
            .rate(Rate::per_second(1.0).burst(2))
            .open()
            .unwrap();
        for value in ["a1", "a2", "b1", "c1"] {
            send(&queue, Message::new(value).key(&value[..1]));
        }
        let now_ns = b.clock.now_ns();
        let held = receive(&queue).unwrap();
        let full = Cause::Key(Limit::Concurrency { max: 1 });
        assert_eq!(causes(&queue, 1), std::slice::from_ref(&full));
        let other = receive(&queue).unwrap();
        assert_eq!(other.value(), b"b1");
        let spent = Cause::Queue(Limit::Rate { until_ns: now_ns + 1_000_000_000 });
        assert_eq!(causes(&queue, 1), [full, spent.clone()]);
        assert_eq!(causes(&queue, 3), [spent]);
        assert_eq!(
            words(&queue, 1),
            "message 1 of queue jobs: its key has 1 messages out, as many as may be; \
             its queue has used up its rate; the next may go in 1.000 s"
        );
        held.rate_limited(9 * SECOND).unwrap();
        queue.pause().unwrap();
        let resting = Cause::Key(Limit::Resting { until_ns: now_ns + 9_000_000_000 });
        assert_eq!(causes(&queue, 0), [resting, Cause::Queue(Limit::Paused)]);
        assert_eq!(
            words(&queue, 0),
            "message 0 of queue jobs: its key is rate limited for 9.000 s; its queue is paused; resume it"
        );
    });
}

#[test]
fn a_queue_for_one_consumer_says_that_there_is_none() {
    on_both(|b| {
        let queue = b.queue("jobs").single_active_consumer(true).open().unwrap();
        send(&queue, Message::new("x"));
        assert_eq!(causes(&queue, 0), [Cause::NoConsumer]);
        let consumer = queue.consumer().start().unwrap();
        assert_eq!(causes(&queue, 0), [Cause::Next]);
        drop(consumer);
        assert_eq!(causes(&queue, 0), [Cause::NoConsumer]);
    });
}

#[test]
fn asking_changes_nothing() {
    on_durable(|b| {
        let queue = b.queue("jobs").concurrency_max_per_key(1).open().unwrap();
        for value in ["a1", "a2"] {
            send(&queue, Message::new(value).key("a"));
        }
        b.hub.flush().unwrap();
        let operations = b.disk.as_ref().unwrap().operation_count();
        let before = queue.stats().unwrap();
        (0..3).for_each(|id| drop(causes(&queue, id)));
        assert_eq!(queue.stats().unwrap(), before);
        b.hub.flush().unwrap();
        assert_eq!(b.disk.as_ref().unwrap().operation_count(), operations);
    });
}

#[test]
fn a_message_that_was_set_aside_or_does_not_come_back_is_told_so() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let [aside, recalled] = ["aside", "recalled"].map(|value| send(&queue, Message::new(value)));
        receive(&queue).unwrap().defer().unwrap();
        let out = receive(&queue).unwrap();
        assert!(!queue.cancel(recalled).unwrap());
        assert_eq!(causes(&queue, aside), [Cause::Deferred]);
        assert!(matches!(causes(&queue, recalled)[..], [Cause::Leased { attempts: 1, .. }, Cause::Recalled]));
        queue.pause().unwrap();
        assert_eq!(causes(&queue, aside), [Cause::Deferred, Cause::Queue(Limit::Paused)]);
        drop(out);
        assert_eq!(causes(&queue, recalled), [Cause::Gone]);
    });
}
