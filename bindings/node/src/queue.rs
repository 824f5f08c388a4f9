//! A queue as JavaScript holds it: sending, receiving, counts.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard, internal};
use crate::handle::Held;
use crate::leases::Settlement;
use crate::registry::SharedHub;
use crate::wake::{Poller, WakePort};
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, Buffer, BufferSlice, Env};
use napi_derive::napi;
use ringmain::{Delivery, Error, Jitter, OnExhausted, Queue, QueueStats, Retry};
use std::sync::Arc;
use std::time::Duration;

/// A queue of one hub handle.
#[napi]
pub struct QueueHandle {
    hub: Arc<SharedHub>,
    queue: Held<Queue>,
    poller: Poller,
}

/// Options of a queue; what is left out stays as stored, or takes its default.
#[napi(object)]
pub struct QueueOptions {
    /// How long a delivery is leased, in milliseconds.
    pub lease_ms: Option<f64>,
    /// Failures after which a message is exhausted.
    pub max_failures: Option<f64>,
    /// The queue that exhausted messages move to.
    pub dead_letter: Option<String>,
    /// `drop` or `keep`, where there is no dead letter queue.
    pub on_exhausted: Option<String>,
    /// The delay before a retry.
    pub retry: Option<RetryOptions>,
}

/// The delay before a retry; what is left out takes its default.
#[napi(object)]
pub struct RetryOptions {
    /// First delay in milliseconds.
    pub base_ms: Option<f64>,
    /// Growth.
    pub factor: Option<f64>,
    /// Longest delay in milliseconds.
    pub cap_ms: Option<f64>,
    /// `none`, `equal` or `full`.
    pub jitter: Option<String>,
}

/// Counts of one queue.
#[napi(object)]
pub struct QueueCounts {
    /// Messages that a receive would get now.
    pub ready: f64,
    /// Messages that wait for their time.
    pub scheduled: f64,
    /// Messages out with a worker.
    pub leased: f64,
    /// Messages sent.
    pub sent_total: f64,
    /// Messages acked.
    pub acked_total: f64,
    /// Failures counted.
    pub failures_total: f64,
    /// Leases that expired.
    pub leases_expired_total: f64,
    /// Deliveries beyond the first of their message.
    pub redeliveries_total: f64,
    /// Messages moved to the dead letter queue.
    pub dead_total: f64,
    /// Messages dropped.
    pub dropped_total: f64,
}

/// Why one of many acks did not happen.
#[napi(object)]
pub struct Failure {
    /// The name of the error's code.
    pub code: String,
    /// Its words.
    pub message: String,
}

