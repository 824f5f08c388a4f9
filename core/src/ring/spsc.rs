//! A bounded ring for one sender and one receiver.
//!
//! **Promise.** Wait-free `try_send` and `try_recv`: neither side ever waits for the other to finish something. First
//! in, first out. No allocation after [`channel`].
//!
//! **Not promised.** Sharing a handle among threads: a handle may move to another thread, but it cannot be cloned,
//! and not be used from two at once; the compiler refuses it.
//!
//! ```compile_fail
//! let (sender, receiver) = ringmain::ring::spsc::channel(8);
//! std::thread::scope(|scope| {
//!     scope.spawn(|| sender.try_send(1));
//!     scope.spawn(|| sender.try_send(2));
//!     scope.spawn(|| receiver.recv());
//! });
//! ```
//!
//! **Picture.** Positions count messages from 0 and never wrap; slots are a power of two, so that an index needs no
//! division, and the capacity may be less than that. Each handle keeps its own position and what it last saw of the
//! other's, and looks again only when that runs out: most messages touch no line that the other side writes.
//!
//! ```text
//!                 head                tail              head + capacity
//!                  v                   v                       v
//!   ... received   [ full | full | full | free | free | free ] ...
//!                                 ^ the receiver knows this much      ^ the sender knows this much or less
//! ```
//!
//! **Protocol.**
//! - `P1 publish-slot`: the sender writes the message, then stores `tail` with Release; the receiver loads `tail`
//!   with Acquire and reads the messages before it.
//! - `P2 release-slot`: the receiver reads the message out, then stores `head` with Release; the sender loads `head`
//!   with Acquire and overwrites. It is stored for every message: stored lazily, it would eat capacity.
//! - `P3 close`: a side that goes says so with Release after its last message; the other loads it with Acquire, and
//!   then looks at the position once more.
//! - `P4 park-wake`: after P1 and P3 the sender notifies `not_empty`, after P2 and P3 the receiver `not_full`; the
//!   event count orders each against the sleeper's last look.
//!
//! **Failure.** Errors hand the message back. A message sent while the receiver is being dropped may be dropped only
//! with the sender. A message whose `drop` panics while the ring drops what is left does not keep the others from
//! being dropped.
//!
//! **Where next.** `wait.rs` below; above, the pipelines.

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::iter::{IntoIter, Iter, Receive, TryIter};
use super::wait::{recv_until, send_until};
use super::{check_capacity, drop_all};
use crate::sync::event_count::EventCount;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::fmt;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Makes a ring for `capacity` messages.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::{TryRecvError, spsc};
/// let (sender, receiver) = spsc::channel(3);
/// sender.send("a").unwrap();
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Ok("a"));
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    check_capacity(capacity);
    let slot_count = capacity.next_power_of_two();
    let ring = Arc::new(Ring {
        tail: CachePadded::new(AtomicU64::new(0)),
        head: CachePadded::new(AtomicU64::new(0)),
        slots: (0..slot_count).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
        capacity: capacity as u64,
        sender_gone: AtomicBool::new(false),
        receiver_gone: AtomicBool::new(false),
        not_empty: EventCount::new(),
        not_full: EventCount::new(),
    });
    let sender = Sender { ring: Arc::clone(&ring), tail: Cell::new(0), limit: Cell::new(capacity as u64) };
    (sender, Receiver { ring, head: Cell::new(0), ready: Cell::new(0) })
}

/// The sending side. When it is dropped, the receiver gets what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
    /// The position of the next message: what `Ring::tail` says.
    tail: Cell<u64>,
    /// There is room up to this position, and maybe more.
    limit: Cell<u64>,
}

/// The receiving side. When it is dropped, what is left is dropped too.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// The position of the next message: what `Ring::head` says.
    head: Cell<u64>,
    /// There are messages up to this position, and maybe more.
    ready: Cell<u64>,
}

struct Ring<T> {
    /// One past the last message; the sender stores it.
    tail: CachePadded<AtomicU64>,
    /// The first message; the receiver stores it.
    head: CachePadded<AtomicU64>,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    capacity: u64,
    sender_gone: AtomicBool,
    receiver_gone: AtomicBool,
    not_empty: EventCount,
    not_full: EventCount,
}

// SAFETY: a slot belongs to the sender from P2 to P1 and to the receiver from P1 to P2, and there is one of each: a
// ring moves messages between threads and never shares one.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: all access to slots goes through the one sender and the one receiver, which are not `Sync`.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, position: u64) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position as usize & (self.slots.len() - 1)]
    }

    fn len(&self) -> usize {
        // ORDERING: Acquire: keeps the loads in order; `head` first, so that it is not past `tail`.
        let head = self.head.load(Ordering::Acquire);
        // ORDERING: Acquire: as above. Messages may have come and gone in between, hence the minimum.
        let tail = self.tail.load(Ordering::Acquire);
        tail.saturating_sub(head).min(self.capacity) as usize
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed: the last handle is gone, and the `Arc` has put everything before this.
        let head = Cell::new(self.head.load(Ordering::Relaxed));
        // ORDERING: Relaxed: as above.
        let tail = self.tail.load(Ordering::Relaxed);
        drop_all(|| {
            let position = head.get();
            (position != tail).then(|| {
                head.set(position + 1);
                // SAFETY: positions from `head` to `tail` hold messages (P1) that nobody has read out, and each is
                // read once, because `head` has moved on even if dropping it panics.
                self.slot(position).with(|place| unsafe { (*place).assume_init_read() })
            })
        });
    }
}

