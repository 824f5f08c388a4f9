//! Finding a segment: what the headers of files say is read when somebody asks for it, and kept.
//!
//! **Failure.** A header that is damaged, or that contradicts another, is an error that names its file, each time that it is asked
//! for; what needs no such header goes on.

use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::directory::{Directory, Unread};
use crate::log::frame::corrupt;
use crate::log::open::read_header;
use crate::log::segment_file::{BASE, SegmentFile};
use crate::sync::lock;

impl Log {
    /// Looks something up in the directory. The headers that it needs are read in between, without the lock.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported` or `Io` from the header of a segment that is still held.
    pub(super) fn look<T>(&self, mut find: impl FnMut(&mut Directory) -> Result<T, Unread>) -> Result<T> {
        loop {
            let Unread(number) = match find(&mut lock(&self.directory)) {
                Ok(found) => return Ok(found),
                Err(unread) => unread,
            };
            match self.read_segment(number) {
                Ok(segment) => self.learn(&mut lock(&self.directory), segment)?,
                Err(error) if lock(&self.directory).get(number).is_some() => return Err(error),
                // Released meanwhile.
                Err(_) => {}
            }
        }
    }

    /// What the header of a segment's file says.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(super) fn read_segment(&self, number: u64) -> Result<SegmentFile> {
        let Some(home) = &self.home else { unreachable!("the header of a segment in memory is known") };
        read_header(home, self.id, number, &home.path(number)).map(|(segment, _)| segment)
    }

    /// Keeps what the header of a segment's file says.
    ///
    /// # Errors
    /// `Corrupt` if it contradicts another one.
    pub(super) fn learn(&self, directory: &mut Directory, segment: SegmentFile) -> Result<()> {
        directory.learn(segment).map_err(|detail| match &self.home {
            Some(home) => corrupt(&home.path(segment.number), BASE, detail),
            None => Error::Internal { detail },
        })
    }

    /// The segment that holds the record, if it is still held.
    pub(crate) fn segment_of(&self, sequence: u64) -> Result<Option<u64>> {
        let found = self.look(|directory| directory.holding(sequence))?;
        Ok(found.filter(|segment| segment.base <= sequence).map(|segment| segment.number))
    }

    /// How many records a segment has, unless it is the last, or is gone.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(crate) fn record_count(&self, number: u64) -> Result<Option<u64>> {
        self.look(|directory| {
            let (first, second) = (directory.segment(number)?, directory.segment(number + 1)?);
            let both =
                first.filter(|first| first.number == number).zip(second.filter(|s| s.number == number + 1));
            Ok(both.map(|(first, second)| second.base - first.base))
        })
    }

    /// Number and record count of the oldest segment, unless it is the last, too.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(crate) fn first_sealed(&self) -> Result<Option<(u64, u64)>> {
        self.look(|directory| {
            let (first, base) = directory.start();
            let second = directory.segment(first + 1)?;
            Ok(second.map(|second| (first, second.base - base)))
        })
    }

    /// Bytes of the data area of a segment that is held.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    pub(crate) fn segment_bytes(&self, number: u64) -> Result<u64> {
        self.look(|directory| Ok(directory.segment(number)?.map_or(0, |segment| segment.data_bytes)))
    }

    /// Bytes held, in memory or on disk. A segment whose header cannot be read counts as nothing: whoever reads it is told.
    pub(crate) fn bytes(&self) -> u64 {
        let unread: Vec<_> = {
            let directory = lock(&self.directory);
            directory.iter().filter(|entry| entry.segment.is_none()).map(|entry| entry.number).collect()
        };
        for number in unread {
            let _ = self.look(|directory| directory.segment(number));
        }
        let directory = lock(&self.directory);
        directory.iter().filter_map(|entry| entry.segment).map(|segment| segment.data_bytes).sum()
    }
}
