//! The counts of a hub as Prometheus text: each metric is one line of a table.
//!
//! **Promise.** Names, once exported, keep their meaning. A metric is there with its `HELP` and `TYPE` even if it has no sample.

use crate::hub::HubStats;
use crate::limits::BACKLOG_COUNT;
use crate::queue::QueueStats;
use crate::stream::{GroupLag, GroupStats, PartitionStats};
use std::fmt::Write;

/// One line of the table. Those of one name stand together.
struct Metric<T: 'static> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// What the samples have behind the name.
    suffix: &'static str,
    /// A label besides those of what is counted.
    label: &'static str,
    of: fn(&T) -> f64,
}

impl<T> Metric<T> {
    const fn new(kind: &'static str, name: &'static str, help: &'static str, of: fn(&T) -> f64) -> Self {
        Self { name, kind, help, suffix: "", label: "", of }
    }

    const fn gauge(name: &'static str, help: &'static str, of: fn(&T) -> f64) -> Self {
        Self::new("gauge", name, help, of)
    }

    const fn counter(name: &'static str, help: &'static str, of: fn(&T) -> f64) -> Self {
        Self::new("counter", name, help, of)
    }

    const fn summary(
        name: &'static str,
        suffix: &'static str,
        help: &'static str,
        of: fn(&T) -> f64,
    ) -> Self {
        Self { suffix, ..Self::new("summary", name, help, of) }
    }

    const fn label(self, label: &'static str) -> Self {
        Self { label, ..self }
    }
}

const AGE: &str = "Time that the ready message has waited that has waited longest.";
const BREACHES: &str = "Deadlines that messages missed.";
const DROPPED: &str = "Messages dropped, by what said so.";
const PROCESSING: &str = "Time from delivery to ack.";
const LAG: &str = "Records that a consumer group has not committed.";

const QUEUES: &[Metric<QueueStats>] = &[
    Metric::gauge("queue_messages_ready", "Messages that a receive would get.", |q| q.ready as f64),
    Metric::gauge("queue_backlog", "1 if more than 10,000 messages are ready, else 0.", |q| {
        if q.ready > BACKLOG_COUNT { 1.0 } else { 0.0 }
    }),
    Metric::gauge("queue_messages_unacked", "Messages out with a worker.", |q| q.leased as f64),
    Metric::gauge("queue_messages_scheduled", "Messages that wait for their time.", |q| q.scheduled as f64),
    Metric::gauge(
        "queue_messages_blocked",
        "Messages that wait for others, or for a limit of their key.",
        |q| q.blocked as f64,
    ),
    Metric::gauge("queue_messages_deferred", "Messages set aside, delivered only by their ids.", |q| {
        q.deferred as f64
    }),
    Metric::gauge("queue_groups_halted", "Ordering keys halted because a message died.", |q| {
        q.halted_groups as f64
    }),
    Metric::gauge("queue_dead_letters", "Messages held by the dead letter queue.", |q| q.dead_letters as f64),
    Metric::gauge("queue_oldest_ready_age_seconds", AGE, |q| q.oldest_ready_age.as_secs_f64()),
    Metric::gauge("message_age_seconds", AGE, |q| q.oldest_ready_age.as_secs_f64()),
    Metric::gauge("messages_published_per_second", "Messages sent, over a minute.", |q| {
        q.published_per_second
    }),
    Metric::gauge("messages_consumed_per_second", "Messages acked, over a minute.", |q| {
        q.consumed_per_second
    }),
    Metric::summary("processing_time_seconds", "_sum", PROCESSING, |q| q.processing_time_total.as_secs_f64()),
    Metric::summary("processing_time_seconds", "_count", PROCESSING, |q| q.processing_count as f64),
    Metric::counter("messages_published_total", "Messages sent.", |q| q.sent_total as f64),
    Metric::counter("messages_consumed_total", "Messages acked.", |q| q.acked_total as f64),
    Metric::counter("leases_expired_total", "Leases that ran out.", |q| q.leases_expired_total as f64),
    Metric::counter("redeliveries_total", "Deliveries beyond the first of their message.", |q| {
        q.redeliveries_total as f64
    }),
    Metric::counter("sla_breaches_total", BREACHES, |q: &QueueStats| q.start_breaches_total as f64)
        .label("kind=\"start\""),
    Metric::counter("sla_breaches_total", BREACHES, |q: &QueueStats| q.complete_breaches_total as f64)
        .label("kind=\"complete\""),
    Metric::counter("dead_letters_total", "Messages moved to the dead letter queue.", |q| {
        q.dead_total as f64
    }),
    Metric::counter("redriven_total", "Dead letters that were sent back.", |q| q.redriven_total as f64),
    Metric::counter("purged_total", "Messages purged, and dead letters discarded.", |q| {
        q.purged_total as f64
    }),
    Metric::counter("expired_total", "Messages that waited longer than they may.", |q| {
        q.expired_total as f64
    }),
    Metric::counter("cancelled_total", "Messages taken out by their ids.", |q| q.cancelled_total as f64),
    Metric::counter("dedup_hits_total", "Messages whose deduplication key was still remembered.", |q| {
        q.dedup_hits_total as f64
    }),
    Metric::counter("refused_total", "Messages refused because there was no room.", |q| {
        q.refused_total as f64
    }),
    Metric::counter("dropped_total", DROPPED, |q: &QueueStats| q.dropped_total as f64)
        .label("policy=\"exhausted\""),
    Metric::counter("dropped_total", DROPPED, |q: &QueueStats| q.dropped_oldest_total as f64)
        .label("policy=\"drop_oldest\""),
    Metric::counter("dropped_total", DROPPED, |q: &QueueStats| q.dropped_newest_total as f64)
        .label("policy=\"drop_newest\""),
    Metric::counter("dropped_total", DROPPED, |q: &QueueStats| q.dropped_lowest_priority_total as f64)
        .label("policy=\"drop_lowest_priority\""),
];

