//! A large stream that is on the disk: reading all of it while somebody appends, and finding places in it by time.

use super::account::Account;
use super::append::append_while;
use super::cell::{DISK_READ, Level, PLAIN_READ, Size, Use};
use super::cold;
use super::peer::{Ability, Peer, Reader, Setup, Stream};
use crate::harness::threads::Idle;
use crate::harness::{Entrant, Role, Sample};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::{Result, anyhow, ensure};
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of records in the stream, for ours.
const BYTES: u64 = 5_000_000_000;
const BYTES_QUICK: u64 = 250_000_000;
/// Rivals have this part of it: what is compared is a rate, and all files are there at once.
const PART_OF_RIVALS: u64 = 5;
/// Bytes of the file that is read for comparison.
const PLAIN_BYTES: u64 = 1 << 30;
const PLAIN_BYTES_QUICK: u64 = 128 << 20;
/// What all that takes on the disk, with some to spare.
pub const DISK_BYTES: u64 = 12 << 30;

const SIZE: Size = Size::Large;
/// While it is read, so many records are appended, so often: about 13 MB a second.
const APPENDED: usize = 64;
const APPENDED_EVERY: Duration = Duration::from_millis(5);
const READ_COUNT: usize = 4096;
/// Times that are looked up in a round, of those that are kept while everything is read.
const LOOKED_UP: usize = 500;
const FIRSTS: u64 = 5000;
const PATIENCE: Duration = Duration::from_millis(1500);

/// A large stream, made at the first round.
pub struct Large {
    peer: Peer,
    bytes: u64,
    made: RefCell<Option<Made>>,
}

struct Made {
    scratch: Scratch,
    /// Goes on from round to round, as the stream does.
    records: Records,
}

impl fmt::Debug for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Large").field("peer", &self.peer).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Large {
    /// One of that peer.
    pub fn new(peer: Peer, quick: bool) -> Self {
        let bytes = if quick { BYTES_QUICK } else { BYTES };
        let part = if peer.role == Role::Ours { 1 } else { PART_OF_RIVALS };
        Self { peer, bytes: bytes / part, made: RefCell::new(None) }
    }

    /// Megabytes read per second until the reader has caught up; what part of them came from the disk, in percent; megabytes
    /// appended per second meanwhile; and microseconds of a search by time, the median and 99 %.
    ///
    /// # Errors
    /// A call failed, a record was lost, doubled or altered, or another record than the first of its time was found.
    pub fn run(&self) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let Made { scratch, records } = match &mut *made {
            Some(made) => made,
            empty => empty.insert(self.make()?),
        };
        cold::forget(scratch.path())?;
        let stream = &*(self.peer.open)(setup(scratch))?;
        let every = records.count() / FIRSTS;
        let account = Account::in_order(SIZE.bytes()).keeping_firsts(every);
        let (from_disk, appended_before, begin) = (cold::read_bytes(), records.count(), Instant::now());
        let account = catch_up(stream, account, records)?;
        let elapsed = begin.elapsed();
        let mb_per_s = |records: u64| (records * SIZE.bytes() as u64) as f64 / 1e6 / elapsed.as_secs_f64();
        let share = share_of(from_disk, records.count() * SIZE.bytes() as u64);
        let mut values = vec![mb_per_s(account.count()), share, mb_per_s(records.count() - appended_before)];
        let times = self.peer.has(Ability::Times);
        values.extend(if times { look_up(stream, &account)? } else { [f64::NAN; 2] });
        Ok(Sample { elapsed, values })
    }

    fn make(&self) -> Result<Made> {
        let scratch = Scratch::new()?;
        let stream = (self.peer.open)(setup(&scratch))?;
        // The buffers of the smaller batches that come later.
        let mut records = Records::new(0, SIZE.bytes(), APPENDED);
        let count = self.bytes / SIZE.bytes() as u64;
        let mut appender = stream.appender()?;
        append_while(&mut *appender, &mut records, Use::Batch(APPENDED), |appended| appended < count)?;
        drop(appender);
        stream.sync()?;
        drop(stream);
        Ok(Made { scratch, records })
    }
}

