//! Power cuts, killed processes, damaged and failing disks: nothing that was acknowledged is lost, nothing is invented,
//! and a hub always opens again.
//!
//! Everything is drawn from seeds, which the messages of failures name. `CRASH_WORKLOADS` scales how many workloads are
//! cut (default 4).

mod damage;
mod dice;
mod failing;
mod house;
mod ledger;
mod mount;
mod relaxed;
mod sweep;
mod verify;
mod workload;

use house::Plan;
use ringmain::storage::sim::Fault;
use ringmain::{Durability, SeededBug};
use sweep::{Report, Sweep};
use verify::Wrong;

fn workload_count() -> u64 {
    std::env::var("CRASH_WORKLOADS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

fn sweep_all(count: u64, sweep: impl Fn(u64) -> Sweep) -> Report {
    let mut report = Report::default();
    for seed in 0..count {
        report.add(sweep(seed).run());
    }
    report
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    let report = sweep_all(workload_count(), |seed| Sweep {
        plan: Plan::SYNCED,
        seed,
        verbs: 400,
        seeded_images: 6,
        survives_power_loss: true,
        first_killed_after: None,
    });
    println!("power cuts: {report}");
    report.assert_clean();
    assert!(report.segments_removed > 0 && report.recoveries > 0, "the workload is too small: {report}");
}

/// What a killed process leaves can be read and is not yet durable: whoever goes on from it must not rely on it.
#[test]
fn a_power_cut_after_a_process_was_killed_while_it_made_the_hub_loses_nothing() {
    let mut report = Report::default();
    for calls in 1..90 {
        let sweep = Sweep {
            plan: Plan::SYNCED,
            seed: 5000 + calls,
            verbs: 12,
            seeded_images: 0,
            survives_power_loss: true,
            first_killed_after: Some(calls as i64),
        };
        report.add(sweep.run());
    }
    println!("killed while making the hub: {report}");
    report.assert_clean();
}

#[test]
fn a_killed_process_loses_nothing_that_was_written_and_power_cuts_leave_it_openable() {
    let plan = Plan { durability: Durability::Written, bug: None };
    let report = sweep_all(workload_count().div_ceil(4), |seed| Sweep {
        plan,
        seed: 1000 + seed,
        verbs: 400,
        seeded_images: 2,
        survives_power_loss: false,
        first_killed_after: None,
    });
    println!("written: {report}");
    report.assert_clean();
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    let plan = Plan { durability: Durability::Synced, bug: Some(SeededBug::AckBeforeSync) };
    let (survives_power_loss, first_killed_after) = (true, None);
    let sweep = Sweep { plan, seed: 0, verbs: 60, seeded_images: 2, survives_power_loss, first_killed_after };
    let report = sweep.run();
    println!("seeded bug: {report}");
    assert!(report.wrong.contains_key(&Wrong::Lost), "the gate is blind: {report}");
}

#[test]
fn damage_at_rest_is_reported_with_its_file_and_byte_or_changes_nothing() {
    let (disk, good) = damage::closed_hub().expect("a hub on a sound disk");
    let mut flipped = damage::Tally::default();
    let mut zeroed = damage::Tally::default();
    for (path, bytes) in damage::files(&disk) {
        for damage in damage::bits(bytes) {
            damage::try_damage(&disk, &good, &path, damage, &mut flipped);
        }
        for damage in damage::sectors(&disk, &path, bytes) {
            damage::try_damage(&disk, &good, &path, damage, &mut zeroed);
        }
    }
    println!("damage: bits flipped {flipped:?}, sectors zeroed {zeroed:?}");
    assert!(flipped.reported > 1000 && zeroed.reported > 50, "the damage missed: {flipped:?} {zeroed:?}");
}

#[test]
fn a_failing_storage_call_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let mut report = Report::default();
    let mut hits = 0;
    for fault in [Fault::Io, Fault::NoSpace, Fault::SyncForgets] {
        for nth in 1.. {
            let (hit, found) = failing::run(fault, nth, nth);
            report.add(found);
            hits += u64::from(hit);
            if !hit {
                break;
            }
        }
    }
    println!("failing calls: {hits} calls failed; {report}");
    report.assert_clean();
    assert!(hits > 400, "too few calls: {hits}");
}
