//! One open stream, shared by its handles.

use crate::error::{Error, Result};
use crate::journal::{Ends, Journal, Receipt};
use crate::log::{Draft, Kind, Log, Place};
use crate::message::{Message, safest};
use crate::name::Name;
use crate::stream::coordinator::Coordinator;
use crate::stream::offsets::Offsets;
use crate::stream::partitioner::Partitioner;
use crate::stream::record::Position;
use crate::stream::stats::{PartitionStats, StreamStats};
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use crate::sync::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Name,
    logs: Vec<Arc<Log>>,
    /// What all partitions notify.
    data: Arc<EventCount>,
    journal: Arc<Journal>,
    partitioner: Partitioner,
    pub(crate) offsets: Offsets,
    groups: Mutex<BTreeMap<Name, Arc<Mutex<Coordinator>>>>,
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        name: Name,
        logs: Vec<Arc<Log>>,
        data: Arc<EventCount>,
        journal: Arc<Journal>,
        offsets: Offsets,
    ) -> Arc<Self> {
        let partitioner = Partitioner::new(logs.len() as u32);
        let groups = Mutex::default();
        Arc::new(Self {
            name,
            logs,
            data,
            journal,
            partitioner,
            offsets,
            groups,
            closed: AtomicBool::new(false),
        })
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.journal.check_owner()?;
        // ORDERING: Acquire: pairs with `close`.
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed { what: "the hub of this stream" });
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        // ORDERING: Release: pairs with `check_open`.
        self.closed.store(true, Ordering::Release);
        self.data.notify_all();
    }

    pub(crate) fn data(&self) -> &EventCount {
        &self.data
    }

    pub(crate) fn partition_count(&self) -> u32 {
        self.logs.len() as u32
    }

    pub(crate) fn partition(&self, partition: u32) -> Result<&Arc<Log>> {
        self.logs.get(partition as usize).ok_or_else(|| Error::NotFound {
            noun: "partition",
            name: partition.to_string(),
            advice: "; partitions are counted from 0",
        })
    }

    /// The coordinator of a group, made at first use.
    pub(crate) fn coordinator(&self, group: &Name) -> Arc<Mutex<Coordinator>> {
        let make = || Arc::new(Mutex::new(Coordinator::new(self.partition_count())));
        lock(&self.groups).entry(group.clone()).or_insert_with(make).clone()
    }

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
        messages.iter().try_for_each(|message| check(message, now_ns))?;
        let sticky = self.partitioner.next_sticky();
        let mut batches: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            batches.entry(self.partitioner.partition(message.key, sticky)).or_default().push(index);
        }
        let mut positions = vec![Position { partition: 0, offset: 0 }; messages.len()];
        let mut ends = Vec::with_capacity(batches.len());
        for (partition, indices) in batches {
            let log = self.partition(partition)?;
            let drafts: Vec<_> = indices.iter().map(|index| draft(&messages[*index], now_ns)).collect();
            let appended = log.append(&drafts)?;
            for (index, offset) in indices.iter().zip(appended.sequence..) {
                positions[*index] = Position { partition, offset };
            }
            self.journal.note(log);
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
    fn take(&self, message: &Message<'_>) -> Result<(Position, &Arc<Log>, Place)> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        check(message, now_ns)?;
        let sticky = if message.key.is_none() { self.partitioner.next_sticky() } else { 0 };
        let partition = self.partitioner.partition(message.key, sticky);
        let log = self.partition(partition)?;
        let appended = log.append(&[draft(message, now_ns)])?;
        Ok((Position { partition, offset: appended.sequence }, log, appended.end))
    }

    pub(crate) fn stats(&self) -> StreamStats {
        let partition = |log: &Arc<Log>| PartitionStats {
            start: log.start().1,
            end: log.end_sequence(),
            bytes: log.bytes(),
        };
        StreamStats { partitions: self.logs.iter().map(partition).collect() }
    }
}

fn check(message: &Message<'_>, now_ns: u64) -> Result<()> {
    if message.delay.is_some() || message.deliver_at_ns.is_some() {
        return Err(Error::invalid("delay", "a stream has no delays; send to a queue instead"));
    }
    message.check(now_ns)
}

fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft {
        kind: Kind::Data,
        time_ns: now_ns,
        key: message.key,
        event_time_ns: message.event_time_ns,
        due_ns: 0,
        headers: &message.headers,
        value: message.value,
    }
}
