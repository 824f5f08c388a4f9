//! The suite of the typed rings: throughput, fan-out, round trips, and what waiting and memory cost.
//!
//! Every message is numbered, and every receiver accounts for what it had: a round in which one was lost or
//! came twice is refused.
//!
//! **Where next.** `verbs.rs` is what a ring must do to take part, `rivals` has an adapter for each,
//! `../ours` that of ours. `transfer.rs`, `pair.rs`, `ping_pong.rs`, `wake.rs`, `idle_cpu.rs` and
//! `slot_bytes.rs` are the workloads, `mode.rs` the three ways to use a ring, `cell.rs` the names and the
//! goals.

pub mod cell;
mod idle_cpu;
mod limits;
pub mod message;
pub mod mode;
pub mod names;
mod pair;
pub mod peer;
mod ping_pong;
mod rivals;
pub mod seeded;
mod slot_bytes;
mod transfer;
pub mod verbs;
mod wake;

use crate::harness::{Effort, Entrant, Experiment, Metric, Role};
use cell::{CAPACITIES, Payload, Topology, Use, goal};
use peer::{Kind, Peer, Round, Side};
use verbs::Shape;

/// Room in the rings where the room does not matter.
const CAPACITY: usize = CAPACITIES[0];
const THROUGHPUT: &str = "M msgs/s";

/// Everything that is measured, of `ours` and all the others.
pub fn experiments(ours: Vec<Peer>) -> Vec<Experiment> {
    let peers = [ours, rivals::peers(), limits::peers()].concat();
    let mut experiments = Vec::new();
    for topology in [(1, 1), (2, 1), (1, 2), (2, 2), (4, 4)].map(|(p, c)| Topology::new(p, c)) {
        for payload in Payload::ALL {
            for capacity in CAPACITIES {
                experiments.extend(Use::ALL.map(|how| competing(&peers, topology, payload, capacity, how)));
            }
        }
    }
    // More threads than any machine of this size has cores for.
    let crowd = Topology::new(8, 8);
    experiments.extend(Use::ALL.map(|how| competing(&peers, crowd, Payload::Word, CAPACITY, how)));
    for topology in [Topology::ONE_ONE, Topology::TWO_TWO] {
        for payload in Payload::ALL {
            experiments
                .extend([Use::Single, Use::Blocking].map(|how| unbounded(&peers, topology, payload, how)));
        }
    }
    for readers in 1..=3 {
        for payload in Payload::ALL {
            for capacity in CAPACITIES {
                let uses = [Use::Single, Use::Batch];
                experiments.extend(uses.map(|how| fan_out(&peers, readers, payload, capacity, how)));
            }
        }
    }
    experiments.extend(PAIRS.map(|(name, kind, sides)| pair(&peers, name, kind, sides)));
    experiments.extend(round_trips(&peers));
    experiments.extend(waiting(&peers));
    for payload in Payload::ALL {
        experiments
            .extend(PAIRS.iter().map(|(name, kind, sides)| bytes(&peers, name, *kind, *sides, payload)));
    }
    experiments
}

fn competing(peers: &[Peer], topology: Topology, payload: Payload, capacity: usize, how: Use) -> Experiment {
    let group = format!("{} {} {capacity}", topology.name(), payload.name());
    let ours = match (topology.producers, topology.consumers) {
        (1, 1) => names::SPSC,
        (_, 1) => names::MPSC,
        _ if how == Use::Batch => names::MPMC_VEC,
        _ => names::MPMC,
    };
    let takes_part = |peer: &&Peer| peer.kind == Kind::Bounded && peer.fits(topology, capacity);
    transfer(group, peers.iter().filter(takes_part), topology, payload, capacity, how, ours)
}

fn unbounded(peers: &[Peer], topology: Topology, payload: Payload, how: Use) -> Experiment {
    let group = format!("unbounded {} {}", topology.name(), payload.name());
    let takes_part = |peer: &&Peer| peer.kind == Kind::Unbounded && peer.fits(topology, CAPACITY);
    transfer(group, peers.iter().filter(takes_part), topology, payload, CAPACITY, how, names::UNBOUNDED)
}

fn fan_out(peers: &[Peer], readers: usize, payload: Payload, capacity: usize, how: Use) -> Experiment {
    let topology = Topology::new(1, readers);
    let group = format!("fan-out 1to{readers} {} {capacity}", payload.name());
    let takes_part = |peer: &&Peer| peer.kind == Kind::Broadcast && peer.fits(topology, capacity);
    transfer(group, peers.iter().filter(takes_part), topology, payload, capacity, how, names::BROADCAST)
}

fn transfer<'a>(
    group: String,
    peers: impl Iterator<Item = &'a Peer>,
    Topology { producers, consumers }: Topology,
    payload: Payload,
    capacity: usize,
    how: Use,
    ours: &str,
) -> Experiment {
    let shape = Shape { producers, consumers, capacity };
    let entrants = peers.filter_map(|peer| {
        let run = peer.transfers(how, payload, capacity)?;
        let one_by_one = if how == Use::Batch && peer.batch.is_none() { " (one by one)" } else { "" };
        let name = format!("{}{one_by_one}", peer.name);
        Some(Entrant::new(name, role(peer, ours), move |work| run(shape, work)))
    });
    let cell = format!("{group} {}", how.name());
    // Threads that share cores take turns of milliseconds, and a round must have many turns.
    let stretch = if producers + consumers > 2 { 2 } else { 1 };
    let metrics =
        vec![Metric { goal: goal(&cell), cell: cell.clone(), unit: THROUGHPUT, higher_is_better: true }];
    Experiment {
        name: cell,
        entrants: entrants.collect(),
        group,
        metrics,
        effort: Effort::Scaled { amount_min: 1, stretch },
    }
}

