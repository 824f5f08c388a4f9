//! Dying: a message that is exhausted or rejected moves to the dead letter queue, or is dropped.
//!
//! **Promise.** Exactly one dead letter: first the source notes that the message dies (it is not delivered again), then the
//! letter is made durable, then the source forgets the message. A crash in between is finished when the queue is
//! opened: a dying message whose letter exists is only forgotten.
//!
//! **Not promised.** If the letter was already taken *and* its segment released before such a crash, a second is made.

use crate::error::Result;
use crate::log::{Draft, Kind, Level, Log, Place, Reader};
use crate::notice;
use crate::queue::envelope::{self, Origin};
use crate::queue::finished::Ending;
use crate::queue::relocated::message_found;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, Status};
use crate::sync::lock;
use std::collections::HashSet;
use std::sync::Arc;

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
            self.finish(&mut state, id, Ending::of_death(*death, dead.is_some()), None);
            state.remove(id);
            state.totals.expired += u64::from(*death == Death::Expired);
            gone.push(id);
        }
        match dead {
            Some(_) => state.totals.dead += gone.len() as u64,
            None => state.totals.dropped += gone.len() as u64,
        }
        drop(state);
        let to = dead.as_ref().map(|dead| dead.name.clone());
        dying.iter().for_each(|(id, message, death)| self.tell_of_death(*id, message, *death, to.clone()));
        self.journal.commit(&self.log, end)?;
        self.settled(&gone);
        notice::tell();
        Ok(())
    }

    fn write_letter(&self, dead: &Shared, id: u64, message: &Message, death: Death) -> Result<Place> {
        let payload = self.payload_at(message.place, id)?;
        let frame = payload.frame();
        let now_ns = self.journal.now_ns();
        let origin = Origin { queue: self.name.as_str(), log: self.log.id(), id };
        let headers = envelope::of_letter(&frame, origin, message, death, now_ns);
        let headers = headers.list();
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
        let receipt = dead.append_beyond(&draft)?;
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
            if let Some((_, frame)) = message_found(&reader) {
                found.extend(envelope::is_of(&frame, self.name.as_str(), self.log.id()));
            }
        }
        Ok(found)
    }
}
