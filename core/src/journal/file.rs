//! One of the two journal files: a header block, then batches.
//!
//! ```text
//!   0  8  magic "RINGJRNL"
//!   8  2  format major        a reader refuses another one
//!  10  2  format minor        a reader accepts any
//!  12  4  features, incompatible          unknown bit: refuse
//!  16  4  features, read-only compatible  unknown bit: refuse (no read-only opening yet)
//!  20  4  features, compatible            unknown bit: ignore
//!  24  8  hub id
//!  32  8  which of the two
//!  40  4  CRC-32C of bytes 0..40
//!  44 ..  zeros, to 4096; then batches (`batch.rs`)
//! ```
//!
//! **Promise.** The file is named durably, and its header synced, before a batch is written.

use super::batch;
use super::seeded_bug::{Planted, SeededBug};
use crate::error::{Error, Result};
use crate::log::frame::{checksum, corrupt};
use crate::storage::{File, Storage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where batches begin.
pub(super) const HEADER_BYTES: u64 = 4096;

const MAGIC: &[u8; 8] = b"RINGJRNL";
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const CRC: usize = 40;

/// See the module's description.
#[derive(Debug)]
pub(super) struct JournalFile {
    file: Arc<dyn File>,
    path: PathBuf,
    index: usize,
    hub_id: u64,
    /// Bytes that were written at least once: what lies behind costs more to write durably.
    written_bytes: u64,
}

impl JournalFile {
    pub(super) fn path(directory: &Path, index: usize) -> PathBuf {
        directory.join(format!("journal.{index}"))
    }

    /// The file as it was found, with all its bytes. None: there is none, or its making was interrupted.
    pub(super) fn open(
        storage: &dyn Storage,
        directory: &Path,
        hub_id: u64,
        index: usize,
    ) -> Result<Option<(Self, Vec<u8>)>> {
        let path = Self::path(directory, index);
        let file = match storage.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("open", path, &e)),
        };
        let bytes = file.len().map_err(|e| Error::io("measure", &path, &e))?;
        let mut content = vec![0; bytes as usize];
        file.read_exact_at(&mut content, 0).map_err(|e| Error::io("read", &path, &e))?;
        let (header, batches) = content.split_at(content.len().min(HEADER_BYTES as usize));
        if let Err(error) = check(header, hub_id, index, &path) {
            // No batch is written before the header is synced.
            return if batches.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(error) };
        }
        Ok(Some((Self { file, path, index, hub_id, written_bytes: bytes }, content)))
    }

    /// A file without batches, in place of what an interrupted making left.
    pub(super) fn make(
        storage: &dyn Storage,
        directory: &Path,
        hub_id: u64,
        index: usize,
        planted: Planted,
    ) -> Result<Self> {
        let path = Self::path(directory, index);
        let file = match storage.create(&path, HEADER_BYTES) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => storage.open(&path),
            made => made,
        };
        let made = file.and_then(|file| {
            file.write_all_at(&encode(hub_id, index), 0)?;
            file.sync()?;
            if !planted.is(SeededBug::NoDirectorySync) {
                storage.sync_dir(directory)?;
            }
            Ok(file)
        });
        let file = made.map_err(|e| Error::io("create", &path, &e))?;
        Ok(Self { file, path, index, hub_id, written_bytes: HEADER_BYTES })
    }

    /// What goes into the checksum of a batch at `byte_position`.
    pub(super) fn seed(&self, byte_position: u64) -> u32 {
        batch::seed(self.hub_id, self.index, byte_position)
    }

    /// Writes a batch. Where the file grows, by `step_bytes` at a time.
    pub(super) fn write(&mut self, batch: &[u8], byte_position: u64, step_bytes: u64) -> Result<()> {
        let end = byte_position + batch.len() as u64;
        let mut written = Ok(());
        if end > self.written_bytes {
            let grown = end.next_multiple_of(step_bytes);
            written = self.file.write_all_at(&vec![0; (grown - end) as usize], end);
            self.written_bytes = grown;
        }
        let written = written.and_then(|()| self.file.write_all_at(batch, byte_position));
        written.map_err(|e| Error::io("write", &self.path, &e))
    }

    /// Writes what was read from there.
    pub(super) fn write_again(&self, bytes: &[u8], byte_position: u64) -> Result<()> {
        self.file.write_all_at(bytes, byte_position).map_err(|e| Error::io("write", &self.path, &e))
    }

    /// Makes durable what was written.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync().map_err(|e| Error::io("sync", &self.path, &e))
    }
}

fn encode(hub_id: u64, index: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(HEADER_BYTES as usize);
    block.extend_from_slice(MAGIC);
    block.extend_from_slice(&MAJOR.to_le_bytes());
    block.extend_from_slice(&MINOR.to_le_bytes());
    block.extend_from_slice(&[0; 12]);
    block.extend_from_slice(&hub_id.to_le_bytes());
    block.extend_from_slice(&(index as u64).to_le_bytes());
    block.extend_from_slice(&checksum(&block, 0).to_le_bytes());
    block.resize(HEADER_BYTES as usize, 0);
    block
}

fn check(block: &[u8], hub_id: u64, index: usize, path: &Path) -> Result<()> {
    let u64_at =
        |at: usize| block.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let u32_at = |at: usize| u64_at(at) as u32;
    if block.len() < HEADER_BYTES as usize || block.get(..8) != Some(MAGIC) {
        return Err(corrupt(path, 0, "this is not a journal of Ringmain"));
    }
    if u32_at(CRC) != checksum(&block[..CRC], 0) {
        return Err(corrupt(path, CRC as u64, "the checksum of the journal's header does not match"));
    }
    let (major, features) = (u32_at(8) & 0xffff, (u32_at(12), u32_at(16)));
    if major != u32::from(MAJOR) || features != (0, 0) {
        let found = format!("journal format {major}, features {:#x} {:#x}", features.0, features.1);
        return Err(Error::Unsupported {
            path: path.into(),
            found,
            supported: "journal format 1, no features",
        });
    }
    if (u64_at(24), u64_at(32)) != (hub_id, index as u64) {
        let found = format!("it is journal {} of hub {:#x}", u64_at(32), u64_at(24));
        return Err(corrupt(path, 24, format!("{found}, expected journal {index} of hub {hub_id:#x}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_of_the_header_is_refused() {
        let block = encode(77, 1);
        assert!(check(&block, 77, 1, Path::new("j")).is_ok());
        assert!(check(&block, 78, 1, Path::new("j")).is_err());
        assert!(check(&block, 77, 0, Path::new("j")).is_err());
        for bit in 0..44 * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&damaged, 77, 1, Path::new("j")).is_err(), "bit {bit}");
        }
    }
}
