//! Deadlines, and what happens when they are missed (semantics B4).

use crate::{Bench, SECOND, on_both, on_durable, open, receive, send, stats, take_all};
use ringmain::storage::sim::Unsynced;
use ringmain::{Deadline, Error, Message, OnBreach, Queue, QueueStats};

fn breaches(stats: &QueueStats) -> (u64, u64) {
    (stats.start_breaches_total, stats.complete_breaches_total)
}

/// Queue `jobs` with that action, and queue `late`.
fn jobs(b: &Bench, action: OnBreach) -> (Queue, Queue) {
    let queue = b.hub.queue("jobs").dead_letter("jobs.dead").on_breach(action).open().unwrap();
    let late = b.queue("late").open().unwrap();
    (queue, late)
}

fn to_late(escalate: bool) -> OnBreach {
    if escalate { OnBreach::EscalateTo("late".into()) } else { OnBreach::MoveTo("late".into()) }
}

#[test]
fn a_message_that_is_not_received_in_time_is_a_breach_once_and_is_still_delivered() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::None);
        let id = send(&queue, Message::new("x").start_within(10 * SECOND).delay(SECOND));
        b.clock.advance(10 * SECOND);
        assert_eq!(breaches(&stats(&queue)), (1, 0));
        let [breach] = queue.breaches().unwrap()[..] else { panic!("one breach") };
        assert_eq!((breach.id, breach.deadline), (id, Deadline::Start));
        assert_eq!(breach.time_ns, b.clock.now_ns());
        b.clock.advance(1000 * SECOND);
        assert_eq!((breaches(&stats(&queue)), queue.breaches().unwrap().len()), ((1, 0), 0));
        assert_eq!(take_all(&queue), ["x"]);
    });
}

#[test]
fn a_message_that_was_received_in_time_breaks_no_start_however_often_it_comes_back() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::None);
        send(&queue, Message::new("x").start_within(10 * SECOND));
        b.clock.advance(9 * SECOND);
        receive(&queue).unwrap().release().unwrap();
        b.clock.advance(100 * SECOND);
        assert_eq!(breaches(&stats(&queue)), (0, 0));
    });
}

#[test]
fn a_message_that_is_not_acked_in_time_is_a_breach_wherever_it_is() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::None);
        let at_ns = b.clock.now_ns() + 10_000_000_000;
        let by = |value| Message::new(value).complete_by(at_ns).complete_within(SECOND);
        send(&queue, by("acked"));
        send(&queue, by("leased"));
        send(&queue, by("deferred"));
        send(&queue, by("failed"));
        send(&queue, by("ready"));
        send(&queue, by("scheduled").delay(60 * SECOND));
        receive(&queue).unwrap().ack().unwrap();
        let leased = receive(&queue).unwrap();
        receive(&queue).unwrap().defer().unwrap();
        receive(&queue).unwrap().fail_after("later", 60 * SECOND).unwrap();
        b.clock.advance(9 * SECOND);
        assert_eq!(breaches(&stats(&queue)), (0, 0));
        b.clock.advance(SECOND);
        assert_eq!(breaches(&stats(&queue)), (0, 5));
        leased.release().unwrap();
        b.clock.advance(100 * SECOND);
        assert_eq!(take_all(&queue).len(), 4);
        assert_eq!(breaches(&stats(&queue)), (0, 5), "each once");
    });
}

#[test]
fn a_deadline_that_has_passed_already_is_missed_at_once() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::None);
        send(&queue, Message::new("x").complete_by(b.clock.now_ns()));
        assert_eq!(breaches(&stats(&queue)), (0, 1));
    });
}

#[test]
fn an_escalated_message_goes_on_and_a_copy_for_each_deadline_tells_where_it_is() {
    on_both(|b| {
        let (queue, late) = jobs(b, to_late(true));
        let message = Message::new("x").key("k").header("carrier", "UA").ordering_key("o");
        let id = send(&queue, message.start_within(5 * SECOND).complete_within(20 * SECOND));
        b.clock.advance(5 * SECOND);
        let copy = receive(&late).unwrap();
        assert_eq!((copy.value(), copy.key()), (&b"x"[..], Some(&b"k"[..])));
        let header = |name| std::str::from_utf8(copy.header(name).unwrap()).unwrap().to_owned();
        assert_eq!((header("carrier"), header("rm-breach")), ("UA".into(), "start".into()));
        assert_eq!((header("rm-breach-queue"), header("rm-breach-id")), ("jobs".into(), id.to_string()));
        copy.ack().unwrap();
        let delivery = receive(&queue).unwrap();
        b.clock.advance(15 * SECOND);
        assert_eq!(receive(&late).unwrap().header("rm-breach"), Some(&b"complete"[..]));
        assert!(!delivery.is_cancelled());
        delivery.ack().unwrap();
        assert_eq!((breaches(&stats(&queue)), stats(&queue).acked_total), ((1, 1), 1));
    });
}

