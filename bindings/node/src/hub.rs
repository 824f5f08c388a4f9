//! The hub as JavaScript holds it.

use crate::argument;
use crate::error::{Result, guard};
use crate::queue::{QueueCounts, QueueHandle, QueueOptions};
use crate::registry::{self, SharedHub};
use crate::stream::{PartitionCounts, StreamHandle};
use crate::work::{Work, work};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use ringmain::{Durability, Error};
use std::sync::Arc;

/// One open hub of this thread.
#[napi]
pub struct HubHandle {
    hub: Arc<SharedHub>,
}

/// A queue and its counts.
#[napi(object)]
pub struct NamedQueueCounts {
    /// The queue's name.
    pub name: String,
    /// Its counts.
    pub counts: QueueCounts,
}

/// A stream and its counts.
#[napi(object)]
pub struct NamedStreamCounts {
    /// The stream's name.
    pub name: String,
    /// The counts of each partition.
    pub partitions: Vec<PartitionCounts>,
}

/// What a hub holds.
#[napi(object)]
pub struct HubCounts {
    /// The open queues by name.
    pub queues: Vec<NamedQueueCounts>,
    /// The open streams by name.
    pub streams: Vec<NamedStreamCounts>,
}

#[napi]
impl HubHandle {
    /// Opens a hub: none for memory, `memory:NAME` for a shared one, else a directory.
    #[napi(constructor)]
    pub fn new(path: Option<String>, durability: Option<String>) -> Result<Self> {
        guard(|| {
            let durability = durability.as_deref().map(durability_level).transpose()?;
            Ok(Self { hub: registry::open(path.as_deref(), durability)? })
        })
    }

    /// Opens or makes a queue.
    #[napi]
    pub fn queue(&self, name: String, options: QueueOptions) -> Result<QueueHandle> {
        guard(|| QueueHandle::open(self.hub.clone(), &name, options))
    }

    /// Opens or makes a stream.
    #[napi]
    pub fn stream(&self, name: String, partitions: Option<f64>) -> Result<StreamHandle> {
        guard(|| StreamHandle::open(self.hub.clone(), &name, partitions))
    }

    /// Names of the queues.
    #[napi]
    pub fn queues(&self) -> Result<Vec<String>> {
        guard(|| self.hub.hub()?.queues())
    }

    /// Names of the streams.
    #[napi]
    pub fn streams(&self) -> Result<Vec<String>> {
        guard(|| self.hub.hub()?.streams())
    }

    /// Makes everything durable, blocking.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        guard(|| self.hub.hub()?.flush())
    }

    /// Makes everything durable.
    #[napi]
    pub fn flush_async(&self) -> AsyncTask<Work<()>> {
        let hub = self.hub.clone();
        work(move || hub.hub()?.flush())
    }

    /// Counts of every open queue and stream.
    #[napi]
    pub fn stats(&self) -> Result<HubCounts> {
        guard(|| {
            let stats = self.hub.hub()?.stats()?;
            let queues = stats.queues.into_iter();
            let streams = stats.streams.into_iter();
            Ok(HubCounts {
                queues: queues.map(|(name, stats)| NamedQueueCounts { name, counts: stats.into() }).collect(),
                streams: streams
                    .map(|(name, stats)| NamedStreamCounts {
                        name,
                        partitions: stats.partitions.into_iter().map(PartitionCounts::from).collect(),
                    })
                    .collect(),
            })
        })
    }

    /// Closes this handle, blocking at most `timeout_ms` for callers inside the hub.
    #[napi]
    pub fn close(&self, timeout_ms: f64) -> Result<()> {
        guard(|| {
            let timeout = argument::milliseconds("timeoutMs", timeout_ms)?;
            self.hub.shut()?;
            self.hub.leave(self.hub.leases(), timeout)
        })
    }

    /// Closes this handle; it refuses verbs from now on, the rest is done on the pool.
    #[napi]
    pub fn close_async(&self, timeout_ms: f64) -> Result<AsyncTask<Work<()>>> {
        guard(|| {
            let timeout = argument::milliseconds("timeoutMs", timeout_ms)?;
            self.hub.shut()?;
            let (hub, leases) = (self.hub.clone(), self.hub.leases());
            Ok(work(move || hub.leave(leases, timeout)))
        })
    }
}

/// Closes what this thread has open, because it ends.
#[napi]
pub fn close_of_thread() -> Result<()> {
    guard(registry::close_of_thread)
}

fn durability_level(word: &str) -> ringmain::Result<Durability> {
    match word {
        "synced" => Ok(Durability::Synced),
        "written" => Ok(Durability::Written),
        "relaxed" => Ok(Durability::Relaxed),
        _ => Err(Error::invalid(
            "durability",
            format!("{word:?} is none of \"synced\", \"written\", \"relaxed\""),
        )),
    }
}
