//! The only door to the atomics and cells of the table: those of the standard library here. `loom-tests` compiles the files of `table/`
//! with a door of the same name that has a scheduler's.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// `std::cell::UnsafeCell` with loom's closure interface, so that models see each access.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
