//! Readers and the records they give.

use crate::call::attached;
use crate::envelope::message_methods;
use crate::exclusive::Exclusive;
use crate::seconds::limit;
use crate::stream::position_tuple;
use pyo3::prelude::*;

/// Reads a stream at its own pace.
#[pyclass(frozen, module = "ringmain")]
pub struct Reader {
    pub(crate) reader: Exclusive<ringmain::Reader>,
}

#[pymethods]
impl Reader {
    #[pyo3(signature = (count, timeout=None))]
    fn poll(&self, py: Python<'_>, count: usize, timeout: Option<f64>) -> PyResult<Vec<Record>> {
        let limit = attached(py, || limit(timeout))?;
        let records = self.reader.poll(py, limit, |reader, slice| reader.poll(count, slice))?;
        Ok(records.into_iter().map(|record| Record { record }).collect())
    }

    fn seek(&self, py: Python<'_>, partition: u32, offset: u64) -> PyResult<()> {
        self.reader.call(py, |reader| reader.seek(partition, offset))
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let record = self.reader.call(py, |reader| reader.next().transpose())?;
        Ok(record.map(|record| Record { record }))
    }
}

/// One record of a stream.
#[pyclass(frozen, module = "ringmain")]
pub struct Record {
    pub(crate) record: ringmain::Record,
}

message_methods!(Record, record, {
    #[getter]
    fn partition(&self, py: Python<'_>) -> PyResult<u32> {
        attached(py, || Ok(self.record.partition()))
    }

    #[getter]
    fn offset(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(self.record.offset()))
    }

    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        position_tuple(py, attached(py, || Ok(self.record.position()))?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<ringmain.Record {}:{}>", self.partition(py)?, self.offset(py)?))
    }
});
