//! A bounded ring for many senders and many receivers: each message goes to one receiver.
//!
//! **Promise.** Linearizable: a send that is over before another one starts comes out first, `Full` and `Empty` were
//! true at some moment of the call. No allocation after [`channel`].
//!
//! **Not promised.** That a suspended thread stops nobody: one that was interrupted between taking a slot and
//! marking it keeps back the receivers (or senders) that come to that slot, and no others.
//!
//! **Picture.** A position is `lap | index`, where a lap is a power of two above the capacity, so that positions
//! order all messages and an index needs no division. Every slot has a stamp, which says for which position it is
//! good (Vyukov's bounded queue):
//!
//! ```text
//!   stamp == position          free, the sender at `position` may claim it      head          tail
//!   stamp == position + 1      holds the message of `position`                   v             v
//!   stamp == position + lap    free again, for the sender one lap later    [ free | full | full | free ]
//! ```
//!
//! **Protocol.**
//! - `P1 publish-slot`: the sender that moved `tail` writes the message, then stores the stamp with Release; the
//!   receiver loads the stamp with Acquire and reads the message.
//! - `P2 release-slot`: the receiver that moved `head` reads the message out, then stores the next lap's stamp with
//!   Release; the sender of the next lap loads it with Acquire and overwrites.
//! - `P3 close`: the `CLOSED` bit is set in `tail` itself, so that no claim succeeds after it, and what was claimed
//!   before it is counted in the same word: a receiver that finds `head` there knows that it has had everything.
//! - `P4 park-wake`: after P1 the sender notifies `not_empty`, after P2 the receiver notifies `not_full`; the event
//!   count orders each against the sleeper's last look.
//!
//! `tail` and `head` are only tickets: they carry no data, and are Relaxed.
//!
//! **Failure.** Errors hand the message back. A message whose `drop` panics while the ring drops what is left does
//! not keep the others from being dropped.
//!
//! **Where next.** `wait.rs` below; above, everything with competing consumers.

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::iter::{IntoIter, Iter, Receive, TryIter};
use super::wait::{Pause, recv_until, send_until};
use super::{check_capacity, drop_all};
use crate::sync::event_count::EventCount;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::fmt;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Set in `tail` when a side is gone. Positions stay below it: they need a century to get there.
const CLOSED: u64 = 1 << 63;

/// Makes a ring for `capacity` messages.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::{TrySendError, mpmc};
/// let (sender, receiver) = mpmc::channel(2);
/// sender.send("a").unwrap();
/// sender.send("b").unwrap();
/// assert_eq!(sender.try_send("c"), Err(TrySendError::Full("c")));
/// assert_eq!(receiver.recv(), Ok("a"));
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    check_capacity(capacity);
    let slot = |index| Slot { stamp: AtomicU64::new(index), message: UnsafeCell::new(MaybeUninit::uninit()) };
    let ring = Arc::new(Ring {
        tail: CachePadded::new(AtomicU64::new(0)),
        head: CachePadded::new(AtomicU64::new(0)),
        slots: (0..capacity as u64).map(slot).collect(),
        lap: (capacity as u64 + 1).next_power_of_two(),
        sender_count: AtomicUsize::new(1),
        receiver_count: AtomicUsize::new(1),
        not_empty: EventCount::new(),
        not_full: EventCount::new(),
    });
    (Sender { ring: Arc::clone(&ring) }, Receiver { ring })
}

/// The sending side. Clones send into the same ring; when the last one is dropped, receivers get what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
}

/// The receiving side. Clones compete for the messages; when the last one is dropped, what is left is dropped too.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
}

struct Slot<T> {
    stamp: AtomicU64,
    message: UnsafeCell<MaybeUninit<T>>,
}

struct Ring<T> {
    /// The next position to send to, and `CLOSED`.
    tail: CachePadded<AtomicU64>,
    /// The next position to receive from.
    head: CachePadded<AtomicU64>,
    slots: Box<[Slot<T>]>,
    /// How far apart two positions with the same index are: a power of two above the capacity.
    lap: u64,
    sender_count: AtomicUsize,
    receiver_count: AtomicUsize,
    not_empty: EventCount,
    not_full: EventCount,
}

