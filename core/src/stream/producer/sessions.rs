//! The producers of a stream: opened by name, and saved in the log of commits before what told of them may go.
//!
//! **Promise.** How far a producer has come is found again however long it idled, and whatever retention and compaction removed:
//! the frames that tell of it are told in the log of commits before a segment that may hold one goes. Opening reads what was not.
//!
//! **Saving** never runs ahead of the data: what it says to be in the partitions is made durable first.
//!
//! Locks: that of the table, under which all saving is done, then one producer's at a time, then those of the logs.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::limits::PRODUCER_COUNT_MAX;
use crate::log::{Level, Log, Place};
use crate::name::Name;
use crate::notice::Quiet;
use crate::stream::growing::Growing;
use crate::stream::offsets::Offsets;
use crate::stream::producer::record::{Progress, Saved, Told};
use crate::stream::producer::session::Session;
use crate::sync::{AtomicBool, Ordering, lock};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What the keys of records of producers begin with.
pub(super) const PREFIX: &str = "producer/";
/// Segments of a partition that opening may have to read, about.
const SEGMENT_COUNT_MAX: u64 = 4;
/// Bytes of records that are saved as one batch, about.
const SAVED_BYTES_MAX: usize = 1 << 20;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(super) stream: Name,
    pub(super) logs: Arc<Growing<Arc<Log>>>,
    pub(super) journal: Arc<Journal>,
    pub(super) offsets: Arc<Offsets>,
    pub(super) table: Mutex<Table>,
    /// Whether something was appended since all was saved.
    is_dirty: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) sessions: BTreeMap<Name, Arc<Session>>,
    /// Numbers given so far.
    pub(super) made: u64,
}

fn key(name: &Name) -> String {
    format!("{PREFIX}{name}")
}

impl Sessions {
    /// Those of a stream, none until they are [recovered](Self::recover).
    pub(crate) fn new(
        stream: Name,
        logs: Arc<Growing<Arc<Log>>>,
        journal: Arc<Journal>,
        offsets: Arc<Offsets>,
    ) -> Self {
        let is_dirty = AtomicBool::new(false);
        Self { stream, logs, journal, offsets, table: Mutex::default(), is_dirty }
    }

    /// Opens a producer, or makes it; its next epoch, which is durable.
    pub(crate) fn open(&self, name: Name) -> Result<(Arc<Session>, u64)> {
        let _quiet = Quiet::new();
        let mut table = lock(&self.table);
        if let Some(session) = table.sessions.get(&name) {
            let (saved, ends) = session.saved();
            self.make_durable(&ends)?;
            let epoch = saved.epoch + 1;
            self.offsets.keep(&[(key(&name), Saved { epoch, ..saved }.encode())])?;
            session.state().epoch = epoch;
            return Ok((session.clone(), epoch));
        }
        let count = table.sessions.len();
        if count >= PRODUCER_COUNT_MAX {
            return Err(Error::Full {
                noun: "stream",
                name: self.stream.clone(),
                what: "producers",
                count: count as u64,
                limit: PRODUCER_COUNT_MAX as u64,
                advice: "delete those that are not needed any more",
            });
        }
        let saved = Saved { producer: table.made + 1, epoch: 1, progress: Progress::default() };
        // The first has nothing to tell of before it. A number is not given twice, whatever is deleted.
        let segments = self.logs.iter().map(|log| log.held_from().min(log.claimed().segment())).collect();
        let told = Told { made: saved.producer, segments };
        self.offsets.keep(&[(PREFIX.to_owned(), told.encode()), (key(&name), saved.encode())])?;
        self.hold(&told.segments);
        table.made = saved.producer;
        let session = Arc::new(Session::new(name.clone(), saved));
        table.sessions.insert(name, session.clone());
        Ok((session, 1))
    }

    /// Forgets a producer. Its handles are refused.
    pub(crate) fn delete(&self, name: &Name) -> Result<()> {
        let _quiet = Quiet::new();
        let mut table = lock(&self.table);
        let Some(session) = table.sessions.get(name).cloned() else {
            let advice = "; only one that was opened can be deleted";
            return Err(Error::NotFound { noun: "producer", name: name.to_string(), advice });
        };
        self.offsets.keep(&[(key(name), Vec::new())])?;
        session.state().epoch = 0;
        table.sessions.remove(name);
        Ok(())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.table).sessions.keys().map(Name::to_string).collect()
    }

    /// Something was appended by one of them, and ends there.
    pub(super) fn appended(&self, partition: u32, end: Place) -> Result<()> {
        // ORDERING: Relaxed: a hint for closing, which comes after all appends.
        self.is_dirty.store(true, Ordering::Relaxed);
        self.cover(partition, end.segment().saturating_sub(SEGMENT_COUNT_MAX))
    }

    /// Has the log of commits tell all that the segments of a partition before `segment` do: until then they stay.
    pub(crate) fn cover(&self, partition: u32, segment: u64) -> Result<()> {
        let is_held = self.logs.get(partition).is_some_and(|log| log.held_from() < segment);
        if is_held { self.save() } else { Ok(()) }
    }

    /// Saves all, if something was appended since.
    pub(crate) fn save_rest(&self) -> Result<()> {
        // ORDERING: Relaxed: as in `appended`.
        if self.is_dirty.swap(false, Ordering::Relaxed) { self.save() } else { Ok(()) }
    }

    /// Tells all in the log of commits.
    fn save(&self) -> Result<()> {
        let _quiet = Quiet::new();
        let table = lock(&self.table);
        // First where the logs end: what was claimed before that was by somebody who holds a producer's lock, or did.
        let mut ends: Vec<(Arc<Log>, Place)> =
            self.logs.iter().map(|log| (log.clone(), log.claimed())).collect();
        let segments = ends.iter().map(|(_, end)| end.segment()).collect();
        let mut records = Vec::with_capacity(table.sessions.len());
        for (name, session) in &table.sessions {
            let (saved, more) = session.saved();
            ends.extend(more);
            records.push((key(name), saved.encode()));
        }
        self.make_durable(&ends)?;
        let mut from = 0;
        while from < records.len() {
            let mut bytes = 0;
            let few = records[from..].iter().take_while(|(_, record)| {
                let is_room = bytes <= SAVED_BYTES_MAX;
                bytes += record.len();
                is_room
            });
            let to = from + few.count().max(1);
            self.offsets.keep(&records[from..to])?;
            from = to;
        }
        // Last: until then more is read than has to be.
        let told = Told { made: table.made, segments };
        self.offsets.keep(&[(PREFIX.to_owned(), told.encode())])?;
        self.hold(&told.segments);
        Ok(())
    }

    fn make_durable(&self, ends: &[(Arc<Log>, Place)]) -> Result<()> {
        // All of them on the list first, so that the first wait commits them all.
        ends.iter().for_each(|(log, _)| self.journal.note(log));
        ends.iter().try_for_each(|(log, end)| self.journal.commit_to(log, *end, Level::Durable))
    }

    /// Adds a partition: nothing of it was told elsewhere. Whoever opens the first producer meanwhile finds it, or is found.
    pub(crate) fn add(&self, log: Arc<Log>) {
        let table = lock(&self.table);
        if log.is_durable() && !table.sessions.is_empty() {
            log.hold_from(0);
        }
        self.logs.push(log);
    }

    /// What is not told elsewhere stays.
    pub(super) fn hold(&self, segments: &[u64]) {
        for (index, log) in self.logs.iter().enumerate().filter(|(_, log)| log.is_durable()) {
            log.hold_from(segments.get(index).copied().unwrap_or(0));
        }
    }
}
