//! The suite of the durable log: append, replay, tail readers, recovery, and what many logs cost.
//!
//! Entrants are compared at one level of durability at a time, and a cell's name says which. Every record
//! carries its producer and number; what was written is read back and accounted for wherever that is cheap.
//!
//! **Where next.** `peer.rs` is what a log must do to take part, `rivals` has an adapter for each,
//! `../ours` that of ours. `append.rs`, `replay.rs`, `tail.rs`, `recovery.rs`, `many.rs` and `disk.rs` are the
//! workloads, `cell.rs` has the names and the goals.

mod append;
pub mod cell;
pub(crate) mod disk;
pub mod many;
pub mod peer;
pub mod record;
mod recovery;
mod replay;
pub(crate) mod rivals;
pub mod scratch;
pub mod seeded;
mod tail;

use crate::harness::{Effort, Entrant, Experiment, Metric, Role, Sample, Suite, Work};
use anyhow::Result;
use cell::{Level, Shape, Size, Use, goal};
use many::OursOnly;
use peer::Peer;
use std::time::Duration;

/// What the harness has to know.
pub const SUITE: Suite = Suite {
    name: "log",
    limit: Duration::from_secs(180),
    limit_quick: Duration::from_secs(60),
    begin: scratch::guard,
    absent: |_| Vec::new(),
};

/// Everything that is measured, of `ours` and all the others.
pub fn experiments(ours: Peer, alone: OursAlone, quick: bool) -> Vec<Experiment> {
    let peers = [vec![ours], rivals::peers()].concat();
    let mut experiments = disk::experiments();
    for level in Level::ALL {
        for size in Size::ALL {
            let shapes = shapes(level, size).into_iter();
            experiments.extend(shapes.map(|shape| appending(&peers, shape, level)));
        }
    }
    experiments.extend(Size::ALL.map(|size| replay(&peers, size, quick)));
    experiments.extend(Size::ALL.map(|size| tail(&peers, size)));
    experiments.push(recovery(&peers, quick));
    experiments.push(open(alone.open, quick));
    experiments.push(commit(&peers));
    experiments.extend(many::alone(&alone.many));
    experiments
}

/// What only ours is asked for.
#[derive(Clone, Copy, Debug)]
pub struct OursAlone {
    /// Opens the durable log again, without counting as a contestant.
    pub open: peer::Open,
    /// What is measured of many queues.
    pub many: OursOnly,
}

/// Who appends what at a level.
fn shapes(level: Level, size: Size) -> Vec<Shape> {
    // Between the other two, and nothing that several producers would change.
    let producers = if level == Level::Written { &[1][..] } else { &[1, 8] };
    let uses = [Use::Single, Use::Batch(100)];
    let mut shapes: Vec<Shape> = producers
        .iter()
        .flat_map(|producers| uses.map(|how| Shape { size, producers: *producers, how }))
        .collect();
    if level == Level::Memory && size == Size::Small {
        shapes.push(Shape { size, producers: 1, how: Use::Batch(64) });
    }
    shapes
}

fn appending(peers: &[Peer], shape: Shape, level: Level) -> Experiment {
    let name = format!("append {} {}", shape.name(), level.name());
    let takes_part = |peer: &&Peer| peer.levels.contains(&level);
    let mut entrants: Vec<Entrant> = peers
        .iter()
        .filter(takes_part)
        .map(|peer| {
            let one_by_one = if shape.how != Use::Single && !peer.batches { " (one by one)" } else { "" };
            let name = format!("{}{one_by_one}", peer.name);
            let peer = *peer;
            Entrant::new(name, peer.role, move |work| append::run(&peer, shape, level, work))
        })
        .collect();
    let unit = level.unit();
    let mut metrics = vec![metric(name.clone(), unit, true)];
    if level == Level::Relaxed {
        // The same appends until all of them are on the disk. Who cannot tell when they are has no number here.
        metrics.push(metric(format!("append {} streamed", shape.name()), unit, true));
        entrants.push(Entrant::new(cell::DISK_LIMIT, Role::Reference, move |work| {
            let Sample { elapsed, values } = disk::direct_writes(work)?;
            let records_per_s = values[0] * 1e6 / shape.size.bytes() as f64;
            Ok(Sample { elapsed, values: vec![f64::NAN, records_per_s / 1e6] })
        }));
    }
    let group = format!("append {} {}", shape.size.name(), level.name());
    Experiment { name, group, metrics, entrants, effort: Effort::Fixed }
}

fn replay(peers: &[Peer], size: Size, quick: bool) -> Experiment {
    let name = format!("replay {}", size.name());
    let entrants = entrants(
        peers,
        |peer| peer.replays,
        move |peer| {
            let fixture = replay::Fixture::new(peer, size, quick);
            Box::new(move |work| fixture.run(work))
        },
    );
    let metrics = vec![
        metric(name.clone(), "M records/s", true),
        metric(format!("disk {}", size.name()), "bytes a record", false),
    ];
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

fn tail(peers: &[Peer], size: Size) -> Experiment {
    let name = format!("tail 1to{} {}", tail::READERS, size.name());
    let entrants =
        entrants(peers, |peer| peer.tails, move |peer| Box::new(move |work| tail::run(&peer, size, work)));
    let metrics = vec![
        metric(name.clone(), "M delivered/s", true),
        metric(format!("{name} producer"), "M records/s", true),
    ];
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

fn recovery(peers: &[Peer], quick: bool) -> Experiment {
    let name = "recovery after a kill".to_owned();
    let entrants = entrants(
        peers,
        |peer| peer.recovers.is_some(),
        move |peer| {
            let image = recovery::Image::new(peer, quick);
            Box::new(move |_| image.run())
        },
    );
    let metrics = vec![metric(name.clone(), "ms", false)];
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

fn open(ours: peer::Open, quick: bool) -> Experiment {
    let name = "open".to_owned();
    let sealed = recovery::Sealed::new(ours, quick);
    let entrants = vec![Entrant::new(cell::OURS, Role::Ours, move |_| sealed.run())];
    let metrics = vec![
        metric("open small log".to_owned(), "ms", false),
        metric("open large log".to_owned(), "ms", false),
        metric("open large over small".to_owned(), "times", false),
    ];
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

fn commit(peers: &[Peer]) -> Experiment {
    let name = "commit of 64 records synced".to_owned();
    let entrants = entrants(
        peers,
        |peer| peer.many.is_some(),
        move |peer| Box::new(move |work| many::commit(&peer, work)),
    );
    let metrics = vec![
        metric("commit of 64 records to 1 log synced".to_owned(), "us", false),
        metric("commit of 64 records to 64 logs synced".to_owned(), "us", false),
        metric("commit of 64 records 64 logs over 1 synced".to_owned(), "times", false),
    ];
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

type Run = Box<dyn Fn(Work) -> Result<Sample>>;

fn entrants(peers: &[Peer], takes_part: impl Fn(&Peer) -> bool, run: impl Fn(Peer) -> Run) -> Vec<Entrant> {
    let peers = peers.iter().filter(|peer| takes_part(peer));
    peers.map(|peer| Entrant { name: peer.name.to_owned(), role: peer.role, run: run(*peer) }).collect()
}

fn metric(cell: String, unit: &'static str, higher_is_better: bool) -> Metric {
    Metric { goal: goal(&cell), cell, unit, higher_is_better }
}
