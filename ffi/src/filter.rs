//! Filters: which records a reader wants, as data.

use crate::argument::{Versioned, array, bytes, text_terminated, versioned, versioned_array};
use crate::foreign::Context;
use crate::records::ringmain_record;
use crate::stream_options::unknown;
use ringmain::limits::{
    FILTER_DEPTH_MAX, FILTER_TERM_COUNT_MAX, HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, KEY_BYTES_MAX,
};
use ringmain::{Error, Filter, Result};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;

/// Records with one of the `keys`.
pub const RINGMAIN_FILTER_KEYS: i32 = 1;
/// Records with a header `name`.
pub const RINGMAIN_FILTER_HAS_HEADER: i32 = 2;
/// Records with a header `name` of the value `value`; where several have the name, any of them.
pub const RINGMAIN_FILTER_HEADER: i32 = 3;
/// Records that all of the `filters` want; all records, if there are none.
pub const RINGMAIN_FILTER_ALL: i32 = 4;
/// Records that any of the `filters` wants; no record, if there are none.
pub const RINGMAIN_FILTER_ANY: i32 = 5;
/// Records of which `is_wanted` says so.
pub const RINGMAIN_FILTER_WHERE: i32 = 6;

/// A key. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_key {
    /// The key; may be NULL if it has no bytes.
    pub key: *const c_void,
    /// Bytes of the key, at most 4096.
    pub key_bytes: usize,
}

/// Whether a record is wanted: not 0 if it is. The record and what it points to live until the callback returns. Called once for each
/// record that is looked at, by whichever thread is in a call on the reader; it must not use that reader.
pub type ringmain_is_wanted =
    Option<unsafe extern "C" fn(context: *mut c_void, record: *const ringmain_record) -> i32>;

/// Which records a reader wants. Keys and values of headers are compared byte for byte. Everything that it points to is copied before
/// the call returns, but for `context`. At most 65,536 terms, each key counted, at most 16 deep in one another.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_filter {
    /// sizeof(ringmain_filter).
    pub size: usize,
    /// One of `RINGMAIN_FILTER_*`. The fields below that it does not name are not looked at.
    pub kind: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Keys.
    pub keys: *const ringmain_key,
    /// How many keys there are.
    pub key_count: usize,
    /// The NUL-terminated name of a header, UTF-8.
    pub name: *const c_char,
    /// The value of a header; may be NULL if it has no bytes.
    pub value: *const c_void,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// Filters.
    pub filters: *const ringmain_filter,
    /// How many filters there are.
    pub filter_count: usize,
    /// Says which records are wanted.
    pub is_wanted: ringmain_is_wanted,
    /// Given to `is_wanted`; it must live as long as the reader.
    pub context: *mut c_void,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers, numbers and a function that may be NULL.
unsafe impl Versioned for ringmain_filter {
    const NAME: &'static str = "ringmain_filter";
    const BYTES_MIN: usize = offset_of!(ringmain_filter, context) + size_of::<*mut c_void>();
}

/// A filter of the caller's; `None` for NULL.
///
/// # Safety
/// The caller's promise for the struct and for everything it points to.
pub(crate) unsafe fn filter(
    argument: &'static str,
    pointer: *const ringmain_filter,
) -> Result<Option<Filter>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { made(&versioned(argument, pointer)?, &mut Budget { terms: FILTER_TERM_COUNT_MAX }, 1) }.map(Some)
}

/// Terms that it may still have: filters that lie in one another may be the same ones again and again.
struct Budget {
    terms: usize,
}

impl Budget {
    fn take(&mut self, terms: usize) -> Result<()> {
        self.terms = self.terms.checked_sub(terms).ok_or_else(|| {
            let detail = format!("it has more than {FILTER_TERM_COUNT_MAX} terms, each key counted");
            Error::invalid("filter", detail)
        })?;
        Ok(())
    }
}

/// # Safety
/// The caller's promise for everything `raw` points to.
unsafe fn made(raw: &ringmain_filter, budget: &mut Budget, depth: usize) -> Result<Filter> {
    if depth > FILTER_DEPTH_MAX {
        let detail = format!("filters lie more than {FILTER_DEPTH_MAX} deep in one another");
        return Err(Error::invalid("filter", detail));
    }
    if raw.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", raw.reserved)));
    }
    budget.take(1)?;
    // SAFETY: the caller's promise.
    let name = || unsafe { text_terminated("name", raw.name, HEADER_NAME_BYTES_MAX) };
    match raw.kind {
        RINGMAIN_FILTER_KEYS => {
            // SAFETY: the caller's promise.
            let keys = unsafe { array("keys", raw.keys, raw.key_count, FILTER_TERM_COUNT_MAX) }?;
            budget.take(keys.len().saturating_sub(1))?;
            let key = |key: &ringmain_key| {
                // SAFETY: the caller's promise.
                unsafe { bytes("key", key.key, key.key_bytes, KEY_BYTES_MAX) }
            };
            Ok(Filter::keys(keys.iter().map(key).collect::<Result<Vec<&[u8]>>>()?))
        }
        RINGMAIN_FILTER_HAS_HEADER => Ok(Filter::has_header(name()?)),
        RINGMAIN_FILTER_HEADER => {
            // SAFETY: the caller's promise.
            let value = unsafe { bytes("value", raw.value, raw.value_bytes, HEADER_VALUE_BYTES_MAX) }?;
            Ok(Filter::header(name()?, value))
        }
        RINGMAIN_FILTER_ALL | RINGMAIN_FILTER_ANY => {
            // SAFETY: the caller's promise.
            let raws =
                unsafe { versioned_array("filters", raw.filters, raw.filter_count, FILTER_TERM_COUNT_MAX) }?;
            // SAFETY: the caller's promise.
            let filters = raws.iter().map(|raw| unsafe { made(raw, budget, depth + 1) });
            let filters = filters.collect::<Result<Vec<_>>>()?;
            Ok(if raw.kind == RINGMAIN_FILTER_ALL { Filter::all(filters) } else { Filter::any(filters) })
        }
        RINGMAIN_FILTER_WHERE => {
            let Some(is_wanted) = raw.is_wanted else {
                return Err(Error::invalid("is_wanted", "it is NULL"));
            };
            let context = Context::new(raw.context);
            Ok(Filter::by(move |record| {
                let record = ringmain_record::from(&record);
                // SAFETY: the caller's promise for callbacks; the record lives until it returns.
                unsafe { is_wanted(context.pointer(), &raw const record) != 0 }
            }))
        }
        other => Err(unknown("filter kind", other, "RINGMAIN_FILTER_*")),
    }
}
