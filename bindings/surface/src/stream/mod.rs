//! Streams: opening one, and its verbs that are not hot.

mod info;
mod options;
mod stats;

pub(crate) use info::info;
pub use options::open_stream;
pub(crate) use stats::stats;

use crate::value::Nanoseconds;
use crate::verb::{call, table};
use ringmain::{Result, Stream};
use serde_json::Value;

/// Does a verb of a stream. See [`verbs`](crate::verbs).
///
/// # Errors
/// `NotFound` if there is no such verb; `InvalidArgument` naming an argument that is missing, unknown or of the wrong type; those of
/// the verb.
pub fn stream_call(stream: &Stream, verb: &str, arguments: &str) -> Result<String> {
    call(VERBS, stream, verb, arguments)
}

table! { Stream on Stream;
    /// The smallest offset of a partition whose record was accepted at or after a time; the end if there is none.
    fn offset_at_time(stream, partition: u32, time_ns: Nanoseconds) {
        stream.offset_at_time(partition, time_ns.0).map(Value::from)
    }

    /// The offset of the first record of a partition whose event time is at or after a time; the end if there is none. Reads the
    /// partition up to there.
    fn scan_event_time(stream, partition: u32, time_ns: Nanoseconds) {
        stream.scan_event_time(partition, time_ns.0).map(Value::from)
    }

    /// Names of the groups that have committed.
    fn groups(stream) {
        stream.groups().map(Value::from)
    }

    /// Forgets a group, with all that it committed. It must have no members.
    fn delete_group(stream, name: String) {
        stream.delete_group(&name).map(Value::from)
    }

    /// What a group has committed, by partition: the offset to read next, or null.
    fn group_committed(stream, name: String) {
        stream.group(&name).committed().map(Value::from)
    }

    /// Records that a group has not committed, over all partitions.
    fn group_lag(stream, name: String) {
        stream.group(&name).lag().map(Value::from)
    }

    /// Names of the producers that are kept, in order.
    fn producers(stream) {
        stream.producers().map(Value::from)
    }

    /// Forgets how far a producer has come. Its records stay, its handles are refused.
    fn delete_producer(stream, name: String) {
        stream.delete_producer(&name).map(Value::from)
    }

    /// Compacts the stream now, as far as its options allow, and returns when every partition is done.
    fn compact(stream) {
        stream.compact().map(Value::from)
    }

    /// Counts: `partitions` (each `start`, `end`, `records`, `bytes`, `produced_per_second`), `groups` (each `name`, `lag` by partition with
    /// `records` and `age_ms`, `consumed_per_second`, `generation`, and counts of members), and `out_of_range_total`.
    fn stats(stream) {
        stream.stats().map(|counts| stats::stats(&counts))
    }
}
