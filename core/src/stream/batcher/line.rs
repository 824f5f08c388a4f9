//! The open batch of a batcher, and closing it.

use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::journal::Ends;
use crate::log::claim::GRANULE_BYTES;
use crate::log::{Level, Log, Place};
use crate::message::{Message, duration_ns};
use crate::stream::append::draft;
use crate::stream::batcher::{Batching, Pending};
use crate::stream::gate::Reserved;
use crate::stream::record::Position;
use crate::stream::shared::Shared;
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// The open batches of a stream.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Vec<Weak<Line>>>);

impl Lines {
    pub(super) fn add(&self, line: &Arc<Line>) {
        let mut lines = lock(&self.0);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(line));
    }

    fn each(&self, act: impl Fn(&Line)) {
        let lines: Vec<_> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        lines.iter().for_each(|line| act(line));
    }

    /// Closes the batches that have lingered.
    pub(crate) fn tick(&self, now_ns: u64) {
        self.each(|line| line.tick(now_ns));
    }

    /// Closes all, for good.
    pub(crate) fn close(&self) {
        self.each(Line::close);
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Line {
    pub(super) stream: Arc<Shared>,
    batching: Batching,
    state: Mutex<State>,
    /// That a batch was closed.
    pub(super) closed: EventCount,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    batch: Arc<Batch>,
    messages: Vec<Owned>,
    bytes: usize,
    /// What readers have made room for, and the partition of what has none of its own, if that was asked.
    rooms: Vec<Reserved>,
    sticky: Option<u32>,
    /// When the open batch is closed at the latest.
    due_ns: u64,
    /// Where all batches so far end, and the safest durability that was asked for.
    ends: BTreeMap<u32, (Arc<Log>, Place)>,
    level: Option<Level>,
}

/// What became of a batch, once it was closed.
#[derive(Debug, Default)]
pub(super) struct Batch(OnceLock<Result<Appended>>);

/// Where its records are, and what has to be durable before it is told: the batches before it, too.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) positions: Vec<Position>,
    pub(super) ends: Ends,
    pub(super) level: Level,
}

impl Batch {
    pub(super) fn outcome(&self) -> Option<&Result<Appended>> {
        self.0.get()
    }
}

/// A message that waits, and which partition it goes to if that is known.
#[derive(Debug)]
struct Owned {
    value: Box<[u8]>,
    key: Option<Box<[u8]>>,
    headers: Vec<(Box<str>, Box<[u8]>)>,
    event_time_ns: Option<u64>,
    durability: Durability,
    is_tombstone: bool,
    route: Option<u32>,
}

impl Owned {
    fn new(message: &Message<'_>, route: Option<u32>) -> Self {
        let headers = message.headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Self {
            value: message.value.into(),
            key: message.key.map(Into::into),
            headers: headers.collect(),
            event_time_ns: message.event_time_ns,
            durability: message.durability,
            is_tombstone: message.is_tombstone,
            route,
        }
    }

    fn message(&self) -> Message<'_> {
        Message {
            key: self.key.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (&**name, &**value)).collect(),
            event_time_ns: self.event_time_ns,
            durability: self.durability,
            is_tombstone: self.is_tombstone,
            ..Message::new(&self.value)
        }
    }
}

impl Line {
    pub(super) fn new(stream: Arc<Shared>, batching: Batching) -> Self {
        let closed = EventCount::symmetric();
        closed.set_for_all(true);
        Self { stream, batching, state: Mutex::default(), closed }
    }

    /// Room for a record, if the stream's readers are to be waited for, and the partition that it is of. Here, before our lock is
    /// taken: the hub's thread closes batches, too, and must not wait. Before it waits, what was gathered is appended: it may be what
    /// the readers wait for.
    pub(super) fn room(&self, route: Option<u32>) -> Result<(Option<u32>, Option<Reserved>)> {
        if !self.stream.is_guarded() || !self.stream.gate().is_on() {
            return Ok((route, None));
        }
        let sticky = || *lock(&self.state).sticky.get_or_insert_with(|| self.stream.sticky_of_batch());
        let partition = route.unwrap_or_else(sticky);
        let room =
            self.stream.wait_for_readers(BTreeMap::from([(partition, 1)]), || self.append_gathered())?;
        Ok((Some(partition), room))
    }

