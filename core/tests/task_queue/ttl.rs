//! How long messages may wait (semantics B4, TTL).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Error, Message};
use std::time::Duration;

#[test]
fn a_message_expires_wherever_it_stands_without_anybody_receiving() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("head"));
        send(&queue, Message::new("short").ttl(5 * SECOND));
        send(&queue, Message::new("delayed").ttl(5 * SECOND).delay(60 * SECOND));
        send(&queue, Message::new("tail"));
        b.clock.advance(5 * SECOND);
        assert_eq!((stats(&queue).ready, stats(&queue).scheduled, stats(&queue).expired_total), (2, 0, 2));
        assert_eq!(take_all(&queue), ["head", "tail"]);
    });
}

#[test]
fn of_the_messages_and_the_queues_limit_the_shorter_counts() {
    on_both(|b| {
        let queue = b.queue("jobs").ttl(10 * SECOND).open().unwrap();
        send(&queue, Message::new("short").ttl(5 * SECOND));
        send(&queue, Message::new("long").ttl(60 * SECOND));
        send(&queue, Message::new("none"));
        b.clock.advance(5 * SECOND);
        assert_eq!(stats(&queue).ready, 2);
        b.clock.advance(5 * SECOND);
        assert_eq!((stats(&queue).ready, stats(&queue).expired_total), (0, 3));
    });
}

#[test]
fn a_leased_message_does_not_expire_and_one_that_comes_back_too_late_does() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["acked", "released"] {
            send(&queue, Message::new(value).ttl(5 * SECOND));
        }
        let [acked, released] = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        b.clock.advance(6 * SECOND);
        assert_eq!(stats(&queue).expired_total, 0);
        acked.ack().unwrap();
        released.release().unwrap();
        assert!(receive(&queue).is_none());
        assert_eq!((stats(&queue).acked_total, stats(&queue).expired_total), (1, 1));
    });
}

#[test]
fn a_message_that_was_retried_expires_as_if_it_had_waited_all_the_time() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x").ttl(12 * SECOND));
        receive(&queue).unwrap().fail("again").unwrap();
        b.clock.advance(10 * SECOND);
        receive(&queue).unwrap().fail("again").unwrap();
        b.clock.advance(2 * SECOND);
        assert_eq!((stats(&queue).scheduled, stats(&queue).expired_total), (0, 1));
    });
}

#[test]
fn what_expired_becomes_a_dead_letter_that_no_longer_expires() {
    on_both(|b| {
        let queue = b.hub.queue("jobs").dead_letter("jobs.dead").open().unwrap();
        let dead = b.hub.queue("jobs.dead").open().unwrap();
        send(&queue, Message::new("x").ttl(5 * SECOND));
        b.clock.advance(5 * SECOND);
        b.clock.advance(1_000_000 * SECOND);
        let letter = receive(&dead).expect("dead letters wait for ever");
        assert_eq!(letter.header("rm-dead-reason"), Some(&b"expired"[..]));
        assert_eq!(letter.value(), b"x");
    });
}

#[test]
fn what_expired_while_the_hub_was_closed_is_not_delivered() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x").ttl(5 * SECOND));
        send(&queue, Message::new("y").ttl(500 * SECOND));
        drop(queue);
        b.reopen();
        b.clock.advance(60 * SECOND);
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["y"]);
    });
}

#[test]
fn a_ttl_of_nothing_or_of_centuries_is_refused() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for ttl in [std::time::Duration::ZERO, 400_000_000 * SECOND] {
            let refused = queue.send(Message::new("x").ttl(ttl));
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "ttl", .. })));
            assert!(b.queue("other").ttl(ttl).open().is_err());
        }
    });
}

/// A letter's retention went on from when its message was sent, so that it was gone soon after it came (Amazon SQS).
#[test]
fn a_dead_letter_is_kept_from_its_death_on_however_long_ago_its_message_was_sent() {
    on_both(|b| {
        let day = 24 * 3600 * SECOND;
        let dead = b.queue("jobs.dead").ttl(14 * day).open().unwrap();
        let queue = b.hub.queue("jobs").dead_letter("jobs.dead").open().unwrap();
        send(&queue, Message::new("x"));
        b.clock.advance(13 * day);
        receive(&queue).unwrap().reject("no").unwrap();
        b.clock.advance(14 * day - Duration::from_nanos(1));
        assert_eq!((stats(&dead).ready, stats(&dead).expired_total), (1, 0));
        let mut dead = dead;
        if b.disk.is_some() {
            b.reopen();
            dead = b.queue("jobs.dead").ttl(14 * day).open().unwrap();
            assert_eq!(stats(&dead).ready, 1);
        }
        b.clock.advance(Duration::from_nanos(1));
        assert_eq!((stats(&dead).ready, stats(&dead).expired_total), (0, 1), "and no longer");
    });
}
