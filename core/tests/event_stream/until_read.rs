//! B13: a stream that keeps its records until all groups have read them.

use crate::{Bench, NOW, SECOND, append, bytes, durable_hubs, end, held, hubs, open, start};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Durability, Error, Hub, Member, Message, Stream};

/// What holds when groups do not come on.
const AGE_MAX: std::time::Duration = std::time::Duration::from_secs(100);

fn until_read(bench: &Bench) -> Stream {
    bench.hub.stream("s").until_read(true).age_max(AGE_MAX).open().unwrap()
}

fn read(member: &mut Member, count: usize) {
    assert_eq!(member.poll(count, NOW).unwrap().len(), count);
    member.commit().unwrap();
}

#[test]
fn a_record_goes_when_the_slowest_group_has_committed_past_it_and_not_before() {
    hubs(|bench| {
        let stream = until_read(bench);
        append(&stream, 10);
        let mut fast = stream.group("fast").join().unwrap();
        let mut slow = stream.group("slow").join().unwrap();
        read(&mut fast, 7);
        assert_eq!(start(&stream), 0, "one group has read nothing");
        for count in 1..=4 {
            read(&mut slow, 1);
            assert_eq!((start(&stream), held(&stream).first()), (count, Some(&count)));
        }
        assert_eq!(slow.poll(2, NOW).unwrap().len(), 2);
        assert_eq!(start(&stream), 4, "what is polled is not yet committed");
        slow.commit().unwrap();
        read(&mut slow, 4);
        assert_eq!((start(&stream), held(&stream)), (7, vec![7, 8, 9]), "now the other is the slower one");
        read(&mut fast, 3);
        assert_eq!((start(&stream), held(&stream)), (10, vec![]));
        append(&stream, 1);
        assert_eq!(held(&stream), [10], "offsets go on");
    });
}

#[test]
fn every_partition_goes_by_itself() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").partitions(2).until_read(true).age_max(AGE_MAX).open().unwrap();
        for _ in 0..3 {
            let both = ["a", "b"].map(|key| Message::new(b"x").key(key));
            stream.append_batch(&both).unwrap();
        }
        let mut member = stream.group("g").join().unwrap();
        member.poll(6, NOW).unwrap();
        member.commit_offset(1, 2).unwrap();
        let starts =
            |stream: &Stream| stream.stats().unwrap().partitions.iter().map(|p| p.start).collect::<Vec<_>>();
        assert_eq!(starts(&stream), [0, 2]);
        member.commit_offset(0, 3).unwrap();
        assert_eq!(starts(&stream), [3, 2]);
    });
}

#[test]
fn without_a_group_nothing_goes_but_for_the_limit() {
    hubs(|bench| {
        let stream = until_read(bench);
        append(&stream, 5);
        bench.clock.advance(AGE_MAX - SECOND);
        assert_eq!(held(&stream).len(), 5);
        append(&stream, 1);
        bench.clock.advance(SECOND);
        assert_eq!(held(&stream), [5]);
        drop(stream.group("gone").join().unwrap());
        stream.delete_group("gone").unwrap();
        append(&stream, 2);
        assert_eq!(held(&stream), [5, 6, 7], "nor with one that was deleted");
    });
}

#[test]
fn a_stalled_group_holds_up_to_the_limit_and_is_told_then() {
    hubs(|bench| {
        let stream = bench.hub.stream("s").until_read(true).count_max(20).open().unwrap();
        let mut stalled = stream.group("stalled").join().unwrap();
        let mut other = stream.group("other").join().unwrap();
        append(&stream, 20);
        read(&mut other, 20);
        assert_eq!(held(&stream).len(), 20, "held for the one that has read nothing");
        append(&stream, 5);
        assert_eq!(start(&stream), 5, "the limit wins");
        let told = stalled.poll(10, NOW).unwrap_err();
        assert!(matches!(told, Error::OutOfRange { partition: 0, offset: 0, start: 5, end: 25 }), "{told}");
        stalled.seek(0, 5).unwrap();
        read(&mut stalled, 20);
        read(&mut other, 5);
        assert_eq!(held(&stream).len(), 0);
    });
}

#[test]
fn a_group_that_joins_is_waited_for_from_then_on() {
    hubs(|bench| {
        let stream = until_read(bench);
        append(&stream, 4);
        let mut first = stream.group("first").join().unwrap();
        read(&mut first, 2);
        let mut second = stream.group("second").join().unwrap();
        read(&mut first, 2);
        assert_eq!(held(&stream), [2, 3], "the second begins with what was left");
        read(&mut second, 2);
        assert_eq!(held(&stream).len(), 0);
    });
}

