//! Layout of a frame: the header and payload that one record, or one control message, takes in a segment. The
//! memory image is the file image. Nobody else computes an offset.
//!
//! ```text
//!  0       4       8              16      20   21    22    24
//!  | len   | crc   | time_ns      | seq   |kind|flags|klen | key | extension | headers | value | 0..7 zero bytes
//! ```
//!
//! - `len`: bytes of header and payload, without the padding to 8. The commit word: stored last, 0 = not committed.
//!   With bit 31 set it is a *pad*, 8 bytes in all, and the other bits count granules to skip.
//! - `crc`: CRC-32C of bytes 8..len, exclusive-or a seed made of log id, segment, generation, byte position and
//!   length, so that a frame is only valid where it was written. 0 in a memory log.
//! - `seq`: sequence of the record from the segment's base; control frames carry the sequence of the next record.
//! - `extension` (flag): one length byte, then fields of tag, length and value: what the engine knows of a record.
//! - `headers` (flag): their bytes as u32, then for each u8 name length, u16 value length, name, value.
//!
//! All integers are little-endian.

use crate::error::{Error, Result};
use crate::log::claim::GRANULE_BYTES;

/// Bytes of the frame header.
pub(crate) const HEADER_BYTES: usize = 24;
/// Set in `len`: a pad.
pub(crate) const PAD: u32 = 1 << 31;

const CRC: usize = 4;
const TIME: usize = 8;
pub(super) const SEQUENCE: usize = 16;
const KIND: usize = 20;
const FLAGS: usize = 21;
const KEY_LEN: usize = 22;

/// The record has a key (possibly empty).
pub(crate) const HAS_KEY: u8 = 1;
/// An extension follows the key.
pub(crate) const HAS_EXTENSION: u8 = 2;
/// Headers follow.
pub(crate) const HAS_HEADERS: u8 = 4;
/// More frames of the same atomic batch follow.
pub(crate) const BATCH_CONTINUES: u8 = 8;
/// Frames of the same atomic batch came before.
pub(crate) const BATCH_CONTINUED: u8 = 16;
/// The record has options that the queue's cursor does not serve: it is skipped there and waits in the index.
pub(crate) const INDEXED: u8 = 32;
/// All flags there are.
const FLAGS_KNOWN: u8 = HAS_KEY | HAS_EXTENSION | HAS_HEADERS | BATCH_CONTINUES | BATCH_CONTINUED | INDEXED;

const TAG_EVENT_TIME: u8 = 1;
const TAG_DUE: u8 = 2;
const TAG_TOMBSTONE: u8 = 3;
const TAG_PRIORITY: u8 = 4;
const TAG_EXPIRES: u8 = 5;
const TAG_START_BY: u8 = 6;
const TAG_COMPLETE_BY: u8 = 7;
const TAG_FAILURES_MAX: u8 = 40;
const TAG_ATTEMPTS: u8 = 41;
const TAG_FAILURES: u8 = 42;
const TAG_REPLACES: u8 = 30;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A record: has a sequence.
    Data = 1,
    /// Takes the place of a record that was claimed and given up: has a sequence, readers skip it.
    Abort = 2,
    /// A message of a queue to itself (settlements, started-marks): no sequence.
    Control = 3,
    /// The journal's note of what was durable when it wrote this: no sequence.
    DurableMark = 4,
}

impl Kind {
    #[inline]
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Data,
            2 => Self::Abort,
            3 => Self::Control,
            4 => Self::DurableMark,
            _ => return None,
        })
    }

    /// Whether it takes a sequence number.
    pub(crate) fn is_record(self) -> bool {
        matches!(self, Self::Data | Self::Abort)
    }
}

/// What a queue keeps with a record beside its due time. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) priority: Option<u64>,
    /// When it is no longer to be delivered.
    pub(crate) expires_ns: Option<u64>,
    /// When it should have been received.
    pub(crate) start_by_ns: Option<u64>,
    /// When it should have been acked.
    pub(crate) complete_by_ns: Option<u64>,
    /// Failures after which it is exhausted, whatever its queue says.
    pub(crate) failures_max: Option<u64>,
    /// Leases granted in an earlier life.
    pub(crate) attempts: Option<u64>,
    /// Failures counted in an earlier life.
    pub(crate) failures: Option<u64>,
    /// The message whose place it takes: that one is gone as soon as this one is there.
    pub(crate) replaces: Option<u64>,
}

