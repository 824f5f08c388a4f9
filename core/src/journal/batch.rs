//! Layout of a journal batch: what one commit says about every log that it touched. Pure functions of bytes; nobody else
//! computes an offset in it.
//!
//! ```text
//! batch   0  4  bytes, from here to the end of the last range
//!         4  4  CRC-32C of bytes 0..4 and 8.., mixed with the hub and the byte position in the file
//!         8  8  sequence: 1, 2, ... over both files
//!        16  8  homed: all batches up to this one are in the logs' own files
//!        24  8  synced: all batches up to this one were on disk when this one was written
//!        32  8  count of ranges
//!        40     ranges, each at a multiple of 8
//! range   0  8  log id
//!         8  8  segment number
//!        16  8  sequence of the segment's first record
//!        24  8  bytes of the segment's data area
//!        32  8  byte position in the data area
//!        40  4  generation of the segment
//!        44  4  bytes
//!        48     the bytes: a piece of the segment's image
//! ```
//!
//! A batch begins at a multiple of a sector and is filled up with zeros: a sector that holds acknowledged bytes is never
//! written again while they are needed.

use super::seeded_bug::{Planted, SeededBug};
use crate::log::SegmentFile;
use crate::log::frame::{checksum, u64_at};
use crate::storage::Aligned;

/// Where batches may begin.
pub(super) const SECTOR_BYTES: u64 = 512;

/// Largest sequence that is believed: no hub gets there.
const SEQUENCE_MAX: u64 = 1 << 62;
const HEAD_BYTES: usize = 40;
const RANGE_BYTES: usize = 48;

/// What a batch says of itself and of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) homed: u64,
    pub(super) synced: u64,
}

/// A piece of a segment's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range<'a> {
    pub(crate) segment: SegmentFile,
    pub(crate) byte_position: u64,
    pub(crate) bytes: &'a [u8],
}

/// A batch that is being put together; its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Draft {
    bytes: Aligned,
    count: u64,
}

impl Draft {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEAD_BYTES);
        self.count = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn push(&mut self, range: &Range<'_>) {
        let Range { segment, byte_position, bytes } = range;
        for field in [segment.log_id, segment.number, segment.base, segment.data_bytes, *byte_position] {
            self.bytes.extend_from_slice(&field.to_le_bytes());
        }
        self.bytes.extend_from_slice(&segment.generation.to_le_bytes());
        self.bytes.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8));
        self.count += 1;
    }

    /// Bytes that it takes in the file.
    pub(super) fn padded_bytes(&self) -> u64 {
        (self.bytes.len() as u64).next_multiple_of(SECTOR_BYTES)
    }

    /// The finished batch, filled up.
    pub(super) fn finish(&mut self, head: Head, seed: u32) -> &[u8] {
        let bytes = self.bytes.len() as u32;
        for (field, at) in [head.sequence, head.homed, head.synced, self.count].iter().zip((8..).step_by(8)) {
            self.bytes[at..at + 8].copy_from_slice(&field.to_le_bytes());
        }
        let crc = crc_of(bytes, &self.bytes[8..], seed);
        self.bytes[..4].copy_from_slice(&bytes.to_le_bytes());
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        self.bytes.resize(self.padded_bytes() as usize);
        &self.bytes
    }
}

fn crc_of(bytes: u32, rest: &[u8], seed: u32) -> u32 {
    checksum(rest, checksum(&bytes.to_le_bytes(), seed).rotate_left(1))
}

/// Mixes into the checksum whose batch it is and where it lies, so that it is not believed elsewhere.
pub(super) fn seed(hub_id: u64, file: usize, byte_position: u64) -> u32 {
    let place = byte_position << 1 | file as u64;
    checksum(&[hub_id.to_le_bytes(), place.to_le_bytes()].concat(), 0)
}

