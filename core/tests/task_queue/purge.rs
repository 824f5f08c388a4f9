//! Emptying, altering and deleting queues.

use crate::{SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{Error, Hub, Message, OnBreach, OnExhausted};
use std::time::Duration;

#[test]
fn a_purge_takes_what_waits_and_leaves_what_is_out() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for value in ["out", "failed", "released"] {
            send(&queue, Message::new(value));
        }
        let [out, failed, released] = [0; 3].map(|_| receive(&queue).unwrap());
        failed.fail("boom").unwrap();
        released.release().unwrap();
        send(&queue, Message::new("delayed").delay(SECOND));
        send(&queue, Message::new("urgent").priority(9));
        send(&queue, Message::new("plain"));
        assert_eq!(queue.purge().unwrap(), 5);
        assert_eq!(queue.purge().unwrap(), 0);
        send(&queue, Message::new("new"));
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["new"]);
        assert_eq!((stats(&queue).purged_total, stats(&queue).leased, stats(&queue).ready), (5, 1, 0));
        out.ack().unwrap();
    });
}

#[test]
fn a_purge_of_all_takes_what_is_out_and_its_holder_is_told() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("out").ordering_key("k"));
        send(&queue, Message::new("plain"));
        let out = receive(&queue).unwrap();
        assert_eq!(queue.purge_all().unwrap(), 2);
        assert!(matches!(out.ack(), Err(Error::LeaseLost { .. })));
        b.clock.advance(100 * SECOND);
        assert!(receive(&queue).is_none());
        send(&queue, Message::new("next").ordering_key("k"));
        assert_eq!(take_all(&queue), ["next"], "nobody waits for what is gone");
    });
}

#[test]
fn of_a_purge_and_receivers_at_the_same_time_exactly_one_gets_each_message() {
    for force in [false, true] {
        let hub = Hub::memory();
        let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
        let sent: u64 = 40_000;
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    let mut acked = 0;
                    loop {
                        let got = queue.receive_batch(7, Duration::from_millis(300)).unwrap();
                        if got.is_empty() {
                            return acked;
                        }
                        acked += got.iter().filter(|delivery| delivery.ack().is_ok()).count() as u64;
                    }
                })
            })
            .collect();
        let mut purged = 0;
        for n in 0..sent {
            queue.send(Message::new(&n.to_le_bytes())).unwrap();
            if n % 500 == 0 {
                purged += if force { queue.purge_all() } else { queue.purge() }.unwrap();
            }
        }
        let acked: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!(acked + purged, sent, "{acked} acked, {purged} purged");
        assert!(acked > 0 && purged > 0, "{acked} acked, {purged} purged: not at the same time");
    }
}

#[test]
fn what_was_purged_stays_away_after_a_power_cut() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let mut last = None;
        for n in 0..10_000 {
            last = Some(queue.submit(Message::new(&format!("{n}"))).unwrap());
        }
        last.unwrap().wait().unwrap();
        let out = receive(&queue).unwrap();
        assert_eq!(queue.purge().unwrap(), 9_999);
        send(&queue, Message::new("new"));
        b.crash();
        drop(out);
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(take_all(&queue), ["0", "new"], "the first was out");
        b.reopen();
        assert_eq!(stats(&b.queue("jobs").open().unwrap()).ready, 0);
    });
}

#[test]
fn a_cancelled_message_is_not_seen_by_a_peek() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("x"));
        assert!(queue.cancel(id).unwrap());
        assert!(queue.peek(0, 10).unwrap().is_empty());
    });
}

#[test]
fn a_message_is_found_by_its_id_whatever_stands_before_it_in_its_segment() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let value = "x".repeat(300);
        for round in 0..400 {
            send(&queue, Message::new(&value));
            receive(&queue).unwrap().ack().unwrap();
            let id = send(&queue, Message::new("x"));
            assert!(queue.cancel(id).unwrap(), "round {round}");
        }
    });
}

#[test]
fn a_queue_opened_with_other_options_has_them_at_once_and_after_reopening() {
    on_durable(|b| {
        let queue = b.queue("jobs").max_failures(9).lease(30 * SECOND).open().unwrap();
        send(&queue, Message::new("x"));
        drop(b.hub.queue("jobs").max_failures(1).lease(5 * SECOND).dead_letter("jobs.dead").open().unwrap());
        b.reopen();
        let queue = b.hub.queue("jobs").open().unwrap();
        let delivery = receive(&queue).unwrap();
        b.clock.advance(5 * SECOND);
        assert!(matches!(delivery.ack(), Err(Error::LeaseLost { .. })));
        assert_eq!(stats(&b.hub.queue("jobs.dead").open().unwrap()).ready, 1);
        let queue = b.hub.queue("jobs").max_failures(3).on_exhausted(OnExhausted::Drop).open().unwrap();
        send(&queue, Message::new("y"));
        receive(&queue).unwrap().reject("no").unwrap();
        assert_eq!(stats(&queue).dropped_total, 1);
    });
}

