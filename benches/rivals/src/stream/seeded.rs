//! Streams with a planted fault, to show that the workloads tell it: the suite `seeded-stream`, which only a test runs.

use super::account::Account;
use super::cell::{BATCH, Level, MEMBERS, PARTITIONS, Size, Use};
use super::compaction::{self, Compacted};
use super::follow::Plan;
use super::peer::{Ability, Appender, Member, Peer, Reader, Stream};
use super::{append, experiment, groups, latency, partitions};
use crate::harness::{Entrant, Experiment, Goal, Metric, Role, Sample, Work};
use crate::log::record::identity;
use crate::queue::tally::Tally;
use anyhow::{Result, bail};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What happens to the third record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Lost,
    Doubled,
    Altered,
    Shortened,
    /// The next one comes before it.
    Overtaken,
    Failed,
}

const UNLUCKY: u64 = 2;

/// All records, in the order in which they were appended, and how many of them the group has had.
struct Faulty {
    records: RwLock<Vec<Vec<u8>>>,
    had: Mutex<usize>,
    fault: Fault,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { records: RwLock::default(), had: Mutex::new(0), fault }
    }

    fn had(&self) -> MutexGuard<'_, usize> {
        self.had.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows up to so many records from one on; how many.
    fn show(&self, from: usize, count_max: usize, mut each: impl FnMut(&[u8])) -> usize {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let some = records.iter().skip(from).take(count_max);
        some.map(|record| each(record)).count()
    }
}

impl Appender for &Faulty {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        let number = identity(record).1;
        let mut record = record.to_vec();
        let times = match self.fault {
            _ if number != UNLUCKY => 1,
            Fault::Failed => bail!("the disk is gone"),
            Fault::Lost => 0,
            Fault::Doubled => 2,
            Fault::Altered => {
                record[0] ^= 1 << 6;
                1
            }
            Fault::Shortened => {
                record.pop();
                1
            }
            Fault::None | Fault::Overtaken => 1,
        };
        (0..times).for_each(|_| records.push(record.clone()));
        // Of whatever key: it is the record that was appended last that takes another's place.
        if self.fault == Fault::Overtaken && number == UNLUCKY + partitions::KEYS as u64 {
            let last = records.len() - 1;
            records.swap(UNLUCKY as usize, last);
        }
        Ok(())
    }
}

struct Reading<'a> {
    stream: &'a Faulty,
    next: usize,
}

impl Reader for Reading<'_> {
    fn read(&mut self, count_max: usize, _: Duration, account: &mut Account) -> Result<usize> {
        let count = self.stream.show(self.next, count_max, |record| account.enter(record, || (None, 0)));
        self.next += count;
        Ok(count)
    }
}

impl Member for &Faulty {
    fn work(&mut self, count_max: usize, _: Duration, tally: &mut Tally) -> Result<usize> {
        let mut had = self.had();
        let count = self.show(*had, count_max, |record| tally.enter(record));
        *had += count;
        Ok(count)
    }
}

impl Stream for Faulty {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(self))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Reading { stream: self, next: 0 }))
    }

    fn member(&self) -> Result<Box<dyn Member + Send + '_>> {
        Ok(Box::new(self))
    }
}

/// Keeps the last record of each key when it is compacted, but for the one that is lost.
impl Compacted for Faulty {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(self)
    }

    fn compact(&self) -> Result<()> {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        let last = records.len().saturating_sub(compaction::KEYS as usize);
        records.drain(..last);
        if self.fault == Fault::Lost {
            records.pop();
        }
        Ok(())
    }

    fn read(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        self.show(0, usize::MAX, |record| each(super::account::key_of(record), record));
        Ok(())
    }
}

fn open(fault: Fault) -> Result<Box<dyn Stream>> {
    Ok(Box::new(Faulty::new(fault)))
}

fn open_compacted(_: &Path, fault: Fault) -> Result<Box<dyn Compacted>> {
    Ok(Box::new(Faulty::new(fault)))
}

/// Contests among the faults, one for each workload.
pub fn experiments(quick: bool) -> Vec<Experiment> {
    const ABILITIES: &[Ability] = &[Ability::Keeps, Ability::Follows];
    let peer = |name, role, open: super::peer::Open| Peer {
        name,
        role,
        levels: &[Level::Memory],
        abilities: ABILITIES,
        open,
    };
    let peers = [
        peer("ours", Role::Ours, |_| open(Fault::None)),
        peer("sound", Role::Rival, |_| open(Fault::None)),
        peer("losing", Role::Rival, |_| open(Fault::Lost)),
        peer("doubling", Role::Rival, |_| open(Fault::Doubled)),
        peer("altering", Role::Rival, |_| open(Fault::Altered)),
        peer("shortening", Role::Rival, |_| open(Fault::Shortened)),
        peer("overtaking", Role::Rival, |_| open(Fault::Overtaken)),
        peer("failing", Role::Rival, |_| open(Fault::Failed)),
    ];
    let contest = |name: &str, values: usize, run: fn(&Peer, Work, bool) -> Result<Sample>| {
        let metric = |value| Metric {
            cell: format!("{name} {value}"),
            unit: "per s",
            higher_is_better: true,
            goal: Goal::Ratio(0.0),
        };
        let entrant = |peer: Peer| Entrant::new(peer.name, peer.role, move |work| run(&peer, work, quick));
        experiment(name.to_owned(), (0..values).map(metric).collect(), peers.map(entrant).into())
    };
    vec![
        contest("appending", 2, |peer, work, _| {
            append::run(peer, Size::Small, Use::Batch(BATCH), Level::Memory, work)
        }),
        contest("following", 2, |peer, work, _| {
            let how = Use::Single;
            let time = work.round;
            let plan = Plan { level: Level::Memory, record_bytes: 100, is_keyed: false, how, time };
            let begin = Instant::now();
            let values = vec![plan.deliver(peer, 2)?, plan.append_alone(peer)?];
            Ok(Sample { elapsed: begin.elapsed(), values })
        }),
        contest("partitioning", 2 * PARTITIONS.len(), |peer, work, _| {
            partitions::run(peer, Level::Memory, work)
        }),
        contest("grouping", MEMBERS.len(), |peer, _, quick| groups::run(peer, Level::Memory, quick)),
        contest("answering", 2, |peer, work, _| latency::run(peer, work)),
        contest("compacting", 2, |peer, _, quick| {
            let open: compaction::Open = match peer.name {
                "losing" => |directory, _| open_compacted(directory, Fault::Lost),
                "failing" => |directory, _| open_compacted(directory, Fault::Failed),
                _ => |directory, _| open_compacted(directory, Fault::None),
            };
            compaction::run(open, Level::Memory, quick)
        }),
    ]
}
