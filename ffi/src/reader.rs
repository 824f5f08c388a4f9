//! Readers: a stream at one's own pace.

use crate::answer::Out;
use crate::argument::{Versioned, options, wait};
use crate::batch::{BatchOut, check_count_max};
use crate::canceller::ringmain_canceller;
use crate::filter::{filter, ringmain_filter};
use crate::guard::entry;
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::stream_options::unknown;
use crate::table::{close_or_zero, get, open};
use ringmain::{End, Error, Fetch, Reader, Reset, Result, Start, Stream};
use std::mem::offset_of;
use std::sync::{Mutex, MutexGuard};

/// Reads a stream at its own pace. 0 is no reader. Any thread may use it, one at a time: others wait for it.
pub type ringmain_reader = u64;

/// At the first record held.
pub const RINGMAIN_START_EARLIEST: i32 = 0;
/// After the last record.
pub const RINGMAIN_START_LATEST: i32 = 1;
/// At the offset `start_value`, in each partition that is read.
pub const RINGMAIN_START_OFFSET: i32 = 2;
/// At the first record appended at `start_value`, in nanoseconds since 1970, or later.
pub const RINGMAIN_START_TIME: i32 = 3;

/// All partitions.
pub const RINGMAIN_PARTITION_ALL: i64 = -1;

/// It has no end.
pub const RINGMAIN_END_NEVER: i32 = 0;
/// Before what is appended from now on.
pub const RINGMAIN_END_NOW: i32 = 1;
/// Before the offset `end_value`, in each partition that is read; waited for where it is beyond what is there.
pub const RINGMAIN_END_OFFSET: i32 = 2;
/// Before the first record accepted at `end_value`, in nanoseconds since 1970, or later; a time to come is waited for.
pub const RINGMAIN_END_TIME: i32 = 3;

/// Nowhere: `RINGMAIN_ERROR_OUT_OF_RANGE` comes again at each call, until a seek to an offset that is held.
pub const RINGMAIN_RESET_FAIL: i32 = 0;
/// At the first record held; the error comes once.
pub const RINGMAIN_RESET_EARLIEST: i32 = 1;
/// After the last record; the error comes once.
pub const RINGMAIN_RESET_LATEST: i32 = 2;

/// Options of a reader. Set `size`, zero the rest: 0 is the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_reader_options {
    /// sizeof(ringmain_reader_options).
    pub size: usize,
    /// Which records it hands out; NULL for all. What it does not want moves the reader on all the same.
    pub filter: *const ringmain_filter,
    /// Where it ends, in each partition that it reads: one of `RINGMAIN_END_*`.
    pub end_kind: i32,
    /// Where it goes on when the records that it would read next were removed, because they are too old or too many for the
    /// stream's options: one of `RINGMAIN_RESET_*`.
    pub on_out_of_range: i32,
    /// The offset or time of the end; 0 where the kind has none.
    pub end_value: u64,
    /// Must be 0.
    pub reserved: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_reader_options {
    const NAME: &'static str = "ringmain_reader_options";
    const BYTES_MIN: usize = offset_of!(ringmain_reader_options, reserved) + size_of::<u64>();
}

/// Opens a reader of one partition, or of all for `RINGMAIN_PARTITION_ALL`, that begins at `start_kind` (one of
/// `RINGMAIN_START_*`) and `start_value` (0 where the kind has none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_open(
    stream: ringmain_stream,
    partition: i64,
    start_kind: i32,
    start_value: u64,
    reader_out: *mut ringmain_reader,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("reader_out", reader_out) }?;
        // SAFETY: there are no options.
        let reader = unsafe { reader_with(stream, partition, start_kind, start_value, std::ptr::null()) }?;
        out.set(open(Mutex::new(reader))?);
        Ok(())
    })
}

/// As `ringmain_reader_open`, with options, which may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_open_with(
    stream: ringmain_stream,
    partition: i64,
    start_kind: i32,
    start_value: u64,
    options: *const ringmain_reader_options,
    reader_out: *mut ringmain_reader,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("reader_out", reader_out) }?;
        // SAFETY: the caller's promise.
        let reader = unsafe { reader_with(stream, partition, start_kind, start_value, options) }?;
        out.set(open(Mutex::new(reader))?);
        Ok(())
    })
}

/// Stores a batch of up to `count_max` (1 to 65,536) records and how many there are, waiting at most `wait_ms` for the
/// first. None is no error: then the batch is 0. Close the batch. To follow a stream, call it again and again with
/// `RINGMAIN_WAIT_FOREVER`: it waits until there is something, `ringmain_reader_is_done` says 1, or it was cancelled; with a filter
/// it may also come back with nothing after it has looked at 65,536 records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_poll(
    reader: ringmain_reader,
    count_max: usize,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        check_count_max(count_max)?;
        let reader = get::<Mutex<Reader>>(reader)?;
        let records = alone(&reader)?.poll(count_max, wait(wait_ms))?;
        out.set(records)
    })
}

/// Stores a batch with limits: waits at most `wait_ms` until there are `bytes_min` bytes (at least 1) of records, takes at most
/// `bytes_max` of them, but a first record that has more all the same, and at most `count_max` (1 to 65,536) records. Bytes are those
/// of the records in the log: key, headers and value, and 24 bytes each. What there is then comes, be it nothing. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_fetch(
    reader: ringmain_reader,
    bytes_min: u64,
    bytes_max: u64,
    count_max: usize,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        let fetch = Fetch { bytes_min, bytes_max, count_max, wait_max: wait(wait_ms) };
        let reader = get::<Mutex<Reader>>(reader)?;
        let records = alone(&reader)?.fetch(&fetch)?;
        out.set(records)
    })
}

