//! Dead letter queues that are full: letters wait in the queue that they come from, or others give way (semantics B5).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{Capacity, Cause, Error, Message, OnExhausted, Overflow, Queue, QueueBuilder};
use std::collections::BTreeMap;
use std::time::Duration;

fn messages(limit: u64, overflow: Overflow) -> Capacity {
    Capacity { messages: Some(limit), overflow, ..Capacity::default() }
}

fn jobs(b: &Bench) -> QueueBuilder {
    b.hub.queue("jobs").dead_letter("dead")
}

/// A dead letter queue with room for so many, and a queue that sends its letters there.
fn queues(b: &Bench, limit: u64, overflow: Overflow) -> (Queue, Queue) {
    let dead = b.hub.queue("dead").on_exhausted(OnExhausted::Keep).capacity(messages(limit, overflow));
    let dead = dead.open().unwrap();
    (jobs(b).open().unwrap(), dead)
}

/// A message that dies at once.
fn die(queue: &Queue, message: Message<'_>) -> u64 {
    let id = send(queue, message);
    receive(queue).unwrap().reject("never").unwrap();
    id
}

fn die_all(queue: &Queue, values: &[&str]) {
    for value in values {
        die(queue, Message::new(value));
    }
}

fn dying(queue: &Queue) -> u64 {
    stats(queue).dying
}

#[test]
fn a_message_stays_until_there_is_room_for_its_letter_and_no_letter_is_over_the_limit() {
    on_both(|b| {
        for overflow in [Overflow::Reject, Overflow::Block(Duration::MAX)] {
            let (jobs, dead) = queues(b, 1, overflow);
            let ids = ["a", "b", "c"].map(|value| die(&jobs, Message::new(value)));
            assert_eq!((dying(&jobs), stats(&dead).ready), (2, 1));
            let explanation = jobs.explain(ids[1]).unwrap();
            assert_eq!(explanation.causes, [Cause::NoRoom { queue: "dead".into() }]);
            assert!(explanation.to_string().contains("drain that, or raise its capacity"), "{explanation}");
            assert!(receive(&jobs).is_none() && !jobs.cancel(ids[1]).unwrap(), "it is dead");
            for (left, value) in [(2, "a"), (1, "b"), (0, "c")] {
                assert_eq!((dying(&jobs), stats(&dead).ready), (left, 1));
                assert_eq!(take(&dead).unwrap(), value, "in the order of their ids");
            }
            assert!(take(&dead).is_none() && receive(&jobs).is_none());
            assert_eq!(jobs.explain(ids[1]).unwrap().causes, [Cause::Gone]);
        }
        assert_eq!(stats(&jobs(b).open().unwrap()).dead_total, 6);
    });
}

#[test]
fn room_appears_however_a_letter_leaves() {
    on_both(|b| {
        let (jobs, dead) = queues(b, 1, Overflow::Reject);
        for value in ["cancelled", "sent back", "discarded", "purged", "moved", "left"] {
            die(&jobs, Message::new(value));
        }
        let letters = dead.dead_letters();
        let ready =
            || dead.peek(0, 9).unwrap().iter().map(|letter| letter.value().to_vec()).collect::<Vec<_>>();
        assert_eq!(ready(), [b"cancelled"]);
        assert!(dead.cancel(dead.peek(0, 1).unwrap()[0].id()).unwrap());
        assert_eq!(ready(), [b"sent back"]);
        assert_eq!(letters.redrive(&ringmain::Letters::default(), &ringmain::Redrive::default()).unwrap(), 1);
        assert_eq!(take(&jobs).unwrap(), "sent back");
        assert_eq!(ready(), [b"discarded"]);
        assert_eq!(letters.discard(&ringmain::Letters::default()).unwrap(), 1);
        assert_eq!(ready(), [b"purged"]);
        assert_eq!(dead.purge().unwrap(), 1);
        assert_eq!((ready(), dying(&jobs)), (vec![b"moved".to_vec()], 1));
    });
}

