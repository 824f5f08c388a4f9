//! A producer that retries, a group that is done with records out of order, a stream that is kept until it was read and gets more
//! partitions: whatever the power cut leaves, every message is there once or was done, and nothing that is done comes again.

use crate::dice::Dice;
use crate::house::{DIRECTORY, GROUP, JOURNAL_BYTES_MAX};
use crate::ledger::Span;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Hub, ManualClock, Member, Message, Record, Result, Stream};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const VERBS: u64 = 60;
const PRODUCER: &str = "import";

fn open(disk: &SimDisk, clock: &ManualClock, partitions: Option<u32>) -> Result<(Hub, Stream)> {
    let hub = Hub::builder()
        .storage(Arc::new(disk.clone()))
        .clock(Clock::Manual(clock.clone()))
        .journal_bytes_max(JOURNAL_BYTES_MAX)
        .open(DIRECTORY)?;
    let stream = grown(&hub, partitions)?;
    Ok((hub, stream))
}

fn grown(hub: &Hub, partitions: Option<u32>) -> Result<Stream> {
    let builder = hub.stream("events").until_read(true).count_max(100_000).force_growth();
    match partitions {
        Some(count) => builder.partitions(count).open(),
        None => builder.open(),
    }
}

fn sequence(value: &[u8]) -> u64 {
    value.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}

/// What was done, and between which operations of the disk.
#[derive(Debug, Default)]
struct Ledger {
    /// Messages before a sequence were produced.
    produced: Vec<(u64, Span)>,
    /// A message was done.
    done: Vec<(u64, Span)>,
    partitions: Vec<(u32, Span)>,
}

fn produce(stream: &Stream, first: u64, count: u64, bytes: usize) -> Result<bool> {
    let value = |sequence: u64| [&sequence.to_le_bytes()[..], &vec![sequence as u8; bytes]].concat();
    let values: Vec<_> =
        (first..first + count).map(|sequence| (sequence.to_string(), value(sequence))).collect();
    let messages: Vec<_> = values.iter().map(|(key, value)| Message::new(value).key(key)).collect();
    Ok(stream.producer(PRODUCER)?.append(first, &messages)?.duplicate)
}

fn write(disk: &SimDisk, seed: u64) -> Result<Ledger> {
    let (clock, mut dice, mut ledger) = (ManualClock::new(), Dice::new(seed), Ledger::default());
    let from = disk.operation_count();
    let (hub, mut stream) = open(disk, &clock, Some(2))?;
    let span = |from| Span { from, by: disk.operation_count() };
    ledger.partitions.push((2, span(from)));
    let (mut next, mut partitions) = (0, 2);
    let mut member = stream.group(GROUP).join()?;
    for _ in 0..VERBS {
        let from = disk.operation_count();
        match dice.below(10) {
            0..5 => {
                let back = dice.below(3).min(next);
                let count = back + 1 + dice.below(6);
                produce(&stream, next - back, count, dice.below(900) as usize)?;
                next = next - back + count;
                ledger.produced.push((next, span(from)));
            }
            5..8 => {
                let records = poll(&mut member, 1 + dice.below(8) as usize)?;
                let (done, _): (Vec<_>, Vec<_>) = records.iter().partition(|_| !dice.once_in(4));
                done.iter().try_for_each(|record| member.done(record))?;
                member.commit_done()?;
                ledger.done.extend(done.iter().map(|record| (sequence(record.value()), span(from))));
            }
            8 => {
                // What was left out comes again.
                drop(member);
                member = stream.group(GROUP).join()?;
                clock.advance(Duration::from_millis(1200));
            }
            _ if partitions < 5 && dice.once_in(3) => {
                partitions += 1;
                stream = grown(&hub, Some(partitions))?;
                ledger.partitions.push((partitions, span(from)));
            }
            _ => hub.flush()?,
        }
    }
    Ok(ledger)
}

