//! What became of messages that have left a queue (the history of semantics B1 and B16).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats};
use ringmain::{
    Capacity, Cause, Dedup, Ending, Error, Message, OnBreach, OnConflict, Overflow, Queue, QueueBuilder,
};

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

fn kept(b: &Bench) -> QueueBuilder {
    b.queue("jobs").history(HOUR, 100)
}

fn endings(queue: &Queue) -> Vec<(u64, Ending)> {
    let finished = queue.finished_from(0, 100).unwrap();
    finished.iter().map(|finished| (finished.id, finished.ending)).collect()
}

#[test]
fn what_was_acked_is_told_with_its_times_counts_and_result() {
    on_both(|b| {
        let queue = kept(b).open().unwrap();
        let id = send(&queue, Message::new("x").key("k"));
        let sent_ns = b.clock.now_ns();
        receive(&queue).unwrap().fail("once").unwrap();
        b.clock.advance(10 * SECOND);
        let second = receive(&queue).unwrap();
        assert!(queue.finished(id).unwrap().is_none(), "it is still there");
        second.ack_with("42").unwrap();
        second.ack_with("43").unwrap();
        second.ack().unwrap();
        let finished = queue.finished(id).unwrap().unwrap();
        assert_eq!((finished.ending, finished.attempts, finished.failures), (Ending::Done, 2, 1));
        assert_eq!((finished.sent_ns, finished.finished_ns), (sent_ns, b.clock.now_ns()));
        assert_eq!(
            (finished.key.as_deref(), finished.result.as_deref()),
            (Some(&b"k"[..]), Some(&b"42"[..]))
        );
        b.clock.advance(3 * SECOND);
        let explanation = queue.explain(id).unwrap().to_string();
        assert_eq!(explanation, "message 0 of queue jobs: it was acked 3.000 s ago by attempt 2");
        assert_eq!(stats(&queue).acked_total, 1);
    });
}

#[test]
fn each_way_to_leave_a_queue_is_told() {
    on_both(|b| {
        let capacity = Capacity { messages: Some(3), overflow: Overflow::DropOldest, ..Capacity::default() };
        let dedup = Dedup { on_conflict: OnConflict::Replace, ..Dedup::default() };
        let builder = kept(b).max_failures(1).dead_letter("jobs.dead").on_breach(OnBreach::Cancel);
        let queue = builder.dedup(dedup).open().unwrap();
        let mut ids = vec![send(&queue, Message::new("acked in a batch"))];
        let held = receive(&queue).unwrap();
        assert!(queue.ack_batch(&[&held]).iter().all(Result::is_ok));
        ids.push(send(&queue, Message::new("fails")));
        receive(&queue).unwrap().fail("no luck").unwrap();
        ids.push(send(&queue, Message::new("is cancelled")));
        assert!(queue.cancel(ids[2]).unwrap());
        ids.push(send(&queue, Message::new("is late").start_within(SECOND)));
        b.clock.advance(SECOND);
        ids.push(send(&queue, Message::new("is replaced").dedup_key("k")));
        send(&queue, Message::new("replaces").dedup_key("k"));
        queue.purge().unwrap();
        b.queue("jobs").ttl(SECOND).capacity(capacity).open().unwrap();
        ids.push(send(&queue, Message::new("expires")));
        b.clock.advance(SECOND);
        let oldest = send(&queue, Message::new("makes room"));
        (0..3).for_each(|_| _ = send(&queue, Message::new("comes in")));
        ids.push(oldest);
        let mut consumer = queue.consumer().start().unwrap();
        let last = consumer.next().unwrap();
        consumer.ack_up_to(&last).unwrap();
        ids.push(last.id());
        let wanted = [
            Ending::Done,
            Ending::Dead,
            Ending::Cancelled,
            Ending::Cancelled,
            Ending::Cancelled,
            Ending::Expired,
            Ending::Dropped,
            Ending::Done,
        ];
        assert_eq!(endings(&queue), ids.into_iter().zip(wanted).collect::<Vec<_>>());
    });
}

#[test]
fn without_a_dead_letter_queue_it_is_told_whether_a_message_expired_or_was_dropped() {
    on_both(|b| {
        let queue = kept(b).max_failures(1).open().unwrap();
        let fails = send(&queue, Message::new("fails"));
        receive(&queue).unwrap().fail("no luck").unwrap();
        let expires = send(&queue, Message::new("x").ttl(SECOND));
        b.clock.advance(SECOND);
        assert_eq!(endings(&queue), [(fails, Ending::Dropped), (expires, Ending::Expired)]);
        assert!(queue.explain(expires).unwrap().to_string().ends_with("expired, and was never out"));
    });
}

#[test]
fn no_more_is_kept_than_the_queue_was_told_and_not_for_longer() {
    on_both(|b| {
        let queue = b.queue("jobs").history(HOUR, 2).open().unwrap();
        let ids: Vec<u64> = (0..3).map(|_| send(&queue, Message::new("x"))).collect();
        let ack = || receive(&queue).unwrap().ack().unwrap();
        ack();
        ack();
        b.clock.advance(HOUR / 2);
        ack();
        assert_eq!(endings(&queue), [(ids[1], Ending::Done), (ids[2], Ending::Done)]);
        b.clock.advance(HOUR / 2);
        assert_eq!(endings(&queue), [(ids[2], Ending::Done)]);
        assert_eq!(queue.explain(ids[1]).unwrap().causes, [Cause::Gone]);
        b.queue("jobs").history(HOUR, 0).open().unwrap();
        assert!(endings(&queue).is_empty());
    });
}

#[test]
fn a_queue_that_is_told_to_keep_it_keeps_what_is_out_by_then_too() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let ids = ["out", "waits"].map(|value| send(&queue, Message::new(value)));
        let held = receive(&queue).unwrap();
        kept(b).open().unwrap();
        held.ack_with("done").unwrap();
        receive(&queue).unwrap().ack().unwrap();
        assert_eq!(endings(&queue), ids.map(|id| (id, Ending::Done)));
    });
}

#[test]
fn a_result_that_cannot_be_kept_is_refused_and_the_message_is_still_out() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x"));
        let held = receive(&queue).unwrap();
        let refused = held.ack_with("42").unwrap_err();
        assert!(matches!(refused, Error::OptionMissing { option: "history", .. }), "{refused}");
        kept(b).open().unwrap();
        let long = vec![0; 4097];
        assert!(matches!(held.ack_with(&long), Err(Error::TooLarge { limit_bytes: 4096, .. })));
        assert_eq!(stats(&queue).leased, 1);
        held.ack_with(&long[1..]).unwrap();
        let refused = b.queue("jobs").history(HOUR, 1_000_001).open().unwrap_err().to_string();
        assert!(refused.contains("1000000"), "{refused}");
    });
}

#[test]
fn that_a_queue_keeps_it_survives_reopening_and_what_it_kept_does_not() {
    on_durable(|b| {
        let queue = kept(b).open().unwrap();
        let id = send(&queue, Message::new("before"));
        receive(&queue).unwrap().ack().unwrap();
        b.reopen();
        let queue = b.hub.queue("jobs").open().unwrap();
        assert!(queue.finished(id).unwrap().is_none());
        let id = send(&queue, Message::new("after"));
        receive(&queue).unwrap().ack().unwrap();
        assert_eq!(endings(&queue), [(id, Ending::Done)]);
    });
}
