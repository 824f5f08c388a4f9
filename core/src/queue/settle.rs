//! The verbs on a lease. Each is refused, and changes nothing, unless the message is still leased to this very
//! delivery: the fencing token is id and attempt.

use crate::error::{Error, Result};
use crate::log::{Kind, Place, Reader};
use crate::message::{check_delay, duration_ns};
use crate::queue::delivery::{Delivery, Kept};
use crate::queue::finished::Ending;
use crate::queue::history::Reason;
use crate::queue::options::OnExhausted;
use crate::queue::plain::{Counted, Hold};
use crate::queue::processing::Processing;
use crate::queue::settlement::{Event, ids_of};
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, State, Status};
use crate::sync::{Ordering, lock};
use std::collections::HashSet;
use std::time::Duration;

/// What tells one lease from every other: id and attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) id: u64,
    pub(crate) attempt: u32,
    /// When it was granted; `u64::MAX`: not known.
    pub(crate) since_ns: u64,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.attempt) == (other.id, other.attempt)
    }
}

impl Shared {
    pub(crate) fn check_lease_held(&self, state: &State, token: Token) -> Result<()> {
        let held = state.messages.get(&token.id).is_some_and(|message| {
            message.attempts == token.attempt && matches!(message.status, Status::Leased { .. })
        });
        if held { Ok(()) } else { Err(self.lost(token.id, token.attempt)) }
    }

    /// Acks one delivery.
    pub(crate) fn ack_one(&self, delivery: &Delivery) -> Result<()> {
        self.check_open()?;
        if delivery.is_acked() {
            // It may still be waiting for the disk, or in vain.
            return self.journal.commit(&self.log, self.events_end());
        }
        if let Some(hold) = delivery.hold()
            && hold.ack(hold.bit()) != 0
        {
            delivery.set_acked();
            let end = self.note_acked(hold, hold.bit())?;
            self.journal.commit(&self.log, end)?;
            self.settle_run(hold.place().segment(), 1);
            return Ok(());
        }
        self.ack_indexed(&[delivery], None).into_iter().next().unwrap_or(Ok(()))
    }

    /// One result per delivery, one commit for all.
    pub(crate) fn ack(&self, deliveries: &[&Delivery]) -> Vec<Result<()>> {
        if let Err(error) = self.check_open() {
            return vec![Err(error); deliveries.len()];
        }
        let mut results: Vec<Result<()>> = Vec::with_capacity(deliveries.len());
        let (mut others, mut settled) = (Vec::new(), Vec::new());
        let mut appended = Ok(Place::default());
        while let Some(delivery) = deliveries.get(results.len()) {
            let index = results.len();
            let Some(hold) = delivery.hold().filter(|_| !delivery.is_acked()) else {
                if delivery.is_acked() {
                    appended = appended.map(|end| end.max(self.events_end()));
                } else {
                    others.push(index);
                }
                results.push(Ok(()));
                continue;
            };
            let is_beside = |other: &&&Delivery| {
                other.hold().is_some_and(|other| other.is_beside(hold)) && !other.is_acked()
            };
            // Counted before the first is acked: one that is there twice would end the run at its second place.
            let count = deliveries.iter().skip(index).take_while(is_beside).count();
            let run = deliveries.iter().skip(index).take(count);
            let bits = run.clone().filter_map(|other| other.hold()).fold(0, |bits, hold| bits | hold.bit());
            let won = hold.ack(bits);
            for other in run {
                if other.hold().is_some_and(|hold| hold.bit() & won != 0) {
                    other.set_acked();
                } else {
                    others.push(results.len());
                }
                results.push(Ok(()));
            }
            if won != 0 {
                appended = appended.and_then(|end| Ok(end.max(self.note_acked(hold, won)?)));
                settled.push((hold.place().segment(), won.count_ones()));
            }
        }
        match appended.and_then(|end| self.journal.commit(&self.log, end)) {
            Ok(()) => settled.into_iter().for_each(|(segment, count)| self.settle_run(segment, count)),
            Err(error) => results.iter_mut().for_each(|result| *result = Err(error.clone())),
        }
        if !others.is_empty() {
            let indexed: Vec<&Delivery> =
                others.iter().filter_map(|index| deliveries.get(*index).copied()).collect();
            for (index, result) in others.into_iter().zip(self.ack_indexed(&indexed, None)) {
                if let Some(slot) = results.get_mut(index) {
                    *slot = result;
                }
            }
        }
        results
    }

