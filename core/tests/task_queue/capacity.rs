//! Queues that may hold only so much (semantics B12).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{
    Capacity, Dedup, DedupMode, Error, Letters, Message, OnConflict, Overflow, Queue, QueueBuilder, Redrive,
    Result,
};
use std::time::Duration;

fn messages(limit: u64, overflow: Overflow) -> Capacity {
    Capacity { messages: Some(limit), overflow, ..Capacity::default() }
}

fn bytes(limit: u64, overflow: Overflow) -> Capacity {
    Capacity { bytes: Some(limit), overflow, ..Capacity::default() }
}

fn bounded(bench: &Bench, limit: u64, overflow: Overflow) -> Queue {
    bench.queue("jobs").capacity(messages(limit, overflow)).open().unwrap()
}

fn is_full<T: std::fmt::Debug>(result: Result<T>) -> bool {
    match result {
        Err(Error::Full { .. }) => true,
        Ok(_) => false,
        other => panic!("{other:?}"),
    }
}

fn held(queue: &Queue) -> u64 {
    let stats = stats(queue);
    stats.ready + stats.scheduled + stats.blocked + stats.leased
}

fn waiting(queue: &Queue) -> Vec<String> {
    let value = |message: &ringmain::Peeked| String::from_utf8(message.value().to_vec()).unwrap();
    queue.peek(0, 100).unwrap().iter().map(value).collect()
}

#[test]
fn what_is_ready_scheduled_blocked_or_leased_counts() {
    on_both(|b| {
        let queue = bounded(b, 4, Overflow::Reject);
        send(&queue, Message::new("head").ordering_key("k"));
        send(&queue, Message::new("blocked").ordering_key("k"));
        send(&queue, Message::new("scheduled").delay(60 * SECOND));
        send(&queue, Message::new("ready"));
        let leased = receive(&queue).unwrap();
        let error = queue.send(Message::new("x")).unwrap_err();
        assert!(matches!(error, Error::Full { what: "messages", count: 4, limit: 4, .. }), "{error:?}");
        assert!(error.to_string().contains("raise its capacity"), "{error}");
        assert_eq!((held(&queue), stats(&queue).refused_total), (4, 1));
        leased.release().unwrap();
        assert!(is_full(queue.send(Message::new("x"))), "what is handed back is still there");
    });
}

#[test]
fn room_appears_however_a_message_leaves() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Reject);
        let fill = || send(&queue, Message::new("x").ttl(10 * SECOND));
        fill();
        receive(&queue).unwrap().ack().unwrap();
        fill();
        receive(&queue).unwrap().reject("never").unwrap();
        assert!(queue.cancel(fill()).unwrap());
        fill();
        b.clock.advance(10 * SECOND);
        fill();
        assert!(is_full(queue.send(Message::new("y"))));
    });
}

#[test]
fn bytes_may_be_limited_as_well() {
    on_both(|b| {
        let queue = b.queue("jobs").capacity(bytes(300, Overflow::Reject)).open().unwrap();
        let long = "x".repeat(100);
        send(&queue, Message::new(&long).key("k"));
        send(&queue, Message::new(&long));
        let error = queue.send(Message::new(&long)).unwrap_err();
        assert!(matches!(error, Error::Full { what: "bytes", limit: 300, .. }), "{error:?}");
        send(&queue, Message::new("short"));
        take(&queue).unwrap();
        send(&queue, Message::new(&long));
        let error = queue.send(Message::new(&"x".repeat(300))).unwrap_err().to_string();
        assert!(error.contains("raise it"), "{error}");
    });
}

#[test]
fn a_sender_waits_for_room_and_nothing_is_over_the_limit() {
    on_both(|b| {
        let queue = bounded(b, 3, Overflow::Block(Duration::MAX));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        send(&queue, Message::new("x"));
                    }
                });
            }
            for _ in 0..150 {
                let delivery = queue.receive(Duration::MAX).unwrap().unwrap();
                assert!(held(&queue) <= 3);
                delivery.ack().unwrap();
            }
        });
        assert_eq!(stats(&queue).sent_total, 150);
    });
}

#[test]
fn a_sender_that_waits_too_long_gets_full_and_one_that_does_not_wait_at_once() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::from_millis(5)));
        send(&queue, Message::new("x"));
        assert!(is_full(queue.send(Message::new("y"))));
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        assert!(is_full(queue.submit(Message::new("y")).map(drop)));
        assert_eq!(take_all(&queue), ["x"]);
    });
}