// SAFETY: a message is written by the one sender and read by the one receiver that claimed its position (P1, P2), so
// a ring moves messages between threads and never shares one.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: `&Ring` gives away messages, but never two threads the same one.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, position: u64) -> &Slot<T> {
        &self.slots[(position & (self.lap - 1)) as usize]
    }

    /// The position after `position`.
    fn after(&self, position: u64) -> u64 {
        let index = position & (self.lap - 1);
        if index + 1 < self.slots.len() as u64 { position + 1 } else { position - index + self.lap }
    }

    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let pause = Pause::new();
        // ORDERING: Relaxed: a ticket; the CAS below decides whether it was good.
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            if tail & CLOSED != 0 {
                return Err(TrySendError::Disconnected(message));
            }
            let slot = self.slot(tail);
            // ORDERING: Acquire, P2: pairs with the receiver's Release in `try_recv`, which read the old message
            // before: weaker, our write could overtake that read.
            let stamp = slot.stamp.load(Ordering::Acquire);
            if stamp == tail {
                let next = self.after(tail);
                // ORDERING: Relaxed: a ticket; the message is published by its stamp.
                match self.tail.compare_exchange_weak(tail, next, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        // SAFETY: the CAS gave position `tail` to us alone, and its stamp says that the slot is
                        // free: the receiver one lap before has read it out (P2), and none will look at it
                        // before the stamp says so (P1).
                        slot.message.with_mut(|place| unsafe { (*place).write(message) });
                        // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message.
                        slot.stamp.store(tail + 1, Ordering::Release);
                        self.not_empty.notify();
                        return Ok(());
                    }
                    Err(now) => {
                        tail = now;
                        pause.spin();
                        continue;
                    }
                }
            }
            // The slot still belongs to the lap before, unless our ticket is stale. Full, if nobody has claimed
            // that message; else its receiver is at work on the slot, or was interrupted there.
            // ORDERING: Relaxed: `head` only grows, and the ring never holds more than its capacity; so if `head`
            // is a lap behind `tail`, no receive that happened before this call has made room.
            if stamp < tail && self.head.load(Ordering::Relaxed) + self.lap == tail {
                return Err(TrySendError::Full(message));
            }
            pause.snooze();
            // ORDERING: Relaxed: a ticket, as above.
            tail = self.tail.load(Ordering::Relaxed);
        }
    }

    fn try_recv(&self) -> Result<T, TryRecvError> {
        let pause = Pause::new();
        // ORDERING: Relaxed: a ticket; the CAS below decides whether it was good.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(head);
            // ORDERING: Acquire, P1: pairs with the sender's Release in `try_send`: weaker, we could read the slot
            // as it was before the message.
            let stamp = slot.stamp.load(Ordering::Acquire);
            if stamp == head + 1 {
                let next = self.after(head);
                // ORDERING: Relaxed: a ticket; the stamp has already given us the message.
                match self.head.compare_exchange_weak(head, next, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        // SAFETY: the CAS gave the message of position `head` to us alone, the stamp says that it
                        // was written whole (P1), and no sender touches the slot before the next stamp (P2).
                        let message = slot.message.with(|place| unsafe { (*place).assume_init_read() });
                        // ORDERING: Release, P2: pairs with the next lap's sender's Acquire: weaker, it could
                        // overwrite the message while we read it.
                        slot.stamp.store(head + self.lap, Ordering::Release);
                        self.not_full.notify();
                        return Ok(message);
                    }
                    Err(now) => {
                        head = now;
                        pause.spin();
                        continue;
                    }
                }
            }
            if stamp <= head {
                // ORDERING: Acquire, P3: pairs with `close`, so that whoever learns that a side is gone sees what
                // that side did before. For the emptiness Relaxed would do: a send that happened before this call
                // has moved `tail`.
                let tail = self.tail.load(Ordering::Acquire);
                if tail & !CLOSED == head {
                    return Err(if tail & CLOSED == 0 {
                        TryRecvError::Empty
                    } else {
                        TryRecvError::Disconnected
                    });
                }
            }
            // Our ticket is stale, or the sender of this slot is at work on it, or was interrupted there.
            pause.snooze();
            // ORDERING: Relaxed: a ticket, as above.
            head = self.head.load(Ordering::Relaxed);
        }
    }

    /// Lets no further send succeed, and wakes everybody.
    fn close(&self) {
        // ORDERING: Release, P3: carries what this side did before; in `tail`, see the module's description.
        self.tail.fetch_or(CLOSED, Ordering::Release);
        self.not_empty.notify();
        self.not_full.notify();
    }

    fn drop_messages(&self) {
        drop_all(|| self.try_recv().ok());
    }

    fn len(&self) -> usize {
        loop {
            // ORDERING: Acquire, for both: keeps the three loads in order. If `tail` is the same before and after,
            // it was so when `head` was read.
            let tail = self.tail.load(Ordering::Acquire);
            let head = self.head.load(Ordering::Acquire);
            // ORDERING: Relaxed: nothing follows.
            let unmoved = self.tail.load(Ordering::Relaxed) == tail;
            let tail = tail & !CLOSED;
            // WHY: the tickets are Relaxed, so that on paper either may be seen without the other's latest move.
            if unmoved && head <= tail {
                let capacity = self.slots.len() as u64;
                let index = |position: u64| position & (self.lap - 1);
                let laps = tail / self.lap - head / self.lap;
                return (laps * capacity + index(tail) - index(head)).min(capacity) as usize;
            }
        }
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        self.drop_messages();
    }
}

