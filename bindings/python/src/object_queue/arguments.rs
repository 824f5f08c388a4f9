//! `block` and `timeout`, as the standard library's queues take them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// Anything that is true or false.
pub struct Truth(pub bool);

impl<'a, 'py> FromPyObject<'a, 'py> for Truth {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.is_truthy().map(Self)
    }
}

/// How long a call waits.
#[derive(Clone, Copy)]
pub enum Patience {
    /// Not at all.
    None,
    /// For so long.
    For(Duration),
    /// Until it succeeds.
    Forever,
}

impl Patience {
    /// What `block` and `timeout` mean together: without `block` nobody looks at `timeout`.
    #[inline]
    pub fn new(block: &Truth, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        match timeout {
            _ if !block.0 => Ok(Self::None),
            None => Ok(Self::Forever),
            Some(timeout) => Self::of_seconds(timeout.extract()?),
        }
    }

    #[cold]
    fn of_seconds(seconds: f64) -> PyResult<Self> {
        if seconds < 0.0 || seconds.is_nan() {
            return Err(PyValueError::new_err("'timeout' must be a non-negative number"));
        }
        Ok(Duration::try_from_secs_f64(seconds).map_or(Self::Forever, Self::For))
    }

    /// When it ends; `None` if never, or if the clock does not get there.
    pub fn deadline(self) -> Option<Instant> {
        match self {
            Self::None => Some(Instant::now()),
            Self::For(time) => Instant::now().checked_add(time),
            Self::Forever => None,
        }
    }

    pub fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

/// How many objects a `get_many` is for.
pub fn check_count(count: usize) -> PyResult<usize> {
    if count == 0 {
        Err(PyValueError::new_err("'count' is 0: ask for at least one object"))
    } else {
        Ok(count)
    }
}
