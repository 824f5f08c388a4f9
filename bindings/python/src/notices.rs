//! What the core tells its operator, on its way to Python's `logging`: one listener, which a thread of Python empties.
//!
//! **Promise.** Telling never asks for the interpreter and never waits for it: see `ringmain_surface::Listener`.

use crate::call::{attached, wait};
use crate::seconds::limit;
use pyo3::prelude::*;
use ringmain_surface::{Listener, Notices};
use std::sync::{Arc, Mutex, PoisonError};

static LISTENER: Mutex<Option<Arc<Listener>>> = Mutex::new(None);

/// Has notices of at least this level (`error`, `warn`, `info`, `debug`) wait for `_take_notices`; `None`: none any more.
#[pyfunction]
#[pyo3(signature = (level))]
pub fn _notice(py: Python<'_>, level: Option<&str>) -> PyResult<()> {
    attached(py, || {
        let listener = level.map(|level| Listener::new(level, || ())).transpose()?.map(Arc::new);
        *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = listener;
        Ok(())
    })
}

/// What waits, each as JSON, after waiting for at most `timeout` seconds for the first, and how many were dropped since this was
/// asked last.
#[pyfunction]
#[pyo3(signature = (timeout=None))]
pub fn _take_notices(py: Python<'_>, timeout: Option<f64>) -> PyResult<(Vec<String>, u64)> {
    let limit = attached(py, || limit(timeout))?;
    let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(listener) = listener else { return Ok((Vec::new(), 0)) };
    let taken = wait(py, limit, |slice| {
        let taken = listener.take(slice);
        Ok((!taken.notices.is_empty() || taken.missed > 0).then_some(taken))
    })?;
    let Notices { notices, missed } = taken.unwrap_or_default();
    Ok((notices, missed))
}
