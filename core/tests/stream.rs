//! What a user of streams relies on: order, offsets, groups with committed offsets.

use ringmain::{Clock, Durability, Error, Hub, ManualClock, Message, Start, Stream};
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn memory(partitions: u32) -> Stream {
    Hub::memory().stream("s").partitions(partitions).open().unwrap()
}

fn fill(stream: &Stream, count: u32) {
    for i in 0..count {
        let key = (i % 7).to_string();
        stream.append(Message::new(&i.to_le_bytes()).key(&key)).unwrap();
    }
}

#[test]
fn records_of_a_key_stay_in_one_partition_and_in_order() {
    let stream = memory(4);
    fill(&stream, 1000);
    let mut last: BTreeMap<Vec<u8>, (u32, u32, u64)> = BTreeMap::new();
    let mut count = 0;
    for record in stream.reader(Start::Earliest).unwrap() {
        let record = record.unwrap();
        let value = u32::from_le_bytes(record.value().try_into().unwrap());
        let seen = (value, record.partition(), record.offset());
        if let Some(before) = last.insert(record.key().unwrap().to_vec(), seen) {
            assert!(before.0 < seen.0 && before.1 == seen.1 && before.2 < seen.2, "{before:?} {seen:?}");
        }
        count += 1;
    }
    assert_eq!(count, 1000);
}

#[test]
fn a_batch_gets_the_positions_of_its_records_in_order() {
    let stream = memory(3);
    let keys: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    let batch: Vec<_> = keys.iter().map(|key| Message::new(key).key(key)).collect();
    let positions = stream.append_batch(&batch).unwrap();
    for (key, position) in keys.iter().zip(positions) {
        let mut reader = stream.partition_reader(position.partition, Start::Offset(position.offset)).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().value(), key.as_bytes());
    }
}

#[test]
fn a_batch_without_keys_stays_together_and_an_empty_one_is_nothing() {
    let stream = memory(3);
    assert!(stream.append_batch(&[]).unwrap().is_empty());
    for _ in 0..4 {
        let positions = stream.append_batch(&vec![Message::new(b"x"); 5]).unwrap();
        let first = positions[0];
        let offsets: Vec<_> = positions.iter().map(|position| position.offset).collect();
        assert!(offsets.into_iter().eq(first.offset..first.offset + 5));
        assert!(positions.iter().all(|position| position.partition == first.partition));
    }
}

#[test]
fn records_that_are_shown_where_they_lie_are_those_that_are_polled() {
    let stream = memory(3);
    fill(&stream, 2000);
    let (mut polled, mut shown) = (Vec::new(), Vec::new());
    let mut reader = stream.reader(Start::Earliest).unwrap();
    while let records @ [_, ..] = &reader.poll(77, NOW).unwrap()[..] {
        let all = |r: &ringmain::Record| {
            (r.position(), r.key().map(<[u8]>::to_vec), r.value().to_vec(), r.time_ns())
        };
        polled.extend(records.iter().map(all));
    }
    let mut reader = stream.reader(Start::Earliest).unwrap();
    let show = |r: ringmain::RecordRef<'_>| {
        (r.position(), r.key().map(<[u8]>::to_vec), r.value().to_vec(), r.time_ns())
    };
    while reader.poll_each(77, NOW, |record| shown.push(show(record))).unwrap() > 0 {}
    assert_eq!(polled.len(), 2000);
    assert_eq!(shown, polled);
}

#[test]
fn a_look_at_records_where_they_lie_waits_for_the_first_and_takes_no_more_than_asked() {
    let stream = memory(1);
    let mut reader = stream.reader(Start::Earliest).unwrap();
    let mut values = Vec::new();
    assert_eq!(reader.poll_each(1, NOW, |_| unreachable!("there is nothing")).unwrap(), 0);
    let theirs = stream.clone();
    let appending = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        theirs.append_batch(&[Message::new(b"a"), Message::new(b"b")]).unwrap()
    });
    let count = reader.poll_each(1, Duration::from_secs(60), |record| values.push(record.value().to_vec()));
    assert_eq!((count.unwrap(), values), (1, vec![b"a".to_vec()]));
    appending.join().unwrap();
    assert_eq!(reader.poll_each(10, NOW, |record| assert_eq!(record.value(), b"b")).unwrap(), 1);
    assert!(reader.poll_each(0, NOW, |_| ()).unwrap_err().to_string().contains("count_max"));
}

