//! What a user of a compacted stream relies on: the last record of each key, at its offset, and tombstones that stay as long as
//! promised and no longer.
#![cfg(feature = "simulation")]

use ringmain::storage::Storage;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, Compaction, Error, Hub, HubBuilder, ManualClock, Message, OnExhausted, Reader, Start, Stream,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(100);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// By itself only where a test wants that.
fn on_demand() -> Compaction {
    Compaction {
        tombstone_grace: GRACE,
        dirty_percent_min: 100,
        seal_after: Duration::MAX,
        ..Compaction::default()
    }
}

fn builder(clock: &ManualClock) -> HubBuilder {
    Hub::builder().clock(Clock::Manual(clock.clone()))
}

/// Runs a test in memory and on a disk, there with a journal that is soon full: what it has is not compacted.
fn everywhere(test: impl Fn(&ManualClock, Hub)) {
    let clock = ManualClock::new();
    test(&clock, builder(&clock).memory().unwrap());
    let clock = ManualClock::new();
    let durable = builder(&clock).storage(Arc::new(SimDisk::new())).journal_bytes_max(64 << 10);
    test(&clock, durable.open("/hub").unwrap());
}

fn put(stream: &Stream, key: &str, value: &str) -> u64 {
    stream.append(Message::new(value).key(key)).unwrap().offset
}

fn delete(stream: &Stream, key: &str) -> u64 {
    stream.append(Message::tombstone(key)).unwrap().offset
}

/// Offset, key and value of each record; a tombstone has none.
type Seen = Vec<(u64, String, Option<String>)>;

fn read(reader: Reader) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    reader
        .map(|record| record.unwrap())
        .map(|record| {
            let value = (!record.is_tombstone()).then(|| text(record.value()));
            (record.offset(), record.key().map(text).unwrap_or_default(), value)
        })
        .collect()
}

fn all(stream: &Stream) -> Seen {
    read(stream.reader(Start::Earliest).unwrap())
}

fn offsets(stream: &Stream) -> Vec<u64> {
    all(stream).iter().map(|(offset, ..)| *offset).collect()
}

fn bytes(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].bytes
}

#[test]
fn the_last_record_of_each_key_stays_at_its_offset_and_in_order() {
    everywhere(|_, hub| {
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        let mut last = BTreeMap::new();
        for round in 0..50 {
            for key in 0..100 {
                let (key, value) = (format!("k{}", key % (round + 1)), format!("{round} {}", ".".repeat(50)));
                last.insert(key.clone(), (put(&stream, &key, &value), value));
            }
        }
        let before = bytes(&stream);
        stream.compact().unwrap();
        let found = all(&stream);
        assert!(found.is_sorted_by(|a, b| a.0 < b.0));
        assert!(found.len() == last.len() && found.len() == 50, "{} of {} keys", found.len(), last.len());
        for (offset, key, value) in found {
            assert_eq!(last[&key], (offset, value.unwrap()));
        }
        assert!(bytes(&stream) < before / 5, "{} of {before} bytes", bytes(&stream));
        assert_eq!(put(&stream, "k0", "new"), 5000, "offsets go on");
        let reader = stream.partition_reader(0, Start::Offset(10)).unwrap();
        assert_eq!(read(reader).len(), 51, "an offset that was left out means the next one held");
        stream.compact().unwrap();
        assert!(!offsets(&stream).contains(&last["k0"].0), "replaced in the pass after");
        assert_eq!(all(&stream).len(), 50);
    });
}

#[test]
fn a_stream_of_one_key_that_is_deleted_ends_up_empty_and_goes_on() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        for _ in 0..3 {
            put(&stream, "k", "v");
            delete(&stream, "k");
            stream.compact().unwrap();
            clock.advance(GRACE);
            stream.compact().unwrap();
            assert_eq!(all(&stream), []);
        }
        assert_eq!(put(&stream, "k", "v"), 6);
        assert_eq!(offsets(&stream), [6]);
    });
}

/// Faults of others: removed too early, because the grace was counted from the record's time; kept for ever, because each
/// pass or each write counted anew.
#[test]
fn a_tombstone_stays_for_its_grace_from_the_first_pass_that_reached_it_and_no_longer() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        put(&stream, "a", "1");
        let tombstone = delete(&stream, "a");
        clock.advance(10 * GRACE);
        stream.compact().unwrap();
        assert_eq!(offsets(&stream), [tombstone], "old, but no pass had reached it");
        clock.advance(GRACE - seconds(1));
        put(&stream, "b", "1");
        put(&stream, "b", "2");
        stream.compact().unwrap();
        assert_eq!(offsets(&stream), [tombstone, 3], "a second pass counts nothing anew");
        clock.advance(seconds(1));
        assert_eq!(offsets(&stream), [3], "nobody wrote, nobody asked: time alone brought it");
    });
}

