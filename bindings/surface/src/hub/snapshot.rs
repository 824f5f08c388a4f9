//! A copy of a hub, with somebody who is told how far it has come.

use ringmain::{Hub, Result, SnapshotProgress};
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// As the verb `snapshot`, and tells how far it has come; `None` if `progress` stopped it, and then there is no copy. See
/// [`Hub::snapshot_with`].
///
/// # Errors
/// As [`Hub::snapshot`].
pub fn snapshot_with(
    hub: &Hub,
    into: &str,
    progress: impl FnMut(SnapshotProgress) -> ControlFlow<()>,
) -> Result<Option<String>> {
    Ok(copy(hub, into, progress)?.map(|copied| copied.to_string()))
}

pub(super) fn copy(
    hub: &Hub,
    into: &str,
    progress: impl FnMut(SnapshotProgress) -> ControlFlow<()>,
) -> Result<Option<Value>> {
    let copied = hub.snapshot_with(into, progress)?;
    Ok(copied.map(|copied| {
        json!({
            "queues": copied.queues,
            "streams": copied.streams,
            "segments": copied.segments,
            "bytes": copied.bytes,
        })
    }))
}
