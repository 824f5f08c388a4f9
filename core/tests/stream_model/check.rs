//! The properties, each where it can be seen to fail.

use crate::apply::{Outcome, wrong};
use crate::group::{Event, Place};
use crate::verb::Compacted;
use crate::world::{REVOKE, World};
use proptest::prelude::*;
use ringmain::{Record, Start};
use std::collections::BTreeSet;

impl World {
    /// What a member was told since it was asked last.
    pub fn hear(&mut self, index: usize) -> Outcome {
        let events = std::mem::take(&mut *self.sittings[index].events.lock().expect("events"));
        for event in events {
            let sitting = &mut self.sittings[index];
            match event {
                Event::Lost(partitions) => partitions.iter().for_each(|partition| {
                    sitting.places.remove(partition);
                    sitting.stopped.remove(partition);
                    sitting.marked.remove(partition);
                }),
                Event::Revoked(partitions) => {
                    for partition in partitions {
                        let place = sitting.places.remove(&partition);
                        let Some(place) = place else {
                            return wrong(format!("asked for {partition}, which it does not read"));
                        };
                        sitting.stopped.insert(partition, place);
                    }
                }
                Event::Assigned(partitions) => {
                    for partition in partitions {
                        self.check_free(index, partition)?;
                        let committed = self.committed(self.sittings[index].group)[partition as usize];
                        let next = committed.unwrap_or(self.logs[partition as usize].start);
                        let place = Place { next, since_ns: self.now_ns(), is_sought: false };
                        let sitting = &mut self.sittings[index];
                        sitting.marked.remove(&partition);
                        sitting.places.insert(partition, place);
                    }
                }
            }
        }
        self.sittings[index].look_at_stopped();
        Ok(())
    }

    /// **One owner**: who else reads a partition that somebody is given has had its time, or is no member any more.
    fn check_free(&self, index: usize, partition: u32) -> Outcome {
        let taker = &self.sittings[index];
        for other in &self.sittings {
            let held = other.places.get(&partition).or(other.stopped.get(&partition));
            let Some(place) = held.filter(|_| other.group == taker.group && other.id != taker.id) else {
                continue;
            };
            let is_over = place.since_ns + REVOKE.as_nanos() as u64 <= self.now_ns();
            prop_assert!(
                is_over || other.is_replaced || self.is_silent(other),
                "one owner: member {} is given partition {}, which {} reads",
                taker.id,
                partition,
                other.id
            );
        }
        Ok(())
    }

    fn generation(&self, group: usize) -> u64 {
        let stats = self.stream.stats().expect("stats");
        let of = stats.groups.iter().find(|stats| stats.name == crate::world::GROUPS[group]);
        of.map_or(0, |stats| stats.generation)
    }

