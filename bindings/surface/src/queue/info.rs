//! The stored options of a queue, as it takes them.

use crate::value::milliseconds;
use ringmain::{Capacity, Dedup, OnExhausted, Overflow, QueueInfo, Rate, Retry};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Null: never given, and without a default.
pub(crate) fn info(info: QueueInfo) -> Value {
    let (on_exhausted, dead_letter) = match &info.on_exhausted {
        OnExhausted::DeadLetter(queue) => ("dead_letter", Some(queue)),
        OnExhausted::Drop => ("drop", None),
        OnExhausted::Keep => ("keep", None),
    };
    let class = |(name, rule)| json!({ "name": name, "rule": rule });
    json!({
        "lease_ms": milliseconds(info.lease),
        "lease_total_max_ms": milliseconds(info.lease_total_max),
        "max_failures": info.max_failures,
        "dead_letter": dead_letter,
        "on_exhausted": on_exhausted,
        "retry": retry(&info.retry),
        "ttl_ms": info.ttl.map(milliseconds),
        "on_breach": info.on_breach,
        "error_classes": info.error_classes.iter().map(class).collect::<Vec<_>>(),
        "dedup": info.dedup.as_ref().map(dedup),
        "capacity": info.capacity.as_ref().map(capacity),
        "history": info.history.map(history),
        "concurrency_max": info.concurrency_max,
        "concurrency_max_per_key": info.concurrency_max_per_key,
        "rate": info.rate.as_ref().map(rate),
        "rate_per_key": info.rate_per_key.as_ref().map(rate),
        "single_active_consumer": info.single_active_consumer,
        "age_step_ms": info.age_step.map(milliseconds),
        "group_parallelism": info.group_parallelism,
        "on_group_death": info.on_group_death,
        "is_paused": info.is_paused,
    })
}

fn retry(retry: &Retry) -> Value {
    json!({
        "base_ms": milliseconds(retry.base),
        "factor": retry.factor,
        "cap_ms": milliseconds(retry.cap),
        "jitter": retry.jitter,
    })
}

fn dedup(dedup: &Dedup) -> Value {
    json!({
        "window_ms": milliseconds(dedup.window),
        "mode": dedup.mode,
        "on_conflict": dedup.on_conflict,
        "verify_payload": dedup.verify_payload,
        "entries_max": dedup.entries_max,
    })
}

fn capacity(capacity: &Capacity) -> Value {
    let overflow = match capacity.overflow {
        Overflow::Block(_) => "block",
        Overflow::Reject => "reject",
        Overflow::DropOldest => "drop_oldest",
        Overflow::DropNewest => "drop_newest",
        Overflow::DropLowestPriority => "drop_lowest_priority",
        Overflow::DeadLetterOldest => "dead_letter_oldest",
        Overflow::Spill => "spill",
    };
    let mut told = Map::new();
    told.insert("messages".into(), capacity.messages.into());
    told.insert("bytes".into(), capacity.bytes.into());
    told.insert("overflow".into(), overflow.into());
    if let Overflow::Block(wait) = capacity.overflow {
        let wait = if wait == Duration::MAX { Value::Null } else { milliseconds(wait) };
        told.insert("block_ms".into(), wait);
    }
    told.into()
}

fn history((window, count_max): (Duration, u32)) -> Value {
    json!({ "window_ms": milliseconds(window), "count_max": count_max })
}

fn rate(rate: &Rate) -> Value {
    json!({ "per_second": rate.per_second, "burst": rate.burst })
}
