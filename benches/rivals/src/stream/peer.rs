//! A stream that takes part: what it must do, and what it can.

use super::account::Account;
use super::cell::Level;
use crate::harness::Role;
use crate::queue::tally::Tally;
use anyhow::{Result, bail};
use std::path::Path;
use std::time::Duration;

/// What a workload wants of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Where its files are; it exists.
    pub directory: &'a Path,
    /// What appends wait for.
    pub level: Level,
    /// Between how many partitions keys choose.
    pub partitions: u32,
    /// Bytes of each record.
    pub record_bytes: usize,
    /// Records have a key, [`key_of`](super::account::key_of) them, and the time at which they were accepted.
    pub is_keyed: bool,
    /// How many readers there will be.
    pub readers: usize,
    /// No reader is further behind than so many records, of which alone those that are still to be read need be kept.
    pub lead_max: Option<u64>,
}

/// An open stream.
pub trait Stream: Send + Sync {
    /// What the thread appends through that does.
    ///
    /// # Errors
    /// There can be none.
    fn appender(&self) -> Result<Box<dyn Appender + '_>>;

    /// A reader of its own, of all partitions, from the first record on.
    ///
    /// # Errors
    /// There can be no more.
    fn reader(&self) -> Result<Box<dyn Reader + '_>>;

    /// A member of the one group of the stream, which has committed nothing yet.
    ///
    /// # Errors
    /// It has no groups.
    fn member(&self) -> Result<Box<dyn Member + Send + '_>> {
        bail!("it has no groups")
    }

    /// The number and the time of the first record that was accepted at that time or later.
    ///
    /// # Errors
    /// It cannot be asked, there is none, or it cannot be read.
    fn first_at(&self, time_ns: u64) -> Result<(u64, u64)> {
        let _ = time_ns;
        bail!("it does not look up times")
    }

    /// Makes everything durable that was appended.
    ///
    /// # Errors
    /// It failed.
    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

/// Appends for one thread. A call returns when the stream's level is reached.
pub trait Appender {
    /// Appends a record.
    ///
    /// # Errors
    /// It failed.
    fn append(&mut self, record: &[u8]) -> Result<()>;

    /// Appends several in order, by one call if the stream has one.
    ///
    /// # Errors
    /// It failed.
    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        records.iter().try_for_each(|record| self.append(record))
    }
}

/// Reads for one thread.
pub trait Reader {
    /// Enters up to about so many records that follow, waiting at most so long for the first. Who cannot wait does not; how
    /// many.
    ///
    /// # Errors
    /// They cannot be read.
    fn read(&mut self, count_max: usize, wait: Duration, account: &mut Account) -> Result<usize>;
}

/// Reads for one thread what others of its group do not.
pub trait Member {
    /// Enters up to so many records, waiting at most so long for the first, and commits them; how many.
    ///
    /// # Errors
    /// They cannot be read or committed.
    fn work(&mut self, count_max: usize, wait: Duration, tally: &mut Tally) -> Result<usize>;
}

/// Opens or makes a stream.
pub type Open = fn(Setup<'_>) -> Result<Box<dyn Stream>>;

/// What a stream can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Everything that was appended can be read again.
    Keeps,
    /// Readers follow a producer, each of them reading everything.
    Follows,
    /// Records have keys and times.
    Keys,
    /// Keys choose partitions.
    Partitions,
    /// Can be opened again, so that a reader finds everything on the disk.
    Reopens,
    /// Readers sleep until there is something to read.
    Parks,
    /// Groups share the partitions and commit.
    Groups,
    /// Times can be looked up.
    Times,
}

/// A stream, by what it can.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Names it in the tables.
    pub name: &'static str,
    /// As what it takes part.
    pub role: Role,
    /// What its appends can wait for.
    pub levels: &'static [Level],
    /// What it can be asked for.
    pub abilities: &'static [Ability],
    /// Opens it.
    pub open: Open,
}

impl Peer {
    /// Whether it can be asked for that at a level.
    pub fn can(&self, ability: Ability, level: Level) -> bool {
        self.levels.contains(&level) && self.has(ability)
    }

    /// Whether it can be asked for that.
    pub fn has(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }
}
