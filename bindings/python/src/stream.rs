//! Event streams: append, and the ways to read.

use crate::call::{attached, call};
use crate::exclusive::Exclusive;
use crate::member::Group;
use crate::message::{Item, Message};
use crate::reader::Reader;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyInt, PyMapping, PyString};
use ringmain::{Error, Position, Start, StreamStats};

/// An event stream.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Stream {
    pub(crate) stream: ringmain::Stream,
    pub(crate) durable: bool,
}

#[pymethods]
impl Stream {
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        attached(py, || Ok(self.stream.name().to_owned()))
    }

    #[getter]
    fn partitions(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.stream.partitions()))
    }

    #[getter]
    fn durable(&self) -> bool {
        self.durable
    }

    #[pyo3(signature = (value, *, key=None, headers=None, event_time_ns=None))]
    fn append<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyMapping>>,
        event_time_ns: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let message = Message::new(value, key, headers, None, event_time_ns)?;
        let position = call(py, self.durable, || self.stream.append(message.to_core()))?;
        position_tuple(py, position)
    }

    fn append_many<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let items = Item::batch(messages)?;
        let positions = call(py, self.durable, || {
            let messages: Vec<_> = items.iter().map(Item::to_core).collect();
            self.stream.append_batch(&messages)
        })?;
        positions.into_iter().map(|position| position_tuple(py, position)).collect()
    }

    #[pyo3(
        signature = (start=StartAt(Start::Earliest), partition=None),
        text_signature = "($self, start=\"earliest\", partition=None)"
    )]
    fn reader(&self, py: Python<'_>, start: StartAt, partition: Option<u32>) -> PyResult<Reader> {
        let StartAt(start) = start;
        let reader = call(py, self.durable, || match partition {
            None => self.stream.reader(start),
            Some(partition) => self.stream.partition_reader(partition, start),
        })?;
        Ok(Reader { reader: Exclusive::new("the reader", reader) })
    }

    fn group(&self, py: Python<'_>, name: &str) -> PyResult<Group> {
        let group = attached(py, || Ok(self.stream.group(name)))?;
        Ok(Group { group, durable: self.durable })
    }

    fn groups(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        call(py, self.durable, || self.stream.groups())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &call(py, self.durable, || self.stream.stats())?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Stream {:?}>", self.name(py)?))
    }
}

/// Where to begin, as Python says it: "earliest", "latest", an offset, or `ringmain.Time`.
pub struct StartAt(pub Start);

impl FromPyObject<'_, '_> for StartAt {
    type Error = PyErr;

    fn extract(start: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = start.cast::<PyString>() {
            let text = text.to_string_lossy();
            return attached(start.py(), || match &*text {
                "earliest" => Ok(Self(Start::Earliest)),
                "latest" => Ok(Self(Start::Latest)),
                _ => Err(Error::invalid(
                    "start",
                    format!("{text:?} is not one of \"earliest\", \"latest\", an offset, ringmain.Time(ns)"),
                )),
            });
        }
        if start.is_instance_of::<PyInt>() {
            return start.extract().map(Start::Offset).map(Self);
        }
        static TIME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if start.is_instance(TIME.import(start.py(), "ringmain.options", "Time")?)? {
            return start.getattr("ns")?.extract().map(Start::Time).map(Self);
        }
        Err(PyTypeError::new_err(format!(
            "start must be \"earliest\", \"latest\", an offset or ringmain.Time(ns), not {}",
            start.get_type().name()?
        )))
    }
}

/// `ringmain.Position`.
pub fn position_tuple(py: Python<'_>, position: Position) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "ringmain.options", "Position")?.call1((position.partition, position.offset))
}

/// Counts as a dict.
pub fn counts<'py>(py: Python<'py>, stats: &StreamStats) -> PyResult<Bound<'py, PyDict>> {
    let partitions = stats.partitions.iter().map(|partition| {
        let counts = PyDict::new(py);
        counts.set_item("start", partition.start)?;
        counts.set_item("end", partition.end)?;
        counts.set_item("bytes", partition.bytes)?;
        Ok(counts)
    });
    let counts = PyDict::new(py);
    counts.set_item("partitions", partitions.collect::<PyResult<Vec<_>>>()?)?;
    Ok(counts)
}
