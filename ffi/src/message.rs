//! Messages on their way in.

use crate::argument::{Versioned, array, bytes, text, versioned, versioned_array};
use crate::header::ringmain_header;
use ringmain::limits::{
    BATCH_RECORDS_MAX, HEADER_COUNT_MAX, HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, KEY_BYTES_MAX,
    MESSAGE_BYTES_MAX,
};
use ringmain::{Message, Result};
use std::ffi::c_void;
use std::mem::offset_of;
use std::time::Duration;

/// Longest message (key, headers and value together) in bytes.
pub const RINGMAIN_MESSAGE_BYTES_MAX: usize = 1048576;
/// Longest key in bytes.
pub const RINGMAIN_KEY_BYTES_MAX: usize = 4096;
/// Most headers of one message.
pub const RINGMAIN_HEADER_COUNT_MAX: usize = 64;
/// Most messages of one batch.
pub const RINGMAIN_BATCH_COUNT_MAX: usize = 65536;

const _: () = assert!(RINGMAIN_MESSAGE_BYTES_MAX == MESSAGE_BYTES_MAX);
const _: () = assert!(RINGMAIN_KEY_BYTES_MAX == KEY_BYTES_MAX);
const _: () = assert!(RINGMAIN_HEADER_COUNT_MAX == HEADER_COUNT_MAX);
const _: () = assert!(RINGMAIN_BATCH_COUNT_MAX == BATCH_RECORDS_MAX);

/// A message to send to a queue or append to a stream. Set `size`, zero the rest, and set what you need:
/// `ringmain_message m = {.size = sizeof m, .value = "x", .value_bytes = 1};`. Everything that it points to is copied
/// before the call returns.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_message {
    /// sizeof(ringmain_message).
    pub size: usize,
    /// The value; may be NULL if it has no bytes.
    pub value: *const c_void,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// The key, NULL for none: chooses the partition of a stream, and is a label on a queue.
    pub key: *const c_void,
    /// Bytes of the key, at most 4096.
    pub key_bytes: usize,
    /// The headers; may be NULL if there are none.
    pub headers: *const ringmain_header,
    /// How many headers there are, at most 64.
    pub header_count: usize,
    /// Queue only, refused by a stream: not before so many milliseconds have passed, at most ten years.
    pub delay_ms: u64,
    /// Queue only, refused by a stream: not before this time, in nanoseconds since 1970; 0 for at once. Wins over `delay_ms`.
    pub deliver_at_ns: u64,
    /// When what the message tells of happened, in nanoseconds since 1970; 0 for not said.
    pub event_time_ns: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_message {
    const NAME: &'static str = "ringmain_message";
    const BYTES_MIN: usize = offset_of!(ringmain_message, event_time_ns) + size_of::<u64>();
}

/// A message that borrows from the caller's until the call returns.
///
/// # Safety
/// The caller's promise for the struct and for everything it points to.
pub(crate) unsafe fn message<'a>(
    argument: &'static str,
    pointer: *const ringmain_message,
) -> Result<Message<'a>> {
    // SAFETY: the caller's promise.
    unsafe { borrowed(&versioned(argument, pointer)?) }
}

/// A batch of messages, at most 65,536.
///
/// # Safety
/// As [`message`], for each.
pub(crate) unsafe fn messages<'a>(
    argument: &'static str,
    pointer: *const ringmain_message,
    count: usize,
) -> Result<Vec<Message<'a>>> {
    // SAFETY: the caller's promise.
    let raw = unsafe { versioned_array(argument, pointer, count, BATCH_RECORDS_MAX) }?;
    // SAFETY: the caller's promise.
    raw.iter().map(|raw| unsafe { borrowed(raw) }).collect()
}

/// # Safety
/// The caller's promise for everything `raw` points to.
unsafe fn borrowed<'a>(raw: &ringmain_message) -> Result<Message<'a>> {
    // SAFETY: the caller's promise.
    let (value, headers) = unsafe {
        (
            bytes("value", raw.value, raw.value_bytes, MESSAGE_BYTES_MAX)?,
            array("headers", raw.headers, raw.header_count, HEADER_COUNT_MAX)?,
        )
    };
    let mut message = Message::new(value);
    if !raw.key.is_null() || raw.key_bytes > 0 {
        // SAFETY: the caller's promise.
        message = message.key(unsafe { bytes("key", raw.key, raw.key_bytes, KEY_BYTES_MAX) }?);
    }
    for header in headers {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe {
            (
                text("header name", header.name, header.name_bytes, HEADER_NAME_BYTES_MAX)?,
                bytes("header value", header.value, header.value_bytes, HEADER_VALUE_BYTES_MAX)?,
            )
        };
        message = message.header(name, value);
    }
    if raw.delay_ms > 0 {
        message = message.delay(Duration::from_millis(raw.delay_ms));
    }
    if raw.deliver_at_ns > 0 {
        message = message.deliver_at(raw.deliver_at_ns);
    }
    if raw.event_time_ns > 0 {
        message = message.event_time(raw.event_time_ns);
    }
    Ok(message)
}
