//! Queues and ordering keys that are held, and turns.

use crate::argument::bytes;
use crate::cancel::whether;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::table::get;
use ringmain::limits::KEY_BYTES_MAX;
use ringmain::{Queue, Result};
use std::ffi::c_void;

/// Has the queue deliver nothing until it is resumed, in whichever process. Sending, settling what is out, and what time brings go
/// on; receivers wait.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_queue_pause(queue: ringmain_queue) -> i32 {
    entry(queue, || get::<Queue>(queue)?.pause())
}

/// Has the queue deliver again.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_queue_resume(queue: ringmain_queue) -> i32 {
    entry(queue, || get::<Queue>(queue)?.resume())
}

/// Has an ordering key of `key_bytes` bytes go on that was halted because a message of it died, and stores 1 in `resumed_out`
/// (NULL if it does not matter). 0: it was not halted. What died stays dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_resume_group(
    queue: ringmain_queue,
    ordering_key: *const c_void,
    key_bytes: usize,
    resumed_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let verb = |queue: &Queue| queue.resume_group(unsafe { key(ordering_key, key_bytes) }?);
        // SAFETY: the caller's promise.
        unsafe { whether(queue, ("resumed_out", resumed_out), verb) }
    })
}

/// Gives an ordering key of `key_bytes` bytes so many turns in a row when keys take turns, 1 to 100; 1, as all have by default, takes
/// that away again. Outlives the hub. At most 1,000 keys, of 64 KiB together.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_set_weight(
    queue: ringmain_queue,
    ordering_key: *const c_void,
    key_bytes: usize,
    weight: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    entry(queue, || get::<Queue>(queue)?.set_weight(unsafe { key(ordering_key, key_bytes) }?, weight))
}

/// # Safety
/// As [`bytes`].
unsafe fn key<'a>(pointer: *const c_void, key_bytes: usize) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { bytes("ordering_key", pointer, key_bytes, KEY_BYTES_MAX) }
}
