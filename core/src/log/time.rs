//! Finding the first record of a time, and the indexes of the segments that this takes.
//!
//! **Promise.** The record found is the first held whose time is not before the one asked for, to the nanosecond, also where the clock
//! went back. It takes as many indexes as a bisection over the segments takes; a segment in a file without an index is walked, once.
//!
//! **Why a bisection.** `largest_ns` of a segment is that of all segments since another. It only grows, so where it is before the time,
//! everything up to there is. Where it is not, that may be for the sake of a segment that was released since: so at the end the
//! segments are asked one after the other for their own.

use crate::error::Result;
use crate::log::Log;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::cold::{Chunks, Cold};
use crate::log::frame::{Frame, Kind, Word};
use crate::log::index::{Times, Walk};
use crate::log::reader::Reader;
use crate::log::segment_file::SegmentFile;
use crate::sync::{IS_MODEL, lock};
use std::ops::Range;
use std::sync::Arc;

impl Log {
    /// Sequence of the first record whose time is at least `time_ns`; the end if there is none.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn sequence_at_time(self: &Arc<Self>, time_ns: u64) -> Result<u64> {
        let mut reader = Reader::earliest(self.clone());
        if let Some(segment) = self.segment_at_time(time_ns)? {
            reader.land(segment, |landing| landing.time_ns < time_ns)?;
        }
        while reader.advance()? {
            let frame = reader.frame();
            if frame.kind() == Kind::Data && frame.time_ns() >= time_ns {
                return Ok(reader.sequence());
            }
        }
        Ok(reader.next_sequence())
    }

    /// A segment before which all records are older than `time_ns`: the last of them. `None` if nothing is held.
    fn segment_at_time(&self, time_ns: u64) -> Result<Option<SegmentFile>> {
        self.learn_live_times()?;
        let (mut low, last) = {
            let directory = lock(&self.directory);
            (directory.start().0, directory.next_number() - 1)
        };
        let mut high = last;
        while low < high {
            let middle = low + (high - low) / 2;
            let mut probe = middle;
            let reached = loop {
                match self.times(probe)? {
                    Some(times) if times.largest_ns >= time_ns => break Some(probe),
                    Some(times) if times.since <= low => break None,
                    // All of them are older, back to `since`: what is before that decides.
                    Some(times) => probe = times.since - 1,
                    None => break Some(probe),
                }
            };
            match reached {
                Some(probe) => high = probe,
                None => low = middle + 1,
            }
        }
        while low < last && self.times(low)?.is_some_and(|times| times.own_ns < time_ns) {
            low += 1;
        }
        self.look(|directory| directory.segment(low.max(directory.start().0)))
    }

    /// Learns the times of what lives in memory and is sealed, oldest first, so that each continues those before it.
    fn learn_live_times(&self) -> Result<()> {
        let live: Vec<_> = {
            let directory = lock(&self.directory);
            let unknown = directory.live().skip(1).take_while(|entry| entry.times.is_none());
            unknown.map(|entry| entry.number).collect()
        };
        live.into_iter().rev().try_for_each(|number| self.times(number).map(drop))
    }

    /// How far the times of a segment reach. `None` if it is not held, or not yet committed to its end.
    fn times(&self, number: u64) -> Result<Option<Times>> {
        if let Some(times) = self.known_times(number) {
            return Ok(Some(times));
        }
        let Some(segment) = self.look(|directory| directory.segment(number))? else { return Ok(None) };
        let times = match self.walk_live(segment) {
            Some(Some(walk)) => Times::following(self.times_before(number), number, walk.at.time_ns),
            Some(None) => return Ok(None),
            None => {
                let Some(mut cold) = self.open_cold(segment, Chunks::default())? else { return Ok(None) };
                match cold.index() {
                    Some(index) => index.times,
                    None => Times::following(self.times_before(number), number, cold.walk()?.at.time_ns),
                }
            }
        };
        self.learn_times(number, times);
        Ok(Some(times))
    }

    fn known_times(&self, number: u64) -> Option<Times> {
        lock(&self.directory).get(number)?.times
    }

    fn learn_times(&self, number: u64, times: Times) {
        if let Some(entry) = lock(&self.directory).get_mut(number) {
            entry.times = Some(times);
        }
    }

    /// Those of the segment before, as far as it takes no walk to learn them.
    fn times_before(&self, number: u64) -> Option<Times> {
        let before = number - 1;
        self.known_times(before).or_else(|| {
            let segment = self.look(|directory| directory.segment(before)).ok()??;
            Some(self.open_cold(segment, Chunks::default()).ok()??.index()?.times)
        })
    }

    /// Walks a segment in memory. `Some(None)`: not all of it is committed. `None`: it is not in memory.
    fn walk_live(&self, segment: SegmentFile) -> Option<Option<Walk>> {
        let number = segment.number;
        let index = lock(&self.directory).get(number)?.header?;
        let header = self.header(index);
        if !header.pin(number) {
            return None;
        }
        let mut walk = Walk::default();
        // SAFETY: our pin.
        let buffer = unsafe { header.buffer() };
        let is_whole = loop {
            let granule = u64::from(walk.at.granule);
            if granule == header.capacity() {
                break true;
            }
            let byte = (granule * GRANULE_BYTES) as usize;
            let bytes = match Word::new(buffer.committed_word(byte)) {
                Word::Empty => break false,
                Word::Pad { .. } => break true,
                Word::Frame { bytes } => bytes,
            };
            // SAFETY: our pin, and its commit word or that of an earlier frame of its batch was acquired.
            let frame = unsafe { buffer.committed(byte, bytes) };
            walk.enter(&Frame::trusted(frame));
        };
        self.unpin(index);
        Some(is_whole.then_some(walk))
    }

    /// Puts the indexes of the segments behind their data whose ends were brought home. Nobody waits for it, nor minds if it is not
    /// there: a write that fails is none of the log's.
    pub(super) fn write_indexes(&self, brought_home: Range<Place>) {
        // Models have segments of two records, and no time.
        if IS_MODEL {
            return;
        }
        for number in brought_home.start.segment()..=brought_home.end.segment() {
            let Ok(Some(segment)) = self.look(|directory| directory.segment(number)) else { continue };
            let end = Place::new(number, segment.data_bytes / GRANULE_BYTES);
            if end <= brought_home.start || end > brought_home.end {
                continue;
            }
            let Some(Some(walk)) = self.walk_live(segment) else { continue };
            self.write_index(&segment, &walk);
        }
    }

    /// Puts the index of one of them there, which was walked to its end.
    pub(super) fn write_index(&self, segment: &SegmentFile, walk: &Walk) {
        if IS_MODEL {
            return;
        }
        let number = segment.number;
        let times = Times::following(self.times_before(number), number, walk.at.time_ns);
        self.learn_times(number, times);
        if let Some(home) = &self.home {
            let _ = home.write_index(segment, &walk.encode(&times, segment));
        }
    }

    /// A segment's file, to be read in chunks. `None` if it was released, or has another content since it was looked up.
    pub(super) fn open_cold(&self, segment: SegmentFile, chunks: Chunks) -> Result<Option<Cold>> {
        let Some(home) = &self.home else { return Ok(self.open_spilled(segment, chunks)) };
        match home.open(segment.number) {
            Ok(file) => {
                // Compaction changes file and entry under the directory's lock: as long as the entry is the same, the file is.
                let is_same = self.look(|directory| directory.segment(segment.number))? == Some(segment);
                Ok(is_same.then(|| Cold::new(segment, file, home.path(segment.number), chunks)))
            }
            // Between our look and the opening.
            Err(_) if lock(&self.directory).get(segment.number).is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
