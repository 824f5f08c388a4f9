//! Batchers: records that linger for others before they are appended together.

use crate::call::{attached, call, detached, unpark_this_thread, wait};
use crate::crowd::Crowd;
use crate::message::Item;
use crate::receipt::awaited;
use crate::seconds::limit;
use crate::stream::position_tuple;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringmain::{Error, Position, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};

/// Gathers records into batches.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Batcher {
    /// None when it is closed.
    batcher: RwLock<Option<Arc<ringmain::Batcher>>>,
    stream: ringmain::Stream,
    durable: bool,
}

impl Batcher {
    pub fn new(batcher: ringmain::Batcher, stream: ringmain::Stream, durable: bool) -> Self {
        Self { batcher: RwLock::new(Some(Arc::new(batcher))), stream, durable }
    }

    /// Held for a moment only.
    fn open(&self) -> Result<Arc<ringmain::Batcher>> {
        let batcher = self.batcher.read().unwrap_or_else(PoisonError::into_inner);
        batcher.clone().ok_or(Error::Closed { what: "the batcher" })
    }
}

#[pymethods]
impl Batcher {
    #[pyo3(
        signature = (value, **options),
        text_signature = "($self, value, *, key=None, headers=None, event_time_ns=None, durability=None)"
    )]
    fn send(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        let item = Item::new(value, options)?;
        let pending = call(py, self.durable || self.stream.is_gated(), || self.open()?.send(item.to_core()))?;
        Ok(Pending { state: Mutex::new(State::Open(Box::new(pending))), crowd: Arc::default() })
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.open()?.flush())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            let batcher = self.batcher.write().unwrap_or_else(PoisonError::into_inner).take();
            batcher.map_or(Ok(()), |batcher| batcher.flush())
        })
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close(py)
    }
}

enum State {
    Open(Box<ringmain::Pending>),
    Over(Result<Position>),
}

/// A record that was sent to a batcher. The lock is only taken detached.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Pending {
    state: Mutex<State>,
    crowd: Arc<Crowd>,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, waker: &Waker) -> Result<Option<Position>> {
        let mut state = self.lock();
        if let State::Open(pending) = &mut *state {
            let waker = self.crowd.join(waker);
            match Future::poll(Pin::new(&mut **pending), &mut Context::from_waker(&waker)) {
                Poll::Pending => return Ok(None),
                Poll::Ready(outcome) => *state = State::Over(outcome),
            }
        }
        match &*state {
            State::Over(outcome) => outcome.clone().map(Some),
            State::Open(_) => Ok(None),
        }
    }

    /// Its position, if it is durable; else the waker is woken when it may be.
    pub fn poll_for(&self, py: Python<'_>, waker: &Waker) -> PyResult<Option<Py<PyAny>>> {
        let position = detached(py, || self.look(waker))?;
        position.map(|position| position_tuple(py, position).map(Bound::unbind)).transpose()
    }
}

#[pymethods]
impl Pending {
    #[getter]
    fn is_reached(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || match &*self.lock() {
            State::Open(pending) => Ok(pending.is_reached()),
            State::Over(_) => Ok(true),
        })
    }

    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let limit = attached(py, || limit(timeout))?;
        let waker = unpark_this_thread();
        let position = wait(py, limit, |slice| {
            let found = self.look(&waker)?;
            if found.is_some() || slice.is_zero() {
                return Ok(found);
            }
            std::thread::park_timeout(slice);
            self.look(&waker)
        });
        self.crowd.leave(&waker);
        match position? {
            Some(position) => position_tuple(py, position),
            None => attached(py, || Err(Error::Timeout { doing: "waiting for a record to be appended" })),
        }
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        awaited(slf.as_any())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Pending {}>", if self.is_reached(py)? { "appended" } else { "waiting" }))
    }
}
