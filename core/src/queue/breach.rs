//! Missing a deadline: it is noted once, with what happens then, in one event.
//!
//! **Promise.** Each deadline of a message is missed at most once, also over a crash: the note and what it does to the message
//! are one frame. A copy for another queue is there exactly once: the note is made durable, then the copy, then the queue
//! notes that it is there. A crash in between is finished when the queue is opened: copies that exist are not written again.
//!
//! **Not promised.** If the copy was already taken *and* its segment released before such a crash, a second is made.
//!
//! A message that is moved, or dies, is taken from the worker that has it: whose verbs then return `LeaseLost`.

use crate::error::Result;
use crate::journal::SeededBug;
use crate::log::{Draft, Kind, Level, Place, Reader};
use crate::message::{ENGINE_HEADER_PREFIX, header_of};
use crate::notice::{self, Notice};
use crate::queue::deadline::{Copy, CopyKey, Deadline, Then};
use crate::queue::envelope::{ATTEMPTS, FAILURES, FIRST_ENQUEUED};
use crate::queue::finished::Ending;
use crate::queue::options::OnBreach;
use crate::queue::relocated::message_found;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, State, Status};
use crate::sync::lock;
use std::collections::HashSet;
use std::sync::{Arc, Weak};

/// Header of a message that missed a deadline and was moved or copied to another queue: `start` or `complete`.
pub const BREACH: &str = "rm-breach";
/// Header: the queue that it was in.
pub const BREACH_QUEUE: &str = "rm-breach-queue";
/// Header of a message that missed a deadline: the number of the log of the queue that it was in, which no other queue ever has.
pub const BREACH_LOG: &str = "rm-breach-log";
/// Header: its id there.
pub const BREACH_ID: &str = "rm-breach-id";
/// Header: when it was moved or copied, in nanoseconds since 1970.
pub const BREACH_TIME: &str = "rm-breach-time";

/// How many breaches are remembered until somebody asks for them.
const REMEMBERED_COUNT_MAX: usize = 1024;

/// A deadline that was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breach {
    /// The message's number in its queue.
    pub id: u64,
    /// Which deadline.
    pub deadline: Deadline,
    /// When that was noticed, in nanoseconds since 1970.
    pub time_ns: u64,
}

impl OnBreach {
    fn then(&self) -> Then {
        match self {
            Self::None => Then::Nothing,
            Self::EscalateTo(_) => Then::Escalate,
            Self::MoveTo(_) => Then::Move,
            Self::Dead => Then::Die,
            Self::Cancel => Then::Cancel,
        }
    }
}

/// What a breach does to the state: the same when it happens and when it is read back. True: the message is to be taken out.
pub(crate) fn apply_breach(state: &mut State, id: u64, deadline: Deadline, then: Then, time_ns: u64) -> bool {
    state.forget_deadline(id, deadline);
    let Some(message) = state.messages.get_mut(&id) else { return false };
    let (place, attempts, failures) = (message.place, message.attempts, message.failures);
    let copy = Copy { place, attempts, failures, is_move: then == Then::Move };
    match then {
        Then::Nothing => {}
        Then::Escalate => state.copies.add((id, deadline), copy),
        Then::Move => {
            state.copies.add((id, deadline), copy);
            state.set_status(id, Status::Moving);
        }
        Then::Die => {
            message.history.push(time_ns, deadline.reason().into());
            state.set_status(id, Status::Dying { death: Death::Deadline });
        }
        Then::Recall => message.is_recalled = true,
        Then::Cancel => return true,
    }
    false
}

impl Shared {
    /// Notes that a message missed a deadline. Copies are carried once the lock is given back.
    pub(crate) fn breach_locked(
        &self,
        state: &mut State,
        id: u64,
        deadline: Deadline,
        time_ns: u64,
    ) -> Result<()> {
        let is_out =
            state.messages.get(&id).is_some_and(|message| matches!(message.status, Status::Leased { .. }));
        let then = match lock(&self.options).on_breach.then() {
            Then::Cancel if is_out => Then::Recall,
            Then::Die if !state.may_die(id, Death::Deadline) => Then::Nothing,
            then => then,
        };
        let event = Event::Breached { id, deadline, then };
        if then == Then::Die {
            self.append_death(state, id, event, (Death::Deadline, deadline.reason()))?;
        } else {
            self.append_event(&event)?;
        }
        notice::later(|| Notice::DeadlineMissed { queue: self.name.clone(), id, kind: deadline.as_str() });
        match deadline {
            Deadline::Start => state.totals.start_breaches += 1,
            Deadline::Complete => state.totals.complete_breaches += 1,
        }
        if state.breaches.len() == REMEMBERED_COUNT_MAX {
            state.breaches.pop_front();
        }
        state.breaches.push_back(Breach { id, deadline, time_ns });
        if apply_breach(state, id, deadline, then, time_ns) {
            self.finish(state, id, Ending::Cancelled, None);
            state.remove(id);
            state.gone.push(id);
            state.totals.cancelled += 1;
        }
        Ok(())
    }

