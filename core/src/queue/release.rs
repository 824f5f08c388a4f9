//! Releasing segments whose messages are all settled, and telling again what else is in them.
//!
//! **Promise.** Deduplication keys (`dedup.rs`), notes of slots (`fired.rs`), rests (`rests.rs`), halts of ordering keys (`halt.rs`) and
//! the messages that still live in nearly empty segments (`relocate.rs`) outlive their segment: before it goes, what it told last
//! of them is told again in events at the end of the log, durably.
//!
//! **How.** `State::keep` remembers what such an event tells, and where that was: for who tells it the first time, for who
//! tells it again, and in recovery. No segment goes before all of it is durable, so that no crash takes back the newer of two and finds the
//! older one gone.
//!
//! **How much that writes.** Segments go only when what is told again of them is at most half as long as they are; until enough
//! of their keys are over, or enough others are settled behind them, they stay. So at most as much is told again in all as was
//! written in the first place, however often a key is moved on; and what is kept is at most twice as long as what
//! is remembered, and the segments in use. Without that rule keys that take more room than one segment would be moved
//! round for ever.
//!
//! One thread at a time releases (`tally.rs`). So what it found settled stays settled, nobody moves into a segment that it found
//! without guests, and files are read, synced and removed without the state's lock: that is held only to tell again.

use crate::error::Result;
use crate::journal::SeededBug;
use crate::log::{Level, Place};
use crate::notice;
use crate::queue::dead::{Work, bury_all};
use crate::queue::dedup::Entry;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::{Ordering, lock};
use std::ops::Range;
use std::sync::{Arc, Weak};

/// Most bytes of keys that one event tells, its last key aside.
const EVENT_BYTES_MAX: usize = 16 << 10;

impl Shared {
    /// Counts messages as settled, which is durable, and lets the segments go that are no longer needed. Letters that have waited for
    /// the room come in.
    pub(crate) fn settled(&self, ids: &[u64]) {
        // What cannot be buried now is the next time.
        let _ = bury_all(self.count_settled(ids));
    }

    /// The same; returns the queues whose letters may come in.
    pub(crate) fn count_settled(&self, ids: &[u64]) -> Work {
        if ids.is_empty() {
            return Work::new();
        }
        let mut is_over = false;
        let mut state = lock(&self.state);
        let senders = std::mem::take(&mut state.letter_senders);
        let ids: Vec<u64> = ids.iter().copied().filter(|id| state.copies.may_settle(*id)).collect();
        drop(state);
        ids.iter().for_each(|id| is_over |= self.tally.settle_message(&self.log, *id));
        if is_over {
            self.release_settled();
        }
        senders.iter().filter_map(Weak::upgrade).map(|sender| (sender, Vec::new())).collect()
    }

    /// The same for messages that were plain to the end.
    #[inline]
    pub(crate) fn settle_run(&self, segment: u64, count: u32) {
        if self.tally.settle(&self.log, segment, count) {
            self.release_settled();
        }
    }

    /// Lets the segments go that are no longer needed.
    #[cold]
    pub(crate) fn release_settled(&self) {
        self.tally.one_at_a_time(|| {
            // A file that cannot be removed is found again when the queue is opened.
            let _ = self.release_segments();
            let first = self.log.start().0;
            // Those who have not received for a while would keep what was released in memory.
            self.seats.for_each_free(|seat| seat.reader.leave_before(first));
            if let Some(room) = &mut lock(&self.state).room {
                room.reader.leave_before(first);
            }
        });
        notice::tell();
    }

