//! A partition that moves is let go of first.

use super::{LONG, NOW, SECOND, fill, is_fenced_from, of, poll, stats, stream_of, told};
use crate::hubs;
use ringmain::Error;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_partition_that_moves_is_polled_by_nobody_else_until_what_was_polled_of_it_is_committed() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        let mut second = group.join().unwrap();
        fill(&stream, 1);
        for _ in 0..3 {
            assert_eq!(poll(&mut second), of(&[], []), "the first one still handles what it polled");
        }
        assert_eq!(poll(&mut first), of(&[0, 1], [10]));
        assert_eq!(first.revoking(), [2, 3]);
        assert_eq!(poll(&mut second), of(&[], []));
        first.commit().unwrap();
        assert!(first.revoking().is_empty());
        assert_eq!(poll(&mut second), of(&[2, 3], [10]), "nothing twice, nothing left out");
    });
}

#[test]
fn partitions_that_stay_are_read_on_while_others_are_handed_over() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(first.poll(2, NOW).unwrap().len(), 2);
        let _second = group.join().unwrap();
        let polled = poll(&mut first);
        assert_eq!(polled.keys().copied().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(polled.values().map(Vec::len).sum::<usize>(), 18, "they go on where they were");
    });
}

#[test]
fn an_owner_that_does_not_commit_in_time_loses_the_partition_and_no_other() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing").revoke_timeout(5 * SECOND);
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        let mut second = group.join().unwrap();
        assert_eq!(stats(&stream).revoking_partitions, 2);
        bench.clock.advance(5 * SECOND - Duration::from_nanos(1));
        assert_eq!(poll(&mut second), of(&[], []));
        bench.clock.advance(Duration::from_nanos(1));
        assert_eq!(poll(&mut second), of(&[2, 3], 0..10), "from what was committed");
        assert_eq!(stats(&stream).revoking_partitions, 0);
        assert!(is_fenced_from(first.commit(), Some(2)));
        assert_eq!(group.committed().unwrap(), [Some(10), Some(10), Some(0), Some(0)]);
        assert_eq!(first.assignment().unwrap(), [0, 1]);
    });
}

#[test]
fn the_time_to_let_go_is_half_a_minute_unless_the_group_says_otherwise() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 1);
        let mut first = stream.group("billing").join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], [0]));
        let mut second = stream.group("billing").join().unwrap();
        bench.clock.advance(29 * SECOND);
        assert_eq!(poll(&mut second), of(&[], []));
        bench.clock.advance(SECOND);
        assert_eq!(poll(&mut second), of(&[1], [0]));
        let stream = bench.hub.stream("gates").partitions(2).open().unwrap();
        let group = stream.group("hasty").revoke_timeout(NOW);
        let mut first = group.join().unwrap();
        assert_eq!(first.assignment().unwrap(), [0, 1]);
        let mut second = group.join().unwrap();
        assert_eq!(second.assignment().unwrap(), [1], "it does not wait");
    });
}

#[test]
fn an_owner_may_give_up_what_it_has_not_committed() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        let mut second = group.join().unwrap();
        assert!(matches!(first.confirm_revoke(2), Err(Error::NotFound { .. })), "it has not been told");
        assert_eq!(poll(&mut first), of(&[], []));
        first.commit_offset(2, 4).unwrap();
        assert_eq!(poll(&mut second), of(&[], []), "not all of it is committed");
        first.confirm_revoke(2).unwrap();
        assert_eq!(poll(&mut second), of(&[2], 4..10));
        first.confirm_revoke(3).unwrap();
        assert_eq!(poll(&mut second), of(&[3], 0..10));
        assert!(matches!(first.confirm_revoke(3), Err(Error::NotFound { .. })));
        assert!(matches!(first.confirm_revoke(0), Err(Error::NotFound { .. })));
        first.commit().unwrap();
    });
}

#[test]
fn what_is_committed_already_moves_at_the_owners_next_poll() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut first = group.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        first.commit().unwrap();
        let mut second = group.join().unwrap();
        assert!(second.assignment().unwrap().is_empty());
        assert_eq!(poll(&mut first), of(&[], []));
        assert_eq!(second.assignment().unwrap(), [2, 3]);
        fill(&stream, 1);
        assert_eq!((poll(&mut first), poll(&mut second)), (of(&[0, 1], [10]), of(&[2, 3], [10])));
    });
}

