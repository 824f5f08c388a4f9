//! Who is in a group, and what its members agree on.

use super::{SECOND, fill, of, poll, stats, stream_of};
use crate::hubs;
use ringmain::Error;
use std::time::Duration;

#[test]
fn members_beyond_the_partitions_are_idle_and_counted_until_one_of_the_others_leaves() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let mut members: Vec<_> = (0..4).map(|_| group.join().unwrap()).collect();
        let polled: Vec<_> = members.iter_mut().map(poll).collect();
        assert_eq!(polled, [of(&[0], 0..10), of(&[1], 0..10), of(&[], []), of(&[], [])]);
        let counts = stats(&stream);
        assert_eq!((counts.members, counts.idle_members, counts.revoking_partitions), (4, 2, 0));
        let first = members.remove(0);
        let generation = counts.generation;
        first.leave().unwrap();
        let counts = stats(&stream);
        assert_eq!((counts.members, counts.idle_members), (3, 1));
        assert!(counts.generation > generation);
        assert_eq!(poll(&mut members[1]), of(&[0], 0..10), "the first of the idle ones");
    });
}

#[test]
fn a_member_that_has_not_polled_yet_holds_up_nobody() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 5);
        let group = stream.group("billing");
        let mut members: Vec<_> = (0..4).map(|_| group.join().unwrap()).collect();
        for member in members.iter_mut().rev() {
            assert_eq!(poll(member).values().map(Vec::len).sum::<usize>(), 5);
        }
    });
}

#[test]
fn the_time_to_let_go_is_the_groups_and_a_member_that_says_otherwise_is_refused() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 1);
        let group = stream.group("billing");
        let first = group.join().unwrap();
        let second = group.clone().revoke_timeout(10 * SECOND).join().unwrap();
        let error = group.clone().revoke_timeout(20 * SECOND).join().unwrap_err();
        assert!(matches!(error, Error::OptionMismatch { option: "revoke_timeout", .. }), "{error}");
        assert!(error.to_string().contains("10s") && error.to_string().contains("20s"), "{error}");
        let third = group.clone().revoke_timeout(10 * SECOND).join().unwrap();
        assert_eq!(stats(&stream).members, 3);
        drop((first, second, third));
        group.clone().revoke_timeout(20 * SECOND).join().unwrap();
    });
}

#[test]
fn a_member_that_could_never_poll_in_time_and_one_without_a_proper_name_are_refused() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 1);
        let group = stream.group("billing");
        let error = group.clone().max_poll_interval(Duration::ZERO).join().unwrap_err();
        assert!(error.to_string().contains("max_poll_interval"), "{error}");
        assert!(matches!(group.clone().member_name("desk/1").join(), Err(Error::InvalidName { .. })));
        assert_eq!(group.committed().unwrap(), [None; 2], "nothing has happened");
    });
}

#[test]
fn every_record_is_handled_once_however_often_members_come_and_go_if_they_commit_what_they_poll() {
    hubs(|bench| {
        let stream = stream_of(bench, 5, 40);
        let group = stream.group("billing").on_revoke(|member, _| member.commit());
        let mut members = vec![group.join().unwrap()];
        let mut handled = std::collections::BTreeMap::<(u32, u64), u32>::new();
        for round in 0..120 {
            match round % 10 {
                0 | 3 | 4 => members.push(group.join().unwrap()),
                6 | 8 if members.len() > 1 => {
                    let mut leaving = members.remove(round % members.len());
                    leaving.commit().unwrap();
                }
                _ => {}
            }
            let index = round % members.len();
            for record in members[index].poll(7, super::NOW).unwrap() {
                *handled.entry((record.partition(), record.offset())).or_default() += 1;
            }
            fill(&stream, 1);
        }
        for _ in 0..3 {
            for member in &mut members {
                for record in member.poll(1000, super::NOW).unwrap() {
                    *handled.entry((record.partition(), record.offset())).or_default() += 1;
                }
                member.commit().unwrap();
            }
        }
        assert_eq!(handled.len(), 5 * 160, "nothing is left out");
        assert!(handled.values().all(|times| *times == 1), "nothing comes twice");
        assert_eq!(group.lag().unwrap(), 0);
    });
}
