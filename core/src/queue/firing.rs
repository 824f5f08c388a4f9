//! Sending the message of a schedule's slot.

use crate::error::Result;
use crate::log::{Draft, Kind};
use crate::message::Message;
use crate::queue::capacity::Load;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::send::prepare;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::sync::{Ordering, lock};

/// Header: the schedule that sent the message.
pub const SCHEDULE: &str = "rm-schedule";
/// Header: the slot that it was sent for, in nanoseconds since 1970.
pub const SCHEDULE_SLOT: &str = "rm-schedule-slot";

/// A slot of a schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'a> {
    pub(crate) schedule: u64,
    pub(crate) name: &'a str,
    pub(crate) slot_ns: u64,
}

impl Shared {
    /// The last slot of a schedule that came here.
    pub(crate) fn last_fired(&self, schedule: u64) -> Option<u64> {
        lock(&self.state).fired.last(schedule)
    }

    /// Waits until the notes of all slots are as safe as they get by themselves: before something else relies on them.
    ///
    /// # Errors
    /// `Poisoned`.
    pub(crate) fn commit_fired(&self) -> Result<()> {
        let end = lock(&self.state).fired.end();
        self.journal.commit_at(&self.log, end, self.journal.level_of_noted())
    }

    /// Sends the message of a slot, and notes the slot, as one batch; not if it is not later than the last. A plain message is
    /// committed by whoever commits next; until then nobody receives it. It does not wait for room.
    ///
    /// # Errors
    /// As sending. Unless `Poisoned`, nothing was sent.
    pub(crate) fn fire(&self, message: &Message<'_>, slot: Slot<'_>) -> Result<()> {
        let Slot { schedule, name, slot_ns } = slot;
        let now_ns = self.check_sendable(std::slice::from_ref(message))?;
        // ORDERING: Relaxed: as in sending.
        let mut prepared = prepare(message, now_ns, self.ttl_ns.load(Ordering::Relaxed), false);
        let slot_text = slot_ns.to_string();
        prepared.headers.extend([(SCHEDULE, name.as_bytes()), (SCHEDULE_SLOT, slot_text.as_bytes())]);
        let event = Event::Fired(vec![(schedule, slot_ns)]);
        let bytes = event.encode();
        let sent = prepared.draft(now_ns);
        // Whoever releases a segment must know of the note, and whoever counts, of the message: all is under this lock.
        let mut state = lock(&self.state);
        if state.fired.last(schedule).is_some_and(|last_ns| last_ns >= slot_ns) {
            return Ok(());
        }
        let mut coming = Load::default();
        coming.add(sent.bytes() as u64);
        let priority = message.task.priority.unwrap_or(PRIORITY_DEFAULT);
        let victims = self.victims(&mut state, Vec::new(), coming, priority)?;
        let appended = self.log.append(&[sent, Draft::control(Kind::Control, now_ns, &bytes)])?;
        state.keep(&event, appended.end);
        state.admitted_end = state.admitted_end.max(appended.end);
        let mut gone = Vec::new();
        let dropped = self.drop_victims(&mut state, &victims, &mut gone);
        let end = state.admitted_end;
        self.unlock(state);
        dropped?;
        if sent.is_indexed() || !gone.is_empty() {
            // It would be delivered from the index, durable or not.
            self.journal.commit(&self.log, end)?;
        } else {
            self.journal.note(&self.log);
        }
        self.index(&[sent], appended);
        if !gone.is_empty() {
            self.settled(&gone);
        }
        Ok(())
    }
}
