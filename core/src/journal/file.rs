//! One of the two journal files: a header block, then batches.
//!
//! ```text
//!   0 24  as in every file (`header_block.rs`), magic "RINGJRNL"
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
use crate::log::frame::{corrupt, u64_at};
use crate::log::header_block::{self, FileKind};
use crate::storage::{Aligned, File, Storage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where batches begin.
pub(super) const HEADER_BYTES: u64 = header_block::HEADER_BYTES as u64;

/// Where files end.
const BLOCK_BYTES: u64 = 4096;
/// A file grows by at least so much, unless it is smaller.
const STEP_BYTES_MIN: u64 = 1 << 20;
/// More than any journal has: the largest that may be asked for, and the batch that goes beyond it.
const BYTES_MAX: u64 = 2 << 30;

const KIND: FileKind =
    FileKind { magic: b"RINGJRNL", noun: "journal", compatible: 0, features: 0, fields_bytes: 16 };

/// A file, and what is in it.
type Opened = (Arc<dyn File>, Vec<u8>);

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
        let Some((file, content)) = Self::read(storage, &path)? else { return Ok(None) };
        let (header, batches) = content.split_at(content.len().min(HEADER_BYTES as usize));
        if let Err(error) = check(header, hub_id, index, &path) {
            // No batch is written before the header is synced.
            return if batches.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(error) };
        }
        let written_bytes = content.len() as u64;
        Ok(Some((Self { file, path, index, hub_id, written_bytes }, content)))
    }

    /// A file, and what is in it, whatever that is.
    pub(super) fn read(storage: &dyn Storage, path: &Path) -> Result<Option<Opened>> {
        let file = match storage.open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("open", path, &e)),
        };
        let bytes = file.len().map_err(|e| Error::io("measure", path, &e))?;
        if bytes > BYTES_MAX {
            return Err(corrupt(path, BYTES_MAX, format!("{bytes} bytes are impossible for a journal")));
        }
        let mut content = vec![0; bytes as usize];
        file.read_exact_at(&mut content, 0).map_err(|e| Error::io("read", path, &e))?;
        Ok(Some((file, content)))
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

    /// Writes a batch. Where the file grows, it doubles, by `step_bytes_max` at most: blocks that were never written take
    /// three times as long to be made durable.
    pub(super) fn write(
        &mut self,
        batch: &[u8],
        byte_position: u64,
        step_bytes_max: u64,
        is_synced: bool,
    ) -> Result<()> {
        let end = byte_position + batch.len() as u64;
        let mut written = Ok(());
        if end > self.written_bytes {
            let step_bytes = self.written_bytes.clamp(STEP_BYTES_MIN.min(step_bytes_max), step_bytes_max);
            let grown = (end + step_bytes).next_multiple_of(BLOCK_BYTES);
            let mut zeros = Aligned::default();
            zeros.resize((grown - end) as usize);
            written = self.file.write_all_at(&zeros, end);
            self.written_bytes = grown;
        }
        let written = written.and_then(|()| {
            let write = if is_synced { File::write_all_at } else { File::write_cached_at };
            write(&*self.file, batch, byte_position)
        });
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
    KIND.encode(&[hub_id, index as u64].map(u64::to_le_bytes).concat(), 0)
}

fn check(block: &[u8], hub_id: u64, index: usize, path: &Path) -> Result<()> {
    let (fields, _) = KIND.decode(block, path)?;
    let (hub, which) = (u64_at(fields, 0).unwrap_or(0), u64_at(fields, 8).unwrap_or(0));
    if (hub, which) != (hub_id, index as u64) {
        let found = format!("it is journal {which} of hub {hub:#x}");
        return Err(corrupt(path, 24, format!("{found}, expected journal {index} of hub {hub_id:#x}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_any_journal_is_refused_before_it_is_read() {
        let scratch = tempfile::tempdir().unwrap();
        let path = JournalFile::path(scratch.path(), 0);
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = JournalFile::open(&crate::storage::Blocking, scratch.path(), 1, 0).err();
        assert!(matches!(error, Some(Error::Corrupt { byte_position: BYTES_MAX, .. })), "{error:?}");
    }

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
