//! Queues in memory that put what is too much for it into a scratch file (semantics B12).

use crate::{Bench, SECOND, on_durable, open, receive, send, stats};
use ringmain::storage::sim::{Fault, SimDisk};
use ringmain::{
    Capacity, Clock, Error, Hub, Jitter, ManualClock, Message, OnExhausted, Overflow, Queue, QueueBuilder,
    Retry,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MEMORY: u64 = 1 << 20;
/// The open segment, those that a producer may be in, and one that is read: an eighth of the limit each.
const SEGMENTS: u64 = MEMORY / 8 * 6;

fn spilling(bytes: u64) -> Capacity {
    Capacity { bytes: Some(bytes), overflow: Overflow::Spill, ..Capacity::default() }
}

/// A hub in memory whose scratch files are on a simulated disk.
fn on_disk(disk: &SimDisk) -> Bench {
    let clock = ManualClock::new();
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = builder.scratch_directory("/").memory().unwrap();
    Bench { clock, disk: None, hub }
}

fn jobs(bench: &Bench) -> QueueBuilder {
    bench.queue("jobs").capacity(spilling(MEMORY))
}

/// A value that tells which one it is, to its last byte.
fn value(number: u64) -> Vec<u8> {
    let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = 300 + (number % 1500) as usize;
    let next = |_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as u8
    };
    number.to_le_bytes().into_iter().chain((0..bytes).map(next)).collect()
}

fn fill(queue: &Queue, count: u64) {
    for first in (0..count).step_by(64) {
        let values: Vec<_> = (first..count.min(first + 64)).map(value).collect();
        queue.send_batch(&values.iter().map(Message::new).collect::<Vec<_>>()).unwrap();
        let held = stats(queue).memory_bytes;
        assert!(held <= MEMORY + SEGMENTS, "{held} bytes in memory after {first} messages");
    }
}

#[test]
fn a_queue_takes_fifty_times_its_memory_and_gives_every_message_back_in_order() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::builder().scratch_directory(scratch.path()).memory().unwrap();
    let builder = hub.queue("jobs").on_exhausted(OnExhausted::Drop).capacity(spilling(MEMORY));
    let queue = builder.open().unwrap();
    let count = 50_000;
    fill(&queue, count);
    let full = stats(&queue);
    assert!(full.spilled_bytes >= 49 * MEMORY, "{full:?}");
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        0,
        "a killed process would leave something"
    );
    let mut next = 0;
    while next < count {
        for delivery in queue.receive_batch(100, Duration::ZERO).unwrap() {
            assert!(delivery.value() == value(next), "message {next}");
            delivery.ack().unwrap();
            next += 1;
        }
        let now = stats(&queue);
        assert!(now.memory_bytes <= MEMORY + SEGMENTS, "{now:?}");
    }
    let empty = stats(&queue);
    assert_eq!((empty.ready, empty.leased, empty.spilled_bytes), (0, 0, 0));
}

