//! Releasing segments whose messages are all settled, and telling again what else is in them.
//!
//! **Promise.** A deduplication key outlives the segment of its message: before the segment goes, the key is told again at the
//! end of the log, durably.
//!
//! **How much that writes.** Segments go only when what is told again of them is at most half as long as they are; until enough
//! of their keys are over, or enough others are settled behind them, they stay. So at most as much is told again in all as was
//! written in the first place, however often a key is moved on; and what is kept is at most twice as long as the keys that
//! are remembered, and the segments in use. Without that rule keys that take more room than one segment would be moved
//! round for ever.

use crate::error::Result;
use crate::log::{Level, Place};
use crate::queue::dedup::Entry;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::{Ordering, lock};
use std::ops::Range;
use std::sync::Arc;

/// Most bytes of keys that one event tells, its last key aside.
const EVENT_BYTES_MAX: usize = 16 << 10;

impl Shared {
    /// Counts messages as settled, which is durable, and lets the segments go that are no longer needed.
    pub(crate) fn settled(&self, ids: &[u64]) {
        let mut is_over = false;
        for id in ids {
            if let Ok(Some(segment)) = self.log.segment_of(*id) {
                is_over |= self.tally.settle(&self.log, segment, 1);
            }
        }
        if is_over {
            self.release_settled();
        }
    }

    /// The same for messages that were plain to the end.
    #[inline]
    pub(crate) fn settle_run(&self, segment: u64, count: u32) {
        if self.tally.settle(&self.log, segment, count) {
            self.release_settled();
        }
    }

    #[cold]
    fn release_settled(&self) {
        // A file that cannot be removed is found again when the queue is opened.
        let _ = self.release_segments();
        let first = self.log.start().0;
        // Those who have not received for a while would keep what was released in memory.
        self.seats.for_each_free(|seat| seat.reader.leave_before(first));
    }

    /// Releases the oldest segments, as far as they are settled and their keys are told elsewhere.
    pub(crate) fn release_segments(&self) -> Result<()> {
        loop {
            let mut state = lock(&self.state);
            // ORDERING: Relaxed: `close` raises it before it takes the lock that we hold.
            if self.closed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut settled = self.tally.releasable(&self.log)?;
            if self.log.is_durable() && !state.dedup.is_empty() {
                settled.end = self.tell_again(&mut state, settled.clone())?;
                let end = state.told_end;
                if !settled.is_empty() && !self.log.reached(Level::Durable, end) {
                    drop(state);
                    // Whatever the hub's level is. What is told of these keys meanwhile comes after, and what is told up to
                    // here stays.
                    self.journal.commit_to(&self.log, end, Level::Durable)?;
                    state = lock(&self.state);
                }
            }
            if settled.is_empty() {
                return Ok(());
            }
            for number in settled {
                if !self.tally.release(&self.log, number)? {
                    return Ok(());
                }
            }
            drop(state);
        }
    }

    /// Tells again what must not go with settled segments; returns before which one they may go.
    fn tell_again(&self, state: &mut State, settled: Range<u64>) -> Result<u64> {
        let over_ns = state.dedup_options.over_before_ns(self.journal.now_ns());
        state.dedup.expire(over_ns);
        let mut keys = state.dedup.told_before(Place::new(settled.end, 0)).peekable();
        let (mut end, mut segment_bytes, mut key_bytes) = (settled.start, 0, 0);
        for number in settled {
            segment_bytes += self.log.segment_bytes(number)?;
            while let Some((_, key, _)) = keys.next_if(|(place, ..)| place.segment() <= number) {
                key_bytes += Event::remembered_bytes(key) as u64;
            }
            if 2 * key_bytes <= segment_bytes {
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
            self.tell(state, left.drain(..count).collect())?;
        }
        Ok(end)
    }

    /// Tells keys at the end of the log.
    pub(crate) fn tell(&self, state: &mut State, entries: Vec<(Arc<[u8]>, Entry)>) -> Result<()> {
        let event = Event::Remembered(entries);
        let end = self.append_event(&event)?;
        state.told_end = state.told_end.max(end);
        if let Event::Remembered(entries) = event {
            entries.iter().for_each(|(key, entry)| state.dedup.put(key, *entry, end));
        }
        Ok(())
    }
}
