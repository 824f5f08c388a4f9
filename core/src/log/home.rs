//! The files of one durable log: one per segment, in a directory of their own.
//!
//! ```text
//! 0000000000000001.segment      4096 bytes of header, then the segment's data area byte for byte
//! 0000000000000001.segment.new  the same after compaction, about to be renamed over it
//! ```
//!
//! **Promise.** A segment's file is made, named in its header, and durable in its directory before its first frame
//! is written; and the segment before it is complete and synced before that. So after any crash only the last
//! segment may be torn.
//!
//! **Where next.** Layout of the header: `segment_file.rs`. What is read back: `recovery.rs`.

use crate::error::{Error, Result};
use crate::log::buffer::ALIGN_BYTES;
use crate::log::pages::Pages;
use crate::log::segment_file::{self, SegmentFile};
use crate::storage::{Aligned, Feed, File, Storage};
use crate::sync::{Mutex, lock};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Behind the name of a file that is being written anew.
const NEW: &str = ".new";

/// So much is written at once: whoever commits something small meanwhile waits for its turn at the disk no longer than that.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Home {
    storage: Arc<dyn Storage>,
    directory: PathBuf,
    /// The file that is written to now.
    tail: Mutex<Option<Tail>>,
}

#[derive(Debug)]
struct Tail {
    number: u64,
    file: Arc<dyn File>,
    unsynced: bool,
}

