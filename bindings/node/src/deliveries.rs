//! Deliveries received together: their bytes, and the five verbs on each.

use crate::argument::milliseconds;
use crate::codec;
use crate::error::{Result, guard, internal};
use crate::registry::Leases;
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Env};
use napi_derive::napi;
use ringmain::Delivery;
use std::sync::Arc;
use std::time::Duration;

/// Deliveries received together. Collected as garbage, it releases those that are not settled.
#[napi]
pub struct DeliveryBatch {
    leases: Arc<Leases>,
}

enum Settlement {
    Ack,
    Fail { reason: String, delay: Option<Duration> },
    Release { delay: Option<Duration> },
    Reject { reason: String },
    Extend { duration: Duration },
}

#[napi]
impl DeliveryBatch {
    pub(crate) fn new(leases: Arc<Leases>) -> Self {
        Self { leases }
    }

    pub(crate) fn delivery(&self, index: u32) -> ringmain::Result<&Delivery> {
        self.leases.delivery(index)
    }

    /// All of them, packed.
    #[napi]
    pub fn packed<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        let packed = guard(|| {
            let mut packed = Vec::new();
            for delivery in self.leases.deliveries() {
                codec::pack_delivery(&mut packed, delivery);
            }
            Ok(packed)
        })?;
        codec::buffer(env, &packed)
    }

    /// Settles one, blocking. `verb` is a number of `lib/job.js`; `reason` and `ms` are those the verb takes.
    #[napi]
    pub fn settle(&self, index: u32, verb: u32, reason: Option<String>, ms: Option<f64>) -> Result<()> {
        guard(|| Settlement::new(verb, reason, ms)?.apply(self.leases.delivery(index)?))
    }

    /// Settles one.
    #[napi]
    pub fn settle_async(
        &self,
        index: u32,
        verb: u32,
        reason: Option<String>,
        ms: Option<f64>,
    ) -> Result<AsyncTask<Work<()>>> {
        guard(|| {
            let (settlement, leases) = (Settlement::new(verb, reason, ms)?, self.leases.clone());
            Ok(work(move || settlement.apply(leases.delivery(index)?)))
        })
    }
}

impl Settlement {
    fn new(verb: u32, reason: Option<String>, ms: Option<f64>) -> ringmain::Result<Self> {
        let delay = || ms.map(|ms| milliseconds("delayMs", ms)).transpose();
        match (verb, reason) {
            (0, _) => Ok(Self::Ack),
            (1, Some(reason)) => Ok(Self::Fail { reason, delay: delay()? }),
            (2, _) => Ok(Self::Release { delay: delay()? }),
            (3, Some(reason)) => Ok(Self::Reject { reason }),
            (4, _) => Ok(Self::Extend { duration: milliseconds("ms", ms.unwrap_or(f64::NAN))? }),
            (verb, _) => {
                Err(internal(format!("verb {verb} of lib/job.js is not known here, or has no reason")))
            }
        }
    }

    fn apply(self, delivery: &Delivery) -> ringmain::Result<()> {
        match self {
            Self::Ack => delivery.ack(),
            Self::Fail { reason, delay: None } => delivery.fail(reason),
            Self::Fail { reason, delay: Some(delay) } => delivery.fail_after(reason, delay),
            Self::Release { delay: None } => delivery.release(),
            Self::Release { delay: Some(delay) } => delivery.release_after(delay),
            Self::Reject { reason } => delivery.reject(reason),
            Self::Extend { duration } => delivery.extend(duration),
        }
    }
}
