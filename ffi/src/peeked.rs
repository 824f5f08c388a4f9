//! Peeking: messages seen without leasing them.

use crate::answer::{Out, OutStruct};
use crate::batch::{BatchOut, check_count_max, element};
use crate::delivery::ringmain_message_info;
use crate::guard::entry;
use crate::header::{answer_at, answer_named, ringmain_header};
use crate::queue::ringmain_queue;
use crate::table::{close_or_zero, get};
use ringmain::{Peeked, Queue};
use std::ffi::c_char;

/// A batch of messages seen without leasing them. 0 is no batch. Any thread may use it.
pub type ringmain_peeked = u64;

/// Stores a batch of up to `count_max` (1 to 65,536) waiting messages, ready or scheduled, with ids of at least
/// `from_id`, in order of id, and how many there are. They stay as they are. None is no error: then the batch is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_peek(
    queue: ringmain_queue,
    from_id: u64,
    count_max: usize,
    peeked_out: *mut ringmain_peeked,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("peeked_out", peeked_out, count_out) }?;
        check_count_max(count_max)?;
        out.set(get::<Queue>(queue)?.peek(from_id, count_max)?)
    })
}

/// Stores the message at `index`, from 0. Set `info_out->size` before. The pointers live until the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_peeked_get(
    peeked: ringmain_peeked,
    index: usize,
    info_out: *mut ringmain_message_info,
) -> i32 {
    entry(peeked, || {
        // SAFETY: the caller's promise.
        let out = unsafe { OutStruct::new("info_out", info_out) }?;
        out.set(element(&get::<Vec<Peeked>>(peeked)?, index)?.into());
        Ok(())
    })
}

/// Stores the first header of the NUL-terminated name `header_name` of the message at `index`. If there is none, its
/// `value` is NULL: that is no error. The pointers live until the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_peeked_header(
    peeked: ringmain_peeked,
    index: usize,
    header_name: *const c_char,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(peeked, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        // SAFETY: the caller's promise.
        unsafe { answer_named(element(&get::<Vec<Peeked>>(peeked)?, index)?, header_name, &out) }
    })
}

/// Stores the header at `header_index`, from 0 to `header_count` - 1, of the message at `index`. The pointers live
/// until the batch is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_peeked_header_at(
    peeked: ringmain_peeked,
    index: usize,
    header_index: usize,
    header_out: *mut ringmain_header,
) -> i32 {
    entry(peeked, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("header_out", header_out) }?;
        answer_at(element(&get::<Vec<Peeked>>(peeked)?, index)?, header_index, &out)
    })
}

/// Closes the batch and frees what it lent. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_peeked_close(peeked: ringmain_peeked) -> i32 {
    entry(peeked, || close_or_zero::<Vec<Peeked>>(peeked))
}
