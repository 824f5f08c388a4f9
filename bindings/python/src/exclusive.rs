//! A value that one thread uses at a time: readers and members, whose verbs need it mutably.
//!
//! The lock is only taken detached, never under the GIL: whoever holds it may be waiting for the disk or for records.

use crate::call::{detached, wait};
use pyo3::prelude::*;
use ringmain::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Long enough for a thread that the lock's release has woken to take it.
const TURN: Duration = Duration::from_millis(1);

/// A value, and whether it was taken away.
pub struct Exclusive<T> {
    what: &'static str,
    value: Mutex<Option<T>>,
    waiting_count: AtomicUsize,
}

impl<T: Send> Exclusive<T> {
    /// `what` it is, for errors.
    pub fn new(what: &'static str, value: T) -> Self {
        Self { what, value: Mutex::new(Some(value)), waiting_count: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // ORDERING: a hint that makes a poll give way; the mutex carries the data.
        self.waiting_count.fetch_add(1, Ordering::Relaxed);
        // A panic inside became an error for its caller; the value's own guards are as good as they were.
        let guard = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        // ORDERING: as above.
        self.waiting_count.fetch_sub(1, Ordering::Relaxed);
        guard
    }

    fn with<R>(&self, verb: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        self.lock().as_mut().ok_or(Error::Closed { what: self.what }).and_then(verb)
    }

    /// Calls a verb.
    pub fn call<R: Send>(
        &self,
        py: Python<'_>,
        verb: impl FnOnce(&mut T) -> Result<R> + Send,
    ) -> PyResult<R> {
        detached(py, || self.with(verb))
    }

    /// Polls until there is something. Between two slices other threads get their turn.
    pub fn poll<R: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        mut poll: impl FnMut(&mut T, Duration) -> Result<Vec<R>> + Send,
    ) -> PyResult<Vec<R>> {
        let found = wait(py, limit, |slice| {
            let found = self.with(|value| poll(value, slice))?;
            // ORDERING: as in `lock`.
            if found.is_empty() && self.waiting_count.load(Ordering::Relaxed) > 0 {
                // The mutex is not fair: a loop that retakes it at once would keep everybody else out.
                std::thread::sleep(TURN);
            }
            Ok((!found.is_empty()).then_some(found))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Takes the value away for a last verb. From then on every call is refused.
    pub fn finish<R: Send>(
        &self,
        py: Python<'_>,
        verb: impl FnOnce(T) -> Result<R> + Send,
    ) -> PyResult<Option<R>> {
        detached(py, || {
            let value = self.lock().take();
            value.map(verb).transpose()
        })
    }
}
