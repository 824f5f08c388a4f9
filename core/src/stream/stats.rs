//! Counts of a stream.

/// Counts of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStats {
    /// First offset that may be read.
    pub start: u64,
    /// One past the last offset.
    pub end: u64,
    /// Bytes of the segments held.
    pub bytes: u64,
}

/// Counts of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Each partition.
    pub partitions: Vec<PartitionStats>,
}
