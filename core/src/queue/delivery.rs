//! A delivery: one message and the lease on it, in the hands of a worker.

use crate::error::{Error, Result};
use crate::log::{Frame, Payload};
use crate::queue::history::Reason;
use crate::queue::plain::{Bytes, Hold, Keep, Runs};
use crate::queue::settle::Token;
use crate::queue::shared::Shared;
use crate::sync::{AtomicU32, Ordering};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One message, leased to whoever holds this.
///
/// End it with one of [`ack`](Self::ack), [`fail`](Self::fail), [`release`](Self::release) and
/// [`reject`](Self::reject); dropping it unsettled releases it without penalty. A verb on a lease that has run out or
/// was settled returns [`LeaseLost`](crate::Error::LeaseLost) and changes nothing.
///
/// ```
/// # use ringmain::{Hub, Message};
/// # let hub = Hub::memory();
/// # let queue = hub.queue("jobs").dead_letter("jobs.dead").open()?;
/// queue.send(Message::new(b"resize 17.png"))?;
/// let delivery = queue.try_receive()?.expect("one was sent");
/// match std::str::from_utf8(delivery.value()) {
///     Ok(_) => delivery.ack()?,
///     Err(e) => delivery.fail(e)?,
/// }
/// # Ok::<(), ringmain::Error>(())
/// ```
pub struct Delivery {
    lease: Lease,
    /// One of those below.
    end: AtomicU32,
}

/// No verb was said: dropping the delivery releases the message.
const LIVE: u32 = 0;
/// A verb was said.
const ENDED: u32 = 1;
/// It was an ack, and it was the first.
const ACKED: u32 = 2;
/// No verb was said, and nobody has it yet: it was taken ahead.
const AHEAD: u32 = 3;

/// What a delivery holds its message by.
enum Lease {
    /// A bit in the entry of a run, as long as nothing but an ack is said.
    Plain { hold: Hold<Kept>, bytes: Bytes },
    /// An entry of the queue's index.
    Indexed(Box<Indexed>),
}

struct Indexed {
    queue: Arc<Shared>,
    payload: Payload,
    token: Token,
    failures: u32,
}

/// What a run of plain messages keeps.
pub(crate) struct Kept {
    queue: Arc<Shared>,
    /// The log tells of the leases.
    pub(crate) is_noted: bool,
    /// The segment's bytes.
    _bytes: Arc<dyn Send + Sync>,
}

impl Kept {
    pub(crate) fn new(queue: Arc<Shared>, is_noted: bool, bytes: Arc<dyn Send + Sync>) -> Self {
        Self { queue, is_noted, _bytes: bytes }
    }
}

impl Keep for Kept {
    fn runs(&self) -> &Runs<Self> {
        &self.queue.runs
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.queue.name)
    }
}

impl Delivery {
    pub(crate) fn plain(hold: Hold<Kept>, bytes: Bytes) -> Self {
        Self { lease: Lease::Plain { hold, bytes }, end: AtomicU32::new(LIVE) }
    }

    pub(crate) fn indexed(queue: Arc<Shared>, payload: Payload, token: Token, failures: u32) -> Self {
        let lease = Lease::Indexed(Box::new(Indexed { queue, payload, token, failures }));
        Self { lease, end: AtomicU32::new(LIVE) }
    }

    /// It is in nobody's hands yet, until [`start`](Self::start).
    pub(crate) fn ahead(self) -> Self {
        // ORDERING: Relaxed: nobody else has it.
        self.end.store(AHEAD, Ordering::Relaxed);
        self
    }

