//! Finding letters: the log is read without the state's lock; whether they still wait is asked under it.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::log::{INDEXED, Kind, Payload, Place, Reader};
use crate::queue::dead_letters::{Letters, STEP_COUNT};
use crate::queue::peek::Peeked;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::lock;
use std::vec::IntoIter;

/// A letter of those that are meant; perhaps it no longer waits.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) place: Place,
    pub(super) payload: Payload,
}

impl Found {
    /// Attempts and failures, if it waits in this queue.
    pub(super) fn counts_if_waiting(&self, queue: &Shared, state: &State) -> Option<(u32, u32)> {
        let is_indexed = self.payload.frame().has(INDEXED);
        state.counts_if_waiting(self.id, queue.cursor.next_sequence(), is_indexed)
    }
}

/// What is left to be looked at.
pub(super) struct Scan<'a> {
    queue: &'a Shared,
    letters: &'a Letters,
    /// One past the last that was there in the beginning.
    end: u64,
    left: Left,
}

enum Left {
    Log(Box<Reader>),
    Ids(IntoIter<u64>),
}

impl<'a> Scan<'a> {
    pub(super) fn new(queue: &'a Shared, letters: &'a Letters) -> Result<Self> {
        queue.check_open()?;
        let end = queue.log.end_sequence();
        let left = match &letters.ids {
            Some(ids) => Left::Ids(ids.clone().into_iter()),
            None => {
                let mut reader = Reader::earliest(queue.log.clone());
                if letters.from_id > reader.next_sequence() {
                    reader.seek(letters.from_id.min(end))?;
                }
                Left::Log(Box::new(reader))
            }
        };
        Ok(Self { queue, letters, end, left })
    }

    /// From the beginning, to the same end.
    pub(super) fn again(&self) -> Result<Self> {
        Ok(Self { end: self.end, ..Self::new(self.queue, self.letters)? })
    }

    /// The next letter; None after the last.
    pub(super) fn next(&mut self) -> Result<Option<Found>> {
        let is_meant = |reader: &Reader| {
            reader.kind() == Kind::Data
                && reader.sequence() >= self.letters.from_id
                && self.letters.has(&reader.frame())
        };
        let found = |reader: &Reader| {
            Some(Found { id: reader.sequence(), place: reader.found_place(), payload: reader.payload() })
        };
        match &mut self.left {
            Left::Log(reader) => {
                while reader.next_sequence() < self.end && reader.advance()? {
                    if is_meant(reader) {
                        return Ok(found(reader));
                    }
                }
            }
            Left::Ids(ids) => {
                for id in ids.take_while(|id| *id < self.end) {
                    if let Some(reader) = self.queue.reader_at(id)?.filter(is_meant) {
                        return Ok(found(&reader));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The next few; empty after the last.
    pub(super) fn next_step(&mut self) -> Result<Vec<Found>> {
        let mut step = Vec::new();
        while step.len() < STEP_COUNT
            && let Some(found) = self.next()?
        {
            step.push(found);
        }
        Ok(step)
    }
}

impl Shared {
    pub(crate) fn peek_letters(&self, letters: &Letters, count_max: usize) -> Result<Vec<Peeked>> {
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        let mut scan = Scan::new(self, letters)?;
        let mut peeked = Vec::new();
        while peeked.len() < count_max
            && let Some(found) = scan.next()?
        {
            if let Some((attempts, failures)) = found.counts_if_waiting(self, &lock(&self.state)) {
                peeked.push(Peeked::new(found.payload, found.id, attempts, failures));
            }
        }
        Ok(peeked)
    }
}
