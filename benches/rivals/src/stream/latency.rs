//! How long it takes from the call that appends a record until a reader has it: one that asks again and again, and one that
//! sleeps until it is woken.

use super::account::{Account, stamp};
use super::cell::Level;
use super::peer::{Ability, Peer, Setup, Stream};
use crate::harness::threads::{Gate, pin};
use crate::harness::{Sample, Work};
use crate::log::scratch::Scratch;
use anyhow::{Result, anyhow, ensure};
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const RECORD_BYTES: usize = 64;
/// How many times the time of a round records are sent.
const ROUNDS: u32 = 4;
/// With fewer the last quantile means nothing.
const COUNT_MIN: u64 = 100;
/// Records before the first that counts.
const WARM_UP: u64 = 20;
/// Between records, for readers that spin: longer than it takes to ask once in vain.
const GAP: Duration = Duration::from_micros(1);
/// After this long without a record every reader that ever sleeps does.
const PAUSE: Duration = Duration::from_micros(500);
/// How long a reader sleeps at most.
const WAIT: Duration = Duration::from_millis(20);
/// After so long a record that was not read is lost; looked at after so many tries.
const PATIENCE: Duration = Duration::from_millis(1500);
const TRIES: u32 = 1 << 14;
const DIGITS: u8 = 3;

/// How the reader waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Spinning,
    Parked,
}

/// What the two threads tell each other.
struct Shared {
    gate: Gate,
    had: AtomicU64,
    is_over: AtomicBool,
    origin: Instant,
}

/// Microseconds, the median and 99 % of a reader that spins, then of one that sleeps; no number where it cannot.
///
/// # Errors
/// A call failed, or a record was lost, doubled or altered.
pub fn run(peer: &Peer, work: Work) -> Result<Sample> {
    let begin = Instant::now();
    let mut values = quantiles(peer, Waiting::Spinning, work)?.to_vec();
    let parks = peer.has(Ability::Parks);
    values.extend(if parks { quantiles(peer, Waiting::Parked, work)? } else { [f64::NAN; 2] });
    Ok(Sample { elapsed: begin.elapsed(), values })
}

fn quantiles(peer: &Peer, waiting: Waiting, work: Work) -> Result<[f64; 2]> {
    let scratch = Scratch::new()?;
    let stream = &*(peer.open)(Setup {
        directory: scratch.path(),
        level: Level::Memory,
        partitions: 1,
        record_bytes: RECORD_BYTES,
        is_keyed: false,
        readers: 1,
        lead_max: Some(COUNT_MIN),
    })?;
    let shared = &Shared {
        gate: Gate::for_threads(2),
        had: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
        origin: Instant::now(),
    };
    thread::scope(|scope| {
        let reading = scope.spawn(move || shared.ending(|| receive(stream, waiting, shared)));
        let sending =
            scope.spawn(move || shared.ending(|| send(stream, waiting, work.round * ROUNDS, shared)));
        let sent = sending.join().map_err(|_| anyhow!("the producer panicked"))??;
        let (account, nanoseconds) = reading.join().map_err(|_| anyhow!("the reader panicked"))??;
        account.check(sent)?;
        Ok([0.5, 0.99].map(|quantile| nanoseconds.value_at_quantile(quantile) as f64 / 1e3))
    })
}

impl Shared {
    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn is_over(&self) -> bool {
        // ORDERING: Acquire: pairs with the store in `ending`.
        self.is_over.load(Ordering::Acquire)
    }

    /// Does a thread's part; when one ends, for whatever reason, the other has no more to do.
    fn ending<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = part();
        // ORDERING: Release: what was appended before is there for who sees this.
        self.is_over.store(true, Ordering::Release);
        done
    }
}

/// One record at a time is under way.
fn send(stream: &dyn Stream, waiting: Waiting, time: Duration, shared: &Shared) -> Result<u64> {
    pin(0);
    let appender = stream.appender();
    let begin = shared.gate.pass();
    let (mut appender, mut record, mut count) = (appender?, [7; RECORD_BYTES], 0_u64);
    while (count < WARM_UP + COUNT_MIN || begin.elapsed() < time) && !shared.is_over() {
        match waiting {
            Waiting::Spinning => {
                let pause = Instant::now();
                while pause.elapsed() < GAP {
                    std::hint::spin_loop();
                }
            }
            Waiting::Parked => thread::sleep(PAUSE),
        }
        record[..8].copy_from_slice(&count.to_le_bytes());
        let sent_ns = shared.now_ns();
        stamp(&mut record, sent_ns);
        appender.append(&record)?;
        count += 1;
        let mut tries = 0_u32;
        // ORDERING: Relaxed: it carries a number.
        while shared.had.load(Ordering::Relaxed) < count && !shared.is_over() {
            std::hint::spin_loop();
            // Where both share a core the reader must get its turn.
            tries += 1;
            if tries.is_multiple_of(TRIES) {
                thread::yield_now();
                let missed = shared.now_ns().saturating_sub(sent_ns);
                ensure!(
                    missed < PATIENCE.as_nanos() as u64,
                    "record {} was appended and not read",
                    count - 1
                );
            }
        }
    }
    Ok(count)
}

fn receive(stream: &dyn Stream, waiting: Waiting, shared: &Shared) -> Result<(Account, Histogram<u64>)> {
    pin(1);
    let reader = stream.reader();
    shared.gate.pass();
    let (mut reader, mut account) = (reader?, Account::in_order(RECORD_BYTES).noting_stamps());
    let mut nanoseconds = Histogram::<u64>::new(DIGITS)?;
    let wait = if waiting == Waiting::Parked { WAIT } else { Duration::ZERO };
    loop {
        // Before the look: what is there when it is over is read.
        let is_over = shared.is_over();
        if reader.read(1, wait, &mut account)? > 0 {
            let now_ns = shared.now_ns();
            account.check_so_far()?;
            if account.count() > WARM_UP {
                nanoseconds.record(now_ns.saturating_sub(account.sent_ns()))?;
            }
            // ORDERING: Relaxed: as where it is loaded.
            shared.had.store(account.count(), Ordering::Relaxed);
        } else if is_over {
            return Ok((account, nanoseconds));
        } else {
            std::hint::spin_loop();
        }
    }
}
