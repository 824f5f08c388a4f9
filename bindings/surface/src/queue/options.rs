//! What a queue may be told when it is opened.

use crate::json::parse;
use crate::value::{Milliseconds, given, given_or_null};
use ringmain::{
    Capacity, Dedup, DedupMode, Error, ErrorClass, Hub, Jitter, OnBreach, OnConflict, OnExhausted,
    OnGroupDeath, Overflow, Queue, QueueBuilder, Rate, Result, Retry,
};
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QueueOptions {
    #[serde(deserialize_with = "given")]
    lease_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    lease_total_max_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    max_failures: Option<u32>,
    /// Null as it is told of a queue that has none: of no consequence by itself.
    dead_letter: Option<String>,
    #[serde(deserialize_with = "given")]
    on_exhausted: Option<Exhausted>,
    #[serde(deserialize_with = "given_or_null")]
    retry: Option<Option<RetryOptions>>,
    #[serde(deserialize_with = "given")]
    ttl_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given_or_null")]
    on_breach: Option<Option<OnBreach>>,
    #[serde(deserialize_with = "given")]
    error_classes: Option<Vec<ErrorClassOptions>>,
    #[serde(deserialize_with = "given_or_null")]
    dedup: Option<Option<DedupOptions>>,
    #[serde(deserialize_with = "given_or_null")]
    capacity: Option<Option<CapacityOptions>>,
    #[serde(deserialize_with = "given_or_null")]
    history: Option<Option<HistoryOptions>>,
    #[serde(deserialize_with = "given")]
    concurrency_max: Option<u32>,
    #[serde(deserialize_with = "given")]
    concurrency_max_per_key: Option<u32>,
    #[serde(deserialize_with = "given")]
    rate: Option<RateOptions>,
    #[serde(deserialize_with = "given")]
    rate_per_key: Option<RateOptions>,
    #[serde(deserialize_with = "given")]
    single_active_consumer: Option<bool>,
    #[serde(deserialize_with = "given")]
    age_step_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    group_parallelism: Option<u32>,
    #[serde(deserialize_with = "given")]
    on_group_death: Option<OnGroupDeath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Exhausted {
    DeadLetter,
    Drop,
    Keep,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetryOptions {
    #[serde(deserialize_with = "given")]
    base_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    factor: Option<f64>,
    #[serde(deserialize_with = "given")]
    cap_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    jitter: Option<Jitter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorClassOptions {
    name: String,
    rule: ErrorClass,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DedupOptions {
    #[serde(deserialize_with = "given")]
    window_ms: Option<Milliseconds>,
    mode: DedupMode,
    on_conflict: OnConflict,
    verify_payload: bool,
    #[serde(deserialize_with = "given")]
    entries_max: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CapacityOptions {
    messages: Option<u64>,
    bytes: Option<u64>,
    #[serde(deserialize_with = "given")]
    overflow: Option<OverflowOption>,
    #[serde(deserialize_with = "given_or_null")]
    block_ms: Option<Option<Milliseconds>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OverflowOption {
    Block,
    Reject,
    DropOldest,
    DropNewest,
    DropLowestPriority,
    DeadLetterOldest,
    Spill,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryOptions {
    window_ms: Milliseconds,
    count_max: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateOptions {
    per_second: f64,
    burst: Option<u32>,
}

/// Opens a queue of a hub, making it if it does not exist.
///
/// | option | what; the ranges and defaults are those of [`QueueBuilder`] |
/// |---|---|
/// | `lease_ms` | how long a delivery is leased; default 30,000 |
/// | `lease_total_max_ms` | how long in all, however often it is extended; default an hour |
/// | `max_failures` | failures after which a message is exhausted; default 5 |
/// | `dead_letter` | the queue where exhausted and rejected messages go, made if need be |
/// | `on_exhausted` | `dead_letter` (as that says already), `drop` or `keep`; a new queue must say this or `dead_letter` |
/// | `retry` | `base_ms`, `factor`, `cap_ms`, `jitter` (`none`, `equal`, `full`), those absent as by default; null for the default |
/// | `ttl_ms` | how long a message may wait before it expires |
/// | `on_breach` | when a deadline is missed: `none`, `dead`, `cancel`, `{"escalate_to": queue}`, `{"move_to": queue}`; null as `none` |
/// | `error_classes` | a list of `name` and `rule`: `retried` (takes the rule away), `permanent`, `ignored`; others stay |
/// | `dedup` | `window_ms`, `mode` (`fixed`, `sliding`, `until_done`, `until_started`), `on_conflict` (`ignore`, `replace`, `extend`, `error`), `verify_payload`, `entries_max`; null for the default |
/// | `capacity` | `messages` and `bytes` (null for no limit), `overflow` (`block`, `reject`, `drop_oldest`, `drop_newest`, `drop_lowest_priority`, `dead_letter_oldest`, `spill`), `block_ms` with `block` only (default 30,000, null for ever); null for no limit |
/// | `history` | `window_ms` and `count_max` of what is kept of messages that have left; null for nothing |
/// | `concurrency_max`, `concurrency_max_per_key` | most messages out at a time; of one key |
/// | `rate`, `rate_per_key` | `per_second` and `burst` (default 1) of deliveries; of one key |
/// | `single_active_consumer` | whether only the oldest consumer gets messages |
/// | `age_step_ms` | time in which the priority of what waits rises by one |
/// | `group_parallelism` | most messages of one ordering key out at a time; default 1 |
/// | `on_group_death` | what happens to the rest of an ordering key of which one died: `continue` or `halt` |
///
/// # Errors
/// `InvalidArgument` naming an option that is unknown, of the wrong type or out of its range; `InvalidName`; `OptionMissing` for a new
/// queue without `dead_letter` or `on_exhausted`; `Corrupt` saying where, `Io`.
pub fn open_queue(hub: &Hub, name: &str, options_json: &str) -> Result<Queue> {
    let options: QueueOptions = parse("options of the queue", options_json)?;
    options.apply(hub.queue(name))?.open()
}

impl QueueOptions {
    fn apply(self, mut builder: QueueBuilder) -> Result<QueueBuilder> {
        if let Some(policy) = on_exhausted(self.dead_letter, self.on_exhausted)? {
            builder = builder.on_exhausted(policy);
        }
        if let Some(Milliseconds(lease)) = self.lease_ms {
            builder = builder.lease(lease);
        }
        if let Some(Milliseconds(total)) = self.lease_total_max_ms {
            builder = builder.lease_total_max(total);
        }
        if let Some(count) = self.max_failures {
            builder = builder.max_failures(count);
        }
        if let Some(retry) = self.retry {
            builder = builder.retry(retry.unwrap_or_default().retry());
        }
        if let Some(Milliseconds(ttl)) = self.ttl_ms {
            builder = builder.ttl(ttl);
        }
        if let Some(action) = self.on_breach {
            builder = builder.on_breach(action.unwrap_or_default());
        }
        for class in self.error_classes.unwrap_or_default() {
            builder = builder.error_class(&class.name, class.rule);
        }
        if let Some(dedup) = self.dedup {
            builder = builder.dedup(dedup.unwrap_or_default().dedup());
        }
        if let Some(capacity) = self.capacity {
            builder = builder.capacity(capacity.unwrap_or_default().capacity()?);
        }
        if let Some(history) = self.history {
            let (window, count_max) =
                history.map_or((Duration::ZERO, 0), |history| (history.window_ms.0, history.count_max));
            builder = builder.history(window, count_max);
        }
        if let Some(count) = self.concurrency_max {
            builder = builder.concurrency_max(count);
        }
        if let Some(count) = self.concurrency_max_per_key {
            builder = builder.concurrency_max_per_key(count);
        }
        if let Some(rate) = self.rate {
            builder = builder.rate(rate.rate());
        }
        if let Some(rate) = self.rate_per_key {
            builder = builder.rate_per_key(rate.rate());
        }
        if let Some(is_single) = self.single_active_consumer {
            builder = builder.single_active_consumer(is_single);
        }
        if let Some(Milliseconds(step)) = self.age_step_ms {
            builder = builder.age_step(step);
        }
        if let Some(count) = self.group_parallelism {
            builder = builder.group_parallelism(count);
        }
        if let Some(action) = self.on_group_death {
            builder = builder.on_group_death(action);
        }
        Ok(builder)
    }
}

fn on_exhausted(dead_letter: Option<String>, asked: Option<Exhausted>) -> Result<Option<OnExhausted>> {
    match (dead_letter, asked) {
        (None, None) => Ok(None),
        (Some(queue), None | Some(Exhausted::DeadLetter)) => Ok(Some(OnExhausted::DeadLetter(queue))),
        (None, Some(Exhausted::Drop)) => Ok(Some(OnExhausted::Drop)),
        (None, Some(Exhausted::Keep)) => Ok(Some(OnExhausted::Keep)),
        (None, Some(Exhausted::DeadLetter)) => {
            Err(Error::invalid("dead_letter", "on_exhausted says dead_letter, so name the queue here"))
        }
        (Some(queue), Some(Exhausted::Drop | Exhausted::Keep)) => {
            let detail = format!("it says drop or keep, and dead_letter names {queue}; give one of the two");
            Err(Error::invalid("on_exhausted", detail))
        }
    }
}

impl RetryOptions {
    fn retry(self) -> Retry {
        let default = Retry::default();
        let or = |given: Option<Milliseconds>, default| given.map_or(default, |given| given.0);
        Retry {
            base: or(self.base_ms, default.base),
            factor: self.factor.unwrap_or(default.factor),
            cap: or(self.cap_ms, default.cap),
            jitter: self.jitter.unwrap_or(default.jitter),
        }
    }
}

impl DedupOptions {
    fn dedup(self) -> Dedup {
        let default = Dedup::default();
        Dedup {
            window: self.window_ms.map_or(default.window, |window| window.0),
            mode: self.mode,
            on_conflict: self.on_conflict,
            verify_payload: self.verify_payload,
            entries_max: self.entries_max.unwrap_or(default.entries_max),
        }
    }
}

impl CapacityOptions {
    fn capacity(self) -> Result<Capacity> {
        let overflow = match self.overflow.unwrap_or(OverflowOption::Block) {
            OverflowOption::Block => match self.block_ms {
                None => Overflow::default(),
                Some(wait) => Overflow::Block(wait.map_or(Duration::MAX, |wait| wait.0)),
            },
            _ if self.block_ms.is_some() => {
                return Err(Error::invalid("block_ms", "it goes with overflow block only; leave it out"));
            }
            OverflowOption::Reject => Overflow::Reject,
            OverflowOption::DropOldest => Overflow::DropOldest,
            OverflowOption::DropNewest => Overflow::DropNewest,
            OverflowOption::DropLowestPriority => Overflow::DropLowestPriority,
            OverflowOption::DeadLetterOldest => Overflow::DeadLetterOldest,
            OverflowOption::Spill => Overflow::Spill,
        };
        Ok(Capacity { messages: self.messages, bytes: self.bytes, overflow })
    }
}

impl RateOptions {
    fn rate(self) -> Rate {
        Rate { per_second: self.per_second, burst: self.burst.unwrap_or(1) }
    }
}
