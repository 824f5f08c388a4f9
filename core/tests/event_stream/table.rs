//! B13: streams that show of each key the last record only, and compacted streams read back by key.

use crate::{Bench, NOW, SECOND, durable_hubs, hubs};
use ringmain::storage::sim::SimDisk;
use ringmain::{Compaction, Durability, Error, Hub, Message, Record, Start, Stream, Table};

const GRACE: std::time::Duration = std::time::Duration::from_secs(100);

fn latest_only(keys_max: u32) -> Compaction {
    Compaction { tombstone_grace: GRACE, ..Compaction::latest_only(keys_max) }
}

fn put(stream: &Stream, key: &str, value: &str) {
    stream.append(Message::new(value).key(key)).unwrap();
}

fn delete(stream: &Stream, key: &str) {
    stream.append(Message::tombstone(key)).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn shown(record: &Record) -> String {
    let value = if record.is_tombstone() { "-".into() } else { text(record.value()) };
    format!("{}={value}", text(record.key().unwrap()))
}

/// Keys and values that a reader from the start sees.
fn seen(stream: &Stream) -> Vec<String> {
    stream.reader(Start::Earliest).unwrap().map(|record| shown(&record.unwrap())).collect()
}

/// The same of a table.
fn rows(table: &Table) -> Vec<String> {
    table.iter().unwrap().map(|record| shown(&record.unwrap())).collect()
}

fn get(table: &Table, key: &str) -> Option<String> {
    table.get(key).unwrap().map(|record| text(record.value()))
}

#[test]
fn a_reader_from_the_start_sees_exactly_the_last_record_of_each_key_at_once() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(latest_only(100)).open().unwrap();
        for round in 0..3 {
            for key in ["a", "b", "c"] {
                put(&stream, key, &round.to_string());
            }
        }
        put(&stream, "b", "new");
        assert_eq!(seen(&stream), ["a=2", "c=2", "b=new"]);
        delete(&stream, "c");
        assert_eq!(seen(&stream), ["a=2", "b=new", "c=-"], "a tombstone is a last record");
        let mut member = stream.group("g").join().unwrap();
        let polled: Vec<_> = member.poll(100, NOW).unwrap().iter().map(shown).collect();
        assert_eq!(polled, ["a=2", "b=new", "c=-"]);
        stream.compact().unwrap();
        assert_eq!(seen(&stream), ["a=2", "b=new", "c=-"], "as compaction leaves it");
        let offsets = stream.reader(Start::Earliest).unwrap().map(|record| record.unwrap().offset());
        assert_eq!(offsets.collect::<Vec<_>>(), [6, 9, 10], "at the offsets that they always had");
    });
}

#[test]
fn a_table_has_the_last_value_of_each_key_in_the_order_of_their_last_writes() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(latest_only(100)).open().unwrap();
        let table = stream.table().unwrap();
        assert!(table.is_empty().unwrap() && get(&table, "a").is_none());
        for (key, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")] {
            put(&stream, key, value);
            assert_eq!(get(&table, key).as_deref(), Some(value));
        }
        assert_eq!((table.len().unwrap(), rows(&table)), (3, vec!["b=2".into(), "c=3".into(), "a=4".into()]));
        delete(&stream, "b");
        assert_eq!((get(&table, "b"), table.len().unwrap()), (None, 2));
        assert_eq!(rows(&table), ["c=3", "a=4"]);
        put(&stream, "b", "5");
        assert_eq!(rows(&table), ["c=3", "a=4", "b=5"], "a deleted key may come back");
        let found = table.get("a").unwrap().unwrap();
        assert_eq!((found.offset(), found.partition()), (3, 0));
        stream.compact().unwrap();
        assert_eq!(rows(&table), ["c=3", "a=4", "b=5"]);
        assert_eq!(get(&table, "a").as_deref(), Some("4"), "where compaction has put it");
    });
}

#[test]
fn a_table_spans_partitions_and_segments_and_compaction_beside_it() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").partitions(4).compaction(latest_only(100)).open().unwrap();
        let table = stream.table().unwrap();
        let filler = "x".repeat(2000);
        for round in 0..20 {
            for key in 0..50 {
                put(&stream, &format!("k{key}"), &format!("{round}{filler}"));
            }
            if round % 5 == 4 {
                stream.compact().unwrap();
            }
            bench.clock.advance(SECOND);
            for key in 0..50 {
                let value = get(&table, &format!("k{key}")).unwrap();
                assert!(value.starts_with(&format!("{round}x")), "k{key} in round {round}: {}", &value[..4]);
            }
        }
        assert_eq!((table.len().unwrap(), rows(&table).len(), seen(&stream).len()), (50, 50, 50));
    });
}

