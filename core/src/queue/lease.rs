//! Granting leases: how long they last, and how long they can be prolonged.
//!
//! **Promise.** A lease ends by itself `lease_total_max` after it was granted, however often it is extended: a worker that is
//! stuck, and whose lease somebody goes on prolonging, does not keep its message for ever. Times are those of the hub's
//! clock, and no lease outlives its process: whatever happens to the wall clock prolongs none.

use crate::error::{Error, Result};
use crate::log::{INDEXED, Payload, Place};
use crate::message::duration_ns;
use crate::queue::delivery::Delivery;
use crate::queue::options::{QueueOptions, check_lease};
use crate::queue::receive::Start;
use crate::queue::settle::Token;
use crate::queue::settlement::{Event, ids_of};
use crate::queue::shared::Shared;
use crate::queue::state::{State, Status};
use crate::sync::lock;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long leases last that are granted together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    lease_ns: u64,
    total_ns: u64,
}

impl Term {
    /// The queue's own, unless a receiver asks for another.
    pub(crate) fn of(options: &QueueOptions, asked: Option<Duration>) -> Result<Self> {
        let (lease, total) = (asked.unwrap_or(options.lease), options.lease_total());
        if asked.is_some() {
            check_lease(lease)?;
        }
        if lease > total {
            let detail = format!("{lease:?} is over the queue's lease_total_max of {total:?}");
            return Err(Error::invalid("lease", detail));
        }
        Ok(Self { lease_ns: duration_ns(lease), total_ns: duration_ns(total) })
    }

    /// The same, if it begins so much later at most.
    pub(crate) fn later_by(self, ns: u64) -> Self {
        let Self { lease_ns, total_ns } = self;
        Self { lease_ns: lease_ns.saturating_add(ns), total_ns: total_ns.saturating_add(ns) }
    }
}

/// Leases granted together.
#[derive(Debug)]
pub(crate) struct Grant {
    start: Start,
    since_ns: u64,
    deadline_ns: u64,
    limit_ns: u64,
    started: Vec<(u64, Place)>,
    /// Of those, plain ones that were taken ahead: the log has to be told of them before it is told what becomes of them.
    untold: Vec<(u64, Place)>,
    taken: Vec<Delivery>,
}

impl Grant {
    pub(crate) fn new(now_ns: u64, term: Term, start: Start) -> Self {
        let (deadline_ns, limit_ns) =
            (now_ns.saturating_add(term.lease_ns), now_ns.saturating_add(term.total_ns));
        Self {
            start,
            since_ns: now_ns,
            deadline_ns,
            limit_ns,
            started: Vec::new(),
            untold: Vec::new(),
            taken: Vec::new(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.taken.len()
    }
}

impl Shared {
    /// Leases a message that is in the index.
    pub(crate) fn lease_locked(
        self: &Arc<Self>,
        state: &mut State,
        id: u64,
        payload: Payload,
        grant: &mut Grant,
    ) {
        let Some(message) = state.messages.get_mut(&id) else { return };
        message.attempts = message.attempts.saturating_add(1);
        message.lease_limit_ns = grant.limit_ns;
        grant.started.push((id, message.place));
        if grant.start == Start::Later && !message.is_told && !payload.frame().has(INDEXED) {
            grant.untold.push((id, message.place));
        }
        message.is_told = true;
        message.is_ahead = grant.start == Start::Later;
        message.untold += u32::from(message.is_ahead);
        let (attempt, failures) = (message.attempts, message.failures);
        state.totals.redeliveries += u64::from(attempt > 1);
        state.set_status(id, Status::Leased { deadline_ns: grant.deadline_ns });
        let token = Token { id, attempt, since_ns: grant.since_ns };
        let delivery = Delivery::indexed(self.clone(), payload, token, failures);
        grant.taken.push(if grant.start == Start::Later { delivery.ahead() } else { delivery });
    }

    /// Notes the leases in the log, which may refuse: then nobody gets what could not be noted.
    pub(crate) fn note_leases(&self, grant: Grant) -> Result<Vec<Delivery>> {
        let Grant { start, deadline_ns, started, untold, taken, .. } = grant;
        if started.is_empty() {
            return Ok(taken);
        }
        self.journal.alarm().arm(deadline_ns);
        let note = || match start {
            Start::Now => self.append_event(&Event::Started(started)).map(drop),
            Start::Later => untold
                .into_iter()
                .try_for_each(|(id, place)| self.append_event(&Event::Adopted { id, place }).map(drop)),
        };
        if self.log.is_durable()
            && let Err(error) = note()
        {
            // Dropping the deliveries changes nothing.
            taken.iter().for_each(Delivery::forget);
            return Err(error);
        }
        Ok(taken)
    }

    /// Has leases that were taken ahead run from now.
    pub(crate) fn hand_over(&self, taken: &[Delivery]) -> Result<()> {
        let term = Term::of(&lock(&self.options), None)?;
        let (mut state, now_ns) = self.state_now();
        let Grant { deadline_ns, limit_ns, .. } = Grant::new(now_ns, term, Start::Now);
        for delivery in taken {
            let id = delivery.id();
            if self.check_lease_held(&state, delivery.token()).is_ok() {
                state.set_status(id, Status::Leased { deadline_ns });
                if let Some(message) = state.messages.get_mut(&id) {
                    message.lease_limit_ns = limit_ns;
                }
            }
        }
        self.journal.alarm().arm(deadline_ns);
        self.unlock(state);
        Ok(())
    }

    /// Leaves out leases that have ended.
    pub(crate) fn retain_held(&self, tokens: &mut VecDeque<Token>) {
        let state = lock(&self.state);
        let plain: HashSet<u64> =
            self.runs.in_use().flat_map(|run| ids_of(run.first(), run.held())).collect();
        tokens.retain(|token| plain.contains(&token.id) || self.check_lease_held(&state, *token).is_ok());
    }

    /// Moves the deadline to `duration` from now, never back, and not beyond what the lease may last in all. Leases live in
    /// memory: nothing is written.
    pub(crate) fn extend(&self, token: Token, duration: Duration) -> Result<()> {
        check_lease(duration)?;
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let extended = self.check_lease_held(&state, token);
        if extended.is_ok()
            && let Some(message) = state.messages.get(&token.id)
            && let Status::Leased { deadline_ns } = message.status
        {
            let wanted_ns = now_ns.saturating_add(duration_ns(duration)).min(message.lease_limit_ns);
            state.set_status(token.id, Status::Leased { deadline_ns: deadline_ns.max(wanted_ns) });
        }
        self.unlock(state);
        extended
    }
}
