//! A slot of the table: one value at a time, that many calls are inside of until it is closed and the last of them has left.
//!
//! **Promise.** Whoever [enters](Slot::enter) with the generation of the value that is open may look at it until he
//! [leaves](Slot::leave), even if somebody closes it meanwhile. A value is given back once: to who closes it when nobody is inside, or to
//! the last who leaves afterwards. Who comes with another generation changes nothing.
//!
//! ```text
//! 63                    32   31       30     29          0
//! |      generation       | open | poisoned |   inside    |
//! ```
//!
//! | protocol | who | how |
//! |---|---|---|
//! | P1 fill-enter | who fills it, who enters | the word is stored with Release after the value, and entered by a compare-and-swap with Acquire |
//! | P2 leave-take | who leaves, who takes the value | leaving is a Release; the last one, and who closes when nobody is inside, have Acquire |
//!
//! Entering and leaving are one read-modify-write each, which is all that a call costs beside its work. Between the end of a value and the
//! next [`fill`](Slot::fill) the slot is somebody's alone, by way of the [list of free ones](super::free).

use crate::sync::{AtomicU32, AtomicU64, Ordering, UnsafeCell, fence};
use std::mem::MaybeUninit;

const GENERATION_SHIFT: u32 = 32;
const OPEN: u64 = 1 << 31;
const POISONED: u64 = 1 << 30;
/// Of those inside, and the most of them: more than any machine has threads.
const INSIDE: u64 = POISONED - 1;

/// See the module's description. On lines of its own, so that threads that use different handles do not wait for each other.
#[repr(align(64))]
pub(crate) struct Slot<T> {
    word: AtomicU64,
    /// Of the list of free slots.
    pub(crate) next_free: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: a value comes from one thread and may end in another (Send), and is looked at by several at once (Sync); the word says who
// may do what.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Slot<T> {}

/// Why one may not enter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is closed, or was never open with that generation.
    Closed,
    /// A call on it panicked.
    Poisoned,
    /// More are inside than can be counted.
    Crowded,
}

/// A value that nobody is inside of any more.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    pub(crate) value: T,
    /// Whether the slot has a generation left: if not, it is never used again.
    pub(crate) is_reusable: bool,
}

impl<T> Slot<T> {
    /// An empty one, whose first value has generation 1.
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(1 << GENERATION_SHIFT),
            next_free: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Puts a value in, and says its generation.
    ///
    /// # Safety
    /// The slot is empty and the caller's alone: never used, or taken from the list of free ones.
    pub(crate) unsafe fn fill(&self, value: T) -> u32 {
        // SAFETY: nobody looks at the value of an empty slot, and nobody else fills this one.
        self.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
        // ORDERING: Relaxed: the caller has it alone, and saw what the last owner stored by way of the list of free ones.
        let generation = self.word.load(Ordering::Relaxed) >> GENERATION_SHIFT;
        // ORDERING: Release, P1: carries the value to who enters. Others only compare the word of a closed slot, so a store loses
        // nothing.
        self.word.store(generation << GENERATION_SHIFT | OPEN, Ordering::Release);
        generation as u32
    }