#[test]
fn what_was_spilled_is_retried_and_comes_by_priority_and_in_the_order_of_its_key() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let retry = Retry { base: SECOND, factor: 1.0, jitter: Jitter::None, ..Retry::default() };
    let queue = jobs(&b).retry(retry).open().unwrap();
    let keys: Vec<String> = (0..7).map(|key| format!("key {key}")).collect();
    let count = 6_000;
    for number in 0..count {
        let value = value(number);
        send(
            &queue,
            match number % 3 {
                0 => Message::new(&value).priority((number % 10) as u8),
                1 => Message::new(&value).ordering_key(&keys[(number % 7) as usize]),
                _ => Message::new(&value),
            },
        );
    }
    assert!(stats(&queue).spilled_bytes > 3 * MEMORY);
    let mut seen = vec![0; count as usize];
    let (mut of_keys, mut plain, mut priority) = ([0; 7], 0, 9);
    let mut failed = BTreeSet::new();
    while let Some(delivery) = receive(&queue) {
        let number = delivery.id();
        assert!(delivery.value() == value(number), "message {number}");
        if number % 11 == 0 && failed.insert(number) {
            delivery.fail("once").unwrap();
            b.clock.advance(SECOND);
            continue;
        }
        seen[number as usize] += 1;
        assert_eq!(u64::from(delivery.failures()), u64::from(number % 11 == 0));
        match number % 3 {
            // One that failed comes at once, for nothing of a lower priority is to come before it.
            0 => {
                assert!(number % 10 <= priority || number % 10 == 4, "{number} after priority {priority}");
                priority = priority.min(number % 10);
            }
            1 => {
                let last = &mut of_keys[(number % 7) as usize];
                assert!(number >= *last, "{number} after {last} of the same key");
                *last = number;
            }
            _ => {
                assert!(number >= plain || number % 11 == 0, "{number} after {plain}");
                plain = plain.max(number);
            }
        }
        delivery.ack().unwrap();
    }
    assert!(seen.iter().all(|count| *count == 1));
    assert_eq!(stats(&queue).spilled_bytes, 0);
}

#[test]
fn a_lease_on_a_spilled_message_is_as_good_as_any() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let queue = jobs(&b).lease(60 * SECOND).open().unwrap();
    fill(&queue, 4_000);
    let mut out = queue.receive_batch(4_000, Duration::ZERO).unwrap();
    assert_eq!(out.len(), 4_000);
    fill(&queue, 2_000);
    for (number, delivery) in out.iter().enumerate() {
        assert!(delivery.value() == value(number as u64), "message {number}");
    }
    let back = out.split_off(2_000);
    out.iter().for_each(|delivery| delivery.ack().unwrap());
    back.iter().for_each(|delivery| delivery.release().unwrap());
    drop(back);
    b.clock.advance(60 * SECOND);
    for number in 2_000..4_000 {
        let again = receive(&queue).unwrap();
        assert!(again.id() == number && again.attempts() == 2 && again.value() == value(number));
        again.ack().unwrap();
    }
    for number in 0..2_000 {
        let delivery = receive(&queue).unwrap();
        assert!(delivery.value() == value(number));
        delivery.ack().unwrap();
    }
    assert!(receive(&queue).is_none());
    drop(out);
    assert_eq!(stats(&queue).spilled_bytes, 0);
}

