//! In which order messages come (semantics B6).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{Cause, Error, Message, Queue};

fn jobs(b: &Bench) -> Queue {
    b.queue("jobs").open().unwrap()
}

#[test]
fn a_higher_priority_comes_first_and_equal_ones_in_the_order_in_which_they_were_sent() {
    on_both(|b| {
        let queue = jobs(b);
        for (value, priority) in [("a", 4), ("b", 9), ("c", 0), ("d", 9), ("e", 5), ("f", 3)] {
            send(&queue, Message::new(value).priority(priority));
        }
        send(&queue, Message::new("plain"));
        assert_eq!(take_all(&queue), ["b", "d", "e", "a", "plain", "f", "c"]);
    });
}

#[test]
fn a_message_with_a_time_to_live_does_not_overtake_those_that_were_sent_before_it() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["p1", "t1", "p2", "t2", "p3"] {
            let message = Message::new(value);
            send(&queue, if value.starts_with('t') { message.ttl(60 * SECOND) } else { message });
        }
        assert_eq!(queue.explain(1).unwrap().causes, [Cause::Behind { count: 1, next: 0 }]);
        assert_eq!(queue.explain(3).unwrap().causes, [Cause::Behind { count: 3, next: 0 }]);
        assert_eq!(queue.explain(4).unwrap().causes, [Cause::Behind { count: 4, next: 0 }]);
        assert_eq!(take_all(&queue), ["p1", "t1", "p2", "t2", "p3"]);
    });
}

#[test]
fn what_came_back_is_before_what_had_to_wait_and_that_before_what_nobody_had() {
    on_both(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("late").delay(SECOND));
        for value in ["back", "new", "newer"] {
            send(&queue, Message::new(value).ttl(60 * SECOND));
        }
        send(&queue, Message::new("plain"));
        let back = receive(&queue).unwrap();
        b.clock.advance(SECOND);
        back.release().unwrap();
        assert_eq!(take_all(&queue), ["back", "late", "new", "newer", "plain"]);
    });
}

#[test]
fn messages_with_and_without_a_time_to_live_keep_their_order_over_a_power_cut() {
    on_durable(|b| {
        let queue = jobs(b);
        for value in ["p1", "t1", "p2", "t2", "p3"] {
            let message = Message::new(value);
            send(&queue, if value.starts_with('t') { message.ttl(60 * SECOND) } else { message });
        }
        assert_eq!(take(&queue).unwrap(), "p1");
        b.crash();
        assert_eq!(take_all(&jobs(b)), ["t1", "p2", "t2", "p3"]);
    });
}

#[test]
fn a_priority_over_nine_is_refused() {
    on_both(|b| {
        let refused = jobs(b).send(Message::new("x").priority(10));
        assert!(matches!(refused, Err(Error::InvalidArgument { argument: "priority", .. })));
    });
}

#[test]
fn a_message_that_comes_back_keeps_its_priority_and_its_place() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["urgent 1", "urgent 2"] {
            send(&queue, Message::new(value).priority(8));
        }
        send(&queue, Message::new("plain"));
        receive(&queue).unwrap().release().unwrap();
        assert_eq!(take(&queue).unwrap(), "urgent 1");
        receive(&queue).unwrap().fail("later").unwrap();
        assert_eq!(take(&queue).unwrap(), "plain");
        send(&queue, Message::new("plain 2"));
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["urgent 2", "plain 2"]);
    });
}

#[test]
fn messages_that_fell_due_while_the_hub_was_closed_come_in_the_order_of_their_times() {
    on_durable(|b| {
        let queue = jobs(b);
        for (value, seconds) in [("c", 3), ("a", 1), ("b", 2)] {
            send(&queue, Message::new(value).delay(seconds * SECOND));
        }
        drop(queue);
        b.reopen();
        b.clock.advance(60 * SECOND);
        assert_eq!(take_all(&jobs(b)), ["a", "b", "c"]);
    });
}

#[test]
fn of_one_ordering_key_one_message_is_out_at_a_time() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2", "b1"] {
            send(&queue, Message::new(value).ordering_key(&value[..1]));
        }
        assert_eq!((stats(&queue).ready, stats(&queue).blocked), (2, 1));
        let (a1, b1) = (receive(&queue).unwrap(), receive(&queue).unwrap());
        assert_eq!((a1.value(), b1.value()), (&b"a1"[..], &b"b1"[..]));
        assert!(receive(&queue).is_none(), "a2 waits for a1");
        b1.ack().unwrap();
        assert!(receive(&queue).is_none());
        a1.ack().unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn a_message_that_is_retried_holds_up_its_ordering_key_and_nobody_else() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2", "b1"] {
            send(&queue, Message::new(value).ordering_key(&value[..1]));
        }
        receive(&queue).unwrap().fail("again").unwrap();
        assert_eq!(take_all(&queue), ["b1"]);
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["a1", "a2"]);
    });
}

#[test]
fn a_dead_message_lets_its_ordering_key_go_on() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2"] {
            send(&queue, Message::new(value).ordering_key("a"));
        }
        receive(&queue).unwrap().reject("hopeless").unwrap();
        assert_eq!(take_all(&queue), ["a2"]);
    });
}

#[test]
fn a_delayed_message_of_an_ordering_key_keeps_nobody_waiting() {
    on_both(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("a later").ordering_key("a").delay(5 * SECOND));
        send(&queue, Message::new("a now").ordering_key("a"));
        assert_eq!(take_all(&queue), ["a now"]);
        b.clock.advance(5 * SECOND);
        assert_eq!(take_all(&queue), ["a later"]);
    });
}

#[test]
fn ordering_keys_take_turns_with_each_other_and_with_plain_messages() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2", "a3", "b1", "b2"] {
            send(&queue, Message::new(value).ordering_key(&value[..1]));
        }
        for value in ["p1", "p2"] {
            send(&queue, Message::new(value));
        }
        assert_eq!(take_all(&queue), ["a1", "p1", "b1", "p2", "a2", "b2", "a3"]);
    });
}

#[test]
fn ordering_keys_and_priorities_survive_a_power_cut() {
    on_durable(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2", "b1"] {
            send(&queue, Message::new(value).ordering_key(&value[..1]));
        }
        send(&queue, Message::new("urgent").priority(9));
        b.crash();
        let queue = jobs(b);
        assert_eq!(stats(&queue).blocked, 1);
        assert_eq!(take_all(&queue), ["urgent", "a1", "b1", "a2"]);
    });
}

#[test]
fn a_thousand_ordering_keys_leave_nothing_behind() {
    on_both(|b| {
        let queue = jobs(b);
        for i in 0..3000 {
            send(&queue, Message::new("x").ordering_key(&format!("key {}", i % 1000)));
        }
        assert_eq!((stats(&queue).ready, stats(&queue).blocked), (1000, 2000));
        assert_eq!(take_all(&queue).len(), 3000);
        assert_eq!((stats(&queue).ready, stats(&queue).blocked), (0, 0));
    });
}
