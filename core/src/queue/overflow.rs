//! Making room in a queue that is full: which messages go, and that they go only if that is enough.
//!
//! Plain messages ahead of the cursor are only records. To drop one it is adopted first: taken into the index, with an event
//! that tells so, as if somebody had said something of it by its id.

use crate::error::{Error, Result};
use crate::limits::PRIORITY_MAX;
use crate::log::{INDEXED, Kind};
use crate::queue::capacity::{Capacity, Load, Overflow, Room};
use crate::queue::finished::Ending;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{DETOUR_BOUNDED, Death, Message, State, Status};
use crate::sync::{Ordering, yield_now};

/// Why a message is not let in.
pub(crate) enum Refusal {
    /// There is no room for now.
    Full(Error),
    /// Whatever room there is.
    Error(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full(error) | Refusal::Error(error) => error,
        }
    }
}

impl Shared {
    /// Has the queue hold no more than that from now on; `None` for as much as there is.
    pub(crate) fn set_capacity(&self, state: &mut State, capacity: Option<Capacity>) -> Result<()> {
        let memory_bytes = capacity.and_then(|capacity| capacity.memory_bytes());
        // ORDERING: Relaxed: as where it is read.
        if self.spills.swap(memory_bytes.is_some(), Ordering::Relaxed) || memory_bytes.is_some() {
            self.log.limit_memory(memory_bytes);
        }
        match (capacity.filter(Capacity::is_counted), &mut state.room) {
            (None, _) => {
                state.room = None;
                state.set_detour(DETOUR_BOUNDED, false);
            }
            (Some(capacity), Some(room)) => room.capacity = capacity,
            (Some(capacity), None) => {
                // Whoever comes and goes is counted under the lock from here on.
                state.set_detour(DETOUR_BOUNDED, true);
                self.index_runs(state);
                let mut room = Room::new(capacity, &self.log, self.freed.clone());
                self.count(state, &mut room)?;
                for message in state.letters_held.iter().filter_map(|id| state.messages.get(id)) {
                    room.enter(message.bytes.into());
                }
                state.room = Some(Box::new(room));
            }
        }
        self.freed.notify_all();
        Ok(())
    }

    /// Puts the leases of plain messages into the index. New ones are taken elsewhere already.
    fn index_runs(&self, state: &mut State) {
        self.seats.pass_all();
        for run in self.runs.in_use() {
            // Unless it cannot be read: then it is not counted.
            self.index_run(state, &run, u64::MAX);
        }
    }

    /// Counts what is in the queue and was not counted yet, up to where the log ends now: whoever appends something afterwards is
    /// found the next time.
    fn count(&self, state: &mut State, room: &mut Room) -> Result<()> {
        let (end, next) = (self.log.end_sequence(), self.cursor.next_sequence());
        while room.counted < end {
            if !room.reader.advance()? {
                let next = room.reader.next_sequence();
                self.count_moved(state, room, next);
                if room.counted < end {
                    // Claimed and not committed yet: a few instructions of another thread.
                    yield_now();
                }
                continue;
            }
            let id = room.reader.sequence();
            if !room.reader.kind().is_record() {
                continue;
            }
            self.count_moved(state, room, id);
            room.counted = id + 1;
            let frame = room.reader.frame();
            if frame.kind() != Kind::Data {
                continue;
            }
            let bytes = frame.bytes().len() as u64;
            let is_there = match state.messages.get_mut(&id) {
                Some(message) => {
                    message.bytes = bytes as u32;
                    room.wait(id, message.asks.priority, message.status.is_droppable());
                    !matches!(message.status, Status::Dying { .. })
                }
                // One of which nothing is known is counted when it comes into the index, or is gone.
                None if frame.has(INDEXED) => state.pending.contains_key(&id),
                None => id >= next && !state.ahead.contains(&id),
            };
            if is_there {
                room.enter(bytes);
            }
        }
        Ok(())
    }

    /// Counts the messages before that one that live elsewhere than where they were sent, and were not counted there. What else
    /// there was is settled, and released.
    fn count_moved(&self, state: &State, room: &mut Room, next: u64) {
        while let Some(last) = next.checked_sub(1)
            && let Some(id) = self.tally.first_guest(room.counted..=last)
        {
            room.counted = id + 1;
            let Some(message) = state.messages.get(&id) else { continue };
            room.wait(id, message.asks.priority, message.status.is_droppable());
            if !matches!(message.status, Status::Dying { .. }) {
                room.enter(message.bytes.into());
            }
        }
        room.counted = room.counted.max(next);
    }

    /// The same, if the queue has a capacity.
    fn count_all(&self, state: &mut State) -> Result<()> {
        let Some(mut room) = state.room.take() else { return Ok(()) };
        let counted = self.count(state, &mut room);
        state.room = Some(room);
        counted
    }

