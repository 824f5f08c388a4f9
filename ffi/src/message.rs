//! Messages on their way in.

use crate::argument::{Versioned, array, bytes, text, versioned, versioned_array};
use crate::header::ringmain_header;
use crate::hub::{
    RINGMAIN_DURABILITY_DEFAULT, RINGMAIN_DURABILITY_RELAXED, RINGMAIN_DURABILITY_SYNCED,
    RINGMAIN_DURABILITY_WRITTEN,
};
use ringmain::limits::{
    BATCH_RECORDS_MAX, HEADER_COUNT_MAX, HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, KEY_BYTES_MAX,
    MESSAGE_BYTES_MAX,
};
use ringmain::{Durability, Error, Message, Result};
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
    /// Queue only: how long it may wait, at most ten years, from now on and however often it comes back; then it expires. Of
    /// this and the queue's own limit the shorter counts; 0 for the queue's. While it is leased it does not expire.
    pub ttl_ms: u64,
    /// Queue only: a deadline for its first delivery, at most ten years from now; 0 for none. When it is missed, that is counted
    /// and the queue does what its options say; once.
    pub start_within_ms: u64,
    /// Queue only: a deadline for its ack, at most ten years from now; 0 for none. As `start_within_ms`.
    pub complete_within_ms: u64,
    /// Queue only: the same at a time in nanoseconds since 1970, at most ten years ahead; 0 for none. Wins over
    /// `complete_within_ms`.
    pub complete_by_ns: u64,
    /// Queue only: messages of one ordering key are delivered one at a time, in the order in which they were sent, those of other
    /// keys beside them. NULL for none.
    pub ordering_key: *const c_void,
    /// Bytes of the ordering key, at most 4096.
    pub ordering_key_bytes: usize,
    /// Queue only: a message whose key the queue still remembers from an earlier one is a duplicate and not sent again; for how
    /// long that is, the queue's options say. NULL for none.
    pub dedup_key: *const c_void,
    /// Bytes of the deduplication key, at most 4096.
    pub dedup_key_bytes: usize,
    /// Queue only: failures after which it is exhausted, whatever its queue says; 0 for what the queue says.
    pub max_failures: u32,
    /// What the verb that takes it waits for, one of `RINGMAIN_DURABILITY_*`, if that is more than the hub's own; 0 for the
    /// hub's. Of several in a batch the safest counts.
    pub durability: i32,
    /// Queue only: 1 if `priority` is given, 0 if the message has the default priority, 4.
    pub has_priority: u8,
    /// Queue only: 0 to 9, delivered from the largest down. Must be 0 where `has_priority` is.
    pub priority: u8,
    /// Stream only, refused by a queue: 1 says that the key has no value any more, so that a compacted stream forgets what came
    /// before. It must have a key and no value. Otherwise 0.
    pub is_tombstone: u8,
    /// Must be 0.
    pub reserved: [u8; 5],
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_message {
    const NAME: &'static str = "ringmain_message";
    const BYTES_MIN: usize = offset_of!(ringmain_message, reserved) + size_of::<[u8; 5]>();
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
    let (value, key, headers) = unsafe {
        (
            bytes("value", raw.value, raw.value_bytes, MESSAGE_BYTES_MAX)?,
            key("key", raw.key, raw.key_bytes)?,
            array("headers", raw.headers, raw.header_count, HEADER_COUNT_MAX)?,
        )
    };
    let mut message = match (raw.is_tombstone, key) {
        (0, None) => Message::new(value),
        (0, Some(key)) => Message::new(value).key(key),
        (1, Some(key)) if value.is_empty() => Message::tombstone(key),
        (1, Some(_)) => {
            let detail =
                format!("a tombstone has none, this has {} bytes; set value_bytes to 0", value.len());
            return Err(Error::invalid("value", detail));
        }
        (1, None) => return Err(Error::invalid("key", "a tombstone needs one, it is NULL")),
        (other, _) => return Err(Error::invalid("is_tombstone", format!("{other} is neither 0 nor 1"))),
    };
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
    if raw.event_time_ns > 0 {
        message = message.event_time(raw.event_time_ns);
    }
    message = match raw.durability {
        RINGMAIN_DURABILITY_DEFAULT => message,
        RINGMAIN_DURABILITY_RELAXED => message.durability(Durability::Relaxed),
        RINGMAIN_DURABILITY_WRITTEN => message.durability(Durability::Written),
        RINGMAIN_DURABILITY_SYNCED => message.durability(Durability::Synced),
        other => {
            let detail = format!("{other} is not one of RINGMAIN_DURABILITY_*");
            return Err(Error::invalid("durability", detail));
        }
    };
    // SAFETY: the caller's promise.
    unsafe { with_task(message, raw) }
}

/// What only a queue knows what to do with.
///
/// # Safety
/// The caller's promise for everything `raw` points to.
unsafe fn with_task<'a>(mut message: Message<'a>, raw: &ringmain_message) -> Result<Message<'a>> {
    // SAFETY: the caller's promise.
    let (ordering_key, dedup_key) = unsafe {
        (
            key("ordering_key", raw.ordering_key, raw.ordering_key_bytes)?,
            key("dedup_key", raw.dedup_key, raw.dedup_key_bytes)?,
        )
    };
    if let Some(key) = ordering_key {
        message = message.ordering_key(key);
    }
    if let Some(key) = dedup_key {
        message = message.dedup_key(key);
    }
    if raw.delay_ms > 0 {
        message = message.delay(Duration::from_millis(raw.delay_ms));
    }
    if raw.deliver_at_ns > 0 {
        message = message.deliver_at(raw.deliver_at_ns);
    }
    if raw.ttl_ms > 0 {
        message = message.ttl(Duration::from_millis(raw.ttl_ms));
    }
    if raw.start_within_ms > 0 {
        message = message.start_within(Duration::from_millis(raw.start_within_ms));
    }
    if raw.complete_within_ms > 0 {
        message = message.complete_within(Duration::from_millis(raw.complete_within_ms));
    }
    if raw.complete_by_ns > 0 {
        message = message.complete_by(raw.complete_by_ns);
    }
    if raw.max_failures > 0 {
        message = message.max_failures(raw.max_failures);
    }
    match (raw.has_priority, raw.priority) {
        (0, 0) => {}
        (0, priority) => {
            let detail = format!("it is {priority} and has_priority is 0; set that to 1");
            return Err(Error::invalid("priority", detail));
        }
        (1, priority) => message = message.priority(priority),
        (other, _) => return Err(Error::invalid("has_priority", format!("{other} is neither 0 nor 1"))),
    }
    if raw.reserved != [0; 5] {
        return Err(Error::invalid("reserved", "it must be 0"));
    }
    Ok(message)
}

/// A key of the caller's, of which NULL is none and no bytes are a key.
///
/// # Safety
/// The caller's promise for the pointer.
unsafe fn key<'a>(argument: &'static str, pointer: *const c_void, count: usize) -> Result<Option<&'a [u8]>> {
    if pointer.is_null() && count == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { bytes(argument, pointer, count, KEY_BYTES_MAX) }.map(Some)
}