    /// Breaches since this was asked last, the oldest first.
    pub(crate) fn take_breaches(&self) -> Result<Vec<Breach>> {
        self.check_open()?;
        let (mut state, _) = self.state_now();
        let breaches = state.breaches.drain(..).collect();
        self.unlock(state);
        Ok(breaches)
    }

    /// Carries copies to where the queue says. What is not carried now is when the queue is opened.
    ///
    /// # Errors
    /// `Corrupt` or `Io` reading a message, `Poisoned` writing.
    pub(crate) fn carry_copies(&self, copies: &[(CopyKey, Copy)]) -> Result<()> {
        let Some(target) = lock(&self.breach_target).upgrade() else {
            lock(&self.state).copies.put_back(copies);
            return Ok(());
        };
        let noted = self.events_end();
        // Durable before the copy is written: otherwise a crash could keep the copy and forget the breach.
        self.journal.commit_to(&self.log, noted, Level::Durable)?;
        let mut end = Place::default();
        for (key, copy) in copies {
            end = self.write_copy(&target, *key, *copy)?;
        }
        // And the copy before the message may go: the two logs have no order otherwise.
        target.journal.commit_to(&target.log, end, Level::Durable)?;
        target.log.data().notify_all();
        let keys: Vec<CopyKey> = copies.iter().map(|(key, _)| *key).collect();
        self.note_copies(&keys)
    }

    fn write_copy(&self, target: &Shared, (id, deadline): CopyKey, copy: Copy) -> Result<Place> {
        let payload = self.payload_at(copy.place, id)?;
        let frame = payload.frame();
        let now_ns = self.journal.now_ns();
        let numbers = [
            (BREACH_ID, id),
            (BREACH_LOG, self.log.id()),
            (BREACH_TIME, now_ns),
            (FIRST_ENQUEUED, frame.time_ns()),
            (ATTEMPTS, u64::from(copy.attempts)),
            (FAILURES, u64::from(copy.failures)),
        ]
        .map(|(name, number)| (name, number.to_string()));
        let mut headers: Vec<(&str, &[u8])> =
            frame.headers().filter(|(name, _)| !name.starts_with(ENGINE_HEADER_PREFIX)).collect();
        headers.push((BREACH, deadline.as_str().as_bytes()));
        headers.push((BREACH_QUEUE, self.name.as_str().as_bytes()));
        headers.extend(numbers.iter().map(|(name, number)| (*name, number.as_bytes())));
        let draft = Draft {
            key: frame.key(),
            event_time_ns: frame.event_time_ns(),
            headers: &headers,
            ..Draft::control(Kind::Data, now_ns, frame.value())
        };
        let appended = target.append_beyond(&draft)?;
        target.index(&[draft], appended);
        Ok(appended.end)
    }

    /// Notes that copies are there. Messages that were moved are settled, and those that only waited for their copies.
    fn note_copies(&self, keys: &[CopyKey]) -> Result<()> {
        let mut state = lock(&self.state);
        for (id, deadline) in keys.iter().copied() {
            self.append_event(&Event::Copied { id, deadline })?;
            if state.finish_copy((id, deadline)) {
                state.gone.push(id);
            }
        }
        self.unlock(state);
        Ok(())
    }

    /// Says where copies go, and finishes what a crash interrupted.
    ///
    /// # Errors
    /// As [`carry`](Self::carry).
    pub(crate) fn set_breach_target(&self, target: Option<&Arc<Self>>) -> Result<()> {
        *lock(&self.breach_target) = target.map_or(Weak::new(), Arc::downgrade);
        let left = lock(&self.state).copies.take_fresh();
        if left.is_empty() {
            return Ok(());
        }
        let Some(target) = target else { return self.keep(&left) };
        let written = match self.journal.has_bug(SeededBug::CarriedAgain) {
            true => HashSet::new(),
            false => self.copies_in(target)?,
        };
        let (done, left): (Vec<_>, Vec<_>) = left.into_iter().partition(|(key, _)| written.contains(key));
        let done: Vec<CopyKey> = done.into_iter().map(|(key, _)| key).collect();
        self.note_copies(&done)?;
        if left.is_empty() { Ok(()) } else { self.carry_copies(&left) }
    }

