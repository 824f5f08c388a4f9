//! Tasks with options: priorities, ordering keys, deduplication keys, delays, deadlines, a capacity, dead letters that go back.
//! Whatever the power cut leaves, each of them is in one place, and what time does to it is done once.

use crate::dice::Dice;
use crate::house::{DEAD, DIRECTORY, JOBS, JOURNAL_BYTES_MAX, LEASE};
use crate::ledger::{Span, certain, possible, serial, value};
use crate::sweep::{Report, later};
use crate::verify::{Findings, Wrong};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Capacity, Clock, Dedup, DedupMode, Delivery, Error, Hub, Jitter, Letters, ManualClock, Message, OnBreach,
    OnExhausted, Overflow, Peeked, Queue, Redrive, Result, Retry, SeededBug,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const LATE: &str = "late";
const VERBS: u64 = 150;
const FAILURES_MAX: u32 = 3;
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const ALL: usize = 65_536;

/// What a queue of one seed does with what is late, and with what is too much.
fn actions(seed: u64) -> (OnBreach, Option<Capacity>) {
    let on_breach = match seed % 4 {
        0 => OnBreach::EscalateTo(LATE.into()),
        1 => OnBreach::MoveTo(LATE.into()),
        2 => OnBreach::Dead,
        _ => OnBreach::Cancel,
    };
    let overflow = match seed / 4 % 3 {
        0 => return (on_breach, None),
        1 => Overflow::DeadLetterOldest,
        _ => Overflow::DropLowestPriority,
    };
    (on_breach, Some(Capacity { messages: Some(12), overflow, ..Capacity::default() }))
}

struct House {
    hub: Hub,
    jobs: Queue,
    dead: Queue,
    late: Queue,
}

fn open(disk: &SimDisk, clock: &ManualClock, seed: u64, bug: Option<SeededBug>) -> Result<House> {
    let mut builder = Hub::builder()
        .storage(Arc::new(disk.clone()))
        .clock(Clock::Manual(clock.clone()))
        .journal_bytes_max(JOURNAL_BYTES_MAX);
    if let Some(bug) = bug {
        builder = builder.seeded_bug(bug);
    }
    let hub = builder.open(DIRECTORY)?;
    let (on_breach, capacity) = actions(seed);
    let retry = Retry { base: Duration::from_secs(1), jitter: Jitter::None, ..Retry::default() };
    let jobs = hub
        .queue(JOBS)
        .lease(LEASE)
        .retry(retry)
        .max_failures(FAILURES_MAX)
        .dead_letter(DEAD)
        .on_breach(on_breach)
        .dedup(Dedup { mode: DedupMode::UntilDone, ..Dedup::default() });
    let jobs = match capacity {
        Some(capacity) => jobs.capacity(capacity),
        None => jobs,
    };
    let jobs = jobs.open()?;
    let kept = |name| hub.queue(name).on_exhausted(OnExhausted::Keep).open();
    let (dead, late) = (kept(DEAD)?, kept(LATE)?);
    Ok(House { hub, jobs, dead, late })
}

/// A message. Its serial is in its value.
#[derive(Debug)]
struct Task {
    sent: Span,
    id: u64,
    ordering_key: Option<usize>,
    dedup_key: Option<usize>,
    /// `u64::MAX`: none.
    complete_by_ns: u64,
    failed: Vec<Span>,
    /// It was acked, cancelled, or its letter was.
    gone: Vec<Span>,
    redriven: Vec<Span>,
}

struct Workload {
    disk: SimDisk,
    clock: ManualClock,
    dice: Dice,
    seed: u64,
    house: House,
    held: Vec<(usize, Delivery)>,
    tasks: Vec<Task>,
}

impl Workload {
    fn run(seed: u64) -> Result<Self> {
        let (disk, clock) = (SimDisk::new(), ManualClock::new());
        let house = open(&disk, &clock, seed, None)?;
        let (held, tasks) = (Vec::new(), Vec::new());
        let mut workload = Self { disk, clock, dice: Dice::new(seed), seed, house, held, tasks };
        (0..VERBS).try_for_each(|_| workload.step())?;
        Ok(workload)
    }