#[napi]
impl QueueHandle {
    pub(crate) fn open(hub: Arc<SharedHub>, name: &str, options: QueueOptions) -> ringmain::Result<Self> {
        let mut builder = hub.hub()?.queue(name);
        if let Some(lease_ms) = options.lease_ms {
            builder = builder.lease(argument::milliseconds("leaseMs", lease_ms)?);
        }
        if let Some(count) = options.max_failures {
            builder = builder.max_failures(argument::whole("maxFailures", count, 1, u32::MAX.into())? as u32);
        }
        match (options.dead_letter, options.on_exhausted.as_deref()) {
            (None, None) => {}
            (Some(queue), None) => builder = builder.dead_letter(&queue),
            (None, Some("drop")) => builder = builder.on_exhausted(OnExhausted::Drop),
            (None, Some("keep")) => builder = builder.on_exhausted(OnExhausted::Keep),
            (None, Some(word)) => {
                return Err(Error::invalid(
                    "onExhausted",
                    format!("{word:?} is neither \"drop\" nor \"keep\""),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Error::invalid("onExhausted", "deadLetter is given too; give one of the two"));
            }
        }
        if let Some(retry) = options.retry {
            builder = builder.retry(retry.policy()?);
        }
        let queue = Held::new(builder.open()?);
        Ok(Self { hub, queue, poller: Poller::default() })
    }

    /// Sends one packed message, blocking; its id.
    #[napi]
    pub fn send(&self, packed: &[u8]) -> Result<f64> {
        guard(|| self.open_queue()?.send(codec::unpack_one(packed)?).map(|id| id as f64))
    }

    /// Sends one packed message; its id.
    #[napi]
    pub fn send_async(&self, packed: Buffer) -> AsyncTask<Work<f64>> {
        let (hub, queue) = (self.hub.clone(), Held::new(self.queue.clone()));
        work(move || {
            hub.check()?;
            queue.send(codec::unpack_one(&packed)?).map(|id| id as f64)
        })
    }

    /// Sends packed messages as one batch, blocking; their ids.
    #[napi]
    pub fn send_many(&self, packed: &[u8]) -> Result<Vec<f64>> {
        guard(|| Ok(numbers(self.open_queue()?.send_batch(&codec::unpack(packed)?)?)))
    }

    /// Sends packed messages as one batch; their ids.
    #[napi]
    pub fn send_many_async(&self, packed: Buffer) -> AsyncTask<Work<Vec<f64>>> {
        let (hub, queue) = (self.hub.clone(), Held::new(self.queue.clone()));
        work(move || {
            hub.check()?;
            Ok(numbers(queue.send_batch(&codec::unpack(&packed)?)?))
        })
    }

    /// Receives up to `count` messages, blocking at most `wait_ms` for the first; null after that. The number of the
    /// batch comes first, then the messages packed.
    #[napi]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        count: f64,
        wait_ms: f64,
    ) -> Result<Option<BufferSlice<'env>>> {
        let deliveries = guard(|| {
            let (count, wait) = (argument::count(count)?, argument::milliseconds("timeoutMs", wait_ms)?);
            self.open_queue()?.receive_batch(count, wait)
        })?;
        self.lease(env, deliveries)
    }

    /// Receives up to `count` messages if some are ready; else `port` is called with `token` when some may be.
    #[napi]
    pub fn poll<'env>(
        &self,
        env: &'env Env,
        count: f64,
        port: &WakePort,
        token: u32,
    ) -> Result<Option<BufferSlice<'env>>> {
        let deliveries = guard(|| {
            let (queue, count) = (self.open_queue()?, argument::count(count)?);
            self.poller.poll(port, token, |context| queue.poll_receive(context, count))
        })?;
        self.lease(env, deliveries.unwrap_or_default())
    }

    /// Settles one job, blocking. `verb` is a number of `lib/job.js`; `reason` and `ms` are those the verb takes.
    #[napi]
    pub fn settle(
        &self,
        batch: f64,
        index: u32,
        verb: u32,
        reason: Option<String>,
        ms: Option<f64>,
    ) -> Result<()> {
        guard(|| self.hub.leases()?.settle(batch as u64, index, settlement(verb, reason, ms)?))
    }

    /// Settles one job.
    #[napi]
    pub fn settle_async(
        &self,
        batch: f64,
        index: u32,
        verb: u32,
        reason: Option<String>,
        ms: Option<f64>,
    ) -> Result<AsyncTask<Work<()>>> {
        guard(|| {
            let (hub, settlement) = (self.hub.clone(), settlement(verb, reason, ms)?);
            Ok(work(move || hub.leases()?.settle(batch as u64, index, settlement)))
        })
    }

    /// Acks many jobs with one commit: for each, null or why not.
    #[napi]
    pub fn ack_many(&self, batches: Vec<f64>, indexes: Vec<u32>) -> Result<Vec<Option<Failure>>> {
        guard(|| {
            let queue = self.open_queue()?;
            let places: Vec<_> = batches.into_iter().map(|batch| batch as u64).zip(indexes).collect();
            let results = self.hub.leases()?.ack_many(&places, |deliveries| queue.ack_batch(deliveries))?;
            Ok(results.into_iter().map(|result| result.err().map(Failure::from)).collect())
        })
    }

    /// Drops what is left of a batch whose jobs were garbage collected: what is not settled is released.
    #[napi]
    pub fn drop_batch(&self, batch: f64) -> Result<()> {
        guard(|| {
            self.hub.leases()?.drop_batch(batch as u64);
            Ok(())
        })
    }

    /// Up to `count` waiting messages with an id of at least `from_id`, packed.
    #[napi]
    pub fn peek<'env>(&self, env: &'env Env, from_id: f64, count: f64) -> Result<BufferSlice<'env>> {
        let packed = guard(|| {
            let (from_id, count) = (argument::offset("fromId", from_id)?, argument::count(count)?);
            let mut packed = Vec::new();
            for peeked in self.open_queue()?.peek(from_id, count)? {
                codec::pack_peeked(&mut packed, &peeked);
            }
            Ok(packed)
        })?;
        codec::buffer(env, &packed)
    }

    /// Counts.
    #[napi]
    pub fn stats(&self) -> Result<QueueCounts> {
        guard(|| self.open_queue()?.stats().map(QueueCounts::from))
    }

    fn open_queue(&self) -> ringmain::Result<&Queue> {
        self.hub.check()?;
        Ok(&self.queue)
    }

    fn lease<'env>(&self, env: &'env Env, deliveries: Vec<Delivery>) -> Result<Option<BufferSlice<'env>>> {
        if deliveries.is_empty() {
            return Ok(None);
        }
        let packed = guard(|| {
            let mut packed = vec![0; size_of::<f64>()];
            for delivery in &deliveries {
                codec::pack_delivery(&mut packed, delivery);
            }
            let number = self.hub.leases()?.hold(deliveries) as f64;
            packed[..size_of::<f64>()].copy_from_slice(&number.to_le_bytes());
            Ok(packed)
        })?;
        codec::buffer(env, &packed).map(Some)
    }
}