    /// The messages that have to go for so much to come, of at least that priority, beside those that are `going` anyway. They
    /// stay for now.
    pub(crate) fn victims(
        &self,
        state: &mut State,
        going: Vec<u64>,
        coming: Load,
        priority: u8,
    ) -> Result<Vec<u64>, Refusal> {
        self.count_all(state)?;
        let Some(room) = &state.room else { return Ok(Vec::new()) };
        let overflow = room.capacity.overflow;
        if room.never_fits(coming) {
            let Capacity { messages, bytes, .. } = room.capacity;
            let limit = |limit: Option<u64>| limit.map_or("any number of".into(), |limit| limit.to_string());
            let detail = format!(
                "{} messages with {} bytes are more than the capacity of queue {}, {} messages with {} bytes; send fewer at a \
                 time, or raise it",
                coming.messages,
                coming.bytes,
                self.name,
                limit(messages),
                limit(bytes)
            );
            return Err(Refusal::Error(Error::invalid("batch", detail)));
        }
        let mut chosen: Vec<u64> = Vec::with_capacity(going.len());
        let mut freed = Load::default();
        for id in going {
            set_aside(state, id, &mut chosen, &mut freed);
        }
        let going_count = chosen.len();
        let mut refusal = None;
        while let Some(excess) = state.room.as_ref().and_then(|room| room.excess(freed, coming)) {
            let below = chosen.get(going_count..).and_then(|of_ours| of_ours.last().copied());
            match self.next_victim(state, overflow, priority, below.unwrap_or(u64::MAX)) {
                Ok(Some(id)) => set_aside(state, id, &mut chosen, &mut freed),
                Ok(None) => refusal = Some(Refusal::Full(self.full(excess))),
                Err(error) => refusal = Some(Refusal::Error(error)),
            }
            if refusal.is_some() {
                break;
            }
        }
        for id in &chosen {
            if let (Some(message), Some(room)) = (state.messages.get(id), &mut state.room) {
                room.wait(*id, message.asks.priority, true);
            }
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(chosen.split_off(going_count)),
        }
    }

    /// Has messages go to make room. Those that are gone once that is durable are added to `gone`.
    pub(crate) fn drop_victims(&self, state: &mut State, victims: &[u64], gone: &mut Vec<u64>) -> Result<()> {
        let Some(overflow) = state.room.as_ref().map(|room| room.capacity.overflow) else { return Ok(()) };
        for id in victims {
            let end = if overflow == Overflow::DeadLetterOldest {
                self.die_locked(state, *id, Death::Overflow, "".into())?
            } else {
                let end = self.append_event(&Event::Dropped { id: *id })?;
                self.finish(state, *id, Ending::Dropped, None);
                state.remove(*id);
                gone.push(*id);
                end
            };
            state.admitted_end = state.admitted_end.max(end);
            state.totals.overflow.count(overflow);
        }
        self.tell_of_overflow(state, overflow, victims.len() as u64);
        Ok(())
    }

    fn full(&self, (what, count, limit): (&'static str, u64, u64)) -> Error {
        Error::Full {
            noun: "queue",
            name: self.name.clone(),
            what,
            count,
            limit,
            advice: "have more of it received and acked, send it later, or raise its capacity",
        }
    }

    /// The message to be dropped next, which is in the index then. Of the newest those below an id are looked at.
    fn next_victim(
        &self,
        state: &mut State,
        overflow: Overflow,
        priority: u8,
        below: u64,
    ) -> Result<Option<u64>> {
        match overflow {
            Overflow::Block(_) | Overflow::Reject | Overflow::Spill => Ok(None),
            // What dies has to stay for now, too.
            Overflow::DeadLetterOldest if !state.letters_held.is_empty() => Ok(None),
            Overflow::DropOldest | Overflow::DeadLetterOldest => self.oldest(state, None),
            Overflow::DropNewest => self.newest(state, below),
            Overflow::DropLowestPriority => {
                for priority in 0..=priority.min(PRIORITY_MAX) {
                    let found = self.oldest(state, Some(priority))?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                Ok(None)
            }
        }
    }

    fn oldest(&self, state: &mut State, priority: Option<u8>) -> Result<Option<u64>> {
        let oldest = |state: &State| state.room.as_ref().and_then(|room| room.oldest(priority));
        let (indexed, next) = (oldest(state), self.cursor.next_sequence());
        let plain_count = priority.is_none_or(|priority| priority == PRIORITY_DEFAULT);
        if plain_count && indexed.is_none_or(|id| id >= next) {
            self.adopt_next(state)?;
            return Ok(oldest(state));
        }
        Ok(indexed)
    }

    /// Takes the plain message that the cursor comes to next into the index.
    fn adopt_next(&self, state: &mut State) -> Result<()> {
        if let Some(id) = self.next_plain(state)? {
            let place = state.reader.found_place();
            let message = Message::new(place, Status::Ready).with_bytes(&state.reader.frame());
            self.append_event(&Event::Adopted { id, place })?;
            state.insert(id, message);
        }
        Ok(())
    }

    fn newest(&self, state: &mut State, below: u64) -> Result<Option<u64>> {
        let indexed = state.room.as_ref().and_then(|room| room.newest());
        let first = self.cursor.next_sequence().max(indexed.map_or(0, |id| id + 1));
        for id in (first..self.log.end_sequence().min(below)).rev() {
            // Not one that is out, or that is not durable yet.
            if !state.messages.contains_key(&id) && self.adopt_locked(state, id)? {
                return Ok(Some(id));
            }
        }
        Ok(indexed)
    }
}

/// Chooses a message: it is not found again, and what it takes is free.
fn set_aside(state: &mut State, id: u64, chosen: &mut Vec<u64>, freed: &mut Load) {
    if let (Some(message), Some(room)) = (state.messages.get(&id), &mut state.room) {
        room.wait(id, message.asks.priority, false);
        freed.add(message.bytes.into());
        chosen.push(id);
    }
}
