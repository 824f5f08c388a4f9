//! A list that grows at its end while others read it: partitions are found without a lock, also while more are added.
//!
//! **Promise.** What the list began with is found by one comparison and one load, as in a vector; what was added, by one more of each.
//! Whoever sees a length finds everything before it. Nothing ever leaves or moves.

use crate::limits::PARTITION_COUNT_MAX;
use crate::sync::{AtomicU32, Ordering};
use std::fmt;
use std::sync::OnceLock;

/// See the module's description.
pub(crate) struct Growing<T> {
    first: Vec<T>,
    /// Made at the first growth, with room for all that there may ever be.
    more: OnceLock<Box<[OnceLock<T>]>>,
    count: AtomicU32,
}

impl<T> Growing<T> {
    pub(crate) fn len(&self) -> u32 {
        // ORDERING: Acquire: pairs with `push`; whoever sees the length finds what it counts, and what was done to that before.
        self.count.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.first.get(index as usize).or_else(|| self.added(index))
    }

    #[cold]
    fn added(&self, index: u32) -> Option<&T> {
        self.more.get()?.get((index as usize).checked_sub(self.first.len())?)?.get()
    }

    /// Those that there are now.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds one. Under the lock of whoever adds: one at a time. False: there is no room.
    pub(crate) fn push(&self, item: T) -> bool {
        let count = self.len();
        let room = (PARTITION_COUNT_MAX as usize).saturating_sub(self.first.len());
        let more = self.more.get_or_init(|| (0..room).map(|_| OnceLock::new()).collect());
        let slot = (count as usize).checked_sub(self.first.len()).and_then(|index| more.get(index));
        let is_added = slot.is_some_and(|slot| slot.set(item).is_ok());
        if is_added {
            // ORDERING: Release: pairs with `len`.
            self.count.store(count + 1, Ordering::Release);
        }
        is_added
    }
}

impl<T: fmt::Debug> fmt::Debug for Growing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> From<Vec<T>> for Growing<T> {
    fn from(first: Vec<T>) -> Self {
        let count = AtomicU32::new(first.len() as u32);
        Self { first, more: OnceLock::new(), count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_found_behind_what_was_there_until_there_is_no_room() {
        let list = Growing::from(vec![0, 1, 2]);
        assert_eq!((list.get(2), list.get(3), list.len()), (Some(&2), None, 3));
        for item in 3..PARTITION_COUNT_MAX {
            assert!(list.push(item));
        }
        assert!(!list.push(7), "no room");
        assert_eq!(list.len(), PARTITION_COUNT_MAX);
        assert!(list.iter().copied().eq(0..PARTITION_COUNT_MAX));
    }
}