const FAILURES: &[Metric<u64>] =
    &[Metric::counter("failures_total", "Failures, by what told of them or by their class.", |count| {
        *count as f64
    })];

const PARTITIONS: &[Metric<PartitionStats>] = &[
    Metric::gauge("records_produced_per_second", "Records appended, over a minute.", |p| {
        p.produced_per_second
    }),
    Metric::gauge("stream_records", "Records that may be read.", |p| p.records as f64),
    Metric::gauge("stream_bytes", "Bytes of the segments held.", |p| p.bytes as f64),
];

const GROUPS: &[Metric<GroupStats>] =
    &[Metric::gauge("records_consumed_per_second", "Records committed by a group, over a minute.", |g| {
        g.consumed_per_second
    })];

const LAGS: &[Metric<GroupLag>] = &[
    Metric::gauge("consumer_group_lag", LAG, |lag| lag.records as f64),
    Metric::gauge("kafka_consumer_group_lag", LAG, |lag| lag.records as f64),
    Metric::gauge(
        "consumer_group_lag_seconds",
        "Age of the first record that a group has not committed.",
        |lag| lag.age.as_secs_f64(),
    ),
];

const HUB: &[Metric<HubStats>] = &[
    Metric::gauge("under_replicated_partitions", "Always 0: nothing is replicated.", |_| 0.0),
    Metric::gauge("offline_partitions", "Always 0: a hub that is open has all of them.", |_| 0.0),
    Metric::gauge("disk_reserve_bytes", "Bytes of the disk that publishing leaves free.", |hub| {
        hub.disk_reserve_bytes as f64
    }),
    Metric::counter("recovered_cut_bytes_total", "Bytes of unfinished writes cut after crashes.", |hub| {
        hub.recovered_cut_bytes as f64
    }),
];

const DISK: &[Metric<u64>] =
    &[Metric::gauge("disk_free_bytes", "Bytes free on the disk of the hub's directory.", |bytes| {
        *bytes as f64
    })];

impl HubStats {
    /// The counts as text that Prometheus scrapes: names as in the documentation, labels `queue`; `stream` and `partition`; `group`.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, OnExhausted};
    /// # let hub = Hub::memory();
    /// # let queue = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open()?;
    /// queue.send(Message::new(b"x"))?;
    /// assert!(hub.stats()?.prometheus().contains("queue_messages_ready{queue=\"jobs\"} 1\n"));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let queues: Vec<_> =
            self.queues.iter().map(|(name, stats)| (format!("queue=\"{name}\""), stats)).collect();
        let mut failures = Vec::new();
        for (name, stats) in &self.queues {
            for (class, count) in stats.failures_by_any_class() {
                failures.push((format!("queue=\"{name}\",class=\"{}\"", escaped(class)), count));
            }
        }
        let failures: Vec<_> = failures.iter().map(|(labels, count)| (labels.clone(), count)).collect();
        let (mut partitions, mut groups, mut lags) = (Vec::new(), Vec::new(), Vec::new());
        for (stream, stats) in &self.streams {
            for (partition, stats) in stats.partitions.iter().enumerate() {
                partitions.push((format!("stream=\"{stream}\",partition=\"{partition}\""), stats));
            }
            for stats in &stats.groups {
                let labels = format!("stream=\"{stream}\",group=\"{}\"", stats.name);
                let lag = |(partition, lag)| (format!("{labels},partition=\"{partition}\""), lag);
                lags.extend(stats.lag.iter().enumerate().map(lag));
                groups.push((labels, stats));
            }
        }
        let disk: Vec<_> = self.disk_free_bytes.iter().map(|bytes| (String::new(), bytes)).collect();
        write(&mut text, QUEUES, &queues);
        write(&mut text, FAILURES, &failures);
        write(&mut text, PARTITIONS, &partitions);
        write(&mut text, GROUPS, &groups);
        write(&mut text, LAGS, &lags);
        write(&mut text, HUB, &[(String::new(), self)]);
        write(&mut text, DISK, &disk);
        text
    }
}

/// A label's value; those of users have no control characters.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#)
}

/// The metrics of things of one kind, each thing with its labels.
fn write<T>(text: &mut String, metrics: &[Metric<T>], things: &[(String, &T)]) {
    for family in metrics.chunk_by(|one, other| one.name == other.name) {
        let Some(Metric { name, kind, help, .. }) = family.first() else { continue };
        // A string takes whatever is written to it.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, thing) in things {
            for metric in family {
                let labels: Vec<&str> =
                    [labels.as_str(), metric.label].into_iter().filter(|label| !label.is_empty()).collect();
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                let _ = writeln!(text, "{name}{}{labels} {}", metric.suffix, (metric.of)(thing));
            }
        }
    }
}