    /// The queue no longer says where its messages were to go: they stay.
    fn keep(&self, left: &[(CopyKey, Copy)]) -> Result<()> {
        let mut state = lock(&self.state);
        for ((id, deadline), _) in left.iter().copied() {
            if state.messages.get(&id).is_some_and(|message| message.status == Status::Moving) {
                self.release_locked(&mut state, id, 0)?;
            }
            self.append_event(&Event::Copied { id, deadline })?;
            if state.finish_copy((id, deadline)) {
                state.gone.push(id);
            }
        }
        self.unlock(state);
        Ok(())
    }

    /// Which of this queue's copies another one has.
    fn copies_in(&self, target: &Self) -> Result<HashSet<CopyKey>> {
        let mut reader = Reader::earliest(target.log.clone());
        let log = self.log.id().to_string();
        let mut found = HashSet::new();
        while reader.advance()? {
            let Some((_, frame)) = message_found(&reader) else { continue };
            let header = |name| header_of(frame.headers(), name);
            // By the log, for a queue of this name may have been deleted and made again.
            if header(BREACH_LOG) != Some(log.as_bytes()) {
                continue;
            }
            let id = header(BREACH_ID).and_then(|id| std::str::from_utf8(id).ok()?.parse::<u64>().ok());
            let deadline = [Deadline::Start, Deadline::Complete]
                .into_iter()
                .find(|deadline| header(BREACH) == Some(deadline.as_str().as_bytes()));
            found.extend(id.zip(deadline));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock, alarm::Alarm};
    use crate::journal::Journal;
    use crate::log::Log;
    use crate::message::Message;
    use crate::name::Name;
    use crate::queue::options::{OnExhausted, QueueOptions};
    use crate::queue::receive::{Ask, Start};
    use crate::storage::Blocking;
    use std::path::Path;
    use std::time::Duration;

    fn open(directory: &Path, name: &str, log_id: u64, clock: &ManualClock) -> Arc<Shared> {
        let alarm = Arc::new(Alarm::new());
        let clock = Clock::Manual(clock.clone());
        let journal = Arc::new(Journal::new(clock, alarm, Level::Durable, 100_000_000));
        let directory = directory.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let opened = Log::open(Arc::new(Blocking), directory, log_id, Level::Durable, Arc::default());
        let options = QueueOptions {
            on_breach: OnBreach::EscalateTo("late".into()),
            ..QueueOptions::new(OnExhausted::Drop)
        };
        Shared::open(Name::new(name).unwrap(), Arc::new(opened.unwrap().0), journal, options, None).unwrap()
    }

    #[test]
    fn a_message_that_was_acked_before_its_copy_was_written_is_kept_until_then() {
        let (scratch, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
        let path = scratch.path();
        let value = vec![7; 6000];
        let queue = open(path, "jobs", 7, &clock);
        let id = queue.send(&Message::new(&value).start_within(Duration::from_secs(1))).unwrap();
        clock.advance(Duration::from_secs(1));
        // Nobody said yet where copies go. The message is done meanwhile, and so are those of the next segments.
        for _ in 0..8 {
            queue.take_one().unwrap().unwrap().ack().unwrap();
            queue.send(&Message::new(&value)).unwrap();
        }
        assert_eq!(queue.log.start().1, id, "its segment is still there");
        drop(queue);
        let (queue, late) = (open(path, "jobs", 7, &clock), open(path, "late", 8, &clock));
        queue.set_breach_target(Some(&late)).unwrap();
        let copies = late.take_as(&Ask::new(2, Start::Now)).unwrap();
        assert_eq!(copies.iter().map(|copy| copy.value()).collect::<Vec<_>>(), [&value[..]]);
        queue.take_one().unwrap().unwrap().ack().unwrap();
        assert!(queue.log.start().1 > id, "and goes now");
    }
    #[test]
    fn a_message_whose_queue_to_move_to_is_not_there_yet_is_told_to_be_on_its_way() {
        let (scratch, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
        let queue = open(scratch.path(), "jobs", 7, &clock);
        let on_breach = OnBreach::MoveTo("late".into());
        queue.set_options(QueueOptions { on_breach, ..QueueOptions::new(OnExhausted::Drop) }, None).unwrap();
        let id = queue.send(&Message::new("x").start_within(Duration::from_secs(1))).unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!(queue.explain(id).unwrap().causes, [crate::queue::Cause::Moving]);
    }
}