/// The verb that `lib/job.js` calls by this number.
fn settlement(verb: u32, reason: Option<String>, ms: Option<f64>) -> ringmain::Result<Settlement> {
    let delay = || ms.map(|ms| argument::milliseconds("delayMs", ms)).transpose();
    match (verb, reason) {
        (0, _) => Ok(Settlement::Ack),
        (1, Some(reason)) => Ok(Settlement::Fail { reason, delay: delay()? }),
        (2, _) => Ok(Settlement::Release { delay: delay()? }),
        (3, Some(reason)) => Ok(Settlement::Reject { reason }),
        (4, _) => Ok(Settlement::Extend { duration: argument::milliseconds("ms", ms.unwrap_or(f64::NAN))? }),
        (verb, _) => Err(internal(format!("verb {verb} of lib/job.js is not known here, or has no reason"))),
    }
}

impl RetryOptions {
    fn policy(self) -> ringmain::Result<Retry> {
        let given = |argument, value: Option<f64>, default: Duration| {
            value.map_or(Ok(default), |value| argument::milliseconds(argument, value))
        };
        let jitter = match self.jitter.as_deref() {
            None => Jitter::default(),
            Some("none") => Jitter::None,
            Some("equal") => Jitter::Equal,
            Some("full") => Jitter::Full,
            Some(word) => {
                let detail = format!("{word:?} is none of \"none\", \"equal\", \"full\"");
                return Err(Error::invalid("retry.jitter", detail));
            }
        };
        Ok(Retry {
            base: given("retry.baseMs", self.base_ms, Duration::from_secs(1))?,
            factor: self.factor.unwrap_or(2.0),
            cap: given("retry.capMs", self.cap_ms, Duration::from_secs(600))?,
            jitter,
        })
    }
}

impl From<QueueStats> for QueueCounts {
    fn from(stats: QueueStats) -> Self {
        Self {
            ready: stats.ready as f64,
            scheduled: stats.scheduled as f64,
            leased: stats.leased as f64,
            sent_total: stats.sent_total as f64,
            acked_total: stats.acked_total as f64,
            failures_total: stats.failures_total as f64,
            leases_expired_total: stats.leases_expired_total as f64,
            redeliveries_total: stats.redeliveries_total as f64,
            dead_total: stats.dead_total as f64,
            dropped_total: stats.dropped_total as f64,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: error.code().name().to_owned(), message: error.to_string() }
    }
}

fn numbers(ids: Vec<u64>) -> Vec<f64> {
    ids.into_iter().map(|id| id as f64).collect()
}
