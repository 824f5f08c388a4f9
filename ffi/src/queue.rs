//! Queues: open, send, count.

use crate::answer::{Out, OutStruct, Zero};
use crate::argument::{Versioned, name, options, wait};
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::message::{message, messages, ringmain_message};
use crate::receipt::{Accept, answer, ringmain_receipt};
use crate::table::{close_or_zero, get, open};
use ringmain::limits::{BATCH_RECORDS_MAX, DELAY_SECONDS_MAX};
use ringmain::{Error, Hub, Jitter, OnExhausted, Queue, QueueBuilder, Result, Retry, Sent};
use std::ffi::c_char;
use std::mem::offset_of;
use std::time::Duration;

/// An open task queue. 0 is no queue. Any thread may use it.
pub type ringmain_queue = u64;

/// Waits until there is something or the hub is closed (in fact ten years).
pub const RINGMAIN_WAIT_FOREVER: u64 = 0xFFFF_FFFF_FFFF_FFFF;
const _: () = assert!(wait(RINGMAIN_WAIT_FOREVER).as_secs() == DELAY_SECONDS_MAX);
/// As stored; a queue that is new must say.
pub const RINGMAIN_ON_EXHAUSTED_DEFAULT: i32 = 0;
/// Exhausted messages move to the queue `dead_letter`. Need not be said if `dead_letter` is given.
pub const RINGMAIN_ON_EXHAUSTED_DEAD_LETTER: i32 = 1;
/// Exhausted messages are dropped.
pub const RINGMAIN_ON_EXHAUSTED_DROP: i32 = 2;
/// Exhausted messages stay and are retried for ever: what a dead letter queue does.
pub const RINGMAIN_ON_EXHAUSTED_KEEP: i32 = 3;

/// As `RINGMAIN_JITTER_FULL`.
pub const RINGMAIN_JITTER_DEFAULT: i32 = 0;
/// The retry delay as computed.
pub const RINGMAIN_JITTER_NONE: i32 = 1;
/// Half of the retry delay, and a random part of the other half.
pub const RINGMAIN_JITTER_EQUAL: i32 = 2;
/// A random part of the retry delay.
pub const RINGMAIN_JITTER_FULL: i32 = 3;

/// Options of a queue. Set `size`, zero the rest: 0 is the default, or what is stored if the queue exists. If one of
/// the `retry_` options is given, those that are 0 are their defaults. The delay before the nth retry is
/// `min(retry_cap_ms, retry_base_ms * retry_factor^(n-1))`, then jitter.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_queue_options {
    /// sizeof(ringmain_queue_options).
    pub size: usize,
    /// How long a delivery is leased. Default 30,000, at most 7 days.
    pub lease_ms: u64,
    /// The NUL-terminated name of the queue for exhausted and rejected messages, made if it does not exist; NULL for
    /// none.
    pub dead_letter: *const c_char,
    /// Failures after which a message is exhausted. Default 5.
    pub max_failures: u32,
    /// What happens to exhausted messages: one of `RINGMAIN_ON_EXHAUSTED_*`.
    pub on_exhausted: i32,
    /// First retry delay, at most `retry_cap_ms`. Default 1,000.
    pub retry_base_ms: u64,
    /// Longest retry delay. Default 600,000.
    pub retry_cap_ms: u64,
    /// Growth of the retry delay, at least 1. Default 2.
    pub retry_factor: f64,
    /// Spread of the retry delay: one of `RINGMAIN_JITTER_*`.
    pub retry_jitter: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_queue_options {
    const NAME: &'static str = "ringmain_queue_options";
    const BYTES_MIN: usize = offset_of!(ringmain_queue_options, reserved) + size_of::<u32>();
}