    /// Somebody gets it in his hands now: from here on its lease counts if the process dies. Once `is_worn`, the lease begins
    /// anew.
    ///
    /// # Errors
    /// `LeaseLost`: it ran out meanwhile; `Poisoned`.
    pub(crate) fn start(&self, is_worn: bool) -> Result<()> {
        // ORDERING: Relaxed: whoever starts it has it alone.
        if self.end.load(Ordering::Relaxed) == AHEAD {
            self.end.store(LIVE, Ordering::Relaxed);
            self.shared().start(self)?;
        }
        if is_worn { self.extend(self.shared().lease()) } else { Ok(()) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        match &self.lease {
            Lease::Plain { hold, .. } => &hold.kept().queue,
            Lease::Indexed(indexed) => &indexed.queue,
        }
    }

    /// What tells this lease from others. For verbs other than an ack: the lease is in the index from then on.
    pub(crate) fn token(&self) -> Token {
        match &self.lease {
            Lease::Plain { hold, .. } => {
                let since_ns = self.shared().since_ns(hold);
                if hold.is_held() {
                    self.shared().index_lease(hold);
                }
                Token { since_ns, ..self.token_unindexed() }
            }
            Lease::Indexed(indexed) => indexed.token,
        }
    }

    /// The same, and the lease stays where it is; since when it is held is not looked for.
    pub(crate) fn token_unindexed(&self) -> Token {
        match &self.lease {
            Lease::Plain { hold, .. } => Token { id: hold.id(), attempt: 1, since_ns: u64::MAX },
            Lease::Indexed(indexed) => indexed.token,
        }
    }

    /// The hold on a plain message.
    #[inline]
    pub(crate) fn hold(&self) -> Option<&Hold<Kept>> {
        match &self.lease {
            Lease::Plain { hold, .. } => Some(hold),
            Lease::Indexed(_) => None,
        }
    }

    fn frame(&self) -> Frame<'_> {
        match &self.lease {
            // SAFETY: the run keeps the bytes, and our hold keeps the run.
            Lease::Plain { bytes, .. } => unsafe { bytes.frame() },
            Lease::Indexed(indexed) => indexed.payload.frame(),
        }
    }

    #[inline]
    pub(crate) fn is_of(&self, queue: &Arc<Shared>) -> bool {
        Arc::ptr_eq(self.shared(), queue)
    }

    /// Dropping it does nothing any more.
    pub(crate) fn forget(&self) {
        // ORDERING: Relaxed: read by the drop, which is ordered after everything by ownership.
        self.end.store(ENDED, Ordering::Relaxed);
    }

    /// Its ack was the first: a second one is fine.
    #[inline]
    pub(crate) fn set_acked(&self) {
        // ORDERING: Relaxed: read by the delivery itself.
        self.end.store(ACKED, Ordering::Relaxed);
    }

    /// Whether it was acked by an ack that was the first.
    #[inline]
    pub(crate) fn is_acked(&self) -> bool {
        // ORDERING: Relaxed: as above.
        self.end.load(Ordering::Relaxed) == ACKED
    }

    /// Whether a verb has ended it, or a lost lease.
    pub(crate) fn is_ended(&self) -> bool {
        // ORDERING: Relaxed: asked by the thread that said the verb, or after it was joined; to anybody else a hint.
        self.end.load(Ordering::Relaxed) != LIVE
    }

    /// A verb was said: dropping the delivery does nothing any more, unless the verb itself was refused.
    fn end(&self, result: Result<()>) -> Result<()> {
        let is_refused = matches!(
            result,
            Err(Error::InvalidArgument { .. } | Error::OptionMissing { .. } | Error::Full { .. })
        );
        if !is_refused && !self.is_acked() {
            self.forget();
        }
        result
    }

    /// The name of its queue.
    pub fn queue(&self) -> &str {
        self.shared().name.as_str()
    }

    /// The message's number in its queue.
    pub fn id(&self) -> u64 {
        match &self.lease {
            Lease::Plain { hold, .. } => hold.id(),
            Lease::Indexed(indexed) => indexed.token.id,
        }
    }

    /// Leases granted on the message so far, this one included.
    pub fn attempts(&self) -> u32 {
        match &self.lease {
            Lease::Plain { .. } => 1,
            Lease::Indexed(indexed) => indexed.token.attempt,
        }
    }

    /// Failures counted before this delivery.
    pub fn failures(&self) -> u32 {
        match &self.lease {
            Lease::Plain { .. } => 0,
            Lease::Indexed(indexed) => indexed.failures,
        }
    }

    /// Done: the message is never delivered again. A second ack of the same delivery is fine.
    ///
    /// # Errors
    /// `LeaseLost`; `Poisoned`, then it is not known whether the ack is on disk.
    pub fn ack(&self) -> Result<()> {
        self.shared().ack_one(self)
    }

    /// Done, with a result of at most 4 KiB that [`Queue::finished`](crate::Queue::finished) tells as long as the queue's
    /// [`history`](crate::QueueBuilder::history) says.
    ///
    /// # Errors
    /// As [`ack`](Self::ack); `TooLarge`, and `OptionMissing` on a queue that keeps no history: nothing was acked.
    pub fn ack_with(&self, result: &(impl AsRef<[u8]> + ?Sized)) -> Result<()> {
        self.shared().ack_with(self, result.as_ref())
    }

    /// Failed: counts towards `max_failures`; then it is retried after the queue's retry delay, or dies.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`.
    pub fn fail(&self, reason: impl fmt::Display) -> Result<()> {
        self.end(self.shared().fail(self.token(), reason.to_string().into(), None))
    }

