//! How safe something must be before a verb returns.

/// What a verb of a durable hub waits for before it returns, and what readers see. Ordered: the last is the safest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Durability {
    /// Nothing: written and synced in the background, at most `relaxed_max` (100 ms) later. A killed process or a power
    /// loss loses at most that much of each queue and stream, as a prefix.
    Relaxed,
    /// Handed to the operating system: survives a killed process, not power loss.
    Written,
    /// Synced to disk, grouped over concurrent callers: survives power loss.
    #[default]
    Synced,
}
