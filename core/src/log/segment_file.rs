//! What the header block of a segment file says of it. Nobody else computes an offset in it.
//!
//! ```text
//!   0 24  as in every file (`header_block.rs`), magic "RINGMAIN", compatible feature 1: see below
//!  24  8  log id
//!  32  8  segment number
//!  40  8  sequence of the first record
//!  48  8  bytes of the data area
//!  56  4  generation: 1, and one more each time it is compacted; above 1 exactly if the feature says so
//!  60  4  CRC-32C of bytes 0..60
//!  64 ..  zeros, to 4096
//! ```
//!
//! Compatible feature 1: an index may lie behind the data area (`index.rs`). It is believed for its checksum, not for the bit.

use crate::error::Result;
use crate::log::claim::{GRANULE_BYTES, LIMIT, SEGMENT_NUMBER_MAX};
use crate::log::frame::{Seed, corrupt, u64_at};
use crate::log::header_block::FileKind;
use std::path::Path;

pub(crate) use crate::log::header_block::HEADER_BYTES;

const KIND: FileKind = FileKind {
    magic: b"RINGMAIN",
    noun: "segment",
    compatible: INDEXED,
    features: COMPACTED,
    fields_bytes: 36,
};
/// Compatible feature: an index may follow the data area.
const INDEXED: u32 = 1;
/// Incompatible feature: records were left out, so that sequences grow with gaps. The generation is above 1.
const COMPACTED: u32 = 1;
/// Where the header says with which sequence the segment begins.
pub(crate) const BASE: u64 = 40;
/// Largest sequence that a segment may begin with: there is room for more, and no log gets there.
pub(crate) const BASE_MAX: u64 = 1 << 62;

/// What the header block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentFile {
    pub(crate) log_id: u64,
    pub(crate) number: u64,
    pub(crate) base: u64,
    pub(crate) data_bytes: u64,
    pub(crate) generation: u32,
}

/// Whether a segment of this generation had records left out.
pub(crate) fn is_compacted(generation: u32) -> bool {
    generation > 1
}

impl SegmentFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let words = [self.log_id, self.number, self.base, self.data_bytes].map(u64::to_le_bytes).concat();
        let features = if self.is_compacted() { COMPACTED } else { 0 };
        KIND.encode(&[&words[..], &self.generation.to_le_bytes()].concat(), features)
    }

    /// Whether records were left out.
    pub(crate) fn is_compacted(&self) -> bool {
        is_compacted(self.generation)
    }

    /// What identifies it in checksums.
    pub(crate) fn seed(&self) -> Seed {
        Seed { log_id: self.log_id, segment: self.number, generation: self.generation }
    }

    fn has_possible_bytes(&self) -> bool {
        self.data_bytes != 0
            && self.data_bytes.is_multiple_of(GRANULE_BYTES)
            && self.data_bytes <= LIMIT * GRANULE_BYTES
    }

    /// Whether there can be such a segment.
    pub(crate) fn is_possible(&self) -> bool {
        self.has_possible_bytes() && self.base <= BASE_MAX && (1..=SEGMENT_NUMBER_MAX).contains(&self.number)
    }

    /// Reads the header block of `path`.
    pub(crate) fn decode(block: &[u8], path: &Path) -> Result<Self> {
        let (fields, features) = KIND.decode(block, path)?;
        let word = |index: usize| u64_at(fields, 8 * index).unwrap_or(0);
        let generation = fields.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let header =
            Self { log_id: word(0), number: word(1), base: word(2), data_bytes: word(3), generation };
        if !header.has_possible_bytes() {
            return Err(corrupt(
                path,
                48,
                format!("a data area of {} bytes is impossible", header.data_bytes),
            ));
        }
        if header.is_compacted() != (features & COMPACTED != 0) {
            let detail = format!("generation {generation} does not fit the features {features:#x}");
            return Err(corrupt(path, 56, detail));
        }
        if header.base > BASE_MAX {
            return Err(corrupt(path, BASE, format!("a first sequence of {} is impossible", header.base)));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn sizes_and_sequences_that_no_log_has_are_refused_with_their_place() {
        let header = SegmentFile { log_id: 3, number: 9, base: BASE_MAX, data_bytes: 4096, generation: 1 };
        assert!(SegmentFile::decode(&header.encode(), Path::new("s")).is_ok());
        for (header, place) in [
            (SegmentFile { base: BASE_MAX + 1, ..header }, 40),
            (SegmentFile { data_bytes: 0, ..header }, 48),
            (SegmentFile { data_bytes: 4097, ..header }, 48),
            (SegmentFile { data_bytes: (512 << 20) + 8, ..header }, 48),
        ] {
            let found = SegmentFile::decode(&header.encode(), Path::new("s"));
            assert!(matches!(found, Err(Error::Corrupt { byte_position, .. }) if byte_position == place));
        }
    }

    #[test]
    fn a_compacted_segment_says_so_in_a_feature_that_an_older_version_refuses() {
        let header = SegmentFile { log_id: 3, number: 9, base: 77, data_bytes: 4096, generation: 2 };
        assert_eq!(SegmentFile::decode(&header.encode(), Path::new("s")).unwrap(), header);
        let older = FileKind { features: 0, ..KIND };
        let error = older.decode(&header.encode(), Path::new("s")).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let fields = header.encode()[24..60].to_vec();
        let lies = KIND.encode(&fields, 0);
        let error = SegmentFile::decode(&lies, Path::new("s")).unwrap_err();
        assert!(matches!(error, Error::Corrupt { byte_position: 56, .. }), "{error}");
    }

    #[test]
    fn any_flipped_bit_of_the_header_is_refused() {
        let header = SegmentFile { log_id: 3, number: 9, base: 77, data_bytes: 4096, generation: 1 };
        let block = header.encode();
        assert_eq!(SegmentFile::decode(&block, Path::new("s")).unwrap(), header);
        for bit in 0..64 * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentFile::decode(&damaged, Path::new("s")).is_err(), "bit {bit}");
        }
    }
}