#[test]
fn a_record_that_is_kept_outlives_the_reader_and_the_stream() {
    let stream = memory(1);
    let value = vec![5; 10_000];
    (0..20).for_each(|_| _ = stream.append(Message::new(&value)).unwrap());
    let kept: Vec<_> = stream.reader(Start::Earliest).unwrap().map(Result::unwrap).collect();
    let again = kept.clone();
    drop((stream, kept));
    assert!(again.len() == 20 && again.iter().all(|record| record.value() == value));
}

#[test]
fn readers_start_where_they_are_told_and_follow_what_comes() {
    let clock = ManualClock::new();
    let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory().unwrap();
    let stream = hub.stream("s").open().unwrap();
    let mut times = vec![];
    for i in 0..10u32 {
        times.push(clock.now_ns());
        stream.append(Message::new(&i.to_le_bytes())).unwrap();
        clock.advance(Duration::from_secs(1));
    }
    let first = |start| stream.reader(start).unwrap().next().map(|r| r.unwrap().offset());
    assert_eq!(first(Start::Earliest), Some(0));
    assert_eq!(first(Start::Offset(4)), Some(4));
    assert_eq!(first(Start::Latest), None);
    assert_eq!(first(Start::Time(times[6])), Some(6));
    assert_eq!(first(Start::Time(times[6] + 1)), Some(7), "exact, never an earlier record");
    assert_eq!(first(Start::Time(u64::MAX)), None, "the end, not an error");
    let error = stream.reader(Start::Offset(11)).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { offset: 11, start: 0, end: 10, .. }), "{error}");
    let mut tail = stream.reader(Start::Latest).unwrap();
    stream.append(Message::new(b"new")).unwrap();
    assert_eq!(tail.poll(10, NOW).unwrap()[0].value(), b"new");
    tail.seek(0, 2).unwrap();
    assert_eq!(tail.next().unwrap().unwrap().offset(), 2);
    assert!(tail.seek(0, 99).is_err() && tail.seek(1, 0).is_err());
}

#[test]
fn a_waiting_reader_is_woken_by_an_append_to_any_partition() {
    let stream = memory(4);
    let mut reader = stream.reader(Start::Latest).unwrap();
    let reader = std::thread::spawn(move || reader.poll(1, Duration::from_secs(60)).unwrap().len());
    std::thread::sleep(Duration::from_millis(20));
    stream.append(Message::new(b"x").key(b"k")).unwrap();
    assert_eq!(reader.join().unwrap(), 1);
}

#[test]
fn a_group_goes_on_where_it_committed_also_after_reopening() {
    let scratch = tempfile::tempdir().unwrap();
    let open = || {
        let hub = Hub::builder().durability(Durability::Written).open(scratch.path()).unwrap();
        let stream = hub.stream("s").partitions(3).open().unwrap();
        (hub, stream)
    };
    let (hub, stream) = open();
    fill(&stream, 100);
    let mut member = stream.group("billing").join().unwrap();
    assert_eq!(member.assignment().unwrap(), [0, 1, 2]);
    assert_eq!(member.poll(60, NOW).unwrap().len(), 60);
    member.commit().unwrap();
    assert_eq!(member.poll(10, NOW).unwrap().len(), 10);
    assert_eq!(member.lag().unwrap(), 40);
    drop(member);
    hub.close(Duration::from_secs(60)).unwrap();
    drop((hub, stream));
    let (_hub, stream) = open();
    let mut member = stream.group("billing").join().unwrap();
    assert_eq!(member.poll(1000, NOW).unwrap().len(), 40, "what was polled and not committed comes again");
    member.commit().unwrap();
    assert_eq!(stream.group("billing").lag().unwrap(), 0);
    assert_eq!(stream.group("other").join().unwrap().poll(1000, NOW).unwrap().len(), 100);
}

