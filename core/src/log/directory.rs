//! The segments of a log, oldest first: where each begins, and whether it lives in memory.
//!
//! Read and changed under one lock, which appends take only to open a segment (`rotate.rs`) and readers only to find
//! a segment that they did not reach by the `next` hint.

use crate::log::SEGMENT_BYTES_MIN;
use crate::log::buffer::ALIGN_BYTES;
use crate::log::reader::Cold;
use std::collections::VecDeque;
use std::sync::Weak;
use std::time::{Duration, Instant};

/// One segment.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// Sequence of its first record.
    pub(crate) base: u64,
    pub(crate) bytes: u64,
    pub(crate) generation: u32,
    /// Its header, while it lives in memory.
    pub(crate) header: Option<u32>,
    /// Its bytes as read from the file, while some reader has them.
    pub(crate) cold: Weak<Cold>,
}

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
}

impl Directory {
    /// A log whose first segment will be `next_number`, beginning with sequence `base`.
    pub(crate) fn new(bytes_max: u64, next_number: u64, base: u64) -> Self {
        let entries = VecDeque::new();
        Self { entries, next_number, resume_base: base, bytes_most: bytes_max, bytes_max, last_open: None }
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
        let first = self.entries.front()?.number;
        self.entries.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.number;
        self.entries.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn pop_first(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// The segment that holds `sequence`: the last that begins at or before it.
    pub(crate) fn holding(&self, sequence: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|entry| entry.base <= sequence);
        self.entries.get(after.checked_sub(1)?)
    }

    /// Segments that were opened before this one came tell nothing of the next one's size: it is the smallest.
    pub(crate) fn forget_pace(&mut self) {
        self.last_open = None;
    }

    /// No segment from now on is larger, unless one record needs more.
    pub(crate) fn limit_bytes(&mut self, bytes: u64) {
        self.bytes_max = self.bytes_most.min(bytes);
    }

    /// Bytes of the next segment: twice the last if that lasted less than a tenth of a second, half of it if it
    /// lasted more than ten, and at least what a large record asked for.
    pub(crate) fn next_bytes(&mut self, request: u64) -> u64 {
        let now = Instant::now();
        let usual = match self.last_open {
            None => SEGMENT_BYTES_MIN,
            Some((opened, bytes)) => match now - opened {
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
