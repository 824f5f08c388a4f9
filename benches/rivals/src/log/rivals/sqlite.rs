//! SQLite by rusqlite, with a write-ahead log; rows are numbered. Writers share a connection, which is faster than to
//! wait for the lock of the file.

use crate::log::cell::Level;
use crate::log::peer::{Log, Logs, Peer, Tail, Writer};
use crate::log::record::identity;
use anyhow::Result;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const READ_COUNT: usize = 4096;
const INSERT: &str = "INSERT INTO log (record) VALUES (?1)";
const SELECT: &str = "SELECT number, record FROM log WHERE number > ?1 ORDER BY number LIMIT ?2";

struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    let path = directory.join("log.sqlite");
    let connection = match level {
        Level::Memory => Connection::open_in_memory()?,
        _ => Connection::open(&path)?,
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if level == Level::Synced { "FULL" } else { "OFF" })?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, record BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS syncs (number INTEGER PRIMARY KEY);",
    )?;
    Ok(Box::new(Sqlite { path, connection: Mutex::new(connection) }))
}

/// Shows up to `count` records after the row `after`; returns the last row.
fn read(connection: &Connection, after: i64, count: i64, each: &mut dyn FnMut(&[u8])) -> Result<i64> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query(params![after, count])?;
    let mut last = after;
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        each(row.get_ref(1)?.as_blob()?);
    }
    Ok(last)
}

impl Sqlite {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer for &Sqlite {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.connection().prepare_cached(INSERT)?.execute([record])?;
        Ok(())
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for record in records {
                insert.execute([record])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

struct Reading {
    connection: Connection,
    last: i64,
}

impl Tail for Reading {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.last = read(&self.connection, self.last, READ_COUNT as i64, each)?;
        Ok(())
    }
}

impl Log for Sqlite {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        // What was moved to the database before was not synced there. A checkpoint with something to move syncs all of it.
        let connection = self.connection();
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute("INSERT INTO syncs DEFAULT VALUES", [])?;
        Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        read(&self.connection(), 0, i64::MAX, each).map(drop)
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { connection: Connection::open(&self.path)?, last: 0 }))
    }

    fn count(&self) -> Result<Option<u64>> {
        let last: Option<i64> =
            self.connection().query_row("SELECT max(number) FROM log", [], |row| row.get(0))?;
        Ok(Some(last.unwrap_or(0) as u64))
    }
}

/// A table each.
struct Tables {
    connection: Connection,
    inserts: Vec<String>,
}

impl Logs for Tables {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for record in records {
            transaction.prepare_cached(&self.inserts[identity(record).0])?.execute([record])?;
        }
        Ok(transaction.commit()?)
    }
}

fn many(directory: &Path, count: usize) -> Result<Box<dyn Logs>> {
    let connection = Connection::open(directory.join("log.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(2 * count);
    for log in 0..count {
        let create = format!("CREATE TABLE log{log} (number INTEGER PRIMARY KEY, record BLOB NOT NULL)");
        connection.execute(&create, [])?;
    }
    let insert = |log| format!("INSERT INTO log{log} (record) VALUES (?1)");
    Ok(Box::new(Tables { connection, inserts: (0..count).map(insert).collect() }))
}

pub fn peer() -> Peer {
    let levels = &[Level::Memory, Level::Relaxed, Level::Written, Level::Synced];
    Peer::new("sqlite", levels, open).batches().syncs().replays().tails().recovers().many(many)
}
