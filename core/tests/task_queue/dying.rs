//! Why and how a message dies, and what its letter says (semantics B2, B4 retry policy, B5 envelope).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats};
use ringmain::{Error, ErrorClass, Message, Queue, QueueBuilder};

fn jobs(b: &Bench) -> QueueBuilder {
    b.queue("jobs").dead_letter("jobs.dead").max_failures(3)
}

fn open(b: &Bench) -> (Queue, Queue) {
    (jobs(b).open().unwrap(), b.hub.queue("jobs.dead").open().unwrap())
}

/// A header of the only letter.
fn header(dead: &Queue, name: &str) -> Option<String> {
    let letters = dead.peek(0, 10).unwrap();
    assert_eq!(letters.len(), 1, "one letter");
    letters[0].header(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn a_letter_says_what_was_sent_and_what_befell_it() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let sent_ns = b.clock.now_ns();
        let message =
            Message::new("x").key("k").header("carrier", "UA").ordering_key("tail N14228").priority(7);
        let id = send(&queue, message.max_failures(1));
        b.clock.advance(SECOND);
        receive(&queue).unwrap().fail("boom").unwrap();
        let letter = dead.peek(0, 1).unwrap().remove(0);
        assert_eq!((letter.value(), letter.key()), (&b"x"[..], Some(&b"k"[..])));
        let id = id.to_string();
        let (sent, died) = (sent_ns.to_string(), b.clock.now_ns().to_string());
        let history = format!(r#"[{{"time_ns":{died},"error":"boom"}}]"#);
        for (name, expected) in [
            ("carrier", "UA"),
            ("rm-ordering-key", "tail N14228"),
            ("rm-priority", "7"),
            ("rm-max-failures", "1"),
            ("rm-dead-reason", "failed"),
            ("rm-dead-error", "boom"),
            ("rm-dead-history", &history),
            ("rm-dead-queue", "jobs"),
            ("rm-dead-id", &id),
            ("rm-dead-time", &died),
            ("rm-first-enqueued", &sent),
            ("rm-attempts", "1"),
            ("rm-failures", "1"),
            ("rm-redrives", "0"),
        ] {
            let found = letter.header(name).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), Some(expected), "{name}");
        }
        assert_eq!(letter.header("rm-dead-class"), None, "none was told");
    });
}

#[test]
fn the_last_three_failures_are_told_also_after_a_power_cut() {
    on_durable(|b| {
        let (queue, _) = (jobs(b).max_failures(9).open().unwrap(), ());
        send(&queue, Message::new("x"));
        for n in 1..=4 {
            let delivery = receive(&queue).unwrap();
            if n % 2 == 0 {
                delivery.fail_as("Timeout", format!("boom {n}"))
            } else {
                delivery.fail(format!("boom {n}"))
            }
            .unwrap();
            b.clock.advance(10 * SECOND);
        }
        b.crash();
        let (queue, dead) = open(b);
        receive(&queue).unwrap().reject("enough").unwrap();
        let history: serde_json::Value =
            serde_json::from_str(&header(&dead, "rm-dead-history").unwrap()).unwrap();
        let told: Vec<_> = history.as_array().unwrap().iter().map(|failure| &failure["error"]).collect();
        assert_eq!(told, ["boom 3", "boom 4", "enough"]);
        assert_eq!(
            (&history[1]["class"], &history[2]["class"]),
            (&"Timeout".into(), &serde_json::Value::Null)
        );
        let seconds = |n: usize| history[n]["time_ns"].as_u64().unwrap() / 1_000_000_000;
        assert_eq!((seconds(1) - seconds(0), seconds(2) - seconds(1)), (10, 10), "when it happened");
        assert_eq!(header(&dead, "rm-dead-error").unwrap(), "enough");
    });
}

#[test]
fn what_expires_after_a_failure_still_says_why_it_failed() {
    on_both(|b| {
        let (queue, dead) = open(b);
        send(&queue, Message::new("x").ttl(5 * SECOND));
        receive(&queue).unwrap().fail("boom").unwrap();
        b.clock.advance(5 * SECOND);
        assert_eq!(header(&dead, "rm-dead-reason").unwrap(), "expired");
        assert_eq!(header(&dead, "rm-dead-error").unwrap(), "boom");
    });
}

