//! A log that takes in more than its journal should hold: it is streamed to its files, and the journal has the rest.

use crate::dice::Dice;
use crate::house::{DIRECTORY, JOURNAL_BYTES_MAX};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Durability, Hub, ManualClock, Message, Result, SeededBug, Start};
use std::sync::Arc;
use std::time::Duration;

const RECORDS: u64 = 400;
const SEEDS: u64 = 4;

fn value(number: u64, bytes: usize) -> Vec<u8> {
    let mut value = number.to_le_bytes().to_vec();
    value.resize(8 + bytes, number as u8);
    value
}

fn open(disk: &SimDisk, clock: &ManualClock, bug: Option<SeededBug>) -> Result<Hub> {
    let mut builder = Hub::builder()
        .storage(Arc::new(disk.clone()))
        .clock(Clock::Manual(clock.clone()))
        .durability(Durability::Relaxed)
        .journal_bytes_max(JOURNAL_BYTES_MAX)
        .streaming_bytes_min(4 << 10);
    if let Some(bug) = bug {
        builder = builder.seeded_bug(bug);
    }
    builder.open(DIRECTORY)
}

/// Appends, now and then made durable: after how many operations of the disk how many records were.
fn write(disk: &SimDisk, seed: u64, bug: Option<SeededBug>) -> Result<Vec<(u64, u64)>> {
    let (clock, mut dice) = (ManualClock::new(), Dice::new(seed));
    let hub = open(disk, &clock, bug)?;
    let stream = hub.stream("events").open()?;
    let mut durable = vec![(0, 0)];
    for number in 0..RECORDS {
        let most = if dice.once_in(10) { 9000 } else { 700 };
        stream.append(Message::new(&value(number, dice.below(most) as usize)))?;
        if dice.once_in(12) {
            clock.advance(Duration::from_millis(150));
        }
        if dice.once_in(8) {
            hub.flush()?;
            durable.push((disk.operation_count(), number + 1));
        }
    }
    Ok(durable)
}

/// How many records an image has, each the one that was appended there.
fn count(image: &SimDisk) -> Result<u64> {
    let hub = open(image, &ManualClock::new(), None)?;
    let mut count = 0;
    for record in hub.stream("events").open()?.reader(Start::Earliest)? {
        let record = record?;
        let number = record.value().first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
        assert_eq!((number, record.offset()), (count, count), "records have changed their places");
        count += 1;
    }
    Ok(count)
}

/// Cuts the power at every operation. Returns how many images there were, and what was found in those that are wrong.
fn sweep(seed: u64, bug: Option<SeededBug>) -> (u64, Vec<String>) {
    let disk = SimDisk::new();
    let durable = match write(&disk, seed, bug) {
        Ok(durable) => durable,
        Err(error) => return (0, vec![error.to_string()]),
    };
    let (mut images, mut wrong) = (0, Vec::new());
    for cut in 0..=disk.operation_count() {
        let promised = durable.iter().take_while(|(by, _)| *by <= cut).last().map_or(0, |(_, count)| *count);
        let fates = [Unsynced::Kept, Unsynced::Dropped].into_iter();
        for unsynced in fates.chain((0..SEEDS).map(Unsynced::Seeded)) {
            images += 1;
            match count(&disk.image_with(cut, unsynced)) {
                Ok(found) if found >= promised => {}
                Ok(found) => wrong.push(format!("seed {seed} cut {cut} {unsynced:?}: {found} of {promised}")),
                Err(error) => wrong.push(format!("seed {seed} cut {cut} {unsynced:?}: {error}")),
            }
        }
    }
    (images, wrong)
}

#[test]
fn a_power_cut_while_a_log_is_streamed_loses_nothing_that_was_flushed() {
    let mut images = 0;
    for seed in 0..3 {
        let (count, wrong) = sweep(seed, None);
        assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong[..wrong.len().min(9)].join("\n"));
        images += count;
    }
    println!("streamed: {images} images");
}

#[test]
fn a_durable_mark_that_is_ahead_of_what_was_streamed_is_caught() {
    let found = std::panic::catch_unwind(|| sweep(0, Some(SeededBug::StreamedAhead)).1);
    assert!(found.map_or(true, |wrong| !wrong.is_empty()), "the gate is blind to a mark ahead of the data");
}
