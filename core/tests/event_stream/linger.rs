//! Records that wait for others before they are appended, on the manual clock.

use super::{Bench, SECOND, durable_hubs, hubs};
use ringmain::{Batching, Compaction, Error, Message, Start, Stream};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

fn lingering() -> Batching {
    Batching { linger: SECOND, ..Batching::default() }
}

fn stream(bench: &Bench) -> Stream {
    bench.hub.stream("positions").partitions(3).open().unwrap()
}

fn count(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions.iter().map(|partition| partition.end).sum()
}

#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn without_a_linger_each_record_is_appended_at_once() {
    hubs(|bench| {
        let stream = stream(bench);
        let batcher = stream.batcher(Batching::default()).unwrap();
        for number in 1..=3 {
            let pending = batcher.send(Message::new(b"x")).unwrap();
            assert_eq!(count(&stream), number);
            pending.wait().unwrap();
        }
    });
}

#[test]
fn a_record_waits_for_others_as_long_as_it_may_linger_and_no_longer() {
    hubs(|bench| {
        let stream = stream(bench);
        let batcher = stream.batcher(lingering()).unwrap();
        let first = batcher.send(Message::new(b"a")).unwrap();
        bench.clock.advance(SECOND / 2);
        let second = batcher.send(Message::new(b"b")).unwrap();
        bench.clock.advance(SECOND / 2 - Duration::from_nanos(1));
        assert!(count(&stream) == 0 && !first.is_reached());
        bench.clock.advance(Duration::from_nanos(1));
        assert_eq!(count(&stream), 2, "the first has lingered, the second goes with it");
        let (first, second) = (first.wait().unwrap(), second.wait().unwrap());
        assert_eq!((first.partition, first.offset + 1), (second.partition, second.offset));
        // The next batch lingers for as long again.
        let third = batcher.send(Message::new(b"c")).unwrap();
        bench.clock.advance(SECOND / 2);
        assert_eq!(count(&stream), 2);
        bench.clock.advance(SECOND / 2);
        assert_ne!(third.wait().unwrap().partition, first.partition, "keyless records go on with the batch");
    });
}

#[test]
fn a_batch_that_may_linger_for_longer_does_so_beside_one_whose_time_has_come() {
    hubs(|bench| {
        let stream = stream(bench);
        let patient = stream.batcher(Batching { linger: 3 * SECOND, ..lingering() }).unwrap();
        let hasty = stream.batcher(lingering()).unwrap();
        let _both = [&patient, &hasty].map(|batcher| batcher.send(Message::new(b"x")).unwrap());
        for expected in [1, 1, 2] {
            bench.clock.advance(SECOND);
            assert_eq!(count(&stream), expected);
        }
    });
}

#[test]
fn a_batch_is_as_safe_as_the_safest_of_its_records_asks_for() {
    durable_hubs(|bench| {
        let positions = stream(bench);
        let pairs = Batching { max_batch_messages: 2, ..lingering() };
        let batcher = positions.batcher(pairs).unwrap();
        let safe = |value| Message::new(value).durability(ringmain::Durability::Synced);
        let pending = batcher.send(safe(b"a")).unwrap();
        let _with_it = batcher.send(Message::new(b"b")).unwrap();
        pending.wait().unwrap();
        bench.crash();
        let positions = stream(bench);
        assert_eq!(count(&positions), 2, "a receipt waits for the disk");
        let batcher = positions.batcher(pairs).unwrap();
        let _flushed =
            [safe(b"c"), Message::new(b"d"), Message::new(b"e")].map(|one| batcher.send(one).unwrap());
        batcher.flush().unwrap();
        bench.crash();
        assert!(count(&stream(bench)) >= 4, "flushing waits for that of the batch before, too");
    });
}

#[test]
fn a_batcher_deletes_keys() {
    hubs(|bench| {
        let stream = bench.hub.stream("gates").compaction(Compaction::default()).open().unwrap();
        let batcher = stream.batcher(lingering()).unwrap();
        let _both = [Message::new(b"C71").key("UA1"), Message::tombstone("UA1")]
            .map(|message| batcher.send(message).unwrap());
        batcher.flush().unwrap();
        assert!(stream.table().unwrap().get("UA1").unwrap().is_none());
    });
}

#[test]
fn a_batch_is_closed_by_its_count_and_by_its_bytes() {
    hubs(|bench| {
        let stream = stream(bench);
        let batcher = stream.batcher(Batching { max_batch_messages: 3, ..lingering() }).unwrap();
        let _ = [(); 5].map(|()| batcher.send(Message::new(b"x")).unwrap());
        assert_eq!(count(&stream), 3);
        drop(batcher);
        let batcher = stream.batcher(Batching { max_batch_bytes: 1000, ..lingering() }).unwrap();
        let value = vec![0; 400];
        let _ = [(); 2].map(|()| batcher.send(Message::new(&value)).unwrap());
        assert_eq!(count(&stream), 5);
        let third = batcher.send(Message::new(&value)).unwrap();
        assert_eq!(count(&stream), 7, "the third would not fit");
        let larger = vec![0; 5000];
        let large = batcher.send(Message::new(&larger)).unwrap();
        assert_eq!(count(&stream), 9, "one that is larger is a batch of its own");
        third.wait().unwrap();
        large.wait().unwrap();
    });
}

