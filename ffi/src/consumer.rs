//! Consumers: deliveries one after the other, taken ahead.

use crate::answer::Out;
use crate::argument::wait;
use crate::delivery::ringmain_delivery;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::reader::alone;
use crate::table::{close_or_zero, get, open};
use ringmain::{Consumer, Delivery, Queue};
use std::sync::Mutex;

/// Receives messages of a queue one after the other, several taken ahead. Of a queue that has a single active consumer only the oldest
/// one gets messages; when it is closed the next one takes over, and all leases that are out end. 0 is no consumer. Any thread may
/// use it, one at a time: others wait for it.
pub type ringmain_consumer = u64;

/// Opens a consumer of the queue that takes `prefetch` messages at a time, 1 to 65,536. Each is leased from when it is handed out; one
/// that has waited for longer than a lease is another's by then, and left out. Close the consumer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_consumer_open(
    queue: ringmain_queue,
    prefetch: usize,
    consumer_out: *mut ringmain_consumer,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("consumer_out", consumer_out) }?;
        let consumer = get::<Queue>(queue)?.consumer().prefetch(prefetch).start()?;
        out.set(open(Mutex::new(consumer))?);
        Ok(())
    })
}

/// Receives the next message, waiting for it at most `wait_ms`. Stores 0 if none came: that is no error. Settle the delivery and close
/// it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_consumer_receive(
    consumer: ringmain_consumer,
    wait_ms: u64,
    delivery_out: *mut ringmain_delivery,
) -> i32 {
    entry(consumer, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("delivery_out", delivery_out) }?;
        let consumer = get::<Mutex<Consumer>>(consumer)?;
        let received = alone(&consumer)?.receive(wait(wait_ms))?;
        if let Some(delivery) = received {
            out.set(open(delivery)?);
        }
        Ok(())
    })
}

/// Receives the message `id` that was set aside, as `ringmain_queue_receive_deferred`; of a queue that has a single active consumer, by
/// that one, and 0 from another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_consumer_receive_deferred(
    consumer: ringmain_consumer,
    id: u64,
    delivery_out: *mut ringmain_delivery,
) -> i32 {
    entry(consumer, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("delivery_out", delivery_out) }?;
        let consumer = get::<Mutex<Consumer>>(consumer)?;
        let received = alone(&consumer)?.receive_deferred(id)?;
        if let Some(delivery) = received {
            out.set(open(delivery)?);
        }
        Ok(())
    })
}

/// Acks a delivery, and all that this consumer handed out before it and that are still out, with one commit; not what it took ahead. The
/// others' own verbs answer `RINGMAIN_ERROR_LEASE_LOST` from then on. The deliveries stay open. `RINGMAIN_ERROR_INVALID_ARGUMENT`
/// for a delivery that is not this consumer's, or no longer out: then nothing was acked.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_consumer_ack_up_to(
    consumer: ringmain_consumer,
    delivery: ringmain_delivery,
) -> i32 {
    entry(consumer, || {
        let (consumer, delivery) = (get::<Mutex<Consumer>>(consumer)?, get::<Delivery>(delivery)?);
        alone(&consumer)?.ack_up_to(&delivery)
    })
}

/// Closes the consumer; what it took ahead is handed back. What it handed out stays with who has it. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_consumer_close(consumer: ringmain_consumer) -> i32 {
    entry(consumer, || close_or_zero::<Mutex<Consumer>>(consumer))
}