impl<T> Sender<T> {
    /// Sends `message`, waiting for room.
    ///
    /// # Errors
    /// [`SendError`] with the message if no receiver is left.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send_within(message, None).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `message` if there is room now.
    ///
    /// # Errors
    /// [`TrySendError`] with the message if there is no room or no receiver.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.ring.try_send(message)
    }

    /// Sends `message`, waiting for room for at most `timeout`.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the message if there was no room in time or there is no receiver.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(message, Some(timeout))
    }

    fn send_within(&self, message: T, timeout: Option<Duration>) -> Result<(), SendTimeoutError<T>> {
        send_until(&self.ring.not_full, timeout, message, |message| self.ring.try_send(message))
    }

    /// How many messages are in the ring, sent or being sent.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no message is in the ring.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room in the ring.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many messages the ring holds at most.
    pub fn capacity(&self) -> usize {
        self.ring.slots.len()
    }
}

impl<T> Receiver<T> {
    /// Receives a message, waiting for one.
    ///
    /// # Errors
    /// [`RecvError`] if there is none and no sender is left.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(None).map_err(|_| RecvError)
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// [`TryRecvError`] if there is none, and whether one may still come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.ring.try_recv()
    }

    /// Receives a message, waiting for one for at most `timeout`.
    ///
    /// # Errors
    /// [`RecvTimeoutError`] if none came in time, or there is none and no sender is left.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Some(timeout))
    }

    fn recv_within(&self, timeout: Option<Duration>) -> Result<T, RecvTimeoutError> {
        recv_until(&self.ring.not_empty, timeout, || self.ring.try_recv())
    }

    /// Messages until the ring is empty and no sender is left, each waited for.
    pub fn iter(&self) -> Iter<'_, Self> {
        Iter(self)
    }

    /// Messages until the ring is empty.
    pub fn try_iter(&self) -> TryIter<'_, Self> {
        TryIter(self)
    }

    /// How many messages are in the ring, sent or being sent.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no message is in the ring.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room in the ring.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many messages the ring holds at most.
    pub fn capacity(&self) -> usize {
        self.ring.slots.len()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed: we hold a handle, so that the count cannot reach zero meanwhile.
        self.ring.sender_count.fetch_add(1, Ordering::Relaxed);
        Self { ring: Arc::clone(&self.ring) }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed: we hold a handle, so that the count cannot reach zero meanwhile.
        self.ring.receiver_count.fetch_add(1, Ordering::Relaxed);
        Self { ring: Arc::clone(&self.ring) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // ORDERING: AcqRel, P3: each drop releases what its thread did, and the last one acquires it all, to
        // release it by `close`.
        if self.ring.sender_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring.close();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // ORDERING: AcqRel, P3: as for senders.
        if self.ring.receiver_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring.close();
            // WHY: now and not with the last sender, because a message may itself hold a sender of this ring.
            self.ring.drop_messages();
        }
    }
}

impl<T> Receive for Receiver<T> {
    type Message = T;

    fn next_waiting(&self) -> Option<T> {
        self.recv().ok()
    }

    fn next_now(&self) -> Option<T> {
        self.try_recv().ok()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<Self>;

    fn into_iter(self) -> IntoIter<Self> {
        IntoIter(self)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, Receiver<T>>;

    fn into_iter(self) -> Iter<'a, Receiver<T>> {
        self.iter()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
