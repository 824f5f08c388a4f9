//! What a queue tells of its messages: why they wait, what became of them, what they missed; all as JSON.

use crate::answer::Out;
use crate::argument::delay;
use crate::cancel::how_many;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::table::get;
use crate::text::{answer, ringmain_text};
use ringmain::{Queue, Result};
use ringmain_surface::queue_call;
use serde_json::{Value, json};

/// Answers with what a verb of the queue tells.
///
/// # Safety
/// The caller's promise for `text_out`.
unsafe fn told(
    queue: ringmain_queue,
    verb: &str,
    arguments: Value,
    text_out: *mut ringmain_text,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::one("text_out", text_out) }?;
    answer(queue_call(&*get::<Queue>(queue)?, verb, &arguments.to_string())?, &out)
}

/// Stores why a message is not being delivered now: JSON, an object of `queue`, `id`, `time_ns`, `causes` (a list, the message's own
/// first; each a `cause`, such as "scheduled", and what belongs to it, such as `due_ns`) and `text`, the same in words. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_explain(
    queue: ringmain_queue,
    id: u64,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { told(queue, "explain", json!({ "id": id }), text_out) })
}

/// Stores what became of up to `count_max` (1 to 65,536) messages that have left the queue, with ids of at least `from_id`, by id, if
/// the queue keeps a history: JSON, a list of `id`, `key_base64`, `ending` ("done", "dead", "expired", "cancelled", "dropped"), `sent_ns`,
/// `finished_ns`, `attempts`, `failures` and `result_base64`. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_finished(
    queue: ringmain_queue,
    from_id: u64,
    count_max: usize,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe {
        told(queue, "finished_from", json!({ "from_id": from_id, "count_max": count_max }), text_out)
    })
}

/// Stores the deadlines that messages missed since this was asked last, oldest first, the last 1,024: JSON, a list of `id`,
/// `deadline` ("start" or "complete") and `time_ns`. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_breaches(queue: ringmain_queue, text_out: *mut ringmain_text) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { told(queue, "breaches", json!({}), text_out) })
}

/// Stores the ordering keys of which nothing is delivered because a message died: JSON, a list of `key_base64`, `id`, `reason`,
/// `error`, `time_ns` and `messages`. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_halted_groups(
    queue: ringmain_queue,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { told(queue, "halted_groups", json!({}), text_out) })
}

/// Stores all the queue's counts: JSON, an object; `ringmain_queue_stats_get()` has the usual ones as a struct. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_stats_all(
    queue: ringmain_queue,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || unsafe { told(queue, "stats", json!({}), text_out) })
}

/// Stores how many workers would keep up with what is sent and bring the backlog down within `drain_ms`; 0 before an ack was timed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_desired_workers(
    queue: ringmain_queue,
    drain_ms: u64,
    count_out: *mut u64,
) -> i32 {
    entry(queue, || {
        let verb = |queue: &Queue| Ok(queue.stats()?.desired_workers(delay(drain_ms)?));
        // SAFETY: the caller's promise.
        unsafe { how_many(queue, count_out, verb) }
    })
}
