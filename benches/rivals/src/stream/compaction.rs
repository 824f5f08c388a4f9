//! Compacting a stream in which most records have been replaced.

use super::account::key_of;
use super::append::append_while;
use super::cell::{BATCH, LEVELS_UNSYNCED, Level, OURS, Size, Use, goal};
use super::peer::Appender;
use crate::harness::{Effort, Entrant, Experiment, Metric, Role, Sample};
use crate::log::record::{Records, identity};
use crate::log::scratch::Scratch;
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Instant;

/// Keys, of each of which one record is left.
pub const KEYS: u64 = 10_000;
/// Records of each key, of which the last one is left.
const VERSIONS: u64 = 60;
const VERSIONS_QUICK: u64 = 12;
const SIZE: Size = Size::Large;

/// A stream that can be compacted, of which rivals have no equivalent.
pub trait Compacted {
    /// Appends, with keys.
    fn appender(&self) -> Box<dyn Appender + '_>;

    /// Leaves out what was replaced, which nobody has begun before.
    ///
    /// # Errors
    /// It failed.
    fn compact(&self) -> Result<()>;

    /// Shows key and value of each record that is left, in order.
    ///
    /// # Errors
    /// They cannot be read.
    fn read(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<()>;
}

/// Opens one.
pub type Open = fn(&Path, Level) -> Result<Box<dyn Compacted>>;

/// What only ours is asked for.
pub fn experiments(open: Open, quick: bool) -> [Experiment; 2] {
    LEVELS_UNSYNCED.map(|level| {
        let name = format!("compaction {}", level.name());
        let told =
            |cell: String, unit, higher_is_better| Metric { goal: goal(&cell), cell, unit, higher_is_better };
        Experiment {
            metrics: vec![
                told(name.clone(), "MB/s", true),
                told(format!("{name} left"), "records a key", false),
            ],
            entrants: vec![Entrant::new(OURS, Role::Ours, move |_| run(open, level, quick))],
            group: name.clone(),
            name,
            effort: Effort::Fixed,
        }
    })
}

/// Megabytes of records per second that are gone through until no replaced record is left, and records left for each key.
///
/// # Errors
/// A call failed, or the last record of a key is not left.
pub fn run(open: Open, level: Level, quick: bool) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let stream = open(scratch.path(), level)?;
    let count = KEYS * if quick { VERSIONS_QUICK } else { VERSIONS };
    let mut records = Records::new(0, SIZE.bytes(), KEYS as usize);
    append_while(&mut *stream.appender(), &mut records, Use::Batch(BATCH), |appended| appended < count)?;
    let begin = Instant::now();
    stream.compact()?;
    let elapsed = begin.elapsed();
    let (mut left, mut last, mut next) = (0_u64, 0, count - KEYS);
    let mut fault = None;
    stream.read(&mut |key, value| {
        let (_, number) = identity(value);
        if value.len() != SIZE.bytes() || key != key_of(value) || (left > 0 && number <= last) {
            fault.get_or_insert(number);
        }
        next += u64::from(number == next);
        (left, last) = (left + 1, number);
    })?;
    ensure!(fault.is_none(), "record {fault:?} is altered or out of order");
    ensure!(next == count, "record {next}, the last of its key, is missing after {last}");
    ensure!(left < count, "nothing was left out of {count} records");
    let mb_per_s = (count * SIZE.bytes() as u64) as f64 / 1e6 / elapsed.as_secs_f64();
    Ok(Sample { elapsed, values: vec![mb_per_s, left as f64 / KEYS as f64] })
}
