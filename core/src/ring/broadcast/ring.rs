//! What the handles share: slots, the end of what was sent, readers, and who sleeps.

use super::readers::Readers;
use crate::ring::check_capacity;
use crate::sync::Arc;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, AtomicUsize, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::fmt;
use std::mem::MaybeUninit;

/// How many senders a ring is for: [`One`](super::One) or [`Many`](super::Many). Not for others to implement.
pub trait Writers: Sized + Send + Sync + 'static {
    /// Room for a message.
    type Slot<T>;

    /// A slot with nothing in it.
    fn slot<T>(index: u64) -> Self::Slot<T>;

    /// Where the message is.
    fn place<T>(slot: &Self::Slot<T>) -> &Place<T>;

    /// Up to which position messages follow each other from `position` on: at least so far, if not further
    /// than `len_max`.
    fn sent_end<T>(ring: &Ring<T, Self>, position: u64, len_max: usize) -> u64;

    /// The end of the last message, or of the last position that is taken for one.
    fn tail<T>(ring: &Ring<T, Self>) -> u64;

    /// Drops the messages that are in the ring.
    ///
    /// # Safety
    /// For once, and nobody else uses the ring.
    unsafe fn drop_messages<T>(ring: &Ring<T, Self>);
}

/// Where a message is or will be.
pub struct Place<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Place<T> {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Puts a message here.
    ///
    /// # Safety
    /// The slot is the caller's alone. What is in it is forgotten.
    #[inline]
    pub(super) unsafe fn write(&self, message: T) {
        // SAFETY: the caller's promise.
        self.0.with_mut(|place| unsafe { (*place).write(message) });
    }

    /// Moves the message out.
    ///
    /// # Safety
    /// The slot is the caller's alone, and holds a message, which is not used afterwards.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: the caller's promise.
        self.0.with_mut(|place| unsafe { (*place).assume_init_read() })
    }

    /// The message.
    ///
    /// # Safety
    /// The slot holds one, and nobody writes it for as long as the reference lives.
    #[inline]
    pub(super) unsafe fn get(&self) -> &T {
        // SAFETY: the caller's promise.
        self.0.with(|place| unsafe { (*place).assume_init_ref() })
    }
}

/// See the module's description.
pub struct Ring<T, W: Writers> {
    /// The position after the last message; with many senders, after the last one that was taken, and flags.
    pub(super) tail: CachePadded<AtomicU64>,
    pub(super) slots: Box<[W::Slot<T>]>,
    /// One less than the number of slots, which is a power of two.
    mask: u64,
    pub(super) capacity: u64,
    pub(super) readers: Readers,
    pub(super) sender_count: AtomicUsize,
    /// Messages before this position have been dropped. One sender stores it when it goes; many do not use
    /// it.
    pub(super) dropped: AtomicU64,
    pub(super) not_empty: EventCount,
    pub(super) not_full: EventCount,
}

// SAFETY: a slot is written by the one sender that has its position, when all readers are past it (P2, P5,
// P6), and read by any number of readers after it was published (P1), who share the message: hence `Sync`.
// Whoever needs the slot next, or has the last handle, drops it: hence `Send`.
unsafe impl<T: Send + Sync, W: Writers> Send for Ring<T, W> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, W: Writers> Sync for Ring<T, W> {}

impl<T, W: Writers> Ring<T, W> {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        check_capacity(capacity);
        let slots: Box<[_]> = (0..capacity.next_power_of_two() as u64).map(W::slot).collect();
        // Not from 0, so that there is a position before each.
        let first = slots.len() as u64;
        Arc::new(Self {
            tail: CachePadded::new(AtomicU64::new(first)),
            slots,
            mask: first - 1,
            capacity: capacity as u64,
            readers: Readers::new(capacity as u64),
            sender_count: AtomicUsize::new(1),
            dropped: AtomicU64::new(first),
            not_empty: EventCount::new(),
            not_full: EventCount::new(),
        })
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        Some(self.capacity as usize)
    }

    /// How many messages senders may not overwrite.
    pub(super) fn len(&self) -> usize {
        let tail = W::tail(self);
        (tail - self.readers.oldest_gated(tail)).min(self.capacity) as usize
    }

    #[inline]
    pub(super) fn slot(&self, position: u64) -> &W::Slot<T> {
        let index = (position & self.mask) as usize;
        debug_assert!(index < self.slots.len());
        // SAFETY: the number of slots is a power of two, so that the masked index is below it.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// Where the message of a position is.
    #[inline]
    pub(super) fn place(&self, position: u64) -> &Place<T> {
        W::place(self.slot(position))
    }

    /// The slots of `len` positions, which lie in a row, or in two.
    #[inline]
    pub(super) fn rows(&self, position: u64, len: usize) -> [&[W::Slot<T>]; 2] {
        let (before, after) = self.slots.split_at((position & self.mask) as usize);
        let first = len.min(after.len());
        [&after[..first], &before[..len - first]]
    }

    /// A sender has gone; the last one tells the readers.
    pub(super) fn leave_sender(&self) {
        // ORDERING: AcqRel, P3: each drop releases what its thread did, and the last one acquires and
        // releases it all.
        if self.sender_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.not_empty.notify_all();
        }
    }

    /// Whether the last sender has gone.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING: Acquire, P3: pairs with the Release above and carries all messages.
        self.sender_count.load(Ordering::Acquire) == 0
    }
}

impl<T, W: Writers> Drop for Ring<T, W> {
    fn drop(&mut self) {
        // SAFETY: the last handle is gone.
        unsafe { W::drop_messages(self) };
    }
}

impl<T, W: Writers> fmt::Debug for Ring<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}
