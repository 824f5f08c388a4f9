//! The suite of the task queue: cycles of send, receive and ack, with nothing and with much waiting, delayed messages, and those of
//! many ordering keys.
//!
//! Entrants are compared at one level of durability at a time, and a cell's name says which: sends and acks alike have
//! reached it when they return. Every message carries its producer and number, and a round in which one was lost, doubled
//! or altered is refused.
//!
//! **Where next.** `cell.rs` has the shapes, the depths, the names and the goals, `peer.rs` what a queue must do to take
//! part, `rivals` an adapter for each, `../ours` that of ours. `cycles.rs`, `depth.rs`, `delayed.rs` and `keyed.rs` are the workloads,
//! `tally.rs` accounts for the messages, `room.rs` says whether there is
//! room for the largest depth.

pub mod cell;
mod cycles;
mod delayed;
mod depth;
mod keyed;
pub mod peer;
pub(crate) mod rivals;
mod room;
pub mod seeded;
pub mod tally;

use crate::harness::{Effort, Entrant, Experiment, Metric, Sample, Suite};
use crate::log::scratch;
use cell::{Depth, LEVELS, Level, SHAPES, goal, name, name_over_empty};
use depth::{Depths, is_compared};
use peer::Peer;
use std::time::Duration;

/// What the harness has to know.
pub const SUITE: Suite = Suite {
    name: "queue",
    limit: Duration::from_secs(300),
    limit_quick: Duration::from_secs(45),
    begin: scratch::guard,
    absent,
};

fn absent(experiments: &mut Vec<Experiment>) -> Vec<String> {
    let servers = rivals::absent();
    let is_large = |experiment: &Experiment| experiment.name.ends_with(Depth::TenMillion.name());
    if !experiments.iter().any(is_large) {
        return servers;
    }
    let Some(why) = room::missing() else { return servers };
    let left_out = experiments.extract_if(.., |experiment| is_large(experiment));
    left_out.map(|experiment| format!("{}: {why}", experiment.name)).chain(servers).collect()
}

/// Everything that is measured, of `ours` and all the others.
pub fn experiments(ours: Peer, quick: bool) -> Vec<Experiment> {
    let peers = [vec![ours], rivals::peers()].concat();
    let mut experiments = Vec::new();
    for depth in Depth::of(quick) {
        experiments.extend(LEVELS.map(|level| cycles(&peers, level, *depth, quick)));
    }
    experiments.extend(LEVELS.map(|level| delayed(&peers, level, quick)));
    experiments.extend(LEVELS.map(|level| keyed(&peers, level, quick)));
    experiments
}

fn cycles(peers: &[Peer], level: Level, depth: Depth, quick: bool) -> Experiment {
    let name_of_all = format!("{} {}", level.name(), depth.name());
    let has_time = |peer: &Peer| depth == Depth::Empty || !quick || !peer.fills_slowly;
    let takes_part = |peer: &&Peer| peer.levels.contains(&level) && has_time(peer);
    let entrants = peers.iter().filter(takes_part).map(|peer| {
        let queues = Depths::new(*peer, level, depth);
        Entrant::new(peer.name, peer.role, move |work| queues.run(work))
    });
    let rates = SHAPES.iter().map(|shape| {
        let (cell, unit) = (name(*shape, level, depth), shape.unit(level));
        Metric { goal: goal(&cell), cell, unit: unit.name(), higher_is_better: unit.higher_is_better() }
    });
    let compared = SHAPES.iter().filter(|shape| depth != Depth::Empty && is_compared(**shape));
    let times = compared.map(|shape| {
        let cell = name_over_empty(*shape, level, depth);
        Metric { goal: goal(&cell), cell, unit: "times", higher_is_better: false }
    });
    Experiment {
        metrics: rates.chain(times).collect(),
        entrants: entrants.collect(),
        group: name_of_all.clone(),
        name: name_of_all,
        effort: Effort::Fixed,
    }
}

fn delayed(peers: &[Peer], level: Level, quick: bool) -> Experiment {
    let takes_part = |peer: &Peer| peer.delays.is_some();
    sent_and_received("delayed 1 M", peers, level, takes_part, move |peer| delayed::run(peer, level, quick))
}

fn keyed(peers: &[Peer], level: Level, quick: bool) -> Experiment {
    let name = format!("{} k ordering keys", keyed::KEY_COUNT / 1000);
    sent_and_received(&name, peers, level, |peer| peer.keys, move |peer| keyed::run(peer, level, quick))
}

/// A workload that sends everything first, and then receives it.
fn sent_and_received(
    what: &str,
    peers: &[Peer],
    level: Level,
    takes_part: impl Fn(&Peer) -> bool,
    run: impl Fn(&Peer) -> anyhow::Result<Sample> + Copy + 'static,
) -> Experiment {
    let name = format!("{what} {}", level.name());
    let peers = peers.iter().filter(|peer| takes_part(peer) && peer.levels.contains(&level));
    let entrants = peers.map(|peer| {
        let peer = *peer;
        Entrant::new(peer.name, peer.role, move |_| run(&peer))
    });
    let metrics = ["send", "receive"].map(|verb| {
        let cell = format!("{name} {verb}");
        Metric { goal: goal(&cell), cell, unit: "k msgs/s", higher_is_better: true }
    });
    Experiment {
        metrics: metrics.into(),
        entrants: entrants.collect(),
        group: name.clone(),
        name,
        effort: Effort::Fixed,
    }
}
