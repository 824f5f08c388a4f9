//! Messages that stay for long while others pass (semantics B5, storage): they keep neither the disk nor their queue from
//! anything, and nothing happens to them.

use super::*;
use ringmain::storage::Storage;
use ringmain::{Capacity, Letters, Overflow, Redrive};
use std::path::Path;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Sends and acks so many long messages.
fn pass(queue: &Queue, count: usize) {
    let long = "x".repeat(6000);
    for _ in 0..count {
        send(queue, Message::new(&long).priority(9));
        assert_eq!(take(queue).map(|value| value.len()), Some(6000));
    }
}

/// Whether the first segment of a queue is still there.
fn has_first_segment(bench: &Bench, queue: &str) -> bool {
    let names = bench.disk.as_ref().unwrap().list(&Path::new("/hub/queues").join(queue)).unwrap();
    names.iter().any(|name| name.ends_with("0000000000000001.segment"))
}

/// Passes so much that what stays is moved, more than once, reopening in between.
fn pass_much(bench: &mut Bench, open: impl Fn(&Bench) -> Queue) -> Queue {
    for _ in 0..2 {
        pass(&open(bench), 90);
        bench.reopen();
    }
    // A little more: where it is now is no longer in memory.
    pass(&open(bench), 12);
    bench.reopen();
    let queue = open(bench);
    assert!(!has_first_segment(bench, queue.name()), "the first segment is gone");
    queue
}

fn jobs(bench: &Bench) -> Queue {
    bench.queue("jobs").open().unwrap()
}

#[test]
fn a_message_scheduled_for_next_year_does_not_pin_the_disk() {
    on_durable(|b| {
        let queue = jobs(b);
        let message = Message::new("happy new year").key("k").header("colour", b"blue").delay(YEAR);
        let id = send(&queue, message);
        let sent_ns = queue.peek(0, 1).unwrap()[0].time_ns();
        b.clock.advance(SECOND);
        drop(queue);
        let queue = pass_much(b, jobs);
        b.clock.advance(YEAR - 2 * SECOND);
        assert!(receive(&queue).is_none(), "not a second earlier");
        b.clock.advance(SECOND);
        let delivery = receive(&queue).unwrap();
        assert_eq!((delivery.id(), delivery.value(), delivery.attempts()), (id, &b"happy new year"[..], 1));
        assert_eq!((delivery.key(), delivery.header("colour")), (Some(&b"k"[..]), Some(&b"blue"[..])));
        assert_eq!(delivery.time_ns(), sent_ns, "when it was sent");
        delivery.ack().unwrap();
        b.crash();
        assert!(take_all(&jobs(b)).is_empty(), "and it is acked once");
    });
}

#[test]
fn a_message_that_failed_keeps_its_counts_and_its_history_wherever_it_is_moved() {
    on_durable(|b| {
        let open = |b: &Bench| b.queue("jobs").max_failures(3).dead_letter("dead").open().unwrap();
        let queue = open(b);
        send(&queue, Message::new("x"));
        receive(&queue).unwrap().fail("first").unwrap();
        b.clock.advance(10 * SECOND);
        receive(&queue).unwrap().fail_after("second", YEAR).unwrap();
        drop(queue);
        let queue = pass_much(b, open);
        b.clock.advance(YEAR);
        let delivery = receive(&queue).unwrap();
        assert_eq!((delivery.attempts(), delivery.failures()), (3, 2));
        delivery.fail("third").unwrap();
        let dead = b.queue("dead").open().unwrap();
        let letter = receive(&dead).unwrap();
        let history = std::str::from_utf8(letter.header("rm-dead-history").unwrap()).unwrap().to_owned();
        assert!(["first", "second", "third"].iter().all(|reason| history.contains(reason)), "{history}");
    });
}

#[test]
fn a_lease_that_was_out_while_its_message_was_moved_counts_as_a_failure_when_the_process_dies() {
    on_durable(|b| {
        let queue = b.queue("jobs").lease(Duration::from_secs(3600)).open().unwrap();
        send(&queue, Message::new("x"));
        let held = receive(&queue).unwrap();
        pass(&queue, 180);
        std::mem::forget(held);
        b.crash();
        let queue = jobs(b);
        b.clock.advance(10 * SECOND);
        let again = receive(&queue).unwrap();
        assert_eq!((again.value(), again.attempts(), again.failures()), (&b"x"[..], 2, 1));
    });
}

