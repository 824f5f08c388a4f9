//! Members with a name keep what they have while they are away.

use super::{NOW, SECOND, fill, is_fenced_from, of, poll, stats, stream_of};
use crate::hubs;

#[test]
fn a_member_with_a_name_that_comes_back_in_time_has_what_it_had_and_nothing_moves() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut one = group.clone().member_name("desk-1").join().unwrap();
        let mut two = group.clone().member_name("desk-2").join().unwrap();
        assert_eq!((poll(&mut one), poll(&mut two)), (of(&[0, 1], 0..10), of(&[2, 3], 0..10)));
        one.commit_offset(0, 7).unwrap();
        drop(one);
        bench.clock.advance(44 * SECOND);
        fill(&stream, 1);
        assert_eq!(poll(&mut two), of(&[2, 3], [10]), "it goes on, and gets nothing of the other");
        let counts = stats(&stream);
        assert_eq!((counts.members, counts.away_members, counts.revoking_partitions), (1, 1, 0));
        let mut one = group.clone().member_name("desk-1").join().unwrap();
        let mut expected = of(&[0], 7..11);
        expected.extend(of(&[1], 0..11));
        assert_eq!(poll(&mut one), expected, "from what was committed");
        assert_eq!(poll(&mut two), of(&[], []));
        two.commit().unwrap();
        assert_eq!((two.assignment().unwrap(), stats(&stream).away_members), (vec![2, 3], 0));
    });
}

#[test]
fn a_member_with_a_name_that_stays_away_gives_up_what_it_had() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let named = group.clone().member_name("desk-1");
        let mut one = named.join().unwrap();
        let mut other = group.join().unwrap();
        assert_eq!((poll(&mut one), poll(&mut other)), (of(&[0, 1], 0..10), of(&[2, 3], 0..10)));
        one.leave().unwrap();
        bench.clock.advance(45 * SECOND);
        assert_eq!(poll(&mut other), of(&[0, 1], 0..10));
        assert_eq!(stats(&stream).away_members, 0);
        // One that says that nothing is to be kept for it gives up at once; as does one without a name.
        other.commit().unwrap();
        let hasty = named.session_timeout(NOW).join().unwrap();
        poll(&mut other);
        assert_eq!(other.assignment().unwrap().len(), 2);
        hasty.leave().unwrap();
        assert_eq!(other.assignment().unwrap().len(), 4);
    });
}

#[test]
fn what_is_kept_for_a_name_moves_at_once_if_the_balance_asks_for_it() {
    hubs(|bench| {
        let stream = stream_of(bench, 4, 10);
        let group = stream.group("billing");
        let mut one = group.clone().member_name("desk-1").join().unwrap();
        assert_eq!(poll(&mut one), of(&[0, 1, 2, 3], 0..10));
        one.leave().unwrap();
        let mut other = group.join().unwrap();
        assert_eq!(poll(&mut other), of(&[2, 3], 0..10), "nobody is there to let go of them");
        let mut one = group.clone().member_name("desk-1").join().unwrap();
        assert_eq!(poll(&mut one), of(&[0, 1], 0..10));
    });
}

#[test]
fn who_joins_by_the_name_of_a_member_that_is_there_takes_its_place_and_that_ones_verbs_are_refused() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let desk = group.clone().member_name("desk-1");
        let mut first = desk.join().unwrap();
        assert_eq!(poll(&mut first), of(&[0, 1], 0..10));
        let mut second = desk.join().unwrap();
        assert_eq!(poll(&mut second), of(&[0, 1], 0..10));
        for _ in 0..2 {
            assert!(is_fenced_from(first.commit(), None));
            assert!(is_fenced_from(first.commit_offset(0, 3), None));
            assert!(is_fenced_from(first.poll(1, NOW), None));
            assert!(is_fenced_from(first.seek(0, 0), None));
            assert!(is_fenced_from(first.assignment(), None));
        }
        assert_eq!(group.committed().unwrap(), [Some(0); 2]);
        let error = first.commit().unwrap_err().to_string();
        assert!(error.contains("a name of its own"), "{error}");
        // That it goes changes nothing for the second one, nor that the second goes for it.
        drop(first);
        second.commit().unwrap();
        assert_eq!(group.committed().unwrap(), [Some(10); 2]);
        let mut third = desk.join().unwrap();
        assert_eq!(third.assignment().unwrap(), [0, 1]);
        third.leave().unwrap();
        assert!(is_fenced_from(second.poll(1, NOW), None), "replaced for good");
    });
}