#[test]
fn a_deleted_queue_is_gone_and_its_name_may_be_used_again() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        let out = receive(&queue).unwrap();
        send(&queue, Message::new("y"));
        b.hub.delete_queue("jobs").unwrap();
        assert!(!b.hub.queues().unwrap().contains(&"jobs".to_owned()));
        for refused in [queue.send(Message::new("z")).map(drop), out.ack(), queue.try_receive().map(drop)] {
            assert!(matches!(refused, Err(Error::Closed { .. })), "{refused:?}");
        }
        assert!(queue.stats().unwrap_err().to_string().contains("deleted"));
        let again = b.hub.delete_queue("jobs").unwrap_err();
        assert!(matches!(again, Error::NotFound { .. }), "{again}");
        let missing = b.hub.queue("jobs").open().unwrap_err();
        assert!(matches!(missing, Error::OptionMissing { .. }), "it is a new queue: {missing}");
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!((stats(&queue).ready, send(&queue, Message::new("new"))), (0, 0));
        assert_eq!(take_all(&queue), ["new"]);
        drop(out);
    });
}

#[test]
fn whoever_waits_for_a_queue_that_is_deleted_is_woken_and_told() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let waiting = std::thread::spawn(move || queue.receive(Duration::MAX).map(drop));
        b.hub.delete_queue("jobs").unwrap();
        assert!(matches!(waiting.join().unwrap(), Err(Error::Closed { .. })));
    });
}

#[test]
fn a_queue_that_others_send_their_dead_letters_to_is_not_deleted() {
    on_both(|b| {
        drop(b.queue("a").dead_letter("dead").open().unwrap());
        drop(b.queue("b").dead_letter("dead").open().unwrap());
        let refused = b.hub.delete_queue("dead").unwrap_err();
        assert!(refused.to_string().contains("a, b"), "{refused}");
        b.hub.delete_queue("a").unwrap();
        drop(b.queue("b").open().unwrap());
        b.hub.delete_queue("dead").unwrap();
        assert_eq!(b.hub.queues().unwrap(), ["b"]);
    });
}

#[test]
fn a_power_cut_while_a_queue_is_deleted_leaves_all_of_it_or_nothing() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let other = b.queue("other").open().unwrap();
        for value in ["x", "y"] {
            send(&queue, Message::new(value));
            send(&other, Message::new(value));
        }
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        b.hub.delete_queue("jobs").unwrap();
        let mut left = Vec::new();
        for operations in first..=disk.operation_count() {
            let image = disk.image_with(operations, ringmain::storage::sim::Unsynced::Dropped);
            let hub = crate::open(&b.clock, Some(&image));
            let is_there = hub.queues().unwrap().contains(&"jobs".to_owned());
            let queue = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
            assert_eq!(take_all(&queue).len(), if is_there { 2 } else { 0 }, "after {operations} operations");
            let id = send(&queue, Message::new("new"));
            assert_eq!((id, take_all(&queue).len()), (if is_there { 2 } else { 0 }, 1));
            let other = hub.queue("other").open().unwrap();
            assert_eq!(take_all(&other), ["x", "y"]);
            left.push(is_there);
        }
        assert!(left[0] && !left[left.len() - 1]);
        b.crash();
        assert_eq!(b.hub.queues().unwrap(), ["other"]);
    });
}

#[test]
fn what_was_set_aside_is_purged_too() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, Message::new("aside"));
        receive(&queue).unwrap().defer().unwrap();
        assert_eq!(queue.purge().unwrap(), 1);
        assert!(queue.receive_deferred(id).unwrap().is_none());
    });
}

#[test]
fn a_queue_that_late_messages_go_to_is_not_deleted() {
    on_both(|b| {
        let _jobs = b.queue("jobs").on_breach(OnBreach::MoveTo("late".into())).open().unwrap();
        let refused = b.hub.delete_queue("late").unwrap_err();
        assert!(refused.to_string().contains("jobs"), "{refused}");
    });
}

#[test]
fn what_was_purged_may_be_sent_again_although_its_key_was_remembered() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("first").dedup_key("order 17"));
        assert_eq!(queue.purge().unwrap(), 1);
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("second").dedup_key("order 17"));
        send(&queue, Message::new("third").dedup_key("order 17"));
        assert_eq!(take_all(&queue), ["second"]);
    });
}
