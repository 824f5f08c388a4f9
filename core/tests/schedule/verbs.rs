//! Making, altering, pausing, deleting and listing schedules, and what they send.

use crate::{HOUR, JOBS, on_both, on_durable};
use ringmain::{Capacity, Clock, Error, Hub, ManualClock, Message, Missed, OnExhausted, Overflow};
use std::time::Duration;

const FROM: &str = "2026-11-20T08:30:00Z";
const NINE: &str = "2026-11-20T09:00:00Z";

#[test]
fn a_message_has_all_its_options_and_says_which_slot_it_is_of() {
    on_durable(FROM, |b| {
        let message =
            Message::new("s").key("k").header("a", b"1").priority(7).ordering_key("o").ttl(10 * HOUR);
        b.schedule("s", "@hourly").message(message.delay(HOUR / 2)).open().unwrap();
        b.closed_until("2026-11-20T08:40:00Z");
        b.run_until("2026-11-20T09:10:00Z");
        b.jobs.send(Message::new("plain")).unwrap();
        assert_eq!(b.jobs.stats().unwrap().scheduled, 1);
        b.run_until("2026-11-20T09:31:00Z");
        let delivery = b.jobs.try_receive().unwrap().unwrap();
        let header = |name| delivery.header(name).map(|value| String::from_utf8(value.to_vec()).unwrap());
        assert_eq!((delivery.value(), delivery.key()), (&b"s"[..], Some(&b"k"[..])), "before the plain one");
        assert_eq!(header("a").as_deref(), Some("1"));
        assert_eq!(header("rm-ordering-key").as_deref(), Some("o"));
        assert_eq!(header("rm-schedule").as_deref(), Some("s"));
        assert_eq!(header("rm-schedule-slot"), Some(crate::ns("2026-11-20T09:00:00Z").to_string()));
    });
}

#[test]
fn options_of_a_message_that_a_schedule_cannot_repeat_are_refused() {
    on_both(FROM, |b| {
        let long = vec![0; (16 << 10) + 1];
        for message in [
            Message::new("s").deliver_at(1),
            Message::new("s").event_time(1),
            Message::new("s").dedup_key("k"),
            Message::tombstone("k"),
        ] {
            let refused = b.schedule("s", "@hourly").message(message).open();
            assert!(
                matches!(refused, Err(Error::InvalidArgument { argument: "message", .. })),
                "{refused:?}"
            );
        }
        let refused = b.hub.schedule("s").cron("@hourly").to(&b.jobs).message(Message::new(&long)).open();
        assert!(matches!(refused, Err(Error::TooLarge { limit_bytes: 16_384, .. })));
        assert!(b.hub.schedules().unwrap().is_empty());
    });
}

#[test]
fn to_open_it_again_with_the_same_options_changes_nothing() {
    on_durable(FROM, |b| {
        let make = |b: &crate::Bench| b.schedule("s", "@every 7m").open().unwrap();
        make(b);
        b.run_until("2026-11-20T08:35:00Z");
        let next = make(b).info().unwrap().next_slot_ns;
        b.closed_until("2026-11-20T08:36:00Z");
        assert_eq!(make(b).info().unwrap().next_slot_ns, next);
        b.run_until("2026-11-20T08:37:00Z");
        assert_eq!(b.slots(), ["2026-11-20T08:37:00Z"]);
    });
}

#[test]
fn other_times_begin_anew_from_now_on() {
    on_both(FROM, |b| {
        let schedule = b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
        b.run_until("2026-11-20T10:10:00Z");
        assert_eq!(b.slots().len(), 2);
        b.hub.schedule("s").cron("*/5 * * * *").open().unwrap();
        b.run_until("2026-11-20T10:21:00Z");
        assert_eq!(b.slots(), ["2026-11-20T10:15:00Z", "2026-11-20T10:20:00Z"]);
        assert_eq!(schedule.info().unwrap().expression, "*/5 * * * *");
    });
}

