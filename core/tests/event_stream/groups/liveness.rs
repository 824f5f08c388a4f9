//! A member is alive while it polls, or a handler of its runs.

use super::{LONG, NOW, SECOND, is_fenced_from, of, poll, stats, stream_of, told};
use crate::hubs;
use ringmain::Message;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_member_that_does_not_poll_in_time_loses_what_it_has_and_comes_back_by_its_next_poll() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let group = stream.group("billing");
        let (tell, told_of) = mpsc::channel();
        let telling = group.clone().on_lost(move |_, partitions| {
            tell.send(partitions.to_vec()).unwrap();
            Ok(())
        });
        let mut silent = telling.join().unwrap();
        let mut other = group.join().unwrap();
        assert_eq!((poll(&mut silent), poll(&mut other)), (of(&[0], 0..10), of(&[1], 0..10)));
        bench.clock.advance(4 * MINUTE);
        assert_eq!(poll(&mut other), of(&[], []));
        bench.clock.advance(MINUTE - Duration::from_nanos(1));
        assert_eq!(stats(&stream).members, 2);
        bench.clock.advance(Duration::from_nanos(1));
        assert_eq!(stats(&stream).members, 1);
        assert_eq!(poll(&mut other), of(&[0], 0..10));
        assert!(is_fenced_from(silent.commit(), Some(0)));
        other.commit().unwrap();
        assert_eq!(poll(&mut silent), of(&[], []));
        assert_eq!(told(&told_of), [vec![0]]);
        assert_eq!(stats(&stream).members, 2);
        assert_eq!(poll(&mut other), of(&[], []));
        assert_eq!((silent.assignment().unwrap().len(), other.assignment().unwrap().len()), (1, 1));
    });
}

#[test]
fn a_handler_that_runs_for_long_is_no_silence() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 10);
        let mut member = stream.group("billing").max_poll_interval(MINUTE).join().unwrap();
        let mut other = stream.group("billing").max_poll_interval(None).join().unwrap();
        assert_eq!((poll(&mut member), poll(&mut other)), (of(&[0], 0..10), of(&[1], 0..10)));
        let (handler, inner) = (member.processing(), member.processing());
        for _ in 0..100 {
            bench.clock.advance(MINUTE);
        }
        drop(inner);
        bench.clock.advance(MINUTE);
        member.commit().unwrap();
        drop(handler);
        bench.clock.advance(MINUTE - SECOND);
        assert_eq!(stats(&stream).members, 2);
        bench.clock.advance(SECOND);
        assert_eq!(stats(&stream).members, 1, "from then on it counts");
        assert_eq!(other.assignment().unwrap(), [0, 1], "the other one never has to poll");
        // A handler that panics has ended.
        let handler = member.processing();
        member.assignment().unwrap();
        let ended = std::thread::spawn(move || {
            let _handler = handler;
            std::panic::resume_unwind(Box::new("a handler"));
        });
        assert!(ended.join().is_err());
        bench.clock.advance(MINUTE);
        assert_eq!(stats(&stream).members, 1);
    });
}

#[test]
fn who_waits_for_records_is_alive_however_long_none_come() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 0);
        let (tell, told_of) = mpsc::channel();
        let telling = stream.group("billing").on_assign(move |_, _| {
            tell.send(()).unwrap();
            Ok(())
        });
        let mut thread = telling.join().unwrap();
        let waiting = std::thread::spawn(move || thread.poll(1, LONG).unwrap().len());
        told_of.recv_timeout(LONG).unwrap();
        let mut task = stream.group("audit").join().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        assert!(task.poll_records(&mut context, 1).is_pending());
        bench.clock.advance(100 * MINUTE);
        bench.clock.advance(100 * MINUTE);
        let groups = stream.stats().unwrap().groups;
        assert!(groups.iter().all(|group| group.members == 1), "{groups:?}");
        stream.append(Message::new(b"EWR-IAH")).unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
        assert!(matches!(task.poll_records(&mut context, 1), Poll::Ready(Ok(records)) if records.len() == 1));
        bench.clock.advance(5 * MINUTE);
        let groups = stream.stats().unwrap().groups;
        assert!(groups.iter().all(|group| group.members == 0), "{groups:?}");
    });
}

#[test]
fn a_member_that_comes_back_by_looking_at_what_it_has_has_its_whole_time_again() {
    hubs(|bench| {
        let stream = stream_of(bench, 2, 1);
        let mut member = stream.group("billing").join().unwrap();
        poll(&mut member);
        bench.clock.advance(5 * MINUTE);
        assert_eq!(stats(&stream).members, 0);
        assert_eq!(member.assignment().unwrap(), [0, 1]);
        bench.clock.advance(5 * MINUTE - Duration::from_nanos(1));
        assert_eq!(stats(&stream).members, 1);
    });
}

#[test]
fn a_member_that_is_alone_comes_back_to_what_it_had_committed() {
    hubs(|bench| {
        let stream = stream_of(bench, 1, 10);
        let mut member = stream.group("billing").member_name("desk-1").join().unwrap();
        assert_eq!(member.poll(6, NOW).unwrap().len(), 6);
        member.commit_offset(0, 2).unwrap();
        bench.clock.advance(5 * MINUTE);
        assert_eq!(poll(&mut member), of(&[0], 2..10));
        member.commit().unwrap();
        assert_eq!(stream.group("billing").lag().unwrap(), 0);
    });
}
