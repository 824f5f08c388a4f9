//! B12: slow readers of a stream in memory: they lag, or they hold those who append.

use crate::{Bench, NOW, SECOND, append, end, held, hubs};
use ringmain::{Batching, Error, Hub, Message, SlowReaders, Start, Stream, WhenSlow};
use std::thread;
use std::time::Duration;

fn gate(then: WhenSlow) -> SlowReaders {
    SlowReaders::Gate { timeout: 10 * SECOND, then }
}

fn gated(bench: &Bench, count_max: u64, then: WhenSlow) -> Stream {
    bench.hub.stream("s").count_max(count_max).slow_readers(gate(then)).open().unwrap()
}

fn memory() -> Bench {
    Bench::new(None, ringmain::Durability::Relaxed)
}

fn append_until_timeout(bench: &Bench, stream: &Stream) -> Result<u64, Error> {
    until_timeout(bench, || stream.append(Message::new(b"late")).map(|position| position.offset))
}

/// What an append gives that only time can end.
fn until_timeout<T: Send>(
    bench: &Bench,
    append: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    thread::scope(|scope| {
        let appending = scope.spawn(append);
        while !appending.is_finished() {
            bench.clock.advance(SECOND);
            thread::yield_now();
        }
        appending.join().unwrap()
    })
}

#[test]
fn an_append_waits_as_long_as_it_was_told_for_the_slowest_reader_and_is_refused_then() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Refuse);
    let mut slow = stream.reader(Start::Earliest).unwrap();
    let mut fast = stream.reader(Start::Earliest).unwrap();
    append(&stream, 4);
    assert_eq!(fast.poll(4, NOW).unwrap().len(), 4);
    let before_ns = bench.clock.now_ns();
    let refused = append_until_timeout(&bench, &stream).unwrap_err();
    assert!(matches!(refused, Error::Full { count: 4, limit: 4, .. }), "{refused}");
    assert!(refused.to_string().contains("slowest reader"), "{refused}");
    assert!(bench.clock.now_ns() - before_ns >= 10_000_000_000, "it waited");
    assert_eq!((end(&stream), held(&stream)), (4, vec![0, 1, 2, 3]));
    assert_eq!(slow.poll(3, NOW).unwrap().len(), 3);
    append(&stream, 3);
    assert_eq!(slow.poll(9, NOW).unwrap().len(), 4, "nothing was taken from it");
    drop(slow);
    append(&stream, 1);
    assert_eq!(fast.poll(9, NOW).unwrap().len(), 4);
}

#[test]
fn an_append_that_waits_goes_on_when_the_reader_does_or_is_dropped() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Refuse);
    for is_dropped in [false, true].into_iter().cycle().take(40) {
        let mut slow = stream.reader(Start::Latest).unwrap();
        append(&stream, 4);
        thread::scope(|scope| {
            let appending = scope.spawn(|| stream.append(Message::new(b"x")));
            // As a rule it waits by then.
            (0..100).for_each(|_| thread::yield_now());
            if is_dropped {
                drop(slow);
            } else {
                assert_eq!(slow.poll(1, NOW).unwrap().len(), 1);
            }
            // No clock moves: only the reader can have let it in.
            appending.join().unwrap().unwrap();
        });
    }
}

#[test]
fn a_reader_that_is_too_slow_for_too_long_lags_and_holds_nobody_from_then_on() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Lag);
    let mut slow = stream.reader(Start::Earliest).unwrap();
    append(&stream, 4);
    let before_ns = bench.clock.now_ns();
    assert_eq!(append_until_timeout(&bench, &stream).unwrap(), 4);
    assert!(bench.clock.now_ns() - before_ns >= 10_000_000_000, "it waited");
    append(&stream, 5);
    assert_eq!(held(&stream), [6, 7, 8, 9]);
    let told = slow.poll(9, NOW).unwrap_err();
    assert!(matches!(told, Error::OutOfRange { offset: 0, start: 6, end: 10, .. }), "{told}");
    slow.seek(0, 6).unwrap();
    assert_eq!(
        append_until_timeout(&bench, &stream).unwrap(),
        10,
        "held again, by a reader that has a place"
    );
}

/// Fault of others: producers that waited for a reader hung for ever when all was shut down.
#[test]
fn closing_the_hub_wakes_whoever_waits_for_a_reader() {
    for _ in 0..50 {
        let bench = memory();
        let stream = gated(&bench, 2, WhenSlow::Refuse);
        let _slow = stream.reader(Start::Earliest).unwrap();
        append(&stream, 2);
        thread::scope(|scope| {
            let waiting = [(); 2].map(|()| scope.spawn(|| stream.append(Message::new(b"x"))));
            bench.hub.close(Duration::MAX).unwrap();
            for appending in waiting {
                let closed = appending.join().unwrap().unwrap_err();
                assert!(matches!(closed, Error::Closed { .. }), "{closed}");
            }
        });
    }
}

/// Fault of others: the slowest of all readers stopped everyone, whether that was wanted or not.
#[test]
fn unless_it_was_asked_for_a_slow_reader_holds_nobody_and_is_told_what_it_lost() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").count_max(4).open().unwrap();
        let mut slow = stream.reader(Start::Earliest).unwrap();
        let mut fast = stream.reader(Start::Earliest).unwrap();
        for _ in 0..10 {
            append(&stream, 4);
            assert_eq!(fast.poll(4, NOW).unwrap().len(), 4);
        }
        assert!(matches!(slow.poll(4, NOW), Err(Error::OutOfRange { offset: 0, start: 36, .. })));
    });
}