#[test]
fn a_tombstone_is_forgotten_after_its_grace_also_if_the_hub_was_closed_in_between() {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let open = || {
        let hub = builder(&clock).storage(Arc::new(disk.clone())).open("/hub").unwrap();
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        (hub, stream)
    };
    let (hub, stream) = open();
    put(&stream, "a", "1");
    let tombstone = delete(&stream, "a");
    stream.compact().unwrap();
    hub.close(seconds(60)).unwrap();
    drop((hub, stream));
    clock.advance(GRACE / 2);
    let (hub, stream) = open();
    clock.advance(GRACE / 2 - seconds(1));
    assert_eq!(offsets(&stream), [tombstone]);
    clock.advance(seconds(1));
    assert_eq!(all(&stream), []);
    drop(hub);
}

#[test]
fn a_record_without_a_key_is_refused_by_a_compacted_stream_and_one_from_before_stays() {
    everywhere(|_, hub| {
        let stream = hub.stream("s").open().unwrap();
        stream.append(Message::new(b"kept")).unwrap();
        drop(stream);
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        let error = stream.append(Message::new(b"x")).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { argument: "key", .. }), "{error}");
        let batch = [Message::new(b"x").key("k"), Message::new(b"x")];
        assert!(stream.append_batch(&batch).is_err());
        put(&stream, "k", "1");
        put(&stream, "k", "2");
        stream.compact().unwrap();
        assert_eq!(offsets(&stream), [0, 2]);
        let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
        assert!(queue.send(Message::tombstone("k")).is_err(), "a queue has no tombstones");
    });
}

#[test]
fn records_younger_than_the_lag_all_stay() {
    everywhere(|clock, hub| {
        let rules = Compaction { lag_min: seconds(10), ..on_demand() };
        let stream = hub.stream("s").compaction(rules).open().unwrap();
        put(&stream, "k", "1");
        put(&stream, "k", "2");
        clock.advance(seconds(9));
        stream.compact().unwrap();
        assert_eq!(offsets(&stream), [0, 1]);
        put(&stream, "k", "3");
        clock.advance(seconds(1));
        stream.compact().unwrap();
        assert_eq!(offsets(&stream), [1, 2], "the head replaces nothing yet");
    });
}

#[test]
fn whoever_is_reading_goes_on_while_his_segment_is_compacted() {
    everywhere(|_, hub| {
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        for i in 0..100 {
            put(&stream, "k", &i.to_string());
        }
        let mut reader = stream.reader(Start::Earliest).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().value(), b"0");
        let kept = reader.next().unwrap().unwrap();
        stream.compact().unwrap();
        assert_eq!(kept.value(), b"1", "what is in hand stays");
        let rest = read(reader);
        assert!(rest.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(rest.last().map(|(offset, ..)| *offset), Some(99));
        assert_eq!(offsets(&stream), [99]);
    });
}

#[test]
fn a_stream_is_compacted_by_itself_when_half_of_it_is_new_and_when_nobody_writes_any_more() {
    everywhere(|clock, hub| {
        let rules = Compaction { tombstone_grace: GRACE, ..Compaction::default() };
        let stream = hub.stream("s").compaction(rules).open().unwrap();
        let value = "x".repeat(1000);
        for i in 0..2000u64 {
            put(&stream, &format!("k{}", i % 10), &value);
            clock.advance(Duration::from_millis(10));
        }
        let left = offsets(&stream).len();
        assert!(left < 1900, "{left} records are left: nothing was compacted");
        clock.advance(seconds(3600));
        clock.advance(seconds(3600));
        let found = offsets(&stream);
        assert!(found.len() <= 20 && found.ends_with(&[1999]), "{found:?}");
    });
}

#[test]
fn the_hubs_own_thread_compacts_while_others_write_and_read() {
    let hub = Hub::memory();
    let stream = hub.stream("s").compaction(Compaction::default()).open().unwrap();
    let writer = {
        let stream = stream.clone();
        std::thread::spawn(move || {
            (0..20_000u64).fold(0, |_, i| put(&stream, &format!("k{}", i % 10), "value"))
        })
    };
    while !writer.is_finished() {
        assert!(all(&stream).is_sorted_by(|a, b| a.0 < b.0));
    }
    assert_eq!(writer.join().unwrap(), 19_999);
    while offsets(&stream).len() > 19_000 {
        std::thread::yield_now();
    }
    stream.compact().unwrap();
    assert_eq!(offsets(&stream), (19_990..20_000).collect::<Vec<_>>());
}