#[test]
fn one_key_too_many_is_refused_naming_the_limit_and_what_is_there_can_be_written_and_deleted() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(latest_only(3)).open().unwrap();
        let table = stream.table().unwrap();
        ["a", "b", "c"].iter().for_each(|key| put(&stream, key, "1"));
        let refused = stream.append(Message::new("1").key("d")).unwrap_err();
        assert!(matches!(&refused, Error::Full { what: "keys", count: 3, limit: 3, .. }), "{refused:?}");
        assert!(
            refused.to_string().contains("stream s") && refused.to_string().contains("keys_max"),
            "{refused}"
        );
        put(&stream, "a", "2");
        delete(&stream, "b");
        let batch = [Message::new("3").key("a"), Message::new("3").key("d")];
        assert!(matches!(stream.append_batch(&batch), Err(Error::Full { .. })), "a tombstone counts yet");
        assert_eq!(rows(&table), ["c=1", "a=2"], "a batch comes in whole or not at all");
        // Stamped by the first pass, gone with the first after its grace.
        stream.compact().unwrap();
        bench.clock.advance(GRACE);
        stream.compact().unwrap();
        put(&stream, "d", "4");
        assert_eq!(rows(&table), ["c=1", "a=2", "d=4"]);
        assert!(stream.append(Message::new("1").key("e")).is_err(), "full again");
        let more = bench.hub.stream("s").compaction(latest_only(4)).open().unwrap();
        put(&more, "e", "5");
        assert_eq!(table.len().unwrap(), 4);
        bench.hub.stream("s").compaction(latest_only(2)).open().unwrap();
        put(&stream, "e", "6");
        assert_eq!(table.len().unwrap(), 4, "what is there stays when the limit is lowered");
    });
}

/// Both hold: before the new record is durable the old one counts, and from then on the new one.
#[test]
fn a_record_that_is_not_yet_durable_does_not_hide_the_one_before_it() {
    let bench = Bench::new(Some(SimDisk::new()), Durability::Synced);
    let stream = bench.hub.stream("s").compaction(latest_only(10)).open().unwrap();
    let table = stream.table().unwrap();
    put(&stream, "a", "1");
    let receipt = stream.submit(Message::new("2").key("a")).unwrap();
    assert_eq!((get(&table, "a").as_deref(), seen(&stream)), (Some("1"), vec!["a=1".into()]));
    receipt.wait().unwrap();
    assert_eq!((get(&table, "a").as_deref(), seen(&stream)), (Some("2"), vec!["a=2".into()]));
}

#[test]
fn new_keys_count_from_before_they_are_durable() {
    let bench = Bench::new(Some(SimDisk::new()), Durability::Synced);
    let stream = bench.hub.stream("s").compaction(latest_only(2)).open().unwrap();
    let receipts = ["a", "b"].map(|key| stream.submit(Message::new("1").key(key)).unwrap());
    assert!(matches!(stream.submit(Message::new("1").key("c")), Err(Error::Full { count: 2, .. })));
    drop(stream.submit(Message::new("2").key("a")).unwrap());
    receipts.into_iter().for_each(|receipt| assert!(receipt.wait().is_ok()));
    assert_eq!(stream.table().unwrap().len().unwrap(), 2);
}

#[test]
fn a_table_and_its_limit_outlive_the_hub() {
    durable_hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(latest_only(3)).open().unwrap();
        for (key, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")] {
            put(&stream, key, value);
        }
        delete(&stream, "b");
        drop(stream);
        bench.reopen();
        let stream = bench.hub.stream("s").open().unwrap();
        assert_eq!(seen(&stream), ["c=3", "a=4", "b=-"]);
        assert_eq!(rows(&stream.table().unwrap()), ["c=3", "a=4"]);
        assert!(matches!(stream.append(Message::new("1").key("d")), Err(Error::Full { limit: 3, .. })));
        bench.hub.flush().unwrap();
        bench.crash();
        let stream = bench.hub.stream("s").open().unwrap();
        assert_eq!(rows(&stream.table().unwrap()), ["c=3", "a=4"]);
    });
}

#[test]
fn what_retention_removes_leaves_the_table() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(latest_only(10)).age_max(10 * SECOND).open().unwrap();
        let table = stream.table().unwrap();
        put(&stream, "a", "1");
        bench.clock.advance(5 * SECOND);
        put(&stream, "b", "2");
        assert_eq!(table.len().unwrap(), 2);
        bench.clock.advance(5 * SECOND);
        assert_eq!((get(&table, "a"), table.len().unwrap(), rows(&table)), (None, 1, vec!["b=2".into()]));
        put(&stream, "a", "3");
        assert_eq!(rows(&table), ["b=2", "a=3"]);
    });
}

