//! A slab that only grows: entries never move and are freed with the slab, so that a stale index may always be
//! dereferenced. Bucket `k` holds `FIRST << k` entries.

use std::sync::OnceLock;

const BUCKETS: usize = 24;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Slab<T, const FIRST: usize> {
    buckets: [OnceLock<Box<[T]>>; BUCKETS],
}

impl<T: Default, const FIRST: usize> Slab<T, FIRST> {
    pub(crate) fn new() -> Self {
        Self { buckets: [const { OnceLock::new() }; BUCKETS] }
    }

    /// The entry of that index; its bucket is made if need be. `None` beyond what the slab can ever hold.
    #[inline]
    pub(crate) fn entry(&self, index: usize) -> Option<&T> {
        const { assert!(FIRST.is_power_of_two()) };
        // Counted from `FIRST` on, bucket `k` begins at `FIRST << k`, which is the highest bit of all of its indices.
        let counted = index + FIRST;
        let bit = counted.ilog2();
        let bucket = (bit - FIRST.ilog2()) as usize;
        let make = || std::iter::repeat_with(T::default).take(FIRST << bucket).collect();
        self.buckets.get(bucket)?.get_or_init(make).get(counted ^ (1 << bit))
    }

    /// Every entry that exists.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter().map_while(OnceLock::get).flat_map(|entries| entries.iter())
    }

    /// How many entries exist.
    pub(crate) fn len(&self) -> usize {
        FIRST * ((1 << self.buckets.iter().take_while(|b| b.get().is_some()).count()) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_an_entry_of_its_own_that_stays_where_it_is() {
        let slab = Slab::<u64, 4>::new();
        let places: Vec<*const u64> = (0..100).map(|i| std::ptr::from_ref(slab.entry(i).unwrap())).collect();
        let mut unique = places.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 100);
        assert!((0..100).all(|i| std::ptr::from_ref(slab.entry(i).unwrap()) == places[i]));
        assert_eq!(slab.len(), slab.iter().count());
    }
}