#[test]
fn partitions_move_when_members_come_and_go_and_their_old_owner_is_fenced() {
    let clock = ManualClock::new();
    let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory().unwrap();
    let stream = hub.stream("s").partitions(4).open().unwrap();
    fill(&stream, 400);
    let group = stream.group("g");
    let mut first = group.join().unwrap();
    assert_eq!(first.poll(1000, NOW).unwrap().len(), 400);
    let mut second = group.join().unwrap();
    clock.advance(Duration::from_secs(30));
    let lost = second.assignment().unwrap();
    assert_eq!(lost.len(), 2);
    let error = first.commit().unwrap_err();
    assert!(matches!(&error, Error::Fenced { partition: Some(p), .. } if lost.contains(p)), "{error}");
    let committed = group.committed().unwrap();
    for partition in (0..4u32).filter(|partition| !lost.contains(partition)) {
        assert!(committed[partition as usize].unwrap() > 0, "its own partition {partition} is committed");
    }
    let again: usize = second.poll(1000, NOW).unwrap().len();
    assert!(again > 0 && again < 400, "starts from the committed offset of what moved");
    second.commit().unwrap();
    drop(first);
    assert_eq!(second.assignment().unwrap(), [0, 1, 2, 3]);
    assert_eq!(second.poll(1000, NOW).unwrap().len(), 0, "everything was committed");
}

#[test]
fn more_members_than_partitions_leaves_the_rest_idle() {
    let stream = memory(1);
    fill(&stream, 5);
    let mut members: Vec<_> = (0..3).map(|_| stream.group("g").join().unwrap()).collect();
    let polled: Vec<usize> = members.iter_mut().map(|m| m.poll(10, NOW).unwrap().len()).collect();
    assert_eq!(polled.iter().sum::<usize>(), 5);
    assert_eq!(polled.iter().filter(|n| **n > 0).count(), 1);
}

#[test]
fn a_commit_never_goes_back_or_beyond_the_end() {
    let stream = memory(1);
    fill(&stream, 5);
    let mut member = stream.group("g").join().unwrap();
    member.commit_offset(0, 3).unwrap();
    assert!(member.commit_offset(0, 2).unwrap_err().to_string().contains("never goes back"));
    assert!(matches!(member.commit_offset(0, 6), Err(Error::OutOfRange { .. })));
    assert!(member.commit_offset(7, 0).is_err());
    assert_eq!(stream.group("g").committed().unwrap(), [Some(3)]);
}

#[test]
fn a_delay_on_a_stream_is_refused_and_the_partition_count_cannot_shrink() {
    let hub = Hub::memory();
    let stream = hub.stream("s").partitions(2).open().unwrap();
    assert!(stream.append(Message::new(b"x").delay(Duration::from_secs(1))).is_err());
    let error = hub.stream("s").partitions(1).open().unwrap_err();
    assert!(error.to_string().contains("partitions 2, asked for 1"), "{error}");
    assert!(hub.stream("z").partitions(0).open().is_err());
    assert!(hub.stream("z").partitions(1025).open().is_err());
}

#[test]
fn a_backlog_larger_than_memory_keeps_is_read_from_its_files() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::builder().durability(Durability::Written).open(scratch.path()).unwrap();
    let stream = hub.stream("s").open().unwrap();
    let value = vec![3; 100_000];
    for _ in 0..300 {
        stream.append(Message::new(&value)).unwrap();
    }
    hub.flush().unwrap();
    let records = stream.reader(Start::Earliest).unwrap();
    let mut count = 0;
    for (offset, record) in records.enumerate() {
        let record = record.unwrap();
        assert_eq!((record.offset(), record.value().len()), (offset as u64, 100_000));
        count += 1;
    }
    assert_eq!(count, 300);
}
