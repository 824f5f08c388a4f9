//! A stream in memory whose slowest reader holds its producers: what no open reader may lose is not pushed out by its count.
//!
//! **Promise.** An append waits, on the hub's clock and no longer than it was told, until all open readers have read so far that none of
//! its records takes one from them. A reader that was dropped, or that has lost its place already, holds nobody. Closing the hub
//! wakes whoever waits.
//!
//! **Cost.** Streams without this pay nothing. A reader stores its places once in a poll. Appends take a lock, twice.
//!
//! **Protocol.** None of its own: places are numbers that only grow by reading, and who waits for one to grow sleeps on an event
//! count, which is notified after each store. Records of an append that is under way are reserved under the lock, so that two
//! appends together do not take what each alone may. No lock is held while records are appended: that wakes foreign code.

use crate::error::{Error, Result};
use crate::stream::shared::Shared;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, Ordering, lock};
use crossbeam_utils::CachePadded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a stream in memory does when records are appended faster than one of its open readers reads, so that its `count_max` would
/// push out what that one has not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlowReaders {
    /// The reader loses it, and is told by [`OutOfRange`](Error::OutOfRange). Nobody waits. The default, and all that there is for durable
    /// streams.
    #[default]
    Lag,
    /// The append waits for the reader, at most so long, 1 ms to ten years. Only for what the stream's count takes: age and bytes do not
    /// wait.
    Gate {
        /// How long an append waits, on the hub's clock.
        timeout: Duration,
        /// What happens then.
        then: WhenSlow,
    },
}

/// What happens when a reader was too slow for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhenSlow {
    /// The append is refused by [`Full`](Error::Full).
    Refuse,
    /// The reader loses what it has not read, as with [`SlowReaders::Lag`], and from then on holds nobody until it has gone to an offset that
    /// is held.
    Lag,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct GateRule {
    pub(crate) count_max: u64,
    pub(crate) timeout_ns: u64,
    pub(crate) then: WhenSlow,
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// A reader has come on, or gone.
    room: EventCount,
}

#[derive(Debug)]
struct State {
    rule: Option<GateRule>,
    places: BTreeMap<u64, (u32, Arc<NextOffset>)>,
    next_id: u64,
    /// Records of appends under way, by partition.
    reserved: BTreeMap<u32, u64>,
}

/// What a reader reads next of a partition.
type NextOffset = CachePadded<AtomicU64>;

/// Where an open reader is in one partition. Dropped, it holds nobody any more.
#[derive(Debug)]
pub(crate) struct Place {
    stream: Arc<Gate>,
    id: u64,
    next: Arc<NextOffset>,
}

impl Place {
    /// The reader has come so far. Once in a poll.
    pub(crate) fn publish(&self, offset: u64) {
        // ORDERING: Relaxed: a number by itself, of this reader alone; the records are kept by pins, whatever it says.
        if self.next.load(Ordering::Relaxed) == offset {
            return;
        }
        // ORDERING: Relaxed: as above; that a producer which sleeps because of the old one wakes is the event count's work.
        self.next.store(offset, Ordering::Relaxed);
        self.stream.room.notify_all();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.stream.state).places.remove(&self.id);
        self.stream.room.notify_all();
    }
}

/// Room for the records of an append, until it is over.
#[derive(Debug)]
pub(crate) struct Reserved {
    gate: Arc<Gate>,
    counts: BTreeMap<u32, u64>,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.gate.state);
            for (partition, count) in &self.counts {
                if let Some(reserved) = state.reserved.get_mut(partition) {
                    *reserved = reserved.saturating_sub(*count);
                }
            }
        }
        // Those that it did take count by themselves now; those that it did not are free.
        self.gate.room.notify_all();
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        let state = State { rule: None, places: BTreeMap::new(), next_id: 0, reserved: BTreeMap::new() };
        Self { state: Mutex::new(state), room: EventCount::symmetric() }
    }

    pub(crate) fn set(&self, rule: Option<GateRule>) {
        lock(&self.state).rule = rule;
        self.room.notify_all();
    }

    /// Whether anybody is ever waited for.
    pub(crate) fn is_on(&self) -> bool {
        lock(&self.state).rule.is_some()
    }

    /// A place for a reader that will be at `first` or behind it: from now on it is held for it. None: nobody is.
    pub(crate) fn enter(self: &Arc<Self>, partition: u32, first: impl FnOnce() -> u64) -> Option<Place> {
        let mut state = lock(&self.state);
        state.rule?;
        let next = Arc::new(CachePadded::new(AtomicU64::new(first())));
        let id = state.next_id;
        state.next_id += 1;
        state.places.insert(id, (partition, next.clone()));
        Some(Place { stream: self.clone(), id, next })
    }

    /// Wakes everybody: the clock or the hub has something to say.
    pub(crate) fn wake(&self) {
        self.room.notify_all();
    }
}

