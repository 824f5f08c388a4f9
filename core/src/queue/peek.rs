//! Looking at waiting messages without leasing them.

use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::log::{Frame, Payload};
use crate::queue::shared::Shared;
use crate::queue::walk::Walk;
use std::sync::Arc;

/// A message seen without leasing it: ready, scheduled or deferred when it was seen.
#[derive(Debug, Clone)]
pub struct Peeked {
    payload: Payload,
    id: u64,
    attempts: u32,
    failures: u32,
}

impl Peeked {
    pub(crate) fn new(payload: Payload, id: u64, attempts: u32, failures: u32) -> Self {
        Self { payload, id, attempts, failures }
    }

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
        let mut walk = Walk::new(self, from_id, self.log.end_sequence())?;
        let (state, _) = self.state_now();
        let place_of = |id: u64| state.messages.get(&id).map(|message| message.place);
        let mut peeked = Vec::new();
        while peeked.len() < count_max
            && let Some(found) = walk.next(place_of)?
        {
            if let Some((attempts, failures)) = found.counts_if_waiting(self, &state) {
                peeked.push(Peeked::new(found.payload, found.id, attempts, failures));
            }
        }
        self.unlock(state);
        Ok(peeked)
    }
}
