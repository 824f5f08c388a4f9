//! How much a queue may hold, and what happens when a message does not fit.
//!
//! **Promise.** What counts is everything that is in the queue: ready, scheduled, blocked and leased. Whoever appended it, and however:
//! messages are counted as the log has them, by whoever asks for room, up to where the log ends at that moment. What is leased is never
//! dropped. A message that is dropped to make room is dropped only if that makes enough of it.
//!
//! **Not promised.** That what is sent back, or moved because of a deadline, waits for room: its queue may come to hold more than it
//! may. A dead letter does wait, in the queue that it comes from (`dead.rs`).
//!
//! **Where next.** `admission.rs` asks for room; the state tells who comes, waits and goes; `overflow.rs` makes room.

use crate::error::{Error, Result};
use crate::limits::PRIORITY_MAX;
use crate::log::{Appended, Draft, Log, Reader, SEGMENT_BYTES_MIN, SEGMENTS_OF_MEMORY};
use crate::queue::shared::Shared;
use crate::queue::state::Status;
use crate::sync::Ordering;
use crate::sync::event_count::EventCount;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Least memory that [`Overflow::Spill`] may be told to do with.
const SPILL_BYTES_MIN: u64 = SEGMENTS_OF_MEMORY * SEGMENT_BYTES_MIN;

/// How much a queue may hold.
///
/// ```
/// use ringmain::{Capacity, Error, Hub, Message, OnExhausted, Overflow};
/// let capacity = Capacity { messages: Some(1), overflow: Overflow::Reject, ..Capacity::default() };
/// let jobs = Hub::memory().queue("jobs").capacity(capacity).on_exhausted(OnExhausted::Drop).open()?;
/// jobs.send(Message::new(b"one"))?;
/// assert!(matches!(jobs.send(Message::new(b"two")), Err(Error::Full { limit: 1, .. })));
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capacity {
    /// Most messages; `None` (the default) for no limit.
    pub messages: Option<u64>,
    /// Most bytes of keys, headers and values, and of what is kept with them, about 24 bytes each; `None` (the default) for no
    /// limit.
    pub bytes: Option<u64>,
    /// What happens to what does not fit. Default: `Block` for 30 s.
    pub overflow: Overflow,
}

/// What happens when a message does not fit. How long messages may stay is another option of the queue, `ttl`.
///
/// In a dead letter queue it says what happens to letters: where letters are dropped, or die once more, to make room, they do so for
/// others; where senders wait or are refused, and where nothing can be dropped, the message that dies stays in its own queue, is not
/// delivered, counts there, and becomes a letter as soon as there is room. No letter is lost otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Sending waits for room, at most this long (`Duration::MAX`: for ever), then it is refused with
    /// [`Full`](crate::Error::Full). [`submit`](crate::Queue::submit) does not wait and is refused at once; a task waits in
    /// [`send_async`](crate::Queue::send_async).
    Block(Duration),
    /// It is refused with [`Full`](crate::Error::Full).
    Reject,
    /// The oldest messages that are not leased are dropped: of an ordering key always those that would have come first.
    DropOldest,
    /// The newest messages that are not leased are dropped, and it takes their place.
    DropNewest,
    /// The oldest of the messages with the lowest priority are dropped, if they are not leased and their priority is not
    /// higher than its own.
    DropLowestPriority,
    /// As `DropOldest`, and they go where exhausted messages go, with the reason `overflow`; a queue that keeps those drops
    /// them. While letters wait for room there, what does not fit is refused.
    DeadLetterOldest,
    /// Nothing is too much: `bytes` says how much memory the messages may take, at least 128 KiB, and what is beyond goes to a file in
    /// the hub's [`scratch_directory`](crate::HubBuilder::scratch_directory) until its turn comes. `messages` cannot be limited at the
    /// same time. Only of a hub in memory; the log of a durable hub is on disk already.
    ///
    /// What is known of messages with options stays in memory, about 200 bytes each; and so do segments that are being written, or that
    /// somebody reads or has messages of. If the file cannot be written, sending is refused with [`Io`](crate::Error::Io), and
    /// everything else goes on.
    Spill,
}

impl Default for Overflow {
    fn default() -> Self {
        Self::Block(Duration::from_secs(30))
    }
}

impl Overflow {
    /// As `snake_case`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Block(_) => "block",
            Self::Reject => "reject",
            Self::DropOldest => "drop_oldest",
            Self::DropNewest => "drop_newest",
            Self::DropLowestPriority => "drop_lowest_priority",
            Self::DeadLetterOldest => "dead_letter_oldest",
            Self::Spill => "spill",
        }
    }
}