#[test]
fn a_schedule_that_is_sent_to_another_queue_and_back_repeats_and_loses_no_slot() {
    on_durable(FROM, |b| {
        let other = |b: &crate::Bench| b.hub.queue("other").on_exhausted(OnExhausted::Drop).open().unwrap();
        b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
        b.run_until("2026-11-20T09:10:00Z");
        b.hub.schedule("s").to(&other(b)).open().unwrap();
        b.crash();
        b.closed_until("2026-11-20T11:10:00Z");
        b.hub.schedule("s").to(&b.jobs).open().unwrap();
        b.closed_until("2026-11-20T12:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z"]);
        assert_eq!(other(b).stats().unwrap().ready, 2);
    });
}

#[test]
fn a_paused_schedule_fires_nothing_and_what_came_meanwhile_was_not_missed() {
    on_durable(FROM, |b| {
        b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap().pause().unwrap();
        b.run_until("2026-11-20T10:10:00Z");
        b.closed_until("2026-11-20T11:10:00Z");
        let schedule = b.hub.schedule("s").open().unwrap();
        let info = schedule.info().unwrap();
        assert_eq!((info.is_paused, info.next_slot_ns), (true, None));
        schedule.resume().unwrap();
        assert_eq!(schedule.info().unwrap().next_slot_ns, Some(crate::ns("2026-11-20T12:00:00Z")));
        b.run_until("2026-11-20T12:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T12:00:00Z"]);
        // It is running: this changes nothing.
        b.clock.advance(HOUR / 2);
        schedule.resume().unwrap();
        assert_eq!(schedule.info().unwrap().last_slot_ns, Some(crate::ns("2026-11-20T12:00:00Z")));
    });
}

#[test]
fn a_deleted_schedule_is_gone_and_another_of_its_name_is_another_one() {
    on_durable(FROM, |b| {
        let schedule = b.schedule("s", "@hourly").open().unwrap();
        b.run_until("2026-11-20T09:10:00Z");
        schedule.delete().unwrap();
        for gone in [schedule.delete(), schedule.pause(), schedule.info().map(drop)] {
            assert!(matches!(gone, Err(Error::NotFound { noun: "schedule", .. })));
        }
        b.closed_until("2026-11-20T10:10:00Z");
        assert!(b.hub.schedules().unwrap().is_empty());
        assert_eq!(b.slots(), ["2026-11-20T09:00:00Z"], "what it has sent stays");
        let another = b.schedule("s", "@hourly").open().unwrap();
        assert_eq!(another.info().unwrap().last_slot_ns, None);
        b.run_until("2026-11-20T11:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T11:00:00Z"]);
    });
}

#[test]
fn schedules_are_listed_with_what_they_do_next() {
    on_durable(FROM, |b| {
        b.schedule("b", "0 12 * * *").time_zone("Europe/Berlin").missed(Missed::Skip).open().unwrap();
        b.schedule("a", "@hourly").open().unwrap();
        b.run_until("2026-11-20T09:10:00Z");
        b.closed_until("2026-11-20T09:20:00Z");
        let [a, noon] = &b.hub.schedules().unwrap()[..] else { panic!("two schedules") };
        assert_eq!((a.name.as_str(), a.queue.as_str(), a.missed), ("a", "jobs", Missed::One));
        assert_eq!(a.last_slot_ns.map(crate::time).as_deref(), Some("2026-11-20T09:00:00Z"));
        assert_eq!(a.next_slot_ns.map(crate::time).as_deref(), Some("2026-11-20T10:00:00Z"));
        assert_eq!((noon.expression.as_str(), noon.time_zone.as_str()), ("0 12 * * *", "Europe/Berlin"));
        assert_eq!(
            (noon.last_slot_ns, noon.next_slot_ns.map(crate::time).as_deref()),
            (None, Some("2026-11-20T11:00:00Z"))
        );
    });
}

#[test]
fn what_a_new_schedule_lacks_is_named() {
    on_both(FROM, |b| {
        let message = Message::new("s");
        let lacking = [
            (b.hub.schedule("s").to(&b.jobs).message(message.clone()), "cron"),
            (b.hub.schedule("s").cron("@hourly").message(message), "to"),
            (b.hub.schedule("s").cron("@hourly").to(&b.jobs), "message"),
        ];
        for (builder, lacks) in lacking {
            assert!(
                matches!(builder.open(), Err(Error::OptionMissing { option, .. }) if option == lacks),
                "{lacks}"
            );
        }
        let error = b.schedule("s", "0 25 * * *").open().unwrap_err().to_string();
        assert!(error.contains("hour \"25\": 0 to 23 are allowed; at character 3 of"), "{error}");
        let other = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
        let error =
            b.hub.schedule("s").cron("@hourly").to(&other).message(Message::new("s")).open().unwrap_err();
        assert!(error.to_string().contains("another hub"), "{error}");
        b.schedule("s", "@hourly").open().unwrap();
        assert!(b.schedule("S", "@hourly").open().is_err(), "differs only in case");
    });
}

