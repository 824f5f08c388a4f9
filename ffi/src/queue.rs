//! Queues: open, send, receive, ack many, count.

use crate::answer::{Out, OutStruct};
use crate::argument::{Versioned, array, name, options, wait};
use crate::batch::check_count_max;
use crate::delivery::ringmain_delivery;
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::message::{message, messages, ringmain_message};
use crate::queue_options::{ringmain_queue_options, with_options};
use crate::table::{close_or_zero, get, open};
use ringmain::limits::{BATCH_RECORDS_MAX, DELAY_SECONDS_MAX, RECEIVE_COUNT_MAX};
use ringmain::{Delivery, Error, Hub, Queue, Result};
use std::ffi::c_char;
use std::mem::offset_of;

/// An open task queue. 0 is no queue. Any thread may use it.
pub type ringmain_queue = u64;

/// Waits until there is something or the hub is closed (in fact ten years).
pub const RINGMAIN_WAIT_FOREVER: u64 = 0xFFFF_FFFF_FFFF_FFFF;
const _: () = assert!(wait(RINGMAIN_WAIT_FOREVER).as_secs() == DELAY_SECONDS_MAX);
/// Most messages that one receive or poll hands out.
pub const RINGMAIN_RECEIVE_COUNT_MAX: usize = 65536;

const _: () = assert!(RINGMAIN_RECEIVE_COUNT_MAX == RECEIVE_COUNT_MAX);

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

/// Receives one message, waiting for it at most `wait_ms`. Stores 0 if none came: that is no error. Settle the
/// delivery and close it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive(
    queue: ringmain_queue,
    wait_ms: u64,
    delivery_out: *mut ringmain_delivery,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("delivery_out", delivery_out) }?;
        if let Some(delivery) = get::<Queue>(queue)?.receive(wait(wait_ms))? {
            out.set(open(delivery)?);
        }
        Ok(())
    })
}

/// Receives up to `count_max` messages (1 to 65,536), waiting at most `wait_ms` for the first. Fills the first
/// `count_out` of `deliveries_out`, which has `count_max` places, and zeroes the rest. None is no error. Settle each
/// and close each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive_batch(
    queue: ringmain_queue,
    count_max: usize,
    wait_ms: u64,
    deliveries_out: *mut ringmain_delivery,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (count, out) = unsafe {
            (
                Out::one("count_out", count_out),
                Out::array("deliveries_out", deliveries_out, count_max, RECEIVE_COUNT_MAX),
            )
        };
        let (count, out) = (count?, out?);
        check_count_max(count_max)?;
        let deliveries = get::<Queue>(queue)?.receive_batch(count_max, wait(wait_ms))?;
        let handles = open_all(deliveries)?;
        count.set(handles.len());
        out.set_all(handles);
        Ok(())
    })
}

/// Acks `count` deliveries with one commit. Stores a code for each in `codes_out` (`count` of them, or NULL), and
/// answers with the first that is not 0. The deliveries stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_ack_batch(
    queue: ringmain_queue,
    deliveries: *const ringmain_delivery,
    count: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, handles) = unsafe {
            (
                Out::optional_array("codes_out", codes_out, count, RECEIVE_COUNT_MAX)?,
                array("deliveries", deliveries, count, RECEIVE_COUNT_MAX)?,
            )
        };
        let queue = get::<Queue>(queue)?;
        let deliveries: Vec<_> = handles.iter().map(|handle| get::<Delivery>(*handle)).collect();
        let open: Vec<&Delivery> = deliveries.iter().flatten().map(|delivery| &**delivery).collect();
        // One result for each delivery that is open, in order.
        let mut acked = queue.ack_batch(&open).into_iter();
        let missing = || Err(Error::Internal { detail: "ack_batch forgot a delivery".to_owned() });
        let mut answer = Ok(());
        for (index, delivery) in deliveries.iter().enumerate() {
            let result = match delivery {
                Ok(_) => acked.next().unwrap_or_else(missing),
                Err(error) => Err(error.clone()),
            };
            out.set_at(index, result.as_ref().map_or_else(|error| error.code() as i32, |()| 0));
            answer = answer.and(result);
        }
        answer
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

/// Handles for all, or for none: then the deliveries are released.
fn open_all(deliveries: Vec<Delivery>) -> Result<Vec<u64>> {
    let mut handles = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        match open(delivery) {
            Ok(handle) => handles.push(handle),
            Err(error) => {
                for handle in handles {
                    close_or_zero::<Delivery>(handle)?;
                }
                return Err(error);
            }
        }
    }
    Ok(handles)
}
