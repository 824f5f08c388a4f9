//! Workers: threads that run a handler on each message of a queue.

use crate::answer::Out;
use crate::answer::OutStruct;
use crate::argument::{Versioned, versioned, wait};
use crate::error::with_errors_of;
use crate::foreign::Context;
use crate::guard::entry;
use crate::job::{lend, ringmain_job};
use crate::outcome::ringmain_outcome;
use crate::queue::ringmain_queue;
use crate::stream_options::RINGMAIN_ZERO;
use crate::table::{close, get, open};
use ringmain::{Error, Outcome, Queue, Result, Worker};
use std::ffi::c_void;
use std::mem::offset_of;
use std::time::Duration;

/// Threads that handle the messages of a queue until it is closed. 0 is no worker. Any thread may use it.
pub type ringmain_worker = u64;

/// Handles a message: look at it by `ringmain_job_get`. 0 is what `outcome` says, which is an ack unless the handler changed it; another
/// number is a failure, of which `outcome` may say more: for want of a reason it is the text of the call that failed in the handler
/// with that code. Called by threads of the library, several at a time; it must return, and neither throw nor jump out. The
/// lease is prolonged while it runs. Messages are delivered at least once: have it do no harm twice.
pub type ringmain_job_handler = Option<
    unsafe extern "C" fn(context: *mut c_void, job: ringmain_job, outcome: *mut ringmain_outcome) -> i32,
>;

/// Asked before the lease of a running handler is prolonged, at each third of it: 0, and it is not, so that a handler that hangs
/// loses its message in the end. One thread of the library asks for all jobs of the worker: it must not wait. It may use the job
/// as long as it runs.
pub type ringmain_job_liveness = Option<unsafe extern "C" fn(context: *mut c_void, job: ringmain_job) -> i32>;

/// How a worker works. Set `size`, zero the rest: 0 is the default. It must have a handler.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_worker_options {
    /// sizeof(ringmain_worker_options).
    pub size: usize,
    /// Handles each message.
    pub handler: ringmain_job_handler,
    /// Says whether a handler is alive; NULL: it always is.
    pub liveness: ringmain_job_liveness,
    /// Given to both; it must live until the worker is closed and all handlers have returned.
    pub context: *mut c_void,
    /// How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024.
    pub concurrency: u32,
    /// Must be 0.
    pub reserved: u32,
    /// How many messages may be taken ahead, for handlers that are about to be free, at most 65,535. Default as many as handlers;
    /// `RINGMAIN_ZERO` for none.
    pub prefetch: u64,
    /// How long the lease of one delivery is prolonged altogether, from its hand-over to the handler. Default 3,600,000 (1 h);
    /// `RINGMAIN_ZERO` does not prolong it.
    pub lease_total_max_ms: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers, numbers and functions that may be NULL.
unsafe impl Versioned for ringmain_worker_options {
    const NAME: &'static str = "ringmain_worker_options";
    const BYTES_MIN: usize = offset_of!(ringmain_worker_options, lease_total_max_ms) + size_of::<u64>();
}

/// Counts of a worker; the totals count since it was started.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_worker_stats {
    /// sizeof(ringmain_worker_stats), set by the caller.
    pub size: usize,
    /// Messages taken ahead, that no handler has got yet.
    pub waiting: u64,
    /// Messages that handlers are busy with.
    pub running: u64,
    /// Messages acked.
    pub acked_total: u64,
    /// Messages failed.
    pub failed_total: u64,
    /// Messages that handlers handed back.
    pub released_total: u64,
    /// Messages rejected.
    pub rejected_total: u64,
    /// Messages that handlers settled themselves.
    pub settled_by_handler_total: u64,
    /// Messages whose lease was lost before they were settled: what the handler said was discarded.
    pub lost_total: u64,
    /// Messages taken ahead and handed back unstarted.
    pub returned_total: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_worker_stats {
    const NAME: &'static str = "ringmain_worker_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_worker_stats, returned_total) + size_of::<u64>();
}

