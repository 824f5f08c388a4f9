//! B10, B13: more partitions for a stream that is there.

use crate::{Bench, NOW, SECOND, durable_hubs, hubs, open};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Compaction, Durability, Error, Hub, Message, Start, Stream};
use std::collections::BTreeSet;

fn grow(bench: &Bench, count: u32) -> Result<Stream, Error> {
    bench.hub.stream("s").partitions(count).open()
}

fn append(stream: &Stream, count: u64) -> BTreeSet<(u32, u64)> {
    let at = |_| stream.append(Message::new(b"x")).map(|at| (at.partition, at.offset)).unwrap();
    (0..count).map(at).collect()
}

fn seen(stream: &Stream) -> BTreeSet<(u32, u64)> {
    let records = stream.reader(Start::Earliest).unwrap().map(|record| record.unwrap());
    records.map(|record| (record.partition(), record.offset())).collect()
}

#[test]
fn a_stream_gets_more_partitions_and_what_it_had_stays_where_it_was() {
    hubs(|bench| {
        let stream = grow(bench, 2).unwrap();
        let mut all = append(&stream, 10);
        let mut before = stream.reader(Start::Earliest).unwrap();
        assert_eq!(grow(bench, 5).unwrap().partitions(), 5);
        assert_eq!((stream.partitions(), seen(&stream)), (5, all.clone()), "also for who has it open");
        let more = append(&stream, 50);
        assert!((0..5).all(|partition| more.iter().any(|at| at.0 == partition)), "{more:?}");
        all.extend(more);
        assert_eq!(seen(&stream), all);
        assert_eq!(stream.stats().unwrap().partitions.len(), 5);
        let of_before: BTreeSet<u32> = before.by_ref().map(|record| record.unwrap().partition()).collect();
        assert_eq!(of_before, BTreeSet::from([0, 1]), "a reader keeps the partitions that it was made with");
        assert_eq!(grow(bench, 9).unwrap().partitions(), 9, "and again");
        assert_eq!(seen(&stream), all);
    });
}

#[test]
fn groups_share_out_new_partitions_and_read_them_from_their_beginning() {
    hubs(|bench| {
        let stream = grow(bench, 2).unwrap();
        let mut all = append(&stream, 10);
        let group = stream.group("g");
        let mut members = [group.join().unwrap(), group.join().unwrap()];
        let mut polled = BTreeSet::new();
        let mut poll = |members: &mut [ringmain::Member]| {
            for member in members {
                let records = member.poll(100, NOW).unwrap();
                polled.extend(records.iter().map(|record| (record.partition(), record.offset())));
                member.commit().unwrap();
            }
            polled.clone()
        };
        assert_eq!(poll(&mut members), all);
        grow(bench, 4).unwrap();
        all.extend(append(&stream, 20));
        assert_eq!(poll(&mut members), all);
        let owned = members.each_mut().map(|member| member.assignment().unwrap().len());
        assert_eq!(owned, [2, 2]);
        assert_eq!(group.lag().unwrap(), 0);
    });
}

#[test]
fn with_keys_or_compaction_a_stream_grows_only_if_forced_and_it_never_shrinks() {
    hubs(|bench| {
        let stream = grow(bench, 2).unwrap();
        append(&stream, 10);
        stream.append(Message::new(b"x").key("k")).unwrap();
        let refused = grow(bench, 4).unwrap_err();
        assert!(matches!(refused, Error::InvalidArgument { .. }), "{refused}");
        assert!(
            refused.to_string().contains("keys") && refused.to_string().contains("force_growth"),
            "{refused}"
        );
        assert_eq!(stream.partitions(), 2);
        assert_eq!(bench.hub.stream("s").partitions(4).force_growth().open().unwrap().partitions(), 4);
        let shrunk = bench.hub.stream("s").partitions(3).force_growth().open().unwrap_err();
        assert!(matches!(shrunk, Error::OptionMismatch { option: "partitions", .. }), "{shrunk}");
        let compacted = bench.hub.stream("c").compaction(Compaction::default());
        compacted.open().unwrap();
        let refused = bench.hub.stream("c").partitions(2).open().unwrap_err();
        assert!(refused.to_string().contains("compacted"), "{refused}");
        for count in [0, 1025] {
            assert!(matches!(grow(bench, count), Err(Error::InvalidArgument { .. })));
        }
        assert_eq!(grow(bench, 4).unwrap().partitions(), 4, "as many as there are");
    });
}

