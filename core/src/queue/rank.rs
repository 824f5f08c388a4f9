//! Where a message that is ready stands among the others.
//!
//! **Promise.** The highest priority first; of one priority those that came back at their old places, then those that had to wait
//! by when they were due, then those that nobody had yet in the order in which they were sent, whether they are plain or not.
//!
//! **Where next.** Of ordering keys only the first messages stand in this line, and the keys take turns with it: `groups.rs`.

use std::cmp::Reverse;

/// The priority of a message that asks for none, and of all that the cursor passes.
pub(crate) const PRIORITY_DEFAULT: u8 = 4;

/// Priority; when it was due, or one of those below; id.
pub(crate) type Rank = (Reverse<u8>, u64, u64);

/// It was out and came back.
pub(crate) const RETURNED: u64 = 0;
/// Nobody had it, and it did not have to wait.
pub(crate) const NEW: u64 = u64::MAX;

/// Where a plain message stands that nobody had.
pub(crate) fn plain_rank(id: u64) -> Rank {
    (Reverse(PRIORITY_DEFAULT), NEW, id)
}
