//! The commits of a stream's groups: whatever the frames of their log say, what is done is what they tell, and groups begin there or
//! are refused.
//! The producers that are saved there go on where it says, or are refused.
//!
//! Input: frames of the log of commits, each a kind, a key and a value; then what a group does.

use crate::clock::ManualClock;
use crate::disk::{self, LOG_ID};
use crate::error::{Error, Result};
use crate::input::Input;
use crate::journal::Journal;
use crate::log::{Draft, Kind};
use crate::message::Message;
use crate::name::Name;
use crate::storage::sim::SimDisk;
use crate::stream::{Group, Offsets, Shared, Stream, StreamOptions};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const COMMIT_COUNT_MAX: u8 = 32;
const PARTITION_COUNT: u64 = 2;
const RECORD_COUNT: u64 = 20;
/// Offsets that are looked at one by one.
const OFFSET_COUNT: u64 = 64;

type Committed = BTreeMap<String, BTreeMap<u32, Progress>>;

/// What a group has done of a partition: everything below an offset, and ranges.
#[derive(Debug, Clone, Default)]
struct Progress {
    next: u64,
    done: Vec<Range<u64>>,
}

impl Progress {
    fn is_done(&self, offset: u64) -> bool {
        offset < self.next || self.done.iter().any(|range| range.contains(&offset))
    }

    fn first_open(&self) -> u64 {
        let mut next = self.next;
        while let Some(range) = self.done.iter().find(|range| range.contains(&next)) {
            next = range.end;
        }
        next
    }
}

pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let disk = disk::empty();
    let journal = disk::journal(&ManualClock::new());
    let Some(mut model) = fill(&mut input, &disk, &journal) else {
        let (log, _) = disk::open(&disk, "/log", LOG_ID).expect("its frames are frames");
        let refused = Offsets::open(log, journal).expect_err("a commit that does not fit its frame");
        assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
        return;
    };
    assert_reads_as(&open(&disk, &journal), &model);
    let (stream, partitions) = (stream(&disk, &journal), PARTITION_COUNT as u32);
    recover_producers(&stream);
    for _ in 0..4 {
        let name = String::from_utf8_lossy(input.piece()).into_owned();
        if let Err(error) = poll_and_commit(&stream, &name, usize::from(input.u8()) + 1) {
            let refused = matches!(error, Error::OutOfRange { .. } | Error::InvalidName { .. });
            assert!(refused, "group {name:?}: {error:?}");
        }
        for partition in 0..partitions {
            let committed = model.get(&name).and_then(|committed| committed.get(&partition));
            let before = committed.map(Progress::first_open);
            let after = stream.offsets.committed(&name, partition);
            assert!(after >= before, "the commit of {name:?} went back from {before:?} to {after:?}");
            if let Some(after) = after.filter(|after| Some(*after) > before) {
                model.entry(name.clone()).or_default().entry(partition).or_default().next = after;
            }
        }
    }
    drop(stream);
    assert_reads_as(&open(&disk, &journal), &model);
}

/// Writes the log of commits as the input says. Returns what was committed; `None`: what no version wrote.
fn fill(input: &mut Input<'_>, disk: &SimDisk, journal: &Journal) -> Option<Committed> {
    let (log, _) = disk::open(disk, "/log", LOG_ID).expect("an empty directory is an empty log");
    let mut model = Some(Committed::new());
    for _ in 0..input.u8() % COMMIT_COUNT_MAX {
        let kind = if input.u8().is_multiple_of(2) { Kind::Data } else { Kind::Control };
        let (key, value) = (input.piece(), input.piece());
        let draft = Draft { key: Some(key), ..Draft::control(kind, 1, value) };
        let end = log.append(&[draft]).expect("an open log takes records").end;
        journal.commit(&log, end).expect("a simulated disk does not fail");
        // With a slash they are of something else, or of nothing that there is.
        let Some(name) =
            std::str::from_utf8(key).ok().filter(|name| kind == Kind::Control || !name.contains('/'))
        else {
            continue;
        };
        model = model.and_then(|mut model| {
            apply(&mut model, name, kind, value)?;
            Some(model)
        });
    }
    model
}