#[test]
fn flush_appends_what_lingers_and_returns_when_it_is_safe() {
    durable_hubs(|bench| {
        let positions = stream(bench);
        let batcher = positions.batcher(lingering()).unwrap();
        let safe = |value| Message::new(value).durability(ringmain::Durability::Synced);
        let pending = batcher.send(safe(b"a")).unwrap();
        batcher.flush().unwrap();
        assert!(pending.is_reached());
        batcher.flush().unwrap();
        let _lost = batcher.send(safe(b"b")).unwrap();
        bench.crash();
        assert_eq!(count(&stream(bench)), 1, "what lingers is nowhere else");
    });
}

#[test]
fn dropping_a_batcher_and_closing_the_hub_append_what_lingers() {
    hubs(|bench| {
        let stream = stream(bench);
        let batcher = stream.batcher(lingering()).unwrap();
        let pending = batcher.send(Message::new(b"a")).unwrap();
        drop(batcher);
        assert_eq!(count(&stream), 1);
        pending.wait().unwrap();
        let batcher = stream.batcher(lingering()).unwrap();
        let pending = batcher.send(Message::new(b"b").key("k")).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(move || pending.wait());
            bench.hub.close(Duration::MAX).unwrap();
            waiter.join().unwrap().unwrap();
        });
        assert!(matches!(batcher.send(Message::new(b"c")), Err(Error::Closed { .. })));
    });
}

#[test]
fn closing_the_hub_keeps_what_lingered() {
    durable_hubs(|bench| {
        let positions = stream(bench);
        let batcher = positions.batcher(lingering()).unwrap();
        let _kept = batcher.send(Message::new(b"a")).unwrap();
        bench.reopen();
        assert_eq!(count(&stream(bench)), 1);
    });
}

#[test]
fn results_come_in_order_and_wake_the_tasks_that_wait_for_them() {
    hubs(|bench| {
        let stream = stream(bench);
        let batcher = stream.batcher(Batching { max_batch_messages: 4, ..lingering() }).unwrap();
        let keys: Vec<String> = (0..4).map(|key| key.to_string()).collect();
        let mut pending: Vec<_> = (keys.iter().take(3))
            .map(|key| Box::pin(batcher.send(Message::new(key).key(key)).unwrap()))
            .collect();
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        for one in &mut pending {
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        let last = batcher.send(Message::new(&keys[3]).key(&keys[3])).unwrap();
        assert!(woken.0.load(Ordering::SeqCst) >= 1);
        assert!(last.is_reached() || bench.disk.is_some());
        last.wait().unwrap();
        for one in &mut pending {
            assert!(
                matches!(pin!(one).as_mut().poll(&mut context), Poll::Ready(Ok(_))),
                "those before it are known"
            );
        }
        let values: Vec<_> =
            stream.reader(Start::Earliest).unwrap().map(|r| r.unwrap().value().to_vec()).collect();
        assert_eq!(values.len(), 4);
    });
}

#[test]
fn a_batcher_keeps_keys_headers_and_a_partitioner() {
    hubs(|bench| {
        let stream = stream(bench).partitioner(|key, _, count| if key.is_some() { count - 1 } else { 0 });
        let batcher = stream.batcher(lingering()).unwrap();
        let message = Message::new(b"a").key("N14228").header("carrier", b"UA").event_time(17);
        let (keyed, keyless) = (batcher.send(message).unwrap(), batcher.send(Message::new(b"b")).unwrap());
        batcher.flush().unwrap();
        assert_eq!((keyed.wait().unwrap().partition, keyless.wait().unwrap().partition), (2, 0));
        let record = stream.partition_reader(2, Start::Earliest).unwrap().next().unwrap().unwrap();
        assert_eq!(
            (record.value(), record.key(), record.event_time_ns()),
            (&b"a"[..], Some(&b"N14228"[..]), Some(17))
        );
        assert_eq!(record.header("carrier"), Some(&b"UA"[..]));
    });
}

#[test]
fn batches_of_nothing_or_of_more_than_the_log_takes_are_refused() {
    hubs(|bench| {
        let stream = stream(bench);
        for batching in [
            Batching { max_batch_bytes: 0, ..lingering() },
            Batching { max_batch_bytes: (16 << 20) + 1, ..lingering() },
            Batching { max_batch_messages: 0, ..lingering() },
            Batching { max_batch_messages: 65_537, ..lingering() },
        ] {
            let refused = stream.batcher(batching);
            assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{batching:?}");
        }
    });
}
