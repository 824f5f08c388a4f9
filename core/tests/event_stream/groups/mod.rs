//! Consumer groups (B10): who reads which partition, and how it is handed over.

mod fencing;
mod liveness;
mod members;
mod named;
mod revoke;

use crate::Bench;
use ringmain::{Error, GroupStats, Member, Message, Record, Stream};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

/// A stream of so many partitions with so many records in each.
fn stream_of(bench: &Bench, partitions: u32, count: u64) -> Stream {
    let stream = bench.hub.stream("flights").partitions(partitions).open().unwrap();
    fill(&stream, count);
    stream
}

/// Appends until each partition has so many records more, and no more than that.
fn fill(stream: &Stream, count: u64) {
    for _ in 0..count {
        let mut seen = std::collections::BTreeSet::new();
        for key in (0..u32::MAX).map(|key| key.to_string()) {
            // The partition of a key is known by what was appended first.
            if seen.len() as u32 == stream.partitions() {
                break;
            }
            let partition = partition_of(&key, stream.partitions());
            if seen.insert(partition) {
                let position = stream.append(Message::new(&key).key(&key)).unwrap();
                assert_eq!(position.partition, partition);
            }
        }
    }
}

/// FNV-1a as its authors give it.
fn partition_of(key: &str, partitions: u32) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    key.bytes().fold(2_166_136_261, step) % partitions
}

/// The offsets of records by partition.
fn offsets(records: &[Record]) -> BTreeMap<u32, Vec<u64>> {
    let mut all: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    records.iter().for_each(|record| all.entry(record.partition()).or_default().push(record.offset()));
    all
}

/// What a member gets now.
fn poll(member: &mut Member) -> BTreeMap<u32, Vec<u64>> {
    offsets(&member.poll(1000, NOW).unwrap())
}

/// The same numbers for each of these partitions.
fn of(partitions: &[u32], numbers: impl IntoIterator<Item = u64> + Clone) -> BTreeMap<u32, Vec<u64>> {
    partitions.iter().map(|partition| (*partition, numbers.clone().into_iter().collect())).collect()
}

fn stats(stream: &Stream) -> GroupStats {
    let all = stream.stats().unwrap().groups;
    all.into_iter().find(|group| group.name == "billing").expect("the group has committed its start")
}

fn is_fenced_from<T>(result: Result<T, Error>, expected: Option<u32>) -> bool {
    matches!(result, Err(Error::Fenced { partition, .. }) if partition == expected)
}

/// What was told, in order.
fn told<T>(told: &mpsc::Receiver<T>) -> Vec<T> {
    told.try_iter().collect()
}
