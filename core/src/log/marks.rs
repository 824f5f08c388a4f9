//! In-flight marks: a producer says which segment it is about to claim in, so that the opener of a later segment
//! does not take the block away under it.
//!
//! **Protocol**, `P2 mark`: a mark is 0, or 1 + the segment that the producer found current. It is set before the
//! claim and cleared after the commit. Setting needs no fence: only claims *in range* matter, their fetch-add comes
//! before the crosser's in the same word, and the crosser hands the whole chain on through `seal`. It may be older
//! than the segment that was claimed in, so the opener compares by order, never for equality.

use crate::log::slab::Slab;
use crate::sync::pause::Pause;
use crate::sync::thread_number;
use crate::sync::{AtomicU64, IS_MODEL, Ordering, thread_local};
use crossbeam_utils::CachePadded;
use std::cell::Cell;

const FIRST: usize = if IS_MODEL { 2 } else { 8 };

#[derive(Debug)]
struct Mark(CachePadded<AtomicU64>);

impl Default for Mark {
    fn default() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }
}

/// The marks of one log.
#[derive(Debug)]
pub(crate) struct Marks {
    /// Those of the threads that have a number: nobody else sets them.
    own: Box<[Mark; thread_number::COUNT]>,
    /// Those for the others: whoever finds one free takes it.
    slab: Slab<Mark, FIRST>,
}

/// A mark that is set; cleared on drop.
#[derive(Debug)]
pub(crate) struct MarkGuard<'a> {
    mark: &'a AtomicU64,
}

thread_local! {
    /// Where this thread found a free mark last: threads settle on different lines.
    static HINT: Cell<usize> = const { Cell::new(0) };
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { own: Box::default(), slab: Slab::new() }
    }

    /// Sets this thread's mark to `segment`, or takes a free one and sets it.
    #[inline]
    pub(crate) fn set(&self, segment: u64) -> MarkGuard<'_> {
        if let Some(own) = thread_number::current().and_then(|number| self.own.get(number)) {
            let mark = &*own.0;
            // ORDERING: Relaxed: nobody else sets it. It is set if this thread is in the midst of another append.
            if mark.load(Ordering::Relaxed) == 0 {
                // ORDERING: Release, P2: pairs with the opener's Acquire, which may find this one, and not the clear
                // before it that tells of our work in an earlier segment. For the mark itself Relaxed would do: the
                // claim that follows carries it to the crosser.
                mark.store(segment + 1, Ordering::Release);
                return MarkGuard { mark };
            }
        }
        self.set_shared(segment)
    }

    fn set_shared(&self, segment: u64) -> MarkGuard<'_> {
        let hint = HINT.with(Cell::get);
        match self.take(hint, segment) {
            Some(guard) => guard,
            None => self.find(hint, segment),
        }
    }

    #[cold]
    fn find(&self, hint: usize, segment: u64) -> MarkGuard<'_> {
        let pause = Pause::new();
        loop {
            let count = self.slab.len().max(FIRST);
            // One more than there are: a free mark beyond the last makes the next bucket.
            for index in (hint..count).chain(0..hint.min(count)).chain([count]) {
                if let Some(guard) = self.take(index, segment) {
                    HINT.with(|hint| hint.set(index));
                    return guard;
                }
            }
            pause.snooze();
        }
    }

    /// The mark of that index, if it is free.
    #[inline]
    fn take(&self, index: usize, segment: u64) -> Option<MarkGuard<'_>> {
        let mark = &*self.slab.entry(index)?.0;
        // ORDERING: Acquire, P2: pairs with the clear of whoever had this mark before, and so hands its work on to the
        // opener by our own clear, which is a plain store and may be the only one that the opener sees. For the mark
        // itself Relaxed would do: the claim that follows carries it to the crosser.
        let taken = mark.load(Ordering::Relaxed) == 0
            && mark.compare_exchange(0, segment + 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        taken.then(|| MarkGuard { mark })
    }

    /// Whether a producer may still be at work in `segment` or one before it.
    pub(crate) fn any_at_or_before(&self, segment: u64) -> bool {
        // ORDERING: Acquire, P2: pairs with the Release clear; whoever cleared has no business in the buffer left.
        self.own.iter().chain(self.slab.iter()).any(|mark| {
            let mark = mark.0.load(Ordering::Acquire);
            mark != 0 && mark - 1 <= segment
        })
    }
}

impl Drop for MarkGuard<'_> {
    fn drop(&mut self) {
        // ORDERING: Release, P2: pairs with the opener's Acquire; the frames are written and committed before.
        self.mark.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_its_segment_and_every_later_one_but_none_before() {
        let marks = Marks::new();
        assert!(!marks.any_at_or_before(9));
        let mark = marks.set(5);
        assert!(!marks.any_at_or_before(4));
        assert!(marks.any_at_or_before(5) && marks.any_at_or_before(6));
        drop(mark);
        assert!(!marks.any_at_or_before(9));
    }

    #[test]
    fn more_marks_than_one_bucket_can_be_set_at_once() {
        let marks = Marks::new();
        let held: Vec<_> = (0..100).map(|i| marks.set(i)).collect();
        assert!(marks.any_at_or_before(0));
        drop(held);
        assert!(!marks.any_at_or_before(1000));
    }
}
