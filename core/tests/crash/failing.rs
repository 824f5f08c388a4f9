//! Storage calls that fail: verbs return errors, nobody panics or hangs, and what was acknowledged is there when the hub
//! is opened on the disk after it was mended.

use crate::house::Plan;
use crate::sweep::{Report, check_image};
use crate::workload::Workload;
use ringmain::storage::sim::{Fault, SimDisk, Unsynced};

/// Verbs of a workload: few, because each call of it fails once.
const VERBS: u64 = 150;

/// Runs a workload whose nth call that the fault can hit fails, and looks at what is left. False: there was no such call.
pub fn run(plan: Plan, fault: Fault, nth: u64, seed: u64) -> (bool, Report) {
    let disk = SimDisk::new();
    disk.fail_nth(nth, fault);
    let mut workload = Workload::new(plan, seed % 8, &disk);
    workload.run(VERBS);
    let hit = disk.fault_hit_count() > 0;
    let mut report = Report { tasks: workload.ledger.tasks.len(), ..Report::default() };
    let cut = disk.operation_count();
    for unsynced in [Unsynced::Kept, Unsynced::Dropped, Unsynced::Seeded(seed)] {
        report.images += 1;
        let image = disk.image_with(cut, unsynced);
        let Workload { ledger, clock, .. } = &workload;
        // One more than the last operation: everything that was tried may be there.
        let (findings, _) = check_image(plan, &image, ledger, clock, cut + 1, true, true);
        report.take(findings, || format!("{fault:?} in call {nth}, seed {}, {unsynced:?}", seed % 8));
    }
    (hit, report)
}