/// What may be in a compacted stream, given what was put: nothing made up, nothing lost that is the last of its key.
fn check(seen: &Seen, put: &Seen) {
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0), "{seen:?}");
    for record in seen {
        assert!(put.contains(record), "{record:?} was never put");
    }
    let last: BTreeMap<&String, &(u64, String, Option<String>)> =
        put.iter().map(|record| (&record.1, record)).collect();
    for record in last.values().filter(|record| record.2.is_some()) {
        assert!(seen.contains(record), "{record:?} is lost");
    }
    for (key, last) in last {
        if last.2.is_none() {
            let alive =
                seen.iter().rev().find(|record| record.1 == *key).is_some_and(|record| record.2.is_some());
            assert!(!alive, "{key} was deleted and is back");
        }
    }
}

#[test]
fn a_power_cut_at_any_moment_of_a_compaction_loses_nothing_and_brings_nothing_back() {
    // A journal that has next to nothing, the end of a segment, everything.
    [8 << 10, 56 << 10, 1 << 20].into_iter().for_each(cut_the_power_of_a_compaction);
}

fn cut_the_power_of_a_compaction(journal_bytes_max: u64) {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let open = |disk: &SimDisk| {
        let hub = builder(&clock).storage(Arc::new(disk.clone())).journal_bytes_max(journal_bytes_max);
        let hub = hub.open("/hub").unwrap();
        let stream = hub.stream("s").compaction(on_demand()).open().unwrap();
        (hub, stream)
    };
    let (hub, stream) = open(&disk);
    let mut written: Seen = Vec::new();
    // Values and their end in another segment, tombstones to be forgotten; then segments that lose only a little.
    for i in 0..400u64 {
        let key = match i {
            ..200 => i * 7 % 13,
            200..213 => i - 200,
            _ if i % 10 == 0 => 1000,
            _ => i,
        };
        let (key, value) = (format!("k{key}"), format!("{i} {}", "x".repeat(100)));
        match i {
            200..213 => written.push((delete(&stream, &key), key, None)),
            _ => written.push((put(&stream, &key, &value), key, Some(value))),
        }
    }
    let begin = disk.operation_count();
    stream.compact().unwrap();
    clock.advance(GRACE);
    stream.compact().unwrap();
    check(&all(&stream), &written);
    let end = disk.operation_count();
    let renames =
        disk.operations()[begin as usize..].iter().filter(|what| what.starts_with("rename")).count();
    assert!(renames >= 4, "{renames} segments were replaced");
    let mut images = 0;
    for cut in begin..=end {
        let dice = (0..if cut == end { 30 } else { 3 }).map(|seed| disk.image(cut, seed));
        for image in
            dice.chain([disk.image_with(cut, Unsynced::Dropped), disk.image_with(cut, Unsynced::Kept)])
        {
            let (hub, stream) = open(&image);
            check(&all(&stream), &written);
            let files = image.list("/hub/streams/s/0".as_ref()).unwrap();
            assert!(files.iter().all(|path| path.extension() == Some("segment".as_ref())), "{files:?}");
            assert_eq!(put(&stream, "new", "v"), 400, "offsets go on");
            stream.compact().unwrap();
            let mut more = written.clone();
            more.push((400, "new".into(), Some("v".into())));
            check(&all(&stream), &more);
            drop((hub, stream));
            images += 1;
        }
    }
    assert!(images > 100, "{images} images");
    drop((hub, stream));
}

#[test]
fn the_lag_of_a_group_counts_the_records_that_are_there_and_not_offsets() {
    everywhere(|_, hub| {
        let gates = hub.stream("gates").compaction(on_demand()).open().unwrap();
        for round in 0..40 {
            for key in ["a", "b", "c"] {
                put(&gates, key, &format!("{key}{round}"));
            }
            put(&gates, &format!("once {round}"), "");
        }
        let group = gates.group("billing");
        drop(group.join().unwrap());
        assert_eq!(group.lag().unwrap(), 160);
        gates.compact().unwrap();
        let here = offsets(&gates);
        assert_eq!(here.len(), 43, "one for each key");
        assert_eq!(group.lag().unwrap(), 43);
        let mut member = group.join().unwrap();
        // Before, within and behind what was left out.
        for next in [1, 4, 100, 157, 160] {
            member.commit_offset(0, next).unwrap();
            let left = here.iter().filter(|offset| **offset >= next).count() as u64;
            assert_eq!(group.lag().unwrap(), left, "behind {next}");
            let stats = gates.stats().unwrap();
            assert_eq!((stats.groups[0].lag[0].records, stats.partitions[0].records), (left, 43));
        }
        put(&gates, "a", "again");
        assert_eq!(group.lag().unwrap(), 1);
        gates.compact().unwrap();
        assert_eq!(group.lag().unwrap(), 1);
        assert_eq!(gates.stats().unwrap().partitions[0].records, offsets(&gates).len() as u64);
    });
}
