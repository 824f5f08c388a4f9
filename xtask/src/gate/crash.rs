//! `./x crash`: power cuts, failing and damaged disks, killed processes. Nothing that was acknowledged may be lost, and each
//! bug that is planted in the way to the disk must be caught.
//!
//! The tests are those of `./x test` (`core/tests/crash/`, `core/tests/kill/`), with more workloads and more rounds.

use crate::paths;
use crate::table::grouped;
use crate::test::count::{Counts, cargo_test};
use crate::test::log::Log;
use crate::test::rust;
use anyhow::{Context, Result};
use std::process::ExitCode;
use std::time::Instant;

/// Workloads whose simulated disk is cut at each operation, rounds of a process that is killed, and of a file system of the
/// kernel's whose power is cut.
const WORKLOADS: u64 = 12;
const KILLS: u64 = 500;
const POWER_CUTS: u64 = 300;
/// How often a disk is filled.
const DISK_FULL_CYCLES: u64 = 50;

/// Options of `./x crash`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many times as much as usual.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rounds: u64,
}

/// Runs the gate.
///
/// # Errors
///
/// Something could not be started.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let started = Instant::now();
    let directory = paths::target().join("test-logs");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", paths::shown(&directory)))?;
    let mut log = Log::create(directory.join("crash.log"))?;
    show!("crash: log in {}", paths::shown(log.path()));
    let mut command = rust::test();
    command
        .args(["--package", "ringmain", "--test", "crash", "--test", "kill", "--", "--nocapture"])
        .env("CRASH_WORKLOADS", (WORKLOADS * arguments.rounds).to_string())
        .env("KILL_ROUNDS", (KILLS * arguments.rounds).to_string())
        .env("POWER_CUTS", (POWER_CUTS * arguments.rounds).to_string())
        .env("DISK_FULL_CYCLES", (DISK_FULL_CYCLES * arguments.rounds).to_string())
        // A planted bug may show as a panic, which is one of the ways of being caught.
        .env("RUST_BACKTRACE", "0");
    let ran = log.run(&mut command)?;
    // What the tests print of themselves: a name, a colon, and numbers.
    let lines = ran.text.lines().filter(|line| LINES.iter().any(|name| line.starts_with(name)));
    lines.for_each(|line| show!("{line}"));
    let counts = Counts::of(&ran, cargo_test);
    show!(
        "crash: {} images; {} passed, {} failed, {} skipped; {:.0} s with building",
        grouped(images(&ran.text)),
        counts.passed,
        counts.failed,
        counts.skipped,
        started.elapsed().as_secs_f64()
    );
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Beginnings of the lines in which the tests say what they did.
const LINES: [&str; 11] = [
    "streamed:",
    "power cuts:",
    "power cuts of the kernel:",
    "full disks:",
    "killed ",
    "written:",
    "failing calls:",
    "damage:",
    "damage in the journal:",
    "salvage:",
    "planted",
];

/// Different images of disks that were opened and verified, but for those of planted bugs.
fn images(text: &str) -> u64 {
    let lines = text.lines().filter(|line| !line.starts_with("planted"));
    let counts = lines.filter_map(|line| line.split(" images").next().filter(|before| *before != line));
    counts.filter_map(|before| before.rsplit([' ', ',']).next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_counted_but_those_of_planted_bugs() {
        let text = "power cuts: 10 cuts, 75 images (3 of them cut again)\nplanted AckBeforeSync: 9 cuts, 50 images\n\
                    failing calls: 9 calls failed; 0 cuts, 25 images (0 of them)\ntest result: ok. 8 passed\n";
        assert_eq!(images(text), 100);
    }
}
