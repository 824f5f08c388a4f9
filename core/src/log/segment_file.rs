//! Layout of the header block of a segment file. Nobody else computes an offset in it.
//!
//! ```text
//!   0  8  magic "RINGMAIN"
//!   8  2  format major        a reader refuses another one
//!  10  2  format minor        a reader accepts any
//!  12  4  features, incompatible          unknown bit: refuse
//!  16  4  features, read-only compatible  unknown bit: refuse (no read-only opening yet)
//!  20  4  features, compatible            unknown bit: ignore
//!  24  8  log id
//!  32  8  segment number
//!  40  8  sequence of the first record
//!  48  8  bytes of the data area
//!  56  4  generation
//!  60  4  CRC-32C of bytes 0..60
//!  64 ..  zeros, to 4096
//! ```

use crate::error::{Error, Result};
use crate::log::claim::{GRANULE_BYTES, LIMIT, SEGMENT_NUMBER_MAX};
use crate::log::frame::{checksum, corrupt};
use std::path::Path;

/// Bytes of the header block.
pub(crate) const HEADER_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"RINGMAIN";
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const CRC: usize = 60;
/// Largest sequence that a segment may begin with: there is room for more, and no log gets there.
const BASE_MAX: u64 = 1 << 62;

/// What the header block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentFile {
    pub(crate) log_id: u64,
    pub(crate) number: u64,
    pub(crate) base: u64,
    pub(crate) data_bytes: u64,
    pub(crate) generation: u32,
}

impl SegmentFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(HEADER_BYTES);
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&MAJOR.to_le_bytes());
        block.extend_from_slice(&MINOR.to_le_bytes());
        block.extend_from_slice(&[0; 12]);
        for field in [self.log_id, self.number, self.base, self.data_bytes] {
            block.extend_from_slice(&field.to_le_bytes());
        }
        block.extend_from_slice(&self.generation.to_le_bytes());
        block.extend_from_slice(&checksum(&block, 0).to_le_bytes());
        block.resize(HEADER_BYTES, 0);
        block
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
        let u64_at =
            |at: usize| block.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
        let u32_at = |at: usize| u64_at(at) as u32;
        if block.len() < HEADER_BYTES || block.get(..8) != Some(MAGIC) {
            return Err(corrupt(path, 0, "this is not a segment of Ringmain"));
        }
        if u32_at(CRC) != checksum(&block[..CRC], 0) {
            return Err(corrupt(path, CRC as u64, "the checksum of the segment header does not match"));
        }
        let (major, features) = (u32_at(8) & 0xffff, (u32_at(12), u32_at(16)));
        if major != u32::from(MAJOR) || features != (0, 0) {
            let found = format!("format {major}, features {:#x} {:#x}", features.0, features.1);
            return Err(Error::Unsupported { path: path.into(), found, supported: "format 1, no features" });
        }
        let header = Self {
            log_id: u64_at(24),
            number: u64_at(32),
            base: u64_at(40),
            data_bytes: u64_at(48),
            generation: u32_at(56),
        };
        if !header.has_possible_bytes() {
            return Err(corrupt(
                path,
                48,
                format!("a data area of {} bytes is impossible", header.data_bytes),
            ));
        }
        if header.base > BASE_MAX {
            return Err(corrupt(path, 40, format!("a first sequence of {} is impossible", header.base)));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
