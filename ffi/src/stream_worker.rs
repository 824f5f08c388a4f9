//! Workers of streams: threads that run a handler on each record, as one member of a group.

use crate::answer::{Out, OutStruct};
use crate::argument::{Versioned, name, versioned, wait};
use crate::error::with_errors_of;
use crate::foreign::{Context, answered};
use crate::guard::entry;
use crate::outcome::ringmain_outcome;
use crate::reader::{reset, start};
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::stream_options::{or_default, unknown};
use crate::table::{close, get, open};
use ringmain::{Error, Record, Result, Stream, StreamWorker};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::time::Duration;

/// Threads that handle the records of a stream until it is closed. 0 is no worker. Any thread may use it.
pub type ringmain_stream_worker = u64;

/// The worker stops with `RINGMAIN_ERROR_HANDLER_FAILED`, and the record is not committed.
pub const RINGMAIN_ON_FAILED_STOP: i32 = 0;
/// The record is committed as if it had been handled, and counted as skipped.
pub const RINGMAIN_ON_FAILED_SKIP: i32 = 1;
/// The record goes to `hand_over`, and is committed when that has returned 0.
pub const RINGMAIN_ON_FAILED_HAND_OVER: i32 = 2;

/// Handles `count` records of one partition, in order: look at them by `ringmain_records_get`. 0 is what `outcome` says, which is an ack
/// unless the handler changed it; another number is a failure: then all of them are tried again. Called by threads of the library,
/// several at a time; it must return, and neither throw nor jump out. The batch is closed when it returns. Records are handled
/// at least once: have it do no harm twice.
pub type ringmain_records_handler = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        records: ringmain_records,
        count: usize,
        outcome: *mut ringmain_outcome,
    ) -> i32,
>;

/// Takes a record that has failed too often, as a batch of one, with the reason of its last failure (not NUL-terminated); both live until
/// it returns. What is not 0 stops the worker with that error. As the handler, otherwise.
pub type ringmain_record_sink = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        records: ringmain_records,
        reason: *const c_char,
        reason_bytes: usize,
    ) -> i32,
>;

/// How a worker of a stream works. Set `size`, zero the rest: 0 is the default. It must have a handler.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_stream_worker_options {
    /// sizeof(ringmain_stream_worker_options).
    pub size: usize,
    /// Handles the records.
    pub handler: ringmain_records_handler,
    /// Takes what has failed too often; only with `RINGMAIN_ON_FAILED_HAND_OVER`.
    pub hand_over: ringmain_record_sink,
    /// Given to both; it must live until the worker is closed and all handlers have returned.
    pub context: *mut c_void,
    /// How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024.
    pub concurrency: u32,
    /// How many handlers of one partition run at a time, at most 1,024. Default 1, which keeps its order.
    pub parallel: u32,
    /// How many records the handler is given at a time, at most 65,536. Default 1.
    pub batch_max: u32,
    /// After how many failures a record is given up. Default 5.
    pub max_failures: u32,
    /// How long the first record of a batch waits for others. Default 0.
    pub batch_wait_ms: u64,
    /// After what time a record that failed is tried again; then twice as long each time. Default 1,000; `RINGMAIN_ZERO` for at once.
    pub retry_delay_ms: u64,
    /// The longest such time. Default 60,000; `RINGMAIN_ZERO` for at once.
    pub retry_delay_max_ms: u64,
    /// What becomes of a record that is given up: one of `RINGMAIN_ON_FAILED_*`.
    pub on_failed: i32,
    /// Where it goes on when the records that it would read next were removed: one of `RINGMAIN_RESET_*`. With
    /// `RINGMAIN_RESET_FAIL` it stops.
    pub on_out_of_range: i32,
    /// Where the group begins if it has committed nothing yet: one of `RINGMAIN_START_*`.
    pub start_kind: i32,
    /// Must be 0.
    pub reserved: u32,
    /// The offset or time of the start; 0 where the kind has none.
    pub start_value: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers, numbers and functions that may be NULL.
unsafe impl Versioned for ringmain_stream_worker_options {
    const NAME: &'static str = "ringmain_stream_worker_options";
    const BYTES_MIN: usize = offset_of!(ringmain_stream_worker_options, start_value) + size_of::<u64>();
}

/// Counts of a worker of a stream, in records; the totals count since it was started.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_stream_worker_stats {
    /// sizeof(ringmain_stream_worker_stats), set by the caller.
    pub size: usize,
    /// Polled, and not in the hands of a handler: those that are to be tried again included.
    pub waiting: u64,
    /// Calls of the handler that have not returned.
    pub running: u64,
    /// Handled.
    pub done_total: u64,
    /// Failed, each time that they did.
    pub failed_total: u64,
    /// Given to `hand_over` after their last failure.
    pub handed_over_total: u64,
    /// Left out after their last failure.
    pub skipped_total: u64,
    /// How often what it would have read next was removed, and it went on where it was told to; not in records.
    pub out_of_range_total: u64,
    /// Handled while their partition went to another member, which handles them again.
    pub lost_total: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_stream_worker_stats {
    const NAME: &'static str = "ringmain_stream_worker_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_stream_worker_stats, lost_total) + size_of::<u64>();
}