#[test]
fn a_moved_message_leaves_its_queue_and_the_worker_that_has_it() {
    on_both(|b| {
        let (queue, late) = jobs(b, to_late(false));
        for value in ["leased", "deferred", "keyed"] {
            send(&queue, Message::new(value).ordering_key(value).complete_within(10 * SECOND));
        }
        send(&queue, Message::new("behind").ordering_key("keyed"));
        let leased = receive(&queue).unwrap();
        receive(&queue).unwrap().defer().unwrap();
        b.clock.advance(10 * SECOND);
        assert!(leased.is_cancelled());
        assert!(matches!(leased.ack(), Err(Error::LeaseLost { .. })));
        assert_eq!(take_all(&late), ["leased", "deferred", "keyed"]);
        assert_eq!(take_all(&queue), ["behind"]);
        let stats = stats(&queue);
        assert_eq!((stats.leased, stats.deferred, stats.ready, stats.dead_total), (0, 0, 0, 0));
    });
}

#[test]
fn a_message_can_die_of_its_deadline() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::Dead);
        let dead = b.hub.queue("jobs.dead").open().unwrap();
        send(&queue, Message::new("leased").complete_within(10 * SECOND));
        send(&queue, Message::new("waits").start_within(10 * SECOND));
        let leased = receive(&queue).unwrap();
        b.clock.advance(10 * SECOND);
        assert!(matches!(leased.fail("late"), Err(Error::LeaseLost { .. })));
        let letters = dead.peek(0, 10).unwrap();
        let told: Vec<_> =
            letters.iter().map(|letter| (letter.value(), letter.header("rm-dead-reason"))).collect();
        assert_eq!(told, [(&b"leased"[..], Some(&b"deadline"[..])), (b"waits", Some(b"deadline"))]);
        assert_eq!(stats(&queue).dead_total, 2);
    });
}

#[test]
fn a_deadline_can_cancel_what_waits_and_tell_the_worker_of_what_is_out() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::Cancel);
        for value in ["acked", "released", "waits"] {
            send(&queue, Message::new(value).complete_within(10 * SECOND));
        }
        let [acked, released] = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        b.clock.advance(10 * SECOND);
        assert!(acked.is_cancelled() && released.is_cancelled());
        acked.ack().unwrap();
        released.release().unwrap();
        assert_eq!(take_all(&queue), [""; 0]);
        assert_eq!((stats(&queue).acked_total, stats(&queue).cancelled_total), (1, 2));
    });
}

#[test]
fn a_message_of_an_ordering_key_that_comes_back_too_late_is_not_delivered_once_more() {
    on_both(|b| {
        let (queue, _) = jobs(b, OnBreach::Dead);
        send(&queue, Message::new("expires").ordering_key("k").ttl(5 * SECOND));
        send(&queue, Message::new("next").ordering_key("k"));
        let delivery = receive(&queue).unwrap();
        b.clock.advance(6 * SECOND);
        delivery.release().unwrap();
        assert_eq!(take_all(&queue), ["next"]);
    });
}

#[test]
fn deadlines_that_passed_while_the_hub_was_closed_are_missed_when_it_is_opened_and_only_then() {
    on_durable(|b| {
        let (queue, late) = jobs(b, to_late(true));
        send(&queue, Message::new("x").start_within(10 * SECOND));
        drop((queue, late));
        b.reopen();
        b.clock.advance(60 * SECOND);
        let (queue, late) = jobs(b, to_late(true));
        assert_eq!((breaches(&stats(&queue)), stats(&late).ready), ((1, 0), 1));
        drop((queue, late));
        b.reopen();
        let (queue, late) = jobs(b, to_late(true));
        assert_eq!((breaches(&stats(&queue)), stats(&late).ready), ((0, 0), 1));
        assert_eq!(take_all(&queue), ["x"]);
    });
}

/// Misses a deadline, and opens the hub as it is after a power cut at each write and sync of that.
fn at_each_power_cut(action: &OnBreach, look: impl Fn(&mut Bench)) {
    on_durable(|b| {
        let (queue, late) = jobs(b, action.clone());
        send(&queue, Message::new("x").complete_within(10 * SECOND));
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        b.clock.advance(10 * SECOND);
        drop((queue, late));
        for operation in first..=disk.operation_count() {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept] {
                let disk = disk.image_with(operation, unsynced);
                let hub = open(&b.clock, Some(&disk));
                look(&mut Bench { clock: b.clock.clone(), disk: Some(disk), hub });
            }
        }
    });
}

