//! The last record of each key: where it is. Follows the logs of the partitions, as any reader does.
//!
//! **Promise.** It knows what readers may see, and nothing else: on a durable hub a record replaces the one before it when it is as
//! durable as the hub says, so that at no moment a key has neither. Nothing is noted by appends, but the new keys of a stream that limits
//! them, which count from before their records are there.
//!
//! **A tombstone is a last record, too**, until compaction has forgotten it: what it replaced may still lie in the log.
//!
//! **Two partitions with one key** are possible only where a stream was made to grow: there the later record counts, by ingest time.

use crate::error::{Error, Result};
use crate::log::{Kind, Log, Payload, Place, Reader};
use crate::message::Message;
use crate::name::Name;
use crate::stream::growing::Growing;
use crate::stream::partitioner::fnv1a_32;
use crate::stream::record::{Position, Record};
use crate::sync::lock;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Latest {
    stream: Name,
    logs: Arc<Growing<Arc<Log>>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    followers: Vec<Follower>,
    keys: HashMap<Arc<[u8]>, Entry>,
    /// How many of the keys have a value.
    live_count: usize,
    /// New keys of appends whose records were not seen yet, and how many such appends there are.
    coming: HashMap<Box<[u8]>, u32>,
}

/// How far a partition was followed.
#[derive(Debug)]
struct Follower {
    reader: Reader,
    log: Arc<Log>,
    /// Where it began when last looked: what is before that is gone.
    start: u64,
    /// The last records that lie here.
    order: BTreeMap<u64, Arc<[u8]>>,
}

/// Where the last record of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    position: Position,
    place: Place,
    /// Of the segment: in another one the place is another.
    generation: u32,
    time_ns: u64,
    is_tombstone: bool,
}

/// How many keys there may be, and who is told if there are more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyLimit {
    pub(crate) keys_max: u64,
    pub(crate) tombstone_grace_ns: u64,
    pub(crate) now_ns: u64,
}

/// The new keys of an append that is under way. Dropped without [`appended`](Coming::appended), it was none.
#[derive(Debug)]
pub(crate) struct Coming {
    latest: Arc<Latest>,
    keys: Vec<Box<[u8]>>,
}

impl Coming {
    /// The records are in the log: they tell of their keys themselves.
    pub(crate) fn appended(mut self) {
        self.keys.clear();
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let mut state = lock(&self.latest.state);
        for key in &self.keys {
            if let Some(count) = state.coming.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    state.coming.remove(key);
                }
            }
        }
    }
}

impl Latest {
    pub(crate) fn new(stream: Name, logs: Arc<Growing<Arc<Log>>>) -> Self {
        Self { stream, logs, state: Mutex::default() }
    }

    /// Follows the logs to their ends.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file; `Full` if there are more keys than there may be: then it begins anew next time.
    pub(crate) fn catch_up(&self, limit: Option<KeyLimit>) -> Result<()> {
        self.with(limit, |_| ())
    }

    fn with<T>(&self, limit: Option<KeyLimit>, look: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut state = lock(&self.state);
        let followed = state.follow(&self.logs, &|state, count| match limit {
            Some(limit) if count >= limit.keys_max => {
                state.forget_tombstones(limit);
                if state.keys.len() as u64 >= limit.keys_max { Err(self.full(state, limit)) } else { Ok(()) }
            }
            _ => Ok(()),
        });
        if let Err(Error::Full { .. }) = followed {
            *state = State { coming: std::mem::take(&mut state.coming), ..State::default() };
        }
        followed.map(|()| look(&mut state))
    }

    #[cold]
    fn full(&self, state: &State, limit: KeyLimit) -> Error {
        Error::Full {
            noun: "stream",
            name: self.stream.clone(),
            what: "keys",
            count: (state.keys.len() + state.coming.len()) as u64,
            limit: limit.keys_max,
            advice: "delete some by tombstones, which count until their tombstone_grace is over and they were compacted, or raise keys_max",
        }
    }

    /// Lets the keys of these messages in, if there may be so many.
    ///
    /// # Errors
    /// `Full`: none was let in. `Corrupt`, `Io`.
    pub(crate) fn let_in(self: &Arc<Self>, messages: &[Message<'_>], limit: KeyLimit) -> Result<Coming> {
        let mut coming = Coming { latest: self.clone(), keys: Vec::new() };
        let refused = self.with(None, |state| {
            for key in messages.iter().filter_map(|message| message.key) {
                if state.keys.contains_key(key) {
                    continue;
                }
                if let Some(count) = state.coming.get_mut(key) {
                    *count += 1;
                } else {
                    if state.count() >= limit.keys_max {
                        state.forget_tombstones(limit);
                    }
                    if state.count() >= limit.keys_max {
                        return Err(self.full(state, limit));
                    }
                    state.coming.insert(key.into(), 1);
                }
                coming.keys.push(key.into());
            }
            Ok(())
        })?;
        // What was let in of a refused batch leaves with `coming`.
        refused.map(|()| coming)
    }

    /// Whether no later record of the key may be seen.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn is_last(&self, position: Position, key: &[u8]) -> Result<bool> {
        self.with(None, |state| {
            state.keys.get(key).is_none_or(|last| {
                last.position.partition == position.partition && last.position.offset <= position.offset
            })
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub(crate) fn get(&self, key: &[u8], limit: Option<KeyLimit>) -> Result<Option<Record>> {
        let mut before = None;
        loop {
            let found = self.with(limit, |state| state.keys.get(key).copied())?;
            let Some(entry) = found.filter(|entry| !entry.is_tombstone && found != before) else {
                return Ok(None);
            };
            if let Some(payload) = self.payload(&entry)? {
                return Ok(Some(Record::new(payload, entry.position)));
            }
            // Replaced and compacted, or too old, since we looked.
            before = found;
        }
    }

    fn payload(&self, entry: &Entry) -> Result<Option<Payload>> {
        let Some(log) = self.logs.get(entry.position.partition) else { return Ok(None) };
        log.record_at(entry.place, entry.generation, entry.position.offset)
    }

    /// How many records of a partition are the last of their keys, of those in these ranges.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub(crate) fn count_in(&self, partition: u32, ranges: &[Range<u64>]) -> Result<u64> {
        self.with(None, |state| {
            let Some(follower) = state.followers.get(partition as usize) else { return 0 };
            ranges.iter().map(|range| follower.order.range(range.clone()).count() as u64).sum()
        })
    }

    /// How many keys have a value.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub(crate) fn len(&self, limit: Option<KeyLimit>) -> Result<usize> {
        self.with(limit, |state| state.live_count)
    }

    /// The keys that have a value: by partition, and there in the order in which they were written last.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub(crate) fn keys(&self, limit: Option<KeyLimit>) -> Result<Vec<Arc<[u8]>>> {
        self.with(limit, |state| {
            let ordered = state.followers.iter().flat_map(|follower| follower.order.values());
            let has_value = |key: &&Arc<[u8]>| state.keys.get(*key).is_some_and(|last| !last.is_tombstone);
            ordered.filter(has_value).cloned().collect()
        })
    }
}

