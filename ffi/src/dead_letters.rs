//! Dead letters: to look at, to send back, to throw away, to write down.

use crate::argument::{Versioned, array, name, options, text_terminated};
use crate::batch::{BatchOut, check_count_max};
use crate::cancel::how_many;
use crate::directory::path;
use crate::guard::entry;
use crate::peeked::ringmain_peeked;
use crate::queue::ringmain_queue;
use crate::queue_options::flag;
use crate::table::get;
use ringmain::limits::{CLASS_BYTES_MAX, REASON_BYTES_MAX, RECEIVE_COUNT_MAX};
use ringmain::{Letters, Queue, Redrive, Result};
use std::ffi::c_char;
use std::mem::offset_of;

/// Some of the dead letters of a queue: those for which everything holds that is given. Set `size`, zero the rest; what is 0 or NULL
/// does not matter. Text is NUL-terminated.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_letters {
    /// sizeof(ringmain_letters).
    pub size: usize,
    /// Those with these ids; NULL: whatever the id. A list that is not NULL and has no ids in it is of no letter.
    pub ids: *const u64,
    /// How many ids there are, at most 65,536.
    pub id_count: usize,
    /// Those with at least this id.
    pub from_id: u64,
    /// Those that died so: "failed", "rejected", "expired", or another value of the header rm-dead-reason.
    pub reason: *const c_char,
    /// Those whose last failure was told this error class.
    pub error_class: *const c_char,
    /// Those in whose last error this text is.
    pub error_contains: *const c_char,
    /// Those that died in this queue.
    pub queue_name: *const c_char,
    /// Those that died at this time or later, in nanoseconds since 1970.
    pub died_from_ns: u64,
    /// Those that died before this time, in nanoseconds since 1970.
    pub died_before_ns: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_letters {
    const NAME: &'static str = "ringmain_letters";
    const BYTES_MIN: usize = offset_of!(ringmain_letters, died_before_ns) + size_of::<u64>();
}

/// How dead letters go back. Set `size`, zero the rest: 0 and NULL are the defaults.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_redrive {
    /// sizeof(ringmain_redrive).
    pub size: usize,
    /// To this queue (NUL-terminated); NULL: each to the one that it died in.
    pub to: *const c_char,
    /// One after the other, so many a second; 0: all at once.
    pub per_second: f64,
    /// `RINGMAIN_FLAG_ON`: failures go on from where they were. Default: they begin again at 0.
    pub keep_failures: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_redrive {
    const NAME: &'static str = "ringmain_redrive";
    const BYTES_MIN: usize = offset_of!(ringmain_redrive, reserved) + size_of::<u32>();
}

/// Stores a batch of up to `count_max` (1 to 65,536) of these letters in this queue, by id, and how many there are. `letters` may be
/// NULL: all. They stay as they are. None is no error: then the batch is 0. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_dead_letters_peek(
    queue: ringmain_queue,
    letters: *const ringmain_letters,
    count_max: usize,
    peeked_out: *mut ringmain_peeked,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (out, letters) =
            unsafe { (BatchOut::new("peeked_out", peeked_out, count_out)?, self::letters(letters)?) };
        check_count_max(count_max)?;
        out.set(get::<Queue>(queue)?.dead_letters().peek(&letters, count_max)?)
    })
}

/// Sends these letters back, as they were sent first, and stores how many (NULL if it does not matter). `letters` may be NULL: all. `how`
/// may be NULL. `RINGMAIN_ERROR_NOT_FOUND` if a queue that one of them would go to does not exist: then nothing was moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_dead_letters_redrive(
    queue: ringmain_queue,
    letters: *const ringmain_letters,
    how: *const ringmain_redrive,
    count_out: *mut u64,
) -> i32 {
    entry(queue, || {
        let verb = |queue: &Queue| {
            // SAFETY: the caller's promise.
            let (letters, how) = unsafe { (self::letters(letters)?, redrive(how)?) };
            queue.dead_letters().redrive(&letters, &how)
        };
        // SAFETY: the caller's promise.
        unsafe { how_many(queue, count_out, verb) }
    })
}

