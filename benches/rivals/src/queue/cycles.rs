//! Cycles: every message that is sent in a round is received and acked in it, or as many others that waited before it.

use super::cell::{Crew, Level, Shape, Use};
use super::peer::{Queue, Receiver, Sender};
use super::tally::{MESSAGE_BYTES, Tally};
use crate::harness::threads::{Gate, Idle, Stretch, elapsed};
use crate::log::record::Records;
use anyhow::{Result, anyhow, ensure};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How far senders run ahead of acks, in messages: more would be another cell, with messages waiting.
const LEAD_MAX: u64 = 16_384;
/// Cycles of a round at most.
const COUNT_MAX: u64 = 4_000_000;
/// Messages of one by one between looks at the clock, where one takes nanoseconds.
const UNTIMED: usize = 64;
/// How long a receiver waits in one call.
const WAIT: Duration = Duration::from_millis(1);
/// After so long without a message those that are missing are lost.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Cycles per second of a crew that works for a time. `empty` says that nothing waited before: then everything that is
/// sent must come, once each.
///
/// # Errors
/// A verb failed, or a message was lost, doubled or altered.
pub fn run(queue: &dyn Queue, shape: Shape, level: Level, time: Duration, empty: bool) -> Result<f64> {
    let untimed = if level == Level::Memory { UNTIMED } else { 1 };
    // Where much waits on a disk the backlog may grow a little; to wait for all acks would take some rivals minutes.
    let drains = empty || level == Level::Memory;
    let pace = Pace { how: shape.how, untimed, time, drains };
    let Round { sent, came, elapsed } = match shape.crew {
        Crew::One => alone(queue, pace)?,
        Crew::Pairs(count) => together(queue, pace, count)?,
    };
    if empty {
        came.check(&sent)?
    } else {
        came.check_shape()?
    }
    ensure!(came.count() > 0, "no cycle was done in the time of a round");
    Ok(came.count() as f64 / elapsed.as_secs_f64())
}

/// How each thread goes on, and how long.
#[derive(Clone, Copy, Debug)]
struct Pace {
    how: Use,
    untimed: usize,
    time: Duration,
    /// As many are acked as were sent before the round is over.
    drains: bool,
}

/// What was done in a round.
struct Round {
    sent: Vec<u64>,
    came: Tally,
    elapsed: Duration,
}

impl Pace {
    /// Messages between looks at the clock.
    fn step(self) -> usize {
        match self.how {
            Use::Single => self.untimed,
            Use::Batch(count) => count,
        }
    }

    /// Sends those of a step.
    fn send(self, sender: &mut dyn Sender, records: &mut Records) -> Result<()> {
        match self.how {
            Use::Single => (0..self.untimed).try_for_each(|_| sender.send(records.one())),
            Use::Batch(count) => {
                let mut batch = Vec::with_capacity(count);
                records.batch(&mut batch);
                sender.send_batch(&batch)
            }
        }
    }
}

/// One thread that sends, receives and acks in turn.
fn alone(queue: &dyn Queue, pace: Pace) -> Result<Round> {
    let (mut sender, mut receiver) = (queue.sender()?, queue.receiver()?);
    let mut records = Records::new(0, MESSAGE_BYTES, pace.how.count());
    let mut came = Tally::default();
    let begin = Instant::now();
    while begin.elapsed() < pace.time && records.count() < COUNT_MAX {
        match pace.how {
            Use::Single => {
                for _ in 0..pace.untimed {
                    sender.send(records.one())?;
                    receive(&mut *receiver, 1, &mut came)?;
                }
            }
            Use::Batch(count) => {
                pace.send(&mut *sender, &mut records)?;
                receive(&mut *receiver, count, &mut came)?;
            }
        }
    }
    Ok(Round { sent: vec![records.count()], came, elapsed: begin.elapsed() })
}

/// Receives exactly so many, which are there: what was sent is ready when the call returns.
fn receive(receiver: &mut dyn Receiver, count: usize, came: &mut Tally) -> Result<()> {
    let mut missing = count;
    while missing > 0 {
        let done = receiver.work(missing, Duration::ZERO, &mut |message| came.enter(message))?;
        ensure!((1..=missing).contains(&done), "of {missing} messages that were sent {done} came");
        missing -= done;
    }
    Ok(())
}

