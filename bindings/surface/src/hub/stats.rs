//! Counts of a hub as data.

use crate::{queue, stream};
use ringmain::HubStats;
use serde_json::{Value, json};

pub(super) fn stats(stats: &HubStats) -> Value {
    json!({
        "queues": stats.queues.iter().map(|(name, counts)| named(name, queue::stats(counts))).collect::<Vec<_>>(),
        "streams": stats.streams.iter().map(|(name, counts)| named(name, stream::stats(counts))).collect::<Vec<_>>(),
        "recovered_cut_bytes": stats.recovered_cut_bytes,
        "disk_free_bytes": stats.disk_free_bytes,
        "disk_reserve_bytes": stats.disk_reserve_bytes,
        "storage": stats.storage,
    })
}

fn named(name: &str, mut counts: Value) -> Value {
    if let Value::Object(fields) = &mut counts {
        fields.insert("name".into(), name.into());
    }
    counts
}
