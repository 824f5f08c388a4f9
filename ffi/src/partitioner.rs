//! Partitioners: a caller's own choice of the partition of each record.

use crate::answer::Out;
use crate::foreign::Context;
use crate::guard::entry;
use crate::stream::ringmain_stream;
use crate::table::{get, open};
use ringmain::{Error, Stream};
use std::ffi::c_void;

/// Chooses the partition of a record, 0 to `partition_count` - 1, by its key (NULL for none) and its value, which live until it returns. The
/// same key should always go to the same partition. Called by whichever thread appends, several at a time, before anything is
/// appended, and without a lock; it must return, and neither throw nor jump out.
pub type ringmain_choose_partition = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        key: *const c_void,
        key_bytes: usize,
        value: *const c_void,
        value_bytes: usize,
        partition_count: u32,
    ) -> u32,
>;

/// Stores another handle of the same stream that has a partitioner of its own, for everything that is appended by that handle and what
/// is opened of it; it is not stored with the stream. A partition that there is not is refused with
/// `RINGMAIN_ERROR_INVALID_ARGUMENT`, and nothing is appended. `context` is given to `choose`, and must live until the handle and
/// what was opened of it are closed. Close the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_partitioner(
    stream: ringmain_stream,
    choose: ringmain_choose_partition,
    context: *mut c_void,
    stream_out: *mut ringmain_stream,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("stream_out", stream_out) }?;
        let Some(choose) = choose else { return Err(Error::invalid("choose", "it is NULL")) };
        let context = Context::new(context);
        let partitioned = get::<Stream>(stream)?.partitioner(move |key, message, count| {
            let (key, key_bytes) =
                key.map_or((std::ptr::null(), 0), |key| (key.as_ptr().cast::<c_void>(), key.len()));
            let value = message.value();
            // SAFETY: the caller's promise for callbacks; key and value live until it returns.
            unsafe { choose(context.pointer(), key, key_bytes, value.as_ptr().cast(), value.len(), count) }
        });
        out.set(open(partitioned)?);
        Ok(())
    })
}
