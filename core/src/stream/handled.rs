//! What a member has handed out and what of that is done, in each partition that it owns.
//!
//! **Promise.** A record that is done, by this member or by whoever had the partition before, is not handed out. Offsets at which
//! there is no record count as done with the record behind them.

use crate::error::{Error, Result};
use crate::limits::GAP_COUNT_MAX;
use crate::log::Ranges;
use crate::name::Name;
use crate::stream::commit_frame::Done;
use crate::stream::progress::Progress;
use crate::stream::reader::Filter;
use crate::stream::record::{Position, Record};
use std::collections::{BTreeMap, BTreeSet};

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Handled {
    partitions: BTreeMap<u32, Partition>,
    /// Nothing of these is to be handed out for now.
    held: BTreeSet<u32>,
}

#[derive(Debug)]
struct Partition {
    progress: Progress,
    /// Of that, what was not committed yet.
    fresh: Ranges,
    /// What was done before it was handed out here: by whoever had the partition, or when it was polled in an earlier time here.
    done_before: Ranges,
    /// Next to be handed out, and where that began.
    polled: u64,
    since: u64,
}

impl Handled {
    /// A partition that comes with what was committed of it, and is read from there.
    pub(super) fn take_over(&mut self, partition: u32, progress: Progress) {
        let (polled, since) = (progress.next(), progress.next());
        let done_before = progress.islands().clone();
        self.partitions
            .insert(partition, Partition { progress, fresh: Ranges::default(), done_before, polled, since });
    }

    /// Lets go of the others.
    pub(super) fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        self.partitions.retain(|partition, _| is_kept(*partition));
    }

    /// The partition is read from another offset on.
    pub(super) fn seek(&mut self, partition: u32, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            (partition.polled, partition.since) = (offset, partition.since.min(offset));
        }
    }

    /// What passes over what was done before; none, if there is nothing.
    pub(super) fn wanted(&self) -> Option<Filter> {
        let with_islands = self.partitions.iter().filter(|(_, partition)| !partition.done_before.is_empty());
        let done: BTreeMap<u32, Ranges> =
            with_islands.map(|(number, partition)| (*number, partition.done_before.clone())).collect();
        if done.is_empty() {
            return None;
        }
        Some(Filter::by(move |record| {
            let Position { partition, offset } = record.position();
            done.get(&partition).is_none_or(|done| done.end_of(offset).is_none())
        }))
    }

    /// Notes that a batch is handed out.
    pub(super) fn hand_out(&mut self, records: &mut [Record]) {
        for record in records {
            if let Some(partition) = self.partitions.get_mut(&record.partition()) {
                record.set_from(partition.polled);
                partition.polled = record.offset() + 1;
            }
        }
    }

    /// Everything before an offset was handed out, and is not marked with what follows.
    pub(super) fn pass(&mut self, partition: u32, offset: u64) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.polled = offset;
        }
    }

    /// Hands out nothing of these partitions for now, and of the others.
    pub(super) fn hold(&mut self, held: BTreeSet<u32>) {
        self.held = held;
    }

    /// Whether nothing more of a partition is handed out: it is held, or has as many gaps as it may.
    pub(super) fn is_paused(&self, partition: u32) -> bool {
        self.held.contains(&partition)
            || self
                .partitions
                .get(&partition)
                .is_some_and(|partition| partition.progress.gap_count() >= GAP_COUNT_MAX)
    }

    /// Where what was done before ends, if a place is within that.
    pub(super) fn end_of_done(&self, partition: u32, offset: u64) -> Option<u64> {
        self.partitions.get(&partition)?.done_before.end_of(offset)
    }

    /// Marks a record. True: there is more to be passed over.
    ///
    /// # Errors
    /// `Full` if that would be one gap too many, `NotFound` if the member does not have the partition.
    pub(super) fn done(&mut self, group: &Name, position: Position, from: u64) -> Result<bool> {
        let Position { partition: number, offset } = position;
        let Some(partition) = self.partitions.get_mut(&number) else {
            let advice = ", or is not this member's any more";
            return Err(Error::NotFound { noun: "partition", name: number.to_string(), advice });
        };
        // WHY: one that was polled in an earlier time here says nothing of what lies before it.
        let is_of_now = (partition.since..partition.polled).contains(&from);
        let done = if is_of_now { from } else { offset }..offset + 1;
        let is_done = |offset: u64| partition.progress.is_done(offset);
        let joins = done.start <= partition.progress.next() || is_done(done.start - 1) || is_done(done.end);
        if partition.progress.gap_count() >= GAP_COUNT_MAX && !joins && !is_done(offset) {
            return Err(Error::Full {
                noun: "group",
                name: group.clone(),
                what: "gaps between records that are done in one partition",
                count: partition.progress.gap_count() as u64,
                limit: GAP_COUNT_MAX as u64,
                advice: "mark earlier records first; until then poll gives no more of the partition",
            });
        }
        partition.progress.mark(done.clone());
        let is_to_come = offset >= partition.polled;
        if is_to_come {
            partition.done_before.insert(done.clone());
        }
        partition.fresh.insert(done);
        Ok(is_to_come)
    }

    /// What was marked and is not committed yet.
    pub(super) fn fresh(&self) -> Vec<Done> {
        let fresh = self.partitions.iter().filter(|(_, partition)| !partition.fresh.is_empty());
        fresh
            .map(|(number, partition)| {
                let next = partition.progress.next();
                let beyond = partition.fresh.iter().filter(|done| done.start > next);
                Done { partition: *number, next, islands: beyond.collect() }
            })
            .collect()
    }

    /// A commit is in the log.
    pub(super) fn committed(&mut self, done: &Done) {
        if let Some(partition) = self.partitions.get_mut(&done.partition) {
            partition.progress.raise(done.next);
            // All that was fresh comes with the first of it.
            partition.fresh.remove_below(if done.islands.is_empty() { done.next } else { u64::MAX });
        }
    }
}
