//! How long a lease lasts (semantics B3).

use crate::{SECOND, on_both, on_durable, receive, send, stats};
use ringmain::{Error, ManualClock, Message};
use std::time::Duration;

#[test]
fn however_often_a_lease_is_extended_it_ends_after_its_total() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).lease_total_max(100 * SECOND).open().unwrap();
        send(&queue, Message::new("x"));
        let stuck = receive(&queue).unwrap();
        for _ in 0..9 {
            b.clock.advance(10 * SECOND);
            stuck.extend(50 * SECOND).unwrap();
        }
        b.clock.advance(10 * SECOND - Duration::from_nanos(1));
        stuck.extend(50 * SECOND).unwrap();
        b.clock.advance(Duration::from_nanos(1));
        assert!(matches!(stuck.extend(50 * SECOND), Err(Error::LeaseLost { .. })));
        b.clock.advance(10 * SECOND);
        let next = receive(&queue).expect("somebody else's turn");
        b.clock.advance(25 * SECOND);
        next.extend(50 * SECOND).unwrap();
        b.clock.advance(49 * SECOND);
        next.ack().expect("its total began when it was granted");
    });
}

#[test]
fn without_being_told_a_lease_lasts_an_hour_at_most_or_itself_if_that_is_longer() {
    on_both(|b| {
        for (name, lease, total) in [("short", 30, 3600), ("long", 7200, 7200)] {
            let queue = b.queue(name).lease(lease * SECOND).open().unwrap();
            send(&queue, Message::new("x"));
            let stuck = receive(&queue).unwrap();
            stuck.extend(7 * 24 * 3600 * SECOND).unwrap();
            b.clock.advance(total * SECOND - Duration::from_nanos(1));
            assert_eq!(stats(&queue).leased, 1);
            b.clock.advance(Duration::from_nanos(1));
            assert_eq!(stats(&queue).leased, 0);
        }
    });
}

#[test]
fn a_receiver_may_ask_for_a_lease_of_its_own_within_the_total() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).lease_total_max(100 * SECOND).open().unwrap();
        queue.send_batch(&[Message::new("x"), Message::new("y")]).unwrap();
        let long = queue.receive_with_lease(1, Duration::ZERO, 90 * SECOND).unwrap();
        let short = queue.receive_with_lease(1, Duration::ZERO, SECOND).unwrap();
        b.clock.advance(SECOND);
        assert!(matches!(short[0].ack(), Err(Error::LeaseLost { .. })));
        b.clock.advance(88 * SECOND);
        long[0].ack().unwrap();
        for lease in [Duration::ZERO, 101 * SECOND] {
            let refused = queue.receive_with_lease(1, Duration::ZERO, lease);
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "lease", .. })));
        }
    });
}

#[test]
fn a_total_shorter_than_the_lease_is_refused() {
    on_both(|b| {
        let refused = b.queue("jobs").lease(30 * SECOND).lease_total_max(29 * SECOND).open();
        assert!(refused.unwrap_err().to_string().contains("lease_total_max"));
    });
}

#[test]
fn a_total_is_kept_with_the_queue() {
    on_durable(|b| {
        b.queue("jobs").lease_total_max(40 * SECOND).open().unwrap();
        b.reopen();
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        let delivery = receive(&queue).unwrap();
        delivery.extend(3600 * SECOND).unwrap();
        b.clock.advance(40 * SECOND);
        assert!(delivery.ack().is_err());
    });
}

#[test]
fn a_wall_clock_that_was_set_back_keeps_no_lease_alive_when_the_hub_is_opened_again() {
    on_durable(|b| {
        b.clock.advance(1_000_000 * SECOND);
        let queue = b.queue("jobs").lease(3600 * SECOND).open().unwrap();
        send(&queue, Message::new("x"));
        let held = receive(&queue).unwrap();
        send(&queue, Message::new("y"));
        b.clock = ManualClock::new();
        b.crash();
        std::mem::forget(held);
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!((stats(&queue).leased, stats(&queue).ready), (0, 2));
        let again = receive(&queue).unwrap();
        assert_eq!((again.value(), again.attempts(), again.failures()), (&b"x"[..], 2, 1));
    });
}

/// A rescue that went by age ran jobs once more that were being worked on (oban-bg/oban#1018, hexpm/hexpm#1825).
#[test]
fn a_job_that_is_still_worked_on_is_not_rescued_for_its_age() {
    const HOUR: Duration = Duration::from_secs(3600);
    on_both(|b| {
        let queue = b.queue("jobs").lease_total_max(48 * HOUR).open().unwrap();
        send(&queue, Message::new("x"));
        b.clock.advance(24 * HOUR);
        let running = receive(&queue).unwrap();
        for _ in 0..47 {
            running.extend(HOUR + SECOND).unwrap();
            b.clock.advance(HOUR);
            let another = b.hub.queue("jobs").open().unwrap();
            assert!(receive(&another).is_none());
        }
        running.ack().unwrap();
        assert_eq!((stats(&queue).leases_expired_total, stats(&queue).redeliveries_total), (0, 0));
    });
}
