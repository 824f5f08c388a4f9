//! The log in memory: producers, readers, and whoever opens and releases segments. Models have two claim lines, and segments
//! of two empty records.

use super::{Model, Size};
use crate::log::marks::Marks;
use crate::log::{Appended, Draft, Kind, Log, Reader};
use crate::sync::event_count::EventCount;
use crate::sync::thread_number;
use crate::sync::{AtomicU64, Ordering, UnsafeCell};
use crate::thread;
use std::sync::Arc;

models_of! {
    "log";
    commit Size::Small,
    commit_of_a_batch Size::Small,
    mark Size::Bounded(2),
    mark_of_its_own Size::Bounded(2),
    mark_that_is_older Size::Small,
    pin_of_a_reader Size::Small,
    pin_of_the_next_segment Size::Bounded(3),
    seal_counts_no_overshoot Size::Bounded(3),
    seal_tells_the_end Size::Small,
    next Size::Small,
    open_for_a_stale_producer Size::Bounded(2),
    open_by_two_producers Size::Bounded(3),
    open_and_close Size::Small,
    expected_end_of_two Size::Bounded(3),
    expected_end_of_two_in_a_full_segment Size::Bounded(3),
    expected_end_beside_an_append Size::Small,
    expected_end_of_a_stale_producer Size::Bounded(2),
    park_wake_of_a_reader Size::Small,
}

/// A record that is nothing but its number.
pub fn record(number: u64) -> Draft<'static> {
    Draft::control(Kind::Data, number, &[])
}

pub fn append(log: &Log, number: u64) -> Appended {
    log.append(&[record(number)]).unwrap()
}

/// A log to which records 0.. were appended, as many batches of so many each; the threads of a model find all that it is made of.
fn log(batches: &[u64]) -> Arc<Log> {
    let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
    let mut number = 0;
    for len in batches {
        let drafts: Vec<_> = (number..number + len).map(record).collect();
        log.append(&drafts).unwrap();
        number += len;
    }
    log
}

/// What a reader sees now: sequences and numbers.
fn read(reader: &mut Reader) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    while reader.advance().unwrap() {
        seen.push((reader.sequence(), reader.frame().time_ns()));
    }
    seen
}

/// Every record is there once, in the order of the sequences, where its receipt says.
fn assert_dense(log: &Arc<Log>, receipts: &[(u64, Appended)]) {
    let mut reader = Reader::earliest(log.clone());
    let mut sequence = 0;
    let mut found = 0;
    while reader.advance().unwrap() {
        assert_eq!(reader.sequence(), sequence);
        sequence += 1;
        let number = reader.frame().time_ns();
        for (_, receipt) in receipts.iter().filter(|(of, _)| *of == number) {
            assert_eq!((reader.sequence(), reader.found_place()), (receipt.sequence, receipt.start));
            assert_eq!(reader.place(), receipt.end);
            found += 1;
        }
    }
    assert_eq!(found, receipts.len());
}

/// A reader that sees a record sees all of it.
fn commit() {
    let log = log(&[1]);
    let mut reader = Reader::earliest(log.clone());
    assert_eq!(read(&mut reader), [(0, 0)]);
    let theirs = log.clone();
    let appending = thread::spawn(move || append(&theirs, 7));
    let seen = read(&mut reader);
    assert!(seen.is_empty() || seen == [(1, 7)], "{seen:?}");
    appending.join().unwrap();
    assert_eq!(seen.len() + read(&mut reader).len(), 1);
}

/// A reader that sees the first record of a batch sees the last one.
fn commit_of_a_batch() {
    let log = log(&[1, 2]);
    let mut reader = Reader::earliest(log.clone());
    assert_eq!(read(&mut reader).len(), 3);
    let theirs = log.clone();
    let appending = thread::spawn(move || theirs.append(&[record(7), record(8)]).unwrap());
    let seen = read(&mut reader);
    assert!(seen.is_empty() || seen == [(3, 7), (4, 8)], "{seen:?}");
    appending.join().unwrap();
    assert_eq!(seen.len() + read(&mut reader).len(), 2);
}

/// While a producer is at work in a segment, its block serves no other one, and its buffer stays: also for whoever takes
/// the same mark after it.
fn mark() {
    mark_set_by(|| {});
}

/// The same of a producer with a mark of its own.
fn mark_of_its_own() {
    mark_set_by(|| thread_number::be(0));
}

