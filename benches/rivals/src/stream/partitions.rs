//! Appending records of many keys to so many partitions, and reading all of them by one reader.

use super::account::Account;
use super::append::{ROUNDS, Until, append, read};
use super::cell::{BATCH, Level, PARTITIONS, Size, Use};
use super::peer::{Peer, Setup};
use crate::harness::{Sample, Work};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::Result;
use std::time::Instant;

/// Keys, of which each partition has many.
pub const KEYS: usize = 4096;

/// For each number of partitions the records appended and read per second, in the unit of the level.
///
/// # Errors
/// A call failed, or a record was lost, doubled or altered, or overtook another of its key.
pub fn run(peer: &Peer, level: Level, work: Work) -> Result<Sample> {
    let (size, how) = (Size::Small.bytes(), Use::Batch(BATCH));
    let (mut values, begin) = (Vec::new(), Instant::now());
    for partitions in PARTITIONS {
        let scratch = Scratch::new()?;
        let setup = Setup {
            directory: scratch.path(),
            level,
            partitions,
            record_bytes: size,
            is_keyed: true,
            readers: 1,
            lead_max: None,
        };
        let stream = (peer.open)(setup)?;
        let mut records = Records::new(0, size, KEYS);
        let time = append(&*stream, &mut records, how, Until::time(work.round * ROUNDS, setup))?;
        let account = || Account::by_key(size, KEYS);
        let read_per_s = read(&*stream, how, records.count(), account, work.round)?;
        let appended_per_s = records.count() as f64 / time.as_secs_f64();
        values.extend([appended_per_s, read_per_s].map(|rate| rate / level.scale()));
    }
    Ok(Sample { elapsed: begin.elapsed(), values })
}
