//! Receiving: by priority; of those that have none returned messages first, then those ahead of the cursor. Each is leased to
//! the delivery that carries it. As long as there are plain messages only, they are taken without a lock (`plain`).

use crate::error::{Error, Result, something};
use crate::limits::{LEASE_COUNT_MAX, RECEIVE_COUNT_MAX};
use crate::log::{Log, Payload, Reader};
use crate::queue::delivery::{Delivery, Kept};
use crate::queue::lease::{Grant, Term};
use crate::queue::plain::{Bytes, RUN_COUNT_MAX, Spare};
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{From, Message, PRIORITY_DEFAULT, State, Status};
use crate::sync::{Ordering, lock};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a receive of plain messages needs, kept from one to the next.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) reader: Reader,
    spare: Option<Spare>,
    frames: Vec<Bytes>,
}

/// When messages are in somebody's hands: only then does a lease count that was out when the process died (semantics B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// The receiver gives them to its caller.
    Now,
    /// It takes them ahead, and starts each when its time comes.
    Later,
}

impl Seat {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { reader: Reader::sent(log), spare: None, frames: Vec::with_capacity(RUN_COUNT_MAX) }
    }
}

impl Shared {
    /// Leases one message that is ready now.
    pub(crate) fn take_one(self: &Arc<Self>) -> Result<Option<Delivery>> {
        self.check_open()?;
        let mut taken = None;
        if self.take_plain(1, Start::Now, |delivery| taken = Some(delivery))? {
            return Ok(taken);
        }
        Ok(self.take_any(1, Start::Now, None)?.pop())
    }

    /// Leases up to `count_max` messages that are ready now.
    pub(crate) fn take(self: &Arc<Self>, count_max: usize, start: Start) -> Result<Vec<Delivery>> {
        self.check_receive(count_max)?;
        let mut taken = Vec::new();
        if self.take_plain(count_max, start, |delivery| taken.push(delivery))? {
            return Ok(taken);
        }
        self.take_any(count_max, start, None)
    }

