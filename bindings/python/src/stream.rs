//! Event streams: append, and the ways to read. `ringmain.Stream` is a Python class on top of this one.

use crate::batcher::Batcher;
use crate::call::{attached, call, detached, raise_instead};
use crate::filter::Filter;
use crate::group::Group;
use crate::hub::Hub;
use crate::message::Item;
use crate::producer::Producer;
use crate::reader::Reader;
use crate::receipt::Receipt;
use crate::seconds::duration;
use crate::start::{EndAt, StartAt, reset};
use crate::stream_worker::{Options, StreamWorker};
use crate::table::Table;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};
use ringmain::{Batching, Position, Start};
use ringmain_surface::{open_stream, stream_call};

/// An event stream.
#[pyclass(frozen, weakref, subclass, name = "Stream", module = "ringmain._core")]
pub struct Stream {
    pub(crate) stream: ringmain::Stream,
    pub(crate) durable: bool,
}

impl Stream {
    /// Whether an append may wait: then nobody else waits for the GIL meanwhile.
    fn waits(&self) -> bool {
        self.durable || self.stream.is_gated()
    }
}

/// A partitioner of the program's. What it raises is raised by the verb that asked it.
fn partitioner(stream: &ringmain::Stream, choose: &Bound<'_, PyAny>) -> ringmain::Stream {
    let choose = choose.clone().unbind();
    stream.partitioner(move |key, message, count| {
        let chosen = Python::attach(|py| {
            let key = key.map(|key| PyBytes::new(py, key));
            let value = PyBytes::new(py, message.value());
            choose.bind(py).call1((key, value, count))?.extract::<u32>()
        });
        chosen.unwrap_or_else(|error| {
            raise_instead(error);
            u32::MAX
        })
    })
}

fn receipt_of<'py>(receipt: ringmain::Receipt<Position>, py: Python<'py>) -> PyResult<Receipt> {
    let position = position_tuple(py, *receipt.value())?.unbind();
    Ok(Receipt::new(receipt, position))
}

fn receipt_of_many(receipt: ringmain::Receipt<Vec<Position>>, py: Python<'_>) -> PyResult<Receipt> {
    let positions = position_list(py, receipt.value())?.into_any().unbind();
    Ok(Receipt::new(receipt, positions))
}

#[pymethods]
impl Stream {
    /// Opens a stream of a hub, with options as JSON.
    #[new]
    #[pyo3(signature = (hub, name, options="", choose=None))]
    fn open(
        py: Python<'_>,
        hub: &Bound<'_, Hub>,
        name: &str,
        options: &str,
        choose: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let hub = hub.get();
        let stream = detached(py, || open_stream(&hub.hub, name, options))?;
        let stream = choose.map_or_else(|| stream.clone(), |choose| partitioner(&stream, choose));
        Ok(Self { stream, durable: hub.durable() })
    }

    /// Does a verb that is not hot: arguments and answer as JSON.
    fn _call(&self, py: Python<'_>, verb: &str, arguments: &str) -> PyResult<String> {
        detached(py, || stream_call(&self.stream, verb, arguments))
    }

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

    #[getter]
    fn is_gated(&self, py: Python<'_>) -> PyResult<bool> {
        attached(py, || Ok(self.stream.is_gated()))
    }

