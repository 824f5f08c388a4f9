//! A job: one message, leased, and the verbs on it.

use crate::call::{attached, call};
use crate::envelope::message_methods;
use crate::error;
use crate::message::Octets;
use crate::seconds::duration;
use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use ringmain::{Delivery, Error, ErrorCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The longest name of an error class that the core takes.
const ERROR_CLASS_BYTES_MAX: usize = 64;

/// One message, leased to whoever holds this.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Job {
    pub(crate) delivery: Arc<Delivery>,
    durable: bool,
    /// Whether a verb of this job has ended its lease, so that leaving the `with` block has nothing to do.
    settled: AtomicBool,
    /// Its worker's time limit has passed.
    is_over_time: AtomicBool,
}

impl Job {
    pub(crate) fn new(delivery: Delivery, durable: bool) -> Self {
        Self {
            delivery: Arc::new(delivery),
            durable,
            settled: AtomicBool::new(false),
            is_over_time: AtomicBool::new(false),
        }
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
pub(crate) fn reason_text(reason: &Bound<'_, PyAny>) -> PyResult<String> {
    if !reason.is_instance_of::<PyBaseException>() {
        return Ok(reason.str()?.to_string_lossy().into_owned());
    }
    // One that cannot say what it is must not keep a job from being settled.
    let text = reason.str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
    let kind = reason.get_type().name()?;
    let kind = kind.to_string_lossy();
    Ok(if text.is_empty() { kind.to_string() } else { format!("{kind}: {text}") })
}

/// The class of an error: the name of an exception's type, if it can be one.
fn exception_class(reason: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if !reason.is_instance_of::<PyBaseException>() {
        return Ok(None);
    }
    let name = reason.get_type().name()?.to_string_lossy().into_owned();
    let is_allowed = (1..=ERROR_CLASS_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    Ok(is_allowed.then_some(name))
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

    #[getter]
    fn queue(&self, py: Python<'_>) -> PyResult<String> {
        attached(py, || Ok(self.delivery.queue().to_owned()))
    }

    #[getter]
    fn is_cancelled(&self, py: Python<'_>) -> PyResult<bool> {
        // ORDERING: Relaxed: a hint that carries nothing.
        let is_over_time = self.is_over_time.load(Ordering::Relaxed);
        attached(py, || Ok(is_over_time || self.delivery.is_cancelled()))
    }

    #[getter(is_settled)]
    fn py_is_settled(&self) -> bool {
        self.is_settled()
    }

    /// Has `is_cancelled` be true from now on, for a worker whose handler takes too long.
    fn _call_off(&self) {
        // ORDERING: Relaxed: a hint that carries nothing.
        self.is_over_time.store(true, Ordering::Relaxed);
    }

    fn view<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    /// # Safety
    /// As the buffer protocol says: `view` is null or a structure to fill in.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut pyo3::ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let value = attached(slf.py(), || Ok(slf.get().delivery.value()))?;
        // SAFETY: the value lives as long as the delivery, which the job owns and never gives away; `view` holds a reference to
        // the job from here on. It is told to be read-only, so nobody writes through the pointer.
        let filled = unsafe {
            pyo3::ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                value.as_ptr().cast_mut().cast(),
                value.len() as pyo3::ffi::Py_ssize_t,
                1,
                flags,
            )
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }

    #[pyo3(signature = (result=None))]
    fn ack(&self, py: Python<'_>, result: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        match result {
            None => self.settle(py, Delivery::ack),
            Some(result) => {
                let result = Octets::from_bytes_like("result", result)?;
                self.settle(py, |delivery| delivery.ack_with(&result))
            }
        }
    }

    #[pyo3(signature = (reason, delay=None, *, error_class=None))]
    fn fail(
        &self,
        py: Python<'_>,
        reason: &Bound<'_, PyAny>,
        delay: Option<f64>,
        error_class: Option<&str>,
    ) -> PyResult<()> {
        let class = match error_class {
            Some(class) => Some(class.to_owned()),
            None => exception_class(reason)?,
        };
        let reason = reason_text(reason)?;
        self.settle(py, |delivery| match (delay, class) {
            (Some(_), Some(_)) if error_class.is_some() => Err(Error::invalid(
                "delay",
                "what becomes of an error class the queue says; give either of them",
            )),
            (Some(delay), _) => delivery.fail_after(reason, duration("delay", delay)?),
            (None, Some(class)) => delivery.fail_as(&class, reason),
            (None, None) => delivery.fail(reason),
        })
    }

    fn rate_limited(&self, py: Python<'_>, retry_after: f64) -> PyResult<()> {
        self.settle(py, |delivery| delivery.rate_limited(duration("retry_after", retry_after)?))
    }

    fn defer(&self, py: Python<'_>) -> PyResult<()> {
        self.settle(py, Delivery::defer)
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

    pub(crate) fn __exit__(
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
            return self.settle(py, Delivery::ack);
        }
        // Ctrl-C, exit and cancellation say nothing about the message: it does not pay for them.
        let handed_back = if error.is_instance_of::<PyException>() {
            self.fail(py, error, None, None)
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