impl Capacity {
    pub(crate) fn check(&self) -> Result<()> {
        for (what, limit) in [("capacity messages", self.messages), ("capacity bytes", self.bytes)] {
            if limit == Some(0) {
                return Err(Error::invalid(what, "0 is not allowed; at least 1 is, or None for no limit"));
            }
        }
        match (self.overflow, self.messages, self.bytes) {
            (Overflow::Spill, Some(_), _) => {
                let detail =
                    "what spills is limited by bytes; leave messages out, or choose another overflow";
                Err(Error::invalid("capacity messages", detail))
            }
            (Overflow::Spill, None, bytes) if bytes.is_none_or(|bytes| bytes < SPILL_BYTES_MIN) => {
                let detail = format!(
                    "what may stay in memory must be said for spill, and be at least {SPILL_BYTES_MIN}"
                );
                Err(Error::invalid("capacity bytes", detail))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.messages.is_some() || self.bytes.is_some()
    }

    /// Whether what is in the queue is to be counted.
    pub(crate) fn is_counted(&self) -> bool {
        self.is_limited() && self.overflow != Overflow::Spill
    }

    /// How much memory the messages may take, if the rest goes to a scratch file.
    pub(crate) fn memory_bytes(&self) -> Option<u64> {
        self.bytes.filter(|_| self.overflow == Overflow::Spill)
    }

    /// Whether messages are dropped to make room.
    pub(crate) fn drops(&self) -> bool {
        !matches!(self.overflow, Overflow::Block(_) | Overflow::Reject | Overflow::Spill)
    }

    /// How long sending may wait.
    pub(crate) fn wait(&self) -> Duration {
        match self.overflow {
            Overflow::Block(wait) => wait,
            _ => Duration::ZERO,
        }
    }
}

/// So many messages with so many bytes in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Load {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }

    fn less(self, other: Self) -> Self {
        let messages = self.messages.saturating_sub(other.messages);
        Self { messages, bytes: self.bytes.saturating_sub(other.bytes) }
    }
}

/// What a queue with a capacity holds.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) capacity: Capacity,
    held: Load,
    /// Reads what is to be counted, whether it is durable or not.
    pub(crate) reader: Reader,
    /// Everything before this id was counted, or was not there any more; of the rest nothing is.
    pub(crate) counted: u64,
    /// Messages in the index that are not out, by priority.
    waiting: [BTreeSet<u64>; PRIORITY_MAX as usize + 1],
    /// Told when there is more room.
    freed: Arc<EventCount>,
    /// When the first of the tasks that wait for room has waited long enough.
    give_up_ns: u64,
}

impl Room {
    /// Of a queue with this log, of which nothing is counted yet.
    pub(crate) fn new(capacity: Capacity, log: &Arc<Log>, freed: Arc<EventCount>) -> Self {
        let mut reader = Reader::earliest(log.clone());
        reader.see_all();
        let (held, counted) = (Load::default(), 0);
        let waiting = Default::default();
        Self { capacity, held, reader, counted, waiting, freed, give_up_ns: u64::MAX }
    }

    /// A task waits for room, until then.
    pub(crate) fn give_up_at(&mut self, at_ns: u64) {
        self.give_up_ns = self.give_up_ns.min(at_ns);
    }

    /// When the next task has waited long enough.
    pub(crate) fn give_up_ns(&self) -> Option<u64> {
        Some(self.give_up_ns).filter(|at_ns| *at_ns != u64::MAX)
    }

    /// Wakes all tasks if one has waited long enough: those that go on waiting say again until when.
    pub(crate) fn give_up(&mut self, now_ns: u64) {
        if self.give_up_ns <= now_ns {
            self.give_up_ns = u64::MAX;
            self.freed.notify_all();
        }
    }

    /// A message of so many bytes is there.
    pub(crate) fn enter(&mut self, bytes: u64) {
        self.held.add(bytes);
    }

    /// The same of one that came into the index only now: on its way there it was not counted.
    pub(crate) fn enter_late(&mut self, id: u64, bytes: u64) {
        if id < self.counted {
            self.enter(bytes);
        }
    }

    /// A message is from now on in that status; `was` it had before.
    pub(crate) fn moved(&mut self, id: u64, priority: u8, bytes: u64, was: Status, status: Status) {
        let is_droppable = status.is_droppable();
        self.wait(id, priority, is_droppable);
        if matches!(status, Status::Dying { .. }) {
            self.leave(id, bytes, was);
        }
    }

    /// A message is no longer there.
    pub(crate) fn removed(&mut self, id: u64, priority: u8, bytes: u64, was: Status) {
        self.wait(id, priority, false);
        self.leave(id, bytes, was);
    }

    /// It is no longer to be counted, if it is: what is dying is not any more.
    fn leave(&mut self, id: u64, bytes: u64, was: Status) {
        if id < self.counted && !matches!(was, Status::Dying { .. }) {
            self.leave_held(bytes);
        }
    }

    /// The same of one that was dying and counted nevertheless.
    pub(crate) fn leave_held(&mut self, bytes: u64) {
        self.held = self.held.less(Load { messages: 1, bytes });
        self.freed.notify_all();
    }

    /// Whether a message may be dropped.
    pub(crate) fn wait(&mut self, id: u64, priority: u8, is_waiting: bool) {
        let Some(waiting) = self.waiting.get_mut(usize::from(priority)) else { return };
        if is_waiting {
            waiting.insert(id);
        } else {
            waiting.remove(&id);
        }
    }

