//! Handles: 64-bit numbers that stand for what C holds, in one table per kind.
//!
//! **Promise.** A handle of another kind, closed, closed twice, 0 or made up is answered with `InvalidHandle`. A call
//! holds what it works on, so that another thread may close the handle meanwhile: the call goes on, and what it
//! holds is freed when it ends. Handles are never used again: a slot whose generations are used up is retired.
//!
//! **Not promised.** A made-up number that happens to be an open handle is that handle.
//!
//! ```text
//! 63    56 55                              24 23                0
//! | kind  |            generation            |      index        |
//! ```
//!
//! Kind and generation are never 0, so small numbers and pointers of user space are not handles. A table is a list of
//! chunks that double in size and never move, so that looking up takes one slot's read lock and nothing shared by all.

use ringmain::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

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
    chunks: [OnceLock<Chunk<T>>; CHUNK_COUNT],
    free: Mutex<Free>,
}

type Chunk<T> = Box<[RwLock<Slot<T>>]>;

struct Slot<T> {
    /// Of the handle that is open, or of the next one.
    generation: u32,
    /// A call on it panicked: it may be half changed.
    poisoned: bool,
    value: Option<Arc<T>>,
}

struct Free {
    /// Slots that were used and closed.
    indices: Vec<u32>,
    /// The first slot that was never used.
    next: u32,
}

/// Makes a handle for `value`.
pub(crate) fn open<T: Kind>(value: T) -> Result<u64> {
    let table = T::table();
    let index = table.take_free()?;
    let mut slot = table.slot_or_make(index).write().unwrap_or_else(PoisonError::into_inner);
    slot.poisoned = false;
    slot.value = Some(Arc::new(value));
    Ok(u64::from(T::TAG) << (INDEX_BITS + GENERATION_BITS)
        | u64::from(slot.generation) << INDEX_BITS
        | u64::from(index))
}

/// What `handle` stands for, held until dropped.
pub(crate) fn get<T: Kind>(handle: u64) -> Result<Arc<T>> {
    let invalid = || Error::InvalidHandle { expected: T::NOUN, handle };
    let (index, generation) = split::<T>(handle).ok_or_else(invalid)?;
    let slot = T::table().slot(index).ok_or_else(invalid)?;
    let slot = slot.read().unwrap_or_else(PoisonError::into_inner);
    match &slot.value {
        Some(value) if slot.generation == generation && !slot.poisoned => Ok(value.clone()),
        Some(_) if slot.generation == generation => {
            Err(Error::Internal { detail: format!("an earlier call on this {} panicked; close it", T::NOUN) })
        }
        _ => Err(invalid()),
    }
}

/// Closes `handle` and returns what it stood for. Calls inside go on with what they hold.
pub(crate) fn close<T: Kind>(handle: u64) -> Result<Arc<T>> {
    let invalid = || Error::InvalidHandle { expected: T::NOUN, handle };
    let (index, generation) = split::<T>(handle).ok_or_else(invalid)?;
    let table = T::table();
    let slot = table.slot(index).ok_or_else(invalid)?;
    let mut slot = slot.write().unwrap_or_else(PoisonError::into_inner);
    if slot.generation != generation {
        return Err(invalid());
    }
    let value = slot.value.take().ok_or_else(invalid)?;
    // At the last generation the slot is retired, never free again: no handle ever comes back.
    if let Some(next) = slot.generation.checked_add(1) {
        slot.generation = next;
        drop(slot);
        table.lock_free().indices.push(index);
    }
    Ok(value)
}

/// As [`close`], dropping what it stood for; 0 is nothing to close.
pub(crate) fn close_or_zero<T: Kind>(handle: u64) -> Result<()> {
    if handle != 0 {
        close::<T>(handle)?;
    }
    Ok(())
}

/// Makes every later call on `handle`, except close, fail: a call on it panicked. Ignored unless it is an open
/// handle of this kind.
pub(crate) fn poison_if<T: Kind>(handle: u64) {
    let Some((index, generation)) = split::<T>(handle) else { return };
    let Some(slot) = T::table().slot(index) else { return };
    let mut slot = slot.write().unwrap_or_else(PoisonError::into_inner);
    if slot.generation == generation && slot.value.is_some() {
        slot.poisoned = true;
    }
}

/// Index and generation of a handle of this kind.
fn split<T: Kind>(handle: u64) -> Option<(u32, u32)> {
    let tag = handle >> (INDEX_BITS + GENERATION_BITS);
    let index = handle & (u64::from(HANDLE_COUNT_MAX) - 1);
    let generation = (handle >> INDEX_BITS) & u64::from(u32::MAX);
    (tag == u64::from(T::TAG)).then_some((index as u32, generation as u32))
}

/// Chunk and place in it of a slot.
fn place(index: u32) -> (usize, usize) {
    let shifted = index as usize + CHUNK_FIRST_COUNT;
    let chunk = (shifted / CHUNK_FIRST_COUNT).ilog2() as usize;
    (chunk, shifted - (CHUNK_FIRST_COUNT << chunk))
}

impl<T: Kind> Table<T> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNK_COUNT],
            free: Mutex::new(Free { indices: Vec::new(), next: 0 }),
        }
    }

    fn take_free(&self) -> Result<u32> {
        let mut free = self.lock_free();
        if let Some(index) = free.indices.pop() {
            return Ok(index);
        }
        if free.next == HANDLE_COUNT_MAX {
            return Err(Error::invalid(
                T::NOUN,
                format!(
                    "{HANDLE_COUNT_MAX} of them are or were open, which is the limit; close what is not needed"
                ),
            ));
        }
        free.next += 1;
        Ok(free.next - 1)
    }

    fn slot(&self, index: u32) -> Option<&RwLock<Slot<T>>> {
        let (chunk, within) = place(index);
        self.chunks.get(chunk)?.get()?.get(within)
    }

    /// `index` comes from [`take_free`](Self::take_free), so it is in range.
    fn slot_or_make(&self, index: u32) -> &RwLock<Slot<T>> {
        let (chunk, within) = place(index);
        let slots = self.chunks[chunk].get_or_init(|| {
            (0..CHUNK_FIRST_COUNT << chunk)
                .map(|_| RwLock::new(Slot { generation: 1, poisoned: false, value: None }))
                .collect()
        });
        &slots[within]
    }

    fn lock_free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
