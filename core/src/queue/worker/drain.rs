//! The end of a worker: what is said of the handlers that are still there.

use crate::error::Error;
use std::fmt;

/// A worker was closed, and not all of its handlers returned in time.
///
/// They go on: what they return within their lease still counts. Their leases are not prolonged any more. Until the last of
/// them returns they keep the hub open, unless it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillRunning {
    pub(super) ids: Vec<u64>,
}

impl StillRunning {
    /// Ids of the messages that handlers are still busy with, in order. Empty if all of them have returned, and the disk
    /// has not yet taken what they said.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.ids.len();
        write!(
            f,
            "the worker was closed, and {count} handlers are still running (messages {:?}); their leases run out, and \
             what they return until then counts",
            self.ids
        )
    }
}

impl std::error::Error for StillRunning {}

impl From<StillRunning> for Error {
    fn from(_: StillRunning) -> Self {
        Self::Timeout { doing: "waiting for the handlers of a worker" }
    }
}
