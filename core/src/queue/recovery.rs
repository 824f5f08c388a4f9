//! Opening a queue: its log is read from the oldest segment held, and the state is rebuilt from the events in it.
//!
//! **Promise.** An ack that was durable is never undone; a message that was not settled is delivered again. A lease that
//! was out counts as a failure (the process may have died of that very message), unless it was handed back.
//!
//! **Why the cursor can be found.** Leases are granted in order under one lock, and the log is recovered as a prefix: if a
//! later message's lease is in it, every earlier one's is. So the cursor goes behind the last plain message that was
//! ever leased, and whatever lies before it and is not settled is in the state.

use crate::error::Result;
use crate::journal::Journal;
use crate::log::{INDEXED, Kind, Log, Reader};
use crate::name::Name;
use crate::queue::options::QueueOptions;
use crate::queue::settlement::Event;
use crate::queue::shared::{Shared, apply_failure, waiting};
use crate::queue::state::{Message, State, Status};
use crate::sync::lock;
use std::sync::Arc;

impl Shared {
    /// Opens the queue whose log this is.
    ///
    /// # Errors
    /// `Corrupt` or `Io` reading the log; what finishing interrupted deaths brings.
    pub(crate) fn open(
        name: Name,
        log: Arc<Log>,
        journal: Arc<Journal>,
        options: QueueOptions,
        dead: Option<Arc<Shared>>,
    ) -> Result<Arc<Self>> {
        let seed = journal.now_ns() ^ log.end_sequence();
        let mut state = State::new(Reader::earliest(log.clone()), seed);
        let cursor = replay(&mut state, &log)?;
        state.cursor.seek(cursor)?;
        state.ahead = state.ahead.split_off(&cursor);
        let queue = Self::new(name, log, journal, options, dead, state);
        queue.count_crashes()?;
        queue.finish_burials()?;
        let (mut state, _) = queue.state_now();
        state.tally.release(&queue.log)?;
        queue.unlock(state);
        Ok(queue)
    }

    /// Leases that were out when the process ended count as failures.
    fn count_crashes(&self) -> Result<()> {
        let mut state = lock(&self.state);
        let now_ns = self.journal.now_ns();
        for id in state.leased_ids() {
            let reason = "the process ended while it held the lease".to_owned();
            self.fail_locked(&mut state, id, now_ns, reason, None, false)?;
        }
        Ok(())
    }
}

/// Applies every event of the log; returns where the cursor goes.
fn replay(state: &mut State, log: &Arc<Log>) -> Result<u64> {
    let mut reader = Reader::earliest(log.clone());
    let first = reader.next_sequence();
    let mut cursor = first;
    while reader.advance()? {
        let frame = reader.frame();
        match frame.kind() {
            Kind::Data if frame.has(INDEXED) => {
                // Settled or not: the cursor will pass it, and it is no plain message.
                state.ahead.insert(reader.sequence());
                state.insert(reader.sequence(), Message::new(reader.found_place(), waiting(frame.due_ns())));
            }
            Kind::Control => {
                let Some(event) = Event::decode(frame.value()) else { continue };
                apply(state, log, event, first, &mut cursor);
            }
            _ => {}
        }
    }
    Ok(cursor)
}

fn apply(state: &mut State, log: &Log, event: Event, first: u64, cursor: &mut u64) {
    let forget = |state: &mut State, id: u64| {
        if id >= first {
            state.remove(id);
            state.tally.settle(log, id);
        }
    };
    match event {
        Event::Started(leases) => {
            for (id, place) in leases.into_iter().filter(|(id, _)| *id >= first) {
                if !state.messages.contains_key(&id) {
                    state.insert(id, Message::new(place, Status::Ready));
                    *cursor = (*cursor).max(id + 1);
                }
                if let Some(message) = state.messages.get_mut(&id) {
                    message.attempts += 1;
                }
                // Its deadline was the dead process's: it is over.
                state.set_status(id, Status::Leased { deadline_ns: u64::MAX });
            }
        }
        Event::Acked(ids) => ids.into_iter().for_each(|id| forget(state, id)),
        Event::Failed(failure) => apply_failure(state, failure),
        Event::Released { id, due_ns } => state.set_status(id, waiting(due_ns)),
        Event::Dead { id } | Event::Dropped { id } => forget(state, id),
    }
}
