//! Appending to a stream: which partition a record goes to, and what it has reached when the verb returns.

use crate::error::{Error, Result};
use crate::journal::{Ends, Receipt};
use crate::log::{Draft, Kind, Log, Place};
use crate::message::{Message, safest};
use crate::stream::record::Position;
use crate::stream::shared::Shared;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Shared {
    pub(crate) fn append_batch(&self, messages: &[Message<'_>]) -> Result<Vec<Position>> {
        let (positions, ends) = self.take_batch(messages)?;
        let level = safest(messages).into();
        ends.iter().try_for_each(|(log, end)| self.journal.commit_at(log, *end, level))?;
        Ok(positions)
    }

    pub(crate) fn submit_batch(&self, messages: &[Message<'_>]) -> Result<Receipt<Vec<Position>>> {
        let (positions, ends) = self.take_batch(messages)?;
        Ok(Receipt::new(&self.journal, safest(messages).into(), ends, positions))
    }

    /// Appends, and does not wait. All logs are noted, so that the first wait commits them all.
    fn take_batch(&self, messages: &[Message<'_>]) -> Result<(Vec<Position>, Ends)> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        messages.iter().try_for_each(|message| self.check(message, now_ns))?;
        let sticky = self.sticky_of_batch();
        if self.partition_count() > 1 && messages.iter().any(|message| message.key.is_some()) {
            let by_key = |index: usize| self.partitioner.partition(messages[index].key, sticky);
            return self.take_scattered(messages, by_key, now_ns);
        }
        self.take_together(messages, sticky, now_ns)
    }

    /// The same of a batch that goes to one partition.
    pub(super) fn take_together(
        &self,
        messages: &[Message<'_>],
        partition: u32,
        now_ns: u64,
    ) -> Result<(Vec<Position>, Ends)> {
        let log = self.partition(partition)?;
        if messages.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let appended = log.append_each(messages.iter().map(|message| draft(message, now_ns)))?;
        self.upkeep().notice(partition, appended.end);
        self.journal.note(log);
        let offsets = appended.sequence..appended.sequence + messages.len() as u64;
        let positions = offsets.map(|offset| Position { partition, offset }).collect();
        Ok((positions, vec![(log.clone(), appended.end)]))
    }

    /// The same of a batch whose records go to the partitions that `route` says of each by its place in the batch.
    pub(super) fn take_scattered(
        &self,
        messages: &[Message<'_>],
        route: impl Fn(usize) -> u32,
        now_ns: u64,
    ) -> Result<(Vec<Position>, Ends)> {
        let mut batches: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for index in 0..messages.len() {
            batches.entry(route(index)).or_default().push(index);
        }
        let mut positions = vec![Position { partition: 0, offset: 0 }; messages.len()];
        let mut ends = Vec::with_capacity(batches.len());
        for (partition, indices) in batches {
            let log = self.partition(partition)?;
            let appended = log.append_each(indices.iter().map(|index| draft(&messages[*index], now_ns)))?;
            for (index, offset) in indices.iter().zip(appended.sequence..) {
                positions[*index] = Position { partition, offset };
            }
            self.journal.note(log);
            self.upkeep().notice(partition, appended.end);
            ends.push((log.clone(), appended.end));
        }
        Ok((positions, ends))
    }

    pub(crate) fn append(&self, message: &Message<'_>) -> Result<Position> {
        let (position, log, end) = self.take(message)?;
        self.journal.commit_at(log, end, message.durability.into())?;
        Ok(position)
    }

    pub(crate) fn submit(&self, message: &Message<'_>) -> Result<Receipt<Position>> {
        let (position, log, end) = self.take(message)?;
        Ok(Receipt::new(&self.journal, message.durability.into(), vec![(log.clone(), end)], position))
    }

    /// Appends, and does not wait.
    #[inline]
    fn take(&self, message: &Message<'_>) -> Result<(Position, &Arc<Log>, Place)> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        self.check(message, now_ns)?;
        let sticky = if message.key.is_none() { self.partitioner.next_sticky() } else { 0 };
        let partition = self.partitioner.partition(message.key, sticky);
        let log = self.partition(partition)?;
        let drafts = std::slice::from_ref(message).iter().map(|message| draft(message, now_ns));
        let appended = log.append_each(drafts)?;
        self.upkeep().notice(partition, appended.end);
        Ok((Position { partition, offset: appended.sequence }, log, appended.end))
    }

    pub(super) fn check(&self, message: &Message<'_>, now_ns: u64) -> Result<()> {
        if message.task.is_any {
            let detail = "a stream has no delays, priorities, ordering keys and times to live; send to a queue instead";
            return Err(Error::invalid("message", detail));
        }
        if message.key.is_none() && self.upkeep().is_compacted() {
            let detail =
                format!("stream {} is compacted by key, and this record has none; give it one", self.name);
            return Err(Error::invalid("key", detail));
        }
        message.check(now_ns)
    }
}

#[inline]
pub(super) fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft {
        kind: Kind::Data,
        time_ns: now_ns,
        key: message.key,
        event_time_ns: message.event_time_ns,
        due_ns: 0,
        options: None,
        is_tombstone: message.is_tombstone,
        headers: &message.headers,
        value: message.value,
    }
}
