//! Power cuts and killed processes at every operation of the disk: each slot has exactly one message.

use crate::{Bench, HOUR, JOBS, MINUTE, jobs_of, open, slot_of, time};
use ringmain::storage::Storage;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Dedup, Message, Missed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const FROM: &str = "2026-11-20T08:30:30Z";

/// Images of the disk at every operation, with several fates of what was not synced.
fn images(disk: &SimDisk, seeds: u64) -> impl Iterator<Item = (u64, Unsynced, SimDisk)> {
    (0..=disk.operation_count()).flat_map(move |cut| {
        let fates = [Unsynced::Kept, Unsynced::Dropped].into_iter().chain((0..seeds).map(Unsynced::Seeded));
        fates.map(move |unsynced| (cut, unsynced, disk.image_with(cut, unsynced)))
    })
}

/// What is in the queue of an image, when the hub is opened at the time of the bench: how many messages each slot has.
fn found_in(bench: &Bench, image: &SimDisk) -> BTreeMap<u64, usize> {
    let hub = open(&bench.clock, Some(image));
    let mut found = BTreeMap::new();
    if hub.schedules().unwrap().is_empty() {
        return found;
    }
    let jobs = jobs_of(&hub);
    // All at once: what is dropped comes again.
    for delivery in jobs.receive_batch(1000, Duration::ZERO).unwrap() {
        if delivery.value() == b"s" {
            *found.entry(slot_of(&delivery)).or_default() += 1;
        }
    }
    found
}

#[test]
fn a_crash_at_any_operation_of_a_fire_leaves_exactly_one_message_for_each_slot() {
    // Streamed in blocks of 4 KiB, the rest by the journal. One of them ends with its block, so that a crash tears its note from it.
    let long: Vec<_> = (0..6).map(|index| vec![b'x'; 3 * 4096 - 60 - 30 * index]).collect();
    let streamed = long.iter().map(|long| Message::new("s").header("long", long));
    // With a priority it is delivered from the index.
    for message in [Message::new("s"), Message::new("s").priority(2)].into_iter().chain(streamed) {
        let b = Bench::new(FROM, Some(SimDisk::new()));
        b.schedule("s", "* * * * *").missed(Missed::All { max: 64 }).message(message).open().unwrap();
        let made = b.disk.as_ref().unwrap().operation_count();
        (0..6).for_each(|_| b.clock.advance(MINUTE));
        b.hub.close(Duration::MAX).unwrap();
        let disk = b.disk.as_ref().unwrap();
        let mut images_with_a_schedule = 0;
        for (cut, unsynced, image) in images(disk, 4) {
            let found = found_in(&b, &image);
            let is_there = !found.is_empty();
            assert!(is_there || cut < made, "cut {cut} {unsynced:?}: the schedule is gone");
            images_with_a_schedule += usize::from(is_there);
            let slots: Vec<_> = found.keys().map(|slot_ns| time(*slot_ns)).collect();
            let all: Vec<_> = (31..=36).map(|minute| format!("2026-11-20T08:{minute}:00Z")).collect();
            assert!(!is_there || slots == all, "cut {cut} {unsynced:?}: {slots:?}");
            assert!(found.values().all(|count| *count == 1), "cut {cut} {unsynced:?}: {found:?}");
        }
        assert!(images_with_a_schedule > 100, "{images_with_a_schedule}");
    }
}

/// The note of a slot is in a segment, and segments of settled messages are removed.
#[test]
fn a_slot_that_was_acked_and_whose_segment_is_gone_is_not_fired_again() {
    let b = Bench::new(FROM, Some(SimDisk::new()));
    b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
    b.schedule("t", "0 9 * * *").open().unwrap();
    b.clock.advance(HOUR);
    let disk = b.disk.as_ref().unwrap();
    assert_eq!(b.slots().len(), 2);
    let acked = disk.operation_count();
    // All of them first, so that the segments are in files, out of the journal, when they are removed.
    (0..60).for_each(|_| _ = b.jobs.send(Message::new(&[7; 6000])).unwrap());
    (0..60).for_each(|_| b.jobs.try_receive().unwrap().unwrap().ack().unwrap());
    let removed =
        disk.operations().iter().filter(|op| op.starts_with("remove") && op.contains(".segment")).count();
    b.hub.close(Duration::MAX).unwrap();
    let mut cut_behind = 0;
    for (cut, unsynced, image) in images(disk, 2).filter(|(cut, ..)| *cut >= acked) {
        cut_behind += 1;
        let found = found_in(&b, &image);
        assert!(found.is_empty(), "cut {cut} {unsynced:?}: {found:?}");
    }
    assert!(removed > 3 && cut_behind > 100, "{removed} segments removed, {cut_behind} images");
}

