//! Counts of a queue as data.

use crate::value::milliseconds;
use ringmain::QueueStats;
use serde_json::{Value, json};

pub(crate) fn stats(stats: &QueueStats) -> Value {
    let class = |(name, count): &(String, u64)| json!({ "name": name, "count": count });
    json!({
        "ready": stats.ready,
        "scheduled": stats.scheduled,
        "blocked": stats.blocked,
        "halted_groups": stats.halted_groups,
        "leased": stats.leased,
        "deferred": stats.deferred,
        "dying": stats.dying,
        "dead_letters": stats.dead_letters,
        "oldest_ready_age_ms": milliseconds(stats.oldest_ready_age),
        "published_per_second": stats.published_per_second,
        "consumed_per_second": stats.consumed_per_second,
        "processing_time_total_ms": milliseconds(stats.processing_time_total),
        "processing_time_mean_ms": stats.processing_time_mean().map(milliseconds),
        "processing_count": stats.processing_count,
        "sent_total": stats.sent_total,
        "acked_total": stats.acked_total,
        "failures_total": stats.failures_total,
        "failures_ignored_total": stats.failures_ignored_total,
        "leases_expired_total": stats.leases_expired_total,
        "redeliveries_total": stats.redeliveries_total,
        "dead_total": stats.dead_total,
        "expired_total": stats.expired_total,
        "cancelled_total": stats.cancelled_total,
        "start_breaches_total": stats.start_breaches_total,
        "complete_breaches_total": stats.complete_breaches_total,
        "failures_by_class": stats.failures_by_class.iter().map(class).collect::<Vec<_>>(),
        "redriven_total": stats.redriven_total,
        "purged_total": stats.purged_total,
        "dropped_total": stats.dropped_total,
        "refused_total": stats.refused_total,
        "dropped_oldest_total": stats.dropped_oldest_total,
        "dropped_newest_total": stats.dropped_newest_total,
        "dropped_lowest_priority_total": stats.dropped_lowest_priority_total,
        "dead_lettered_oldest_total": stats.dead_lettered_oldest_total,
        "dedup_hits_total": stats.dedup_hits_total,
        "dedup_entries": stats.dedup_entries,
        "memory_bytes": stats.memory_bytes,
        "spilled_bytes": stats.spilled_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_count_is_told_by_its_own_name() {
        let mut counts = QueueStats::default();
        let mut next = 0;
        macro_rules! each {
            ($($count:ident)*) => {
                $(
                    next += 1;
                    counts.$count = next;
                )*
                let told = stats(&counts);
                $(assert_eq!(told[stringify!($count)], counts.$count, stringify!($count));)*
            };
        }
        (counts.published_per_second, counts.consumed_per_second) = (0.25, 0.75);
        counts.oldest_ready_age = Duration::from_millis(150);
        counts.processing_time_total = Duration::from_micros(4500);
        counts.failures_by_class = vec![("timeout".to_owned(), 5)];
        each! {
            ready scheduled blocked halted_groups leased deferred dying dead_letters processing_count sent_total acked_total
            failures_total failures_ignored_total leases_expired_total redeliveries_total dead_total expired_total cancelled_total
            start_breaches_total complete_breaches_total redriven_total purged_total dropped_total refused_total
            dropped_oldest_total dropped_newest_total dropped_lowest_priority_total dead_lettered_oldest_total dedup_hits_total
            dedup_entries memory_bytes spilled_bytes
        }
        let told = stats(&counts);
        assert_eq!(
            (&told["published_per_second"], &told["consumed_per_second"]),
            (&json!(0.25), &json!(0.75))
        );
        assert_eq!(
            (&told["oldest_ready_age_ms"], &told["processing_time_total_ms"]),
            (&json!(150), &json!(4.5))
        );
        assert_eq!(told["failures_by_class"], json!([{ "name": "timeout", "count": 5 }]));
    }
}
