//! A value that one thread uses at a time: readers and members, whose verbs need it mutably.
//!
//! The lock is only taken detached, never under the GIL: whoever holds it may be waiting for the disk or for records.
//! A poll gives it back after each slice of its wait, so other threads get their turn.

use crate::call::{detached, wait};
use pyo3::prelude::*;
use ringmain::{Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A value, and whether it was taken away.
pub struct Exclusive<T> {
    what: &'static str,
    value: Mutex<Option<T>>,
}

impl<T: Send> Exclusive<T> {
    /// `what` it is, for errors.
    pub fn new(what: &'static str, value: T) -> Self {
        Self { what, value: Mutex::new(Some(value)) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // A panic inside became an error for its caller; the value's own guards are as good as they were.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Polls until there is something; empty after `limit`.
    pub fn poll<R: Send>(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        mut poll: impl FnMut(&mut T, Duration) -> Result<Vec<R>> + Send,
    ) -> PyResult<Vec<R>> {
        let found = wait(py, limit, |slice| {
            let found = self.with(|value| poll(value, slice))?;
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
            let value = self.lock().take();
            value.map(verb).transpose()
        })
    }
}
