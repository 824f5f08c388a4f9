//! The hub: open, flush, close.

use crate::answer::Out;
use crate::argument::{PATH_BYTES_MAX, Versioned, options, text_terminated, wait};
use crate::guard::{NO_HANDLE, entry};
use crate::table::{close, get, open};
use ringmain::{Durability, Error, Hub, Result};
use std::ffi::c_char;
use std::mem::offset_of;

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

/// Options of a durable hub. Set `size`, zero the rest: 0 is the default everywhere.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_hub_options {
    /// sizeof(ringmain_hub_options).
    pub size: usize,
    /// What verbs wait for: one of `RINGMAIN_DURABILITY_*`.
    pub durability: i32,
    /// Must be 0.
    pub reserved: u32,
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
            (
                Out::one("hub_out", hub_out)?,
                text_terminated("directory", directory, PATH_BYTES_MAX)?,
                self::options("options", options)?,
            )
        };
        let hub = Hub::builder().durability(durability(&options)?).open(directory)?;
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

fn durability(options: &ringmain_hub_options) -> Result<Durability> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    match options.durability {
        RINGMAIN_DURABILITY_RELAXED => Ok(Durability::Relaxed),
        RINGMAIN_DURABILITY_WRITTEN => Ok(Durability::Written),
        RINGMAIN_DURABILITY_DEFAULT | RINGMAIN_DURABILITY_SYNCED => Ok(Durability::Synced),
        other => Err(Error::invalid("durability", format!("{other} is not one of RINGMAIN_DURABILITY_*"))),
    }
}
