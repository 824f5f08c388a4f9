//! Readers that end somewhere: what is there now, an offset, a time (semantics B13, B18).

use crate::{counting_wakes, hubs};
use ringmain::{Compaction, End, Error, Message, Reader, Reset, Start, Stream};
use std::task::{Context, Poll};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn fill(stream: &Stream, count: u8) {
    (0..count).for_each(|i| _ = stream.append(Message::new(&[i]).key(&[i % 5])).unwrap());
}

fn offsets(reader: &mut Reader) -> Vec<u64> {
    reader.map(|record| record.unwrap().offset()).collect()
}

#[test]
fn a_reader_until_now_ends_before_what_is_appended_later_and_waits_for_nothing() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(3).open().unwrap();
        fill(&stream, 50);
        let mut reader = stream.reader(Start::Earliest).unwrap().until(End::Now);
        fill(&stream, 50);
        let mut count = 0;
        while !reader.is_done() {
            count += reader.poll(7, Duration::MAX).unwrap().len();
        }
        assert_eq!(count, 50);
        assert!(reader.poll(7, Duration::MAX).unwrap().is_empty() && reader.next().is_none());
        assert_eq!(reader.poll_each(7, Duration::MAX, |_| unreachable!("it has ended")).unwrap(), 0);
    });
}

#[test]
fn a_reader_of_an_empty_stream_until_now_is_done_at_once() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).open().unwrap();
        let mut reader = stream.reader(Start::Earliest).unwrap().until(End::Now);
        assert!(reader.is_done() && reader.poll(1, Duration::MAX).unwrap().is_empty());
    });
}

#[test]
fn a_reader_until_an_offset_that_is_still_to_come_is_done_when_it_has_come_there() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        fill(&stream, 3);
        let mut reader = stream.reader(Start::Offset(1)).unwrap().until(End::Offset(5));
        assert_eq!(offsets(&mut reader), [1, 2]);
        assert!(!reader.is_done());
        fill(&stream, 10);
        assert_eq!(offsets(&mut reader), [3, 4]);
        assert!(reader.is_done());
        reader.seek(0, 4).unwrap();
        assert!(!reader.is_done() && offsets(&mut reader) == [4]);
    });
}

#[test]
fn of_two_ends_the_first_counts() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        fill(&stream, 9);
        for ends in [[End::Offset(2), End::Now], [End::Now, End::Offset(2)]] {
            let reader = stream.reader(Start::Earliest).unwrap();
            let mut reader = ends.into_iter().fold(reader, Reader::until);
            assert_eq!(offsets(&mut reader), [0, 1]);
            assert!(reader.is_done());
        }
    });
}

#[test]
fn of_two_times_the_first_counts_whether_more_comes_between_them_or_not() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        fill(&stream, 9);
        let times = [1, 3].map(|seconds| End::Time(b.clock.now_ns() + seconds * 1_000_000_000));
        let until =
            |ends: [End; 2]| ends.into_iter().fold(stream.reader(Start::Earliest).unwrap(), Reader::until);
        let readers = || [until(times), until([times[1], times[0]])];
        let (before, after) = (readers(), readers());
        b.clock.advance(2 * SECOND);
        for mut reader in before {
            assert_eq!((offsets(&mut reader).len(), reader.is_done()), (9, true));
        }
        fill(&stream, 1);
        for mut reader in after {
            assert_eq!((offsets(&mut reader).len(), reader.is_done()), (9, true));
        }
    });
}

#[test]
fn a_reader_until_a_time_ends_before_the_first_record_of_that_time() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let mut times = vec![];
        for _ in 0..6 {
            times.push(b.clock.now_ns());
            fill(&stream, 1);
            b.clock.advance(SECOND);
        }
        for (end_ns, count) in [(times[0], 0), (times[3], 3), (times[3] + 1, 4), (times[5] + 1, 6)] {
            let mut reader = stream.reader(Start::Earliest).unwrap().until(End::Time(end_ns));
            assert_eq!(offsets(&mut reader).len(), count);
            assert!(reader.is_done());
        }
    });
}