fn mark_set_by(producer: fn()) {
    let log = log(&[1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || {
        producer();
        append(&theirs, 7)
    });
    let mut receipts: Vec<_> = (10..13).map(|number| (number, append(&log, number))).collect();
    log.release_before(2).unwrap();
    receipts.push((7, appending.join().unwrap()));
    receipts.retain(|(_, receipt)| receipt.start.segment() > 1);
    let mut reader = Reader::earliest(log.clone());
    let (start, sequence) = log.start();
    assert_eq!(start, 2);
    let seen = read(&mut reader);
    assert!(seen.iter().map(|(sequence, _)| *sequence).eq(sequence..5), "{seen:?}");
    for (number, receipt) in receipts {
        assert!(seen.contains(&(receipt.sequence, number)), "{seen:?}");
    }
}

/// A mark that is older than the segment that was claimed in holds its block too. The marks alone, around a claim line that
/// is opened for segment 3 while a producer still takes segment 1 for the current one.
fn mark_that_is_older() {
    const CROSSED: u64 = 10;
    struct Shared {
        marks: Marks,
        claim: AtomicU64,
        bytes: UnsafeCell<u64>,
    }
    // SAFETY: `bytes` is written by claimants in range, and by the opener after them: the scheduler checks it.
    unsafe impl Sync for Shared {}
    // SAFETY: as above.
    unsafe impl Send for Shared {}
    let shared = Shared { marks: Marks::new(), claim: AtomicU64::new(CROSSED), bytes: UnsafeCell::new(0) };
    drop(shared.marks.set(1));
    let shared = Arc::new(shared);
    let theirs = shared.clone();
    let appending = thread::spawn(move || {
        let _mark = theirs.marks.set(1);
        if theirs.claim.fetch_add(1, Ordering::AcqRel) < CROSSED {
            // SAFETY: the claim is in range, under the mark.
            theirs.bytes.with_mut(|bytes| unsafe { *bytes = 3 });
        }
    });
    shared.claim.swap(0, Ordering::AcqRel);
    shared.claim.fetch_add(CROSSED, Ordering::AcqRel);
    if !shared.marks.any_at_or_before(3) {
        // SAFETY: whoever claimed before is done.
        shared.bytes.with_mut(|bytes| unsafe { *bytes = 5 });
    }
    appending.join().unwrap();
}

/// What a reader has pinned stays whole when its segment is released and the header serves another one.
fn pin_of_a_reader() {
    let log = log(&[1, 1, 1, 1, 1]);
    let mut reader = Reader::earliest(log.clone());
    let theirs = log.clone();
    let releasing = thread::spawn(move || {
        theirs.release_before(2).unwrap();
        append(&theirs, 5);
        append(&theirs, 6)
    });
    if reader.advance().unwrap() {
        let payload = reader.payload();
        let (sequence, number) = (reader.sequence(), reader.frame().time_ns());
        assert!(sequence == number && (number == 0 || number == 2), "{sequence} {number}");
        drop(reader);
        assert_eq!(payload.frame().time_ns(), number);
    }
    releasing.join().unwrap();
}

/// A reader that goes on to the next segment while it is released finds it, or the first that is held.
fn pin_of_the_next_segment() {
    let log = log(&[1, 1, 1, 1, 1]);
    let mut reader = Reader::earliest(log.clone());
    assert!(reader.advance().unwrap() && reader.advance().unwrap());
    let theirs = log.clone();
    let releasing = thread::spawn(move || {
        theirs.release_before(3).unwrap();
        append(&theirs, 5);
        append(&theirs, 6)
    });
    assert!(reader.advance().unwrap());
    let (sequence, number) = (reader.sequence(), reader.frame().time_ns());
    assert!(sequence == number && (number == 2 || number == 4), "{sequence} {number}");
    while reader.advance().unwrap() {
        assert_eq!(reader.sequence(), reader.frame().time_ns());
    }
    releasing.join().unwrap();
}

/// Sequences go on from what the crosser claimed, not from what overshot.
fn seal_counts_no_overshoot() {
    let log = log(&[1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || [(7, append(&theirs, 7)), (8, append(&theirs, 8))]);
    let mut receipts = vec![(9, append(&log, 9))];
    receipts.extend(appending.join().unwrap());
    assert_dense(&log, &receipts);
}

/// Whoever asks for the end of what was claimed is told of a segment that was just sealed where it ended.
fn seal_tells_the_end() {
    let log = log(&[1]);
    let before = log.claimed();
    let theirs = log.clone();
    let appending = thread::spawn(move || theirs.append(&[record(7), record(8)]).unwrap());
    let claimed = log.claimed();
    assert!(claimed >= before, "{claimed:?} is before {before:?}");
    let receipt = appending.join().unwrap();
    assert_eq!(log.claimed(), receipt.end);
}

/// A reader goes from a segment to the next while that is opened.
fn next() {
    let log = log(&[1, 1]);
    let mut reader = Reader::earliest(log.clone());
    assert_eq!(read(&mut reader).len(), 2);
    let theirs = log.clone();
    let appending = thread::spawn(move || append(&theirs, 7));
    let seen = read(&mut reader);
    appending.join().unwrap();
    assert!(seen.into_iter().chain(read(&mut reader)).eq([(2, 7)]));
}

/// A producer that found a segment current long ago claims in whatever its block serves now.
fn open_for_a_stale_producer() {
    let log = log(&[1, 1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || [10, 11, 12].map(|number| (number, append(&theirs, number))));
    let mut receipts = vec![(7, append(&log, 7))];
    receipts.extend(appending.join().unwrap());
    assert_dense(&log, &receipts);
}

/// Two producers find a segment full: one opens the next, both go on in it.
fn open_by_two_producers() {
    let log = log(&[1, 1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || (7, append(&theirs, 7)));
    let mine = (8, append(&log, 8));
    assert_dense(&log, &[mine, appending.join().unwrap()]);
}

/// What was claimed before a log is closed is committed, and nothing is claimed after.
fn open_and_close() {
    let log = log(&[1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || [7, 8].map(|number| theirs.append(&[record(number)]).is_ok()));
    log.close();
    let end = log.claimed();
    let appended = appending.join().unwrap();
    assert!(log.append(&[record(9)]).is_err());
    assert_eq!(log.claimed(), end);
    let mut reader = Reader::earliest(log.clone());
    let seen = read(&mut reader);
    assert!(
        seen.iter()
            .map(|(_, number)| *number)
            .skip(1)
            .eq([7, 8].into_iter().zip(appended).filter_map(|(n, ok)| ok.then_some(n))),
        "{seen:?}"
    );
    assert_eq!(reader.place(), end);
}

fn append_at(log: &Log, expected: u64, number: u64) -> Result<Appended, u64> {
    log.append_at(expected, [record(number)].into_iter()).unwrap()
}

/// Of two who expect the same end one appends; the other is told where it ends then.
fn expected_end_of_two() {
    expected_end_of_two_behind(1);
}

/// Also where a segment ends there.
fn expected_end_of_two_in_a_full_segment() {
    expected_end_of_two_behind(2);
}

fn expected_end_of_two_behind(before: u64) {
    let log = log(&[before]);
    let theirs = log.clone();
    let appending = thread::spawn(move || append_at(&theirs, before, 7));
    let mine = append_at(&log, before, 8);
    let outcomes = [(7, appending.join().unwrap()), (8, mine)];
    let receipts: Vec<_> = outcomes.iter().filter_map(|(n, o)| Some((*n, o.ok()?))).collect();
    assert!(receipts.len() == 1 && receipts[0].1.sequence == before, "{outcomes:?}");
    assert!(outcomes.iter().filter_map(|(_, outcome)| outcome.err()).eq([before + 1]), "{outcomes:?}");
    assert_dense(&log, &receipts);
}

/// Who expects an end appends there and nowhere else, whoever appends without expecting one.
fn expected_end_beside_an_append() {
    let log = log(&[1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || (7, append(&theirs, 7)));
    let mine = append_at(&log, 1, 8);
    let mut receipts = vec![appending.join().unwrap()];
    match mine {
        Ok(mine) => receipts.push((8, mine)),
        Err(actual) => assert_eq!(actual, 2),
    }
    assert!(mine.is_err() || mine.is_ok_and(|mine| mine.sequence == 1), "{mine:?}");
    assert_dense(&log, &receipts);
}

/// Also if the claim line serves another segment by the time that he claims, whose word may be the same.
fn expected_end_of_a_stale_producer() {
    let log = log(&[1, 1]);
    let theirs = log.clone();
    let appending = thread::spawn(move || [10, 11, 12].map(|number| (number, append(&theirs, number))));
    let mine = append_at(&log, 2, 7);
    assert!(mine.is_err_and(|end| end > 2) || mine.is_ok_and(|mine| mine.sequence == 2), "{mine:?}");
    let mut receipts = Vec::from(appending.join().unwrap());
    receipts.extend(mine.ok().map(|mine| (7, mine)));
    assert_dense(&log, &receipts);
}

/// A reader that sleeps until there is something to read is woken by the append.
fn park_wake_of_a_reader() {
    let log = log(&[1]);
    let mut reader = Reader::earliest(log.clone());
    assert_eq!(read(&mut reader).len(), 1);
    let theirs = log.clone();
    let appending = thread::spawn(move || append(&theirs, 7));
    assert!(log.data().wait_until(None, || reader.advance().unwrap()));
    assert_eq!(reader.frame().time_ns(), 7);
    appending.join().unwrap();
}
