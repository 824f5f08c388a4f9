//! The hub: open, its verbs as data, streams, close. `ringmain.Hub` is a Python class on top of this one.

use crate::call::{SIGNAL_SLICE, detached};
use crate::clock::ManualClock;
use crate::seconds::limit;
use pyo3::prelude::*;
use ringmain::SnapshotProgress;
use ringmain_surface::{hub_call, open_hub_with, snapshot_with};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An open hub.
#[pyclass(frozen, weakref, subclass, module = "ringmain._core")]
pub struct Hub {
    pub(crate) hub: ringmain::Hub,
    directory: Option<PathBuf>,
}

impl Hub {
    pub(crate) fn durable(&self) -> bool {
        self.directory.is_some()
    }
}

#[pymethods]
impl Hub {
    /// Opens the durable hub in a directory, or one in memory.
    #[new]
    #[pyo3(signature = (path, options, clock=None))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        options: &str,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Self> {
        let clock = clock.map(|clock| clock.get().clock.clone());
        let hub = detached(py, || open_hub_with(path.as_deref(), options, clock))?.hub;
        Ok(Self { hub, directory: path })
    }

    #[getter(durable)]
    fn is_durable(&self) -> bool {
        self.durable()
    }

    /// Does a verb that is not hot: arguments and answer as JSON.
    fn _call(&self, py: Python<'_>, verb: &str, arguments: &str) -> PyResult<String> {
        detached(py, || hub_call(&self.hub, verb, arguments))
    }

    /// As the verb `snapshot`. `progress` is called with bytes done and in all now and then; if it returns False there is no copy.
    fn _snapshot(&self, py: Python<'_>, into: &str, progress: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        let progress = progress.clone().unbind();
        let mut raised = None;
        let mut told = Instant::now();
        let copied = detached(py, || {
            snapshot_with(&self.hub, into, |at: SnapshotProgress| {
                let is_last = at.copied_bytes >= at.total_bytes;
                if told.elapsed() < SIGNAL_SLICE && !is_last {
                    return ControlFlow::Continue(());
                }
                told = Instant::now();
                let answer = Python::attach(|py| {
                    py.check_signals()?;
                    let answer = progress.call1(py, (at.copied_bytes, at.total_bytes))?;
                    Ok::<_, PyErr>(answer.extract::<bool>(py).unwrap_or(true))
                });
                match answer {
                    Ok(true) => ControlFlow::Continue(()),
                    Ok(false) => ControlFlow::Break(()),
                    Err(error) => {
                        raised = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })
        });
        raised.map_or(copied, Err)
    }

    #[pyo3(signature = (timeout=Some(10.0)), text_signature = "($self, timeout=10.0)")]
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

/// Does a verb that needs no hub: arguments and answer as JSON.
#[pyfunction]
pub fn _global_call(py: Python<'_>, verb: &str, arguments: &str) -> PyResult<String> {
    detached(py, || ringmain_surface::global_call(verb, arguments))
}
