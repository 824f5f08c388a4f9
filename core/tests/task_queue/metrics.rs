//! Counts, ages and rates, and their Prometheus text (semantics B19).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::{ErrorClass, Letters, Message, Redrive};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The names of semantics B19 for which there is something to count.
const NAMES: [&str; 25] = [
    "queue_messages_ready",
    "queue_messages_unacked",
    "messages_published_per_second",
    "messages_consumed_per_second",
    "message_age_seconds",
    "processing_time_seconds",
    "kafka_consumer_group_lag",
    "consumer_group_lag",
    "records_consumed_per_second",
    "records_produced_per_second",
    "under_replicated_partitions",
    "offline_partitions",
    "queue_messages_scheduled",
    "queue_messages_blocked",
    "queue_dead_letters",
    "queue_oldest_ready_age_seconds",
    "leases_expired_total",
    "redeliveries_total",
    "failures_total",
    "sla_breaches_total",
    "dropped_total",
    "consumer_group_lag_seconds",
    // Beyond B19, for the alert on the disk.
    "disk_free_bytes",
    "disk_reserve_bytes",
    "recovered_cut_bytes_total",
];

/// What a scraper reads: names of metrics, and samples by name and labels. Refuses what the format forbids.
fn parse(text: &str) -> (BTreeSet<String>, BTreeMap<String, f64>) {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let (mut names, mut samples) = (BTreeSet::new(), BTreeMap::new());
    let (mut family, mut kind) = (String::new(), String::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty(), "{line}");
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            (family, kind) = (name.to_owned(), String::new());
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, of) = of.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["gauge", "counter", "summary"].contains(&of), "{line}");
            assert_eq!(of == "counter", name.ends_with("_total"), "{line}");
            kind = of.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let suffix =
                name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line} under {family}"));
            assert_eq!(["_sum", "_count"].contains(&suffix), kind == "summary", "{line}");
            assert!(suffix.is_empty() || kind == "summary", "{line}");
            for label in labels.strip_suffix('}').unwrap().split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').unwrap();
                assert!(is_name(label) && value.len() > 2, "{line}");
                assert!(value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite(), "{line}");
            assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
        }
    }
    (names, samples)
}

fn scrape(b: &Bench) -> BTreeMap<String, f64> {
    parse(&b.hub.stats().unwrap().prometheus()).1
}

#[test]
fn every_name_is_exported_even_by_an_empty_hub() {
    on_both(|b| {
        let (names, _) = parse(&b.hub.stats().unwrap().prometheus());
        for name in NAMES {
            assert!(names.contains(name), "{name}");
        }
    });
}

#[test]
fn the_export_says_what_happened() {
    on_both(|b| {
        let queue = b.queue("jobs").dead_letter("jobs.dead").max_failures(2).open().unwrap();
        for value in ["acked", "dead", "failed", "lapsed", "out"] {
            send(&queue, Message::new(value));
        }
        send(&queue, Message::new("later").delay(3600 * SECOND));
        for value in ["a1", "a2"] {
            send(&queue, Message::new(value).ordering_key("a"));
        }
        // The ordering key has the first turn.
        let held = queue.receive_batch(5, SECOND).unwrap();
        b.clock.advance(2 * SECOND);
        for delivery in &held {
            match delivery.value() {
                b"acked" => delivery.ack().unwrap(),
                b"dead" => delivery.reject("no").unwrap(),
                b"failed" => delivery.fail("no").unwrap(),
                b"lapsed" | b"a1" => {}
                other => panic!("{other:?}"),
            }
        }
        b.clock.advance(28 * SECOND);
        drop(held);
        let samples = scrape(b);
        let of = |name: &str| samples[&format!("{name}{{queue=\"jobs\"}}")];
        assert_eq!(of("queue_messages_ready"), 2.0, "out, and failed");
        assert_eq!(of("queue_messages_unacked"), 0.0);
        assert_eq!(of("queue_messages_scheduled"), 3.0, "later, lapsed and a1");
        assert_eq!(of("queue_messages_blocked"), 1.0, "a2");
        assert_eq!(of("queue_dead_letters"), 1.0);
        assert_eq!(of("message_age_seconds"), 30.0);
        assert_eq!(of("queue_oldest_ready_age_seconds"), 30.0);
        assert_eq!(of("processing_time_seconds_sum"), 2.0);
        assert_eq!(of("processing_time_seconds_count"), 1.0);
        assert_eq!(of("leases_expired_total"), 2.0);
        assert_eq!(samples["failures_total{queue=\"jobs\",class=\"worker\"}"], 1.0);
        assert_eq!(samples["failures_total{queue=\"jobs\",class=\"lease\"}"], 2.0);
        assert_eq!(samples["dropped_total{queue=\"jobs\",policy=\"exhausted\"}"], 0.0);
        assert_eq!(samples["queue_messages_ready{queue=\"jobs.dead\"}"], 1.0);
        assert_eq!(of("messages_published_per_second"), 8.0 / 30.0);
        assert_eq!(of("messages_consumed_per_second"), 1.0 / 30.0);
    });
}

