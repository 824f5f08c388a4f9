//! Directories of hubs: a snapshot of one that is open, and verify, restore and salvage of those that are not.

use crate::answer::{Out, OutStruct};
use crate::argument::{PATH_BYTES_MAX, Versioned, text_terminated};
use crate::guard::{NO_HANDLE, entry};
use crate::hub::ringmain_hub;
use crate::table::get;
use crate::text::{answer, ringmain_text};
use ringmain::{Hub, Result};
use ringmain_surface::global_call;
use serde_json::json;
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ops::ControlFlow;

/// Told how far a snapshot has come, by the thread that takes it: before the first byte, and after every mebibyte or so. 0 has it
/// go on, anything else stops it. It may call this library.
pub type ringmain_snapshot_progress =
    Option<unsafe extern "C" fn(context: *mut c_void, copied_bytes: u64, total_bytes: u64) -> i32>;

/// What a snapshot has copied.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_snapshot {
    /// sizeof(ringmain_snapshot), set by the caller.
    pub size: usize,
    /// 1: there is a copy; 0: `progress` has stopped it, and there is none.
    pub is_complete: u64,
    /// Queues, empty ones too.
    pub queues: u64,
    /// Streams, empty ones too.
    pub streams: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes read from them.
    pub bytes: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_snapshot {
    const NAME: &'static str = "ringmain_snapshot";
    const BYTES_MIN: usize = offset_of!(ringmain_snapshot, bytes) + size_of::<u64>();
}

/// Copies a durable hub, while it is in use, into the directory `into` (NUL-terminated, at most 4095 bytes), which is empty or not
/// there yet, and lies outside of the hub's own. It holds everything that verbs had returned for. `progress` may be NULL; it
/// is called with `context`. Set `snapshot_out->size` before. One snapshot of a hub is taken at a time:
/// `RINGMAIN_ERROR_INVALID_ARGUMENT`. `RINGMAIN_ERROR_IO` if there is no room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_snapshot(
    hub: ringmain_hub,
    into: *const c_char,
    progress: ringmain_snapshot_progress,
    context: *mut c_void,
    snapshot_out: *mut ringmain_snapshot,
) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let (out, into) = unsafe { (OutStruct::new("snapshot_out", snapshot_out)?, path("into", into)?) };
        let copied = get::<Hub>(hub)?.snapshot_with(into, |told| match progress {
            // SAFETY: the caller's promise: a function of this type, which may be called until this one returns.
            Some(progress) if unsafe { progress(context, told.copied_bytes, told.total_bytes) } != 0 => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })?;
        if let Some(copied) = copied {
            out.set(ringmain_snapshot {
                size: 0,
                is_complete: 1,
                queues: copied.queues,
                streams: copied.streams,
                segments: copied.segments,
                bytes: copied.bytes,
            });
        }
        Ok(())
    })
}

/// Reads all of the hub in `directory` (NUL-terminated), every segment and every checksum, and changes nothing. No process may have
/// it open: `RINGMAIN_ERROR_LOCKED`. Stores a report: JSON, an object of `records`, `segments`, `bytes`, `is_sound`, `damage` (a
/// list of `of`, `path`, `byte_position`, `detail`, `loss`, `lost_first`, `lost_end`, `text`), `refused` (the error for which it
/// cannot be opened, or null) and `text`, the same in words. That something is damaged is no failure of this call. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_verify(directory: *const c_char, text_out: *mut ringmain_text) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, directory) = unsafe { (Out::one("text_out", text_out)?, path("directory", directory)?) };
        answer(global_call("verify", &json!({ "directory": directory }).to_string())?, &out)
    })
}

/// Reads all of the snapshot in `snapshot`, and copies it into the directory `into`, which is empty or not there yet (both
/// NUL-terminated). `RINGMAIN_ERROR_CORRUPT` naming the first damage by which something is lost: then there is no copy. Stores a report as
/// `ringmain_verify()` does. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_restore(
    snapshot: *const c_char,
    into: *const c_char,
    text_out: *mut ringmain_text,
) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, snapshot, into) =
            unsafe { (Out::one("text_out", text_out)?, path("snapshot", snapshot)?, path("into", into)?) };
        answer(global_call("restore", &json!({ "snapshot": snapshot, "into": into }).to_string())?, &out)
    })
}

/// Copies everything that can still be read in `directory`, which stays as it is, into the directory `into`, which is empty or
/// not there yet (both NUL-terminated). Stores a report of what was lost as `ringmain_verify()` does. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_salvage(
    directory: *const c_char,
    into: *const c_char,
    text_out: *mut ringmain_text,
) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, directory, into) =
            unsafe { (Out::one("text_out", text_out)?, path("directory", directory)?, path("into", into)?) };
        answer(global_call("salvage", &json!({ "directory": directory, "into": into }).to_string())?, &out)
    })
}

/// # Safety
/// As [`text_terminated`].
pub(crate) unsafe fn path<'a>(argument: &'static str, pointer: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { text_terminated(argument, pointer, PATH_BYTES_MAX) }
}
