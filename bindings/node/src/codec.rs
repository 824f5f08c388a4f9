//! The bytes that cross between JavaScript and Rust: many messages in one buffer, because making a JavaScript object
//! for each costs more than the message. `lib/codec.js` is the other half; all numbers are little-endian.
//!
//! ```text
//! in:   value_bytes u32 | key_bytes u32 (all ones: none) | header_count u32 | flags u32 | delay_ms f64
//!       | event_time_ns u64 | task | key | (name_bytes u32 | value_bytes u32 | name | value)* | value
//! task: priority u32 | max_failures u32 | ordering_key_bytes u32 | dedup_key_bytes u32 (all ones: none) | deliver_at_ns u64 | ttl_ms f64
//!       | start_within_ms f64 | complete_within_ms f64 (not a number: none) | complete_by_ns u64 (0: none) | both keys
//! out:  message_bytes u32 | flags u32 | number f64 | time_ns u64 | event_time_ns u64 | first u32 | second u32
//!       | key_bytes u32 | headers_bytes u32 | value_bytes u32 | key | headers as above | value
//! ```
//!
//! A task, which only a queue knows what to do with, is there if a flag says so. A delivery in a pool begins with the slot and the generation of
//! its lease, 4 bytes each, and ends at a multiple of 8 bytes.
//!
//! `number` is an id or an offset; `first` and `second` are attempts and failures, or the partition and how many
//! offsets before its own are done with a record.
//! **Failure.** A buffer that does not parse is [`Error::InvalidArgument`]: nothing of it is sent.

use crate::argument;
use crate::error::{internal, thrown};
use napi::bindgen_prelude::{BufferSlice, Env};
use ringmain::{Delivery, Durability, Error, Message, Peeked, Record, Result};

const NO_KEY: u32 = u32::MAX;
const NONE: u32 = u32::MAX;
const HAS_DELAY: u32 = 1;
const HAS_EVENT_TIME_IN: u32 = 2;
const HAS_TASK: u32 = 1 << 8;
/// Two bits: 0 is the hub's own.
const DURABILITY_SHIFT: u32 = 9;
const HAS_KEY: u32 = 1;
const HAS_EVENT_TIME_OUT: u32 = 2;
/// Both ways: the key has no value any more.
const IS_TOMBSTONE: u32 = 1 << 16;
/// Of a lease, and of what comes before the key.
const PLACE_BYTES: usize = 8;
const FIXED_BYTES: usize = 52;

/// The messages packed in `bytes`, borrowing from it.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<Message<'_>>> {
    let mut cursor = Cursor { bytes };
    let mut messages = Vec::new();
    while !cursor.bytes.is_empty() {
        messages.push(cursor.message()?);
    }
    Ok(messages)
}

/// The one message packed in `bytes`.
pub(crate) fn unpack_one(bytes: &[u8]) -> Result<Message<'_>> {
    Cursor { bytes }.message()
}

/// Takes packed things apart.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let cut = || Error::invalid("message", "its packed form is cut short");
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(cut)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn message(&mut self) -> Result<Message<'a>> {
        let value_bytes = self.u32()? as usize;
        let key_bytes = self.u32()?;
        let header_count = self.u32()?;
        let flags = self.u32()?;
        let delay_ms = f64::from_le_bytes(self.array()?);
        let event_time_ns = u64::from_le_bytes(self.array()?);
        let task = if flags & HAS_TASK == 0 { None } else { Some(self.task()?) };
        let key = self.key(key_bytes)?;
        let mut headers = Vec::new();
        for _ in 0..header_count {
            let (name_bytes, value_bytes) = (self.u32()? as usize, self.u32()? as usize);
            let name = std::str::from_utf8(self.take(name_bytes)?)
                .map_err(|_| Error::invalid("header name", "it is not UTF-8"))?;
            headers.push((name, self.take(value_bytes)?));
        }
        let value = self.take(value_bytes)?;
        let mut message = match key {
            Some(key) if flags & IS_TOMBSTONE != 0 => Message::tombstone(key),
            Some(key) => Message::new(value).key(key),
            None => Message::new(value),
        };
        for (name, value) in headers {
            message = message.header(name, value);
        }
        if flags & HAS_DELAY != 0 {
            message = message.delay(argument::milliseconds("delayMs", delay_ms)?);
        }
        if flags & HAS_EVENT_TIME_IN != 0 {
            message = message.event_time(event_time_ns);
        }
        message = match flags >> DURABILITY_SHIFT & 3 {
            1 => message.durability(Durability::Relaxed),
            2 => message.durability(Durability::Written),
            3 => message.durability(Durability::Synced),
            _ => message,
        };
        match task {
            Some(task) => task.add_to(message),
            None => Ok(message),
        }
    }

    fn key(&mut self, bytes: u32) -> Result<Option<&'a [u8]>> {
        if bytes == NO_KEY { Ok(None) } else { self.take(bytes as usize).map(Some) }
    }

    fn task(&mut self) -> Result<Task<'a>> {
        let (priority, max_failures) = (self.u32()?, self.u32()?);
        let (ordering_key_bytes, dedup_key_bytes) = (self.u32()?, self.u32()?);
        let deliver_at_ns = u64::from_le_bytes(self.array()?);
        let mut span = || self.array().map(f64::from_le_bytes);
        let (ttl_ms, start_within_ms, complete_within_ms) = (span()?, span()?, span()?);
        let complete_by_ns = u64::from_le_bytes(self.array()?);
        let (ordering_key, dedup_key) = (self.key(ordering_key_bytes)?, self.key(dedup_key_bytes)?);
        Ok(Task {
            priority,
            max_failures,
            deliver_at_ns,
            ttl_ms,
            start_within_ms,
            complete_within_ms,
            complete_by_ns,
            ordering_key,
            dedup_key,
        })
    }
}

