//! When a schedule fires, and in whose time.

use crate::{MINUTE, jobs_of, on_both};
use ringmain::{Hub, Message};
use std::time::Duration;

#[test]
fn a_schedule_fires_at_each_of_its_slots_and_not_before() {
    on_both("2026-11-20T16:50:00Z", |b| {
        b.schedule("s", "*/5 9-17 * * 1-5").open().unwrap();
        b.run_until("2026-11-20T16:54:59.999999999Z");
        assert!(b.slots().is_empty());
        b.run_until("2026-11-20T17:57:00Z");
        assert_eq!(b.slots().len(), 13);
        b.run_until("2026-11-23T09:06:00Z");
        assert_eq!(b.slots(), ["2026-11-23T09:00:00Z", "2026-11-23T09:05:00Z"], "not at the weekend");
    });
}

#[test]
fn a_schedule_with_seconds_fires_at_them() {
    on_both("2026-11-20T16:50:30.5Z", |b| {
        b.schedule("s", "15,45 * * * * *").open().unwrap();
        b.run_until("2026-11-20T16:51:50Z");
        assert_eq!(b.slots(), ["2026-11-20T16:50:45Z", "2026-11-20T16:51:15Z", "2026-11-20T16:51:45Z"]);
    });
}

#[test]
fn a_time_zone_is_that_of_the_bundled_table() {
    on_both("2026-11-20T00:00:00Z", |b| {
        b.schedule("s", "0 9 * * *").time_zone("Asia/Kathmandu").open().unwrap();
        b.run_until("2026-11-20T12:00:00Z");
        assert_eq!(b.slots(), ["2026-11-20T03:15:00Z"]);
        assert!(b.schedule("t", "0 9 * * *").time_zone("Asia/Nowhere").open().is_err());
    });
}

/// A job at half past two was left out on the day on which clocks are put forward (Steve-Mcl/node-red-contrib-cron-plus#108).
#[test]
fn a_slot_in_the_spring_gap_fires_once_at_the_end_of_the_gap() {
    on_both("2026-03-28T12:00:00Z", |b| {
        b.schedule("s", "*/30 2 * * *").time_zone("Europe/Berlin").open().unwrap();
        b.run_until("2026-03-29T12:00:00Z");
        assert_eq!(b.slots(), ["2026-03-29T01:00:00Z"]);
    });
}

/// A job at half past two ran twice on the day on which clocks are put back (NousResearch/hermes-agent#109532).
#[test]
fn a_slot_in_the_hour_that_comes_twice_fires_the_first_time_only() {
    on_both("2026-10-24T12:00:00Z", |b| {
        b.schedule("s", "30 2 * * *").time_zone("Europe/Berlin").open().unwrap();
        b.run_until("2026-10-25T12:00:00Z");
        assert_eq!(b.slots(), ["2026-10-25T00:30:00Z"]);
    });
}

#[test]
fn every_keeps_real_elapsed_time_over_a_change_of_clocks() {
    on_both("2026-10-24T23:40:07Z", |b| {
        b.schedule("s", "@every 40m").time_zone("Europe/Berlin").open().unwrap();
        b.run_until("2026-10-25T02:30:00Z");
        let slots =
            ["2026-10-25T00:20:07Z", "2026-10-25T01:00:07Z", "2026-10-25T01:40:07Z", "2026-10-25T02:20:07Z"];
        assert_eq!(b.slots(), slots);
    });
}

/// BullMQ makes the next job when a worker has taken the one before.
#[test]
fn the_next_slot_does_not_wait_for_the_job_of_the_one_before() {
    on_both("2026-11-20T16:50:30Z", |b| {
        b.schedule("s", "* * * * *").open().unwrap();
        b.clock.advance(MINUTE);
        let held = b.jobs.try_receive().unwrap().unwrap();
        b.run_until("2026-11-20T16:54:30Z");
        let stats = b.jobs.stats().unwrap();
        assert_eq!(
            (stats.ready + stats.scheduled, stats.sent_total),
            (4, 4),
            "the first came back, when its lease ran out"
        );
        drop(held);
    });
}

/// The only one that waits for the system's clock: a second.
#[test]
fn on_the_systems_clock_a_schedule_fires_by_itself() {
    let hub = Hub::memory();
    let jobs = jobs_of(&hub);
    hub.schedule("s").cron("* * * * * *").to(&jobs).message(Message::new("s")).open().unwrap();
    let delivery = jobs.receive(Duration::from_secs(60)).unwrap().expect("a slot each second");
    assert_eq!(crate::slot_of(&delivery) % 1_000_000_000, 0);
}
