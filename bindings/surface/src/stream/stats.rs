//! Counts of a stream as data.

use crate::value::milliseconds;
use ringmain::{GroupLag, GroupStats, PartitionStats, StreamStats};
use serde_json::{Value, json};

pub(crate) fn stats(stats: &StreamStats) -> Value {
    json!({
        "partitions": stats.partitions.iter().map(partition).collect::<Vec<_>>(),
        "groups": stats.groups.iter().map(group).collect::<Vec<_>>(),
        "out_of_range_total": stats.out_of_range_total,
    })
}

fn partition(stats: &PartitionStats) -> Value {
    json!({
        "start": stats.start,
        "end": stats.end,
        "records": stats.records,
        "bytes": stats.bytes,
        "produced_per_second": stats.produced_per_second,
    })
}

fn group(stats: &GroupStats) -> Value {
    let lag = |lag: &GroupLag| json!({ "records": lag.records, "age_ms": milliseconds(lag.age) });
    json!({
        "name": stats.name,
        "lag": stats.lag.iter().map(lag).collect::<Vec<_>>(),
        "consumed_per_second": stats.consumed_per_second,
        "generation": stats.generation,
        "members": stats.members,
        "idle_members": stats.idle_members,
        "away_members": stats.away_members,
        "revoking_partitions": stats.revoking_partitions,
    })
}
