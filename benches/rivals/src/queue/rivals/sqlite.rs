//! A queue as a table of SQLite, by rusqlite with a write-ahead log: an update leases the oldest rows that are ready and
//! returns them, a delete acks. All threads share a connection, which is faster than to wait for the lock of the file.

use super::bell::Bell;
use crate::queue::cell::{Level, SQLITE};
use crate::queue::peer::{Peer, Queue, Receiver, Sender};
use anyhow::{Context, Result, ensure};
use rusqlite::{CachedStatement, Connection, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

const LEASE_MS: i64 = 30_000;

/// What is ready was sent without a delay, or was delayed, or leased, until then.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        id INTEGER PRIMARY KEY,
        ready_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        body BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS queue_ready ON queue (ready_ms);";
const SEND: &str = "INSERT INTO queue (ready_ms, body) VALUES (?1, ?2)";
const CLAIM: &str = "
    UPDATE queue SET ready_ms = ?1 + ?2, attempts = attempts + 1
    WHERE id IN (SELECT id FROM queue WHERE ready_ms <= ?1 ORDER BY ready_ms, id LIMIT ?3)
    RETURNING id, attempts, body";
const ACK: &str = "DELETE FROM queue WHERE id = ?1 AND attempts = ?2";

struct Sqlite {
    connection: Mutex<Connection>,
    bell: Bell,
}

/// What every connection is told, as honker tells its own.
pub fn tune(connection: &Connection, level: Level) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", if level == Level::Synced { "FULL" } else { "OFF" })?;
    connection.pragma_update(None, "cache_size", -32_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 10_000)
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Queue>> {
    let connection = match level {
        Level::Memory => Connection::open_in_memory()?,
        _ => Connection::open(directory.join("queue.sqlite"))?,
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    tune(&connection, level)?;
    connection.execute_batch(TABLE)?;
    Ok(Box::new(Sqlite { connection: Mutex::new(connection), bell: Bell::default() }))
}

fn now_ms() -> Result<i64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("it is before 1970")?;
    Ok(now.as_millis() as i64)
}

impl Sqlite {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends several in one transaction.
    fn send_all<'a>(&self, messages: impl ExactSizeIterator<Item = (i64, &'a [u8])>) -> Result<()> {
        let (count, mut connection) = (messages.len(), self.connection());
        let transaction = connection.transaction()?;
        {
            let mut send = transaction.prepare_cached(SEND)?;
            for (ready_ms, message) in messages {
                send.execute(params![ready_ms, message])?;
            }
        }
        transaction.commit()?;
        drop(connection);
        self.bell.ring(count);
        Ok(())
    }

    fn claim(&self, count_max: usize, each: &mut dyn FnMut(&[u8])) -> Result<Vec<(i64, i64)>> {
        let connection = self.connection();
        let mut claim = connection.prepare_cached(CLAIM)?;
        let mut rows = claim.query(params![now_ms()?, LEASE_MS, count_max as i64])?;
        let mut taken = Vec::new();
        while let Some(row) = rows.next()? {
            taken.push((row.get(0)?, row.get(1)?));
            each(row.get_ref(2)?.as_blob()?);
        }
        Ok(taken)
    }

    fn ack(&self, taken: &[(i64, i64)]) -> Result<()> {
        let ack = |mut ack: CachedStatement<'_>| -> Result<()> {
            for (id, attempts) in taken {
                ensure!(ack.execute([id, attempts])? == 1, "the lease of message {id} ran out");
            }
            Ok(())
        };
        let mut connection = self.connection();
        if taken.len() == 1 {
            return ack(connection.prepare_cached(ACK)?);
        }
        let transaction = connection.transaction()?;
        ack(transaction.prepare_cached(ACK)?)?;
        Ok(transaction.commit()?)
    }
}

impl Sender for &Sqlite {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.connection().prepare_cached(SEND)?.execute(params![0, message])?;
        self.bell.ring(1);
        Ok(())
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        self.send_all(messages.iter().map(|message| (0, *message)))
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let now_ms = now_ms()?;
        // The millisecond that has begun counts.
        self.send_all(
            messages.iter().map(|(message, delay)| (now_ms + 1 + delay.as_millis() as i64, *message)),
        )
    }
}

impl Receiver for &Sqlite {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut taken = Vec::new();
        let count = self.bell.wait_for(wait, || {
            taken = self.claim(count_max, each)?;
            Ok(taken.len())
        })?;
        if count > 0 {
            self.ack(&taken)?;
        }
        Ok(count)
    }
}

impl Queue for Sqlite {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self))
    }
}

pub fn peer() -> Peer {
    Peer::new(SQLITE, &[Level::Memory, Level::Written, Level::Synced], open).delays(Duration::from_millis(1))
}
