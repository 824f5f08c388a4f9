//! A queue as JavaScript holds it: what is not called for each message. That is in [`hot`](crate::hot).

use crate::argument;
use crate::codec;
use crate::error::{Result, catch, guard, internal};
use crate::gather::{GatherOptions, Gathered, Gathering};
use crate::handle::Held;
use crate::hot::{self, OpenQueue, Place, Settlement};
use crate::registry::SharedHub;
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, Buffer, BufferSlice, Env, Uint32Array};
use napi_derive::napi;
use ringmain::{Delivery, Error, Jitter, OnExhausted, Queue, QueueStats, Retry, Sent};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A queue of one hub handle.
#[napi]
pub struct QueueHandle {
    open: Rc<OpenQueue>,
    number: u32,
}

/// What became of a message that may be a duplicate.
#[napi(object)]
pub struct SentOnce {
    /// Its id, or that of the message which it is a duplicate of.
    pub id: f64,
    /// Whether the queue still remembered its key.
    pub is_duplicate: bool,
}

impl From<Sent> for SentOnce {
    fn from(sent: Sent) -> Self {
        Self { id: sent.id as f64, is_duplicate: sent.is_duplicate }
    }
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

/// Why one of many could not be settled.
#[napi(object)]
pub struct Failure {
    /// Which of them.
    pub index: u32,
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
        let open = Rc::new(OpenQueue::new(hub.clone(), builder.open()?));
        Ok(Self { number: hot::room()?.enter(open.clone()), open })
    }

    /// The number that the callbacks of this thread's room know it by.
    #[napi]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Sends one packed message that may be a duplicate, blocking.
    #[napi]
    pub fn send_unique(&self, packed: &[u8]) -> Result<SentOnce> {
        guard(|| self.open_queue()?.send_unique(codec::unpack_one(packed)?).map(SentOnce::from))
    }

    /// Sends one packed message that may be a duplicate.
    #[napi]
    pub fn send_unique_async(&self, packed: Buffer) -> AsyncTask<Work<SentOnce>> {
        let (hub, queue) = (self.open.hub.clone(), Held::new((*self.open.queue).clone()));
        work(move || {
            hub.check()?;
            queue.send_unique(codec::unpack_one(&packed)?).map(SentOnce::from)
        })
    }

    /// Settles one job on the pool: a verb of `lib/job.js` with what it takes. Its slot stays: `drop` frees it.
    #[napi]
    pub fn settle_async(
        &self,
        slot: u32,
        generation: u32,
        verb: u32,
        text: Option<Buffer>,
        class: Option<Buffer>,
        ms: Option<f64>,
    ) -> Result<AsyncTask<Work<()>>> {
        guard(|| {
            let (text, class) = (text.unwrap_or_default(), class.as_deref());
            let settlement = Settlement::new(verb, &text, class, ms.unwrap_or(f64::NAN))?;
            self.open.hub.check()?;
            let delivery = hot::room()?.leases.borrow_mut().share(Place { slot, generation })?;
            Ok(work(move || settlement.apply(&delivery)))
        })
    }

    /// Settles many on the pool with one commit: slot and generation of each. Their slots stay.
    #[napi]
    pub fn settle_many_async(
        &self,
        verb: u32,
        places: Uint32Array,
        text: Option<Buffer>,
    ) -> Result<AsyncTask<Work<Vec<Failure>>>> {
        guard(|| {
            let settlement = Settlement::new(verb, &text.unwrap_or_default(), None, f64::NAN)?;
            self.open.hub.check()?;
            let room = hot::room()?;
            let mut leases = room.leases.borrow_mut();
            let mut share = |place: &[u32]| match place {
                [slot, generation] => leases.share(Place { slot: *slot, generation: *generation }),
                _ => Err(internal("a place is a slot and a generation")),
            };
            let deliveries = places.chunks(2).map(&mut share).collect::<ringmain::Result<Vec<_>>>()?;
            let queue = Held::new((*self.open.queue).clone());
            Ok(work(move || {
                let borrowed: Vec<&Delivery> = deliveries.iter().map(|delivery| &***delivery).collect();
                Ok(failures(&settlement.apply_many(&queue, &borrowed)))
            }))
        })
    }

    /// Which of the many that were settled last could not be.
    #[napi]
    pub fn failures(&self) -> Result<Vec<Failure>> {
        guard(|| Ok(hot::room()?.failures.take()))
    }

    /// Receives in a way that the callbacks do not know, waiting on the pool. `fetch` of the room gets them.
    #[napi]
    pub fn gather_async(&self, options: GatherOptions) -> Result<AsyncTask<Gathering>> {
        guard(|| {
            self.open.hub.check()?;
            let queue = Held::new((*self.open.queue).clone());
            let gather = options.checked()?;
            Ok(AsyncTask::new(Gathering::new(self.open.hub.clone(), move || gather.receive(&queue))))
        })
    }

    /// The same, blocking.
    #[napi]
    pub fn gather(&self, options: GatherOptions) -> Result<Gathered> {
        guard(|| {
            let deliveries = options.checked()?.receive(self.open_queue()?)?;
            Ok(hot::room()?.stash(self.open.hub.number(), deliveries))
        })
    }

    /// Receives a message that was set aside.
    #[napi]
    pub fn receive_deferred(&self, id: f64) -> Result<Gathered> {
        guard(|| {
            let delivery = self.open_queue()?.receive_deferred(argument::offset("id", id)?)?;
            Ok(hot::room()?.stash(self.open.hub.number(), delivery.into_iter().collect()))
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
        self.open.hub.check()?;
        Ok(&self.open.queue)
    }
}

impl Drop for QueueHandle {
    fn drop(&mut self) {
        // At the end of the environment the room has gone first.
        let _ = catch(|| {
            hot::room()?.leave(self.number);
            Ok(())
        });
    }
}

/// Those of many results that are errors.
pub(crate) fn failures(results: &[ringmain::Result<()>]) -> Vec<Failure> {
    let failure = |(index, result): (u32, &ringmain::Result<()>)| match result {
        Ok(()) => None,
        Err(error) => {
            Some(Failure { index, code: error.code().name().to_owned(), message: error.to_string() })
        }
    };
    (0..).zip(results).filter_map(failure).collect()
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
