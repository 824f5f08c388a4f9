//! Messages that are set aside (semantics B1, B16).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Error, Message};

#[test]
fn a_message_that_is_set_aside_is_delivered_only_to_who_asks_for_it() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).open().unwrap();
        let id = send(&queue, Message::new("later"));
        let other = send(&queue, Message::new("other"));
        let delayed = send(&queue, Message::new("delayed").delay(2_000_000 * SECOND));
        let delivery = receive(&queue).unwrap();
        delivery.defer().unwrap();
        assert!(matches!(delivery.ack(), Err(Error::LeaseLost { .. })), "it is no longer ours");
        b.clock.advance(1_000_000 * SECOND);
        assert_eq!((stats(&queue).ready, stats(&queue).leased, stats(&queue).deferred), (1, 0, 1));
        assert_eq!(queue.peek(0, 10).unwrap().len(), 3, "it can be found");
        assert!([other, delayed].iter().all(|id| queue.receive_deferred(*id).unwrap().is_none()));
        let later = queue.receive_deferred(id).unwrap().unwrap();
        assert_eq!((later.value(), later.attempts(), later.failures()), (&b"later"[..], 2, 0));
        assert!(queue.receive_deferred(id).unwrap().is_none(), "one has it");
        later.ack().unwrap();
        assert_eq!(take_all(&queue), ["other"]);
        assert_eq!(stats(&queue).deferred, 0);
    });
}

#[test]
fn a_message_that_was_fetched_is_like_any_other_that_is_out() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(30 * SECOND).open().unwrap();
        let id = send(&queue, Message::new("x"));
        receive(&queue).unwrap().defer().unwrap();
        std::mem::forget(queue.receive_deferred(id).unwrap().unwrap());
        b.clock.advance(30 * SECOND);
        b.clock.advance(10 * SECOND);
        let again = receive(&queue).expect("its lease ran out, and it is tried again");
        assert_eq!((again.attempts(), again.failures()), (3, 1));
        again.defer().unwrap();
        queue.receive_deferred(id).unwrap().unwrap().release().unwrap();
        assert_eq!(take_all(&queue), ["x"]);
    });
}

#[test]
fn a_message_that_is_set_aside_expires_by_itself_and_is_not_fetched_too_late() {
    on_both(|b| {
        let queue = b.hub.queue("jobs").dead_letter("jobs.dead").open().unwrap();
        let dead = b.hub.queue("jobs.dead").open().unwrap();
        let id = send(&queue, Message::new("x").ttl(10 * SECOND));
        receive(&queue).unwrap().defer().unwrap();
        b.clock.advance(10 * SECOND);
        let letter = receive(&dead).expect("without anybody asking for it");
        assert_eq!(letter.header("rm-dead-reason"), Some(&b"expired"[..]));
        assert!(queue.receive_deferred(id).unwrap().is_none());
        assert_eq!(stats(&queue).deferred, 0);
    });
}

#[test]
fn a_message_that_is_set_aside_holds_up_its_ordering_key_and_no_other() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let first = send(&queue, Message::new("a1").ordering_key("a"));
        send(&queue, Message::new("a2").ordering_key("a"));
        send(&queue, Message::new("b1").ordering_key("b"));
        receive(&queue).unwrap().defer().unwrap();
        assert_eq!(take_all(&queue), ["b1"]);
        queue.receive_deferred(first).unwrap().unwrap().ack().unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn what_is_set_aside_stays_so_after_reopening_and_after_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let plain = send(&queue, Message::new("plain"));
        let short = send(&queue, Message::new("short").ttl(60 * SECOND));
        let keyed = send(&queue, Message::new("keyed").ordering_key("k"));
        send(&queue, Message::new("behind").ordering_key("k"));
        (0..3).for_each(|_| receive(&queue).unwrap().defer().unwrap());
        drop(queue);
        b.reopen();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!((stats(&queue).ready, stats(&queue).deferred), (0, 3));
        b.crash();
        b.clock.advance(60 * SECOND);
        let queue = b.queue("jobs").open().unwrap();
        assert!(receive(&queue).is_none() && queue.receive_deferred(short).unwrap().is_none());
        queue.receive_deferred(plain).unwrap().unwrap().ack().unwrap();
        queue.receive_deferred(keyed).unwrap().unwrap().ack().unwrap();
        assert_eq!(take_all(&queue), ["behind"]);
    });
}

#[test]
fn what_is_set_aside_can_be_cancelled() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for force in [false, true] {
            let id = send(&queue, Message::new("x"));
            receive(&queue).unwrap().defer().unwrap();
            assert!(if force { queue.cancel_now(id) } else { queue.cancel(id) }.unwrap());
            assert!(queue.receive_deferred(id).unwrap().is_none());
        }
        assert_eq!((stats(&queue).deferred, stats(&queue).cancelled_total), (0, 2));
    });
}