    /// What a poll gave. Nothing: there is nothing.
    pub fn check_given(&mut self, index: usize, records: &[Record]) -> Outcome {
        let (now_ns, setup) = (self.now_ns(), self.setup);
        let (id, group) = (self.sittings[index].id, self.sittings[index].group);
        let generation = self.generation(group);
        for record in records {
            let (partition, offset) = (record.partition(), record.offset());
            let log = &self.logs[partition as usize];
            let Some(place) = self.sittings[index].places.get_mut(&partition) else {
                return wrong(format!(
                    "one owner: {id} is given {partition}:{offset}, and was not told that it is its"
                ));
            };
            let reader = *self.groups[group].readers.entry((generation, partition)).or_insert(id);
            prop_assert_eq!(reader, id, "one owner: of partition {} in generation {}", partition, generation);
            let is_it = log.entries.get(&offset).is_some_and(|entry| entry.is(record));
            prop_assert!(
                is_it,
                "{}:{} is {:?}, not {:?}",
                partition,
                offset,
                record,
                log.entries.get(&offset)
            );
            prop_assert!(offset >= place.next, "order: {}:{} comes after {}", partition, offset, place.next);
            let share = self.groups[group].shares.entry(partition).or_default();
            let is_new = place.is_sought || !share.done.has(offset);
            prop_assert!(is_new, "nothing committed comes again: {}:{} to {}", partition, offset, id);
            let passed = log.must_show(place.next, offset, &setup, now_ns);
            let passed = passed.iter().find(|offset| !share.asked.has(**offset));
            prop_assert_eq!(passed, None, "no gap: of {} before {}", partition, offset);
            let mut gone =
                log.entries.range(place.next..log.start.max(place.next)).map(|(offset, _)| *offset);
            let untold =
                gone.find(|offset| !share.asked.has(*offset) && !log.may_miss(*offset, &setup, now_ns));
            prop_assert_eq!(untold, None, "no gap: of {} went before {} read it, untold", partition, id);
            let is_last = setup.compacted != Compacted::AtOnce || !log.is_replaced(offset);
            prop_assert!(is_last, "retention: {}:{} was replaced", partition, offset);
            share.given.insert(offset);
            place.next = offset + 1;
        }
        if records.is_empty() {
            for (partition, place) in &self.sittings[index].places {
                let log = &self.logs[*partition as usize];
                let left = log.must_show(place.next, log.end, &setup, now_ns);
                let share = self.groups[group].shares.entry(*partition).or_default();
                let left = left.into_iter().find(|offset| !share.asked.has(*offset));
                let is_cut = self.sittings[index]
                    .places
                    .iter()
                    .any(|(p, place)| place.next < self.logs[*p as usize].start);
                prop_assert!(
                    left.is_none() || is_cut || self.sittings[index].is_replaced,
                    "progress: {}:{:?} is not given to {}",
                    partition,
                    left,
                    id
                );
            }
        }
        Ok(())
    }

    /// What can be seen from outside after every verb: where the partitions begin and end, what is committed.
    pub fn observe(&mut self) -> Outcome {
        let stats = self.stream.stats().expect("stats");
        let (now_ns, setup) = (self.now_ns(), self.setup);
        prop_assert_eq!(stats.partitions.len(), self.logs.len());
        let known = self.stream.groups().expect("groups");
        let committed = [0, 1].map(|group| self.committed(group));
        for (partition, seen) in stats.partitions.iter().enumerate() {
            let least = crate::world::GROUPS
                .iter()
                .zip(&committed)
                .filter(|(name, _)| known.contains(&(**name).to_owned()));
            let least = least.map(|(_, committed)| committed[partition].unwrap_or(0)).min();
            let read_by_all = least.max(self.least[partition]).filter(|_| setup.until_read);
            self.least[partition] = least;
            let log = &mut self.logs[partition];
            prop_assert!(
                seen.end >= log.end,
                "partition {} ends at {}, not {}",
                partition,
                seen.end,
                log.end
            );
            prop_assert!(
                seen.start >= log.start,
                "partition {} begins at {}, and began at {}",
                partition,
                seen.start,
                log.start
            );
            let is_old = |time_ns: u64| {
                setup.age_max.is_some_and(|age| u128::from(time_ns) + age.as_nanos() <= u128::from(now_ns))
            };
            for (offset, entry) in log.entries.range(log.start..seen.start) {
                let is_many = setup.count_max.is_some_and(|count| offset + count < seen.end);
                let is_read = read_by_all.is_some_and(|least| *offset < least);
                let may_go =
                    is_old(entry.time_ns) || is_many || is_read || log.may_miss(*offset, &setup, now_ns);
                prop_assert!(
                    may_go,
                    "retention: {}:{} went too early; starts at {}, ends at {}",
                    partition,
                    offset,
                    seen.start,
                    seen.end
                );
            }
            (log.start, log.end) = (seen.start, seen.end);
            let held = log.must_show(0, log.end, &setup, now_ns);
            let late = held.iter().find(|offset| is_old(log.entries[*offset].time_ns));
            prop_assert_eq!(late, None, "retention: {} is too old", partition);
            let too_many = setup.count_max.is_some_and(|count| log.end - log.start > count);
            prop_assert!(!too_many, "retention: partition {} holds {}..{}", partition, log.start, log.end);
        }
        for (group, committed) in committed.iter().enumerate() {
            for (partition, committed) in (0..).zip(committed) {
                let log = &self.logs[partition as usize];
                let share = self.groups[group].share(partition);
                let committed = committed.unwrap_or(0);
                prop_assert!(
                    committed <= log.end,
                    "commit {} of {}, which ends at {}",
                    committed,
                    partition,
                    log.end
                );
                prop_assert!(
                    committed >= share.done.below,
                    "durability: commit {} of {} is {}",
                    share.done.below,
                    partition,
                    committed
                );
                let shown = log.must_show(0, committed, &setup, now_ns);
                let skipped = shown.iter().find(|offset| !share.asked.has(**offset));
                prop_assert_eq!(
                    skipped,
                    None,
                    "no gap: nobody committed it of {} below {}",
                    partition,
                    committed
                );
                let lost =
                    shown.iter().find(|offset| !share.given.contains(offset) && !share.passed.has(**offset));
                prop_assert_eq!(
                    lost,
                    None,
                    "no gap: of {} committed up to {}, and given to nobody",
                    partition,
                    committed
                );
            }
        }
        Ok(())
    }