/// What part of so many bytes the process has had from disks since it had had `before`, in percent.
fn share_of(before: Option<u64>, bytes: u64) -> f64 {
    let read = before.zip(cold::read_bytes()).map_or(f64::NAN, |(before, after)| (after - before) as f64);
    100.0 * read / bytes as f64
}

fn setup(scratch: &Scratch) -> Setup<'_> {
    Setup {
        directory: scratch.path(),
        level: Level::Written,
        partitions: 1,
        record_bytes: SIZE.bytes(),
        is_keyed: false,
        readers: 1,
        lead_max: None,
    }
}

/// Reads everything, and what is appended meanwhile, until it has caught up.
fn catch_up(stream: &dyn Stream, mut account: Account, records: &mut Records) -> Result<Account> {
    let is_over = &AtomicBool::new(false);
    let last = records.count();
    thread::scope(|scope| {
        let appending = scope.spawn(move || {
            let mut appender = stream.appender()?;
            append_while(&mut *appender, records, Use::Batch(APPENDED), |_| {
                thread::sleep(APPENDED_EVERY);
                // ORDERING: Relaxed: a flag by itself.
                !is_over.load(Ordering::Relaxed)
            })?;
            anyhow::Ok(records.count())
        });
        let read = stream.reader().and_then(|mut reader| {
            // At the end of what was there it has caught up, but for what came in the last moment.
            read_to(&mut *reader, &mut account, last)?;
            Ok(reader)
        });
        // ORDERING: as where it is loaded.
        is_over.store(true, Ordering::Relaxed);
        let appended = appending.join().map_err(|_| anyhow!("the producer panicked"))??;
        read_to(&mut *read?, &mut account, appended)?;
        account.check(appended)?;
        Ok(account)
    })
}

fn read_to(reader: &mut dyn Reader, account: &mut Account, end: u64) -> Result<()> {
    let (mut idle, mut progress) = (Idle::default(), Instant::now());
    while account.count() < end {
        let count = reader.read(READ_COUNT, Duration::ZERO, account)?;
        account.check_so_far()?;
        if count > 0 {
            progress = Instant::now();
        } else if idle.step() && progress.elapsed() > PATIENCE {
            account.check(end)?;
        }
    }
    Ok(())
}

/// Finds records whose places are known by their times.
fn look_up(stream: &dyn Stream, account: &Account) -> Result<[f64; 2]> {
    let firsts = account.firsts();
    ensure!(!firsts.is_empty(), "no record is known to be the first of its time");
    let mut times = Vec::with_capacity(LOOKED_UP);
    // Steps that are coprime to most counts go to and fro.
    const STEP: usize = 7919;
    for index in 0..LOOKED_UP {
        let (number, time_ns) = firsts[index * STEP % firsts.len()];
        let begin = Instant::now();
        let found = stream.first_at(time_ns)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(
            found == (number, time_ns),
            "record {number} is the first of time {time_ns}, found {found:?}"
        );
    }
    times.sort_by(f64::total_cmp);
    Ok([50, 99].map(|hundredths| times[(times.len() - 1) * hundredths / 100]))
}

/// The disk alone, and a file that is read in turn.
pub fn references(quick: bool) -> Vec<Entrant> {
    let bytes = if quick { PLAIN_BYTES_QUICK } else { PLAIN_BYTES };
    let file = |name: &'static str, read: fn(&cold::Plain) -> Result<f64>| {
        let made = RefCell::new(None);
        Entrant::new(name, Role::Reference, move |_| {
            let mut made = made.borrow_mut();
            let plain = match &mut *made {
                Some(plain) => plain,
                empty => empty.insert(cold::Plain::new(bytes)?),
            };
            let (from_disk, begin) = (cold::read_bytes(), Instant::now());
            let mut values = vec![f64::NAN; 5];
            values[0] = read(plain)?;
            values[1] = share_of(from_disk, plain.bytes());
            Ok(Sample { elapsed: begin.elapsed(), values })
        })
    };
    vec![file(DISK_READ, cold::Plain::read_direct), file(PLAIN_READ, cold::Plain::read_cold)]
}
