//! Deleting a stream.

use crate::{durable_hubs, hubs, open};
use ringmain::storage::sim::Unsynced;
use ringmain::{Compaction, Error, Message, Start, Stream};
use std::time::Duration;

fn append(stream: &Stream, value: &str) -> u64 {
    stream.append(Message::new(value)).unwrap().offset
}

/// The values of all records held.
fn values(stream: &Stream) -> Vec<String> {
    let reader = stream.reader(Start::Earliest).unwrap();
    reader.map(|record| String::from_utf8(record.unwrap().value().to_vec()).unwrap()).collect()
}

#[test]
fn a_deleted_stream_is_gone_with_its_groups_and_its_name_may_be_used_again() {
    hubs(|b| {
        let flights = b.hub.stream("flights").partitions(3).open().unwrap();
        append(&flights, "old");
        let mut member = flights.group("billing").join().unwrap();
        assert_eq!(member.poll(9, Duration::ZERO).unwrap().len(), 1);
        member.commit().unwrap();
        let mut reader = flights.reader(Start::Earliest).unwrap();
        b.hub.delete_stream("flights").unwrap();
        assert!(b.hub.streams().unwrap().is_empty());
        for refused in [
            flights.append(Message::new("x")).map(drop),
            flights.submit(Message::new("x")).map(drop),
            flights.reader(Start::Earliest).map(drop),
            reader.poll(1, Duration::ZERO).map(drop),
            member.poll(1, Duration::ZERO).map(drop),
            flights.group("billing").join().map(drop),
            flights.compact(),
            flights.stats().map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(
                matches!(error, Error::Closed { .. }) && error.to_string().contains("deleted"),
                "{error}"
            );
        }
        let again = b.hub.delete_stream("flights").unwrap_err();
        assert!(matches!(again, Error::NotFound { .. }), "{again}");
        // Another number of partitions: it is a new stream.
        let flights = b.hub.stream("flights").partitions(1).open().unwrap();
        assert_eq!((append(&flights, "new"), values(&flights)), (0, vec!["new".to_owned()]));
        assert!(flights.groups().unwrap().is_empty());
        drop((reader, member));
        if b.disk.is_some() {
            b.reopen();
            assert_eq!(values(&b.hub.stream("flights").open().unwrap()), ["new"]);
        }
    });
}

#[test]
fn whoever_waits_for_a_stream_that_is_deleted_is_woken_and_told() {
    hubs(|b| {
        let flights = b.hub.stream("flights").open().unwrap();
        let mut reader = flights.reader(Start::Latest).unwrap();
        let mut member = flights.group("billing").join().unwrap();
        let waiting = [
            std::thread::spawn(move || reader.poll(1, Duration::MAX).map(drop)),
            std::thread::spawn(move || member.poll(1, Duration::MAX).map(drop)),
        ];
        b.hub.delete_stream("flights").unwrap();
        for waiting in waiting {
            assert!(matches!(waiting.join().unwrap(), Err(Error::Closed { .. })));
        }
    });
}

/// Compaction and retention work on the files of a stream in the background: none of it comes back.
#[test]
fn a_stream_that_is_given_back_and_compacted_in_the_background_leaves_no_file() {
    durable_hubs(|b| {
        let compaction = Compaction { dirty_percent_min: 1, ..Compaction::default() };
        let gates = b.hub.stream("gates").bytes_max(64 << 10).compaction(compaction).open().unwrap();
        for number in 0..100 {
            gates.append(Message::new(&[7; 3000]).key(&(number % 5).to_string())).unwrap();
        }
        b.clock.advance(Duration::from_secs(5));
        b.hub.delete_stream("gates").unwrap();
        b.clock.advance(Duration::from_secs(3600));
        let disk = b.disk.clone().unwrap();
        let list = |path: &str| ringmain::storage::Storage::list(&disk, std::path::Path::new(path)).unwrap();
        assert!(list("/hub/streams").is_empty());
        b.reopen();
        assert!(list("/hub/streams").is_empty());
    });
}

#[test]
fn a_power_cut_while_a_stream_is_deleted_leaves_all_of_it_or_nothing() {
    durable_hubs(|b| {
        let (flights, other) =
            (b.hub.stream("flights").partitions(2).open(), b.hub.stream("other").open().unwrap());
        let flights = flights.unwrap();
        for value in ["x", "y"] {
            append(&flights, value);
            append(&other, value);
        }
        b.hub.flush().unwrap();
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        b.hub.delete_stream("flights").unwrap();
        let mut left = Vec::new();
        for operations in first..=disk.operation_count() {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept, Unsynced::Seeded(operations)] {
                let image = disk.image_with(operations, unsynced);
                let hub = open(&b.clock, Some(&image), b.durability);
                let is_there = hub.streams().unwrap().contains(&"flights".to_owned());
                let flights = hub.stream("flights").partitions(2).open().unwrap();
                let mut found = values(&flights);
                found.sort();
                let expected: &[&str] = if is_there { &["x", "y"] } else { &[] };
                assert_eq!(found, expected, "after {operations} operations, {unsynced:?}");
                append(&flights, "new");
                assert_eq!(values(&flights).len(), expected.len() + 1);
                assert_eq!(values(&hub.stream("other").open().unwrap()), ["x", "y"]);
                left.push(is_there);
            }
        }
        assert!(left[0] && !left[left.len() - 1]);
        b.crash();
        assert_eq!(b.hub.streams().unwrap(), ["other"]);
    });
}
