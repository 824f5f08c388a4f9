//! A workload, cut at every operation of its disk.

use crate::dice::Dice;
use crate::house::{DEAD, DIRECTORY, House, JOBS, MAIL, Plan};
use crate::ledger::Ledger;
use crate::mount::Mount;
use crate::verify::{Findings, Wrong, verify};
use crate::workload::Workload;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{ManualClock, Message, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One image of so many is cut again while it is recovered, and used further.
const AGAIN_ONE_IN: u64 = 10;
/// At so many places.
const AGAIN_CUTS: u64 = 6;
/// How many findings are kept in words.
const WORDS_MAX: usize = 12;

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Report {
    pub cuts: u64,
    /// Different ones: what several draws of one cut have in common is looked at once.
    pub images: u64,
    /// Of the images, those cut again during recovery.
    pub recoveries: u64,
    pub tasks: usize,
    pub events: usize,
    pub segments_made: usize,
    pub segments_removed: usize,
    pub wrong: BTreeMap<Wrong, u64>,
    pub words: Vec<String>,
}

impl Report {
    pub fn add(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.images += other.images;
        self.recoveries += other.recoveries;
        self.tasks += other.tasks;
        self.events += other.events;
        self.segments_made += other.segments_made;
        self.segments_removed += other.segments_removed;
        for (wrong, count) in other.wrong {
            *self.wrong.entry(wrong).or_default() += count;
        }
        self.words.extend(other.words);
        self.words.truncate(WORDS_MAX);
    }

    pub fn take(&mut self, findings: Findings, place: impl Fn() -> String) {
        for (wrong, detail) in findings {
            *self.wrong.entry(wrong).or_default() += 1;
            if self.words.len() < WORDS_MAX {
                self.words.push(format!("{wrong:?}: {detail}; {}", place()));
            }
        }
    }

    /// # Panics
    /// If anything was found.
    pub fn assert_clean(&self) {
        assert!(self.wrong.is_empty(), "{self}\n{}", self.words.join("\n"));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cuts, {} images ({} of them cut again while recovering), {} messages, {} records, \
             {} segments made, {} removed, \
             lost {}, other findings {:?}",
            self.cuts,
            self.images,
            self.recoveries,
            self.tasks,
            self.events,
            self.segments_made,
            self.segments_removed,
            self.wrong.get(&Wrong::Lost).copied().unwrap_or(0),
            self.wrong.iter().filter(|(wrong, _)| **wrong != Wrong::Lost).collect::<Vec<_>>(),
        )
    }
}

/// What to cut, and how.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    pub plan: Plan,
    pub seed: u64,
    pub verbs: u64,
    /// Images with random fates of what was not synced, at each cut.
    pub seeded_images: u64,
    /// Whether an image with everything unsynced dropped, or drawn at random, must have lost nothing.
    pub survives_power_loss: bool,
    /// Calls after which the first process is killed.
    pub first_killed_after: Option<i64>,
}

impl Sweep {
    pub fn run(self) -> Report {
        let disk = SimDisk::new();
        let mut workload = Workload::new(self.plan, self.seed, &disk);
        workload.first_killed_after = self.first_killed_after;
        workload.run(self.verbs);
        let operations = disk.operations();
        let mut report = Report {
            tasks: workload.ledger.tasks.len(),
            events: workload.ledger.events.len(),
            segments_made: operations
                .iter()
                .filter(|op| op.starts_with("create") && op.contains(".segment"))
                .count(),
            segments_removed: operations.iter().filter(|op| op.starts_with("remove")).count(),
            ..Report::default()
        };
        for cut in 0..=disk.operation_count() {
            report.cuts += 1;
            let mut seen = Vec::new();
            let fates = [Unsynced::Kept, Unsynced::Dropped].into_iter();
            for unsynced in fates.chain((0..self.seeded_images).map(Unsynced::Seeded)) {
                let strict = self.survives_power_loss || unsynced == Unsynced::Kept;
                let before = cut.checked_sub(1).map_or("nothing", |last| operations[last as usize].as_str());
                let place = || format!("seed {} cut {cut} {unsynced:?}, after {before}", self.seed);
                if let Some(image) = another(disk.image_with(cut, unsynced), &mut seen) {
                    self.check(&image, &workload, cut, strict, &mut report, &place);
                }
            }
        }
        report
    }

