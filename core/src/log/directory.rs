//! The segments of a log, oldest first: where each begins, and whether it lives in memory.
//!
//! Read and changed under one lock, which appends take only to open a segment (`rotate.rs`) and readers only to find
//! a segment that they did not reach by the `next` hint.
//!
//! **Promise.** What the headers of the first and the last segment say is known. That of the others is read when it is first asked
//! for, without the lock (`find.rs`): so a log of any length is opened by reading two files.

use crate::log::SEGMENT_BYTES_MIN;
use crate::log::buffer::ALIGN_BYTES;
use crate::log::index::Times;
use crate::log::segment_file::SegmentFile;
use crate::log::spill::Spilled;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most segments that a log may have. With those of the usual size it is not reached: see [`MANY_SEGMENTS`].
pub(crate) const SEGMENTS_MAX: usize = 1 << 24;
/// With more segments than this the next one is of the largest size, however slowly they fill.
const MANY_SEGMENTS: usize = 1 << 12;

/// From this size on segments grow steeply, if they are filled as fast as files can be made for them.
const STEEP_BYTES_MIN: u64 = 128 << 10;

/// One segment.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// What its header says, once that was read.
    pub(crate) segment: Option<SegmentFile>,
    /// Its header in memory, while it lives there.
    pub(crate) header: Option<u32>,
    /// How far its times reach, once somebody asked.
    pub(crate) times: Option<Times>,
    /// How many records it holds, once somebody asked, if it is a compacted one.
    pub(crate) count: Option<u64>,
    /// Its place in a scratch file, if it had to leave the memory of a log that has no files.
    pub(super) spilled: Option<Spilled>,
}

impl Entry {
    /// A segment in a file whose header was not read.
    pub(crate) fn unread(number: u64) -> Self {
        Self { number, segment: None, header: None, times: None, count: None, spilled: None }
    }

    /// A segment of which this is known.
    pub(crate) fn of(segment: SegmentFile, header: Option<u32>) -> Self {
        Self {
            number: segment.number,
            segment: Some(segment),
            header,
            times: None,
            count: None,
            spilled: None,
        }
    }
}

/// What is asked for is in the header of this segment, which was not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread(pub(crate) u64);

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Directory {
    entries: VecDeque<Entry>,
    /// The number and base of the next segment, when there is no open one to ask.
    next_number: u64,
    resume_base: u64,
    /// The largest usual size of its kind of log, and what a limit has made of it.
    bytes_most: u64,
    bytes_max: u64,
    last_open: Option<(Instant, u64)>,
    /// Somebody copies the files: none may be removed or replaced.
    is_kept: bool,
}

impl Directory {
    /// A log whose first segment will be `next_number`, beginning with sequence `base`.
    pub(crate) fn new(bytes_max: u64, next_number: u64, base: u64) -> Self {
        let entries = VecDeque::new();
        let bytes_most = bytes_max;
        Self {
            entries,
            next_number,
            resume_base: base,
            bytes_most,
            bytes_max,
            last_open: None,
            is_kept: false,
        }
    }

