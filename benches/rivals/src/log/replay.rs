//! Reading everything from the beginning, out of the page cache, and what it takes on the disk.

use super::cell::{Level, Size};
use super::peer::Peer;
use super::record::{Account, Records};
use super::scratch::{Scratch, disk_bytes};
use crate::harness::{Sample, Work};
use anyhow::Result;
use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of records in the log.
const BYTES: u64 = 128 << 20;
const BYTES_QUICK: u64 = 24 << 20;
/// Records a call, while it is filled.
const BATCH: usize = 500;
/// How many times the time of a round it is read.
const ROUNDS: u32 = 8;

/// A full log, made at the first round.
#[derive(Debug)]
pub struct Fixture {
    peer: Peer,
    size: Size,
    count: u64,
    made: RefCell<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    scratch: Scratch,
    disk_bytes: u64,
}

impl Fixture {
    /// A log of that peer.
    pub fn new(peer: Peer, size: Size, quick: bool) -> Self {
        let bytes = if quick { BYTES_QUICK } else { BYTES };
        Self { peer, size, count: bytes / size.bytes() as u64, made: RefCell::new(None) }
    }

    /// Records read per second, and bytes on the disk for each.
    ///
    /// # Errors
    /// A record is missing, doubled or out of order.
    pub fn run(&self, work: Work) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let made = match &mut *made {
            Some(made) => made,
            empty => empty.insert(self.make()?),
        };
        // Opened again each time, so that nobody reads what its appends left in memory.
        let log = (self.peer.open)(made.scratch.path(), self.peer.weakest()?)?;
        let (begin, mut count) = (Instant::now(), 0);
        let mut elapsed = Duration::ZERO;
        while elapsed < work.round * ROUNDS {
            let mut account = Account::new(self.size.bytes(), 1);
            log.replay(&mut |record| account.enter(record))?;
            account.check(&[self.count])?;
            count += self.count;
            elapsed = begin.elapsed();
            if self.peer.replays_once {
                break;
            }
        }
        let rate = count as f64 / elapsed.as_secs_f64() / 1e6;
        Ok(Sample { elapsed, values: vec![rate, made.disk_bytes as f64 / self.count as f64] })
    }

    fn make(&self) -> Result<Made> {
        let scratch = Scratch::new()?;
        let level = self.peer.weakest()?;
        fill(&self.peer, scratch.path(), level, self.size, self.count)?;
        // Opened and closed once more: what a log puts away when it is opened is put away.
        drop((self.peer.open)(scratch.path(), level)?);
        let disk_bytes = disk_bytes(scratch.path())?;
        Ok(Made { scratch, disk_bytes })
    }
}

/// Writes so many records of one producer into a log and closes it; what was made durable, is.
///
/// # Errors
/// A call failed.
pub fn fill(peer: &Peer, directory: &Path, level: Level, size: Size, count: u64) -> Result<()> {
    let log = (peer.open)(directory, level)?;
    fill_open(&*log, size, count)?;
    if peer.syncs {
        log.sync()?;
    }
    Ok(())
}

/// Writes so many records of one producer into an open log.
///
/// # Errors
/// A call failed.
pub fn fill_open(log: &dyn super::peer::Log, size: Size, count: u64) -> Result<()> {
    let mut writer = log.writer()?;
    let mut records = Records::new(0, size.bytes(), BATCH);
    while records.count() + BATCH as u64 <= count {
        let mut batch = Vec::with_capacity(BATCH);
        records.batch(&mut batch);
        writer.append_batch(&batch)?;
    }
    while records.count() < count {
        writer.append(records.one())?;
    }
    Ok(())
}