#[test]
fn what_was_read_gives_back_its_space_although_nobody_writes_any_more() {
    hubs(|bench| {
        let stream = until_read(bench);
        let mut member = stream.group("g").join().unwrap();
        for _ in 0..100 {
            stream.append(Message::new(&vec![7; 50_000])).unwrap();
        }
        bench.clock.advance(SECOND);
        assert!(bytes(&stream) > 5_000_000);
        read(&mut member, 100);
        for _ in 0..3 {
            bench.clock.advance(SECOND);
        }
        assert!(bytes(&stream) <= 16 << 10, "{} bytes", bytes(&stream));
    });
}

#[test]
fn an_open_hub_and_a_reopened_one_begin_at_the_same_record() {
    durable_hubs(|bench| {
        let stream = until_read(bench);
        append(&stream, 10);
        read(&mut stream.group("g").join().unwrap(), 6);
        bench.clock.advance(SECOND);
        assert_eq!(start(&stream), 6);
        bench.reopen();
        let stream = bench.hub.stream("s").open().unwrap();
        assert_eq!((start(&stream), held(&stream)), (6, vec![6, 7, 8, 9]));
        read(&mut stream.group("g").join().unwrap(), 2);
        bench.clock.advance(SECOND);
        assert_eq!(start(&stream), 8, "the option is kept, too");
        bench.hub.stream("s").until_read(false).open().unwrap();
        bench.reopen();
        assert_eq!(start(&bench.hub.stream("s").open().unwrap()), 8, "nor does another option bring it back");
    });
}

/// The commit of a relaxed hub returns before it is on disk: until it is, a power cut brings it back.
#[test]
fn what_only_a_commit_covers_that_a_power_cut_may_undo_is_held() {
    let mut bench = Bench::new(Some(SimDisk::new()), Durability::Relaxed);
    let stream = until_read(&bench);
    append(&stream, 10);
    let mut member = stream.group("g").join().unwrap();
    bench.clock.advance(SECOND);
    read(&mut member, 6);
    assert_eq!(start(&stream), 0, "not yet on disk");
    drop((member, stream));
    bench.crash();
    let stream = bench.hub.stream("s").open().unwrap();
    assert_eq!((stream.group("g").committed().unwrap(), start(&stream)), (vec![Some(0)], 0));
    let mut member = stream.group("g").join().unwrap();
    read(&mut member, 6);
    bench.clock.advance(SECOND);
    assert_eq!(start(&stream), 6, "now it is");
}

#[test]
fn a_power_cut_at_any_operation_leaves_no_group_before_the_start() {
    durable_hubs(|bench| {
        let disk = bench.disk.clone().unwrap();
        let begin = disk.operation_count();
        let stream = until_read(bench);
        for group in ["a", "b"] {
            drop(stream.group(group).join().unwrap());
        }
        let value = vec![7; 6000];
        for round in 0..12 {
            (0..5).for_each(|_| assert_eq!(stream.append(Message::new(&value)).unwrap().partition, 0));
            read(&mut stream.group(["a", "b"][round % 2]).join().unwrap(), 5);
            bench.clock.advance(SECOND);
        }
        assert!(start(&stream) > 20 && end(&stream) == 60);
        let mut images = 0;
        for cut in begin..=disk.operation_count() {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept, Unsynced::Seeded(cut)] {
                let hub = open(&bench.clock, Some(&disk.image_with(cut, unsynced)), bench.durability);
                let stream = hub.stream("s").until_read(true).age_max(AGE_MAX).open().unwrap();
                let (from, to) = (start(&stream), end(&stream));
                for group in stream.groups().unwrap() {
                    let committed = stream.group(&group).committed().unwrap()[0].unwrap();
                    assert!(committed >= from, "{group} has committed {committed}, and {from} is the start");
                }
                assert_eq!(held(&stream), (from..to).collect::<Vec<_>>(), "nothing in between is missing");
                images += 1;
            }
        }
        assert!(images > 100, "{images} images");
    });
}

#[test]
fn without_a_limit_beside_it_it_is_refused() {
    let hub = Hub::builder().clock(Clock::Manual(ringmain::ManualClock::new())).memory().unwrap();
    let refused = hub.stream("s").until_read(true).open().unwrap_err();
    assert!(matches!(refused, Error::InvalidArgument { .. }), "{refused}");
    assert!(refused.to_string().contains("age_max"), "{refused}");
    hub.stream("s").until_read(true).bytes_max(1 << 20).open().unwrap();
    let refused = hub.stream("s").bytes_max(u64::MAX).open().unwrap_err();
    assert!(refused.to_string().contains("until_read"), "{refused}");
}
