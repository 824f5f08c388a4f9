//! Handlers side by side: what is done beyond what is not.

use crate::{durable_hubs, hubs};
use ringmain::{Compaction, Error, Member, Message, Record, Stream};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn poll(member: &mut Member, count_max: usize) -> Vec<Record> {
    member.poll(count_max, NOW).unwrap()
}

fn offsets(records: &[Record]) -> Vec<u64> {
    records.iter().map(Record::offset).collect()
}

fn fill(stream: &Stream, count: usize) {
    for chunk in vec![Message::new(b"EWR-IAH"); count].chunks(10_000) {
        stream.append_batch(chunk).unwrap();
    }
}

#[test]
fn records_done_out_of_order_are_not_replayed_after_a_restart() {
    durable_hubs(|bench| {
        let stream = bench.hub.stream("flights").open().unwrap();
        fill(&stream, 10);
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 10);
        for done in [3, 0, 9, 4, 7] {
            billing.done(&records[done]).unwrap();
            billing.commit_done().unwrap();
        }
        assert_eq!(stream.group("billing").committed().unwrap(), [Some(1)], "only what has no gap before it");
        assert_eq!(billing.lag().unwrap(), 5);
        drop((billing, stream));
        for _ in 0..2 {
            bench.reopen();
            let stream = bench.hub.stream("flights").open().unwrap();
            let mut billing = stream.group("billing").join().unwrap();
            assert_eq!(offsets(&poll(&mut billing, 10)), [1, 2, 5, 6, 8]);
            assert_eq!(billing.lag().unwrap(), 5);
        }
    });
}

#[test]
fn marks_that_were_not_committed_are_not_kept() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").open().unwrap();
        fill(&stream, 4);
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 4);
        billing.done(&records[2]).unwrap();
        billing.commit_done().unwrap();
        billing.done(&records[1]).unwrap();
        drop(billing);
        let mut billing = stream.group("billing").join().unwrap();
        assert_eq!(offsets(&poll(&mut billing, 4)), [0, 1, 3]);
    });
}

#[test]
fn a_record_from_before_a_rewind_marks_itself_and_not_what_had_been_done_before_it() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").open().unwrap();
        fill(&stream, 6);
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 6);
        records[1..3].iter().for_each(|record| billing.done(record).unwrap());
        billing.commit_done().unwrap();
        drop(billing);
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 6);
        assert_eq!(offsets(&records), [0, 3, 4, 5]);
        billing.rewind(0, 0).unwrap();
        billing.done(&records[1]).unwrap();
        billing.commit_done().unwrap();
        assert_eq!(billing.lag().unwrap(), 5, "all but 3: what was forgotten is to be handled again");
    });
}

#[test]
fn a_partition_that_moves_takes_what_is_done_of_it_along() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(2).open().unwrap();
        for i in 0..40u32 {
            stream.append(Message::new(b"EWR-IAH").key(&i.to_string())).unwrap();
        }
        let mut first = stream.group("billing").join().unwrap();
        let records = poll(&mut first, 100);
        let done: Vec<_> = records.iter().filter(|record| record.offset() % 3 == 1).collect();
        done.iter().for_each(|record| first.done(record).unwrap());
        first.commit_done().unwrap();
        first.leave().unwrap();
        let mut second = stream.group("billing").join().unwrap();
        let again = poll(&mut second, 100);
        assert!(again.iter().all(|record| record.offset() % 3 != 1));
        assert_eq!(again.len() + done.len(), 40);
        again.iter().for_each(|record| second.done(record).unwrap());
        second.commit_done().unwrap();
        assert_eq!(second.lag().unwrap(), 0);
        let ends: u64 = stream.group("billing").committed().unwrap().into_iter().flatten().sum();
        assert_eq!(ends, 40, "no gap is left");
    });
}

#[test]
fn with_ten_thousand_gaps_poll_gives_no_more_of_the_partition_and_nothing_is_forgotten() {
    const GAPS: usize = 10_000;
    hubs(|bench| {
        let stream = bench.hub.stream("flights").open().unwrap();
        fill(&stream, 2 * GAPS + 4);
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 2 * GAPS + 2);
        for record in records.iter().skip(1).step_by(2).take(GAPS) {
            billing.done(record).unwrap();
        }
        let full = billing.done(&records[2 * GAPS + 1]).unwrap_err();
        assert!(matches!(full, Error::Full { count: 10_000, limit: 10_000, .. }), "{full}");
        billing.commit_done().unwrap();
        assert_eq!(poll(&mut billing, 10).len(), 0, "no more until a gap closes");
        assert_eq!(billing.lag().unwrap(), GAPS as u64 + 4);
        billing.done(&records[2]).unwrap();
        assert_eq!(poll(&mut billing, 10).len(), 2, "what closes a gap may be marked, and there is more");
        // That was not committed.
        drop(billing);
        let mut billing = stream.group("billing").join().unwrap();
        assert_eq!(poll(&mut billing, 10).len(), 0, "the next owner neither");
        billing.commit_offset(0, 2).unwrap();
        assert_eq!(poll(&mut billing, 10).len(), 10, "a commit closes gaps, too");
        billing.rewind(0, 0).unwrap();
        assert_eq!(poll(&mut billing, 10).len(), 10);
    });
}

#[test]
fn offsets_without_a_record_are_no_gaps() {
    hubs(|bench| {
        let compaction = Compaction::default();
        let stream = bench.hub.stream("gates").compaction(compaction).open().unwrap();
        for i in 0..10u32 {
            stream.append(Message::new(b"C71").key(&(i % 2 * i).to_string())).unwrap();
        }
        stream.compact().unwrap();
        let mut billing = stream.group("billing").join().unwrap();
        let records = poll(&mut billing, 10);
        assert_eq!(offsets(&records), [1, 3, 5, 7, 8, 9]);
        records.iter().rev().for_each(|record| billing.done(record).unwrap());
        billing.commit_done().unwrap();
        assert_eq!(stream.group("billing").committed().unwrap(), [Some(10)]);
    });
}
