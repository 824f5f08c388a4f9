//! Points of a stream as Python says them: where a reader begins and ends, and times.

use crate::call::attached;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyString};
use ringmain::{End, Error, Reset, Start};

/// The nanoseconds of `ringmain.Time` or a `datetime`.
fn of_time(object: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    static TIME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static DATETIME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let time = TIME.import(py, "ringmain.options", "Time")?;
    if object.is_instance(time)? {
        return object.getattr("ns")?.extract().map(Some);
    }
    if object.is_instance(DATETIME.import(py, "datetime", "datetime")?)? {
        return time.call_method1("of", (object,))?.getattr("ns")?.extract().map(Some);
    }
    Ok(None)
}

/// What a text chooses.
pub fn chosen<T: Copy>(argument: &'static str, text: &str, choices: &[(&str, T)]) -> ringmain::Result<T> {
    let found = choices.iter().find(|(name, _)| *name == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        Error::invalid(argument, format!("{text:?} is not one of {}", names.join(", ")))
    })
}

/// Where to begin, as Python says it: "earliest", "latest", an offset, or a time.
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
                    format!("{text:?} is not one of \"earliest\", \"latest\", an offset, a time"),
                )),
            });
        }
        if start.is_instance_of::<PyInt>() {
            return start.extract().map(Start::Offset).map(Self);
        }
        match of_time(&start)? {
            Some(ns) => Ok(Self(Start::Time(ns))),
            None => Err(PyTypeError::new_err(format!(
                "start must be \"earliest\", \"latest\", an offset, a datetime or ringmain.Time(ns), not {}",
                start.get_type().name()?
            ))),
        }
    }
}

/// Where a member begins if its group has not: as [`StartAt`], or nowhere.
pub struct JoinAt(pub Option<Start>);

impl FromPyObject<'_, '_> for JoinAt {
    type Error = PyErr;

    fn extract(start: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let is_committed = start.cast::<PyString>().is_ok_and(|text| text.to_string_lossy() == "committed");
        if is_committed {
            return Ok(Self(None));
        }
        start.extract::<StartAt>().map(|StartAt(start)| Self(Some(start)))
    }
}

/// Where a reader ends: "now", an offset, or a time.
pub struct EndAt(pub End);

impl FromPyObject<'_, '_> for EndAt {
    type Error = PyErr;

    fn extract(end: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = end.cast::<PyString>() {
            let text = text.to_string_lossy();
            return attached(end.py(), || match &*text {
                "now" => Ok(Self(End::Now)),
                _ => {
                    Err(Error::invalid("until", format!("{text:?} is not one of \"now\", an offset, a time")))
                }
            });
        }
        if end.is_instance_of::<PyInt>() {
            return end.extract().map(End::Offset).map(Self);
        }
        match of_time(&end)? {
            Some(ns) => Ok(Self(End::Time(ns))),
            None => Err(PyTypeError::new_err(format!(
                "until must be \"now\", an offset, a datetime or ringmain.Time(ns), not {}",
                end.get_type().name()?
            ))),
        }
    }
}

/// Where it goes on when the records that it would read next were removed: "fail", "earliest" or "latest".
pub fn reset(text: &str) -> ringmain::Result<Reset> {
    let choices = [("fail", Reset::Fail), ("earliest", Reset::Earliest), ("latest", Reset::Latest)];
    chosen("on_out_of_range", text, &choices)
}
