//! The block at the beginning of a file: what the file is, in which version, what it says of itself, and a checksum.
//!
//! ```text
//!   0  8  magic
//!   8  2  format major        a reader refuses another one
//!  10  2  format minor        a reader accepts any
//!  12  4  features, incompatible          unknown bit: refuse; which are known, each kind of file says
//!  16  4  features, read-only compatible  unknown bit: refuse (no read-only opening yet)
//!  20  4  features, compatible            unknown bit: ignore
//!  24 ..  what a kind of file says of itself
//!      4  CRC-32C of all before
//!     ..  zeros, to 4096
//! ```

use crate::error::{Error, Result};
use crate::log::frame::{checksum, corrupt, u64_at};
use std::path::Path;

/// Bytes of the block.
pub(crate) const HEADER_BYTES: usize = 4096;

/// Where a kind of file begins to say of itself what others do not.
const FIELDS: usize = 24;
const MAJOR: u16 = 1;
const MINOR: u16 = 0;

/// A kind of file.
#[derive(Debug)]
pub(crate) struct FileKind {
    pub(crate) magic: &'static [u8; 8],
    /// What it is, in words.
    pub(crate) noun: &'static str,
    /// Features that it is written with, and that whoever does not know them may ignore.
    pub(crate) compatible: u32,
    /// How many bytes it says of itself.
    pub(crate) fields_bytes: usize,
    /// Incompatible features that this version knows, a bit each.
    pub(crate) features: u32,
}

impl FileKind {
    /// The block of a file that says this of itself.
    pub(crate) fn encode(&self, fields: &[u8], features: u32) -> Vec<u8> {
        debug_assert!(fields.len() == self.fields_bytes && features & !self.features == 0);
        let mut block = Vec::with_capacity(HEADER_BYTES);
        block.extend_from_slice(self.magic);
        block.extend_from_slice(&MAJOR.to_le_bytes());
        block.extend_from_slice(&MINOR.to_le_bytes());
        block.extend_from_slice(&features.to_le_bytes());
        block.extend_from_slice(&[0; 4]);
        block.extend_from_slice(&self.compatible.to_le_bytes());
        block.extend_from_slice(fields);
        block.extend_from_slice(&checksum(&block, 0).to_le_bytes());
        block.resize(HEADER_BYTES, 0);
        block
    }

    /// What the file at `path`, which begins with `block`, says of itself, and its incompatible features.
    ///
    /// # Errors
    /// `Corrupt` saying where, `Unsupported`.
    pub(crate) fn decode<'a>(&self, block: &'a [u8], path: &Path) -> Result<(&'a [u8], u32)> {
        let u32_at = |at: usize| u64_at(block, at).map_or(0, |word| word as u32);
        let crc = FIELDS + self.fields_bytes;
        if block.len() < HEADER_BYTES || block.get(..8) != Some(self.magic) {
            return Err(corrupt(path, 0, format!("this is not a {} of Ringmain", self.noun)));
        }
        if u32_at(crc) != checksum(&block[..crc], 0) {
            let detail = format!("the checksum of the {} header does not match", self.noun);
            return Err(corrupt(path, crc as u64, detail));
        }
        let (major, features) = (u32_at(8) & 0xffff, (u32_at(12), u32_at(16)));
        if major != u32::from(MAJOR) || features.0 & !self.features != 0 || features.1 != 0 {
            let found = format!("format {major}, features {:#x} {:#x}", features.0, features.1);
            let supported = "format 1 without features, but for compacted segments";
            return Err(Error::Unsupported { path: path.into(), found, supported });
        }
        Ok((&block[FIELDS..crc], features.0))
    }
}
