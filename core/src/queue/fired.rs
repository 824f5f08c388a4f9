//! What schedules sent to a queue: a message of each slot, and the note that the slot is over.
//!
//! **Promise.** A schedule sends one message a slot, over any crash. The message and the note of its slot are one batch of the queue's log,
//! which recovery keeps whole or drops whole: a message without its note would be sent twice, a note without its message
//! never. A slot that is not later than the last noted one of its schedule is not sent.
//!
//! **Protocol.** The note is in the segment of its message, and segments are released. So before the segment goes in which the last note
//! of some schedule lies, all notes are told again in one event, and no segment goes before all notes are durable (`release.rs`).
//!
//! **Failure.** A crash drops the last batches as a whole; the hub finds those slots missed. If salvage finds a message and not its
//! note, the slot comes again.
//!
//! **Where next.** `firing.rs` sends; `hub/schedule/` decides when.

use crate::log::Place;
use crate::queue::shared::Shared;
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

    /// What is to be told again before the segments before `end` go: all, or nothing.
    pub(crate) fn told_before(&self, end: u64) -> Vec<(u64, u64)> {
        if !self.slots.values().any(|(_, told)| told.segment() < end) {
            return Vec::new();
        }
        self.slots.iter().map(|(schedule, (slot_ns, _))| (*schedule, *slot_ns)).collect()
    }
}

impl Shared {
    /// Forgets all schedules but these: their notes are not told again.
    pub(crate) fn retain_fired(&self, schedules: impl Fn(u64) -> bool) {
        lock(&self.state).fired.retain(schedules);
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
    fn all_notes_are_told_again_before_the_segment_of_one_goes_and_not_before() {
        let mut fired = Fired::default();
        fired.note(1, 10, Place::new(1, 7));
        fired.note(2, 20, Place::new(3, 7));
        assert_eq!(fired.told_before(2), [(1, 10), (2, 20)]);
        fired.note(1, 10, Place::new(4, 7));
        assert_eq!((fired.told_before(3).len(), fired.told_before(4).len()), (0, 2));
    }
}
