//! Complete segments of a log in memory that go to a scratch file, because the log takes more memory than it may.
//!
//! **Promise.** A segment is written once, as a durable log would write it, each frame with its checksum, and is read back the same
//! way (`cold.rs`). Those go first that are furthest from where receivers are. What cannot be written stays in memory, whole. A
//! scratch file has no name, for it is removed as soon as it is open: what it takes on the disk is given back with the last segment
//! in it, even if the process is killed.
//!
//! **Not promised.** That the log never takes more: what stays in memory is the open segment and the few before it that a producer
//! may still be writing to, and segments that somebody reads or has messages of.
//!
//! **Failure.** Damage in a scratch file is found by the checksums, as in any file.

use crate::error::{Error, Result};
use crate::log::claim::GRANULE_BYTES;
use crate::log::cold::{Chunks, Cold};
use crate::log::directory::Entry;
use crate::log::frame::{PAD, Word, add_checksum, pad_checksum};
use crate::log::pin::Pin;
use crate::log::recovery::word_at;
use crate::log::segment_file::SegmentFile;
use crate::log::{BLOCKS, Log, SEGMENT_BYTES_MIN};
use crate::storage::{File, Storage};
use crate::sync::lock;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

/// How many of the largest segments fit the memory that a log may take: those that cannot go are fewer.
pub(crate) const SEGMENTS_OF_MEMORY: u64 = 8;
/// A scratch file takes no more segments once it has so many bytes: the room of those that are gone is given back a file at a time.
const FILE_BYTES: u64 = 64 << 20;
/// So often another name is tried where a file has it.
const NAME_COUNT: usize = 8;

/// Where scratch files are made.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) directory: PathBuf,
}

impl Scratch {
    /// A new file, which has no name any more, and the one that it had.
    fn create(&self) -> io::Result<(Arc<dyn File>, PathBuf)> {
        let mut made = Err(io::ErrorKind::AlreadyExists.into());
        for _ in 0..NAME_COUNT {
            let number = RandomState::new().hash_one(std::process::id());
            let path = self.directory.join(format!("ringmain-{number:016x}.scratch"));
            made = self.storage.create(&path, 0).map(|file| (file, path));
            match &made {
                Ok((_, path)) => {
                    self.storage.remove(path)?;
                    break;
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) => break,
            }
        }
        made
    }
}

/// Where a segment is that has left memory.
#[derive(Debug, Clone)]
pub(super) struct Spilled {
    pub(super) file: Arc<dyn File>,
    /// What the file was called.
    pub(super) path: PathBuf,
    /// Where the data area begins in it.
    pub(super) position: u64,
}

/// The part of a log in memory that knows how much it may take.
#[derive(Debug, Default)]
pub(super) struct Spill {
    /// None: no limit.
    bytes_max: Option<u64>,
    /// The segment that was open when everything was done last.
    looked_at: u64,
    /// The file that takes the next segment, as long as it has one, and how much is in it.
    tail: Option<(Weak<dyn File>, PathBuf, u64)>,
}

impl Spill {
    /// Room for so many bytes.
    fn room(&mut self, scratch: &Scratch, bytes: u64) -> io::Result<Spilled> {
        let tail = self.tail.take().filter(|(.., used)| *used < FILE_BYTES);
        let tail = tail.and_then(|(file, path, used)| Some((file.upgrade()?, path, used)));
        let (file, path, position) = match tail {
            Some(tail) => tail,
            None => scratch.create().map(|(file, path)| (file, path, 0))?,
        };
        self.tail = Some((Arc::downgrade(&file), path.clone(), position + bytes));
        Ok(Spilled { file, path, position })
    }
}

impl Log {
    /// Has the log take about so much memory at most from now on; `None` for as much as there is. What is in scratch files stays
    /// there.
    pub(crate) fn limit_memory(&self, bytes_max: Option<u64>) {
        let segment_bytes_max =
            bytes_max.map_or(u64::MAX, |bytes_max| 1 << (bytes_max / SEGMENTS_OF_MEMORY).max(1).ilog2());
        lock(&self.directory).limit_bytes(SEGMENT_BYTES_MIN.max(segment_bytes_max));
        let mut spill = lock(&self.spill);
        (spill.bytes_max, spill.looked_at) = (bytes_max, 0);
    }

