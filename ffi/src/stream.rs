//! Streams: open, look for an offset, compact, count.

use crate::answer::{Out, OutStruct};
use crate::argument::{Versioned, name, options};
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::stream_options::{ringmain_stream_options, with_options};
use crate::table::{close_or_zero, get, open};
use ringmain::{Error, Hub, Stream};
use std::ffi::c_char;
use std::mem::offset_of;

/// An open event stream. 0 is no stream. Any thread may use it.
pub type ringmain_stream = u64;

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
    /// Records that may be read: without those that were compacted away, or that are hidden by later ones of their key.
    pub records: u64,
    /// Records appended, over the last minute; or since the last time that somebody asked, if that is longer ago.
    pub produced_per_second: f64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_partition_stats {
    const NAME: &'static str = "ringmain_partition_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_partition_stats, produced_per_second) + size_of::<f64>();
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
        let builder = with_options(get::<Hub>(hub)?.stream(stream_name), &options)?;
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

/// Stores the smallest offset of a partition whose record was accepted at or after `time_ns` (nanoseconds since 1970): the end if
/// there is none, the start if all were. Found by bisection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_offset_at_time(
    stream: ringmain_stream,
    partition: u32,
    time_ns: u64,
    offset_out: *mut u64,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("offset_out", offset_out) }?;
        out.set(get::<Stream>(stream)?.offset_at_time(partition, time_ns)?);
        Ok(())
    })
}

/// Stores the offset of the first record of a partition whose event time is at or after `time_ns` (nanoseconds since 1970); the end if
/// there is none. Event times come in any order, so there are others behind it. There is no index of them: the partition is read
/// from its start to that record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_scan_event_time(
    stream: ringmain_stream,
    partition: u32,
    time_ns: u64,
    offset_out: *mut u64,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("offset_out", offset_out) }?;
        out.set(get::<Stream>(stream)?.scan_event_time(partition, time_ns)?);
        Ok(())
    })
}

/// Compacts the stream now, as far as its options allow, instead of when it is worth while; returns when every partition is done. A
/// stream that is not compacted stays as it is.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_stream_compact(stream: ringmain_stream) -> i32 {
    entry(stream, || get::<Stream>(stream)?.compact())
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
        out.set(ringmain_partition_stats {
            size: 0,
            start: stats.start,
            end: stats.end,
            bytes: stats.bytes,
            records: stats.records,
            produced_per_second: stats.produced_per_second,
        });
        Ok(())
    })
}

/// Closes the handle; the stream and its records stay. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_stream_close(stream: ringmain_stream) -> i32 {
    entry(stream, || close_or_zero::<Stream>(stream))
}
