//! Keepers: prolong the leases of jobs from a thread of the core, whatever the interpreter is busy with.

use crate::call::{attached, detached};
use crate::job::Job;
use crate::queue::Queue;
use crate::seconds::duration;
use pyo3::prelude::*;

/// Prolongs the leases of jobs of one queue.
#[pyclass(frozen, module = "ringmain")]
pub struct Keeper {
    keeper: ringmain::Keeper,
}

#[pymethods]
impl Keeper {
    /// A keeper for a queue.
    #[new]
    fn new(py: Python<'_>, queue: &Bound<'_, Queue>) -> PyResult<Self> {
        let queue = queue.get();
        Ok(Self { keeper: detached(py, || queue.queue.keeper())? })
    }

    #[pyo3(signature = (job, total=None))]
    fn hold(&self, py: Python<'_>, job: &Bound<'_, Job>, total: Option<f64>) -> PyResult<()> {
        let delivery = &job.get().delivery;
        attached(py, || {
            let total = total.map(|total| duration("total", total)).transpose()?;
            self.keeper.hold(delivery, total);
            Ok(())
        })
    }

    fn let_go(&self, py: Python<'_>, job: &Bound<'_, Job>) -> PyResult<()> {
        let delivery = &job.get().delivery;
        attached(py, || {
            self.keeper.let_go(delivery);
            Ok(())
        })
    }

    fn stall_after(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        attached(py, || {
            self.keeper.stall_after(duration("seconds", seconds)?);
            Ok(())
        })
    }

    fn beat(&self, py: Python<'_>) -> PyResult<()> {
        attached(py, || {
            self.keeper.beat();
            Ok(())
        })
    }

    fn take_lost(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        attached(py, || Ok(self.keeper.take_lost()))
    }
}
