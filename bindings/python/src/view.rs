//! Bytes that Python sees where they lie, without a copy.

use pyo3::ffi;
use pyo3::prelude::*;
use std::os::raw::c_int;

/// Fills a buffer that CPython asks an object for: read-only bytes, which keep the object alive.
///
/// # Safety
/// `buffer` is what CPython gave `__getbuffer__`. The bytes neither move nor change as long as `owner` lives.
pub unsafe fn export(
    owner: &Bound<'_, PyAny>,
    bytes: &[u8],
    buffer: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    let (start, count) = (bytes.as_ptr().cast_mut().cast(), bytes.len() as ffi::Py_ssize_t);
    // SAFETY: the buffer is the caller's to fill; CPython takes a reference to `owner` for as long as the view lives, and
    // refuses to write, as it is told that the bytes are read-only.
    let filled = unsafe { ffi::PyBuffer_FillInfo(buffer, owner.as_ptr(), start, count, 1, flags) };
    if filled == 0 { Ok(()) } else { Err(PyErr::fetch(owner.py())) }
}
