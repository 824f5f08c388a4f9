//! Ordering keys that are halted when a message of theirs dies (semantics B6).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{Cause, Error, Letters, Message, OnBreach, OnGroupDeath, Queue, QueueBuilder, Redrive};
use std::time::Duration;

fn halting(b: &Bench) -> QueueBuilder {
    b.queue("jobs").on_group_death(OnGroupDeath::Halt)
}

fn send_grouped(queue: &Queue, values: &[&str]) {
    for value in values {
        send(queue, Message::new(*value).ordering_key(&value[..1]));
    }
}

fn halted(queue: &Queue) -> Vec<(String, u64, String)> {
    let halted = queue.halted_groups().unwrap().into_iter();
    halted.map(|group| (String::from_utf8(group.key).unwrap(), group.id, group.reason)).collect()
}

#[test]
fn nothing_behind_a_rejected_message_is_delivered_before_its_key_is_resumed_and_other_keys_go_on() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "b1"]);
        let died_ns = b.clock.now_ns();
        receive(&queue).unwrap().reject("hopeless").unwrap();
        b.clock.advance(SECOND);
        send_grouped(&queue, &["a3", "b2"]);
        assert_eq!(take_all(&queue), ["b1", "b2"]);
        let groups = queue.halted_groups().unwrap();
        assert_eq!(groups.len(), 1);
        let a = &groups[0];
        assert_eq!((&a.key[..], a.id, a.time_ns, a.messages), (&b"a"[..], 0, died_ns, 2));
        assert_eq!((a.reason.as_str(), a.error.as_str()), ("rejected", "hopeless"));
        assert_eq!((stats(&queue).halted_groups, stats(&queue).ready, stats(&queue).blocked), (1, 0, 2));
        assert!(b.hub.stats().unwrap().prometheus().contains("queue_groups_halted{queue=\"jobs\"} 1\n"));
        assert!(!queue.resume_group("b").unwrap(), "it is not halted");
        assert!(queue.resume_group("a").unwrap());
        assert!(!queue.resume_group("a").unwrap(), "it is no longer");
        assert_eq!((halted(&queue).len(), stats(&queue).halted_groups), (0, 0));
        assert_eq!(take_all(&queue), ["a2", "a3"]);
    });
}

#[test]
fn what_waits_for_a_halted_key_is_told_which_message_died_of_what() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "a3"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        let causes = [Cause::Halted { by: 0, reason: "rejected", error: "hopeless".into() }];
        for id in [1, 2] {
            assert_eq!(queue.explain(id).unwrap().causes, causes, "{id}");
        }
        assert_eq!(
            queue.explain(1).unwrap().to_string(),
            "message 1 of queue jobs: its ordering key is halted because message 0 of this key died (rejected, hopeless); \
             resume it"
        );
        queue.resume_group("a").unwrap();
        assert_eq!(queue.explain(1).unwrap().causes, [Cause::Next]);
        assert_eq!(queue.explain(2).unwrap().causes, [Cause::Blocked { by: 1 }]);
    });
}

#[test]
fn an_exhausted_message_halts_its_key_wherever_it_goes_and_one_that_missed_its_deadline_does_so_too() {
    on_both(|b| {
        for (name, queue) in [
            ("dropped", halting(b)),
            ("buried", b.hub.queue("buried").on_group_death(OnGroupDeath::Halt).dead_letter("dead")),
        ] {
            let queue = queue.max_failures(1).open().unwrap();
            send_grouped(&queue, &["a1", "a2"]);
            receive(&queue).unwrap().fail("no").unwrap();
            assert_eq!(halted(&queue), [("a".into(), 0, "failed".into())], "{name}");
            assert!(receive(&queue).is_none());
        }
        let queue =
            b.queue("late").on_group_death(OnGroupDeath::Halt).on_breach(OnBreach::Dead).open().unwrap();
        send(&queue, Message::new("a1").ordering_key("a").complete_within(SECOND));
        send_grouped(&queue, &["a2"]);
        b.clock.advance(SECOND);
        assert!(receive(&queue).is_none());
        assert_eq!(halted(&queue), [("a".into(), 0, "deadline".into())]);
    });
}

#[test]
fn what_expires_is_cancelled_or_acked_halts_nothing_and_neither_does_a_death_by_default() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send(&queue, Message::new("a1").ordering_key("a").ttl(SECOND));
        send_grouped(&queue, &["a2", "a3", "a4"]);
        assert!(queue.cancel(1).unwrap());
        b.clock.advance(SECOND);
        assert_eq!(take_all(&queue), ["a3", "a4"]);
        let queue = b.queue("default").open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
        assert_eq!(halted(&queue), []);
    });
}

#[test]
fn a_key_stays_halted_when_its_last_message_died_until_others_come() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        send_grouped(&queue, &["a2"]);
        assert!(receive(&queue).is_none());
        assert_eq!(queue.purge().unwrap(), 1);
        send_grouped(&queue, &["a3"]);
        assert!(receive(&queue).is_none(), "a purge resumes nobody");
        queue.resume_group("a").unwrap();
        assert_eq!(take_all(&queue), ["a3"]);
    });
}

