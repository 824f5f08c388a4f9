//! Deliveries: look, settle, extend.

use crate::answer::{Out, OutStruct};
use crate::argument::{Versioned, bytes, delay, text, text_cut};
use crate::guard::entry;
use crate::header::{Headers, answer_at, answer_named, ringmain_header};
use crate::table::{close_or_zero, get};
use ringmain::limits::{CLASS_BYTES_MAX, REASON_BYTES_MAX, RESULT_BYTES_MAX};
use ringmain::{Delivery, Error, Peeked};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::time::Duration;

/// One message, leased to whoever holds this. 0 is no delivery. Any thread may use it.
pub type ringmain_delivery = u64;

/// The queue's retry policy decides when a failed message is tried again.
pub const RINGMAIN_DELAY_POLICY: i64 = -1;

/// A message of a queue, delivered or peeked at. The pointers live until the delivery or the batch is closed.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_message_info {
    /// sizeof(ringmain_message_info), set by the caller.
    pub size: usize,
    /// The message's number in its queue.
    pub id: u64,
    /// The value.
    pub value: *const c_void,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// The key; NULL if it has none.
    pub key: *const c_void,
    /// Bytes of the key.
    pub key_bytes: usize,
    /// How many headers it has.
    pub header_count: usize,
    /// When it was sent, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The sender's event time, in nanoseconds since 1970; 0 for not said.
    pub event_time_ns: u64,
    /// Leases granted, this one included.
    pub attempts: u32,
    /// Failures counted so far.
    pub failures: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_message_info {
    const NAME: &'static str = "ringmain_message_info";
    const BYTES_MIN: usize = offset_of!(ringmain_message_info, failures) + size_of::<u32>();
}

macro_rules! info_of {
    ($type:ty) => {
        impl From<&$type> for ringmain_message_info {
            fn from(message: &$type) -> Self {
                Self {
                    size: 0,
                    id: message.id(),
                    value: message.value().as_ptr().cast(),
                    value_bytes: message.value().len(),
                    key: message.key().map_or(std::ptr::null(), |key| key.as_ptr().cast()),
                    key_bytes: message.key().map_or(0, <[u8]>::len),
                    header_count: message.all().count(),
                    time_ns: message.time_ns(),
                    event_time_ns: message.event_time_ns().unwrap_or(0),
                    attempts: message.attempts(),
                    failures: message.failures(),
                }
            }
        }
    };
}
info_of!(Delivery);
info_of!(Peeked);

/// Stores what was delivered. Set `info_out->size` before. The pointers live until the delivery is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_get(
    delivery: ringmain_delivery,
    info_out: *mut ringmain_message_info,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("info_out", info_out) }?;
        out.set((&*get::<Delivery>(delivery)?).into());
        Ok(())
    })
}

/// Stores the first header of the NUL-terminated name `header_name`. If there is none, its `value` is NULL: that is
/// no error. The pointers live until the delivery is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_header(
    delivery: ringmain_delivery,
    header_name: *const c_char,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        // SAFETY: the caller's promise.
        unsafe { answer_named(&*get::<Delivery>(delivery)?, header_name, &out) }
    })
}

/// Stores the header at `header_index`, from 0 to `header_count` - 1. The pointers live until the delivery is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_header_at(
    delivery: ringmain_delivery,
    header_index: usize,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        answer_at(&*get::<Delivery>(delivery)?, header_index, &out)
    })
}

/// Done: the message is never delivered again. Acking the same delivery twice is fine.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_ack(delivery: ringmain_delivery) -> i32 {
    entry(delivery, || get::<Delivery>(delivery)?.ack())
}

/// Done, with a result of `result_bytes` (at most 4096) that the queue tells of the message as long as its options keep a history.
/// `RINGMAIN_ERROR_OPTION_MISSING` if they keep none, `RINGMAIN_ERROR_TOO_LARGE`: then nothing was acked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_ack_with(
    delivery: ringmain_delivery,
    result: *const c_void,
    result_bytes: usize,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let result = unsafe { bytes("result", result, result_bytes, RESULT_BYTES_MAX) }?;
        get::<Delivery>(delivery)?.ack_with(result)
    })
}

