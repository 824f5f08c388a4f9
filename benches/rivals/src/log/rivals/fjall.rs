//! fjall: a log-structured merge tree with a journal; keys are sequence numbers. No group commit.

use crate::log::cell::Level;
use crate::log::peer::{Log, Logs, Peer, Tail, Writer};
use crate::log::record::identity;
use anyhow::Result;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Records that a reader takes at a time.
const READ_COUNT: usize = 4096;

struct Fjall {
    database: Database,
    log: Keyspace,
    persist: Option<PersistMode>,
    next: AtomicU64,
}

fn persist(level: Level) -> Option<PersistMode> {
    match level {
        Level::Memory | Level::Relaxed => None,
        Level::Written => Some(PersistMode::Buffer),
        Level::Synced => Some(PersistMode::SyncData),
    }
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    let database = Database::builder(directory).manual_journal_persist(true).open()?;
    let log = database.keyspace("log", || KeyspaceCreateOptions::default().manual_journal_persist(true))?;
    let next = match log.last_key_value() {
        Some(last) => u64::from_be_bytes(last.key()?.as_ref().try_into()?) + 1,
        None => 0,
    };
    Ok(Box::new(Fjall { database, log, persist: persist(level), next: AtomicU64::new(next) }))
}

impl Fjall {
    /// Shows up to `count` records from `from` on; returns where to go on.
    fn read(&self, from: u64, count: usize, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let mut next = from;
        for entry in self.log.range(from.to_be_bytes()..).take(count) {
            each(&entry.value()?);
            next += 1;
        }
        Ok(next)
    }
}

impl Writer for &Fjall {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        if self.persist.is_some() {
            return self.append_batch(&[record]);
        }
        // ORDERING: Relaxed: each takes another number.
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(self.log.insert(key.to_be_bytes(), record)?)
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut batch = self.database.batch().durability(self.persist);
        // ORDERING: Relaxed: as above.
        let first = self.next.fetch_add(records.len() as u64, Ordering::Relaxed);
        for (key, record) in (first..).zip(records) {
            batch.insert(&self.log, key.to_be_bytes(), *record);
        }
        Ok(batch.commit()?)
    }
}

struct Reading<'a> {
    log: &'a Fjall,
    next: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.next = self.log.read(self.next, READ_COUNT, each)?;
        Ok(())
    }
}

impl Log for Fjall {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.read(0, usize::MAX, each).map(drop)
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, next: 0 }))
    }
}

/// A keyspace each.
struct Keyspaces {
    database: Database,
    logs: Vec<(Keyspace, u64)>,
}

impl Logs for Keyspaces {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for record in records {
            let (log, next) = &mut self.logs[identity(record).0];
            batch.insert(log, next.to_be_bytes(), *record);
            *next += 1;
        }
        Ok(batch.commit()?)
    }
}

fn many(directory: &Path, count: usize) -> Result<Box<dyn Logs>> {
    let database = Database::builder(directory).open()?;
    let keyspace = |number: usize| database.keyspace(&number.to_string(), KeyspaceCreateOptions::default);
    let logs: fjall::Result<_> = (0..count).map(|number| Ok((keyspace(number)?, 0))).collect();
    Ok(Box::new(Keyspaces { logs: logs?, database }))
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written, Level::Synced];
    Peer::new("fjall", levels, open).batches().syncs().replays().tails().recovers().many(many)
}