type Sides = (Side, Side);

/// The kinds of ring that are compared on one thread, and whose memory is weighed.
const PAIRS: [(&str, Kind, Sides); 5] = [
    ("spsc", Kind::Bounded, (Side::One, Side::One)),
    ("mpsc", Kind::Bounded, (Side::Many, Side::One)),
    ("mpmc", Kind::Bounded, (Side::Many, Side::Many)),
    ("unbounded", Kind::Unbounded, (Side::Many, Side::Many)),
    ("broadcast", Kind::Broadcast, (Side::One, Side::Many)),
];

fn is_of(peer: &Peer, kind: Kind, (producers, consumers): Sides) -> bool {
    peer.kind == kind && peer.producers == producers && peer.consumers == consumers
}

/// Which of ours stands for a kind.
fn ours_of_kind(name: &str) -> &'static str {
    match name {
        "spsc" => names::SPSC,
        "mpsc" => names::MPSC,
        "mpmc" => names::MPMC,
        "unbounded" => names::UNBOUNDED,
        _ => names::BROADCAST,
    }
}

fn pair(peers: &[Peer], name: &str, kind: Kind, sides: Sides) -> Experiment {
    let cell = format!("uncontended {name} u64");
    let peers = peers.iter().filter(|peer| is_of(peer, kind, sides));
    of_rounds(cell, "uncontended", "ns a pair", peers, |peer| peer.pair, ours_of_kind(name))
}

fn bytes(peers: &[Peer], name: &str, kind: Kind, sides: Sides, payload: Payload) -> Experiment {
    let cell = format!("memory {name} {}", payload.name());
    let peers = peers.iter().filter(|peer| is_of(peer, kind, sides) && peer.capacity.is_none());
    let weighed = |peer: &Peer| Some(peer.slot_bytes?.of(payload));
    let experiment = of_rounds(cell, "memory", "bytes a slot", peers, weighed, ours_of_kind(name));
    Experiment { effort: Effort::Fixed, ..experiment }
}

fn round_trips(peers: &[Peer]) -> [Experiment; 2] {
    let of = |how: &str, round: fn(&Peer) -> Option<Round>| {
        let name = format!("ping-pong {how} u64");
        let peers = peers.iter().filter(|peer| peer.kind == Kind::Bounded);
        let experiment = of_rounds(name.clone(), &name, "ns", peers, round, names::SPSC);
        let metrics = ping_pong::QUANTILES.map(|quantile| lower(format!("{name} {quantile}"), "ns")).into();
        let effort = Effort::Scaled { amount_min: ping_pong::ROUND_TRIPS_MIN, stretch: 1 };
        Experiment { metrics, effort, ..experiment }
    };
    [of("spinning", |peer| peer.spinning), of("blocking", |peer| Some(peer.waiting?.ping_pong))]
}

/// What it costs to sleep and to be woken.
fn waiting(peers: &[Peer]) -> [Experiment; 2] {
    let peers = || peers.iter().filter(|peer| peer.kind == Kind::Bounded);
    let wake = "wake u64".to_owned();
    let wake_up = of_rounds(wake.clone(), &wake, "us", peers(), |peer| Some(peer.waiting?.wake), names::SPSC);
    let metrics = wake::QUANTILES.map(|(quantile, _)| lower(format!("{wake} {quantile}"), "us")).into();
    let idle = "idle blocked receiver".to_owned();
    let idle_cpu =
        of_rounds(idle.clone(), &idle, "us CPU/s", peers(), |peer| Some(peer.waiting?.idle), names::SPSC);
    [
        Experiment { metrics, effort: Effort::Fixed, ..wake_up },
        Experiment { effort: Effort::Fixed, ..idle_cpu },
    ]
}

/// An experiment with one cell in which less is better.
fn of_rounds<'a>(
    cell: String,
    group: &str,
    unit: &'static str,
    peers: impl Iterator<Item = &'a Peer>,
    round: impl Fn(&Peer) -> Option<Round>,
    ours: &str,
) -> Experiment {
    let entrants =
        peers.filter_map(|peer| Some(Entrant::new(peer.name, role(peer, ours), round(peer)?))).collect();
    let metrics = vec![lower(cell.clone(), unit)];
    Experiment {
        name: cell,
        group: group.to_owned(),
        metrics,
        entrants,
        effort: Effort::Scaled { amount_min: 1, stretch: 1 },
    }
}

fn lower(cell: String, unit: &'static str) -> Metric {
    Metric { goal: goal(&cell), cell, unit, higher_is_better: false }
}

fn role(peer: &Peer, ours: &str) -> Role {
    if peer.name == ours { Role::Ours } else { peer.role }
}