/// Joins the group `group_name` (NUL-terminated) of the stream, and starts a worker: it handles records in order within a partition, and
/// commits after that. It ends when it is closed, when the hub is, or when a record has failed too often
/// (`ringmain_stream_worker_error`). Close the worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_worker_start(
    stream: ringmain_stream,
    group_name: *const c_char,
    options: *const ringmain_stream_worker_options,
    worker_out: *mut ringmain_stream_worker,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name, options) = unsafe {
            (
                Out::one("worker_out", worker_out)?,
                name("group_name", group_name)?,
                versioned("options", options)?,
            )
        };
        out.set(open(started(&*get::<Stream>(stream)?, group_name, &options)?)?);
        Ok(())
    })
}

fn started(stream: &Stream, group: &str, options: &ringmain_stream_worker_options) -> Result<StreamWorker> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    let Some(handler) = options.handler else { return Err(Error::invalid("handler", "it is NULL")) };
    let context = Context::new(options.context);
    let handle = move |records: &[Record]| {
        let mut outcome = ringmain_outcome::new();
        let answer = lend(records, |handle| {
            // SAFETY: the caller's promise for callbacks; the outcome lives until it returns.
            unsafe { handler(context.pointer(), handle, records.len(), &raw mut outcome) }
        });
        answer.map_or_else(|error| Err(error.to_string()), |answer| outcome.of_records(answer))
    };
    let or = |given: u32, default: u32| if given == 0 { default } else { given };
    let (first, max) = (
        or_default(options.retry_delay_ms, Duration::from_secs(1)),
        or_default(options.retry_delay_max_ms, Duration::from_secs(60)),
    );
    let batch_wait = Duration::from_millis(options.batch_wait_ms);
    let mut builder = stream
        .batch_worker(group, or(options.batch_max, 1) as usize, batch_wait, handle)
        .start_at(start(options.start_kind, options.start_value)?)
        .on_out_of_range(reset(options.on_out_of_range)?)
        .concurrency(or(options.concurrency, 1) as usize)
        .parallel(or(options.parallel, 1) as usize)
        .retry_delay(first, max)
        .max_failures(or(options.max_failures, 5));
    builder = match (options.on_failed, options.hand_over) {
        (RINGMAIN_ON_FAILED_STOP, None) => builder,
        (RINGMAIN_ON_FAILED_SKIP, None) => builder.skip_failed(),
        (RINGMAIN_ON_FAILED_HAND_OVER, Some(sink)) => builder.hand_over(move |record, reason| {
            let taken = lend(std::slice::from_ref(record), |handle| {
                let (text, bytes) = (reason.as_ptr().cast::<c_char>(), reason.len());
                // SAFETY: the caller's promise for callbacks; the reason lives until it returns.
                unsafe { sink(context.pointer(), handle, text, bytes) }
            });
            taken.and_then(|answer| answered("hand_over", answer))
        }),
        (RINGMAIN_ON_FAILED_HAND_OVER, None) => {
            return Err(Error::invalid("hand_over", "on_failed says hand over, so it must not be NULL"));
        }
        (RINGMAIN_ON_FAILED_STOP | RINGMAIN_ON_FAILED_SKIP, Some(_)) => {
            return Err(Error::invalid("on_failed", "it does not say hand over, so hand_over must be NULL"));
        }
        (other, _) => return Err(unknown("on_failed", other, "RINGMAIN_ON_FAILED_*")),
    };
    builder.start()
}

/// Runs a callback with a batch of records, which is closed then: what it answered, and the error of the last call that failed in it.
fn lend(records: &[Record], callback: impl FnOnce(ringmain_records) -> i32) -> Result<(i32, Option<Error>)> {
    /// Closes it, also if the callback panics, and if it was not closed by it.
    struct Close(u64);
    impl Drop for Close {
        fn drop(&mut self) {
            let _ = close::<Vec<Record>>(self.0);
        }
    }
    let handle = Close(open(records.to_vec())?);
    Ok(with_errors_of(|| callback(handle.0)))
}

/// Stores the worker's counts. Set `stats_out->size` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_worker_stats_get(
    worker: ringmain_stream_worker,
    stats_out: *mut ringmain_stream_worker_stats,
) -> i32 {
    entry(worker, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("stats_out", stats_out) }?;
        let stats = get::<StreamWorker>(worker)?.stats();
        out.set(ringmain_stream_worker_stats {
            size: 0,
            waiting: stats.waiting,
            running: stats.running,
            done_total: stats.done_total,
            failed_total: stats.failed_total,
            handed_over_total: stats.handed_over_total,
            skipped_total: stats.skipped_total,
            out_of_range_total: stats.out_of_range_total,
            lost_total: stats.lost_total,
        });
        Ok(())
    })
}

/// 0 while the worker works and after it was closed; otherwise the code of what ended it, such as `RINGMAIN_ERROR_HANDLER_FAILED`, whose
/// text names the record, or `RINGMAIN_ERROR_CLOSED` with its hub.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_stream_worker_error(worker: ringmain_stream_worker) -> i32 {
    entry(worker, || get::<StreamWorker>(worker)?.error().map_or(Ok(()), Err))
}

/// Starts no handler any more, waits at most `timeout_ms` for those that are running, commits what they have handled, and leaves the
/// group. The handle is closed then. `RINGMAIN_ERROR_TIMEOUT`: handlers are still running; the handle stays open, so that it can be
/// closed again. Called by a handler, which is running itself, it waits for nobody and answers that. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_stream_worker_close(worker: ringmain_stream_worker, timeout_ms: u64) -> i32 {
    entry(worker, || match worker {
        0 => Ok(()),
        _ => {
            get::<StreamWorker>(worker)?.close(wait(timeout_ms))?;
            close::<StreamWorker>(worker).map(drop)
        }
    })
}
