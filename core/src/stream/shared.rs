//! One open stream, shared by its handles.

use crate::error::{Error, Result};
use crate::journal::{Ends, Journal, Receipt};
use crate::log::{Draft, Kind, Log, Place};
use crate::message::{Message, safest};
use crate::name::Name;
use crate::stream::coordinator::Coordinator;
use crate::stream::offsets::Offsets;
use crate::stream::options::StreamOptions;
use crate::stream::partitioner::Partitioner;
use crate::stream::record::Position;
use crate::stream::stats::Rates;
use crate::stream::upkeep::Upkeep;
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use crate::sync::{AtomicBool, Ordering, yield_now};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a reader that has read everything lets others go first before it sleeps: while they append, waking it for
/// each record would cost them, and it, more than the record does.
const YIELD_COUNT: u32 = 16;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Name,
    logs: Vec<Arc<Log>>,
    /// What all partitions notify.
    data: Arc<EventCount>,
    journal: Arc<Journal>,
    partitioner: Partitioner,
    upkeep: Upkeep,
    pub(crate) offsets: Offsets,
    groups: Mutex<BTreeMap<Name, Arc<Mutex<Coordinator>>>>,
    pub(crate) rates: Mutex<Rates>,
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        name: Name,
        logs: Vec<Arc<Log>>,
        data: Arc<EventCount>,
        journal: Arc<Journal>,
        offsets: Offsets,
        options: &StreamOptions,
    ) -> Arc<Self> {
        let upkeep = Upkeep::new(logs.clone(), journal.clone());
        upkeep.set_options(options);
        let partitioner = Partitioner::new(logs.len() as u32);
        let groups = Mutex::default();
        let rates = Mutex::new(Rates::new(&logs, journal.now_ns()));
        Arc::new(Self {
            name,
            logs,
            data,
            journal,
            partitioner,
            upkeep,
            offsets,
            groups,
            rates,
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
        self.upkeep.close();
    }

    pub(crate) fn data(&self) -> &EventCount {
        &self.data
    }

    /// What `attempt` gives, waiting at most `wait` until it gives something.
    pub(crate) fn wait_for<T>(&self, wait: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let mut got = attempt();
        let mut left = if wait.is_zero() { 0 } else { YIELD_COUNT };
        while got.is_none() && left > 0 {
            yield_now();
            got = attempt();
            left -= 1;
        }
        got.or_else(|| self.data.wait_for(wait, attempt))
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

    /// The log of a partition, with its start where it is now.
    pub(crate) fn readable(&self, partition: u32) -> Result<&Arc<Log>> {
        let log = self.partition(partition)?;
        if log.is_limited() {
            log.move_start(self.journal.now_ns());
        }
        Ok(log)
    }

    /// What is to be done now and then.
    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
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
        messages.iter().try_for_each(|message| self.check(message, now_ns))?;
        let sticky = self.partitioner.next_sticky();
        if self.partition_count() > 1 && messages.iter().any(|message| message.key.is_some()) {
            return self.take_scattered(messages, sticky, now_ns);
        }
        if messages.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let log = self.partition(sticky)?;
        let appended = log.append_each(messages.iter().map(|message| draft(message, now_ns)))?;
        self.upkeep.notice(sticky, appended.end);
        self.journal.note(log);
        let offsets = appended.sequence..appended.sequence + messages.len() as u64;
        let positions = offsets.map(|offset| Position { partition: sticky, offset }).collect();
        Ok((positions, vec![(log.clone(), appended.end)]))
    }

    /// The same of a batch whose records go to the partitions of their keys.
    fn take_scattered(
        &self,
        messages: &[Message<'_>],
        sticky: u32,
        now_ns: u64,
    ) -> Result<(Vec<Position>, Ends)> {
        let mut batches: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            batches.entry(self.partitioner.partition(message.key, sticky)).or_default().push(index);
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
            self.upkeep.notice(partition, appended.end);
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
        self.upkeep.notice(partition, appended.end);
        Ok((Position { partition, offset: appended.sequence }, log, appended.end))
    }

    fn check(&self, message: &Message<'_>, now_ns: u64) -> Result<()> {
        if message.task.is_any {
            let detail = "a stream has no delays, priorities, ordering keys and times to live; send to a queue instead";
            return Err(Error::invalid("message", detail));
        }
        if message.key.is_none() && self.upkeep.is_compacted() {
            let detail =
                format!("stream {} is compacted by key, and this record has none; give it one", self.name);
            return Err(Error::invalid("key", detail));
        }
        message.check(now_ns)
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.journal.now_ns()
    }
}

#[inline]
fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
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