    /// Adds the next segment.
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert_eq!(entry.number, self.next_number);
        self.next_number = entry.number + 1;
        self.entries.push_back(entry);
    }

    /// After recovery: what follows the last segment begins with this sequence.
    pub(crate) fn resume_at(&mut self, base: u64) {
        self.resume_base = base;
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Sequence of the first record of the next segment, where no live segment tells.
    pub(crate) fn resume_base(&self) -> u64 {
        self.resume_base
    }

    pub(crate) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(crate) fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(self.index(number)?)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let index = self.index(number)?;
        self.entries.get_mut(index)
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.entries.front()?.number)?).ok()
    }

    /// What the header of a segment says; `None` if it is not held.
    pub(crate) fn segment(&self, number: u64) -> Result<Option<SegmentFile>, Unread> {
        self.get(number).map(|entry| entry.segment.ok_or(Unread(number))).transpose()
    }

    /// First segment held, and the sequence of its first record.
    pub(crate) fn start(&self) -> (u64, u64) {
        let first = self.first().and_then(|first| first.segment);
        first.map_or((self.next_number, self.resume_base), |first| (first.number, first.base))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The segments in memory, latest first: as they leave it oldest first, they are the last ones.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take_while(|entry| entry.header.is_some())
    }

    /// Whether files must stay as they are, from now on.
    pub(crate) fn keep_files(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }

    /// Whether files must stay as they are.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Forgets the oldest segment; the header of the next one was read.
    pub(crate) fn pop_first(&mut self) -> Option<Entry> {
        debug_assert!(self.entries.get(1).is_none_or(|second| second.segment.is_some()));
        self.entries.pop_front()
    }

    /// Keeps what the header of a segment says, if that is still held. The sequences must not contradict those that are known.
    ///
    /// # Errors
    /// What they contradict, in words.
    pub(crate) fn learn(&mut self, segment: SegmentFile) -> Result<(), String> {
        let Some(index) = self.index(segment.number) else { return Ok(()) };
        let known = |at: usize| self.entries.get(at).and_then(|entry| entry.segment);
        let before = [Some(0), index.checked_sub(1)];
        for other in before.into_iter().flatten().filter_map(known) {
            if other.number < segment.number && segment.base < other.base {
                return Err(format!("it begins with sequence {}, before {}", segment.base, other.base));
            }
        }
        for other in [index + 1, self.entries.len() - 1].into_iter().filter_map(known) {
            if other.number > segment.number && segment.base > other.base {
                let (number, base) = (other.number, other.base);
                return Err(format!(
                    "it begins with sequence {}, segment {number} with {base}",
                    segment.base
                ));
            }
        }
        if let Some(entry) = self.entries.get_mut(index) {
            entry.segment = Some(segment);
        }
        Ok(())
    }

    /// The segment that holds `sequence`: the last that begins at or before it; the first, if all begin later.
    pub(crate) fn holding(&self, sequence: u64) -> Result<Option<SegmentFile>, Unread> {
        let Some(first) = self.first().map(|first| first.number) else { return Ok(None) };
        let (mut low, mut high) = (first, self.next_number - 1);
        while low < high {
            let middle = high - (high - low) / 2;
            match self.segment(middle)? {
                Some(segment) if segment.base > sequence => high = middle - 1,
                _ => low = middle,
            }
        }
        self.segment(low)
    }

    /// Segments that were opened before this one came tell nothing of the next one's size: it is the smallest.
    pub(crate) fn forget_pace(&mut self) {
        self.last_open = None;
    }

    /// No segment from now on is larger, unless one record needs more.
    pub(crate) fn limit_bytes(&mut self, bytes: u64) {
        self.bytes_max = self.bytes_most.min(bytes);
    }

    /// Bytes of the next segment: twice the last if that lasted less than a tenth of a second, eight times if it was not
    /// small and lasted less than a hundredth, half of it if it lasted more than ten, and at least what a large record
    /// asked for.
    pub(crate) fn next_bytes(&mut self, request: u64) -> u64 {
        let now = Instant::now();
        let usual = match self.last_open {
            _ if self.entries.len() > MANY_SEGMENTS => self.bytes_max,
            None => SEGMENT_BYTES_MIN,
            Some((opened, bytes)) => match now - opened {
                lasted if lasted < Duration::from_millis(10) && bytes >= STEEP_BYTES_MIN => bytes * 8,
                lasted if lasted < Duration::from_millis(100) => bytes * 2,
                lasted if lasted > Duration::from_secs(10) => bytes / 2,
                _ => bytes,
            },
        };
        let usual = usual.clamp(SEGMENT_BYTES_MIN, self.bytes_max);
        self.last_open = Some((now, usual));
        usual.max(request.next_multiple_of(ALIGN_BYTES as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u64, base: u64) -> SegmentFile {
        SegmentFile { log_id: 1, number, base, data_bytes: 4096, generation: 1 }
    }

    /// Segments 5, 6, ... beginning with these sequences, of which the first and the last are read.
    fn directory(bases: &[u64]) -> Directory {
        let mut directory = Directory::new(4096, 5, 0);
        for (number, base) in (5..).zip(bases) {
            let is_end = number == 5 || number == 4 + bases.len() as u64;
            directory.push(if is_end {
                Entry::of(segment(number, *base), None)
            } else {
                Entry::unread(number)
            });
        }
        directory
    }

    #[test]
    fn a_record_is_found_by_reading_as_many_headers_as_a_bisection_takes() {
        let bases: Vec<u64> = (0..1000).map(|i| 10 * i).collect();
        for sequence in [0, 9, 10, 4999, 5000, 9985, 9990, 20_000] {
            let (mut directory, mut read) = (directory(&bases), 0);
            let found = loop {
                match directory.holding(sequence) {
                    Ok(found) => break found.unwrap(),
                    Err(Unread(number)) => {
                        read += 1;
                        directory.learn(segment(number, bases[number as usize - 5])).unwrap();
                    }
                }
            };
            assert_eq!(found.number - 5, (sequence / 10).min(999));
            assert!(read <= 10, "{read} headers");
        }
    }

    #[test]
    fn a_segment_that_begins_before_an_earlier_one_or_after_a_later_one_is_refused_when_it_is_read() {
        let mut directory = directory(&[10, 20, 30, 40]);
        assert!(directory.learn(segment(6, 9)).unwrap_err().contains("sequence 9, before 10"));
        assert!(directory.learn(segment(6, 41)).unwrap_err().contains("sequence 41, segment 8 with 40"));
        directory.learn(segment(6, 20)).unwrap();
        assert!(directory.learn(segment(7, 19)).is_err());
        directory.learn(segment(7, 20)).unwrap();
        directory.learn(segment(4, 0)).unwrap();
    }
}