#[test]
fn a_permanent_error_kills_at_once_and_an_ignored_one_does_not_count() {
    on_both(|b| {
        let rules = jobs(b).error_class("BadAddress", ErrorClass::Permanent);
        let queue = rules.error_class("Busy", ErrorClass::Ignored).open().unwrap();
        let dead = b.hub.queue("jobs.dead").open().unwrap();
        send(&queue, Message::new("x"));
        for _ in 0..20 {
            let delivery = receive(&queue).unwrap();
            assert_eq!(delivery.failures(), 0);
            delivery.fail_as("Busy", "later").unwrap();
            assert!(receive(&queue).is_none(), "not before the retry delay");
            b.clock.advance(10 * SECOND);
        }
        receive(&queue).unwrap().fail_as("Unruly", "boom").unwrap();
        b.clock.advance(10 * SECOND);
        let last = receive(&queue).unwrap();
        assert_eq!(last.failures(), 1, "a class without a rule counts");
        last.fail_as("BadAddress", "no such host").unwrap();
        assert_eq!(header(&dead, "rm-dead-reason").unwrap(), "failed");
        assert_eq!(header(&dead, "rm-dead-class").unwrap(), "BadAddress");
        assert_eq!(
            (header(&dead, "rm-failures"), header(&dead, "rm-attempts")),
            (Some("2".into()), Some("22".into()))
        );
        let by_class = stats(&queue).failures_by_class;
        assert_eq!(by_class, [("BadAddress".into(), 1), ("Busy".into(), 20), ("Unruly".into(), 1)]);
        assert_eq!(stats(&queue).failures_total, 2);
    });
}

#[test]
fn rules_for_classes_are_stored_and_can_be_taken_back() {
    on_durable(|b| {
        drop(jobs(b).error_class("Busy", ErrorClass::Ignored).open().unwrap());
        b.reopen();
        let (queue, _) = open(b);
        send(&queue, Message::new("x"));
        receive(&queue).unwrap().fail_as("Busy", "later").unwrap();
        b.clock.advance(10 * SECOND);
        assert_eq!(receive(&queue).unwrap().failures(), 0);
        let queue = jobs(b).error_class("Busy", ErrorClass::Retried).open().unwrap();
        receive(&queue).unwrap().fail_as("Busy", "later").unwrap();
        b.clock.advance(10 * SECOND);
        assert_eq!(receive(&queue).unwrap().failures(), 1);
    });
}

#[test]
fn a_class_out_of_its_limits_is_refused_and_the_delivery_stays_ours() {
    on_both(|b| {
        let (queue, _) = open(b);
        send(&queue, Message::new("x"));
        let delivery = receive(&queue).unwrap();
        for class in ["", "line\nbreak", &"x".repeat(65)] {
            let refused = delivery.fail_as(class, "boom");
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "class", .. })), "{refused:?}");
            assert!(jobs(b).error_class(class, ErrorClass::Permanent).open().is_err());
        }
        delivery.ack().unwrap();
        let many = (0..65).fold(jobs(b), |jobs, n| jobs.error_class(&n.to_string(), ErrorClass::Ignored));
        assert!(many.open().unwrap_err().to_string().contains("at most 64"));
    });
}

#[test]
fn a_message_may_have_a_limit_of_failures_of_its_own() {
    on_durable(|b| {
        let (queue, _) = open(b);
        for (value, count) in [("brittle", 1), ("tough", 5)] {
            send(&queue, Message::new(value).max_failures(count));
        }
        b.crash();
        let (queue, dead) = open(b);
        receive(&queue).unwrap().fail("boom").unwrap();
        assert_eq!(dead.peek(0, 10).unwrap()[0].value(), b"brittle");
        for _ in 0..4 {
            receive(&queue).unwrap().fail("boom").unwrap();
            b.clock.advance(10 * SECOND);
        }
        send(&queue, Message::new("other"));
        let alone = queue.receive_batch(10, SECOND).unwrap();
        assert_eq!(
            (alone.len(), alone[0].failures()),
            (1, 4),
            "the queue's limit is 3; this is its last chance"
        );
        let refused = queue.send(Message::new("x").max_failures(0));
        assert!(matches!(refused, Err(Error::InvalidArgument { argument: "max_failures", .. })));
    });
}