#[test]
fn messages_that_a_consumer_acks_together_are_timed() {
    on_both(|b| {
        for priority in [None, Some(7)] {
            let queue = b.queue("jobs").open().unwrap();
            let before = stats(&queue);
            for value in ["1", "2", "3"] {
                let message = Message::new(value);
                send(
                    &queue,
                    if let Some(priority) = priority { message.priority(priority) } else { message },
                );
            }
            let mut consumer = queue.consumer().prefetch(3).start().unwrap();
            let taken: Vec<_> = consumer.by_ref().take(3).collect();
            b.clock.advance(2 * SECOND);
            consumer.ack_up_to(&taken[2]).unwrap();
            let after = stats(&queue);
            assert_eq!(after.processing_count - before.processing_count, 3);
            assert_eq!(after.processing_time_total - before.processing_time_total, 6 * SECOND);
        }
    });
}

#[test]
fn failures_are_told_by_class_and_missed_deadlines_by_kind() {
    on_both(|b| {
        let queue =
            b.queue("jobs").lease(30 * SECOND).error_class("busy", ErrorClass::Ignored).open().unwrap();
        for _ in 0..5 {
            send(&queue, Message::new("x"));
        }
        let held = queue.receive_batch(5, SECOND).unwrap();
        held[0].fail("no class").unwrap();
        for (delivery, class) in held[1..4].iter().zip(["busy", "lease", "we\"ird\\"]) {
            delivery.fail_as(class, "no").unwrap();
        }
        send(&queue, Message::new("late to start").start_within(SECOND));
        send(&queue, Message::new("late to end").complete_within(SECOND));
        b.clock.advance(30 * SECOND);
        drop(held);
        let samples = scrape(b);
        let of = |class: &str| samples[&format!("failures_total{{queue=\"jobs\",class=\"{class}\"}}")];
        assert_eq!([of("worker"), of("busy"), of("we\\\"ird\\\\")], [1.0; 3]);
        assert_eq!(of("lease"), 2.0, "one ran out, and one was called so");
        let of = |kind: &str| samples[&format!("sla_breaches_total{{queue=\"jobs\",kind=\"{kind}\"}}")];
        assert_eq!((of("start"), of("complete")), (1.0, 1.0));
        assert_eq!((stats(&queue).failures_total, stats(&queue).failures_ignored_total), (4, 1));
    });
}

#[test]
fn what_was_set_aside_purged_or_sent_back_is_counted() {
    on_both(|b| {
        let queue = b.hub.queue("jobs").dead_letter("jobs.dead").open().unwrap();
        let dead = b.hub.queue("jobs.dead").open().unwrap();
        for _ in 0..4 {
            send(&queue, Message::new("x"));
        }
        receive(&queue).unwrap().defer().unwrap();
        for _ in 0..2 {
            receive(&queue).unwrap().reject("no").unwrap();
        }
        assert_eq!(scrape(b)["queue_dead_letters{queue=\"jobs\"}"], 2.0);
        let letters = Letters::ids([0]);
        assert_eq!(dead.dead_letters().redrive(&letters, &Redrive::default()).unwrap(), 1);
        let samples = scrape(b);
        assert_eq!(samples["queue_dead_letters{queue=\"jobs\"}"], 1.0);
        assert_eq!(samples["queue_messages_deferred{queue=\"jobs\"}"], 1.0);
        assert_eq!(samples["redriven_total{queue=\"jobs.dead\"}"], 1.0);
        assert_eq!(queue.purge().unwrap(), 3);
        let samples = scrape(b);
        assert_eq!(samples["queue_messages_deferred{queue=\"jobs\"}"], 0.0);
        assert_eq!(samples["purged_total{queue=\"jobs\"}"], 3.0);
    });
}

#[test]
fn rates_are_of_the_last_minute_whoever_asked_before() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for _ in 0..6 {
            for _ in 0..20 {
                send(&queue, Message::new("x"));
            }
            assert_eq!(take_all(&queue).len(), 20);
            b.clock.advance(10 * SECOND);
            stats(&queue);
        }
        assert_eq!((stats(&queue).published_per_second, stats(&queue).consumed_per_second), (2.0, 2.0));
        b.clock.advance(30 * SECOND);
        assert_eq!(stats(&queue).published_per_second, 1.0);
        b.clock.advance(30 * SECOND);
        assert_eq!(stats(&queue).published_per_second, 0.0);
    });
}

