//! okaywal: a write-ahead log with group commit. It always syncs, is read back only when it is opened, and lets go of what
//! was checkpointed, which here is nothing to do: of that it is asked less than others.

use crate::log::cell::Level;
use crate::log::peer::{Log, Peer, Writer};
use anyhow::Result;
use okaywal::{Configuration, Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

struct Okaywal {
    log: Option<WriteAheadLog>,
    recovered: Arc<AtomicU64>,
}

/// Counts what is recovered. Whatever is to be checkpointed is taken for done.
#[derive(Debug)]
struct Counting(Arc<AtomicU64>);

impl LogManager for Counting {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        if let Some(chunks) = entry.read_all_chunks()? {
            // STATISTIC: read when the log is open.
            self.0.fetch_add(chunks.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn checkpoint_to(
        &mut self,
        _last: EntryId,
        _entries: &mut SegmentReader,
        _log: &WriteAheadLog,
    ) -> io::Result<()> {
        Ok(())
    }
}

fn open(directory: &Path, _level: Level) -> Result<Box<dyn Log>> {
    // By default it goes round in files of 1 MiB, and keeps less than that; 64 MiB were several times slower.
    start(Configuration::default_for(directory))
}

/// Keeps everything, so that all can be recovered.
fn open_keeping(directory: &Path, _level: Level) -> Result<Box<dyn Log>> {
    start(Configuration::default_for(directory).checkpoint_after_bytes(u64::MAX))
}

fn start(configuration: Configuration) -> Result<Box<dyn Log>> {
    let recovered = Arc::new(AtomicU64::new(0));
    let log = configuration.open(Counting(recovered.clone()))?;
    Ok(Box::new(Okaywal { log: Some(log), recovered }))
}

impl Drop for Okaywal {
    fn drop(&mut self) {
        // Its thread ends with it; that it cannot is no matter of the measurement.
        let _ = self.log.take().map(WriteAheadLog::shutdown);
    }
}

impl Writer for &WriteAheadLog {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut entry = self.begin_entry()?;
        for record in records {
            entry.write_chunk(record)?;
        }
        entry.commit()?;
        Ok(())
    }
}

impl Log for Okaywal {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        let Some(log) = &self.log else { anyhow::bail!("it is shut down") };
        Ok(Box::new(log))
    }

    fn count(&self) -> Result<Option<u64>> {
        // STATISTIC: as where it is counted. It knows only what it recovered.
        let recovered = self.recovered.load(Ordering::Relaxed);
        Ok((recovered > 0).then_some(recovered))
    }
}

pub fn peer() -> Peer {
    Peer::new("okaywal", &[Level::Synced], open).batches().recovers_as(open_keeping)
}
