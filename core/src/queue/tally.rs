//! How many records of each segment are settled: a segment whose records all are can go.

use crate::error::Result;
use crate::log::Log;
use std::collections::BTreeMap;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    settled: BTreeMap<u64, u64>,
}

impl Tally {
    /// Counts a settled record; not if its segment cannot be told, which then is not released.
    pub(crate) fn settle(&mut self, log: &Log, id: u64) {
        if let Ok(Some(segment)) = log.segment_of(id) {
            *self.settled.entry(segment).or_default() += 1;
        }
    }

    /// Releases the oldest segments whose records are all settled. A segment's settlements refer to records in it or
    /// before it, so once those are gone nothing refers to them either.
    pub(crate) fn release(&mut self, log: &Log) -> Result<()> {
        while let Some((number, records)) = log.first_sealed()? {
            if self.settled.get(&number).copied().unwrap_or(0) < records {
                break;
            }
            log.release_before(number + 1)?;
            if log.start().0 == number {
                break;
            }
            self.settled.remove(&number);
        }
        Ok(())
    }
}
