//! How many records of each segment are settled: a segment whose records all are can go, if it has no guests.
//!
//! **Protocol**, `P16 tally`: the segments that are worked on have a cell each, `segment:32 | count:32`, which is added to by
//! compare-and-swap; a cell that is needed for another segment is swapped, and what it held goes to a map under a lock. No
//! count is in two places, and none is lost.
//!
//! **Protocol**, `P17 release`: who asks for a release while another thread is at one counts himself and goes; that one begins anew
//! when somebody was counted since it began. So each sees all that was settled by those who asked.

use crate::error::Result;
use crate::log::Log;
use crate::queue::guests::Guests;
use crate::sync::{AtomicU64, IS_MODEL, Mutex, Ordering, lock};
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

const CELL_COUNT: usize = if IS_MODEL { 1 } else { 16 };

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Tally {
    cells: [AtomicU64; CELL_COUNT],
    /// Records in the cell's segment, once that is known: it is sealed.
    records: [AtomicU64; CELL_COUNT],
    rest: Mutex<BTreeMap<u64, u64>>,
    guests: Mutex<Guests>,
    /// How often a release was asked for, since somebody began one.
    asked: AtomicU64,
}

/// Whoever releases has it until he is done.
struct Abandoned<'a>(&'a AtomicU64);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        // ORDERING: AcqRel, P17: as at the end of a release; who asked meanwhile asks again with the next segment.
        self.0.swap(0, Ordering::AcqRel);
    }
}

/// A segment that is complete, and not settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    /// Sequence of the first of them.
    pub(crate) first: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            cells: std::array::from_fn(|_| AtomicU64::new(0)),
            records: std::array::from_fn(|_| AtomicU64::new(0)),
            rest: Mutex::default(),
            guests: Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }
}

impl Tally {
    /// Counts settled records. True: it is time to [`release`](Self::release).
    #[inline]
    pub(crate) fn settle(&self, log: &Log, segment: u64, count: u32) -> bool {
        let index = segment as usize % CELL_COUNT;
        let cell = &self.cells[index];
        // ORDERING: Relaxed throughout, P16: counts, which carry nothing; the exchange keeps them whole.
        let mut found = cell.load(Ordering::Relaxed);
        while found >> 32 == segment & 0xffff_ffff && found != 0 {
            // ORDERING: Relaxed: as above.
            match cell.compare_exchange_weak(
                found,
                found + u64::from(count),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return self.is_over(log, segment, (found as u32) + count),
                Err(now) => found = now,
            }
        }
        self.change_cell(segment, u64::from(count));
        true
    }

    /// Does something, one thread at a time. Who asks meanwhile does not wait: it is done once more.
    pub(crate) fn one_at_a_time(&self, mut then: impl FnMut()) {
        // ORDERING: AcqRel, P17: whoever is at it acquires what we have settled when he looks whether somebody asked.
        if self.asked.fetch_add(1, Ordering::AcqRel) != 0 {
            return;
        }
        // A panic in it, which may be a subscriber's, must not be the end of all releases.
        let abandoned = Abandoned(&self.asked);
        // ORDERING: Acquire, P17: pairs with those who asked so far.
        let mut asked = self.asked.load(Ordering::Acquire);
        loop {
            then();
            // ORDERING: AcqRel, P17: whoever begins next comes after us; Acquire on failure, as the load.
            match self.asked.compare_exchange(asked, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return std::mem::forget(abandoned),
                Err(now) => asked = now,
            }
        }
    }

    /// Counts one message as settled, wherever it is. True: as above.
    pub(crate) fn settle_message(&self, log: &Log, id: u64) -> bool {
        let as_guest = lock(&self.guests).leave(id);
        as_guest.unwrap_or_else(|| match log.segment_of(id) {
            Ok(Some(segment)) => self.settle(log, segment, 1),
            _ => false,
        })
    }

    /// A message is in that segment from now on: its record is settled.
    pub(crate) fn relocate(&self, log: &Log, id: u64, segment: u64) {
        if lock(&self.guests).enter(id, segment)
            && let Ok(Some(of_record)) = log.segment_of(id)
        {
            self.settle(log, of_record, 1);
        }
    }

    /// Whether a message was relocated.
    pub(crate) fn is_guest(&self, id: u64) -> bool {
        lock(&self.guests).has(id)
    }

    /// The first message with one of these ids that was relocated.
    pub(crate) fn first_guest(&self, ids: RangeInclusive<u64>) -> Option<u64> {
        lock(&self.guests).first_in(ids)
    }

    /// Gives the cell to a segment, with all that was counted of it before: what its cell tells is then all there is.
    #[cold]
    fn change_cell(&self, segment: u64, count: u64) {
        let index = segment as usize % CELL_COUNT;
        let cell = &self.cells[index];
        let mut rest = lock(&self.rest);
        // ORDERING: Relaxed, as above: it changes hands under this lock only.
        let found = cell.load(Ordering::Relaxed);
        if found >> 32 == segment & 0xffff_ffff && found != 0 {
            // Somebody gave it to the segment meanwhile.
            cell.fetch_add(count, Ordering::Relaxed);
            return;
        }
        let word = segment << 32 | (count + rest.remove(&segment).unwrap_or(0));
        // ORDERING: Relaxed: as above. Of the segment that had it only the low half of the number is told: the segments that
        // are held at a time are far fewer.
        let before = self.cells[index].swap(word, Ordering::Relaxed);
        self.records[index].store(0, Ordering::Relaxed);
        if before != 0 {
            let high = segment & !0xffff_ffff;
            *rest.entry(high | before >> 32).or_default() += before & 0xffff_ffff;
        }
    }