impl Home {
    pub(crate) fn new(storage: Arc<dyn Storage>, directory: PathBuf) -> Self {
        Self { storage, directory, tail: Mutex::new(None) }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of a segment's file.
    pub(crate) fn path(&self, number: u64) -> PathBuf {
        Self::path_in(&self.directory, number)
    }

    /// The path of a segment's file in the directory of its log.
    pub(crate) fn path_in(directory: &Path, number: u64) -> PathBuf {
        directory.join(format!("{number:016}.segment"))
    }

    fn new_path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:016}.segment{NEW}"))
    }

    /// The segment that a path names.
    pub(crate) fn number(path: &Path) -> Option<u64> {
        let digits = path.file_name()?.to_str()?.strip_suffix(".segment")?;
        (digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
    }

    /// Continues a segment that recovery found.
    pub(crate) fn resume(&self, number: u64, file: Arc<dyn File>) {
        *lock(&self.tail) = Some(Tail { number, file, unsynced: false });
    }

    /// Makes the file of the next segment; the one before is synced first.
    ///
    /// Nothing is to be done for one that recovery found empty: a crash came between its making and its first frame.
    pub(crate) fn create(&self, segment: &SegmentFile) -> Result<()> {
        if lock(&self.tail).as_ref().is_some_and(|tail| tail.number == segment.number) {
            return Ok(());
        }
        self.sync()?;
        let path = self.path(segment.number);
        let bytes = segment_file::HEADER_BYTES as u64 + segment.data_bytes;
        let fail = |operation| {
            let path = path.clone();
            move |e: std::io::Error| Error::io(operation, path.clone(), &e)
        };
        let file = self.storage.create(&path, bytes).map_err(fail("create"))?;
        file.write_all_at(&segment.encode(), 0).map_err(fail("write"))?;
        file.sync().map_err(fail("sync"))?;
        self.storage.sync_dir(&self.directory).map_err(fail("sync the directory of"))?;
        // The segments that follow are most often as large as this one, and whoever appends is not to wait for their memory.
        Pages::prepare(segment.data_bytes as usize);
        *lock(&self.tail) = Some(Tail { number: segment.number, file, unsynced: false });
        Ok(())
    }

    /// Writes bytes of the data area of the segment that was made last, from the beginning of a block. The last block is
    /// filled up with zeros: only whole blocks can be written around the page cache.
    pub(crate) fn write(&self, segment: &SegmentFile, byte_position: u64, bytes: &[u8]) -> Result<()> {
        let mut tail = lock(&self.tail);
        let Some(tail) = tail.as_mut().filter(|tail| tail.number == segment.number) else {
            return Err(not_the_tail(segment.number));
        };
        tail.unsynced = true;
        let (blocks, rest) = bytes.split_at(bytes.len() - bytes.len() % ALIGN_BYTES);
        let rest_position = byte_position + blocks.len() as u64;
        let mut last = Aligned::default();
        if !rest.is_empty() {
            last.extend_from_slice(rest);
            last.resize(ALIGN_BYTES.min((segment.data_bytes - rest_position) as usize));
        }
        let write = |bytes: &[u8], byte_position: u64| match bytes {
            [] => Ok(()),
            bytes => tail.file.write_all_at(bytes, segment_file::HEADER_BYTES as u64 + byte_position),
        };
        let position_of = |index: usize| byte_position + (index * WRITE_BYTES_MAX) as u64;
        blocks
            .chunks(WRITE_BYTES_MAX)
            .enumerate()
            .try_for_each(|(index, piece)| write(piece, position_of(index)))
            .and_then(|()| write(&last, rest_position))
            .map_err(|e| Error::io("write", self.path(segment.number), &e))
    }

    /// Writes what `feed` gives to the file of the segment that was made last, and makes it durable on the way.
    pub(crate) fn stream(&self, number: u64, feed: &mut dyn Feed<'_>) -> Result<()> {
        let file = match &*lock(&self.tail) {
            Some(tail) if tail.number == number => tail.file.clone(),
            _ => return Err(not_the_tail(number)),
        };
        file.stream(feed).map_err(|e| Error::io("stream to", self.path(number), &e))
    }

    /// Makes durable what was written.
    pub(crate) fn sync(&self) -> Result<()> {
        let mut tail = lock(&self.tail);
        if let Some(tail) = tail.as_mut().filter(|tail| tail.unsynced) {
            tail.file.sync().map_err(|e| Error::io("sync", self.path(tail.number), &e))?;
            tail.unsynced = false;
        }
        Ok(())
    }

    /// Gives back the room behind `byte_position` of the segment that was made last: a log that is closed may stay so for
    /// long. That is a courtesy, and none of the log's promises.
    pub(crate) fn release_from(&self, number: u64, byte_position: u64) {
        if let Some(tail) = lock(&self.tail).as_ref().filter(|tail| tail.number == number) {
            let _ = tail.file.release_from(segment_file::HEADER_BYTES as u64 + byte_position);
        }
    }

    /// Opens a segment's file for reading.
    pub(crate) fn open(&self, number: u64) -> Result<Arc<dyn File>> {
        let path = self.path(number);
        self.storage.open(&path).map_err(|e| Error::io("open", path, &e))
    }

    /// Writes what lies behind the data area of a complete segment.
    pub(crate) fn write_index(&self, segment: &SegmentFile, index: &[u8]) -> Result<()> {
        let position = segment_file::HEADER_BYTES as u64 + segment.data_bytes;
        let written = self.open(segment.number)?.write_all_at(index, position);
        written.map_err(|e| Error::io("write", self.path(segment.number), &e))
    }

    /// Writes a file that is to take the place of a segment's, and makes its content durable.
    pub(crate) fn write_new(&self, segment: &SegmentFile, data: &[u8]) -> Result<()> {
        let path = self.new_path(segment.number);
        let removed = self.storage.remove(&path).or_else(none_is_fine);
        removed.map_err(|e| Error::io("write", &path, &e))?;
        Self::write_whole(&*self.storage, &path, segment, data)
    }

    /// Makes the file of a segment with all that is in it, and makes its content durable.
    pub(crate) fn write_whole(
        storage: &dyn Storage,
        path: &Path,
        segment: &SegmentFile,
        data: &[u8],
    ) -> Result<()> {
        let bytes = segment_file::HEADER_BYTES as u64 + segment.data_bytes;
        let written = storage.create(path, bytes).and_then(|file| {
            file.write_all_at(data, segment_file::HEADER_BYTES as u64)?;
            file.write_all_at(&segment.encode(), 0)?;
            file.sync()
        });
        written.map_err(|e| Error::io("write", path, &e))
    }

    /// Puts it in place: from here on whoever opens the segment finds the new file. Durable by `sync_names`.
    pub(crate) fn replace(&self, number: u64) -> Result<()> {
        let path = self.path(number);
        self.storage.rename(&self.new_path(number), &path).map_err(|e| Error::io("replace", path, &e))
    }

    /// Makes durable which files there are.
    pub(crate) fn sync_names(&self) -> Result<()> {
        self.storage.sync_dir(&self.directory).map_err(|e| Error::io("sync", &self.directory, &e))
    }

    /// Removes what a crash left of files that were to take the place of others.
    pub(crate) fn remove_unfinished(&self) -> Result<()> {
        let paths = self.storage.list(&self.directory).map_err(|e| Error::io("list", &self.directory, &e))?;
        for path in paths {
            let old = path.file_name().and_then(|name| name.to_str()?.strip_suffix(NEW)).map(Path::new);
            if old.and_then(Self::number).is_some() {
                self.storage.remove(&path).map_err(|e| Error::io("remove", path, &e))?;
            }
        }
        Ok(())
    }

    /// Removes the file of a segment that nobody needs any more, durably: of several removed, a later one must not
    /// vanish before an earlier one, which would look like a missing segment. May be repeated after an error.
    pub(crate) fn remove(&self, number: u64) -> Result<()> {
        let path = self.path(number);
        let removed = self.storage.remove(&path).or_else(none_is_fine);
        let removed = removed.and_then(|()| self.storage.sync_dir(&self.directory));
        removed.map_err(|e| Error::io("remove", path, &e))
    }
}

fn not_the_tail(number: u64) -> Error {
    Error::Internal { detail: format!("segment {number} is not the one being written") }
}

fn none_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
