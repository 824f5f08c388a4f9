//! Hubs: opening one, and its verbs.

mod options;
mod schedule;
mod snapshot;
mod stats;

pub use options::{Opened, open_hub, open_hub_with};
pub(crate) use schedule::Missed;
pub use snapshot::snapshot_with;

use crate::value::Milliseconds;
use crate::verb::{call, table};
use crate::{queue, stream};
use ringmain::{Clock, Error, Hub, Result};
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// Does a verb of a hub. See [`verbs`](crate::verbs).
///
/// # Errors
/// `NotFound` if there is no such verb; `InvalidArgument` naming an argument that is missing, unknown or of the wrong type; those of
/// the verb.
pub fn hub_call(hub: &Hub, verb: &str, arguments: &str) -> Result<String> {
    call(VERBS, hub, verb, arguments)
}

table! { Hub on Hub;
    /// Moves the clock of a hub that was opened with `manual_clock`. What falls due has happened when this returns.
    fn advance(hub, by_ms: Milliseconds) {
        match hub.clock() {
            Clock::Manual(clock) => {
                clock.advance(by_ms.0);
                Ok(Value::Null)
            }
            Clock::System => {
                Err(Error::invalid("clock", "it is the system's and goes by itself; open the hub with manual_clock to move it"))
            }
        }
    }

    /// The hub's time, in nanoseconds since 1970.
    fn now(hub) {
        Ok(json!({ "time_ns": hub.clock().now_ns() }))
    }

    /// Names of its queues, in order.
    fn queues(hub) {
        hub.queues().map(Value::from)
    }

    /// Names of its streams, in order.
    fn streams(hub) {
        hub.streams().map(Value::from)
    }

    /// The options of a queue, as they are stored and as `open_queue` takes them, and `is_paused`. The queue is not opened.
    fn queue_info(hub, name: String) {
        hub.queue_info(&name).map(queue::info)
    }

    /// The options of a stream, as they are stored and as `open_stream` takes them. The stream is not opened.
    fn stream_info(hub, name: String) {
        hub.stream_info(&name).map(|info| stream::info(&info))
    }

    /// Deletes a queue with all its messages. Handles of it refuse every verb from then on.
    fn delete_queue(hub, name: String) {
        hub.delete_queue(&name).map(Value::from)
    }

    /// Deletes a stream with all its records and what its groups have committed. Handles of it refuse every verb from then on.
    fn delete_stream(hub, name: String) {
        hub.delete_stream(&name).map(Value::from)
    }

    /// Makes everything durable that verbs have returned for, whatever the hub's durability.
    fn flush(hub) {
        hub.flush().map(Value::from)
    }

    /// Counts: `queues` and `streams` that are open, each with its `name` and as its own verb `stats` tells; `recovered_cut_bytes`,
    /// `disk_free_bytes` (or null), `disk_reserve_bytes`, and `storage`, in words.
    fn stats(hub) {
        hub.stats().map(|counts| stats::stats(&counts))
    }

    /// The counts as text that Prometheus scrapes.
    fn prometheus(hub) {
        hub.stats().map(|counts| counts.prometheus().into())
    }

    /// Copies a durable hub, while it is in use, into a directory that is empty or not there yet. Answers counts of `queues`,
    /// `streams`, `segments` and `bytes`.
    fn snapshot(hub, into: String) {
        // WHY: nobody stops it, so it has copied something.
        Ok(snapshot::copy(hub, &into, |_| ControlFlow::Continue(()))?.unwrap_or_default())
    }

    /// Makes, alters or opens a schedule: a message that the hub sends to a queue by itself. What is absent stays as it is stored; a
    /// new one needs `cron`, `queue` and `message`. Answers what `schedule_info` does.
    fn schedule_open(
        hub,
        name: String,
        cron: Option<String>,
        time_zone: Option<String>,
        missed: Option<Missed>,
        queue: Option<String>,
        message: Option<crate::message::Message>
    ) {
        let asked = schedule::Asked { cron, time_zone, missed, queue, message };
        schedule::open(hub, &name, &asked)
    }

    /// A schedule: `name`, `cron`, `time_zone`, `missed`, `queue`, `is_paused`, `last_slot_ns` and `next_slot_ns` (or null), and
    /// `failure`: the error for which it could not fire, or null.
    fn schedule_info(hub, name: String) {
        schedule::info(hub, &name)
    }

    /// Every schedule, by name, as `schedule_info` tells it.
    fn schedules(hub) {
        hub.schedules().map(|all| all.iter().map(schedule::tell).collect())
    }

    /// Has a schedule fire no more until it is resumed, in whichever process.
    fn schedule_pause(hub, name: String) {
        schedule::named(hub, &name)?.pause().map(Value::from)
    }

    /// Has a schedule go on from now; what came while it was paused was not missed.
    fn schedule_resume(hub, name: String) {
        schedule::named(hub, &name)?.resume().map(Value::from)
    }

    /// Deletes a schedule. What it has sent stays in the queue.
    fn schedule_delete(hub, name: String) {
        schedule::named(hub, &name)?.delete().map(Value::from)
    }
}
