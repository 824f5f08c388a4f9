//! The hub: open, its queues and streams, close.

use crate::call::{call, detached};
use crate::message::parse_durability;
use crate::queue::{self, Queue};
use crate::seconds::{duration, limit};
use crate::stream::{self, Stream};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringmain::{Error, Jitter, OnExhausted, Retry};
use std::path::PathBuf;
use std::time::Duration;

/// An open hub.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Hub {
    hub: ringmain::Hub,
    directory: Option<PathBuf>,
}

/// Opens the durable hub in a directory, or one in memory.
#[pyfunction]
#[pyo3(signature = (path=None, durability="synced"))]
pub fn open(py: Python<'_>, path: Option<PathBuf>, durability: &str) -> PyResult<Hub> {
    let hub = detached(py, || {
        let builder = ringmain::Hub::builder().durability(parse_durability(durability)?);
        match &path {
            Some(directory) => builder.open(directory),
            None => builder.memory(),
        }
    })?;
    Ok(Hub { hub, directory: path })
}

/// `ringmain.Retry`, by its attributes.
#[derive(FromPyObject)]
pub struct RetryOptions {
    base: f64,
    factor: f64,
    cap: f64,
    jitter: String,
}

impl RetryOptions {
    fn to_core(&self) -> ringmain::Result<Retry> {
        Ok(Retry {
            base: duration("retry.base", self.base)?,
            factor: self.factor,
            cap: duration("retry.cap", self.cap)?,
            jitter: match self.jitter.as_str() {
                "none" => Jitter::None,
                "equal" => Jitter::Equal,
                "full" => Jitter::Full,
                other => {
                    let detail = format!("{other:?} is not one of \"none\", \"equal\", \"full\"");
                    return Err(Error::invalid("retry.jitter", detail));
                }
            },
        })
    }
}

fn parse_on_exhausted(
    dead_letter: Option<&str>,
    on_exhausted: Option<&str>,
) -> ringmain::Result<Option<OnExhausted>> {
    match (dead_letter, on_exhausted) {
        (None, None) => Ok(None),
        (Some(queue), None) => Ok(Some(OnExhausted::DeadLetter(queue.to_owned()))),
        (None, Some("drop")) => Ok(Some(OnExhausted::Drop)),
        (None, Some("keep")) => Ok(Some(OnExhausted::Keep)),
        (None, Some(other)) => {
            Err(Error::invalid("on_exhausted", format!("{other:?} is not one of \"drop\", \"keep\"")))
        }
        (Some(_), Some(_)) => {
            Err(Error::invalid("on_exhausted", "give either this or dead_letter, not both"))
        }
    }
}

impl Hub {
    fn durable(&self) -> bool {
        self.directory.is_some()
    }
}

#[pymethods]
impl Hub {
    #[getter(durable)]
    fn is_durable(&self) -> bool {
        self.durable()
    }

    #[pyo3(signature = (name, *, lease=None, max_failures=None, dead_letter=None, on_exhausted=None, retry=None))]
    #[allow(clippy::too_many_arguments, reason = "keyword options of one Python call")]
    fn queue(
        &self,
        py: Python<'_>,
        name: &str,
        lease: Option<f64>,
        max_failures: Option<u32>,
        dead_letter: Option<&str>,
        on_exhausted: Option<&str>,
        retry: Option<RetryOptions>,
    ) -> PyResult<Queue> {
        let queue = call(py, self.durable(), || {
            let mut builder = self.hub.queue(name);
            if let Some(lease) = lease {
                builder = builder.lease(duration("lease", lease)?);
            }
            if let Some(count) = max_failures {
                builder = builder.max_failures(count);
            }
            if let Some(policy) = parse_on_exhausted(dead_letter, on_exhausted)? {
                builder = builder.on_exhausted(policy);
            }
            if let Some(retry) = &retry {
                builder = builder.retry(retry.to_core()?);
            }
            builder.open()
        })?;
        Ok(Queue::new(queue, self.durable()))
    }

    #[pyo3(signature = (name, *, partitions=None))]
    fn stream(&self, py: Python<'_>, name: &str, partitions: Option<u32>) -> PyResult<Stream> {
        let stream = call(py, self.durable(), || {
            let mut builder = self.hub.stream(name);
            if let Some(count) = partitions {
                builder = builder.partitions(count);
            }
            builder.open()
        })?;
        Ok(Stream { stream, durable: self.durable() })
    }

    fn queues(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        call(py, self.durable(), || self.hub.queues())
    }

    fn streams(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        call(py, self.durable(), || self.hub.streams())
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        call(py, self.durable(), || self.hub.flush())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = call(py, self.durable(), || self.hub.stats())?;
        let queues = PyDict::new(py);
        for (name, counts) in &stats.queues {
            queues.set_item(name, queue::counts(py, counts)?)?;
        }
        let streams = PyDict::new(py);
        for (name, counts) in &stats.streams {
            streams.set_item(name, stream::counts(py, counts)?)?;
        }
        let all = PyDict::new(py);
        all.set_item("queues", queues)?;
        all.set_item("streams", streams)?;
        all.set_item("recovered_cut_bytes", stats.recovered_cut_bytes)?;
        Ok(all)
    }

    #[pyo3(signature = (timeout=10.0))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        detached(py, || self.hub.close(limit(timeout)?.unwrap_or(Duration::MAX)))
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
        self.close(py, Some(10.0))
    }

    fn __repr__(&self) -> String {
        match &self.directory {
            Some(directory) => format!("<ringmain.Hub {}>", directory.display()),
            None => "<ringmain.Hub in memory>".to_owned(),
        }
    }
}
