//! Appending: so many threads for so long. Afterwards everything is made durable, by whom can, and what was cheap to
//! read back is checked.

use super::cell::{Level, Shape, Use};
use super::peer::{Log, Peer, Writer};
use super::record::{Account, Records};
use super::scratch::Scratch;
use crate::harness::threads::{Gate, Stretch, elapsed};
use crate::harness::{Sample, Work};
use anyhow::{Result, anyhow, ensure};
use std::thread;
use std::time::{Duration, Instant};

/// How many times the time of a round it goes on: disks and their schedulers think in milliseconds.
const ROUNDS: u32 = 8;
/// All that is appended in a round, in bytes; a log in memory has no other bound.
const BYTES_MAX: u64 = 512 << 20;
/// Appends between looks at the clock, where one takes nanoseconds.
const UNTIMED: u64 = 64;
/// Up to so many records everything is read back after the round.
const CHECKED_MAX: u64 = 20_000;

/// Records per second until the last append returned, and until all were on the disk.
pub fn run(peer: &Peer, shape: Shape, level: Level, work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let log = (peer.open)(scratch.path(), level)?;
    let (written, stretches) = produce(&*log, shape, level, work.round * ROUNDS)?;
    let (returned, mut durable) = (elapsed(&stretches), None);
    if level == Level::Relaxed && peer.syncs {
        log.sync()?;
        let begin = stretches.iter().map(|stretch| stretch.begin).min();
        durable = begin.map(|begin| begin.elapsed());
    }
    check(&*log, peer, shape, &written)?;
    let count = written.iter().sum::<u64>() as f64;
    let rate = |elapsed: Duration| count / elapsed.as_secs_f64() / level.scale();
    let mut values = vec![rate(returned)];
    if level == Level::Relaxed {
        values.push(durable.map_or(f64::NAN, rate));
    }
    Ok(Sample { elapsed: returned, values })
}

/// How many records each thread appended, and when.
fn produce(log: &dyn Log, shape: Shape, level: Level, time: Duration) -> Result<(Vec<u64>, Vec<Stretch>)> {
    let gate = Gate::for_threads(shape.producers);
    thread::scope(|scope| {
        let producers: Vec<_> = (0..shape.producers)
            .map(|producer| {
                let gate = &gate;
                scope.spawn(move || {
                    // Not before the gate: whoever fails must not keep the others waiting.
                    let writer = log.writer();
                    let begin = gate.pass();
                    let until = Until {
                        end: begin + time,
                        count_max: BYTES_MAX / (shape.size.bytes() * shape.producers) as u64,
                        untimed: if level == Level::Synced { 1 } else { UNTIMED },
                    };
                    let mut records = Records::new(producer, shape.size.bytes(), shape.how.count());
                    append(&mut *writer?, &mut records, shape.how, until)?;
                    Ok((records.count(), Stretch { begin, end: Instant::now() }))
                })
            })
            .collect();
        let done =
            producers.into_iter().map(|producer| producer.join().map_err(|_| anyhow!("it panicked"))?);
        let done: Result<Vec<_>> = done.collect();
        Ok(done?.into_iter().unzip())
    })
}

/// When a producer stops.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// At this time.
    pub end: Instant,
    /// Or after this many records.
    pub count_max: u64,
    /// Records between looks at the clock.
    pub untimed: u64,
}

/// Appends until it is time to stop.
///
/// # Errors
/// An append failed.
pub fn append(writer: &mut dyn Writer, records: &mut Records, how: Use, until: Until) -> Result<()> {
    while records.count() < until.count_max && Instant::now() < until.end {
        match how {
            Use::Single => {
                for _ in 0..until.untimed {
                    writer.append(records.one())?;
                }
            }
            Use::Batch(count) => {
                let mut batch = Vec::with_capacity(count);
                records.batch(&mut batch);
                writer.append_batch(&batch)?;
            }
        }
    }
    Ok(())
}

/// Checks that what was written is there.
fn check(log: &dyn Log, peer: &Peer, shape: Shape, written: &[u64]) -> Result<()> {
    let total: u64 = written.iter().sum();
    ensure!(total > 0, "nothing was written in the time of a round");
    // Who can be read only once syncs every place that it has come to: that is left to where replay is measured.
    if peer.replays && !peer.replays_once && total <= CHECKED_MAX {
        let mut account = Account::new(shape.size.bytes(), shape.producers);
        log.replay(&mut |record| account.enter(record))?;
        return account.check(written);
    }
    if let Some(count) = log.count()? {
        ensure!(count == total, "wrote {total} records, it holds {count}");
    }
    Ok(())
}