#[test]
fn deduplication_keys_and_slots_outlive_the_same_segment() {
    let mut b = Bench::new(FROM, Some(SimDisk::new()));
    let keyed = || Message::new("key").dedup_key("k");
    // Keys last longer than what the clock is moved on by.
    let open = |b: &Bench| {
        let dedup = Dedup { window: 48 * HOUR, ..Dedup::default() };
        b.hub.queue(JOBS).dedup(dedup).open().unwrap()
    };
    let jobs = open(&b);
    b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
    let first = jobs.send(keyed()).unwrap();
    b.clock.advance(HOUR);
    // Twice: what was told again is told again.
    for _ in 0..2 {
        (0..40).for_each(|_| _ = jobs.send(Message::new(&[7; 6000])).unwrap());
        while let Some(delivery) = jobs.try_receive().unwrap() {
            delivery.ack().unwrap();
        }
    }
    b.hub.close(Duration::MAX).unwrap();
    let names = b.disk.as_ref().unwrap().list(Path::new("/hub/queues/jobs")).unwrap();
    assert!(!names.iter().any(|name| name.ends_with("0000000000000001.segment")), "{names:?}");
    for _ in 0..2 {
        b.crash();
        assert_eq!(open(&b).send(keyed()).unwrap(), first);
        assert_eq!(b.slots(), [""; 0]);
    }
}

/// Messages that are received, acked and gone, with segments that go, while slots are fired: none is lost, and none that was acked comes
/// again.
#[test]
fn while_slots_are_fired_received_and_acked_none_is_lost_or_comes_again_after_a_crash() {
    let b = Bench::new(FROM, Some(SimDisk::new()));
    let disk = b.disk.as_ref().unwrap();
    let long = [b'x'; 3000];
    b.schedule("s", "* * * * *")
        .missed(Missed::All { max: 64 })
        .message(Message::new("s").header("long", &long))
        .open()
        .unwrap();
    let made = disk.operation_count();
    // From so many operations on a slot is settled, and by so many at the earliest it was.
    let (mut settled, mut received) = (BTreeMap::new(), BTreeMap::new());
    for minute in 0..30 {
        b.clock.advance(MINUTE);
        // Every fifth stays.
        if minute % 5 == 4 {
            let before = disk.operation_count();
            while let Some(delivery) = b.jobs.try_receive().unwrap().filter(|_| settled.len() < minute) {
                delivery.ack().unwrap();
                received.insert(slot_of(&delivery), before);
                settled.insert(slot_of(&delivery), disk.operation_count());
            }
        }
    }
    let slots: BTreeSet<u64> =
        (1..=30).map(|minute| crate::ns("2026-11-20T08:30:00Z") + minute * 60_000_000_000).collect();
    b.hub.close(Duration::MAX).unwrap();
    for (cut, unsynced, image) in images(disk, 1).filter(|(cut, ..)| *cut >= made) {
        let found = found_in(&b, &image);
        for slot_ns in &slots {
            let count = found.get(slot_ns).copied().unwrap_or(0);
            let may_be_gone = received.get(slot_ns).is_some_and(|at| *at <= cut);
            let must_be_gone = settled.get(slot_ns).is_some_and(|at| *at <= cut);
            let place = || format!("cut {cut} {unsynced:?}: {} has {count} messages", time(*slot_ns));
            assert!(count == 1 || count == 0 && may_be_gone, "{}", place());
            assert!(count == 0 || !must_be_gone, "{}", place());
        }
        assert!(found.keys().all(|slot_ns| slots.contains(slot_ns)), "cut {cut} {unsynced:?}: {found:?}");
    }
}
