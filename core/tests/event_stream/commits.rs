//! When a group's offsets are committed, and what becomes of them.

use crate::{Bench, durable_hubs, hubs};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, CommitMode, Durability, Error, Hub, ManualClock, Member, Message, Record, Start, Stream,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

fn filled(bench: &Bench, count: u32) -> Stream {
    let stream = bench.hub.stream("flights").open().unwrap();
    (0..count).for_each(|i| _ = stream.append(Message::new(&i.to_le_bytes())).unwrap());
    stream
}

fn offsets(records: &[Record]) -> Vec<u64> {
    records.iter().map(Record::offset).collect()
}

fn poll(member: &mut Member, count_max: usize) -> Vec<u64> {
    offsets(&member.poll(count_max, NOW).unwrap())
}

fn member(stream: &Stream) -> Member {
    stream.group("billing").join().unwrap()
}

fn committed(stream: &Stream) -> u64 {
    stream.group("billing").committed().unwrap()[0].unwrap()
}

#[test]
fn nothing_is_committed_before_the_application_asks_for_more_or_says_so() {
    hubs(|bench| {
        let stream = filled(bench, 6);
        for mode in [CommitMode::Manual, CommitMode::OnPoll] {
            let mut billing = member(&stream).commit_mode(mode);
            assert_eq!(poll(&mut billing, 3), [0, 1, 2]);
            bench.clock.advance(YEAR);
            assert_eq!(
                committed(&stream),
                0,
                "neither polling nor time says that they were handled: {mode:?}"
            );
            drop(billing);
            assert_eq!(poll(&mut member(&stream), 3), [0, 1, 2], "nor leaving: {mode:?}");
        }
    });
}

#[test]
fn on_poll_what_the_poll_before_returned_is_committed_and_no_more() {
    hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream).commit_mode(CommitMode::OnPoll);
        for polled in [0, 2, 4, 6, 6] {
            poll(&mut billing, 2);
            assert_eq!(committed(&stream), polled);
        }
        drop(billing);
        assert_eq!(poll(&mut member(&stream), 3), [0; 0]);
    });
}

#[test]
fn at_most_once_a_crash_after_the_hand_over_replays_nothing() {
    durable_hubs(|bench| {
        let stream = filled(bench, 6);
        bench.hub.flush().unwrap();
        let mut billing = member(&stream).commit_mode(CommitMode::AtMostOnce);
        assert_eq!(poll(&mut billing, 4), [0, 1, 2, 3]);
        assert_eq!(committed(&stream), 4);
        if bench.durability == Durability::Relaxed {
            bench.hub.flush().unwrap();
        }
        drop((billing, stream));
        bench.crash();
        assert_eq!(poll(&mut member(&filled(bench, 0)), 6), [4, 5]);
    });
}

#[test]
fn of_a_batch_that_was_handled_in_part_the_rest_comes_again() {
    durable_hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream);
        assert_eq!(poll(&mut billing, 6).len(), 6);
        billing.commit_offset(0, 2).unwrap();
        drop((billing, stream));
        bench.reopen();
        assert_eq!(poll(&mut member(&filled(bench, 0)), 6), [2, 3, 4, 5]);
    });
}

#[test]
fn where_the_first_member_began_is_stored_and_means_the_same_for_whoever_joins_later() {
    hubs(|bench| {
        let stream = filled(bench, 3);
        let billing = stream.group("billing");
        assert!(matches!(billing.join_committed(), Err(Error::NotFound { .. })));
        drop(billing.join_at(Start::Latest).unwrap());
        stream.append(Message::new(b"new")).unwrap();
        for start in [Start::Latest, Start::Earliest, Start::Time(0)] {
            assert_eq!(poll(&mut billing.join_at(start).unwrap(), 10), [3], "{start:?}");
        }
        assert_eq!(poll(&mut billing.join_committed().unwrap(), 10), [3]);
    });
}