#[test]
fn a_message_that_was_set_aside_is_found_by_its_id_wherever_it_was_moved() {
    on_durable(|b| {
        let queue = jobs(b);
        let ids = ["a", "b"].map(|value| send(&queue, Message::new(value).ordering_key("k")));
        receive(&queue).unwrap().defer().unwrap();
        drop(queue);
        let queue = pass_much(b, jobs);
        assert!(receive(&queue).is_none(), "the other one of its ordering key waits for it");
        let first = queue.receive_deferred(ids[0]).unwrap().unwrap();
        assert_eq!(first.value(), b"a");
        first.ack().unwrap();
        assert_eq!(take_all(&queue), ["b"]);
    });
}

#[test]
fn messages_that_were_moved_keep_their_order() {
    on_durable(|b| {
        let queue = jobs(b);
        for value in ["a", "b", "c"] {
            send(&queue, Message::new(value).priority(1));
        }
        drop(queue);
        let queue = pass_much(b, jobs);
        send(&queue, Message::new("d").priority(1));
        let seen: Vec<_> = queue.peek(0, 10).unwrap().iter().map(|seen| seen.value().to_vec()).collect();
        assert_eq!(seen, [b"a", b"b", b"c", b"d"], "and are looked at in that order");
        assert_eq!(queue.peek(1, 1).unwrap()[0].value(), b"b");
        assert_eq!(take_all(&queue), ["a", "b", "c", "d"]);
    });
}

#[test]
fn a_message_that_was_moved_takes_its_room_once() {
    on_durable(|b| {
        let open = |b: &Bench| {
            let capacity = Capacity { messages: Some(3), overflow: Overflow::Reject, ..Capacity::default() };
            b.queue("jobs").capacity(capacity).open().unwrap()
        };
        let queue = open(b);
        for value in ["a", "b"] {
            send(&queue, Message::new(value).priority(0));
        }
        drop(queue);
        let queue = pass_much(b, open);
        send(&queue, Message::new("c"));
        assert!(queue.send(Message::new("d")).is_err(), "three are there");
        assert_eq!(take_all(&queue), ["c", "a", "b"]);
        for _ in 0..3 {
            send(&queue, Message::new("e"));
        }
    });
}

#[test]
fn a_dead_letter_that_nobody_looks_at_does_not_pin_the_disk() {
    on_durable(|b| {
        let open_jobs = |b: &Bench| b.queue("jobs").dead_letter("dead").open().unwrap();
        let open_dead = |b: &Bench| b.queue("dead").open().unwrap();
        let queue = open_jobs(b);
        for value in ["a", "b"] {
            send(&queue, Message::new(value));
            receive(&queue).unwrap().reject(value).unwrap();
        }
        drop(queue);
        let dead = pass_much(b, open_dead);
        let letters = |some: &Letters| dead.dead_letters().peek(some, 10).unwrap();
        let all = letters(&Letters::all());
        assert_eq!(Vec::from_iter(all.iter().map(|letter| letter.value())), [b"a", b"b"]);
        assert_eq!(letters(&Letters::ids([all[1].id()]))[0].value(), b"b");
        assert_eq!(letters(&Letters::all().from_id(all[1].id())).len(), 1);
        let queue = open_jobs(b);
        let first = Letters::ids([all[0].id()]);
        assert_eq!(dead.dead_letters().redrive(&first, &Redrive::default()).unwrap(), 1);
        assert_eq!(take_all(&queue), ["a"]);
        assert_eq!(dead.dead_letters().discard(&Letters::all()).unwrap(), 1);
        assert!(letters(&Letters::all()).is_empty());
    });
}

#[test]
fn a_rest_outlives_the_segment_in_which_it_was_told() {
    on_durable(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("x").key("slow"));
        receive(&queue).unwrap().rate_limited(Duration::from_secs(3600)).unwrap();
        drop(queue);
        let queue = pass_much(b, jobs);
        send(&queue, Message::new("other").key("fast"));
        assert_eq!(take_all(&queue), ["other"], "the key rests");
        b.clock.advance(Duration::from_secs(3600));
        assert_eq!(take_all(&queue), ["x"]);
    });
}