#[test]
fn a_reader_that_waits_until_a_time_to_come_ends_when_the_clock_says_so() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).open().unwrap();
        fill(&stream, 3);
        let end_ns = b.clock.now_ns() + 10_000_000_000;
        let mut reader = stream.reader(Start::Earliest).unwrap().until(End::Time(end_ns));
        assert_eq!(reader.poll(9, Duration::MAX).unwrap().len(), 3);
        assert!(!reader.is_done());
        let waiting =
            std::thread::spawn(move || (reader.poll(9, Duration::MAX).unwrap().len(), reader.is_done()));
        while !waiting.is_finished() {
            b.clock.advance(SECOND);
            std::thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap(), (0, true));
        assert!(b.clock.now_ns() >= end_ns);
        fill(&stream, 1);
    });
}

#[test]
fn a_bounded_reader_ends_although_the_last_records_were_compacted_away() {
    hubs(|b| {
        let grace = Compaction { tombstone_grace: Duration::ZERO, ..Compaction::default() };
        let stream = b.hub.stream("s").compaction(grace).open().unwrap();
        stream.append(Message::new("kept").key("a")).unwrap();
        stream.append(Message::new("gone").key("b")).unwrap();
        stream.append(Message::tombstone("b")).unwrap();
        let readers: Vec<_> = [End::Now, End::Offset(3), End::Offset(2)]
            .into_iter()
            .map(|end| stream.reader(Start::Earliest).unwrap().until(end))
            .collect();
        for _ in 0..3 {
            stream.compact().unwrap();
            b.clock.advance(SECOND);
        }
        assert_eq!(stream.reader(Start::Earliest).unwrap().count(), 1, "the tombstone is gone, too");
        for mut reader in readers {
            assert_eq!(reader.poll(9, Duration::MAX).unwrap().len(), 1);
            assert_eq!(reader.poll(9, Duration::MAX).unwrap().len(), 0, "it does not wait for what is gone");
            assert!(reader.is_done());
            reader.seek(0, 0).unwrap();
            assert_eq!((reader.is_done(), offsets(&mut reader)), (false, vec![0]));
        }
    });
}

#[test]
fn a_bounded_reader_ends_although_all_up_to_its_end_was_given_back() {
    hubs(|b| {
        let stream = b.hub.stream("s").count_max(2).open().unwrap();
        fill(&stream, 2);
        let reader = stream.reader(Start::Earliest).unwrap().until(End::Now);
        let mut reader = reader.on_out_of_range(Reset::Earliest);
        fill(&stream, 10);
        let lost = reader.poll(9, Duration::MAX).unwrap_err();
        assert!(matches!(lost, Error::OutOfRange { offset: 0, start: 10, end: 12, .. }), "{lost}");
        assert!(reader.poll(9, Duration::MAX).unwrap().is_empty() && reader.is_done());
    });
}

#[test]
fn a_task_that_waits_for_records_until_a_time_to_come_is_woken_when_it_has_come() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let end_ns = b.clock.now_ns() + 10_000_000_000;
        let mut reader = stream.reader(Start::Earliest).unwrap().until(End::Time(end_ns));
        let (waker, wakes) = counting_wakes();
        let mut context = Context::from_waker(&waker);
        assert!(reader.poll_records(&mut context, 9).is_pending());
        b.clock.advance(9 * SECOND);
        assert!(reader.poll_records(&mut context, 9).is_pending());
        let before = wakes.count();
        b.clock.advance(SECOND);
        assert!(wakes.count() > before, "nobody else would poll it");
        let polled = reader.poll_records(&mut context, 9);
        assert!(
            matches!(&polled, Poll::Ready(Ok(records)) if records.is_empty()) && reader.is_done(),
            "{polled:?}"
        );
    });
}
