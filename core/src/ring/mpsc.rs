//! A bounded ring for many senders and one receiver.
//!
//! **Promise.** Linearizable: a send that is over before another one starts comes out first, `Full` and `Empty` were
//! true at some moment of the call. Receiving takes no atomic read-modify-write. No allocation after [`bounded`].
//!
//! **Not promised.** That a suspended thread stops nobody: a sender that was interrupted between taking a slot and
//! stamping it keeps back the receiver there. While a [`Claim`] is open, the receiver finds the ring empty from there
//! on. A claim that is aborted when others have sent behind it takes up room until the receiver gets there.
//!
//! **Picture.** The slots and the sending end are those of `stamped.rs`. The receiver's position is `head`, on a
//! line of its own: senders look there only when the room that they know of is used up.
//!
//! **Protocol.** P1, P3 and P5 of `stamped.rs`, and
//! - `P2 release-slot`: the receiver reads the message out, then stores `head` with Release; a sender loads `head` with
//!   Acquire and overwrites. It is stored for every message: stored lazily, it would eat capacity.
//! - `P4 park-wake`: after P1 the sender notifies `not_empty`, after P2 the receiver `not_full`; the event count
//!   orders each against the sleeper's last look.
//!
//! **Failure.** Errors hand the message back. A message whose `drop` panics while the ring drops what is left does
//! not keep the others from being dropped.
//!
//! **Where next.** `stamped.rs`.

use super::handles::Handles;
use super::stamped::{Found, Guess, Stamped};
use super::verbs::*;
use super::{check_capacity, drop_all};
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::marker::PhantomData;

/// Makes a ring for `capacity` messages.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// let (sender, receiver) = ringmain::ring::mpsc::bounded(8);
/// let threads: Vec<_> = (0..4).map(|n| (n, sender.clone())).collect();
/// drop(sender);
/// for (n, sender) in threads {
///     std::thread::spawn(move || sender.send(n).unwrap());
/// }
/// assert_eq!(receiver.iter().sum::<i32>(), 6);
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    check_capacity(capacity);
    let ring = Arc::new(Ring {
        sent: Stamped::new(capacity),
        head: CachePadded::new(AtomicU64::new(0)),
        capacity: capacity as u64,
        senders: Handles::new(),
        not_empty: EventCount::new(),
        not_full: EventCount::new(),
    });
    let waiting = Waiting::default();
    let sender = Sender { ring: Arc::clone(&ring), guess: Guess::new(capacity as u64), waiting };
    (sender, Receiver { ring, alone: PhantomData, waiting })
}

/// The sending side. Clones send into the same ring; when the last one is dropped, the receiver gets what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
    guess: Guess,
    waiting: Waiting,
}

/// The receiving side. When it is dropped, what is left is dropped too.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// Used from one thread at a time: the receiver alone stores `Ring::head`.
    alone: PhantomData<Cell<()>>,
    waiting: Waiting,
}

struct Ring<T> {
    sent: Stamped<T>,
    /// The first message; the receiver stores it.
    head: CachePadded<AtomicU64>,
    capacity: u64,
    senders: Handles,
    not_empty: EventCount,
    not_full: EventCount,
}

// SAFETY: a message is written by the one sender that took its position, and read by the one receiver (P1, P2): a ring
// moves messages between threads and never shares one.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: the receiver is not `Sync`, and senders only give messages away.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn capacity(&self) -> Option<usize> {
        Some(self.capacity as usize)
    }

    fn len(&self) -> usize {
        // ORDERING: Acquire: keeps the loads in order; `head` first, so that it is not past `tail`.
        let head = self.head.load(Ordering::Acquire);
        // Messages may have come and gone in between, hence the minimum.
        self.sent.tail().0.saturating_sub(head).min(self.capacity) as usize
    }

    /// Up to where there is room.
    #[inline]
    fn limit(&self) -> u64 {
        // ORDERING: Acquire, P2: pairs with the receiver's Release: weaker, our write could overtake its read.
        self.head.load(Ordering::Acquire) + self.capacity
    }

    /// Lets no further send succeed, and wakes everybody.
    fn close(&self) {
        self.sent.close();
        self.not_empty.notify_all();
        self.not_full.notify_all();
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed: the last handle is gone, and the `Arc` has put everything before this.
        let head = Cell::new(self.head.load(Ordering::Relaxed));
        let (tail, _) = self.sent.tail();
        drop_all(|| {
            while head.get() != tail {
                let position = head.replace(head.get() + 1);
                // Anything else than a message is a claim, aborted or forgotten.
                if self.sent.is_sent(position) {
                    let slot = self.sent.slot(position);
                    // SAFETY: sent (P1), not received, and read once, because `head` has moved on.
                    return Some(slot.message.with(|place| unsafe { (*place).assume_init_read() }));
                }
            }
            None
        });
    }
}

