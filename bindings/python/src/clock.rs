//! A clock that is moved by hand.

use crate::call::{attached, detached};
use crate::seconds::duration;
use pyo3::prelude::*;

/// A clock that stands still until it is moved.
#[pyclass(frozen, module = "ringmain")]
pub struct ManualClock {
    pub(crate) clock: ringmain::ManualClock,
}

#[pymethods]
impl ManualClock {
    /// A clock that stands at one second after 1970.
    #[new]
    fn new() -> Self {
        Self { clock: ringmain::ManualClock::new() }
    }

    #[getter]
    fn now_ns(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(self.clock.now_ns()))
    }

    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        detached(py, || {
            self.clock.advance(duration("seconds", seconds)?);
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.ManualClock at {} ns>", self.clock.now_ns())
    }
}