#[test]
fn closing_the_hub_releases_a_sender_that_waits() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        send(&queue, Message::new("x"));
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| queue.send(Message::new("y")));
            b.hub.close(Duration::MAX).unwrap();
            let sent = sender.join().unwrap();
            assert!(matches!(sent, Err(Error::Closed { .. })), "{sent:?}");
        });
    });
}

#[test]
fn a_larger_capacity_lets_a_sender_that_waits_go_on() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        send(&queue, Message::new("x"));
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| queue.send(Message::new("y")).unwrap());
            bounded(b, 2, Overflow::Block(Duration::MAX));
            sender.join().unwrap();
        });
        assert_eq!(take_all(&queue), ["x", "y"]);
    });
}

#[test]
fn the_oldest_that_is_not_leased_goes_whether_plain_or_not() {
    on_both(|b| {
        let queue = bounded(b, 4, Overflow::DropOldest);
        send(&queue, Message::new("leased"));
        send(&queue, Message::new("plain"));
        send(&queue, Message::new("urgent").priority(9));
        send(&queue, Message::new("delayed").delay(SECOND));
        let urgent = receive(&queue).unwrap();
        urgent.release().unwrap();
        let urgent = receive(&queue).unwrap();
        assert_eq!(urgent.value(), b"urgent");
        for (value, left) in [
            ("a", &["plain", "delayed", "a"]),
            ("b", &["delayed", "a", "b"]),
            ("c", &["a", "b", "c"]),
            ("d", &["b", "c", "d"]),
        ] {
            send(&queue, Message::new(value));
            assert_eq!(waiting(&queue), left, "{value}");
        }
        assert_eq!((stats(&queue).dropped_oldest_total, held(&queue)), (4, 4));
        urgent.ack().unwrap();
        assert_eq!(take_all(&queue), ["b", "c", "d"]);
    });
}

#[test]
fn what_is_leased_is_never_dropped() {
    on_both(|b| {
        for overflow in [
            Overflow::DropOldest,
            Overflow::DropNewest,
            Overflow::DropLowestPriority,
            Overflow::DeadLetterOldest,
        ] {
            let queue = bounded(b, 2, overflow);
            send(&queue, Message::new("a"));
            send(&queue, Message::new("b").priority(0));
            let out = [receive(&queue).unwrap(), receive(&queue).unwrap()];
            assert!(is_full(queue.send(Message::new("x"))), "{overflow:?}");
            out.iter().for_each(|delivery| delivery.ack().unwrap());
        }
    });
}

#[test]
fn of_an_ordering_key_the_first_ones_go_so_that_the_rest_comes_in_order() {
    on_both(|b| {
        let queue = bounded(b, 4, Overflow::DropOldest);
        for value in ["0", "1", "2", "3"] {
            send(&queue, Message::new(value).ordering_key("k"));
        }
        let head = receive(&queue).unwrap();
        send(&queue, Message::new("4").ordering_key("k"));
        send(&queue, Message::new("5").ordering_key("k"));
        assert!(receive(&queue).is_none(), "the head is out");
        head.ack().unwrap();
        assert_eq!(take_all(&queue), ["3", "4", "5"]);
        assert_eq!(stats(&queue).dropped_oldest_total, 2);
    });
}

#[test]
fn the_newest_may_give_way_instead() {
    on_both(|b| {
        let queue = bounded(b, 3, Overflow::DropNewest);
        send(&queue, Message::new("a"));
        send(&queue, Message::new("b").priority(1));
        send(&queue, Message::new("c"));
        for (value, left) in [("d", ["a", "b", "d"]), ("e", ["a", "b", "e"])] {
            send(&queue, Message::new(value));
            assert_eq!(waiting(&queue), left);
        }
        queue.send_batch(&[Message::new("f"), Message::new("g")]).unwrap();
        assert_eq!(waiting(&queue), ["a", "f", "g"]);
        assert_eq!(stats(&queue).dropped_newest_total, 4);
        assert_eq!(take_all(&queue), ["a", "f", "g"]);
        for value in ["a", "b", "c", "d"] {
            send(&queue, Message::new(value).priority(1));
        }
        assert_eq!(take_all(&queue), ["a", "b", "d"]);
    });
}