impl State {
    /// Of the open readers of a partition that ends at `end`, where the slowest is; those that have lost their place are not waited for.
    fn slowest(&self, partition: u32, end: u64, count_max: u64) -> Option<u64> {
        let places = self.places.values().filter(|(of, _)| *of == partition);
        // ORDERING: Relaxed: as in `publish`.
        let offsets = places.map(|(_, next)| next.load(Ordering::Relaxed));
        offsets.filter(|next| next.saturating_add(count_max) >= end).min()
    }
}

/// What came of an attempt to reserve room.
#[derive(Debug, Clone, Copy)]
enum Attempt {
    Reserved,
    /// There is no gate any more.
    NotAsked,
    /// A reader has not read so many.
    Lacks(u64),
}

impl Shared {
    /// Room for so many records of each of these partitions, once no open reader loses anything by it. None: nobody is waited for.
    /// If it has to wait, it does `before` first. Never called with a lock of the stream's held.
    ///
    /// # Errors
    /// `Full` if a reader has not come on in time, and that is to be an error; `Closed`, also while waiting.
    pub(crate) fn wait_for_readers(
        &self,
        counts: BTreeMap<u32, u64>,
        before: impl FnOnce(),
    ) -> Result<Option<Reserved>> {
        let gate = self.gate();
        let Some(rule) = lock(&gate.state).rule else { return Ok(None) };
        let never_fits = counts.values().any(|count| *count > rule.count_max);
        let (mut held, mut before) = (0, Some(before));
        let deadline_ns = self.now_ns().saturating_add(rule.timeout_ns);
        let attempt = || match self.try_reserve(&counts) {
            Ok(Attempt::Lacks(count)) if !never_fits => {
                held = count;
                if let Some(before) = before.take() {
                    before();
                }
                None
            }
            other => Some(other),
        };
        match self.wait_on(&gate.room, deadline_ns, attempt).unwrap_or(Ok(Attempt::Lacks(held)))? {
            Attempt::Reserved => Ok(Some(Reserved { gate: gate.clone(), counts })),
            Attempt::NotAsked => Ok(None),
            Attempt::Lacks(_) if rule.then == WhenSlow::Lag => Ok(None),
            Attempt::Lacks(held) => Err(Error::Full {
                noun: "stream",
                name: self.name.clone(),
                what: "records that an open reader has not read",
                count: held,
                limit: rule.count_max,
                advice: "have its slowest reader read on or drop it, append later, or raise its count_max",
            }),
        }
    }

    fn try_reserve(&self, counts: &BTreeMap<u32, u64>) -> Result<Attempt> {
        self.check_open()?;
        let mut state = lock(&self.gate().state);
        let Some(rule) = state.rule else { return Ok(Attempt::NotAsked) };
        for (partition, count) in counts {
            let end = self.partition(*partition)?.end_sequence();
            let coming = state.reserved.get(partition).copied().unwrap_or(0).saturating_add(*count);
            if let Some(slowest) = state.slowest(*partition, end, rule.count_max) {
                let held = end.saturating_sub(slowest);
                if held.saturating_add(coming) > rule.count_max {
                    return Ok(Attempt::Lacks(held));
                }
            }
        }
        for (partition, count) in counts {
            *state.reserved.entry(*partition).or_default() += count;
        }
        Ok(Attempt::Reserved)
    }
}
