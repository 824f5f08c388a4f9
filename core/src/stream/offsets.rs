//! Committed offsets of a stream's groups: a log of its own, the last commit of a partition wins.
//!
//! ```text
//! record: key = group name, value = (partition u32, offset u64) * n, little-endian; offset = next to read
//! ```
//!
//! What else a stream keeps for good lies here under keys with a slash, which no group's name has: the last record of a key counts,
//! an empty one removes it.
//!
//! So that the log stays small, everything committed is written again as one batch now and then, and the segments
//! before it are released.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::limits::BATCH_RECORDS_MAX;
use crate::log::{Draft, Kind, Level, Log, Place, Reader};
use crate::stream::upkeep::Due;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Segments after which the log is written anew.
const SEGMENT_COUNT_MAX: u64 = 4;

type Committed = BTreeMap<u32, u64>;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Offsets {
    log: Arc<Log>,
    journal: Arc<Journal>,
    state: Mutex<State>,
    /// Whom a commit is of interest to.
    due: OnceLock<Arc<Due>>,
}

#[derive(Debug)]
struct State {
    groups: BTreeMap<String, Committed>,
    kept: BTreeMap<String, Kept>,
    /// Where the last commit ends in the log.
    end: Place,
}

/// A record that is not of a group.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) value: Vec<u8>,
    /// Where it was read, or said first.
    pub(crate) place: Place,
}

fn keep(kept: &mut BTreeMap<String, Kept>, key: &str, value: &[u8], place: Place) {
    if value.is_empty() {
        kept.remove(key);
    } else {
        kept.insert(key.to_owned(), Kept { value: value.to_owned(), place });
    }
}

impl Offsets {
    /// Reads back what was committed.
    pub(crate) fn open(log: Arc<Log>, journal: Arc<Journal>) -> Result<Self> {
        let (mut groups, mut kept) = (BTreeMap::<String, Committed>::new(), BTreeMap::new());
        let mut reader = Reader::earliest(log.clone());
        while reader.advance()? {
            let frame = reader.frame();
            let name = frame.key().and_then(|key| std::str::from_utf8(key).ok());
            if let (Kind::Data, Some(name)) = (frame.kind(), name) {
                if name.contains('/') {
                    keep(&mut kept, name, frame.value(), reader.found_place());
                    continue;
                }
                groups.entry(name.to_owned()).or_default().extend(decode(frame.value()));
            }
        }
        let state = Mutex::new(State { groups, kept, end: Place::default() });
        Ok(Self { log, journal, state, due: OnceLock::new() })
    }

    /// The next offset to read, if one was committed.
    pub(crate) fn committed(&self, group: &str, partition: u32) -> Option<u64> {
        lock(&self.state).groups.get(group)?.get(&partition).copied()
    }

    /// The log that the commits are in.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Has every commit so far on disk, whatever the hub's level.
    ///
    /// # Errors
    /// `Poisoned`.
    pub(crate) fn make_durable(&self) -> Result<()> {
        self.journal.commit_to(&self.log, self.log.claimed(), Level::Durable)
    }

    /// From now on each commit has the upkeep look at what was read, soon.
    pub(crate) fn tell(&self, due: &Arc<Due>) {
        let _ = self.due.set(due.clone());
    }

    /// Shows how far every group has committed each partition, none without a group, and where the last of these commits ends.
    /// Nobody commits meanwhile.
    pub(crate) fn read_by_all(&self, partition_count: u32, show: impl FnOnce(Option<Vec<u64>>, Place)) {
        let state = lock(&self.state);
        let of = |partition: u32| {
            state.groups.values().map(|committed| committed.get(&partition).copied().unwrap_or(0)).min()
        };
        show((0..partition_count).map(of).collect(), state.end);
    }

    /// Names of the groups that ever committed.
    pub(crate) fn groups(&self) -> Vec<String> {
        lock(&self.state).groups.keys().cloned().collect()
    }

    /// Appends a commit; it counts for readers at once, and is durable after [`wait`](Self::wait). A commit never goes
    /// back: what is not ahead of what is committed is left out, whoever came first.
    pub(crate) fn append(&self, group: &str, offsets: &[(u32, u64)]) -> Result<Place> {
        let mut state = lock(&self.state);
        let committed = state.groups.get(group);
        let is_ahead = |(partition, offset): &&(u32, u64)| {
            committed.and_then(|committed| committed.get(partition)) < Some(offset)
        };
        let offsets: Vec<(u32, u64)> = offsets.iter().filter(is_ahead).copied().collect();
        if offsets.is_empty() {
            // Whoever said so before us may still be waiting for the disk, or in vain.
            return Ok(state.end);
        }
        let value = encode(offsets.iter().copied());
        let receipt = self.log.append(&[draft(group, &value, self.journal.now_ns())])?;
        state.groups.entry(group.to_owned()).or_default().extend(offsets.iter().copied());
        state.end = receipt.end;
        drop(state);
        if let Some(due) = self.due.get() {
            due.soon();
        }
        Ok(receipt.end)
    }

