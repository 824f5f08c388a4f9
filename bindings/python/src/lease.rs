//! `with queue.lease() as job`: receives on entering the block, settles on leaving it.

use crate::job::Job;
use crate::queue::Queue;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A receive that a `with` block makes.
#[pyclass(frozen, module = "ringmain")]
pub struct Lease {
    queue: Py<Queue>,
    limit: Option<Duration>,
    lease: Option<Duration>,
    /// Those of the blocks that are entered, the innermost last.
    jobs: Mutex<Vec<Option<Py<Job>>>>,
}

impl Lease {
    pub(crate) fn new(queue: Py<Queue>, limit: Option<Duration>, lease: Option<Duration>) -> Self {
        Self { queue, limit, lease, jobs: Mutex::default() }
    }
}

#[pymethods]
impl Lease {
    fn __enter__(&self, py: Python<'_>) -> PyResult<Option<Py<Job>>> {
        let job = self.queue.get().take_one(py, self.limit, self.lease)?;
        let job = job.map(|job| Py::new(py, job)).transpose()?;
        let entered = job.as_ref().map(|job| job.clone_ref(py));
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(entered);
        Ok(job)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match job.flatten() {
            Some(job) => job.get().__exit__(py, kind, error, traceback),
            None => Ok(()),
        }
    }
}
