//! Walking the log, one frame after the other.
//!
//! **Promise.** Frames come in order of claim, each once. The reader takes a segment by one pin, not per frame, and
//! never stops a producer: it pins at most the segment that it is in. Once a segment has left memory, its file is
//! read instead, every frame checked. In a compacted segment sequences grow with gaps; nothing but its records tells them.
//!
//! **Failure.** Damage in a file is an error with its position, again at each call: nothing is skipped. A segment
//! that was released before the reader came to it is skipped.

use crate::error::{Error, Result};
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::frame::{Frame, Kind, Seed, Word, corrupt};
use crate::log::payload::Payload;
use crate::log::recovery::frame_at;
use crate::log::segment_file::{self, is_compacted};
use crate::log::{Level, Log, recovery};
use crate::sync::lock;
use std::path::PathBuf;
use std::sync::Arc;

/// A segment's data area as read from its file.
#[derive(Debug)]
pub(crate) struct Cold {
    pub(super) data: Vec<u8>,
    base: u64,
    seed: Seed,
    path: PathBuf,
}

/// Where the frames of the reader's segment are.
#[derive(Debug)]
enum Source {
    /// Not looked up yet.
    Unknown,
    Live(u32),
    Cold(Arc<Cold>),
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Reader {
    log: Arc<Log>,
    source: Source,
    segment: u64,
    /// Granule of the next frame.
    at: u64,
    /// Sequence of the next record; in a compacted segment, of the first that it can be.
    sequence: u64,
    /// The first sequence of the segment, if it is compacted.
    compacted_base: Option<u64>,
    /// Readable up to here when last looked.
    limit: Place,
    /// The frame that `advance` found.
    found: Found,
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    at: u64,
    bytes: usize,
    sequence: u64,
}

enum Step {
    Frame,
    End,
    NextSegment,
}

impl Reader {
    /// A reader at the first frame held.
    pub(crate) fn earliest(log: Arc<Log>) -> Self {
        let (segment, sequence) = log.start();
        Self::at(log, segment, sequence)
    }

    /// A reader at the first frame of a segment, whose first sequence is this.
    pub(crate) fn at(log: Arc<Log>, segment: u64, sequence: u64) -> Self {
        Self {
            log,
            source: Source::Unknown,
            segment,
            at: 0,
            sequence,
            compacted_base: None,
            limit: Place::default(),
            found: Found::default(),
        }
    }

    /// Goes to the record with this sequence, or the first held after it; a sequence beyond the end is waited for.
    pub(crate) fn seek(&mut self, sequence: u64) -> Result<()> {
        let start = {
            let directory = lock(&self.log.directory);
            directory.holding(sequence).or(directory.first()).map(|entry| (entry.number, entry.base))
        };
        let (segment, base) = start.unwrap_or_else(|| self.log.start());
        self.go_to(segment, base);
        while self.sequence < sequence {
            if !self.advance()? {
                break;
            }
            if self.found.sequence >= sequence && self.frame().kind().is_record() {
                // Back by one frame, and not into the segment before: compaction may have replaced that meanwhile.
                (self.at, self.sequence) = (self.found.at, self.found.sequence);
                break;
            }
        }
        Ok(())
    }

    fn go_to(&mut self, segment: u64, sequence: u64) {
        self.leave();
        (self.segment, self.at, self.sequence, self.compacted_base) = (segment, 0, sequence, None);
    }

    fn leave(&mut self) {
        if let Source::Live(header) = std::mem::replace(&mut self.source, Source::Unknown) {
            self.log.unpin(header);
        }
    }

    /// Where the next frame is or will be.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.segment, self.at)
    }

