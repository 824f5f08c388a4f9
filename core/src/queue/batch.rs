//! Verbs on many deliveries: one commit for all, one result for each. What is wrong with one of them is no matter of the others.

use crate::error::{Error, Result};
use crate::log::Place;
use crate::queue::finished::Ending;
use crate::queue::history::Reason;
use crate::queue::settle::Token;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::queue::{Delivery, Queue};
use std::fmt;

impl Queue {
    /// Acks many with one commit; one result per delivery, in order. A delivery of another queue is an error.
    pub fn ack_batch(&self, deliveries: &[&Delivery]) -> Vec<Result<()>> {
        self.each(deliveries, |ours| self.shared.ack(ours))
    }

    /// Fails many with one commit, as [`Delivery::fail`]; results as of [`ack_batch`](Self::ack_batch).
    pub fn fail_batch(&self, deliveries: &[&Delivery], reason: impl fmt::Display) -> Vec<Result<()>> {
        let reason = Reason::from(reason.to_string());
        self.each(deliveries, |ours| {
            self.shared.settle_each(ours, |state, now_ns, id| {
                self.shared.fail_and_wake(state, id, now_ns, reason.clone(), None)
            })
        })
    }

    /// Hands many back with one commit, as [`Delivery::release`]; results as of [`ack_batch`](Self::ack_batch).
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
    /// queue.send_batch(&[Message::new(b"a"), Message::new(b"b")])?;
    /// let taken = queue.receive_batch(10, Duration::ZERO)?;
    /// let results = queue.release_batch(&taken.iter().collect::<Vec<_>>());
    /// assert!(results.iter().all(|result| result.is_ok()));
    /// assert_eq!(queue.stats()?.ready, 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn release_batch(&self, deliveries: &[&Delivery]) -> Vec<Result<()>> {
        self.each(deliveries, |ours| {
            self.shared.settle_each(ours, |state, _, id| self.shared.release_locked(state, id, 0))
        })
    }

    /// Says a verb of those that are this queue's.
    fn each(
        &self,
        deliveries: &[&Delivery],
        verb: impl FnOnce(&[&Delivery]) -> Vec<Result<()>>,
    ) -> Vec<Result<()>> {
        let ours: Vec<&Delivery> =
            deliveries.iter().copied().filter(|delivery| delivery.is_of(&self.shared)).collect();
        let results = verb(&ours);
        if ours.len() == deliveries.len() {
            return results;
        }
        let mut results = results.into_iter();
        let foreign = |delivery: &Delivery| {
            let detail = format!("message {} is of queue {}", delivery.id(), delivery.queue());
            Err(Error::invalid("deliveries", detail))
        };
        deliveries
            .iter()
            .map(|delivery| match delivery.is_of(&self.shared) {
                true => results.next().unwrap_or(Ok(())),
                false => foreign(delivery),
            })
            .collect()
    }
}

impl Shared {
    /// Runs `change` on the state for each lease that is held, and waits once for what they appended.
    fn settle_each(
        &self,
        deliveries: &[&Delivery],
        mut change: impl FnMut(&mut State, u64, u64) -> Result<Place>,
    ) -> Vec<Result<()>> {
        if let Err(error) = self.check_open() {
            return vec![Err(error); deliveries.len()];
        }
        let tokens: Vec<Token> = deliveries.iter().map(|delivery| delivery.token()).collect();
        deliveries.iter().filter(|delivery| !delivery.is_acked()).for_each(|delivery| delivery.forget());
        let (mut state, now_ns) = self.state_now();
        let appended: Vec<Result<Place>> = tokens
            .iter()
            .map(|token| {
                self.check_lease_held(&state, *token)?;
                change(&mut state, now_ns, token.id)
            })
            .collect();
        self.unlock(state);
        let end = appended.iter().flatten().max().copied().unwrap_or_default();
        let committed = self.journal.commit(&self.log, end);
        appended.into_iter().map(|place| place.and_then(|_| committed.clone())).collect()
    }

    /// Acks leases that are told by their tokens only, as far as they are held. The last one's result is the result.
    pub(crate) fn ack_tokens(&self, tokens: &[Token]) -> Result<()> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let mut ids: Vec<u64> = tokens.iter().map(|token| token.id).collect();
        ids.sort_unstable();
        for run in self.runs.in_use() {
            let from = ids.partition_point(|id| *id < run.first());
            let bits = ids[from..]
                .iter()
                .map(|id| id - run.first())
                .take_while(|bit| *bit < u64::from(u64::BITS))
                .fold(0, |bits, bit| bits | 1 << bit);
            self.index_run(&mut state, &run, bits);
        }
        let held: Vec<Result<()>> =
            tokens.iter().map(|token| self.check_lease_held(&state, *token)).collect();
        let mut acked: Vec<u64> =
            tokens.iter().zip(&held).filter(|(_, held)| held.is_ok()).map(|(token, _)| token.id).collect();
        acked.sort_unstable();
        let appended = match acked[..] {
            [] => Ok(Place::default()),
            _ => self.append_event(&Event::Acked(acked.clone())),
        };
        if appended.is_ok() {
            for id in &acked {
                self.finish(&mut state, *id, Ending::Done, None);
                state.remove(*id);
            }
            self.acked.add(acked.len() as u64);
            let held = tokens.iter().zip(&held).filter(|(_, held)| held.is_ok());
            let processing_ns = held.map(|(token, _)| now_ns.saturating_sub(token.since_ns)).sum();
            self.processing.add(processing_ns, acked.len() as u64);
        }
        self.unlock(state);
        self.journal.commit(&self.log, appended?)?;
        self.settled(&acked);
        held.into_iter().next_back().unwrap_or(Ok(()))
    }
}
