//! Logs with a planted fault, to show that the workloads tell it: the suite `seeded-log`, which only a test runs.

use super::cell::{Level, Shape, Size, Use};
use super::peer::{Log, Peer, Writer};
use super::record::identity;
use super::{append, replay};
use crate::harness::{Effort, Entrant, Experiment, Goal, Metric, Role};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What happens to the third record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Lost,
    Doubled,
    Altered,
    Failed,
}

const UNLUCKY: u64 = 2;

/// Records of 100 bytes in a file, read back from there.
struct Faulty {
    path: PathBuf,
    records: Mutex<Vec<u8>>,
    fault: Fault,
}

fn open(directory: &Path, fault: Fault) -> Result<Box<dyn Log>> {
    let path = directory.join("log");
    let records = std::fs::read(&path).unwrap_or_default();
    Ok(Box::new(Faulty { path, records: Mutex::new(records), fault }))
}

impl Writer for &Faulty {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let times = match self.fault {
            Fault::Failed if identity(record).1 == UNLUCKY => bail!("the disk is gone"),
            Fault::Lost if identity(record).1 == UNLUCKY => 0,
            Fault::Doubled if identity(record).1 == UNLUCKY => 2,
            _ => 1,
        };
        for _ in 0..times {
            records.extend_from_slice(record);
        }
        if self.fault == Fault::Altered && identity(record).1 == UNLUCKY {
            let begin = records.len() - record.len();
            records[begin] ^= 1;
        }
        Ok(())
    }
}

impl Log for Faulty {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        Ok(std::fs::write(&self.path, &*self.records.lock().unwrap_or_else(PoisonError::into_inner))?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.chunks(Size::Small.bytes()).for_each(each);
        Ok(())
    }

    fn count(&self) -> Result<Option<u64>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some((records.len() / Size::Small.bytes()) as u64))
    }
}

/// Contests among the faults: appending, and reading back.
pub fn experiments(quick: bool) -> Vec<Experiment> {
    let peer = |name, role, open: super::peer::Open| {
        Peer::new(name, &[Level::Relaxed], open).role(role).syncs().replays()
    };
    let peers = [
        peer("ours", Role::Ours, |directory, _| open(directory, Fault::None)),
        peer("sound", Role::Rival, |directory, _| open(directory, Fault::None)),
        peer("losing", Role::Rival, |directory, _| open(directory, Fault::Lost)),
        peer("doubling", Role::Rival, |directory, _| open(directory, Fault::Doubled)),
        peer("altering", Role::Rival, |directory, _| open(directory, Fault::Altered)),
        peer("failing", Role::Rival, |directory, _| open(directory, Fault::Failed)),
    ];
    let shape = Shape { size: Size::Small, producers: 2, how: Use::Single };
    let experiment = |name: &str, entrants| Experiment {
        name: name.to_owned(),
        group: name.to_owned(),
        metrics: vec![Metric {
            cell: name.to_owned(),
            unit: "M records/s",
            higher_is_better: true,
            goal: Goal::Ratio(0.0),
        }],
        entrants,
        effort: Effort::Fixed,
    };
    let appending = peers.map(|peer| {
        Entrant::new(peer.name, peer.role, move |work| append::run(&peer, shape, Level::Relaxed, work))
    });
    let reading = peers.map(|peer| {
        let fixture = replay::Fixture::new(peer, Size::Small, quick);
        Entrant::new(peer.name, peer.role, move |work| fixture.run(work))
    });
    vec![experiment("appending", appending.into()), experiment("reading", reading.into())]
}