    /// Whether all records of a segment are settled, as far as its cell tells.
    fn is_over(&self, log: &Log, segment: u64, count: u32) -> bool {
        if segment == log.current_segment() {
            return false;
        }
        let known = &self.records[segment as usize % CELL_COUNT];
        // ORDERING: Relaxed: a hint; `release` looks for itself.
        let mut records = known.load(Ordering::Relaxed);
        if records == 0 {
            records = log.record_count(segment).ok().flatten().unwrap_or(0);
            // ORDERING: Relaxed: as above.
            known.store(records, Ordering::Relaxed);
        }
        u64::from(count) >= records
    }

    fn count_in(&self, rest: &BTreeMap<u64, u64>, segment: u64) -> u64 {
        // ORDERING: Relaxed: as above; what is added meanwhile is found the next time.
        let cell = self.cells[segment as usize % CELL_COUNT].load(Ordering::Relaxed);
        let in_cell = if cell >> 32 == segment & 0xffff_ffff { cell & 0xffff_ffff } else { 0 };
        rest.get(&segment).copied().unwrap_or(0) + in_cell
    }

    /// How many records of a segment were settled.
    #[cfg(any(test, ringmain_loom, ringmain_shuttle))]
    pub(crate) fn count(&self, segment: u64) -> u64 {
        self.count_in(&lock(&self.rest), segment)
    }

    /// The oldest segments, as far as their records are all settled. A segment's settlements refer to records in it or before
    /// it, so once those are gone nothing refers to them either.
    pub(crate) fn releasable(&self, log: &Log) -> Result<Range<u64>> {
        let Some((first, records)) = log.first_sealed()? else { return Ok(0..0) };
        let (mut end, mut records) = (first, Some(records));
        while records.is_some_and(|records| self.unsettled(end, records) == 0) {
            end += 1;
            records = log.record_count(end)?;
        }
        Ok(first..end)
    }

    fn unsettled(&self, segment: u64, records: u64) -> u64 {
        let settled = self.count_in(&lock(&self.rest), segment);
        records.saturating_sub(settled) + lock(&self.guests).count(segment)
    }

    /// Messages of a segment that are not settled.
    pub(crate) fn left_in(&self, segment: &Held) -> u64 {
        self.unsettled(segment.number, segment.records)
    }

    /// The complete segments before that one, oldest first.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from the header of a file.
    pub(crate) fn held_before(&self, log: &Log, end: u64) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        let (mut number, mut first) = log.start();
        while number < end
            && let Some(records) = log.record_count(number)?
        {
            held.push(Held { number, bytes: log.segment_bytes(number)?, records, first });
            (number, first) = (number + 1, first + records);
        }
        Ok(held)
    }

    /// Releases the oldest segment. False: it has to stay for now.
    pub(crate) fn release(&self, log: &Log, number: u64) -> Result<bool> {
        log.release_before(number + 1)?;
        if log.start().0 == number {
            return Ok(false);
        }
        lock(&self.rest).remove(&number);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::event_count::EventCount;
    use std::sync::Arc;

    #[test]
    fn segments_that_share_a_cell_are_counted_each_by_itself() {
        let (log, tally) = (Log::memory(Arc::new(EventCount::new())), Tally::default());
        let far = CELL_COUNT as u64;
        for segment in [1, 1 + far, 1, 1 + 2 * far, 1 + far, 1] {
            tally.settle(&log, segment, 2);
        }
        assert_eq!([1, 1 + far, 1 + 2 * far].map(|segment| tally.count(segment)), [6, 4, 2]);
    }

    /// Otherwise the last of a segment's messages to be settled would not be known for the last.
    #[test]
    fn a_cell_that_comes_back_to_a_segment_tells_all_that_was_settled_of_it() {
        let (log, tally) = (Log::memory(Arc::new(EventCount::new())), Tally::default());
        for segment in [1, 1 + CELL_COUNT as u64, 1] {
            tally.settle(&log, segment, 2);
        }
        assert_eq!(tally.cells[1 % CELL_COUNT].load(Ordering::Relaxed), 1 << 32 | 4);
        assert_eq!(tally.count(1), 4);
    }

    #[test]
    fn a_release_that_panics_is_not_the_last() {
        let tally = Tally::default();
        let panics = std::panic::AssertUnwindSafe(|| tally.one_at_a_time(|| panic!("a subscriber")));
        assert!(std::panic::catch_unwind(panics).is_err());
        let mut times = 0;
        tally.one_at_a_time(|| times += 1);
        assert_eq!(times, 1);
    }
}