#[test]
fn a_commit_that_goes_back_is_refused_and_a_rewind_reads_everything_again() {
    hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream);
        let records = billing.poll(6, NOW).unwrap();
        billing.commit_offset(0, 2).unwrap();
        assert!(billing.commit_offset(0, 1).unwrap_err().to_string().contains("a rewind does"));
        billing.done(&records[4]).unwrap();
        billing.commit_done().unwrap();
        assert_eq!(billing.lag().unwrap(), 3);
        assert!(billing.rewind(0, 3).unwrap_err().to_string().contains("only goes back"));
        assert!(matches!(billing.rewind(0, 9), Err(Error::OutOfRange { .. })));
        billing.rewind(0, 2).unwrap();
        assert_eq!((committed(&stream), billing.lag().unwrap()), (2, 4), "what was done beyond is forgotten");
        assert_eq!(poll(&mut billing, 6), [2, 3, 4, 5]);
        billing.rewind(0, 0).unwrap();
        assert_eq!(poll(&mut billing, 6).len(), 6);
        let mut other = member(&stream);
        billing.assignment().unwrap();
        drop(other.assignment().unwrap());
        assert!(matches!(other.rewind(0, 0), Err(Error::Fenced { .. })), "it has no partition");
    });
}

#[test]
fn what_was_polled_before_a_rewind_and_is_done_afterwards_does_not_come_again() {
    hubs(|bench| {
        let stream = filled(bench, 4);
        let mut billing = member(&stream);
        let records = billing.poll(4, NOW).unwrap();
        billing.commit().unwrap();
        billing.rewind(0, 0).unwrap();
        billing.done(&records[2]).unwrap();
        billing.commit_done().unwrap();
        assert_eq!(poll(&mut billing, 6), [0, 1, 3]);
        billing.rewind(0, 0).unwrap();
        assert_eq!(poll(&mut billing, 6).len(), 4, "a rewind forgets that, too");
    });
}

#[test]
fn a_partition_that_a_member_is_to_let_go_of_can_be_rewound_for_the_next_owner() {
    hubs(|bench| {
        let stream = bench.hub.stream("flights").partitions(2).open().unwrap();
        for partition in [0, 1] {
            stream.append_batch_to(partition, &vec![Message::new(b"EWR-IAH"); 4]).unwrap();
        }
        let mut first = member(&stream);
        assert_eq!(first.poll(8, NOW).unwrap().len(), 8);
        (0..2).for_each(|partition| first.commit_offset(partition, 2).unwrap());
        let mut second = member(&stream);
        assert_eq!(first.assignment().unwrap().len(), 1);
        let asked = first.revoking()[0];
        first.rewind(asked, 1).unwrap();
        assert!(first.revoking().is_empty(), "nothing of it is left to be committed");
        assert_eq!(poll(&mut second, 8), [1, 2, 3]);
    });
}

#[test]
fn receipts_of_commits_are_reached_in_order_and_the_later_one_counts() {
    durable_hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream);
        poll(&mut billing, 2);
        let first = billing.submit_commit().unwrap();
        poll(&mut billing, 2);
        let second = billing.submit_commit().unwrap();
        assert_eq!(committed(&stream), 4, "at once for others of this hub");
        second.wait().unwrap();
        assert!(first.is_reached());
        if bench.durability == Durability::Relaxed {
            bench.hub.flush().unwrap();
        }
        drop((billing, stream));
        bench.crash();
        assert_eq!(poll(&mut member(&filled(bench, 0)), 6), [4, 5]);
    });
}

#[test]
fn offsets_do_not_expire_and_a_group_is_deleted_only_by_name_and_without_members() {
    durable_hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream);
        poll(&mut billing, 4);
        billing.commit().unwrap();
        let refused = stream.delete_group("billing").unwrap_err().to_string();
        assert!(refused.contains("billing") && refused.contains("members"), "{refused}");
        assert!(matches!(stream.delete_group("audit"), Err(Error::NotFound { .. })));
        drop((billing, stream));
        bench.clock.advance(YEAR);
        bench.reopen();
        let stream = filled(bench, 0);
        assert_eq!(committed(&stream), 4);
        stream.delete_group("billing").unwrap();
        drop(stream);
        bench.reopen();
        let stream = filled(bench, 0);
        assert_eq!(stream.groups().unwrap(), [""; 0]);
        assert_eq!(poll(&mut stream.group("billing").join().unwrap(), 2), [0, 1], "it begins anew");
    });
}

