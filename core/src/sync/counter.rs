//! A count that many threads add to: those that have a number each on a line of its own, without a read-modify-write.

use super::thread_number::{self, COUNT};
use super::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Counter {
    own: [CachePadded<AtomicU64>; COUNT],
    rest: AtomicU64,
}

impl Default for Counter {
    fn default() -> Self {
        Self { own: std::array::from_fn(|_| CachePadded::default()), rest: AtomicU64::new(0) }
    }
}

impl Counter {
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        // STATISTIC: nobody else stores to a thread's own count.
        match thread_number::current().and_then(|number| self.own.get(number)) {
            Some(own) => own.store(own.load(Ordering::Relaxed) + count, Ordering::Relaxed),
            None => drop(self.rest.fetch_add(count, Ordering::Relaxed)),
        }
    }

    /// What was added by all of them; what is added meanwhile may be in it or not.
    pub(crate) fn total(&self) -> u64 {
        // STATISTIC: as above.
        let own: u64 = self.own.iter().map(|own| own.load(Ordering::Relaxed)).sum();
        own + self.rest.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_more_threads_add_than_have_numbers_is_all_there() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * COUNT {
                scope.spawn(|| (0..1000).for_each(|_| counter.add(2)));
            }
        });
        assert_eq!(counter.total(), 2 * COUNT as u64 * 2000);
    }
}
