//! Asking whether there is something to read, without reading it; and reading as long as there is room.

use crate::{NOW, append, counting_wakes, hubs};
use ringmain::{CommitMode, Start};
use std::task::Context;

#[test]
fn a_reader_and_a_member_that_look_ahead_leave_everything_where_it_is() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let mut member = stream.group("g").join().unwrap();
        let (waker, _) = counting_wakes();
        let mut context = Context::from_waker(&waker);
        assert!(reader.poll_ready(&mut context).is_pending() && member.poll_ready(&mut context).is_pending());
        append(&stream, 2);
        for _ in 0..2 {
            assert!(reader.poll_ready(&mut context).is_ready() && member.poll_ready(&mut context).is_ready());
        }
        member.commit().unwrap();
        assert_eq!(stream.group("g").lag().unwrap(), 2, "nothing was polled");
        assert_eq!((reader.poll(9, NOW).unwrap().len(), member.poll(9, NOW).unwrap().len()), (2, 2));
        assert!(reader.poll_ready(&mut context).is_pending() && member.poll_ready(&mut context).is_pending());
    });
}

#[test]
fn a_record_that_is_not_taken_comes_again_and_is_not_committed() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        append(&stream, 5);
        let mut reader = stream.reader(Start::Earliest).unwrap();
        let mut member = stream.group("g").join().unwrap();
        for (room, from) in [(2, 0), (0, 2), (3, 2)] {
            let (mut read, mut polled) = (vec![], vec![]);
            let of_reader = reader.poll_while(9, NOW, |record| {
                read.push(record.position().offset);
                read.len() <= room
            });
            let of_member = member.poll_while(9, NOW, |record| {
                polled.push(record.position().offset);
                polled.len() <= room
            });
            assert_eq!((of_reader.unwrap(), of_member.unwrap()), (room, room));
            assert_eq!((read[0], polled[0]), (from, from));
            member.commit().unwrap();
            assert_eq!(stream.group("g").lag().unwrap(), 5 - from - room as u64);
        }
        let mut member = stream.group("other").join().unwrap().commit_mode(CommitMode::AtMostOnce);
        assert!(member.poll_while(9, NOW, |_| true).is_err());
    });
}
