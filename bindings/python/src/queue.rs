//! Task queues: send, receive, peek.

use crate::call::{attached, call, wait};
use crate::error::{self, exception};
use crate::job::{Job, Peeked};
use crate::message::{Item, Message};
use crate::seconds::limit;
use crate::waiter::Bells;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping};
use ringmain::{Delivery, ErrorCode, QueueStats};
use std::time::Duration;

/// A task queue.
#[pyclass(frozen, weakref, name = "TaskQueue", module = "ringmain")]
pub struct Queue {
    pub(crate) queue: ringmain::Queue,
    pub(crate) durable: bool,
    pub(crate) bells: Bells,
}

impl Queue {
    pub(crate) fn new(queue: ringmain::Queue, durable: bool) -> Self {
        Self { queue, durable, bells: Bells::default() }
    }

    fn job(&self, delivery: Delivery) -> Job {
        Job::new(delivery, self.durable)
    }

    /// Up to `count`, waiting at most `limit` for the first.
    fn take(&self, py: Python<'_>, count: usize, limit: Option<Duration>) -> PyResult<Vec<Delivery>> {
        if !self.durable {
            let ready = attached(py, || self.queue.receive_batch(count, Duration::ZERO))?;
            if !ready.is_empty() || limit.is_some_and(|limit| limit.is_zero()) {
                return Ok(ready);
            }
        }
        let found = wait(py, limit, |slice| {
            let found = self.queue.receive_batch(count, slice)?;
            Ok((!found.is_empty()).then_some(found))
        })?;
        Ok(found.unwrap_or_default())
    }

    fn take_one(&self, py: Python<'_>, limit: Option<Duration>) -> PyResult<Option<Job>> {
        if !self.durable {
            let ready = attached(py, || self.queue.try_receive())?;
            if ready.is_some() || limit.is_some_and(|limit| limit.is_zero()) {
                return Ok(ready.map(|delivery| self.job(delivery)));
            }
        }
        let found = wait(py, limit, |slice| self.queue.receive(slice))?;
        Ok(found.map(|delivery| self.job(delivery)))
    }
}

#[pymethods]
impl Queue {
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        attached(py, || Ok(self.queue.name().to_owned()))
    }

    #[getter]
    fn durable(&self) -> bool {
        self.durable
    }

    #[getter]
    fn aio<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        CLASS.import(slf.py(), "ringmain.aio", "AsyncTaskQueue")?.call1((slf,))
    }

    #[pyo3(signature = (value, *, key=None, headers=None, delay=None, event_time_ns=None))]
    #[allow(clippy::too_many_arguments, reason = "keyword options of one Python call")]
    fn send(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyMapping>>,
        delay: Option<f64>,
        event_time_ns: Option<u64>,
    ) -> PyResult<u64> {
        let message = Message::new(value, key, headers, delay, event_time_ns)?;
        call(py, self.durable, || self.queue.send(message.to_core()))
    }

    fn send_many(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
        let items = Item::batch(messages)?;
        call(py, self.durable, || {
            let messages: Vec<_> = items.iter().map(Item::to_core).collect();
            self.queue.send_batch(&messages)
        })
    }

    #[pyo3(signature = (timeout=None))]
    fn receive(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Job>> {
        let limit = attached(py, || limit(timeout))?;
        self.take_one(py, limit)
    }

    fn receive_nowait(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        self.take_one(py, Some(Duration::ZERO))
    }

    #[pyo3(signature = (count, timeout=None))]
    fn receive_many(&self, py: Python<'_>, count: usize, timeout: Option<f64>) -> PyResult<Vec<Job>> {
        let limit = attached(py, || limit(timeout))?;
        let deliveries = self.take(py, count, limit)?;
        Ok(deliveries.into_iter().map(|delivery| self.job(delivery)).collect())
    }

    fn ack_many(&self, py: Python<'_>, jobs: Vec<Bound<'_, Job>>) -> PyResult<Vec<Option<PyErr>>> {
        let jobs: Vec<&Job> = jobs.iter().map(Bound::get).collect();
        let results = call(py, self.durable, || {
            let deliveries: Vec<&Delivery> = jobs.iter().map(|job| &job.delivery).collect();
            Ok(self.queue.ack_batch(&deliveries))
        })?;
        let settle = |(job, result): (&&Job, ringmain::Result<()>)| match result {
            Ok(()) => {
                job.mark_settled();
                None
            }
            Err(error) => Some(exception(py, &error)),
        };
        Ok(jobs.iter().zip(results).map(settle).collect())
    }

    #[pyo3(signature = (from_id=0, count=100))]
    fn peek(&self, py: Python<'_>, from_id: u64, count: usize) -> PyResult<Vec<Peeked>> {
        let peeked = call(py, self.durable, || self.queue.peek(from_id, count))?;
        Ok(peeked.into_iter().map(|peeked| Peeked { peeked }).collect())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &call(py, self.durable, || self.queue.stats())?)
    }

    fn __iter__(&self) -> JobIterator {
        JobIterator { queue: Self::new(self.queue.clone(), self.durable) }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.TaskQueue {:?}>", self.name(py)?))
    }
}

/// An endless iterator of jobs, one leased at a time.
#[pyclass(frozen, module = "ringmain")]
pub struct JobIterator {
    queue: Queue,
}

#[pymethods]
impl JobIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        match self.queue.take_one(py, None) {
            Err(error) if error::is(py, &error, ErrorCode::Closed) => Ok(None),
            taken => taken,
        }
    }
}

/// Counts as a dict.
pub fn counts<'py>(py: Python<'py>, stats: &QueueStats) -> PyResult<Bound<'py, PyDict>> {
    let counts = PyDict::new(py);
    for (name, count) in [
        ("ready", stats.ready),
        ("scheduled", stats.scheduled),
        ("leased", stats.leased),
        ("sent_total", stats.sent_total),
        ("acked_total", stats.acked_total),
        ("failures_total", stats.failures_total),
        ("leases_expired_total", stats.leases_expired_total),
        ("redeliveries_total", stats.redeliveries_total),
        ("dead_total", stats.dead_total),
        ("dropped_total", stats.dropped_total),
    ] {
        counts.set_item(name, count)?;
    }
    Ok(counts)
}
