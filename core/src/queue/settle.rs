//! The verbs on a lease. Each is refused, and changes nothing, unless the message is still leased to this very
//! delivery: the fencing token is id and attempt.

use crate::error::{Error, Result};
use crate::log::Place;
use crate::message::{check_delay, duration_ns};
use crate::queue::options::{OnExhausted, check_lease};
use crate::queue::settlement::Event;
use crate::queue::shared::{Shared, truncate};
use crate::queue::state::{Death, State, Status};
use crate::sync::lock;
use std::collections::HashSet;
use std::time::Duration;

/// What tells one lease from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: u64,
    pub(crate) attempt: u32,
}

impl Shared {
    fn check_lease_held(&self, state: &State, token: Token) -> Result<()> {
        let held = state.messages.get(&token.id).is_some_and(|message| {
            message.attempts == token.attempt && matches!(message.status, Status::Leased { .. })
        });
        if held { Ok(()) } else { Err(self.lost(token.id, token.attempt)) }
    }

    /// One result per token, one commit for all.
    pub(crate) fn ack(&self, tokens: &[Token]) -> Vec<Result<()>> {
        if let Err(error) = self.check_open() {
            return vec![Err(error); tokens.len()];
        }
        let (mut state, now_ns) = self.state_now();
        let mut current = HashSet::with_capacity(tokens.len());
        let mut results: Vec<Result<()>> = tokens
            .iter()
            .map(|token| match self.check_lease_held(&state, *token) {
                Ok(()) => {
                    current.insert(token.id);
                    Ok(())
                }
                Err(_) if state.was_acked(now_ns, token.id, token.attempt) => Ok(()),
                Err(error) => Err(error),
            })
            .collect();
        let mut current: Vec<u64> = current.into_iter().collect();
        current.sort_unstable();
        let appended = if !current.is_empty() {
            self.append_event(&Event::Acked(current.clone()))
        } else if results.iter().any(Result::is_ok) {
            // Those that were acked before may still be waiting for the disk, or in vain.
            Ok(self.events_end())
        } else {
            Ok(Place::default())
        };
        let committed = match appended {
            Ok(end) => {
                for id in &current {
                    if let Some(message) = state.remove(*id) {
                        state.remember_ack(now_ns, *id, message.attempts);
                    }
                }
                state.totals.acked += current.len() as u64;
                self.unlock(state);
                self.journal.commit(&self.log, end)
            }
            Err(error) => {
                self.unlock(state);
                Err(error)
            }
        };
        match committed {
            Ok(()) => self.settled(&current),
            Err(error) => {
                for result in results.iter_mut().filter(|result| result.is_ok()) {
                    *result = Err(error.clone());
                }
            }
        }
        results
    }

    /// Runs `change` on the state if the lease is held, and waits for what it appended.
    fn settle(&self, token: Token, change: impl FnOnce(&mut State, u64) -> Result<Place>) -> Result<()> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let appended = self.check_lease_held(&state, token).and_then(|()| change(&mut state, now_ns));
        self.unlock(state);
        self.journal.commit(&self.log, appended?)
    }

    pub(crate) fn fail(&self, token: Token, reason: String, delay: Option<Duration>) -> Result<()> {
        check_delay(delay.map_or(0, duration_ns))?;
        self.settle(token, |state, now_ns| {
            let end = self.fail_locked(state, token.id, now_ns, reason, delay, false)?;
            if let Some(Status::Scheduled { due_ns }) = state.messages.get(&token.id).map(|m| m.status) {
                self.wake_for(due_ns);
            } else {
                self.wake_for(0);
            }
            Ok(end)
        })
    }

    pub(crate) fn release(&self, token: Token, delay: Duration) -> Result<()> {
        check_delay(duration_ns(delay))?;
        self.settle(token, |state, now_ns| {
            let due_ns = if delay.is_zero() { 0 } else { now_ns.saturating_add(duration_ns(delay)) };
            self.release_locked(state, token.id, due_ns)
        })
    }

    /// Hands back what a dropped handle held: nobody waits, nobody is told.
    pub(crate) fn release_dropped(&self, token: Token) {
        if self.check_open().is_ok() {
            let (mut state, _) = self.state_now();
            if self.check_lease_held(&state, token).is_ok() {
                let _ = self.release_locked(&mut state, token.id, 0);
            }
            self.unlock(state);
        }
    }

    pub(crate) fn reject(&self, token: Token, mut reason: String) -> Result<()> {
        truncate(&mut reason);
        if lock(&self.options).on_exhausted == OnExhausted::Keep {
            return Err(Error::OptionMissing {
                noun: "queue",
                name: self.name.clone(),
                option: "dead_letter",
                advice: "it keeps its exhausted messages; ack what is to go, or name a dead letter queue",
            });
        }
        self.settle(token, |state, _| self.die_locked(state, token.id, Death::Rejected, reason))
    }

    /// Moves the deadline to `duration` from now, never back. Leases live in memory: nothing is written.
    pub(crate) fn extend(&self, token: Token, duration: Duration) -> Result<()> {
        check_lease(duration)?;
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let extended = self.check_lease_held(&state, token);
        if extended.is_ok() {
            let wanted_ns = now_ns.saturating_add(duration_ns(duration));
            if let Some(Status::Leased { deadline_ns }) = state.messages.get(&token.id).map(|m| m.status) {
                state.set_status(token.id, Status::Leased { deadline_ns: deadline_ns.max(wanted_ns) });
            }
        }
        self.unlock(state);
        extended
    }
}
