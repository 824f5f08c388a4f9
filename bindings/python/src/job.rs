//! A job: one message, leased, and the five verbs on it.

use crate::call::{attached, call};
use crate::envelope::message_methods;
use crate::error;
use crate::seconds::duration;
use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::prelude::*;
use ringmain::{Delivery, ErrorCode};
use std::sync::atomic::{AtomicBool, Ordering};

/// One message, leased to whoever holds this.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Job {
    pub(crate) delivery: Delivery,
    durable: bool,
    /// Whether a verb of this job has ended its lease, so that leaving the `with` block has nothing to do.
    settled: AtomicBool,
}

impl Job {
    pub(crate) fn new(delivery: Delivery, durable: bool) -> Self {
        Self { delivery, durable, settled: AtomicBool::new(false) }
    }

    pub(crate) fn mark_settled(&self) {
        // ORDERING: a note to this job's own `__exit__`; between threads the core's lease decides.
        self.settled.store(true, Ordering::Relaxed);
    }

    fn is_settled(&self) -> bool {
        // ORDERING: as above.
        self.settled.load(Ordering::Relaxed)
    }

    fn settle(
        &self,
        py: Python<'_>,
        verb: impl FnOnce(&Delivery) -> ringmain::Result<()> + Send,
    ) -> PyResult<()> {
        call(py, self.durable, || verb(&self.delivery))?;
        self.mark_settled();
        Ok(())
    }
}

/// A reason as text: an exception says its type too.
fn reason_text(reason: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = reason.str()?.to_string_lossy().into_owned();
    if !reason.is_instance_of::<PyBaseException>() {
        return Ok(text);
    }
    let kind = reason.get_type().name()?;
    Ok(if text.is_empty() { kind.to_string() } else { format!("{kind}: {text}") })
}

message_methods!(Job, delivery, {
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(self.delivery.id()))
    }

    #[getter]
    fn attempts(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.delivery.attempts()))
    }

    #[getter]
    fn failures(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.delivery.failures()))
    }

    fn ack(&self, py: Python<'_>) -> PyResult<()> {
        self.settle(py, Delivery::ack)
    }

    #[pyo3(signature = (reason, delay=None))]
    fn fail(&self, py: Python<'_>, reason: &Bound<'_, PyAny>, delay: Option<f64>) -> PyResult<()> {
        let reason = reason_text(reason)?;
        self.settle(py, |delivery| match delay {
            None => delivery.fail(reason),
            Some(delay) => delivery.fail_after(reason, duration("delay", delay)?),
        })
    }

    #[pyo3(signature = (delay=0.0))]
    fn release(&self, py: Python<'_>, delay: f64) -> PyResult<()> {
        self.settle(py, |delivery| {
            let delay = duration("delay", delay)?;
            if delay.is_zero() { delivery.release() } else { delivery.release_after(delay) }
        })
    }

    fn reject(&self, py: Python<'_>, reason: &Bound<'_, PyAny>) -> PyResult<()> {
        let reason = reason_text(reason)?;
        self.settle(py, |delivery| delivery.reject(reason))
    }

    fn extend(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        call(py, self.durable, || self.delivery.extend(duration("seconds", seconds)?))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if self.is_settled() {
            return Ok(());
        }
        if error.is_none() {
            return self.ack(py);
        }
        // Ctrl-C, exit and cancellation say nothing about the message: it does not pay for them.
        let handed_back = if error.is_instance_of::<PyException>() {
            self.fail(py, error, None)
        } else {
            self.release(py, 0.0)
        };
        match handed_back {
            // The message is somebody else's already; what matters is the exception on its way.
            Err(lost) if error::is(py, &lost, ErrorCode::LeaseLost) => Ok(()),
            done => done,
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Job {} attempt {}>", self.id(py)?, self.attempts(py)?))
    }
});

/// A waiting message, seen without leasing it.
#[pyclass(frozen, module = "ringmain")]
pub struct Peeked {
    pub(crate) peeked: ringmain::Peeked,
}

message_methods!(Peeked, peeked, {
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(self.peeked.id()))
    }

    #[getter]
    fn attempts(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.peeked.attempts()))
    }

    #[getter]
    fn failures(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.peeked.failures()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Peeked {}>", self.id(py)?))
    }
});