#[test]
fn callbacks_are_told_what_goes_and_what_comes_and_may_use_every_verb() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let (tell, told_of) = mpsc::channel();
        let (revoked, assigned) = (tell.clone(), tell);
        let (theirs, ours) = (stream.clone(), stream.clone());
        let group = stream.group("billing");
        let telling = group
            .clone()
            .on_revoke(move |member, partitions| {
                // No lock is held: whatever takes one returns.
                member.commit()?;
                let (lag, revoking) = (member.lag()?, stats(&theirs).revoking_partitions);
                assert_eq!((member.assignment()?, lag, revoking), (vec![0, 1], 0, 2));
                revoked.send(("first revoked", partitions.to_vec())).unwrap();
                Ok(())
            })
            .on_assign(move |member, partitions| {
                ours.group("audit").join()?.leave()?;
                assert_eq!(member.assignment()?, partitions);
                assigned.send(("assigned", partitions.to_vec())).unwrap();
                Ok(())
            });
        let mut first = telling.join().unwrap();
        assert!(told(&told_of).is_empty());
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        assert_eq!(told(&told_of), [("assigned", vec![0, 1, 2, 3])]);
        let mut second = telling.join().unwrap();
        assert_eq!(poll(&mut second), of(&[], []));
        assert_eq!(poll(&mut first), of(&[], []));
        assert_eq!(told(&told_of), [("first revoked", vec![2, 3])]);
        fill(&stream, 1);
        assert_eq!(poll(&mut second), of(&[2, 3], [10]), "it moved within one poll of its owner");
        assert_eq!(told(&told_of), [("assigned", vec![2, 3])]);
    });
}

#[test]
fn an_error_of_a_callback_is_the_polls_and_the_partition_moves_nevertheless() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let refuse = |_: &mut ringmain::Member, _: &[u32]| Err(Error::invalid("desk", "closed"));
        let mut first = group.clone().on_revoke(refuse).join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], 0..10));
        let mut second = group.join().unwrap();
        assert!(first.poll(1, NOW).unwrap_err().to_string().contains("closed"));
        assert_eq!(poll(&mut first), of(&[], []), "it is told once");
        first.commit().unwrap();
        assert_eq!(second.assignment().unwrap(), [1]);
    });
}

#[test]
fn who_waits_for_records_is_woken_to_let_go_and_to_take_over() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 0);
        let (tell, told_of) = mpsc::channel();
        let (revoked, assigned) = (tell.clone(), tell);
        let telling = stream
            .group("billing")
            .on_revoke(move |_, partitions| {
                revoked.send(("revoked", partitions.to_vec())).unwrap();
                Ok(())
            })
            .on_assign(move |_, partitions| {
                assigned.send(("assigned", partitions.to_vec())).unwrap();
                Ok(())
            });
        let wait = |group: &ringmain::Group| {
            let mut member = group.join().unwrap();
            std::thread::spawn(move || member.poll(1, LONG))
        };
        let first = wait(&telling);
        assert_eq!(told_of.recv_timeout(LONG).unwrap(), ("assigned", vec![0, 1, 2, 3]));
        let second = wait(&telling);
        assert_eq!(told_of.recv_timeout(LONG).unwrap(), ("revoked", vec![2, 3]));
        assert_eq!(told_of.recv_timeout(LONG).unwrap(), ("assigned", vec![2, 3]));
        bench.hub.close(LONG).unwrap();
        for waiting in [first, second] {
            assert!(matches!(waiting.join().unwrap(), Err(Error::Closed { .. })));
        }
    });
}

#[test]
fn a_move_that_is_not_needed_any_more_disturbs_nobody() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let (tell, told_of) = mpsc::channel();
        let group = stream.group("billing");
        let telling = group.clone().on_revoke(move |_, partitions| {
            tell.send(partitions.to_vec()).unwrap();
            Ok(())
        });
        let mut first = telling.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], 0..10));
        group.join().unwrap().leave().unwrap();
        fill(&stream, 1);
        assert_eq!(poll(&mut first), of(&[0, 1, 2, 3], [10]));
        first.commit().unwrap();
        assert!(told(&told_of).is_empty());
    });
}