/// Messages that stay, and others that pass, on a disk whose power goes at every moment after that.
fn cut_everywhere(plant: impl Fn(ringmain::HubBuilder) -> ringmain::HubBuilder) -> Vec<String> {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let open = || {
        let builder = plant(Hub::builder().clock(Clock::Manual(clock.clone())));
        builder.storage(Arc::new(disk.clone())).open("/hub").unwrap()
    };
    let queue = |hub: &Hub| hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
    let hub = open();
    let jobs = queue(&hub);
    send(&jobs, Message::new("failed"));
    receive(&jobs).unwrap().fail_after("no", YEAR).unwrap();
    send(&jobs, Message::new("scheduled").delay(YEAR));
    send(&jobs, Message::new("deferred"));
    receive(&jobs).unwrap().defer().unwrap();
    let long = "x".repeat(6000);
    let others: Vec<u64> = (0..60).map(|_| send(&jobs, Message::new(&long).priority(0))).collect();
    hub.close(Duration::MAX).unwrap();
    let first = disk.operation_count();
    // All files are there now: those that are nearly empty go as soon as what stays was moved.
    let hub = open();
    let jobs = queue(&hub);
    assert!(others.into_iter().all(|id| jobs.cancel(id).unwrap()));
    hub.close(Duration::MAX).unwrap();
    for _ in 0..2 {
        let hub = open();
        pass(&queue(&hub), 60);
        hub.close(Duration::MAX).unwrap();
    }
    let mut found = Vec::new();
    for cut in first..=disk.operation_count() {
        for unsynced in [Unsynced::Dropped, Unsynced::Seeded(cut)] {
            let image = disk.image_with(cut, unsynced);
            let seen = std::panic::catch_unwind(|| {
                let hub = super::open(&clock, Some(&image));
                let jobs = queue(&hub);
                let mut seen: Vec<String> = Vec::new();
                for seen_one in jobs.peek(0, 1000).unwrap() {
                    if seen_one.value().len() < 100 {
                        let value = String::from_utf8_lossy(seen_one.value());
                        seen.push(format!("{value} {} {}", seen_one.attempts(), seen_one.failures()));
                    }
                }
                seen
            });
            let wanted = ["failed 1 1", "scheduled 0 0", "deferred 1 0"];
            if !seen.as_ref().is_ok_and(|seen| *seen == wanted) {
                found.push(format!("after {cut} operations: {seen:?}"));
            }
        }
    }
    found
}

#[test]
fn messages_that_are_moved_are_there_once_whenever_power_goes() {
    assert_eq!(cut_everywhere(|builder| builder), [""; 0]);
}

#[test]
#[cfg(feature = "seeded-bugs")]
fn a_segment_that_goes_before_what_was_moved_out_of_it_is_durable_is_noticed() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = cut_everywhere(|builder| builder.seeded_bug(ringmain::SeededBug::ReleasedAhead));
    std::panic::set_hook(hook);
    assert!(!found.is_empty());
}

fn segments(bench: &Bench, queue: &str) -> usize {
    let names = bench.disk.as_ref().unwrap().list(&Path::new("/hub/queues").join(queue)).unwrap();
    names.iter().filter(|name| name.extension().is_some_and(|end| end == "segment")).count()
}

#[test]
fn a_letter_that_waits_for_room_does_not_pin_the_disk() {
    on_durable(|b| {
        let full = Capacity { messages: Some(1), overflow: Overflow::Reject, ..Capacity::default() };
        let open = |b: &Bench| {
            let dead = b.hub.queue("dead").on_exhausted(OnExhausted::Keep).capacity(full).open().unwrap();
            (b.queue("jobs").dead_letter("dead").open().unwrap(), dead)
        };
        let (queue, dead) = open(b);
        for value in ["a", "b"] {
            send(&queue, Message::new(value));
            receive(&queue).unwrap().reject("no").unwrap();
        }
        drop((queue, dead));
        let long = "x".repeat(6000);
        let mut held = Vec::new();
        for _ in 0..4 {
            let (queue, _dead) = open(b);
            for _ in 0..90 {
                send(&queue, Message::new(&long).priority(9));
                assert_eq!(take(&queue).map(|value| value.len()), Some(6000));
            }
            b.reopen();
            let _ = open(b);
            held.push(segments(b, "jobs"));
        }
        let (_queue, dead) = open(b);
        assert_eq!(take_all(&dead), ["a", "b"]);
        assert!(held[3] <= held[0] + 2, "segments that are held: {held:?}");
    });
}

#[test]
fn what_stays_pins_no_disk_when_a_backlog_behind_it_is_worked_off() {
    on_durable(|b| {
        for (name, priority) in [("plain", 4), ("indexed", 9)] {
            let queue = b.queue(name).open().unwrap();
            let id = send(&queue, Message::new("stays").priority(9));
            receive(&queue).unwrap().defer().unwrap();
            let long = "x".repeat(6000);
            (0..300).for_each(|_| assert!(send(&queue, Message::new(&long).priority(priority)) > id));
            drop(queue);
            // What there is is in files then.
            b.reopen();
            let queue = b.queue(name).open().unwrap();
            let before = segments(b, name);
            assert_eq!(take_all(&queue).len(), 300);
            let after = segments(b, name);
            assert!(2 * after < before, "{name}: {before} segments, then {after}");
            queue.receive_deferred(id).unwrap().unwrap().ack().unwrap();
        }
    });
}