#[test]
fn a_message_that_was_delayed_is_as_old_as_it_is_due() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("later").delay(1000 * SECOND));
        b.clock.advance(1000 * SECOND);
        b.clock.advance(3 * SECOND);
        assert_eq!(stats(&queue).oldest_ready_age, 3 * SECOND);
        send(&queue, Message::new("grouped").ordering_key("a"));
        b.clock.advance(SECOND);
        assert_eq!(stats(&queue).oldest_ready_age, 4 * SECOND);
        assert_eq!(take_all(&queue).len(), 2);
        assert_eq!(stats(&queue).oldest_ready_age, Duration::ZERO);
    });
}

#[test]
fn the_age_of_a_message_survives_reopening() {
    on_durable(|b| {
        send(&b.queue("jobs").open().unwrap(), Message::new("x"));
        b.clock.advance(5 * SECOND);
        b.reopen();
        b.clock.advance(5 * SECOND);
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(stats(&queue).oldest_ready_age, 10 * SECOND);
        receive(&queue).unwrap().ack().unwrap();
        assert_eq!(stats(&queue).oldest_ready_age, Duration::ZERO);
    });
}

#[test]
fn the_workers_that_are_wanted_follow_the_backlog() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for _ in 0..121 {
            send(&queue, Message::new("x"));
        }
        let delivery = receive(&queue).unwrap();
        b.clock.advance(2 * SECOND);
        delivery.ack().unwrap();
        b.clock.advance(598 * SECOND);
        stats(&queue);
        b.clock.advance(60 * SECOND);
        assert_eq!(stats(&queue).processing_time_mean(), Some(2 * SECOND));
        assert_eq!(stats(&queue).desired_workers(60 * SECOND), 4, "120 of 2 s each within 60 s");
    });
}

#[test]
fn a_group_that_is_behind_is_seen_by_its_records_and_their_age() {
    on_both(|b| {
        let stream = b.hub.stream("flights").open().unwrap();
        for _ in 0..30 {
            stream.append(Message::new("x")).unwrap();
        }
        let mut member = stream.group("billing").join().unwrap();
        assert_eq!(member.poll(10, Duration::ZERO).unwrap().len(), 10);
        member.commit().unwrap();
        b.clock.advance(30 * SECOND);
        let samples = scrape(b);
        let of =
            |name: &str| samples[&format!("{name}{{stream=\"flights\",group=\"billing\",partition=\"0\"}}")];
        assert_eq!(of("consumer_group_lag"), 20.0);
        assert_eq!(of("kafka_consumer_group_lag"), 20.0);
        assert_eq!(of("consumer_group_lag_seconds"), 30.0);
        assert_eq!(samples["records_produced_per_second{stream=\"flights\",partition=\"0\"}"], 1.0);
        assert_eq!(member.poll(30, Duration::ZERO).unwrap().len(), 20);
        member.commit().unwrap();
        b.clock.advance(10 * SECOND);
        let samples = scrape(b);
        assert_eq!(samples["records_consumed_per_second{stream=\"flights\",group=\"billing\"}"], 2.0);
        let behind = "consumer_group_lag_seconds{stream=\"flights\",group=\"billing\",partition=\"0\"}";
        assert_eq!(samples[behind], 0.0);
    });
}

#[test]
fn the_alerts_are_about_metrics_that_are_exported() {
    on_durable(|b| {
        let rules = include_str!("../../../docs/prometheus/ringmain.rules.yml");
        let (names, _) = parse(&b.hub.stats().unwrap().prometheus());
        let expressions: Vec<&str> =
            rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
        assert_eq!(expressions.len(), rules.matches("- alert: ").count());
        for expression in expressions {
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let of: Vec<&str> =
                words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
            assert!(!of.is_empty() && of.iter().all(|name| names.contains(*name)), "{expression}");
        }
        for alert in ["QueueBacklog", "ConsumerLag", "OldMessages", "DeadLetters", "DiskReserve"] {
            assert!(rules.contains(&format!("- alert: {alert}\n")), "{alert}");
        }
    });
}

#[test]
fn what_has_expired_by_the_time_of_a_look_is_counted_by_that_look() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, Message::new("x").ttl(SECOND));
        let held = receive(&queue).unwrap();
        b.clock.advance(2 * SECOND);
        // It does not expire while it is out.
        held.release().unwrap();
        let stats = stats(&queue);
        assert_eq!((stats.ready, stats.expired_total, stats.dropped_total), (0, 1, 1));
    });
}
