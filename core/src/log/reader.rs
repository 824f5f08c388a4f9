//! Walking the log, one frame after the other.
//!
//! **Promise.** Frames come in order of claim, each once. The reader takes a segment by one pin, not per frame, and
//! never stops a producer: it pins at most the segment that it is in. Once a segment has left memory, its file is
//! read instead, in chunks, every frame checked (`cold.rs`). In a compacted segment sequences grow with gaps; nothing but its
//! records tells them.
//!
//! **Failure.** Damage in a file is an error with its position, again at each call: nothing is skipped. A segment
//! that was released before the reader came to it is skipped.

use crate::error::{Error, Result};
use crate::log::buffer::Buffer;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::cold::{Chunk, Chunks, Cold};
use crate::log::frame::{Frame, Kind, Word, corrupt};
use crate::log::index::Landing;
use crate::log::payload::Payload;
use crate::log::pin::Pin;
use crate::log::recovery::frame_at;
use crate::log::segment_file::{self, SegmentFile, is_compacted};
use crate::log::{Level, Log};
use std::sync::Arc;

/// Where the frames of the reader's segment are.
#[derive(Debug)]
enum Source {
    /// Not looked up yet. What was read of the segment before may be read over.
    Unknown(Option<Chunks>),
    Live(Arc<Pin>),
    Cold(Cold),
}

impl Default for Source {
    fn default() -> Self {
        Self::Unknown(None)
    }
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
    /// The first sequence of the segment, if the sequences of records are to be taken from their frames.
    told_base: Option<u64>,
    /// They always are: it is sent to places without being told.
    is_sent: bool,
    /// It was sent somewhere, and has not seen a frame there yet.
    is_lost: bool,
    /// Readable up to here when last looked.
    limit: Place,
    /// The frame that `advance` found.
    found: Found,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    at: u64,
    bytes: usize,
    kind: Kind,
    sequence: u64,
}

impl Found {
    const NOTHING: Self = Self { at: 0, bytes: 0, kind: Kind::Abort, sequence: 0 };
}

enum Step {
    Frame,
    End,
    NextSegment,
}

/// A frame that [`Reader::walk`] shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) kind: Kind,
    /// Of the frame; of the next record, if it is not one.
    pub(crate) sequence: u64,
    pub(crate) place: Place,
    keep: Keep<'a>,
}

/// Where the frames of a walk lie.
enum Lying<'a> {
    Live(&'a Arc<Pin>, &'a Buffer),
    Cold(&'a mut Cold),
}

/// What keeps the bytes of a frame that is shown.
#[derive(Debug, Clone, Copy)]
enum Keep<'a> {
    Live(&'a Arc<Pin>),
    Cold(&'a Arc<Chunk>),
}

impl Shown<'_> {
    /// The frame, kept alive on its own: by the pin or the chunk that all frames of the walk share.
    pub(crate) fn payload(&self) -> Payload {
        let keep: Arc<dyn Send + Sync> = match self.keep {
            Keep::Live(pin) => pin.clone(),
            Keep::Cold(chunk) => chunk.clone(),
        };
        Payload::new(keep, self.frame.bytes())
    }
}

