//! Deadlines of messages, and what is still to be carried to another queue because one was missed.
//!
//! **Promise.** A message whose copy is being carried is not settled before the copy is there: until then its record can be
//! read, also after a crash.

use crate::log::Place;
use std::collections::{BTreeMap, BTreeSet};

/// A deadline of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Deadline {
    /// It was to be received by then: [`Message::start_within`](crate::Message::start_within).
    Start = 1,
    /// It was to be acked by then: [`Message::complete_within`](crate::Message::complete_within).
    Complete = 2,
}

impl Deadline {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Start, Self::Complete].into_iter().find(|deadline| *deadline as u8 == byte)
    }

    /// `start` or `complete`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
        }
    }

    /// The text of a death by it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Start => "not received by its deadline",
            Self::Complete => "not acked by its deadline",
        }
    }
}

/// What happens to a message that missed a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Then {
    Nothing = 0,
    /// A copy of it goes to another queue.
    Escalate = 1,
    /// It goes to another queue.
    Move = 2,
    Die = 3,
    Cancel = 4,
    /// Its worker is told that it is cancelled.
    Recall = 5,
}

impl Then {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Nothing, Self::Escalate, Self::Move, Self::Die, Self::Cancel, Self::Recall]
            .into_iter()
            .find(|then| *then as u8 == byte)
    }
}

/// A copy on its way: one for each deadline that was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) place: Place,
    pub(crate) attempts: u32,
    pub(crate) failures: u32,
    /// The message itself goes there.
    pub(crate) is_move: bool,
}

/// Which copy.
pub(crate) type CopyKey = (u64, Deadline);

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    under_way: BTreeMap<CopyKey, Copy>,
    /// Not yet in anybody's hands.
    fresh: Vec<CopyKey>,
    /// Messages that are settled as soon as their copies are there.
    held: BTreeSet<u64>,
}

impl Copies {
    pub(crate) fn add(&mut self, key: CopyKey, copy: Copy) {
        self.under_way.insert(key, copy);
        self.fresh.push(key);
    }

    /// Those that nobody carries yet, for whoever asks to carry.
    pub(crate) fn take_fresh(&mut self) -> Vec<(CopyKey, Copy)> {
        let fresh = std::mem::take(&mut self.fresh);
        fresh.into_iter().filter_map(|key| Some((key, *self.under_way.get(&key)?))).collect()
    }

    /// Nobody carries them any more.
    pub(crate) fn put_back(&mut self, copies: &[(CopyKey, Copy)]) {
        self.fresh.extend(copies.iter().map(|(key, _)| *key));
    }

    /// A message is to be settled. False: not yet, but when [`finish`](Self::finish) says so.
    pub(crate) fn may_settle(&mut self, id: u64) -> bool {
        if self.under_way.is_empty() || !self.is_under_way(id) {
            return true;
        }
        self.held.insert(id);
        false
    }

    /// A copy is there. `was_message`: and that was its message. True: the message is to be settled now.
    pub(crate) fn finish(&mut self, key: CopyKey, was_message: bool) -> bool {
        self.under_way.remove(&key);
        if was_message {
            return self.may_settle(key.0);
        }
        !self.is_under_way(key.0) && self.held.remove(&key.0)
    }

    pub(crate) fn get(&self, key: CopyKey) -> Option<&Copy> {
        self.under_way.get(&key)
    }

    /// Whether a copy of a message is to be made from where it is.
    pub(crate) fn is_under_way(&self, id: u64) -> bool {
        self.under_way.range((id, Deadline::Start)..=(id, Deadline::Complete)).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPY: Copy = Copy { place: Place(8), attempts: 1, failures: 0, is_move: false };

    #[test]
    fn a_message_is_settled_when_the_last_of_its_copies_is_there() {
        let mut copies = Copies::default();
        copies.add((7, Deadline::Start), COPY);
        copies.add((7, Deadline::Complete), COPY);
        assert!(copies.may_settle(6) && copies.may_settle(8), "others are not held up");
        assert!(!copies.may_settle(7));
        assert!(!copies.finish((7, Deadline::Start), false));
        assert!(copies.finish((7, Deadline::Complete), false));
        assert!(copies.may_settle(7));
    }

    #[test]
    fn a_message_that_is_still_there_is_not_settled_by_its_copy() {
        let mut copies = Copies::default();
        copies.add((7, Deadline::Start), COPY);
        assert!(!copies.finish((7, Deadline::Start), false));
        assert!(!copies.finish((7, Deadline::Start), false), "twice is once");
    }

    #[test]
    fn a_message_that_was_moved_is_settled_when_it_is_there_and_no_copy_of_it_is_under_way() {
        let mut copies = Copies::default();
        copies.add((7, Deadline::Complete), COPY);
        assert!(copies.finish((7, Deadline::Complete), true));
        copies.add((8, Deadline::Start), COPY);
        copies.add((8, Deadline::Complete), COPY);
        assert!(!copies.finish((8, Deadline::Complete), true));
        assert!(copies.finish((8, Deadline::Start), false));
    }

    #[test]
    fn each_copy_is_carried_by_one_and_again_if_that_one_gives_up() {
        let mut copies = Copies::default();
        copies.add((7, Deadline::Start), COPY);
        let taken = copies.take_fresh();
        assert_eq!(taken, [((7, Deadline::Start), COPY)]);
        assert!(copies.take_fresh().is_empty());
        copies.put_back(&taken);
        assert_eq!(copies.take_fresh(), taken);
    }
}