impl Options {
    fn fields(&self) -> impl Iterator<Item = (u8, u64)> {
        let fields = [
            (TAG_PRIORITY, self.priority),
            (TAG_EXPIRES, self.expires_ns),
            (TAG_START_BY, self.start_by_ns),
            (TAG_COMPLETE_BY, self.complete_by_ns),
            (TAG_FAILURES_MAX, self.failures_max),
            (TAG_ATTEMPTS, self.attempts),
            (TAG_FAILURES, self.failures),
            (TAG_REPLACES, self.replaces),
        ];
        fields.into_iter().filter_map(|(tag, value)| Some((tag, value?)))
    }
}

/// A frame to be written: borrowed parts, encoded straight into the segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) kind: Kind,
    pub(crate) time_ns: u64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) event_time_ns: Option<u64>,
    /// 0: at once. Anything else makes the record an indexed one.
    pub(crate) due_ns: u64,
    /// Any, even without a field, makes the record an indexed one.
    pub(crate) options: Option<&'a Options>,
    /// The record says that its key has no value any more.
    pub(crate) is_tombstone: bool,
    pub(crate) headers: &'a [(&'a str, &'a [u8])],
    pub(crate) value: &'a [u8],
}

impl<'a> Draft<'a> {
    /// A frame with nothing but a value.
    #[inline]
    pub(crate) fn control(kind: Kind, time_ns: u64, value: &'a [u8]) -> Self {
        Self {
            kind,
            time_ns,
            key: None,
            event_time_ns: None,
            due_ns: 0,
            options: None,
            is_tombstone: false,
            headers: &[],
            value,
        }
    }

