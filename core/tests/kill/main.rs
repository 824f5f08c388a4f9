//! Real processes that die: killed (`kill -9`) at a random moment, or with the power of their file system cut by the kernel.
//! And disks that fill up.
//!
//! What they said is compared with the hub, round after round on one directory.
//!
//! `KILL_ROUNDS`, `POWER_CUTS` and `DISK_FULL_CYCLES` scale the number of rounds (default 50, 10 and 4), `KILL_SEED` repeats the choices (not the
//! moments).

mod child;
#[path = "../crash/dice.rs"]
mod dice;
mod disk_full;
mod loop_disk;
mod power_cut;
mod said;

use child::{Child, End, SEED, number_of, open, open_imports};
use ringmain::Hub;
use said::{Said, check_imports, check_queue, check_stream};
use std::path::Path;
use std::time::Duration;

/// Opens what a child left, and compares.
fn check(directory: &Path, said: &Said, place: &str) {
    let (hub, jobs, dead, events) =
        open(Hub::builder(), directory).unwrap_or_else(|e| panic!("{place}: {e}"));
    check_queue(&jobs, &dead, said, place);
    check_stream(&events, said, place);
    let imports = open_imports(&hub).unwrap_or_else(|e| panic!("{place}: {e}"));
    check_imports(&imports, said, place);
    hub.close(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{place}: {e}"));
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_it_was_told_is_done() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("hub");
    let rounds = number_of("KILL_ROUNDS", 50);
    let seed = number_of(SEED, 1);
    let mut said = Said::default();
    for round in 0..rounds {
        Child { directory: &directory, end: End::Kill, round, seed, has_bug: false }.run(&mut said);
        assert_eq!(said.error, None, "seed {seed} round {round}");
        if round % 3 == 0 && round + 1 < rounds {
            // The next child opens what this one left.
            continue;
        }
        let place = format!("seed {seed} round {round}");
        check(&directory, &said, &place);
    }
    println!(
        "killed {rounds} times: {} messages sent, {} acked, {} rejected, {} records appended, commits {:?}, {} imported, {} done out of order",
        said.sent.len(),
        said.acked.len(),
        said.rejected.len(),
        said.appended.len(),
        said.committed,
        said.imported,
        said.done.len(),
    );
    assert!(!said.acked.is_empty() && !said.appended.is_empty(), "the children did next to nothing");
}
