//! The instant of a snapshot: how far each log of the hub had come.
//!
//! A log that nobody had opened by then has not changed since, but for what opening it does, which changes nothing that counts: where
//! it is opened while others are copied, how far it had come is where it goes on.

use crate::error::Result;
use crate::hub::catalogue::Catalogue;
use crate::hub::registry::Registry;
use crate::log::{Cut, Log};
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Instant {
    pub(super) catalogue: Catalogue,
    /// By their ids.
    logs: Mutex<BTreeMap<u64, Stand>>,
}

/// What is known of a log.
#[derive(Debug, Clone)]
pub(super) enum Stand {
    /// Nobody has opened it: its files are as they were.
    Unopened,
    /// It is in use, and went so far.
    Open(Arc<Log>, Cut),
    /// It is copied, and may change as it likes.
    Copied,
}

impl Instant {
    /// Now. Called under the registry's lock: nothing is opened, made or deleted meanwhile.
    ///
    /// # Errors
    /// A name in the catalogue that is none.
    pub(super) fn of(registry: &Registry) -> Result<Self> {
        let catalogue = registry.catalogue.clone();
        let mut logs: BTreeMap<u64, Stand> =
            catalogue.logs()?.into_iter().map(|(id, _)| (id, Stand::Unopened)).collect();
        let open: Vec<&Arc<Log>> = registry.logs.iter().filter(|log| logs.contains_key(&log.id())).collect();
        // All of them before the first is looked at.
        let still: Vec<_> = open.iter().map(|log| log.hold_still()).collect();
        logs.extend(open.iter().zip(&still).map(|(log, still)| {
            let stand = Stand::Open(Arc::clone(log), still.cut());
            (log.id(), stand)
        }));
        Ok(Self { catalogue, logs: Mutex::new(logs) })
    }

    /// A log was opened just now, and nothing was appended to it yet.
    pub(crate) fn opened(&self, log: &Arc<Log>) {
        if let Some(stand @ Stand::Unopened) = lock(&self.logs).get_mut(&log.id()) {
            *stand = Stand::Open(log.clone(), log.hold_still().cut());
        }
    }

    pub(super) fn stand(&self, id: u64) -> Stand {
        lock(&self.logs).get(&id).cloned().unwrap_or(Stand::Copied)
    }

    /// A log was copied as it stood. False: it was opened meanwhile, and what was copied of its last segment may be more than counts.
    pub(super) fn copied(&self, id: u64, was: &Stand) -> bool {
        let mut logs = lock(&self.logs);
        let Some(stand) = logs.get_mut(&id) else { return true };
        match (&*stand, was) {
            (Stand::Open(..), Stand::Unopened) => return false,
            (Stand::Open(log, _), _) => log.let_files_go(),
            _ => {}
        }
        *stand = Stand::Copied;
        true
    }

    /// Lets all files go.
    pub(super) fn let_files_go(&self) {
        for stand in lock(&self.logs).values_mut() {
            if let Stand::Open(log, _) = stand {
                log.let_files_go();
            }
            *stand = Stand::Copied;
        }
    }
}
