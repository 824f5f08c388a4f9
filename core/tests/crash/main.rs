//! Power cuts, killed processes, damaged and failing disks: nothing that was acknowledged is lost, nothing is invented,
//! and a hub always opens again.
//!
//! Everything is drawn from seeds, which the messages of failures name. `CRASH_WORKLOADS` scales how many workloads are
//! cut (default 4).

mod damage;
mod dice;
mod failing;
mod groups;
mod house;
mod ledger;
mod mount;
mod options;
mod relaxed;
mod reserve;
mod salvage;
mod snapshot;
mod streaming;
mod sweep;
mod verify;
mod workload;

use house::{DIRECTORY, JOBS, Plan};
use ringmain::storage::sim::{Fault, SimDisk, Unsynced};
use ringmain::{
    Clock, Durability, Hub, ManualClock, Message, OnExhausted, Result, SeededBug, without_frame_checksums,
};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use sweep::{Report, Sweep};

fn workload_count() -> u64 {
    std::env::var("CRASH_WORKLOADS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}

fn sweep_all(count: u64, sweep: impl Fn(u64) -> Sweep + Sync) -> Report {
    sweep_all_with(count, |seed| sweep(seed).run())
}

/// Sweeps `count` workloads, on all processors.
fn sweep_all_with(count: u64, sweep: impl Fn(u64) -> Report + Sync) -> Report {
    let (next, report) = (AtomicU64::new(0), Mutex::new(Report::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::SeqCst)).filter(|seed| *seed < count)
                {
                    let swept = sweep(seed);
                    report.lock().expect("a report").add(swept);
                }
            });
        }
    });
    report.into_inner().expect("a report")
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    let report = sweep_all(workload_count(), |seed| Sweep {
        plan: Plan::SYNCED,
        seed,
        verbs: 400,
        seeded_images: 10,
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

/// Sweeps workloads with a planted bug until something is found. A workload panics that cannot open its own hub again.
fn is_caught(bug: SeededBug) -> bool {
    let plan = Plan { durability: Durability::Synced, bug: Some(bug) };
    let (survives_power_loss, first_killed_after) = (true, None);
    (0..8).any(|seed| {
        let sweep =
            Sweep { plan, seed, verbs: 160, seeded_images: 2, survives_power_loss, first_killed_after };
        let Ok(report) = std::panic::catch_unwind(|| sweep.run()) else { return true };
        println!("planted {bug:?}: {report}");
        !report.wrong.is_empty()
    })
}

#[test]
fn a_bug_in_the_way_to_the_disk_is_caught_by_cutting_the_power() {
    use SeededBug::{AckBeforeSync, HomedAhead, NoDirectorySync, RecycledBeforeHome};
    for bug in [AckBeforeSync, NoDirectorySync, HomedAhead, RecycledBeforeHome] {
        assert!(is_caught(bug), "the gate is blind to {bug:?}");
    }
}

/// A queue of several segments, of which none has a file when the power goes. What is found of it afterwards.
fn found_of_journalled_segments(bug: Option<SeededBug>) -> Result<usize> {
    let disk = SimDisk::new();
    let open = |disk: &SimDisk| {
        let mut builder =
            Hub::builder().storage(Arc::new(disk.clone())).clock(Clock::Manual(ManualClock::new()));
        if let Some(bug) = bug {
            builder = builder.seeded_bug(bug);
        }
        builder.open(DIRECTORY)?.queue(JOBS).on_exhausted(OnExhausted::Drop).open()
    };
    let queue = open(&disk)?;
    for number in 0..SENT as u64 {
        queue.send(Message::new(&[number as u8; 1000]))?;
    }
    let image = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    let made = |disk: &SimDisk| {
        disk.operations().iter().filter(|op| op.contains("create") && op.contains(".segment")).count()
    };
    assert_eq!(made(&disk), 0, "the journal is large enough");
    let found = open(&image)?.peek(0, 2 * SENT)?.len();
    assert!(made(&image) > 2, "there were several segments");
    Ok(found)
}

/// Messages of a queue of several segments.
const SENT: usize = 60;

#[test]
fn segments_that_only_the_journal_has_are_restored_in_their_order() {
    assert_eq!(found_of_journalled_segments(None).unwrap(), SENT);
    let found =
        std::panic::catch_unwind(|| found_of_journalled_segments(Some(SeededBug::ReplayedOutOfOrder)));
    assert!(!matches!(found, Ok(Ok(SENT))), "the gate is blind to pieces that are restored out of order");
}

#[test]
fn a_failed_sync_that_is_tried_again_is_caught() {
    let plan = Plan { durability: Durability::Synced, bug: Some(SeededBug::RetryAfterFailedSync) };
    let is_caught = |nth| !failing::run(plan, Fault::SyncForgets, nth, nth).1.wrong.is_empty();
    assert!((1..200).any(is_caught), "the gate is blind to a sync that is tried again");
}

/// How many flipped bits of the journal of a killed hub deceive somebody, of those that can be told from a torn tail.
fn deceived_count(bug: Option<SeededBug>) -> usize {
    let plan = Plan { bug, ..Plan::SYNCED };
    let (disk, good, proven) = damage::killed_hub(plan).expect("a hub on a sound disk");
    (0..proven).step_by(damage_step()).filter(|byte| damage::is_deceived(plan, &disk, &good, *byte)).count()
}

#[test]
fn damage_in_the_journal_of_a_killed_process_is_reported_or_changes_nothing() {
    let (deceived, with_bug) = (deceived_count(None), deceived_count(Some(SeededBug::NoChecksum)));
    println!("damage in the journal: {deceived} deceive; planted NoChecksum: {with_bug} deceive");
    assert_eq!(deceived, 0);
    assert!(with_bug > 0, "the gate is blind to batches without a checksum");
}

/// Of a run of a third, one damage of three.
fn damage_step() -> usize {
    if workload_count() < 12 { 3 } else { 1 }
}

#[test]
fn damage_at_rest_is_reported_with_its_file_and_byte_or_changes_nothing() {
    let (disk, good) = damage::closed_hub().expect("a hub on a sound disk");
    let of = |damages: &dyn Fn(&std::path::Path) -> Vec<damage::Damage>| {
        let mut tally = damage::Tally::default();
        for path in damage::files(&disk) {
            let damages = damages(&path).into_iter().step_by(damage_step());
            damages.for_each(|damage| tally.add(damage::try_damage(&disk, &good, &path, damage)));
        }
        tally
    };
    let (bits, sectors) = std::thread::scope(|scope| {
        let sectors = scope.spawn(|| of(&|path| damage::sectors(&disk, path)));
        (of(&|path| damage::bits(&disk, path)), sectors.join().expect("sectors"))
    });
    println!("damage: {} bits flipped: {bits:?}; {} sectors: {sectors:?}", bits.count(), sectors.count());
    assert!(bits.deceived.is_empty() && sectors.deceived.is_empty());
    assert!(bits.reported > 1000 && sectors.reported > 50, "the damage missed: {bits:?} {sectors:?}");
}

#[test]
fn frames_that_are_believed_without_their_checksum_are_caught() {
    let (disk, good) = damage::closed_hub().expect("a hub on a sound disk");
    let mut tally = damage::Tally::default();
    for path in damage::files(&disk) {
        for damage in damage::bits(&disk, &path).into_iter().step_by(101) {
            tally.add(without_frame_checksums(|| damage::try_damage(&disk, &good, &path, damage)));
        }
    }
    println!("planted NoFrameChecksum: {} of {} flipped bits deceive", tally.deceived.len(), tally.count());
    assert!(!tally.deceived.is_empty(), "the gate is blind to frames without a checksum");
}

/// It was noted in memory before the disk failed: saying it again must not count for more than the first time.
#[test]
fn what_was_refused_by_the_disk_is_refused_again_when_it_is_said_again() {
    let disk = SimDisk::new();
    let house = house::House::open(Plan::SYNCED, Arc::new(disk.clone()), &ManualClock::new()).unwrap();
    house.jobs.send(Message::new(b"a task")).unwrap();
    house.events.append(Message::new(b"a record")).unwrap();
    let delivery = house.jobs.try_receive().unwrap().unwrap();
    let mut member = house.events.group(house::GROUP).join().unwrap();
    assert_eq!(member.poll(1, std::time::Duration::ZERO).unwrap().len(), 1);
    disk.fail_nth(1, Fault::Io);
    for _ in 0..3 {
        assert!(delivery.ack().is_err());
        assert!(member.commit().is_err());
    }
}

#[test]
fn a_failing_storage_call_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let mut report = Report::default();
    let mut hits = 0;
    for fault in [Fault::Io, Fault::NoSpace, Fault::SyncForgets] {
        for nth in 1.. {
            let (hit, found) = failing::run(Plan::SYNCED, fault, nth, nth);
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
