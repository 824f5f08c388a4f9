//! Messages that live in another segment than the one that their id belongs to, because they were relocated.
//!
//! **Promise.** A segment does not go as long as it has guests. A message is the guest of one segment at a time.
//!
//! **Where next.** `relocate.rs` moves them, `tally.rs` asks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    /// Of each guest, by its id, the segment that it is in.
    segments: BTreeMap<u64, u64>,
    /// How many there are in each segment that has any.
    counts: BTreeMap<u64, u64>,
}

impl Guests {
    /// A message moves into a segment. True: it was no guest before.
    pub(crate) fn enter(&mut self, id: u64, segment: u64) -> bool {
        *self.counts.entry(segment).or_default() += 1;
        let Some(before) = self.segments.insert(id, segment) else { return true };
        self.count_out(before);
        false
    }

    /// A guest is settled. True: it was the last of its segment; `None`: it was none.
    pub(crate) fn leave(&mut self, id: u64) -> Option<bool> {
        let segment = self.segments.remove(&id)?;
        Some(self.count_out(segment))
    }

    fn count_out(&mut self, segment: u64) -> bool {
        let Some(count) = self.counts.get_mut(&segment) else { return true };
        *count -= 1;
        let is_last = *count == 0;
        if is_last {
            self.counts.remove(&segment);
        }
        is_last
    }

    /// How many a segment has.
    pub(crate) fn count(&self, segment: u64) -> u64 {
        self.counts.get(&segment).copied().unwrap_or(0)
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.segments.contains_key(&id)
    }

    /// The first of them with one of these ids.
    pub(crate) fn first_in(&self, ids: RangeInclusive<u64>) -> Option<u64> {
        // A range that begins behind its end has none, and is not to be asked for.
        if ids.is_empty() { None } else { self.segments.range(ids).next().map(|(id, _)| *id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_guests_until_the_last_has_moved_on_or_is_settled() {
        let mut guests = Guests::default();
        assert!(guests.enter(1, 7) && guests.enter(2, 7));
        assert!(!guests.enter(1, 9), "it is one already");
        assert_eq!((guests.count(7), guests.count(9)), (1, 1));
        assert_eq!((guests.leave(2), guests.leave(2)), (Some(true), None));
        assert_eq!((guests.count(7), guests.count(9)), (0, 1));
        assert_eq!((guests.has(1), guests.has(2)), (true, false));
    }

    #[test]
    fn guests_are_found_by_their_ids() {
        let mut guests = Guests::default();
        assert!([3, 8].into_iter().all(|id| guests.enter(id, 1)));
        assert_eq!(
            [0..=2, 0..=3, 4..=8, 9..=u64::MAX].map(|ids| guests.first_in(ids)),
            [None, Some(3), Some(8), None]
        );
        assert_eq!(guests.first_in(RangeInclusive::new(5, 4)), None);
    }
}
