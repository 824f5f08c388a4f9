//! Settling many deliveries with one commit.

use crate::answer::Out;
use crate::argument::{array, text_cut};
use crate::delivery::ringmain_delivery;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::table::get;
use ringmain::limits::{REASON_BYTES_MAX, RECEIVE_COUNT_MAX};
use ringmain::{Delivery, Error, Queue, Result};
use std::ffi::c_char;

/// Acks `count` deliveries of the queue with one commit. Stores a code for each in `codes_out` (`count` of them, or NULL), and
/// answers with the first that is not 0; if the call itself is refused, each code is that of the refusal. The deliveries stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_ack_batch(
    queue: ringmain_queue,
    deliveries: *const ringmain_delivery,
    count: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        unsafe { each(queue, deliveries, count, codes_out, Queue::ack_batch) }
    })
}

/// Fails `count` deliveries of the queue with one commit, each as by `ringmain_delivery_fail` after the queue's retry delay, all for
/// the same reason. Codes as of `ringmain_queue_ack_batch`. The deliveries stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_fail_batch(
    queue: ringmain_queue,
    deliveries: *const ringmain_delivery,
    count: usize,
    reason: *const c_char,
    reason_bytes: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        unsafe {
            each(queue, deliveries, count, codes_out, |queue, deliveries| {
                let reason = text_cut("reason", reason, reason_bytes, REASON_BYTES_MAX);
                match reason {
                    Ok(reason) => queue.fail_batch(deliveries, reason),
                    Err(error) => vec![Err(error); deliveries.len()],
                }
            })
        }
    })
}

/// Hands back `count` deliveries of the queue with one commit, each as by `ringmain_delivery_release` without a delay. Codes as of
/// `ringmain_queue_ack_batch`. The deliveries stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_release_batch(
    queue: ringmain_queue,
    deliveries: *const ringmain_delivery,
    count: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        unsafe { each(queue, deliveries, count, codes_out, Queue::release_batch) }
    })
}

/// Has each code say that the call was refused: 0, as other answers are then, would say that it was done.
pub(crate) fn refused(codes: &Out<i32>, error: Error) -> Error {
    codes.fill(error.code() as i32);
    error
}

/// Says a verb of the deliveries that are open, and answers with the code of each.
///
/// # Safety
/// The caller's promise for both pointers and the count.
unsafe fn each(
    queue: ringmain_queue,
    deliveries: *const ringmain_delivery,
    count: usize,
    codes_out: *mut i32,
    verb: impl FnOnce(&Queue, &[&Delivery]) -> Vec<Result<()>>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::optional_array("codes_out", codes_out, count, RECEIVE_COUNT_MAX) }?;
    let refused = |error| refused(&out, error);
    // SAFETY: the caller's promise.
    let handles = unsafe { array("deliveries", deliveries, count, RECEIVE_COUNT_MAX) }.map_err(refused)?;
    let queue = get::<Queue>(queue).map_err(refused)?;
    let deliveries: Vec<_> = handles.iter().map(|handle| get::<Delivery>(*handle)).collect();
    let open: Vec<&Delivery> = deliveries.iter().flatten().map(|delivery| &**delivery).collect();
    // One result for each delivery that is open, in order.
    let mut results = verb(&queue, &open).into_iter();
    let missing = || Err(Error::Internal { detail: "a batch forgot a delivery".to_owned() });
    let mut answer = Ok(());
    for (index, delivery) in deliveries.iter().enumerate() {
        let result = match delivery {
            Ok(_) => results.next().unwrap_or_else(missing),
            Err(error) => Err(error.clone()),
        };
        out.set_at(index, result.as_ref().map_or_else(|error| error.code() as i32, |()| 0));
        answer = answer.and(result);
    }
    answer
}
