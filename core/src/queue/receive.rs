//! Receiving: by priority; of those that have none returned messages first, then those ahead of the cursor. Each is leased to
//! the delivery that carries it.

use crate::error::{Error, Result, something};
use crate::limits::{LEASE_COUNT_MAX, RECEIVE_COUNT_MAX};
use crate::log::{INDEXED, Kind, Payload, Place};
use crate::queue::delivery::Delivery;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{From, Message, PRIORITY_DEFAULT, State, Status};
use crate::sync::lock;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

impl Shared {
    /// Leases up to `count_max` messages that are ready now.
    pub(crate) fn take(self: &Arc<Self>, count_max: usize) -> Result<Vec<Delivery>> {
        self.check_open()?;
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        let lease_ns = lock(&self.options).lease_ns();
        let (mut state, now_ns) = self.state_now();
        let mut taken = Vec::new();
        let mut started = Vec::new();
        let deadline_ns = now_ns.saturating_add(lease_ns);
        let mut failed = None;
        while taken.len() < count_max && state.leased_count() < LEASE_COUNT_MAX {
            match self.next_message(&mut state) {
                Ok(Some((id, payload))) => {
                    let Some(message) = state.messages.get_mut(&id) else { continue };
                    message.attempts += 1;
                    started.push((id, message.place));
                    let (attempts, failures) = (message.attempts, message.failures);
                    state.totals.redeliveries += u64::from(attempts > 1);
                    state.set_status(id, Status::Leased { deadline_ns });
                    taken.push(Delivery::new(self.clone(), payload, id, attempts, failures));
                }
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if !started.is_empty() {
            if self.log.is_durable()
                && let Err(error) = self.append_event(&Event::Started(started))
            {
                // The log refuses: nobody gets what could not be noted. Dropping the deliveries changes nothing.
                failed = Some(error);
                taken.iter().for_each(Delivery::forget);
                taken.clear();
            }
            self.journal.alarm().arm(deadline_ns);
        }
        self.unlock(state);
        match failed {
            Some(error) if taken.is_empty() => Err(error),
            _ => Ok(taken),
        }
    }

    /// The next deliverable message, which gets an entry in the state.
    fn next_message(&self, state: &mut State) -> Result<Option<(u64, Payload)>> {
        let waiting = state.first_waiting();
        if let Some(first) = waiting.filter(|first| state.is_before_cursor(*first)) {
            return self.take_waiting(state, first).map(Some);
        }
        while state.cursor.advance()? {
            let (frame, id) = (state.cursor.frame(), state.cursor.sequence());
            if frame.kind() != Kind::Data || state.ahead.remove(&id) || frame.has(INDEXED) {
                continue;
            }
            let (payload, place): (_, Place) = (state.cursor.payload(), state.cursor.found_place());
            state.messages.insert(id, Message::new(place, Status::Ready));
            state.turn_over(From::Ready, PRIORITY_DEFAULT);
            return Ok(Some((id, payload)));
        }
        waiting.map(|first| self.take_waiting(state, first)).transpose()
    }

    fn take_waiting(
        &self,
        state: &mut State,
        (id, priority, from): (u64, u8, From),
    ) -> Result<(u64, Payload)> {
        let place = state.messages.get(&id).map(|message| message.place).unwrap_or_default();
        let payload = self.log.payload_at(place, id)?;
        state.turn_over(from, priority);
        Ok((id, payload))
    }

    /// The same, waiting at most `wait` for the first.
    pub(crate) fn take_within(self: &Arc<Self>, count_max: usize, wait: Duration) -> Result<Vec<Delivery>> {
        self.log.data().wait_for(wait, || something(self.take(count_max))).unwrap_or(Ok(Vec::new()))
    }

    /// The same for a task.
    pub(crate) fn poll_take(
        self: &Arc<Self>,
        context: &Context<'_>,
        count_max: usize,
    ) -> Poll<Result<Vec<Delivery>>> {
        self.log.data().poll_for(context, || something(self.take(count_max)))
    }
}