/// What only a queue knows what to do with.
struct Task<'a> {
    priority: u32,
    max_failures: u32,
    deliver_at_ns: u64,
    ttl_ms: f64,
    start_within_ms: f64,
    complete_within_ms: f64,
    complete_by_ns: u64,
    ordering_key: Option<&'a [u8]>,
    dedup_key: Option<&'a [u8]>,
}

impl<'a> Task<'a> {
    fn add_to(self, mut message: Message<'a>) -> Result<Message<'a>> {
        if self.priority != NONE {
            message = message.priority(u8::try_from(self.priority).unwrap_or(u8::MAX));
        }
        if self.max_failures != NONE {
            message = message.max_failures(self.max_failures);
        }
        if self.deliver_at_ns != 0 {
            message = message.deliver_at(self.deliver_at_ns);
        }
        if !self.ttl_ms.is_nan() {
            message = message.ttl(argument::milliseconds("ttlMs", self.ttl_ms)?);
        }
        if !self.start_within_ms.is_nan() {
            message = message.start_within(argument::milliseconds("startWithinMs", self.start_within_ms)?);
        }
        if !self.complete_within_ms.is_nan() {
            let time = argument::milliseconds("completeWithinMs", self.complete_within_ms)?;
            message = message.complete_within(time);
        }
        if self.complete_by_ns != 0 {
            message = message.complete_by(self.complete_by_ns);
        }
        if let Some(key) = self.ordering_key {
            message = message.ordering_key(key);
        }
        if let Some(key) = self.dedup_key {
            message = message.dedup_key(key);
        }
        Ok(message)
    }
}

/// What every kind of message on its way out has, headers apart.
struct Fields<'a> {
    number: u64,
    time_ns: u64,
    event_time_ns: Option<u64>,
    first: u32,
    second: u32,
    is_tombstone: bool,
    key: Option<&'a [u8]>,
    value: &'a [u8],
}

/// How many bytes of a pool a delivery takes.
#[inline]
pub(crate) fn delivery_bytes(delivery: &Delivery) -> usize {
    let headers: usize = delivery.headers().map(|(name, value)| 8 + name.len() + value.len()).sum();
    let bytes =
        PLACE_BYTES + FIXED_BYTES + delivery.key().map_or(0, <[u8]>::len) + headers + delivery.value().len();
    bytes.next_multiple_of(8)
}