    /// Moves segments to a scratch file until the log takes no more memory than it may, or none is left that can go: those furthest
    /// from segment `near` first.
    ///
    /// # Errors
    /// `Io` making or writing the file: what did not go is still there.
    pub(crate) fn spill(self: &Arc<Self>, near: u64) -> Result<()> {
        let Some(scratch) = &self.scratch else { return Ok(()) };
        let mut spill = lock(&self.spill);
        let Some(bytes_max) = spill.bytes_max else { return Ok(()) };
        let open = self.current_segment();
        if spill.looked_at == open {
            return Ok(());
        }
        while let Some((segment, pin)) = self.furthest_beyond(bytes_max, near) {
            let image = image_of(&segment, &pin);
            let written = spill.room(scratch, segment.data_bytes).and_then(|spilled| {
                spilled.file.write_all_at(&image, spilled.position)?;
                Ok(spilled)
            });
            let spilled = written.map_err(|e| cannot_spill(scratch, &e))?;
            let mut directory = lock(&self.directory);
            // Unless it was released meanwhile.
            if let Some(entry) = directory.get_mut(segment.number) {
                entry.spilled = Some(spilled);
                if let Some(header) = entry.header.take() {
                    self.retire(header);
                }
            }
        }
        spill.looked_at = open;
        Ok(())
    }

    /// If the segments in memory have more than so many bytes: the one furthest from segment `near` that is complete, and that
    /// nobody reads.
    fn furthest_beyond(self: &Arc<Self>, bytes_max: u64, near: u64) -> Option<(SegmentFile, Arc<Pin>)> {
        let directory = lock(&self.directory);
        let last = directory.last()?.number;
        let (mut bytes, mut furthest) = (0, None);
        for Entry { number, segment, header, .. } in directory.iter() {
            let (Some(segment), Some(header)) = (segment, header) else { continue };
            bytes += segment.data_bytes;
            // From when its block serves another segment nobody writes to it any more.
            if number + BLOCKS as u64 <= last && !self.header(*header).is_pinned() {
                let distance = number.abs_diff(near);
                furthest = furthest.max(Some((distance, *number, *header)));
            }
        }
        let (_, number, header) = furthest.filter(|_| bytes > bytes_max)?;
        let segment = directory.segment(number).ok()??;
        Some((segment, Pin::new(self, header, number)?))
    }

    /// A segment that is read from a scratch file, unless it was released meanwhile.
    pub(super) fn open_spilled(&self, segment: SegmentFile, chunks: Chunks) -> Option<Cold> {
        let spilled = lock(&self.directory).get(segment.number)?.spilled.clone()?;
        Some(Cold::new(segment, spilled.file, spilled.path, chunks).at(spilled.position))
    }

    /// Bytes of the segments that are in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.bytes_where(|entry| entry.header.is_some())
    }

    /// Bytes of the segments that are in scratch files.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.bytes_where(|entry| entry.spilled.is_some())
    }

    fn bytes_where(&self, counts: impl Fn(&Entry) -> bool) -> u64 {
        let directory = lock(&self.directory);
        let counted = directory.iter().filter(|entry| counts(entry));
        counted.filter_map(|entry| entry.segment).map(|segment| segment.data_bytes).sum()
    }
}

/// The data area of a complete segment as a file has it: with checksums, which frames in memory do without.
fn image_of(segment: &SegmentFile, pin: &Pin) -> Vec<u8> {
    let header = pin.header();
    let end = header.sealed().map_or(0, |(_, end)| (end * GRANULE_BYTES) as usize);
    // SAFETY: our pin; the segment is sealed, and none of its claimants is under way any more, so everything up to its end is
    // committed.
    let committed = unsafe { header.buffer().committed(0, end) };
    let mut image = committed.to_vec();
    let mut byte = 0;
    while let Some(Word::Frame { bytes }) = word_at(&image, byte).map(Word::new)
        && let Some(frame) = image.get_mut(byte..byte + bytes)
    {
        add_checksum(frame, segment.seed().at(byte as u64));
        byte = (byte + bytes).next_multiple_of(GRANULE_BYTES as usize);
    }
    let left = segment.data_bytes - end as u64;
    if left > 0 {
        let word = PAD | (left / GRANULE_BYTES) as u32;
        image.extend_from_slice(&word.to_le_bytes());
        image.extend_from_slice(&pad_checksum(word, segment.seed().at(end as u64)).to_le_bytes());
        // Whoever reads takes whole chunks.
        image.resize(segment.data_bytes as usize, 0);
    }
    image
}

fn cannot_spill(scratch: &Scratch, error: &io::Error) -> Error {
    Error::Io {
        operation: "write a scratch file in",
        path: scratch.directory.clone(),
        detail: format!(
            "{error}; nothing was sent, and what is in the queue is still there: have more of it received and acked, make room, or \
             name another scratch_directory"
        ),
        errno: error.raw_os_error().unwrap_or(0),
    }
}
