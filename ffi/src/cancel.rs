//! Messages of a queue by their ids: taken out, put off; and all of them purged.

use crate::answer::Out;
use crate::argument::delay;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::table::get;
use ringmain::{Queue, Result};

/// Answers whether it was so.
///
/// # Safety
/// The caller's promise for `out`.
pub(crate) unsafe fn whether(
    queue: ringmain_queue,
    (argument, out): (&'static str, *mut i32),
    verb: impl FnOnce(&Queue) -> Result<bool>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::optional(argument, out) }?;
    out.set(verb(&*get::<Queue>(queue)?)?.into());
    Ok(())
}

/// Answers how many.
///
/// # Safety
/// The caller's promise for `out`.
pub(crate) unsafe fn how_many(
    queue: ringmain_queue,
    out: *mut u64,
    verb: impl FnOnce(&Queue) -> Result<u64>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::optional("count_out", out) }?;
    out.set(verb(&*get::<Queue>(queue)?)?);
    Ok(())
}

/// Takes a message out of the queue for good, if it is waiting, and stores 1 in `cancelled_out` (NULL if it does not matter). 0: it
/// is no longer there, or out; then its worker can see that it is no longer wanted, and it is gone when it comes back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_cancel(
    queue: ringmain_queue,
    id: u64,
    cancelled_out: *mut i32,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { whether(queue, ("cancelled_out", cancelled_out), |queue| queue.cancel(id)) })
}

/// The same, and takes a message that is out from its worker, whose verbs then answer `RINGMAIN_ERROR_LEASE_LOST`. 1: it was there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_cancel_now(
    queue: ringmain_queue,
    id: u64,
    cancelled_out: *mut i32,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { whether(queue, ("cancelled_out", cancelled_out), |queue| queue.cancel_now(id)) })
}

/// Has a waiting message wait until `delay_ms` from now, at most ten years, and stores 1 in `rescheduled_out` (NULL if it does not
/// matter). 0: it is out, set aside, or no longer there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_reschedule(
    queue: ringmain_queue,
    id: u64,
    delay_ms: u64,
    rescheduled_out: *mut i32,
) -> i32 {
    entry(queue, || {
        let verb = |queue: &Queue| queue.reschedule(id, delay(delay_ms)?);
        // SAFETY: the caller's promise.
        unsafe { whether(queue, ("rescheduled_out", rescheduled_out), verb) }
    })
}

/// The same, until a time in nanoseconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_reschedule_at(
    queue: ringmain_queue,
    id: u64,
    time_ns: u64,
    rescheduled_out: *mut i32,
) -> i32 {
    entry(queue, || {
        let verb = |queue: &Queue| queue.reschedule_at(id, time_ns);
        // SAFETY: the caller's promise.
        unsafe { whether(queue, ("rescheduled_out", rescheduled_out), verb) }
    })
}

/// Takes every message out of the queue for good that waits, and stores how many (NULL if it does not matter). Those that are out
/// stay with who has them. No deduplication key is remembered any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_purge(queue: ringmain_queue, count_out: *mut u64) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { how_many(queue, count_out, Queue::purge) })
}

/// The same, and takes those that are out, too: what their holders say to them is answered by `RINGMAIN_ERROR_LEASE_LOST`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_purge_all(queue: ringmain_queue, count_out: *mut u64) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { how_many(queue, count_out, Queue::purge_all) })
}