/// As `ringmain_reader_poll`, and then waits for more, until there are `count_max`, or at most `fill_wait_ms` since the first came,
/// whether more come or not: a micro-batch. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_poll_batch(
    reader: ringmain_reader,
    count_max: usize,
    fill_wait_ms: u64,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        check_count_max(count_max)?;
        let reader = get::<Mutex<Reader>>(reader)?;
        let records = alone(&reader)?.poll_batch(count_max, wait(fill_wait_ms), wait(wait_ms))?;
        out.set(records)
    })
}

/// Stores 1 if the reader was told an end and has come to it in all its partitions, as of its last look, otherwise 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_is_done(reader: ringmain_reader, is_done_out: *mut i32) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_done_out", is_done_out) }?;
        let reader = get::<Mutex<Reader>>(reader)?;
        out.set(alone(&reader)?.is_done().into());
        Ok(())
    })
}

/// Stores how many records the reader is behind, over all its partitions: offsets from its places to the ends, be it that compaction
/// left some out, or that a filter does not want them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_lag(reader: ringmain_reader, lag_out: *mut u64) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("lag_out", lag_out) }?;
        let reader = get::<Mutex<Reader>>(reader)?;
        out.set(alone(&reader)?.lag());
        Ok(())
    })
}

/// Stores what ends the waiting of the reader from any thread. Ask for it before another thread waits in it. Close the canceller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_canceller(
    reader: ringmain_reader,
    canceller_out: *mut ringmain_canceller,
) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("canceller_out", canceller_out) }?;
        let reader = get::<Mutex<Reader>>(reader)?;
        let canceller = alone(&reader)?.canceller();
        out.set(open(canceller)?);
        Ok(())
    })
}

/// Continues one partition at `offset`.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_reader_seek(reader: ringmain_reader, partition: u32, offset: u64) -> i32 {
    entry(reader, || {
        let reader = get::<Mutex<Reader>>(reader)?;
        alone(&reader)?.seek(partition, offset)
    })
}

/// Closes the reader. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_reader_close(reader: ringmain_reader) -> i32 {
    entry(reader, || close_or_zero::<Mutex<Reader>>(reader))
}

/// The reader that a caller asks for.
///
/// # Safety
/// The caller's promise for the options and everything they point to.
pub(crate) unsafe fn reader_with(
    stream: ringmain_stream,
    partition: i64,
    start_kind: i32,
    start_value: u64,
    options: *const ringmain_reader_options,
) -> Result<Reader> {
    let start = start(start_kind, start_value)?;
    // SAFETY: the caller's promise.
    let options = unsafe { self::options("options", options) }?;
    let end = match (options.end_kind, options.end_value) {
        (RINGMAIN_END_NEVER, 0) => None,
        (RINGMAIN_END_NOW, 0) => Some(End::Now),
        (RINGMAIN_END_OFFSET, offset) => Some(End::Offset(offset)),
        (RINGMAIN_END_TIME, time_ns) => Some(End::Time(time_ns)),
        (RINGMAIN_END_NEVER | RINGMAIN_END_NOW, value) => {
            return Err(Error::invalid(
                "end_value",
                format!("it is {value}, this end_kind has none: give 0"),
            ));
        }
        (other, _) => return Err(unknown("end_kind", other, "RINGMAIN_END_*")),
    };
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    let reset = reset(options.on_out_of_range)?;
    // SAFETY: the caller's promise.
    let filter = unsafe { filter("filter", options.filter) }?;
    let stream = get::<Stream>(stream)?;
    let mut reader = match u32::try_from(partition) {
        Ok(partition) => stream.partition_reader(partition, start)?,
        Err(_) if partition == RINGMAIN_PARTITION_ALL => stream.reader(start)?,
        Err(_) => {
            let detail = format!("{partition}: give 0 to {}, or -1 for all", stream.partitions() - 1);
            return Err(Error::invalid("partition", detail));
        }
    };
    reader = reader.on_out_of_range(reset);
    if let Some(end) = end {
        reader = reader.until(end);
    }
    match filter {
        Some(filter) => reader.only(filter),
        None => Ok(reader),
    }
}

/// What to do when records were removed, from what a caller says.
pub(crate) fn reset(on_out_of_range: i32) -> Result<Reset> {
    match on_out_of_range {
        RINGMAIN_RESET_FAIL => Ok(Reset::Fail),
        RINGMAIN_RESET_EARLIEST => Ok(Reset::Earliest),
        RINGMAIN_RESET_LATEST => Ok(Reset::Latest),
        other => Err(unknown("on_out_of_range", other, "RINGMAIN_RESET_*")),
    }
}

/// Where to begin, from what a caller says.
pub(crate) fn start(kind: i32, value: u64) -> Result<Start> {
    match (kind, value) {
        (RINGMAIN_START_EARLIEST, 0) => Ok(Start::Earliest),
        (RINGMAIN_START_LATEST, 0) => Ok(Start::Latest),
        (RINGMAIN_START_OFFSET, offset) => Ok(Start::Offset(offset)),
        (RINGMAIN_START_TIME, time_ns) => Ok(Start::Time(time_ns)),
        (RINGMAIN_START_EARLIEST | RINGMAIN_START_LATEST, _) => {
            Err(Error::invalid("start_value", format!("it is {value}, this start_kind has none: give 0")))
        }
        _ => Err(Error::invalid("start_kind", format!("{kind} is not one of RINGMAIN_START_*"))),
    }
}

/// Waits until no other thread is in a call on it.
pub(crate) fn alone<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex
        .lock()
        .map_err(|_| Error::Internal { detail: "an earlier call on this handle panicked; close it".into() })
}
