//! What a reader does when the records that it would read next were removed (semantics B11).

use crate::{Bench, hubs};
use ringmain::{Error, Message, Reader, Reset, Start, Stream};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A reader that has read records 0 and 1, and a stream that has 7 to 9 left.
fn overtaken(b: &Bench, reset: Reset) -> (Stream, Reader) {
    let stream = b.hub.stream("s").count_max(3).open().unwrap();
    let append = |count| (0..count).for_each(|_| _ = stream.append(Message::new("x")).unwrap());
    append(2);
    let mut reader = stream.reader(Start::Earliest).unwrap().on_out_of_range(reset);
    assert_eq!(reader.poll(9, Duration::ZERO).unwrap().len(), 2);
    append(8);
    (stream, reader)
}

fn assert_lost(error: &Error) {
    assert!(matches!(error, Error::OutOfRange { partition: 0, offset: 2, start: 7, end: 10 }), "{error}");
}

fn offsets(reader: &mut Reader) -> Vec<u64> {
    let records = reader.poll(9, Duration::ZERO).unwrap();
    records.iter().map(|record| record.offset()).collect()
}

#[test]
fn a_reader_whose_place_was_removed_is_told_the_range_once_and_goes_on_where_it_was_told() {
    for (reset, expected) in [(Reset::Earliest, vec![7, 8, 9, 10]), (Reset::Latest, vec![10])] {
        hubs(|b| {
            let (stream, mut reader) = overtaken(b, reset);
            let stream = b.hub.stream(stream.name()).count_max(u64::MAX).open().unwrap();
            assert_lost(&reader.poll(9, Duration::MAX).unwrap_err());
            stream.append(Message::new("x")).unwrap();
            assert_eq!(offsets(&mut reader), expected);
            assert_eq!(offsets(&mut reader), [0; 0]);
            assert_eq!(stream.stats().unwrap().out_of_range_total, 1);
        });
    }
}

#[test]
fn without_a_reset_it_is_told_again_and_again_until_it_seeks_and_counted_once() {
    hubs(|b| {
        let (stream, mut reader) = overtaken(b, Reset::default());
        for _ in 0..3 {
            assert_lost(&reader.poll(9, Duration::MAX).unwrap_err());
            assert_lost(&reader.next().unwrap().unwrap_err());
        }
        assert_eq!(stream.stats().unwrap().out_of_range_total, 1);
        reader.seek(0, 8).unwrap();
        assert_eq!(offsets(&mut reader), [8, 9]);
    });
}

#[test]
fn records_read_before_the_gap_are_handed_out_before_it_is_told() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).age_max(10 * SECOND).open().unwrap();
        let mut reader = stream.reader(Start::Earliest).unwrap().on_out_of_range(Reset::Earliest);
        let keys = [b"a", b"b", b"c", b"d"];
        let put = || keys.map(|key| stream.append(Message::new("x").key(key)).unwrap().partition);
        assert!(put().contains(&0) && put().contains(&1), "keys of both partitions");
        b.clock.advance(20 * SECOND);
        put();
        let (mut lost, mut read) = (vec![], 0);
        while lost.len() + read < 6 {
            match reader.poll(9, Duration::ZERO) {
                Ok(records) => read += records.len(),
                Err(Error::OutOfRange { partition, offset: 0, .. }) => lost.push(partition),
                Err(error) => panic!("{error}"),
            }
        }
        lost.sort_unstable();
        assert_eq!((lost, read), (vec![0, 1], 4), "each partition tells once");
        assert_eq!(stream.stats().unwrap().out_of_range_total, 2);
    });
}

#[test]
fn the_age_of_what_is_read_next_is_looked_at_when_the_reader_comes_to_it() {
    hubs(|b| {
        let stream = b.hub.stream("s").age_max(10 * SECOND).open().unwrap();
        let mut reader = stream.reader(Start::Earliest).unwrap().on_out_of_range(Reset::Latest);
        stream.append(Message::new("x")).unwrap();
        b.clock.advance(10 * SECOND);
        let error = reader.poll(9, Duration::MAX).unwrap_err();
        assert!(matches!(error, Error::OutOfRange { offset: 0, start: 1, end: 1, .. }), "{error}");
        assert_eq!(reader.lag(), 0);
    });
}
