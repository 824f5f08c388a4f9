//! Finding an offset by a time, exactly (semantics B13).

use crate::{Bench, durable_hubs, hubs};
use ringmain::{Compaction, Error, Message, Start, Stream};
use std::time::Duration;

/// Records a nanosecond apart, one of them in a batch with others; their times by offset.
fn fill(b: &Bench, stream: &Stream, count: usize, bytes: usize) -> Vec<u64> {
    let value = vec![5; bytes];
    let mut times = vec![];
    for i in 0..count {
        let key = (i % 3).to_string();
        let batch = vec![Message::new(&value).key(&key); 1 + i % 3];
        stream.append_batch(&batch).unwrap();
        times.resize(times.len() + batch.len(), b.clock.now_ns());
        b.clock.advance(Duration::from_nanos(1 + (i % 2) as u64));
    }
    times
}

fn expected(times: &[u64], time_ns: u64) -> u64 {
    times.iter().position(|time| *time >= time_ns).unwrap_or(times.len()) as u64
}

#[test]
fn a_time_finds_the_first_record_of_it_and_never_the_beginning_of_its_block() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let times = fill(b, &stream, 600, 1000);
        for time_ns in (times[0] - 2)..=(times[times.len() - 1] + 2) {
            let offset = expected(&times, time_ns);
            assert_eq!(stream.offset_at_time(0, time_ns).unwrap(), offset);
            if time_ns % 50 == 0 {
                let first = stream.reader(Start::Time(time_ns)).unwrap().next().map(|r| r.unwrap().offset());
                assert_eq!(first.unwrap_or(times.len() as u64), offset);
            }
        }
    });
}

#[test]
fn times_of_one_microsecond_are_told_apart_so_that_none_is_passed_over() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let begun_ns = b.clock.now_ns();
        for _ in 0..3 {
            b.clock.advance(Duration::from_nanos(300));
            stream.append(Message::new("x")).unwrap();
        }
        let found = |after_ns: u64| stream.offset_at_time(0, begun_ns + after_ns).unwrap();
        assert_eq!([0, 300, 301, 600, 601, 900].map(found), [0, 0, 1, 1, 2, 2]);
    });
}

#[test]
fn where_no_record_is_of_that_time_or_later_the_end_is_found_and_no_error() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).open().unwrap();
        assert_eq!(stream.offset_at_time(0, 0).unwrap(), 0);
        assert_eq!(stream.offset_at_time(1, u64::MAX).unwrap(), 0);
        let partition = stream.append(Message::new("x").key("k")).unwrap().partition;
        assert_eq!(stream.offset_at_time(partition, u64::MAX).unwrap(), 1);
        assert_eq!(stream.offset_at_time(partition, b.clock.now_ns() + 1).unwrap(), 1);
        assert!(stream.offset_at_time(2, 0).unwrap_err().to_string().contains("partition"));
    });
}

#[test]
fn a_time_before_what_is_kept_finds_the_start() {
    hubs(|b| {
        let stream = b.hub.stream("s").count_max(10).open().unwrap();
        let times = fill(b, &stream, 30, 10);
        let start = times.len() as u64 - 10;
        assert_eq!(stream.offset_at_time(0, times[0]).unwrap(), start);
        assert_eq!(
            stream.offset_at_time(0, times[times.len() - 1]).unwrap(),
            expected(&times, times[times.len() - 1])
        );
    });
}

#[test]
fn a_time_finds_the_same_after_reopening_and_in_what_was_compacted() {
    durable_hubs(|b| {
        let times = fill(b, &b.hub.stream("s").open().unwrap(), 300, 300);
        b.reopen();
        let stream = b.hub.stream("s").open().unwrap();
        for time_ns in times.iter().step_by(7) {
            assert_eq!(stream.offset_at_time(0, *time_ns).unwrap(), expected(&times, *time_ns));
        }
        let stream = b.hub.stream("s").compaction(Compaction::default()).open().unwrap();
        stream.compact().unwrap();
        let left: Vec<_> = stream.reader(Start::Earliest).unwrap().map(Result::unwrap).collect();
        assert!(left.len() < 10, "{}", left.len());
        for time_ns in times.iter().step_by(7) {
            let first = left.iter().find(|record| record.time_ns() >= *time_ns).unwrap();
            assert_eq!(stream.offset_at_time(0, *time_ns).unwrap(), first.offset());
        }
    });
}

#[test]
fn from_the_offset_of_an_event_time_on_there_is_every_record_of_it_or_later() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let events = [Some(50), None, Some(20), Some(70), Some(60), None, Some(90), Some(10)];
        for event_ns in events {
            let message = Message::new("x");
            stream.append(event_ns.iter().fold(message, |message, ns| message.event_time(*ns))).unwrap();
        }
        for time_ns in 0..100 {
            let first = events.iter().position(|event_ns| event_ns.is_some_and(|ns| ns >= time_ns));
            assert_eq!(stream.scan_event_time(0, time_ns).unwrap(), first.unwrap_or(events.len()) as u64);
        }
        assert!(stream.scan_event_time(9, 0).is_err());
    });
}

#[test]
fn an_event_time_is_found_however_many_records_come_before_it() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        for _ in 0..7 {
            stream.append_batch(&vec![Message::new("x").event_time(1); 10_000]).unwrap();
        }
        stream.append(Message::new("x").event_time(2)).unwrap();
        assert_eq!(stream.scan_event_time(0, 2).unwrap(), 70_000);
        assert_eq!(stream.scan_event_time(0, 3).unwrap(), 70_001);
    });
}

#[test]
fn in_a_closed_hub_no_time_is_looked_for() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        b.hub.close(Duration::MAX).unwrap();
        for found in [stream.offset_at_time(0, 0), stream.scan_event_time(0, 0)] {
            assert!(matches!(found, Err(Error::Closed { .. })), "{found:?}");
        }
    });
}
