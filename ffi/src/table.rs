//! Handles: 64-bit numbers that stand for what C holds, in one table per kind.
//!
//! **Promise.** A handle of another kind, closed, closed twice, 0 or made up is answered with `InvalidHandle`. A call
//! holds what it works on, so that another thread may close the handle meanwhile: the call goes on, and what it
//! holds is freed when the last one ends. Handles are never used again: a slot whose generations are used up is retired.
//!
//! **Not promised.** A made-up number that happens to be an open handle is that handle.
//!
//! ```text
//! 63    56 55                              24 23                0
//! | kind  |            generation            |      index        |
//! ```
//!
//! Kind and generation are never 0, so small numbers and pointers of user space are not handles. A table is a list of
//! chunks that double in size and never move, so that a call touches its own slot and nothing shared by all: one word, once on the way in
//! and once on the way out ([`slot`]). Closed slots go to a list ([`free`]) that is touched when a handle is made or closed.

mod free;
mod slot;

use crate::sync::{AtomicU32, AtomicU64, Ordering};
use free::Free;
use ringmain::{Error, Result};
use slot::{Refusal, Slot, Taken};
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

const INDEX_BITS: u32 = 24;
const GENERATION_BITS: u32 = 32;
/// Most open handles of one kind: as many as a queue has leases.
const HANDLE_COUNT_MAX: u32 = 1 << INDEX_BITS;
const CHUNK_FIRST_COUNT: usize = 64;
/// Enough chunks of 64, 128, 256, ... for every index.
const CHUNK_COUNT: usize = (HANDLE_COUNT_MAX as usize / CHUNK_FIRST_COUNT).ilog2() as usize + 1;

/// What a handle can stand for.
pub(crate) trait Kind: Send + Sync + Sized + 'static {
    /// The top byte of its handles, different for every kind and not 0.
    const TAG: u8;
    /// What it is called in errors.
    const NOUN: &'static str;
    /// Where its handles are.
    fn table() -> &'static Table<Self>;
}

/// The open handles of one kind.
pub(crate) struct Table<T> {
    chunks: [OnceLock<Box<[Slot<T>]>>; CHUNK_COUNT],
    /// Slots that were used and closed.
    free: Free,
    /// The first slot that was never used.
    unused: AtomicU32,
}

/// What a handle stands for, until dropped.
pub(crate) struct Held<T: Kind> {
    /// Entered.
    slot: &'static Slot<T>,
    index: u32,
}

impl<T: Kind> Deref for Held<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: entered when this was made, left when it is dropped.
        unsafe { self.slot.value() }
    }
}

impl<T: Kind> Drop for Held<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: entered when this was made, and left only here.
        if let Some(taken) = unsafe { self.slot.leave() } {
            T::table().end(self.index, self.slot, taken);
        }
    }
}

impl<T: Kind + fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Makes a handle for `value`.
pub(crate) fn open<T: Kind>(value: T) -> Result<u64> {
    let table = T::table();
    let index = table.take_free()?;
    // SAFETY: the index was free, and is ours alone from then on.
    let generation = unsafe { table.slot_or_make(index).fill(value) };
    Ok(u64::from(T::TAG) << (INDEX_BITS + GENERATION_BITS)
        | u64::from(generation) << INDEX_BITS
        | u64::from(index))
}

/// What `handle` stands for, held until dropped.
#[inline]
pub(crate) fn get<T: Kind>(handle: u64) -> Result<Held<T>> {
    let (slot, index, generation) = find::<T>(handle)?;
    slot.enter(generation).map_err(|refusal| refused::<T>(handle, &refusal))?;
    Ok(Held { slot, index })
}

/// Closes `handle` and returns what it stood for. Calls inside go on with what they hold.
pub(crate) fn close<T: Kind>(handle: u64) -> Result<Held<T>> {
    let (slot, index, generation) = find::<T>(handle)?;
    slot.close_and_enter(generation).map_err(|refusal| refused::<T>(handle, &refusal))?;
    Ok(Held { slot, index })
}