#[test]
fn the_lowest_priority_goes_first_and_none_that_is_higher_than_what_comes() {
    on_both(|b| {
        let queue = bounded(b, 4, Overflow::DropLowestPriority);
        for (value, priority) in [("high", 9), ("low", 2), ("low too", 2)] {
            send(&queue, Message::new(value).priority(priority));
        }
        send(&queue, Message::new("plain"));
        assert!(is_full(queue.send(Message::new("x").priority(1))));
        for left in [
            ["high", "low too", "plain", "x"],
            ["high", "plain", "x", "x"],
            ["high", "x", "x", "x"],
            ["high", "x", "x", "x"],
        ] {
            send(&queue, Message::new("x"));
            assert_eq!(waiting(&queue), left);
        }
        assert_eq!((stats(&queue).dropped_lowest_priority_total, stats(&queue).refused_total), (4, 1));
    });
}

#[test]
fn what_has_to_give_way_may_become_a_dead_letter() {
    on_both(|b| {
        let capacity = messages(2, Overflow::DeadLetterOldest);
        let queue = b.hub.queue("jobs").dead_letter("dead").capacity(capacity).open().unwrap();
        for value in ["a", "b", "c", "d"] {
            send(&queue, Message::new(value));
        }
        assert_eq!(take_all(&queue), ["c", "d"]);
        let dead = b.hub.queue("dead").open().unwrap();
        for value in ["a", "b"] {
            let letter = receive(&dead).unwrap();
            assert_eq!(letter.value(), value.as_bytes());
            assert_eq!(letter.header("rm-dead-reason"), Some(&b"overflow"[..]));
            letter.ack().unwrap();
        }
        assert_eq!((stats(&queue).dead_lettered_oldest_total, stats(&queue).dead_total), (2, 2));
    });
}

#[test]
fn a_batch_comes_in_as_a_whole_or_nobody_gives_way_for_it() {
    on_both(|b| {
        for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::DropLowestPriority] {
            let queue = bounded(b, 3, overflow);
            for value in ["out", "a", "b"] {
                send(&queue, Message::new(value));
            }
            let out = receive(&queue).unwrap();
            let three = ["x", "y", "z"].map(Message::new);
            assert!(is_full(queue.send_batch(&three)), "{overflow:?}");
            assert_eq!(waiting(&queue), ["a", "b"], "{overflow:?}");
            queue.send_batch(&three[..2]).unwrap();
            out.ack().unwrap();
            assert_eq!(take_all(&queue), ["x", "y"], "{overflow:?}");
        }
        let queue = bounded(b, 3, Overflow::Block(Duration::MAX));
        let error = queue.send_batch(&["1", "2", "3", "4"].map(Message::new)).unwrap_err().to_string();
        assert!(error.contains("send fewer at a time"), "what can never fit is not waited for: {error}");
    });
}

#[test]
fn whoever_is_refused_leaves_no_deduplication_key() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Reject);
        send(&queue, Message::new("x"));
        assert!(is_full(queue.send(Message::new("y").dedup_key("k"))));
        take(&queue).unwrap();
        assert!(!queue.send_unique(Message::new("y").dedup_key("k")).unwrap().is_duplicate);
        assert!(queue.send_unique(Message::new("y").dedup_key("k")).unwrap().is_duplicate, "although full");
    });
}

#[test]
fn a_replacement_needs_only_the_room_of_what_it_replaces() {
    on_both(|b| {
        let dedup =
            Dedup { on_conflict: OnConflict::Replace, mode: DedupMode::UntilDone, ..Dedup::default() };
        let queue = b.queue("jobs").capacity(messages(1, Overflow::Reject)).dedup(dedup).open().unwrap();
        send(&queue, Message::new("old").dedup_key("k"));
        send(&queue, Message::new("new").dedup_key("k"));
        assert_eq!((held(&queue), take_all(&queue)), (1, vec!["new".to_owned()]));
        b.queue("jobs").capacity(messages(2, Overflow::DropOldest)).open().unwrap();
        send(&queue, Message::new("old").dedup_key("k"));
        send(&queue, Message::new("x"));
        queue.send_batch(&[Message::new("newer").dedup_key("k"), Message::new("y")]).unwrap();
        assert_eq!((held(&queue), waiting(&queue)), (2, vec!["newer".to_owned(), "y".to_owned()]));
    });
}