    fn step(&mut self) -> Result<()> {
        match self.dice.below(100) {
            0..30 => self.send(),
            30..50 => self.receive(),
            50..64 => self.settle(),
            64..72 => self.cancel_or_reschedule(),
            72..86 => {
                let ms = if self.dice.once_in(6) { 31_000 } else { self.dice.below(3000) };
                self.clock.advance(Duration::from_millis(ms));
                Ok(())
            }
            86..91 => self.redrive(),
            91..97 => self.ack_letter(),
            _ => {
                self.held.clear();
                self.house.hub.close(Duration::MAX)?;
                self.house = open(&self.disk, &self.clock, self.seed, None)?;
                Ok(())
            }
        }
    }

    fn since(&self, from: u64) -> Span {
        Span { from, by: self.disk.operation_count() }
    }

    fn send(&mut self) -> Result<()> {
        let serial = self.tasks.len() as u64;
        let bytes = value(serial, self.dice.below(700) as usize);
        let ordering_key = self.dice.once_in(3).then(|| self.dice.below(4) as usize);
        let dedup_key = self.dice.once_in(4).then(|| self.dice.below(4) as usize);
        let mut message = Message::new(&bytes).priority(3 + self.dice.below(3) as u8);
        if let Some(key) = ordering_key {
            message = message.ordering_key(KEYS[key]);
        }
        if let Some(key) = dedup_key {
            message = message.dedup_key(KEYS[key]);
        }
        if self.dice.once_in(5) {
            message = message.delay(Duration::from_millis(self.dice.below(4000)));
        }
        let mut complete_by_ns = u64::MAX;
        if self.dice.once_in(3) {
            complete_by_ns = self.clock.now_ns() + self.dice.below(40_000) * 1_000_000 + 1_000_000;
            message = message.complete_by(complete_by_ns);
        }
        let from = self.disk.operation_count();
        let sent = match self.house.jobs.send_unique(message) {
            Ok(sent) if sent.is_duplicate => None,
            Ok(sent) => Some(sent.id),
            Err(Error::Full { .. }) => None,
            Err(error) => return Err(error),
        };
        // What was refused is never there.
        let span = if sent.is_some() { self.since(from) } else { Span { from: u64::MAX, by: u64::MAX } };
        let (failed, gone, redriven) = (vec![], vec![], vec![]);
        let id = sent.unwrap_or(u64::MAX);
        let task = Task { sent: span, id, ordering_key, dedup_key, complete_by_ns, failed, gone, redriven };
        self.tasks.push(task);
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        for delivery in self.house.jobs.receive_batch(1 + self.dice.below(4) as usize, Duration::ZERO)? {
            self.held.push((serial(delivery.value()).expect("it has a serial"), delivery));
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let (serial, delivery) = self.held.swap_remove(self.dice.below(self.held.len() as u64) as usize);
        let from = self.disk.operation_count();
        let verb = self.dice.below(10);
        let settled = match verb {
            0..5 => delivery.ack(),
            5..8 => delivery.fail("no luck"),
            8 => delivery.release(),
            _ => delivery.defer(),
        };
        let span = self.since(from);
        let task = &mut self.tasks[serial];
        match settled {
            Ok(()) if verb < 5 => task.gone.push(span),
            Ok(()) if verb < 8 => task.failed.push(span),
            Ok(()) | Err(Error::LeaseLost { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn cancel_or_reschedule(&mut self) -> Result<()> {
        let waiting = self.house.jobs.peek(0, ALL)?;
        let Some(message) = waiting.get(self.dice.below(waiting.len() as u64) as usize) else {
            return Ok(());
        };
        let from = self.disk.operation_count();
        if self.dice.once_in(2) {
            self.house.jobs.reschedule(message.id(), Duration::from_millis(self.dice.below(3000)))?;
        } else if self.house.jobs.cancel(message.id())? {
            let span = self.since(from);
            self.tasks[serial(message.value()).expect("it has a serial")].gone.push(span);
        }
        Ok(())
    }

    fn redrive(&mut self) -> Result<()> {
        let letters = self.house.dead.peek(0, ALL)?;
        let from = self.disk.operation_count();
        self.house.dead.dead_letters().redrive(&Letters::all(), &Redrive::default())?;
        let span = self.since(from);
        for letter in letters {
            self.tasks[serial(letter.value()).expect("it has a serial")].redriven.push(span);
        }
        Ok(())
    }

    fn ack_letter(&mut self) -> Result<()> {
        let from = self.disk.operation_count();
        if let Some(letter) = self.house.dead.try_receive()? {
            letter.ack()?;
            let span = self.since(from);
            self.tasks[serial(letter.value()).expect("it has a serial")].gone.push(span);
        }
        Ok(())
    }
}

/// Where a message was found.
#[derive(Debug, Default)]
struct Found {
    waits: Vec<(u64, u32)>,
    letters: usize,
    late: usize,
}

fn found_in(house: &House, count: usize, wrong: &mut Findings) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = std::iter::repeat_with(Found::default).take(count).collect();
    let mut each = |queue: &Queue, add: &dyn Fn(&mut Found, &Peeked)| -> Result<()> {
        for message in queue.peek(0, ALL)? {
            match serial(message.value()).and_then(|serial| found.get_mut(serial)) {
                Some(found) => add(found, &message),
                None => {
                    wrong.push((Wrong::Invented, format!("message {} of {}", message.id(), queue.name())))
                }
            }
        }
        Ok(())
    };
    each(&house.jobs, &|found, message| found.waits.push((message.id(), message.failures())))?;
    each(&house.dead, &|found, _| found.letters += 1)?;
    each(&house.late, &|found, _| found.late += 1)?;
    Ok(found)
}

/// Compares an image, opened at the time at which the workload ended, with what was done until the cut.
fn verify(house: &House, workload: &Workload, cut: u64) -> Result<Findings> {
    let mut wrong = Findings::new();
    let (on_breach, capacity) = actions(workload.seed);
    let all = found_in(house, workload.tasks.len(), &mut wrong)?;
    let may_drop = capacity.is_some_and(|capacity| capacity.overflow == Overflow::DropLowestPriority);
    for (serial, (task, found)) in workload.tasks.iter().zip(&all).enumerate() {
        let mut say =
            |what, detail: &str| wrong.push((what, format!("{detail}: task {serial}, {found:?}, {task:?}")));
        let is_late = task.complete_by_ns <= workload.clock.now_ns();
        let (waits, moved) = match on_breach {
            OnBreach::MoveTo(_) => (found.waits.len(), found.late),
            _ => (found.waits.len(), 0),
        };
        let there = waits + found.letters + moved;
        if there + found.late > 0 && !task.sent.possible(cut) {
            say(Wrong::Invented, "it was not sent yet, or refused");
        }
        if there > 1 || found.late > 1 {
            say(Wrong::Twice, "it is in several places");
        }
        if there > 0 && certain(&task.gone, cut) > 0 {
            say(Wrong::Lost, "it was acked or cancelled, and is back");
        }
        let cancelled = is_late && on_breach == OnBreach::Cancel;
        let may_be_gone = possible(&task.gone, cut) > 0 || may_drop || cancelled;
        if there == 0 && task.sent.certain(cut) && !may_be_gone {
            say(Wrong::Lost, "it is nowhere");
        }
        if found.waits.iter().any(|(_, failures)| *failures >= FAILURES_MAX) {
            say(Wrong::Counter, "its letter went back, and kept its failures");
        }
        let was_redriven = possible(&task.redriven, cut) > 0;
        if let Some((id, failures)) = found.waits.first().filter(|_| !was_redriven) {
            if *id != task.id {
                say(Wrong::Order, "its id is another one");
            }
            // A letter that goes back has no deadline any more; this one missed its own, at the latest when it was opened.
            let copies = usize::from(matches!(on_breach, OnBreach::EscalateTo(_)));
            if is_late && (copies == 0 || found.late != copies) {
                say(Wrong::Lost, "it missed its deadline, and nothing came of that");
            }
            if u64::from(*failures) < certain(&task.failed, cut) {
                say(Wrong::Counter, "it failed more often");
            }
        }
    }
    check_keys(house, workload, &all, cut, &mut wrong)?;
    check_order(house, workload, &mut wrong)?;
    Ok(wrong)
}

/// A deduplication key is remembered exactly as long as its message is there, wherever letters went meanwhile.
fn check_keys(
    house: &House,
    workload: &Workload,
    all: &[Found],
    cut: u64,
    wrong: &mut Findings,
) -> Result<()> {
    let mut holders: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (task, found) in workload.tasks.iter().zip(all) {
        if let (Some(key), Some((id, _))) = (task.dedup_key, found.waits.first())
            && possible(&task.redriven, cut) == 0
        {
            holders.entry(key).or_default().push(*id);
        }
    }
    for (key, name) in KEYS.iter().enumerate() {
        // What was sent again may have taken the place of one of them.
        let mut holders = holders.remove(&key).unwrap_or_default();
        let there: BTreeSet<u64> = house.jobs.peek(0, ALL)?.iter().map(Peeked::id).collect();
        holders.retain(|id| there.contains(id));
        let sent = match house.jobs.send_unique(Message::new("again").dedup_key(name)) {
            Ok(sent) => sent,
            // It may not drop what is more urgent.
            Err(Error::Full { .. }) if holders.is_empty() => continue,
            Err(error) => return Err(error),
        };
        let fits = match holders[..] {
            [] => !sent.is_duplicate,
            [id] => sent.is_duplicate && sent.id == id,
            _ => false,
        };
        if !fits {
            wrong.push((Wrong::Twice, format!("key {name} of {holders:?} was sent again: {sent:?}")));
        }
    }
    Ok(())
}

/// Of one ordering key one message is out at a time.
fn check_order(house: &House, workload: &Workload, wrong: &mut Findings) -> Result<()> {
    let mut keys = BTreeSet::new();
    // One on its last chance comes alone.
    let mut held = Vec::new();
    while let Some(delivery) = house.jobs.try_receive()? {
        let task = serial(delivery.value()).and_then(|serial| workload.tasks.get(serial));
        if let Some(key) = task.and_then(|task| task.ordering_key)
            && !keys.insert(key)
        {
            wrong.push((Wrong::Order, format!("two messages of ordering key {} are out", KEYS[key])));
        }
        held.push(delivery);
    }
    Ok(())
}

/// Cuts the power at each operation of a workload.
fn sweep(seed: u64, bug: Option<SeededBug>) -> Report {
    let workload = Workload::run(seed).expect("a sound disk");
    let mut report = Report { tasks: workload.tasks.len(), ..Report::default() };
    for cut in 0..=workload.disk.operation_count() {
        report.cuts += 1;
        for unsynced in [Unsynced::Kept, Unsynced::Dropped, Unsynced::Seeded(cut)] {
            report.images += 1;
            let (image, clock) = (workload.disk.image_with(cut, unsynced), later(&workload.clock));
            let findings = open(&image, &clock, seed, bug).and_then(|house| verify(&house, &workload, cut));
            let findings = findings.unwrap_or_else(|error| vec![(Wrong::Refused, error.to_string())]);
            report.take(findings, || format!("seed {seed} cut {cut} {unsynced:?}"));
        }
    }
    report
}

#[test]
fn a_power_cut_at_any_operation_leaves_each_task_with_options_in_one_place() {
    let report = crate::sweep_all_with(3 * crate::workload_count(), |seed| sweep(seed, None));
    println!("power cuts: with options, {report}");
    report.assert_clean();
}

#[test]
fn what_is_carried_to_another_queue_a_second_time_after_a_crash_is_caught() {
    for seed in [0, 2] {
        let report = sweep(seed, Some(SeededBug::CarriedAgain));
        println!("planted CarriedAgain: {report}");
        assert!(
            report.wrong.contains_key(&Wrong::Twice),
            "the gate is blind to copies and letters that are written twice"
        );
    }
}
