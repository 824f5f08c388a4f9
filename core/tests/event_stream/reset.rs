//! What a reader does when the records that it would read next were removed (semantics B11).

use crate::{Bench, hubs};
use ringmain::{Error, Member, Message, Reader, Reset, Start, Stream};
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
        (0..9).for_each(|_| _ = stream.append(Message::new("x")).unwrap());
        assert!(matches!(reader.poll(9, Duration::ZERO), Err(Error::OutOfRange { offset: 10, .. })));
        assert_eq!(stream.stats().unwrap().out_of_range_total, 2, "another loss");
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

/// A member that has read and committed records 0 and 1, and a stream that has 7 to 9 left.
fn overtaken_member(b: &Bench, reset: Reset) -> (Stream, Member) {
    let stream = b.hub.stream("s").count_max(3).open().unwrap();
    let append = |count| (0..count).for_each(|_| _ = stream.append(Message::new("x")).unwrap());
    append(2);
    let mut member = stream.group("g").on_out_of_range(reset).join().unwrap();
    assert_eq!(member.poll(9, Duration::ZERO).unwrap().len(), 2);
    member.commit().unwrap();
    append(8);
    (stream, member)
}

fn polled(member: &mut Member) -> Vec<u64> {
    let records = member.poll(9, Duration::ZERO).unwrap();
    records.iter().map(|record| record.offset()).collect()
}

#[test]
fn a_member_whose_place_was_removed_is_told_once_and_goes_on_where_its_group_was_told() {
    for (reset, expected, committed) in
        [(Reset::Earliest, vec![7, 8, 9], 7), (Reset::Latest, vec![], 10), (Reset::Fail, vec![], 0)]
    {
        hubs(|b| {
            let (stream, mut member) = overtaken_member(b, reset);
            assert_lost(&member.poll(9, Duration::MAX).unwrap_err());
            if reset == Reset::Fail {
                assert_lost(&member.poll(9, Duration::MAX).unwrap_err());
                return;
            }
            member.commit().unwrap();
            assert_eq!(stream.group("g").committed().unwrap(), [Some(committed)]);
            assert_eq!(polled(&mut member), expected);
            assert_eq!(polled(&mut member), [0; 0]);
            assert_eq!(stream.stats().unwrap().out_of_range_total, 1);
        });
    }
}

#[test]
fn what_a_member_lost_is_told_again_to_whoever_has_the_partition_until_it_is_committed() {
    hubs(|b| {
        let (stream, mut member) = overtaken_member(b, Reset::Earliest);
        assert_lost(&member.poll(9, Duration::ZERO).unwrap_err());
        drop(member);
        let mut member = stream.group("g").on_out_of_range(Reset::Earliest).join().unwrap();
        assert_lost(&member.poll(9, Duration::ZERO).unwrap_err());
        let records = member.poll(9, Duration::ZERO).unwrap();
        records.iter().for_each(|record| member.done(record).unwrap());
        member.commit_done().unwrap();
        drop(member);
        assert_eq!(
            stream.group("g").committed().unwrap(),
            [Some(10)],
            "what is gone is done with what follows"
        );
        assert_eq!(polled(&mut stream.group("g").join().unwrap()), [0; 0]);
    });
}

#[test]
fn a_worker_that_was_told_where_to_go_on_does_not_stop_and_counts_what_it_lost() {
    hubs(|b| {
        let (stream, member) = overtaken_member(b, Reset::Fail);
        drop(member);
        let (told, seen) = std::sync::mpsc::channel();
        let handler = move |record: &ringmain::Record| _ = told.send(record.offset());
        let worker = stream.worker("g", handler.clone()).on_out_of_range(Reset::Earliest).start().unwrap();
        let handled: Vec<u64> = (0..3).map(|_| seen.recv_timeout(60 * SECOND).unwrap()).collect();
        assert_eq!(handled, [7, 8, 9]);
        assert_eq!((worker.error().is_none(), worker.stats().out_of_range_total), (true, 1));
        worker.close(60 * SECOND).unwrap();
        assert_eq!(stream.group("g").lag().unwrap(), 0);
    });
}
