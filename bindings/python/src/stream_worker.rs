//! Workers of a stream: threads of the core that call a handler of the program's. `ringmain.StreamWorker` stands on this.
//!
//! A thread takes the GIL for a call and no longer. What waits for the threads, closing and dropping, never holds it.

use crate::call::{attached, detached};
use crate::error::exception;
use crate::job::reason_text;
use crate::record::{Record, records};
use crate::seconds::{duration, limit};
use crate::start::{StartAt, reset};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use ringmain::Error;
use std::sync::Arc;
use std::time::Duration;

/// How a worker works, by the attributes of what Python gives.
#[derive(FromPyObject)]
pub struct Options {
    concurrency: usize,
    parallel: usize,
    batch: Option<(usize, f64)>,
    start: Py<PyAny>,
    on_out_of_range: String,
    retry_delay: (f64, f64),
    max_failures: u32,
    on_exhausted: Exhausted,
}

/// What becomes of a record that has failed too often.
#[derive(FromPyObject)]
enum Exhausted {
    Text(String),
    Call(Py<PyAny>),
}

/// Threads that handle the records of a stream.
#[pyclass(frozen, weakref, module = "ringmain._core", name = "StreamWorker")]
pub struct StreamWorker {
    /// None while it is dropped.
    worker: Option<Arc<ringmain::StreamWorker>>,
}

impl Drop for StreamWorker {
    fn drop(&mut self) {
        let worker = self.worker.take();
        // Its threads may need the GIL to come to their end, and this thread has it if Python drops it.
        if let Some(worker) = worker {
            let mut worker = Some(worker);
            let _ = Python::try_attach(|py| py.detach(|| drop(worker.take())));
        }
    }
}

/// Calls the program; what it raises is the reason of a failure.
fn tell(call: impl FnOnce(Python<'_>) -> PyResult<()>) -> Result<(), String> {
    let called = Python::try_attach(|py| {
        call(py).map_err(|error| {
            let text = reason_text(error.value(py).as_any());
            text.unwrap_or_else(|_| "an exception that has no text".to_owned())
        })
    });
    called.unwrap_or_else(|| Err("the interpreter is ending".to_owned()))
}

impl StreamWorker {
    pub fn start(
        py: Python<'_>,
        stream: &ringmain::Stream,
        group: &str,
        handler: Py<PyAny>,
        options: Options,
    ) -> PyResult<Self> {
        let StartAt(start) = options.start.extract(py)?;
        let sink = match &options.on_exhausted {
            Exhausted::Call(sink) => Some(sink.clone_ref(py)),
            Exhausted::Text(_) => None,
        };
        let worker = detached(py, || {
            let mut builder = match options.batch {
                None => stream.worker(group, move |record: &ringmain::Record| {
                    tell(|py| handler.bind(py).call1((Record::from(record.clone()),)).map(drop))
                }),
                Some((max, wait)) => {
                    let wait = duration("batch", wait)?;
                    stream.batch_worker(group, max, wait, move |batch: &[ringmain::Record]| {
                        tell(|py| {
                            let batch = PyList::new(py, records(batch.to_vec()))?;
                            handler.bind(py).call1((batch,)).map(drop)
                        })
                    })
                }
            };
            let (first, max) = options.retry_delay;
            builder = builder
                .start_at(start)
                .on_out_of_range(reset(&options.on_out_of_range)?)
                .concurrency(options.concurrency)
                .parallel(options.parallel)
                .retry_delay(duration("retry_delay", first)?, duration("retry_delay", max)?)
                .max_failures(options.max_failures);
            builder = match (&options.on_exhausted, sink) {
                (Exhausted::Text(text), _) if text == "skip" => builder.skip_failed(),
                (Exhausted::Text(text), _) if text == "stop" => builder,
                (Exhausted::Text(text), _) => {
                    let detail = format!("{text:?} is not one of \"stop\", \"skip\", a callable");
                    return Err(Error::invalid("on_exhausted", detail));
                }
                (Exhausted::Call(_), Some(sink)) => builder.hand_over(move |record, reason| {
                    let record = Record::from(record.clone());
                    tell(|py| sink.bind(py).call1((record, reason)).map(drop))
                        .map_err(|raised| Error::invalid("on_exhausted", raised))
                }),
                (Exhausted::Call(_), None) => builder,
            };
            builder.start()
        })?;
        Ok(Self { worker: Some(Arc::new(worker)) })
    }

    fn worker(&self) -> ringmain::Result<&Arc<ringmain::StreamWorker>> {
        self.worker.as_ref().ok_or(Error::Closed { what: "the worker" })
    }
}

#[pymethods]
impl StreamWorker {
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = detached(py, || Ok(self.worker()?.stats()))?;
        let counts = PyDict::new(py);
        for (name, count) in [
            ("waiting", stats.waiting),
            ("running", stats.running),
            ("done_total", stats.done_total),
            ("failed_total", stats.failed_total),
            ("panics_total", stats.panics_total),
            ("handed_over_total", stats.handed_over_total),
            ("skipped_total", stats.skipped_total),
            ("out_of_range_total", stats.out_of_range_total),
            ("lost_total", stats.lost_total),
        ] {
            counts.set_item(name, count)?;
        }
        Ok(counts)
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<PyErr>> {
        let error = detached(py, || Ok(self.worker()?.error()))?;
        Ok(error.map(|error| exception(py, &error)))
    }

    #[pyo3(signature = (timeout=10.0))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let limit = attached(py, || limit(timeout))?.unwrap_or(Duration::MAX);
        detached(py, || self.worker()?.close(limit))
    }
}
