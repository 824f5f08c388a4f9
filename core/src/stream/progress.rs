//! How far a group has come in a partition: everything below one offset is done, and islands above it.
//!
//! **Promise.** What is done is never forgotten but by name, nor is anything that is not done taken for done. The next offset has
//! everything below it done, and is not done itself.

use crate::log::Ranges;
use crate::stream::commit_frame::Done;
use std::ops::Range;

/// See the module's description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    next: u64,
    islands: Ranges,
}

impl Progress {
    /// Everything below an offset is done, and nothing else.
    pub(crate) fn at(next: u64) -> Self {
        Self { next, islands: Ranges::default() }
    }

    /// The first offset that is not done.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// What is done above it, in order.
    pub(crate) fn islands(&self) -> &Ranges {
        &self.islands
    }

    pub(crate) fn is_done(&self, offset: u64) -> bool {
        offset < self.next || self.islands.end_of(offset).is_some()
    }

    /// Everything below an offset is done from now on.
    pub(crate) fn raise(&mut self, next: u64) {
        self.mark(0..next);
    }

    /// These offsets are done from now on.
    pub(crate) fn mark(&mut self, done: Range<u64>) {
        if done.start > self.next {
            return self.islands.insert(done);
        }
        self.next = self.next.max(done.end);
        self.next = self.islands.end_of(self.next).unwrap_or(self.next);
        self.islands.remove_below(self.next);
    }

    /// The gaps below what is done: as many as there are islands.
    pub(crate) fn gap_count(&self) -> usize {
        self.islands.count()
    }

    /// What is left of it of a log that ends there, if that is less.
    pub(crate) fn up_to(&self, end: u64) -> Option<Self> {
        let mut left = Self::at(self.next.min(end));
        let islands = self.islands.iter().map(|island| island.start..island.end.min(end));
        islands.filter(|island| !island.is_empty()).for_each(|island| left.mark(island));
        (left != *self).then_some(left)
    }

    /// All of it, as it is told of a partition.
    pub(crate) fn done(&self, partition: u32) -> Done {
        Done { partition, next: self.next, islands: self.islands.iter().collect() }
    }

    /// What of a range is not done.
    pub(crate) fn open(&self, within: Range<u64>) -> Vec<Range<u64>> {
        self.islands.gaps(within.start.max(self.next)..within.end.max(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_what_a_set_of_each_offset_says(
            marks in proptest::collection::vec((0u64..60, 0u64..9), 0..20), raised in 0u64..20, within in (0u64..40, 0u64..40),
        ) {
            let (mut progress, mut each) = (Progress::default(), BTreeSet::new());
            for (start, length) in marks {
                progress.mark(start..start + length);
                each.extend(start..start + length);
            }
            progress.raise(raised);
            each.extend(0..raised);
            let next = (0..).find(|offset| !each.contains(offset)).unwrap();
            prop_assert_eq!(progress.next(), next);
            prop_assert!((0..80).all(|offset| progress.is_done(offset) == each.contains(&offset)));
            prop_assert!(progress.islands().iter().flatten().eq(each.range(next..).copied()));
            let (start, end) = (within.0, within.0 + within.1);
            let open: Vec<u64> = progress.open(start..end).into_iter().flatten().collect();
            prop_assert_eq!(open, (start..end).filter(|offset| !each.contains(offset)).collect::<Vec<_>>());
        }
    }
}
