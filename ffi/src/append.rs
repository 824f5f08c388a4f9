//! Appending to a stream: by key, to a partition, where it ends, without waiting.

use crate::answer::{Out, Zero};
use crate::guard::entry;
use crate::message::{message, messages, ringmain_message};
use crate::receipt::{Accept, answer, ringmain_receipt};
use crate::stream::ringmain_stream;
use crate::table::get;
use ringmain::limits::BATCH_RECORDS_MAX;
use ringmain::{Message, Position, Result, Stream};

/// Where a record is. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_position {
    /// Its number in the partition: strictly increasing, not always by one.
    pub offset: u64,
    /// The partition.
    pub partition: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers.
unsafe impl Zero for ringmain_position {}

impl From<Position> for ringmain_position {
    fn from(position: Position) -> Self {
        Self { offset: position.offset, partition: position.partition, reserved: 0 }
    }
}

/// Appends a record and stores its position (NULL if it does not matter) once it has reached the hub's durability. Its
/// key chooses the partition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append(
    stream: ringmain_stream,
    message: *const ringmain_message,
    position_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::optional("position_out", position_out)?, self::message("message", message)?) };
        out.set(get::<Stream>(stream)?.append(message)?.into());
        Ok(())
    })
}

/// Appends `count` records (at most 65,536, and 16 MiB a partition) and stores their positions (`count` of them, or NULL). Those of
/// one partition are one atomic batch; after an error those of other partitions may have been appended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append_batch(
    stream: ringmain_stream,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        unsafe {
            batch(stream, messages, count, positions_out, |stream, messages| stream.append_batch(messages))
        }
    })
}

/// As `ringmain_stream_append`, to this partition whatever the key. `RINGMAIN_ERROR_NOT_FOUND` if there is no such partition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append_to(
    stream: ringmain_stream,
    partition: u32,
    message: *const ringmain_message,
    position_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::optional("position_out", position_out)?, self::message("message", message)?) };
        out.set(get::<Stream>(stream)?.append_to(partition, message)?.into());
        Ok(())
    })
}

/// As `ringmain_stream_append_batch`, to this partition whatever the keys: one atomic batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append_batch_to(
    stream: ringmain_stream,
    partition: u32,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        unsafe {
            batch(stream, messages, count, positions_out, |stream, messages| {
                stream.append_batch_to(partition, messages)
            })
        }
    })
}

/// Appends `count` records, at least one, to a partition as one atomic batch, but only if it ends at the offset `end`: of several who
/// read up to there and append what follows from it, one succeeds. The others get `RINGMAIN_ERROR_CONFLICT`, whose text says where
/// it ends. Stores the positions (`count` of them, or NULL).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_append_expecting(
    stream: ringmain_stream,
    partition: u32,
    end: u64,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        unsafe {
            batch(stream, messages, count, positions_out, |stream, messages| {
                stream.append_expecting(partition, end, messages)
            })
        }
    })
}

/// As `ringmain_stream_append`, and does not wait: the receipt does. Its one record is at index 0. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_submit(
    stream: ringmain_stream,
    message: *const ringmain_message,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::message("message", message)?) };
        answer(&out, Accept::Position(get::<Stream>(stream)?.submit(message)?))
    })
}

/// As `ringmain_stream_append_batch`, and does not wait: the receipt does. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_submit_batch(
    stream: ringmain_stream,
    messages: *const ringmain_message,
    count: usize,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, messages) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::messages("messages", messages, count)?) };
        answer(&out, Accept::Positions(get::<Stream>(stream)?.submit_batch(&messages)?))
    })
}

/// As `ringmain_stream_append_to`, and does not wait: the receipt does. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_submit_to(
    stream: ringmain_stream,
    partition: u32,
    message: *const ringmain_message,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::message("message", message)?) };
        answer(&out, Accept::Position(get::<Stream>(stream)?.submit_to(partition, message)?))
    })
}

/// As `ringmain_stream_append_batch_to`, and does not wait: the receipt does. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_submit_batch_to(
    stream: ringmain_stream,
    partition: u32,
    messages: *const ringmain_message,
    count: usize,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, messages) =
            unsafe { (Out::one("receipt_out", receipt_out)?, self::messages("messages", messages, count)?) };
        answer(&out, Accept::Positions(get::<Stream>(stream)?.submit_batch_to(partition, &messages)?))
    })
}

/// Appends a batch as `append` does, and stores its positions.
///
/// # Safety
/// The caller's promise for both pointers and the count.
unsafe fn batch(
    stream: ringmain_stream,
    messages: *const ringmain_message,
    count: usize,
    positions_out: *mut ringmain_position,
    append: impl FnOnce(&Stream, &[Message<'_>]) -> Result<Vec<Position>>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (out, messages) = unsafe {
        (
            Out::optional_array("positions_out", positions_out, count, BATCH_RECORDS_MAX)?,
            self::messages("messages", messages, count)?,
        )
    };
    out.set_all(append(&*get::<Stream>(stream)?, &messages)?.into_iter().map(Into::into));
    Ok(())
}
