//! Appending only where a partition ends as expected: optimistic concurrency.

use super::{durable_hubs, hubs};
use ringmain::{Error, ErrorCode, Message, Start};
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn an_append_that_expects_another_end_is_told_where_the_partition_ends_and_appends_nothing() {
    hubs(|bench| {
        let stream = bench.hub.stream("ledger").partitions(2).open().unwrap();
        stream.append_to(1, Message::new(b"elsewhere")).unwrap();
        let positions = stream.append_expecting(0, 0, &[Message::new(b"a"), Message::new(b"b")]).unwrap();
        assert_eq!((positions[0].offset, positions[1].offset), (0, 1));
        for expected in [0, 1, 3] {
            let error = stream.append_expecting(0, expected, &[Message::new(b"c")]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Conflict);
            let Error::Conflict { stream, partition, expected: told, actual } = &error else {
                panic!("{error:?}")
            };
            assert_eq!((stream.as_str(), *partition, *told, *actual), ("ledger", 0, expected, 2));
        }
        assert_eq!(stream.append_expecting(0, 2, &[Message::new(b"c")]).unwrap()[0].offset, 2);
        let values: Vec<_> =
            stream.partition_reader(0, Start::Earliest).unwrap().map(|r| r.unwrap().value()[0]).collect();
        assert_eq!(values, b"abc");
        assert!(matches!(stream.append_expecting(2, 0, &[Message::new(b"c")]), Err(Error::NotFound { .. })));
        assert!(matches!(stream.append_expecting(0, 3, &[]), Err(Error::InvalidArgument { .. })));
    });
}

#[test]
fn what_was_appended_where_expected_survives_a_power_cut_and_the_end_is_where_it_was() {
    durable_hubs(|bench| {
        let stream = bench.hub.stream("ledger").open().unwrap();
        let message = Message::new(b"a").durability(ringmain::Durability::Synced);
        stream.append_expecting(0, 0, &[message]).unwrap();
        bench.crash();
        let stream = bench.hub.stream("ledger").open().unwrap();
        let error = stream.append_expecting(0, 0, &[Message::new(b"b")]).unwrap_err();
        assert!(matches!(error, Error::Conflict { actual: 1, .. }), "{error:?}");
        stream.append_expecting(0, 1, &[Message::new(b"b")]).unwrap();
    });
}

/// Each reads how much there is and adds one: no addition is lost, because of two who saw the same one fails.
#[test]
fn of_those_who_expect_the_same_end_one_succeeds_however_many_there_are() {
    hubs(|bench| {
        let stream = bench.hub.stream("counter").open().unwrap();
        let conflicts = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mut end = 0;
                        loop {
                            match stream.append_expecting(0, end, &[Message::new(&end.to_le_bytes())]) {
                                Ok(_) => break,
                                Err(Error::Conflict { actual, .. }) => end = actual,
                                Err(error) => panic!("{error}"),
                            }
                            conflicts.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(stream.stats().unwrap().partitions[0].end, 200);
        for record in stream.reader(Start::Earliest).unwrap() {
            let record = record.unwrap();
            assert_eq!(record.value(), record.offset().to_le_bytes());
        }
    });
}
