//! Verbs of members and of the stream: done, and noted.

use crate::group::{Event, Place, Share, Sitting};
use crate::verb::{Compacted, From, Verb};
use crate::world::{GROUPS, POLL_INTERVAL, REVOKE, SESSION, World};
use proptest::prelude::*;
use ringmain::{Error, Start};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub type Outcome = Result<(), TestCaseError>;

pub fn wrong<T>(what: impl Into<String>) -> Result<T, TestCaseError> {
    Err(TestCaseError::fail(what.into()))
}

const PARTITIONS_MAX: u32 = 6;
const MEMBERS_MAX: usize = 3;

impl World {
    pub fn apply(&mut self, verb: &Verb) -> Outcome {
        let which = match verb {
            Verb::Leave(which)
            | Verb::Commit(which)
            | Verb::CommitDone(which)
            | Verb::ConfirmRevoke(which) => which,
            Verb::Poll { which, .. }
            | Verb::CommitOffset { which, .. }
            | Verb::Done { which, .. }
            | Verb::Rewind { which, .. }
            | Verb::Seek { which, .. } => which,
            _ => return self.apply_to_all(verb),
        };
        let Some(index) = which.checked_rem(self.sittings.len()) else { return Ok(()) };
        match *verb {
            Verb::Leave(_) => self.leave(index),
            Verb::Poll { count, .. } => self.poll(index, count).map(drop),
            Verb::Commit(_) => self.commit(index),
            Verb::CommitOffset { record, .. } => self.commit_offset(index, record),
            Verb::Done { record, .. } => self.done(index, record),
            Verb::CommitDone(_) => self.commit_done(index),
            Verb::Rewind { partition, back, .. } => self.rewind(index, partition, back),
            Verb::Seek { partition, at, .. } => self.seek(index, partition, at),
            _ => self.confirm_revoke(index),
        }
    }

    fn apply_to_all(&mut self, verb: &Verb) -> Outcome {
        match verb {
            Verb::Append(drafts) => self.append(drafts),
            Verb::AppendExpecting { partition, off_by, count } => {
                self.append_expecting(*partition, *off_by, *count)
            }
            Verb::Produce { who, back, drafts } => self.produce(*who, *back, drafts),
            Verb::FenceProducer { who } => self.fence_producer(*who),
            Verb::Advance(time) => {
                self.clock.advance(*time);
                Ok(())
            }
            Verb::Join { group, name, from } => self.join(*group, *name, *from),
            Verb::Grow => {
                self.grow_a_little();
                Ok(())
            }
            Verb::DeleteGroup(group) => self.delete_group(*group),
            Verb::Compact => {
                self.stream.compact().expect("compacted");
                Ok(())
            }
            Verb::Flush => {
                self.hub.flush().expect("flushed");
                self.logs.iter_mut().for_each(|log| log.durable = log.end);
                Ok(())
            }
            Verb::Settle(group, change) => self.settle_and_change(*group, *change),
            Verb::Reopen if self.setup.durability.is_some() => {
                self.reopen();
                self.logs.iter_mut().for_each(|log| log.durable = log.end);
                self.check_recovered(false)
            }
            Verb::Crash if self.setup.durability.is_some() => {
                self.crash();
                self.check_recovered(self.may_lose())
            }
            _ => Ok(()),
        }
    }

    pub fn grow_a_little(&mut self) {
        // Keys that move are compacted where they are.
        if self.setup.compacted == Compacted::No && self.setup.partitions < PARTITIONS_MAX {
            self.grow();
        }
    }

    pub fn join(&mut self, group: usize, name: Option<u8>, from: From) -> Outcome {
        if self.sittings.iter().filter(|sitting| sitting.group == group).count() >= MEMBERS_MAX {
            return Ok(());
        }
        let start = self.start(from);
        let is_new = !self.stream.groups().expect("groups").contains(&GROUPS[group].to_owned());
        let events = Arc::new(Mutex::new(Vec::new()));
        let tell = |event: fn(Vec<u32>) -> Event| {
            let events = events.clone();
            move |_: &mut ringmain::Member, partitions: &[u32]| {
                events.lock().expect("events").push(event(partitions.to_vec()));
                Ok(())
            }
        };
        let mut builder = self
            .stream
            .group(GROUPS[group])
            .session_timeout(SESSION)
            .revoke_timeout(REVOKE)
            .max_poll_interval(POLL_INTERVAL)
            .on_assign(tell(Event::Assigned))
            .on_revoke(tell(Event::Revoked))
            .on_lost(tell(Event::Lost));
        if let Some(name) = name {
            builder = builder.member_name(&format!("desk-{name}"));
        }
        let is_held = |offset: u64| self.logs.iter().all(|log| (log.start..=log.end).contains(&offset));
        let member = match builder.join_at(start) {
            Ok(member) => member,
            Err(Error::OutOfRange { .. })
                if is_new && matches!(start, Start::Offset(offset) if !is_held(offset)) =>
            {
                return Ok(());
            }
            Err(other) => return wrong(format!("join: {other:?}")),
        };
        if is_new {
            // It begins where it was told to.
            self.groups[group].shares.clear();
            for (partition, committed) in (0..).zip(self.committed(group)) {
                let first = committed.unwrap_or_default();
                let share = self.groups[group].share(partition);
                share.ask(|marks| marks.raise(first));
                share.passed.raise(first);
                share.done.raise(first);
            }
        }
        let namesakes = self
            .sittings
            .iter_mut()
            .filter(|other| other.group == group && name.is_some() && other.name == name);
        namesakes.for_each(|other| other.is_replaced = true);
        self.sittings.push(Sitting {
            id: self.next_id,
            group,
            name,
            member,
            events,
            places: BTreeMap::new(),
            stopped: BTreeMap::new(),
            records: Vec::new(),
            marked: BTreeMap::new(),
            polled_ns: self.now_ns(),
            is_replaced: false,
        });
        self.next_id += 1;
        Ok(())
    }

