//! Streams: open, append, count.

use crate::answer::{Out, OutStruct, Zero};
use crate::argument::{Versioned, name, options};
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::message::{message, messages, ringmain_message};
use crate::table::{close_or_zero, get, open};
use ringmain::limits::BATCH_RECORDS_MAX;
use ringmain::{Error, Hub, Position, Stream};
use std::ffi::c_char;
use std::mem::offset_of;

/// An open event stream. 0 is no stream. Any thread may use it.
pub type ringmain_stream = u64;

/// Options of a stream. Set `size`, zero the rest: 0 is the default, or what is stored if the stream exists.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_stream_options {
    /// sizeof(ringmain_stream_options).
    pub size: usize,
    /// How many partitions a new stream has; default 1, at most 1024. A stream with fewer gets more, unless keys of its records
    /// would move (`RINGMAIN_ERROR_INVALID_ARGUMENT`); one with more is `RINGMAIN_ERROR_OPTION_MISMATCH`. 0: as it is.
    pub partitions: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_stream_options {
    const NAME: &'static str = "ringmain_stream_options";
    const BYTES_MIN: usize = offset_of!(ringmain_stream_options, reserved) + size_of::<u32>();
}

/// Where a record is. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_position {
    /// Its number in the partition: strictly increasing, not always by one.
    pub offset: u64,
    /// The partition.
    pub partition: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers.
unsafe impl Zero for ringmain_position {}

impl From<Position> for ringmain_position {
    fn from(position: Position) -> Self {
        Self { offset: position.offset, partition: position.partition, reserved: 0 }
    }
}

/// Counts of one partition.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_partition_stats {
    /// sizeof(ringmain_partition_stats), set by the caller.
    pub size: usize,
    /// First offset held.
    pub start: u64,
    /// One past the last offset.
    pub end: u64,
    /// Bytes held, with what the log adds to each record.
    pub bytes: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_partition_stats {
    const NAME: &'static str = "ringmain_partition_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_partition_stats, bytes) + size_of::<u64>();
}

/// Opens the stream `stream_name` (NUL-terminated), making it if it does not exist. `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_open(
    hub: ringmain_hub,
    stream_name: *const c_char,
    options: *const ringmain_stream_options,
    stream_out: *mut ringmain_stream,
) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let (out, stream_name, options) = unsafe {
            (
                Out::one("stream_out", stream_out)?,
                name("stream_name", stream_name)?,
                self::options("options", options)?,
            )
        };
        if options.reserved != 0 {
            return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
        }
        let mut builder = get::<Hub>(hub)?.stream(stream_name);
        if options.partitions > 0 {
            builder = builder.partitions(options.partitions);
        }
        out.set(open(builder.open()?)?);
        Ok(())
    })
}

/// Stores how many partitions the stream has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_partitions(stream: ringmain_stream, count_out: *mut u32) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("count_out", count_out) }?;
        out.set(get::<Stream>(stream)?.partitions());
        Ok(())
    })
}

/// Appends a record and stores its position (NULL if it does not matter) once it has reached the hub's durability. Its
/// key chooses the partition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append(
    stream: ringmain_stream,
    message: *const ringmain_message,
    position_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::optional("position_out", position_out)?, self::message("message", message)?) };
        out.set(get::<Stream>(stream)?.append(message)?.into());
        Ok(())
    })
}

/// Appends `count` records and stores their positions (`count` of them, or NULL). Those of one partition are one
/// atomic batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append_batch(
    stream: ringmain_stream,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, messages) = unsafe {
            (
                Out::optional_array("positions_out", positions_out, count, BATCH_RECORDS_MAX)?,
                self::messages("messages", messages, count)?,
            )
        };
        out.set_all(get::<Stream>(stream)?.append_batch(&messages)?.into_iter().map(Into::into));
        Ok(())
    })
}

/// Stores the counts of one partition. Set `stats_out->size` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_stats_get(
    stream: ringmain_stream,
    partition: u32,
    stats_out: *mut ringmain_partition_stats,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("stats_out", stats_out) }?;
        let stats = get::<Stream>(stream)?.stats()?;
        let Some(stats) = stats.partitions.get(partition as usize) else {
            let detail = format!("{partition} is beyond the stream's {} partitions", stats.partitions.len());
            return Err(Error::invalid("partition", detail));
        };
        out.set(ringmain_partition_stats { size: 0, start: stats.start, end: stats.end, bytes: stats.bytes });
        Ok(())
    })
}

/// Closes the handle; the stream and its records stay. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_stream_close(stream: ringmain_stream) -> i32 {
    entry(stream, || close_or_zero::<Stream>(stream))
}
