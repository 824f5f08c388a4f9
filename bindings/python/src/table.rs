//! A compacted stream as a mapping from keys to their last records.

use crate::call::{call, detached};
use crate::exclusive::Exclusive;
use crate::message::Octets;
use crate::record::Record;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use ringmain::Result;

/// The last record of each key.
#[pyclass(frozen, weakref, mapping, module = "ringmain")]
pub struct Table {
    pub(crate) table: ringmain::Table,
    pub(crate) durable: bool,
}

impl Table {
    fn find(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Option<Record>> {
        let key = Octets::from_bytes_or_text("key", key)?;
        let found = call(py, self.durable, || self.table.get(&key))?;
        Ok(found.map(Record::from))
    }

    fn entries(&self, py: Python<'_>, shows: Shows) -> PyResult<TableIterator> {
        let records = detached(py, || self.table.iter())?;
        Ok(TableIterator { records: Exclusive::new("the iterator", Box::new(records)), shows })
    }
}

#[pymethods]
impl Table {
    #[pyo3(signature = (key, default=None))]
    fn get(&self, key: &Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        let py = key.py();
        match self.find(py, key)? {
            Some(record) => Ok(Some(Bound::new(py, record)?.into_any().unbind())),
            None => Ok(default),
        }
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<Record> {
        self.find(key.py(), key)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.find(key.py(), key)?.is_some())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        detached(py, || self.table.len())
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<TableIterator> {
        self.entries(py, Shows::Keys)
    }

    fn keys(&self, py: Python<'_>) -> PyResult<TableIterator> {
        self.entries(py, Shows::Keys)
    }

    fn values(&self, py: Python<'_>) -> PyResult<TableIterator> {
        self.entries(py, Shows::Records)
    }

    fn items(&self, py: Python<'_>) -> PyResult<TableIterator> {
        self.entries(py, Shows::Both)
    }
}

#[derive(Debug, Clone, Copy)]
enum Shows {
    Keys,
    Records,
    Both,
}

type Records = Box<dyn Iterator<Item = Result<ringmain::Record>> + Send>;

/// An iterator over a table.
#[pyclass(frozen, module = "ringmain")]
pub struct TableIterator {
    records: Exclusive<Records>,
    shows: Shows,
}

#[pymethods]
impl TableIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(record) = self.records.call(py, |records| records.next().transpose())? else {
            return Ok(None);
        };
        let key = PyBytes::new(py, record.key().unwrap_or_default()).into_any();
        match self.shows {
            Shows::Keys => Ok(Some(key)),
            Shows::Records => Ok(Some(Bound::new(py, Record::from(record))?.into_any())),
            Shows::Both => {
                let record = Bound::new(py, Record::from(record))?.into_any();
                Ok(Some(PyTuple::new(py, [key, record])?.into_any()))
            }
        }
    }
}
