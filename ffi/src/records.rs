//! Batches of records.

use crate::answer::{Out, OutStruct};
use crate::argument::Versioned;
use crate::batch::element;
use crate::guard::entry;
use crate::header::{answer_at, answer_named, ringmain_header};
use crate::table::{close_or_zero, get};
use ringmain::{Record, RecordRef};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;

/// A batch of records, from a reader or a member. 0 is no batch. Any thread may use it.
pub type ringmain_records = u64;

/// One record of a stream. The pointers live until its batch is closed.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_record {
    /// sizeof(ringmain_record), set by the caller.
    pub size: usize,
    /// Its number in the partition: strictly increasing, not always by one.
    pub offset: u64,
    /// The value.
    pub value: *const c_void,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// The key; NULL if it has none.
    pub key: *const c_void,
    /// Bytes of the key.
    pub key_bytes: usize,
    /// How many headers it has.
    pub header_count: usize,
    /// When it was appended, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The producer's event time, in nanoseconds since 1970; 0 for not said.
    pub event_time_ns: u64,
    /// The partition.
    pub partition: u32,
    /// 1 if it says that its key has no value any more, otherwise 0.
    pub is_tombstone: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_record {
    const NAME: &'static str = "ringmain_record";
    const BYTES_MIN: usize = offset_of!(ringmain_record, is_tombstone) + size_of::<u32>();
}

macro_rules! record_of {
    ($type:ty) => {
        impl From<&$type> for ringmain_record {
            fn from(record: &$type) -> Self {
                Self {
                    size: size_of::<Self>(),
                    offset: record.position().offset,
                    value: record.value().as_ptr().cast(),
                    value_bytes: record.value().len(),
                    key: record.key().map_or(std::ptr::null(), |key| key.as_ptr().cast()),
                    key_bytes: record.key().map_or(0, <[u8]>::len),
                    header_count: record.headers().count(),
                    time_ns: record.time_ns(),
                    event_time_ns: record.event_time_ns().unwrap_or(0),
                    partition: record.position().partition,
                    is_tombstone: record.is_tombstone().into(),
                }
            }
        }
    };
}
record_of!(Record);
record_of!(RecordRef<'_>);

/// Stores the record at `index`, from 0. Set `record_out->size` before. The pointers live until the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_records_get(
    records: ringmain_records,
    index: usize,
    record_out: *mut ringmain_record,
) -> i32 {
    entry(records, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("record_out", record_out) }?;
        let records = get::<Vec<Record>>(records)?;
        out.set(element(&records, index)?.into());
        Ok(())
    })
}

/// Stores the first header of the NUL-terminated name `header_name` of the record at `index`. If there is none, its
/// `value` is NULL: that is no error. The pointers live until the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_records_header(
    records: ringmain_records,
    index: usize,
    header_name: *const c_char,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(records, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        // SAFETY: the caller's promise.
        unsafe { answer_named(element(&get::<Vec<Record>>(records)?, index)?, header_name, &out) }
    })
}

/// Stores the header at `header_index`, from 0 to `header_count` - 1, of the record at `index`. The pointers live until
/// the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_records_header_at(
    records: ringmain_records,
    index: usize,
    header_index: usize,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(records, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        answer_at(element(&get::<Vec<Record>>(records)?, index)?, header_index, &out)
    })
}

/// Closes the batch and frees what it lent. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_records_close(records: ringmain_records) -> i32 {
    entry(records, || close_or_zero::<Vec<Record>>(records))
}
