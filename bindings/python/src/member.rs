//! Consumer groups and their members.

use crate::call::{attached, call};
use crate::exclusive::Exclusive;
use crate::reader::Record;
use crate::seconds::limit;
use crate::stream::StartAt;
use pyo3::prelude::*;
use ringmain::Start;

/// A consumer group of a stream.
#[pyclass(frozen, module = "ringmain")]
pub struct Group {
    pub(crate) group: ringmain::Group,
    pub(crate) durable: bool,
}

#[pymethods]
impl Group {
    #[pyo3(
        signature = (start=StartAt(Start::Earliest)),
        text_signature = "($self, start=\"earliest\")"
    )]
    fn join(&self, py: Python<'_>, start: StartAt) -> PyResult<Member> {
        let StartAt(start) = start;
        let member = call(py, self.durable, || self.group.join_at(start))?;
        Ok(Member { member: Exclusive::new("the member", member) })
    }

    fn committed(&self, py: Python<'_>) -> PyResult<Vec<Option<u64>>> {
        call(py, self.durable, || self.group.committed())
    }

    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, self.durable, || self.group.lag())
    }
}

/// One member of a group.
#[pyclass(frozen, module = "ringmain")]
pub struct Member {
    member: Exclusive<ringmain::Member>,
}

#[pymethods]
impl Member {
    #[pyo3(signature = (count, timeout=None))]
    fn poll(&self, py: Python<'_>, count: usize, timeout: Option<f64>) -> PyResult<Vec<Record>> {
        let limit = attached(py, || limit(timeout))?;
        let records = self.member.poll(py, limit, |member, slice| member.poll(count, slice))?;
        Ok(records.into_iter().map(|record| Record { record }).collect())
    }

    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        self.member.call(py, ringmain::Member::commit)
    }

    fn commit_offset(&self, py: Python<'_>, partition: u32, offset: u64) -> PyResult<()> {
        self.member.call(py, |member| member.commit_offset(partition, offset))
    }

    fn seek(&self, py: Python<'_>, partition: u32, offset: u64) -> PyResult<()> {
        self.member.call(py, |member| member.seek(partition, offset))
    }

    fn assignment(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        self.member.call(py, ringmain::Member::assignment)
    }

    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        self.member.call(py, |member| member.lag())
    }

    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.member.finish(py, ringmain::Member::leave).map(drop)
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
        self.leave(py)
    }
}
