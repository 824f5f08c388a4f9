//! What a user of streams relies on who limits what they keep: age, bytes, count, and that nobody misses anything unnoticed.
#![cfg(feature = "simulation")]

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Error, Hub, HubBuilder, ManualClock, Message, Reader, Start, Stream, StreamBuilder};
use std::sync::Arc;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn builder(clock: &ManualClock) -> HubBuilder {
    Hub::builder().clock(Clock::Manual(clock.clone()))
}

/// Runs a test in memory and on a disk.
fn everywhere(test: impl Fn(&ManualClock, Hub)) {
    let clock = ManualClock::new();
    test(&clock, builder(&clock).memory().unwrap());
    let clock = ManualClock::new();
    test(&clock, builder(&clock).storage(Arc::new(SimDisk::new())).open("/hub").unwrap());
}

fn offsets(reader: Reader) -> Vec<u64> {
    reader.map(|record| record.unwrap().offset()).collect()
}

fn held(stream: &Stream) -> Vec<u64> {
    offsets(stream.reader(Start::Earliest).unwrap())
}

fn start(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].start
}

fn bytes(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions[0].bytes
}

fn append(stream: &Stream, count: usize) {
    for _ in 0..count {
        stream.append(Message::new(b"x").key("k")).unwrap();
    }
}

#[test]
fn a_record_is_gone_the_moment_it_is_too_old() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").age_max(seconds(10)).open().unwrap();
        for _ in 0..5 {
            append(&stream, 1);
            clock.advance(seconds(1));
        }
        clock.advance(seconds(5) - Duration::from_nanos(1));
        assert_eq!(held(&stream), [0, 1, 2, 3, 4]);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(held(&stream), [1, 2, 3, 4]);
        clock.advance(seconds(2));
        assert_eq!((held(&stream), start(&stream)), (vec![3, 4], 3));
        clock.advance(seconds(60));
        assert_eq!((held(&stream), start(&stream)), (vec![], 5));
        append(&stream, 1);
        assert_eq!(held(&stream), [5], "offsets go on");
    });
}

/// Fault of others: a producer's stamp in the future stopped retention for ever, one in the wrong unit deleted at once.
#[test]
fn what_a_producer_says_of_its_own_times_deletes_nothing_and_keeps_nothing() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").age_max(seconds(10)).open().unwrap();
        for event_time_ns in [u64::MAX, 1, 1_700_000_000_000_000] {
            stream.append(Message::new(b"x").event_time(event_time_ns)).unwrap();
        }
        clock.advance(seconds(9));
        assert_eq!(held(&stream), [0, 1, 2]);
        clock.advance(seconds(1));
        assert_eq!(held(&stream).len(), 0);
    });
}

#[test]
fn a_stream_holds_its_last_records_and_not_one_more() {
    everywhere(|_, hub| {
        let stream = hub.stream("s").count_max(3).open().unwrap();
        append(&stream, 3);
        assert_eq!(held(&stream), [0, 1, 2]);
        append(&stream, 1);
        assert_eq!(held(&stream), [1, 2, 3]);
        let batch: Vec<_> = (0..5).map(|_| Message::new(b"x").key("k")).collect();
        stream.append_batch(&batch).unwrap();
        assert_eq!((held(&stream), start(&stream)), (vec![6, 7, 8], 6));
    });
}

#[test]
fn bytes_are_given_back_while_a_stream_is_written_to() {
    everywhere(|clock, hub| {
        let (limit, value) = (1 << 20, vec![7; 4000]);
        let stream = hub.stream("s").bytes_max(limit).open().unwrap();
        for _ in 0..2000 {
            stream.append(Message::new(&value)).unwrap();
            clock.advance(Duration::from_millis(1));
            assert!(bytes(&stream) <= limit + limit / 8, "{} bytes", bytes(&stream));
        }
        let found = held(&stream);
        assert_eq!(found.last(), Some(&1999));
        assert!(found.len() > 150, "{} records of {limit} bytes are left", found.len());
        assert_eq!(found[0], start(&stream));
    });
}

#[test]
fn bytes_are_given_back_while_a_stream_is_written_to_in_batches_with_and_without_keys() {
    everywhere(|clock, hub| {
        let (limit, value) = (1 << 20, vec![7; 4000]);
        let one = hub.stream("one").bytes_max(limit).open().unwrap();
        let two = hub.stream("two").partitions(2).bytes_max(limit).open().unwrap();
        let plain = [(); 20].map(|()| Message::new(&value));
        let keyed = ["a", "b", "c", "d"].map(|key| Message::new(&value).key(key));
        for _ in 0..200 {
            one.append_batch(&plain).unwrap();
            two.append_batch(&keyed).unwrap();
            drop(two.submit(Message::new(&value).key("e")).unwrap());
            clock.advance(Duration::from_millis(1));
            assert!(bytes(&one) <= limit + limit / 8, "{} bytes", bytes(&one));
            assert!(bytes(&two) <= 2 * (limit + limit / 8), "{} bytes", bytes(&two));
        }
    });
}

#[test]
fn a_stream_that_nobody_writes_to_any_more_gives_back_its_space() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").age_max(seconds(10)).open().unwrap();
        for _ in 0..100 {
            stream.append(Message::new(&vec![7; 50_000])).unwrap();
        }
        assert!(bytes(&stream) > 5_000_000);
        clock.advance(seconds(11));
        assert!(bytes(&stream) <= 16 << 10, "{} bytes", bytes(&stream));
        append(&stream, 1);
        assert_eq!(held(&stream), [100]);
    });
}

