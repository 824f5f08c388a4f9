//! Moving what still lives in nearly empty segments to the end of the log, so that those can go.
//!
//! **Promise.** A message that stays for long (it waits for next year, was set aside, is worked on for hours, is a dead letter that
//! nobody looks at, waits for room in a dead letter queue) keeps its own bytes, and not the segments around it and behind it. It keeps its id, its place in order, when it
//! was sent, its counts and its history. A crash leaves it where it was, or where it went, or in both places: then the newer is it.
//!
//! **How.** An event at the end of the log tells the message again as it was sent, and what became of it since (`relocated.rs`); from
//! then on that is where it is. Its segment goes as any other whose records are settled, after that is durable (`release.rs`).
//!
//! **How much that writes.** Only what is at most a quarter as long as the segments that go for it. So at most a third as much is
//! moved in all as was written in the first place, however often a message moves; and what is kept is at most six times as
//! long as what lives, and the segments in use.
//!
//! **Not promised.** That messages on their way to another queue are moved: they are gone soon. Nor that this costs nobody
//! anything: whoever settles the message that brings it about moves the others.

use crate::error::Result;
use crate::log::{INDEXED, Kind, Payload, Place, Reader};
use crate::queue::relocated::{Relocated, message_found, message_in};
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Message, State, Status};
use crate::queue::tally::Held;
use crate::sync::lock;
use std::collections::HashMap;

/// Complete segments that must be held up before anything is moved: what is about to be settled anyway is not worth it.
const HELD_COUNT_MIN: usize = 4;
/// What goes is so many times as long as what is moved for it.
const FREED_PER_MOVED: u64 = 4;
/// Messages that are moved at a time, and bytes of them, the last one aside.
const STEP_COUNT: usize = 256;
const STEP_BYTES: usize = 1 << 20;

/// Messages to be moved.
#[derive(Default)]
struct Stragglers {
    indexed: Vec<(Place, u64)>,
    /// Segments in which there are also some that nobody has received.
    plain_in: Vec<Held>,
}

/// A message to be moved, and where it was.
struct Straggler {
    id: u64,
    place: Place,
    payload: Payload,
}

impl Shared {
    /// Moves the messages away that keep the oldest segments, if that is worth it. True: those are settled now, unless messages
    /// were settled or altered meanwhile.
    pub(crate) fn relocate(&self) -> Result<bool> {
        let first = self.log.start().0;
        // Where nothing plain was received for long, everything may lie behind the cursor.
        let end = Some(self.cursor.place().segment()).filter(|segment| *segment > first).unwrap_or(u64::MAX);
        let held = self.tally.held_before(&self.log, end)?;
        if held.len() < HELD_COUNT_MIN {
            return Ok(false);
        }
        let Stragglers { mut indexed, plain_in } = self.find_stragglers(&held);
        for segment in plain_in {
            self.adopt_in(&segment, &mut indexed)?;
        }
        indexed.sort_unstable();
        let mut left = indexed.iter().copied();
        let mut reader = Reader::sent(self.log.clone());
        reader.see_all();
        loop {
            let step = read_step(&mut reader, &mut left)?;
            if step.is_empty() {
                return Ok(!indexed.is_empty());
            }
            let mut state = lock(&self.state);
            if self.is_closed() {
                return Ok(false);
            }
            for straggler in step {
                self.move_locked(&mut state, &straggler)?;
            }
        }
    }

    /// What has to be moved for the oldest of these segments to go; nothing if it is too much.
    fn find_stragglers(&self, held: &[Held]) -> Stragglers {
        let mut stragglers = Stragglers::default();
        let bytes = held.iter().map(|segment| segment.bytes).sum();
        let left: u64 = held.iter().map(|segment| self.tally.left_in(segment)).sum();
        let Some(end) = held.last().map(|last| last.number + 1) else { return stragglers };
        let mut state = lock(&self.state);
        state.looked_bytes = state.looked_bytes.min(bytes);
        // Looking takes as long as there are messages in the index: not before half as much again is held, or half of what was left
        // is settled.
        let is_more = bytes >= state.looked_bytes.saturating_add(state.looked_bytes / 2);
        if self.is_closed() || !is_more && left > state.looked_left / 2 {
            return stragglers;
        }
        (state.looked_bytes, state.looked_left) = (bytes, left);
        for run in self.runs.in_use().filter(|run| run.place().segment() < end) {
            self.index_run(&mut state, &run, u64::MAX);
        }
        let mut lives: HashMap<u64, (u64, u64)> = HashMap::new();
        let movable = state.messages.iter().filter(|(id, message)| state.is_movable(**id, message));
        for (id, message) in movable.filter(|(_, message)| message.place.segment() < end) {
            let (count, bytes) = lives.entry(message.place.segment()).or_default();
            (*count, *bytes) =
                (*count + 1, *bytes + u64::from(message.bytes) + Relocated::extra_bytes(message));
            stragglers.indexed.push((message.place, *id));
        }
        let (mut goes_before, mut freed, mut moved) = (0, 0, 0);
        for segment in held {
            let (count, bytes) = lives.get(&segment.number).copied().unwrap_or_default();
            let Some(others) = self.tally.left_in(segment).checked_sub(count) else { break };
            if others > 0 {
                if segment.number < self.cursor.place().segment() {
                    // They are on their way to be settled, or to stay.
                    break;
                }
                // Plain ones that nobody has received, as long as others of their segment.
                moved += others * (segment.bytes / segment.records.max(1) + Relocated::EXTRA_BYTES);
                stragglers.plain_in.push(*segment);
            }
            (freed, moved) = (freed + segment.bytes, moved + bytes);
            if FREED_PER_MOVED * moved <= freed {
                goes_before = segment.number + 1;
            }
        }
        stragglers.indexed.retain(|(place, _)| place.segment() < goes_before);
        stragglers.plain_in.retain(|segment| segment.number < goes_before);
        if goes_before > 0 {
            state.looked_bytes = 0;
        }
        stragglers
    }

