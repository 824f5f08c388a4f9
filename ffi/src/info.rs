//! What a hub has: names, stored options, counts; and deleting it.

use crate::answer::Out;
use crate::argument::name;
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::table::get;
use crate::text::{answer, ringmain_text};
use ringmain::{Hub, Result};
use ringmain_surface::hub_call;
use serde_json::json;
use std::ffi::c_char;

/// Answers with what a verb of the hub tells.
///
/// # Safety
/// The caller's promise for `text_out`.
unsafe fn told(hub: ringmain_hub, verb: &str, text_out: *mut ringmain_text) -> Result<()> {
    // SAFETY: the caller's promise.
    let out = unsafe { Out::one("text_out", text_out) }?;
    answer(hub_call(&*get::<Hub>(hub)?, verb, "")?, &out)
}

/// The same of something that has a name.
///
/// # Safety
/// The caller's promise for `name`, NUL-terminated, and `text_out`.
pub(crate) unsafe fn told_of(
    hub: ringmain_hub,
    verb: &str,
    (argument, name): (&'static str, *const c_char),
    text_out: *mut ringmain_text,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (out, name) = unsafe { (Out::one("text_out", text_out)?, self::name(argument, name)?) };
    answer(hub_call(&*get::<Hub>(hub)?, verb, &json!({ "name": name }).to_string())?, &out)
}

/// Stores the names of the hub's queues, in order: JSON, a list. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_queues(hub: ringmain_hub, text_out: *mut ringmain_text) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told(hub, "queues", text_out) })
}

/// Stores the names of the hub's streams, in order: JSON, a list. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_streams(hub: ringmain_hub, text_out: *mut ringmain_text) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told(hub, "streams", text_out) })
}

/// Stores the options of the queue `queue_name` (NUL-terminated) as they are stored: JSON, an object with the names of
/// `ringmain_queue_options`, and `is_paused`. The queue is not opened. Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_queue_info(
    hub: ringmain_hub,
    queue_name: *const c_char,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told_of(hub, "queue_info", ("queue_name", queue_name), text_out) })
}

/// Stores the options of the stream `stream_name` (NUL-terminated) as they are stored: JSON, an object with the names of
/// `ringmain_stream_options`. The stream is not opened. Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_stream_info(
    hub: ringmain_hub,
    stream_name: *const c_char,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told_of(hub, "stream_info", ("stream_name", stream_name), text_out) })
}

/// Stores the hub's counts: JSON, an object of `queues` and `streams` that are open (lists, each with its `name` and all its
/// counts, of streams with partitions, groups and their lags), `recovered_cut_bytes`, `disk_free_bytes` (or null),
/// `disk_reserve_bytes` and `storage`. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_stats(hub: ringmain_hub, text_out: *mut ringmain_text) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told(hub, "stats", text_out) })
}

/// Stores the hub's counts as text that Prometheus scrapes. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_prometheus(hub: ringmain_hub, text_out: *mut ringmain_text) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("text_out", text_out) }?;
        answer(get::<Hub>(hub)?.stats()?.prometheus(), &out)
    })
}

/// Deletes the queue `queue_name` (NUL-terminated) with all its messages. Handles of it answer `RINGMAIN_ERROR_CLOSED` from
/// then on, and must still be closed; whoever waits for a message is woken. Refused while another queue sends its dead letters or
/// late messages there. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_delete_queue(hub: ringmain_hub, queue_name: *const c_char) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || get::<Hub>(hub)?.delete_queue(unsafe { name("queue_name", queue_name) }?))
}

/// Deletes the stream `stream_name` (NUL-terminated) with all its records and what its groups have committed. Handles of it, of
/// readers and of members answer `RINGMAIN_ERROR_CLOSED` from then on, and must still be closed. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_delete_stream(hub: ringmain_hub, stream_name: *const c_char) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || get::<Hub>(hub)?.delete_stream(unsafe { name("stream_name", stream_name) }?))
}
