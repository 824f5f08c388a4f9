//! Emptying a queue.

use crate::error::Result;
use crate::log::Place;
use crate::notice::{self, Notice};
use crate::queue::dedup::Entries;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Message, State, Status};

/// Messages that are taken at a time.
const STEP_COUNT: usize = 4096;

impl Shared {
    /// Takes out what waits, and with force what is out, of what was there when it began.
    pub(crate) fn purge(&self, with_force: bool) -> Result<u64> {
        self.check_open()?;
        let end = self.log.end_sequence();
        let (mut state, _) = self.state_now();
        if with_force {
            self.hold_cursor(&mut state, |state| self.index_all(state));
        }
        let mut indexed: Vec<u64> = state.messages.keys().copied().filter(|id| *id < end).collect();
        self.unlock(state);
        indexed.sort_unstable();
        let mut count = 0;
        for ids in indexed.chunks(STEP_COUNT) {
            count += self.purge_step(|state| {
                let goes = |id: &u64| match state.messages.get(id).map(|message| message.status) {
                    Some(Status::Leased { .. }) => with_force,
                    status => status.is_some_and(Status::is_waiting),
                };
                Ok(ids.iter().copied().filter(goes).collect())
            })?;
        }
        loop {
            let purged = self.purge_step(|state| self.take_plain_before(state, end))?;
            if purged == 0 {
                self.forget_keys()?;
                notice::now(|| Notice::QueuePurged { queue: self.name.clone(), count });
                return Ok(count);
            }
            count += purged;
        }
    }

    /// What was purged may be sent again: no deduplication key is remembered.
    fn forget_keys(&self) -> Result<()> {
        let (mut state, _) = self.state_now();
        let forgotten = if state.dedup.is_empty() {
            Ok(Place::default())
        } else {
            self.append_event(&Event::Forgotten).inspect(|_| state.dedup = Entries::default())
        };
        self.unlock(state);
        self.journal.commit(&self.log, forgotten?)
    }

    /// Takes out what `choose` says.
    pub(crate) fn purge_step(&self, choose: impl FnOnce(&mut State) -> Result<Vec<u64>>) -> Result<u64> {
        self.check_open()?;
        let (mut state, _) = self.state_now();
        let taken: Result<_> = self.hold_cursor(&mut state, |state| {
            let ids = choose(state)?;
            let end = self.take_out_locked(state, &ids)?;
            state.totals.purged += ids.len() as u64;
            Ok((end, ids))
        });
        self.unlock(state);
        let (end, ids) = taken?;
        self.journal.commit(&self.log, end)?;
        self.settled(&ids);
        Ok(ids.len() as u64)
    }

    /// The next plain messages before `end`, past which the cursor is moved. While it is held.
    fn take_plain_before(&self, state: &mut State, end: u64) -> Result<Vec<u64>> {
        let mut ids = Vec::new();
        while ids.len() < STEP_COUNT && self.cursor.next_sequence() < end {
            let id = match self.next_plain(state) {
                Ok(Some(id)) => id,
                Ok(None) => break,
                Err(error) if ids.is_empty() => return Err(error),
                // Those that were taken go; the next step meets the error.
                Err(_) => break,
            };
            let message = Message::new(state.reader.found_place(), Status::Ready);
            let mut message = message.with_bytes(&state.reader.frame());
            message.is_told = true;
            if id < end {
                if state.room.is_some() {
                    // It is counted, and no longer once it is taken from the index.
                    state.insert(id, message);
                }
                ids.push(id);
            } else {
                // Only indexed ones were left before it: it came after the purge began.
                // It is told what becomes of it next.
                self.append_event(&Event::Adopted { id, place: message.place })?;
                state.insert(id, message);
            }
        }
        Ok(ids)
    }
}