    /// What does not fit of what is coming, when so much was freed: messages or bytes, how much there is and may be.
    pub(crate) fn excess(&self, freed: Load, coming: Load) -> Option<(&'static str, u64, u64)> {
        let over = |left: u64, coming: u64, limit: Option<u64>| {
            limit.filter(|limit| left.saturating_add(coming) > *limit)
        };
        let Load { messages, bytes } = self.held.less(freed);
        if let Some(limit) = over(messages, coming.messages, self.capacity.messages) {
            return Some(("messages", self.held.messages, limit));
        }
        over(bytes, coming.bytes, self.capacity.bytes).map(|limit| ("bytes", self.held.bytes, limit))
    }

    /// Whether so much would not even fit an empty queue.
    pub(crate) fn never_fits(&self, coming: Load) -> bool {
        let over = |coming: u64, limit: Option<u64>| limit.is_some_and(|limit| coming > limit);
        over(coming.messages, self.capacity.messages) || over(coming.bytes, self.capacity.bytes)
    }

    /// The oldest that waits, of one priority or of all.
    pub(crate) fn oldest(&self, priority: Option<u8>) -> Option<u64> {
        match priority {
            Some(priority) => self.waiting.get(usize::from(priority))?.first().copied(),
            None => self.waiting.iter().filter_map(BTreeSet::first).min().copied(),
        }
    }

    /// The newest that waits.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.waiting.iter().filter_map(BTreeSet::last).max().copied()
    }
}

impl Shared {
    /// Appends a message that must come in, whether there is room for it or not: what is redriven or moved.
    ///
    /// # Errors
    /// As appending.
    pub(crate) fn append_beyond(&self, draft: &Draft<'_>) -> Result<Appended> {
        let appended = self.log.append(std::slice::from_ref(draft))?;
        // It comes in although there is no room in the scratch file.
        let _ = self.spill();
        Ok(appended)
    }

    /// Has what is too much for memory leave it, those messages first that are furthest from being received.
    ///
    /// # Errors
    /// `Io`: the scratch file cannot be written.
    pub(crate) fn spill(&self) -> Result<()> {
        // ORDERING: Relaxed: altered meanwhile, it counts for this message, or for the next.
        if self.spills.load(Ordering::Relaxed) {
            self.log.spill(self.cursor.place().segment())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::state::Death;

    const READY: Status = Status::Ready;
    const OUT: Status = Status::Leased { deadline_ns: 9 };
    const DYING: Status = Status::Dying { death: Death::Failed };

    fn room(messages: Option<u64>, bytes: Option<u64>) -> Room {
        let capacity = Capacity { messages, bytes, overflow: Overflow::Reject };
        let log = Arc::new(Log::memory(Arc::default()));
        Room { counted: 10, ..Room::new(capacity, &log, Arc::new(EventCount::new())) }
    }

    fn load(messages: u64, bytes: u64) -> Load {
        Load { messages, bytes }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut room = room(Some(2), Some(100));
        let nothing = load(0, 0);
        assert_eq!(room.excess(nothing, load(2, 100)), None);
        room.enter(60);
        assert_eq!(room.excess(nothing, load(2, 1)), Some(("messages", 1, 2)));
        assert_eq!(room.excess(nothing, load(1, 41)), Some(("bytes", 60, 100)));
        assert_eq!(room.excess(nothing, load(1, 40)), None);
        assert_eq!(room.excess(load(1, 60), load(2, 100)), None);
        assert!(
            room.never_fits(load(3, 1)) && room.never_fits(load(1, 101)) && !room.never_fits(load(2, 100))
        );
    }

    #[test]
    fn a_message_leaves_once_when_it_dies_and_is_then_removed() {
        let mut room = room(Some(2), None);
        room.enter(10);
        room.enter(10);
        room.moved(1, 4, 10, READY, OUT);
        assert_eq!(room.held, load(2, 20));
        room.moved(1, 4, 10, OUT, DYING);
        room.removed(1, 4, 10, DYING);
        assert_eq!(room.held, load(1, 10));
        room.removed(2, 4, 10, READY);
        assert_eq!(room.held, load(0, 0));
    }

    #[test]
    fn a_message_that_is_gone_before_it_was_counted_makes_no_room() {
        let mut room = room(Some(2), None);
        room.enter(10);
        room.removed(10, 4, 10, OUT);
        assert_eq!(room.held, load(1, 10));
        room.enter_late(10, 10);
        assert_eq!(room.held, load(1, 10), "whoever counts finds it");
        room.enter_late(9, 10);
        assert_eq!(room.held, load(2, 20));
    }

    #[test]
    fn only_what_waits_may_be_dropped() {
        let mut room = room(Some(9), None);
        for (id, priority) in [(3, 4), (1, 9), (2, 0), (7, 4)] {
            room.moved(id, priority, 1, DYING, READY);
        }
        assert_eq!((room.oldest(None), room.newest(), room.oldest(Some(4))), (Some(1), Some(7), Some(3)));
        room.moved(1, 9, 1, READY, OUT);
        room.moved(7, 4, 1, READY, DYING);
        assert_eq!((room.oldest(None), room.newest(), room.oldest(Some(9))), (Some(2), Some(3), None));
    }
}
