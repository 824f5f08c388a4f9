//! raft-engine: TiKV's log of many Raft groups, with group commit. Each producer is a group, as it numbers its own
//! entries; so there is no order between producers, of which it is asked less than others.

use crate::log::cell::Level;
use crate::log::peer::{Log, Logs, Peer, Tail, Writer};
use crate::log::record::identity;
use anyhow::Result;
use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};
use std::path::Path;

const READ_COUNT: u64 = 4096;
/// A group without entries, written to for the sake of the sync.
const SYNCS: u64 = u64::MAX;

#[derive(Clone)]
struct Record;

impl MessageExt for Record {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        index(&entry.value)
    }
}

/// Its groups and indexes count from 1.
fn index(record: &[u8]) -> u64 {
    identity(record).1 + 1
}

fn group(record: &[u8]) -> u64 {
    identity(record).0 as u64 + 1
}

struct RaftEngine {
    engine: Engine,
    synced: bool,
}

fn engine(directory: &Path) -> Result<Engine> {
    let Some(dir) = directory.to_str() else { anyhow::bail!("a directory that is not a string") };
    // The records do not compress: it would only try.
    let compression = ReadableSize(0);
    let config =
        Config { dir: dir.to_owned(), batch_compression_threshold: compression, ..Config::default() };
    Ok(Engine::open(config)?)
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    Ok(Box::new(RaftEngine { engine: engine(directory)?, synced: level == Level::Synced }))
}

impl RaftEngine {
    /// Shows up to `count` entries of a group from `from` on; returns where to go on.
    fn read(&self, group: u64, from: u64, count: u64, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let end = self.engine.last_index(group).map_or(from, |last| (last + 1).min(from + count));
        if end <= from {
            return Ok(from);
        }
        let mut entries = Vec::new();
        self.engine.fetch_entries_to::<Record>(group, from, end, None, &mut entries)?;
        entries.iter().for_each(|entry| each(&entry.value));
        Ok(from + entries.len() as u64)
    }
}

fn add(batch: &mut LogBatch, records: &[&[u8]]) -> Result<()> {
    let entry = |record: &&[u8]| {
        let mut entry = BytesValue::new();
        entry.value = record.to_vec();
        entry
    };
    for run in records.chunk_by(|one, other| group(one) == group(other)) {
        let entries: Vec<BytesValue> = run.iter().map(entry).collect();
        batch.add_entries::<Record>(group(run[0]), &entries)?;
    }
    Ok(())
}

struct Writing<'a> {
    log: &'a RaftEngine,
    batch: LogBatch,
}

impl Writer for Writing<'_> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        add(&mut self.batch, records)?;
        self.log.engine.write(&mut self.batch, self.log.synced)?;
        Ok(())
    }
}

struct Reading<'a> {
    log: &'a RaftEngine,
    next: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.next = self.log.read(1, self.next, READ_COUNT, each)?;
        Ok(())
    }
}

impl Log for RaftEngine {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(Writing { log: self, batch: LogBatch::default() }))
    }

    fn sync(&self) -> Result<()> {
        // Its own `sync` writes an empty batch, which returns before it comes to the sync. So one with something in it.
        let mut batch = LogBatch::default();
        batch.put(SYNCS, b"sync".to_vec(), Vec::new())?;
        self.engine.write(&mut batch, true)?;
        Ok(())
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        for group in self.engine.raft_groups() {
            let mut next = 1;
            loop {
                match self.read(group, next, READ_COUNT, each)? {
                    end if end == next => break,
                    end => next = end,
                }
            }
        }
        Ok(())
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, next: 1 }))
    }

    fn count(&self) -> Result<Option<u64>> {
        let groups = self.engine.raft_groups();
        Ok(Some(groups.into_iter().filter_map(|group| self.engine.last_index(group)).sum()))
    }
}

/// A group each.
struct Groups {
    engine: Engine,
    batch: LogBatch,
}

impl Logs for Groups {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        add(&mut self.batch, records)?;
        self.engine.write(&mut self.batch, true)?;
        Ok(())
    }
}

fn many(directory: &Path, _count: usize) -> Result<Box<dyn Logs>> {
    Ok(Box::new(Groups { engine: engine(directory)?, batch: LogBatch::default() }))
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written, Level::Synced];
    Peer::new("raft-engine", levels, open).batches().syncs().replays().tails().recovers().many(many)
}
