//! What can be told to a message by its id (semantics B4).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Delivery, Error, Message};
use std::time::Duration;

#[test]
fn a_cancelled_message_is_never_delivered_wherever_it_waits() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let kept = send(&queue, Message::new("kept"));
        let waiting = [
            send(&queue, Message::new("plain")),
            send(&queue, Message::new("delayed").delay(SECOND)),
            send(&queue, Message::new("blocked").ordering_key("k")),
        ];
        for id in waiting {
            assert!(queue.cancel(id).unwrap());
            assert!(!queue.cancel(id).unwrap(), "it is gone");
        }
        assert!(!queue.cancel(kept + 100).unwrap(), "it never was");
        b.clock.advance(SECOND);
        assert_eq!((stats(&queue).ready, stats(&queue).cancelled_total), (1, 3));
        assert_eq!(take_all(&queue), ["kept"]);
    });
}

#[test]
fn the_worker_of_a_cancelled_message_is_told_and_its_ack_still_wins() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x"));
        let delivery = receive(&queue).unwrap();
        assert!(!delivery.is_cancelled());
        assert!(!queue.cancel(id).unwrap(), "it is out");
        assert!(delivery.is_cancelled());
        delivery.ack().unwrap();
        assert!(!delivery.is_cancelled(), "it is done");
        assert_eq!((stats(&queue).acked_total, stats(&queue).cancelled_total), (1, 0));
    });
}

#[test]
fn a_message_that_was_cancelled_while_it_was_out_does_not_come_back() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).open().unwrap();
        let ends: [fn(Delivery); 5] = [
            |delivery| delivery.release().unwrap(),
            |delivery| delivery.fail("no").unwrap(),
            |delivery| delivery.defer().unwrap(),
            drop,
            std::mem::forget,
        ];
        for end in ends {
            let id = send(&queue, Message::new("x"));
            let delivery = receive(&queue).unwrap();
            assert!(!queue.cancel(id).unwrap() && !queue.cancel(id).unwrap());
            end(delivery);
            b.clock.advance(60 * SECOND);
            assert!(receive(&queue).is_none() && queue.receive_deferred(id).unwrap().is_none());
        }
        let stats = stats(&queue);
        assert_eq!((stats.cancelled_total, stats.failures_total, stats.leased), (5, 0, 0));
    });
}

#[test]
fn a_message_that_is_taken_from_its_worker_is_gone_and_the_workers_verbs_say_so() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x").ordering_key("k"));
        let next = send(&queue, Message::new("y").ordering_key("k"));
        let delivery = receive(&queue).unwrap();
        assert!(queue.cancel_now(id).unwrap() && !queue.cancel_now(id).unwrap());
        assert!(delivery.is_cancelled());
        assert!(matches!(delivery.extend(SECOND), Err(Error::LeaseLost { .. })));
        assert!(matches!(delivery.ack(), Err(Error::LeaseLost { .. })));
        let after = receive(&queue).expect("nothing waits for what is gone");
        assert_eq!(after.id(), next);
        after.ack().unwrap();
        assert_eq!((stats(&queue).cancelled_total, stats(&queue).leased), (1, 0));
    });
}

#[test]
fn the_wish_to_cancel_what_is_out_survives_a_power_cut_and_the_message_does_not() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["told", "taken", "kept"].map(|value| send(&queue, Message::new(value)));
        let held = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        assert!(!queue.cancel(ids[0]).unwrap() && queue.cancel_now(ids[1]).unwrap());
        b.crash();
        held.into_iter().for_each(std::mem::forget);
        for _ in 0..2 {
            let queue = b.queue("jobs").open().unwrap();
            b.clock.advance(60 * SECOND);
            assert_eq!((stats(&queue).ready, stats(&queue).scheduled, stats(&queue).leased), (1, 0, 0));
            drop(queue);
            b.reopen();
        }
        assert_eq!(take_all(&b.queue("jobs").open().unwrap()), ["kept"]);
    });
}

#[test]
fn a_cancelled_message_stays_so_after_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids: Vec<u64> = ["a", "b", "c"].iter().map(|value| send(&queue, Message::new(*value))).collect();
        assert!(queue.cancel(ids[1]).unwrap());
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!((stats(&queue).ready, stats(&queue).leased), (2, 0));
        assert_eq!(take_all(&queue), ["a", "c"]);
    });
}

#[test]
fn a_waiting_message_can_be_put_off_and_brought_forward_wherever_it_waits() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ready = send(&queue, Message::new("ready"));
        let month = send(&queue, Message::new("month").delay(2_600_000 * SECOND));
        send(&queue, Message::new("first").ordering_key("k"));
        let blocked = send(&queue, Message::new("blocked").ordering_key("k"));
        assert!(queue.reschedule(ready, 20 * SECOND).unwrap());
        assert!(queue.reschedule_at(month, b.clock.now_ns() + 10_000_000_000).unwrap());
        assert!(queue.reschedule(blocked, 5 * SECOND).unwrap());
        assert_eq!((stats(&queue).ready, stats(&queue).scheduled, stats(&queue).blocked), (1, 3, 0));
        assert_eq!(take_all(&queue), ["first"]);
        b.clock.advance(5 * SECOND);
        assert_eq!(take_all(&queue), ["blocked"]);
        b.clock.advance(5 * SECOND);
        assert_eq!(take_all(&queue), ["month"]);
        assert!(queue.reschedule(ready, Duration::ZERO).unwrap());
        assert_eq!(take_all(&queue), ["ready"]);
    });
}

