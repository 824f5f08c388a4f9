//! Counts of a worker.

/// Counts of one [`Worker`](crate::Worker). Totals are since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Messages taken ahead, that no handler has got yet.
    pub waiting: u64,
    /// Messages that handlers are busy with.
    pub running: u64,
    /// Messages acked.
    pub acked_total: u64,
    /// Messages failed, those of panics included.
    pub failed_total: u64,
    /// Handlers that panicked.
    pub panics_total: u64,
    /// Messages that handlers handed back.
    pub released_total: u64,
    /// Messages rejected.
    pub rejected_total: u64,
    /// Messages that handlers settled themselves.
    pub settled_by_handler_total: u64,
    /// Messages whose lease was lost before they were settled: what the handler said was discarded.
    pub lost_total: u64,
    /// Messages taken ahead and handed back unstarted: on close, or because every handler was busy for too long.
    pub returned_total: u64,
}
