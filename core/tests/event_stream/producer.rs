//! Producers by name: retries append nothing twice, and it is known for good where to go on.

use super::{Bench, durable_hubs, hubs};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, Compaction, Durability, Error, Hub, ManualClock, Message, Position, Producer, Start, Stream,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "billing-import";

fn stream(bench: &Bench) -> Stream {
    bench.hub.stream("bills").partitions(4).open().unwrap()
}

/// Messages whose values and keys are their sequences.
fn append(producer: &Producer, sequence: u64, count: u64) -> ringmain::Result<ringmain::Accepted> {
    let values: Vec<String> = (sequence..sequence + count).map(|sequence| sequence.to_string()).collect();
    let messages: Vec<_> = values.iter().map(|value| Message::new(value).key(value)).collect();
    producer.append(sequence, &messages)
}

/// The sequences of what is in the stream, in order; with how often each is there.
fn appended(stream: &Stream) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for record in stream.reader(Start::Earliest).unwrap() {
        let sequence = std::str::from_utf8(record.unwrap().value()).unwrap().trim().parse().unwrap();
        *counts.entry(sequence).or_insert(0) += 1;
    }
    counts
}

#[track_caller]
fn assert_once(stream: &Stream, count: u64) {
    assert_eq!(appended(stream), (0..count).map(|sequence| (sequence, 1)).collect());
}

#[test]
fn an_append_that_is_repeated_appends_nothing_and_is_told_where_the_first_is() {
    hubs(|bench| {
        let stream = stream(bench);
        let producer = stream.producer(NAME).unwrap();
        assert_eq!((producer.name(), producer.epoch(), producer.next_sequence().unwrap()), (NAME, 1, 0));
        let first = append(&producer, 0, 5).unwrap();
        assert!(!first.duplicate && first.positions.iter().all(Option::is_some));
        let retry = append(&producer, 0, 5).unwrap();
        assert!(retry.duplicate);
        assert_eq!(retry.positions, first.positions);
        assert_eq!(append(&producer, 3, 1).unwrap().positions, first.positions[3..4]);
        assert_eq!(producer.next_sequence().unwrap(), 5);
        assert_once(&stream, 5);
    });
}

#[test]
fn of_an_append_that_overlaps_the_last_one_the_rest_is_appended() {
    hubs(|bench| {
        let stream = stream(bench);
        let producer = stream.producer(NAME).unwrap();
        let first = append(&producer, 0, 5).unwrap();
        let more = append(&producer, 2, 6).unwrap();
        assert!(!more.duplicate);
        assert_eq!(more.positions[..3], first.positions[2..]);
        assert_eq!(producer.next_sequence().unwrap(), 8);
        assert_once(&stream, 8);
        assert!(!append(&producer, 8, 0).unwrap().duplicate, "nothing is no duplicate");
    });
}

#[test]
fn a_sequence_that_leaves_some_out_is_refused_naming_both() {
    hubs(|bench| {
        let stream = stream(bench);
        let producer = stream.producer(NAME).unwrap();
        append(&producer, 0, 2).unwrap();
        let error = append(&producer, 3, 1).unwrap_err();
        assert!(matches!(error, Error::SequenceGap { expected: 2, got: 3, .. }), "{error:?}");
        assert!(error.to_string().contains("go on with sequence 2, got 3"), "{error}");
        let too_far = producer.append(u64::MAX, &[Message::new(b"x")]).unwrap_err();
        assert!(matches!(too_far, Error::InvalidArgument { argument: "sequence", .. }), "{too_far:?}");
        append(&producer, 2, 1).unwrap();
        assert_once(&stream, 3);
    });
}

#[test]
fn opening_a_producer_again_fences_the_handle_from_before() {
    hubs(|bench| {
        let stream = stream(bench);
        let old = stream.producer(NAME).unwrap();
        append(&old, 0, 3).unwrap();
        let new = stream.producer(NAME).unwrap();
        assert_eq!((new.epoch(), new.next_sequence().unwrap()), (2, 3));
        for error in [
            append(&old, 3, 1).unwrap_err(),
            append(&old, 0, 1).unwrap_err(),
            old.next_sequence().unwrap_err(),
        ] {
            assert!(matches!(error, Error::ProducerFenced { epoch: 1, current: 2, .. }), "{error:?}");
        }
        append(&new, 3, 1).unwrap();
        assert_once(&stream, 4);
        let other = stream.producer("other").unwrap();
        assert_eq!((other.epoch(), other.next_sequence().unwrap()), (1, 0));
        append(&new, 4, 1).unwrap();
    });
}

