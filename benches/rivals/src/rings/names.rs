//! The names of our flavours, by which a cell chooses which of them stands for us.

/// One sender, one receiver.
pub const SPSC: &str = "ringmain spsc";
/// Many senders, one receiver.
pub const MPSC: &str = "ringmain mpsc";
/// Many of both, slots side by side.
pub const MPMC: &str = "ringmain mpmc";
/// Many of both, a line for each slot.
pub const MPMC_PADDED: &str = "ringmain mpmc padded";
/// No bound.
pub const UNBOUNDED: &str = "ringmain unbounded";
/// Every receiver gets everything.
pub const BROADCAST: &str = "ringmain broadcast";
