//! What a hub that was opened after a power cut must and may hold.

use crate::house::{DEAD, GROUP, House, JOBS, MAIL, PARTITIONS, failures_max};
use crate::ledger::{Ledger, Task, certain, possible, serial};
use ringmain::{Delivery, Result, Start};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// The hub does not open, or a verb fails.
    Refused,
    /// Something acknowledged is not there.
    Lost,
    /// Something is there that never was.
    Invented,
    /// One message is there twice.
    Twice,
    /// Not in its order, or with a gap.
    Order,
    /// A batch is there in part.
    Batch,
    /// A counter that cannot be.
    Counter,
}

pub type Findings = Vec<(Wrong, String)>;

/// A waiting message as it was found.
struct Seen {
    id: u64,
    attempts: u64,
    failures: u64,
}

/// Compares an open hub with the ledger as it stood at the cut. Everything in it is leased by this. `strict`: the cut must
/// have lost nothing that was acknowledged.
pub fn verify(house: &House, ledger: &Ledger, cut: u64, strict: bool) -> Findings {
    let mut wrong = Findings::new();
    if let Err(error) = check_tasks(house, ledger, cut, strict, &mut wrong) {
        wrong.push((Wrong::Refused, format!("a queue: {error}")));
    }
    if let Err(error) = check_events(house, ledger, cut, strict, &mut wrong) {
        wrong.push((Wrong::Refused, format!("the stream: {error}")));
    }
    wrong
}

fn drain(house: &House, queue: &str) -> Result<Vec<Delivery>> {
    let mut all = Vec::new();
    loop {
        let taken = house.queue(queue).receive_batch(1000, Duration::ZERO)?;
        if taken.is_empty() {
            return Ok(all);
        }
        all.extend(taken);
    }
}

fn check_tasks(house: &House, ledger: &Ledger, cut: u64, strict: bool, wrong: &mut Findings) -> Result<()> {
    let mut waiting: BTreeMap<usize, Seen> = BTreeMap::new();
    // Dropping one would release it, and the queue would hand it out again.
    let mut kept = Vec::new();
    for queue in [JOBS, MAIL] {
        let mut last = None;
        let mut found = drain(house, queue)?;
        found.sort_unstable_by_key(Delivery::id);
        for delivery in found {
            let Some((serial, task)) = known(ledger, delivery.value()).filter(|(_, t)| t.queue == queue)
            else {
                wrong.push((Wrong::Invented, format!("message {} of {queue}", delivery.id())));
                continue;
            };
            if Some((delivery.id(), serial)) <= last {
                wrong.push((Wrong::Order, format!("task {serial} of {queue} after {last:?}")));
            }
            last = Some((delivery.id(), serial));
            if task.id.is_some_and(|id| id != delivery.id()) {
                wrong.push((Wrong::Order, format!("task {serial} has id {}", delivery.id())));
            }
            let seen = Seen {
                id: delivery.id(),
                attempts: u64::from(delivery.attempts()) - 1,
                failures: u64::from(delivery.failures()),
            };
            if waiting.insert(serial, seen).is_some() {
                wrong.push((Wrong::Twice, format!("task {serial} waits twice")));
            }
            kept.push(delivery);
        }
    }
    let letters = letters(house, ledger, wrong)?;
    for (serial, task) in ledger.tasks.iter().enumerate() {
        let (seen, letters) = (waiting.get(&serial), letters.get(&serial).copied().unwrap_or(0));
        check_task(serial, task, seen, letters, cut, strict, wrong);
    }
    check_batches(
        ledger,
        cut,
        |serial| waiting.contains_key(&serial) || letters.contains_key(&serial),
        wrong,
    );
    Ok(())
}

fn known<'a>(ledger: &'a Ledger, value: &[u8]) -> Option<(usize, &'a Task)> {
    let serial = serial(value)?;
    let task = ledger.tasks.get(serial)?;
    (task.value == value).then_some((serial, task))
}

/// How many dead letters each task has.
fn letters(house: &House, ledger: &Ledger, wrong: &mut Findings) -> Result<BTreeMap<usize, u64>> {
    let mut letters = BTreeMap::new();
    for letter in &drain(house, DEAD)? {
        let header = |name| letter.header(name).map(String::from_utf8_lossy);
        let Some((serial, task)) = known(ledger, letter.value()).filter(|(_, t)| t.queue == JOBS) else {
            wrong.push((Wrong::Invented, format!("dead letter {}", letter.id())));
            continue;
        };
        let id = header("rm-dead-id").and_then(|id| id.parse().ok());
        if header("rm-dead-queue").as_deref() != Some(JOBS) || task.id.is_some_and(|known| id != Some(known))
        {
            wrong.push((Wrong::Counter, format!("dead letter of task {serial}: id {id:?}")));
        }
        let failures = header("rm-failures").and_then(|failures| failures.parse::<u64>().ok());
        let fits = match header("rm-dead-reason").as_deref() {
            Some("failed") => failures == Some(failures_max(JOBS)),
            Some("rejected") => failures < Some(failures_max(JOBS)) && !task.rejected.is_empty(),
            _ => false,
        };
        if !fits {
            wrong.push((Wrong::Counter, format!("dead letter of task {serial}: {failures:?} failures")));
        }
        *letters.entry(serial).or_insert(0) += 1;
    }
    Ok(letters)
}