/// Clients of Redpanda began again at 0 with a new epoch when they did not know how an append had ended: it was there twice.
#[test]
fn a_retry_with_a_new_epoch_appends_nothing_either() {
    hubs(|bench| {
        let bills = stream(bench);
        append(&bills.producer(NAME).unwrap(), 0, 6).unwrap();
        for epoch in 2..4 {
            let producer = bills.producer(NAME).unwrap();
            assert_eq!(producer.epoch(), epoch);
            assert!(append(&producer, 2, 4).unwrap().duplicate);
        }
        assert_once(&bills, 6);
    });
}

#[test]
fn epochs_go_on_when_the_hub_is_opened_again_or_the_power_is_cut() {
    durable_hubs(|bench| {
        let bills = stream(bench);
        let old = bills.producer(NAME).unwrap();
        append(&old, 0, 3).unwrap();
        bench.reopen();
        assert!(matches!(append(&old, 3, 1), Err(Error::Closed { .. })), "its hub is closed");
        let producer = stream(bench).producer(NAME).unwrap();
        assert_eq!((producer.epoch(), producer.next_sequence().unwrap()), (2, 3));
        bench.crash();
        let producer = stream(bench).producer(NAME).unwrap();
        assert_eq!((producer.epoch(), producer.next_sequence().unwrap()), (3, 3));
    });
}

#[test]
fn a_deleted_producer_begins_anew_and_its_handles_are_refused() {
    hubs(|bench| {
        let stream = stream(bench);
        let old = stream.producer(NAME).unwrap();
        append(&old, 0, 3).unwrap();
        stream.producer("other").unwrap();
        assert_eq!(stream.producers().unwrap(), [NAME, "other"]);
        stream.delete_producer(NAME).unwrap();
        assert_eq!(stream.producers().unwrap(), ["other"]);
        assert!(matches!(append(&old, 3, 1), Err(Error::NotFound { noun: "producer", .. })));
        assert!(matches!(stream.delete_producer(NAME), Err(Error::NotFound { noun: "producer", .. })));
        let new = stream.producer(NAME).unwrap();
        assert_eq!((new.epoch(), new.next_sequence().unwrap()), (1, 0));
        assert!(matches!(append(&old, 3, 1), Err(Error::NotFound { .. })));
    });
}

#[test]
fn what_a_deleted_producer_appended_is_not_taken_for_its_successors_after_a_crash() {
    durable_hubs(|bench| {
        let bills = stream(bench);
        append(&bills.producer(NAME).unwrap(), 0, 30).unwrap();
        bills.delete_producer(NAME).unwrap();
        append(&bills.producer(NAME).unwrap(), 0, 2).unwrap();
        bench.reopen();
        assert_eq!(stream(bench).producer(NAME).unwrap().next_sequence().unwrap(), 2);
    });
}

/// Redpanda forgot a producer when retention took its last record, or when it had idled: its next append was an error that
/// nothing but a new producer ends, or a retry was appended twice.
#[test]
fn a_producer_is_known_after_retention_took_all_of_its_records_and_it_idled() {
    durable_hubs(|bench| {
        let open = |bench: &Bench| {
            bench.hub.stream("bills").partitions(2).age_max(Duration::from_secs(60)).open().unwrap()
        };
        let bills = open(bench);
        let producer = bills.producer(NAME).unwrap();
        append(&producer, 0, 10).unwrap();
        let filler = vec![0; 60_000];
        for _ in 0..2 {
            bench.clock.advance(Duration::from_secs(3600));
            (0..2).for_each(|partition| {
                bills.append_to(partition, Message::new(&filler)).unwrap();
            });
        }
        bench.clock.advance(Duration::from_secs(30 * 24 * 3600));
        let starts: Vec<u64> = bills.stats().unwrap().partitions.iter().map(|p| p.start).collect();
        assert!(starts.iter().sum::<u64>() >= 10, "nothing is left: {starts:?}");
        assert!(append(&producer, 5, 5).unwrap().duplicate);
        for _ in 0..2 {
            bench.crash();
            let producer = open(bench).producer(NAME).unwrap();
            assert_eq!(producer.next_sequence().unwrap(), 10);
            assert!(append(&producer, 0, 10).unwrap().duplicate);
        }
        append(&open(bench).producer(NAME).unwrap(), 10, 1).unwrap();
    });
}