impl<T> Sender<T> {
    /// Sends `message`, waiting for room.
    ///
    /// # Errors
    /// [`SendError`] with the message if the receiver is gone.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send_within(message, None).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `message` if there is room now.
    ///
    /// # Errors
    /// [`TrySendError`] with the message if there is no room or no receiver.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let ring = &*self.ring;
        // ORDERING: Acquire, P3: pairs with the receiver's drop: whoever learns of it sees what came before it.
        if ring.receiver_gone.load(Ordering::Acquire) {
            return Err(TrySendError::Disconnected(message));
        }
        let tail = self.tail.get();
        if tail == self.limit.get() && !self.find_room() {
            return Err(TrySendError::Full(message));
        }
        // SAFETY: `tail` is below `limit`, which is at most `head + capacity`: the receiver has read out what was in
        // this slot (P2), and does not look at it before `tail` moves (P1). There is one sender.
        ring.slot(tail).with_mut(|place| unsafe { (*place).write(message) });
        self.tail.set(tail + 1);
        // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message.
        ring.tail.store(tail + 1, Ordering::Release);
        ring.not_empty.notify();
        Ok(())
    }

    /// Looks how far the receiver has come.
    #[cold]
    fn find_room(&self) -> bool {
        // ORDERING: Acquire, P2: pairs with the receiver's Release: weaker, our write could overtake its read.
        self.limit.set(self.ring.head.load(Ordering::Acquire) + self.ring.capacity);
        self.limit.get() != self.tail.get()
    }

    /// Sends `message`, waiting for room for at most `timeout`.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the message if there was no room in time or there is no receiver.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(message, Some(timeout))
    }

    fn send_within(&self, message: T, timeout: Option<Duration>) -> Result<(), SendTimeoutError<T>> {
        send_until(&self.ring.not_full, timeout, message, |message| self.try_send(message))
    }

    /// How many messages are in the ring.
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
        self.ring.capacity as usize
    }
}

impl<T> Receiver<T> {
    /// Receives a message, waiting for one.
    ///
    /// # Errors
    /// [`RecvError`] if there is none and the sender is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(None).map_err(|_| RecvError)
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// [`TryRecvError`] if there is none, and whether one may still come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let ring = &*self.ring;
        let head = self.head.get();
        if head == self.ready.get() {
            self.find_messages()?;
        }
        // SAFETY: `head` is below `ready`, which is at most `tail`: the message was written whole (P1), and the sender
        // does not touch the slot before `head` moves (P2). There is one receiver.
        let message = ring.slot(head).with(|place| unsafe { (*place).assume_init_read() });
        self.head.set(head + 1);
        // ORDERING: Release, P2: pairs with the sender's Acquire: weaker, it could overwrite what we are reading.
        ring.head.store(head + 1, Ordering::Release);
        ring.not_full.notify();
        Ok(message)
    }

    /// Looks how far the sender has come.
    #[cold]
    fn find_messages(&self) -> Result<(), TryRecvError> {
        let head = self.head.get();
        // ORDERING: Acquire, P1: pairs with the sender's Release and carries the messages before it.
        self.ready.set(self.ring.tail.load(Ordering::Acquire));
        if self.ready.get() != head {
            return Ok(());
        }
        // ORDERING: Acquire, P3: pairs with the sender's drop and carries its last `tail`.
        if !self.ring.sender_gone.load(Ordering::Acquire) {
            return Err(TryRecvError::Empty);
        }
        // ORDERING: Acquire, P1: as above. Once more, because the sender may have sent and gone in between.
        self.ready.set(self.ring.tail.load(Ordering::Acquire));
        if self.ready.get() == head { Err(TryRecvError::Disconnected) } else { Ok(()) }
    }

    /// Receives a message, waiting for one for at most `timeout`.
    ///
    /// # Errors
    /// [`RecvTimeoutError`] if none came in time, or there is none and the sender is gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Some(timeout))
    }

    fn recv_within(&self, timeout: Option<Duration>) -> Result<T, RecvTimeoutError> {
        recv_until(&self.ring.not_empty, timeout, || self.try_recv())
    }

    /// Messages until the ring is empty and the sender is gone, each waited for.
    pub fn iter(&self) -> Iter<'_, Self> {
        Iter(self)
    }

    /// Messages until the ring is empty.
    pub fn try_iter(&self) -> TryIter<'_, Self> {
        TryIter(self)
    }

    /// How many messages are in the ring.
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
        self.ring.capacity as usize
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // ORDERING: Release, P3: carries the last `tail`, and what this thread did before.
        self.ring.sender_gone.store(true, Ordering::Release);
        self.ring.not_empty.notify();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // ORDERING: Release, P3: carries what this thread did before.
        self.ring.receiver_gone.store(true, Ordering::Release);
        self.ring.not_full.notify();
        // WHY: now and not with the sender, because a message may itself hold the sender of this ring.
        drop_all(|| self.try_recv().ok());
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
