//! Replays: records at the pace at which they came.

use crate::answer::Out;
use crate::argument::{Versioned, options};
use crate::batch::BatchOut;
use crate::canceller::ringmain_canceller;
use crate::guard::entry;
use crate::reader::{alone, reader_with, ringmain_reader_options};
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::stream_options::unknown;
use crate::table::{close_or_zero, get, open};
use ringmain::{Error, Pace, Replay, Result, TimeOf};
use std::mem::offset_of;
use std::sync::Mutex;
use std::time::Duration;

/// Hands out the records of a stream at the pace at which they came, times a factor. 0 is no replay. Any thread may use it, one at a
/// time: others wait for it.
pub type ringmain_replay = u64;

/// When the record was accepted.
pub const RINGMAIN_TIME_OF_INGEST: i32 = 0;
/// Its event time; when it was accepted, if it has none.
pub const RINGMAIN_TIME_OF_EVENT: i32 = 1;

/// How fast a stream is replayed. Set `size`, zero the rest: 0 is the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_pace {
    /// sizeof(ringmain_pace).
    pub size: usize,
    /// How many times as fast as the records came: 2.0 takes half the time. Above 0. Default 1.0.
    pub factor: f64,
    /// Longer gaps between two records are taken for gaps of this length, before the factor. Default none.
    pub gap_max_ms: u64,
    /// Which time of a record counts: one of `RINGMAIN_TIME_OF_*`.
    pub time_of: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_pace {
    const NAME: &'static str = "ringmain_pace";
    const BYTES_MIN: usize = offset_of!(ringmain_pace, reserved) + size_of::<u32>();
}

/// Opens a replay of what a reader with these arguments would read, as `ringmain_reader_open_with`. `options` and `pace` may be NULL.
/// Records come in the order of their times across the partitions; whoever is late is handed out what is due until the schedule is
/// met again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_replay_open(
    stream: ringmain_stream,
    partition: i64,
    start_kind: i32,
    start_value: u64,
    options: *const ringmain_reader_options,
    pace: *const ringmain_pace,
    replay_out: *mut ringmain_replay,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, pace) =
            unsafe { (Out::one("replay_out", replay_out)?, pace_of(&self::options("pace", pace)?)?) };
        // SAFETY: the caller's promise.
        let reader = unsafe { reader_with(stream, partition, start_kind, start_value, options) }?;
        out.set(open(Mutex::new(reader.replay(pace)?))?);
        Ok(())
    })
}

fn pace_of(raw: &ringmain_pace) -> Result<Pace> {
    if raw.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", raw.reserved)));
    }
    let time_of = match raw.time_of {
        RINGMAIN_TIME_OF_INGEST => TimeOf::Ingest,
        RINGMAIN_TIME_OF_EVENT => TimeOf::Event,
        other => return Err(unknown("time_of", other, "RINGMAIN_TIME_OF_*")),
    };
    let factor = if raw.factor == 0.0 { 1.0 } else { raw.factor };
    let gap_max = (raw.gap_max_ms > 0).then(|| Duration::from_millis(raw.gap_max_ms));
    Ok(Pace { factor, time_of, gap_max })
}

/// Stores the next record, as a batch of one, when its time has come: waits for that, and not for records that are still to be
/// appended. 0 at the end of what is there, and when it was cancelled. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_replay_next(
    replay: ringmain_replay,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(replay, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        let replay = get::<Mutex<Replay>>(replay)?;
        let next = alone(&replay)?.next().transpose()?;
        out.set(next.into_iter().collect())
    })
}

/// Stores the next record, as a batch of one, if its time has come, without waiting; otherwise 0. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_replay_try_next(
    replay: ringmain_replay,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(replay, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        let replay = get::<Mutex<Replay>>(replay)?;
        let next = alone(&replay)?.try_next()?;
        out.set(next.into_iter().collect())
    })
}

/// Stores when the next record is due, in nanoseconds since 1970; 0 if there is none now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_replay_due(replay: ringmain_replay, due_ns_out: *mut u64) -> i32 {
    entry(replay, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("due_ns_out", due_ns_out) }?;
        let replay = get::<Mutex<Replay>>(replay)?;
        out.set(alone(&replay)?.due_ns()?.unwrap_or(0));
        Ok(())
    })
}

/// Stores what ends the replay from any thread. Ask for it before another thread waits in it. Close the canceller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_replay_canceller(
    replay: ringmain_replay,
    canceller_out: *mut ringmain_canceller,
) -> i32 {
    entry(replay, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("canceller_out", canceller_out) }?;
        let replay = get::<Mutex<Replay>>(replay)?;
        let canceller = alone(&replay)?.canceller();
        out.set(open(canceller)?);
        Ok(())
    })
}

/// Closes the replay. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_replay_close(replay: ringmain_replay) -> i32 {
    entry(replay, || close_or_zero::<Mutex<Replay>>(replay))
}
