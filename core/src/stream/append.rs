//! Appending to a stream: which partition a record goes to, and what it has reached when the verb returns.

use crate::error::{Error, Result};
use crate::journal::{Ends, Receipt};
use crate::log::{Draft, Kind, Log, Place};
use crate::message::{Message, safest};
use crate::stream::guard::Guard;
use crate::stream::record::Position;
use crate::stream::shared::Shared;
use std::sync::Arc;

/// Messages that a stream takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admitted {
    pub(super) now_ns: u64,
    /// Some have keys.
    is_keyed: bool,
    /// None has more than a value and a key.
    is_plain: bool,
}

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

    /// What every append of several checks first.
    #[inline]
    pub(super) fn admit(&self, messages: &[Message<'_>]) -> Result<Admitted> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        let needs_keys = self.upkeep().is_compacted();
        let mut admitted = Admitted { now_ns, is_keyed: false, is_plain: true };
        for message in messages {
            self.check(message, needs_keys, now_ns)?;
            admitted.is_keyed |= message.key.is_some();
            admitted.is_plain &= message.is_plain();
        }
        Ok(admitted)
    }

    /// Appends, and does not wait. All logs are noted, so that the first wait commits them all.
    fn take_batch(&self, messages: &[Message<'_>]) -> Result<(Vec<Position>, Ends)> {
        let batch = self.admit(messages)?;
        let sticky = self.sticky_of_batch();
        if batch.is_keyed && self.partition_count() > 1 {
            let by_key = |index: usize| self.partitioner.partition(messages[index].key, sticky);
            return self.take_scattered(messages, by_key, batch.now_ns);
        }
        self.take_together(messages, sticky, &batch)
    }

    /// The same of a batch that goes to one partition.
    pub(super) fn take_together(
        &self,
        messages: &[Message<'_>],
        partition: u32,
        batch: &Admitted,
    ) -> Result<(Vec<Position>, Ends)> {
        let log = self.partition(partition)?;
        if messages.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let guard = self.let_in(messages, |_| partition)?;
        let now_ns = batch.now_ns;
        let appended = if batch.is_plain {
            log.append_each(messages.iter().map(|message| plain_draft(message, now_ns)))?
        } else {
            log.append_each(messages.iter().map(|message| draft(message, now_ns)))?
        };
        guard.into_iter().for_each(Guard::appended);
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
        let guard = self.let_in(messages, &route)?;
        self.take_let_in(messages, route, now_ns, guard)
    }

    /// The same of a batch that was let in.
    pub(super) fn take_let_in(
        &self,
        messages: &[Message<'_>],
        route: impl Fn(usize) -> u32,
        now_ns: u64,
        guard: Option<Guard>,
    ) -> Result<(Vec<Position>, Ends)> {
        let (order, counts) = by_partition(messages.len(), route);
        let mut positions = vec![Position { partition: 0, offset: 0 }; messages.len()];
        let mut ends = Vec::new();
        let mut rest = &order[..];
        for (partition, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
            let (indices, others) = rest.split_at(count);
            rest = others;
            let log = self.partition(partition)?;
            let appended = log.append_each(indices.iter().map(|index| draft(&messages[*index], now_ns)))?;
            for (index, offset) in indices.iter().zip(appended.sequence..) {
                positions[*index] = Position { partition, offset };
            }
            self.journal.note(log);
            self.upkeep().notice(partition, appended.end);
            ends.push((log.clone(), appended.end));
        }
        guard.into_iter().for_each(Guard::appended);
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
        self.check(message, self.upkeep().is_compacted(), now_ns)?;
        let sticky = if message.key.is_none() { self.partitioner.next_sticky() } else { 0 };
        let partition = self.partitioner.partition(message.key, sticky);
        let log = self.partition(partition)?;
        let guard = self.let_in(std::slice::from_ref(message), |_| partition)?;
        let drafts = std::slice::from_ref(message).iter().map(|message| draft(message, now_ns));
        let appended = log.append_each(drafts)?;
        guard.into_iter().for_each(Guard::appended);
        self.upkeep().notice(partition, appended.end);
        Ok((Position { partition, offset: appended.sequence }, log, appended.end))
    }

    #[inline]
    fn check(&self, message: &Message<'_>, needs_key: bool, now_ns: u64) -> Result<()> {
        if message.task.is_any || needs_key && message.key.is_none() {
            return Err(self.refused(message));
        }
        message.check(now_ns)
    }

    /// Why a stream takes no such message.
    #[cold]
    fn refused(&self, message: &Message<'_>) -> Error {
        if message.task.is_any {
            let detail = "a stream has no delays, priorities, ordering keys and times to live; send to a queue instead";
            return Error::invalid("message", detail);
        }
        let detail =
            format!("stream {} is compacted by key, and this record has none; give it one", self.name);
        Error::invalid("key", detail)
    }
}

/// The places of a batch in the order of their partitions, and how many each partition has: a counting sort, which leaves those
/// of one partition in their order.
fn by_partition(count: usize, route: impl Fn(usize) -> u32) -> (Vec<usize>, Vec<usize>) {
    let routes: Vec<u32> = (0..count).map(route).collect();
    let last = routes.iter().max().map_or(0, |last| *last as usize);
    let mut counts = vec![0; last + 1];
    routes.iter().for_each(|partition| counts[*partition as usize] += 1);
    let mut next: Vec<usize> = Vec::with_capacity(counts.len());
    let mut start = 0;
    for count in &counts {
        next.push(start);
        start += count;
    }
    let mut order = vec![0; count];
    for (index, partition) in routes.iter().enumerate() {
        let at = &mut next[*partition as usize];
        order[*at] = index;
        *at += 1;
    }
    (order, counts)
}

#[inline]
pub(super) fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft {
        event_time_ns: message.event_time_ns,
        is_tombstone: message.is_tombstone,
        headers: &message.headers,
        ..plain_draft(message, now_ns)
    }
}

/// Of a message that has a value and a key at most: what is known when it is compiled need not be asked for each.
#[inline]
fn plain_draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft { key: message.key, ..Draft::control(Kind::Data, now_ns, message.value) }
}
