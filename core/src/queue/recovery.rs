//! Opening a queue: its log is read from the oldest segment held, and the state is rebuilt from the events in it.
//!
//! **Promise.** An ack that was durable is never undone; a message that was not settled is delivered again. A lease that
//! was out counts as a failure (the process may have died of that very message), unless it was handed back.
//!
//! **What was moved.** A message that was relocated is where the last such event tells it, and as it tells: what lies before may be
//! there or not.
//!
//! **Why the cursor can be found.** It goes behind the last plain message of which a lease is told. Whoever took one before that
//! may not have come to say so: messages before the cursor of which nothing is told are ready. Whatever else lies before it and
//! is not settled is in the state.

use crate::error::Result;
use crate::journal::Journal;
use crate::log::{INDEXED, Kind, Log, Place, Ranges, Reader};
use crate::message::header_of;
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::queue::breach::apply_breach;
use crate::queue::dedup::{DEDUP_KEY, Entries, Entry, value_hash};
use crate::queue::halt::Halt;
use crate::queue::options::QueueOptions;
use crate::queue::plain::Cursor;
use crate::queue::relocated::Relocated;
use crate::queue::settlement::{Event, ids_of};
use crate::queue::shared::{Shared, apply_failure};
use crate::queue::state::{Message, State, Status, waiting};
use crate::queue::tally::Tally;
use crate::sync::lock;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What the log tells of a queue.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) cursor: Cursor,
    pub(crate) tally: Tally,
}

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
        let mut state = State::new(Reader::sent(log.clone()), seed);
        let (dedup, capacity) = (options.dedup.unwrap_or_default(), options.capacity);
        let history = options.history;
        state.dedup_options = dedup;
        state.set_limits(&options.limits);
        state.ageing = options.ageing();
        state.set_groups(&options.groups);
        let tally = Tally::default();
        let (next, untold) = replay(&mut state, &log, &tally)?;
        state.forget_passed(next);
        let mut reader = Reader::earliest(log.clone());
        reader.seek(next)?;
        let cursor = Cursor::new(reader.place(), reader.next_sequence());
        let queue = Self::new(name, log, journal, options, dead, Recovered { state, cursor, tally });
        let mut state = lock(&queue.state);
        queue.set_history(&mut state, history);
        queue.set_dedup(&mut state, dedup)?;
        queue.set_capacity(&mut state, capacity)?;
        drop(state);
        // From now on the log tells of them: whatever happens to them next is understood when it is read.
        untold
            .into_iter()
            .try_for_each(|(id, place)| queue.append_event(&Event::Adopted { id, place }).map(drop))?;
        queue.count_crashes()?;
        queue.finish_burials()?;
        let (mut state, now_ns) = queue.state_now();
        state.rates.sample(now_ns, 0, 0);
        queue.unlock(state);
        queue.release_segments()?;
        Ok(queue)
    }

    /// Leases that were out when the process ended count as failures.
    fn count_crashes(&self) -> Result<()> {
        let mut state = lock(&self.state);
        let now_ns = self.journal.now_ns();
        let leased = state.leased_ids();
        if !leased.is_empty() {
            notice::later(|| Notice::CrashCounted { queue: self.name.clone(), count: leased.len() as u64 });
        }
        for id in leased {
            let reason = "the process ended while it held the lease".into();
            // Nobody has it: it may be tried again at once.
            self.fail_locked(&mut state, id, now_ns, reason, Some(Duration::ZERO), false)?;
        }
        // Those of which the log tells no lease had been taken ahead.
        for id in state.recalled_ids() {
            self.cancel_locked(&mut state, id)?;
        }
        Ok(())
    }
}

/// Applies every event of the log; returns where the cursor goes.
fn replay(state: &mut State, log: &Arc<Log>, tally: &Tally) -> Result<(u64, Vec<(u64, Place)>)> {
    let mut reader = Reader::earliest(log.clone());
    let first = reader.next_sequence();
    let mut replay =
        Replay { state, log, tally, first, cursor: first, told: Ranges::default(), leased: Vec::new() };
    while reader.advance()? {
        let frame = reader.frame();
        match frame.kind() {
            Kind::Data => {
                if frame.has(INDEXED) {
                    // Settled or not: the cursor will pass it, and it is no plain message.
                    replay.told.insert(reader.sequence()..reader.sequence() + 1);
                    replay.state.insert_read(reader.sequence(), reader.found_place(), &frame);
                }
                if let Some(key) = header_of(frame.headers(), DEDUP_KEY) {
                    replay.note_key(key, &reader);
                }
            }
            Kind::Control => {
                let Some(event) = Event::decode(frame.value()) else { continue };
                let time_ns = frame.time_ns();
                replay.check(&event, &reader)?;
                replay.apply(event, reader.found_place(), time_ns);
            }
            Kind::Abort => replay.told.insert(reader.sequence()..reader.sequence() + 1),
            _ => {}
        }
    }
    replay.check_places()?;
    let untold = replay.find_untold()?;
    Ok((replay.cursor, untold))
}

