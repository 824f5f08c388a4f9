//! The three ways to use a ring: one message a call, up to 64 a call, or waiting calls.

use super::message::{Account, Message};
use super::verbs::{Flavour, Put, PutBatch, PutWaiting, Take, TakeBatch, TakeWaiting};
use crate::harness::threads::Idle;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Messages of one batch, at most.
pub const BATCH: usize = 64;

/// The number of the message that tells a waiting consumer that nothing will follow.
const END: u64 = u64::MAX;

/// So often a consumer that has given its core away finds nothing, after the last producer is done, before it
/// takes what is missing for lost.
const VAIN_MAX: u32 = 20_000;

/// What the threads of one round share.
#[derive(Debug)]
pub struct Course {
    total: u64,
    received: AtomicU64,
    sending: AtomicUsize,
    /// Consumers among which the messages are divided; nothing if each reads them all.
    competing: Option<usize>,
}

impl Course {
    /// A round in which `producers` send `total` messages to competing consumers.
    pub fn competing(total: u64, producers: usize, consumers: usize) -> Self {
        Self {
            total,
            received: AtomicU64::new(0),
            sending: AtomicUsize::new(producers),
            competing: Some(consumers),
        }
    }

    /// A round in which each consumer reads all of the `total` messages.
    pub fn fan_out(total: u64, producers: usize) -> Self {
        Self { competing: None, ..Self::competing(total, producers, 0) }
    }

    /// Whether all have been received, after `count` more by the caller.
    fn all_received(&self, count: u64) -> bool {
        // STATISTIC: a count that ends a round; the messages themselves are the ring's affair.
        self.competing.is_some() && self.received.fetch_add(count, Ordering::Relaxed) + count >= self.total
    }

    /// Whether the caller is the last producer to finish.
    fn last_to_finish(&self) -> bool {
        // ORDERING: AcqRel: what the last one does comes after all that the others sent, and `lost` after
        // both.
        self.sending.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether to stop looking for messages, having found none so often.
    fn lost(&self, vain: u32) -> bool {
        // ORDERING: Acquire: pairs with `last_to_finish`: what was sent is there by now, if it ever will be.
        vain > VAIN_MAX && self.sending.load(Ordering::Acquire) == 0
    }
}

/// A consumer's way through a course, for those that try.
#[derive(Debug, Default)]
struct Progress {
    account: Account,
    told: u64,
    vain: u32,
    idle: Idle,
}

impl Progress {
    #[inline(always)]
    fn found(&mut self) {
        self.idle.reset();
        self.vain = 0;
    }

    /// Whether it is over.
    #[inline(always)]
    fn found_nothing(&mut self, course: &Course) -> bool {
        self.idle.step() && self.is_over(course)
    }

    #[cold]
    fn is_over(&mut self, course: &Course) -> bool {
        self.vain += 1;
        self.tell(course) || course.lost(self.vain)
    }

    /// Adds to the common count what is not in it yet. Whether that makes it complete.
    fn tell(&mut self, course: &Course) -> bool {
        let count = self.account.count - self.told;
        self.told = self.account.count;
        course.all_received(count)
    }

    /// One who had everything must tell the others too.
    fn end(mut self, course: &Course) -> Account {
        self.tell(course);
        self.account
    }
}

/// One way to use a ring.
pub trait Mode<M: Message, F: Flavour<M>>: 'static {
    /// Sends the messages with these numbers.
    fn produce(sender: &mut F::Sender, numbers: Range<u64>);

    /// Tells the consumers, as far as they need to be told, that this producer is done.
    fn finish(_sender: &mut F::Sender, course: &Course) {
        course.last_to_finish();
    }

    /// Receives until the course is over.
    fn consume(receiver: &mut F::Receiver, course: &Course) -> Account;
}

/// One message a call; waits as [`Idle`] does.
#[derive(Debug)]
pub enum Single {}

/// Up to [`BATCH`] messages a call; waits as [`Idle`] does.
#[derive(Debug)]
pub enum Batch {}

/// Calls that wait as the ring waits.
#[derive(Debug)]
pub enum Blocking {}

impl<M: Message, F: Flavour<M, Sender: Put<M>, Receiver: Take<M>>> Mode<M, F> for Single {
    fn produce(sender: &mut F::Sender, numbers: Range<u64>) {
        let mut idle = Idle::default();
        for number in numbers {
            while !sender.put(M::numbered(number)) {
                idle.step();
            }
            idle.reset();
        }
    }

    fn consume(receiver: &mut F::Receiver, course: &Course) -> Account {
        let mut progress = Progress::default();
        while progress.account.count < course.total {
            if let Some(message) = receiver.take() {
                progress.account.enter(&message);
                progress.found();
            } else if progress.found_nothing(course) {
                break;
            }
        }
        progress.end(course)
    }
}

impl<M: Message, F: Flavour<M, Sender: PutBatch<M>, Receiver: TakeBatch<M>>> Mode<M, F> for Batch {
    fn produce(sender: &mut F::Sender, numbers: Range<u64>) {
        let (mut next, mut idle) = (numbers.start, Idle::default());
        while next < numbers.end {
            let count = sender.put_batch(next..numbers.end.min(next + BATCH as u64));
            next += count as u64;
            if count > 0 {
                idle.reset();
            } else {
                idle.step();
            }
        }
    }

    fn consume(receiver: &mut F::Receiver, course: &Course) -> Account {
        let mut progress = Progress::default();
        while progress.account.count < course.total {
            let account = &mut progress.account;
            let count_max = BATCH.min((course.total - account.count) as usize);
            if receiver.take_batch(count_max, |message| account.enter(message)) > 0 {
                progress.found();
            } else if progress.found_nothing(course) {
                break;
            }
        }
        progress.end(course)
    }
}

impl<M: Message, F: Flavour<M, Sender: PutWaiting<M>, Receiver: TakeWaiting<M>>> Mode<M, F> for Blocking {
    fn produce(sender: &mut F::Sender, numbers: Range<u64>) {
        for number in numbers {
            sender.put_waiting(M::numbered(number));
        }
    }

    fn finish(sender: &mut F::Sender, course: &Course) {
        if course.last_to_finish() {
            for _ in 0..course.competing.unwrap_or(1) {
                sender.put_waiting(M::numbered(END));
            }
        }
    }

    fn consume(receiver: &mut F::Receiver, course: &Course) -> Account {
        let mut account = Account::default();
        while account.count < course.total {
            let Some(message) = receiver.take_waiting() else { break };
            if message.number() == END {
                break;
            }
            account.enter(&message);
        }
        account
    }
}