    /// Whether there is nothing but a value, and perhaps a key.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        self.event_time_ns.is_none()
            && self.due_ns == 0
            && self.options.is_none()
            && !self.is_tombstone
            && self.headers.is_empty()
    }

    #[inline(always)]
    fn key_bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len)
    }

    /// Whether the queue's cursor skips it.
    pub(crate) fn is_indexed(&self) -> bool {
        self.due_ns != 0 || self.options.is_some()
    }

    fn extension_bytes(&self) -> usize {
        let fields = usize::from(self.event_time_ns.is_some())
            + usize::from(self.due_ns != 0)
            + usize::from(self.is_tombstone)
            + self.options.map_or(0, |options| options.fields().count());
        if fields == 0 { 0 } else { 1 + 10 * fields }
    }

    fn headers_bytes(&self) -> usize {
        self.headers.iter().map(|(name, value)| 3 + name.len() + value.len()).sum()
    }

    /// Bytes of header and payload.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        let more = if self.is_plain() { 0 } else { self.bytes_of_the_rest() };
        HEADER_BYTES + self.key_bytes() + self.value.len() + more
    }

    /// Takes a copy, as `encode_payload` does: who has only key and value need not put the draft anywhere.
    #[inline(never)]
    fn bytes_of_the_rest(self) -> usize {
        let headers = if self.headers.is_empty() { 0 } else { 4 + self.headers_bytes() };
        self.extension_bytes() + headers
    }

    /// Granules it takes in the segment.
    #[inline]
    pub(crate) fn granules(&self) -> u64 {
        granules(self.bytes())
    }

    /// Writes everything behind the commit word: `into` is [`bytes`](Self::bytes) less 4 long.
    #[inline(always)]
    pub(crate) fn encode(&self, into: &mut [u8], sequence_from_base: u32, batch: u8, seed: Option<u32>) {
        const WORD: usize = 4;
        let (header, payload) = into.split_at_mut(HEADER_BYTES - WORD);
        let flags = if self.is_plain() {
            let (key, value) = payload.split_at_mut(self.key_bytes());
            copy(key, self.key.unwrap_or_default());
            copy(value, self.value);
            if self.key.is_some() { HAS_KEY } else { 0 }
        } else {
            self.encode_payload(payload)
        };
        header[TIME - WORD..SEQUENCE - WORD].copy_from_slice(&self.time_ns.to_le_bytes());
        header[SEQUENCE - WORD..KIND - WORD].copy_from_slice(&sequence_from_base.to_le_bytes());
        header[KIND - WORD] = self.kind as u8;
        header[FLAGS - WORD] = batch | flags;
        header[KEY_LEN - WORD..].copy_from_slice(&(self.key_bytes() as u16).to_le_bytes());
        // Zero already, as the whole buffer is.
        if let Some(seed) = seed {
            let crc = checksum(&into[TIME - WORD..], seed ^ (into.len() + WORD) as u32);
            into[CRC - WORD..TIME - WORD].copy_from_slice(&crc.to_le_bytes());
        }
    }

    /// Writes key, extension, headers and value, and returns the flags that say which there are.
    #[inline(never)]
    fn encode_payload(self, into: &mut [u8]) -> u8 {
        let (mut flags, mut at) = (if self.is_indexed() { INDEXED } else { 0 }, 0);
        let mut put = |into: &mut [u8], bytes: &[u8]| {
            into[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        if let Some(key) = self.key {
            flags |= HAS_KEY;
            put(into, key);
        }
        let extension = self.extension_bytes();
        if extension > 0 {
            flags |= HAS_EXTENSION;
            put(into, &[(extension - 1) as u8]);
            if let Some(time) = self.event_time_ns {
                put(into, &[TAG_EVENT_TIME, 8]);
                put(into, &time.to_le_bytes());
            }
            if self.due_ns != 0 {
                put(into, &[TAG_DUE, 8]);
                put(into, &self.due_ns.to_le_bytes());
            }
            if self.is_tombstone {
                put(into, &[TAG_TOMBSTONE, 8]);
                put(into, &0u64.to_le_bytes());
            }
            for (tag, value) in self.options.iter().flat_map(|options| options.fields()) {
                put(into, &[tag, 8]);
                put(into, &value.to_le_bytes());
            }
        }
        if !self.headers.is_empty() {
            flags |= HAS_HEADERS;
            put(into, &(self.headers_bytes() as u32).to_le_bytes());
            for (name, value) in self.headers {
                put(into, &[name.len() as u8]);
                put(into, &(value.len() as u16).to_le_bytes());
                put(into, name.as_bytes());
                put(into, value);
            }
        }
        put(into, self.value);
        flags
    }
}

/// Copies as many bytes as there are: for the few that a key or a small value has, by moves that overlap, since a call costs
/// more than they do.
#[inline(always)]
fn copy(into: &mut [u8], from: &[u8]) {
    debug_assert_eq!(into.len(), from.len());
    match from.len() {
        4..=7 => copy_ends::<4>(into, from),
        8..=16 => copy_ends::<8>(into, from),
        17..=32 => copy_ends::<16>(into, from),
        33..=64 => copy_ends::<32>(into, from),
        65..=128 => copy_ends::<64>(into, from),
        _ => into.copy_from_slice(from),
    }
}

/// Copies the first and the last `N` bytes: all, of up to twice as many.
#[inline(always)]
fn copy_ends<const N: usize>(into: &mut [u8], from: &[u8]) {
    if let (Some(into), Some(from)) = (into.first_chunk_mut::<N>(), from.first_chunk()) {
        *into = *from;
    }
    if let (Some(into), Some(from)) = (into.last_chunk_mut::<N>(), from.last_chunk()) {
        *into = *from;
    }
}

/// Granules of so many bytes.
pub(crate) fn granules(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(GRANULE_BYTES)
}

/// Adds its checksum to a frame that was written without one, header and payload.
pub(crate) fn add_checksum(frame: &mut [u8], seed: u32) {
    if let Some((head, rest)) = frame.split_at_mut_checked(TIME) {
        let crc = checksum(rest, seed ^ (TIME + rest.len()) as u32);
        head[CRC..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// CRC-32C mixed with a seed.
pub(crate) fn checksum(bytes: &[u8], seed: u32) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32 ^ seed
}

/// The checksum of a pad.
pub(crate) fn pad_checksum(length_word: u32, seed: u32) -> u32 {
    checksum(&length_word.to_le_bytes(), seed)
}

/// What identifies the place of a frame in its checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    /// The log's id.
    pub(crate) log_id: u64,
    /// The segment's number.
    pub(crate) segment: u64,
    /// The segment file's generation.
    pub(crate) generation: u32,
}

impl Seed {
    /// The seed of a frame at a byte position of the data area (the finaliser of splitmix64).
    pub(crate) fn at(self, byte_position: u64) -> u32 {
        let mut x = self.log_id ^ self.segment.rotate_left(24) ^ u64::from(self.generation).rotate_left(48);
        x = x.wrapping_add(byte_position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as u32
    }
}

/// The payload of a frame, taken apart.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    key: &'a [u8],
    extension: &'a [u8],
    headers: &'a [u8],
    value: &'a [u8],
}

/// A committed frame, borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    bytes: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

impl<'a> Frame<'a> {
    /// A frame of this process's own making: committed bytes of a live segment, header and payload.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() >= HEADER_BYTES);
        Self { bytes }
    }

    /// The frame at the start of `rest`, checked: length, checksum, kind. The words say what is wrong.
    pub(crate) fn checked(rest: &'a [u8], seed: u32) -> Result<Self, &'static str> {
        let len = u32_at(rest, 0).ok_or("no room for a frame")? as usize;
        let bytes = match rest.get(..len) {
            Some(bytes) if len >= HEADER_BYTES => bytes,
            _ if len == 0 => return Err("no frame"),
            _ => return Err("the length is impossible"),
        };
        if u32_at(bytes, CRC) != Some(checksum(&bytes[TIME..], seed ^ len as u32)) && !are_believed() {
            return Err("the checksum does not match");
        }
        let frame = Self { bytes };
        if Kind::from_byte(bytes[KIND]).is_none() {
            return Err("the kind of frame is unknown");
        }
        if frame.has(!FLAGS_KNOWN) {
            return Err("a flag of the frame is unknown");
        }
        frame.parts().ok_or("the parts do not fit the frame")?;
        Ok(frame)
    }

    /// A record that was copied whole into the value of a control frame, whose checksum covers it.
    pub(crate) fn enclosed(bytes: &'a [u8]) -> Option<Self> {
        let kind = *bytes.get(KIND)?;
        let is_whole = bytes.len() >= HEADER_BYTES && u32_at(bytes, 0) == Some(bytes.len() as u32);
        if !is_whole || kind != Kind::Data as u8 {
            return None;
        }
        let frame = Self { bytes };
        (!frame.has(!FLAGS_KNOWN) && frame.parts().is_some()).then_some(frame)
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(crate) fn granules(&self) -> u64 {
        granules(self.bytes.len())
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        Kind::from_byte(self.bytes[KIND]).unwrap_or(Kind::Abort)
    }

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.bytes[FLAGS] & flag != 0
    }

    pub(crate) fn time_ns(&self) -> u64 {
        u64_at(self.bytes, TIME).unwrap_or(0)
    }

    pub(crate) fn sequence_from_base(&self) -> u32 {
        u32_at(self.bytes, SEQUENCE).unwrap_or(0)
    }

    #[inline]
    fn parts(&self) -> Option<Parts<'a>> {
        let rest = self.bytes.get(HEADER_BYTES..)?;
        let (key, rest) = rest.split_at_checked(u16_at(self.bytes, KEY_LEN)?.into())?;
        let (extension, rest) = if self.has(HAS_EXTENSION) {
            let (len, rest) = rest.split_first()?;
            rest.split_at_checked(usize::from(*len))?
        } else {
            (&[][..], rest)
        };
        let (headers, value) = if self.has(HAS_HEADERS) {
            rest.get(4..)?.split_at_checked(u32_at(rest, 0)? as usize)?
        } else {
            (&[][..], rest)
        };
        Some(Parts { key, extension, headers, value })
    }

    #[inline]
    pub(crate) fn key(&self) -> Option<&'a [u8]> {
        if self.has(HAS_KEY) { self.parts().map(|parts| parts.key) } else { None }
    }

    #[inline]
    pub(crate) fn value(&self) -> &'a [u8] {
        self.parts().map_or(&[], |parts| parts.value)
    }

    pub(crate) fn headers(&self) -> Headers<'a> {
        Headers { rest: self.parts().map_or(&[], |parts| parts.headers) }
    }

    fn extension_field(&self, wanted: u8) -> Option<u64> {
        self.extension_field_at(wanted).and_then(|at| u64_at(self.bytes, at))
    }

    /// Where the 8 bytes of a field of the extension are.
    fn extension_field_at(&self, wanted: u8) -> Option<usize> {
        let parts = self.parts()?;
        let mut at = HEADER_BYTES + parts.key.len() + 1;
        let mut rest = parts.extension;
        while let [tag, len, after @ ..] = rest {
            let (field, after) = after.split_at_checked(usize::from(*len))?;
            at += 2;
            if *tag == wanted {
                return (field.len() == 8).then_some(at);
            }
            at += field.len();
            rest = after;
        }
        None
    }

    pub(crate) fn event_time_ns(&self) -> Option<u64> {
        self.extension_field(TAG_EVENT_TIME)
    }

    /// Of a record that says that its key has no value any more: when compaction first came by; 0 for not yet.
    pub(crate) fn tombstone_ns(&self) -> Option<u64> {
        self.extension_field(TAG_TOMBSTONE)
    }

    /// Puts a copy of a record behind `area`, on its own even if it was one of a batch, for the place where it then is; as a
    /// tombstone with that time.
    pub(crate) fn copy_to(&self, area: &mut Vec<u8>, tombstone_ns: Option<u64>, seed: Option<Seed>) {
        let start = area.len();
        area.extend_from_slice(self.bytes);
        area.resize(start + (self.granules() * GRANULE_BYTES) as usize, 0);
        let copy = &mut area[start..start + self.bytes.len()];
        copy[FLAGS] &= !(BATCH_CONTINUES | BATCH_CONTINUED);
        if let (Some(time_ns), Some(at)) = (tombstone_ns, self.extension_field_at(TAG_TOMBSTONE)) {
            copy[at..at + 8].copy_from_slice(&time_ns.to_le_bytes());
        }
        let len = copy.len() as u32;
        let crc = seed.map_or(0, |seed| checksum(&copy[TIME..], seed.at(start as u64) ^ len));
        copy[CRC..TIME].copy_from_slice(&crc.to_le_bytes());
    }

    /// When a queue may deliver it first; 0 for at once.
    pub(crate) fn due_ns(&self) -> u64 {
        self.extension_field(TAG_DUE).unwrap_or(0)
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            priority: self.extension_field(TAG_PRIORITY),
            expires_ns: self.extension_field(TAG_EXPIRES),
            start_by_ns: self.extension_field(TAG_START_BY),
            complete_by_ns: self.extension_field(TAG_COMPLETE_BY),
            failures_max: self.extension_field(TAG_FAILURES_MAX),
            attempts: self.extension_field(TAG_ATTEMPTS),
            failures: self.extension_field(TAG_FAILURES),
            replaces: self.extension_field(TAG_REPLACES),
        }
    }
}

