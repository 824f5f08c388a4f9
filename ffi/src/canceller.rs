//! Cancellers: what ends the waiting of a reader or a replay, from any thread.

use crate::guard::entry;
use crate::table::{close_or_zero, get};
use ringmain::Canceller;

/// Ends the waiting of the reader or replay that it was made of. 0 is no canceller. Any thread may use it, while others are in calls
/// on what it ends.
pub type ringmain_canceller = u64;

/// From now on the reader waits for nothing any more: it hands out what is there. A replay ends. Does not wait for the calls that it
/// ends.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_canceller_cancel(canceller: ringmain_canceller) -> i32 {
    entry(canceller, || {
        get::<Canceller>(canceller)?.cancel();
        Ok(())
    })
}

/// Closes the handle, and cancels nothing. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_canceller_close(canceller: ringmain_canceller) -> i32 {
    entry(canceller, || close_or_zero::<Canceller>(canceller))
}
