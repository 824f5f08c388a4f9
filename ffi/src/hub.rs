//! The hub: its options, open, flush, close.

use crate::answer::Out;
use crate::argument::{Versioned, options, wait};
use crate::directory::path;
use crate::guard::{NO_HANDLE, entry};
use crate::queue_options::{check_reserved, flag};
use crate::table::{close, get, open};
use ringmain::{Clock, Durability, Error, Hub, HubBuilder, ManualClock, Result};
use std::ffi::c_char;
use std::mem::offset_of;
use std::time::Duration;

/// An open hub: the queues and streams of one directory, or of this process's memory. 0 is no hub. Any thread may use
/// it.
pub type ringmain_hub = u64;

/// As `RINGMAIN_DURABILITY_SYNCED`.
pub const RINGMAIN_DURABILITY_DEFAULT: i32 = 0;
/// Verbs return at once; written and synced in the background. A power loss loses at most the last 100 ms.
pub const RINGMAIN_DURABILITY_RELAXED: i32 = 1;
/// Verbs return when the operating system has the bytes: survives a killed process, not power loss.
pub const RINGMAIN_DURABILITY_WRITTEN: i32 = 2;
/// Verbs return when the bytes are synced to disk, grouped over concurrent callers: survives power loss.
pub const RINGMAIN_DURABILITY_SYNCED: i32 = 3;

/// For `disk_reserve_bytes`: publishing may fill the disk.
pub const RINGMAIN_DISK_RESERVE_NONE: u64 = 0xFFFF_FFFF_FFFF_FFFF;

/// Options of a hub. Set `size`, zero the rest: 0 is the default everywhere.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_hub_options {
    /// sizeof(ringmain_hub_options).
    pub size: usize,
    /// What verbs wait for: one of `RINGMAIN_DURABILITY_*`.
    pub durability: i32,
    /// Must be 0.
    pub reserved: u32,
    /// How long a write that nobody waits for may stay in memory: what `RINGMAIN_DURABILITY_RELAXED` may lose. Default 100.
    pub relaxed_max_ms: u64,
    /// About how much each of the two journal files holds, 4 KiB to 1 GiB. Default 16 MiB.
    pub journal_bytes_max: u64,
    /// From about so much on, what one queue or stream has waiting goes straight to its own file, 4 KiB to 16 MiB. Default 128 KiB.
    pub streaming_bytes_min: u64,
    /// How much of the file system publishing leaves free; `RINGMAIN_DISK_RESERVE_NONE` for nothing. Default a twentieth of
    /// it, at most 1 GiB.
    pub disk_reserve_bytes: u64,
    /// Where queues in memory that spill make their files, NUL-terminated. Default the system's directory for temporary files.
    pub scratch_directory: *const c_char,
    /// Whether a directory may be opened that everybody on this machine may write: one of `RINGMAIN_FLAG_*`. Default no.
    pub allow_world_writable: i32,
    /// Whether time stands still but for `ringmain_hub_advance()`, for tests: one of `RINGMAIN_FLAG_*`. Default no.
    pub manual_clock: i32,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_hub_options {
    const NAME: &'static str = "ringmain_hub_options";
    const BYTES_MIN: usize = offset_of!(ringmain_hub_options, reserved) + size_of::<u32>();
}

/// Makes a hub in memory: gone when it is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_memory(hub_out: *mut ringmain_hub) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("hub_out", hub_out) }?;
        out.set(open(Hub::memory())?);
        Ok(())
    })
}

/// The same with options, which may be NULL. Those that are about files say nothing of a hub in memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_memory_with(
    options: *const ringmain_hub_options,
    hub_out: *mut ringmain_hub,
) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (Out::one("hub_out", hub_out)?, self::options("options", options)?) };
        // SAFETY: the caller's promise, for what the options point to.
        out.set(open(unsafe { builder(&options) }?.memory()?)?);
        Ok(())
    })
}

/// Opens the durable hub in `directory` (a NUL-terminated UTF-8 path of at most 4095 bytes), making it if need be.
/// `options` may be NULL. One process at a time has a directory open: `RINGMAIN_ERROR_LOCKED` says who.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_open(
    directory: *const c_char,
    options: *const ringmain_hub_options,
    hub_out: *mut ringmain_hub,
) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, directory, options) = unsafe {
            (Out::one("hub_out", hub_out)?, path("directory", directory)?, self::options("options", options)?)
        };
        // SAFETY: the caller's promise, for what the options point to.
        let hub = unsafe { builder(&options) }?.open(directory)?;
        out.set(open(hub)?);
        Ok(())
    })
}

/// Makes everything appended so far durable, whatever the hub's durability. Nothing to do in memory.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_hub_flush(hub: ringmain_hub) -> i32 {
    entry(hub, || get::<Hub>(hub)?.flush())
}

/// Closes the hub: wakes and refuses every caller, waits for those inside (at most `timeout_ms`), makes everything
/// durable and unlocks the directory. The handle is closed whatever the answer; handles of queues and streams of this
/// hub answer `RINGMAIN_ERROR_CLOSED` from then on, and must still be closed. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_hub_close(hub: ringmain_hub, timeout_ms: u64) -> i32 {
    entry(hub, || match hub {
        0 => Ok(()),
        _ => close::<Hub>(hub)?.close(wait(timeout_ms)),
    })
}

/// # Safety
/// The caller's promise for what `options` points to.
unsafe fn builder(options: &ringmain_hub_options) -> Result<HubBuilder> {
    check_reserved(options.reserved)?;
    let is_open_to_all = flag("allow_world_writable", options.allow_world_writable)?.unwrap_or_default();
    let mut builder = Hub::builder().durability(durability(options)?).allow_world_writable(is_open_to_all);
    if options.relaxed_max_ms > 0 {
        builder = builder.relaxed_max(Duration::from_millis(options.relaxed_max_ms));
    }
    if options.journal_bytes_max > 0 {
        builder = builder.journal_bytes_max(options.journal_bytes_max);
    }
    if options.streaming_bytes_min > 0 {
        builder = builder.streaming_bytes_min(options.streaming_bytes_min);
    }
    match options.disk_reserve_bytes {
        0 => {}
        RINGMAIN_DISK_RESERVE_NONE => builder = builder.disk_reserve_bytes(0),
        bytes => builder = builder.disk_reserve_bytes(bytes),
    }
    if !options.scratch_directory.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.scratch_directory(unsafe { path("scratch_directory", options.scratch_directory) }?);
    }
    if flag("manual_clock", options.manual_clock)?.unwrap_or_default() {
        builder = builder.clock(Clock::Manual(ManualClock::new()));
    }
    Ok(builder)
}

fn durability(options: &ringmain_hub_options) -> Result<Durability> {
    match options.durability {
        RINGMAIN_DURABILITY_RELAXED => Ok(Durability::Relaxed),
        RINGMAIN_DURABILITY_WRITTEN => Ok(Durability::Written),
        RINGMAIN_DURABILITY_DEFAULT | RINGMAIN_DURABILITY_SYNCED => Ok(Durability::Synced),
        other => Err(Error::invalid("durability", format!("{other} is not one of RINGMAIN_DURABILITY_*"))),
    }
}
