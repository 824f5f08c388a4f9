//! Of schedules.

use crate::recorder::{one, told_of};
use crate::{Bench, SECOND};
use ringmain::{Message, Missed};

#[test]
fn slots_that_were_missed_are_told_with_what_was_done_about_them() {
    for (name, missed, policy, sent) in [
        ("missed-skip", Missed::Skip, "skip", "0"),
        ("missed-one", Missed::One, "one", "1"),
        ("missed-all", Missed::All { max: 3 }, "all", "3"),
    ] {
        let mut b = Bench::new(name);
        let queue = b.queue().open().unwrap();
        let schedule = b.hub.schedule(name).cron("@every 10m").to(&queue).message(Message::new("x"));
        schedule.missed(missed).open().unwrap();
        drop(queue);
        b.hub.close(std::time::Duration::MAX).unwrap();
        b.clock.advance(3600 * SECOND + SECOND);
        b.reopen();
        let told = one(name, "slots_missed");
        assert_eq!((told.field("policy"), told.field("sent")), (policy, sent));
    }
}

#[test]
fn a_slot_that_is_sent_late_is_told() {
    let b = Bench::new("slot-late");
    let queue = b.queue().open().unwrap();
    let schedule = b.hub.schedule(b.name).cron("@every 10m").to(&queue).message(Message::new("x"));
    schedule.open().unwrap();
    b.clock.advance(600 * SECOND);
    b.clock.advance(607 * SECOND);
    assert_eq!(one(b.name, "slot_late").field("late_ms"), "7000");
    assert!(told_of(b.name).iter().all(|told| told.name != "slots_missed"));
}

#[test]
fn a_slot_that_cannot_be_sent_is_told_once_however_often_it_is_tried() {
    let b = Bench::new("slot-fails");
    let queue = b.queue().open().unwrap();
    let schedule = b.hub.schedule(b.name).cron("@every 10m").to(&queue).message(Message::new("x"));
    schedule.open().unwrap();
    b.disk.set_free_bytes(1 << 20);
    b.clock.advance(SECOND);
    queue.send(Message::new(b"the last one")).unwrap();
    b.clock.advance(600 * SECOND);
    b.clock.advance(10 * SECOND);
    assert!(one(b.name, "slot_failed").field("error").contains("reserve"));
}
