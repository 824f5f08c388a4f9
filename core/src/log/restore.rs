//! Copying journalled pieces of segments back to the files where they belong, before the log is opened.
//!
//! **Promise.** Can be repeated: a piece is a part of the segment's image, which never changes. That of a segment that was
//! compacted since is not wanted: all of it was in the file before that. Files are named durably one
//! after the other, so that after a crash in it the first file still tells what was released (`rotate.rs` removes from the
//! front alone): a piece of a segment before the first file is not wanted any more.

use crate::error::{Error, Result};
use crate::log::frame::corrupt;
use crate::log::home::Home;
use crate::log::segment_file::{HEADER_BYTES, SegmentFile};
use crate::storage::{File, Storage};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Restore {
    home: Home,
    /// Number of the first segment that has a file.
    first: Option<u64>,
    /// The file that was written last, with what its segment was said to be; none if it was compacted.
    last: Option<(SegmentFile, Option<Arc<dyn File>>)>,
}

impl Restore {
    /// For the log in `directory`, which exists.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn of(storage: Arc<dyn Storage>, directory: PathBuf) -> Result<Self> {
        let home = Home::new(storage, directory);
        let paths = home.storage().list(home.directory());
        let paths = paths.map_err(|e| Error::io("list", home.directory(), &e))?;
        let first = paths.iter().find_map(|path| Home::number(path));
        Ok(Self { home, first, last: None })
    }

    /// Writes a piece of a segment's data area, making the file if it is not there. Pieces come in the order of the log.
    ///
    /// # Errors
    /// `Corrupt` for a piece that fits no segment, `Io`.
    pub(crate) fn write(&mut self, segment: &SegmentFile, byte_position: u64, bytes: &[u8]) -> Result<()> {
        if self.first.is_some_and(|first| segment.number < first) {
            return Ok(());
        }
        let path = self.home.path(segment.number);
        let end = byte_position.checked_add(bytes.len() as u64);
        if segment.is_compacted() {
            let detail = format!(
                "the journal has a piece of its generation {}, which it never had",
                segment.generation
            );
            return Err(corrupt(&path, 56, detail));
        }
        if !segment.is_possible() || end.is_none_or(|end| end > segment.data_bytes) {
            let SegmentFile { base, data_bytes, .. } = segment;
            let detail = format!(
                "the journal has {} bytes for byte {byte_position} of a segment with {data_bytes} bytes of data that begins \
                 with sequence {base}",
                bytes.len(),
            );
            return Err(corrupt(&path, 0, detail));
        }
        let fail = |error| Error::io("restore", &path, &error);
        let file = match &self.last {
            // Said to be longer now, it is opened again, and made so.
            Some((last, file)) if last == segment => file.clone(),
            _ => {
                self.sync()?;
                let file = match self.is_compacted(segment, &path).map_err(fail)? {
                    true => None,
                    false => Some(self.open(segment).map_err(fail)?),
                };
                self.last = Some((*segment, file.clone()));
                file
            }
        };
        let Some(file) = file else { return Ok(()) };
        if byte_position == 0 {
            // The header and the length, too, which were synced with nothing else: see `settle` in `open.rs`.
            let mut end = [0];
            file.read_exact_at(&mut end, bytes_of(segment) - 1).map_err(fail)?;
            file.write_all_at(&end, bytes_of(segment) - 1).map_err(fail)?;
            file.write_all_at(&segment.encode(), 0).map_err(fail)?;
        }
        file.write_all_at(bytes, HEADER_BYTES as u64 + byte_position).map_err(fail)
    }

    /// Whether the segment's file was compacted since. A header that says nothing does not say that.
    fn is_compacted(&self, segment: &SegmentFile, path: &Path) -> std::io::Result<bool> {
        let mut block = vec![0; HEADER_BYTES];
        let read = self.home.storage().open(path).and_then(|file| file.read_exact_at(&mut block, 0));
        match read {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => return Ok(false),
            Err(e) => return Err(e),
        }
        let found = SegmentFile::decode(&block, path);
        let is_same = |found: &SegmentFile| (found.log_id, found.number) == (segment.log_id, segment.number);
        Ok(found.is_ok_and(|found| is_same(&found) && found.is_compacted()))
    }

    /// The file of a segment, as long as it should be.
    fn open(&mut self, segment: &SegmentFile) -> std::io::Result<Arc<dyn File>> {
        let path = self.home.path(segment.number);
        let bytes = bytes_of(segment);
        match self.home.storage().open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let file = self.home.storage().create(&path, bytes)?;
                self.home.storage().sync_dir(self.home.directory())?;
                self.first.get_or_insert(segment.number);
                Ok(file)
            }
            opened => {
                let file = opened?;
                if file.len()? < bytes {
                    file.write_all_at(&[0], bytes - 1)?;
                }
                Ok(file)
            }
        }
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn sync(&self) -> Result<()> {
        match &self.last {
            Some((segment, Some(file))) => {
                file.sync().map_err(|e| Error::io("sync", self.home.path(segment.number), &e))?;
                let directory = self.home.directory();
                self.home.storage().sync_dir(directory).map_err(|e| Error::io("sync", directory, &e))
            }
            _ => Ok(()),
        }
    }
}

fn bytes_of(segment: &SegmentFile) -> u64 {
    HEADER_BYTES as u64 + segment.data_bytes
}
