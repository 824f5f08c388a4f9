//! The suite of event streams: appending and reading, many readers, partitions, groups, latency, what is large, and compaction.
//!
//! Entrants are compared at one level of durability at a time, and a cell's name says which. Every record carries its number;
//! readers account for each, in order, and a round in which one was lost, doubled, altered or misplaced is refused.
//!
//! **Where next.** `cell.rs` has what is measured, the names and the goals, `peer.rs` what a stream must do to take part,
//! `rivals` an adapter for each, `../ours` that of ours. `append.rs`, `follow.rs`, `partitions.rs`, `groups.rs`, `latency.rs`,
//! `large.rs` and `compaction.rs` are the workloads, `account.rs` tells what is lost, `cold.rs` empties the page cache and asks the
//! disk what it can do.

pub mod account;
mod append;
pub mod cell;
mod cold;
pub mod compaction;
mod follow;
mod groups;
mod large;
mod latency;
mod partitions;
pub mod peer;
mod rivals;
pub mod seeded;

use crate::harness::{Effort, Entrant, Experiment, Metric, Sample, Suite, Work};
use crate::log::scratch;
use anyhow::Result;
use cell::{
    BATCH, BATCH_LARGE, LEVELS, LEVELS_UNSYNCED, Level, MEMBERS, PARTITIONS, READERS, Size, USES, Use, goal,
};
use follow::Plan;
use large::Large;
use peer::{Ability, Peer};
use std::time::{Duration, Instant};

/// What the harness has to know.
pub const SUITE: Suite = Suite {
    name: "stream",
    limit: Duration::from_secs(300),
    limit_quick: Duration::from_secs(60),
    begin: scratch::guard,
    absent,
};

/// Bytes of the smallest records.
const SMALLEST: usize = 64;
/// In an experiment of readers: how many times the time of a round the producer appends for each number of them.
const ROUNDS_OF_READERS: u32 = 4;
const LARGE: &str = "large stream";

fn absent(experiments: &mut Vec<Experiment>) -> Vec<String> {
    let servers = rivals::absent();
    let is_large = |experiment: &Experiment| experiment.name == LARGE;
    let why = match scratch::free_bytes() {
        Ok(free) if free >= large::DISK_BYTES => return servers,
        Ok(free) => format!("it needs {} GiB of disk, {} are free", large::DISK_BYTES >> 30, free >> 30),
        Err(error) => format!("it needs {} GiB of disk: {error:#}", large::DISK_BYTES >> 30),
    };
    let left_out = experiments.extract_if(.., |experiment| is_large(experiment));
    left_out.map(|experiment| format!("{}: {why}", experiment.name)).chain(servers).collect()
}

/// Everything that is measured, of `ours` and all the others.
pub fn experiments(ours: Peer, compacted: compaction::Open, quick: bool) -> Vec<Experiment> {
    let peers = [vec![ours], rivals::peers()].concat();
    let mut experiments = Vec::new();
    for size in Size::ALL {
        for level in LEVELS {
            experiments.extend(USES.map(|how| appending(&peers, size, how, level)));
        }
    }
    for level in LEVELS_UNSYNCED {
        experiments.extend(Size::ALL.map(|size| following(&peers, size, level)));
    }
    experiments.push(end_to_end(&peers));
    experiments.push(latency(&peers));
    experiments.extend(LEVELS_UNSYNCED.map(|level| partitioned(&peers, level)));
    experiments.extend(LEVELS_UNSYNCED.map(|level| grouped(&peers, level, quick)));
    experiments.push(large_stream(&peers, quick));
    experiments.extend(compaction::experiments(compacted, quick));
    experiments
}

fn experiment(name: String, metrics: Vec<Metric>, entrants: Vec<Entrant>) -> Experiment {
    Experiment { group: name.clone(), name, metrics, entrants, effort: Effort::Fixed }
}

fn metric(cell: String, unit: &'static str, higher_is_better: bool) -> Metric {
    Metric { goal: goal(&cell), cell, unit, higher_is_better }
}

/// Those that can do that at the level.
fn entrants(
    peers: &[Peer],
    ability: Ability,
    level: Level,
    run: impl Fn(&Peer, Work) -> Result<Sample> + Copy + 'static,
) -> Vec<Entrant> {
    let able = peers.iter().filter(|peer| peer.can(ability, level));
    able.map(|peer| {
        let peer = *peer;
        Entrant::new(peer.name, peer.role, move |work| run(&peer, work))
    })
    .collect()
}

fn appending(peers: &[Peer], size: Size, how: Use, level: Level) -> Experiment {
    let metrics =
        ["append", "read"].map(|verb| metric(cell::verb(verb, size, how, level), level.unit(), true));
    let name = format!("append and read {} {} {}", size.name(), cell::use_name(how), level.name());
    let entrants =
        entrants(peers, Ability::Keeps, level, move |peer, work| append::run(peer, size, how, level, work));
    experiment(name, metrics.into(), entrants)
}