fn apply(model: &mut Committed, group: &str, kind: Kind, value: &[u8]) -> Option<()> {
    match (kind, value.split_first()) {
        (Kind::Data, _) => {
            let committed = model.entry(group.to_owned()).or_default();
            for (partition, next) in pairs(value) {
                let progress = committed.entry(partition).or_default();
                if next < progress.first_open() {
                    progress.done.clear();
                }
                progress.next = next;
            }
        }
        (_, Some((1, rest))) => {
            let mut input = Input::new(rest);
            let mut told = Vec::new();
            while !input.is_over() {
                let (partition, next) = (u32_of(&mut input), input.u64());
                let (count, mut below) = (u32_of(&mut input), next);
                let mut done = Vec::new();
                for _ in 0..count {
                    let range = input.u64()..input.u64();
                    if range.start <= below || range.is_empty() {
                        return None;
                    }
                    below = range.end;
                    done.push(range);
                }
                told.push((partition, next, done));
            }
            // An input that ends early reads as zeros, which a frame may not.
            let bytes: usize = told.iter().map(|(_, _, done)| 16 + 16 * done.len()).sum();
            if bytes != rest.len() {
                return None;
            }
            let committed = model.entry(group.to_owned()).or_default();
            for (partition, next, done) in told {
                let progress = committed.entry(partition).or_default();
                progress.next = progress.next.max(next);
                progress.done.extend(done);
            }
        }
        (_, Some((2, rest))) if !rest.len().is_multiple_of(12) => return None,
        (_, Some((2, rest))) => {
            let rewound =
                pairs(rest).map(|(partition, next)| (partition, Progress { next, done: Vec::new() }));
            model.entry(group.to_owned()).or_default().extend(rewound);
        }
        (_, Some((3, []))) => _ = model.remove(group),
        (_, Some((3, _))) => return None,
        _ => {}
    }
    Some(())
}

fn pairs(value: &[u8]) -> impl Iterator<Item = (u32, u64)> {
    value.chunks_exact(12).map(|pair| {
        let mut pair = Input::new(pair);
        (u32_of(&mut pair), pair.u64())
    })
}

fn u32_of(input: &mut Input<'_>) -> u32 {
    u32::from(input.u16()) | u32::from(input.u16()) << 16
}

fn open(disk: &SimDisk, journal: &Arc<Journal>) -> Offsets {
    let opened = disk::open(disk, "/log", LOG_ID).and_then(|(log, _)| Offsets::open(log, journal.clone()));
    opened.expect("whatever the records say, they are records")
}

#[track_caller]
fn assert_reads_as(offsets: &Offsets, model: &Committed) {
    assert!(offsets.groups().iter().eq(model.keys()), "{:?} instead of {:?}", offsets.groups(), model.keys());
    for (group, committed) in model {
        for (partition, progress) in committed {
            let next = Some(progress.first_open());
            assert_eq!(offsets.committed(group, *partition), next, "{group:?}, partition {partition}");
            let open = offsets.open_ranges(group, *partition, 0..OFFSET_COUNT);
            for offset in 0..OFFSET_COUNT {
                let is_open = open.iter().any(|range| range.contains(&offset));
                assert_ne!(is_open, progress.is_done(offset), "{group:?}, offset {offset} of {partition}");
            }
        }
    }
}

fn stream(disk: &SimDisk, journal: &Arc<Journal>) -> Arc<Shared> {
    let data = Arc::default();
    let mut logs = Vec::new();
    for partition in 0..PARTITION_COUNT {
        let path = format!("/{partition}");
        disk::make_directory(disk, Path::new(&path));
        let (log, _) =
            disk::open(disk, &path, LOG_ID + 1 + partition).expect("an empty directory is an empty log");
        let values: Vec<_> = (0..RECORD_COUNT).map(|index| vec![index as u8]).collect();
        disk::append(&log, journal, &values).expect("an open log takes records");
        logs.push(log);
    }
    let name = Name::new("events").expect("a name");
    Shared::new(name, logs, data, journal.clone(), open(disk, journal), &StreamOptions::default())
}

fn poll_and_commit(stream: &Arc<Shared>, name: &str, count_max: usize) -> Result<()> {
    let group = Group::new(stream.clone(), name);
    let mut member = group.join()?;
    let lag = group.lag()?;
    assert!(lag <= PARTITION_COUNT * RECORD_COUNT, "{lag} records behind");
    member.poll(count_max, Duration::ZERO)?;
    member.commit()
}

/// Producers are found or refused; those that are found go on where they are said to.
fn recover_producers(stream: &Arc<Shared>) {
    match stream.sessions.recover() {
        Ok(()) => {
            let stream = Stream::new(stream.clone(), Arc::new(()));
            for name in stream.producers().expect("an open stream") {
                let next = stream.producer(&name).and_then(|producer| {
                    let next = producer.next_sequence()?;
                    let accepted = producer.append(next, &[Message::new(b"next").key("k")]);
                    accepted.map(|_| producer.next_sequence())?.map(|after| (next, after))
                });
                match next {
                    Ok((next, after)) => assert_eq!(next + 1, after, "{name}"),
                    Err(Error::InvalidArgument { argument: "sequence", .. }) => {}
                    Err(error) => panic!("{name}: {error:?}"),
                }
            }
        }
        Err(Error::Corrupt { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}