#[test]
fn a_stream_that_is_compacted_now_and_then_has_a_table_too_and_others_have_none() {
    hubs(|bench| {
        let rare = Compaction { tombstone_grace: GRACE, keys_max: 3, ..Compaction::default() };
        let stream = bench.hub.stream("s").compaction(rare).open().unwrap();
        for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            put(&stream, key, value);
        }
        let table = stream.table().unwrap();
        assert_eq!(rows(&table), ["b=2", "a=3"]);
        assert_eq!(seen(&stream), ["a=1", "b=2", "a=3"], "a reader sees all until it is compacted");
        stream.compact().unwrap();
        assert_eq!(
            (rows(&table), seen(&stream)),
            (vec!["b=2".into(), "a=3".into()], vec!["b=2".into(), "a=3".into()])
        );
        ["c", "d"].iter().for_each(|key| put(&stream, key, "4"));
        let refused = table.get("a").unwrap_err();
        assert!(matches!(&refused, Error::Full { what: "keys", limit: 3, .. }), "{refused}");
        ["a", "b"].iter().for_each(|key| delete(&stream, key));
        stream.compact().unwrap();
        bench.clock.advance(GRACE);
        stream.compact().unwrap();
        assert_eq!(rows(&table), ["c=4", "d=4"], "once there are few enough it is there again");
        let plain = bench.hub.stream("plain").open().unwrap();
        let refused = plain.table().unwrap_err();
        assert!(
            matches!(&refused, Error::InvalidArgument { .. }) && refused.to_string().contains("compaction"),
            "{refused}"
        );
    });
}

#[test]
fn readers_opened_after_the_option_was_set_see_the_last_records_only() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").compaction(Compaction::default()).open().unwrap();
        ["1", "2"].iter().for_each(|value| put(&stream, "a", value));
        let before = stream.reader(Start::Earliest).unwrap();
        bench.hub.stream("s").compaction(latest_only(10)).open().unwrap();
        assert_eq!(before.count(), 2);
        assert_eq!(seen(&stream), ["a=2"]);
        bench.hub.stream("s").compaction(Compaction::default()).open().unwrap();
        assert_eq!(seen(&stream).len(), 2, "what was not yet compacted is seen again");
    });
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let hub = Hub::memory();
    let ask = |compaction| hub.stream("s").compaction(compaction).open().unwrap_err().to_string();
    assert!(ask(Compaction::latest_only(0)).contains("keys_max"));
    assert!(ask(Compaction::latest_only(u32::MAX)).contains("16777216"));
    assert!(ask(Compaction { lag_min: SECOND, ..Compaction::latest_only(1) }).contains("lag_min"));
}

/// Real threads: at no moment a key that was written has no value, or goes back.
#[test]
fn a_key_always_has_a_value_and_never_an_older_one_while_others_write_and_compact() {
    let hub = Hub::memory();
    let stream = hub.stream("s").partitions(2).compaction(Compaction::latest_only(10)).open().unwrap();
    let keys = ["a", "b", "c"];
    keys.iter().for_each(|key| put(&stream, key, "0"));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..3000 {
                keys.iter().for_each(|key| put(&stream, key, &round.to_string()));
                if round % 500 == 0 {
                    stream.compact().unwrap();
                }
            }
        });
        let table = stream.table().unwrap();
        let mut last = [0u64; 3];
        while !writer.is_finished() {
            for (key, last) in keys.iter().zip(&mut last) {
                let value: u64 = get(&table, key).expect("a value").parse().unwrap();
                assert!(value >= *last, "{key} was {last}, is {value}");
                *last = value;
            }
            let records: Vec<_> =
                stream.reader(Start::Earliest).unwrap().map(|record| record.unwrap()).collect();
            for key in keys {
                assert!(
                    records.iter().any(|record| record.key() == Some(key.as_bytes())),
                    "{key} is not seen"
                );
            }
        }
    });
    assert_eq!(seen(&stream).len(), 3);
}

#[test]
fn what_later_records_hide_is_no_lag_and_is_not_counted() {
    hubs(|b| {
        let stream = b.hub.stream("s").compaction(latest_only(10)).open().unwrap();
        let group = stream.group("g");
        let mut member = group.join().unwrap();
        ["a", "b", "a", "a"].into_iter().for_each(|key| put(&stream, key, "1"));
        delete(&stream, "c");
        let counted = || {
            let stats = stream.stats().unwrap();
            (stats.partitions[0].records, stats.groups[0].lag[0].records, group.lag().unwrap())
        };
        assert_eq!(seen(&stream).len(), 3);
        assert_eq!(counted(), (3, 3, 3));
        let records = member.poll(9, NOW).unwrap();
        assert_eq!(records.len(), 3);
        member.done(&records[1]).unwrap();
        member.commit_done().unwrap();
        assert_eq!(counted(), (3, 2, 2));
        member.commit_offset(0, 2).unwrap();
        assert_eq!(counted(), (3, 1, 1));
        put(&stream, "b", "2");
        assert_eq!(counted(), (3, 2, 2));
        member.commit().unwrap();
        assert_eq!(counted(), (3, 1, 1));
    });
}
