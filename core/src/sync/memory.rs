//! The door to atomics in the midst of plain bytes: words that are stored and loaded atomically in memory that threads
//! otherwise write at disjoint places.
//!
//! In a program such a word is an atomic at its address. The atomics and cells of a scheduler are no plain memory: in
//! models each place that may hold a word has one of either beside it, by which the scheduler sees who touches the bytes.

#[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
mod seen {
    use crate::sync::{AtomicU32, Ordering};
    use std::ptr::NonNull;

    /// Nothing: the machine sees for itself.
    #[derive(Debug)]
    pub(crate) struct Seen;

    impl Seen {
        /// Of zeroed memory.
        pub(crate) fn new(_bytes: usize) -> Self {
            Self
        }

        /// Loads the word at `at`, which is byte `byte`.
        ///
        /// # Safety
        /// `at` points to 4 aligned bytes that are only accessed atomically, but by whoever has them alone.
        #[inline]
        pub(crate) unsafe fn load(&self, at: NonNull<u8>, _byte: usize, ordering: Ordering) -> u32 {
            // SAFETY: the caller's promise.
            unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) }.load(ordering)
        }

        /// Stores the word at `at`, which is byte `byte`.
        ///
        /// # Safety
        /// As for `load`.
        #[inline]
        pub(crate) unsafe fn store(&self, at: NonNull<u8>, _byte: usize, word: u32, ordering: Ordering) {
            // SAFETY: the caller's promise.
            unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) }.store(word, ordering);
        }

        /// These bytes are about to be read.
        #[inline]
        pub(crate) fn read(&self, _byte: usize, _bytes: usize) {}

        /// These bytes are about to be written.
        #[inline]
        pub(crate) fn write(&self, _byte: usize, _bytes: usize) {}
    }
}

#[cfg(any(ringmain_loom, ringmain_shuttle))]
mod seen {
    use crate::sync::{AtomicU32, Ordering, UnsafeCell};
    use std::ptr::NonNull;

    /// At most one word begins in so many bytes.
    const PLACE_BYTES: usize = 8;

    /// What stands for a piece of memory: the words, and who reads and writes what follows them.
    #[derive(Debug)]
    pub(crate) struct Seen(Vec<(AtomicU32, UnsafeCell<()>)>);

    impl Seen {
        pub(crate) fn new(bytes: usize) -> Self {
            let place = || (AtomicU32::new(0), UnsafeCell::new(()));
            Self(std::iter::repeat_with(place).take(bytes / PLACE_BYTES).collect())
        }

        pub(crate) unsafe fn load(&self, _at: NonNull<u8>, byte: usize, ordering: Ordering) -> u32 {
            self.0[byte / PLACE_BYTES].0.load(ordering)
        }

        pub(crate) unsafe fn store(&self, at: NonNull<u8>, byte: usize, word: u32, ordering: Ordering) {
            // SAFETY: a model's threads take turns, and `at` is the caller's. For those who take the bytes as a whole.
            unsafe { at.cast::<u32>().write(word) };
            self.0[byte / PLACE_BYTES].0.store(word, ordering);
        }

        pub(crate) fn read(&self, byte: usize, bytes: usize) {
            self.places(byte, bytes).iter().for_each(|place| place.1.with(|_| ()));
        }

        pub(crate) fn write(&self, byte: usize, bytes: usize) {
            self.places(byte, bytes).iter().for_each(|place| place.1.with_mut(|_| ()));
        }

        fn places(&self, byte: usize, bytes: usize) -> &[(AtomicU32, UnsafeCell<()>)] {
            &self.0[byte / PLACE_BYTES..(byte + bytes).div_ceil(PLACE_BYTES)]
        }
    }
}

pub(crate) use seen::Seen;
