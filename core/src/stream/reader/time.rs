//! Finding an offset by a time: when a record was accepted, or its event time.
//!
//! **Cost.** By ingest time a bisection over the segments and one block of 64 KiB. Of event times there is no index: they come in any
//! order, and finding one reads the partition from its start to there.

use crate::error::Result;
use crate::stream::reader::place::Verdict;
use crate::stream::reader::{PartitionReader, Start, resolve};
use crate::stream::shared::Shared;

/// Records that are looked at before it is asked whether the hub is still open.
const LOOK_COUNT: usize = 65_536;

impl Shared {
    pub(crate) fn offset_at_time(&self, partition: u32, time_ns: u64) -> Result<u64> {
        self.check_open()?;
        resolve(self, partition, Start::Time(time_ns))
    }

    pub(crate) fn scan_event_time(&self, partition: u32, time_ns: u64) -> Result<u64> {
        let mut reader = PartitionReader::new(self, partition, Start::Earliest)?;
        loop {
            self.check_open()?;
            let walked = reader.walk(LOOK_COUNT, LOOK_COUNT, |found| {
                let is_reached = found.borrowed().event_time_ns().is_some_and(|event_ns| event_ns >= time_ns);
                if is_reached { Verdict::TooMuch } else { Verdict::Taken }
            })?;
            if let Some(start) = walked.lost {
                reader.go_to(start)?;
            } else if walked.is_full || !walked.moved {
                return Ok(reader.offset());
            }
        }
    }
}
