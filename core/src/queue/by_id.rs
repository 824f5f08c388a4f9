//! Verbs on messages by their ids, wherever those wait.

use crate::error::Result;
use crate::log::Place;
use crate::message::{check_delay, duration_ns};
use crate::queue::finished::Ending;
use crate::queue::settle::Token;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{State, Status};
use crate::sync::lock;
use std::time::Duration;

impl Shared {
    /// Takes a waiting message out of the queue for good; of one that is out, its worker is told. True: it was taken out.
    pub(crate) fn cancel(&self, id: u64) -> Result<bool> {
        self.say(id, |state, status, _| match status {
            Status::Leased { .. } if state.is_recalled(id) => Ok((false, self.events_end())),
            Status::Leased { .. } => {
                let end = self.append_event(&Event::Recalled { id })?;
                state.recall(id);
                Ok((false, end))
            }
            _ if status.is_waiting() => Ok((true, self.cancel_locked(state, id)?)),
            _ => Ok((false, Place::default())),
        })
    }

    /// The same, and takes one that is out from its worker.
    pub(crate) fn cancel_now(&self, id: u64) -> Result<bool> {
        self.say(id, |state, status, _| {
            if status.is_waiting() || matches!(status, Status::Leased { .. }) {
                return Ok((true, self.cancel_locked(state, id)?));
            }
            Ok((false, Place::default()))
        })
    }

    /// Has a message wait for another time, if it is ready, scheduled or blocked. False: it is not.
    pub(crate) fn reschedule(&self, id: u64, delay: Duration) -> Result<bool> {
        self.reschedule_at(id, self.journal.now_ns().saturating_add(duration_ns(delay)))
    }

    pub(crate) fn reschedule_at(&self, id: u64, time_ns: u64) -> Result<bool> {
        check_delay(time_ns.saturating_sub(self.journal.now_ns()))?;
        self.say(id, |state, status, now_ns| {
            if !matches!(status, Status::Ready | Status::Held | Status::Scheduled { .. }) {
                return Ok((false, Place::default()));
            }
            let due_ns = time_ns.max(now_ns);
            let end = self.append_event(&Event::Released { id, due_ns })?;
            state.set_status(id, Status::Scheduled { due_ns });
            // It may be due already.
            self.tick_locked(state, now_ns);
            Ok((true, end))
        })
    }

    /// Runs `change` on the state and status of a message, if there is one of that id, and waits for what it appended.
    fn say(
        &self,
        id: u64,
        change: impl FnOnce(&mut State, Status, u64) -> Result<(bool, Place)>,
    ) -> Result<bool> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let told = self.adopt_locked(&mut state, id).and_then(|_| {
            match state.messages.get(&id).map(|message| message.status) {
                Some(status) => change(&mut state, status, now_ns),
                None => Ok((false, Place::default())),
            }
        });
        self.unlock(state);
        let (done, end) = told?;
        self.journal.commit(&self.log, end)?;
        Ok(done)
    }

    /// Takes a message out for good; it is settled once the lock is given back.
    pub(crate) fn cancel_locked(&self, state: &mut State, id: u64) -> Result<Place> {
        let end = self.append_event(&Event::Dropped { id })?;
        self.finish(state, id, Ending::Cancelled, None);
        state.remove(id);
        state.gone.push(id);
        state.totals.cancelled += 1;
        Ok(end)
    }

    /// Whether the message of a lease is no longer wanted: it is to go as soon as it comes back, or is gone.
    pub(crate) fn is_cancelled(&self, token: Token) -> bool {
        match lock(&self.state).messages.get(&token.id) {
            Some(message) => {
                let is_leaving = matches!(message.status, Status::Dying { .. } | Status::Moving);
                message.attempts == token.attempt && (message.is_recalled || is_leaving)
            }
            None => true,
        }
    }
}
