//! The hub: names, directory, lock, threads, clock, options.

use crate::clock::Clock;
use crate::error::Result;
use crate::queue::QueueBuilder;
use crate::storage::Storage;
use crate::stream::StreamBuilder;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a verb of a durable hub waits for before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Durability {
    /// Nothing: written and synced in the background at least every `relaxed_ms_max`. A killed process or a power
    /// loss loses at most that much, as a prefix.
    Relaxed,
    /// Handed to the operating system: survives a killed process, not power loss.
    Written,
    /// Synced to disk, grouped over concurrent callers: survives power loss.
    #[default]
    Synced,
}

/// An open hub. Clones are the same hub; the last one dropped closes it.
#[derive(Debug, Clone)]
pub struct Hub {}

/// Options of a hub, each with its default.
#[derive(Debug, Default)]
pub struct HubBuilder {}

/// What a hub holds.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HubStats {
    /// The queues by name.
    pub queues: Vec<(String, crate::queue::QueueStats)>,
    /// The streams by name.
    pub streams: Vec<(String, crate::stream::StreamStats)>,
}

impl Hub {
    /// A hub in memory: gone with the last handle.
    pub fn memory() -> Self {
        todo!()
    }
    /// Opens the durable hub in a directory, making it if need be.
    pub fn open(_directory: impl AsRef<Path>) -> Result<Self> {
        todo!()
    }
    /// A hub with options other than the defaults.
    pub fn builder() -> HubBuilder {
        HubBuilder::default()
    }
    /// A queue to open or make.
    pub fn queue(&self, _name: &str) -> QueueBuilder {
        todo!()
    }
    /// A stream to open or make.
    pub fn stream(&self, _name: &str) -> StreamBuilder {
        todo!()
    }
    /// Names of the queues, in order.
    pub fn queues(&self) -> Result<Vec<String>> {
        todo!()
    }
    /// Names of the streams, in order.
    pub fn streams(&self) -> Result<Vec<String>> {
        todo!()
    }
    /// Makes everything appended so far durable.
    pub fn flush(&self) -> Result<()> {
        todo!()
    }
    /// Counts of every queue and stream that is open.
    pub fn stats(&self) -> Result<HubStats> {
        todo!()
    }
    /// Wakes and refuses every caller, waits for those inside (at most `timeout`), makes everything durable and
    /// unlocks the directory. Verbs on handles of this hub return `Closed` from then on.
    pub fn close(&self, _timeout: Duration) -> Result<()> {
        todo!()
    }
}

impl HubBuilder {
    /// What verbs wait for. Default [`Durability::Synced`].
    pub fn durability(self, _durability: Durability) -> Self {
        todo!()
    }
    /// Where time comes from. Default the system's clock.
    pub fn clock(self, _clock: Clock) -> Self {
        todo!()
    }
    /// Where files live. Default the operating system's files by blocking calls.
    pub fn storage(self, _storage: Arc<dyn Storage>) -> Self {
        todo!()
    }
    /// A hub in memory.
    pub fn memory(self) -> Result<Hub> {
        todo!()
    }
    /// A durable hub in a directory.
    pub fn open(self, _directory: impl AsRef<Path>) -> Result<Hub> {
        todo!()
    }
}
