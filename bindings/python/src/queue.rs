//! Task queues: send, receive, peek.

use crate::call::{SIGNAL_SLICE, Stop, attached, call, complete, detached, wait};
use crate::consumer::Consumer;
use crate::error::{self, exception};
use crate::hub::Hub;
use crate::job::{Job, Peeked, reason_text};
use crate::lease::Lease;
use crate::message::Item;
use crate::receipt::Receipt;
use crate::seconds::{duration, limit};
use crate::waiter::Bells;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use ringmain::{Delivery, Error, ErrorCode, Receive, Sent};
use ringmain_surface::{open_queue, queue_call};
use std::time::Duration;

/// A task queue.
#[pyclass(frozen, weakref, subclass, name = "TaskQueue", module = "ringmain._core")]
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

    fn jobs(&self, deliveries: Vec<Delivery>) -> Vec<Job> {
        deliveries.into_iter().map(|delivery| self.job(delivery)).collect()
    }

    /// Up to `count`, waiting at most `limit` for the first; leased for `lease` if the queue's own time is not meant.
    fn take(
        &self,
        py: Python<'_>,
        count: usize,
        limit: Option<Duration>,
        lease: Option<Duration>,
    ) -> PyResult<Vec<Delivery>> {
        let look = |slice| match lease {
            None => self.queue.receive_batch(count, slice),
            Some(lease) => self.queue.receive_with_lease(count, slice, lease),
        };
        if !self.durable {
            let ready = attached(py, || look(Duration::ZERO))?;
            if !ready.is_empty() || limit.is_some_and(|limit| limit.is_zero()) {
                return Ok(ready);
            }
        }
        let found = wait(py, limit, |slice| {
            let found = look(slice)?;
            Ok((!found.is_empty()).then_some(found))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// One, waiting at most `limit` for it.
    pub(crate) fn take_one(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        lease: Option<Duration>,
    ) -> PyResult<Option<Job>> {
        if lease.is_some() {
            return Ok(self.take(py, 1, limit, lease)?.pop().map(|delivery| self.job(delivery)));
        }
        if !self.durable {
            let ready = attached(py, || self.queue.try_receive())?;
            if ready.is_some() || limit.is_some_and(|limit| limit.is_zero()) {
                return Ok(ready.map(|delivery| self.job(delivery)));
            }
        }
        let found = wait(py, limit, |slice| self.queue.receive(slice))?;
        Ok(found.map(|delivery| self.job(delivery)))
    }

    /// Waits until there are enough of them. Ctrl-C hands back what has come.
    fn gather(&self, py: Python<'_>, receive: Receive) -> PyResult<Vec<Delivery>> {
        let mut interrupted = None;
        let taken = detached(py, || {
            self.queue.receive_while(receive, SIGNAL_SLICE, || {
                interrupted = Python::attach(|py| py.check_signals()).err();
                interrupted.is_none()
            })
        });
        interrupted.map_or(taken, Err)
    }

    /// Sends, waiting for room where there must be some first.
    fn send_one(&self, py: Python<'_>, item: &Item, stop: Option<&Stop>) -> PyResult<u64> {
        if self.queue.is_bounded() {
            return complete(py, self.durable, stop, self.queue.send_async(item.to_core()));
        }
        call(py, self.durable, || self.queue.send(item.to_core()))
    }

    /// The same, saying whether there is one with its `dedup_key` already.
    fn send_one_unique(&self, py: Python<'_>, item: &Item, stop: Option<&Stop>) -> PyResult<Sent> {
        if self.queue.is_bounded() {
            return complete(py, self.durable, stop, self.queue.send_unique_async(item.to_core()));
        }
        call(py, self.durable, || self.queue.send_unique(item.to_core()))
    }

    /// The same of several.
    fn send_all(&self, py: Python<'_>, items: &[Item], stop: Option<&Stop>) -> PyResult<Vec<u64>> {
        if self.queue.is_bounded() {
            let messages = Item::all_to_core(items);
            return complete(py, self.durable, stop, self.queue.send_batch_async(&messages));
        }
        call(py, self.durable, || self.queue.send_batch(&Item::all_to_core(items)))
    }

    /// Says a verb of jobs, and notes those of which it was said.
    fn settle_many(
        &self,
        py: Python<'_>,
        jobs: &[Bound<'_, Job>],
        verb: impl FnOnce(&[&Delivery]) -> Vec<ringmain::Result<()>> + Send,
    ) -> PyResult<Vec<Option<PyErr>>> {
        let jobs: Vec<&Job> = jobs.iter().map(Bound::get).collect();
        let results = call(py, self.durable, || {
            let deliveries: Vec<&Delivery> = jobs.iter().map(|job| &*job.delivery).collect();
            Ok(verb(&deliveries))
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
}

/// Seconds of a lease that is not the queue's.
pub(crate) fn own_lease(py: Python<'_>, lease: Option<f64>) -> PyResult<Option<Duration>> {
    lease.map(|lease| attached(py, || duration("lease", lease))).transpose()
}

/// `ringmain.Sent`.
fn sent_tuple(py: Python<'_>, sent: Sent) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "ringmain.options", "Sent")?.call1((sent.id, sent.is_duplicate))
}

#[pymethods]
impl Queue {
    /// Opens a queue of a hub, with options as JSON.
    #[new]
    fn open(py: Python<'_>, hub: &Bound<'_, Hub>, name: &str, options: &str) -> PyResult<Self> {
        let hub = hub.get();
        let queue = call(py, hub.durable(), || open_queue(&hub.hub, name, options))?;
        Ok(Self::new(queue, hub.durable()))
    }

    /// Does a verb that is not hot: arguments and answer as JSON.
    fn _call(&self, py: Python<'_>, verb: &str, arguments: &str) -> PyResult<String> {
        detached(py, || queue_call(&self.queue, verb, arguments))
    }

    /// Dead letters; `letters` as JSON.
    fn _peek_letters(&self, py: Python<'_>, letters: &str, count: usize) -> PyResult<Vec<Peeked>> {
        let found = detached(py, || {
            let letters = ringmain_surface::letters(letters)?;
            self.queue.dead_letters().peek(&letters, count)
        })?;
        Ok(found.into_iter().map(|peeked| Peeked { peeked }).collect())
    }

    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        attached(py, || Ok(self.queue.name().to_owned()))
    }

    #[getter]
    fn durable(&self) -> bool {
        self.durable
    }

    #[getter]
    fn is_bounded(&self, py: Python<'_>) -> PyResult<bool> {
        attached(py, || Ok(self.queue.is_bounded()))
    }

    #[pyo3(signature = (value, **options))]
    fn send(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.send_one(py, &Item::new(value, options)?, None)
    }

    #[pyo3(signature = (value, **options))]
    fn send_unique<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        sent_tuple(py, self.send_one_unique(py, &Item::new(value, options)?, None)?)
    }

    fn send_many(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
        self.send_all(py, &Item::batch(messages)?, None)
    }

    /// As `send`, until it is stopped: for a coroutine.
    #[pyo3(signature = (stop, value, **options))]
    fn _send(
        &self,
        py: Python<'_>,
        stop: &Bound<'_, Stop>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.send_one(py, &Item::new(value, options)?, Some(stop.get()))
    }

    /// As `send_unique`, until it is stopped.
    #[pyo3(signature = (stop, value, **options))]
    fn _send_unique<'py>(
        &self,
        py: Python<'py>,
        stop: &Bound<'_, Stop>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        sent_tuple(py, self.send_one_unique(py, &Item::new(value, options)?, Some(stop.get()))?)
    }

    /// As `send_many`, until it is stopped.
    fn _send_many(
        &self,
        py: Python<'_>,
        stop: &Bound<'_, Stop>,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<u64>> {
        self.send_all(py, &Item::batch(messages)?, Some(stop.get()))
    }

    #[pyo3(signature = (value, **options))]
    fn submit(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Receipt> {
        let item = Item::new(value, options)?;
        let receipt = call(py, self.durable, || self.queue.submit(item.to_core()))?;
        let id = receipt.value().into_pyobject(py)?.into_any().unbind();
        Ok(Receipt::new(receipt, id))
    }

    fn submit_many(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<Receipt> {
        let items = Item::batch(messages)?;
        let receipt = call(py, self.durable, || {
            let messages: Vec<_> = items.iter().map(Item::to_core).collect();
            self.queue.submit_batch(&messages)
        })?;
        let sent = receipt.value().iter().map(|sent| sent_tuple(py, *sent)).collect::<PyResult<Vec<_>>>()?;
        let sent = sent.into_pyobject(py)?.into_any().unbind();
        Ok(Receipt::new(receipt, sent))
    }

    #[pyo3(signature = (timeout=None, *, lease=None))]
    fn receive(&self, py: Python<'_>, timeout: Option<f64>, lease: Option<f64>) -> PyResult<Option<Job>> {
        let limit = attached(py, || limit(timeout))?;
        self.take_one(py, limit, own_lease(py, lease)?)
    }

    fn receive_nowait(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        self.take_one(py, Some(Duration::ZERO), None)
    }

    #[pyo3(signature = (count, timeout=None, *, count_min=1, bytes_max=None, lease=None))]
    fn receive_many(
        &self,
        py: Python<'_>,
        count: usize,
        timeout: Option<f64>,
        count_min: usize,
        bytes_max: Option<usize>,
        lease: Option<f64>,
    ) -> PyResult<Vec<Job>> {
        let limit = attached(py, || limit(timeout))?;
        let lease = own_lease(py, lease)?;
        if count_min == 1 && bytes_max.is_none() {
            return Ok(self.jobs(self.take(py, count, limit, lease)?));
        }
        if lease.is_some() {
            let detail =
                "a receive with a lease of its own waits for one message; leave count_min and bytes_max out";
            return attached(py, || Err(Error::invalid("lease", detail)));
        }
        let wait = limit.unwrap_or(Duration::MAX);
        let receive =
            Receive { count_min, count_max: count, bytes_max: bytes_max.unwrap_or(usize::MAX), wait };
        Ok(self.jobs(self.gather(py, receive)?))
    }

    fn receive_deferred(&self, py: Python<'_>, id: u64) -> PyResult<Option<Job>> {
        let found = call(py, self.durable, || self.queue.receive_deferred(id))?;
        Ok(found.map(|delivery| self.job(delivery)))
    }

    #[pyo3(signature = (timeout=None, *, lease=None))]
    fn lease(slf: &Bound<'_, Self>, timeout: Option<f64>, lease: Option<f64>) -> PyResult<Lease> {
        let limit = attached(slf.py(), || limit(timeout))?;
        Ok(Lease::new(slf.clone().unbind(), limit, own_lease(slf.py(), lease)?))
    }

    #[pyo3(signature = (prefetch=1))]
    fn consumer(&self, py: Python<'_>, prefetch: usize) -> PyResult<Consumer> {
        let consumer = call(py, self.durable, || self.queue.consumer().prefetch(prefetch).start())?;
        Ok(Consumer::new(consumer, self.durable))
    }

    fn ack_many(&self, py: Python<'_>, jobs: Vec<Bound<'_, Job>>) -> PyResult<Vec<Option<PyErr>>> {
        self.settle_many(py, &jobs, |deliveries| self.queue.ack_batch(deliveries))
    }

    fn fail_many(
        &self,
        py: Python<'_>,
        jobs: Vec<Bound<'_, Job>>,
        reason: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Option<PyErr>>> {
        let reason = reason_text(reason)?;
        self.settle_many(py, &jobs, |deliveries| self.queue.fail_batch(deliveries, reason))
    }

    fn release_many(&self, py: Python<'_>, jobs: Vec<Bound<'_, Job>>) -> PyResult<Vec<Option<PyErr>>> {
        self.settle_many(py, &jobs, |deliveries| self.queue.release_batch(deliveries))
    }

    #[pyo3(signature = (from_id=0, count=100))]
    fn peek(&self, py: Python<'_>, from_id: u64, count: usize) -> PyResult<Vec<Peeked>> {
        let peeked = call(py, self.durable, || self.queue.peek(from_id, count))?;
        Ok(peeked.into_iter().map(|peeked| Peeked { peeked }).collect())
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
        match self.queue.take_one(py, None, None) {
            Err(error) if error::is(py, &error, ErrorCode::Closed) => Ok(None),
            taken => taken,
        }
    }
}
