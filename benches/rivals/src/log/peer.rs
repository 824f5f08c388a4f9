//! A log that takes part: what it must do, and what it can.

use super::cell::Level;
use crate::harness::Role;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// An open log at one level of durability.
pub trait Log: Send + Sync {
    /// What one thread appends through.
    ///
    /// # Errors
    /// There can be no more.
    fn writer(&self) -> Result<Box<dyn Writer + '_>>;

    /// Makes everything durable that was appended.
    ///
    /// # Errors
    /// It cannot, or failed.
    fn sync(&self) -> Result<()> {
        bail!("it cannot make durable what was appended without waiting");
    }

    /// Shows each record, in the order in which its producer wrote it.
    ///
    /// # Errors
    /// It cannot be read.
    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let _ = each;
        bail!("it cannot be read again")
    }

    /// A reader of its own, from the beginning.
    ///
    /// # Errors
    /// There can be none.
    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        bail!("it has no independent readers")
    }

    /// How many records it holds, if that is cheap to say.
    ///
    /// # Errors
    /// It cannot be read.
    fn count(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// Appends for one thread. A call returns when the log's level is reached.
pub trait Writer {
    /// Appends a record.
    ///
    /// # Errors
    /// It failed.
    fn append(&mut self, record: &[u8]) -> Result<()>;

    /// Appends several in order, by one call if the log has one.
    ///
    /// # Errors
    /// It failed.
    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        records.iter().try_for_each(|record| self.append(record))
    }
}

/// Reads for one thread while others append.
pub trait Tail {
    /// Shows some of the records that were not shown yet; none if there are none, at once or after a short wait.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()>;
}

/// Many logs that share a commit.
pub trait Logs {
    /// Appends each record to the log of its producer, and returns when all are on the disk.
    ///
    /// # Errors
    /// It failed.
    fn commit(&mut self, records: &[&[u8]]) -> Result<()>;
}

/// Opens or makes the log in a directory, which exists.
pub type Open = fn(&Path, Level) -> Result<Box<dyn Log>>;

/// Makes so many logs in a directory, which exists.
pub type Many = fn(&Path, usize) -> Result<Box<dyn Logs>>;

/// A log, by what it can.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Names it in the tables.
    pub name: &'static str,
    /// As what it takes part.
    pub role: Role,
    /// What its appends can wait for.
    pub levels: &'static [Level],
    /// Opens it.
    pub open: Open,
    /// Takes several records in one call.
    pub batches: bool,
    /// Can make durable what was appended without waiting.
    pub syncs: bool,
    /// Can be read from the beginning.
    pub replays: bool,
    /// But only once while it is open.
    pub replays_once: bool,
    /// Has independent readers that follow.
    pub tails: bool,
    /// Opens it so that it can be opened after its process was killed.
    pub recovers: Option<Open>,
    /// Commits several logs at once.
    pub many: Option<Many>,
}

impl Peer {
    /// A log that can append one record a call.
    pub fn new(name: &'static str, levels: &'static [Level], open: Open) -> Self {
        Self {
            name,
            role: Role::Rival,
            levels,
            open,
            batches: false,
            syncs: false,
            replays: false,
            replays_once: false,
            tails: false,
            recovers: None,
            many: None,
        }
    }

    /// In another role than that of a rival.
    pub fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Takes several records in one call.
    pub fn batches(self) -> Self {
        Self { batches: true, ..self }
    }

    /// Has [`Log::sync`].
    pub fn syncs(self) -> Self {
        Self { syncs: true, ..self }
    }

    /// Has [`Log::replay`].
    pub fn replays(self) -> Self {
        Self { replays: true, ..self }
    }

    /// Has [`Log::replay`], but only once while it is open.
    pub fn replays_once(self) -> Self {
        Self { replays: true, replays_once: true, ..self }
    }

    /// Has [`Log::tail`].
    pub fn tails(self) -> Self {
        Self { tails: true, ..self }
    }

    /// Can be opened after its process was killed.
    pub fn recovers(self) -> Self {
        self.recovers_as(self.open)
    }

    /// Can be opened after its process was killed, if it was opened by this.
    pub fn recovers_as(self, open: Open) -> Self {
        Self { recovers: Some(open), ..self }
    }

    /// The weakest of its levels with a disk.
    ///
    /// # Errors
    /// It has none.
    pub fn weakest(&self) -> Result<Level> {
        let levels = self.levels.iter().filter(|level| **level != Level::Memory);
        levels.min().copied().context("it has no level with a disk")
    }

    /// The weakest of its levels at which nothing is lost with a killed process.
    ///
    /// # Errors
    /// It has none.
    pub fn surviving(&self) -> Result<Level> {
        let levels = self.levels.iter().filter(|level| **level >= Level::Written);
        levels.min().copied().context("it has no level that survives a killed process")
    }

    /// Commits several logs at once.
    pub fn many(self, many: Many) -> Self {
        Self { many: Some(many), ..self }
    }
}
