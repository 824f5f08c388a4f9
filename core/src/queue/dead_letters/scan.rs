//! Finding letters: the log is read without the state's lock; whether they still wait is asked under it.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::queue::dead_letters::{Letters, STEP_COUNT};
use crate::queue::peek::Peeked;
use crate::queue::shared::Shared;
use crate::queue::walk::{Found, Walk};
use crate::sync::lock;
use std::vec::IntoIter;

/// What is left to be looked at.
pub(super) struct Scan<'a> {
    queue: &'a Shared,
    letters: &'a Letters,
    /// One past the last that was there in the beginning.
    end: u64,
    left: Left<'a>,
}

enum Left<'a> {
    Log(Box<Walk<'a>>),
    Ids(IntoIter<u64>),
}

impl<'a> Scan<'a> {
    pub(super) fn new(queue: &'a Shared, letters: &'a Letters) -> Result<Self> {
        queue.check_open()?;
        let end = queue.log.end_sequence();
        let left = match &letters.ids {
            Some(ids) => Left::Ids(ids.clone().into_iter()),
            None => Left::Log(Box::new(Walk::new(queue, letters.from_id, end)?)),
        };
        Ok(Self { queue, letters, end, left })
    }

    /// From the beginning, to the same end.
    pub(super) fn again(&self) -> Result<Self> {
        Ok(Self { end: self.end, ..Self::new(self.queue, self.letters)? })
    }

    /// The next letter; None after the last.
    pub(super) fn next(&mut self) -> Result<Option<Found>> {
        let place_of = |id: u64| self.queue.place_indexed(id);
        let is_meant =
            |found: &Found| found.id >= self.letters.from_id && self.letters.has(&found.payload.frame());
        loop {
            let found = match &mut self.left {
                Left::Log(walk) => walk.next(place_of)?,
                Left::Ids(ids) => match ids.next().filter(|id| *id < self.end) {
                    Some(id) => match self.queue.find(id)? {
                        None => continue,
                        found => found,
                    },
                    None => None,
                },
            };
            if found.as_ref().is_none_or(is_meant) {
                return Ok(found);
            }
        }
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