    fn check(
        &self,
        image: &SimDisk,
        workload: &Workload,
        cut: u64,
        strict: bool,
        report: &mut Report,
        place: &dyn Fn() -> String,
    ) {
        report.images += 1;
        let mut dice = Dice::new(cut ^ self.seed << 32);
        let again = report.images % AGAIN_ONE_IN == 1;
        let Workload { ledger, clock, .. } = workload;
        // What was done to it changes where it may be cut, not what it was.
        let untouched = image.image_with(0, Unsynced::Kept);
        let (findings, opened) = check_image(self.plan, image, ledger, clock, cut, strict, again);
        report.take(findings, place);
        if again {
            let mut seen = vec![untouched];
            for _ in 0..AGAIN_CUTS.min(opened) {
                let second = dice.below(opened);
                let Some(image) = another(image.image(second, cut), &mut seen) else { continue };
                report.images += 1;
                report.recoveries += 1;
                let (findings, _) = check_image(self.plan, &image, ledger, clock, cut, strict, false);
                report.take(findings, || format!("{}, recovery cut at {second} of {opened}", place()));
            }
        }
    }
}

/// The image, unless it holds the same as one that was seen.
fn another(image: SimDisk, seen: &mut Vec<SimDisk>) -> Option<SimDisk> {
    if seen.iter().any(|other| other.holds_the_same_as(&image)) {
        return None;
    }
    // A copy: the image is written to.
    seen.push(image.image_with(0, Unsynced::Kept));
    Some(image)
}

/// Opens the hub of an image, and compares it. Also returns how many operations the opening took.
pub fn check_image(
    plan: Plan,
    image: &SimDisk,
    ledger: &Ledger,
    clock: &ManualClock,
    cut: u64,
    strict: bool,
    use_further: bool,
) -> (Findings, u64) {
    let clock = later(clock);
    let mount = Mount::new(image);
    // The image's hub has no bug: what is looked for is in the image.
    let plan = Plan { bug: None, ..plan };
    let house = match House::open(plan, Arc::new(mount.clone()), &clock) {
        Ok(house) => house,
        Err(error) => return (vec![(Wrong::Refused, error.to_string())], 0),
    };
    let opened = image.operation_count();
    clock.advance(Duration::from_secs(24 * 3600));
    let mut findings = verify(&house, ledger, cut, strict);
    if use_further && let Err(error) = check_usable(plan, house, &mount, image, &clock, &mut findings) {
        findings.push((Wrong::Refused, format!("used further: {error}")));
    }
    mount.kill();
    (findings, opened)
}

/// A clock of its own that stands where another does.
pub fn later(clock: &ManualClock) -> ManualClock {
    let own = ManualClock::new();
    own.advance(Duration::from_nanos(clock.now_ns() - own.now_ns()));
    own
}

/// A recovered hub goes on like any other: ids grow, everything can be settled, and stays so.
fn check_usable(
    plan: Plan,
    house: House,
    mount: &Mount,
    image: &SimDisk,
    clock: &ManualClock,
    findings: &mut Findings,
) -> Result<()> {
    for queue in [JOBS, MAIL, DEAD] {
        let before = house.queue(queue).peek(0, 65_536)?.last().map(|last| last.id());
        let sent = house.queue(queue).send(Message::new(b"after the crash"))?;
        if before >= Some(sent) {
            findings.push((Wrong::Order, format!("{queue} gave id {sent} after {before:?}")));
        }
        // Until there is none: one on its last chance comes alone.
        while let Some(delivery) = house.queue(queue).try_receive()? {
            delivery.ack()?;
        }
    }
    mount.kill();
    drop(house);
    let house = House::open(plan, Arc::new(Mount::new(image)), clock)?;
    clock.advance(Duration::from_secs(24 * 3600));
    for queue in [JOBS, MAIL, DEAD] {
        let left = house.queue(queue).stats()?;
        if (left.ready, left.scheduled, left.leased) != (0, 0, 0) {
            findings.push((Wrong::Lost, format!("acks of {queue} in {DIRECTORY}: {left:?}")));
        }
    }
    house.hub.close(Duration::from_secs(60))
}