#[cfg(feature = "seeded-bugs")]
thread_local! {
    static BELIEVED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A bug planted on purpose: whether this thread believes frames without their checksum.
fn are_believed() -> bool {
    #[cfg(feature = "seeded-bugs")]
    return BELIEVED.get();
    #[cfg(not(feature = "seeded-bugs"))]
    false
}

/// Plants a bug in what this thread does meanwhile: frames are believed without their checksum.
#[cfg(feature = "seeded-bugs")]
pub fn without_frame_checksums<T>(body: impl FnOnce() -> T) -> T {
    BELIEVED.set(true);
    let done = body();
    BELIEVED.set(false);
    done
}

/// Headers of a frame, in order.
#[derive(Debug, Clone)]
pub(crate) struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name_len = usize::from(*self.rest.first()?);
        let value_len = usize::from(u16_at(self.rest, 1)?);
        let (name, rest) = self.rest.get(3..)?.split_at_checked(name_len)?;
        let (value, rest) = rest.split_at_checked(value_len)?;
        self.rest = rest;
        Some((std::str::from_utf8(name).ok()?, value))
    }
}

/// What the first word at a place says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing committed there yet.
    Empty,
    /// Nothing but a jump to the end.
    Pad {
        /// Granules to skip, its own included.
        granules: u64,
    },
    /// A frame of so many bytes.
    Frame {
        /// Header and payload.
        bytes: usize,
    },
}

