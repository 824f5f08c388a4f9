//! Dying: a message that is exhausted or rejected moves to the dead letter queue, or is dropped.
//!
//! **Promise.** Exactly one dead letter: first the source notes that the message dies (it is not delivered again), then the
//! letter is made durable, then the source forgets the message. A crash in between is finished when the queue is
//! opened: a dying message whose letter exists is only forgotten.
//!
//! **Not promised.** If the letter was already taken *and* its segment released before such a crash, a second is made.

use crate::error::Result;
use crate::log::{Draft, Kind, Level, Log, Place, Reader};
use crate::message::ENGINE_HEADER_PREFIX;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, Status};
use crate::sync::lock;
use std::collections::HashSet;
use std::sync::Arc;

/// Header: why it died: `failed`, `rejected`, `expired` or `overflow`.
pub const DEAD_REASON: &str = "rm-dead-reason";
/// Header: the text of the last failure or rejection.
pub const DEAD_ERROR: &str = "rm-dead-error";
/// Header: the queue that it died in.
pub const DEAD_QUEUE: &str = "rm-dead-queue";
/// Header: its id there.
pub const DEAD_ID: &str = "rm-dead-id";
/// Header: when it died, in nanoseconds since 1970.
pub const DEAD_TIME: &str = "rm-dead-time";
/// Header: when it was first sent, in nanoseconds since 1970.
pub const FIRST_ENQUEUED: &str = "rm-first-enqueued";
/// Header: leases granted.
pub const ATTEMPTS: &str = "rm-attempts";
/// Header: failures counted.
pub const FAILURES: &str = "rm-failures";

impl Shared {
    /// Buries dying messages.
    ///
    /// # Errors
    /// `Corrupt` or `Io` reading a message, `Poisoned` writing. What is not buried now is when the queue is opened.
    pub(crate) fn bury(&self, ids: &[u64]) -> Result<()> {
        let (dying, noted): (Vec<(u64, Message, Death)>, Place) = {
            let state = lock(&self.state);
            let dying = ids
                .iter()
                .filter_map(|id| match state.messages.get(id) {
                    Some(message) => match message.status {
                        Status::Dying { death } => Some((*id, message.clone(), death)),
                        _ => None,
                    },
                    None => None,
                })
                .collect();
            (dying, self.events_end())
        };
        let dead = lock(&self.dead).clone();
        if let Some(dead) = &dead {
            // Durable before the letter is written: otherwise a crash could keep the letter and forget the death.
            self.journal.commit_to(&self.log, noted, Level::Durable)?;
            let mut end = Place::default();
            for (id, message, death) in &dying {
                end = self.write_letter(dead, *id, message, *death)?;
            }
            // Durable whatever the hub's level: the two logs have no order otherwise, and the loss of a letter whose
            // message is gone would be a lost message.
            dead.journal.commit_to(&dead.log, end, Level::Durable)?;
            dead.log.data().notify_all();
        }
        let mut state = lock(&self.state);
        let mut end = Place::default();
        let mut gone = Vec::with_capacity(dying.len());
        for (id, _, death) in &dying {
            let id = *id;
            end =
                self.append_event(&if dead.is_some() { Event::Dead { id } } else { Event::Dropped { id } })?;
            state.remove(id);
            state.totals.expired += u64::from(*death == Death::Expired);
            gone.push(id);
        }
        match dead {
            Some(_) => state.totals.dead += gone.len() as u64,
            None => state.totals.dropped += gone.len() as u64,
        }
        drop(state);
        self.journal.commit(&self.log, end)?;
        self.settled(&gone);
        Ok(())
    }

    fn write_letter(&self, dead: &Shared, id: u64, message: &Message, death: Death) -> Result<Place> {
        let payload = self.log.payload_at(message.place, id)?;
        let frame = payload.frame();
        let now_ns = self.journal.now_ns();
        let numbers = [
            (DEAD_ID, id),
            (DEAD_TIME, now_ns),
            (FIRST_ENQUEUED, frame.time_ns()),
            (ATTEMPTS, u64::from(message.attempts)),
            (FAILURES, u64::from(message.failures)),
        ]
        .map(|(name, number)| (name, number.to_string()));
        let mut headers: Vec<(&str, &[u8])> =
            frame.headers().filter(|(name, _)| !name.starts_with(ENGINE_HEADER_PREFIX)).collect();
        headers.push((DEAD_REASON, death.as_str().as_bytes()));
        headers.push((DEAD_ERROR, message.reason.as_bytes()));
        headers.push((DEAD_QUEUE, self.name.as_str().as_bytes()));
        headers.extend(numbers.iter().map(|(name, number)| (*name, number.as_bytes())));
        let draft = Draft {
            kind: Kind::Data,
            time_ns: now_ns,
            key: frame.key(),
            event_time_ns: frame.event_time_ns(),
            due_ns: 0,
            options: None,
            is_tombstone: false,
            headers: &headers,
            value: frame.value(),
        };
        let receipt = {
            let mut state = lock(&dead.state);
            let receipt = dead.log.append(&[draft])?;
            if let Some(room) = &mut state.room {
                room.enter(draft.bytes() as u64);
            }
            receipt
        };
        dead.index(&[draft], receipt);
        Ok(receipt.end)
    }

    /// Finishes what a crash interrupted: dying messages whose letter is there are forgotten, the others buried.
    pub(crate) fn finish_burials(&self) -> Result<()> {
        let dying: Vec<u64> = {
            let mut state = lock(&self.state);
            let noted = std::mem::take(&mut state.dying);
            // Every death in the log was noted, most of them are long over: those must not be counted as settled again.
            let is_dying = |id: &u64| {
                state.messages.get(id).is_some_and(|message| matches!(message.status, Status::Dying { .. }))
            };
            noted.into_iter().filter(is_dying).collect()
        };
        if dying.is_empty() {
            return Ok(());
        }
        let dead = lock(&self.dead).clone();
        let written = match &dead {
            Some(dead) => self.letters_in(&dead.log)?,
            None => HashSet::new(),
        };
        let (done, left): (Vec<u64>, Vec<u64>) = dying.into_iter().partition(|id| written.contains(id));
        let mut state = lock(&self.state);
        for id in &done {
            self.append_event(&Event::Dead { id: *id })?;
            state.remove(*id);
        }
        drop(state);
        self.settled(&done);
        self.bury(&left)
    }

    /// Ids of this queue's messages that have a letter in a log.
    fn letters_in(&self, log: &Arc<Log>) -> Result<HashSet<u64>> {
        let mut reader = Reader::earliest(log.clone());
        let mut found = HashSet::new();
        while reader.advance()? {
            let frame = reader.frame();
            let header = |name| frame.headers().find(|(n, _)| *n == name).map(|(_, value)| value);
            if frame.kind() == Kind::Data && header(DEAD_QUEUE) == Some(self.name.as_str().as_bytes()) {
                let id = header(DEAD_ID).and_then(|id| std::str::from_utf8(id).ok()?.parse::<u64>().ok());
                found.extend(id);
            }
        }
        Ok(found)
    }
}
