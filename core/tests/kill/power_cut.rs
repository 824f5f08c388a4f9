//! Power cuts of a real kernel: a child works on an ext4 file system whose power goes at a random moment. Whatever it was
//! told is done is there after the next mount, and what it is told from then on is a clear error.

use crate::check;
use crate::child::{Child, End, SEED, number_of};
use crate::loop_disk::LoopDisk;
use crate::said::Said;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Large enough for what so many children write.
const DISK_BYTES: u64 = 1 << 30;
const CUTS_PER_DISK: u64 = 25;
/// What the kernel may lose differs.
const MODES: [&str; 2] = ["data=ordered", "data=journal"];
/// Cuts within which acknowledging before the sync must have lost something.
const BUG_CUTS_MAX: u64 = 20;

/// Lets a child work until the power goes, and looks at what is left.
fn cut(disk: &LoopDisk, round: u64, seed: u64, has_bug: bool, said: &mut Said) {
    let mounted = disk.path();
    let directory = mounted.join("lib/hub");
    let place = format!("seed {seed} cut {round}");
    said.error = None;
    Child { directory: &directory, end: End::PowerCut(&mounted), round, seed, has_bug }.run(said);
    disk.restart();
    let error = said.error.as_deref().unwrap_or_else(|| panic!("{place}: the child went on without a disk"));
    // Or what has left memory is read from its file.
    let is_read = error.starts_with("IO open ") || error.starts_with("IO read ");
    let is_clear = error.starts_with("IO opening: ")
        || is_read
        || (error.starts_with("POISONED ") && error.contains("open it again"));
    // EIO, or EROFS where the kernel gives up its own log first.
    let is_of_the_cut = error.contains("os error 5") || error.contains("os error 30");
    assert!(is_clear && is_of_the_cut, "{place}: {error}");
    check(&directory, said, &place);
}

/// Cuts disks of one mode, so many times.
fn cut_all(mode: &'static str, cuts: u64, seed: u64) -> Result<Said, String> {
    let mut all = Said::default();
    for first in (0..cuts).step_by(CUTS_PER_DISK as usize) {
        let disk = LoopDisk::new(DISK_BYTES, mode)?;
        let mut said = Said::default();
        for round in first..cuts.min(first + CUTS_PER_DISK) {
            cut(&disk, round, seed, false, &mut said);
        }
        all.sent.extend(said.sent);
        all.acked.extend(said.acked);
        all.appended.extend(said.appended);
        all.late_count += said.late_count;
    }
    Ok(all)
}

#[test]
fn a_power_cut_of_the_kernel_loses_nothing_that_was_acknowledged() {
    let (cuts, seed) = (number_of("POWER_CUTS", 10), number_of(SEED, 1));
    let done: Vec<_> = std::thread::scope(|scope| {
        let each = cuts.div_ceil(MODES.len() as u64);
        let modes: Vec<_> =
            MODES.iter().map(|mode| scope.spawn(move || (mode, cut_all(mode, each, seed)))).collect();
        modes.into_iter().map(|mode| mode.join().expect("no cut loses anything")).collect()
    });
    for (mode, said) in done {
        match said {
            Err(reason) => println!("power cuts of the kernel: {mode} skipped: {reason}"),
            Ok(said) => {
                let (sent, acked, records) = (said.sent.len(), said.acked.len(), said.appended.len());
                println!(
                    "power cuts of the kernel: {mode}, {} cuts, {sent} messages sent, {acked} acked, {records} records \
                     appended, lost 0; {} more acknowledged while the power went",
                    cuts.div_ceil(MODES.len() as u64),
                    said.late_count,
                );
                assert!(cuts < 10 || sent + records > 0, "the children did nothing");
            }
        }
    }
}

#[test]
fn acknowledging_before_the_sync_is_caught_by_a_power_cut_of_the_kernel() {
    let disk = match LoopDisk::new(DISK_BYTES, MODES[0]) {
        Ok(disk) => disk,
        Err(reason) => return println!("planted AckBeforeSync under the kernel: skipped: {reason}"),
    };
    let mut said = Said::default();
    let mut is_caught =
        |round: &u64| catch_unwind(AssertUnwindSafe(|| cut(&disk, *round, 1, true, &mut said))).is_err();
    let caught = (0..BUG_CUTS_MAX).find(|round| is_caught(round));
    println!("planted AckBeforeSync under the kernel: caught by cut {caught:?}");
    assert!(caught.is_some(), "the gate is blind to acknowledgements before the sync");
}