    /// Failed, with a retry delay of its own, at most ten years.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    pub fn fail_after(&self, reason: impl fmt::Display, delay: Duration) -> Result<()> {
        self.end(self.shared().fail(self.token(), reason.to_string().into(), Some(delay)))
    }

    /// Failed with an error of a class, a name of 1 to 64 bytes: what becomes of it the queue's
    /// [`error_class`](crate::QueueBuilder::error_class) says. Without a rule for it, as [`fail`](Self::fail).
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    ///
    /// ```
    /// # use ringmain::{ErrorClass, Hub, Message};
    /// # let hub = Hub::memory();
    /// let queue = hub.queue("jobs").dead_letter("jobs.dead").error_class("BadAddress", ErrorClass::Permanent).open()?;
    /// queue.send(Message::new(b"to: nobody@nowhere"))?;
    /// queue.try_receive()?.expect("one was sent").fail_as("BadAddress", "no such host")?;
    /// let letter = hub.queue("jobs.dead").open()?.try_receive()?.expect("it is of no use to try again");
    /// assert_eq!(letter.header("rm-dead-class"), Some(&b"BadAddress"[..]));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn fail_as(&self, class: &str, reason: impl fmt::Display) -> Result<()> {
        let reason = Reason::of_class(class, reason.to_string());
        self.end(reason.and_then(|reason| self.shared().fail(self.token(), reason, None)))
    }

    /// Hands it back: does not count, and it is ready again at its old place.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`.
    pub fn release(&self) -> Result<()> {
        self.release_after(Duration::ZERO)
    }

    /// Hands it back, to be delivered after a delay of at most ten years.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    pub fn release_after(&self, delay: Duration) -> Result<()> {
        self.end(self.shared().release(self.token(), delay))
    }

    /// Hands it back, because what handles it is rate limited: does not count, and no message of the same key is delivered for that
    /// long; no message of the queue, if it has no key. At most ten years. The rest survives reopening the hub.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`, `InvalidArgument`.
    pub fn rate_limited(&self, retry_after: Duration) -> Result<()> {
        self.end(self.shared().rate_limited(self.token(), self.key(), retry_after))
    }

    /// Dead letter now, whatever its failures.
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`; `OptionMissing` on a queue that keeps its exhausted messages; `Full` where too many ordering keys are
    /// [halted](crate::OnGroupDeath::Halt).
    pub fn reject(&self, reason: impl fmt::Display) -> Result<()> {
        self.end(self.shared().reject(self.token(), reason.to_string().into()))
    }

    /// Sets the message aside: from now on only [`Queue::receive_deferred`](crate::Queue::receive_deferred) delivers it, by its
    /// [`id`](Self::id). Its time to live and its deadlines go on; those behind it of its ordering key wait.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// # let queue = Hub::memory().queue("jobs").dead_letter("jobs.dead").open()?;
    /// queue.send(Message::new(b"invoice 7"))?;
    /// let early = queue.try_receive()?.expect("one was sent");
    /// early.defer()?;
    /// assert!(queue.try_receive()?.is_none());
    /// queue.receive_deferred(early.id())?.expect("it was set aside").ack()?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `LeaseLost`, `Poisoned`.
    pub fn defer(&self) -> Result<()> {
        self.end(self.shared().defer(self.token()))
    }

    /// Whether the work is no longer wanted: the message was cancelled, or somebody took it out of the queue. An ack still
    /// counts if the message is there; whatever else is said of it, it does not come back.
    pub fn is_cancelled(&self) -> bool {
        // ORDERING: Relaxed: a verb said in another thread is a matter of that thread.
        let is_live = self.end.load(Ordering::Relaxed) == LIVE;
        // Of a message that is plain still, nobody said anything.
        is_live && !self.hold().is_some_and(Hold::is_held) && self.shared().is_cancelled(self.token())
    }

    /// Prolongs the lease to `duration` from now; never shortens it, and not beyond the queue's
    /// [`lease_total_max`](crate::QueueBuilder::lease_total_max) from when it was granted. 1 ms to 7 days.
    ///
    /// # Errors
    /// `LeaseLost`, `InvalidArgument`.
    pub fn extend(&self, duration: Duration) -> Result<()> {
        self.shared().extend(self.token(), duration)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // ORDERING: Relaxed: `&mut self` orders it.
        let end = self.end.load(Ordering::Relaxed);
        if matches!(end, LIVE | AHEAD) {
            self.shared().release_dropped(self.token(), end == AHEAD);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("queue", &self.shared().name)
            .field("id", &self.id())
            .field("attempts", &self.attempts())
            .field("failures", &self.failures())
            .finish()
    }
}

crate::message::accessors!(Delivery);
