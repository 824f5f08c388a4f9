//! How readers and members take records: where they lie, with limits, in batches that wait from their first record on.

use crate::{NOW, SECOND, append, durable_hubs, hubs};
use ringmain::{CommitMode, Fetch, Filter, Member, Record, RecordRef, Start};
use std::sync::mpsc::channel;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn offsets(records: &[Record]) -> Vec<u64> {
    records.iter().map(Record::offset).collect()
}

/// Offsets of what it is shown.
fn shown(member: &mut Member, count_max: usize) -> Vec<u64> {
    let mut offsets = vec![];
    let count = member.poll_each(count_max, NOW, |record| offsets.push(record.position().offset)).unwrap();
    assert_eq!(count, offsets.len());
    offsets
}

#[test]
fn a_member_that_is_shown_records_commits_them_and_is_not_shown_what_was_done_before() {
    durable_hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        append(&stream, 10);
        let mut member = stream.group("g").join().unwrap();
        let records = member.poll(10, NOW).unwrap();
        [0, 3, 4, 9].into_iter().for_each(|done| member.done(&records[done]).unwrap());
        member.commit_done().unwrap();
        drop((member, records, stream));
        b.reopen();
        let stream = b.hub.stream("s").open().unwrap();
        let mut member = stream.group("g").join().unwrap();
        assert_eq!(shown(&mut member, 3), [1, 2, 5]);
        member.commit().unwrap();
        assert_eq!(stream.group("g").committed().unwrap(), [Some(6)]);
        assert_eq!(shown(&mut member, 10), [6, 7, 8]);
        assert_eq!(shown(&mut member, 10), [0; 0]);
        member.rewind(0, 3).unwrap();
        assert_eq!(shown(&mut member, 10), [3, 4, 5, 6, 7, 8, 9], "a rewind forgets what was done");
    });
}

#[test]
fn a_record_that_is_done_does_not_take_along_those_that_were_only_shown() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        append(&stream, 4);
        let mut member = stream.group("g").join().unwrap();
        assert_eq!(shown(&mut member, 2), [0, 1]);
        let records = member.poll(1, NOW).unwrap();
        member.done(&records[0]).unwrap();
        member.commit_done().unwrap();
        assert_eq!(stream.group("g").committed().unwrap(), [Some(0)]);
        drop(member);
        assert_eq!(shown(&mut stream.group("g").join().unwrap(), 9), [0, 1, 3]);
    });
}

#[test]
fn what_is_shown_is_committed_when_the_mode_says() {
    for (mode, within, after) in
        [(CommitMode::Manual, 4, 4), (CommitMode::OnPoll, 4, 2), (CommitMode::AtMostOnce, 2, 0)]
    {
        hubs(|b| {
            let stream = b.hub.stream("s").open().unwrap();
            append(&stream, 4);
            let group = stream.group("g");
            let mut member = group.join().unwrap().commit_mode(mode);
            let lag = |_: RecordRef<'_>| assert_eq!(group.lag().unwrap(), within, "{mode:?}");
            assert_eq!(member.poll_each(2, NOW, lag).unwrap(), 2);
            assert_eq!(member.poll_each(2, NOW, |_| {}).unwrap(), 2);
            assert_eq!(group.lag().unwrap(), after, "{mode:?}");
        });
    }
}

#[test]
fn a_member_fetches_with_limits_what_is_not_done() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        append(&stream, 8);
        let mut member = stream.group("g").join().unwrap();
        let records = member.poll(3, NOW).unwrap();
        member.done(&records[1]).unwrap();
        member.commit_done().unwrap();
        drop(member);
        let mut member = stream.group("g").join().unwrap();
        let fetch = Fetch { bytes_max: 3 * 32, wait_max: NOW, ..Fetch::default() };
        assert_eq!(offsets(&member.fetch(&fetch).unwrap()), [0, 2, 3]);
        assert_eq!(offsets(&member.fetch(&Fetch { count_max: 2, ..fetch }).unwrap()), [4, 5]);
        let more = Fetch { bytes_min: 1000, bytes_max: 1000, wait_max: NOW, ..fetch };
        assert_eq!(offsets(&member.fetch(&more).unwrap()), [6, 7], "what there is when its time is over");
        member.commit().unwrap();
        assert_eq!(member.lag().unwrap(), 0);
    });
}

#[test]
fn a_member_that_waits_for_more_returns_what_it_has_when_a_partition_is_to_go() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).open().unwrap();
        (0..20u8).for_each(|key| _ = stream.append(ringmain::Message::new("x").key(&[key])).unwrap());
        let mut member = stream.group("g").join().unwrap();
        assert_eq!(member.assignment().unwrap(), [0, 1]);
        let joining = std::thread::spawn({
            let group = stream.group("g");
            move || group.join().unwrap()
        });
        let begun_ns = b.clock.now_ns();
        let records = member.poll_batch(30, Duration::MAX, Duration::MAX).unwrap();
        assert!(
            !records.is_empty(),
            "of one partition or both: whether the other one came before or meanwhile"
        );
        assert_eq!(b.clock.now_ns(), begun_ns);
        let _other = joining.join().unwrap();
        assert_eq!(member.assignment().unwrap().len(), 1);
    });
}

#[test]
fn the_wait_of_a_batch_begins_with_its_first_record_and_ends_with_no_further_input() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let (told, seen) = channel();
        let filter = Filter::by(move |record| told.send(record.position().offset).is_ok());
        let mut reader = stream.reader(Start::Earliest).unwrap().only(filter).unwrap();
        let reading = std::thread::spawn(move || reader.poll_batch(10, 5 * SECOND, Duration::MAX).unwrap());
        // Long after the call.
        b.clock.advance(LONG);
        append(&stream, 1);
        assert_eq!(seen.recv(), Ok(0));
        b.clock.advance(4 * SECOND);
        append(&stream, 1);
        assert_eq!(seen.recv(), Ok(1), "it is still waiting");
        let begun_ns = b.clock.now_ns();
        while !reading.is_finished() {
            b.clock.advance(SECOND);
            std::thread::yield_now();
        }
        assert_eq!(offsets(&reading.join().unwrap()), [0, 1]);
        assert!(b.clock.now_ns() > begun_ns);
    });
}

#[test]
fn a_batch_that_is_full_waits_for_nothing_and_one_of_a_member_waits_for_more() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        append(&stream, 3);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        assert_eq!(reader.poll_batch(3, Duration::MAX, NOW).unwrap().len(), 3);
        assert_eq!(
            reader.poll_batch(3, Duration::MAX, NOW).unwrap().len(),
            0,
            "it waits for none that begins"
        );
        let mut member = stream.group("g").join().unwrap();
        let polling = std::thread::spawn(move || {
            (member.poll_batch(5, Duration::MAX, Duration::MAX).unwrap(), member.commit().unwrap())
        });
        append(&stream, 2);
        assert_eq!(offsets(&polling.join().unwrap().0), [0, 1, 2, 3, 4]);
        assert_eq!(stream.group("g").lag().unwrap(), 0);
    });
}
