//! Counts of a worker of a stream.

/// Counts of one [`StreamWorker`](crate::StreamWorker), in records. Totals are since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamWorkerStats {
    /// Polled, and not in the hands of a handler: those that are to be tried again included.
    pub waiting: u64,
    /// Calls of the handler that have not returned.
    pub running: u64,
    /// Handled.
    pub done_total: u64,
    /// Failed, each time that they did; those of panics included.
    pub failed_total: u64,
    /// Calls of the handler that panicked.
    pub panics_total: u64,
    /// Given to the sink after their last failure.
    pub handed_over_total: u64,
    /// Left out after their last failure.
    pub skipped_total: u64,
    /// How often what it would have read next was removed, and it went on where it was [told
    /// to](crate::StreamWorkerBuilder::on_out_of_range); not in records.
    pub out_of_range_total: u64,
    /// Handled while their partition went to another member, which handles them again.
    pub lost_total: u64,
}
