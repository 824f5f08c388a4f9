//! Tables: the last record of each key of a compacted stream.

use crate::answer::Out;
use crate::argument::bytes;
use crate::batch::{BatchOut, check_count_max};
use crate::guard::entry;
use crate::reader::alone;
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::table::{close_or_zero, get, open};
use ringmain::limits::KEY_BYTES_MAX;
use ringmain::{Record, Result, Stream, Table};
use std::ffi::c_void;
use std::sync::Mutex;

/// The last record of each key of a stream that is compacted. It follows the stream. 0 is no table. Any thread may use it.
pub type ringmain_table = u64;

/// A walk over the keys of a table. 0 is no scan. Any thread may use it, one at a time: others wait for it.
pub type ringmain_table_scan = u64;

/// The rest of a walk.
pub(crate) type Scan = Mutex<Box<dyn Iterator<Item = Result<Record>> + Send>>;

/// Opens the table of the stream: its keys are read into memory. `RINGMAIN_ERROR_INVALID_ARGUMENT` if the stream is not compacted,
/// `RINGMAIN_ERROR_FULL` if it has more keys than its options allow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_table_open(stream: ringmain_stream, table_out: *mut ringmain_table) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("table_out", table_out) }?;
        out.set(open(get::<Stream>(stream)?.table()?)?);
        Ok(())
    })
}

/// Stores the last record of a key, as a batch of one; 0 if the key has no value. Whoever appended a record and was told so finds it.
/// Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_table_get(
    table: ringmain_table,
    key: *const c_void,
    key_bytes: usize,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(table, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        // SAFETY: the caller's promise.
        let key = unsafe { bytes("key", key, key_bytes, KEY_BYTES_MAX) }?;
        out.set(get::<Table>(table)?.get(key)?.into_iter().collect())
    })
}

/// Stores how many keys have a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_table_count(table: ringmain_table, count_out: *mut usize) -> i32 {
    entry(table, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("count_out", count_out) }?;
        out.set(get::<Table>(table)?.len()?);
        Ok(())
    })
}

/// Closes the table; its scans go on. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_table_close(table: ringmain_table) -> i32 {
    entry(table, || close_or_zero::<Table>(table))
}

/// Begins a walk over all keys that have a value now: by partition, and there in the order in which they were written last. Each comes
/// once, with the value that it has when its turn comes, and not if it has none then. Close the scan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_table_scan_open(
    table: ringmain_table,
    scan_out: *mut ringmain_table_scan,
) -> i32 {
    entry(table, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("scan_out", scan_out) }?;
        let scan: Scan = Mutex::new(Box::new(get::<Table>(table)?.iter()?));
        out.set(open(scan)?);
        Ok(())
    })
}

/// Stores a batch of the next up to `count_max` (1 to 65,536) records and how many there are; 0 at the end. Does not wait. Close the
/// batch. After an error what was read of that batch is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_table_scan_next(
    scan: ringmain_table_scan,
    count_max: usize,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(scan, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        check_count_max(count_max)?;
        let scan = get::<Scan>(scan)?;
        let records = alone(&scan)?.by_ref().take(count_max).collect::<Result<Vec<_>>>()?;
        out.set(records)
    })
}

/// Closes the scan. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_table_scan_close(scan: ringmain_table_scan) -> i32 {
    entry(scan, || close_or_zero::<Scan>(scan))
}
