//! Records of a stream: their bytes stay where the core has them until they are asked for.

use crate::call::attached;
use crate::envelope::message_methods;
use crate::stream::position_tuple;
use crate::view;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use ringmain::{Position, RecordRef};
use std::os::raw::c_int;

/// One record of a stream.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Record {
    pub(crate) record: Held,
}

/// A record of the core's, or a copy of one that a filter is shown.
pub enum Held {
    Kept(ringmain::Record),
    Copied(Box<Copied>),
}

/// What is shown to a filter lies in the log only until it has answered; what Python holds on to must not.
pub struct Copied {
    position: Position,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    time_ns: u64,
    event_time_ns: Option<u64>,
}

impl From<RecordRef<'_>> for Copied {
    fn from(shown: RecordRef<'_>) -> Self {
        Self {
            position: shown.position(),
            key: shown.key().map(<[u8]>::to_vec),
            value: shown.value().to_vec(),
            headers: shown.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
            time_ns: shown.time_ns(),
            event_time_ns: shown.event_time_ns(),
        }
    }
}

impl Held {
    fn position(&self) -> Position {
        match self {
            Self::Kept(record) => record.position(),
            Self::Copied(copied) => copied.position,
        }
    }

    fn is_tombstone(&self) -> bool {
        match self {
            Self::Kept(record) => record.is_tombstone(),
            // A filter sees no more of it than the core shows.
            Self::Copied(_) => false,
        }
    }

    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Kept(record) => record.key(),
            Self::Copied(copied) => copied.key.as_deref(),
        }
    }

    fn value(&self) -> &[u8] {
        match self {
            Self::Kept(record) => record.value(),
            Self::Copied(copied) => &copied.value,
        }
    }

    fn headers(&self) -> Box<dyn Iterator<Item = (&str, &[u8])> + '_> {
        match self {
            Self::Kept(record) => Box::new(record.headers()),
            Self::Copied(copied) => {
                Box::new(copied.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())))
            }
        }
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        match self {
            Self::Kept(record) => record.header(name),
            Self::Copied(_) => self.headers().find(|(found, _)| *found == name).map(|(_, value)| value),
        }
    }

    fn time_ns(&self) -> u64 {
        match self {
            Self::Kept(record) => record.time_ns(),
            Self::Copied(copied) => copied.time_ns,
        }
    }

    fn event_time_ns(&self) -> Option<u64> {
        match self {
            Self::Kept(record) => record.event_time_ns(),
            Self::Copied(copied) => copied.event_time_ns,
        }
    }
}

impl From<ringmain::Record> for Record {
    fn from(record: ringmain::Record) -> Self {
        Self { record: Held::Kept(record) }
    }
}

impl From<RecordRef<'_>> for Record {
    fn from(shown: RecordRef<'_>) -> Self {
        Self { record: Held::Copied(Box::new(shown.into())) }
    }
}

/// All of a batch.
pub fn records(batch: Vec<ringmain::Record>) -> Vec<Record> {
    batch.into_iter().map(Record::from).collect()
}

message_methods!(Record, record, {
    #[getter]
    fn partition(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.record.position().partition))
    }

    #[getter]
    fn offset(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(self.record.position().offset))
    }

    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        position_tuple(py, attached(py, || Ok(self.record.position()))?)
    }

    #[getter]
    fn is_tombstone(&self, py: Python<'_>) -> PyResult<bool> {
        attached(py, || Ok(self.record.is_tombstone()))
    }

    fn view<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    // SAFETY: CPython calls it with a buffer to fill, as it does every `bf_getbuffer`; `export` says the rest.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, buffer: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let value = attached(slf.py(), || Ok(slf.get().record.value()))?;
        // SAFETY: `buffer` is CPython's. The value is `slf`'s own, or the log's, which never changes what was committed and
        // keeps it as long as the record lives; `slf` is frozen, so the record lives as long as `slf` does.
        unsafe { view::export(slf.as_any(), value, buffer, flags) }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Record {}:{}>", self.partition(py)?, self.offset(py)?))
    }
});
