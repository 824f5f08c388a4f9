//! Many logs in one place: a commit that touches them all, producers that have one each, and what idle ones cost.

use super::cell::{OURS, goal};
use super::peer::Peer;
use super::record::Records;
use super::scratch::{Scratch, disk_bytes};
use crate::harness::threads::{Gate, Stretch, elapsed};
use crate::harness::{Effort, Entrant, Experiment, Metric, Role, Sample, Work};
use anyhow::{Context, Result, anyhow, bail};
use std::any::Any;
use std::cell::RefCell;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Logs of a commit, and producers.
const LOGS: usize = 64;
/// Idle logs.
const IDLE: usize = 1000;
const RECORD_BYTES: usize = 100;
const ROUNDS: u32 = 8;

/// Sends a record to one of the open queues, and returns when it is on the disk.
pub type Send = Box<dyn Fn(usize, &[u8]) -> Result<()> + Sync>;

/// What is measured of queues, of which rivals have no equivalent.
#[derive(Clone, Copy, Debug)]
pub struct OursOnly {
    /// Opens so many queues.
    pub queues: fn(&Path, usize) -> Result<Send>,
    /// Makes so many queues with a record each, and closes them.
    pub fill: fn(&Path, usize) -> Result<()>,
    /// Opens so many queues that were closed, and keeps them open until it is dropped.
    pub open: fn(&Path, usize) -> Result<Box<dyn Any>>,
}

/// Microseconds of a synced commit of 64 records that go to one log, to 64 logs, and how many times longer the latter
/// takes. Both take turns.
pub fn commit(peer: &Peer, work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let Some(many) = peer.many else { bail!("it has no many logs") };
    let mut logs = many(scratch.path(), LOGS)?;
    let mut records: Vec<Records> = (0..LOGS).map(|log| Records::new(log, RECORD_BYTES, LOGS)).collect();
    let (mut one, mut all, mut count) = (Duration::ZERO, Duration::ZERO, 0_u32);
    let begin = Instant::now();
    // The first two make what is not there yet.
    while count < 2 || begin.elapsed() < work.round * ROUNDS {
        let mut batch = Vec::with_capacity(LOGS);
        records[0].batch(&mut batch);
        one += timed(|| logs.commit(&batch))?;
        let batch: Vec<&[u8]> = records.iter_mut().map(Records::one).collect();
        all += timed(|| logs.commit(&batch))?;
        count += 1;
        if count == 1 {
            (one, all) = (Duration::ZERO, Duration::ZERO);
        }
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count - 1);
    let values = vec![micros(one), micros(all), all.as_secs_f64() / one.as_secs_f64()];
    Ok(Sample { elapsed: begin.elapsed(), values })
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed())
}

/// What is measured of ours alone.
pub fn alone(ours: &OursOnly) -> Vec<Experiment> {
    let metric = |cell: &str, unit, higher_is_better| Metric {
        cell: cell.to_owned(),
        unit,
        higher_is_better,
        goal: goal(cell),
    };
    let ours = *ours;
    let idle = Idle { ours, made: RefCell::new(None) };
    let experiment = |name: &str, metrics, entrant| Experiment {
        name: name.to_owned(),
        group: name.to_owned(),
        metrics,
        entrants: vec![entrant],
        effort: Effort::Fixed,
    };
    vec![
        experiment(
            "64 producers",
            vec![
                metric("64 producers 1 queue synced", "k records/s", true),
                metric("64 producers 64 queues synced", "k records/s", true),
                metric("64 producers 64 queues over 1 synced", "times", true),
            ],
            Entrant::new(OURS, Role::Ours, move |work| producers(&ours, work)),
        ),
        experiment(
            "idle 1000 logs",
            vec![
                metric("idle 1000 logs resident", "MiB", false),
                metric("idle 1000 logs disk", "MiB", false),
                metric("idle 1000 logs open", "ms", false),
            ],
            Entrant::new(OURS, Role::Ours, move |_| idle.run()),
        ),
    ]
}

/// Records per second of 64 threads that share a queue, that have one each, and what part of the former the latter is.
fn producers(ours: &OursOnly, work: Work) -> Result<Sample> {
    let (scratch, begin) = (Scratch::new()?, Instant::now());
    let send = (ours.queues)(scratch.path(), LOGS)?;
    // Once, so that all files are there.
    let first = Records::new(0, RECORD_BYTES, 1).one().to_vec();
    (0..LOGS).try_for_each(|queue| send(queue, &first))?;
    let time = work.round * ROUNDS / 2;
    let one = rate(&send, time, |_| 0)?;
    let all = rate(&send, time, |producer| producer)?;
    Ok(Sample { elapsed: begin.elapsed(), values: vec![one / 1e3, all / 1e3, all / one] })
}

fn rate(send: &Send, time: Duration, queue_of: fn(usize) -> usize) -> Result<f64> {
    let gate = Gate::for_threads(LOGS);
    let done: Result<Vec<(u64, Stretch)>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..LOGS)
            .map(|producer| {
                let gate = &gate;
                scope.spawn(move || {
                    let (begin, mut records) = (gate.pass(), Records::new(producer, RECORD_BYTES, 1));
                    while begin.elapsed() < time {
                        send(queue_of(producer), records.one())?;
                    }
                    Ok((records.count(), Stretch { begin, end: Instant::now() }))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a producer panicked"))?).collect()
    });
    let (counts, stretches): (Vec<u64>, Vec<Stretch>) = done?.into_iter().unzip();
    Ok(counts.iter().sum::<u64>() as f64 / elapsed(&stretches).as_secs_f64())
}

/// Queues that nobody uses, made at the first round.
struct Idle {
    ours: OursOnly,
    made: RefCell<Option<Scratch>>,
}

impl Idle {
    /// MiB resident and on the disk while they are open, and milliseconds to open them.
    fn run(&self) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let made = match &mut *made {
            Some(made) => made,
            empty => {
                let scratch = Scratch::new()?;
                (self.ours.fill)(scratch.path(), IDLE)?;
                empty.insert(scratch)
            }
        };
        let begin = Instant::now();
        let open = (self.ours.open)(made.path(), IDLE)?;
        let elapsed = begin.elapsed();
        let resident = resident_bytes()?;
        let disk = disk_bytes(made.path())?;
        drop(open);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        Ok(Sample { elapsed, values: vec![mib(resident), mib(disk), elapsed.as_secs_f64() * 1e3] })
    }
}

/// Of the whole process, so more than the queues alone.
fn resident_bytes() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("the system does not tell memory in use")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.context("the system does not tell memory in use")? << 10)
}
