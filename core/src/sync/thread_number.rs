//! Numbers for the first few threads that ask: no two threads that live have the same. What is kept by number has one
//! writer, which needs no read-modify-write.
//!
//! **Protocol.** A thread gives its number back when it ends, by a Release that whoever takes it next acquires: what is kept
//! by number passes from the one to the other as if by a lock.

/// How many there are.
pub(crate) const COUNT: usize = if super::IS_MODEL { 2 } else { 8 };

#[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
mod number {
    use super::COUNT;
    use std::cell::Cell;
    // A static of the process: in models threads say themselves which number they have.
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Of a thread that has not asked yet.
    const UNASKED: usize = usize::MAX;
    /// Of a thread that asked when there was none left, or that is about to end.
    const NONE: usize = usize::MAX - 1;

    /// A bit for each number that somebody has.
    static TAKEN: AtomicU32 = AtomicU32::new(0);

    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNASKED) };
        static LEASE: Cell<Option<Lease>> = const { Cell::new(None) };
    }

    struct Lease(usize);

    impl Drop for Lease {
        fn drop(&mut self) {
            NUMBER.set(NONE);
            // ORDERING: Release: pairs with the Acquire of `ask`; carries all that this thread did by its number.
            TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
        }
    }

    /// The number of this thread, if it has one.
    #[inline]
    pub(crate) fn current() -> Option<usize> {
        match NUMBER.get() {
            number if number < COUNT => Some(number),
            UNASKED => ask(),
            _ => None,
        }
    }

    #[cold]
    fn ask() -> Option<usize> {
        let free = |taken: u32| (0..COUNT).find(|number| taken & (1 << number) == 0);
        // ORDERING: Acquire: pairs with the Release of whoever had the number before.
        let taken =
            TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, |taken| Some(taken | 1 << free(taken)?));
        let number = taken.ok().and_then(free);
        NUMBER.set(number.unwrap_or(NONE));
        let kept = LEASE.try_with(|lease| lease.set(number.map(Lease)));
        // A thread that is about to end gives the number back at once.
        kept.ok().and(number)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::sync::Barrier;
        use std::thread;

        #[test]
        fn threads_that_live_have_different_numbers_and_those_of_the_dead_are_given_anew() {
            for _ in 0..50 {
                let barrier = Barrier::new(COUNT + 4);
                let ask = || {
                    let number = current();
                    assert_eq!(current(), number);
                    barrier.wait();
                    number
                };
                let mut numbers: Vec<_> = thread::scope(|scope| {
                    let threads: Vec<_> = (0..COUNT + 4).map(|_| scope.spawn(ask)).collect();
                    threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
                });
                let len = numbers.len();
                numbers.sort_unstable();
                numbers.dedup();
                assert_eq!(numbers.len(), len);
            }
            let somebody = (0..1000).any(|_| {
                thread::yield_now();
                thread::spawn(current).join().unwrap().is_some()
            });
            assert!(somebody, "all the numbers of threads that have ended are lost");
        }
    }
}

#[cfg(any(ringmain_loom, ringmain_shuttle))]
mod number {
    use std::cell::Cell;

    crate::sync::thread_local! {
        /// Which number this thread of a model says it has.
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(crate) fn current() -> Option<usize> {
        NUMBER.with(Cell::get)
    }

    /// This thread has that number from now on, and no other one has.
    pub(crate) fn be(number: usize) {
        NUMBER.with(|own| own.set(Some(number)));
    }
}

pub(crate) use number::*;
