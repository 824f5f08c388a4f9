//! Following a stream: an iterator that waits, and what ends it.

use crate::{Bench, counting_wakes, hubs};
use ringmain::{End, Error, Follow, Message, Reset, Start, Stream};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn stream(b: &Bench) -> Stream {
    b.hub.stream("s").partitions(2).open().unwrap()
}

fn follow(stream: &Stream) -> Follow {
    stream.reader(Start::Earliest).unwrap().follow()
}

fn fill(stream: &Stream, count: usize) {
    (0..count).for_each(|_| _ = stream.append(Message::new("x")).unwrap());
}

/// Counts the records on a thread.
fn counting(follow: Follow) -> JoinHandle<usize> {
    thread::spawn(move || follow.map(Result::unwrap).count())
}

#[test]
fn who_follows_gets_what_comes_until_the_hub_is_closed() {
    hubs(|b| {
        let stream = stream(b);
        fill(&stream, 3);
        let (told, heard) = std::sync::mpsc::channel();
        let mut following = follow(&stream);
        let reading = thread::spawn(move || {
            for record in following.by_ref() {
                told.send(record.unwrap().position()).unwrap();
            }
            following.next().is_none()
        });
        fill(&stream, 4);
        assert_eq!(heard.iter().take(7).count(), 7);
        b.hub.close(Duration::MAX).unwrap();
        assert!(reading.join().unwrap(), "it has ended for good");
    });
}

#[test]
fn who_follows_ends_at_a_deadline_on_the_clock_of_the_hub_also_where_more_is_there() {
    hubs(|b| {
        let stream = stream(b);
        fill(&stream, 3);
        let waiting = counting(follow(&stream).end_after(10 * SECOND));
        let mut late = follow(&stream).end_after(10 * SECOND);
        assert!(late.next().is_some());
        let begun_ns = b.clock.now_ns();
        while !waiting.is_finished() {
            b.clock.advance(SECOND);
            thread::yield_now();
        }
        assert!(waiting.join().unwrap() <= 3 && b.clock.now_ns() - begun_ns >= 9_000_000_000);
        b.clock.advance(10 * SECOND);
        assert!(late.next().is_none());
        assert_eq!(late.into_reader().count(), 2, "the reader is where it came to");
    });
}

#[test]
fn who_follows_ends_when_cancelled_from_another_thread() {
    hubs(|b| {
        let stream = stream(b);
        let following = follow(&stream);
        let canceller = following.canceller();
        let reading = counting(following);
        canceller.clone().cancel();
        assert_eq!(reading.join().unwrap(), 0);
    });
}

#[test]
fn a_task_that_waits_is_woken_when_its_reader_is_cancelled_and_gets_nothing() {
    hubs(|b| {
        let stream = stream(b);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let (waker, wakes) = counting_wakes();
        let mut context = Context::from_waker(&waker);
        assert!(reader.poll_records(&mut context, 9).is_pending());
        let before = wakes.count();
        reader.canceller().cancel();
        assert!(wakes.count() > before, "nobody else would poll it");
        let polled = reader.poll_records(&mut context, 9);
        assert!(matches!(&polled, Poll::Ready(Ok(records)) if records.is_empty()), "{polled:?}");
    });
}

#[test]
fn who_follows_a_bounded_reader_waits_for_its_end() {
    hubs(|b| {
        let stream = b.hub.stream("one").open().unwrap();
        let reading = counting(stream.reader(Start::Earliest).unwrap().until(End::Offset(5)).follow());
        fill(&stream, 9);
        assert_eq!(reading.join().unwrap(), 5);
    });
}

#[test]
fn who_follows_and_loses_its_place_is_told_once_and_goes_on_only_if_told_where() {
    hubs(|b| {
        let stream = b.hub.stream("short").count_max(2).open().unwrap();
        fill(&stream, 1);
        let failing = follow(&stream);
        let reader =
            stream.reader(Start::Earliest).unwrap().on_out_of_range(Reset::Earliest).until(End::Offset(9));
        let going_on = reader.follow();
        fill(&stream, 8);
        let seen: Vec<_> = failing.collect();
        assert!(matches!(seen[..], [Err(Error::OutOfRange { offset: 0, start: 7, end: 9, .. })]), "{seen:?}");
        let seen: Vec<_> = going_on.map(|record| record.map(|record| record.offset())).collect();
        assert!(matches!(seen[..], [Err(Error::OutOfRange { .. }), Ok(7), Ok(8)]), "{seen:?}");
    });
}
