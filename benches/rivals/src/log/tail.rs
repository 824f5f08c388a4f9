//! One thread appends without waiting, readers of their own follow it, and each reads everything.

use super::append::{Until, append};
use super::cell::{Level, Size, Use};
use super::peer::{Log, Peer};
use super::record::{Account, Records};
use super::scratch::Scratch;
use crate::harness::threads::{Gate, Stretch, elapsed};
use crate::harness::{Sample, Work};
use anyhow::{Result, anyhow, bail};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// How many read.
pub const READERS: usize = 4;
/// How many times the time of a round records are appended.
const ROUNDS: u32 = 8;
/// What is appended at most, in bytes.
const BYTES_MAX: u64 = 256 << 20;
const UNTIMED: u64 = 64;
/// The end is not known yet.
const UNKNOWN: u64 = u64::MAX;

/// Records delivered per second to all readers together, and appended per second.
pub fn run(peer: &Peer, size: Size, work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let log = (peer.open)(scratch.path(), Level::Relaxed)?;
    let log = &*log;
    let gate = Gate::for_threads(READERS + 1);
    let (end, failed) = (AtomicU64::new(UNKNOWN), AtomicBool::new(false));
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                let (gate, end, failed) = (&gate, &end, &failed);
                scope.spawn(move || {
                    let begin = gate.pass();
                    follow(log, size, end, failed)?;
                    anyhow::Ok(Stretch { begin, end: Instant::now() })
                })
            })
            .collect();
        let begin = gate.pass();
        let until = Until {
            end: begin + work.round * ROUNDS,
            count_max: BYTES_MAX / size.bytes() as u64,
            untimed: UNTIMED,
        };
        let mut records = Records::new(0, size.bytes(), 1);
        let appended =
            log.writer().and_then(|mut writer| append(&mut *writer, &mut records, Use::Single, until));
        let producing = begin.elapsed();
        // ORDERING: Release and Relaxed: they carry a number, and that there is no use in going on.
        failed.store(appended.is_err(), Ordering::Relaxed);
        end.store(records.count(), Ordering::Release);
        let mut stretches = vec![Stretch { begin, end: begin + producing }];
        for reader in readers {
            stretches.push(reader.join().map_err(|_| anyhow!("a reader panicked"))??);
        }
        appended?;
        let (count, elapsed) = (records.count() as f64, elapsed(&stretches));
        let delivered = READERS as f64 * count / elapsed.as_secs_f64() / 1e6;
        Ok(Sample { elapsed, values: vec![delivered, count / producing.as_secs_f64() / 1e6] })
    })
}

/// Reads until the end is known and reached.
fn follow(log: &dyn Log, size: Size, end: &AtomicU64, failed: &AtomicBool) -> Result<()> {
    let mut tail = log.tail()?;
    let mut account = Account::new(size.bytes(), 1);
    loop {
        let before = account.count();
        tail.read(&mut |record| account.enter(record))?;
        // ORDERING: as where they are stored.
        let end = end.load(Ordering::Acquire);
        if failed.load(Ordering::Relaxed) {
            bail!("the records to follow could not be appended");
        }
        if account.count() >= end {
            return account.check(&[end]);
        }
        if account.count() == before {
            account.check(&[before])?;
            thread::yield_now();
        }
    }
}