/// What is removed because it was done is passed over, and no member is told that it has lost something.
fn poll(member: &mut Member, count: usize) -> Result<Vec<Record>> {
    member.poll(count, Duration::ZERO)
}

fn poll_all(member: &mut Member) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    loop {
        let records = poll(member, 100)?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records.iter().map(|record| sequence(record.value())));
    }
}

/// What is wrong with an image.
fn check(image: &SimDisk, ledger: &Ledger, cut: u64) -> Result<Option<String>> {
    let least = |all: &[(u64, Span)]| all.iter().filter(|(_, span)| span.certain(cut)).map(|(n, _)| *n).max();
    let most = |all: &[(u64, Span)]| all.iter().filter(|(_, span)| span.possible(cut)).map(|(n, _)| *n).max();
    let counts: Vec<(u64, Span)> =
        ledger.partitions.iter().map(|(count, span)| (u64::from(*count), *span)).collect();
    let (_hub, stream) = open(image, &ManualClock::new(), None)?;
    let count = u64::from(stream.partitions());
    // Before the stream is there, opening makes it with one.
    if least(&counts).is_some_and(|least| count < least) || count > most(&counts).unwrap_or(1).max(1) {
        return Ok(Some(format!("{count} partitions")));
    }
    let next = stream.producer(PRODUCER)?.next_sequence()?;
    if next < least(&ledger.produced).unwrap_or(0) || next > most(&ledger.produced).unwrap_or(0) {
        return Ok(Some(format!("the producer goes on at {next}")));
    }
    // A call that was cut, too: what is missing of it is added, what is there is not.
    let first = next.saturating_sub(2);
    let until = most(&ledger.produced).unwrap_or(0).max(next + 1);
    produce(&stream, first, until - first, 10)?;
    if !produce(&stream, first, until - first, 10)? {
        return Ok(Some(format!("{first}..{until} were appended twice")));
    }
    let again = poll_all(&mut stream.group(GROUP).join()?)?;
    let given: BTreeSet<u64> = again.iter().copied().collect();
    let done = |is_so: fn(Span, u64) -> bool| -> BTreeSet<u64> {
        ledger.done.iter().filter(|(_, span)| is_so(*span, cut)).map(|(sequence, _)| *sequence).collect()
    };
    let (surely, maybe) = (done(Span::certain), done(Span::possible));
    let lost: Vec<u64> = (0..until).filter(|n| !given.contains(n) && !maybe.contains(n)).collect();
    let replayed: Vec<&u64> = given.intersection(&surely).collect();
    let is_fine = given.len() == again.len() && lost.is_empty() && replayed.is_empty();
    let twice = again.len() - given.len();
    Ok((!is_fine).then(|| format!("{twice} twice, lost {lost:?}, done and given again {replayed:?}")))
}

/// How many images there were, and what was wrong with them.
fn sweep(seed: u64) -> (u64, Vec<String>) {
    let disk = SimDisk::new();
    let ledger = write(&disk, seed).expect("a sound disk");
    let (mut images, mut wrong) = (0, Vec::new());
    for cut in 0..=disk.operation_count() {
        for unsynced in
            [Unsynced::Kept, Unsynced::Dropped, Unsynced::Seeded(cut), Unsynced::Seeded(cut + 7919)]
        {
            images += 1;
            let found = check(&disk.image_with(cut, unsynced), &ledger, cut);
            if let Some(found) = found.unwrap_or_else(|error| Some(error.to_string())) {
                wrong.push(format!("seed {seed} cut {cut} {unsynced:?}: {found}"));
            }
        }
    }
    (images, wrong)
}

#[test]
fn a_power_cut_at_any_operation_leaves_each_message_of_a_producer_once_and_nothing_done_comes_again() {
    let mut images = 0;
    for seed in 0..crate::workload_count() {
        let (count, wrong) = sweep(seed);
        assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong[..wrong.len().min(9)].join("\n"));
        images += count;
    }
    println!("producers and groups: {images} images");
}
