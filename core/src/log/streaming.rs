//! From live segments to their files as fast as the disk goes, in whole blocks, without a copy: for a log that takes in
//! more than a journal should hold.
//!
//! **Promise.** While a log is streaming the journal takes nothing of it, so that what is durable has no gap. When the
//! streaming ends, what is left is the journal's again.
//!
//! **Protocol**, `P11 stream`: `streaming` is raised and lowered under the writer's lock, under which the journal's
//! leader collects: a leader either collected before, and what it has is a piece of what is streamed, or finds it raised.
//! `homed` and `durable` are moved as the disk reports (P7).

use crate::error::Result;
use crate::log::Log;
use crate::log::buffer::BLOCK_GRANULES;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::frame::{Frame, Word, granules};
use crate::log::index::{Walk, Walked};
use crate::log::segment::Header;
use crate::log::segment_file::HEADER_BYTES;
use crate::storage::Feed;
use crate::sync::{Ordering, lock};
use std::collections::VecDeque;

/// Less than so much is left to the journal, and less than what is worth streaming.
const PIECE_BYTES_MIN: u64 = 64 << 10;
/// Live segments that are not wholly in their files may have so many bytes before appends wait.
const UNHOMED_BYTES_MAX: u64 = 128 << 20;

/// Who is told that something became durable.
pub(crate) trait Progress {
    /// Something of the log did.
    fn moved(&self);
}

impl Log {
    /// Whether what is committed up to `place` is worth streaming: about `bytes_min` at least. True once: until the
    /// streaming that follows has ended.
    pub(crate) fn begins_streaming(&self, place: Place, bytes_min: u64) -> bool {
        // ORDERING: Relaxed: whoever takes it puts the log on the list of the thread that streams, by a lock.
        place.0 >= self.stream_at.load(Ordering::Relaxed)
            && self.unhomed_bytes.load(Ordering::Relaxed) >= bytes_min
            && self.stream_at.swap(Place::END.0, Ordering::Relaxed) != Place::END.0
    }

    /// Leaves what is not yet durable to the thread that streams, from now on until it has.
    pub(crate) fn start_streaming(&self) {
        lock(&self.writer).streaming = true;
    }

    /// Whether it is being streamed.
    pub(crate) fn is_streaming(&self) -> bool {
        lock(&self.writer).streaming
    }

    /// Whether so much is not in its own files that appends are to wait.
    pub(crate) fn is_backlogged(&self) -> bool {
        // ORDERING: Relaxed: a bound that need not be exact.
        self.unhomed_bytes.load(Ordering::Relaxed) > UNHOMED_BYTES_MAX
    }

    /// Streams what is committed, segment by segment, until there is little left; what is left is the leader's again.
    ///
    /// # Errors
    /// The first failure; the caller poisons the log.
    pub(crate) fn stream_home(&self, bytes_min: u64, progress: &dyn Progress) -> Result<()> {
        self.start_streaming();
        let mut streamed = Ok(true);
        while let Ok(true) = streamed {
            streamed = self.stream_segment(bytes_min, progress);
        }
        let end = {
            let mut writer = lock(&self.writer);
            writer.streaming = false;
            // What a leader collected and did not publish is collected again.
            writer.place = self.homed().max(writer.journalled);
            writer.place
        };
        // ORDERING: Relaxed: as in `begins_streaming`; who does not see it yet appends a little more.
        // In the same segment, or behind its end and before the next one.
        self.stream_at.store(end.0 + bytes_min / GRANULE_BYTES, Ordering::Relaxed);
        streamed.map(|_| ())
    }

    /// Streams one segment as far as it is committed. False: there is too little.
    fn stream_segment(&self, bytes_min: u64, progress: &dyn Progress) -> Result<bool> {
        let Some(home) = &self.home else { return Ok(false) };
        let mut homing = self.wait_to_home();
        self.poisoned()?;
        let homed = self.homed();
        let mut from = homed;
        let mut found = self.live_segment(from.segment());
        if found.is_some_and(|(segment, _)| from.granule() == segment.data_bytes / GRANULE_BYTES) {
            from = Place::new(from.segment() + 1, 0);
            found = self.live_segment(from.segment());
        }
        let Some((segment, index)) = found else { return Ok(false) };
        let mut unwalked = Walked::default();
        let walk = homing.guard.as_deref_mut().unwrap_or(&mut unwalked).of(segment.number);
        let mut pieces = Pieces::new(self, self.header(index), from, bytes_min, walk, progress);
        if !pieces.has_one() {
            return Ok(false);
        }
        home.create(&segment)?;
        home.stream(segment.number, &mut pieces)?;
        let is_over = pieces.is_over();
        if pieces.has_walked_all() {
            self.write_index(&segment, walk);
        } else {
            self.write_indexes(homed..self.homed());
        }
        drop(homing);
        self.evict();
        Ok(is_over)
    }
}

