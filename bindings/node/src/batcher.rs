//! A batcher as JavaScript holds it.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::line::LineHandle;
use crate::registry::{SharedHub, lock};
use crate::work::{Work, work};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use ringmain::{Batcher, Batching, Error};
use std::sync::{Arc, Mutex};

/// When a batch is closed; what is left out takes its default.
#[napi(object)]
pub struct BatchingOptions {
    /// How long the first record of a batch waits for others.
    pub linger_ms: Option<f64>,
    /// Bytes of a batch.
    pub max_batch_bytes: Option<f64>,
    /// Records of a batch.
    pub max_batch_messages: Option<f64>,
}

impl BatchingOptions {
    pub(crate) fn batching(self) -> ringmain::Result<Batching> {
        let mut batching = Batching::default();
        if let Some(ms) = self.linger_ms {
            batching.linger = argument::milliseconds("lingerMs", ms)?;
        }
        let most = u64::from(u32::MAX);
        if let Some(bytes) = self.max_batch_bytes {
            batching.max_batch_bytes = argument::whole("maxBatchBytes", bytes, 1, most)? as usize;
        }
        if let Some(count) = self.max_batch_messages {
            batching.max_batch_messages = argument::whole("maxBatchMessages", count, 1, most)? as usize;
        }
        Ok(batching)
    }
}

/// Gathers records into batches.
#[napi]
pub struct BatcherHandle {
    hub: Arc<SharedHub>,
    batcher: Mutex<Option<Arc<Held<Batcher>>>>,
}

#[napi]
impl BatcherHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, batcher: Batcher) -> Self {
        Self { hub, batcher: Mutex::new(Some(Arc::new(Held::new(batcher)))) }
    }

    /// Takes one packed message; where it comes to be, the line tells.
    #[napi]
    pub fn send(&self, packed: &[u8], line: &LineHandle) -> Result<()> {
        guard(|| {
            let pending = self.batcher()?.send(codec::unpack_one(packed)?)?;
            line.line().push(async move { pending.await.map(Some) });
            Ok(())
        })
    }

    /// Appends what was gathered, blocking.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        guard(|| self.batcher()?.flush())
    }

    /// Appends what was gathered.
    #[napi]
    pub fn flush_async(&self) -> Result<AsyncTask<Work<()>>> {
        guard(|| {
            let batcher = self.batcher()?;
            Ok(work(move || batcher.flush()))
        })
    }

    /// Appends what was gathered, and takes no more.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| lock(&self.batcher).take().map(drop).ok_or(Error::Closed { what: "batcher" }))
    }

    fn batcher(&self) -> ringmain::Result<Arc<Held<Batcher>>> {
        self.hub.check()?;
        lock(&self.batcher).clone().ok_or(Error::Closed { what: "batcher" })
    }
}
