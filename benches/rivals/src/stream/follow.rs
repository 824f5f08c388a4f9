//! One thread appends, readers of their own follow it, and each reads everything.

use super::account::Account;
use super::append::{Until, append, append_while, read_count};
use super::cell::{Level, Use};
use super::peer::{Ability, Peer, Setup, Stream};
use crate::harness::threads::{Gate, Idle, Stretch, elapsed, pin};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::{Result, anyhow, ensure};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How far the producer runs ahead of the slowest reader, in records.
const LEAD_MAX: u64 = 16_384;
/// After so long without a record those that are missing are lost.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The end is not known yet.
const UNKNOWN: u64 = u64::MAX;

/// What is done in a round.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What appends wait for.
    pub level: Level,
    /// Bytes of a record.
    pub record_bytes: usize,
    /// Records have keys and times, and both are looked at.
    pub is_keyed: bool,
    /// How many a call takes.
    pub how: Use,
    /// How long the producer appends.
    pub time: Duration,
}

/// A count that nobody else's is beside, as if it were alone in memory.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicU64);

/// What the threads tell each other.
struct Crowd {
    gate: Gate,
    /// What each reader has had.
    had: Vec<Count>,
    end: AtomicU64,
    failed: AtomicBool,
}

impl Plan {
    fn setup<'a>(&self, scratch: &'a Scratch, readers: usize) -> Setup<'a> {
        Setup {
            directory: scratch.path(),
            level: self.level,
            partitions: 1,
            record_bytes: self.record_bytes,
            is_keyed: self.is_keyed,
            readers,
            lead_max: Some(LEAD_MAX),
        }
    }

    /// Whether each thread has a core of its own. Where there is a disk the stream may have threads, too, that need one.
    fn is_pinned(&self, readers: usize) -> bool {
        readers <= 1 && self.level == Level::Memory
    }

    fn records(&self) -> Records {
        Records::new(0, self.record_bytes, self.how.count())
    }

    fn account(&self) -> Account {
        let account = Account::in_order(self.record_bytes);
        if self.is_keyed { account.checking_keys() } else { account }
    }

    /// Records appended per second while nobody reads; not a number where somebody has to.
    ///
    /// # Errors
    /// An append failed.
    pub fn append_alone(&self, peer: &Peer) -> Result<f64> {
        if !peer.has(Ability::Keeps) {
            return Ok(f64::NAN);
        }
        let scratch = Scratch::new()?;
        let setup = self.setup(&scratch, 0);
        let stream = (peer.open)(setup)?;
        let mut records = self.records();
        let time = thread::scope(|scope| {
            let producer = scope.spawn(|| {
                if self.is_pinned(0) {
                    pin(0);
                }
                append(&*stream, &mut records, self.how, Until::time(self.time, setup))
            });
            producer.join().map_err(|_| anyhow!("the producer panicked"))?
        })?;
        Ok(records.count() as f64 / time.as_secs_f64())
    }

    /// Records delivered per second to so many readers together.
    ///
    /// # Errors
    /// A call failed, or a reader did not read exactly what was appended.
    pub fn deliver(&self, peer: &Peer, readers: usize) -> Result<f64> {
        let scratch = Scratch::new()?;
        let setup = self.setup(&scratch, readers);
        let stream = &*(peer.open)(setup)?;
        let crowd = &Crowd {
            gate: Gate::for_threads(readers + 1),
            had: (0..readers).map(|_| Count::default()).collect(),
            end: AtomicU64::new(UNKNOWN),
            failed: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            let reading: Vec<_> = (0..readers)
                .map(|number| scope.spawn(move || crowd.noting(|| self.follow(stream, number, crowd))))
                .collect();
            let producing = scope.spawn(move || crowd.noting(|| self.produce(stream, setup, crowd)));
            let produced = producing.join().map_err(|_| anyhow!("the producer panicked"))?;
            let (mut stretches, mut failure) = (Vec::new(), None);
            for reader in reading {
                match reader.join().map_err(|_| anyhow!("a reader panicked")).flatten() {
                    Ok(stretch) => stretches.push(stretch),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            // Whoever sees that another failed ends without an error of its own.
            if let Some(error) = failure {
                return Err(error);
            }
            let (count, stretch) = produced?;
            stretches.push(stretch);
            Ok(readers as f64 * count as f64 / elapsed(&stretches).as_secs_f64())
        })
    }

    fn produce(&self, stream: &dyn Stream, setup: Setup<'_>, crowd: &Crowd) -> Result<(u64, Stretch)> {
        if self.is_pinned(setup.readers) {
            pin(0);
        }
        // Not before the gate: whoever fails must not keep the others waiting.
        let appender = stream.appender();
        let begin = crowd.gate.pass();
        let (mut records, mut until) = (self.records(), Until::time(self.time, setup));
        let (mut slowest, mut idle) = (0, Idle::default());
        let done = appender.and_then(|mut appender| {
            append_while(&mut *appender, &mut records, self.how, |count| {
                while count - slowest >= LEAD_MAX - self.how.count() as u64 {
                    let before = slowest;
                    slowest = crowd.slowest();
                    if crowd.has_failed() {
                        return false;
                    }
                    if slowest == before {
                        idle.step();
                    }
                }
                idle.reset();
                until.goes_on(count)
            })
        });
        // ORDERING: Release: pairs with the Acquire of the readers, though it carries no more than a number.
        crowd.end.store(records.count(), Ordering::Release);
        done?;
        ensure!(records.count() > 0 || crowd.has_failed(), "nothing was appended in the time of a round");
        Ok((records.count(), Stretch { begin, end: Instant::now() }))
    }

    fn follow(&self, stream: &dyn Stream, number: usize, crowd: &Crowd) -> Result<Stretch> {
        if self.is_pinned(crowd.had.len()) {
            pin(1);
        }
        // What is not kept is read by those who were there from the beginning.
        let reader = stream.reader();
        let begin = crowd.gate.pass();
        let (mut reader, mut account, mut idle) = (reader?, self.account(), Idle::default());
        let mut progress = (0, begin);
        loop {
            let count = reader.read(read_count(self.how), Duration::ZERO, &mut account)?;
            account.check_so_far()?;
            if count > 0 {
                // ORDERING: Relaxed: it paces the producer; what is read travels through the stream.
                crowd.had[number].0.store(account.count(), Ordering::Relaxed);
                idle.reset();
            }
            // ORDERING: Acquire: as where it is stored.
            let end = crowd.end.load(Ordering::Acquire);
            if account.count() >= end {
                let stretch = Stretch { begin, end: Instant::now() };
                return account.check(end).map(|()| stretch);
            }
            if count > 0 {
                continue;
            }
            // Where nothing comes the clock is looked at now and then.
            if idle.step() {
                if crowd.has_failed() {
                    return Ok(Stretch { begin, end: Instant::now() });
                }
                if end == UNKNOWN || account.count() > progress.0 {
                    progress = (account.count(), Instant::now());
                } else if progress.1.elapsed() > PATIENCE {
                    account.check(end)?;
                }
            }
        }
    }
}

impl Crowd {
    /// Does a thread's part; if it fails, the others need not go on.
    fn noting<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = part();
        if done.is_err() {
            // ORDERING: Relaxed: it only says that there is no use in going on.
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    fn has_failed(&self) -> bool {
        // ORDERING: Relaxed: as where it is stored.
        self.failed.load(Ordering::Relaxed)
    }

    /// What the slowest reader has had.
    fn slowest(&self) -> u64 {
        // ORDERING: Relaxed: as where they are stored.
        self.had.iter().map(|had| had.0.load(Ordering::Relaxed)).min().unwrap_or(UNKNOWN)
    }
}
