//! Readers: a stream at one's own pace.

use crate::answer::Out;
use crate::argument::wait;
use crate::batch::{BatchOut, check_count_max};
use crate::guard::entry;
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::table::{close_or_zero, get, open};
use ringmain::{Error, Reader, Result, Start, Stream};
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
        let start = start(start_kind, start_value)?;
        let stream = get::<Stream>(stream)?;
        let reader = match u32::try_from(partition) {
            Ok(partition) => stream.partition_reader(partition, start)?,
            Err(_) if partition == RINGMAIN_PARTITION_ALL => stream.reader(start)?,
            Err(_) => {
                let detail = format!("{partition}: give 0 to {}, or -1 for all", stream.partitions() - 1);
                return Err(Error::invalid("partition", detail));
            }
        };
        out.set(open(Mutex::new(reader))?);
        Ok(())
    })
}

/// Stores a batch of up to `count_max` (1 to 65,536) records and how many there are, waiting at most `wait_ms` for the
/// first. None is no error: then the batch is 0. Close the batch.
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