#[test]
fn what_waits_for_room_survives_a_crash_and_becomes_one_letter() {
    on_durable(|b| {
        let (first, dead) = queues(b, 1, Overflow::Reject);
        die_all(&first, &["a", "b", "c"]);
        assert_eq!(take(&dead).unwrap(), "a");
        b.crash();
        let (jobs, dead) = queues(b, 1, Overflow::Reject);
        assert_eq!((dying(&jobs), stats(&dead).ready), (1, 1));
        b.reopen();
        let (jobs, dead) = queues(b, 1, Overflow::Reject);
        assert!(receive(&jobs).is_none());
        assert_eq!(take(&dead).unwrap(), "b");
        b.crash();
        let (jobs, dead) = queues(b, 1, Overflow::Reject);
        assert_eq!((take_all(&dead), dying(&jobs)), (vec!["c".to_owned()], 0));
    });
}

#[test]
fn what_waits_for_room_takes_room_in_its_own_queue() {
    on_both(|b| {
        let (_, dead) = queues(b, 1, Overflow::Reject);
        let jobs = jobs(b).capacity(messages(2, Overflow::Reject)).open().unwrap();
        die_all(&jobs, &["a", "b", "c"]);
        let full = jobs.send(Message::new("x")).unwrap_err();
        assert!(matches!(full, Error::Full { count: 2, limit: 2, .. }), "{full:?}");
        take(&dead).unwrap();
        send(&jobs, Message::new("x"));
        assert!(jobs.send(Message::new("y")).is_err());
        assert_eq!((take_all(&dead).len(), take_all(&jobs).len()), (2, 1));
        send(&jobs, Message::new("x"));
        send(&jobs, Message::new("y"));
        assert!(jobs.send(Message::new("z")).is_err(), "each makes room once");
    });
}

#[test]
fn the_oldest_letters_give_way_and_are_counted_but_not_those_that_are_out() {
    on_both(|b| {
        let (jobs, dead) = queues(b, 2, Overflow::DropOldest);
        die_all(&jobs, &["a", "b", "c"]);
        assert_eq!((stats(&dead).dropped_oldest_total, dying(&jobs)), (1, 0));
        let out = [receive(&dead).unwrap(), receive(&dead).unwrap()];
        assert_eq!(out.each_ref().map(|letter| letter.value().to_vec()), [b"b", b"c"]);
        die(&jobs, Message::new("d"));
        assert_eq!((stats(&dead).dropped_oldest_total, dying(&jobs)), (1, 1));
        out[0].release().unwrap();
        die(&jobs, Message::new("e"));
        assert_eq!((stats(&dead).dropped_oldest_total, dying(&jobs)), (3, 0), "b for d, then d for e");
        out[1].ack().unwrap();
        assert_eq!(take_all(&dead), ["e"]);
    });
}

#[test]
fn letters_that_give_way_may_die_once_more_however_long_the_path_is() {
    on_both(|b| {
        let name = |index: usize| format!("dead.{index}");
        let last = b.hub.queue(&name(50)).on_exhausted(OnExhausted::Keep).open().unwrap();
        for index in (0..50).rev() {
            let queue = b.hub.queue(&name(index)).dead_letter(&name(index + 1));
            queue.capacity(messages(1, Overflow::DeadLetterOldest)).open().unwrap();
        }
        let jobs = b.hub.queue("jobs").dead_letter(&name(0)).open().unwrap();
        for number in 0..52 {
            die(&jobs, Message::new(&number.to_string()));
        }
        assert_eq!(take_all(&last), ["0", "1"]);
        let first = b.hub.queue(&name(0)).open().unwrap();
        assert_eq!((take_all(&first), stats(&first).dead_lettered_oldest_total), (vec!["51".to_owned()], 51));
    });
}

#[test]
fn a_queue_whose_oldest_cannot_become_letters_refuses_what_does_not_fit() {
    on_both(|b| {
        let (_, dead) = queues(b, 1, Overflow::Reject);
        let jobs = jobs(b).capacity(messages(2, Overflow::DeadLetterOldest)).open().unwrap();
        for value in ["a", "b", "c"] {
            send(&jobs, Message::new(value));
        }
        send(&jobs, Message::new("d"));
        assert_eq!(dying(&jobs), 1);
        assert!(matches!(jobs.send(Message::new("e")), Err(Error::Full { .. })));
        assert_eq!(take_all(&dead), ["a", "b"]);
        assert_eq!(take_all(&jobs), ["c", "d"]);
    });
}