#[test]
fn a_group_whose_place_was_removed_is_told_and_its_lag_is_of_what_is_left() {
    hubs(|bench| {
        let stream = filled(bench, 6);
        let mut billing = member(&stream);
        let records = billing.poll(6, NOW).unwrap();
        billing.done(&records[1]).unwrap();
        billing.done(&records[4]).unwrap();
        billing.commit_done().unwrap();
        assert_eq!(billing.lag().unwrap(), 4);
        drop(billing);
        let stream = bench.hub.stream(stream.name()).count_max(3).open().unwrap();
        let mut billing = member(&stream);
        assert_eq!(billing.lag().unwrap(), 2, "3 and 5");
        let told = billing.poll(6, NOW).unwrap_err();
        assert!(matches!(told, Error::OutOfRange { offset: 0, start: 3, .. }), "{told}");
        assert!(matches!(billing.commit_offset(0, 2), Err(Error::OutOfRange { .. })));
        billing.seek(0, 3).unwrap();
        assert_eq!(poll(&mut billing, 6), [3, 5]);
        billing.commit().unwrap();
        assert_eq!(billing.lag().unwrap(), 0);
    });
}

/// What a little workload committed when so many operations of the disk were over.
struct Told {
    operations: u64,
    done: BTreeSet<u64>,
}

#[test]
fn a_power_cut_at_any_operation_replays_nothing_that_was_committed_and_skips_nothing_that_was_not() {
    const COUNT: u64 = 24;
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let open = |disk: &SimDisk| {
        let hub = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
        hub.open("/hub").unwrap()
    };
    let hub = open(&disk);
    let stream = hub.stream("flights").open().unwrap();
    stream.append_batch(&vec![Message::new(b"EWR-IAH"); COUNT as usize]).unwrap();
    let mut billing = member(&stream);
    let records = billing.poll(COUNT as usize, NOW).unwrap();
    let (mut done, mut told) = (BTreeSet::new(), Vec::new());
    let begin = disk.operation_count();
    for round in 0..COUNT {
        let offset = round * 7 % COUNT;
        billing.done(&records[offset as usize]).unwrap();
        let before = done.clone();
        done.insert(offset);
        // Whatever the disk has of a commit that has not returned may count.
        told.push((Told { operations: disk.operation_count(), done: before }, done.clone()));
        billing.commit_done().unwrap();
    }
    told.push((Told { operations: disk.operation_count(), done: done.clone() }, done));
    drop((billing, stream, hub));
    let mut cuts = 0;
    for cut in begin..=disk.operation_count() {
        for unsynced in
            [Unsynced::Kept, Unsynced::Dropped, Unsynced::Seeded(cut), Unsynced::Seeded(cut + 1000)]
        {
            let image = disk.image_with(cut, unsynced);
            let (sure, may_be) = told.iter().rfind(|(told, _)| told.operations <= cut).unwrap();
            let stream = open(&image).stream("flights").open().unwrap();
            let again: BTreeSet<u64> = poll(&mut member(&stream), COUNT as usize).into_iter().collect();
            let replayed: Vec<_> = sure.done.intersection(&again).collect();
            assert!(replayed.is_empty(), "cut {cut} {unsynced:?}: {replayed:?} were committed");
            let skipped: Vec<_> = (0..COUNT).filter(|o| !again.contains(o) && !may_be.contains(o)).collect();
            assert!(skipped.is_empty(), "cut {cut} {unsynced:?}: {skipped:?} were never done");
            cuts += 1;
        }
    }
    println!("{cuts} images of {} operations", disk.operation_count() - begin);
}

#[test]
fn nothing_of_a_deleted_group_is_kept_for_a_name_that_is_away() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").partitions(4).open().unwrap();
        let group = stream.group("billing");
        let desk = group.clone().member_name("desk-1").join().unwrap();
        let mut other = group.join().unwrap();
        other.assignment().unwrap();
        drop((desk, other));
        stream.delete_group("billing").unwrap();
        let mut member = group.join().unwrap();
        assert_eq!(member.assignment().unwrap(), [0, 1, 2, 3]);
    });
}
