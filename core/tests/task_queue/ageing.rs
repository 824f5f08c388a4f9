//! Priorities that rise with the time waited (semantics B6).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, take, take_all};
use ringmain::{Cause, Error, Message, Queue};
use std::time::Duration;

fn jobs(b: &Bench) -> Queue {
    b.queue("jobs").age_step(SECOND).open().unwrap()
}

#[test]
fn a_low_priority_is_starved_for_ever_only_without_ageing() {
    on_both(|b| {
        for (name, ages, expected) in [("strict", false, None), ("fair", true, Some(9))] {
            let queue = b.queue(name);
            let queue = if ages { queue.age_step(SECOND) } else { queue }.open().unwrap();
            send(&queue, Message::new("low").priority(0));
            // Each second one that is more urgent comes, and one is taken.
            let low = (0..100).find(|_| {
                send(&queue, Message::new("high").priority(9));
                let taken = take(&queue).unwrap();
                b.clock.advance(SECOND);
                taken == "low"
            });
            assert_eq!(low, expected, "{name}");
        }
    });
}

#[test]
fn a_plain_message_that_waits_rises_above_more_urgent_ones() {
    on_both(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("plain"));
        b.clock.advance(2 * SECOND);
        send(&queue, Message::new("plain 2"));
        send(&queue, Message::new("six").priority(6));
        send(&queue, Message::new("seven").priority(7));
        send(&queue, Message::new("five").priority(5));
        assert_eq!(queue.explain(0).unwrap().causes, [Cause::Behind { count: 1, next: 3 }]);
        assert_eq!(take_all(&queue), ["seven", "plain", "six", "five", "plain 2"]);
    });
}

#[test]
fn a_plain_backlog_is_aged_message_by_message() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["p1", "p2", "p3"] {
            send(&queue, Message::new(value));
            b.clock.advance(SECOND);
        }
        send(&queue, Message::new("six").priority(6));
        // They have waited three steps, two and one.
        assert_eq!(take_all(&queue), ["p1", "p2", "six", "p3"]);
    });
}

#[test]
fn a_delayed_message_ages_from_when_it_was_due_and_a_retry_likewise() {
    on_both(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("delayed").priority(0).delay(10 * SECOND));
        send(&queue, Message::new("retried").priority(0));
        receive(&queue).unwrap().fail("again").unwrap();
        b.clock.advance(12 * SECOND);
        send(&queue, Message::new("three").priority(3));
        send(&queue, Message::new("one").priority(1));
        assert_eq!(take_all(&queue), ["three", "delayed", "retried", "one"]);
    });
}

#[test]
fn a_message_that_comes_back_is_as_old_as_it_was() {
    on_both(|b| {
        let queue = jobs(b);
        send(&queue, Message::new("plain"));
        let plain = receive(&queue).unwrap();
        b.clock.advance(4 * SECOND);
        send(&queue, Message::new("seven").priority(7));
        plain.release().unwrap();
        assert_eq!(take_all(&queue), ["plain", "seven"]);
    });
}

#[test]
fn the_oldest_of_the_highest_comes_first_however_it_rose() {
    on_both(|b| {
        let queue = jobs(b);
        for priority in [0, 4, 9] {
            send(&queue, Message::new(&priority.to_string()).priority(priority));
            b.clock.advance(Duration::from_millis(1));
        }
        b.clock.advance(60 * SECOND);
        send(&queue, Message::new("new").priority(9));
        assert_eq!(take_all(&queue), ["0", "4", "9", "new"]);
    });
}

#[test]
fn a_message_of_an_ordering_key_ages_when_the_turn_is_its_own() {
    on_both(|b| {
        let queue = jobs(b);
        for value in ["a1", "a2", "b1"] {
            send(&queue, Message::new(value).ordering_key(&value[..1]).priority(1));
        }
        b.clock.advance(5 * SECOND);
        for value in ["c1", "c2"] {
            send(&queue, Message::new(value).ordering_key(value).priority(5));
        }
        assert_eq!(take_all(&queue), ["a1", "b1", "a2", "c1", "c2"]);
    });
}

#[test]
fn ages_survive_a_power_cut_and_the_step_is_altered_by_opening_the_queue_with_another() {
    on_durable(|b| {
        let queue = jobs(b);
        for value in ["p1", "p2"] {
            send(&queue, Message::new(value));
        }
        // Of a lease on a plain message the log tells only where the first of its run is.
        let taken = queue.receive_batch(2, Duration::ZERO).unwrap();
        taken[1].release().unwrap();
        send(&queue, Message::new("low").priority(0));
        b.clock.advance(3 * SECOND);
        send(&queue, Message::new("seven").priority(7));
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        let first_two = [(); 2].map(|()| take(&queue).unwrap());
        assert_eq!(first_two, ["p1", "p2"], "as old as seven is urgent, and older");
        send(&queue, Message::new("two").priority(2));
        assert_eq!(take_all(&queue), ["seven", "low", "two"]);
        send(&queue, Message::new("low").priority(0));
        b.clock.advance(3 * SECOND);
        send(&queue, Message::new("two").priority(2));
        let queue = b.queue("jobs").age_step(60 * SECOND).open().unwrap();
        assert_eq!(take_all(&queue)[..2], ["two", "low"]);
    });
}

#[test]
fn an_age_step_of_nothing_or_of_centuries_is_refused() {
    on_both(|b| {
        for step in [Duration::ZERO, Duration::MAX] {
            let refused = b.queue("jobs").age_step(step).open();
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "age_step", .. })), "{step:?}");
        }
    });
}
