//! What schedules sent to a queue: a message of each slot, and the note that the slot is over.
//!
//! **Promise.** A schedule sends one message a slot, over any crash. The message and the note of its slot are one batch of the queue's log,
//! which recovery keeps whole or drops whole: a message without its note would be sent twice, a note without its message
//! never. A slot that is not later than the last noted one of its schedule is not sent.
//!
//! **Protocol.** The note is in the segment of its message, and segments are released. So before the first segment goes while the last note
//! of some schedule lies in it, all notes are said again in one event at the end of the log; and as long as a note is not durable, no
//! segment goes. One event for all, because a frame comes into a segment of at least twice its size: what is said
//! again takes half of what is written at most, however many schedules there are.
//!
//! **Failure.** A crash drops the last batches as a whole; the hub finds those slots missed. If salvage finds a message and not its
//! note, the slot comes again.
//!
//! **Where next.** `firing.rs` sends; `hub/schedule/` decides when.

use crate::log::Place;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::lock;
use std::collections::BTreeMap;

/// The last slot of each schedule, and up to where the log must be kept for it.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    slots: BTreeMap<u64, (u64, Place)>,
}

impl Fired {
    /// Notes that a slot of a schedule is over. `end`: where that is said in the log.
    pub(crate) fn note(&mut self, schedule: u64, slot_ns: u64, end: Place) {
        let last = self.slots.entry(schedule).or_insert((slot_ns, end));
        if slot_ns >= last.0 {
            *last = (slot_ns, end);
        }
    }

    /// The last slot of a schedule.
    #[cfg(any(test, feature = "cron"))]
    pub(crate) fn last(&self, schedule: u64) -> Option<u64> {
        self.slots.get(&schedule).map(|(slot_ns, _)| *slot_ns)
    }

    /// Up to where the log has all the notes.
    #[cfg(feature = "cron")]
    pub(crate) fn end(&self) -> Place {
        self.slots.values().map(|(_, end)| *end).max().unwrap_or_default()
    }

    /// Keeps the notes of these schedules only.
    pub(crate) fn retain(&mut self, schedules: impl Fn(u64) -> bool) {
        self.slots.retain(|schedule, _| schedules(*schedule));
    }

    /// What is to be said again before this segment goes.
    fn said_last_by(&self, segment: u64) -> Option<Vec<(u64, u64)>> {
        let goes = self.slots.values().any(|(_, end)| end.segment() <= segment);
        goes.then(|| self.slots.iter().map(|(schedule, (slot_ns, _))| (*schedule, *slot_ns)).collect())
    }
}

impl Shared {
    /// Forgets all schedules but these: their notes are not said again.
    pub(crate) fn retain_fired(&self, schedules: impl Fn(u64) -> bool) {
        lock(&self.state).fired.retain(schedules);
    }

    /// Whether this segment, the log's first, may go as far as schedules are concerned. If not yet, the next settlement asks again.
    pub(crate) fn is_free_of_notes(&self, state: &mut State, segment: u64) -> bool {
        if state.fired.slots.is_empty() || !self.log.is_durable() {
            return true;
        }
        if let Some(notes) = state.fired.said_last_by(segment) {
            let Ok(end) = self.append_event(&Event::Fired(notes.clone())) else { return false };
            notes.into_iter().for_each(|(schedule, slot_ns)| state.fired.note(schedule, slot_ns, end));
        }
        let level = self.journal.level_of_noted();
        state.fired.slots.values().all(|(_, end)| self.log.reached(level, *end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_slot_of_a_schedule_is_the_latest_that_was_noted_in_whatever_order() {
        let mut fired = Fired::default();
        for slot_ns in [10, 30, 20] {
            fired.note(1, slot_ns, Place::new(1, slot_ns));
        }
        assert_eq!((fired.last(1), fired.last(2)), (Some(30), None));
        fired.retain(|schedule| schedule != 1);
        assert_eq!(fired.last(1), None);
    }

    #[test]
    fn all_notes_are_said_again_before_the_segment_of_one_goes_and_not_before() {
        let mut fired = Fired::default();
        fired.note(1, 10, Place::new(1, 7));
        fired.note(2, 20, Place::new(3, 7));
        assert_eq!(fired.said_last_by(1), Some(vec![(1, 10), (2, 20)]));
        fired.note(1, 10, Place::new(4, 7));
        assert_eq!((fired.said_last_by(2), fired.said_last_by(3).is_some()), (None, true));
    }
}
