//! Appending for a time, and then reading all of it.

use super::account::Account;
use super::cell::{Level, Size, Use};
use super::peer::{Appender, Peer, Setup, Stream};
use crate::harness::{Sample, Work};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// How many times the time of a round is appended: disks and their schedulers think in milliseconds.
pub const ROUNDS: u32 = 8;
/// The same for reading.
const ROUNDS_OF_READING: u32 = 2;
/// What is appended at most where everything is kept, in bytes.
pub const BYTES_MAX: u64 = 512 << 20;
/// Calls between looks at the clock, where one takes nanoseconds.
const UNTIMED: u64 = 16;
/// Records that are read in one call, where more than one is.
const READ_COUNT: usize = 1024;

/// Records appended per second until the last append returned, and read per second, in the unit of the level.
///
/// # Errors
/// A call failed, or not everything that was appended is read.
pub fn run(peer: &Peer, size: Size, how: Use, level: Level, work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let setup = Setup {
        directory: scratch.path(),
        level,
        partitions: 1,
        record_bytes: size.bytes(),
        is_keyed: false,
        readers: 1,
        lead_max: None,
    };
    let stream = (peer.open)(setup)?;
    let mut records = Records::new(0, size.bytes(), how.count());
    let appending = append(&*stream, &mut records, how, Until::time(work.round * ROUNDS, setup))?;
    let account = || Account::in_order(size.bytes());
    let read_per_s = read(&*stream, how, records.count(), account, work.round * ROUNDS_OF_READING)?;
    let appended_per_s = records.count() as f64 / appending.as_secs_f64();
    let values = [appended_per_s, read_per_s].map(|rate| rate / level.scale());
    Ok(Sample { elapsed: appending, values: values.into() })
}

/// How many a reader asks for.
pub fn read_count(how: Use) -> usize {
    if how == Use::Single { 1 } else { READ_COUNT }
}

/// When a producer stops.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    begin: Instant,
    time: Duration,
    count_max: u64,
    untimed: u64,
    calls: u64,
}

impl Until {
    /// So long from now on; where everything is kept perhaps earlier.
    pub fn time(time: Duration, setup: Setup<'_>) -> Self {
        let in_memory = setup.level == Level::Memory;
        let is_bounded = in_memory && setup.lead_max.is_some();
        let count_max = if is_bounded { u64::MAX } else { BYTES_MAX / setup.record_bytes as u64 };
        Self {
            begin: Instant::now(),
            time,
            count_max,
            untimed: if in_memory { UNTIMED } else { 1 },
            calls: 0,
        }
    }

    /// Whether there is to be another call after so many records.
    #[inline]
    pub fn goes_on(&mut self, count: u64) -> bool {
        self.calls += 1;
        count < self.count_max
            && (!self.calls.is_multiple_of(self.untimed) || self.begin.elapsed() < self.time)
    }
}

/// Appends as long as is to be gone on; how long that took.
///
/// # Errors
/// A call failed, or there was no time for any.
pub fn append(stream: &dyn Stream, records: &mut Records, how: Use, mut until: Until) -> Result<Duration> {
    let mut appender = stream.appender()?;
    let begin = Instant::now();
    append_while(&mut *appender, records, how, |count| until.goes_on(count))?;
    ensure!(records.count() > 0, "nothing was appended in the time of a round");
    Ok(begin.elapsed())
}

/// Appends while `goes_on` after so many records: one record at a time, or all buffers of `records` in batches.
///
/// # Errors
/// A call failed.
#[inline]
pub fn append_while(
    appender: &mut dyn Appender,
    records: &mut Records,
    how: Use,
    mut goes_on: impl FnMut(u64) -> bool,
) -> Result<()> {
    while goes_on(records.count()) {
        match how {
            Use::Single => appender.append(records.one())?,
            Use::Batch(count) => {
                let mut all = Vec::with_capacity(count);
                records.batch(&mut all);
                all.chunks(count).try_for_each(|batch| appender.append_batch(batch))?;
            }
        }
    }
    Ok(())
}

/// Records per second that new readers read from first to last, one after the other, until so much time has passed.
///
/// # Errors
/// They did not read what was appended.
pub fn read(
    stream: &dyn Stream,
    how: Use,
    appended: u64,
    account: impl Fn() -> Account,
    time: Duration,
) -> Result<f64> {
    let (begin, mut count) = (Instant::now(), 0);
    while count == 0 || begin.elapsed() < time {
        let (mut reader, mut account) = (stream.reader()?, account());
        // Everything is there: who reads nothing has read everything.
        while account.count() < appended && reader.read(read_count(how), Duration::ZERO, &mut account)? > 0 {
            account.check_so_far()?;
        }
        account.check(appended)?;
        count += appended;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}
