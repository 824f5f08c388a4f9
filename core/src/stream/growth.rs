//! More partitions for a stream that is open.
//!
//! **Promise.** Offsets and records of the partitions that there were stay as they are. Groups share the new ones out at once; readers keep
//! the partitions that they were made with. From when the catalogue says so, keys are spread over all of them.

use crate::error::{Error, Result};
use crate::log::{Kind, Log, Reader};
use crate::stream::options::StreamOptions;
use crate::stream::shared::Shared;
use crate::sync::lock;
use std::sync::Arc;

impl Shared {
    /// Refuses to grow if a key would move away from records of it that are held. It reads the stream until it finds a record
    /// with a key.
    ///
    /// # Errors
    /// `InvalidArgument`; `Corrupt` or `Io` if a file cannot be read.
    pub(crate) fn check_growth(&self, asked: u32) -> Result<()> {
        let why = if self.upkeep().is_compacted() {
            "is compacted by key"
        } else if self.has_keys()? {
            "has records with keys"
        } else {
            return Ok(());
        };
        let detail = format!(
            "stream {} {why} and {} partitions: with {asked} keys would move, and their records no longer be read in order; \
             have a new stream, or add force_growth",
            self.name,
            self.partition_count()
        );
        Err(Error::invalid("partitions", detail))
    }

    fn has_keys(&self) -> Result<bool> {
        for partition in 0..self.partition_count() {
            let mut reader = Reader::earliest(self.readable(partition)?.clone());
            // What is not durable yet may be soon.
            reader.see_all();
            while reader.advance()? {
                if reader.kind() == Kind::Data && reader.frame().key().is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Adds partitions. One caller at a time.
    pub(crate) fn grow(&self, logs: Vec<Arc<Log>>, options: &StreamOptions) {
        for log in logs {
            lock(&self.rates).add(&log, self.now_ns());
            self.upkeep().add(log.clone());
            self.sessions.add(log);
        }
        self.set_options(options);
        let count = self.partition_count();
        // Only now: whoever is told of a partition finds it.
        self.partitioner.set_count(count);
        self.grow_groups(count);
        self.data().notify_all();
    }
}