/// Closes `handle` and drops what it stood for, or leaves that to the last call inside; 0 is nothing to close.
#[inline]
pub(crate) fn close_or_zero<T: Kind>(handle: u64) -> Result<()> {
    if handle == 0 {
        return Ok(());
    }
    let (slot, index, generation) = find::<T>(handle)?;
    if let Some(taken) = slot.close(generation).map_err(|refusal| refused::<T>(handle, &refusal))? {
        T::table().end(index, slot, taken);
    }
    Ok(())
}

/// Makes every later call on `handle`, except close, fail: a call on it panicked. Ignored unless it is an open
/// handle of this kind.
pub(crate) fn poison_if<T: Kind>(handle: u64) {
    if let Some((index, generation)) = split::<T>(handle)
        && let Some(slot) = T::table().slot(index)
    {
        slot.poison(generation);
    }
}

#[inline]
fn find<T: Kind>(handle: u64) -> Result<(&'static Slot<T>, u32, u32)> {
    match split::<T>(handle)
        .and_then(|(index, generation)| Some((T::table().slot(index)?, index, generation)))
    {
        Some(found) => Ok(found),
        None => Err(refused::<T>(handle, &Refusal::Closed)),
    }
}

#[cold]
fn refused<T: Kind>(handle: u64, refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Closed => Error::InvalidHandle { expected: T::NOUN, handle },
        Refusal::Poisoned => {
            Error::Internal { detail: format!("an earlier call on this {} panicked; close it", T::NOUN) }
        }
        Refusal::Crowded => Error::Internal { detail: format!("too many calls on this {} at once", T::NOUN) },
    }
}

/// Index and generation of a handle of this kind.
#[inline]
fn split<T: Kind>(handle: u64) -> Option<(u32, u32)> {
    let tag = handle >> (INDEX_BITS + GENERATION_BITS);
    let index = handle & (u64::from(HANDLE_COUNT_MAX) - 1);
    let generation = (handle >> INDEX_BITS) & u64::from(u32::MAX);
    (tag == u64::from(T::TAG)).then_some((index as u32, generation as u32))
}

/// Chunk and place in it of a slot.
#[inline]
fn place(index: u32) -> (usize, usize) {
    let shifted = index as usize + CHUNK_FIRST_COUNT;
    let chunk = (shifted / CHUNK_FIRST_COUNT).ilog2() as usize;
    (chunk, shifted - (CHUNK_FIRST_COUNT << chunk))
}

impl<T: Kind> Table<T> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNK_COUNT],
            free: Free::new(AtomicU64::new(0)),
            unused: AtomicU32::new(0),
        }
    }

    fn take_free(&self) -> Result<u32> {
        if let Some(index) = self.free.pop(|index| Some(&self.slot(index)?.next_free)) {
            return Ok(index);
        }
        // ORDERING: Relaxed: that each index is had by one is all that it says.
        let mut unused = self.unused.load(Ordering::Relaxed);
        loop {
            if unused >= HANDLE_COUNT_MAX {
                let detail = format!(
                    "{HANDLE_COUNT_MAX} of them are or were open, which is the limit; close what is not needed"
                );
                return Err(Error::invalid(T::NOUN, detail));
            }
            // ORDERING: Relaxed: as above.
            match self.unused.compare_exchange_weak(unused, unused + 1, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(index) => return Ok(index),
                Err(current) => unused = current,
            }
        }
    }

    /// After the last call inside a closed handle.
    fn end(&self, index: u32, slot: &Slot<T>, taken: Taken<T>) {
        // At the last generation the slot is retired, never free again: no handle ever comes back.
        if taken.is_reusable {
            self.free.push(index, &slot.next_free);
        }
        drop(taken.value);
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let (chunk, within) = place(index);
        self.chunks.get(chunk)?.get()?.get(within)
    }

    /// `index` comes from [`take_free`](Self::take_free), so it is in range.
    fn slot_or_make(&self, index: u32) -> &Slot<T> {
        let (chunk, within) = place(index);
        let slots =
            self.chunks[chunk].get_or_init(|| (0..CHUNK_FIRST_COUNT << chunk).map(|_| Slot::new()).collect());
        &slots[within]
    }
}

#[cfg(test)]
mod tests;