#[test]
fn a_closed_hub_fires_nothing_and_says_so() {
    on_both(FROM, |b| {
        let schedule = b.schedule("s", "@hourly").open().unwrap();
        b.hub.close(Duration::MAX).unwrap();
        b.clock.advance(HOUR);
        for closed in
            [schedule.info().map(drop), schedule.pause(), schedule.delete(), b.hub.schedules().map(drop)]
        {
            assert!(matches!(closed, Err(Error::Closed { .. })));
        }
    });
}

/// Two schedulers on one store sent each job twice (celery/celery#2856, celery/celery#4808, celery/django-celery-beat#337).
#[test]
fn two_openers_never_fire_a_slot_twice() {
    let scratch = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let open = || Hub::builder().clock(Clock::Manual(clock.clone())).open(scratch.path());
    let make = |hub: &Hub| {
        let jobs = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
        let schedule = hub.schedule("s").cron("* * * * *").to(&jobs).missed(Missed::All { max: 64 });
        (schedule.message(Message::new("s")).open().unwrap(), jobs)
    };
    let hub = open().unwrap();
    let (one, jobs) = make(&hub);
    let (_two, _) = make(&hub.clone());
    assert!(matches!(open(), Err(Error::Locked { .. })), "and another process does not get in");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| clock.advance(Duration::from_secs(30))));
        }
    });
    let sent = jobs.stats().unwrap().sent_total;
    assert_eq!(one.info().unwrap().last_slot_ns, Some(2400 * 1_000_000_000));
    let deliveries = jobs.receive_batch(1000, Duration::ZERO).unwrap();
    let mut slots: Vec<_> = deliveries.iter().map(crate::slot_of).collect();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!((sent, slots.len()), (40, 40));
    drop((one, _two, deliveries, jobs, hub));
    let (_, jobs) = make(&open().unwrap());
    assert_eq!(jobs.stats().unwrap().sent_total, 0);
}

#[test]
fn a_slot_for_which_its_queue_has_no_room_waits_until_there_is() {
    on_both(FROM, |b| {
        let capacity = Capacity { messages: Some(1), overflow: Overflow::Reject, ..Capacity::default() };
        let jobs = b.hub.queue(JOBS).capacity(capacity).open().unwrap();
        let schedule = b.schedule("s", "@hourly").open().unwrap();
        jobs.send(Message::new("first")).unwrap();
        b.run_until("2026-11-20T09:00:10Z");
        let failure = schedule.info().unwrap().failure;
        assert!(matches!(failure, Some(Error::Full { count: 1, limit: 1, .. })), "{failure:?}");
        jobs.try_receive().unwrap().unwrap().ack().unwrap();
        b.run_until("2026-11-20T09:00:30Z");
        assert!(matches!(jobs.send(Message::new("second")), Err(Error::Full { count: 1, .. })));
        assert!(schedule.info().unwrap().failure.is_none());
        assert_eq!(b.slots(), [NINE]);
        jobs.send(Message::new("second")).unwrap();
    });
}

#[test]
fn a_slot_takes_the_room_of_what_its_queue_would_drop() {
    on_both(FROM, |b| {
        let capacity = Capacity { messages: Some(2), overflow: Overflow::DropOldest, ..Capacity::default() };
        let jobs = b.hub.queue(JOBS).capacity(capacity).open().unwrap();
        b.schedule("s", "@hourly").open().unwrap();
        jobs.send_batch(&[Message::new("first"), Message::new("second")]).unwrap();
        b.run_until("2026-11-20T09:00:10Z");
        let second = jobs.try_receive().unwrap().unwrap();
        assert_eq!((second.value(), b.slots()), (&b"second"[..], vec![NINE.to_owned()]));
    });
}
