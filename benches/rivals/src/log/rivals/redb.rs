//! redb: a copy-on-write B-tree in a file; keys are sequence numbers. One writes at a time, without group commit.

use crate::log::cell::Level;
use crate::log::peer::{Log, Logs, Peer, Tail, Writer};
use crate::log::record::identity;
use anyhow::Result;
use redb::backends::InMemoryBackend;
use redb::{Builder, Database, Durability, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use std::path::Path;

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const READ_COUNT: usize = 4096;

struct Redb {
    database: Database,
    durability: Durability,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    let database = match level {
        Level::Memory => Builder::new().create_with_backend(InMemoryBackend::new())?,
        _ => Database::create(directory.join("log.redb"))?,
    };
    let transaction = database.begin_write()?;
    transaction.open_table(LOG)?;
    transaction.commit()?;
    let durability = if level == Level::Synced { Durability::Immediate } else { Durability::None };
    Ok(Box::new(Redb { database, durability }))
}

impl Redb {
    /// Shows up to `count` records from `from` on; returns where to go on.
    fn read(&self, from: u64, count: usize, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let table = self.database.begin_read()?.open_table(LOG)?;
        let mut next = from;
        for entry in table.range(from..)?.take(count) {
            each(entry?.1.value());
            next += 1;
        }
        Ok(next)
    }
}

impl Writer for &Redb {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        {
            let mut table = transaction.open_table(LOG)?;
            let first = table.len()?;
            for (key, record) in (first..).zip(records) {
                table.insert(key, *record)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

struct Reading<'a> {
    log: &'a Redb,
    next: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.next = self.log.read(self.next, READ_COUNT, each)?;
        Ok(())
    }
}

impl Log for Redb {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        // What was committed without waiting is made durable by the next commit that waits.
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        Ok(transaction.commit()?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.read(0, usize::MAX, each).map(drop)
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, next: 0 }))
    }

    fn count(&self) -> Result<Option<u64>> {
        Ok(Some(self.database.begin_read()?.open_table(LOG)?.len()?))
    }
}

/// A table each.
struct Tables {
    database: Database,
    names: Vec<String>,
}

impl Logs for Tables {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        let transaction = self.database.begin_write()?;
        for run in records.chunk_by(|one, other| identity(one).0 == identity(other).0) {
            let name = &self.names[identity(run[0]).0];
            let mut table = transaction.open_table(TableDefinition::<u64, &[u8]>::new(name))?;
            let first = table.len()?;
            for (key, record) in (first..).zip(run) {
                table.insert(key, *record)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

fn many(directory: &Path, count: usize) -> Result<Box<dyn Logs>> {
    let names = (0..count).map(|number| number.to_string()).collect();
    Ok(Box::new(Tables { database: Database::create(directory.join("log.redb"))?, names }))
}

pub fn peer() -> Peer {
    let levels = &[Level::Memory, Level::Relaxed, Level::Synced];
    Peer::new("redb", levels, open).batches().syncs().replays().tails().recovers().many(many)
}