#[test]
fn a_full_disk_refuses_messages_loses_none_and_is_tried_again() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let queue = jobs(&b).open().unwrap();
    let mut sent = Vec::new();
    let mut refused = 0;
    for number in 0..4_000 {
        if number % 500 == 499 {
            // For a while.
            (1..=6).for_each(|nth| disk.fail_nth(nth, Fault::NoSpace));
        }
        match queue.send(Message::new(&value(number))) {
            Ok(_) => sent.push(number),
            Err(error) => {
                assert!(matches!(error, Error::Io { errno: libc::ENOSPC, .. }), "{error:?}");
                assert!(error.to_string().contains("what is in the queue is still there"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 2 && stats(&queue).refused_total == refused, "{refused}");
    for number in sent {
        let delivery = receive(&queue).unwrap();
        assert!(delivery.value() == value(number), "message {number}");
        delivery.ack().unwrap();
    }
    assert!(receive(&queue).is_none());
}

#[test]
fn a_scratch_file_that_cannot_be_read_is_an_error_and_skips_no_message() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let queue = jobs(&b).open().unwrap();
    fill(&queue, 3_000);
    disk.fail_nth(1, Fault::Io);
    let mut failed = None;
    for number in 0..3_000 {
        let delivery = queue.try_receive().or_else(|error| {
            failed = Some(error);
            queue.try_receive()
        });
        let delivery = delivery.unwrap().unwrap();
        assert!(delivery.value() == value(number), "it is tried again");
        delivery.ack().unwrap();
    }
    assert!(matches!(failed, Some(Error::Io { .. })), "{failed:?}");
}

#[test]
fn memory_may_be_limited_and_no_longer_limited_while_messages_are_there() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let queue = b.queue("jobs").open().unwrap();
    let send_more = |from: u64| {
        (from..from + 2_000).for_each(|n| {
            send(&queue, Message::new(&value(n)));
        })
    };
    send_more(0);
    assert!(stats(&queue).memory_bytes > 2 * MEMORY && stats(&queue).spilled_bytes == 0);
    jobs(&b).open().unwrap();
    send_more(2_000);
    let limited = stats(&queue);
    assert!(limited.spilled_bytes > MEMORY, "{limited:?}");
    let capacity = Capacity { messages: Some(6_000), overflow: Overflow::Reject, ..Capacity::default() };
    b.queue("jobs").capacity(capacity).open().unwrap();
    send_more(4_000);
    assert!(matches!(queue.send(Message::new("x")), Err(Error::Full { .. })), "all are counted");
    for number in 0..6_000 {
        let delivery = receive(&queue).unwrap();
        assert!(delivery.value() == value(number), "message {number}");
        delivery.ack().unwrap();
    }
    assert_eq!(stats(&queue).spilled_bytes, 0);
}

#[test]
fn what_is_spilled_can_be_looked_at_cancelled_and_purged() {
    let disk = SimDisk::new();
    let b = on_disk(&disk);
    let queue = jobs(&b).open().unwrap();
    fill(&queue, 4_000);
    let found = queue.peek(2_000, 100).unwrap();
    assert!(found.iter().zip(2_000..).all(|(message, number)| message.value() == value(number)));
    assert!(queue.cancel(2_000).unwrap());
    assert_eq!(queue.purge().unwrap(), 3_999);
    assert_eq!(stats(&queue).spilled_bytes, 0);
}

#[test]
fn each_message_is_delivered_once_while_others_are_being_spilled() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::builder().scratch_directory(scratch.path()).memory().unwrap();
    let builder = hub.queue("jobs").on_exhausted(OnExhausted::Drop).capacity(spilling(128 << 10));
    let queue = builder.open().unwrap();
    let (senders, count) = (3, 4_000);
    let found = Mutex::new(vec![0; senders * count]);
    std::thread::scope(|scope| {
        for sender in 0..senders {
            let queue = &queue;
            scope.spawn(move || {
                for number in (sender * count..).take(count) {
                    let value = value(number as u64);
                    let urgent = if number % 5 == 0 { 9 } else { 4 };
                    send(queue, Message::new(&value).priority(urgent));
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while let deliveries = queue.receive_batch(7, Duration::from_secs(1)).unwrap()
                    && !deliveries.is_empty()
                {
                    for delivery in deliveries {
                        let number = u64::from_le_bytes(*delivery.value().first_chunk().unwrap());
                        assert!(delivery.value() == value(number), "message {number}");
                        delivery.ack().unwrap();
                        found.lock().unwrap()[number as usize] += 1;
                    }
                }
            });
        }
    });
    assert!(found.lock().unwrap().iter().all(|count| *count == 1));
    assert_eq!(stats(&queue).spilled_bytes, 0);
}

#[test]
fn a_durable_queue_says_that_it_is_on_disk_already() {
    on_durable(|b| {
        let error = jobs(b).open().unwrap_err().to_string();
        assert!(error.contains("on disk already"), "{error}");
    });
}

#[test]
fn spilling_needs_to_be_told_how_much_may_stay_in_memory_and_nothing_else() {
    let b = Bench { clock: ManualClock::new(), disk: None, hub: open(&ManualClock::new(), None) };
    for (messages, bytes, told) in [
        (Some(1), Some(MEMORY), "limited by bytes"),
        (None, None, "at least 131072"),
        (None, Some(131_071), "at least 131072"),
    ] {
        let capacity = Capacity { messages, bytes, overflow: Overflow::Spill };
        let error = b.queue("jobs").capacity(capacity).open().unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
