//! A value that one thread uses at a time: readers and members, whose verbs need it mutably.
//!
//! The lock is only taken detached, never under the GIL: whoever holds it may be waiting for the disk or for records, or
//! for the GIL itself, to call what the program gave. A poll gives it back after each slice of its wait, so other threads
//! get their turn.

use crate::call::{detached, wait};
use pyo3::prelude::*;
use ringmain::{Error, Result};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A value, and whether it was taken away.
pub struct Exclusive<T> {
    what: &'static str,
    value: Mutex<Option<T>>,
    /// Held while waiting for the value: who gives it back after a slice and wants it again waits here, behind the other.
    door: Mutex<()>,
    /// The thread that has it, as `this_thread` says; 0 for none.
    owner: AtomicUsize,
}

/// A number that no other thread has at the same time.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// The value, for as long as this lives.
struct Turn<'a, T> {
    value: MutexGuard<'a, Option<T>>,
    owner: &'a AtomicUsize,
}

impl<T> Deref for Turn<'_, T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.value
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut Option<T> {
        &mut self.value
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed: see `lock`.
        self.owner.store(0, Ordering::Relaxed);
    }
}

impl<T: Send> Exclusive<T> {
    /// `what` it is, for errors.
    pub fn new(what: &'static str, value: T) -> Self {
        Self { what, value: Mutex::new(Some(value)), door: Mutex::default(), owner: AtomicUsize::new(0) }
    }

    fn lock(&self) -> Result<Turn<'_, T>> {
        let me = this_thread();
        // ORDERING: Relaxed: only whether it is this thread's own number matters, and a thread sees its own stores.
        if self.owner.load(Ordering::Relaxed) == me {
            let detail = "it was called by what it calls itself; call it after that has returned";
            return Err(Error::invalid(self.what, detail));
        }
        let door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic inside became an error for its caller; the value's own guards are as good as they were.
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        drop(door);
        // ORDERING: Relaxed: as above.
        self.owner.store(me, Ordering::Relaxed);
        Ok(Turn { value, owner: &self.owner })
    }

    /// Calls a verb, of whoever is detached already.
    pub fn with<R>(&self, verb: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        self.lock()?.as_mut().ok_or(Error::Closed { what: self.what }).and_then(verb)
    }

    /// Calls a verb.
    pub fn call<R: Send>(
        &self,
        py: Python<'_>,
        verb: impl FnOnce(&mut T) -> Result<R> + Send,
    ) -> PyResult<R> {
        detached(py, || self.with(verb))
    }

    /// Calls a verb that waits at most as long as it is told to, until it gives something; `None` after `limit`.
    pub fn wait<R: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        mut attempt: impl FnMut(&mut T, Duration) -> Result<Option<R>> + Send,
    ) -> PyResult<Option<R>> {
        wait(py, limit, |slice| self.with(|value| attempt(value, slice)))
    }

    /// Polls until there is something; empty after `limit`.
    pub fn poll<R: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        mut poll: impl FnMut(&mut T, Duration) -> Result<Vec<R>> + Send,
    ) -> PyResult<Vec<R>> {
        let found = self.wait(py, limit, |value, slice| {
            let found = poll(value, slice)?;
            Ok((!found.is_empty()).then_some(found))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Takes the value away for a last verb; `None` if it was taken before. From then on other verbs are refused.
    pub fn finish<R: Send>(
        &self,
        py: Python<'_>,
        verb: impl FnOnce(T) -> Result<R> + Send,
    ) -> PyResult<Option<R>> {
        detached(py, || {
            let value = self.lock()?.take();
            value.map(verb).transpose()
        })
    }
}