#[test]
fn the_head_of_an_ordering_key_that_is_put_off_holds_up_nobody_until_it_was_tried() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["1", "2", "3"].map(|value| send(&queue, Message::new(value).ordering_key("k")));
        assert!(queue.reschedule(ids[0], 10 * SECOND).unwrap());
        let second = receive(&queue).unwrap();
        assert_eq!(second.id(), ids[1]);
        second.release().unwrap();
        assert!(queue.reschedule(ids[1], 5 * SECOND).unwrap());
        assert!(receive(&queue).is_none(), "a retry keeps its place");
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["1", "2", "3"]);
    });
}

#[test]
fn what_is_out_or_set_aside_or_gone_is_not_rescheduled_and_nothing_beyond_ten_years() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x"));
        assert!(queue.reschedule(id, Duration::MAX).is_err() && queue.reschedule_at(id, u64::MAX).is_err());
        let delivery = receive(&queue).unwrap();
        assert!(!queue.reschedule(id, SECOND).unwrap());
        delivery.defer().unwrap();
        assert!(!queue.reschedule(id, SECOND).unwrap());
        queue.receive_deferred(id).unwrap().unwrap().ack().unwrap();
        assert!(!queue.reschedule(id, SECOND).unwrap() && !queue.reschedule(id + 9, SECOND).unwrap());
    });
}

#[test]
fn messages_that_were_rescheduled_keep_their_new_times_after_a_power_cut_and_are_never_early() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["a", "b", "c"].map(|value| send(&queue, Message::new(value).delay(100 * SECOND)));
        assert!(queue.reschedule(ids[0], 30 * SECOND).unwrap());
        assert!(queue.reschedule(ids[1], 5_000_000 * SECOND).unwrap());
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        b.clock.advance(30 * SECOND - Duration::from_nanos(1));
        assert_eq!(take_all(&queue), [""; 0]);
        b.clock.advance(Duration::from_nanos(1));
        assert_eq!(take_all(&queue), ["a"]);
        b.clock.advance(70 * SECOND);
        assert_eq!(take_all(&queue), ["c"]);
        b.clock.advance(4_999_899 * SECOND);
        assert_eq!(take_all(&queue), [""; 0], "two months are not one");
        b.clock.advance(2 * SECOND);
        assert_eq!(take_all(&queue), ["b"]);
    });
}

#[test]
fn rescheduled_messages_still_expire() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x").ttl(10 * SECOND));
        assert!(queue.reschedule(id, 60 * SECOND).unwrap());
        b.clock.advance(10 * SECOND);
        assert_eq!((stats(&queue).scheduled, stats(&queue).expired_total), (0, 1));
    });
}

#[test]
fn what_a_consumer_took_ahead_can_be_cancelled_and_stays_so_after_a_power_cut() {
    on_durable(|b| {
        for key in [None, Some("k")] {
            let queue = b.queue("jobs").open().unwrap();
            let ids = ["out", "told", "taken", "done"].map(|value| {
                let message = Message::new(value);
                send(&queue, if key.is_some() { message.priority(5) } else { message })
            });
            let mut consumer = queue.consumer().prefetch(4).start().unwrap();
            let out = consumer.next().unwrap();
            assert!(!queue.cancel(ids[1]).unwrap() && queue.cancel_now(ids[2]).unwrap());
            let told = consumer.next().unwrap();
            assert!(told.is_cancelled());
            assert_eq!(consumer.next().map(|next| (next.id(), next.ack().is_ok())), Some((ids[3], true)));
            out.ack().unwrap();
            std::mem::forget((told, consumer));
            b.crash();
            let queue = b.queue("jobs").open().unwrap();
            b.clock.advance(60 * SECOND);
            assert_eq!(take_all(&queue), [""; 0]);
        }
    });
}

#[test]
fn what_was_cancelled_while_it_was_taken_ahead_and_in_nobodys_hands_does_not_come_back() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["out", "ahead", "ahead too"].map(|value| send(&queue, Message::new(value).priority(5)));
        let mut consumer = queue.consumer().prefetch(3).start().unwrap();
        let out = consumer.next().unwrap();
        assert!(!queue.cancel(ids[1]).unwrap());
        out.ack().unwrap();
        std::mem::forget(consumer);
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["ahead too"]);
    });
}

#[test]
fn a_plain_message_is_found_behind_events_and_is_seen_no_more_once_it_is_cancelled() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("first"));
        receive(&queue).unwrap().release().unwrap();
        let id = send(&queue, Message::new("second"));
        assert!(queue.cancel(id).unwrap());
        let seen: Vec<u64> = queue.peek(0, 10).unwrap().iter().map(|message| message.id()).collect();
        assert_eq!(seen, [0]);
    });
}

#[test]
fn every_plain_message_can_be_cancelled_whatever_the_disk_noted_before_it() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids: Vec<u64> = (0..5).map(|_| send(&queue, Message::new("x"))).collect();
        assert!(ids.iter().all(|id| queue.cancel(*id).unwrap()));
        assert_eq!(stats(&queue).ready, 0);
    });
}