#[test]
fn a_reader_whose_place_was_removed_is_told_so_until_it_goes_elsewhere() {
    everywhere(|clock, hub| {
        let stream = hub.stream("s").age_max(seconds(10)).open().unwrap();
        append(&stream, 10);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        assert_eq!(reader.poll(4, NOW).unwrap().len(), 4);
        clock.advance(seconds(5));
        append(&stream, 10);
        clock.advance(seconds(5));
        for _ in 0..2 {
            let error = reader.poll(10, NOW).unwrap_err();
            assert!(
                matches!(error, Error::OutOfRange { partition: 0, offset: 4, start: 10, end: 20 }),
                "{error}"
            );
        }
        assert!(matches!(reader.seek(0, 9), Err(Error::OutOfRange { start: 10, .. })));
        reader.seek(0, 10).unwrap();
        assert_eq!(reader.poll(100, NOW).unwrap().len(), 10);
        clock.advance(seconds(60));
        assert!(reader.poll(100, NOW).unwrap().is_empty(), "it had read what was removed");
        let time = clock.now_ns() - 10_000_000_000;
        assert_eq!(offsets(stream.reader(Start::Time(time)).unwrap()).len(), 0);
        assert!(matches!(stream.reader(Start::Offset(19)), Err(Error::OutOfRange { start: 20, .. })));
    });
}

#[test]
fn a_group_whose_place_was_removed_is_told_so_until_it_goes_elsewhere() {
    everywhere(|_, hub| {
        let stream = hub.stream("s").count_max(5).open().unwrap();
        append(&stream, 3);
        let group = stream.group("g");
        let mut member = group.join().unwrap();
        assert_eq!(member.poll(2, NOW).unwrap().len(), 2);
        member.commit().unwrap();
        append(&stream, 7);
        assert_eq!(group.lag().unwrap(), 5, "what is gone is not waited for");
        assert!(matches!(member.poll(10, NOW), Err(Error::OutOfRange { offset: 2, start: 5, end: 10, .. })));
        drop(member);
        let mut member = group.join().unwrap();
        assert!(matches!(member.poll(10, NOW), Err(Error::OutOfRange { offset: 2, start: 5, .. })));
        member.seek(0, 5).unwrap();
        assert_eq!(member.poll(10, NOW).unwrap().len(), 5);
        member.commit().unwrap();
        assert_eq!(group.lag().unwrap(), 0);
    });
}

#[test]
fn a_limit_that_is_raised_brings_nothing_back() {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let open = |disk: &SimDisk, ask: &dyn Fn(StreamBuilder) -> StreamBuilder| {
        let hub = builder(&clock).storage(Arc::new(disk.clone())).open("/hub").unwrap();
        let stream = ask(hub.stream("s")).open().unwrap();
        (hub, stream)
    };
    let (hub, stream) = open(&disk, &|stream| stream.count_max(3));
    append(&stream, 10);
    drop(stream);
    let stream = hub.stream("s").count_max(u64::MAX).open().unwrap();
    let altered = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    assert_eq!(held(&open(&altered, &|stream| stream).1), [7, 8, 9], "nor if nothing is written after that");
    append(&stream, 1);
    assert_eq!(held(&stream), [7, 8, 9, 10]);
    let image = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    drop((hub, stream));
    for disk in [disk, image] {
        let (_hub, stream) = open(&disk, &|stream| stream);
        assert_eq!(held(&stream), [7, 8, 9, 10], "neither by closing nor by a power cut");
    }
}

#[test]
fn a_clock_that_is_set_back_brings_nothing_back() {
    let disk = SimDisk::new();
    let open = |disk: &SimDisk| {
        let clock = ManualClock::new();
        let hub = builder(&clock).storage(Arc::new(disk.clone())).open("/hub").unwrap();
        let stream = hub.stream("s").age_max(seconds(10)).open().unwrap();
        (clock, hub, stream)
    };
    let (clock, hub, stream) = open(&disk);
    append(&stream, 3);
    clock.advance(seconds(9));
    append(&stream, 1);
    clock.advance(seconds(1));
    assert_eq!(held(&stream), [3]);
    append(&stream, 1);
    let image = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    drop((clock, hub, stream));
    for disk in [disk, image] {
        let (_clock, _hub, stream) = open(&disk);
        assert_eq!((held(&stream), start(&stream)), (vec![3, 4], 3));
    }
}

#[test]
fn limits_are_kept_with_the_stream_and_a_limit_of_nothing_is_refused() {
    let (clock, disk) = (ManualClock::new(), SimDisk::new());
    let open = || builder(&clock).storage(Arc::new(disk.clone())).open("/hub").unwrap();
    let hub = open();
    append(&hub.stream("s").age_max(seconds(10)).open().unwrap(), 3);
    hub.close(seconds(60)).unwrap();
    drop(hub);
    let hub = open();
    let stream = hub.stream("s").open().unwrap();
    assert_eq!(held(&stream).len(), 3);
    clock.advance(seconds(10));
    assert_eq!(held(&stream).len(), 0);
    for refused in [
        hub.stream("t").age_max(NOW).open().unwrap_err(),
        hub.stream("t").bytes_max(0).open().unwrap_err(),
        hub.stream("t").count_max(0).open().unwrap_err(),
    ] {
        assert!(matches!(refused, Error::InvalidArgument { .. }), "{refused}");
    }
}

#[test]
fn the_hubs_own_thread_gives_back_what_is_too_much() {
    let hub = Hub::memory();
    let stream = hub.stream("s").bytes_max(1 << 20).open().unwrap();
    let value = vec![7; 4000];
    for _ in 0..2000 {
        stream.append(Message::new(&value)).unwrap();
    }
    while bytes(&stream) > (1 << 20) + (1 << 17) {
        std::thread::yield_now();
    }
    assert_eq!(held(&stream).last(), Some(&1999));
}
