//! Queues: opening one, and its verbs that are not hot.

mod explain;
mod finished;
mod info;
mod letters;
mod options;
mod stats;

pub(crate) use info::info;
pub(crate) use letters::Letters;
pub use letters::letters;
pub use options::open_queue;
pub(crate) use stats::stats;

use crate::message::peeked;
use crate::value::{Bytes, Milliseconds, Nanoseconds, base64};
use crate::verb::{call, table};
use ringmain::{Breach, HaltedGroup, Queue, Redrive, Result};
use serde_json::{Value, json};

/// Does a verb of a queue. See [`verbs`](crate::verbs).
///
/// # Errors
/// `NotFound` if there is no such verb; `InvalidArgument` naming an argument that is missing, unknown or of the wrong type; those of
/// the verb.
pub fn queue_call(queue: &Queue, verb: &str, arguments: &str) -> Result<String> {
    call(VERBS, queue, verb, arguments)
}

table! { Queue on Queue;
    /// Takes a message that waits out of the queue for good. False: it is no longer there, or out; then its worker can see that it is no
    /// longer wanted.
    fn cancel(queue, id: u64) {
        queue.cancel(id).map(Value::from)
    }

    /// The same, and takes a message that is out from its worker, whose verbs then answer `LEASE_LOST`. True: it was there.
    fn cancel_now(queue, id: u64) {
        queue.cancel_now(id).map(Value::from)
    }

    /// Has a waiting message wait until `delay_ms` from now, at most ten years. False: it is out, set aside, or no longer there.
    fn reschedule(queue, id: u64, delay_ms: Milliseconds) {
        queue.reschedule(id, delay_ms.0).map(Value::from)
    }

    /// The same, until a time in nanoseconds since 1970.
    fn reschedule_at(queue, id: u64, time_ns: Nanoseconds) {
        queue.reschedule_at(id, time_ns.0).map(Value::from)
    }

    /// Deadlines that messages missed since this was asked last, oldest first, the last 1,024: `id`, `deadline` (`start` or `complete`),
    /// `time_ns`.
    fn breaches(queue) {
        queue.breaches().map(|missed| missed.iter().map(breach).collect())
    }

    /// Takes every message out of the queue for good that waits. Answers how many.
    fn purge(queue) {
        queue.purge().map(Value::from)
    }

    /// The same, and takes those that are out, too. Answers how many.
    fn purge_all(queue) {
        queue.purge_all().map(Value::from)
    }

    /// Up to `count_max` (1 to 65,536) of the dead letters in this queue, by id, unchanged: `id`, `attempts`, `failures`, `time_ns`,
    /// `event_time_ns`, `key_base64`, `headers` (each `name`, `value_base64`) and `value_base64`. `letters` absent: all.
    fn dead_letters_peek(queue, letters: Option<Letters>, count_max: usize) {
        let letters = letters.unwrap_or_default().letters();
        queue.dead_letters().peek(&letters, count_max).map(|found| found.iter().map(peeked).collect())
    }

    /// Sends dead letters back: to the queue `to`, or each to the one that it died in; so many a second, or all at once; with their
    /// failures, or from 0. Answers how many.
    fn dead_letters_redrive(
        queue,
        letters: Option<Letters>,
        to: Option<String>,
        per_second: Option<f64>,
        keep_failures: Option<bool>
    ) {
        let letters = letters.unwrap_or_default().letters();
        let how = Redrive { to, per_second, keep_failures: keep_failures.unwrap_or_default() };
        queue.dead_letters().redrive(&letters, &how).map(Value::from)
    }

    /// Throws dead letters away. Answers how many.
    fn dead_letters_discard(queue, letters: Option<Letters>) {
        queue.dead_letters().discard(&letters.unwrap_or_default().letters()).map(Value::from)
    }

    /// Writes dead letters, unchanged, into the new file `path`, one JSON object a line. Answers how many.
    fn dead_letters_export(queue, letters: Option<Letters>, path: String) {
        letters::export(queue, &letters.unwrap_or_default().letters(), &path).map(Value::from)
    }

    /// What became of a message that has left the queue, if the queue keeps that: `id`, `key_base64`, `ending` (`done`, `dead`, `expired`,
    /// `cancelled`, `dropped`), `sent_ns`, `finished_ns`, `attempts`, `failures`, `result_base64`. Else null.
    fn finished(queue, id: u64) {
        Ok(queue.finished(id)?.as_ref().map(finished::finished).into())
    }

    /// The same of up to `count_max` (1 to 65,536) messages with an id of at least `from_id`, by id.
    fn finished_from(queue, from_id: u64, count_max: usize) {
        queue.finished_from(from_id, count_max).map(|all| all.iter().map(finished::finished).collect())
    }

    /// Why a message is not being delivered now: `queue`, `id`, `time_ns`, `causes` (each a `cause` and what belongs to it, the message's own
    /// first), and `text`, the same in words.
    fn explain(queue, id: u64) {
        queue.explain(id).map(|explanation| explain::explanation(&explanation))
    }

    /// Has the queue deliver nothing until it is resumed; that outlives the hub.
    fn pause(queue) {
        queue.pause().map(Value::from)
    }

    /// Has the queue deliver again.
    fn resume(queue) {
        queue.resume().map(Value::from)
    }

    /// Ordering keys of which nothing is delivered because a message died: `key_base64`, the `id` that died, `reason`, `error`, `time_ns`, and
    /// how many `messages` of the key are in the queue.
    fn halted_groups(queue) {
        queue.halted_groups().map(|halted| halted.iter().map(halted_group).collect())
    }

    /// Has a halted ordering key go on. False: it was not halted.
    fn resume_group(queue, ordering_key_base64: Bytes) {
        queue.resume_group(&ordering_key_base64.0).map(Value::from)
    }

    /// Gives an ordering key so many turns in a row, 1 to 100; 1, as all have by default, takes that away again.
    fn set_weight(queue, ordering_key_base64: Bytes, weight: u32) {
        queue.set_weight(&ordering_key_base64.0, weight).map(Value::from)
    }

    /// Counts: of what is in the queue now, of what was since the hub was opened (`_total`), and rates over the last minute.
    fn stats(queue) {
        queue.stats().map(|counts| stats::stats(&counts))
    }

    /// Workers that would keep up with what is sent and bring the backlog down within `drain_ms`. 0 before an ack was timed.
    fn desired_workers(queue, drain_ms: Milliseconds) {
        Ok(queue.stats()?.desired_workers(drain_ms.0).into())
    }
}

fn breach(breach: &Breach) -> Value {
    json!({ "id": breach.id, "deadline": breach.deadline.as_str(), "time_ns": breach.time_ns })
}

fn halted_group(group: &HaltedGroup) -> Value {
    json!({
        "key_base64": base64(&group.key),
        "id": group.id,
        "reason": group.reason,
        "error": group.error,
        "time_ns": group.time_ns,
        "messages": group.messages,
    })
}
