//! A slot with a stamp, and how slots lie in memory.

use crate::sync::{AtomicU64, UnsafeCell};
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;

/// Room for a message, and what it is good for.
pub struct Slot<T> {
    pub(super) stamp: AtomicU64,
    pub(super) message: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    pub(super) fn new(stamp: u64) -> Self {
        Self { stamp: AtomicU64::new(stamp), message: UnsafeCell::new(MaybeUninit::uninit()) }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// How the slots of a ring lie in memory. Not for others to implement.
pub trait Layout: Send + Sync + 'static {
    /// A slot, padded or not.
    type Place<T>: Deref<Target = Slot<T>>;

    /// Puts a slot in its place.
    fn place<T>(slot: Slot<T>) -> Self::Place<T>;
}

/// Slots side by side: least memory, and best where messages come in batches.
#[derive(Debug)]
pub struct Packed;

/// Each slot on cache lines of its own: best where several threads send or receive messages one by one.
#[derive(Debug)]
pub struct Padded;

/// As it is.
#[derive(Debug)]
pub struct Bare<S>(S);

/// On cache lines of its own: 64 bytes, as on x86-64. Not 128, because the neighbour line that some processors fetch
/// along is, in a ring, the next one to be used.
#[derive(Debug)]
#[repr(align(64))]
pub struct Line<S>(S);

impl<S> Deref for Bare<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> Deref for Line<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.0
    }
}

impl Layout for Packed {
    type Place<T> = Bare<Slot<T>>;

    fn place<T>(slot: Slot<T>) -> Bare<Slot<T>> {
        Bare(slot)
    }
}

impl Layout for Padded {
    type Place<T> = Line<Slot<T>>;

    fn place<T>(slot: Slot<T>) -> Line<Slot<T>> {
        Line(slot)
    }
}