struct Replay<'a> {
    state: &'a mut State,
    log: &'a Arc<Log>,
    tally: &'a Tally,
    /// Of the first record held: what is older is settled.
    first: u64,
    cursor: u64,
    /// Ids of which it is known what they are: indexed, given up, or plain and leased or adopted.
    told: Ranges,
    /// Where leases and adoptions say that plain messages are: the first of those that follow each other.
    leased: Vec<(Place, Range<u64>)>,
}

impl Replay<'_> {
    /// Refuses an event of a message that was not sent before it.
    fn check(&self, event: &Event, reader: &Reader) -> Result<()> {
        let end = reader.sequence();
        let unsent = match event {
            Event::Started(leases) => leases.iter().map(|(id, _)| *id).find(|id| *id >= end),
            Event::Adopted { id, .. } | Event::Halted { halt: Halt { id, .. }, .. } => {
                Some(*id).filter(|id| *id >= end)
            }
            Event::Relocated(relocated) => Some(relocated.id).filter(|id| *id >= end),
            Event::Leaving { letters, .. } => letters.iter().map(|letter| letter.id).find(|id| *id >= end),
            Event::Gone(ids) => ids.iter().copied().find(|id| *id >= end),
            Event::Run { id, count, .. } => {
                Some(id.saturating_add(u64::from(*count).max(1) - 1)).filter(|id| *id >= end)
            }
            _ => None,
        };
        unsent.map_or(Ok(()), |id| {
            let detail = format!("message {id} is leased or altered where {end} is the next to be sent");
            Err(self.log.blame(reader.found_place(), detail))
        })
    }

    /// Deliveries take a message from where its lease says that it is: that must be so. Of messages that follow each other only
    /// where the first is was said.
    fn check_places(&mut self) -> Result<()> {
        let mut leased = std::mem::take(&mut self.leased);
        // Of those that were relocated later it is known where they are.
        let is_there = |this: &Self, id| this.state.messages.contains_key(&id) && !this.tally.is_guest(id);
        leased.retain(|(_, ids)| ids.clone().any(|id| is_there(self, id)));
        // In order, by one reader, so that each piece of a file is read once.
        leased.sort_unstable_by_key(|(place, ids)| (*place, ids.start));
        let (mut first, mut rest) = (Reader::earliest(self.log.clone()), Reader::sent(self.log.clone()));
        rest.see_all();
        for (place, ids) in leased {
            let kind = first.kind_at(place, ids.start)?;
            let mut missing: BTreeSet<u64> = ids.clone().filter(|id| is_there(self, *id)).collect();
            if kind.is_some_and(Kind::is_record) {
                rest.go_to_place(place);
                while !missing.is_empty() && rest.advance()? && rest.sequence() < ids.end {
                    let is_plain = rest.kind() == Kind::Data && !rest.frame().has(INDEXED);
                    if is_plain && missing.remove(&rest.sequence()) {
                        self.state.set_place(rest.sequence(), rest.found_place());
                        self.state.set_frame(rest.sequence(), &rest.frame());
                    }
                }
            }
            if let Some(id) = missing.first() {
                let detail = format!("message {id} was leased from here or behind, and is not there");
                return Err(self.log.blame(place, detail));
            }
        }
        Ok(())
    }

    /// Messages before the cursor of which nothing is told were taken by somebody who did not come to say so: they are ready.
    fn find_untold(&mut self) -> Result<Vec<(u64, Place)>> {
        let untold = self.told.gaps(self.first..self.cursor);
        let mut found = Vec::new();
        let mut reader = Reader::earliest(self.log.clone());
        for ids in untold {
            reader.seek(ids.start)?;
            while reader.next_sequence() < ids.end && reader.advance()? {
                if reader.kind() == Kind::Data && ids.contains(&reader.sequence()) {
                    let (id, place) = (reader.sequence(), reader.found_place());
                    let message = Message::new(place, Status::Ready).with_bytes(&reader.frame());
                    self.state.insert(id, message);
                    found.push((id, place));
                }
            }
        }
        Ok(found)
    }

    /// A lease on a message, plain so far if nothing is known of it.
    fn lease(&mut self, id: u64, place: Place) -> bool {
        let is_new = !self.state.messages.contains_key(&id);
        if is_new && self.is_told(id) {
            // It is settled: whoever started it came to say so only after that.
            return false;
        }
        if is_new {
            self.state.insert(id, Message::new(place, Status::Ready));
            self.told.insert(id..id + 1);
            self.cursor = self.cursor.max(id + 1);
        }
        if let Some(message) = self.state.messages.get_mut(&id) {
            message.is_told = true;
            message.attempts = message.attempts.saturating_add(1);
        }
        // Its deadline was the dead process's: it is over.
        self.state.set_status(id, Status::Leased { deadline_ns: u64::MAX });
        is_new
    }

    /// Remembers the key of the message that the reader has found.
    fn note_key(&mut self, key: &[u8], reader: &Reader) {
        let (frame, dedup) = (reader.frame(), self.state.dedup_options);
        self.state.dedup.expire(dedup.over_before_ns(frame.time_ns()));
        let hash = if dedup.verify_payload { value_hash(frame.value()) } else { 0 };
        let entry = Entry { id: reader.sequence(), since_ns: frame.time_ns(), hash };
        let replaces = frame.options().replaces;
        if self.state.note_key(key, entry, replaces, reader.found_place())
            && let Some(old) = replaces
        {
            self.settle(old);
        }
    }

    /// Applies an event that was told at `told`.
    fn apply(&mut self, event: Event, told: Place, time_ns: u64) {
        match event {
            Event::Started(leases) => {
                for (id, place) in leases {
                    if self.may_live(id) && self.lease(id, place) {
                        self.leased.push((place, id..id + 1));
                    }
                }
            }
            // The place is that of the first; the others' are looked up.
            Event::Run { id, place, count } if id >= self.first => {
                let ids = id..id.saturating_add(count.into());
                for id in ids.clone() {
                    self.lease(id, place);
                }
                self.leased.push((place, ids));
            }
            Event::Run { .. } => {}
            Event::AckedRun { id, bits } => ids_of(id, bits).for_each(|id| self.forget(id)),
            Event::Acked(ids) => ids.into_iter().for_each(|id| self.forget(id)),
            Event::Failed(failure) => apply_failure(self.state, failure, time_ns),
            Event::Released { id, due_ns } => self.state.set_status(id, waiting(due_ns)),
            Event::Dead { id } | Event::Dropped { id } => self.forget(id),
            Event::Adopted { id, place } if id >= self.first && !self.state.messages.contains_key(&id) => {
                self.leased.push((place, id..id + 1));
                self.told.insert(id..id + 1);
                self.state.adopt(id, Message::new(place, Status::Ready));
            }
            Event::Adopted { .. } => {}
            Event::Recalled { id } => self.state.recall(id),
            Event::Deferred { id } => self.state.set_status(id, Status::Deferred),
            Event::Breached { id, deadline, then } => {
                if apply_breach(self.state, id, deadline, then, time_ns) {
                    self.forget(id);
                }
            }
            Event::Copied { id, deadline } => {
                if self.state.finish_copy((id, deadline)) {
                    self.settle(id);
                }
            }
            Event::Leaving { terms, letters } => {
                for letter in letters {
                    if !self.may_live(letter.id) {
                        continue;
                    }
                    if !self.state.messages.contains_key(&letter.id) {
                        if self.is_told(letter.id) {
                            continue;
                        }
                        self.leased.push((letter.place, letter.id..letter.id + 1));
                        self.told.insert(letter.id..letter.id + 1);
                    }
                    self.state.set_leaving(&letter);
                    self.state.leaving.insert(letter.id, (terms.clone(), letter));
                }
            }
            Event::Gone(ids) => {
                for id in ids {
                    if !self.may_live(id) {
                        continue;
                    }
                    if self.state.messages.contains_key(&id) {
                        self.forget(id);
                    } else if !self.is_told(id) {
                        // A plain one that nobody had received: the cursor is to pass it.
                        self.told.insert(id..id + 1);
                        self.state.ahead.insert(id);
                        self.state.adopted.insert(id);
                        self.settle(id);
                    }
                }
            }
            Event::Forgotten => self.state.dedup = Entries::default(),
            event @ (Event::Remembered(_) | Event::Fired(_)) => self.state.keep(&event, told),
            Event::Halted { key, halt, by } => {
                self.state.keep(&Event::Halted { key, halt, by: None }, told);
                if let Some(by) = by {
                    self.apply(*by, told, time_ns);
                }
            }
            Event::Resumed { key } => self.state.resume_group(&key),
            Event::Relocated(relocated) => self.relocate(*relocated, told),
            Event::Resting { until_ns, ref key } => {
                self.state.rest(key.as_deref(), until_ns, 0);
                self.state.keep(&event, told);
            }
        }
    }

    fn is_told(&self, id: u64) -> bool {
        self.told.gaps(id..id + 1).is_empty()
    }

    fn forget(&mut self, id: u64) {
        // Known from its lease, or as an indexed one: nothing is settled twice.
        if self.state.remove(id).is_some() && self.state.copies.may_settle(id) {
            self.settle(id);
        }
    }

    fn settle(&self, id: u64) {
        self.tally.settle_message(self.log, id);
    }

    /// Whether a message may be there: it is no older than what is held, or was relocated.
    fn may_live(&self, id: u64) -> bool {
        id >= self.first || self.state.messages.contains_key(&id)
    }

    /// A message is where this was told from here on.
    fn relocate(&mut self, relocated: Relocated, told: Place) {
        let id = relocated.id;
        if id >= self.first && !self.state.messages.contains_key(&id) {
            if self.is_told(id) {
                // It is settled.
                return;
            }
            // The cursor is to pass its record.
            self.told.insert(id..id + 1);
            self.state.ahead.insert(id);
            self.state.adopted.insert(id);
        }
        self.state.put_relocated(relocated, told);
        self.tally.relocate(self.log, id, told.segment());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, alarm::Alarm};
    use crate::error::Error;
    use crate::log::{Draft, Level};
    use crate::queue::options::OnExhausted;
    use crate::queue::settlement::Failure;
    use crate::storage::Blocking;
    use std::path::Path;

    fn journal() -> Arc<Journal> {
        Arc::new(Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Durable, 100_000_000))
    }

    fn open_log(directory: &Path) -> Arc<Log> {
        let opened = Log::open(Arc::new(Blocking), directory.into(), 7, Level::Durable, Arc::default());
        Arc::new(opened.unwrap().0)
    }

    fn append(log: &Arc<Log>, kind: Kind, value: &[u8]) -> Place {
        let receipt = log.append(&[Draft::control(kind, 1, value)]).unwrap();
        journal().commit(log, receipt.end).unwrap();
        receipt.start
    }

    fn open_queue(directory: &Path) -> Result<Arc<Shared>> {
        let options = QueueOptions { max_failures: 2, ..QueueOptions::new(OnExhausted::Keep) };
        Shared::open(Name::new("jobs")?, open_log(directory), journal(), options, None)
    }

    #[test]
    fn a_lease_of_what_is_not_there_is_refused_with_its_place() {
        type Lease = fn(Place, Place) -> (u64, Place);
        let leases: [(Lease, &str); 5] = [
            (|_, _| (u64::MAX, Place::new(1, 0)), "never sent"),
            (|first, _| (1, first), "another message's place"),
            (|_, mark| (2, mark), "no message's place"),
            (|first, _| (0, Place(first.0 + 1)), "within a frame"),
            (|_, _| (0, Place::new(1, (1 << 26) - 1)), "beyond the segment"),
        ];
        for (lease, what) in leases {
            let scratch = tempfile::tempdir().unwrap();
            let log = open_log(scratch.path());
            let first = append(&log, Kind::Data, b"first");
            append(&log, Kind::Data, b"second");
            // Its frame carries the sequence of the message after it.
            let mark = append(&log, Kind::Control, &[]);
            append(&log, Kind::Data, b"third");
            append(&log, Kind::Control, &Event::Started(vec![lease(first, mark)]).encode());
            drop(log);
            for _ in 0..2 {
                let error = open_queue(scratch.path()).err();
                assert!(matches!(error, Some(Error::Corrupt { .. })), "{what}: {error:?}");
            }
        }
    }

    #[test]
    fn failures_beyond_counting_are_no_fewer() {
        let scratch = tempfile::tempdir().unwrap();
        let log = open_log(scratch.path());
        let place = append(&log, Kind::Data, b"x");
        append(&log, Kind::Control, &Event::Started(vec![(0, place)]).encode());
        let most = u32::MAX;
        let reason = "".into();
        let failure = Failure { id: 0, failures: most, expirations: most, due_ns: 0, death: None, reason };
        append(&log, Kind::Control, &Event::Failed(failure).encode());
        append(&log, Kind::Control, &Event::Started(vec![(0, place)]).encode());
        drop(log);
        let queue = open_queue(scratch.path()).unwrap();
        assert_eq!(lock(&queue.state).messages.get(&0).map(|message| message.failures), Some(most));
    }

    #[test]
    fn settling_one_message_many_times_settles_no_other() {
        let scratch = tempfile::tempdir().unwrap();
        let log = open_log(scratch.path());
        let first = append(&log, Kind::Data, &[1; 6000]);
        append(&log, Kind::Data, &[2; 6000]);
        append(&log, Kind::Control, &Event::Started(vec![(0, first)]).encode());
        append(&log, Kind::Control, &Event::Acked(vec![0; 9]).encode());
        // The next segments, so that the first may go.
        for _ in 0..4 {
            append(&log, Kind::Data, &[3; 12_000]);
        }
        drop(log);
        let queue = open_queue(scratch.path()).unwrap();
        assert_eq!(queue.take_one().unwrap().map(|delivery| delivery.id()), Some(1));
    }
}
