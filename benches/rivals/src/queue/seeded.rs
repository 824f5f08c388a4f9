//! Queues with a planted fault, to show that the workloads tell it: the suite `seeded-queue`, which only a test runs.

use super::cell::{BATCH, Crew, Level, Shape, Use};
use super::peer::{Peer, Queue, Receiver, Sender};
use super::{cycles, delayed, keyed};
use crate::harness::{Effort, Entrant, Experiment, Goal, Metric, Role, Sample};
use crate::log::record::identity;
use anyhow::{Result, bail};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What happens to the third message of each producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Lost,
    Doubled,
    Replaced,
    Shortened,
    Failed,
    Early,
    Overtaken,
}

const UNLUCKY: u64 = 2;

type Waiting = BinaryHeap<Reverse<(Instant, Vec<u8>)>>;

/// Messages by the time at which they are due, then in the order in which they were sent.
struct Faulty {
    waiting: Mutex<Waiting>,
    fault: Fault,
}

impl Faulty {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: &[u8], due: Instant) -> Result<()> {
        let mut message = message.to_vec();
        let is_unlucky = identity(&message).1 == UNLUCKY;
        let times = match self.fault {
            Fault::Failed if is_unlucky => bail!("the disk is gone"),
            Fault::Lost if is_unlucky => 0,
            Fault::Doubled if is_unlucky => 2,
            _ => 1,
        };
        if self.fault == Fault::Replaced && is_unlucky {
            message[0] += 1;
        }
        if self.fault == Fault::Shortened && is_unlucky {
            message.pop();
        }
        (0..times).for_each(|_| self.lock().push(Reverse((due, message.clone()))));
        Ok(())
    }
}

impl Sender for &Faulty {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.push(message, Instant::now())
    }

    fn send_keyed(&mut self, messages: &[(&[u8], u64)]) -> Result<()> {
        let now = Instant::now();
        // The second message of its key stands before all others.
        let overtakes = |number| self.fault == Fault::Overtaken && number == keyed::KEY_COUNT + UNLUCKY;
        let due = |number| if overtakes(number) { now - Duration::from_secs(2) } else { now };
        messages.iter().try_for_each(|(message, _)| self.push(message, due(identity(message).1)))
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let now = Instant::now();
        let due = |delay: Duration| if self.fault == Fault::Early { now } else { now + delay };
        messages.iter().try_for_each(|(message, delay)| self.push(message, due(*delay)))
    }
}

impl Receiver for &Faulty {
    fn work(&mut self, count_max: usize, _: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let (mut waiting, mut count) = (self.lock(), 0);
        let now = Instant::now();
        while count < count_max
            && waiting.peek().is_some_and(|Reverse((due, _))| *due <= now)
            && let Some(Reverse((_, message))) = waiting.pop()
        {
            each(&message);
            count += 1;
        }
        Ok(count)
    }
}

impl Queue for Faulty {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self))
    }
}

fn open(fault: Fault) -> Result<Box<dyn Queue>> {
    Ok(Box::new(Faulty { waiting: Mutex::default(), fault }))
}

/// Contests among the faults: alone, with competing consumers, and of delayed messages.
pub fn experiments(quick: bool) -> Vec<Experiment> {
    let peer = |name, role, open: super::peer::Open| {
        Peer::new(name, &[Level::Memory], open).role(role).delays(Duration::ZERO).keys()
    };
    let peers = [
        peer("ours", Role::Ours, |_, _| open(Fault::None)),
        peer("sound", Role::Rival, |_, _| open(Fault::None)),
        peer("losing", Role::Rival, |_, _| open(Fault::Lost)),
        peer("doubling", Role::Rival, |_, _| open(Fault::Doubled)),
        peer("replacing", Role::Rival, |_, _| open(Fault::Replaced)),
        peer("shortening", Role::Rival, |_, _| open(Fault::Shortened)),
        peer("failing", Role::Rival, |_, _| open(Fault::Failed)),
        peer("hurrying", Role::Rival, |_, _| open(Fault::Early)),
        peer("overtaking", Role::Rival, |_, _| open(Fault::Overtaken)),
    ];
    let experiment = |name: &str, values: usize, entrants| Experiment {
        name: name.to_owned(),
        group: name.to_owned(),
        metrics: (0..values)
            .map(|value| Metric {
                cell: format!("{name} {value}"),
                unit: "per s",
                higher_is_better: true,
                goal: Goal::ValueAndRatioTo(1.0, &["sound"], 0.0),
            })
            .collect(),
        entrants,
        effort: Effort::Fixed,
    };
    let working = |name, shape: Shape| {
        let entrants = peers.map(|peer| {
            Entrant::new(peer.name, peer.role, move |work| {
                let (queue, begin) = ((peer.open)("".as_ref(), Level::Memory)?, Instant::now());
                let rate = cycles::run(&*queue, shape, Level::Memory, work.round, true)?;
                Ok(Sample { elapsed: begin.elapsed(), values: vec![rate] })
            })
        });
        experiment(name, 1, entrants.into())
    };
    let delaying = peers
        .map(|peer| Entrant::new(peer.name, peer.role, move |_| delayed::run(&peer, Level::Memory, quick)));
    let keying = peers
        .map(|peer| Entrant::new(peer.name, peer.role, move |_| keyed::run(&peer, Level::Memory, quick)));
    vec![
        working("alone", Shape { crew: Crew::One, how: Use::Batch(BATCH) }),
        working("together", Shape { crew: Crew::Pairs(2), how: Use::Single }),
        experiment("delaying", 2, delaying.into()),
        experiment("keying", 2, keying.into()),
    ]
}
