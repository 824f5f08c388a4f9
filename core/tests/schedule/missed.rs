//! Slots that could not be fired in time: the hub was closed, the machine slept, the clock was set.

use crate::{HOUR, MINUTE, on_both, on_durable};
use ringmain::{Error, Message, Missed};

const FROM: &str = "2026-11-20T08:30:00Z";

#[test]
fn of_slots_that_came_while_the_hub_was_closed_one_message_is_sent_of_the_latest() {
    on_durable(FROM, |b| {
        b.schedule("s", "@hourly").open().unwrap();
        b.closed_until("2026-11-20T12:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T12:00:00Z"]);
        b.run_until("2026-11-20T13:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T13:00:00Z"]);
    });
}

#[test]
fn slots_that_came_while_the_hub_was_closed_are_skipped_if_so_asked_however_short_ago() {
    on_durable(FROM, |b| {
        let skipping = || b.schedule("s", "@hourly").missed(Missed::Skip);
        skipping().open().unwrap();
        b.closed_until("2026-11-20T12:00:01Z");
        // To alter it brings nothing back either.
        b.schedule("s", "@hourly").message(Message::new("s").key("k")).open().unwrap();
        b.run_until("2026-11-20T12:50:00Z");
        assert!(b.slots().is_empty());
        b.run_until("2026-11-20T13:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T13:00:00Z"]);
    });
}

#[test]
fn all_missed_slots_are_made_up_for_in_their_order_the_latest_of_them_if_they_are_too_many() {
    on_durable(FROM, |b| {
        b.schedule("s", "@hourly").missed(Missed::All { max: 3 }).open().unwrap();
        b.closed_until("2026-11-20T10:10:00Z");
        assert_eq!(b.slots(), ["2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"]);
        b.closed_until("2027-11-20T12:10:00Z");
        assert_eq!(b.slots(), ["2027-11-20T10:00:00Z", "2027-11-20T11:00:00Z", "2027-11-20T12:00:00Z"]);
        for max in [0, 65] {
            let refused = b.schedule("t", "@hourly").missed(Missed::All { max }).open();
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "missed", .. })));
        }
    });
}

/// Slots that a sleeping machine missed were never made up for, or all at once (ptweezy/cronstable#17).
#[test]
fn slots_that_came_while_the_machine_slept_are_treated_as_those_of_a_closed_hub() {
    for (missed, slots) in [
        (Missed::Skip, vec![]),
        (Missed::One, vec!["2026-11-20T12:00:00Z"]),
        (Missed::All { max: 2 }, vec!["2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z"]),
    ] {
        on_both(FROM, |b| {
            b.schedule("s", "@hourly").missed(missed).open().unwrap();
            b.jump_to("2026-11-20T12:10:00Z");
            assert_eq!(b.slots(), slots, "{missed:?}");
            b.run_until("2026-11-20T13:10:00Z");
            assert_eq!(b.slots(), ["2026-11-20T13:00:00Z"], "{missed:?}");
        });
    }
}

#[test]
fn a_slot_that_is_noticed_within_a_minute_is_not_missed() {
    on_both(FROM, |b| {
        b.schedule("s", "@hourly").missed(Missed::Skip).open().unwrap();
        b.jump_to("2026-11-20T09:01:00Z");
        assert_eq!(b.slots(), ["2026-11-20T09:00:00Z"]);
        b.jump_to("2026-11-20T10:01:00.000000001Z");
        assert!(b.slots().is_empty());
    });
}

#[test]
fn a_clock_that_went_back_while_the_hub_was_closed_repeats_no_slot() {
    on_durable(FROM, |b| {
        b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
        b.run_until("2026-11-20T10:10:00Z");
        assert_eq!(b.slots().len(), 2);
        b.hub.close(std::time::Duration::MAX).unwrap();
        // The same directory, two hours earlier.
        let mut earlier = crate::Bench::new(FROM, b.disk.clone());
        earlier.run_until("2026-11-20T11:10:00Z");
        assert_eq!(earlier.slots(), ["2026-11-20T11:00:00Z"]);
        earlier.closed_until("2026-11-20T11:20:00Z");
        assert!(earlier.slots().is_empty());
    });
}

#[test]
fn slots_of_a_full_disk_are_missed_ones_once_there_is_room() {
    on_durable(FROM, |b| {
        let schedule = b.schedule("s", "@hourly").missed(Missed::All { max: 64 }).open().unwrap();
        let disk = b.disk.as_ref().unwrap();
        disk.set_free_bytes(0);
        // Whoever commits next notices.
        b.clock.advance(MINUTE);
        b.jobs.send(Message::new("the last one")).unwrap();
        b.jobs.try_receive().unwrap().unwrap().ack().unwrap();
        b.run_until("2026-11-20T10:10:00Z");
        assert!(b.slots().is_empty());
        assert!(matches!(schedule.info().unwrap().failure, Some(Error::DiskFull { .. })));
        disk.set_free_bytes(1 << 40);
        b.clock.advance(MINUTE);
        assert_eq!(b.slots(), ["2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"]);
        assert!(schedule.info().unwrap().failure.is_none());
    });
}

#[test]
fn a_schedule_whose_queue_is_damaged_says_so_and_the_hub_opens() {
    on_durable(FROM, |b| {
        b.schedule("s", "@hourly").open().unwrap();
        b.clock.advance(HOUR);
        b.hub.close(std::time::Duration::MAX).unwrap();
        let disk = b.disk.as_ref().unwrap();
        disk.flip_bit("/hub/queues/jobs/0000000000000001.segment", 4096 + 30, 1).unwrap();
        let hub = crate::open(&b.clock, b.disk.as_ref());
        let [schedule] = &hub.schedules().unwrap()[..] else { panic!("one schedule") };
        assert!(matches!(schedule.failure, Some(Error::Corrupt { .. })), "{schedule:?}");
        hub.schedule("s").open().unwrap_err();
        b.clock.advance(HOUR);
    });
}
