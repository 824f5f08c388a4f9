//! Fetching with limits of bytes, records and time (semantics B18).

use crate::{Bench, hubs};
use ringmain::{Error, Fetch, Filter, Message, Start, Stream};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn stream(b: &Bench) -> Stream {
    b.hub.stream("s").open().unwrap()
}

fn append(stream: &Stream, bytes: usize) {
    stream.append(Message::new(&vec![7; bytes])).unwrap();
}

#[test]
fn a_fetch_takes_five_hundred_records_and_a_mebibyte_unless_it_is_told_otherwise() {
    hubs(|b| {
        let stream = stream(b);
        stream.append_batch(&vec![Message::new("x"); 600]).unwrap();
        let mut reader = stream.reader(Start::Earliest).unwrap();
        assert_eq!(reader.fetch(&Fetch::default()).unwrap().len(), 500);
        assert_eq!(reader.fetch(&Fetch::default()).unwrap().len(), 100);
        (0..5).for_each(|_| append(&stream, 400_000));
        assert_eq!(reader.fetch(&Fetch::default()).unwrap().len(), 2);
        assert_eq!(reader.fetch(&Fetch { count_max: 1, ..Fetch::default() }).unwrap().len(), 1);
    });
}

#[test]
fn a_record_larger_than_a_fetch_may_take_comes_alone() {
    hubs(|b| {
        let stream = stream(b);
        [10, 5000, 10, 10].into_iter().for_each(|bytes| append(&stream, bytes));
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let fetch = Fetch { bytes_max: 100, ..Fetch::default() };
        let lengths = std::iter::from_fn(|| Some(reader.fetch(&fetch).unwrap().len()));
        assert_eq!(lengths.take(3).collect::<Vec<_>>(), [1, 1, 2]);
    });
}

#[test]
fn a_fetch_waits_until_there_are_enough_bytes_and_is_woken_by_appending() {
    hubs(|b| {
        let stream = stream(b);
        append(&stream, 10);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let fetch = Fetch { bytes_min: 200, wait_max: Duration::MAX, ..Fetch::default() };
        let fetching = std::thread::spawn(move || reader.fetch(&fetch).unwrap());
        while !fetching.is_finished() {
            append(&stream, 10);
            std::thread::yield_now();
        }
        assert!(fetching.join().unwrap().len() >= 6, "34 bytes each");
    });
}

#[test]
fn a_fetch_returns_with_fewer_when_its_time_on_the_clock_of_the_hub_is_over() {
    hubs(|b| {
        let stream = stream(b);
        append(&stream, 10);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let begun_ns = b.clock.now_ns();
        let fetch = Fetch { bytes_min: 200, wait_max: 5 * SECOND, ..Fetch::default() };
        let fetching = std::thread::spawn(move || (reader.fetch(&fetch).unwrap().len(), reader));
        while !fetching.is_finished() {
            b.clock.advance(SECOND);
            std::thread::yield_now();
        }
        let (count, mut reader) = fetching.join().unwrap();
        assert_eq!(count, 1);
        assert!(b.clock.now_ns() - begun_ns >= 5_000_000_000);
        let at_once = Fetch { wait_max: Duration::ZERO, ..fetch };
        assert!(reader.fetch(&at_once).unwrap().is_empty());
    });
}

#[test]
fn a_fetch_that_waits_is_released_by_closing_the_hub_and_by_its_canceller() {
    hubs(|b| {
        let stream = stream(b);
        let fetch = Fetch { wait_max: Duration::MAX, ..Fetch::default() };
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let canceller = reader.canceller();
        let fetching = std::thread::spawn(move || reader.fetch(&fetch));
        canceller.cancel();
        assert!(fetching.join().unwrap().unwrap().is_empty());
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let fetching = std::thread::spawn(move || reader.fetch(&fetch));
        b.hub.close(Duration::MAX).unwrap();
        assert!(matches!(fetching.join().unwrap(), Err(Error::Closed { .. })));
    });
}

#[test]
fn bytes_that_a_filter_does_not_want_do_not_count() {
    hubs(|b| {
        let stream = stream(b);
        for i in 0..40u8 {
            stream.append(Message::new(&[7; 76]).key(&[i % 4])).unwrap();
        }
        let mut reader = stream.reader(Start::Earliest).unwrap().only(Filter::key([3])).unwrap();
        let fetch = Fetch { bytes_min: 1000, bytes_max: 1010, wait_max: Duration::MAX, ..Fetch::default() };
        let values = reader.fetch(&fetch).unwrap();
        assert_eq!(values.len(), 10, "101 bytes each");
        assert!(values.iter().all(|record| record.key() == Some(&[3][..])));
    });
}

#[test]
fn limits_that_nothing_can_keep_are_refused_with_what_is_allowed() {
    hubs(|b| {
        let mut reader = stream(b).reader(Start::Earliest).unwrap();
        let mut refused = |fetch| reader.fetch(&fetch).unwrap_err().to_string();
        let default = Fetch::default();
        assert!(refused(Fetch { count_max: 0, ..default }).contains("count_max"));
        assert!(refused(Fetch { count_max: 65_537, ..default }).contains("1 to 65536"));
        assert!(refused(Fetch { bytes_min: 0, ..default }).contains("at least 1"));
        assert!(refused(Fetch { bytes_min: 2, bytes_max: 1, ..default }).contains("bytes_max, 1"));
    });
}
