//! Snapshots of a hub that threads work on, on the operating system's disk: what is in the copy is accounted for against what was
//! acknowledged before, and what was sent at all.

use crate::{NOW, held, waiting};
use ringmain::{Durability, Hub, Message, OnExhausted, Queue, Start, Stream};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const ROUNDS: u64 = 4;
/// Something goes on for so long before a snapshot is taken.
const VERBS_BETWEEN: u64 = 60;

struct House {
    hub: Hub,
    /// Each message goes to `first`, and then to `second`.
    first: Queue,
    second: Queue,
    /// Messages are rejected, and go to `dead`.
    work: Queue,
    dead: Queue,
    /// Small records that the journal takes, and large batches that are streamed.
    small: Stream,
    bulk: Stream,
}

fn open(path: &Path) -> House {
    let hub = Hub::builder().journal_bytes_max(256 << 10).open(path).unwrap();
    let kept = |name| hub.queue(name).on_exhausted(OnExhausted::Keep).open().unwrap();
    let (first, second, dead) = (kept("first"), kept("second"), kept("work.dead"));
    let work = hub.queue("work").dead_letter("work.dead").open().unwrap();
    let small = hub.stream("small").partitions(3).open().unwrap();
    let bulk = hub.stream("bulk").open().unwrap();
    House { hub, first, second, work, dead, small, bulk }
}

/// What was done so far, each counted when it was acknowledged.
#[derive(Default)]
struct Done {
    first: AtomicU64,
    second: AtomicU64,
    work: AtomicU64,
    bulk: AtomicU64,
    committed: AtomicU64,
}

impl Done {
    fn counts(&self) -> [u64; 5] {
        [&self.first, &self.second, &self.work, &self.bulk, &self.committed]
            .map(|count| count.load(Ordering::SeqCst))
    }
}

/// Does something until it is told to stop; how often that was.
fn go_on(stop: &AtomicBool, done: &AtomicU64, mut verb: impl FnMut(u64)) {
    let mut number = done.load(Ordering::SeqCst);
    while !stop.load(Ordering::SeqCst) {
        verb(number);
        number += 1;
        done.store(number, Ordering::SeqCst);
    }
}

#[test]
fn a_snapshot_under_load_holds_all_that_was_acknowledged_in_order_and_each_dead_letter_in_one_place() {
    let scratch = tempfile::tempdir().unwrap();
    let house = open(&scratch.path().join("hub"));
    let (done, stop) = (Done::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            go_on(&stop, &done.second, |number| {
                house.first.send(Message::new(&number.to_le_bytes())).unwrap();
                done.first.store(number + 1, Ordering::SeqCst);
                house.second.send(Message::new(&number.to_le_bytes())).unwrap();
            });
        });
        scope.spawn(|| {
            go_on(&stop, &done.work, |number| {
                _ = house.work.send(Message::new(&number.to_le_bytes())).unwrap()
            })
        });
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                if let Some(delivery) = house.work.try_receive().unwrap() {
                    delivery.reject("never").unwrap();
                }
            }
        });
        scope.spawn(|| {
            let values = vec![[7; 1000]; 300];
            let batch: Vec<_> = values.iter().map(Message::new).collect();
            // Not waited for: it is streamed, as fast as the disk goes, within a bound.
            go_on(&stop, &done.bulk, |number| match number < 60 {
                true => _ = house.bulk.append_batch(&batch).unwrap(),
                false => _ = house.bulk.append(Message::new(&[7; 100])).unwrap(),
            });
        });
        scope.spawn(|| {
            let mut member = house.small.group("billing").join().unwrap();
            go_on(&stop, &done.committed, |number| {
                house.small.append(Message::new(&number.to_le_bytes())).unwrap();
                member.poll(10, NOW).unwrap();
                member.commit().unwrap();
            });
        });
        for round in 0..ROUNDS {
            let until = done.second.load(Ordering::SeqCst) + VERBS_BETWEEN;
            while done.second.load(Ordering::SeqCst) < until {
                std::thread::yield_now();
            }
            let before = done.counts();
            let backup = scratch.path().join(format!("backup {round}"));
            house.hub.snapshot(&backup).unwrap();
            let after = done.counts();
            check(&backup, &scratch.path().join(format!("restored {round}")), before, after, round);
        }
        stop.store(true, Ordering::SeqCst);
    });
}

