//! Schedules: messages that a hub sends by itself.

use crate::answer::Out;
use crate::argument::{Versioned, name, options, text_terminated};
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::info::told_of;
use crate::message::{message, ringmain_message};
use crate::queue::ringmain_queue;
use crate::table::get;
use crate::text::{answer, ringmain_text};
use ringmain::limits::{CRON_BYTES_MAX, TIME_ZONE_BYTES_MAX};
use ringmain::{Error, Hub, Missed, Queue, Result};
use ringmain_surface::hub_call;
use serde_json::json;
use std::ffi::c_char;
use std::mem::offset_of;

/// As stored, or `RINGMAIN_MISSED_ONE`.
pub const RINGMAIN_MISSED_DEFAULT: i32 = 0;
/// Nothing is sent for slots that were missed.
pub const RINGMAIN_MISSED_SKIP: i32 = 1;
/// One message is sent, for the latest of them.
pub const RINGMAIN_MISSED_ONE: i32 = 2;
/// A message is sent for each of them, the latest `missed_count_max`, in their order.
pub const RINGMAIN_MISSED_ALL: i32 = 3;

/// A schedule. Set `size`, zero the rest: what is 0 or NULL stays as it is stored.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_schedule_options {
    /// sizeof(ringmain_schedule_options).
    pub size: usize,
    /// When it fires, NUL-terminated, at most 256 bytes: five fields, or six with seconds before them; `@hourly` and the like;
    /// `@every 1h30m`. A new schedule must say.
    pub cron: *const c_char,
    /// Whose clock on the wall it goes by, NUL-terminated: an IANA name. Default UTC.
    pub time_zone: *const c_char,
    /// The queue of the same hub that it sends to. A new schedule must say.
    pub queue: ringmain_queue,
    /// What it sends, at most 16 KiB: value, key, headers and delay. A new schedule must say.
    pub message: *const ringmain_message,
    /// What it does about slots that it could not fire in time: one of `RINGMAIN_MISSED_*`.
    pub missed: i32,
    /// For `RINGMAIN_MISSED_ALL`: 1 to 64.
    pub missed_count_max: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_schedule_options {
    const NAME: &'static str = "ringmain_schedule_options";
    const BYTES_MIN: usize = offset_of!(ringmain_schedule_options, missed_count_max) + size_of::<u32>();
}

/// Makes, alters or opens the schedule `schedule_name` (NUL-terminated) of the hub. It fires in whichever process has the hub open, at most
/// 1,000 of them. `options` may be NULL. Everything that it points to is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedule(
    hub: ringmain_hub,
    schedule_name: *const c_char,
    options: *const ringmain_schedule_options,
) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let (name, options) =
            unsafe { (name("schedule_name", schedule_name)?, self::options("options", options)?) };
        let mut builder = get::<Hub>(hub)?.schedule(name);
        if !options.cron.is_null() {
            // SAFETY: the caller's promise.
            builder = builder.cron(unsafe { text_terminated("cron", options.cron, CRON_BYTES_MAX) }?);
        }
        if !options.time_zone.is_null() {
            // SAFETY: the caller's promise.
            let time_zone = unsafe { text_terminated("time_zone", options.time_zone, TIME_ZONE_BYTES_MAX) }?;
            builder = builder.time_zone(time_zone);
        }
        if let Some(missed) = missed(&options)? {
            builder = builder.missed(missed);
        }
        if options.queue != 0 {
            builder = builder.to(&*get::<Queue>(options.queue)?);
        }
        if !options.message.is_null() {
            // SAFETY: the caller's promise.
            builder = builder.message(unsafe { message("message", options.message) }?);
        }
        builder.open().map(drop)
    })
}

/// Stores the schedules of the hub, by name: JSON, a list, each as `ringmain_hub_schedule_info()` tells it. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedules(hub: ringmain_hub, text_out: *mut ringmain_text) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("text_out", text_out) }?;
        answer(hub_call(&*get::<Hub>(hub)?, "schedules", "")?, &out)
    })
}

/// Stores a schedule: JSON, an object of `name`, `cron`, `time_zone`, `missed`, `queue`, `is_paused`, `last_slot_ns`, `next_slot_ns` (or
/// null) and `failure` (the error for which it could not fire, or null). Close the text. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedule_info(
    hub: ringmain_hub,
    schedule_name: *const c_char,
    text_out: *mut ringmain_text,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { told_of(hub, "schedule_info", ("schedule_name", schedule_name), text_out) })
}

/// Has a schedule fire no more until it is resumed, in whichever process. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedule_pause(hub: ringmain_hub, schedule_name: *const c_char) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { named(hub, "schedule_pause", schedule_name) })
}

/// Has a schedule go on from now; what came while it was paused was not missed. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedule_resume(
    hub: ringmain_hub,
    schedule_name: *const c_char,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { named(hub, "schedule_resume", schedule_name) })
}

/// Deletes a schedule. What it has sent stays in the queue. `RINGMAIN_ERROR_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_schedule_delete(
    hub: ringmain_hub,
    schedule_name: *const c_char,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(hub, || unsafe { named(hub, "schedule_delete", schedule_name) })
}

/// Does a verb of a schedule.
///
/// # Safety
/// The caller's promise for `schedule_name`, NUL-terminated.
unsafe fn named(hub: ringmain_hub, verb: &str, schedule_name: *const c_char) -> Result<()> {
    // SAFETY: the caller's promise.
    let name = unsafe { name("schedule_name", schedule_name) }?;
    hub_call(&*get::<Hub>(hub)?, verb, &json!({ "name": name }).to_string()).map(drop)
}

fn missed(options: &ringmain_schedule_options) -> Result<Option<Missed>> {
    match (options.missed, options.missed_count_max) {
        (RINGMAIN_MISSED_ALL, max) => Ok(Some(Missed::All { max })),
        (_, max) if max > 0 => {
            let detail = format!("it is {max}, and goes with RINGMAIN_MISSED_ALL only; it must be 0");
            Err(Error::invalid("missed_count_max", detail))
        }
        (RINGMAIN_MISSED_DEFAULT, _) => Ok(None),
        (RINGMAIN_MISSED_SKIP, _) => Ok(Some(Missed::Skip)),
        (RINGMAIN_MISSED_ONE, _) => Ok(Some(Missed::One)),
        (other, _) => Err(Error::invalid("missed", format!("{other} is not one of RINGMAIN_MISSED_*"))),
    }
}