    /// Counts the caller in. He may [look](Slot::value) until he [leaves](Slot::leave), which he must.
    #[inline]
    pub(crate) fn enter(&self, generation: u32) -> Result<(), Refusal> {
        let open = u64::from(generation) << GENERATION_SHIFT | OPEN;
        // ORDERING: Relaxed: a guess, which the compare-and-swap confirms.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & !INSIDE != open || word & INSIDE == INSIDE {
                return Err(Self::refusal(word, open));
            }
            // ORDERING: Acquire, P1: sees the value that is open. Nothing to release: the caller has done nothing inside yet; as a
            // read-modify-write it passes on what those who left before have released (P2).
            match self.word.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(current) => word = current,
            }
        }
    }

    #[cold]
    fn refusal(word: u64, open: u64) -> Refusal {
        match word & !INSIDE & !POISONED == open {
            false => Refusal::Closed,
            true if word & POISONED != 0 => Refusal::Poisoned,
            true => Refusal::Crowded,
        }
    }

    /// The value.
    ///
    /// # Safety
    /// The caller has entered, and does not leave before the last use.
    #[inline]
    pub(crate) unsafe fn value(&self) -> &T {
        // SAFETY: filled before anybody could enter, and not taken before the caller leaves.
        self.value.with(|place| unsafe { (*place).assume_init_ref() })
    }

    /// Counts the caller out. The value, if it was closed and he is the last.
    ///
    /// # Safety
    /// The caller has entered and not left yet.
    #[inline]
    pub(crate) unsafe fn leave(&self) -> Option<Taken<T>> {
        // ORDERING: Release, P2: what the caller did inside is before the end of the value, whoever ends it.
        let before = self.word.fetch_sub(1, Ordering::Release);
        if before & (OPEN | INSIDE) != 1 {
            return None;
        }
        // ORDERING: Acquire, P2: sees what all who left before have done.
        fence(Ordering::Acquire);
        // SAFETY: closed, and nobody is inside: the caller has it alone.
        Some(unsafe { self.take(before >> GENERATION_SHIFT) })
    }

    /// Closes the value of that generation: nobody enters any more. `Err` if it is not open; the value, if nobody is inside, else
    /// the last who leaves gets it.
    #[inline]
    pub(crate) fn close(&self, generation: u32) -> Result<Option<Taken<T>>, Refusal> {
        let before = self.shut(generation, 0)?;
        // SAFETY: closed by this thread, and nobody was inside: it has it alone.
        Ok((before & INSIDE == 0).then(|| unsafe { self.take(u64::from(generation)) }))
    }

    /// Closes the value of that generation, and counts the caller in: he must leave.
    pub(crate) fn close_and_enter(&self, generation: u32) -> Result<(), Refusal> {
        self.shut(generation, 1).map(drop)
    }

    /// The word as it was before.
    #[inline]
    fn shut(&self, generation: u32, entering: u64) -> Result<u64, Refusal> {
        let open = u64::from(generation) << GENERATION_SHIFT | OPEN;
        // ORDERING: Relaxed: a guess, which the compare-and-swap confirms.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & !INSIDE & !POISONED != open {
                return Err(Refusal::Closed);
            }
            if word & INSIDE == INSIDE {
                return Err(Refusal::Crowded);
            }
            // ORDERING: Acquire: sees the value (P1), and if nobody is inside what all who left have done (P2).
            let shut = (word & !OPEN) + entering;
            match self.word.compare_exchange_weak(word, shut, Ordering::Acquire, Ordering::Relaxed) {
                Ok(before) => return Ok(before),
                Err(current) => word = current,
            }
        }
    }

    /// Lets nobody enter any more, except to close. Nothing if the value of that generation is not open.
    pub(crate) fn poison(&self, generation: u32) {
        let open = u64::from(generation) << GENERATION_SHIFT | OPEN;
        // ORDERING: Relaxed: nothing but the word itself is told.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & !INSIDE & !POISONED == open {
            // ORDERING: Relaxed: as above; it passes on what others have released.
            match self.word.compare_exchange_weak(word, word | POISONED, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }

    /// Takes the value out and makes the slot ready for the next.
    ///
    /// # Safety
    /// The value was closed, nobody is inside, and nobody else takes it.
    unsafe fn take(&self, generation: u64) -> Taken<T> {
        // SAFETY: it was filled, and is read once: the slot is empty from here on.
        let value = self.value.with(|place| unsafe { place.read().assume_init() });
        let next = generation + 1;
        let is_reusable = next <= u64::from(u32::MAX);
        if is_reusable {
            // ORDERING: Relaxed: nobody enters until it is filled; who fills it sees this by way of the list of free ones.
            self.word.store(next << GENERATION_SHIFT, Ordering::Relaxed);
        }
        Taken { value, is_reusable }
    }

    /// As if it had been used so often.
    #[cfg(test)]
    pub(crate) fn set_generation(&self, generation: u32) {
        self.word.store(u64::from(generation) << GENERATION_SHIFT, Ordering::Relaxed);
    }
}
