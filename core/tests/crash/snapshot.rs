//! Snapshots of a hub that goes on working, and restoring them: what is in the copy is one instant, and a power cut leaves the hub as
//! it was, and the copy whole or recognised as unfinished.

use crate::house::{DIRECTORY, Plan};
use crate::sweep::{Report, check_image};
use crate::workload::Workload;
use crate::{sweep_all_with, workload_count};
use ringmain::storage::Storage;
use ringmain::storage::sim::{Fault, SimDisk, Unsynced};
use ringmain::{Durability, Hub, SeededBug};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

const COPY: &str = "/mnt/backup";
const RESTORED: &str = "/mnt/restored";
/// Where the hub goes when its copy takes its place.
const AWAY: &str = "/mnt/away";

/// A hub of which a snapshot was taken, while it went on working.
struct Taken {
    workload: Workload,
    /// One more than the operations before the call. What was done up to there is in it, and nothing else.
    before: u64,
    after: u64,
    segments: u64,
}

fn take(plan: Plan, seed: u64) -> Taken {
    let disk = SimDisk::new();
    let mut workload = Workload::new(plan, seed, &disk);
    workload.reopen();
    (0..150).for_each(|_| workload.any_verb());
    let hub = workload.reopen();
    (0..100).for_each(|_| workload.any_verb());
    // What came last may have done none.
    let before = disk.operation_count() + 1;
    let copied = hub.snapshot_with(COPY, |_| {
        (0..4).for_each(|_| workload.any_verb());
        ControlFlow::Continue(())
    });
    let segments = copied.expect("a sound disk").expect("nobody stopped it").segments;
    let after = disk.operation_count();
    (0..20).for_each(|_| workload.any_verb());
    workload.kill();
    Taken { workload, before, after, segments }
}

/// The disk with the directory at `path` in the place of the hub.
fn in_place(image: &SimDisk, path: &str) -> SimDisk {
    let image = image.image_with(image.operation_count(), Unsynced::Kept);
    if image.list(Path::new(DIRECTORY)).is_ok() {
        image.rename(Path::new(DIRECTORY), Path::new(AWAY)).unwrap();
    }
    image.rename(Path::new(path), Path::new(DIRECTORY)).unwrap();
    image
}

/// Whether there is a whole copy; without one, nothing that is there may be opened as a hub.
fn is_whole(image: &SimDisk, path: &str) -> Result<bool, String> {
    let found = image.list(Path::new(path)).unwrap_or_default();
    if found.iter().any(|entry| entry.ends_with("catalogue")) {
        return Ok(true);
    }
    let opened = Hub::builder().storage(Arc::new(image.clone())).open(path);
    match opened {
        Err(error) if error.to_string().contains("not finished") => Ok(false),
        Ok(_) if found.iter().all(|entry| entry.ends_with("LOCK")) => Ok(false),
        other => Err(format!("{found:?} opens as {:?}", other.err())),
    }
}

/// Cuts the power at each operation from `first` on in which a copy at `path` was made, which is to hold what was there at `instant`.
/// How many copies were whole, and how many were not.
fn sweep(taken: &Taken, disk: &SimDisk, first: u64, path: &str) -> (Report, [u64; 2]) {
    let (mut report, mut counts) = (Report::default(), [0; 2]);
    let Taken { workload: Workload { ledger, clock, .. }, before, .. } = taken;
    for cut in first..=disk.operation_count() {
        report.cuts += 1;
        for unsynced in [Unsynced::Dropped, Unsynced::Kept, Unsynced::Seeded(cut)] {
            report.images += 1;
            let image = disk.image_with(cut, unsynced);
            let place = || format!("{path} cut at {cut}, {unsynced:?}");
            match is_whole(&image.image_with(0, Unsynced::Kept), path) {
                Ok(true) => {
                    counts[0] += 1;
                    let image = in_place(&image, path);
                    let (found, _) = check_image(Plan::SYNCED, &image, ledger, clock, *before, true, false);
                    report.take(found, place);
                }
                Ok(false) => counts[1] += 1,
                Err(error) => panic!("{}: {error}", place()),
            }
        }
    }
    (report, counts)
}

/// The copy as it is found when nothing went wrong.
fn check(taken: &Taken, image: &SimDisk, path: &str) -> Report {
    let mut report = Report::default();
    let Workload { ledger, clock, .. } = &taken.workload;
    let image = in_place(image, path);
    let (found, _) = check_image(Plan::SYNCED, &image, ledger, clock, taken.before, true, true);
    report.take(found, || path.to_owned());
    report
}

fn last(disk: &SimDisk) -> SimDisk {
    disk.image_with(disk.operation_count(), Unsynced::Dropped)
}

#[test]
fn a_snapshot_of_a_hub_that_goes_on_working_holds_one_instant_of_it() {
    let report = sweep_all_with(10 * workload_count(), |seed| {
        let taken = take(Plan::SYNCED, 300 + seed);
        assert!(taken.segments > 4, "{} segments", taken.segments);
        let disk = &taken.workload.disk;
        let mut report = check(&taken, &last(disk), COPY);
        // And that went on is as good as if none had been taken.
        let Workload { ledger, clock, .. } = &taken.workload;
        let cut = disk.operation_count();
        let (found, _) = check_image(Plan::SYNCED, &last(disk), ledger, clock, cut, true, true);
        report.take(found, || format!("the source of seed {seed}"));
        report
    });
    report.assert_clean();
}