    #[pyo3(
        signature = (value, **options),
        text_signature = "($self, value, *, key=None, headers=None, event_time_ns=None, durability=None)"
    )]
    fn append<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let item = Item::new(value, options)?;
        let position = call(py, self.waits(), || self.stream.append(item.to_core()))?;
        position_tuple(py, position)
    }

    fn append_many<'py>(&self, py: Python<'py>, messages: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let items = Item::batch(messages)?;
        let positions = call(py, self.waits(), || self.stream.append_batch(&Item::all_to_core(&items)))?;
        position_list(py, &positions)
    }

    #[pyo3(
        signature = (partition, value, **options),
        text_signature = "($self, partition, value, *, key=None, headers=None, event_time_ns=None, durability=None)"
    )]
    fn append_to<'py>(
        &self,
        py: Python<'py>,
        partition: u32,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let item = Item::new(value, options)?;
        let position = call(py, self.waits(), || self.stream.append_to(partition, item.to_core()))?;
        position_tuple(py, position)
    }

    fn append_many_to<'py>(
        &self,
        py: Python<'py>,
        partition: u32,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let items = Item::batch(messages)?;
        let append = || self.stream.append_batch_to(partition, &Item::all_to_core(&items));
        position_list(py, &call(py, self.waits(), append)?)
    }

    fn append_expecting<'py>(
        &self,
        py: Python<'py>,
        partition: u32,
        end: u64,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let items = Item::batch(messages)?;
        let append = || self.stream.append_expecting(partition, end, &Item::all_to_core(&items));
        position_list(py, &call(py, self.waits(), append)?)
    }

    #[pyo3(
        signature = (value, **options),
        text_signature = "($self, value, *, key=None, headers=None, event_time_ns=None, durability=None)"
    )]
    fn submit(
        &self,
        py: Python<'_>,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Receipt> {
        let item = Item::new(value, options)?;
        receipt_of(call(py, self.waits(), || self.stream.submit(item.to_core()))?, py)
    }

    fn submit_many(&self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<Receipt> {
        let items = Item::batch(messages)?;
        let submit = || self.stream.submit_batch(&Item::all_to_core(&items));
        receipt_of_many(call(py, self.waits(), submit)?, py)
    }

    #[pyo3(
        signature = (partition, value, **options),
        text_signature = "($self, partition, value, *, key=None, headers=None, event_time_ns=None, durability=None)"
    )]
    fn submit_to(
        &self,
        py: Python<'_>,
        partition: u32,
        value: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Receipt> {
        let item = Item::new(value, options)?;
        receipt_of(call(py, self.waits(), || self.stream.submit_to(partition, item.to_core()))?, py)
    }

    fn submit_many_to(
        &self,
        py: Python<'_>,
        partition: u32,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Receipt> {
        let items = Item::batch(messages)?;
        let submit = || self.stream.submit_batch_to(partition, &Item::all_to_core(&items));
        receipt_of_many(call(py, self.waits(), submit)?, py)
    }

    #[pyo3(signature = (*, linger=0.0, max_batch_bytes=16 << 10, max_batch_messages=65_536))]
    fn batcher(
        &self,
        py: Python<'_>,
        linger: f64,
        max_batch_bytes: usize,
        max_batch_messages: usize,
    ) -> PyResult<Batcher> {
        let batcher = attached(py, || {
            let linger = duration("linger", linger)?;
            self.stream.batcher(Batching { linger, max_batch_bytes, max_batch_messages })
        })?;
        Ok(Batcher::new(batcher, self.stream.clone(), self.durable))
    }

    fn producer(&self, py: Python<'_>, name: &str) -> PyResult<Producer> {
        let producer = call(py, self.durable, || self.stream.producer(name))?;
        Ok(Producer { producer, stream: self.stream.clone(), durable: self.durable })
    }

    #[pyo3(
        signature = (start=StartAt(Start::Earliest), partition=None, *, until=None, only=None, on_out_of_range="fail"),
        text_signature = "($self, start=\"earliest\", partition=None, *, until=None, only=None, on_out_of_range=\"fail\")"
    )]
    fn reader(
        &self,
        py: Python<'_>,
        start: StartAt,
        partition: Option<u32>,
        until: Option<EndAt>,
        only: Option<&Bound<'_, PyAny>>,
        on_out_of_range: &str,
    ) -> PyResult<Reader> {
        let filter = only.map(Filter::take).transpose()?;
        let calls = filter.as_ref().is_some_and(Filter::calls);
        let reader = call(py, self.durable, || {
            let StartAt(start) = start;
            let open = |start| match partition {
                None => self.stream.reader(start),
                Some(partition) => self.stream.partition_reader(partition, start),
            };
            let mut reader = open(start)?.on_out_of_range(reset(on_out_of_range)?);
            if let Some(EndAt(end)) = until {
                reader = reader.until(end);
            }
            match filter {
                Some(filter) => filter.apply(reader, || open(Start::Latest)),
                None => Ok(reader),
            }
        })?;
        Ok(Reader::new(reader, calls))
    }

    fn group(&self, py: Python<'_>, name: &str) -> PyResult<Group> {
        let group = attached(py, || Ok(self.stream.group(name)))?;
        Ok(Group::new(group, name, self.durable))
    }

    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        let table = detached(py, || self.stream.table())?;
        Ok(Table { table, durable: self.durable })
    }

    /// Starts threads that call `handler`: see `ringmain.StreamWorker`.
    fn _start_worker(
        &self,
        py: Python<'_>,
        group: &str,
        handler: Py<PyAny>,
        options: Options,
    ) -> PyResult<StreamWorker> {
        StreamWorker::start(py, &self.stream, group, handler, options)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Stream {:?}>", self.name(py)?))
    }
}

fn position_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "ringmain.options", "Position")
}

/// `ringmain.Position`.
pub fn position_tuple(py: Python<'_>, position: Position) -> PyResult<Bound<'_, PyAny>> {
    position_class(py)?.call1((position.partition, position.offset))
}

/// Several.
fn position_list<'py>(py: Python<'py>, positions: &[Position]) -> PyResult<Bound<'py, PyList>> {
    let class = position_class(py)?;
    let positions = positions.iter().map(|position| class.call1((position.partition, position.offset)));
    PyList::new(py, positions.collect::<PyResult<Vec<_>>>()?)
}
