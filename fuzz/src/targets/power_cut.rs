//! A log of our own, cut off from power at any operation and damaged in a few bits: what was durable is there or its
//! damage is reported, and nothing is read that was not written.
//!
//! Input: operations. Damage is at most [`FLIP_COUNT_MAX`] bits in all, which no CRC-32C of a frame this short misses,
//! so that a fuzzer that is led by comparisons cannot forge a frame.

use crate::clock::ManualClock;
use crate::disk::{self, LOG_ID, Seen, read_all};
use crate::error::Error;
use crate::input::Input;
use crate::journal::Journal;
use crate::log::{Level, Log, Place};
use crate::storage::Storage;
use crate::storage::sim::{SimDisk, Unsynced};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const OPERATION_COUNT_MAX: u32 = 20;
const FLIP_COUNT_MAX: u32 = 3;

/// What is known of the log: everything written, and how much of it was durable when.
struct Model {
    records: Vec<Vec<u8>>,
    /// Where batches end: nothing is found up to anywhere else.
    ends: BTreeSet<usize>,
    /// Operations of the disk, and the records that were durable after them.
    durable: Vec<(u64, usize)>,
    flips: u32,
}

struct Scene {
    disk: SimDisk,
    log: Arc<Log>,
    journal: Arc<Journal>,
    model: Model,
}

pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let disk = disk::empty();
    let (log, _) = disk::open(&disk, "/log", LOG_ID).expect("an empty directory is an empty log");
    let journal = disk::journal(&ManualClock::new());
    let model = Model {
        records: Vec::new(),
        ends: BTreeSet::from([0]),
        durable: vec![(disk.operation_count(), 0)],
        flips: 0,
    };
    let mut scene = Scene { disk, log, journal, model };
    for _ in 0..OPERATION_COUNT_MAX {
        if input.is_over() || !scene.step(&mut input) {
            return;
        }
    }
    scene.reopen(0);
}

impl Scene {
    /// False: damage was reported, and there is nothing left to do.
    fn step(&mut self, input: &mut Input<'_>) -> bool {
        match input.u8() % 8 {
            0..=2 => {
                self.append(input);
                true
            }
            3 => {
                let end = self.log.claimed();
                self.commit(end);
                true
            }
            4 => self.reopen(0),
            5 | 6 => {
                let back = u64::from(input.u8());
                let seed = input.u8();
                self.cut(back, seed)
            }
            _ => {
                self.flip(input);
                self.reopen(0)
            }
        }
    }

    fn append(&mut self, input: &mut Input<'_>) {
        let (count, size) = (usize::from(input.u8() % 4) + 1, usize::from(input.u8()));
        // Every value is another one: a record in the wrong place is seen.
        let first = self.model.records.len();
        let value = |index: usize| {
            let mut value = vec![index as u8; size * size / 8];
            value.extend_from_slice(&(index as u64 ^ self.disk.operation_count() << 32).to_le_bytes());
            value
        };
        let values: Vec<_> = (first..first + count).map(value).collect();
        let drafts: Vec<_> = values.iter().map(|value| disk::data(value)).collect();
        let receipt = self.log.append(&drafts).expect("an open log takes records");
        assert_eq!(receipt.sequence, first as u64);
        self.model.records.extend(values);
        self.model.ends.insert(self.model.records.len());
        match input.u8() % 3 {
            0 => self.commit(receipt.end),
            1 => {}
            // What a killed process leaves: the next one finds it, and it is not durable.
            _ => {
                let written = self.journal.commit_to(&self.log, receipt.end, Level::Written);
                written.expect("a simulated disk does not fail");
            }
        }
    }

    fn commit(&mut self, end: Place) {
        self.journal.commit(&self.log, end).expect("a simulated disk does not fail");
        self.model.durable.push((self.disk.operation_count(), self.model.records.len()));
    }

    /// Power goes `back` operations ago.
    fn cut(&mut self, back: u64, seed: u8) -> bool {
        let started = self.model.durable.first().map_or(0, |(count, _)| *count);
        let at = self.disk.operation_count().saturating_sub(back).max(started);
        let unsynced = match seed {
            0 => Unsynced::Dropped,
            1 => Unsynced::Kept,
            seed => Unsynced::Seeded(seed.into()),
        };
        let durable = self
            .model
            .durable
            .iter()
            .rev()
            .find(|(count, _)| *count <= at)
            .map_or(0, |(_, records)| *records);
        self.disk = self.disk.image_with(at, unsynced);
        self.reopen(durable)
    }

    /// Opens the log again, where at least `durable` records must be found, and learns what became of it. False: it is
    /// reported damaged.
    fn reopen(&mut self, durable: usize) -> bool {
        let (log, _) = match disk::open(&self.disk, "/log", LOG_ID) {
            Ok(opened) => opened,
            Err(error) => return self.may_be_reported(&error),
        };
        let (found, error) = read_all(&log);
        for Seen { sequence, value, .. } in &found {
            let written = self.model.records.get(*sequence as usize);
            assert_eq!(Some(value), written, "record {sequence} is not what was written");
        }
        assert!(found.iter().map(|seen| seen.sequence).eq(0..found.len() as u64), "a record is missing");
        if let Some(error) = error {
            return self.may_be_reported(&error);
        }
        // Damage in the last commit looks like a torn tail.
        let lost = self.model.flips == 0 && found.len() < durable;
        assert!(!lost, "{} records were found, {durable} were durable", found.len());
        assert!(self.model.ends.contains(&found.len()), "{} records end within a batch", found.len());
        self.model.records.truncate(found.len());
        self.model.ends.retain(|end| *end <= found.len());
        self.model.durable = vec![(self.disk.operation_count(), found.len())];
        self.log = log;
        true
    }

    fn may_be_reported(&self, error: &Error) -> bool {
        assert!(self.model.flips > 0, "nothing was damaged: {error}");
        disk::assert_blames_the_files(error);
        false
    }

    fn flip(&mut self, input: &mut Input<'_>) {
        let (which, byte, bit) = (input.u8(), input.u16(), input.u8());
        let files = self.disk.list(Path::new("/log")).unwrap_or_default();
        if files.is_empty() || self.model.flips == FLIP_COUNT_MAX {
            return;
        }
        let path = &files[usize::from(which) % files.len()];
        let bytes = self.disk.open(path).and_then(|file| file.len()).unwrap_or_default();
        if self.disk.flip_bit(path, u64::from(byte) % bytes.max(1), bit).is_ok() {
            self.model.flips += 1;
        }
    }
}