/// Counts of a queue; the totals count since the hub was opened.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_queue_stats {
    /// sizeof(ringmain_queue_stats), set by the caller.
    pub size: usize,
    /// Messages that a receive would get now.
    pub ready: u64,
    /// Messages that wait for their time.
    pub scheduled: u64,
    /// Messages out with a worker.
    pub leased: u64,
    /// Messages sent.
    pub sent_total: u64,
    /// Messages acked.
    pub acked_total: u64,
    /// Failures counted.
    pub failures_total: u64,
    /// Leases that expired.
    pub leases_expired_total: u64,
    /// Deliveries beyond the first of their message.
    pub redeliveries_total: u64,
    /// Messages moved to the dead letter queue.
    pub dead_total: u64,
    /// Messages dropped.
    pub dropped_total: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_queue_stats {
    const NAME: &'static str = "ringmain_queue_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_queue_stats, dropped_total) + size_of::<u64>();
}

/// What became of a message that was sent. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_sent {
    /// The message's id; of a duplicate the first message's, or, if it replaced that one, its own.
    pub id: u64,
    /// 1 if the queue still remembered its deduplication key, otherwise 0.
    pub is_duplicate: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers.
unsafe impl Zero for ringmain_sent {}

impl From<Sent> for ringmain_sent {
    fn from(sent: Sent) -> Self {
        Self { id: sent.id, is_duplicate: sent.is_duplicate.into(), reserved: 0 }
    }
}

/// Opens the queue `queue_name` (NUL-terminated), making it if it does not exist. `options` may be NULL. A queue that
/// is new must say what happens to exhausted messages (`dead_letter` or `on_exhausted`), else
/// `RINGMAIN_ERROR_OPTION_MISSING`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_open(
    hub: ringmain_hub,
    queue_name: *const c_char,
    options: *const ringmain_queue_options,
    queue_out: *mut ringmain_queue,
) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let (out, queue_name, options) = unsafe {
            (
                Out::one("queue_out", queue_out)?,
                name("queue_name", queue_name)?,
                self::options("options", options)?,
            )
        };
        // SAFETY: the caller's promise, for what the options point to.
        let builder = unsafe { with_options(get::<Hub>(hub)?.queue(queue_name), &options) }?;
        out.set(open(builder.open()?)?);
        Ok(())
    })
}

/// Sends a message and stores its id (NULL if it does not matter) once it has reached the hub's durability.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_send(
    queue: ringmain_queue,
    message: *const ringmain_message,
    id_out: *mut u64,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::optional("id_out", id_out)?, self::message("message", message)?) };
        out.set(get::<Queue>(queue)?.send(message)?);
        Ok(())
    })
}

/// As `ringmain_queue_send`, and says whether the message was a duplicate: its `dedup_key` was still remembered, and it was not
/// sent again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_send_unique(
    queue: ringmain_queue,
    message: *const ringmain_message,
    sent_out: *mut ringmain_sent,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, message) = unsafe { (Out::one("sent_out", sent_out)?, self::message("message", message)?) };
        out.set(get::<Queue>(queue)?.send_unique(message)?.into());
        Ok(())
    })
}

/// Sends `count` messages as one atomic batch, all or none, and stores their ids (`count` of them, or NULL).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_send_batch(
    queue: ringmain_queue,
    messages: *const ringmain_message,
    count: usize,
    ids_out: *mut u64,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, messages) = unsafe {
            (
                Out::optional_array("ids_out", ids_out, count, BATCH_RECORDS_MAX)?,
                self::messages("messages", messages, count)?,
            )
        };
        out.set_all(get::<Queue>(queue)?.send_batch(&messages)?);
        Ok(())
    })
}

/// As `ringmain_queue_send`, and does not wait: the receipt does. Its one message is at index 0. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_submit(
    queue: ringmain_queue,
    message: *const ringmain_message,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::message("message", message)?) };
        let receipt = get::<Queue>(queue)?.submit_batch(std::slice::from_ref(&message))?;
        answer(&out, Accept::Sent(receipt))
    })
}

/// As `ringmain_queue_send_batch` of at least one message, and does not wait: the receipt does. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_submit_batch(
    queue: ringmain_queue,
    messages: *const ringmain_message,
    count: usize,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, messages) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::messages("messages", messages, count)?) };
        answer(&out, Accept::Sent(get::<Queue>(queue)?.submit_batch(&messages)?))
    })
}

