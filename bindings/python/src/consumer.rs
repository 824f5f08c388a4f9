//! Consumers: a standing receiver of a queue, which takes ahead and keeps its place in the row.

use crate::call::attached;
use crate::error;
use crate::exclusive::Exclusive;
use crate::job::Job;
use crate::seconds::limit;
use pyo3::prelude::*;
use ringmain::ErrorCode;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A standing receiver of a queue.
#[pyclass(frozen, module = "ringmain")]
pub struct Consumer {
    consumer: Exclusive<ringmain::Consumer>,
    durable: bool,
}

impl Consumer {
    pub(crate) fn new(consumer: ringmain::Consumer, durable: bool) -> Self {
        Self { consumer: Exclusive::new("the consumer", consumer), durable }
    }

    fn next_within(&self, py: Python<'_>, limit: Option<Duration>) -> PyResult<Option<Job>> {
        let one = self
            .consumer
            .poll(py, limit, |consumer, slice| Ok(consumer.receive(slice)?.into_iter().collect()))?;
        Ok(one.into_iter().next().map(|delivery| Job::new(delivery, self.durable)))
    }

    /// The next job; None has `waker` woken when there may be one.
    pub(crate) fn poll(&self, py: Python<'_>, waker: &Waker) -> PyResult<Option<Job>> {
        let polled = self.consumer.call(py, |consumer| {
            match consumer.poll_receive(&mut Context::from_waker(waker)) {
                Poll::Pending => Ok(None),
                Poll::Ready(delivery) => delivery.map(Some),
            }
        })?;
        Ok(polled.map(|delivery| Job::new(delivery, self.durable)))
    }
}

#[pymethods]
impl Consumer {
    #[pyo3(signature = (timeout=None))]
    fn receive(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Job>> {
        let limit = attached(py, || limit(timeout))?;
        self.next_within(py, limit)
    }

    fn receive_deferred(&self, py: Python<'_>, id: u64) -> PyResult<Option<Job>> {
        let found = self.consumer.call(py, |consumer| consumer.receive_deferred(id))?;
        Ok(found.map(|delivery| Job::new(delivery, self.durable)))
    }

    fn ack_up_to(&self, py: Python<'_>, job: &Bound<'_, Job>) -> PyResult<()> {
        let job = job.get();
        self.consumer.call(py, |consumer| consumer.ack_up_to(&job.delivery))?;
        job.mark_settled();
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.consumer.finish(py, |consumer| {
            drop(consumer);
            Ok(())
        })?;
        Ok(())
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Job>> {
        match self.next_within(py, None) {
            Err(error) if error::is(py, &error, ErrorCode::Closed) => Ok(None),
            taken => taken,
        }
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