#[test]
fn what_was_dropped_stays_away_and_what_is_there_counts_after_a_crash() {
    on_durable(|b| {
        let overflows = [Overflow::DropOldest, Overflow::DropNewest, Overflow::DropLowestPriority];
        let expected = [["c", "d"], ["a", "d"], ["c", "d"]];
        for (overflow, expected) in overflows.into_iter().zip(expected) {
            let queue = bounded(b, 2, overflow);
            for value in ["a", "b", "c", "d"] {
                send(&queue, Message::new(value));
            }
            b.crash();
            let queue = bounded(b, 2, Overflow::Reject);
            assert_eq!(waiting(&queue), expected);
            assert!(is_full(queue.send(Message::new("x"))));
            assert_eq!(take(&queue).unwrap(), expected[0]);
            send(&queue, Message::new("x").delay(SECOND));
            let out = receive(&queue).unwrap();
            b.reopen();
            let queue = bounded(b, 2, Overflow::Reject);
            assert!(is_full(queue.send(Message::new("y"))), "what is scheduled or was out counts, too");
            drop(out);
            b.clock.advance(SECOND);
            assert_eq!(take_all(&queue), [expected[1], "x"]);
            bounded(b, 2, overflow);
        }
    });
}

#[test]
fn what_nobody_has_waited_for_gives_way_as_well() {
    on_both(|b| {
        let queue = bounded(b, 2, Overflow::DropOldest);
        for value in ["a", "b", "c", "d", "e"] {
            drop(queue.submit(Message::new(value)).unwrap());
        }
        assert_eq!(queue.submit(Message::new("f")).unwrap().wait().unwrap(), 5);
        assert_eq!(take_all(&queue), ["e", "f"]);
    });
}

#[test]
fn altering_the_capacity_counts_what_is_there_and_drops_nothing() {
    on_both(|b| {
        let open = |builder: QueueBuilder| builder.open().unwrap();
        let queue = open(b.queue("jobs"));
        for value in ["a", "b", "c", "d"] {
            send(&queue, Message::new(value));
        }
        let out = receive(&queue).unwrap();
        open(b.queue("jobs").capacity(messages(2, Overflow::DropOldest)));
        assert_eq!(held(&queue), 4);
        send(&queue, Message::new("e"));
        assert_eq!(waiting(&queue), ["e"], "as many as are too many");
        open(b.queue("jobs").capacity(bytes(150, Overflow::Reject)));
        assert!(!is_full(queue.send(Message::new(&"x".repeat(50)))));
        assert!(is_full(queue.send(Message::new(&"x".repeat(50)))));
        open(b.queue("jobs").capacity(Capacity::default()));
        send(&queue, Message::new("f"));
        out.ack().unwrap();
        assert_eq!(take_all(&queue).len(), 3);
    });
}

#[test]
fn a_capacity_of_nothing_is_refused() {
    on_both(|b| {
        for capacity in [messages(0, Overflow::Reject), bytes(0, Overflow::Reject)] {
            let error = b.queue("jobs").capacity(capacity).open().unwrap_err().to_string();
            assert!(error.contains("at least 1"), "{error}");
        }
    });
}

#[test]
fn letters_that_are_thrown_away_or_sent_back_give_their_room_back() {
    on_both(|b| {
        let room = |messages, bytes| Capacity { messages, bytes, overflow: Overflow::Reject };
        for capacity in [room(Some(2), None), room(None, Some(300))] {
            let jobs = b.hub.queue("jobs").max_failures(1).dead_letter("dead").open().unwrap();
            let dead = b.hub.queue("dead").capacity(capacity).open().unwrap();
            for round in 0..6 {
                send(&jobs, Message::new("x"));
                receive(&jobs).unwrap().fail("boom").unwrap();
                let letters = dead.dead_letters();
                if round % 2 == 0 {
                    assert_eq!(letters.discard(&Letters::default()).unwrap(), 1);
                } else {
                    assert_eq!(letters.redrive(&Letters::default(), &Redrive::default()).unwrap(), 1);
                    assert_eq!(crate::take(&jobs).as_deref(), Some("x"));
                }
            }
            send(&dead, Message::new("there is room"));
            assert_eq!(dead.purge().unwrap(), 1);
        }
    });
}