#[test]
fn logs_that_are_looked_at_one_after_the_other_are_caught() {
    let plan = Plan { durability: Durability::Synced, bug: Some(SeededBug::SnapshotInTurn) };
    let is_caught = |seed: u64| {
        let taken = take(plan, 300 + seed);
        !check(&taken, &last(&taken.workload.disk), COPY).wrong.is_empty()
    };
    assert!((0..8u64).any(is_caught), "the gate is blind to a snapshot that is not one instant");
}

#[test]
fn a_power_cut_while_a_snapshot_is_taken_hurts_nothing_and_leaves_it_whole_or_unfinished() {
    let report = sweep_all_with(workload_count().div_ceil(4), |seed| {
        let taken = take(Plan::SYNCED, 400 + seed);
        let disk = &taken.workload.disk;
        let (mut report, [whole, unfinished]) = sweep(&taken, disk, taken.before, COPY);
        assert!(whole > 10 && unfinished > 100, "{whole} whole, {unfinished} not");
        let Workload { ledger, clock, .. } = &taken.workload;
        for cut in taken.before..=taken.after {
            let image = disk.image(cut, cut);
            let (found, _) = check_image(Plan::SYNCED, &image, ledger, clock, cut, true, false);
            report.take(found, || format!("the source of seed {seed}, cut at {cut}"));
        }
        let returned = disk.image_with(taken.after, Unsynced::Dropped);
        assert!(is_whole(&returned, COPY).unwrap(), "what was returned for is on disk");
        report
    });
    println!("power cuts while a snapshot is taken: {report}");
    report.assert_clean();
}

#[test]
fn a_power_cut_while_a_snapshot_is_restored_leaves_the_new_hub_whole_or_unfinished() {
    let taken = take(Plan::SYNCED, 500);
    let disk = last(&taken.workload.disk);
    let builder = Hub::builder().storage(Arc::new(disk.clone()));
    let first = disk.operation_count();
    let report = builder.restore(COPY, RESTORED).unwrap();
    assert!(report.is_sound() && report.segments == taken.segments, "{report}");
    let (mut report, [whole, unfinished]) = sweep(&taken, &disk, first, RESTORED);
    assert!(whole > 0 && unfinished > 50, "{whole} whole, {unfinished} not");
    assert!(is_whole(&last(&disk), RESTORED).unwrap(), "what was returned for is on disk");
    report.take(Vec::new(), String::new);
    for path in [COPY, RESTORED] {
        report.add(check(&taken, &last(&disk), path));
    }
    println!("power cuts while a snapshot is restored: {report}");
    report.assert_clean();
}

#[test]
fn damage_in_a_snapshot_is_named_and_not_restored() {
    let taken = take(Plan::SYNCED, 600);
    let sound = last(&taken.workload.disk);
    let jobs = sound.list(Path::new("/mnt/backup/queues/jobs")).unwrap();
    let damages: [&dyn Fn(&SimDisk); 3] = [
        &|disk| disk.flip_bit(&jobs[0], 4096 + 40, 3).unwrap(),
        &|disk| disk.zero_sector(&jobs[0], 8).unwrap(),
        &|disk| disk.flip_bit("/mnt/backup/catalogue", 80, 3).unwrap(),
    ];
    for damage in damages {
        let disk = sound.image_with(0, Unsynced::Kept);
        damage(&disk);
        let builder = Hub::builder().storage(Arc::new(disk.clone()));
        let error = builder.restore(COPY, RESTORED).unwrap_err();
        assert!(error.to_string().contains(COPY), "{error}");
        assert!(!is_whole(&disk, RESTORED).unwrap());
    }
}

#[test]
fn a_storage_call_that_fails_while_a_snapshot_is_taken_is_an_error_and_hurts_nothing() {
    let (mut report, mut hits) = (Report::default(), 0);
    for fault in [Fault::Io, Fault::NoSpace] {
        for nth in 1.. {
            let disk = SimDisk::new();
            let mut workload = Workload::new(Plan::SYNCED, 700, &disk);
            let hub = workload.reopen();
            (0..60).for_each(|_| workload.any_verb());
            // What came last may have done none.
            let before = disk.operation_count() + 1;
            disk.fail_nth(nth, fault);
            let copied = hub.snapshot(COPY);
            drop(hub);
            workload.kill();
            if disk.fault_hit_count() == 0 {
                break;
            }
            hits += 1;
            let place = || format!("{fault:?} in call {nth}");
            let whole = is_whole(&last(&disk), COPY).unwrap_or_else(|error| panic!("{}: {error}", place()));
            // A failed courtesy is none of the caller's business; that a failed last sync left it whole is possible.
            assert!(whole || copied.is_err(), "{}: {copied:?}", place());
            let Workload { ledger, clock, .. } = &workload;
            let mut look = |image: SimDisk| {
                let (found, _) = check_image(Plan::SYNCED, &image, ledger, clock, before, true, true);
                report.take(found, place);
            };
            look(last(&disk));
            if whole {
                look(in_place(&last(&disk), COPY));
            }
        }
    }
    println!("failing calls while a snapshot is taken: {hits} calls failed; {report}");
    assert!(hits > 100, "too few calls: {hits}");
    report.assert_clean();
}
