//! LMDB by heed: a B-tree in a memory map; keys are sequence numbers. It has no checksums.

use crate::log::cell::{LMDB, Level};
use crate::log::peer::{Log, Peer, Tail, Writer};
use anyhow::Result;
use heed::byteorder::BigEndian;
use heed::types::{Bytes, U64};
use heed::{CommitOrAbort, Env, EnvFlags, EnvOpenOptions, PutFlags};
use std::path::Path;

/// The file has this length at most; what is not used takes no room.
const MAP_BYTES: usize = 8 << 30;
const READ_COUNT: usize = 4096;

type Database = heed::Database<'static, U64<BigEndian>, Bytes>;

struct Lmdb {
    database: Database,
    // Closed when it is dropped, after which the database is of no use.
    env: Box<Env>,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    if level != Level::Synced {
        // SAFETY: what these flags risk is the data of a machine that loses power.
        unsafe { options.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP) };
    }
    // SAFETY: nobody else has this directory, so nobody alters the mapped file.
    let env = Box::new(unsafe { options.open(directory)? });
    // SAFETY: the environment lies in a box that lives as long as the database, beside which it is kept.
    let forever: &'static Env = unsafe { &*std::ptr::from_ref(&*env) };
    let transaction = forever.write_txn()?;
    let made = forever.create_databases_and_commit(transaction, |opener, transaction| {
        let options = opener.database_options().types::<U64<BigEndian>, Bytes>();
        options.create(transaction).map(CommitOrAbort::<_, ()>::Commit)
    });
    let database = made?.unwrap_commit();
    Ok(Box::new(Lmdb { database, env }))
}

impl Lmdb {
    /// Shows up to `count` records from `from` on; returns where to go on.
    fn read(&self, from: u64, count: usize, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let transaction = self.env.read_txn()?;
        let mut next = from;
        for entry in self.database.range(&transaction, &(from..))?.take(count) {
            each(entry?.1);
            next += 1;
        }
        Ok(next)
    }
}

impl Writer for &Lmdb {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        let first = self.database.len(&transaction)?;
        for (key, record) in (first..).zip(records) {
            self.database.put_with_flags(&mut transaction, PutFlags::APPEND, &key, record)?;
        }
        Ok(transaction.commit()?)
    }
}

struct Reading<'a> {
    log: &'a Lmdb,
    next: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.next = self.log.read(self.next, READ_COUNT, each)?;
        Ok(())
    }
}

impl Log for Lmdb {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.read(0, usize::MAX, each).map(drop)
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, next: 0 }))
    }

    fn count(&self) -> Result<Option<u64>> {
        let transaction = self.env.read_txn()?;
        Ok(Some(self.database.len(&transaction)?))
    }
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written, Level::Synced];
    Peer::new(LMDB, levels, open).batches().syncs().replays().tails().recovers()
}
