//! Going through the messages of a queue's log by their ids, wherever they are.
//!
//! **Promise.** Each message comes once, however often it is told in the log, and whether it is moved meanwhile or not. Those
//! that are settled may come, too: whoever asks looks for himself.

use crate::error::{Error, Result};
use crate::log::{INDEXED, Kind, Payload, Place, Reader};
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::lock;

/// A message of the log; perhaps it is no longer there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: u64,
    pub(crate) place: Place,
    pub(crate) payload: Payload,
}

impl Found {
    /// Attempts and failures, if it waits in this queue.
    pub(crate) fn counts_if_waiting(&self, queue: &Shared, state: &State) -> Option<(u32, u32)> {
        let is_indexed = self.payload.frame().has(INDEXED);
        state.counts_if_waiting(self.id, queue.cursor.next_sequence(), is_indexed)
    }
}

/// See the module's description.
pub(crate) struct Walk<'a> {
    queue: &'a Shared,
    reader: Reader,
    /// The next id that may come, and the first that does not.
    next: u64,
    end: u64,
    /// A record that comes when all relocated messages before it have.
    record: Option<Found>,
}

impl<'a> Walk<'a> {
    /// From that id on, to that one.
    pub(crate) fn new(queue: &'a Shared, from: u64, end: u64) -> Result<Self> {
        let mut reader = Reader::earliest(queue.log.clone());
        if from > reader.next_sequence() {
            reader.seek(from.min(end))?;
        }
        Ok(Self { queue, reader, next: from, end, record: None })
    }

    /// The next message; None after the last. `place_of` tells where a message is that is in the index.
    pub(crate) fn next(&mut self, place_of: impl Fn(u64) -> Option<Place>) -> Result<Option<Found>> {
        loop {
            self.find_record()?;
            let last = self.record.as_ref().map_or(self.end.checked_sub(1), |record| Some(record.id));
            let Some(last) = last.filter(|last| *last >= self.next) else { return Ok(None) };
            let Some(id) = self.queue.tally.first_guest(self.next..=last) else {
                self.next = last.saturating_add(1);
                return Ok(self.record.take());
            };
            self.next = id + 1;
            self.record.take_if(|record| record.id == id);
            if let Some(found) = self.queue.find_indexed(id, &place_of)? {
                return Ok(Some(found));
            }
        }
    }

    /// Finds the next record, unless there is one.
    fn find_record(&mut self) -> Result<()> {
        while self.record.is_none() && self.reader.next_sequence() < self.end && self.reader.advance()? {
            let (id, place) = (self.reader.sequence(), self.reader.found_place());
            if self.reader.kind() == Kind::Data && id >= self.next && id < self.end {
                self.record = Some(Found { id, place, payload: self.reader.payload() });
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Where a message is that is in the index.
    pub(crate) fn place_indexed(&self, id: u64) -> Option<Place> {
        lock(&self.state).messages.get(&id).map(|message| message.place)
    }

    /// The message with that id, if the log holds it.
    pub(crate) fn find(&self, id: u64) -> Result<Option<Found>> {
        if let Some(reader) = self.reader_at(id)? {
            return Ok(Some(Found { id, place: reader.found_place(), payload: reader.payload() }));
        }
        self.find_indexed(id, |id| self.place_indexed(id))
    }

    /// A message that is in the index, wherever it is by now. None: it no longer is.
    pub(crate) fn find_indexed(
        &self,
        id: u64,
        place_of: impl Fn(u64) -> Option<Place>,
    ) -> Result<Option<Found>> {
        while let Some(place) = place_of(id) {
            match self.payload_at(place, id) {
                Ok(payload) => return Ok(Some(Found { id, place, payload })),
                // It was moved, and its segment went.
                Err(Error::NotFound { .. }) if place_of(id) != Some(place) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