/// The same of compaction, which leaves out what tells of producers.
#[test]
fn a_producer_is_known_after_compaction_left_its_records_out() {
    durable_hubs(|bench| {
        let open =
            |bench: &Bench| bench.hub.stream("bills").compaction(Compaction::default()).open().unwrap();
        let bills = open(bench);
        let producer = bills.producer(NAME).unwrap();
        let value = vec![0; 5_000];
        for sequence in 0..40 {
            producer.append(sequence, &[Message::new(&value).key("same")]).unwrap();
            if sequence % 10 == 0 {
                bills.compact().unwrap();
            }
        }
        bills.compact().unwrap();
        assert_eq!(bills.reader(Start::Earliest).unwrap().count(), 1);
        for _ in 0..2 {
            bench.crash();
            let bills = open(bench);
            let producer = bills.producer(NAME).unwrap();
            assert_eq!(producer.next_sequence().unwrap(), 40);
            assert!(producer.append(39, &[Message::new(&value).key("same")]).unwrap().duplicate);
            bills.compact().unwrap();
        }
    });
}

#[test]
fn positions_of_the_last_messages_are_known_after_a_crash() {
    durable_hubs(|bench| {
        let producer = stream(bench).producer(NAME).unwrap();
        let append = |producer: &Producer, sequence| {
            producer.append(sequence, &[Message::new(b"a"), Message::new(b"b")]).unwrap().positions
        };
        let first: Vec<Option<Position>> = [append(&producer, 0), append(&producer, 2)].concat();
        stream(bench).append(Message::new(b"between").durability(Durability::Synced)).unwrap();
        (0..4).for_each(|p| {
            stream(bench).append_to(p, Message::new(b"x").durability(Durability::Synced)).unwrap();
        });
        bench.crash();
        let producer = stream(bench).producer(NAME).unwrap();
        assert_eq!([append(&producer, 0), append(&producer, 2)].concat(), first);
    });
}

#[test]
fn keyless_messages_of_a_producer_stay_in_one_partition_and_in_order() {
    hubs(|bench| {
        let stream = stream(bench);
        let producer = stream.producer(NAME).unwrap();
        let mut positions = Vec::new();
        for sequence in 0..20 {
            let value = sequence.to_string();
            positions.extend(producer.append(sequence, &[Message::new(&value)]).unwrap().positions);
        }
        let partition = positions[0].unwrap().partition;
        let offsets: Vec<_> = positions.iter().flatten().map(|p| (p.partition, p.offset)).collect();
        assert_eq!(offsets, (0..20).map(|offset| (partition, offset)).collect::<Vec<_>>());
    });
}

#[test]
fn a_call_that_no_partition_could_take_appends_nothing_to_any() {
    hubs(|bench| {
        let stream = stream(bench).partitioner(|_, message, _| u32::from(message.value().len() > 1));
        let producer = stream.producer(NAME).unwrap();
        let large = vec![0; 900_000];
        let mut messages = vec![Message::new(b"x")];
        messages.extend((0..20).map(|_| Message::new(&large)));
        assert!(matches!(producer.append(0, &messages), Err(Error::TooLarge { what: "batch", .. })));
        assert_eq!(stream.stats().unwrap().partitions.iter().map(|p| p.end).sum::<u64>(), 0);
        assert_eq!(producer.next_sequence().unwrap(), 0);
    });
}

