//! What a stream may be told when it is opened.

use crate::json::parse;
use crate::value::{Milliseconds, given, given_or_null};
use ringmain::{Compaction, Hub, Result, SlowReaders, Stream, StreamBuilder, WhenSlow};
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StreamOptions {
    #[serde(deserialize_with = "given")]
    partitions: Option<u32>,
    force_growth: bool,
    #[serde(deserialize_with = "given_or_null")]
    age_max_ms: Option<Option<Milliseconds>>,
    #[serde(deserialize_with = "given_or_null")]
    bytes_max: Option<Option<u64>>,
    #[serde(deserialize_with = "given_or_null")]
    count_max: Option<Option<u64>>,
    #[serde(deserialize_with = "given_or_null")]
    compaction: Option<Option<CompactionOptions>>,
    #[serde(deserialize_with = "given")]
    until_read: Option<bool>,
    #[serde(deserialize_with = "given_or_null")]
    slow_readers: Option<Option<GateOptions>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CompactionOptions {
    #[serde(deserialize_with = "given")]
    lag_min_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    tombstone_grace_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    dirty_percent_min: Option<u32>,
    #[serde(deserialize_with = "given")]
    seal_after_ms: Option<Milliseconds>,
    latest_only: bool,
    #[serde(deserialize_with = "given")]
    keys_max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GateOptions {
    timeout_ms: Milliseconds,
    then: WhenSlow,
}

/// Opens a stream of a hub, making it if it does not exist.
///
/// | option | what; the ranges and defaults are those of [`StreamBuilder`] |
/// |---|---|
/// | `partitions` | how many; default 1, at most 1024; of a stream that is there it may grow |
/// | `force_growth` | lets it grow although its keys move; default false |
/// | `age_max_ms` | how long a record is kept; null without limit |
/// | `bytes_max` | how many bytes each partition keeps; null without limit |
/// | `count_max` | how many of its last records each partition keeps; null without limit |
/// | `compaction` | `lag_min_ms`, `tombstone_grace_ms`, `dirty_percent_min`, `seal_after_ms`, `latest_only`, `keys_max`, those absent as by default ([`Compaction`]); null for none |
/// | `until_read` | whether records go as soon as every group has committed past them; default false |
/// | `slow_readers` | in memory: appends wait for readers, at most `timeout_ms`, `then` `refuse` or `lag`; null: they do not wait |
///
/// # Errors
/// `InvalidArgument` naming an option that is unknown, of the wrong type or out of its range; `InvalidName`; `OptionMismatch` if it has
/// more partitions; `Corrupt` saying where, `Io`.
pub fn open_stream(hub: &Hub, name: &str, options_json: &str) -> Result<Stream> {
    let options: StreamOptions = parse("options of the stream", options_json)?;
    options.apply(hub.stream(name)).open()
}

impl StreamOptions {
    fn apply(self, mut builder: StreamBuilder) -> StreamBuilder {
        if let Some(count) = self.partitions {
            builder = builder.partitions(count);
        }
        if self.force_growth {
            builder = builder.force_growth();
        }
        if let Some(age) = self.age_max_ms {
            builder = builder.age_max(age.map_or(Duration::MAX, |age| age.0));
        }
        if let Some(bytes) = self.bytes_max {
            builder = builder.bytes_max(bytes.unwrap_or(u64::MAX));
        }
        if let Some(count) = self.count_max {
            builder = builder.count_max(count.unwrap_or(u64::MAX));
        }
        if let Some(compaction) = self.compaction {
            builder = builder.compaction(compaction.map(CompactionOptions::compaction));
        }
        if let Some(until_read) = self.until_read {
            builder = builder.until_read(until_read);
        }
        if let Some(gate) = self.slow_readers {
            let gate = gate.map(|gate| SlowReaders::Gate { timeout: gate.timeout_ms.0, then: gate.then });
            builder = builder.slow_readers(gate.unwrap_or_default());
        }
        builder
    }
}

impl CompactionOptions {
    fn compaction(self) -> Compaction {
        let default = Compaction::default();
        let or = |given: Option<Milliseconds>, default| given.map_or(default, |given| given.0);
        Compaction {
            lag_min: or(self.lag_min_ms, default.lag_min),
            tombstone_grace: or(self.tombstone_grace_ms, default.tombstone_grace),
            dirty_percent_min: self.dirty_percent_min.unwrap_or(default.dirty_percent_min),
            seal_after: or(self.seal_after_ms, default.seal_after),
            latest_only: self.latest_only,
            keys_max: self.keys_max.unwrap_or(default.keys_max),
        }
    }
}