impl Word {
    pub(crate) fn new(word: u32) -> Self {
        match word {
            0 => Self::Empty,
            pad if pad & PAD != 0 => Self::Pad { granules: u64::from(pad & !PAD) },
            bytes => Self::Frame { bytes: bytes as usize },
        }
    }
}

/// Damage at a byte position of a file.
pub(crate) fn corrupt(path: &std::path::Path, byte_position: u64, detail: impl Into<String>) -> Error {
    Error::Corrupt { path: path.to_path_buf(), byte_position, detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(draft: &Draft<'_>, seed: u32) -> Vec<u8> {
        let mut bytes = vec![0; draft.bytes()];
        draft.encode(&mut bytes[4..], 7, 0, Some(seed));
        let len = bytes.len() as u32;
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes
    }

    #[test]
    fn keys_and_values_of_every_small_length_come_back_as_they_were() {
        let bytes: Vec<u8> = (0..=255).collect();
        for key in 0..140 {
            for value in [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200] {
                let draft =
                    Draft { key: Some(&bytes[..key]), ..Draft::control(Kind::Data, 5, &bytes[..value]) };
                let frame = encoded(&draft, 9);
                let frame = Frame::checked(&frame, 9).unwrap();
                assert_eq!((frame.key(), frame.value()), (Some(&bytes[..key]), &bytes[..value]));
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
            value in proptest::collection::vec(any::<u8>(), 0..300),
            headers in proptest::collection::vec(("[a-z]{1,9}", proptest::collection::vec(any::<u8>(), 0..9)), 0..4),
            event_time_ns in proptest::option::of(any::<u64>()), due_ns in any::<u64>(), time_ns in any::<u64>(),
            is_tombstone in any::<bool>(), numbers in proptest::collection::vec(proptest::option::of(any::<u64>()), 8),
            has_options in any::<bool>(),
        ) {
            let [priority, expires_ns, start_by_ns, complete_by_ns, failures_max, attempts, failures, replaces] =
                numbers[..]
            else {
                unreachable!()
            };
            let fields = Options {
                priority, expires_ns, start_by_ns, complete_by_ns, failures_max, attempts, failures, replaces,
            };
            let options = has_options.then_some(&fields);
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
            let draft = Draft {
                kind: Kind::Data, time_ns, key: key.as_deref(), event_time_ns, due_ns, options, is_tombstone,
                headers: &headers, value: &value,
            };
            let bytes = encoded(&draft, 99);
            let frame = Frame::checked(&bytes, 99).unwrap();
            prop_assert_eq!(frame.key(), key.as_deref());
            prop_assert_eq!(frame.value(), &value[..]);
            prop_assert_eq!(frame.event_time_ns(), event_time_ns);
            prop_assert_eq!(frame.due_ns(), due_ns);
            prop_assert_eq!(frame.options(), options.copied().unwrap_or_default());
            prop_assert_eq!(frame.has(INDEXED), due_ns != 0 || has_options);
            prop_assert_eq!(frame.time_ns(), time_ns);
            prop_assert_eq!(frame.tombstone_ns(), is_tombstone.then_some(0));
            prop_assert_eq!(frame.headers().collect::<Vec<_>>(), headers.clone());

            let seed = Seed { log_id: 5, segment: 6, generation: 2 };
            let mut area = vec![0; 64];
            frame.copy_to(&mut area, Some(77), Some(seed));
            let copy = Frame::checked(&area[64..], seed.at(64)).unwrap();
            prop_assert_eq!(copy.tombstone_ns(), is_tombstone.then_some(77));
            prop_assert_eq!((copy.key(), copy.value(), copy.due_ns()), (key.as_deref(), &value[..], due_ns));
            prop_assert_eq!((copy.time_ns(), copy.event_time_ns()), (time_ns, event_time_ns));
            prop_assert_eq!(copy.headers().collect::<Vec<_>>(), headers);
            prop_assert_eq!(copy.sequence_from_base(), 7);
        }

        #[test]
        fn any_flipped_bit_and_any_other_place_is_noticed(value in proptest::collection::vec(any::<u8>(), 0..60), bit in any::<proptest::sample::Index>()) {
            let bytes = encoded(&Draft::control(Kind::Control, 5, &value), 99);
            prop_assert!(Frame::checked(&bytes, 98).is_err());
            let mut damaged = bytes.clone();
            let bit = bit.index(bytes.len() * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Frame::checked(&damaged, 99).is_err());
        }

        #[test]
        fn a_flag_that_nobody_writes_is_refused(value in proptest::collection::vec(any::<u8>(), 0..60), flag in 6u8..8) {
            let mut bytes = encoded(&Draft::control(Kind::Data, 5, &value), 99);
            bytes[FLAGS] |= 1 << flag;
            let crc = checksum(&bytes[TIME..], 99 ^ bytes.len() as u32);
            bytes[CRC..TIME].copy_from_slice(&crc.to_le_bytes());
            prop_assert_eq!(Frame::checked(&bytes, 99).err(), Some("a flag of the frame is unknown"));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), flags in any::<u8>()) {
            let _ = Frame::checked(&bytes, 1);
            if bytes.len() >= HEADER_BYTES {
                let mut bytes = bytes;
                bytes[FLAGS] = flags;
                let frame = Frame::trusted(&bytes);
                let _ = (frame.key(), frame.value(), frame.event_time_ns(), frame.headers().count());
            }
        }
    }
}
