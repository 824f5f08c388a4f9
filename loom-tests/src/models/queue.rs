//! The way of a queue's plain messages: the cursor, the leases of a run, the seats, and the tally of what is settled. Models
//! have runs of two messages, two seats, and one cell.

use super::{Model, Size, join, log::record};
use crate::log::{Log, Place, Reader};
use crate::queue::plain::{Cursor, Hold, Home, Keep, Runs, Seats, Spare};
use crate::queue::tally::Tally;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU32, Ordering, UnsafeCell};
use crate::thread;
use std::sync::Arc;

models_of! {
    "queue";
    cursor_gives_each_message_to_one Size::Bounded(3),
    run_gives_each_bit_to_one Size::Small,
    run_is_used_again_when_nobody_has_it Size::Bounded(3),
    run_keeps_what_it_keeps_until_the_last Size::Small,
    home_is_used_again_when_it_is_empty Size::Bounded(3),
    free_runs_are_taken_once Size::Bounded(3),
    seat_detour Size::Small,
    tally_loses_nothing Size::Bounded(3),
    release_is_done_by_one_and_sees_all Size::Small,
}

/// A log with as many messages, each appended by itself.
fn log(count: u64) -> Arc<Log> {
    let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
    for number in 0..count {
        log.append(&[record(number)]).unwrap();
    }
    log
}

/// Whoever moves the cursor past a message has it, and nobody else.
fn cursor_gives_each_message_to_one() {
    let log = log(3);
    let cursor = Arc::new(Cursor::new(Place::new(log.start().0, 0), 0));
    let receivers = [(); 2].map(|()| {
        let (log, cursor) = (log.clone(), cursor.clone());
        thread::spawn(move || {
            let mut reader = Reader::sent(log);
            let run = cursor.take(&mut reader, 1, &mut Vec::new(), |_| false).unwrap();
            run.map(|run| run.ids.start)
        })
    });
    let mut taken: Vec<u64> = join(receivers).into_iter().flatten().collect();
    taken.sort_unstable();
    assert_eq!(taken, [0, 1]);
    let rest = cursor.take(&mut Reader::sent(log), 2, &mut Vec::new(), |_| false).unwrap();
    assert_eq!(rest.map(|run| run.ids), Some(2..3));
}

/// The table, and something that only holders may look at.
#[derive(Debug)]
struct Queue {
    runs: Runs<Kept>,
}

#[derive(Debug)]
struct Kept {
    queue: Arc<Queue>,
    bytes: Arc<UnsafeCell<u64>>,
}

// SAFETY: the bytes are written by whoever drops what keeps them, and read by those who hold it.
unsafe impl Send for Kept {}
// SAFETY: as above.
unsafe impl Sync for Kept {}

impl Keep for Kept {
    fn runs(&self) -> &Runs<Self> {
        &self.queue.runs
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: nobody holds it any more, which is what is shown.
        self.bytes.with_mut(|bytes| unsafe { *bytes = 0 });
    }
}

fn queue() -> Arc<Queue> {
    Arc::new(Queue { runs: Runs::new() })
}

fn lease(queue: &Arc<Queue>, first: u64, deadline_ns: u64) -> Vec<Hold<Kept>> {
    lease_in(queue, queue.runs.spare().unwrap(), first, deadline_ns)
}

fn lease_in(queue: &Arc<Queue>, spare: Spare, first: u64, deadline_ns: u64) -> Vec<Hold<Kept>> {
    let kept = Kept { queue: queue.clone(), bytes: Arc::new(UnsafeCell::new(first)) };
    queue.runs.lease(spare, kept, first..first + 2, Place::new(1, first), deadline_ns).collect()
}

fn look(hold: &Hold<Kept>) -> u64 {
    // SAFETY: we hold it.
    hold.kept().bytes.with(|bytes| unsafe { *bytes })
}

/// Of an ack and the end of the lease one gets the message.
fn run_gives_each_bit_to_one() {
    let queue = queue();
    let holds = lease(&queue, 10, 5);
    let theirs = queue.clone();
    let expiring = thread::spawn(move || {
        let mut expired = 0;
        theirs.runs.for_each_due(5, |run| {
            assert_eq!(run.first(), 10);
            expired |= run.take(u64::MAX);
            true
        });
        expired
    });
    let acked = holds[0].ack(holds[0].bit());
    drop(holds);
    let expired = expiring.join().unwrap();
    assert_eq!(acked & expired, 0, "nobody has what another has");
    // The second is the expirer's, unless nobody had a delivery of it any more when it looked.
    assert!(acked | expired == 0b11 || expired == 0);
}

/// An entry serves the next run when nobody holds the last one, and whoever looks it over sees one of them whole.
fn run_is_used_again_when_nobody_has_it() {
    let queue = queue();
    let holds = lease(&queue, 10, 5);
    let theirs = queue.clone();
    let looking = thread::spawn(move || {
        theirs.runs.for_each_due(5, |run| {
            assert_eq!((run.first(), run.place(), run.deadline_ns()), (10, Place::new(1, 10), 5));
            assert_eq!(run.take(u64::MAX) & !0b11, 0);
            true
        });
    });
    drop(holds);
    let next = lease(&queue, 20, 1000);
    assert!(next.iter().all(Hold::is_held), "its lease has not run out");
    assert_eq!((next[0].id(), next[1].id(), look(&next[0])), (20, 21, 20));
    looking.join().unwrap();
    assert!(next.iter().all(Hold::is_held));
}

