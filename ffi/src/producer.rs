//! Producers by name, whose retries append nothing twice.

use crate::answer::Out;
use crate::append::ringmain_position;
use crate::argument::name;
use crate::guard::entry;
use crate::message::{messages, ringmain_message};
use crate::receipt::{Accept, UNKNOWN, answer, ringmain_receipt};
use crate::stream::ringmain_stream;
use crate::table::{close_or_zero, get, open};
use crate::text::{self, ringmain_text};
use ringmain::limits::BATCH_RECORDS_MAX;
use ringmain::{Producer, Stream};
use ringmain_surface::stream_call;
use std::ffi::c_char;

/// A producer of a stream, by its name. It numbers its messages from 0; those that were appended before, as their numbers say, are
/// not appended again, across crashes. 0 is no producer. Any thread may use it.
pub type ringmain_producer = u64;

/// Opens the producer `producer_name` (NUL-terminated) of the stream, making it if there is none of that name. From then on handles
/// that were opened before are refused, with `RINGMAIN_ERROR_PRODUCER_FENCED`. At most 10,000 producers are kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_producer_open(
    stream: ringmain_stream,
    producer_name: *const c_char,
    producer_out: *mut ringmain_producer,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, producer_name) =
            unsafe { (Out::one("producer_out", producer_out)?, name("producer_name", producer_name)?) };
        out.set(open(get::<Stream>(stream)?.producer(producer_name)?)?);
        Ok(())
    })
}

/// Stores the sequence to go on with: all messages before it were appended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_producer_next_sequence(
    producer: ringmain_producer,
    sequence_out: *mut u64,
) -> i32 {
    entry(producer, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("sequence_out", sequence_out) }?;
        out.set(get::<Producer>(producer)?.next_sequence()?);
        Ok(())
    })
}

/// Stores how often the producer was opened, this time included. Outlives the hub.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_producer_epoch(producer: ringmain_producer, epoch_out: *mut u64) -> i32 {
    entry(producer, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("epoch_out", epoch_out) }?;
        out.set(get::<Producer>(producer)?.epoch());
        Ok(())
    })
}

/// Appends `count` messages, the first of which has this sequence and each other the next one; returns once they have reached the hub's
/// durability. Those that were appended before are left out, so that a call may be repeated until it is heard of; the messages must
/// be the same then. Stores their positions (`count` of them, or NULL): of one that was appended long ago the partition is
/// `RINGMAIN_PARTITION_UNKNOWN`. Stores 1 in `is_duplicate_out` (NULL if it does not matter) if all were there already.
///
/// `RINGMAIN_ERROR_SEQUENCE_GAP`: messages before this sequence were not appended yet. `RINGMAIN_ERROR_PRODUCER_FENCED`: it was
/// opened again. `RINGMAIN_ERROR_NOT_FOUND`: it was deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_producer_append(
    producer: ringmain_producer,
    sequence: u64,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
    is_duplicate_out: *mut i32,
) -> i32 {
    entry(producer, || {
        // SAFETY: the caller's promise.
        let (out, is_duplicate) = unsafe {
            (
                Out::optional_array("positions_out", positions_out, count, BATCH_RECORDS_MAX),
                Out::optional("is_duplicate_out", is_duplicate_out),
            )
        };
        let (out, is_duplicate) = (out?, is_duplicate?);
        // SAFETY: the caller's promise.
        let messages = unsafe { self::messages("messages", messages, count) }?;
        let accepted = get::<Producer>(producer)?.append(sequence, &messages)?;
        is_duplicate.set(accepted.duplicate.into());
        out.set_all(accepted.positions.into_iter().map(|position| position.map_or(UNKNOWN, Into::into)));
        Ok(())
    })
}

/// As `ringmain_producer_append`, and does not wait: the receipt does, for everything of this producer up to here. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_producer_submit(
    producer: ringmain_producer,
    sequence: u64,
    messages: *const ringmain_message,
    count: usize,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(producer, || {
        // SAFETY: the caller's promise.
        let (out, messages) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::messages("messages", messages, count)?) };
        answer(&out, Accept::Produced(get::<Producer>(producer)?.submit(sequence, &messages)?))
    })
}

/// Closes the handle; the producer is kept, and goes on where it was when it is opened again. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_producer_close(producer: ringmain_producer) -> i32 {
    entry(producer, || close_or_zero::<Producer>(producer))
}

/// Stores the names of the producers of the stream that are kept, in order: JSON, a list. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_producers(
    stream: ringmain_stream,
    text_out: *mut ringmain_text,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("text_out", text_out) }?;
        text::answer(stream_call(&*get::<Stream>(stream)?, "producers", "{}")?, &out)
    })
}

/// Forgets how far the producer `producer_name` (NUL-terminated) has come: opened again, it begins at sequence 0. Its records stay,
/// its handles are refused. `RINGMAIN_ERROR_NOT_FOUND` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_delete_producer(
    stream: ringmain_stream,
    producer_name: *const c_char,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let producer_name = unsafe { name("producer_name", producer_name) }?;
        get::<Stream>(stream)?.delete_producer(producer_name)
    })
}
