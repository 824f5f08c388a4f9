//! Receipts: what was accepted, and is not durable yet.

use crate::call::{attached, detached, wait};
use crate::crowd::Crowd;
use crate::seconds::limit;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A receipt of the core, whatever it is for.
trait Reached: Send {
    fn is_reached(&self) -> bool;
    fn wait_for(&self, time: Duration) -> ringmain::Result<bool>;
    /// As a future, which may be asked again when it has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ringmain::Result<()>>;
}

impl<T: Send + Unpin> Reached for ringmain::Receipt<T> {
    fn is_reached(&self) -> bool {
        self.is_reached()
    }

    fn wait_for(&self, time: Duration) -> ringmain::Result<bool> {
        self.wait_for(time)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ringmain::Result<()>> {
        if self.wait_for(Duration::ZERO)? {
            return Poll::Ready(Ok(()));
        }
        Future::poll(Pin::new(self), context).map_ok(drop)
    }
}

/// What was accepted, and when it is durable. The lock is only taken detached: who holds it may be waiting.
#[pyclass(frozen, module = "ringmain")]
pub struct Receipt {
    receipt: Mutex<Box<dyn Reached>>,
    crowd: Arc<Crowd>,
    value: Py<PyAny>,
}

impl Receipt {
    /// `value`: what it is for, as Python sees it.
    pub fn new<T: Send + Unpin + 'static>(receipt: ringmain::Receipt<T>, value: Py<PyAny>) -> Self {
        Self { receipt: Mutex::new(Box::new(receipt)), crowd: Arc::default(), value }
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Reached>> {
        self.receipt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is for, if it is durable; else the waker is woken when it may be.
    pub fn poll_for(&self, py: Python<'_>, waker: &Waker) -> PyResult<Option<Py<PyAny>>> {
        let is_reached = detached(py, || {
            let mut receipt = self.lock();
            match receipt.poll(&mut Context::from_waker(&self.crowd.join(waker))) {
                Poll::Pending => Ok(false),
                Poll::Ready(reached) => reached.map(|()| true),
            }
        })?;
        Ok(is_reached.then(|| self.value.clone_ref(py)))
    }
}

/// The iterator that `await` goes through, of something that `ringmain.aio` knows how to wait for.
pub fn awaited<'py>(awaitable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static REACHED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let reached = REACHED.import(awaitable.py(), "ringmain.aio.waiting", "reached")?;
    reached.call1((awaitable,))?.call_method0("__await__")
}

#[pymethods]
impl Receipt {
    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyAny> {
        self.value.clone_ref(py)
    }

    #[getter]
    fn is_reached(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || Ok(self.lock().is_reached()))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let limit = attached(py, || limit(timeout))?;
        let reached = wait(py, limit, |slice| Ok(self.lock().wait_for(slice)?.then_some(())))?;
        Ok(reached.is_some())
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        awaited(slf.as_any())
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
