//! The commits of a stream's groups: whatever the records of their log say, the last commit of each partition wins, and
//! groups begin there or are refused.
//!
//! The producers that are saved there go on where it says, or are refused.
//!
//! Input: records of the log of commits, each a key and a value; then what a group does.

use crate::clock::ManualClock;
use crate::disk::{self, LOG_ID};
use crate::error::{Error, Result};
use crate::input::Input;
use crate::journal::Journal;
use crate::log::Draft;
use crate::message::Message;
use crate::name::Name;
use crate::storage::sim::SimDisk;
use crate::stream::{Group, Offsets, Shared, Stream, StreamOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const COMMIT_COUNT_MAX: u8 = 32;
const PARTITION_COUNT: u64 = 2;
const RECORD_COUNT: u64 = 20;

type Committed = BTreeMap<String, BTreeMap<u32, u64>>;

pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let disk = disk::empty();
    let journal = disk::journal(&ManualClock::new());
    let mut model = fill(&mut input, &disk, &journal);
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
            let before = model.get(&name).and_then(|committed| committed.get(&partition)).copied();
            let after = stream.offsets.committed(&name, partition);
            assert!(after >= before, "the commit of {name:?} went back from {before:?} to {after:?}");
            if let Some(after) = after.filter(|after| Some(*after) > before) {
                model.entry(name.clone()).or_default().insert(partition, after);
            }
        }
    }
    drop(stream);
    assert_reads_as(&open(&disk, &journal), &model);
}

/// Writes the log of commits as the input says. Returns what was committed.
fn fill(input: &mut Input<'_>, disk: &SimDisk, journal: &Journal) -> Committed {
    let (log, _) = disk::open(disk, "/log", LOG_ID).expect("an empty directory is an empty log");
    let mut model = Committed::new();
    for _ in 0..input.u8() % COMMIT_COUNT_MAX {
        let (key, value) = (input.piece(), input.piece());
        let draft = Draft { key: Some(key), ..disk::data(value) };
        let end = log.append(&[draft]).expect("an open log takes records").end;
        journal.commit(&log, end).expect("a simulated disk does not fail");
        // With a slash they are of something else.
        if let Some(name) = std::str::from_utf8(key).ok().filter(|name| !name.contains('/')) {
            let mut pairs = Input::new(&value[..value.len() - value.len() % 12]);
            let committed = model.entry(name.to_owned()).or_default();
            while !pairs.is_over() {
                let partition = u32::from(pairs.u16()) | u32::from(pairs.u16()) << 16;
                committed.insert(partition, pairs.u64());
            }
        }
    }
    model
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

fn open(disk: &SimDisk, journal: &Arc<Journal>) -> Offsets {
    let opened = disk::open(disk, "/log", LOG_ID).and_then(|(log, _)| Offsets::open(log, journal.clone()));
    opened.expect("whatever the records say, they are records")
}

#[track_caller]
fn assert_reads_as(offsets: &Offsets, model: &Committed) {
    assert!(offsets.groups().iter().eq(model.keys()), "{:?} instead of {:?}", offsets.groups(), model.keys());
    for (group, committed) in model {
        for (partition, offset) in committed {
            assert_eq!(
                offsets.committed(group, *partition),
                Some(*offset),
                "{group:?}, partition {partition}"
            );
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