    pub fn leave(&mut self, index: usize) -> Outcome {
        self.sittings.swap_remove(index).member.leave().expect("left");
        Ok(())
    }

    fn delete_group(&mut self, group: usize) -> Outcome {
        let is_known = self.stream.groups().expect("groups").contains(&GROUPS[group].to_owned());
        // One that was replaced is none any more; one that is away may be forgotten with the group.
        let has_members = self.sittings.iter().any(|sitting| sitting.group == group && !sitting.is_replaced);
        match self.stream.delete_group(GROUPS[group]) {
            Ok(()) if is_known && !has_members => self.groups[group].forget(),
            Err(Error::NotFound { .. }) if !is_known => {}
            Err(Error::InvalidArgument { .. }) if has_members => {}
            other => return wrong(format!("deleted: {other:?}; known {is_known}, members {has_members}")),
        }
        Ok(())
    }

    /// `Ok`, or fenced; anything else is wrong. True: all of it.
    fn is_whole(result: ringmain::Result<()>) -> Result<bool, TestCaseError> {
        match result {
            Ok(()) => Ok(true),
            Err(Error::Fenced { .. }) => Ok(false),
            Err(other) => wrong(format!("commit: {other:?}")),
        }
    }

    fn share(&mut self, index: usize, partition: u32) -> &mut Share {
        let group = self.sittings[index].group;
        self.groups[group].share(partition)
    }

    /// It has not polled in time.
    pub fn is_silent(&self, sitting: &Sitting) -> bool {
        sitting.polled_ns + POLL_INTERVAL.as_nanos() as u64 <= self.now_ns()
    }

    pub fn commit(&mut self, index: usize) -> Outcome {
        let polled = self.sittings[index].polled();
        let is_whole = Self::is_whole(self.sittings[index].member.commit())?;
        for (partition, next) in polled {
            let share = self.share(index, partition);
            share.ask(|marks| marks.raise(next));
            if is_whole {
                share.done.raise(next);
            }
        }
        self.sittings[index].look_at_stopped();
        Ok(())
    }

    fn commit_offset(&mut self, index: usize, record: usize) -> Outcome {
        let sitting = &mut self.sittings[index];
        let Some(at) = record.checked_rem(sitting.records.len()) else { return Ok(()) };
        let (partition, next) = (sitting.records[at].partition(), sitting.records[at].offset() + 1);
        if !sitting.polled().iter().any(|(known, polled)| *known == partition && *polled >= next) {
            // Beyond what it was given since the partition is its: that passes over records by name.
            return Ok(());
        }
        match sitting.member.commit_offset(partition, next) {
            Err(Error::InvalidArgument { .. } | Error::OutOfRange { .. }) => Ok(()),
            result => {
                let is_whole = Self::is_whole(result)?;
                let share = self.share(index, partition);
                share.ask(|marks| marks.raise(next));
                if is_whole {
                    share.done.raise(next);
                }
                self.sittings[index].look_at_stopped();
                Ok(())
            }
        }
    }

    fn done(&mut self, index: usize, record: usize) -> Outcome {
        let sitting = &mut self.sittings[index];
        let Some(at) = record.checked_rem(sitting.records.len()) else { return Ok(()) };
        let record = &sitting.records[at];
        let (partition, offset) = (record.partition(), record.offset());
        let is_its = sitting.places.contains_key(&partition) || sitting.stopped.contains_key(&partition);
        match sitting.member.done(record) {
            Ok(()) => {
                sitting.marked.entry(partition).or_default().insert(offset);
                if sitting.places.get(&partition).is_some_and(|place| place.next <= offset) {
                    // Polled before, and not to be given again: what passes over it commits it.
                    self.share(index, partition).ask(|marks| marks.beyond.extend([offset]));
                }
                Ok(())
            }
            Err(Error::NotFound { .. }) if !is_its => Ok(()),
            other => wrong(format!("done {partition}:{offset}: {other:?}")),
        }
    }