#[test]
fn several_threads_may_retry_the_same_message_and_it_is_there_once() {
    hubs(|bench| {
        let stream = stream(bench);
        let producer = stream.producer(NAME).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut sequence = 0;
                    while sequence < 60 {
                        match append(&producer, sequence, 2) {
                            Ok(_) => sequence += 2,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert_once(&stream, 60);
    });
}

/// Calls over all partitions, some of them not waited for; the power is cut at each operation of the disk. What was waited for is
/// there, the next sequence is where something is missing, and going on from there leaves nothing out and nothing twice.
#[test]
fn whenever_the_power_is_cut_going_on_from_the_next_sequence_appends_all_once() {
    let mut images = 0;
    // Large ones are streamed to the files of their partitions, each of which comes as far as it comes.
    for (durability, width) in
        [(Durability::Synced, 1), (Durability::Relaxed, 1), (Durability::Relaxed, 3_000)]
    {
        let disk = SimDisk::new();
        let acknowledged = produce(&disk, durability, width);
        for operation in acknowledged[0].0..=disk.operation_count() {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept, Unsynced::Seeded(operation)] {
                let image = disk.image_with(operation, unsynced);
                let safe = acknowledged.iter().rfind(|(at, _)| *at <= operation).map_or(0, |(_, s)| *s);
                resume(image, safe, &format!("{durability:?}, {width}, {operation}, {unsynced:?}"));
                images += 1;
            }
        }
    }
    println!("{images} images");
    assert!(images > 300, "{images}");
}

fn hub(disk: &SimDisk, clock: ManualClock, durability: Durability) -> Hub {
    let builder = Hub::builder().clock(Clock::Manual(clock)).durability(durability);
    builder.streaming_bytes_min(4 << 10).storage(Arc::new(disk.clone())).open("/hub").unwrap()
}

/// By operation of the disk, what was acknowledged as durable.
fn produce(disk: &SimDisk, durability: Durability, width: usize) -> Vec<(u64, u64)> {
    let clock = ManualClock::new();
    let hub = hub(disk, clock.clone(), durability);
    let bills = hub.stream("bills").partitions(3).open().unwrap();
    let producer = bills.producer(NAME).unwrap();
    let mut acknowledged = vec![(disk.operation_count(), 0)];
    let mut sequence = 0;
    for call in 0..12u64 {
        let keys: Vec<String> = (sequence..sequence + 1 + call % 4).map(|s| s.to_string()).collect();
        let values: Vec<String> = keys.iter().map(|key| format!("{key:>width$}")).collect();
        let messages: Vec<_> =
            keys.iter().zip(&values).map(|(key, value)| Message::new(value).key(key)).collect();
        let receipt = producer.submit(sequence, &messages).unwrap();
        sequence += messages.len() as u64;
        if call % 3 == 0 {
            receipt.wait().unwrap();
            if durability == Durability::Synced {
                acknowledged.push((disk.operation_count(), sequence));
            }
        }
        if call == 6 {
            clock.advance(Duration::from_secs(1));
            acknowledged.push((disk.operation_count(), sequence));
        }
    }
    hub.close(Duration::MAX).unwrap();
    acknowledged.push((disk.operation_count(), sequence));
    acknowledged
}

fn resume(image: SimDisk, safe: u64, which: &str) {
    let hub = hub(&image, ManualClock::new(), Durability::Synced);
    let bills = hub.stream("bills").partitions(3).open().unwrap();
    let there = appended(&bills);
    let producer = bills.producer(NAME).unwrap();
    let next = producer.next_sequence().unwrap();
    assert!(next >= safe, "{which}: goes on at {next}, {safe} were acknowledged");
    assert!((0..next).all(|sequence| there.contains_key(&sequence)), "{which}: {next}, {there:?}");
    if next > 0 {
        assert!(append(&producer, next - 1, 1).unwrap().duplicate, "{which}");
    }
    // Other bounds than before.
    let mut sequence = next;
    while sequence < 40 {
        append(&producer, sequence, 3).unwrap();
        sequence += 3;
    }
    assert_eq!(appended(&bills), (0..sequence).map(|sequence| (sequence, 1)).collect(), "{which}");
}

#[test]
fn a_retry_that_appends_nothing_takes_up_no_key_of_a_stream_that_limits_them() {
    hubs(|bench| {
        let compaction = Compaction::latest_only(2);
        let stream = bench.hub.stream("s").compaction(compaction).count_max(1).open().unwrap();
        let producer = stream.producer("p").unwrap();
        let append = |sequence, key| producer.append(sequence, &[Message::new(b"x").key(key)]).unwrap();
        append(0, "a");
        append(1, "b");
        assert_eq!(crate::held(&stream), [1], "a is gone, and does not count");
        assert!(append(0, "a").duplicate);
        append(2, "c");
    });
}
