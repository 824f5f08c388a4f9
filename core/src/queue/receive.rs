//! Receiving: in the order of `rank.rs`, those in the index and those ahead of the cursor as if they were in one line. Each is
//! leased to the delivery that carries it. As long as there are plain messages only, they are taken without a lock (`plain`).
//! Limits are asked on the other way (`gate.rs`).

use crate::error::{Error, Result, something};
use crate::limits::{LEASE_COUNT_MAX, RECEIVE_COUNT_MAX};
use crate::log::{Log, Payload, Reader};
use crate::queue::delivery::{Delivery, Kept};
use crate::queue::lease::{Grant, Term};
use crate::queue::plain::{Bytes, Home, RUN_COUNT_MAX, Spare};
use crate::queue::rank::{NEW, PRIORITY_DEFAULT, Rank};
use crate::queue::settle::Token;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{DETOUR_WAITING, From, Message, State, Status, Waiting};
use crate::sync::{Ordering, lock};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) count_max: usize,
    /// Of values, unless the first alone has more.
    pub(crate) bytes_max: usize,
    /// How much later at most the lease begins: when the message is handed over.
    pub(crate) handed_over_ns: u64,
    /// None: the queue's.
    pub(crate) lease: Option<Duration>,
    pub(crate) start: Start,
    /// Which of the queue's consumers asks.
    pub(crate) consumer: Option<u64>,
}

impl Ask {
    pub(crate) fn new(count_max: usize, start: Start) -> Self {
        Self { count_max, bytes_max: usize::MAX, handed_over_ns: 0, lease: None, start, consumer: None }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.count_max == 0 || self.count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{} is not allowed; 1 to {RECEIVE_COUNT_MAX} are", self.count_max);
            return Err(Error::invalid("count_max", detail));
        }
        Ok(())
    }
}

/// What may come next.
#[derive(Debug, Clone, Copy)]
struct Room {
    now_ns: u64,
    is_first: bool,
    failures_max: u32,
    /// Of its value.
    bytes_max: usize,
}

/// What comes next.
enum Next {
    Message(u64, Payload),
    /// It does not fit in.
    TooLong,
    Nothing,
}

/// What a receive of plain messages needs, kept from one to the next.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) reader: Reader,
    /// Where it notes the leases of a run.
    home: Home,
    /// The entry that was found for a run, and not needed.
    spare: Option<Spare>,
    frames: Vec<Bytes>,
}

/// Where a receive of one puts it, without a list.
struct One(Option<Delivery>);

impl Extend<Delivery> for One {
    fn extend<I: IntoIterator<Item = Delivery>>(&mut self, deliveries: I) {
        self.0 = deliveries.into_iter().next();
    }
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
        Self {
            reader: Reader::sent(log),
            home: Home::default(),
            spare: None,
            frames: Vec::with_capacity(RUN_COUNT_MAX),
        }
    }
}

impl Shared {
    /// Leases one message that is ready now.
    pub(crate) fn take_one(self: &Arc<Self>) -> Result<Option<Delivery>> {
        self.check_open()?;
        let mut one = One(None);
        if self.take_plain(1, Start::Now, &mut one)? {
            return Ok(one.0);
        }
        let mut taken = Vec::new();
        self.take_more(&Ask::new(1, Start::Now), &mut taken)?;
        Ok(taken.pop())
    }

    /// Leases what is asked for and ready now.
    pub(crate) fn take_as(self: &Arc<Self>, ask: &Ask) -> Result<Vec<Delivery>> {
        self.check_open()?;
        ask.check()?;
        let mut taken = Vec::new();
        // On the way of plain messages all leases are the queue's.
        if ask.lease.is_none() && self.take_plain(ask.count_max, ask.start, &mut taken)? {
            return Ok(taken);
        }
        self.take_more(ask, &mut taken)?;
        Ok(taken)
    }