#[test]
fn the_count_of_failures_survives_a_power_cut_so_that_the_limit_is_reached() {
    on_durable(|b| {
        let (queue, _) = open(b);
        send(&queue, Message::new("x"));
        for _ in 0..2 {
            let queue = jobs(b).open().unwrap();
            receive(&queue).unwrap().fail("boom").unwrap();
            b.crash();
            b.clock.advance(10 * SECOND);
        }
        let (queue, dead) = open(b);
        receive(&queue).unwrap().fail("boom").unwrap();
        assert_eq!(header(&dead, "rm-failures").unwrap(), "3");
    });
}

#[test]
fn a_letter_that_dies_again_keeps_what_it_began_with() {
    on_both(|b| {
        let sent_ns = b.clock.now_ns();
        drop(b.queue("jobs.dead").dead_letter("jobs.hopeless").open().unwrap());
        let (queue, dead) = open(b);
        send(&queue, Message::new("x").priority(9).ordering_key("k"));
        b.clock.advance(SECOND);
        receive(&queue).unwrap().reject("no").unwrap();
        receive(&dead).unwrap().reject("not here either").unwrap();
        let hopeless = b.hub.queue("jobs.hopeless").open().unwrap();
        let found = |name| header(&hopeless, name).unwrap();
        assert_eq!(
            (found("rm-dead-queue"), found("rm-dead-error")),
            ("jobs.dead".into(), "not here either".into())
        );
        assert_eq!(found("rm-first-enqueued"), sent_ns.to_string());
        assert_eq!((found("rm-priority"), found("rm-ordering-key")), ("9".into(), "k".into()));
    });
}

#[test]
fn headers_of_the_engine_cannot_be_sent_so_that_no_count_is_taken_for_ours() {
    on_both(|b| {
        let (queue, _) = open(b);
        for name in ["rm-failures", "rm-redrives", "rm-dead-queue"] {
            assert!(queue.send(Message::new("x").header(name, "0")).is_err());
        }
    });
}

#[test]
fn messages_that_would_go_round_from_death_to_death_are_refused() {
    on_both(|b| {
        drop(open(b));
        let refused = b.queue("jobs.dead").dead_letter("jobs").open().unwrap_err();
        assert!(refused.to_string().contains("jobs.dead -> jobs -> jobs.dead"), "{refused}");
    });
}

#[test]
fn a_dead_letter_queue_keeps_what_fails_there() {
    on_both(|b| {
        let (queue, dead) = open(b);
        send(&queue, Message::new("x"));
        receive(&queue).unwrap().reject("no").unwrap();
        for _ in 0..10 {
            receive(&dead).unwrap().fail("nor here").unwrap();
            b.clock.advance(1000 * SECOND);
        }
        assert_eq!(stats(&dead).ready, 1);
    });
}

/// A message that ended its worker went round for ever (celery/celery#9082, celery/celery#6715), or took with it what the worker had
/// taken ahead (rabbitmq/rabbitmq-website#2207).
#[test]
fn a_message_that_ends_its_process_each_time_dies_of_it_and_alone() {
    on_durable(|b| {
        let (queue, _) = open(b);
        send(&queue, Message::new("bad"));
        for _ in 0..9 {
            send(&queue, Message::new("good"));
        }
        drop(queue);
        for failures in 0..3 {
            let (queue, _) = open(b);
            let mut consumer = queue.consumer().prefetch(10).start().unwrap();
            let in_hand = consumer.next().unwrap();
            assert_eq!((in_hand.value(), in_hand.failures()), (&b"bad"[..], failures));
            b.hub.flush().unwrap();
            b.crash();
        }
        let (queue, dead) = open(b);
        assert_eq!(header(&dead, "rm-failures").unwrap(), "3");
        let good: Vec<_> = std::iter::from_fn(|| receive(&queue)).collect();
        assert_eq!(good.iter().map(|good| good.failures()).collect::<Vec<_>>(), [0; 9]);
    });
}