/// Starts a worker on the queue. It ends when it is closed, when the hub is, or when the queue refuses
/// (`ringmain_worker_error`). It keeps the hub open, unless that is closed. Close the worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_worker_start(
    queue: ringmain_queue,
    options: *const ringmain_worker_options,
    worker_out: *mut ringmain_worker,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (Out::one("worker_out", worker_out)?, versioned("options", options)?) };
        out.set(open(started(&*get::<Queue>(queue)?, &options)?)?);
        Ok(())
    })
}

fn started(queue: &Queue, options: &ringmain_worker_options) -> Result<Worker> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    let Some(handler) = options.handler else { return Err(Error::invalid("handler", "it is NULL")) };
    let context = Context::new(options.context);
    let mut builder = queue.worker(move |job| {
        let mut outcome = ringmain_outcome::new();
        let answer = lend(job, |job| {
            // SAFETY: the caller's promise for callbacks; the outcome lives until it returns.
            with_errors_of(|| unsafe { handler(context.pointer(), job, &raw mut outcome) })
        });
        answer.map_or_else(Outcome::fail, |answer| outcome.of_message(answer))
    });
    if let Some(liveness) = options.liveness {
        builder = builder.liveness(move |job| {
            // SAFETY: the caller's promise for callbacks.
            lend(job, |job| unsafe { liveness(context.pointer(), job) }).is_ok_and(|alive| alive != 0)
        });
    }
    if options.concurrency > 0 {
        builder = builder.concurrency(options.concurrency as usize);
    }
    if options.prefetch > 0 {
        let none = options.prefetch == RINGMAIN_ZERO;
        builder =
            builder.prefetch(if none { 0 } else { usize::try_from(options.prefetch).unwrap_or(usize::MAX) });
    }
    match options.lease_total_max_ms {
        0 => {}
        RINGMAIN_ZERO => builder = builder.lease_total_max(Duration::ZERO),
        total_ms => builder = builder.lease_total_max(Duration::from_millis(total_ms)),
    }
    builder.start()
}

/// Stores the worker's counts. Set `stats_out->size` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_worker_stats_get(
    worker: ringmain_worker,
    stats_out: *mut ringmain_worker_stats,
) -> i32 {
    entry(worker, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("stats_out", stats_out) }?;
        let stats = get::<Worker>(worker)?.stats();
        out.set(ringmain_worker_stats {
            size: 0,
            waiting: stats.waiting,
            running: stats.running,
            acked_total: stats.acked_total,
            failed_total: stats.failed_total,
            released_total: stats.released_total,
            rejected_total: stats.rejected_total,
            settled_by_handler_total: stats.settled_by_handler_total,
            lost_total: stats.lost_total,
            returned_total: stats.returned_total,
        });
        Ok(())
    })
}

/// 0 while the worker works and after it was closed; otherwise the code of what ended it: `RINGMAIN_ERROR_CLOSED` with its hub, or what
/// the queue refused with.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_worker_error(worker: ringmain_worker) -> i32 {
    entry(worker, || get::<Worker>(worker)?.error().map_or(Ok(()), Err))
}

/// Starts no handler any more, hands back what was taken ahead, and waits at most `timeout_ms` for the handlers that are running, whose
/// leases are prolonged meanwhile. The handle is closed then. `RINGMAIN_ERROR_TIMEOUT`: handlers are still running; the handle stays
/// open, so that it can be closed again: what they return within their lease still counts. Called by a handler,
/// which is running itself, it waits for nobody and answers that. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_worker_close(worker: ringmain_worker, timeout_ms: u64) -> i32 {
    entry(worker, || match worker {
        0 => Ok(()),
        _ => {
            get::<Worker>(worker)?.close(wait(timeout_ms))?;
            close::<Worker>(worker).map(drop)
        }
    })
}