#[test]
fn what_is_before_the_message_that_died_goes_on_and_if_that_dies_too_the_key_is_halted_there() {
    on_both(|b| {
        let queue = halting(b).group_parallelism(3).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "a3", "a4"]);
        let out: Vec<_> = std::iter::from_fn(|| receive(&queue)).collect();
        out[1].reject("hopeless").unwrap();
        assert_eq!(halted(&queue), [("a".into(), 1, "rejected".into())]);
        out[2].release().unwrap();
        assert!(receive(&queue).is_none(), "a3 is behind a2");
        out[0].release().unwrap();
        let a1 = receive(&queue).unwrap();
        assert_eq!(a1.value(), b"a1");
        a1.reject("hopeless, too").unwrap();
        assert_eq!(halted(&queue), [("a".into(), 0, "rejected".into())]);
        queue.resume_group("a").unwrap();
        assert_eq!(take_all(&queue), ["a3", "a4"]);
    });
}

#[test]
fn a_message_that_was_set_aside_behind_the_one_that_died_waits_as_well() {
    on_both(|b| {
        let queue = halting(b).group_parallelism(2).open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        let a1 = receive(&queue).unwrap();
        receive(&queue).unwrap().defer().unwrap();
        a1.reject("hopeless").unwrap();
        assert!(queue.receive_deferred(1).unwrap().is_none());
        queue.resume_group("a").unwrap();
        assert!(queue.receive_deferred(1).unwrap().is_some());
    });
}

#[test]
fn whoever_waits_is_woken_when_a_key_is_resumed() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.receive(Duration::MAX).unwrap().unwrap().value().to_vec());
            queue.resume_group("a").unwrap();
            assert_eq!(waiting.join().unwrap(), b"a2");
        });
    });
}

#[test]
fn a_dead_message_that_is_sent_back_before_its_key_is_resumed_comes_behind_those_that_waited() {
    on_both(|b| {
        let queue =
            b.hub.queue("jobs").on_group_death(OnGroupDeath::Halt).dead_letter("dead").open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        let dead = b.hub.queue("dead").open().unwrap();
        assert_eq!(dead.dead_letters().redrive(&Letters::default(), &Redrive::default()).unwrap(), 1);
        assert!(receive(&queue).is_none());
        queue.resume_group("a").unwrap();
        assert_eq!(take_all(&queue), ["a2", "a1"]);
    });
}

#[test]
fn a_halted_key_does_not_keep_plain_messages_waiting() {
    on_both(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        send(&queue, Message::new("plain"));
        assert_eq!(take_all(&queue), ["plain"]);
    });
}

#[test]
fn halts_and_resumes_survive_power_cuts() {
    on_durable(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "b1", "b2"]);
        for _ in 0..2 {
            receive(&queue).unwrap().reject("hopeless").unwrap();
        }
        queue.resume_group("b").unwrap();
        b.crash();
        // With another answer from now on: what is halted stays so.
        let queue = b.queue("jobs").on_group_death(OnGroupDeath::Continue).open().unwrap();
        assert_eq!(halted(&queue), [("a".into(), 0, "rejected".into())]);
        assert_eq!(take_all(&queue), ["b2"]);
        queue.resume_group("a").unwrap();
        receive(&queue).unwrap().reject("hopeless").unwrap();
        assert_eq!(halted(&queue), []);
    });
}

#[test]
fn a_message_that_a_crash_exhausts_halts_its_key() {
    on_durable(|b| {
        let queue = halting(b).max_failures(1).open().unwrap();
        send_grouped(&queue, &["a1", "a2"]);
        let a1 = receive(&queue).unwrap();
        // So that the lease is durable.
        send(&queue, Message::new("plain"));
        b.crash();
        drop(a1);
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["plain"]);
        assert_eq!(halted(&queue), [("a".into(), 0, "failed".into())]);
    });
}

#[test]
fn a_halt_outlives_the_segment_of_the_message_that_died() {
    on_durable(|b| {
        let queue = halting(b).open().unwrap();
        send_grouped(&queue, &["a1"]);
        receive(&queue).unwrap().reject("hopeless").unwrap();
        let filling = vec![7; 8000];
        for _ in 0..100 {
            send(&queue, Message::new(&filling));
            assert!(receive(&queue).unwrap().ack().is_ok());
        }
        drop(queue);
        b.reopen();
        let queue = halting(b).open().unwrap();
        assert!(queue.peek(0, 1).unwrap().is_empty());
        assert_eq!(halted(&queue), [("a".into(), 0, "rejected".into())]);
        send_grouped(&queue, &["a2"]);
        assert!(receive(&queue).is_none());
    });
}

#[test]
fn when_too_many_keys_are_halted_messages_of_others_are_retried_and_none_is_forgotten() {
    on_both(|b| {
        let queue = halting(b).max_failures(1).open().unwrap();
        for key in 0..10_000 {
            send(&queue, Message::new("x").ordering_key(&format!("{key}")));
            receive(&queue).unwrap().reject("hopeless").unwrap();
        }
        send_grouped(&queue, &["one more", "next"]);
        let one = receive(&queue).unwrap();
        let refused = one.reject("hopeless");
        assert!(matches!(refused, Err(Error::Full { what: "halted ordering keys", .. })), "{refused:?}");
        one.fail("hopeless").unwrap();
        assert_eq!(stats(&queue).halted_groups, 10_000);
        receive(&queue).unwrap().ack().unwrap();
        b.clock.advance(10 * SECOND);
        queue.resume_group("0").unwrap();
        receive(&queue).unwrap().reject("hopeless").unwrap();
        assert_eq!(stats(&queue).halted_groups, 10_000);
        assert!(take(&queue).is_none());
    });
}
