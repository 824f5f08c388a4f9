//! What the library tells its operator, for the program's own logger.

use crate::answer::Out;
use crate::argument::{text_terminated, wait};
use crate::guard::{NO_HANDLE, entry};
use crate::table::{close_or_zero, get, open};
use crate::text::{answer, ringmain_text};
use ringmain_surface::{Listener, Notices};
use std::ffi::c_char;

/// A listener to what the library notices (docs/events.md). 0 is none. Any thread may use it.
pub type ringmain_notices = u64;

/// Longest name of a level.
const LEVEL_BYTES_MAX: usize = 16;

/// Listens to what is noticed from now on of at least this level: "error", "warn", "info" or "debug", NUL-terminated. Threads of the library
/// write into a ring of 4,096 notices, and never wait for who reads it; what there is no room for is counted. Close it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_notices_open(
    level: *const c_char,
    notices_out: *mut ringmain_notices,
) -> i32 {
    entry(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let (out, level) = unsafe {
            (Out::one("notices_out", notices_out)?, text_terminated("level", level, LEVEL_BYTES_MAX)?)
        };
        out.set(open(Listener::new(level, || ())?)?);
        Ok(())
    })
}

/// Takes what was noticed since this was called last, after waiting at most `wait_ms` for the first: JSON, an object of `missed` (how many there
/// was no room for) and `notices`, each with `name`, `level`, `message` and `fields`. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_notices_take(
    notices: ringmain_notices,
    wait_ms: u64,
    text_out: *mut ringmain_text,
) -> i32 {
    entry(notices, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("text_out", text_out) }?;
        let Notices { notices, missed } = get::<Listener>(notices)?.take(wait(wait_ms));
        answer(format!("{{\"missed\":{missed},\"notices\":[{}]}}", notices.join(",")), &out)
    })
}

/// Listens no more. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_notices_close(notices: ringmain_notices) -> i32 {
    entry(notices, || close_or_zero::<Listener>(notices))
}
