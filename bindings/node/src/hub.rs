//! The hub as JavaScript holds it.

use crate::argument;
use crate::error::{Result, guard};
use crate::queue::QueueHandle;
use crate::registry::{self, SharedHub};
use crate::snapshot::SnapshotWatch;
use crate::stream::StreamHandle;
use crate::work::{Work, work};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use std::sync::Arc;

/// One open hub of this thread.
#[napi]
pub struct HubHandle {
    hub: Arc<SharedHub>,
}

#[napi]
impl HubHandle {
    /// Opens a hub: none for memory, `memory:NAME` for a shared one, else a directory. The options are those of the surface.
    #[napi(constructor)]
    pub fn new(path: Option<String>, options: String) -> Result<Self> {
        guard(|| Ok(Self { hub: registry::open(path.as_deref(), &options)? }))
    }

    /// Does a verb of the surface that all languages share, blocking.
    #[napi]
    pub fn call(&self, verb: String, arguments: String) -> Result<String> {
        guard(|| ringmain_surface::hub_call(self.hub.hub()?, &verb, &arguments))
    }

    /// Does a verb of the surface that all languages share.
    #[napi]
    pub fn call_async(&self, verb: String, arguments: String) -> AsyncTask<Work<String>> {
        let hub = self.hub.clone();
        work(move || ringmain_surface::hub_call(hub.hub()?, &verb, &arguments))
    }

    /// Copies the hub into a directory, and tells `told` how far it has come; null if that was stopped.
    #[napi]
    pub fn snapshot_async(&self, into: String, told: &SnapshotWatch) -> AsyncTask<Work<Option<String>>> {
        let (hub, state) = (self.hub.clone(), told.state.clone());
        work(move || ringmain_surface::snapshot_with(hub.hub()?, &into, |progress| state.tell(&progress)))
    }

    /// Opens or makes a queue. The options are those of the surface.
    #[napi]
    pub fn queue(&self, name: String, options: String) -> Result<QueueHandle> {
        guard(|| QueueHandle::open(self.hub.clone(), &name, &options))
    }

    /// Opens or makes a stream.
    #[napi]
    pub fn stream(&self, name: String, options: String) -> Result<StreamHandle> {
        guard(|| StreamHandle::open(self.hub.clone(), &name, &options))
    }

    /// Opens or makes a stream.
    #[napi]
    pub fn stream_async(&self, name: String, options: String) -> AsyncTask<Work<StreamHandle>> {
        let hub = self.hub.clone();
        work(move || StreamHandle::open(hub, &name, &options))
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

/// Does a verb of the surface that needs no hub.
#[napi]
pub fn global_call_async(verb: String, arguments: String) -> AsyncTask<Work<String>> {
    work(move || ringmain_surface::global_call(&verb, &arguments))
}
