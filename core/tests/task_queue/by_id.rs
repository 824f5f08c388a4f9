//! What can be told to a message by its id (semantics B4).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::Message;

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
fn a_message_that_is_out_is_not_cancelled() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x"));
        let delivery = receive(&queue).unwrap();
        assert!(!queue.cancel(id).unwrap());
        delivery.ack().unwrap();
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
fn every_plain_message_can_be_cancelled_whatever_the_disk_noted_before_it() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids: Vec<u64> = (0..5).map(|_| send(&queue, Message::new("x"))).collect();
        assert!(ids.iter().all(|id| queue.cancel(*id).unwrap()));
        assert_eq!(stats(&queue).ready, 0);
    });
}
