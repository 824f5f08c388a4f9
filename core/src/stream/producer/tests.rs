//! What only logs that lost different things can show: a call that is in one of its partitions and not in the other.

use crate::clock::{Clock, alarm::Alarm};
use crate::journal::Journal;
use crate::log::{Draft, Kind, Level, Log, Reader};
use crate::message::Message;
use crate::name::Name;
use crate::stream::producer::Producer;
use crate::stream::producer::record::{Produced, Progress, Saved, Told};
use crate::stream::{Offsets, Shared, Stream, StreamOptions};
use crate::sync::event_count::EventCount;
use std::sync::Arc;

/// Messages are bytes, each the number of its partition.
const VALUES: [&[u8]; 6] = [&[0], &[1], &[0], &[1], &[0], &[0]];

/// A stream of three partitions whose producer appended these parts of calls: partition, and what it tells. The data are as many of
/// `VALUES` as belong there.
fn crashed(parts: &[(u32, Produced)]) -> (Vec<Arc<Log>>, Producer) {
    let data = Arc::default();
    let logs: Vec<_> = (0..3).map(|_| Arc::new(Log::memory(Arc::clone(&data)))).collect();
    for (partition, produced) in parts {
        let told = produced.encode();
        let calls = produced.first as usize..produced.end() as usize;
        let values = VALUES[calls].iter().filter(|value| u32::from(value[0]) == *partition);
        let frames = values.map(|value| Draft::control(Kind::Data, 1, value));
        let frames: Vec<_> = frames.chain([Draft::control(Kind::Control, 1, &told)]).collect();
        logs[*partition as usize].append(&frames).unwrap();
    }
    let producer = opened(&logs, data, 1);
    (logs, producer)
}

/// The producer of a stream with these partitions, as they tell of it.
fn opened(logs: &[Arc<Log>], data: Arc<EventCount>, epoch: u64) -> Producer {
    let journal = Arc::new(Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Committed, 0));
    let offsets = Offsets::open(Arc::new(Log::memory(Arc::default())), journal.clone()).unwrap();
    let saved = Saved { producer: 1, epoch, progress: Progress::default() };
    let told = Told { made: 1, segments: vec![0; 3] };
    let records = [("producer/".to_owned(), told.encode()), ("producer/p".to_owned(), saved.encode())];
    offsets.keep(&records).unwrap();
    let name = Name::new("s").unwrap();
    let shared = Shared::new(name, logs.to_vec(), data, journal, offsets, &StreamOptions::default());
    shared.recover().unwrap();
    // Beyond the partitions that there were then, it chooses another one.
    let by_value = |_: Option<&[u8]>, message: &Message<'_>, count: u32| match count {
        2 => u32::from(message.value()[0]),
        _ => 2,
    };
    let stream = Stream::new(shared, Arc::new(())).partitioner(by_value);
    stream.producer("p").unwrap()
}

fn produced(first: u64, count: u32, shared_with: &[u32]) -> Produced {
    Produced { producer: 1, epoch: 1, first, count, partitions: 2, shared_with: shared_with.to_vec() }
}

fn append(producer: &Producer, first: usize, end: usize) -> bool {
    let messages: Vec<_> = VALUES[first..end].iter().map(|value| Message::new(*value)).collect();
    producer.append(first as u64, &messages).unwrap().duplicate
}

fn counts(logs: &[Arc<Log>]) -> Vec<usize> {
    let count = |log: &Arc<Log>| {
        let (mut reader, mut count) = (Reader::earliest(log.clone()), 0);
        while reader.advance().unwrap() {
            count += usize::from(reader.kind() == Kind::Data);
        }
        count
    };
    logs.iter().map(count).collect()
}

#[test]
fn a_retry_of_a_call_that_is_half_there_adds_the_other_half_spread_as_it_was() {
    for lost in [0, 1] {
        let there = 1 - lost;
        let (logs, producer) = crashed(&[(there, produced(0, 4, &[0, 1]))]);
        assert_eq!(producer.next_sequence().unwrap(), 0, "it is not whole");
        assert!(!append(&producer, 0, 4));
        assert_eq!(counts(&logs), [2, 2, 0]);
        assert!(append(&producer, 0, 4));
        assert!(!append(&producer, 4, 6));
        assert_eq!(counts(&logs), [2, 2, 2], "what is new goes where it goes today");
    }
}

#[test]
fn a_retry_with_other_bounds_adds_what_is_missing_too() {
    let (logs, producer) = crashed(&[(0, produced(0, 4, &[0, 1]))]);
    for first in 0..6 {
        append(&producer, first, first + 1);
        assert_eq!(producer.next_sequence().unwrap(), first as u64 + 1);
    }
    assert_eq!(counts(&logs), [2, 2, 2]);
    let (logs, producer) = crashed(&[(0, produced(0, 4, &[0, 1]))]);
    append(&producer, 0, 6);
    assert_eq!(counts(&logs), [2, 2, 2]);
}

#[test]
fn a_retry_that_goes_on_where_one_partition_has_nothing_more_is_known_as_a_whole_after_a_crash() {
    // What the retry has beyond the first call is all of the other partition.
    for (there, count, end) in [(1, 4, 6), (0, 3, 4)] {
        let half = Produced { partitions: 3, ..produced(0, count, &[0, 1]) };
        let (logs, mut producer) = crashed(&[(there, half)]);
        producer.stream = producer.stream.partitioner(|_, message, _| u32::from(message.value()[0]));
        append(&producer, 0, end);
        assert_eq!(producer.next_sequence().unwrap(), end as u64);
        let counted = counts(&logs);
        let again = opened(&logs, Arc::default(), 2);
        assert_eq!(again.next_sequence().unwrap(), end as u64, "it was told so");
        assert_eq!(counted.iter().sum::<usize>(), end);
    }
}

#[test]
fn calls_behind_one_that_was_lost_are_not_appended_twice() {
    // 1 and 3 are of the other partition.
    let (logs, producer) =
        crashed(&[(0, produced(0, 1, &[])), (0, produced(2, 1, &[])), (0, produced(4, 2, &[]))]);
    assert_eq!(producer.next_sequence().unwrap(), 1);
    for first in 1..6 {
        assert_eq!(append(&producer, first, first + 1), ![1, 3].contains(&first));
    }
    assert_eq!(counts(&logs), [4, 2, 0]);
}

#[test]
fn calls_that_are_whole_are_passed_also_behind_a_retry_with_other_bounds() {
    let parts = [
        (0, produced(0, 4, &[0, 1])),
        (1, produced(0, 2, &[0, 1])),
        (1, produced(2, 2, &[])),
        (0, produced(4, 2, &[])),
    ];
    let (logs, producer) = crashed(&parts);
    assert_eq!(producer.next_sequence().unwrap(), 6);
    assert!(append(&producer, 0, 6));
    assert_eq!(counts(&logs), [4, 2, 0]);
}
