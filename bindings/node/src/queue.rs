//! A queue as JavaScript holds it: what is not called for each message. That is in [`hot`](crate::hot).

use crate::argument;
use crate::codec;
use crate::consumer::ConsumerHandle;
use crate::error::{Result, catch, guard, internal};
use crate::gather::{GatherOptions, Gathered, Gathering};
use crate::handle::Held;
use crate::hot::{self, OpenQueue, Place, Settlement};
use crate::keeper::KeeperHandle;
use crate::line::LineHandle;
use crate::registry::SharedHub;
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, Buffer, BufferSlice, Env, Uint32Array};
use napi_derive::napi;
use ringmain::{Delivery, Queue, Sent};
use std::rc::Rc;
use std::sync::Arc;

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

/// What was sent and may not have reached its durability yet.
#[napi(object)]
pub struct SubmittedMessage {
    /// Its id.
    pub id: f64,
    /// Whether it has reached its durability already: then nothing of it is in the line.
    pub is_reached: bool,
}

impl From<Sent> for SentOnce {
    fn from(sent: Sent) -> Self {
        Self { id: sent.id as f64, is_duplicate: sent.is_duplicate }
    }
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
    pub(crate) fn open(hub: Arc<SharedHub>, name: &str, options: &str) -> ringmain::Result<Self> {
        let queue = ringmain_surface::open_queue(hub.hub()?, name, options)?;
        let open = Rc::new(OpenQueue::new(hub, queue));
        Ok(Self { number: hot::room()?.enter(open.clone()), open })
    }

    /// Does a verb of the surface that all languages share, blocking.
    #[napi]
    pub fn call(&self, verb: String, arguments: String) -> Result<String> {
        guard(|| ringmain_surface::queue_call(self.open_queue()?, &verb, &arguments))
    }

    /// Does a verb of the surface that all languages share.
    #[napi]
    pub fn call_async(&self, verb: String, arguments: String) -> AsyncTask<Work<String>> {
        let (hub, queue) = (self.open.hub.clone(), Held::new((*self.open.queue).clone()));
        work(move || {
            hub.check()?;
            ringmain_surface::queue_call(&queue, &verb, &arguments)
        })
    }

    /// A consumer that takes so many at a time.
    #[napi]
    pub fn consumer(&self, prefetch: f64) -> Result<ConsumerHandle> {
        guard(|| {
            let consumer = self.open_queue()?.consumer().prefetch(argument::count(prefetch)?).start()?;
            Ok(ConsumerHandle::new(self.open.hub.clone(), consumer))
        })
    }

    /// A keeper of leases.
    #[napi]
    pub fn keeper(&self) -> Result<KeeperHandle> {
        guard(|| Ok(KeeperHandle::new(self.open_queue()?.keeper()?)))
    }

    /// The number that the callbacks of this thread's room know it by.
    #[napi]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Sends one packed message; the line tells when it has reached its durability.
    #[napi]
    pub fn submit(&self, packed: &[u8], line: &LineHandle) -> Result<SubmittedMessage> {
        guard(|| {
            let receipt = self.open_queue()?.submit(codec::unpack_one(packed)?)?;
            Ok(SubmittedMessage { id: *receipt.value() as f64, is_reached: line.accept(receipt) })
        })
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
                let borrowed: Vec<&Delivery> = deliveries.iter().map(|delivery| &**delivery).collect();
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