    /// Returns once a commit has reached the hub's durability.
    pub(crate) fn wait(&self, end: Place) -> Result<()> {
        self.journal.commit(&self.log, end)?;
        let first = self.log.start().0;
        // As long as nothing can be released, writing it anew comes to nothing.
        let is_worth = end.segment() >= first + SEGMENT_COUNT_MAX && !self.log.keeps_files();
        if is_worth { self.rewrite() } else { Ok(()) }
    }

    /// What is kept under keys that begin so.
    pub(crate) fn kept(&self, prefix: &str) -> BTreeMap<String, Kept> {
        let state = lock(&self.state);
        let from = state.kept.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// What is wrong with a record that is kept.
    pub(crate) fn blame(&self, place: Place, detail: impl Into<String>) -> Error {
        self.log.blame(place, detail)
    }

    /// Keeps records, in order and as one batch; empty ones are removed. Durable when it returns, whatever the hub's level.
    ///
    /// # Errors
    /// `TooLarge` for more than a batch takes, `Closed`: nothing changed. `Poisoned`.
    pub(crate) fn keep(&self, records: &[(String, Vec<u8>)]) -> Result<()> {
        let end = {
            let mut state = lock(&self.state);
            let now_ns = self.journal.now_ns();
            let drafts: Vec<_> = records.iter().map(|(key, value)| draft(key, value, now_ns)).collect();
            let receipt = self.log.append(&drafts)?;
            records.iter().for_each(|(key, value)| keep(&mut state.kept, key, value, receipt.start));
            state.end = receipt.end;
            receipt.end
        };
        self.journal.commit_to(&self.log, end, Level::Durable)?;
        self.wait(end)
    }

    fn rewrite(&self) -> Result<()> {
        let receipt = {
            let State { groups, kept, .. } = &*lock(&self.state);
            let values: Vec<(&String, Vec<u8>)> = groups
                .iter()
                .map(|(name, committed)| (name, encode(committed.iter().map(|(p, o)| (*p, *o)))))
                .chain(kept.iter().map(|(key, kept)| (key, kept.value.clone())))
                .take(BATCH_RECORDS_MAX)
                .collect();
            if values.len() < groups.len() + kept.len() {
                return Ok(());
            }
            let now_ns = self.journal.now_ns();
            let drafts: Vec<_> = values.iter().map(|(name, value)| draft(name, value, now_ns)).collect();
            self.log.append(&drafts)?
        };
        // Durable whatever the hub's level: the commits that it replaces are removed for good.
        self.journal.commit_to(&self.log, receipt.end, Level::Durable)?;
        self.log.release_before(receipt.start.segment())
    }
}

fn draft<'a>(group: &'a str, value: &'a [u8], time_ns: u64) -> Draft<'a> {
    Draft { key: Some(group.as_bytes()), ..Draft::control(Kind::Data, time_ns, value) }
}

fn encode(offsets: impl Iterator<Item = (u32, u64)>) -> Vec<u8> {
    offsets
        .flat_map(|(partition, offset)| [&partition.to_le_bytes()[..], &offset.to_le_bytes()].concat())
        .collect()
}

fn decode(value: &[u8]) -> impl Iterator<Item = (u32, u64)> {
    value.chunks_exact(12).map(|pair| {
        let (partition, offset) = pair.split_at(4);
        let partition = partition.try_into().map_or(0, u32::from_le_bytes);
        (partition, offset.try_into().map_or(0, u64::from_le_bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, alarm::Alarm};
    use crate::sync::event_count::EventCount;

    #[test]
    fn the_log_of_commits_stays_small_and_the_last_commit_wins() {
        let alarm = Arc::new(Alarm::new());
        let journal = Arc::new(Journal::new(Clock::System, alarm, Level::Committed, 0));
        let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let offsets = Offsets::open(log.clone(), journal.clone()).unwrap();
        let mut last = 0;
        for i in 0..50_000 {
            let end = offsets.append("billing", &[(0, i), (1, 2 * i)]).unwrap();
            offsets.wait(end).unwrap();
            last = end.segment();
            assert!(last - log.start().0 <= SEGMENT_COUNT_MAX, "released");
        }
        assert!(last > SEGMENT_COUNT_MAX, "there was something to release");
        offsets.append("audit", &[(0, 5)]).unwrap();
        let again = Offsets::open(log, journal).unwrap();
        assert_eq!(again.committed("billing", 1), Some(2 * 49_999));
        assert_eq!(again.committed("audit", 0), Some(5));
        assert_eq!(again.committed("audit", 1), None);
    }
}
