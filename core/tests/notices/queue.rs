//! Of a queue and its messages.

use crate::recorder::{names_of, one, told_of};
use crate::{Bench, SECOND};
use ringmain::{Capacity, Message, OnBreach, Overflow};
use std::time::Duration;
use tracing::Level;

#[test]
fn the_life_of_a_queue_is_told() {
    let b = Bench::new("life-of-a-queue");
    let queue = b.queue().open().unwrap();
    b.queue().open().unwrap();
    assert_eq!(names_of(b.name), ["queue_created"]);
    assert_eq!(names_of("life-of-a-queue.dead"), ["queue_created"]);
    b.queue().lease(7 * SECOND).open().unwrap();
    queue.pause().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    queue.purge().unwrap();
    b.hub.delete_queue(b.name).unwrap();
    let life = ["queue_created", "queue_altered", "queue_altered", "queue_purged", "queue_deleted"];
    assert_eq!(names_of(b.name), life);
    assert_eq!(one(b.name, "queue_purged").field("count"), "1");
}

#[test]
fn who_dies_is_told_with_the_reason_and_where_the_letter_is() {
    let b = Bench::new("who-dies");
    let queue = b.queue().max_failures(2).open().unwrap();
    let id = queue.send(Message::new(b"x")).unwrap();
    queue.try_receive().unwrap().unwrap().fail("first").unwrap();
    assert_eq!(names_of(b.name), ["queue_created"]);
    let last = queue.try_receive().unwrap().unwrap();
    assert_eq!(one(b.name, "last_chance").field("failures"), "1");
    last.fail_as("Boom", "second").unwrap();
    let died = one(b.name, "message_died");
    assert_eq!(died.level, Level::WARN);
    let fields = ["id", "reason", "class", "error", "failures", "to"].map(|field| died.field(field));
    assert_eq!(fields, [&id.to_string(), "failed", "Boom", "second", "2", "who-dies.dead"]);
}

#[test]
fn a_lease_that_runs_out_is_told_once() {
    let b = Bench::new("lease-runs-out");
    let queue = b.queue().open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    let held = queue.try_receive().unwrap();
    b.clock.advance(31 * SECOND);
    b.clock.advance(31 * SECOND);
    let told = one(b.name, "lease_expired");
    assert_eq!((told.level, told.field("attempt"), told.field("failures")), (Level::WARN, "1", "0"));
    drop(held);
}

#[test]
fn a_deadline_that_is_missed_is_told_with_what_it_was() {
    let b = Bench::new("deadline-missed");
    let queue = b.queue().on_breach(OnBreach::Dead).open().unwrap();
    queue.send(Message::new(b"x").start_within(SECOND)).unwrap();
    b.clock.advance(SECOND);
    assert_eq!(one(b.name, "deadline_missed").field("kind"), "start");
    assert_eq!(one(b.name, "message_died").field("reason"), "deadline");
}

#[test]
fn what_goes_to_make_room_is_told_now_and_then_and_none_is_left_out() {
    let b = Bench::new("overflow");
    let capacity = Capacity { messages: Some(2), overflow: Overflow::DropOldest, ..Capacity::default() };
    let queue = b.queue().capacity(capacity).open().unwrap();
    let send = |count| (0..count).for_each(|_| _ = queue.send(Message::new(b"x")).unwrap());
    send(12);
    b.clock.advance(10 * SECOND);
    send(1);
    let told: Vec<_> = told_of(b.name).into_iter().filter(|told| told.name == "overflowed").collect();
    let counts: Vec<_> = told.iter().map(|told| (told.field("policy"), told.field("count"))).collect();
    assert_eq!(counts, [("drop_oldest", "1"), ("drop_oldest", "10")]);
}

#[test]
fn a_backlog_is_told_once_until_it_was_worked_off() {
    let b = Bench::new("backlog");
    let queue = b.queue().open().unwrap();
    let fill = || {
        queue.send_batch(&vec![Message::new(b"x"); 10_001]).unwrap();
        (0..3).for_each(|_| b.clock.advance(SECOND));
    };
    fill();
    assert_eq!(one(b.name, "backlog").field("ready"), "10001");
    let text = b.hub.stats().unwrap().prometheus();
    assert!(text.contains("queue_backlog{queue=\"backlog\"} 1\n"), "{text}");
    queue.purge().unwrap();
    b.clock.advance(SECOND);
    fill();
    assert_eq!(names_of(b.name).iter().filter(|name| **name == "backlog").count(), 2);
}

#[test]
fn dead_letters_that_nobody_looked_at_are_told_when_the_queue_is_opened() {
    let mut b = Bench::new("letters-wait");
    let queue = b.queue().open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    queue.try_receive().unwrap().unwrap().reject("no use").unwrap();
    b.reopen();
    b.queue().open().unwrap();
    let told = one(b.name, "dead_letters_wait");
    assert_eq!((told.field("to"), told.field("count")), ("letters-wait.dead", "1"));
}

#[test]
fn a_message_that_waits_for_its_key_is_told_to_who_looks_closely() {
    let b = Bench::new("key-held");
    let queue = b.queue().concurrency_max_per_key(1).open().unwrap();
    queue.send_batch(&[Message::new(b"1").key("k"), Message::new(b"2").key("k")]).unwrap();
    let held = queue.receive_batch(2, Duration::ZERO).unwrap();
    let told = one(b.name, "key_held");
    assert_eq!((told.level, told.field("limit")), (Level::DEBUG, "concurrency"));
    drop(held);
}

#[test]
fn who_becomes_the_active_consumer_is_told_and_that_there_is_none() {
    let b = Bench::new("take-over");
    let queue = b.queue().single_active_consumer(true).open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    let mut first = queue.consumer().start().unwrap();
    let second = queue.consumer().start().unwrap();
    let held = first.next();
    drop(first);
    assert_eq!(one(b.name, "consumer_took_over").field("released"), "1");
    drop((held, second));
    assert_eq!(one(b.name, "consumer_gone").field("released"), "0");
}