#[test]
fn more_capacity_another_queue_or_none_at_all_lets_what_waits_go() {
    on_both(|b| {
        let (queue, dead) = queues(b, 1, Overflow::Reject);
        die_all(&queue, &["a", "b", "c", "d"]);
        queues(b, 2, Overflow::Reject);
        assert_eq!((dying(&queue), stats(&dead).ready), (2, 2));
        let other = b.hub.queue("other").on_exhausted(OnExhausted::Keep).open().unwrap();
        b.hub.queue("jobs").dead_letter("other").open().unwrap();
        assert_eq!((dying(&queue), take_all(&other)), (0, vec!["c".to_owned(), "d".to_owned()]));
        jobs(b).open().unwrap();
        die(&queue, Message::new("e"));
        assert_eq!(dying(&queue), 1);
        b.queue("jobs").open().unwrap();
        assert_eq!((dying(&queue), stats(&queue).dropped_total), (0, 1));
        assert_eq!(take_all(&dead), ["a", "b"]);
        queues(b, 1, Overflow::Reject);
        die_all(&queue, &["f", "g"]);
        b.hub.queue("dead").capacity(Capacity::default()).open().unwrap();
        assert_eq!(take_all(&dead), ["f", "g"], "no limit any more");
    });
}

#[test]
fn others_of_its_ordering_key_do_not_wait_and_what_expires_waits_as_well() {
    on_both(|b| {
        let (jobs, dead) = queues(b, 1, Overflow::Reject);
        die(&jobs, Message::new("a").ordering_key("k"));
        die(&jobs, Message::new("b").ordering_key("k"));
        send(&jobs, Message::new("c").ordering_key("k"));
        assert_eq!(take(&jobs).unwrap(), "c");
        send(&jobs, Message::new("expired").ttl(SECOND));
        b.clock.advance(SECOND);
        assert_eq!(dying(&jobs), 2);
        assert_eq!(take_all(&dead), ["a", "b", "expired"]);
        assert_eq!(stats(&jobs).expired_total, 1);
    });
}

#[test]
fn a_letter_that_is_longer_than_its_whole_queue_waits_and_holds_up_no_other() {
    on_both(|b| {
        let bytes = Capacity { bytes: Some(2_000), overflow: Overflow::DropOldest, ..Capacity::default() };
        let dead = b.hub.queue("dead").on_exhausted(OnExhausted::Keep).capacity(bytes).open().unwrap();
        let jobs = jobs(b).open().unwrap();
        let long = "x".repeat(2_000);
        die(&jobs, Message::new(&long));
        die(&jobs, Message::new("short"));
        assert_eq!((dying(&jobs), take_all(&dead)), (1, vec!["short".to_owned()]));
        let bytes = Capacity { bytes: Some(4_000), ..bytes };
        b.hub.queue("dead").capacity(bytes).open().unwrap();
        assert_eq!((dying(&jobs), take_all(&dead)), (0, vec![long]));
    });
}

#[test]
fn each_message_becomes_one_letter_while_letters_come_and_go() {
    on_both(|b| {
        let (_, dead) = queues(b, 3, Overflow::Reject);
        let (sources, count) = (3, 100);
        let mut found = BTreeMap::new();
        std::thread::scope(|scope| {
            for source in 0..sources {
                let hub = &b.hub;
                scope.spawn(move || {
                    let queue = hub.queue(&format!("source.{source}")).dead_letter("dead").open().unwrap();
                    for number in 0..count {
                        die(&queue, Message::new(&format!("{source}/{number}")));
                    }
                });
            }
            while found.len() < sources * count {
                assert!(stats(&dead).ready <= 3);
                let Some(letter) = dead.receive(Duration::from_secs(10)).unwrap() else { break };
                *found.entry(letter.value().to_vec()).or_insert(0) += 1;
                letter.ack().unwrap();
            }
        });
        assert_eq!(found.len(), sources * count);
        assert!(found.values().all(|count| *count == 1) && receive(&dead).is_none());
    });
}
