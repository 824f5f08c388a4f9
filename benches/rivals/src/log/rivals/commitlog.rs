//! commitlog: segments and an index like Kafka's, with checksums. It never syncs, and one appends at a time.

use crate::log::cell::Level;
use crate::log::peer::{Log, Peer, Tail, Writer};
use anyhow::{Context, Result, anyhow};
use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// Its default makes it begin another segment every hundred thousand records.
const INDEX_ITEMS_MAX: usize = 4 << 20;
const MESSAGE_BYTES_MAX: usize = 4 << 20;
const READ_BYTES: usize = 256 << 10;

struct Commitlog(RwLock<CommitLog>);

fn open(directory: &Path, _level: Level) -> Result<Box<dyn Log>> {
    let mut options = LogOptions::new(directory);
    options.index_max_items(INDEX_ITEMS_MAX).message_max_bytes(MESSAGE_BYTES_MAX);
    Ok(Box::new(Commitlog(RwLock::new(CommitLog::new(options)?))))
}

impl Commitlog {
    /// Shows some records from `offset` on; returns where to go on.
    fn read(&self, offset: u64, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let messages =
            log.read(offset, ReadLimit::max_bytes(READ_BYTES)).map_err(|error| anyhow!("{error}"))?;
        drop(log);
        messages.iter().for_each(|message| each(message.payload()));
        Ok(offset + messages.len() as u64)
    }
}

struct Writing<'a> {
    log: &'a Commitlog,
    messages: MessageBuf,
}

impl Writer for Writing<'_> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        self.messages.clear();
        for record in records {
            self.messages.push(record).map_err(|_| anyhow!("a record is too large"))?;
        }
        let mut log = self.log.0.write().unwrap_or_else(PoisonError::into_inner);
        log.append(&mut self.messages).context("cannot append")?;
        Ok(())
    }
}

struct Reading<'a> {
    log: &'a Commitlog,
    offset: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.offset = self.log.read(self.offset, each)?;
        Ok(())
    }
}

impl Log for Commitlog {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(Writing { log: self, messages: MessageBuf::default() }))
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut offset = 0;
        loop {
            match self.read(offset, each)? {
                end if end == offset => return Ok(()),
                next => offset = next,
            }
        }
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, offset: 0 }))
    }

    fn count(&self) -> Result<Option<u64>> {
        Ok(Some(self.0.read().unwrap_or_else(PoisonError::into_inner).next_offset()))
    }
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written];
    Peer::new("commitlog", levels, open).batches().replays().tails().recovers()
}
