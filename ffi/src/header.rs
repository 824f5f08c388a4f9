//! Headers, in both directions.

use crate::answer::{Out, Zero};
use crate::argument::text_terminated;
use ringmain::limits::HEADER_NAME_BYTES_MAX;
use ringmain::{Delivery, Error, Peeked, Record, Result};
use std::ffi::{c_char, c_void};

/// One header of a message. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_header {
    /// The name, UTF-8, not NUL-terminated. Names that start with "rm-" are the engine's and refused in messages.
    pub name: *const c_char,
    /// Bytes of the name, 1 to 255.
    pub name_bytes: usize,
    /// The value; NULL in an answer means that there is no such header.
    pub value: *const c_void,
    /// Bytes of the value, at most 32768.
    pub value_bytes: usize,
}

// SAFETY: pointers and numbers.
unsafe impl Zero for ringmain_header {}

/// What has headers.
pub(crate) trait Headers {
    /// All headers, in order.
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])>;
}

macro_rules! headers {
    ($($type:ty)*) => {
        $(impl Headers for $type {
            fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
                self.headers()
            }
        })*
    };
}
headers! { Delivery Peeked Record }

/// Answers with the first header of a name; stays zero if there is none.
///
/// # Safety
/// The caller's promise for `name`, NUL-terminated.
pub(crate) unsafe fn answer_named(
    of: &impl Headers,
    name: *const c_char,
    out: &Out<ringmain_header>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let name = unsafe { text_terminated("header_name", name, HEADER_NAME_BYTES_MAX) }?;
    if let Some(header) = of.all().find(|(stored, _)| *stored == name) {
        out.set(lent(header));
    }
    Ok(())
}

/// Answers with the header at an index.
pub(crate) fn answer_at(of: &impl Headers, index: usize, out: &Out<ringmain_header>) -> Result<()> {
    let Some(header) = of.all().nth(index) else {
        let detail = format!("{index} is beyond the {} headers of this message", of.all().count());
        return Err(Error::invalid("header_index", detail));
    };
    out.set(lent(header));
    Ok(())
}

/// Pointers that live as long as what they were taken from.
fn lent((name, value): (&str, &[u8])) -> ringmain_header {
    ringmain_header {
        name: name.as_ptr().cast(),
        name_bytes: name.len(),
        value: value.as_ptr().cast(),
        value_bytes: value.len(),
    }
}
