//! Batchers: records that wait a moment for others.

use crate::answer::Out;
use crate::argument::{Versioned, options};
use crate::guard::entry;
use crate::message::{message, ringmain_message};
use crate::receipt::{Accept, ringmain_receipt};
use crate::stream::ringmain_stream;
use crate::table::{close_or_zero, get, open};
use crate::waiting::Waiting;
use ringmain::{Batcher, Batching, Stream};
use std::mem::offset_of;
use std::time::Duration;

/// Gathers records into batches. 0 is no batcher. Any thread may use it.
pub type ringmain_batcher = u64;

/// When a batcher closes a batch: whichever comes first. Set `size`, zero the rest: 0 is the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_batcher_options {
    /// sizeof(ringmain_batcher_options).
    pub size: usize,
    /// How long the first record of a batch waits for others. Default 0: each record is a batch.
    pub linger_ms: u64,
    /// Bytes of a batch as it lies in the log, at most 16 MiB; a larger record is a batch of its own. Default 16384.
    pub max_batch_bytes: usize,
    /// Records of a batch, at most 65,536, which is the default.
    pub max_batch_messages: usize,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_batcher_options {
    const NAME: &'static str = "ringmain_batcher_options";
    const BYTES_MIN: usize = offset_of!(ringmain_batcher_options, max_batch_messages) + size_of::<usize>();
}

/// Opens a batcher of the stream. `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_batcher_open(
    stream: ringmain_stream,
    options: *const ringmain_batcher_options,
    batcher_out: *mut ringmain_batcher,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, options) =
            unsafe { (Out::one("batcher_out", batcher_out)?, self::options("options", options)?) };
        let default = Batching::default();
        let or = |count, default| if count == 0 { default } else { count };
        let batching = Batching {
            linger: Duration::from_millis(options.linger_ms),
            max_batch_bytes: or(options.max_batch_bytes, default.max_batch_bytes),
            max_batch_messages: or(options.max_batch_messages, default.max_batch_messages),
        };
        out.set(open(get::<Stream>(stream)?.batcher(batching)?)?);
        Ok(())
    })
}

/// Takes a record, and copies it; it is appended with its batch. What became of it the receipt tells (NULL if it does not matter),
/// whose position at index 0 is known when it is reached. Close the receipt. Where slow readers hold those who append, this waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_batcher_send(
    batcher: ringmain_batcher,
    message: *const ringmain_message,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(batcher, || {
        // SAFETY: the caller's promise.
        let (out, message) =
            unsafe { (Out::optional("receipt_out", receipt_out)?, self::message("message", message)?) };
        let pending = get::<Batcher>(batcher)?.send(message)?;
        if !receipt_out.is_null() {
            out.set(open(Accept::Batched(Waiting::new(pending)))?);
        }
        Ok(())
    })
}

/// Appends what was gathered; returns when all that was sent before has reached its durability. The error is that of the batch that was
/// open; of those before it their own receipts tell.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_batcher_flush(batcher: ringmain_batcher) -> i32 {
    entry(batcher, || get::<Batcher>(batcher)?.flush())
}

/// Closes the batcher; what it has gathered is appended, and not waited for. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_batcher_close(batcher: ringmain_batcher) -> i32 {
    entry(batcher, || close_or_zero::<Batcher>(batcher))
}
