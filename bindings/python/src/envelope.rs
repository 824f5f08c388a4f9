//! What a message looks like on its way out, the same for a job, a peeked message and a record.

use crate::call::attached;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// The headers as a dict. Of headers with one name the first counts, as in `header(name)`.
pub fn headers<'py, 'a>(
    py: Python<'py>,
    pairs: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> PyResult<Bound<'py, PyDict>> {
    let headers = PyDict::new(py);
    for (name, value) in pairs {
        if !headers.contains(name)? {
            headers.set_item(name, PyBytes::new(py, value))?;
        }
    }
    Ok(headers)
}

/// Bytes or None.
pub fn bytes<'py, 'a>(
    py: Python<'py>,
    read: impl FnOnce() -> Option<&'a [u8]>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    Ok(attached(py, || Ok(read()))?.map(|bytes| PyBytes::new(py, bytes)))
}

/// Writes the methods of a class, its own and those that every message has. `$inner` is the field that holds the
/// core's type.
macro_rules! message_methods {
    ($class:ty, $inner:ident, { $($own:tt)* }) => {
        #[pymethods]
        impl $class {
            $($own)*

            #[getter]
            fn key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, pyo3::types::PyBytes>>> {
                $crate::envelope::bytes(py, || self.$inner.key())
            }

            #[getter]
            fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
                let value = $crate::call::attached(py, || Ok(self.$inner.value()))?;
                Ok(pyo3::types::PyBytes::new(py, value))
            }

            #[getter]
            fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyDict>> {
                let pairs = $crate::call::attached(py, || Ok(self.$inner.headers().collect::<Vec<_>>()))?;
                $crate::envelope::headers(py, pairs.into_iter())
            }

            fn header<'py>(
                &self,
                py: Python<'py>,
                name: &str,
            ) -> PyResult<Option<Bound<'py, pyo3::types::PyBytes>>> {
                $crate::envelope::bytes(py, || self.$inner.header(name))
            }

            #[getter]
            fn time_ns(&self, py: Python<'_>) -> PyResult<u64> {
                $crate::call::attached(py, || Ok(self.$inner.time_ns()))
            }

            #[getter]
            fn event_time_ns(&self, py: Python<'_>) -> PyResult<Option<u64>> {
                $crate::call::attached(py, || Ok(self.$inner.event_time_ns()))
            }
        }
    };
}
pub(crate) use message_methods;
