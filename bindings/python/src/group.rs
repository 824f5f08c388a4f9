//! Consumer groups of a stream, and how a member joins one.

use crate::call::{attached, call};
use crate::member::{Callbacks, Member};
use crate::seconds::{duration, limit};
use crate::start::{JoinAt, chosen, reset};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use ringmain::{CommitMode, Start};

/// A consumer group of a stream.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Group {
    group: ringmain::Group,
    name: String,
    durable: bool,
}

impl Group {
    pub fn new(group: ringmain::Group, name: &str, durable: bool) -> Self {
        Self { group, name: name.to_owned(), durable }
    }
}

/// A callable, or nothing.
fn callback(argument: &str, callable: Option<Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    match callable {
        Some(callable) if !callable.is_callable() => {
            let kind = callable.get_type();
            Err(PyTypeError::new_err(format!("{argument} must be a callable or None, not {}", kind.name()?)))
        }
        callable => Ok(callable.map(Bound::unbind)),
    }
}

#[pymethods]
impl Group {
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    #[pyo3(
        signature = (
            start=JoinAt(Some(Start::Earliest)), *, member_name=None, session_timeout=45.0, max_poll_interval=300.0,
            revoke_timeout=None, on_out_of_range="fail", commit_mode="manual", on_assign=None, on_revoke=None, on_lost=None
        ),
        text_signature = "($self, start=\"earliest\", *, member_name=None, session_timeout=45.0, \
            max_poll_interval=300.0, revoke_timeout=None, on_out_of_range=\"fail\", commit_mode=\"manual\", \
            on_assign=None, on_revoke=None, on_lost=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keyword options of one Python call")]
    fn join(
        &self,
        py: Python<'_>,
        start: JoinAt,
        member_name: Option<&str>,
        session_timeout: f64,
        max_poll_interval: Option<f64>,
        revoke_timeout: Option<f64>,
        on_out_of_range: &str,
        commit_mode: &str,
        on_assign: Option<Bound<'_, PyAny>>,
        on_revoke: Option<Bound<'_, PyAny>>,
        on_lost: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Member> {
        let callbacks = Callbacks {
            on_assign: callback("on_assign", on_assign)?,
            on_revoke: callback("on_revoke", on_revoke)?,
            on_lost: callback("on_lost", on_lost)?,
        };
        let JoinAt(start) = start;
        let (group, commit_mode) = attached(py, || {
            let modes = [
                ("manual", CommitMode::Manual),
                ("on_poll", CommitMode::OnPoll),
                ("at_most_once", CommitMode::AtMostOnce),
            ];
            let mut group = self
                .group
                .clone()
                .session_timeout(duration("session_timeout", session_timeout)?)
                .max_poll_interval(limit(max_poll_interval)?)
                .on_out_of_range(reset(on_out_of_range)?);
            if let Some(name) = member_name {
                group = group.member_name(name);
            }
            if let Some(timeout) = revoke_timeout {
                group = group.revoke_timeout(duration("revoke_timeout", timeout)?);
            }
            Ok((group, chosen("commit_mode", commit_mode, &modes)?))
        })?;
        Member::join(py, group, start, commit_mode, callbacks, self.durable)
    }

    fn committed(&self, py: Python<'_>) -> PyResult<Vec<Option<u64>>> {
        call(py, self.durable, || self.group.committed())
    }

    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, self.durable, || self.group.lag())
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.Group {:?}>", self.name)
    }
}
