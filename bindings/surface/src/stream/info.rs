//! The stored options of a stream, as it takes them.

use crate::value::milliseconds;
use ringmain::{Compaction, SlowReaders, StreamInfo};
use serde_json::{Value, json};

pub(crate) fn info(info: &StreamInfo) -> Value {
    let slow_readers = match info.slow_readers {
        SlowReaders::Gate { timeout, then } => json!({ "timeout_ms": milliseconds(timeout), "then": then }),
        _ => Value::Null,
    };
    json!({
        "partitions": info.partitions,
        "age_max_ms": info.age_max.map(milliseconds),
        "bytes_max": info.bytes_max,
        "count_max": info.count_max,
        "compaction": info.compaction.as_ref().map(compaction),
        "until_read": info.until_read,
        "slow_readers": slow_readers,
    })
}

fn compaction(compaction: &Compaction) -> Value {
    json!({
        "lag_min_ms": milliseconds(compaction.lag_min),
        "tombstone_grace_ms": milliseconds(compaction.tombstone_grace),
        "dirty_percent_min": compaction.dirty_percent_min,
        "seal_after_ms": milliseconds(compaction.seal_after),
        "latest_only": compaction.latest_only,
        "keys_max": compaction.keys_max,
    })
}