    fn commit_done(&mut self, index: usize) -> Outcome {
        let marked = self.sittings[index].marked.clone();
        let is_whole = Self::is_whole(self.sittings[index].member.commit_done())?;
        for (partition, offsets) in marked {
            let share = self.share(index, partition);
            share.ask(|marks| marks.beyond.extend(&offsets));
            if is_whole {
                share.done.beyond.extend(&offsets);
            }
        }
        let sitting = &mut self.sittings[index];
        if is_whole {
            sitting.marked.clear();
        }
        sitting.look_at_stopped();
        Ok(())
    }

    fn rewind(&mut self, index: usize, partition: usize, back: u64) -> Outcome {
        let partition = (partition % self.logs.len()) as u32;
        let committed = self.committed(self.sittings[index].group)[partition as usize];
        let Some(offset) = committed.map(|committed| committed.saturating_sub(back)) else { return Ok(()) };
        let rewound = self.sittings[index].member.rewind(partition, offset);
        self.hear(index)?;
        match rewound {
            Ok(()) => {
                let share = self.share(index, partition);
                share.done.cut(offset);
                share.asked.cut(offset);
                let sitting = &mut self.sittings[index];
                sitting.marked.remove(&partition);
                // One that it was asked for it may have let go of by now.
                let place = sitting.places.get_mut(&partition).or(sitting.stopped.get_mut(&partition));
                if let Some(place) = place {
                    (place.next, place.is_sought) = (offset, false);
                }
                sitting.look_at_stopped();
                Ok(())
            }
            // Nothing was rewound then: what is done must not come again.
            Err(Error::Fenced { .. } | Error::OutOfRange { .. }) => Ok(()),
            other => {
                wrong(format!("rewound partition {partition} from {committed:?} to {offset}: {other:?}"))
            }
        }
    }

    fn seek(&mut self, index: usize, partition: usize, at: u64) -> Outcome {
        let partition = (partition % self.logs.len()) as u32;
        let log = &self.logs[partition as usize];
        let offset = log.start + at % (log.end - log.start + 1);
        let sought = self.sittings[index].member.seek(partition, offset);
        self.hear(index)?;
        let Some(place) = self.sittings[index].places.get(&partition).copied() else {
            prop_assert!(sought.is_err(), "sought in partition {}, which it does not read", partition);
            return Ok(());
        };
        prop_assert!(sought.is_ok() || self.sittings[index].is_replaced, "seek to {}: {:?}", offset, sought);
        if sought.is_ok() {
            self.go_to(index, partition, place, offset);
        }
        Ok(())
    }

    /// A member goes to another offset by name: what it passes over is given to nobody.
    fn go_to(&mut self, index: usize, partition: u32, place: Place, offset: u64) {
        let share = self.share(index, partition);
        share.passed.beyond.extend(place.next..offset);
        let place = Place { next: offset, is_sought: place.is_sought || offset < place.next, ..place };
        self.sittings[index].places.insert(partition, place);
    }

    fn confirm_revoke(&mut self, index: usize) -> Outcome {
        let sitting = &mut self.sittings[index];
        let Some(partition) = sitting.member.revoking().first().copied() else { return Ok(()) };
        sitting.member.confirm_revoke(partition).expect("it was asked for");
        sitting.look_at_stopped();
        Ok(())
    }

    /// How many records it was given.
    pub fn poll(&mut self, index: usize, count: usize) -> Result<usize, TestCaseError> {
        let polled = self.sittings[index].member.poll(count, Duration::ZERO);
        self.hear(index)?;
        self.sittings[index].polled_ns = self.now_ns();
        let records = match polled {
            Ok(records) => records,
            Err(Error::Fenced { partition: None, .. }) if self.sittings[index].is_replaced => return Ok(0),
            Err(Error::OutOfRange { partition, start, .. }) => {
                let place = self.sittings[index].places.get(&partition).copied();
                let Some(place) = place else {
                    return wrong(format!("out of range in {partition}, not read"));
                };
                let held = self.stream.stats().expect("stats").partitions[partition as usize].start;
                prop_assert!(
                    place.next < start && start == held,
                    "{} lies before {}, held from {}",
                    place.next,
                    start,
                    held
                );
                self.sittings[index].member.seek(partition, start).expect("it is held");
                self.go_to(index, partition, place, start);
                return Ok(1);
            }
            Err(other) => return wrong(format!("poll: {other:?}")),
        };
        prop_assert!(
            !self.sittings[index].is_replaced || records.is_empty(),
            "a member is fenced whose name is another's"
        );
        self.check_given(index, &records)?;
        let given = records.len();
        let sitting = &mut self.sittings[index];
        sitting.records.extend(records);
        let old = sitting.records.len().saturating_sub(30);
        sitting.records.drain(..old);
        Ok(given)
    }
}
