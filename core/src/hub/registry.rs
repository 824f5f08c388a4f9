//! What a hub has, and what of it is open.

use crate::hub::catalogue::Catalogue;
use crate::hub::snapshot::Instant;
use crate::log::Log;
use crate::name::Name;
use crate::{queue, stream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module's description. Opening happens under its lock: one at a time.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) catalogue: Catalogue,
    pub(super) queues: BTreeMap<Name, Arc<queue::Shared>>,
    pub(super) streams: BTreeMap<Name, Arc<stream::Shared>>,
    /// Every log that was opened.
    pub(super) logs: Vec<Arc<Log>>,
    /// Bytes of unfinished writes that were cut when logs were opened.
    pub(super) cut_bytes: u64,
    /// What a snapshot that is under way copies.
    pub(super) copied: Option<Arc<Instant>>,
}

impl Registry {
    pub(super) fn new(catalogue: Catalogue) -> Self {
        let (queues, streams, logs) = Default::default();
        Self { catalogue, queues, streams, logs, cut_bytes: 0, copied: None }
    }
}