/// Stores the queue's counts. Set `stats_out->size` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_stats_get(
    queue: ringmain_queue,
    stats_out: *mut ringmain_queue_stats,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("stats_out", stats_out) }?;
        let stats = get::<Queue>(queue)?.stats()?;
        out.set(ringmain_queue_stats {
            size: 0,
            ready: stats.ready,
            scheduled: stats.scheduled,
            leased: stats.leased,
            sent_total: stats.sent_total,
            acked_total: stats.acked_total,
            failures_total: stats.failures_total,
            leases_expired_total: stats.leases_expired_total,
            redeliveries_total: stats.redeliveries_total,
            dead_total: stats.dead_total,
            dropped_total: stats.dropped_total,
        });
        Ok(())
    })
}

/// Closes the handle; the queue and its messages stay, as do open deliveries. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_queue_close(queue: ringmain_queue) -> i32 {
    entry(queue, || close_or_zero::<Queue>(queue))
}

/// # Safety
/// The caller's promise for what `options` points to.
unsafe fn with_options(mut builder: QueueBuilder, options: &ringmain_queue_options) -> Result<QueueBuilder> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    if options.lease_ms > 0 {
        builder = builder.lease(Duration::from_millis(options.lease_ms));
    }
    if options.max_failures > 0 {
        builder = builder.max_failures(options.max_failures);
    }
    if !options.dead_letter.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.dead_letter(unsafe { name("dead_letter", options.dead_letter) }?);
    }
    match (options.on_exhausted, options.dead_letter.is_null()) {
        (RINGMAIN_ON_EXHAUSTED_DEFAULT, _) | (RINGMAIN_ON_EXHAUSTED_DEAD_LETTER, false) => {}
        (RINGMAIN_ON_EXHAUSTED_DROP, true) => builder = builder.on_exhausted(OnExhausted::Drop),
        (RINGMAIN_ON_EXHAUSTED_KEEP, true) => builder = builder.on_exhausted(OnExhausted::Keep),
        (RINGMAIN_ON_EXHAUSTED_DEAD_LETTER, true) => {
            return Err(Error::invalid(
                "dead_letter",
                "on_exhausted says dead letter, so it must not be NULL",
            ));
        }
        (RINGMAIN_ON_EXHAUSTED_DROP | RINGMAIN_ON_EXHAUSTED_KEEP, false) => {
            return Err(Error::invalid("on_exhausted", "it says drop or keep, so dead_letter must be NULL"));
        }
        (other, _) => {
            return Err(Error::invalid(
                "on_exhausted",
                format!("{other} is not one of RINGMAIN_ON_EXHAUSTED_*"),
            ));
        }
    }
    Ok(match retry(options)? {
        Some(retry) => builder.retry(retry),
        None => builder,
    })
}

/// The retry policy, if any of it is given.
fn retry(options: &ringmain_queue_options) -> Result<Option<Retry>> {
    let jitter = match options.retry_jitter {
        RINGMAIN_JITTER_NONE => Jitter::None,
        RINGMAIN_JITTER_EQUAL => Jitter::Equal,
        RINGMAIN_JITTER_DEFAULT | RINGMAIN_JITTER_FULL => Jitter::Full,
        other => {
            return Err(Error::invalid("retry_jitter", format!("{other} is not one of RINGMAIN_JITTER_*")));
        }
    };
    let given = options.retry_base_ms > 0
        || options.retry_cap_ms > 0
        || options.retry_factor != 0.0
        || options.retry_jitter != RINGMAIN_JITTER_DEFAULT;
    let default = Retry::default();
    let or = |value_ms: u64, default: Duration| {
        if value_ms > 0 { Duration::from_millis(value_ms) } else { default }
    };
    Ok(given.then(|| Retry {
        base: or(options.retry_base_ms, default.base),
        factor: if options.retry_factor == 0.0 { default.factor } else { options.retry_factor },
        cap: or(options.retry_cap_ms, default.cap),
        jitter,
    }))
}