/// Packs one delivery into the first `bytes` of a block, which are [`delivery_bytes`].
#[inline]
pub(crate) fn write_delivery(block: &mut [u8], delivery: &Delivery, bytes: usize) {
    let (key, value, event_time_ns) = (delivery.key(), delivery.value(), delivery.event_time_ns());
    let flags = if key.is_some() { HAS_KEY } else { 0 }
        | if event_time_ns.is_some() { HAS_EVENT_TIME_OUT } else { 0 };
    let key = key.unwrap_or_default();
    let Some(block) = block.get_mut(PLACE_BYTES..bytes) else { return };
    let Some((fixed, rest)) = block.split_first_chunk_mut::<FIXED_BYTES>() else { return };
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        if let Some(place) = rest.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        at += bytes.len();
        at
    };
    let key_end = put(key);
    let mut headers_end = key_end;
    for (name, value) in delivery.headers() {
        put(&(name.len() as u32).to_le_bytes());
        put(&(value.len() as u32).to_le_bytes());
        put(name.as_bytes());
        headers_end = put(value);
    }
    put(value);
    fixed[..4].copy_from_slice(&((bytes - PLACE_BYTES) as u32).to_le_bytes());
    fixed[4..8].copy_from_slice(&flags.to_le_bytes());
    fixed[8..16].copy_from_slice(&(delivery.id() as f64).to_le_bytes());
    fixed[16..24].copy_from_slice(&delivery.time_ns().to_le_bytes());
    fixed[24..32].copy_from_slice(&event_time_ns.unwrap_or(0).to_le_bytes());
    fixed[32..36].copy_from_slice(&delivery.attempts().to_le_bytes());
    fixed[36..40].copy_from_slice(&delivery.failures().to_le_bytes());
    fixed[40..44].copy_from_slice(&(key.len() as u32).to_le_bytes());
    fixed[44..48].copy_from_slice(&((headers_end - key_end) as u32).to_le_bytes());
    fixed[48..].copy_from_slice(&(value.len() as u32).to_le_bytes());
}

/// Writes which lease a packed delivery is of.
#[inline]
pub(crate) fn write_place(block: &mut [u8], slot: u32, generation: u32) {
    if let Some(place) = block.first_chunk_mut::<PLACE_BYTES>() {
        place[..4].copy_from_slice(&slot.to_le_bytes());
        place[4..].copy_from_slice(&generation.to_le_bytes());
    }
}

/// Packs one message that was looked at without leasing it.
pub(crate) fn pack_peeked(out: &mut Vec<u8>, peeked: &Peeked) {
    let fields = Fields {
        number: peeked.id(),
        time_ns: peeked.time_ns(),
        event_time_ns: peeked.event_time_ns(),
        first: peeked.attempts(),
        second: peeked.failures(),
        is_tombstone: false,
        key: peeked.key(),
        value: peeked.value(),
    };
    pack(out, &fields, peeked.headers());
}

/// Packs one record of a stream.
pub(crate) fn pack_record(out: &mut Vec<u8>, record: &Record) {
    let fields = Fields {
        number: record.offset(),
        time_ns: record.time_ns(),
        event_time_ns: record.event_time_ns(),
        first: record.partition(),
        second: u32::try_from(record.offset() - record.done_from()).unwrap_or(u32::MAX),
        is_tombstone: record.is_tombstone(),
        key: record.key(),
        value: record.value(),
    };
    pack(out, &fields, record.headers());
}

/// Packed messages as a buffer of JavaScript, copied.
pub(crate) fn buffer<'env>(env: &'env Env, packed: &[u8]) -> crate::error::Result<BufferSlice<'env>> {
    BufferSlice::copy_from(env, packed).map_err(|error| thrown(internal(error.reason.clone())))
}

// The sizes below fit 32 bits: a message that the core holds is at most `MESSAGE_BYTES_MAX` long.
fn pack<'a>(out: &mut Vec<u8>, fields: &Fields<'_>, headers: impl Iterator<Item = (&'a str, &'a [u8])>) {
    let start = out.len();
    let key = fields.key.unwrap_or_default();
    let flags = if fields.key.is_some() { HAS_KEY } else { 0 }
        | if fields.event_time_ns.is_some() { HAS_EVENT_TIME_OUT } else { 0 }
        | if fields.is_tombstone { IS_TOMBSTONE } else { 0 };
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&(fields.number as f64).to_le_bytes());
    out.extend_from_slice(&fields.time_ns.to_le_bytes());
    out.extend_from_slice(&fields.event_time_ns.unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&fields.first.to_le_bytes());
    out.extend_from_slice(&fields.second.to_le_bytes());
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    let headers_bytes_at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(fields.value.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    let headers_start = out.len();
    for (name, value) in headers {
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    }
    let headers_bytes = (out.len() - headers_start) as u32;
    out.extend_from_slice(fields.value);
    let message_bytes = (out.len() - start) as u32;
    out[headers_bytes_at..headers_bytes_at + 4].copy_from_slice(&headers_bytes.to_le_bytes());
    out[start..start + 4].copy_from_slice(&message_bytes.to_le_bytes());
}