fn following(peers: &[Peer], size: Size, level: Level) -> Experiment {
    let name = format!("readers {} {}", size.name(), level.name());
    let rates = READERS.map(|count| metric(cell::readers(count, size, level), "M delivered/s", true));
    let over_one = READERS[1..].iter().map(|count| cell::readers_over_one(*count, size, level));
    let ratios = over_one.chain([cell::keeping_up(size, level)]).map(|cell| metric(cell, "times", true));
    let metrics = rates.into_iter().chain(ratios).collect();
    let entrants = entrants(peers, Ability::Follows, level, move |peer, work| {
        let time = work.round * ROUNDS_OF_READERS;
        let plan = Plan { level, record_bytes: size.bytes(), is_keyed: false, how: Use::Batch(BATCH), time };
        let begin = Instant::now();
        let rates =
            READERS.iter().map(|readers| plan.deliver(peer, *readers)).collect::<Result<Vec<f64>>>()?;
        let over_one = rates[1..].iter().map(|rate| rate / rates[0]);
        let keeps_up = rates[0] / plan.append_alone(peer)?;
        let values = rates.iter().map(|rate| rate / 1e6).chain(over_one).chain([keeps_up]).collect();
        Ok(Sample { elapsed: begin.elapsed(), values })
    });
    experiment(name, metrics, entrants)
}

fn end_to_end(peers: &[Peer]) -> Experiment {
    const BATCHES: [usize; 2] = [BATCH, BATCH_LARGE];
    let metrics = BATCHES.map(|batch| metric(cell::end_to_end(batch), "M records/s", true));
    let level = Level::Memory;
    let entrants = entrants(peers, Ability::Keys, level, move |peer, work| {
        let (mut values, begin) = (Vec::new(), Instant::now());
        for batch in BATCHES {
            let (how, time) = (Use::Batch(batch), work.round * append::ROUNDS);
            let plan = Plan { level, record_bytes: SMALLEST, is_keyed: true, how, time };
            values.push(plan.deliver(peer, 1)? / 1e6);
        }
        Ok(Sample { elapsed: begin.elapsed(), values })
    });
    experiment("end to end".to_owned(), metrics.into(), entrants)
}

fn latency(peers: &[Peer]) -> Experiment {
    let cells = ["spinning p50", "spinning p99", "parked p50", "parked p99"];
    let metrics = cells.map(|cell| metric(format!("latency {cell}"), "us", false));
    let keeps = entrants(peers, Ability::Follows, Level::Memory, latency::run);
    // Stores that are asked by a query measure the query: only who passes records on takes part.
    let passes_on =
        |entrant: &Entrant| peers.iter().any(|peer| peer.name == entrant.name && peer.has(Ability::Keys));
    let entrants = keeps.into_iter().filter(passes_on).collect();
    experiment("latency".to_owned(), metrics.into(), entrants)
}

fn partitioned(peers: &[Peer], level: Level) -> Experiment {
    let of = |count| {
        ["append", "read"].map(|verb| metric(cell::partitions(verb, count, level), level.unit(), true))
    };
    let metrics = PARTITIONS.into_iter().flat_map(of).collect();
    let entrants =
        entrants(peers, Ability::Partitions, level, move |peer, work| partitions::run(peer, level, work));
    experiment(format!("partitions {}", level.name()), metrics, entrants)
}

fn grouped(peers: &[Peer], level: Level, quick: bool) -> Experiment {
    let metrics = MEMBERS.map(|count| metric(cell::group(count, level), "M records/s", true));
    let entrants = entrants(peers, Ability::Groups, level, move |peer, _| groups::run(peer, level, quick));
    experiment(format!("groups {}", level.name()), metrics.into(), entrants)
}

fn large_stream(peers: &[Peer], quick: bool) -> Experiment {
    let metrics = vec![
        metric("catch-up".to_owned(), "MB/s", true),
        metric("catch-up from the disk".to_owned(), "%", true),
        metric("catch-up producer".to_owned(), "MB/s", true),
        metric("seek by time p50".to_owned(), "us", false),
        metric("seek by time p99".to_owned(), "us", false),
    ];
    let able = peers.iter().filter(|peer| peer.can(Ability::Reopens, Level::Written));
    let mut entrants: Vec<Entrant> = able
        .map(|peer| {
            let large = Large::new(*peer, quick);
            Entrant::new(peer.name, peer.role, move |_| large.run())
        })
        .collect();
    entrants.extend(large::references(quick));
    experiment(LARGE.to_owned(), metrics, entrants)
}