impl<T> SendEnd for Sender<T> {
    type Message = T;

    #[inline]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        let ring = &*self.ring;
        match ring.sent.take(&self.guess, 1, false, || ring.limit()) {
            Ok(run) => {
                // SAFETY: just taken.
                unsafe { ring.sent.write(run.start, message) };
                ring.sent.publish_one(run.start);
                ring.not_empty.notify_one();
                Ok(())
            }
            Err(TrySendError::Full(())) => Err(TrySendError::Full(message)),
            Err(TrySendError::Disconnected(())) => Err(TrySendError::Disconnected(message)),
        }
    }

    #[inline]
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        self.ring.sent.take(&self.guess, len_max, is_long, || self.ring.limit())
    }

    #[inline]
    unsafe fn write(&self, run: Run, index: usize, message: T) {
        // SAFETY: the caller's promise.
        unsafe { self.ring.sent.write(run.start + index as u64, message) };
    }

    unsafe fn unwrite(&self, run: Run, index: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.ring.sent.unwrite(run.start + index as u64) };
    }

    #[inline]
    unsafe fn publish(&self, run: Run, written: usize) {
        self.ring.sent.publish(run, written);
        // Messages behind a claim may have been passed over, and an aborted one makes room again.
        self.ring.not_empty.notify_one();
        if written < run.len {
            self.ring.not_full.notify(run.len - written);
        }
    }

    fn room(&self) -> &EventCount {
        &self.ring.not_full
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

impl<T> Receiver<T> {
    /// The position of the next message.
    #[inline]
    fn head(&self) -> u64 {
        // ORDERING: Relaxed: only we store it. WHY not a copy of it in the handle: one store less a message.
        self.ring.head.load(Ordering::Relaxed)
    }

    #[inline]
    fn move_head(&self, head: u64) {
        // ORDERING: Release, P2: pairs with the senders' Acquire: weaker, one could overwrite what we are reading.
        self.ring.head.store(head, Ordering::Release);
    }

    /// After nothing was seen at `head`: passes over aborted claims. Returns where a message is.
    #[cold]
    fn find(&self) -> Result<u64, TryRecvError> {
        loop {
            let head = self.head();
            match self.ring.sent.find(head) {
                Found::Message => return Ok(head),
                Found::Nothing => return Err(TryRecvError::Empty),
                Found::End => return Err(TryRecvError::Disconnected),
                Found::Void => {
                    self.move_head(head + 1);
                    self.ring.not_full.notify_one();
                }
            }
        }
    }
}

impl<T> ReceiveEnd for Receiver<T> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        let ring = &*self.ring;
        let mut head = self.head();
        if !ring.sent.is_sent(head) {
            head = self.find()?;
        }
        // SAFETY: the message was written whole (P1), and no sender touches the slot before `head` moves (P2). There
        // is one receiver.
        let message = ring.sent.slot(head).message.with(|place| unsafe { (*place).assume_init_read() });
        self.move_head(head + 1);
        ring.not_full.notify_one();
        Ok(message)
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        let mut start = self.head();
        if !self.ring.sent.is_sent(start) {
            start = self.find()?;
        }
        let mut len = 1;
        while len < len_max && self.ring.sent.is_sent(start + len as u64) {
            len += 1;
        }
        Ok(Run { start, len, is_long })
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        let slot = self.ring.sent.slot(run.start + index as u64);
        // SAFETY: written whole (P1), and ours until `release`; the reference lives as long as the run.
        slot.message.with(|place| unsafe { (*place).assume_init_ref() })
    }

    #[inline]
    unsafe fn read(&self, run: Run, index: usize) -> T {
        let slot = self.ring.sent.slot(run.start + index as u64);
        // SAFETY: as in `peek`, and read once, as the caller promises.
        slot.message.with(|place| unsafe { (*place).assume_init_read() })
    }

    #[inline]
    unsafe fn release(&self, run: Run, read: usize) {
        if read != 0 {
            self.move_head(run.start + read as u64);
            self.ring.not_full.notify(read);
        }
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

sender_verbs!(Sender<[T]> for [T]);
receiver_verbs!(Receiver<[T]> for [T], mut);
both_ends!(Sender<[T]> for [T]);
both_ends!(Receiver<[T]> for [T]);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.ring.senders.join();
        Self { ring: Arc::clone(&self.ring), guess: self.guess.clone(), waiting: self.waiting }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.ring.senders.leave() {
            self.ring.close();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.ring.close();
        // WHY: now and not with the last sender, because a message may itself hold a sender of this ring.
        drop_all(|| self.try_recv().ok());
    }
}
