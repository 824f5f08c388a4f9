//! The only door to atomics, cells, threads, spin loops and parking: the standard library's, or that of the
//! scheduler under which `loom-tests` compiles these files: loom under `cfg(ringmain_loom)`, shuttle under
//! `cfg(ringmain_shuttle)`. They have our name in them because a program that holds us may be built with `--cfg loom`.

pub(crate) mod barrier;
pub(crate) mod counter;
pub(crate) mod event_count;
pub(crate) mod fork;
pub(crate) mod memory;
pub(crate) mod pause;
pub(crate) mod roster;
pub(crate) mod thread_number;

#[cfg(not(ringmain_loom))]
pub(crate) use cell::UnsafeCell;
#[cfg(ringmain_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    sync::{Arc, Mutex, MutexGuard},
    thread::{Thread, current as thread_current, yield_now},
};
#[cfg(ringmain_shuttle)]
pub(crate) use shuttle::{
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    sync::{Arc, Mutex, MutexGuard},
    thread::{Thread, current as thread_current, yield_now},
};
#[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
pub(crate) use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    thread::{Thread, current as thread_current, yield_now},
    thread_local,
};
// ThreadSanitizer sees only what was compiled for it, which the standard library's lock is not.
#[cfg(ringmain_instrumented)]
pub(crate) use crate::instrumented::{Mutex, MutexGuard};
#[cfg(not(any(ringmain_loom, ringmain_shuttle, ringmain_instrumented)))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Whether this is compiled for models, in which everything is as small as it can be.
pub(crate) const IS_MODEL: bool = cfg!(any(ringmain_loom, ringmain_shuttle));

/// The scheduler's `thread_local`, which does not know `const`.
#[cfg(any(ringmain_loom, ringmain_shuttle))]
macro_rules! thread_local_of_models {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const $value:block;) => {
        #[cfg(ringmain_loom)]
        loom::thread_local! { $(#[$attribute])* static $name: $type = $value; }
        #[cfg(ringmain_shuttle)]
        shuttle::thread_local! { $(#[$attribute])* static $name: $type = $value; }
    };
}
#[cfg(any(ringmain_loom, ringmain_shuttle))]
pub(crate) use thread_local_of_models as thread_local;

#[cfg(not(ringmain_loom))]
mod cell {
    /// `std::cell::UnsafeCell` with loom's closure interface, so that the models see each access.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// Sleeps until this thread is unparked, at most until `deadline`, or for no reason. Models have no clock.
pub(crate) fn park_until(deadline: Option<std::time::Instant>) {
    #[cfg(any(ringmain_loom, ringmain_shuttle))]
    {
        assert!(deadline.is_none(), "models have no clock");
        #[cfg(ringmain_loom)]
        loom::thread::park();
        #[cfg(ringmain_shuttle)]
        shuttle::thread::park();
    }
    #[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
    match deadline {
        None => std::thread::park(),
        Some(deadline) => {
            std::thread::park_timeout(deadline.saturating_duration_since(std::time::Instant::now()))
        }
    }
}

/// One step of a spin loop.
#[inline]
pub(crate) fn spin_loop() {
    #[cfg(any(ringmain_loom, ringmain_shuttle))]
    yield_now();
    #[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
    std::hint::spin_loop();
}

/// Locks, ignoring that another thread panicked while it held the lock: every critical section of this crate
/// leaves its data whole at each point where it may panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The lock if it is free, ignoring panics likewise.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    use std::sync::TryLockError;
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
