//! Many threads on one queue: every message is acked once or cancelled, never both, whatever else is done to it.

use ringmain::{
    Clock, Delivery, Durability, Error, Hub, Jitter, ManualClock, Message, OnExhausted, Queue, Retry,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const PRODUCER_COUNT: u64 = 2;
const CONSUMER_COUNT: u64 = 3;

/// Numbers that look random, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What became of each message, by its number.
struct Fates(Vec<AtomicU64>);

impl Fates {
    const ACKED: u64 = 1;
    /// It was waiting, and is never delivered again.
    const CANCELLED: u64 = 1 << 16;
    /// It was out: it may still be acked, and is gone if it comes back.
    const RECALLED: u64 = 1 << 32;

    fn new(count: u64) -> Self {
        Self((0..count).map(|_| AtomicU64::new(0)).collect())
    }

    fn add(&self, number: u64, fate: u64) {
        self.0[number as usize].fetch_add(fate, Ordering::Relaxed);
    }

    /// Nobody acked what is never delivered again, nor anything twice; and what nobody acked was cancelled or recalled.
    fn check(&self) {
        for (number, fate) in self.0.iter().map(|fate| fate.load(Ordering::Relaxed)).enumerate() {
            let (acked, cancelled, recalled) = (fate & 0xffff, fate >> 16 & 0xffff, fate >> 32);
            assert!(
                acked + cancelled <= 1,
                "message {number}: acked {acked} times, cancelled {cancelled} times"
            );
            assert!(acked + cancelled + recalled > 0, "message {number} is lost");
        }
    }
}

fn number_of(delivery: &Delivery) -> u64 {
    u64::from_le_bytes(delivery.value()[..8].try_into().unwrap())
}

/// Sends as many messages and says their ids, with options now and then if there are to be any.
fn produce(queue: &Queue, numbers: std::ops::Range<u64>, with_options: bool, ids: &Mutex<Vec<(u64, u64)>>) {
    let mut random = Random(numbers.start + 1);
    for number in numbers {
        let value = number.to_le_bytes();
        let message = match random.below(20) {
            0 if with_options => Message::new(&value).priority(7),
            1 if with_options => {
                Message::new(&value).ordering_key(if number % 2 == 0 { "even" } else { "odd" })
            }
            2 if with_options => Message::new(&value).delay(Duration::from_millis(1)),
            _ => Message::new(&value),
        };
        let id = queue.send(message).unwrap();
        ids.lock().unwrap().push((id, number));
    }
}

/// Whether any of so many messages is in the queue, or still to come.
fn is_left(queue: &Queue, count: u64) -> bool {
    let stats = queue.stats().unwrap();
    stats.acked_total + stats.cancelled_total < count
}

/// Receives and does what comes to mind, until all messages are accounted for.
fn consume(queue: &Queue, seed: u64, fates: &Fates, count: u64) {
    let mut random = Random(seed);
    let acked = |delivery: &Delivery, result: Result<(), Error>| match result {
        Ok(()) => {
            fates.add(number_of(delivery), Fates::ACKED);
        }
        Err(Error::LeaseLost { .. }) => {}
        Err(other) => panic!("{other}"),
    };
    while is_left(queue, count) {
        let count_max = 1 + random.below(40) as usize;
        let mut batch = queue.receive_batch(count_max, Duration::from_millis(1)).unwrap();
        match random.below(6) {
            0 => drop(batch),
            1 | 2 => {
                let all: Vec<&Delivery> = batch.iter().collect();
                for (delivery, result) in all.iter().zip(queue.ack_batch(&all)) {
                    acked(delivery, result);
                }
            }
            _ => {
                for delivery in batch.drain(..) {
                    match random.below(12) {
                        0 => drop(delivery.fail("again")),
                        1 => drop(delivery.release()),
                        2 => drop(delivery.extend(Duration::from_secs(60)).and_then(|()| delivery.release())),
                        3 => drop(delivery),
                        _ => acked(&delivery, delivery.ack()),
                    }
                }
            }
        }
    }
}

/// Cancels messages that are waiting, or not.
fn cancel(queue: &Queue, fates: &Fates, count: u64, ids: &Mutex<Vec<(u64, u64)>>) {
    let mut random = Random(99);
    while is_left(queue, count) {
        let found = {
            let mut ids = ids.lock().unwrap();
            let count = ids.len() as u64;
            // Of the newest, so that it is often still there.
            if count == 0 {
                None
            } else {
                Some(ids.swap_remove((count - 1 - random.below(count.min(8))) as usize))
            }
        };
        if let Some((id, number)) = found
            && random.below(3) == 0
        {
            let is_gone = queue.cancel(id).unwrap();
            fates.add(number, if is_gone { Fates::CANCELLED } else { Fates::RECALLED });
        }
        thread::sleep(Duration::from_micros(200));
    }
}

fn run(hub: &Hub, count: u64, with_options: bool) {
    let retry =
        Retry { base: Duration::from_millis(1), factor: 1.0, jitter: Jitter::None, ..Retry::default() };
    let queue = hub.queue("jobs").retry(retry).on_exhausted(OnExhausted::Keep).open().unwrap();
    let (fates, ids) = (Fates::new(count), Mutex::default());
    thread::scope(|scope| {
        for index in 0..PRODUCER_COUNT {
            let each = count / PRODUCER_COUNT;
            let (queue, ids) = (&queue, &ids);
            scope.spawn(move || produce(queue, index * each..(index + 1) * each, with_options, ids));
        }
        for index in 0..CONSUMER_COUNT {
            let (queue, fates) = (&queue, &fates);
            scope.spawn(move || consume(queue, 1000 + index, fates, count));
        }
        scope.spawn(|| cancel(&queue, &fates, count, &ids));
    });
    fates.check();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.ready, stats.scheduled, stats.blocked, stats.leased), (0, 0, 0, 0), "{stats:?}");
    assert_eq!(stats.acked_total + stats.cancelled_total, count);
}