    pub(super) fn send(
        this: &Arc<Self>,
        message: &Message<'_>,
        (route, room): (Option<u32>, Option<Reserved>),
        now_ns: u64,
    ) -> Result<Pending> {
        let bytes = (draft(message, now_ns).granules() * GRANULE_BYTES) as usize;
        let Batching { linger, max_batch_bytes, max_batch_messages } = this.batching;
        let pending = {
            let mut state = lock(&this.state);
            if state.is_closed {
                return Err(Error::Closed { what: "the hub of this batcher" });
            }
            if state.bytes + bytes > max_batch_bytes {
                this.append(&mut state);
            }
            let pending = Pending::new(this.clone(), state.batch.clone(), state.messages.len());
            state.messages.push(Owned::new(message, route));
            state.rooms.extend(room);
            state.bytes += bytes;
            let is_full = state.bytes >= max_batch_bytes || state.messages.len() >= max_batch_messages;
            if is_full || linger.is_zero() {
                this.append(&mut state);
            } else if state.messages.len() == 1 {
                state.due_ns = now_ns.saturating_add(duration_ns(linger));
                // It takes our lock after this, if it is due by then.
                this.stream.journal.alarm().arm(state.due_ns);
            }
            pending
        };
        this.closed.notify_all();
        Ok(pending)
    }

    pub(super) fn tick(&self, now_ns: u64) {
        {
            let mut state = lock(&self.state);
            if state.messages.is_empty() {
                return;
            }
            if state.due_ns > now_ns {
                // The ring was for somebody else, and is over.
                return self.stream.journal.alarm().arm(state.due_ns);
            }
            self.append(&mut state);
        }
        self.closed.notify_all();
    }

    pub(super) fn flush(&self) -> Result<()> {
        let (batch, ends, level) = {
            let mut state = lock(&self.state);
            let batch = state.batch.clone();
            self.append(&mut state);
            let ends: Vec<_> = state.ends.values().cloned().collect();
            (batch, ends, state.level)
        };
        self.closed.notify_all();
        if let Some(Err(error)) = batch.outcome() {
            return Err(error.clone());
        }
        let level = level.unwrap_or(Level::Committed);
        ends.iter().try_for_each(|(log, end)| self.stream.journal.commit_at(log, *end, level))
    }

    fn append_gathered(&self) {
        self.append(&mut lock(&self.state));
        self.closed.notify_all();
    }

    pub(super) fn close(&self) {
        {
            let mut state = lock(&self.state);
            self.append(&mut state);
            state.is_closed = true;
        }
        self.closed.notify_all();
    }

    /// Closes the open batch, if there is anything in it. Nothing of it waits for the disk, or for readers.
    fn append(&self, state: &mut State) {
        if state.messages.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut state.messages);
        // Kept until it is appended.
        let _rooms = std::mem::take(&mut state.rooms);
        (state.bytes, state.sticky) = (0, None);
        let batch = std::mem::take(&mut state.batch);
        let level = waiting.iter().map(|one| one.durability).max().map(Level::from).max(state.level);
        let outcome = self.append_all(&waiting).map(|(positions, ends)| {
            // What is on disk needs no telling.
            state.ends.retain(|_, (log, end)| !log.reached(Level::Durable, *end));
            // One end for each partition, in their order.
            let partitions: BTreeSet<u32> = positions.iter().map(|position| position.partition).collect();
            state.ends.extend(partitions.into_iter().zip(ends));
            state.level = level;
            let level = level.unwrap_or(Level::Committed);
            Appended { positions, ends: state.ends.values().cloned().collect(), level }
        });
        // Nobody else has it open.
        let _ = batch.0.set(outcome);
    }

    fn append_all(&self, waiting: &[Owned]) -> Result<(Vec<Position>, Ends)> {
        let stream = &self.stream;
        let messages: Vec<Message<'_>> = waiting.iter().map(Owned::message).collect();
        let now_ns = stream.admit(&messages)?.now_ns;
        let sticky = stream.sticky_of_batch();
        let route = |index: usize| waiting.get(index).and_then(|one| one.route).unwrap_or(sticky);
        let guard = stream.let_keys_in(&messages)?;
        stream.take_let_in(&messages, route, now_ns, guard)
    }
}