    /// Takes the plain messages of a segment that nobody has received into the index, and adds them to those that are to be moved.
    fn adopt_in(&self, segment: &Held, indexed: &mut Vec<(Place, u64)>) -> Result<()> {
        let mut reader = Reader::at(self.log.clone(), segment.number, segment.first);
        let mut is_over = false;
        while !is_over {
            let mut step: Vec<(u64, Message)> = Vec::new();
            while step.len() < STEP_COUNT && !is_over {
                is_over = !reader.advance_within()?;
                // Nothing is found at the end: the reader may have let go of the last one.
                let found = if is_over { None } else { message_found(&reader) };
                let Some((id, frame)) = found else { continue };
                if reader.kind() == Kind::Data && !frame.has(INDEXED) {
                    step.push((id, Message::new(reader.found_place(), Status::Ready).with_bytes(&frame)));
                }
            }
            let mut state = lock(&self.state);
            if self.is_closed() {
                return Ok(());
            }
            self.hold_cursor(&mut state, |state| -> Result<()> {
                for (id, message) in step {
                    // Not those that somebody has received, or said something of.
                    if id >= self.cursor.next_sequence() && !state.ahead.contains(&id) {
                        indexed.push((message.place, id));
                        self.append_event(&Event::Adopted { id, place: message.place })?;
                        state.adopt(id, message);
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Tells a message again, if it is still where it was read.
    fn move_locked(&self, state: &mut State, straggler: &Straggler) -> Result<()> {
        let Straggler { id, place, payload } = straggler;
        let Some(message) = state.messages.get(id) else { return Ok(()) };
        if message.place != *place || !state.is_movable(*id, message) {
            return Ok(());
        }
        let Some(relocated) = state.told(*id, message, payload.frame()) else { return Ok(()) };
        let appended = self.append_placed(&Event::Relocated(Box::new(relocated)))?;
        // Who reads it there sees what is committed; where it was stays until this is durable.
        state.set_place(*id, appended.start);
        state.told_end = state.told_end.max(appended.end);
        self.tally.relocate(&self.log, *id, appended.start.segment());
        Ok(())
    }
}

impl State {
    /// Whether nobody is about to read a message where it is now.
    fn is_movable(&self, id: u64, message: &Message) -> bool {
        let stays = message.status.is_waiting() || matches!(message.status, Status::Leased { .. });
        // Its letter may wait for room as long as it likes.
        (stays || self.letters_held.contains(&id)) && !self.copies.is_under_way(id)
    }
}

/// The next few of these messages.
fn read_step(reader: &mut Reader, left: &mut impl Iterator<Item = (Place, u64)>) -> Result<Vec<Straggler>> {
    let (mut step, mut bytes) = (Vec::new(), 0);
    while step.len() < STEP_COUNT
        && bytes < STEP_BYTES
        && let Some((place, id)) = left.next()
    {
        reader.go_to_place(place);
        if !reader.advance()? || reader.found_place() != place {
            // It was settled, and its segment is gone.
            continue;
        }
        let payload = reader.payload().within(|frame| {
            let (found, frame) = message_in(frame, reader.sequence())?;
            (found == id).then_some(frame)
        });
        if let Some(payload) = payload {
            bytes += payload.frame().bytes().len();
            step.push(Straggler { id, place, payload });
        }
    }
    Ok(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock, alarm::Alarm};
    use crate::journal::Journal;
    use crate::log::{Level, Limits, Log};
    use crate::message::Message as Sent;
    use crate::name::Name;
    use crate::queue::delivery::Delivery;
    use crate::queue::options::{OnExhausted, QueueOptions};
    use crate::queue::receive::{Ask, Start};
    use crate::storage::Blocking;
    use crate::sync::event_count::EventCount;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    const SEGMENT_BYTES: u64 = crate::log::SEGMENT_BYTES_MIN;

    /// A queue with small segments; in memory without a directory.
    fn open(directory: Option<&Path>, clock: &ManualClock) -> Arc<Shared> {
        let log = match directory {
            None => Log::memory(Arc::new(EventCount::new())),
            Some(path) => {
                let opened = Log::open(Arc::new(Blocking), path.into(), 7, Level::Durable, Arc::default());
                opened.unwrap().0
            }
        };
        log.set_limits(Limits { bytes_max: SEGMENT_BYTES, ..Limits::NONE });
        let clock = Clock::Manual(clock.clone());
        let journal = Arc::new(Journal::new(clock, Arc::new(Alarm::new()), Level::Durable, 100_000_000));
        let options = QueueOptions::new(OnExhausted::Drop);
        Shared::open(Name::new("jobs").unwrap(), Arc::new(log), journal, options, None).unwrap()
    }

    /// Sends and acks so many short messages.
    fn pass(queue: &Arc<Shared>, count: usize) {
        let value = [7; 100];
        for _ in 0..count.div_ceil(50) {
            queue.send_batch(&vec![Sent::new(&value); 50]).unwrap();
            let taken = queue.take_as(&Ask::new(50, Start::Now)).unwrap();
            assert!(queue.ack(&taken.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
        }
    }

    fn held_count(queue: &Shared) -> u64 {
        queue.log.bytes() / SEGMENT_BYTES
    }

    type Stay = fn(&Arc<Shared>) -> Option<Delivery>;
    /// What has a message stay for long; what is out is held.
    const STAYS: [(&str, Stay); 6] = [
        ("scheduled for next year", |queue| {
            queue.send(&Sent::new("stays").delay(YEAR)).unwrap();
            None
        }),
        ("leased", |queue| {
            queue.send(&Sent::new("stays").priority(9)).unwrap();
            queue.take_one().unwrap()
        }),
        ("leased, and plain", |queue| {
            queue.send(&Sent::new("stays")).unwrap();
            queue.take_one().unwrap()
        }),
        ("deferred", |queue| {
            queue.send(&Sent::new("stays")).unwrap();
            queue.take_one().unwrap().unwrap().defer().unwrap();
            None
        }),
        ("waiting for its retry", |queue| {
            queue.send(&Sent::new("stays")).unwrap();
            queue.take_one().unwrap().unwrap().fail_after("no", YEAR).unwrap();
            None
        }),
        ("of the lowest priority", |queue| {
            queue.send(&Sent::new("stays").priority(0)).unwrap();
            None
        }),
    ];

    /// `ActiveMQ`'s KahaDB keeps a file of its log as long as one message in it is not acked, and all that it needs behind it.
    #[test]
    fn one_message_that_stays_for_long_pins_neither_disk_nor_memory() {
        for (what, stay) in STAYS {
            for is_durable in [false, true] {
                let (scratch, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
                let queue = open(is_durable.then(|| scratch.path()), &clock);
                let held = stay(&queue);
                // 20 more than fill a segment each time, so that it is moved more than once.
                let count = if is_durable { 5_000 } else { 50_000 };
                for _ in 0..count / 500 {
                    pass(&queue, 500);
                    assert!(held_count(&queue) <= 12, "{what}: {} segments", held_count(&queue));
                }
                assert!(queue.log.start().1 > 0, "{what}: it was moved");
                if let Some(held) = held {
                    assert_eq!(held.value(), b"stays", "{what}: what is out keeps its bytes");
                    held.ack().unwrap();
                } else {
                    let found = queue.peek(0, 9).unwrap();
                    assert_eq!(Vec::from_iter(found.iter().map(|found| found.value())), [b"stays"], "{what}");
                    assert!(queue.cancel(0).unwrap());
                }
                pass(&queue, 500);
                assert!(held_count(&queue) <= 3, "{what}: {} segments when it is gone", held_count(&queue));
            }
        }
    }

    #[test]
    fn a_message_on_its_way_to_another_queue_is_not_moved() {
        let (scratch, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
        let queue = open(Some(scratch.path()), &clock);
        let on_breach = crate::queue::OnBreach::MoveTo("late".into());
        queue.set_options(QueueOptions { on_breach, ..QueueOptions::new(OnExhausted::Drop) }, None).unwrap();
        let id = queue.send(&Sent::new("x").start_within(Duration::from_secs(1))).unwrap();
        clock.advance(Duration::from_secs(1));
        pass(&queue, 2_000);
        assert_eq!(queue.log.start().1, id, "where it was noted that it lies");
    }

    #[test]
    fn many_messages_that_stay_are_not_moved_round_for_ever() {
        let clock = ManualClock::new();
        let written_by_passing = |queue: &Arc<Shared>| {
            let before = queue.log.current_segment();
            pass(queue, 100_000);
            queue.log.current_segment() - before
        };
        let alone = written_by_passing(&open(None, &clock));
        let queue = open(None, &clock);
        for n in 0..2_000 {
            queue.send(&Sent::new(&n.to_string()).delay(YEAR)).unwrap();
        }
        let of_theirs = held_count(&queue);
        let written = written_by_passing(&queue);
        assert!(written > alone, "they were moved");
        assert!(3 * written <= 4 * alone, "{written} segments written where {alone} pass alone");
        assert!(held_count(&queue) <= 15 * of_theirs, "{} of {of_theirs}", held_count(&queue));
        assert_eq!(queue.peek(0, 10_000).unwrap().len(), 2_000);
    }
}
