//! Which partition a record goes to: by its key, by a partitioner of the user's, or where the caller says.

use super::hubs;
use ringmain::{Error, Message, Start, Stream};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn count(stream: &Stream) -> u64 {
    stream.stats().unwrap().partitions.iter().map(|partition| partition.end).sum()
}

#[test]
fn a_partitioner_of_the_users_chooses_for_its_handle_and_nobody_elses() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(4).open().unwrap();
        let last = stream.partitioner(|_, _, count| count - 1);
        let by_value = stream.partitioner(|key, message, _| {
            assert_eq!(key, Some(&b"N14228"[..]));
            u32::from(message.value()[0])
        });
        assert_eq!(last.append(Message::new(b"x").key("N14228")).unwrap().partition, 3);
        assert_eq!(last.clone().submit(Message::new(b"x")).unwrap().wait().unwrap().partition, 3);
        let batch = [2u8, 0, 2].map(|partition| [partition]);
        let messages: Vec<_> = batch.iter().map(|value| Message::new(value).key("N14228")).collect();
        let positions = by_value.append_batch(&messages).unwrap();
        let places: Vec<_> = positions.iter().map(|position| (position.partition, position.offset)).collect();
        assert_eq!(places, [(2, 0), (0, 0), (2, 1)]);
        let by_key = stream.append(Message::new(b"x").key("N14228")).unwrap().partition;
        let again = bench.hub.stream("flights").open().unwrap();
        assert_eq!(again.append(Message::new(b"x").key("N14228")).unwrap().partition, by_key);
    });
}

#[test]
fn a_partition_that_there_is_not_is_refused_by_name_and_nothing_of_the_batch_is_appended() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(2).open().unwrap();
        let wrong = stream.partitioner(|_, message, _| u32::from(message.value()[0]));
        let error = wrong.append_batch(&[Message::new(&[0u8]), Message::new(&[7u8])]).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { argument: "partitioner", .. }), "{error:?}");
        assert!(error.to_string().contains("partition 7 of a stream that has 2"), "{error}");
        assert!(wrong.append(Message::new(&[2u8])).is_err());
        let error = stream.append_to(2, Message::new(b"x")).unwrap_err();
        assert!(matches!(error, Error::NotFound { noun: "partition", .. }), "{error:?}");
        assert_eq!(count(&stream), 0);
    });
}

#[test]
fn a_partitioner_that_panics_is_heard_and_has_appended_nothing() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(2).open().unwrap();
        let fragile =
            stream.partitioner(|key, _, _| key.map_or_else(|| panic!("no key"), |key| u32::from(key[0])));
        let messages = [Message::new(b"first").key(&[0u8]), Message::new(b"second")];
        let heard = catch_unwind(AssertUnwindSafe(|| fragile.append_batch(&messages))).unwrap_err();
        assert_eq!(heard.downcast_ref(), Some(&"no key"));
        assert_eq!(count(&stream), 0);
        fragile.append(Message::new(b"goes on").key(&[1u8])).unwrap();
        assert_eq!(count(&stream), 1);
    });
}

#[test]
fn a_partition_can_be_named_for_each_append_and_for_a_batch() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(3).open().unwrap();
        for partition in [2, 0, 2] {
            let position = stream.append_to(partition, Message::new(b"x").key("same key")).unwrap();
            assert_eq!(position.partition, partition);
        }
        let messages = [Message::new(b"a").key("1"), Message::new(b"b"), Message::new(b"c").key("2")];
        let positions = stream.append_batch_to(1, &messages).unwrap();
        assert_eq!(
            positions.iter().map(|p| (p.partition, p.offset)).collect::<Vec<_>>(),
            [(1, 0), (1, 1), (1, 2)]
        );
        let values: Vec<_> =
            stream.partition_reader(1, Start::Earliest).unwrap().map(|r| r.unwrap().value()[0]).collect();
        assert_eq!(values, b"abc");
    });
}

#[test]
fn keyless_records_of_a_batch_stay_together_and_the_next_batch_goes_elsewhere() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(3).open().unwrap();
        let mut seen = Vec::new();
        for _ in 0..6 {
            let positions = stream.append_batch(&[Message::new(b"x"), Message::new(b"y")]).unwrap();
            assert_eq!(positions[0].partition, positions[1].partition);
            seen.push(positions[0].partition);
        }
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
    });
}

#[test]
fn a_keyless_batch_avoids_the_partition_with_the_most_bytes_on_their_way_to_the_disk() {
    super::durable_hubs(|bench| {
        if bench.durability == ringmain::Durability::Synced {
            return;
        }
        let stream = bench.hub.stream("flights").partitions(3).open().unwrap();
        let large = vec![0; 10_000];
        stream.append_to(0, Message::new(&large)).unwrap();
        stream.append_to(1, Message::new(&large)).unwrap();
        for _ in 0..4 {
            assert_eq!(stream.append_batch(&[Message::new(b"small")]).unwrap()[0].partition, 2);
        }
    });
}