/// Failed: counts, and the message is tried again after `delay_ms` (at most ten years), or after the queue's retry delay for
/// `RINGMAIN_DELAY_POLICY`, or is exhausted. The reason (UTF-8, cut after 4096 bytes) is kept with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_fail(
    delivery: ringmain_delivery,
    reason: *const c_char,
    reason_bytes: usize,
    delay_ms: i64,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let reason = unsafe { text_cut("reason", reason, reason_bytes, REASON_BYTES_MAX) }?;
        let delivery = get::<Delivery>(delivery)?;
        match u64::try_from(delay_ms) {
            Ok(delay_ms) => delivery.fail_after(reason, delay(delay_ms)?),
            Err(_) if delay_ms == RINGMAIN_DELAY_POLICY => delivery.fail(reason),
            Err(_) => {
                Err(Error::invalid("delay_ms", format!("{delay_ms}: give 0 or more, or -1 for the policy")))
            }
        }
    })
}

/// Failed with an error of a class, a name of 1 to 64 bytes (UTF-8): what becomes of the message the queue's options say of that class;
/// if they say nothing, as `ringmain_delivery_fail` after the queue's retry delay. The reason (UTF-8, cut after 4096 bytes) is
/// kept with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_fail_as(
    delivery: ringmain_delivery,
    error_class: *const c_char,
    error_class_bytes: usize,
    reason: *const c_char,
    reason_bytes: usize,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let (class, reason) = unsafe {
            (
                text("error_class", error_class, error_class_bytes, CLASS_BYTES_MAX)?,
                text_cut("reason", reason, reason_bytes, REASON_BYTES_MAX)?,
            )
        };
        get::<Delivery>(delivery)?.fail_as(class, reason)
    })
}

/// Hands the message back, to be delivered after `delay_ms` (at most ten years): does not count as a failure.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_release(delivery: ringmain_delivery, delay_ms: u64) -> i32 {
    entry(delivery, || {
        let delay = delay(delay_ms)?;
        get::<Delivery>(delivery)?.release_after(delay)
    })
}

/// Hands the message back because what handles it is rate limited: does not count as a failure, and no message of the same key is
/// delivered for `retry_after_ms` (at most ten years); no message of the queue, if this one has no key. The rest survives opening
/// the hub again.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_rate_limited(delivery: ringmain_delivery, retry_after_ms: u64) -> i32 {
    entry(delivery, || {
        let retry_after = delay(retry_after_ms)?;
        get::<Delivery>(delivery)?.rate_limited(retry_after)
    })
}

/// Sets the message aside: from now on only `ringmain_queue_receive_deferred` delivers it, by its id. Its time to live and its
/// deadlines go on; those behind it of its ordering key wait.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_defer(delivery: ringmain_delivery) -> i32 {
    entry(delivery, || get::<Delivery>(delivery)?.defer())
}

/// Dead letter now. The reason (UTF-8, cut after 4096 bytes) is kept with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_reject(
    delivery: ringmain_delivery,
    reason: *const c_char,
    reason_bytes: usize,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let reason = unsafe { text_cut("reason", reason, reason_bytes, REASON_BYTES_MAX) }?;
        get::<Delivery>(delivery)?.reject(reason)
    })
}

/// Stores 1 if the work is no longer wanted, because the message was cancelled or taken out of the queue, otherwise 0. An ack still
/// counts if the message is there; whatever else is said of it, it does not come back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_delivery_is_cancelled(
    delivery: ringmain_delivery,
    is_cancelled_out: *mut i32,
) -> i32 {
    entry(delivery, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_cancelled_out", is_cancelled_out) }?;
        out.set(get::<Delivery>(delivery)?.is_cancelled().into());
        Ok(())
    })
}

/// Prolongs the lease to `duration_ms` (1 ms to 7 days) from now; never shortens it.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_extend(delivery: ringmain_delivery, duration_ms: u64) -> i32 {
    entry(delivery, || get::<Delivery>(delivery)?.extend(Duration::from_millis(duration_ms)))
}

/// Closes the handle and frees what it lent; an unsettled message is released. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_delivery_close(delivery: ringmain_delivery) -> i32 {
    entry(delivery, || close_or_zero::<Delivery>(delivery))
}