    /// What is held is what was appended.
    pub fn check_held(&mut self) -> Outcome {
        let (now_ns, setup) = (self.now_ns(), self.setup);
        let records = self.stream.reader(Start::Earliest).expect("a reader");
        let mut seen = vec![BTreeSet::new(); self.logs.len()];
        for record in records {
            let record = record.expect("a record");
            let (log, offset) = (&self.logs[record.partition() as usize], record.offset());
            let is_it = log.entries.get(&offset).is_some_and(|entry| entry.is(&record));
            prop_assert!(is_it, "{:?} is read, not {:?}", record, log.entries.get(&offset));
            prop_assert!(offset >= log.start, "retention: {} of {} is read", offset, record.partition());
            let is_new = seen[record.partition() as usize].insert(offset);
            prop_assert!(is_new, "{} of {} is read twice", offset, record.partition());
        }
        for (partition, log) in self.logs.iter().enumerate() {
            let missing = log
                .must_show(0, log.end, &setup, now_ns)
                .into_iter()
                .find(|offset| !seen[partition].contains(offset));
            prop_assert_eq!(missing, None, "durability: of partition {}", partition);
        }
        Ok(())
    }

    /// **Durability**, after a reopening: the end of a partition may be lost only where nobody waited for a sync.
    pub fn check_recovered(&mut self, may_lose: bool) -> Outcome {
        let stats = self.stream.stats().expect("stats");
        for (partition, seen) in (0..).zip(&stats.partitions) {
            let log = &mut self.logs[partition as usize];
            let least = if may_lose {
                log.durable
            } else {
                log.entries.last_key_value().map_or(0, |(last, _)| last + 1)
            };
            prop_assert!(seen.end >= least, "durability: {} ends at {}, not {}", partition, seen.end, least);
            // What no mark said before follows again from what is there.
            (log.start, log.end) = (seen.start, seen.end);
            log.durable = seen.end;
            log.entries.split_off(&seen.end);
            for group in &mut self.groups {
                if may_lose {
                    group.recall();
                }
                group.share(partition).lose(seen.end);
            }
        }
        if !may_lose {
            return self.check_held();
        }
        for sender in &mut self.senders {
            for place in &mut sender.places {
                let is_there =
                    |place: &(u32, u64)| self.logs[place.0 as usize].entries.contains_key(&place.1);
                *place = place.filter(is_there);
            }
        }
        // What the groups had done may be anything that they had ever done.
        let known = self.stream.groups().expect("groups");
        for group in 0..self.groups.len() {
            if !known.contains(&crate::world::GROUPS[group].to_owned()) {
                self.groups[group].forget();
            }
            for (partition, committed) in (0..).zip(self.committed(group)) {
                let share = self.groups[group].share(partition);
                share.asked = share.asked_ever.clone();
                share.done = crate::group::Marks { below: committed.unwrap_or(0), ..Default::default() };
            }
        }
        self.check_held()
    }
}