#[test]
fn a_reader_holds_its_own_partitions_only_and_nobody_is_held_without_a_reader() {
    let bench = memory();
    let stream = bench.hub.stream("s").partitions(2).count_max(2).slow_readers(gate(WhenSlow::Refuse));
    let stream = stream.open().unwrap();
    let keyed = |key: &'static str| stream.append(Message::new(b"x").key(key)).unwrap().partition;
    (0..10).for_each(|_| assert_ne!(keyed("a"), keyed("b")));
    let _slow = stream.partition_reader(keyed("a"), Start::Latest).unwrap();
    (0..10).for_each(|_| assert_ne!(keyed("b"), 0));
}

#[test]
fn a_batch_comes_in_whole_or_not_at_all_and_one_that_never_fits_waits_for_nobody() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Refuse);
    let mut slow = stream.reader(Start::Earliest).unwrap();
    append(&stream, 3);
    let batch = [(); 5].map(|()| Message::new(b"x"));
    // No clock moves.
    assert!(matches!(stream.append_batch(&batch), Err(Error::Full { .. })));
    assert_eq!(end(&stream), 3);
    assert_eq!(slow.poll(1, NOW).unwrap().len(), 1);
    stream.append_batch(&batch[..2]).unwrap();
    assert_eq!(slow.poll(9, NOW).unwrap().len(), 4);
}

#[test]
fn a_member_of_a_group_holds_as_any_reader_does() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Refuse);
    let mut member = stream.group("g").join().unwrap();
    assert_eq!(member.poll(1, NOW).unwrap().len(), 0);
    append(&stream, 4);
    assert!(append_until_timeout(&bench, &stream).is_err());
    assert_eq!(member.poll(9, NOW).unwrap().len(), 4);
    append(&stream, 4);
    drop(member);
    append(&stream, 4);
}

#[test]
fn what_cannot_be_promised_is_refused() {
    hubs(|bench| {
        let ask = |stream: ringmain::StreamBuilder| stream.open().unwrap_err().to_string();
        let is_durable = bench.disk.is_some();
        let refused = bench.hub.stream("s").count_max(4).slow_readers(gate(WhenSlow::Lag)).open();
        assert_eq!(refused.is_err(), is_durable);
        if let Err(refused) = refused {
            assert!(refused.to_string().contains("durable"), "{refused}");
        }
        assert!(ask(bench.hub.stream("t").slow_readers(gate(WhenSlow::Lag))).contains("count_max"));
        let at_once = SlowReaders::Gate { timeout: NOW, then: WhenSlow::Lag };
        assert!(ask(bench.hub.stream("t").count_max(4).slow_readers(at_once)).contains("timeout"));
    });
}

/// Real threads: nothing is lost to anybody, and nobody hangs.
#[test]
fn many_who_append_and_many_who_read_lose_nothing() {
    const EACH: usize = 5000;
    let hub = Hub::memory();
    let gate = SlowReaders::Gate { timeout: Duration::from_secs(600), then: WhenSlow::Refuse };
    let stream = hub.stream("s").count_max(16).slow_readers(gate).open().unwrap();
    let readers = [(); 3].map(|()| stream.reader(Start::Earliest).unwrap());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                (0..EACH).for_each(|_| assert_eq!(stream.append(Message::new(b"x")).unwrap().partition, 0))
            });
        }
        for mut reader in readers {
            scope.spawn(move || {
                let mut next = 0;
                while next < 2 * EACH {
                    for record in reader.poll(5, SECOND).unwrap() {
                        assert_eq!(record.offset(), next as u64);
                        next += 1;
                    }
                }
            });
        }
    });
}

#[test]
fn what_lingers_has_its_room_before_it_is_taken_so_that_time_waits_for_no_reader() {
    let bench = memory();
    let stream = gated(&bench, 4, WhenSlow::Refuse);
    let mut slow = stream.reader(Start::Earliest).unwrap();
    let batcher = stream.batcher(Batching { linger: SECOND, ..Batching::default() }).unwrap();
    let send = || batcher.send(Message::new(b"x")).map(drop);
    (0..4).for_each(|_| send().unwrap());
    assert_eq!(end(&stream), 0, "they linger");
    let refused = until_timeout(&bench, send).unwrap_err();
    assert!(matches!(refused, Error::Full { count: 4, limit: 4, .. }), "{refused}");
    assert_eq!(end(&stream), 4, "what was taken is there, for the reader to read");
    assert_eq!(slow.poll(3, NOW).unwrap().len(), 3);
    (0..3).for_each(|_| send().unwrap());
    bench.clock.advance(SECOND);
    assert_eq!(slow.poll(9, NOW).unwrap().len(), 4, "nothing was taken from it");
}

#[test]
fn who_sends_to_a_batcher_and_waits_for_a_reader_holds_up_neither_closing_nor_deleting() {
    for is_deleted in [false, true] {
        let bench = memory();
        let stream = gated(&bench, 4, WhenSlow::Refuse);
        let _slow = stream.reader(Start::Earliest).unwrap();
        append(&stream, 4);
        let batcher = stream.batcher(Batching::default()).unwrap();
        thread::scope(|scope| {
            let sending = scope.spawn(|| batcher.send(Message::new(b"x")).map(drop));
            // So that it waits, as a rule; right it must be either way.
            (0..10_000).for_each(|_| thread::yield_now());
            if is_deleted {
                bench.hub.delete_stream("s").unwrap();
            } else {
                bench.hub.close(Duration::MAX).unwrap();
            }
            assert!(matches!(sending.join().unwrap(), Err(Error::Closed { .. })));
        });
    }
}