#[test]
fn every_message_is_acked_once_or_cancelled_in_memory() {
    run(&Hub::memory(), 30_000, false);
    run(&Hub::memory(), 30_000, true);
}

#[test]
fn every_message_is_acked_once_or_cancelled_on_disk_and_none_comes_back() {
    let scratch = tempfile::tempdir().unwrap();
    let open = || Hub::builder().durability(Durability::Written).open(scratch.path().join("hub")).unwrap();
    let hub = open();
    run(&hub, 6_000, true);
    hub.close(Duration::MAX).unwrap();
    let queue = open().queue("jobs").open().unwrap();
    assert!(queue.try_receive().unwrap().is_none());
}

#[test]
fn leases_that_run_out_while_they_are_acked_are_acked_or_run_out() {
    let clock = ManualClock::new();
    let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory().unwrap();
    let queue =
        hub.queue("jobs").lease(Duration::from_millis(1)).on_exhausted(OnExhausted::Keep).open().unwrap();
    let count = 20_000;
    let fates = Fates::new(count);
    let values: Vec<[u8; 8]> = (0..count).map(u64::to_le_bytes).collect();
    for values in values.chunks(500) {
        let messages: Vec<Message<'_>> = values.iter().map(Message::new).collect();
        queue.send_batch(&messages).unwrap();
    }
    thread::scope(|scope| {
        for index in 0..CONSUMER_COUNT {
            let (queue, fates) = (&queue, &fates);
            scope.spawn(move || consume(queue, 2000 + index, fates, count));
        }
        scope.spawn(|| {
            while is_left(&queue, count) {
                clock.advance(Duration::from_micros(500));
                thread::yield_now();
            }
        });
    });
    fates.check();
    assert!(queue.stats().unwrap().leases_expired_total > 0, "some ran out");
}
