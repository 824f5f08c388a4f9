//! Looking at waiting messages without leasing them.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::log::{Frame, INDEXED, Kind, Payload, Reader};
use crate::queue::shared::Shared;
use std::sync::Arc;

/// A message seen without leasing it: ready or scheduled when it was seen.
#[derive(Debug, Clone)]
pub struct Peeked {
    payload: Payload,
    id: u64,
    attempts: u32,
    failures: u32,
}

impl Peeked {
    fn frame(&self) -> Frame<'_> {
        self.payload.frame()
    }

    /// The message's number in its queue.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Leases granted so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Failures counted so far.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

crate::message::accessors!(Peeked);

impl Shared {
    /// Up to `count_max` waiting messages from `from_id` on, by id.
    pub(crate) fn peek(self: &Arc<Self>, from_id: u64, count_max: usize) -> Result<Vec<Peeked>> {
        self.check_open()?;
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        let mut reader = Reader::earliest(self.log.clone());
        if from_id > reader.next_sequence() {
            reader.seek(from_id)?;
        }
        let (state, _) = self.state_now();
        let cursor = self.cursor.next_sequence();
        let mut found = Vec::new();
        while found.len() < count_max && reader.advance()? {
            let (frame, id) = (reader.frame(), reader.sequence());
            if frame.kind() != Kind::Data || id < from_id {
                continue;
            }
            let (attempts, failures) = match state.messages.get(&id) {
                Some(message) if message.status.is_waiting() => (message.attempts, message.failures),
                None if id >= cursor && !frame.has(INDEXED) => (0, 0),
                _ => continue,
            };
            found.push(Peeked { payload: reader.payload(), id, attempts, failures });
        }
        self.unlock(state);
        Ok(found)
    }
}