    /// When a plain message was leased, if the queue's lease has not been altered since.
    pub(crate) fn since_ns(&self, hold: &Hold<Kept>) -> u64 {
        // ORDERING: Relaxed: as where it is altered.
        let lease_ns = self.lease_ns.load(Ordering::Relaxed);
        hold.counted().map_or(u64::MAX, |run| run.deadline_ns().saturating_sub(lease_ns))
    }

    /// Notes acks of plain messages, whose bits are ours.
    fn note_acked(&self, hold: &Hold<Kept>, bits: u64) -> Result<Place> {
        let first = hold.first();
        if bits & Processing::timed_bit(first) != 0 {
            self.processing.add_timed(self.journal.now_ns().saturating_sub(self.since_ns(hold)));
        }
        self.acked.add(u64::from(bits.count_ones()));
        if self.log.is_durable() {
            self.append_event(&Event::AckedRun { id: first, bits })
        } else {
            Ok(Place::default())
        }
    }

    /// The same for messages that are in the index, or were plain and no longer are.
    pub(crate) fn ack_indexed(&self, deliveries: &[&Delivery], result: Option<&[u8]>) -> Vec<Result<()>> {
        let tokens: Vec<Token> = deliveries.iter().map(|delivery| delivery.token()).collect();
        let (mut state, now_ns) = self.state_now();
        let mut current = HashSet::with_capacity(tokens.len());
        let mut processing_ns = 0u64;
        let mut results: Vec<Result<()>> = Vec::with_capacity(tokens.len());
        for (token, delivery) in tokens.iter().zip(deliveries) {
            results.push(self.check_lease_held(&state, *token).map(|()| {
                if current.insert(token.id) {
                    processing_ns += now_ns.saturating_sub(token.since_ns);
                }
                delivery.set_acked();
            }));
            if results.last().is_some_and(Result::is_err) {
                delivery.forget();
            }
        }
        let mut current: Vec<u64> = current.into_iter().collect();
        current.sort_unstable();
        if current.is_empty() {
            self.unlock(state);
            return results;
        }
        let committed = match self.append_event(&Event::Acked(current.clone())) {
            Ok(end) => {
                for id in &current {
                    self.finish(&mut state, *id, Ending::Done, result);
                    state.remove(*id);
                }
                self.unlock(state);
                self.acked.add(current.len() as u64);
                self.processing.add(processing_ns, current.len() as u64);
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

    /// Puts the lease of a plain message into the index, where everything but an ack can be said of it.
    pub(crate) fn index_lease(&self, hold: &Hold<Kept>) {
        let mut state = lock(&self.state);
        // Unless it cannot be read: then the verb finds no lease, and it runs out in its time.
        if let Some(run) = hold.counted() {
            self.index_run(&mut state, &run, hold.bit());
        }
    }

    /// Puts messages of a run that are leased into the index. False: where they are cannot be read.
    pub(crate) fn index_run(&self, state: &mut State, run: &Counted<'_, Kept>, bits: u64) -> bool {
        let Ok(found) = self.messages_of(run, bits & run.held()) else { return false };
        let taken = run.take(bits);
        let limit_ns = run.deadline_ns().saturating_add(lock(&self.options).lease_slack_ns());
        for (id, message) in found {
            if ids_of(run.first(), taken).any(|of_ours| of_ours == id) {
                if self.log.is_durable() && !run.kept().is_noted {
                    // The log knows nothing of it yet, and is to understand what is said of it next. If it refuses, it
                    // will refuse that, too.
                    let _ = self.append_event(&Event::Adopted { id, place: message.place });
                }
                let is_ahead = !run.kept().is_noted;
                let leased = Message {
                    status: Status::Leased { deadline_ns: run.deadline_ns() },
                    attempts: 1,
                    lease_limit_ns: limit_ns,
                    is_told: true,
                    is_ahead,
                    untold: is_ahead.into(),
                    ..message
                };
                state.insert(id, leased);
            }
        }
        true
    }

    /// Where a message of a run is.
    pub(crate) fn place_of(&self, run: &Counted<'_, Kept>, bit: u64) -> Option<Place> {
        self.messages_of(run, bit).ok()?.first().map(|(_, message)| message.place)
    }

    /// Messages of a run, as they are in the log.
    fn messages_of(&self, run: &Counted<'_, Kept>, bits: u64) -> Result<Vec<(u64, Message)>> {
        let mut ids = ids_of(run.first(), bits).peekable();
        let mut messages = Vec::with_capacity(bits.count_ones() as usize);
        let mut reader = Reader::sent(self.log.clone());
        reader.go_to_place(run.place());
        reader.see_all();
        while let Some(id) = ids.peek().copied()
            && reader.advance()?
        {
            if reader.kind() == Kind::Data && reader.sequence() == id {
                let message = Message::new(reader.found_place(), Status::Ready);
                messages.push((id, message.with_bytes(&reader.frame())));
                ids.next();
            }
        }
        Ok(messages)
    }

    /// Runs `change` on the state if the lease is held, and waits for what it appended.
    pub(crate) fn settle(
        &self,
        token: Token,
        change: impl FnOnce(&mut State, u64) -> Result<Place>,
    ) -> Result<()> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let appended = self.check_lease_held(&state, token).and_then(|()| change(&mut state, now_ns));
        self.unlock(state);
        self.journal.commit(&self.log, appended?)
    }

    pub(crate) fn fail(&self, token: Token, reason: Reason, delay: Option<Duration>) -> Result<()> {
        check_delay(delay.map_or(0, duration_ns))?;
        self.settle(token, |state, now_ns| self.fail_and_wake(state, token.id, now_ns, reason, delay))
    }

    pub(crate) fn fail_and_wake(
        &self,
        state: &mut State,
        id: u64,
        now_ns: u64,
        reason: Reason,
        delay: Option<Duration>,
    ) -> Result<Place> {
        let end = self.fail_locked(state, id, now_ns, reason, delay, false)?;
        if let Some(Status::Scheduled { due_ns }) = state.messages.get(&id).map(|m| m.status) {
            self.wake_for(due_ns);
        } else {
            self.wake_for(0);
        }
        Ok(end)
    }

    pub(crate) fn release(&self, token: Token, delay: Duration) -> Result<()> {
        check_delay(duration_ns(delay))?;
        self.settle(token, |state, now_ns| {
            let due_ns = if delay.is_zero() { 0 } else { now_ns.saturating_add(duration_ns(delay)) };
            self.release_locked(state, token.id, due_ns)
        })
    }

    /// Hands it back, and has its key rest, or the queue if it has none.
    pub(crate) fn rate_limited(&self, token: Token, key: Option<&[u8]>, rest: Duration) -> Result<()> {
        check_delay(duration_ns(rest))?;
        self.settle(token, |state, now_ns| {
            if !rest.is_zero() {
                let until_ns = now_ns.saturating_add(duration_ns(rest));
                // First, so that no crash keeps the release without the rest.
                state.rests.forget_over(now_ns);
                self.tell(state, Event::Resting { until_ns, key: key.map(<[u8]>::to_vec) })?;
                state.rest(key, until_ns, now_ns);
                // Who receives beside the state at this moment is through after this.
                self.seats.pass_all();
                self.journal.alarm().arm(until_ns);
            }
            self.release_locked(state, token.id, 0)
        })
    }

    /// Hands back what a dropped handle held: nobody waits, nobody is told. `is_ahead`: nobody had had it.
    pub(crate) fn release_dropped(&self, token: Token, is_ahead: bool) {
        if self.check_open().is_ok() {
            let (mut state, _) = self.state_now();
            if self.check_lease_held(&state, token).is_ok() {
                if is_ahead {
                    state.untake(token.id);
                }
                let _ = self.release_locked(&mut state, token.id, 0);
            }
            self.unlock(state);
        }
    }

    pub(crate) fn reject(&self, token: Token, reason: Reason) -> Result<()> {
        if lock(&self.options).on_exhausted == OnExhausted::Keep {
            return Err(Error::OptionMissing {
                noun: "queue",
                name: self.name.clone(),
                option: "dead_letter",
                advice: "it keeps its exhausted messages; ack what is to go, or name a dead letter queue",
            });
        }
        self.settle(token, |state, _| {
            self.check_death(state, token.id, Death::Rejected)?;
            self.die_locked(state, token.id, Death::Rejected, reason)
        })
    }
}
