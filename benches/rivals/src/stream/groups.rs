//! A group of so many members shares the partitions of a stream that is full, and commits what it reads.

use super::append::append_while;
use super::cell::{BATCH, Level, MEMBERS, Use};
use super::partitions::KEYS;
use super::peer::{Member, Peer, Setup};
use crate::harness::Sample;
use crate::harness::threads::{Gate, Stretch, elapsed};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use crate::queue::tally::{MESSAGE_BYTES, Tally};
use anyhow::{Result, anyhow, ensure};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Two for each member of the largest group.
const PARTITIONS: u32 = 16;
/// Records in the stream, and how long they may take to be appended: who is not done by then has fewer.
const FULL: Fill = Fill { count: 1_000_000, time: Duration::from_secs(2) };
const FULL_QUICK: Fill = Fill { count: 100_000, time: Duration::from_millis(50) };
/// Records of one poll, which one commit follows.
const POLL: usize = 256;
const WAIT: Duration = Duration::from_millis(1);
/// How often members that have joined ask for records before there are any: then all of them know what they own.
const ASKED: usize = 4;
/// After so long without a record those that are missing are lost.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How much there is to be read.
#[derive(Clone, Copy, Debug)]
struct Fill {
    count: u64,
    time: Duration,
}

/// For each size of a group the millions of records per second that it reads and commits.
///
/// # Errors
/// A call failed, or a record came never, twice or altered.
pub fn run(peer: &Peer, level: Level, quick: bool) -> Result<Sample> {
    let (mut values, begin) = (Vec::new(), Instant::now());
    for members in MEMBERS {
        values.push(share(peer, level, members, if quick { FULL_QUICK } else { FULL })? / 1e6);
    }
    Ok(Sample { elapsed: begin.elapsed(), values })
}

fn share(peer: &Peer, level: Level, members: usize, fill: Fill) -> Result<f64> {
    let scratch = Scratch::new()?;
    let stream = (peer.open)(Setup {
        directory: scratch.path(),
        level,
        partitions: PARTITIONS,
        record_bytes: MESSAGE_BYTES,
        is_keyed: true,
        readers: members,
        lead_max: None,
    })?;
    let mut joined = (0..members).map(|_| stream.member()).collect::<Result<Vec<_>>>()?;
    for _ in 0..ASKED {
        for member in &mut joined {
            let early = member.work(POLL, Duration::ZERO, &mut Tally::default())?;
            ensure!(early == 0, "{early} records came before any were appended");
        }
    }
    let mut records = Records::new(0, MESSAGE_BYTES, KEYS);
    let (mut appender, begin) = (stream.appender()?, Instant::now());
    append_while(&mut *appender, &mut records, Use::Batch(BATCH), |appended| {
        appended == 0 || (appended < fill.count && begin.elapsed() < fill.time)
    })?;
    let (count, had, gate) = (records.count(), AtomicU64::new(0), Gate::for_threads(members));
    let (had, gate) = (&had, &gate);
    thread::scope(|scope| {
        let working: Vec<_> =
            joined.into_iter().map(|member| scope.spawn(move || work(member, count, had, gate))).collect();
        let (mut came, mut stretches, mut failure) = (Tally::default(), Vec::new(), None);
        for member in working {
            match member.join().map_err(|_| anyhow!("a member panicked")).flatten() {
                Ok((tally, stretch)) => {
                    came = came.and(tally);
                    stretches.push(stretch);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or_else(|| came.check(&[count]), Err)?;
        Ok(count as f64 / elapsed(&stretches).as_secs_f64())
    })
}

/// Reads until the group has had everything. What a member does not own comes to another, so nobody knows its own end.
fn work(
    mut member: Box<dyn Member + Send + '_>,
    count: u64,
    had: &AtomicU64,
    gate: &Gate,
) -> Result<(Tally, Stretch)> {
    let begin = gate.pass();
    let (mut tally, mut end, mut progress) = (Tally::default(), begin, (0, begin));
    loop {
        let done = member.work(POLL, WAIT, &mut tally)?;
        if done > 0 {
            end = Instant::now();
        }
        // ORDERING: Relaxed: a count of what was had; what was had is in the tallies.
        let all = had.fetch_add(done as u64, Ordering::Relaxed) + done as u64;
        if all > progress.0 {
            progress = (all, Instant::now());
        }
        if all >= count || progress.1.elapsed() > PATIENCE {
            return Ok((tally, Stretch { begin, end }));
        }
    }
}
