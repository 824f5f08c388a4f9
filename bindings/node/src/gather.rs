//! Receives that the core only knows as blocking ones: they wait on a thread of the pool.

use crate::argument;
use crate::error::{catch, internal, rejected};
use crate::hot;
use crate::registry::SharedHub;
use napi::{Env, Task};
use napi_derive::napi;
use ringmain::{Delivery, Error, Queue, Receive, Result};
use std::sync::Arc;
use std::time::Duration;

/// How much to take at a time, for how long, and how long to wait for it.
#[napi(object)]
pub struct GatherOptions {
    /// Messages at most.
    pub count: f64,
    /// Messages to wait for.
    pub count_min: Option<f64>,
    /// Bytes of values at most.
    pub bytes_max: Option<f64>,
    /// How long they are leased, in milliseconds.
    pub lease_ms: Option<f64>,
    /// How long to wait, in milliseconds.
    pub wait_ms: f64,
}

/// What waits in the room's stash.
#[napi(object)]
pub struct Gathered {
    /// Messages.
    pub count: u32,
    /// Bytes that they take.
    pub bytes: f64,
    /// The number by which `fetch` of the room knows them.
    pub stash: u32,
}

/// The options, checked.
pub(crate) enum Gather {
    Leased { count: usize, wait: Duration, lease: Duration },
    With(Receive),
}

impl GatherOptions {
    pub(crate) fn checked(&self) -> Result<Gather> {
        let count = argument::count(self.count)?;
        let wait = argument::milliseconds("timeoutMs", self.wait_ms)?;
        if let Some(lease_ms) = self.lease_ms {
            if self.count_min.is_some() || self.bytes_max.is_some() {
                return Err(Error::invalid(
                    "leaseMs",
                    "countMin or bytesMax is given too; give one or the other",
                ));
            }
            return Ok(Gather::Leased { count, wait, lease: argument::milliseconds("leaseMs", lease_ms)? });
        }
        let default = Receive::default();
        let bytes_max = self.bytes_max.map_or(Ok(default.bytes_max), |bytes| {
            argument::whole("bytesMax", bytes, 1, u32::MAX.into()).map(|bytes| bytes as usize)
        })?;
        let count_min = self.count_min.map_or(Ok(1), |count_min| {
            argument::whole("countMin", count_min, 1, count as u64).map(|count| count as usize)
        })?;
        Ok(Gather::With(Receive { count_min, count_max: count, bytes_max, wait }))
    }
}

impl Gather {
    pub(crate) fn receive(&self, queue: &Queue) -> Result<Vec<Delivery>> {
        match *self {
            Self::Leased { count, wait, lease } => queue.receive_with_lease(count, wait, lease),
            Self::With(receive) => queue.receive_with(receive),
        }
    }
}

/// A receive on the pool; what it got goes to the room's stash when JavaScript hears of it.
pub struct Gathering {
    hub: Arc<SharedHub>,
    receive: Option<Box<dyn FnOnce() -> Result<Vec<Delivery>> + Send>>,
}

impl Gathering {
    pub(crate) fn new(
        hub: Arc<SharedHub>,
        receive: impl FnOnce() -> Result<Vec<Delivery>> + Send + 'static,
    ) -> Self {
        Self { hub, receive: Some(Box::new(receive)) }
    }
}

impl Task for Gathering {
    type Output = Result<Vec<Delivery>>;
    type JsValue = Gathered;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let receive = self.receive.take();
        Ok(catch(|| {
            receive.map_or_else(|| Err(internal("a promise was computed twice")), |receive| receive())
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Gathered> {
        let stashed = catch(|| {
            let deliveries = output?;
            self.hub.check()?;
            Ok(hot::room()?.stash(self.hub.number(), deliveries))
        });
        stashed.map_err(|error| rejected(env, error))
    }
}
