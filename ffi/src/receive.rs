//! Receiving: one, many, with limits, under a lease of one's own, what was set aside.

use crate::answer::Out;
use crate::argument::wait;
use crate::batch::check_count_max;
use crate::delivery::ringmain_delivery;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::table::{close_or_zero, get, open};
use ringmain::limits::RECEIVE_COUNT_MAX;
use ringmain::{Delivery, Queue, Receive, Result};
use std::time::Duration;

/// Most messages that one receive or poll hands out.
pub const RINGMAIN_RECEIVE_COUNT_MAX: usize = 65536;

const _: () = assert!(RINGMAIN_RECEIVE_COUNT_MAX == RECEIVE_COUNT_MAX);

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
        let out = unsafe { DeliveriesOut::new(deliveries_out, count_max, count_out) }?;
        out.set(get::<Queue>(queue)?.receive_batch(count_max, wait(wait_ms))?)
    })
}

/// As `ringmain_queue_receive_batch`, with limits: waits at most `wait_ms` until there are `count_min` messages (1 to `count_max`),
/// then there are fewer or none. Of values it takes at most `bytes_max` bytes (at least 1): when the next message does not fit,
/// nothing more is waited for; one that is longer comes alone. What has come is held meanwhile, and its lease runs from when this
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive_with(
    queue: ringmain_queue,
    count_min: usize,
    count_max: usize,
    bytes_max: usize,
    wait_ms: u64,
    deliveries_out: *mut ringmain_delivery,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { DeliveriesOut::new(deliveries_out, count_max, count_out) }?;
        let receive = Receive { count_min, count_max, bytes_max, wait: wait(wait_ms) };
        out.set(get::<Queue>(queue)?.receive_with(receive)?)
    })
}

/// As `ringmain_queue_receive_batch`, leased for `lease_ms` and not for the queue's own time: 1 ms to the longest that the queue's
/// options allow in all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive_with_lease(
    queue: ringmain_queue,
    count_max: usize,
    wait_ms: u64,
    lease_ms: u64,
    deliveries_out: *mut ringmain_delivery,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { DeliveriesOut::new(deliveries_out, count_max, count_out) }?;
        let lease = Duration::from_millis(lease_ms);
        out.set(get::<Queue>(queue)?.receive_with_lease(count_max, wait(wait_ms), lease)?)
    })
}

/// Receives the message `id` that was set aside by `ringmain_delivery_defer`. Stores 0 if it was not, is no longer there, has
/// expired, somebody has it, or a pause or a limit is in its way: that is no error. Does not wait. Settle the delivery and close it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive_deferred(
    queue: ringmain_queue,
    id: u64,
    delivery_out: *mut ringmain_delivery,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("delivery_out", delivery_out) }?;
        if let Some(delivery) = get::<Queue>(queue)?.receive_deferred(id)? {
            out.set(open(delivery)?);
        }
        Ok(())
    })
}

/// Where a caller wants deliveries and how many there are.
struct DeliveriesOut {
    handles: Out<u64>,
    count: Out<usize>,
}

impl DeliveriesOut {
    /// # Safety
    /// The caller's promise for both pointers and the count.
    unsafe fn new(deliveries: *mut u64, count_max: usize, count: *mut usize) -> Result<Self> {
        // Both are zeroed, even if one of them is bad.
        // SAFETY: the caller's promise.
        let (handles, count) = unsafe {
            (
                Out::array("deliveries_out", deliveries, count_max, RECEIVE_COUNT_MAX),
                Out::one("count_out", count),
            )
        };
        let out = Self { handles: handles?, count: count? };
        check_count_max(count_max)?;
        Ok(out)
    }

    fn set(&self, deliveries: Vec<Delivery>) -> Result<()> {
        let handles = open_all(deliveries)?;
        self.count.set(handles.len());
        self.handles.set_all(handles);
        Ok(())
    }
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
