//! Jobs: messages in the hands of a worker's handler.

use crate::answer::{Out, OutStruct};
use crate::delivery::ringmain_message_info;
use crate::guard::entry;
use crate::header::{answer_at, answer_named, ringmain_header};
use crate::table::{close, get, open};
use ringmain::{Delivery, Error, Job, Result};
use std::ffi::c_char;
use std::ptr::NonNull;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A message in the hands of a worker's handler. 0 is no job. Any thread may use it until the handler returns; then it is closed by
/// itself, and so is everything that it lent.
pub type ringmain_job = u64;

/// A job that is lent for as long as its handler runs.
pub(crate) type Running = Arc<Lent>;

/// See [`lend`].
pub(crate) struct Lent(RwLock<Option<NonNull<Job>>>);

// SAFETY: a Job is Sync, and what is given of it is a shared reference.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

/// Runs a handler with a handle for a job, which is nobody's any more when this returns: it waits for calls of other threads that are
/// inside.
pub(crate) fn lend<R>(job: &Job, handler: impl FnOnce(ringmain_job) -> R) -> Result<R> {
    /// Takes it back, also if the handler panics.
    struct TakeBack(Running, u64);
    impl Drop for TakeBack {
        fn drop(&mut self) {
            *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = None;
            let _ = close::<Running>(self.1);
        }
    }
    let lent = Arc::new(Lent(RwLock::new(Some(NonNull::from(job)))));
    let lent = TakeBack(lent.clone(), open(lent)?);
    Ok(handler(lent.1))
}

/// Works on a job while it is lent.
fn with<R>(handle: ringmain_job, work: impl FnOnce(&Job) -> Result<R>) -> Result<R> {
    let lent = get::<Running>(handle)?;
    let lent = lent.0.read().unwrap_or_else(PoisonError::into_inner);
    match *lent {
        // SAFETY: it is taken back under the write lock before the reference that it comes from ends.
        Some(job) => work(unsafe { job.as_ref() }),
        None => Err(Error::InvalidHandle { expected: "job", handle }),
    }
}

/// Stores the message. Set `info_out->size` before. The pointers live until the handler returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_job_get(job: ringmain_job, info_out: *mut ringmain_message_info) -> i32 {
    entry(job, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("info_out", info_out) }?;
        with(job, |job| {
            let delivery: &Delivery = job;
            out.set(delivery.into());
            Ok(())
        })
    })
}

/// Stores the first header of the NUL-terminated name `header_name`. If there is none, its `value` is NULL: that is no error. The
/// pointers live until the handler returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_job_header(
    job: ringmain_job,
    header_name: *const c_char,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(job, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        with(job, |job| {
            let delivery: &Delivery = job;
            // SAFETY: the caller's promise.
            unsafe { answer_named(delivery, header_name, &out) }
        })
    })
}

/// Stores the header at `header_index`, from 0 to `header_count` - 1. The pointers live until the handler returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_job_header_at(
    job: ringmain_job,
    header_index: usize,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(job, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        with(job, |job| {
            let delivery: &Delivery = job;
            answer_at(delivery, header_index, &out)
        })
    })
}

/// Stores 1 if the lease is known to be lost, so that what the handler returns is discarded, otherwise 0: a long one may ask now and
/// then, and give up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_job_is_lost(job: ringmain_job, is_lost_out: *mut i32) -> i32 {
    entry(job, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_lost_out", is_lost_out) }?;
        with(job, |job| {
            out.set(job.is_lost().into());
            Ok(())
        })
    })
}

/// Stores 1 if the work is no longer wanted, as `ringmain_delivery_is_cancelled`, otherwise 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_job_is_cancelled(job: ringmain_job, is_cancelled_out: *mut i32) -> i32 {
    entry(job, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_cancelled_out", is_cancelled_out) }?;
        with(job, |job| {
            out.set(job.is_cancelled().into());
            Ok(())
        })
    })
}

/// Acks the message before the handler returns, in a transaction of its own for instance: what it returns changes nothing then.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_job_ack(job: ringmain_job) -> i32 {
    entry(job, || with(job, |job| job.ack()))
}

/// Prolongs the lease to `duration_ms` (1 ms to 7 days) from now; never shortens it. The worker prolongs it by itself.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_job_extend(job: ringmain_job, duration_ms: u64) -> i32 {
    entry(job, || with(job, |job| job.extend(Duration::from_millis(duration_ms))))
}
