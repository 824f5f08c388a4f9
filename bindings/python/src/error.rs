//! Errors of the core as Python exceptions: one class per code, from the one table `ringmain::ErrorCode::ALL`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use ringmain::{Error, ErrorCode};

/// Name to number of every code; `ringmain.errors` builds its classes on it.
pub fn codes(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let codes = PyDict::new(py);
    for &code in ErrorCode::ALL {
        codes.set_item(code.name(), code as i32)?;
    }
    Ok(codes)
}

/// The exception of an error.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    static BUILD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let build = || {
        let build = BUILD.import(py, "ringmain.errors", "_build")?;
        build.call1((error.code() as i32, error.to_string(), error.errno()))
    };
    build().map_or_else(|failed| failed, PyErr::from_value)
}

/// Whether an exception is the one of this code.
pub fn is(py: Python<'_>, error: &PyErr, code: ErrorCode) -> bool {
    let found = error.value(py).getattr("code").and_then(|found| found.extract::<i32>());
    found.is_ok_and(|found| found == code as i32)
}