#[test]
fn a_table_of_a_stream_that_was_forced_to_grow_goes_by_the_later_record() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(Compaction::latest_only(100)).open().unwrap();
        let keys: Vec<String> = (0..20).map(|key| format!("k{key}")).collect();
        let put = |value: &str| {
            keys.iter().for_each(|key| assert!(stream.append(Message::new(value).key(key)).is_ok()));
        };
        let values = || -> Vec<Vec<u8>> {
            let table = stream.table().unwrap();
            keys.iter().map(|key| table.get(key).unwrap().unwrap().value().to_vec()).collect()
        };
        put("old");
        bench.hub.stream("s").partitions(3).force_growth().open().unwrap();
        assert!(values().iter().all(|value| value == b"old"));
        put("new");
        assert!(values().iter().all(|value| value == b"new"));
        assert_eq!(seen(&stream).len(), 20, "nor do readers see what was replaced");
        bench.clock.advance(SECOND);
        put("newest");
        assert!(values().iter().all(|value| value == b"newest"));
    });
}

#[test]
fn what_a_stream_keeps_holds_for_its_new_partitions_too() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").age_max(10 * SECOND).open().unwrap();
        grow(bench, 3).unwrap();
        append(&stream, 9);
        bench.clock.advance(10 * SECOND);
        assert_eq!(seen(&stream).len(), 0);
    });
}

#[test]
fn a_power_cut_while_a_stream_grows_leaves_the_old_count_or_the_new() {
    durable_hubs(|bench| {
        let disk = bench.disk.clone().unwrap();
        let stream = grow(bench, 2).unwrap();
        let all = append(&stream, 10);
        bench.hub.flush().unwrap();
        let begin = disk.operation_count();
        grow(bench, 4).unwrap();
        let grown = disk.operation_count();
        append(&stream, 20);
        let mut counts = BTreeSet::new();
        for cut in begin..=disk.operation_count() {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept, Unsynced::Seeded(cut)] {
                let hub: Hub = open(&bench.clock, Some(&disk.image_with(cut, unsynced)), bench.durability);
                let stream = hub.stream("s").open().unwrap();
                assert!([2, 4].contains(&stream.partitions()) && (cut < grown || stream.partitions() == 4));
                counts.insert(stream.partitions());
                assert!(seen(&stream).is_superset(&all));
                let more = append(&stream, 8);
                assert!(seen(&stream).is_superset(&more));
            }
        }
        assert_eq!(counts, BTreeSet::from([2, 4]));
    });
}

/// Real threads: who appends meanwhile finds the partition that it is sent to.
#[test]
fn a_stream_grows_while_others_append_and_read() {
    let bench = Bench::new(Some(SimDisk::new()), Durability::Relaxed);
    let stream = grow(&bench, 1).unwrap();
    let batch = [(); 7].map(|()| Message::new(b"x"));
    let count = std::thread::scope(|scope| {
        let appending = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut count = 0;
                // Each growth looks through all of it for keys.
                while stream.partitions() < 64 && count < 10_000 {
                    stream.append(Message::new(b"x")).unwrap();
                    count += 1 + stream.append_batch(&batch).unwrap().len();
                }
                count
            })
        });
        for count in 2..=64 {
            grow(&bench, count).unwrap();
            std::thread::yield_now();
        }
        appending.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
    });
    assert_eq!(seen(&stream).len(), count);
}
