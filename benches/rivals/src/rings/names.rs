//! The names of our flavours, by which a cell chooses which of them stands for us.

/// One sender, one receiver.
pub const SPSC: &str = "ringmain spsc";
/// Many senders, one receiver.
pub const MPSC: &str = "ringmain mpsc";
/// Many of both, slots side by side.
pub const MPMC: &str = "ringmain mpmc";
/// The same, with batches that move messages out of and into vectors, and hold nobody up.
pub const MPMC_VEC: &str = "ringmain mpmc vec";
/// No bound.
pub const UNBOUNDED: &str = "ringmain unbounded";
/// Every receiver gets everything.
pub const BROADCAST: &str = "ringmain broadcast";