/// A live segment, in pieces of whole blocks that are committed.
struct Pieces<'a> {
    log: &'a Log,
    header: &'a Header,
    number: u64,
    /// Walked to here, a boundary of frames.
    walked: u64,
    /// The last boundary of frames at or before the block in which `walked` lies.
    covered: u64,
    /// Where the last frame or the pad of a segment ends that is over.
    end: Option<u64>,
    /// Handed out to here, a boundary of blocks.
    taken: u64,
    /// Where pieces that are not durable yet end in the file, with the boundary of frames that each covers.
    pending: VecDeque<(u64, u64)>,
    /// Of a piece, but the last of a segment.
    granules_min: u64,
    /// What the index will be made of.
    walk: &'a mut Walk,
    progress: &'a dyn Progress,
}

impl<'a> Pieces<'a> {
    fn new(
        log: &'a Log,
        header: &'a Header,
        from: Place,
        bytes_min: u64,
        walk: &'a mut Walk,
        progress: &'a dyn Progress,
    ) -> Self {
        let granule = from.granule();
        Self {
            log,
            header,
            number: from.segment(),
            walked: granule,
            covered: granule,
            end: None,
            // What the block holds is written once more, as it was.
            taken: granule - granule % BLOCK_GRANULES,
            pending: VecDeque::new(),
            granules_min: PIECE_BYTES_MIN.min(bytes_min) / GRANULE_BYTES,
            walk,
            progress,
        }
    }

    /// Walks committed frames until they make a piece of so many granules, or there is none.
    fn walk(&mut self, granules_min: u64) {
        // SAFETY: at or above the home mark, whose moving is up to us: neither evicted nor released.
        let buffer = unsafe { self.header.buffer() };
        while self.end.is_none() && self.walked < self.taken + granules_min {
            let before = self.walked;
            match Word::new(buffer.committed_word((before * GRANULE_BYTES) as usize)) {
                Word::Empty => return,
                Word::Pad { .. } => self.end = Some(before + 1),
                Word::Frame { bytes } => {
                    if before == u64::from(self.walk.at.granule) {
                        // SAFETY: as above, and its commit word was acquired.
                        let frame = unsafe { buffer.committed((before * GRANULE_BYTES) as usize, bytes) };
                        self.walk.enter(&Frame::trusted(frame));
                    }
                    self.walked += granules(bytes);
                    let block = self.walked - self.walked % BLOCK_GRANULES;
                    if block == self.walked {
                        self.covered = block;
                    } else if block >= before {
                        self.covered = before;
                    }
                    if self.walked == self.header.capacity() {
                        self.end = Some(self.walked);
                    }
                }
            }
        }
    }

    /// Where the next piece would end, and the boundary of frames that it covers.
    fn next_end(&self) -> Option<(u64, u64)> {
        if let Some(end) = self.end {
            // Behind a pad there are zeros, for ever.
            let capacity = self.header.capacity();
            let end = end.next_multiple_of(BLOCK_GRANULES).min(capacity);
            return (end > self.taken).then_some((end, capacity));
        }
        let end = self.walked - self.walked % BLOCK_GRANULES;
        let granules = end.saturating_sub(self.taken);
        (granules != 0 && granules >= self.granules_min).then_some((end, self.covered))
    }

    /// Whether there is a piece now.
    fn has_one(&mut self) -> bool {
        self.walk(self.granules_min + BLOCK_GRANULES);
        self.next_end().is_some()
    }

    /// Whether the index can be made of the walk: not if something came home by another way.
    fn has_walked_all(&self) -> bool {
        self.end.is_some() && self.walked == u64::from(self.walk.at.granule)
    }

    /// Whether the segment is wholly in its file.
    fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

impl<'a> Feed<'a> for Pieces<'a> {
    fn next(&mut self, bytes: usize) -> Option<(&'a [u8], u64)> {
        self.walk(bytes as u64 / GRANULE_BYTES);
        let (end, covered) = self.next_end()?;
        let from = std::mem::replace(&mut self.taken, end) * GRANULE_BYTES;
        let len = end * GRANULE_BYTES - from;
        self.pending.push_back((HEADER_BYTES as u64 + from + len, covered));
        // SAFETY: committed frames, each length word acquired by `walk`, or zeros behind the pad, which nobody writes;
        // not freed before it is home.
        let piece = unsafe { self.header.buffer().committed(from as usize, len as usize) };
        Some((piece, HEADER_BYTES as u64 + from))
    }

    fn durable(&mut self, position: u64) {
        let mut reached = None;
        while let Some((_, covered)) = self.pending.front().copied().filter(|(end, _)| *end <= position) {
            self.pending.pop_front();
            reached = Some(covered);
        }
        if let Some(covered) = reached {
            self.log.home_reached(Place::new(self.number, covered));
            self.progress.moved();
        }
    }
}
