//! Sending the message of a schedule's slot.

use crate::error::Result;
use crate::log::{Draft, Kind};
use crate::message::Message;
use crate::queue::send::{check, prepare};
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
    /// committed by whoever commits next; until then nobody receives it.
    ///
    /// # Errors
    /// As sending. Unless `Poisoned`, nothing was sent.
    pub(crate) fn fire(&self, message: &Message<'_>, slot: Slot<'_>) -> Result<()> {
        let Slot { schedule, name, slot_ns } = slot;
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        check(message, now_ns)?;
        // ORDERING: Relaxed: as in sending.
        let mut prepared = prepare(message, now_ns, self.ttl_ns.load(Ordering::Relaxed));
        let slot_text = slot_ns.to_string();
        prepared.headers.extend([(SCHEDULE, name.as_bytes()), (SCHEDULE_SLOT, slot_text.as_bytes())]);
        let event = Event::Fired(vec![(schedule, slot_ns)]).encode();
        let drafts = [prepared.draft(now_ns), Draft::control(Kind::Control, now_ns, &event)];
        let (sent, _) = drafts.split_at(1);
        let appended = {
            // Whoever releases a segment must know of the note: both are under this lock.
            let mut state = lock(&self.state);
            if state.fired.last(schedule).is_some_and(|last_ns| last_ns >= slot_ns) {
                return Ok(());
            }
            let appended = self.log.append(&drafts)?;
            state.fired.note(schedule, slot_ns, appended.end);
            appended
        };
        if sent.iter().any(Draft::is_indexed) {
            // It would be delivered from the index, durable or not.
            self.journal.commit(&self.log, appended.end)?;
        } else {
            self.journal.note(&self.log);
        }
        self.index(sent, appended);
        Ok(())
    }
}