fn check(backup: &Path, restored: &Path, before: [u64; 5], after: [u64; 5], round: u64) {
    let report = Hub::restore(backup, restored).unwrap();
    assert!(report.damage.is_empty(), "{report}");
    let house = open(if round.is_multiple_of(2) { restored } else { backup });
    let place = || format!("round {round}, {before:?} to {after:?}");
    // One more than was acknowledged may be there.
    let is_between = |found: u64, index: usize| (before[index]..=after[index] + 1).contains(&found);

    let (first, second) = (waiting(&house.first), waiting(&house.second));
    assert!(first.iter().copied().eq(0..first.len() as u64), "{}", place());
    assert!(second.iter().copied().eq(0..second.len() as u64), "{}", place());
    assert!(is_between(first.len() as u64, 0) && is_between(second.len() as u64, 1), "{}", place());
    assert!(
        first.len() >= second.len(),
        "a message is there that was sent after one that is not: {}",
        place()
    );

    let serial = |value: &[u8]| u64::from_le_bytes(value.try_into().unwrap());
    let values = |queue: &Queue| -> Vec<u64> {
        queue.peek(0, 65_536).unwrap().iter().map(|message| serial(message.value())).collect()
    };
    let (work, dead) = (values(&house.work), values(&house.dead));
    let all: BTreeSet<u64> = work.iter().chain(&dead).copied().collect();
    assert_eq!(all.len(), work.len() + dead.len(), "one is in both queues: {}", place());
    assert!(all.iter().copied().eq(0..all.len() as u64), "one is in neither queue: {}", place());
    assert!(is_between(all.len() as u64, 2), "{} messages: {}", all.len(), place());

    let bulk = held(&house.bulk);
    assert!(bulk.iter().copied().eq(0..bulk.len() as u64), "{}", place());
    let records = |batches: u64| batches.min(60) * 300 + batches.saturating_sub(60);
    assert!((records(before[3])..=records(after[3] + 1)).contains(&(bulk.len() as u64)), "{}", place());

    let small: Vec<u64> =
        house.small.reader(Start::Earliest).unwrap().map(|record| serial(record.unwrap().value())).collect();
    assert!(is_between(small.len() as u64, 4), "{} records: {}", small.len(), place());
    assert!(
        small.iter().copied().collect::<BTreeSet<_>>().into_iter().eq(0..small.len() as u64),
        "{}",
        place()
    );
    let committed: u64 = house.small.group("billing").committed().unwrap().into_iter().flatten().sum();
    assert!(committed <= small.len() as u64, "a commit is ahead of its records: {}", place());
    assert!(committed >= before[4], "a commit is lost: {}", place());
    house.hub.close(std::time::Duration::MAX).unwrap();
}

/// Whether a level was reached when a verb returned does not matter: it is in the copy.
#[test]
fn a_snapshot_of_a_relaxed_hub_that_streams_holds_what_was_returned_for() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::builder().durability(Durability::Relaxed).open(scratch.path().join("hub")).unwrap();
    let bulk = hub.stream("bulk").open().unwrap();
    let done = AtomicU64::new(0);
    let values = vec![[7; 1000]; 100];
    let batch: Vec<_> = values.iter().map(Message::new).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // So much and no more: the disk is not ours alone.
            for number in 1..=2000 {
                bulk.append_batch(&batch).unwrap();
                done.store(number, Ordering::SeqCst);
            }
        });
        for round in 1..=3 {
            while done.load(Ordering::SeqCst) < 200 * round {
                std::thread::yield_now();
            }
            let before = done.load(Ordering::SeqCst);
            let backup = scratch.path().join(format!("backup {round}"));
            hub.snapshot(&backup).unwrap();
            let copy = Hub::open(&backup).unwrap();
            let found = copy.stream("bulk").open().unwrap().stats().unwrap().partitions[0].end;
            assert!(found >= before * 100, "{found} records of {before} batches");
            assert_eq!(found % 100, 0, "half of a batch");
            assert!(Hub::verify(&backup).is_err(), "it is open");
            copy.close(std::time::Duration::MAX).unwrap();
            assert!(Hub::verify(&backup).unwrap().is_sound());
            std::fs::remove_dir_all(&backup).unwrap();
        }
    });
}
