//! Replaying at the original pace, times a factor, on the hub's clock.

use crate::{Bench, hubs};
use ringmain::{Error, Filter, Message, Pace, Replay, Reset, Start, Stream, TimeOf};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A record at each of these seconds.
fn recorded(b: &Bench, seconds: &[u32]) -> Stream {
    let stream = b.hub.stream("s").open().unwrap();
    let mut now = 0;
    for second in seconds {
        b.clock.advance((second - now) * SECOND);
        now = *second;
        stream.append(Message::new(&second.to_le_bytes())).unwrap();
    }
    stream
}

/// After how many seconds each record is handed out.
fn schedule(b: &Bench, replay: &mut Replay) -> Vec<f64> {
    let begun_ns = b.clock.now_ns();
    let mut seen = vec![];
    while let Some(due_ns) = replay.due_ns().unwrap() {
        if let Some(left_ns) = due_ns.checked_sub(b.clock.now_ns() + 1) {
            b.clock.advance(Duration::from_nanos(left_ns));
            assert!(replay.try_next().unwrap().is_none(), "a nanosecond early");
            b.clock.advance(Duration::from_nanos(1));
        }
        assert!(replay.try_next().unwrap().is_some());
        seen.push((b.clock.now_ns() - begun_ns) as f64 / 1e9);
    }
    seen
}

fn replay(stream: &Stream, pace: Pace) -> Replay {
    stream.reader(Start::Earliest).unwrap().replay(pace).unwrap()
}

#[test]
fn records_are_handed_out_at_the_pace_at_which_they_came_times_the_factor() {
    hubs(|b| {
        let stream = recorded(b, &[0, 1, 1, 5, 65]);
        for (factor, expected) in
            [(1.0, [0., 1., 1., 5., 65.]), (2.0, [0., 0.5, 0.5, 2.5, 32.5]), (0.5, [0., 2., 2., 10., 130.])]
        {
            let mut replay = replay(&stream, Pace { factor, ..Pace::default() });
            assert_eq!(schedule(b, &mut replay), expected);
        }
    });
}

#[test]
fn long_gaps_are_cut_to_the_longest_allowed_before_the_factor() {
    hubs(|b| {
        let stream = recorded(b, &[0, 1, 5, 605]);
        let pace = Pace { factor: 2.0, gap_max: Some(4 * SECOND), ..Pace::default() };
        assert_eq!(schedule(b, &mut replay(&stream, pace)), [0., 0.5, 2.5, 4.5]);
    });
}

#[test]
fn event_times_count_if_asked_for_and_what_comes_late_is_due_at_once() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        for second in [10, 12, 11, 16] {
            stream.append(Message::new("x").event_time(second * 1_000_000_000)).unwrap();
        }
        let pace = Pace { time_of: TimeOf::Event, ..Pace::default() };
        assert_eq!(schedule(b, &mut replay(&stream, pace)), [0., 2., 2., 6.]);
    });
}

#[test]
fn partitions_are_replayed_in_the_order_of_times() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(4).open().unwrap();
        for second in 0..40u32 {
            stream.append(Message::new(&second.to_le_bytes()).key(&(second % 9).to_le_bytes())).unwrap();
            b.clock.advance(SECOND);
        }
        let mut replay = replay(&stream, Pace::default());
        let begun_ns = b.clock.now_ns();
        for second in 0..40u32 {
            assert_eq!(replay.due_ns().unwrap(), Some(begun_ns + u64::from(second) * 1_000_000_000));
            assert_eq!(replay.try_next().unwrap().unwrap().value(), second.to_le_bytes());
            assert!(second == 39 || replay.try_next().unwrap().is_none());
            b.clock.advance(SECOND);
        }
        assert!(replay.due_ns().unwrap().is_none());
    });
}

#[test]
fn a_consumer_that_was_late_meets_the_schedule_again() {
    hubs(|b| {
        let stream = recorded(b, &[0, 1, 2, 10]);
        let mut replay = replay(&stream, Pace::default());
        assert!(replay.try_next().unwrap().is_some());
        b.clock.advance(8 * SECOND);
        assert!(replay.try_next().unwrap().is_some() && replay.try_next().unwrap().is_some());
        assert_eq!(replay.due_ns().unwrap(), Some(b.clock.now_ns() + 2_000_000_000));
    });
}

#[test]
fn the_iterator_waits_for_the_clock_of_the_hub_and_ends_at_the_end_of_what_is_there() {
    hubs(|b| {
        let stream = recorded(b, &[0, 10, 20]);
        let begun_ns = b.clock.now_ns();
        let replaying = replay(&stream, Pace::default());
        let reading = thread::spawn(move || replaying.map(Result::unwrap).count());
        while !reading.is_finished() {
            b.clock.advance(SECOND);
            thread::yield_now();
        }
        assert_eq!(reading.join().unwrap(), 3);
        assert!(b.clock.now_ns() - begun_ns >= 20_000_000_000);
    });
}

#[test]
fn a_replay_that_waits_ends_when_cancelled_and_fails_when_the_hub_is_closed() {
    hubs(|b| {
        let stream = recorded(b, &[0, 1000]);
        for close in [false, true] {
            let mut replaying = replay(&stream, Pace::default());
            assert!(replaying.next().is_some());
            let canceller = replaying.canceller();
            let reading = thread::spawn(move || (replaying.next(), replaying.next().is_none()));
            if close {
                b.hub.close(Duration::MAX).unwrap();
            } else {
                canceller.cancel();
            }
            let (next, ended) = reading.join().unwrap();
            assert!(
                ended && matches!((close, &next), (false, None) | (true, Some(Err(Error::Closed { .. })))),
                "{next:?}"
            );
        }
    });
}

#[test]
fn a_factor_that_is_not_above_zero_is_refused() {
    hubs(|b| {
        let stream = recorded(b, &[0]);
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let reader = stream.reader(Start::Earliest).unwrap();
            let error = reader.replay(Pace { factor, ..Pace::default() }).unwrap_err();
            assert!(error.to_string().contains("above 0"), "{error}");
        }
    });
}

#[test]
fn a_replay_has_the_filter_of_its_reader_and_goes_on_after_a_loss_as_that_would() {
    hubs(|b| {
        let stream = b.hub.stream("s").count_max(4).open().unwrap();
        let put = |key: &str| _ = stream.append(Message::new("x").key(key)).unwrap();
        ["a", "b", "a", "b"].into_iter().for_each(put);
        let reader = || stream.reader(Start::Earliest).unwrap().only(Filter::key("a")).unwrap();
        let resetting = reader().on_out_of_range(Reset::Earliest).replay(Pace::default()).unwrap();
        let failing = reader().replay(Pace::default()).unwrap();
        ["a", "a"].into_iter().for_each(put);
        let seen = |replay: Replay| -> Vec<Option<u64>> {
            replay.map(|record| record.ok().map(|record| record.offset())).collect()
        };
        assert_eq!(seen(failing), [None]);
        assert_eq!(seen(resetting), [None, Some(2), Some(4), Some(5)]);
    });
}