    /// Releases the oldest segments, as far as they are settled and what must outlive them is told elsewhere. By one at a time.
    pub(crate) fn release_segments(&self) -> Result<()> {
        loop {
            let mut settled = self.tally.releasable(&self.log)?;
            if settled.is_empty() {
                if self.relocate()? {
                    continue;
                }
                return Ok(());
            }
            if self.log.is_durable() {
                let mut state = lock(&self.state);
                if self.is_closed() {
                    return Ok(());
                }
                settled.end = self.tell_again(&mut state, settled.clone())?;
                let end = state.told_end;
                drop(state);
                let is_planted = self.journal.is_planted(SeededBug::ReleasedAhead);
                if !settled.is_empty() && !self.log.reached(Level::Durable, end) && !is_planted {
                    // Whatever the hub's level is. What is told meanwhile comes after, and what is told up to here stays.
                    self.journal.commit_to(&self.log, end, Level::Durable)?;
                }
            }
            if settled.is_empty() || self.is_closed() {
                return Ok(());
            }
            for number in settled {
                if !self.tally.release(&self.log, number)? {
                    return Ok(());
                }
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // ORDERING: Relaxed: `close` raises it before it takes the state's lock, and the log closes after that, which is
        // what keeps files from being removed.
        self.closed.load(Ordering::Relaxed)
    }

    /// Tells again what must not go with settled segments; returns before which one they may go.
    fn tell_again(&self, state: &mut State, settled: Range<u64>) -> Result<u64> {
        let now_ns = self.journal.now_ns();
        let over_ns = state.dedup_options.over_before_ns(now_ns);
        state.dedup.expire(over_ns);
        state.rests.forget_over(now_ns);
        let mut keys = state.dedup.told_before(Place::new(settled.end, 0)).peekable();
        let mut halts = state.groups.halts_told_before(Place::new(settled.end, 0));
        let mut left = halts.iter().peekable();
        let (mut end, mut segment_bytes, mut key_bytes, mut halt_bytes) = (settled.start, 0, 0, 0);
        for number in settled {
            segment_bytes += self.log.segment_bytes(number)?;
            while let Some((_, key, _)) = keys.next_if(|(place, ..)| place.segment() <= number) {
                key_bytes += Event::remembered_bytes(key) as u64;
            }
            while let Some((_, halt)) = left.next_if(|(place, _)| place.segment() <= number) {
                halt_bytes += halt.encode().len() as u64;
            }
            let slot_bytes = Event::fired_bytes(state.fired.told_before(number + 1).len()) as u64;
            let rests = state.rests.told_before(number + 1);
            let rest_bytes: u64 = rests.map(|(key, _)| Event::resting_bytes(key.as_deref()) as u64).sum();
            if 2 * (key_bytes + halt_bytes + slot_bytes + rest_bytes) <= segment_bytes {
                end = number + 1;
            }
        }
        drop(keys);
        let told = state.dedup.told_before(Place::new(end, 0));
        let mut left: Vec<_> = told.map(|(_, key, entry)| (key.clone(), entry)).collect();
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = |(key, _): &&(Arc<[u8]>, Entry)| {
                let before = bytes;
                bytes += Event::remembered_bytes(key);
                before < EVENT_BYTES_MAX
            };
            let count = left.iter().take_while(fits).count();
            self.tell(state, Event::Remembered(left.drain(..count).collect()))?;
        }
        let slots = state.fired.told_before(end);
        if !slots.is_empty() {
            self.tell(state, Event::Fired(slots))?;
        }
        halts.retain(|(place, _)| place.segment() < end);
        halts.into_iter().try_for_each(|(_, halt)| self.tell(state, halt))?;
        let rests = state.rests.told_before(end).map(|(key, until_ns)| (key.clone(), until_ns));
        for (key, until_ns) in Vec::from_iter(rests) {
            self.tell(state, Event::Resting { until_ns, key })?;
        }
        Ok(end)
    }

    /// Tells what must outlive its segment at the end of the log.
    pub(crate) fn tell(&self, state: &mut State, event: Event) -> Result<()> {
        let end = self.append_event(&event)?;
        state.keep(&event, end);
        Ok(())
    }
}

impl State {
    /// Remembers what an event tells that must outlive its segment. `end`: where it is in the log.
    pub(crate) fn keep(&mut self, event: &Event, end: Place) {
        self.told_end = self.told_end.max(end);
        match event {
            Event::Remembered(entries) => {
                entries.iter().for_each(|(key, entry)| self.dedup.put(key, *entry, end));
            }
            Event::Fired(slots) => {
                slots.iter().for_each(|(schedule, slot_ns)| self.fired.note(*schedule, *slot_ns, end));
            }
            Event::Halted { key, halt, .. } => self.groups.halt(key, halt.clone(), end),
            Event::Resting { until_ns, key } => self.rests.note(key.as_deref(), *until_ns, end),
            _ => {}
        }
    }
}