/// How a walk goes on after a frame was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// To the next one.
    On,
    /// That was the last one.
    Enough,
    /// It ends before that one.
    Back,
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
            source: Source::default(),
            segment,
            at: 0,
            sequence,
            told_base: None,
            is_sent: false,
            is_lost: false,
            limit: Place::default(),
            found: Found::NOTHING,
        }
    }

    /// A reader that is sent from place to place by [`go_to_place`](Self::go_to_place).
    pub(crate) fn sent(log: Arc<Log>) -> Self {
        Self { is_sent: true, ..Self::earliest(log) }
    }

    /// Wakes all who wait for something to read, or for what is told of it.
    pub(crate) fn tell(&self) {
        self.log.data().notify_all();
    }

    /// From now on it sees everything that is committed: what it is sent to was seen before.
    pub(crate) fn see_all(&mut self) {
        self.limit = Place::END;
    }

    /// Goes to where a frame begins, or will. Where its segment was released, to the first frame held.
    #[inline]
    pub(crate) fn go_to_place(&mut self, place: Place) {
        debug_assert!(self.is_sent);
        if place == self.place() {
            return;
        }
        if place.segment() != self.segment {
            self.go_to(place.segment(), 0);
        }
        // The next frame tells which sequence it has; until then none is claimed.
        (self.at, self.sequence, self.is_lost) = (place.granule(), 0, true);
    }

    /// Goes to the record with this sequence, or the first held after it; a sequence beyond the end is waited for.
    pub(crate) fn seek(&mut self, sequence: u64) -> Result<()> {
        match self.log.look(|directory| directory.holding(sequence))? {
            Some(segment) => {
                let from_base = sequence.saturating_sub(segment.base);
                self.land(segment, |landing| u64::from(landing.sequence) <= from_base)?;
            }
            None => {
                let (segment, base) = self.log.start();
                self.go_to(segment, base);
            }
        }
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

    /// Goes to the last landing of the segment before which `is_before` holds, if its file has an index, and to its beginning
    /// otherwise.
    pub(super) fn land(&mut self, segment: SegmentFile, is_before: impl Fn(&Landing) -> bool) -> Result<()> {
        self.go_to(segment.number, segment.base);
        if !self.locate()? || self.segment != segment.number {
            return Ok(());
        }
        let Source::Cold(cold) = &mut self.source else { return Ok(()) };
        if let Some(landing) = cold.index().and_then(|index| index.landing(is_before)) {
            let (at, records) = (u64::from(landing.granule), u64::from(landing.sequence));
            // No frame there: then it is the index that is wrong, or the walk will tell what is.
            if cold.frame(at * GRANULE_BYTES, Some(records)).is_ok_and(|frame| frame.is_some()) {
                (self.at, self.sequence) = (at, segment.base + records);
            }
        }
        Ok(())
    }

    fn go_to(&mut self, segment: u64, sequence: u64) {
        self.leave();
        (self.segment, self.at, self.sequence, self.told_base) = (segment, 0, sequence, None);
        self.is_lost = false;
    }

    /// Lets go of a segment before that one.
    pub(crate) fn leave_before(&mut self, segment: u64) {
        if self.segment < segment {
            self.go_to(segment, 0);
        }
    }

    fn leave(&mut self) {
        self.source = match std::mem::take(&mut self.source) {
            Source::Live(_) => Source::default(),
            Source::Cold(cold) => Source::Unknown(Some(cold.into_chunks())),
            unknown => unknown,
        };
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
    #[inline]
    pub(crate) fn advance(&mut self) -> Result<bool> {
        loop {
            if matches!(self.source, Source::Unknown(_)) && !self.locate()? {
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
        if matches!(self.source, Source::Unknown(_)) && !self.locate()? || self.segment != segment {
            return Ok(false);
        }
        Ok(matches!(self.step()?, Step::Frame))
    }

    /// Moves over frames that readers may see, as long as one thing keeps them, which [`keep`](Self::keep) tells, and as
    /// `each` says. Then the last one that was passed is the one that is [found](Self::frame). False: there is none now.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file, before any frame was shown.
    #[inline]
    pub(crate) fn walk(&mut self, mut each: impl FnMut(Shown<'_>) -> Then) -> Result<bool> {
        if !self.advance()? {
            return Ok(false);
        }
        let (segment, told_base, first) = (self.segment, self.told_base, self.found);
        let mut end = if self.limit.segment() == segment { self.limit.granule() } else { u64::MAX };
        let mut lying = match &mut self.source {
            Source::Live(pin) => {
                let header = pin.header();
                end = end.min(header.capacity());
                // SAFETY: our pin.
                Lying::Live(pin, unsafe { header.buffer() })
            }
            Source::Cold(cold) => Lying::Cold(cold),
            Source::Unknown(_) => return Ok(false),
        };
        // From the first one on, so that `each` is called at one place only, and becomes part of the loop.
        let (mut at, mut next, mut found) = (first.at, first.sequence, first);
        while at < end {
            let byte = at * GRANULE_BYTES;
            let (frame, keep) = match &mut lying {
                Lying::Live(pin, buffer) => {
                    let Word::Frame { bytes } = Word::new(buffer.committed_word(byte as usize)) else {
                        break;
                    };
                    // SAFETY: our pin, and its commit word or that of an earlier frame of its batch was acquired.
                    (Frame::trusted(unsafe { buffer.committed(byte as usize, bytes) }), Keep::Live(pin))
                }
                Lying::Cold(cold) => {
                    let bytes = if at == first.at {
                        first.bytes
                    } else {
                        let held = cold.frame_held(byte, next.wrapping_sub(cold.segment.base));
                        let Ok(Some(frame)) = held else { break };
                        frame.bytes().len()
                    };
                    (Frame::trusted(cold.bytes(byte, bytes)), Keep::Cold(cold.chunk()))
                }
            };
            let kind = frame.kind();
            let sequence = told_base.map_or(next, |base| base + u64::from(frame.sequence_from_base()));
            let then = each(Shown { frame, kind, sequence, place: Place::new(segment, at), keep });
            if then == Then::Back {
                break;
            }
            found = Found { at, bytes: frame.bytes().len(), kind, sequence };
            at += frame.granules();
            next = sequence + u64::from(kind.is_record());
            if then == Then::Enough {
                break;
            }
        }
        (self.at, self.sequence, self.found) = (at, next, found);
        Ok(true)
    }

    fn step(&mut self) -> Result<Step> {
        let place = self.place();
        if place >= self.limit {
            self.limit = self.log.limit(self.log.visible);
            if place >= self.limit {
                return Ok(self.step_at_limit());
            }
        }
        let byte = self.at * GRANULE_BYTES;
        let frame = match &mut self.source {
            Source::Live(pin) => {
                let header = pin.header();
                if self.at == header.capacity() {
                    return Ok(Step::NextSegment);
                }
                // SAFETY: our pin.
                let buffer = unsafe { header.buffer() };
                let bytes = match Word::new(buffer.committed_word(byte as usize)) {
                    Word::Empty => return Ok(Step::End),
                    Word::Pad { .. } => return Ok(Step::NextSegment),
                    Word::Frame { bytes } => bytes,
                };
                // SAFETY: our pin, and its commit word or that of an earlier frame of its batch was acquired.
                Frame::trusted(unsafe { buffer.committed(byte as usize, bytes) })
            }
            Source::Cold(cold) => {
                let records = (!self.is_lost).then(|| self.sequence.wrapping_sub(cold.segment.base));
                match cold.frame(byte, records)? {
                    Some(frame) => frame,
                    None => return Ok(Step::NextSegment),
                }
            }
            Source::Unknown(_) => return Ok(Step::End),
        };
        let kind = frame.kind();
        if let Some(base) = self.told_base {
            self.is_lost = false;
            self.sequence = base + u64::from(frame.sequence_from_base());
        }
        self.found = Found { at: self.at, bytes: frame.bytes().len(), kind, sequence: self.sequence };
        self.at += frame.granules();
        self.sequence += u64::from(kind.is_record());
        Ok(Step::Frame)
    }

    /// At the watermark: the segment may nevertheless be over, when the watermark stands at its very end.
    fn step_at_limit(&self) -> Step {
        let Source::Live(pin) = &self.source else { return Step::End };
        let header = pin.header();
        let over = header.sealed().is_some_and(|(_, end)| end == self.at) && header.next().is_some();
        if over { Step::NextSegment } else { Step::End }
    }

    /// What the frame is that `advance` found.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.found.kind
    }

    /// The frame that `advance` found.
    pub(crate) fn frame(&self) -> Frame<'_> {
        let byte = self.found.at * GRANULE_BYTES;
        match &self.source {
            Source::Live(pin) => {
                // SAFETY: our pin keeps the buffer as long as `self` is borrowed, and `advance` acquired the commit word
                // of this frame or of an earlier one of its batch.
                let bytes = unsafe { pin.header().buffer().committed(byte as usize, self.found.bytes) };
                Frame::trusted(bytes)
            }
            Source::Cold(cold) => Frame::trusted(cold.bytes(byte, self.found.bytes)),
            Source::Unknown(_) => unreachable!("frame() follows an advance() that returned true"),
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

    /// Of the segment that the frame lies in that `advance` found.
    pub(crate) fn generation(&self) -> u32 {
        match &self.source {
            Source::Live(pin) => pin.header().generation(),
            Source::Cold(cold) => cold.segment.generation,
            Source::Unknown(_) => 0,
        }
    }

    /// The frame that `advance` found, kept alive on its own.
    pub(crate) fn payload(&self) -> Payload {
        Payload::new(self.keep(), self.frame().bytes())
    }

    /// What keeps the bytes of the frame that `advance` found.
    pub(crate) fn keep(&self) -> Arc<dyn Send + Sync> {
        match &self.source {
            Source::Live(pin) => pin.clone(),
            Source::Cold(cold) => cold.chunk().clone(),
            Source::Unknown(_) => unreachable!("as in frame()"),
        }
    }

    fn enter_next(&mut self) -> Result<bool> {
        let next_header = match &self.source {
            Source::Live(pin) => pin.header().next(),
            _ => None,
        };
        let next = self.segment + 1;
        if let Some(index) = next_header
            && let Some(pin) = Pin::new(&self.log, index, next)
        {
            let base = pin.header().base();
            self.go_to(next, base);
            self.take(Source::Live(pin));
            return Ok(true);
        }
        let entry = self.log.look(|directory| {
            let is_there = directory.last().is_some_and(|last| last.number >= next);
            Ok(if is_there { Some(directory.segment(next)?) } else { None })
        })?;
        let Some(entry) = entry else { return Ok(false) };
        if let Some(entry) = entry
            && entry.base != self.sequence
            // What a compacted segment lacks at its end only the next one tells.
            && (self.told_base.is_none() || entry.base < self.sequence)
        {
            let detail = format!("it begins with sequence {}, expected {}", entry.base, self.sequence);
            return Err(self.log.blame(Place::new(next, 0), detail));
        }
        self.go_to(next, self.sequence);
        self.locate()
    }

    /// Reads the segment from there.
    fn take(&mut self, source: Source) {
        let (generation, base) = match &source {
            Source::Live(pin) => (pin.header().generation(), pin.header().base()),
            Source::Cold(cold) => (cold.segment.generation, cold.segment.base),
            Source::Unknown(_) => return,
        };
        self.told_base = (self.is_sent || is_compacted(generation)).then_some(base);
        self.source = source;
    }

    /// Finds the segment, in memory or on disk. False: it does not exist yet.
    fn locate(&mut self) -> Result<bool> {
        loop {
            let (log, wanted) = (&self.log, self.segment);
            let found = log.look(|directory| {
                // Or where the log begins, if it was released before we came here.
                let number = wanted.max(directory.start().0);
                let Some(segment) = directory.segment(number)? else { return Ok(None) };
                let header = directory.get(number).and_then(|entry| entry.header);
                // The directory's lock keeps it from being retired: the pin fails only with 8 million pins out, and then
                // the next call tries again.
                Ok(Some((segment, header.map(|header| Pin::new(log, header, number)))))
            })?;
            let Some((segment, pinned)) = found else { return Ok(false) };
            if segment.number > wanted {
                (self.segment, self.at, self.sequence) = (segment.number, 0, segment.base);
            }
            // Behind a compacted segment the sequence is only known to be no larger.
            self.sequence = self.sequence.max(segment.base);
            if let Some(pinned) = pinned {
                let Some(pin) = pinned else { return Ok(false) };
                self.take(Source::Live(pin));
                return Ok(true);
            }
            let Source::Unknown(chunks) = std::mem::take(&mut self.source) else { return Ok(true) };
            if let Some(cold) = self.log.open_cold(segment, chunks.unwrap_or_default())? {
                self.take(Source::Cold(cold));
                return Ok(true);
            }
        }
    }

    /// What is at this place, if it has this sequence: a file says so, and is not believed. While nobody appends.
    ///
    /// # Errors
    /// `Io` reading the segment.
    pub(crate) fn kind_at(&mut self, place: Place, sequence: u64) -> Result<Option<Kind>> {
        if place.segment() != self.segment || matches!(self.source, Source::Unknown(_)) {
            self.go_to(place.segment(), sequence);
            if !self.locate()? || place.segment() != self.segment {
                return Ok(None);
            }
        }
        let byte = place.granule() * GRANULE_BYTES;
        match &mut self.source {
            Source::Live(pin) => {
                let header = pin.header();
                let durable = self.log.limit(Level::Durable);
                let end = if durable.segment() == self.segment { durable.granule() } else { 0 };
                // SAFETY: our pin; and the frames up to there are committed, for recovery has walked them.
                let data = unsafe { header.buffer().committed(0, (end * GRANULE_BYTES) as usize) };
                let (rest, seed) =
                    (data.get(byte as usize..).unwrap_or(&[]), header.seed(self.log.id, self.segment));
                let frame = frame_at(rest, byte, seed, sequence.wrapping_sub(header.base()));
                Ok(frame.ok().map(|frame| frame.kind()))
            }
            Source::Cold(cold) => match cold.frame(byte, Some(sequence.wrapping_sub(cold.segment.base))) {
                Ok(frame) => Ok(frame.map(|frame| frame.kind())),
                Err(Error::Corrupt { .. }) => Ok(None),
                Err(error) => Err(error),
            },
            Source::Unknown(_) => Ok(None),
        }
    }
}

impl Log {
    /// The frame at `place`, wherever it is; if it is that of a record, of the one with that sequence.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file; `NotFound` if its segment was released.
    pub(crate) fn payload_at(self: &Arc<Self>, place: Place, sequence: u64) -> Result<Payload> {
        let mut reader = Reader { is_sent: true, ..Reader::at(self.clone(), place.segment(), sequence) };
        (reader.at, reader.is_lost) = (place.granule(), true);
        let located = reader.locate()?;
        if !located || reader.segment != place.segment() {
            let name = format!("{sequence}");
            return Err(Error::NotFound { noun: "message", name, advice: "" });
        }
        // What is asked for was seen before: the watermark does not matter.
        reader.limit = Place::END;
        match reader.step()? {
            Step::Frame if reader.kind().is_record() && reader.sequence() != sequence => {
                let detail = format!("record {} is here, expected {sequence}", reader.sequence());
                Err(self.blame(place, detail))
            }
            Step::Frame => Ok(reader.payload()),
            _ => {
                let name = format!("{sequence}");
                Err(Error::NotFound { noun: "message", name, advice: "" })
            }
        }
    }

    /// The record with this sequence, which began at `place` as long as its segment had this generation. `None` if it is no longer held.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn record_at(
        self: &Arc<Self>,
        place: Place,
        generation: u32,
        sequence: u64,
    ) -> Result<Option<Payload>> {
        if sequence < self.first_readable() {
            return Ok(None);
        }
        let mut reader = Reader { is_sent: true, ..Reader::at(self.clone(), place.segment(), sequence) };
        let is_same =
            reader.locate()? && reader.segment == place.segment() && reader.generation() == generation;
        if is_same {
            // What is asked for was seen before: the watermark does not matter.
            (reader.at, reader.is_lost, reader.limit) = (place.granule(), true, Place::END);
            return Ok(matches!(reader.step()?, Step::Frame).then(|| reader.payload()));
        }
        let mut reader = Reader::earliest(self.clone());
        reader.seek(sequence)?;
        while reader.advance()? {
            if reader.kind().is_record() {
                return Ok((reader.sequence() == sequence).then(|| reader.payload()));
            }
        }
        Ok(None)
    }

    /// The error that blames the file of `place`.
    pub(crate) fn blame(&self, place: Place, detail: impl Into<String>) -> Error {
        let Some(home) = &self.home else { return Error::Internal { detail: detail.into() } };
        let position = segment_file::HEADER_BYTES as u64 + place.granule() * GRANULE_BYTES;
        corrupt(&home.path(place.segment()), position, detail)
    }
}
