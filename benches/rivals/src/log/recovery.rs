//! Opening: after the process was killed, and after a clean close of a small and of a large log.

use super::cell::{Level, Size};
use super::peer::{Log, Open, Peer};
use super::record::Account;
use super::replay;
use super::scratch::{self, Scratch};
use crate::harness::{Role, Sample};
use anyhow::{Context, Result, bail, ensure};
use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: Size = Size::Small;
/// Records in the log of a killed process.
const COUNT: u64 = 1_000_000;
const COUNT_QUICK: u64 = 100_000;
/// Bytes of records in the logs that were closed.
const SMALL_BYTES: u64 = 64 << 20;
const SMALL_BYTES_QUICK: u64 = 16 << 20;
const LARGE_BYTES: u64 = 10 << 30;
const LARGE_BYTES_QUICK: u64 = 256 << 20;

/// The files of a log whose process was killed after its last append had returned, made at the first round.
///
/// Nobody is killed: the files are copied while the log is open, which is what the system keeps of a process that is.
#[derive(Debug)]
pub struct Image {
    peer: Peer,
    count: u64,
    made: RefCell<Option<Scratch>>,
}

impl Image {
    /// Files of that peer.
    pub fn new(peer: Peer, quick: bool) -> Self {
        Self { peer, count: if quick { COUNT_QUICK } else { COUNT }, made: RefCell::new(None) }
    }

    /// Milliseconds until a copy of the files is open.
    ///
    /// # Errors
    /// Something that was acknowledged is lost.
    pub fn run(&self) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let made = match &mut *made {
            Some(made) => made,
            empty => empty.insert(self.make()?),
        };
        let victim = Scratch::new()?;
        scratch::copy(made.path(), victim.path())?;
        let begin = Instant::now();
        let log = self.open(victim.path())?;
        let elapsed = begin.elapsed();
        let mut account = Account::new(SIZE.bytes(), 1);
        if self.peer.replays {
            log.replay(&mut |record| account.enter(record))?;
            account.check(&[self.count])?;
        } else {
            let count = log.count()?;
            ensure!(
                count == Some(self.count),
                "{} records were acknowledged, there are {count:?}",
                self.count
            );
        }
        Ok(Sample { elapsed, values: vec![milliseconds(elapsed)] })
    }

    fn open(&self, directory: &Path) -> Result<Box<dyn Log>> {
        let open = self.peer.recovers.context("it cannot be recovered")?;
        open(directory, self.peer.surviving()?)
    }

    fn make(&self) -> Result<Scratch> {
        let (living, image) = (Scratch::new()?, Scratch::new()?);
        let log = self.open(living.path())?;
        replay::fill_open(&*log, SIZE, self.count)?;
        scratch::copy(living.path(), image.path())?;
        Ok(image)
    }
}

/// Two logs of ours that were closed, made at the first round.
#[derive(Debug)]
pub struct Sealed {
    open: Open,
    small: u64,
    large: u64,
    made: RefCell<Option<[Scratch; 2]>>,
}

impl Sealed {
    /// Of two sizes.
    pub fn new(open: Open, quick: bool) -> Self {
        let (small, large) =
            if quick { (SMALL_BYTES_QUICK, LARGE_BYTES_QUICK) } else { (SMALL_BYTES, LARGE_BYTES) };
        Self { open, small, large, made: RefCell::new(None) }
    }

    /// Milliseconds until the small log is open, the large one, and how many times longer that took.
    ///
    /// # Errors
    /// They cannot be made or opened.
    pub fn run(&self) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let [small, large] = match &mut *made {
            Some(made) => made,
            empty => empty.insert([self.make(self.small)?, self.make(self.large)?]),
        };
        let (small, large) = (self.time(small.path(), self.small)?, self.time(large.path(), self.large)?);
        let times = large.as_secs_f64() / small.as_secs_f64();
        let values = vec![milliseconds(small), milliseconds(large), times];
        Ok(Sample { elapsed: small + large, values })
    }

    fn time(&self, directory: &Path, bytes: u64) -> Result<Duration> {
        let begin = Instant::now();
        let log = (self.open)(directory, Level::Written)?;
        let elapsed = begin.elapsed();
        if let Some(count) = log.count()?
            && count != bytes / SIZE.bytes() as u64
        {
            bail!("{count} records are there of {}", bytes / SIZE.bytes() as u64);
        }
        Ok(elapsed)
    }

    fn make(&self, bytes: u64) -> Result<Scratch> {
        let scratch = Scratch::new()?;
        let peer = Peer::new("", &[Level::Written], self.open).role(Role::Ours).syncs();
        replay::fill(&peer, scratch.path(), Level::Written, SIZE, bytes / SIZE.bytes() as u64)?;
        Ok(scratch)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