/// The batch at the beginning of `bytes`, and how many of them it takes. None: there is no whole one.
pub(super) fn decode(bytes: &[u8], seed: u32, planted: Planted) -> Option<(Head, Vec<Range<'_>>, u64)> {
    let len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let crc = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let batch = bytes.get(..len as usize).filter(|batch| batch.len() >= HEAD_BYTES)?;
    if crc_of(len, &batch[8..], seed) != crc && !planted.is(SeededBug::NoChecksum) {
        return None;
    }
    let head = Head { sequence: u64_at(batch, 8)?, homed: u64_at(batch, 16)?, synced: u64_at(batch, 24)? };
    // Never written otherwise; and nobody has to fear that the next sequence overflows.
    if head.sequence == 0 || head.sequence > SEQUENCE_MAX || head.homed.max(head.synced) >= head.sequence {
        return None;
    }
    let count = u64_at(batch, 32)?;
    let mut ranges = Vec::new();
    let mut rest = &batch[HEAD_BYTES..];
    for _ in 0..count {
        let range = decode_range(rest)?;
        rest = rest.get(RANGE_BYTES + range.bytes.len().next_multiple_of(8)..)?;
        ranges.push(range);
    }
    Some((head, ranges, u64::from(len).next_multiple_of(SECTOR_BYTES)))
}

fn decode_range(bytes: &[u8]) -> Option<Range<'_>> {
    let tail = u64_at(bytes, 40)?;
    let segment = SegmentFile {
        log_id: u64_at(bytes, 0)?,
        number: u64_at(bytes, 8)?,
        base: u64_at(bytes, 16)?,
        data_bytes: u64_at(bytes, 24)?,
        generation: tail as u32,
    };
    let len = (tail >> 32) as usize;
    Some(Range {
        segment,
        byte_position: u64_at(bytes, 32)?,
        bytes: bytes.get(RANGE_BYTES..RANGE_BYTES + len)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: SegmentFile =
        SegmentFile { log_id: 7, number: 3, base: 90, data_bytes: 4096, generation: 2 };
    const HEAD: Head = Head { sequence: 9, homed: 4, synced: 8 };

    fn batch(pieces: &[&[u8]]) -> Vec<u8> {
        let mut draft = Draft::default();
        draft.clear();
        for (index, bytes) in pieces.iter().enumerate() {
            draft.push(&Range { segment: SEGMENT, byte_position: 8 * index as u64, bytes });
        }
        draft.finish(HEAD, 5).to_vec()
    }

    #[test]
    fn a_batch_is_read_back_as_it_was_written() {
        for pieces in [&[][..], &[&b"one"[..]], &[&b"one"[..], b"", b"a longer one, over sixteen bytes"]] {
            let bytes = batch(pieces);
            let (head, ranges, padded) = decode(&bytes, 5, Planted::default()).unwrap();
            assert_eq!((head, padded), (HEAD, bytes.len() as u64));
            assert!(ranges.iter().map(|range| range.bytes).eq(pieces.iter().copied()));
            assert!(ranges.iter().all(|range| range.segment == SEGMENT));
        }
    }

    #[test]
    fn a_flipped_bit_or_another_place_is_not_believed() {
        let good = batch(&[b"something to lose"]);
        let len = HEAD_BYTES + RANGE_BYTES + 24;
        for bit in 0..len * 8 {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged, 5, Planted::default()), None, "bit {bit}");
        }
        assert_eq!(decode(&good, 6, Planted::default()), None);
        assert_ne!(seed(1, 0, 4096), seed(1, 1, 4096));
        assert_ne!(seed(1, 0, 4096), seed(2, 0, 4096));
        assert_ne!(seed(1, 0, 4096), seed(1, 0, 8192));
    }

    proptest::proptest! {
        #[test]
        fn hostile_bytes_never_panic(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = decode(&bytes, 0, Planted::default());
            // With a checksum that fits, so that the ranges are looked at.
            if bytes.len() >= HEAD_BYTES {
                let len = bytes.len() as u32;
                bytes[..4].copy_from_slice(&len.to_le_bytes());
                let crc = crc_of(len, &bytes[8..], 0);
                bytes[4..8].copy_from_slice(&crc.to_le_bytes());
                let _ = decode(&bytes, 0, Planted::default());
            }
        }
    }
}
