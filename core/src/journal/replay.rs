//! What the journal files tell when a hub is opened: which batches are to be copied home.
//!
//! Every batch names itself by its sequence, and says which batches were home and which were synced before it. So all
//! that can be read, wherever it lies, is put in order; those after the last that is home are wanted, as far as
//! they follow each other without a gap. A gap below what is known to have been synced is *corruption*; any other is a
//! *torn tail*, which nobody was told to be durable.

use super::batch::{self, Head, Range, SECTOR_BYTES};
use super::file::{HEADER_BYTES, JournalFile};
use super::seeded_bug::Planted;
use crate::error::{Error, Result};
use crate::log::frame::corrupt;
use std::collections::BTreeMap;
use std::path::Path;

/// A file and what is in it, if there is one.
pub(super) type Read = Option<(JournalFile, Vec<u8>)>;

/// A batch where it lies.
#[derive(Debug)]
struct Batch<'a> {
    file: usize,
    byte_position: u64,
    end: u64,
    ranges: Vec<Range<'a>>,
}

/// See the module's description.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    batches: BTreeMap<u64, Batch<'a>>,
    /// Batches up to this one are home.
    pub(super) homed: u64,
    /// The last one that is wanted.
    pub(super) last: u64,
    /// Batches up to this one were synced.
    synced: u64,
}

impl<'a> Replay<'a> {
    /// Reads the batches of both files.
    ///
    /// # Errors
    /// `Corrupt`: a batch is missing that was synced.
    pub(super) fn of(files: &'a [Read; 2], hub_id: u64, directory: &Path, planted: Planted) -> Result<Self> {
        let contents = files.each_ref().map(|file| file.as_ref().map(|(_, content)| content.as_slice()));
        let replay = Self::gather(contents, hub_id, planted);
        replay.check(directory).map(|()| replay)
    }

    /// Every batch that can be read in the contents of the files.
    pub(super) fn gather(contents: [Option<&'a [u8]>; 2], hub_id: u64, planted: Planted) -> Self {
        let (mut batches, mut homed, mut synced) = (BTreeMap::new(), 0, 0);
        for (index, content) in contents.into_iter().enumerate() {
            let Some(content) = content else { continue };
            let mut at = HEADER_BYTES;
            while let Some(rest) = content.get(at as usize..).filter(|rest| !rest.is_empty()) {
                let seed = batch::seed(hub_id, index, at);
                let Some((head, ranges, bytes)) = batch::decode(rest, seed, planted) else {
                    at += SECTOR_BYTES;
                    continue;
                };
                let Head { sequence, homed: homed_then, synced: synced_then } = head;
                (homed, synced) = (homed.max(homed_then), synced.max(synced_then));
                batches.insert(sequence, Batch { file: index, byte_position: at, end: at + bytes, ranges });
                at += bytes;
            }
        }
        let last =
            (homed + 1..).find(|sequence| !batches.contains_key(sequence)).map_or(homed, |gap| gap - 1);
        Self { batches, homed, last, synced }
    }

    /// Whether everything is there that was synced.
    ///
    /// # Errors
    /// `Corrupt`, naming the place of what is missing.
    pub(super) fn check(&self, directory: &Path) -> Result<()> {
        if self.last < self.synced { Err(self.gap(directory)) } else { Ok(()) }
    }

    /// Every piece that is not known to be home, in order, whatever is missing between them.
    pub(super) fn all_ranges(&self) -> impl Iterator<Item = &Range<'a>> {
        self.batches.range(self.homed + 1..).flat_map(|(_, batch)| &batch.ranges)
    }

    /// Where the batch should be that does not follow.
    fn gap(&self, directory: &Path) -> Error {
        let missing = self.last + 1;
        let before = self.batches.get(&self.last);
        let next = self.batches.range(missing..).next().map(|(_, batch)| batch);
        let (file, byte_position) = match (before, next) {
            (Some(before), Some(next)) if next.file == before.file || next.byte_position == HEADER_BYTES => {
                (before.file, before.end)
            }
            (_, Some(next)) if next.byte_position != HEADER_BYTES => (next.file, HEADER_BYTES),
            (_, Some(next)) => (1 - next.file, HEADER_BYTES),
            (Some(before), None) => (before.file, before.end),
            (None, None) => (0, HEADER_BYTES),
        };
        let detail = format!("batch {missing} of the journal cannot be read, although it had been durable");
        corrupt(&JournalFile::path(directory, file), byte_position, detail)
    }

    /// The pieces to copy home, in order.
    pub(super) fn ranges(&self) -> impl DoubleEndedIterator<Item = &Range<'a>> {
        self.batches.range(self.homed + 1..self.last + 1).flat_map(|(_, batch)| &batch.ranges)
    }

    /// Makes durable what is wanted: a killed process leaves batches that can be read and were never synced.
    ///
    /// What was not proven to be synced is written once more: after a failed sync the system takes pages for clean that it
    /// never wrote, and another sync alone would succeed without them.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn settle(&self, files: &[Read; 2]) -> Result<()> {
        let unproven =
            self.batches.range(self.synced + 1..).take_while(|(sequence, _)| **sequence <= self.last);
        for (_, Batch { file, byte_position, end, .. }) in unproven {
            if let Some((file, content)) = &files[*file] {
                let bytes = content.get(*byte_position as usize..*end as usize).unwrap_or_default();
                file.write_again(bytes, *byte_position)?;
            }
        }
        files.iter().flatten().try_for_each(|(file, _)| file.sync())
    }

    /// Whether a file has a batch.
    pub(super) fn is_used(&self, file: usize) -> bool {
        self.batches.values().any(|batch| batch.file == file)
    }

    /// The largest sequence that was ever used, whether what has it is wanted or not.
    pub(super) fn sequence_max(&self) -> u64 {
        self.batches.keys().next_back().copied().unwrap_or(0)
    }

    /// The file that was written last, and where the last batch that is wanted ends in it.
    pub(super) fn resume(&self) -> Option<(usize, u64)> {
        let last = self.batches.get(&self.last)?;
        Some((last.file, last.end))
    }
}