#[test]
fn a_power_cut_neither_loses_nor_repeats_a_move_or_a_copy() {
    for escalate in [true, false] {
        at_each_power_cut(&to_late(escalate), |b| {
            for _ in 0..2 {
                let (queue, late) = jobs(b, to_late(escalate));
                assert_eq!((stats(&queue).ready, stats(&late).ready), (u64::from(escalate), 1));
                drop((queue, late));
                b.reopen();
            }
            let (queue, late) = jobs(b, to_late(escalate));
            assert_eq!((take_all(&queue).len(), take_all(&late).len()), (usize::from(escalate), 1));
        });
    }
}

#[test]
fn a_power_cut_neither_loses_nor_repeats_a_death_or_a_cancellation() {
    for (action, letters) in [(OnBreach::Dead, 1), (OnBreach::Cancel, 0)] {
        at_each_power_cut(&action, |b| {
            for _ in 0..2 {
                let (queue, _) = jobs(b, action.clone());
                let dead = b.hub.queue("jobs.dead").open().unwrap();
                assert_eq!((stats(&queue).ready, stats(&dead).ready), (0, letters));
                drop((queue, dead));
                b.reopen();
            }
        });
    }
}

#[test]
fn what_a_power_cut_left_on_its_way_is_not_lost_if_the_queue_no_longer_says_where_it_goes() {
    at_each_power_cut(&to_late(false), |b| {
        for _ in 0..2 {
            let (queue, late) = jobs(b, OnBreach::None);
            assert!(stats(&queue).ready + stats(&late).ready >= 1);
            drop((queue, late));
            b.reopen();
        }
    });
}

#[test]
fn two_queues_may_send_each_other_what_is_late() {
    on_durable(|b| {
        let action = |queue: &str| OnBreach::MoveTo(queue.into());
        let open = |b: &Bench| {
            let east = b.queue("east").on_breach(action("west")).open().unwrap();
            (east, b.queue("west").on_breach(action("east")).open().unwrap())
        };
        let (east, west) = open(b);
        send(&east, Message::new("e").start_within(10 * SECOND));
        send(&west, Message::new("w").start_within(20 * SECOND));
        b.clock.advance(10 * SECOND);
        drop((east, west));
        b.reopen();
        // West is opened with the one that names it.
        let east = b.queue("east").open().unwrap();
        b.clock.advance(10 * SECOND);
        assert_eq!(stats(&east).ready, 1);
        let (east, west) = open(b);
        assert_eq!((breaches(&stats(&east)), breaches(&stats(&west))), ((0, 0), (1, 0)));
        assert_eq!((take_all(&east), take_all(&west)), (vec!["w".to_owned()], vec!["e".to_owned()]));
    });
}

#[test]
fn an_action_that_cannot_be_taken_and_a_deadline_beyond_ten_years_are_refused() {
    on_both(|b| {
        assert!(b.queue("jobs").on_breach(OnBreach::MoveTo("jobs".into())).open().is_err());
        assert!(b.queue("jobs").on_breach(OnBreach::MoveTo("../x".into())).open().is_err());
        let keep = b.hub.queue("jobs").on_exhausted(ringmain::OnExhausted::Keep);
        assert!(keep.on_breach(OnBreach::Dead).open().is_err());
        let queue = b.queue("jobs").open().unwrap();
        let century = 400_000_000 * SECOND;
        for (argument, message) in [
            ("start_within", Message::new("x").start_within(century)),
            ("complete_within", Message::new("x").complete_within(SECOND / 2_000)),
            ("complete_by", Message::new("x").complete_by(u64::MAX)),
        ] {
            let Err(Error::InvalidArgument { argument: found, .. }) = queue.send(message) else { panic!() };
            assert_eq!(found, argument);
        }
    });
}

#[test]
fn a_queue_that_was_made_again_does_not_take_the_copies_of_the_old_one_for_its_own() {
    on_durable(|b| {
        let jobs =
            |b: &crate::Bench| b.queue("jobs").on_breach(OnBreach::MoveTo("late".into())).open().unwrap();
        for round in ["old", "new"] {
            let queue = jobs(b);
            send(&queue, Message::new(round).start_within(SECOND));
            drop(queue);
            b.reopen();
            b.clock.advance(SECOND);
            let late = b.hub.queue("late").open().unwrap();
            drop(jobs(b));
            let values: Vec<Vec<u8>> =
                late.peek(0, 10).unwrap().iter().map(|found| found.value().to_vec()).collect();
            assert!(values.contains(&round.as_bytes().to_vec()), "{round} is lost");
            b.hub.delete_queue("jobs").unwrap();
        }
    });
}
