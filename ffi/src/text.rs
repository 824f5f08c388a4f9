//! Answers of any length: text that is lent until its handle is closed.

use crate::answer::Out;
use crate::guard::entry;
use crate::table::{close_or_zero, get, open};
use ringmain::{Error, Result};
use std::ffi::{CString, c_char};

/// Text that a call has answered with: JSON where its comment says so. 0 is no text. Any thread may use it.
///
/// In JSON, durations are numbers of milliseconds and end in `_ms`; points in time are integers of nanoseconds since 1970 and
/// end in `_ns`; bytes are base64 and end in `_base64`; an error is an object of `code`, `name` and `message`. Later versions
/// may add fields.
pub type ringmain_text = u64;

#[derive(Debug)]
pub(crate) struct Text(CString);

/// Opens text for a caller, who closes it.
pub(crate) fn answer(text: String, out: &Out<ringmain_text>) -> Result<()> {
    let text = CString::new(text).map_err(|error| Error::Internal { detail: error.to_string() })?;
    out.set(open(Text(text))?);
    Ok(())
}

/// Stores where the text is, NUL-terminated UTF-8, and how many bytes it has without the NUL (`bytes_out` may be NULL). The
/// pointer lives until the text is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_text_get(
    text: ringmain_text,
    text_out: *mut *const c_char,
    bytes_out: *mut usize,
) -> i32 {
    entry(text, || {
        // SAFETY: the caller's promise.
        let (out, bytes) = unsafe { (Out::one("text_out", text_out), Out::optional("bytes_out", bytes_out)) };
        // Both are zeroed, even if one of them is bad.
        let (out, bytes) = (out?, bytes?);
        let text = get::<Text>(text)?;
        out.set(text.0.as_ptr());
        bytes.set(text.0.as_bytes().len());
        Ok(())
    })
}

/// Closes the text and frees it. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_text_close(text: ringmain_text) -> i32 {
    entry(text, || close_or_zero::<Text>(text))
}