    /// Sequence of the next record.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Moves to the next frame that readers may see. False: there is none now.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        loop {
            if matches!(self.source, Source::Unknown) && !self.locate()? {
                return Ok(false);
            }
            match self.step()? {
                Step::Frame => return Ok(true),
                Step::End => return Ok(false),
                Step::NextSegment => {
                    if !self.enter_next()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// As `advance`, but not beyond the segment, and false if that was released.
    pub(crate) fn advance_within(&mut self) -> Result<bool> {
        let segment = self.segment;
        if matches!(self.source, Source::Unknown) && !self.locate()? || self.segment != segment {
            return Ok(false);
        }
        Ok(matches!(self.step()?, Step::Frame))
    }

    fn step(&mut self) -> Result<Step> {
        let place = self.place();
        if place >= self.limit {
            self.limit = self.log.limit(self.log.visible);
            if place >= self.limit {
                return Ok(self.step_at_limit());
            }
        }
        match &self.source {
            Source::Live(header) => {
                let header = self.log.header(*header);
                if self.at == header.capacity() {
                    return Ok(Step::NextSegment);
                }
                // SAFETY: our pin.
                let word = unsafe { header.buffer() }.committed_word((self.at * GRANULE_BYTES) as usize);
                match Word::new(word) {
                    Word::Empty => Ok(Step::End),
                    Word::Pad { .. } => Ok(Step::NextSegment),
                    Word::Frame { bytes } => Ok(self.found(bytes)),
                }
            }
            Source::Cold(cold) => {
                let byte = (self.at * GRANULE_BYTES) as usize;
                if byte == cold.data.len() || recovery::is_pad(&cold.data, byte, cold.seed).is_some() {
                    return Ok(Step::NextSegment);
                }
                let bytes = match frame_at(&cold.data, byte, cold.seed, self.sequence.wrapping_sub(cold.base))
                {
                    Ok(frame) => frame.bytes().len(),
                    Err(why) => {
                        let position = (segment_file::HEADER_BYTES + byte) as u64;
                        return Err(corrupt(&cold.path, position, why));
                    }
                };
                Ok(self.found(bytes))
            }
            Source::Unknown => Ok(Step::End),
        }
    }

    /// At the watermark: the segment may nevertheless be over, when the watermark stands at its very end.
    fn step_at_limit(&self) -> Step {
        let Source::Live(header) = &self.source else { return Step::End };
        let header = self.log.header(*header);
        let over = header.sealed().is_some_and(|(_, end)| end == self.at) && header.next().is_some();
        if over { Step::NextSegment } else { Step::End }
    }

    fn found(&mut self, bytes: usize) -> Step {
        self.found = Found { at: self.at, bytes, sequence: self.sequence };
        let frame = self.frame();
        let (granules, is_record) = (frame.granules(), frame.kind().is_record());
        if let Some(base) = self.compacted_base {
            self.sequence = base + u64::from(frame.sequence_from_base());
            self.found.sequence = self.sequence;
        }
        self.at += granules;
        self.sequence += u64::from(is_record);
        Step::Frame
    }

    /// The frame that `advance` found.
    pub(crate) fn frame(&self) -> Frame<'_> {
        let byte = (self.found.at * GRANULE_BYTES) as usize;
        match &self.source {
            Source::Live(header) => {
                // SAFETY: our pin keeps the buffer as long as `self` is borrowed, and `advance` acquired the commit word
                // of this frame or of an earlier one of its batch.
                let bytes = unsafe { self.log.header(*header).buffer().committed(byte, self.found.bytes) };
                Frame::trusted(bytes)
            }
            Source::Cold(cold) => Frame::trusted(&cold.data[byte..byte + self.found.bytes]),
            Source::Unknown => unreachable!("frame() follows an advance() that returned true"),
        }
    }

    /// Sequence of the frame that `advance` found; of the next record, if it is not one.
    pub(crate) fn sequence(&self) -> u64 {
        self.found.sequence
    }

    /// Where the frame that `advance` found begins.
    pub(crate) fn found_place(&self) -> Place {
        Place::new(self.segment, self.found.at)
    }

    /// The frame that `advance` found, kept alive on its own.
    pub(crate) fn payload(&self) -> Payload {
        let frame = self.frame().bytes();
        match &self.source {
            Source::Live(header) => Payload::live(&self.log, *header, frame),
            Source::Cold(cold) => Payload::cold(cold, frame),
            Source::Unknown => Payload::owned(frame),
        }
    }

    fn enter_next(&mut self) -> Result<bool> {
        let next_header = match &self.source {
            Source::Live(header) => self.log.header(*header).next(),
            _ => None,
        };
        let next = self.segment + 1;
        if let Some(index) = next_header
            && self.log.header(index).pin(next)
        {
            let base = self.log.header(index).base();
            self.go_to(next, base);
            self.take(Source::Live(index));
            return Ok(true);
        }
        {
            let directory = lock(&self.log.directory);
            if directory.last().is_none_or(|last| last.number < next) {
                return Ok(false);
            }
            // What a compacted segment lacks at its end only the next one tells.
            if let Some(entry) = directory.get(next)
                && entry.base != self.sequence
                && (self.compacted_base.is_none() || entry.base < self.sequence)
            {
                let detail = format!("it begins with sequence {}, expected {}", entry.base, self.sequence);
                return Err(self.log.blame(Place::new(next, 0), detail));
            }
        }
        self.go_to(next, self.sequence);
        self.locate()
    }

    /// Reads the segment from there.
    fn take(&mut self, source: Source) {
        let (generation, base) = match &source {
            Source::Live(header) => (self.log.header(*header).generation(), self.log.header(*header).base()),
            Source::Cold(cold) => (cold.seed.generation, cold.base),
            Source::Unknown => return,
        };
        self.compacted_base = is_compacted(generation).then_some(base);
        self.source = source;
    }

    /// Finds the segment, in memory or on disk. False: it does not exist yet.
    fn locate(&mut self) -> Result<bool> {
        let log = self.log.clone();
        let mut directory = lock(&log.directory);
        let Some(first) = directory.first() else { return Ok(false) };
        if first.number > self.segment {
            // Released before we came here.
            (self.segment, self.at, self.sequence) = (first.number, 0, first.base);
        }
        let Some(entry) = directory.get_mut(self.segment) else { return Ok(false) };
        // Behind a compacted segment the sequence is only known to be no larger.
        self.sequence = self.sequence.max(entry.base);
        if let Some(header) = entry.header {
            // The directory's lock keeps it from being retired: the pin fails only with 8 million pins out, and then
            // the next call tries again.
            if self.log.header(header).pin(self.segment) {
                self.take(Source::Live(header));
                return Ok(true);
            }
            return Ok(false);
        }
        let cold = match entry.cold.upgrade() {
            Some(cold) => cold,
            None => {
                let cold =
                    Arc::new(self.log.load_cold(entry.number, entry.base, entry.bytes, entry.generation)?);
                entry.cold = Arc::downgrade(&cold);
                cold
            }
        };
        self.take(Source::Cold(cold));
        Ok(true)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Log {
    fn load_cold(&self, number: u64, base: u64, bytes: u64, generation: u32) -> Result<Cold> {
        let Some(home) = &self.home else { unreachable!("a memory log has no segment without a header") };
        let file = home.open(number)?;
        let path = home.path(number);
        let mut data = vec![0; bytes as usize];
        file.read_exact_at(&mut data, segment_file::HEADER_BYTES as u64)
            .map_err(|e| Error::io("read", &path, &e))?;
        Ok(Cold { data, base, seed: Seed { log_id: self.id, segment: number, generation }, path })
    }

    /// The frame of the record at `place`, wherever it is.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file; `NotFound` if its segment was released.
    pub(crate) fn payload_at(self: &Arc<Self>, place: Place, sequence: u64) -> Result<Payload> {
        let mut reader = Reader::at(self.clone(), place.segment(), sequence);
        reader.at = place.granule();
        let located = reader.locate()?;
        if !located || reader.segment != place.segment() {
            let name = format!("{sequence}");
            return Err(Error::NotFound { noun: "message", name, advice: "" });
        }
        // What is asked for was seen before: the watermark does not matter.
        reader.limit = Place::END;
        reader.sequence = sequence;
        match reader.step()? {
            Step::Frame => Ok(reader.payload()),
            _ => {
                let name = format!("{sequence}");
                Err(Error::NotFound { noun: "message", name, advice: "" })
            }
        }
    }

    /// The record at `place`, if it is there: a file says so, and is not believed. While nobody appends.
    ///
    /// # Errors
    /// `Io` reading the segment.
    pub(crate) fn payload_checked(self: &Arc<Self>, place: Place, sequence: u64) -> Result<Option<Payload>> {
        let mut reader = Reader::at(self.clone(), place.segment(), sequence);
        if !reader.locate()? || reader.segment != place.segment() {
            return Ok(None);
        }
        let (data, seed, base) = match &reader.source {
            Source::Live(header) => {
                let header = self.header(*header);
                let durable = self.limit(Level::Durable);
                let end = if durable.segment() == reader.segment { durable.granule() } else { 0 };
                // SAFETY: our pin; and the frames up to there are committed, for recovery has walked them.
                let data = unsafe { header.buffer().committed(0, (end * GRANULE_BYTES) as usize) };
                (data, header.seed(self.id, reader.segment), header.base())
            }
            Source::Cold(cold) => (&cold.data[..], cold.seed, cold.base),
            Source::Unknown => return Ok(None),
        };
        let byte = (place.granule() * GRANULE_BYTES) as usize;
        let found = match frame_at(data, byte, seed, sequence.wrapping_sub(base)) {
            Ok(frame) if frame.kind() == Kind::Data => frame.bytes().len(),
            _ => return Ok(None),
        };
        (reader.at, reader.sequence) = (place.granule(), sequence);
        reader.found(found);
        Ok(Some(reader.payload()))
    }

    /// The error that blames the file of `place`.
    pub(crate) fn blame(&self, place: Place, detail: impl Into<String>) -> Error {
        let Some(home) = &self.home else { return Error::Internal { detail: detail.into() } };
        let position = segment_file::HEADER_BYTES as u64 + place.granule() * GRANULE_BYTES;
        corrupt(&home.path(place.segment()), position, detail)
    }

    /// Sequence of the first record whose time is at least `time_ns`; the end if there is none.
    pub(crate) fn sequence_at_time(self: &Arc<Self>, time_ns: u64) -> Result<u64> {
        let mut reader = Reader::earliest(self.clone());
        while reader.advance()? {
            let frame = reader.frame();
            if frame.kind() == Kind::Data && frame.time_ns() >= time_ns {
                return Ok(reader.sequence());
            }
        }
        Ok(reader.next_sequence())
    }
}