/// Throws these letters away, and stores how many (NULL if it does not matter). `letters` may be NULL: all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_dead_letters_discard(
    queue: ringmain_queue,
    letters: *const ringmain_letters,
    count_out: *mut u64,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let verb = |queue: &Queue| queue.dead_letters().discard(&unsafe { self::letters(letters) }?);
        // SAFETY: the caller's promise.
        unsafe { how_many(queue, count_out, verb) }
    })
}

/// Writes these letters, unchanged, into the file `file_path` (NUL-terminated), which must not be there yet, one JSON object a line, and stores
/// how many (NULL if it does not matter). `letters` may be NULL: all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_dead_letters_export(
    queue: ringmain_queue,
    letters: *const ringmain_letters,
    file_path: *const c_char,
    count_out: *mut u64,
) -> i32 {
    entry(queue, || {
        let verb = |queue: &Queue| {
            // SAFETY: the caller's promise.
            let (letters, path) = unsafe { (self::letters(letters)?, path("file_path", file_path)?) };
            ringmain_surface::export_letters(queue, &letters, path)
        };
        // SAFETY: the caller's promise.
        unsafe { how_many(queue, count_out, verb) }
    })
}

/// # Safety
/// The caller's promise for the struct and what it points to.
unsafe fn letters(pointer: *const ringmain_letters) -> Result<Letters> {
    // SAFETY: the caller's promise.
    let raw = unsafe { options("letters", pointer) }?;
    let mut letters = Letters::all();
    // A list that came out empty must not turn "throw these away" into "throw all away".
    if raw.id_count > 0 || !raw.ids.is_null() {
        // SAFETY: the caller's promise.
        let ids = unsafe { array("ids", raw.ids, raw.id_count, RECEIVE_COUNT_MAX) }?;
        letters = Letters::ids(ids.iter().copied());
    }
    letters = letters.from_id(raw.from_id);
    let text = |argument, pointer: *const c_char, bytes_max| match pointer.is_null() {
        true => Ok(None),
        // SAFETY: the caller's promise.
        false => unsafe { text_terminated(argument, pointer, bytes_max) }.map(Some),
    };
    if let Some(reason) = text("reason", raw.reason, REASON_BYTES_MAX)? {
        letters = letters.reason(reason);
    }
    if let Some(class) = text("error_class", raw.error_class, CLASS_BYTES_MAX)? {
        letters = letters.class(class);
    }
    if let Some(error) = text("error_contains", raw.error_contains, REASON_BYTES_MAX)? {
        letters = letters.error_contains(error);
    }
    if !raw.queue_name.is_null() {
        // SAFETY: the caller's promise.
        letters = letters.queue(unsafe { name("queue_name", raw.queue_name) }?);
    }
    if raw.died_from_ns > 0 || raw.died_before_ns > 0 {
        let before = if raw.died_before_ns > 0 { raw.died_before_ns } else { u64::MAX };
        letters = letters.died_between(raw.died_from_ns..before);
    }
    Ok(letters)
}

/// # Safety
/// The caller's promise for the struct and what it points to.
unsafe fn redrive(pointer: *const ringmain_redrive) -> Result<Redrive> {
    // SAFETY: the caller's promise.
    let raw = unsafe { options("how", pointer) }?;
    crate::queue_options::check_reserved(raw.reserved)?;
    let to = match raw.to.is_null() {
        true => None,
        // SAFETY: the caller's promise.
        false => Some(unsafe { name("to", raw.to) }?.to_owned()),
    };
    Ok(Redrive {
        to,
        per_second: Some(raw.per_second).filter(|rate| *rate != 0.0),
        keep_failures: flag("keep_failures", raw.keep_failures)?.unwrap_or_default(),
    })
}
