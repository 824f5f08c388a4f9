//! A commit counts for whom the partition belongs to, and does nobody any harm.

use super::{SECOND, fill, is_fenced_from, of, poll, stats, stream_of};
use crate::{durable_hubs, hubs};
use ringmain::Error;

#[test]
fn a_commit_while_partitions_move_neither_expels_a_member_nor_takes_its_partitions() {
    hubs(|bench| {
        let stream = stream_of(bench, 6, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3, 4, 5], 0..10));
        // The generation grows twice before the first one hears of it.
        let mut second = group.join().unwrap();
        let mut third = group.join().unwrap();
        first.commit().unwrap();
        assert_eq!(group.committed().unwrap(), [Some(10); 6]);
        let members = stats(&stream).members;
        assert_eq!(poll(&mut first), of(&[], []));
        first.commit().unwrap();
        assert_eq!(first.assignment().unwrap(), [0, 1]);
        assert_eq!((second.assignment().unwrap(), third.assignment().unwrap()), (vec![2, 4], vec![3, 5]));
        fill(&stream, 1);
        assert_eq!(poll(&mut first), of(&[0, 1], [10]), "it goes on where it was");
        first.commit().unwrap();
        assert_eq!((members, stats(&stream).members), (3, 3));
    });
}

#[test]
fn a_commit_of_what_was_lost_is_refused_and_what_was_not_is_committed_by_the_same_call() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], 0..10));
        let mut second = group.join().unwrap();
        bench.clock.advance(30 * SECOND);
        assert_eq!(poll(&mut second), of(&[1], 0..10));
        second.commit_offset(1, 3).unwrap();
        assert!(is_fenced_from(first.submit_commit(), Some(1)));
        assert!(is_fenced_from(first.commit(), Some(1)));
        assert!(is_fenced_from(first.commit_offset(1, 9), Some(1)));
        assert_eq!(group.committed().unwrap(), [Some(10), Some(3)]);
        // It has not been expelled by that.
        fill(&stream, 1);
        assert_eq!(poll(&mut first), of(&[0], [10]));
        first.commit().unwrap();
        assert_eq!(group.committed().unwrap(), [Some(11), Some(3)]);
    });
}

#[test]
fn a_partition_that_comes_back_is_read_from_what_was_committed_and_not_from_where_its_owner_was() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], 0..10));
        let mut second = group.join().unwrap();
        bench.clock.advance(30 * SECOND);
        assert_eq!(poll(&mut second), of(&[1], 0..10));
        second.commit_offset(1, 4).unwrap();
        second.leave().unwrap();
        // It had come to 10, and does not even know that it was away.
        assert!(is_fenced_from(first.commit_offset(1, 10), Some(1)));
        assert_eq!(poll(&mut first), of(&[1], 4..10));
        assert_eq!(group.committed().unwrap()[1], Some(4));
        first.commit().unwrap();
        assert_eq!(group.committed().unwrap(), [Some(10); 2], "and commits go on");
    });
}

#[test]
fn what_was_polled_before_a_partition_went_and_came_back_unseen_is_not_committed() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], 0..10));
        let second = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[], []));
        first.confirm_revoke(1).unwrap();
        assert_eq!(first.assignment().unwrap(), [0], "it knows that it is gone");
        second.leave().unwrap();
        assert!(is_fenced_from(first.commit_offset(1, 10), Some(1)));
        assert_eq!(poll(&mut first), of(&[1], 0..10));
        first.commit_offset(1, 10).unwrap();
    });
}

#[test]
fn a_member_that_has_never_polled_commits_nothing_of_what_others_have() {
    hubs(|bench| {
        let stream = stream_of(bench, 1, 10);
        let group = stream.group("billing");
        let mut owner = group.join().unwrap();
        assert_eq!(poll(&mut owner), of(&[0], 0..10));
        let mut idle = group.join().unwrap();
        assert!(is_fenced_from(idle.commit_offset(0, 5), Some(0)));
        assert_eq!(group.committed().unwrap(), [Some(0)]);
    });
}

#[test]
fn when_a_member_leaves_the_others_keep_what_they_have_and_get_only_what_it_had() {
    hubs(|bench| {
        let stream = stream_of(bench, 6, 1);
        let group = stream.group("billing");
        let mut members: Vec<_> = (0..3).map(|_| group.join().unwrap()).collect();
        let before: Vec<_> = members.iter_mut().map(|member| member.assignment().unwrap()).collect();
        members.pop().unwrap().leave().unwrap();
        assert_eq!(stats(&stream).revoking_partitions, 0, "nobody is asked for anything");
        for (member, before) in members.iter_mut().zip(before) {
            let now = member.assignment().unwrap();
            assert_eq!(now.len(), 3);
            assert!(before.iter().all(|partition| now.contains(partition)), "{before:?} {now:?}");
        }
    });
}

#[test]
fn a_group_goes_on_after_reopening_whoever_had_its_partitions() {
    durable_hubs(|bench| {
        {
            let stream = stream_of(bench, 2, 10);
            let group = stream.group("billing");
            let (mut first, mut second) = (group.join().unwrap(), group.join().unwrap());
            assert_eq!((poll(&mut first), poll(&mut second)), (of(&[0], 0..10), of(&[1], 0..10)));
            second.commit_offset(1, 6).unwrap();
        }
        bench.reopen();
        let stream = bench.hub.stream("flights").open().unwrap();
        let mut only = stream.group("billing").join().unwrap();
        let mut expected = of(&[0], 0..10);
        expected.extend(of(&[1], 6..10));
        assert_eq!(poll(&mut only), expected);
        assert!(matches!(only.commit_offset(2, 0), Err(Error::NotFound { .. })));
    });
}