    /// Leases plain messages without a lock. False: the queue is not that plain now, and nothing was done.
    #[inline]
    fn take_plain(
        self: &Arc<Self>,
        count_max: usize,
        start: Start,
        into: &mut impl Extend<Delivery>,
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
            self.take_runs(seat, count_max, start, into)
        });
        taken.unwrap_or(Ok(false))
    }

    fn take_runs(
        self: &Arc<Self>,
        seat: &mut Seat,
        count_max: usize,
        start: Start,
        into: &mut impl Extend<Delivery>,
    ) -> Result<bool> {
        let mut count = 0;
        while count < count_max
            && let Some(spare) = seat.spare.take().or_else(|| self.runs.spare_of(&mut seat.home))
        {
            let run = self.cursor.take(&mut seat.reader, count_max - count, &mut seat.frames, |_| false);
            let run = match run {
                Ok(Some(run)) => run,
                // Those that were taken are the caller's; the next receive meets the error.
                other => {
                    seat.spare = Some(spare);
                    match other {
                        Err(error) if count == 0 => return Err(error),
                        _ => break,
                    }
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
            let deliveries = holds.zip(seat.frames.drain(..)).map(|(hold, bytes)| {
                let delivery = Delivery::plain(hold, bytes);
                if start == Start::Later { delivery.ahead() } else { delivery }
            });
            into.extend(deliveries);
            self.journal.alarm().arm(deadline_ns);
        }
        if count > 0 {
            self.pass_on();
        }
        Ok(true)
    }

    /// Wakes the next one who waits, if there is more to receive. Of what is sent together, or becomes durable together, only
    /// the first of them is told: each who has taken some of it tells the next (semantics B18).
    #[inline]
    fn pass_on(&self) {
        if self.log.data().has_sleepers() && self.has_more() {
            self.log.data().notify_one();
        }
    }

    /// Whether there may be something to receive.
    #[cold]
    fn has_more(&self) -> bool {
        // ORDERING: Relaxed: whoever puts something into the index tells everybody.
        let is_waiting = self.detours.load(Ordering::Relaxed) & DETOUR_WAITING != 0;
        is_waiting || self.log.readable_end() > self.cursor.place()
    }

    /// Leases what is asked for, counting what was taken before, whatever the messages ask for. True: nothing more fits in.
    pub(crate) fn take_more(self: &Arc<Self>, ask: &Ask, taken: &mut Vec<Delivery>) -> Result<bool> {
        self.check_open()?;
        let (term, failures_max) = {
            let options = lock(&self.options);
            (Term::of(&options, ask.lease)?.later_by(ask.handed_over_ns), options.failures_max())
        };
        let (mut state, now_ns) = self.state_now();
        // Once more, for a close may have handed everything back meanwhile.
        let is_active = self.check_open().and_then(|()| self.is_active(&state, ask.consumer));
        if !matches!(is_active, Ok(true)) {
            self.unlock(state);
            return is_active;
        }
        let mut grant = Grant::new(now_ns, term, ask.start);
        let mut failed = None;
        let mut bytes: usize = taken.iter().map(|delivery| delivery.value().len()).sum();
        let mut is_full = false;
        while !is_full
            && taken.len() + grant.count() < ask.count_max
            && state.leased_count() < LEASE_COUNT_MAX
            && state.is_open(now_ns)
        {
            let is_first = taken.is_empty() && grant.count() == 0;
            let bytes_max = if is_first { usize::MAX } else { ask.bytes_max.saturating_sub(bytes) };
            match self.next_admitted(&mut state, Room { now_ns, is_first, failures_max, bytes_max }) {
                Ok(Next::Message(id, payload)) => {
                    bytes += payload.frame().value().len();
                    self.lease_locked(&mut state, id, payload, &mut grant);
                    is_full = state.has_last_chance(id, failures_max);
                    if is_full {
                        self.tell_of_last_chance(&state, id);
                    }
                }
                Ok(Next::TooLong) => is_full = true,
                Ok(Next::Nothing) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if grant.count() == 0
            && let Some(next_ns) = state.limits.as_ref().and_then(|limits| limits.next_ns())
        {
            self.journal.alarm().arm(next_ns);
        }
        let is_over = grant.count() > 0 || is_full;
        let noted = self.note_leases(grant);
        self.unlock(state);
        if is_over {
            self.pass_on();
        }
        taken.extend(noted?);
        match failed {
            Some(error) if taken.is_empty() => Err(error),
            _ => Ok(is_full || taken.len() >= ask.count_max),
        }
    }

    /// The next deliverable message that no limit of its key holds, if there is room for it.
    fn next_admitted(&self, state: &mut State, room: Room) -> Result<Next> {
        while let Some((id, payload)) = self.next_message(state, room)? {
            if room.bytes_max < payload.frame().value().len() {
                self.set_aside(state, id, &payload, Status::Ready)?;
                return Ok(Next::TooLong);
            }
            if state.limits.is_none() || self.let_through(state, id, &payload, room.now_ns)? {
                return Ok(Next::Message(id, payload));
            }
        }
        Ok(Next::Nothing)
    }

    /// The next deliverable message, which gets an entry in the state.
    fn next_message(&self, state: &mut State, room: Room) -> Result<Option<(u64, Payload)>> {
        let Room { now_ns, is_first, failures_max, .. } = room;
        let waiting = state.first_waiting(now_ns);
        let plain_first = waiting.map_or(Ok(true), |first| self.is_plain_first(state, first, now_ns))?;
        if plain_first
            && !state.is_crowded()
            && let Some(id) = self.next_plain(state)?
        {
            let (place, payload) = (state.reader.found_place(), state.reader.payload());
            let message = Message::new(place, Status::Ready).with_bytes(&state.reader.frame());
            state.messages.insert(id, message);
            state.plain_turn_over();
            return Ok(Some((id, payload)));
        }
        // One that will die if it fails once more goes alone: it may take the process with it, and the others along.
        let waiting = waiting.filter(|first| is_first || !state.has_last_chance(first.id, failures_max));
        waiting.map(|first| self.take_waiting(state, first)).transpose()
    }

    /// Whether the next plain message, if there is one, comes before the first that waits in the index.
    fn is_plain_first(&self, state: &mut State, first: Waiting, now_ns: u64) -> Result<bool> {
        // Unless they age, it matters only among those that nobody had yet which one that is.
        let is_any_like_another =
            first.from != From::Ready || first.rank.0.0 != PRIORITY_DEFAULT || first.rank.1 != NEW;
        if is_any_like_another && !state.ageing.is_on() {
            return Ok(state.is_before(state.ageing.plain_rank(0, now_ns, now_ns), first));
        }
        let next = self.peek_plain(state, now_ns)?;
        Ok(next.is_some_and(|plain| state.is_before(plain, first)))
    }

    /// Where the next plain message stands, if there is one.
    pub(crate) fn peek_plain(&self, state: &mut State, now_ns: u64) -> Result<Option<Rank>> {
        let State { reader, adopted, .. } = state;
        let next = self.cursor.peek(reader, |id| adopted.contains(&id))?;
        state.forget_passed(self.cursor.next_sequence());
        Ok(next.map(|(id, sent_ns)| state.ageing.plain_rank(id, sent_ns, now_ns)))
    }

    /// Moves the cursor past one message, which `state.reader` has found.
    pub(crate) fn next_plain(&self, state: &mut State) -> Result<Option<u64>> {
        let State { reader, frames, adopted, .. } = state;
        let run = self.cursor.take(reader, 1, frames, |id| adopted.contains(&id))?;
        state.forget_passed(self.cursor.next_sequence());
        Ok(run.map(|run| run.ids.start))
    }

    fn take_waiting(&self, state: &mut State, first @ Waiting { id, .. }: Waiting) -> Result<(u64, Payload)> {
        let place = state.messages.get(&id).map(|message| message.place).unwrap_or_default();
        let payload = self.payload_at(place, id)?;
        state.turn_over(first);
        Ok((id, payload))
    }

    /// Notes that a delivery that was taken ahead is in somebody's hands now.
    pub(crate) fn start(&self, delivery: &Delivery) -> Result<()> {
        let token = delivery.token_unindexed();
        let place = match delivery.hold().filter(|hold| hold.is_held()) {
            Some(_) if !self.log.is_durable() => return Ok(()),
            Some(hold) => hold.counted().and_then(|run| self.place_of(&run, hold.bit())),
            None => return self.start_indexed(token),
        };
        let place = place.ok_or_else(|| self.lost(token.id, token.attempt))?;
        self.append_event(&Event::Started(vec![(token.id, place)])).map(drop)
    }

    /// The same for a lease in the index.
    fn start_indexed(&self, token: Token) -> Result<()> {
        let mut state = lock(&self.state);
        let message = state.message_leased(token).ok_or_else(|| self.lost(token.id, token.attempt))?;
        if self.log.is_durable() {
            // Under the lock: whoever tells the message again says whether the log knows of its lease.
            self.append_event(&Event::Started(vec![(token.id, message.place)]))?;
            message.untold -= u32::from(message.is_ahead);
            message.is_ahead = false;
        }
        Ok(())
    }

    /// Leases what is asked for, waiting at most `wait` for the first.
    pub(crate) fn take_within(self: &Arc<Self>, ask: &Ask, wait: Duration) -> Result<Vec<Delivery>> {
        self.log.data().wait_for(wait, || something(self.take_as(ask))).unwrap_or(Ok(Vec::new()))
    }

    /// Whether a receive would get something, for a task, which is woken when it may.
    pub(crate) fn poll_ready(&self, context: &Context<'_>) -> Poll<Result<()>> {
        self.log.data().poll_for(context, || match self.is_ready() {
            Ok(is_ready) => is_ready.then_some(Ok(())),
            Err(error) => Some(Err(error)),
        })
    }

    /// Whether there is something to receive, limits of its own key aside.
    fn is_ready(&self) -> Result<bool> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let is_ready = self.is_active(&state, None).and_then(|is_active| {
            let may_receive = is_active
                && state.leased_count() < LEASE_COUNT_MAX
                && state.is_open(now_ns)
                && self.has_more();
            Ok(may_receive
                && (state.first_waiting(now_ns).is_some() || self.peek_plain(&mut state, now_ns)?.is_some()))
        });
        if let Some(next_ns) = state.limits.as_ref().and_then(|limits| limits.next_ns()) {
            self.journal.alarm().arm(next_ns);
        }
        self.unlock(state);
        is_ready
    }

    /// Leases what is asked for, for a task, which is woken when there may be one.
    pub(crate) fn poll_take(
        self: &Arc<Self>,
        context: &Context<'_>,
        ask: &Ask,
    ) -> Poll<Result<Vec<Delivery>>> {
        self.log.data().poll_for(context, || something(self.take_as(ask)))
    }
}