    /// The same for a lease other than the queue's, waiting at most `wait` for the first.
    pub(crate) fn take_leased(
        self: &Arc<Self>,
        count_max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Delivery>> {
        let take = || {
            something(
                self.check_receive(count_max)
                    .and_then(|()| self.take_any(count_max, Start::Now, Some(lease))),
            )
        };
        self.log.data().wait_for(wait, take).unwrap_or(Ok(Vec::new()))
    }

    fn check_receive(&self, count_max: usize) -> Result<()> {
        self.check_open()?;
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        Ok(())
    }

    /// Leases plain messages without a lock. False: the queue is not that plain now, and nothing was done.
    #[inline]
    fn take_plain(
        self: &Arc<Self>,
        count_max: usize,
        start: Start,
        mut give: impl FnMut(Delivery),
    ) -> Result<bool> {
        // ORDERING: Acquire: pairs with `set_detour`.
        if self.detours.load(Ordering::Acquire) != 0 {
            return Ok(false);
        }
        let taken = self.seats.with(|seat| {
            // ORDERING: Relaxed, P15: who asks for the detour passes all seats after that.
            if self.detours.load(Ordering::Relaxed) != 0 {
                return Ok(false);
            }
            self.take_runs(seat, count_max, start, &mut give)
        });
        taken.unwrap_or(Ok(false))
    }

    fn take_runs(
        self: &Arc<Self>,
        seat: &mut Seat,
        count_max: usize,
        start: Start,
        give: &mut impl FnMut(Delivery),
    ) -> Result<bool> {
        let mut count = 0;
        while count < count_max
            && let Some(spare) = seat.spare.take().or_else(|| self.runs.spare())
        {
            let run = self.cursor.take(&mut seat.reader, count_max - count, &mut seat.frames, |_| false);
            let run = match run {
                Ok(Some(run)) => run,
                // Those that were taken are the caller's; the next receive meets the error.
                Err(error) if count == 0 => return Err(error),
                Ok(None) | Err(_) => {
                    seat.spare = Some(spare);
                    break;
                }
            };
            if self.log.is_durable() && start == Start::Now {
                let id = run.ids.start;
                self.append_event(&Event::Run { id, place: run.place, count: seat.frames.len() as u8 })?;
            }
            count += seat.frames.len();
            // ORDERING: Relaxed: altered meanwhile, it counts for this receive, or for the next.
            let lease_ns = self.lease_ns.load(Ordering::Relaxed);
            let deadline_ns = self.journal.now_ns().saturating_add(lease_ns);
            let kept = Kept::new(self.clone(), start == Start::Now, run.keep);
            let holds = self.runs.lease(spare, kept, run.ids, run.place, deadline_ns);
            for (hold, bytes) in holds.zip(seat.frames.drain(..)) {
                let delivery = Delivery::plain(hold, bytes);
                give(if start == Start::Later { delivery.ahead() } else { delivery });
            }
            self.journal.alarm().arm(deadline_ns);
        }
        Ok(true)
    }

    /// Leases up to `count_max` messages that are ready now, whatever they ask for.
    fn take_any(
        self: &Arc<Self>,
        count_max: usize,
        start: Start,
        lease: Option<Duration>,
    ) -> Result<Vec<Delivery>> {
        let (term, failures_max) = {
            let options = lock(&self.options);
            (Term::of(&options, lease)?, options.failures_max())
        };
        let (mut state, now_ns) = self.state_now();
        let mut grant = Grant::new(now_ns, term, start);
        let mut failed = None;
        while grant.count() < count_max && state.leased_count() < LEASE_COUNT_MAX {
            match self.next_message(&mut state, grant.count() == 0, failures_max) {
                Ok(Some((id, payload))) => {
                    self.lease_locked(&mut state, id, payload, &mut grant);
                    if state.messages.get(&id).is_some_and(|message| message.has_last_chance(failures_max)) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let noted = self.note_leases(grant);
        self.unlock(state);
        match failed {
            Some(error) if noted.as_ref().is_ok_and(Vec::is_empty) => Err(error),
            _ => noted,
        }
    }

    /// The next deliverable message, which gets an entry in the state.
    fn next_message(
        &self,
        state: &mut State,
        is_first: bool,
        failures_max: u32,
    ) -> Result<Option<(u64, Payload)>> {
        let waiting = state.first_waiting();
        // One that will die if it fails once more goes alone: it may take the process with it, and the others along.
        let is_alone = |state: &State, id| is_first || !state.has_last_chance(id, failures_max);
        if let Some(first) = waiting.filter(|first| state.is_before_cursor(*first)) {
            if !is_alone(state, first.0) {
                return Ok(None);
            }
            return self.take_waiting(state, first).map(Some);
        }
        if let Some(id) = self.next_plain(state)? {
            let (place, payload) = (state.reader.found_place(), state.reader.payload());
            let message = Message::new(place, Status::Ready).with_bytes(&state.reader.frame());
            state.messages.insert(id, message);
            state.turn_over(From::Ready, PRIORITY_DEFAULT);
            return Ok(Some((id, payload)));
        }
        let waiting = waiting.filter(|first| is_alone(state, first.0));
        waiting.map(|first| self.take_waiting(state, first)).transpose()
    }

    /// Moves the cursor past one message, which `state.reader` has found.
    pub(crate) fn next_plain(&self, state: &mut State) -> Result<Option<u64>> {
        let State { reader, frames, adopted, .. } = state;
        let run = self.cursor.take(reader, 1, frames, |id| adopted.contains(&id))?;
        state.forget_passed(self.cursor.next_sequence());
        Ok(run.map(|run| run.ids.start))
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

    /// Notes that a delivery that was taken ahead is in somebody's hands now.
    pub(crate) fn start(&self, delivery: &Delivery) -> Result<()> {
        if !self.log.is_durable() {
            return Ok(());
        }
        let token = delivery.token_unindexed();
        let place = match delivery.hold() {
            Some(hold) if hold.is_held() => hold.counted().and_then(|run| self.place_of(&run, hold.bit())),
            _ => lock(&self.state).place_leased(token.id, token.attempt),
        };
        let place = place.ok_or_else(|| self.lost(token.id, token.attempt))?;
        self.append_event(&Event::Started(vec![(token.id, place)])).map(|_| ())
    }

    /// The same, waiting at most `wait` for the first.
    pub(crate) fn take_within(
        self: &Arc<Self>,
        count_max: usize,
        wait: Duration,
        start: Start,
    ) -> Result<Vec<Delivery>> {
        self.log.data().wait_for(wait, || something(self.take(count_max, start))).unwrap_or(Ok(Vec::new()))
    }

    /// The same for a task.
    pub(crate) fn poll_take(
        self: &Arc<Self>,
        context: &Context<'_>,
        count_max: usize,
        start: Start,
    ) -> Poll<Result<Vec<Delivery>>> {
        self.log.data().poll_for(context, || something(self.take(count_max, start)))
    }
}