impl State {
    /// Keys that are there or coming.
    fn count(&self) -> u64 {
        (self.keys.len() + self.coming.len()) as u64
    }

    /// Notes what is new. `check` is asked before a key comes in.
    fn follow(
        &mut self,
        logs: &Growing<Arc<Log>>,
        check: &dyn Fn(&mut Self, u64) -> Result<()>,
    ) -> Result<()> {
        for log in logs.iter().skip(self.followers.len()) {
            let reader = Reader::earliest(log.clone());
            let order = BTreeMap::new();
            self.followers.push(Follower { reader, log: log.clone(), start: 0, order });
        }
        let partition_count = self.followers.len() as u32;
        for partition in 0..partition_count {
            while let Some((key, entry)) = self.next(partition)? {
                if !self.keys.contains_key(&key) {
                    check(self, self.keys.len() as u64)?;
                }
                self.note(key, entry, partition_count);
            }
            self.drop_before_start(partition);
        }
        Ok(())
    }

    /// The next record of a partition that has a key.
    fn next(&mut self, partition: u32) -> Result<Option<(Arc<[u8]>, Entry)>> {
        let Some(Follower { reader, .. }) = self.followers.get_mut(partition as usize) else {
            return Ok(None);
        };
        while reader.advance()? {
            if reader.kind() != Kind::Data {
                continue;
            }
            let frame = reader.frame();
            if let Some(key) = frame.key() {
                let entry = Entry {
                    position: Position { partition, offset: reader.sequence() },
                    place: reader.found_place(),
                    generation: reader.generation(),
                    time_ns: frame.time_ns(),
                    is_tombstone: frame.tombstone_ns().is_some(),
                };
                return Ok(Some((key.into(), entry)));
            }
        }
        Ok(None)
    }

    fn note(&mut self, key: Arc<[u8]>, entry: Entry, partition_count: u32) {
        self.coming.remove(&*key);
        if let Some(last) = self.keys.get(&key).copied() {
            let home = fnv1a_32(&key) % partition_count;
            if !entry.is_after(&last, home) {
                return;
            }
            self.remove(&key, &last);
        }
        self.live_count += usize::from(!entry.is_tombstone);
        if let Some(follower) = self.followers.get_mut(entry.position.partition as usize) {
            follower.order.insert(entry.position.offset, key.clone());
        }
        self.keys.insert(key, entry);
    }

    fn remove(&mut self, key: &[u8], entry: &Entry) {
        self.keys.remove(key);
        self.live_count -= usize::from(!entry.is_tombstone);
        if let Some(follower) = self.followers.get_mut(entry.position.partition as usize) {
            follower.order.remove(&entry.position.offset);
        }
    }

    /// Lets go of what the stream does not hold any more.
    fn drop_before_start(&mut self, partition: u32) {
        let Some(follower) = self.followers.get_mut(partition as usize) else { return };
        let start = follower.log.first_readable();
        if start == follower.start {
            return;
        }
        follower.start = start;
        let stays = follower.order.split_off(&start);
        for key in std::mem::replace(&mut follower.order, stays).into_values() {
            if let Some(entry) = self.keys.remove(&key) {
                self.live_count -= usize::from(!entry.is_tombstone);
            }
        }
    }

    /// Lets go of tombstones that compaction has forgotten.
    fn forget_tombstones(&mut self, limit: KeyLimit) {
        let may_be_gone = |entry: &Entry| {
            entry.is_tombstone && entry.time_ns.saturating_add(limit.tombstone_grace_ns) <= limit.now_ns
        };
        let old = self.keys.iter().filter(|(_, entry)| may_be_gone(entry));
        let old: Vec<_> = old.map(|(key, entry)| (key.clone(), *entry)).collect();
        for (key, entry) in old {
            let follower = self.followers.get(entry.position.partition as usize);
            let Position { offset, .. } = entry.position;
            // What cannot be read is still there.
            let is_gone = follower.is_some_and(|follower| {
                matches!(follower.log.record_at(entry.place, entry.generation, offset), Ok(None))
            });
            if is_gone {
                self.remove(&key, &entry);
            }
        }
    }
}

impl Entry {
    fn is_after(&self, other: &Self, home: u32) -> bool {
        let Position { partition, offset } = self.position;
        if partition == other.position.partition {
            return offset > other.position.offset;
        }
        (self.time_ns, partition == home) > (other.time_ns, other.position.partition == home)
    }
}
