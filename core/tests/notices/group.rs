//! Of the members of consumer groups.

use crate::recorder::one;
use crate::{Bench, SECOND};
use ringmain::{Message, Stream};
use std::time::Duration;
use tracing::Level;

fn stream(bench: &Bench) -> Stream {
    let stream = bench.hub.stream(bench.name).partitions(2).open().unwrap();
    (0..8u8).for_each(|key| _ = stream.append(Message::new(b"x").key(&[key])).unwrap());
    stream
}

#[test]
fn a_member_that_does_not_poll_and_one_that_does_not_let_go_are_told() {
    let b = Bench::new("silent");
    let stream = stream(&b);
    let group = stream.group("billing");
    let mut first = group.join().unwrap();
    assert_eq!(first.poll(100, Duration::ZERO).unwrap().len(), 8);
    let second = group.join().unwrap();
    b.clock.advance(30 * SECOND);
    let told = one(b.name, "revoke_timed_out");
    assert_eq!((told.level, told.field("group"), told.field("partition")), (Level::WARN, "billing", "1"));
    let processing = second.processing();
    b.clock.advance(270 * SECOND);
    let told = one(b.name, "member_silent");
    assert_eq!((told.level, told.field("group"), told.field("member")), (Level::WARN, "billing", "1"));
    drop(processing);
}

#[test]
fn a_member_that_is_replaced_while_it_is_there_is_told_and_one_that_comes_back_is_not() {
    let b = Bench::new("replaced");
    let desk = stream(&b).group("billing").member_name("desk-1");
    desk.join().unwrap().leave().unwrap();
    let _first = desk.join().unwrap();
    let _second = desk.join().unwrap();
    let told = one(b.name, "member_replaced");
    assert_eq!((told.level, told.field("member"), told.field("member_name")), (Level::WARN, "2", "desk-1"));
}