/// What the threads of a crew tell each other.
struct Crowd {
    gate: Gate,
    sent: AtomicU64,
    acked: AtomicU64,
    sending: AtomicUsize,
    failed: AtomicBool,
}

/// So many threads that send, and as many that receive and ack.
fn together(queue: &dyn Queue, pace: Pace, pairs: usize) -> Result<Round> {
    let crowd = Crowd {
        gate: Gate::for_threads(2 * pairs),
        sent: AtomicU64::new(0),
        acked: AtomicU64::new(0),
        sending: AtomicUsize::new(pairs),
        failed: AtomicBool::new(false),
    };
    let crowd = &crowd;
    thread::scope(|scope| {
        let senders: Vec<_> = (0..pairs)
            .map(|number| scope.spawn(move || crowd.noting(|| send(queue, pace, number, crowd))))
            .collect();
        let receivers: Vec<_> =
            (0..pairs).map(|_| scope.spawn(move || crowd.noting(|| work(queue, pace, crowd)))).collect();
        let (mut sent, mut came, mut stretches) = (Vec::new(), Tally::default(), Vec::new());
        let mut failed = None;
        for sender in senders {
            match sender.join().map_err(|_| anyhow!("a sender panicked")).flatten() {
                Ok((count, stretch)) => {
                    sent.push(count);
                    stretches.push(stretch);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        for receiver in receivers {
            match receiver.join().map_err(|_| anyhow!("a receiver panicked")).flatten() {
                Ok((tally, stretch)) => {
                    came = came.and(tally);
                    stretches.push(stretch);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or_else(|| Ok(Round { sent, came, elapsed: elapsed(&stretches) }), Err)
    })
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

    /// How many were sent, once all senders have ended.
    fn total(&self) -> Option<u64> {
        // ORDERING: Acquire: pairs with the Release of a sender that ended, whose count is then in `sent`.
        (self.sending.load(Ordering::Acquire) == 0).then(|| self.sent.load(Ordering::Relaxed))
    }
}

fn send(queue: &dyn Queue, pace: Pace, number: usize, crowd: &Crowd) -> Result<(u64, Stretch)> {
    // Not before the gate: whoever fails must not keep the others waiting.
    let sender = queue.sender();
    let begin = crowd.gate.pass();
    let mut records = Records::new(number, MESSAGE_BYTES, pace.how.count());
    let go_on = || {
        let (mut sender, mut idle) = (sender?, Idle::default());
        while begin.elapsed() < pace.time && records.count() < COUNT_MAX && !crowd.has_failed() {
            // ORDERING: Relaxed, all of them: these counts pace the senders; what is sent travels through the queue.
            if crowd.sent.load(Ordering::Relaxed).saturating_sub(crowd.acked.load(Ordering::Relaxed))
                > LEAD_MAX
            {
                idle.step();
                continue;
            }
            idle.reset();
            pace.send(&mut *sender, &mut records)?;
            crowd.sent.fetch_add(pace.step() as u64, Ordering::Relaxed);
        }
        Ok(())
    };
    let done = go_on();
    // ORDERING: Release: pairs with the Acquire in `total`.
    crowd.sending.fetch_sub(1, Ordering::Release);
    done.map(|()| (records.count(), Stretch { begin, end: Instant::now() }))
}

fn work(queue: &dyn Queue, pace: Pace, crowd: &Crowd) -> Result<(Tally, Stretch)> {
    let receiver = queue.receiver();
    let begin = crowd.gate.pass();
    let (mut receiver, mut came, mut untold, mut end) = (receiver?, Tally::default(), 0, begin);
    let mut progress = (0, Instant::now());
    loop {
        let done = receiver.work(pace.how.count(), WAIT, &mut |message| came.enter(message))?;
        untold += done;
        let total = crowd.total();
        if done > 0 && untold < pace.step() && total.is_none() {
            continue;
        }
        if done > 0 {
            end = Instant::now();
        }
        // ORDERING: Relaxed: as for the senders.
        let acked = crowd.acked.fetch_add(untold as u64, Ordering::Relaxed) + untold as u64;
        untold = 0;
        if progress.0 != acked {
            progress = (acked, Instant::now());
        }
        let is_over =
            total.is_some_and(|total| !pace.drains || acked >= total || progress.1.elapsed() > PATIENCE);
        if is_over || crowd.has_failed() {
            return Ok((came, Stretch { begin, end }));
        }
    }
}