/// What a run keeps is there as long as anybody holds a delivery of it.
fn run_keeps_what_it_keeps_until_the_last() {
    let queue = queue();
    let mut holds = lease(&queue, 10, 5);
    let other = holds.pop().unwrap();
    let looking = thread::spawn(move || assert_eq!(look(&other), 10));
    assert_eq!(look(&holds[0]), 10);
    drop(holds);
    looking.join().unwrap();
    assert_eq!(Arc::strong_count(&queue), 1, "the run keeps nothing any more");
}

/// A seat's own entry serves its next run when the last one's deliveries are gone, whoever had them, and not before.
fn home_is_used_again_when_it_is_empty() {
    let (queue, mut home) = (queue(), Home::default());
    let mut lease = |first| lease_in(&queue, queue.runs.spare_of(&mut home).unwrap(), first, 5);
    let mut holds = lease(10);
    let other = holds.pop().unwrap();
    let dropping = thread::spawn(move || drop(other));
    drop(holds);
    let next = lease(20);
    assert_eq!((look(&next[0]), look(&next[1])), (20, 20));
    dropping.join().unwrap();
    drop(next);
    let (third, fourth) = (lease(30), lease(40));
    assert!(!third[0].is_beside(&fourth[0]));
    assert_eq!((look(&third[0]), look(&fourth[0])), (30, 40));
}

/// No entry is handed out twice, however often the same one comes back.
fn free_runs_are_taken_once() {
    let queue = queue();
    // As many entries as are needed, so that no thread makes any.
    let made = [10, 20, 25, 28].map(|number| lease(&queue, number, 5));
    drop(made);
    let theirs = queue.clone();
    let leasing = thread::spawn(move || {
        let (first, second) = (lease(&theirs, 30, 5), lease(&theirs, 40, 5));
        // The first one of the list again, with another behind it.
        drop(first);
        second
    });
    let mine = [lease(&queue, 50, 5), lease(&queue, 60, 5)];
    let second = leasing.join().unwrap();
    assert!(mine.iter().all(|holds| !holds[0].is_beside(&second[0])));
    assert_eq!((look(&second[0]), look(&mine[0][0]), look(&mine[1][0])), (40, 50, 60));
}

/// Whoever asks for a detour and passes all seats finds nobody on the short way.
fn seat_detour() {
    struct Way {
        seats: Seats<()>,
        detour: AtomicU32,
        road: UnsafeCell<u32>,
    }
    // SAFETY: the road is used by one at a time, which is what is shown.
    unsafe impl Sync for Way {}
    // SAFETY: as above.
    unsafe impl Send for Way {}
    let way = Arc::new(Way { seats: Seats::new(|| ()), detour: AtomicU32::new(0), road: UnsafeCell::new(0) });
    let theirs = way.clone();
    let receiving = thread::spawn(move || {
        theirs.seats.with(|()| {
            // ORDERING: Relaxed, P15, as the receive has it.
            if theirs.detour.load(Ordering::Relaxed) == 0 {
                // SAFETY: nobody else may be here.
                theirs.road.with_mut(|road| unsafe { *road += 1 });
            }
        });
    });
    // ORDERING: Release, as `set_detour` has it.
    way.detour.fetch_or(1, Ordering::Release);
    way.seats.pass_all();
    // SAFETY: nobody else may be here.
    way.road.with_mut(|road| unsafe { *road += 1 });
    receiving.join().unwrap();
}

/// Counts of segments that share a cell are all there in the end.
fn tally_loses_nothing() {
    let log = log(1);
    let tally = Arc::new(Tally::default());
    let settling = [[1, 2], [1, 1]].map(|segments| {
        let (log, tally) = (log.clone(), tally.clone());
        thread::spawn(move || {
            for segment in segments {
                tally.settle(&log, segment, 1);
            }
        })
    });
    join(settling);
    assert_eq!((tally.count(1), tally.count(2)), (3, 1));
}

/// Of those who ask for a release one does it at a time, and the last one sees what all of them have settled.
fn release_is_done_by_one_and_sees_all() {
    struct Queue {
        tally: Tally,
        settled: AtomicU32,
        seen: UnsafeCell<u32>,
    }
    // SAFETY: what was seen is written by whoever releases, which is what is shown.
    unsafe impl Send for Queue {}
    // SAFETY: as above.
    unsafe impl Sync for Queue {}
    let (settled, seen) = (AtomicU32::new(0), UnsafeCell::new(0));
    let queue = Arc::new(Queue { tally: Tally::default(), settled, seen });
    let releasing = [(); 2].map(|()| {
        let queue = queue.clone();
        thread::spawn(move || {
            // ORDERING: Relaxed: whoever releases acquires it by having been asked.
            queue.settled.fetch_add(1, Ordering::Relaxed);
            queue.tally.one_at_a_time(|| {
                // SAFETY: nobody else is here, which is what is shown.
                queue.seen.with_mut(|seen| unsafe { *seen = queue.settled.load(Ordering::Relaxed) });
            });
        })
    });
    join(releasing);
    // SAFETY: all of them have ended.
    assert_eq!(queue.seen.with(|seen| unsafe { *seen }), 2);
}
