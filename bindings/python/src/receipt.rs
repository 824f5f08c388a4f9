//! Receipts: what was accepted, and is not durable yet.

use crate::call::{attached, detached, wait};
use crate::seconds::limit;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::time::Duration;

/// A receipt of the core, whatever it is for.
trait Reached: Send + Sync {
    fn is_reached(&self) -> bool;
    fn wait_for(&self, time: Duration) -> ringmain::Result<bool>;
}

impl<T: Send + Sync> Reached for ringmain::Receipt<T> {
    fn is_reached(&self) -> bool {
        self.is_reached()
    }

    fn wait_for(&self, time: Duration) -> ringmain::Result<bool> {
        self.wait_for(time)
    }
}

/// What was accepted, and when it is durable.
#[pyclass(frozen, module = "ringmain")]
pub struct Receipt {
    receipt: Box<dyn Reached>,
    value: Py<PyAny>,
}

impl Receipt {
    /// `value`: what it is for, as Python sees it.
    pub fn new<T: Send + Sync + 'static>(receipt: ringmain::Receipt<T>, value: Py<PyAny>) -> Self {
        Self { receipt: Box::new(receipt), value }
    }
}

#[pymethods]
impl Receipt {
    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyAny> {
        self.value.clone_ref(py)
    }

    #[getter]
    fn is_reached(&self, py: Python<'_>) -> PyResult<bool> {
        attached(py, || Ok(self.receipt.is_reached()))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let limit = attached(py, || limit(timeout))?;
        if limit.is_some_and(|limit| limit.is_zero()) {
            return detached(py, || self.receipt.wait_for(Duration::ZERO));
        }
        let reached = wait(py, limit, |slice| Ok(self.receipt.wait_for(slice)?.then_some(())))?;
        Ok(reached.is_some())
    }

    #[classmethod]
    fn __class_getitem__(class: &Bound<'_, PyType>, _of: &Bound<'_, PyAny>) -> Py<PyType> {
        class.clone().unbind()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let state = if self.is_reached(py)? { "durable" } else { "waiting" };
        Ok(format!("<ringmain.Receipt of {} {state}>", self.value.bind(py).repr()?.to_string_lossy()))
    }
}