fn check_task(
    serial: usize,
    task: &Task,
    seen: Option<&Seen>,
    letters: u64,
    cut: u64,
    strict: bool,
    wrong: &mut Findings,
) {
    let leases = possible(&task.leased, cut);
    let failures = certain(&task.failed, cut);
    // The lease that may have been out counts as a failure when the hub is opened.
    let failures_most = possible(&task.failed, cut) + u64::from(leases > 0);
    let max = failures_max(task.queue);
    let may_be_dead = failures_most >= max || possible(&task.rejected, cut) > 0;
    let must_be_dead = failures >= max || certain(&task.rejected, cut) > 0;
    let may_be_acked = possible(&task.acked, cut) > 0;
    let found = letters + u64::from(seen.is_some());
    let id = task.id;
    if found > 0 && !task.sent.possible(cut) {
        wrong.push((Wrong::Invented, format!("task {serial} {id:?} was not sent yet")));
    }
    if found > 1 {
        wrong.push((
            Wrong::Twice,
            format!("task {serial} {id:?} has {letters} letters, waits: {}", found > letters),
        ));
    }
    if letters > 0 && !may_be_dead {
        wrong.push((Wrong::Invented, format!("task {serial} {id:?} has a letter and had not died")));
    }
    if strict {
        let gone =
            may_be_acked || possible(&task.letter_acked, cut) > 0 || (task.queue == MAIL && may_be_dead);
        if found == 0 && task.sent.certain(cut) && !gone {
            wrong.push((Wrong::Lost, format!("task {serial} {id:?} of {}", task.queue)));
        }
        if seen.is_some() && must_be_dead {
            wrong.push((Wrong::Lost, format!("the death of task {serial} {id:?}")));
        }
        if found > 0 && certain(&task.acked, cut) > 0 {
            wrong.push((Wrong::Lost, format!("the ack of task {serial} {id:?}")));
        }
        if letters > 0 && certain(&task.letter_acked, cut) > 0 {
            wrong.push((Wrong::Lost, format!("the ack of the letter of task {serial} {id:?}")));
        }
    }
    if let Some(seen) = seen {
        let fits = (!strict || seen.failures >= failures) && seen.failures <= failures_most;
        if !fits || seen.attempts > leases {
            let (id, attempts, counted) = (seen.id, seen.attempts, seen.failures);
            let detail = format!(
                "task {serial} id {id}: {attempts} attempts of {leases}, {counted} failures, not {failures} to {failures_most}"
            );
            wrong.push((Wrong::Counter, detail));
        }
    }
}

/// Of an atomic send that was interrupted, all is there or nothing.
fn check_batches(ledger: &Ledger, cut: u64, is_there: impl Fn(usize) -> bool, wrong: &mut Findings) {
    for (serial, task) in ledger.tasks.iter().enumerate() {
        let untouched = possible(&task.leased, cut) == 0;
        let first = task.batch as usize;
        if untouched && possible(&ledger.tasks[first].leased, cut) == 0 && is_there(serial) != is_there(first)
        {
            wrong.push((Wrong::Batch, format!("task {serial} and {first} of one batch")));
        }
    }
}

fn check_events(house: &House, ledger: &Ledger, cut: u64, strict: bool, wrong: &mut Findings) -> Result<()> {
    let mut there = vec![false; ledger.events.len()];
    for partition in 0..PARTITIONS {
        let mut last = None;
        let mut end = 0;
        for record in house.events.partition_reader(partition, Start::Earliest)? {
            let record = record?;
            let place = (partition, record.offset());
            let known = serial(record.value()).and_then(|serial| Some((serial, ledger.events.get(serial)?)));
            let Some((serial, event)) = known.filter(|(_, event)| event.value == record.value()) else {
                wrong.push((Wrong::Invented, format!("record {place:?}")));
                continue;
            };
            if !event.appended.possible(cut) {
                wrong.push((Wrong::Invented, format!("record {place:?} was not appended yet")));
            }
            let misplaced = event.position.is_some_and(|position| position != place);
            if record.offset() != end || Some(serial) <= last || misplaced {
                wrong.push((Wrong::Order, format!("event {serial} at {place:?}, expected offset {end}")));
            }
            (last, end, there[serial]) = (Some(serial), record.offset() + 1, true);
        }
        check_commits(house, ledger, partition, end, cut, strict, wrong)?;
    }
    for (serial, event) in ledger.events.iter().enumerate() {
        if strict && event.appended.certain(cut) && !there[serial] {
            wrong.push((Wrong::Lost, format!("event {serial} at {:?}", event.position)));
        }
        if there[serial] != there[event.batch as usize] {
            wrong.push((Wrong::Batch, format!("event {serial} and {} of one batch", event.batch)));
        }
    }
    Ok(())
}

fn check_commits(
    house: &House,
    ledger: &Ledger,
    partition: u32,
    end: u64,
    cut: u64,
    strict: bool,
    wrong: &mut Findings,
) -> Result<()> {
    let found = house.events.group(GROUP).committed()?[partition as usize];
    let (least, all) = ledger.committed(partition, cut);
    if strict && found < least {
        wrong.push((Wrong::Lost, format!("commit {least:?} of partition {partition}, found {found:?}")));
    }
    if found.is_some_and(|found| !all.contains(&found) || (strict && found > end)) {
        wrong.push((
            Wrong::Invented,
            format!("commit {found:?} of partition {partition}, which ends at {end}"),
        ));
    }
    Ok(())
}
