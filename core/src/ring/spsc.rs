//! A bounded ring for one sender and one receiver.
//!
//! **Promise.** Wait-free `try_send` and `try_recv`: neither side ever waits for the other to finish something. First
//! in, first out. No allocation after [`bounded`].
//!
//! **Not promised.** Sharing a handle among threads: a handle may move to another thread, but it cannot be cloned,
//! and not be used from two at once; the compiler refuses it.
//!
//! ```compile_fail
//! let (sender, receiver) = ringmain::ring::spsc::bounded(8);
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

use super::check_capacity;
use super::drop_all;
use super::pace::Pace;
use super::verbs::*;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicBool, AtomicU64, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Makes a ring for `capacity` messages.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::{TryRecvError, spsc};
/// let (sender, receiver) = spsc::bounded(2);
/// sender.send("a").unwrap();
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Ok("a"));
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
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
    let waiting = Waiting::default();
    let sender = Sender {
        ring: Arc::clone(&ring),
        slots: Slots::of(&ring.slots),
        tail: Cell::new(0),
        limit: Cell::new(capacity as u64),
        pace: Pace::new(capacity),
        waiting,
    };
    let pace = Pace::new(capacity);
    let slots = Slots::of(&ring.slots);
    (sender, Receiver { ring, slots, head: Cell::new(0), ready: Cell::new(0), pace, waiting })
}

/// The sending side. When it is dropped, the receiver gets what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
    slots: Slots<T>,
    /// What `Ring::tail` says, where the compiler can keep it in a register.
    tail: Cell<u64>,
    /// There is room up to this position, and maybe more.
    limit: Cell<u64>,
    pace: Pace,
    waiting: Waiting,
}

/// The receiving side. When it is dropped, what is left is dropped too.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    slots: Slots<T>,
    /// What `Ring::head` says, where the compiler can keep it in a register.
    head: Cell<u64>,
    /// There are messages up to this position, and maybe more.
    ready: Cell<u64>,
    pace: Pace,
    waiting: Waiting,
}

type Slot<T> = UnsafeCell<MaybeUninit<T>>;

/// Where the slots are. WHY in each handle, and not only in the ring: the compiler keeps it in registers, while it reads
/// what is in the ring again for every message.
struct Slots<T> {
    first: NonNull<Slot<T>>,
    /// One less than the number of slots, which is a power of two.
    mask: u64,
}

impl<T> Slots<T> {
    fn of(slots: &[Slot<T>]) -> Self {
        Self { first: NonNull::from(slots).cast(), mask: slots.len() as u64 - 1 }
    }

    #[inline]
    fn at(&self, position: u64) -> &Slot<T> {
        // SAFETY: the masked index is below the number of slots. They live as long as the ring, which each handle, and the
        // ring itself, has besides this.
        unsafe { self.first.add((position & self.mask) as usize).as_ref() }
    }

    /// The slots of `len` positions, which lie in a row, or in two.
    #[inline]
    fn rows(&self, position: u64, len: usize) -> [&[Slot<T>]; 2] {
        // SAFETY: as above, for all slots.
        let slots = unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.mask as usize + 1) };
        let (before, after) = slots.split_at((position & self.mask) as usize);
        let first = len.min(after.len());
        [&after[..first], &before[..len - first]]
    }
}

struct Ring<T> {
    /// One past the last message; the sender stores it.
    tail: CachePadded<AtomicU64>,
    /// The first message; the receiver stores it.
    head: CachePadded<AtomicU64>,
    slots: Box<[Slot<T>]>,
    capacity: u64,
    sender_gone: AtomicBool,
    receiver_gone: AtomicBool,
    not_empty: EventCount,
    not_full: EventCount,
}

// SAFETY: `slots` is a way to what `ring` owns, and adds nothing to it.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Receiver<T> {}

// SAFETY: a slot belongs to the sender from P2 to P1 and to the receiver from P1 to P2, and there is one of each: a
// ring moves messages between threads and never shares one.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: all access to slots goes through the one sender and the one receiver, which are not `Sync`.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn capacity(&self) -> Option<usize> {
        Some(self.capacity as usize)
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
                Slots::of(&self.slots).at(position).with(|place| unsafe { (*place).assume_init_read() })
            })
        });
    }
}

impl<T> Sender<T> {
    /// Whether the receiver is gone.
    #[inline]
    fn is_closed(&self) -> bool {
        // ORDERING: Acquire, P3: pairs with the receiver's drop: whoever learns of it sees what came before it.
        self.ring.receiver_gone.load(Ordering::Acquire)
    }

    /// Looks how far the receiver has come. Returns how much room there is.
    #[cold]
    fn find_room(&self) -> u64 {
        self.pace.paced_look(self.tail.get(), || {
            // ORDERING: Acquire, P2: pairs with the receiver's Release: weaker, our write could overtake its read.
            self.limit.set(self.ring.head.load(Ordering::Acquire) + self.ring.capacity);
            self.limit.get() - self.tail.get()
        })
    }

    #[inline]
    fn move_tail(&self, ring: &Ring<T>, tail: u64) {
        self.tail.set(tail);
        // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the messages.
        ring.tail.store(tail, Ordering::Release);
        ring.not_empty.notify_one();
    }
}

impl<T> SendEnd for Sender<T> {
    type Message = T;

    #[inline]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        if self.is_closed() {
            return Err(TrySendError::Disconnected(message));
        }
        let tail = self.tail.get();
        if tail == self.limit.get() && self.find_room() == 0 {
            return Err(TrySendError::Full(message));
        }
        // Found once: for all the compiler knows, the message could be written over the handle.
        let ring = &*self.ring;
        // SAFETY: `tail` is below `limit`, which is at most `head + capacity`: the receiver has read out what was in
        // this slot (P2), and does not look at it before `tail` moves (P1). There is one sender.
        self.slots.at(tail).with_mut(|place| unsafe { (*place).write(message) });
        self.move_tail(ring, tail + 1);
        Ok(())
    }

    #[inline]
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        if self.is_closed() {
            return Err(TrySendError::Disconnected(()));
        }
        let mut room = self.limit.get() - self.tail.get();
        if room < len_max as u64 {
            room = self.find_room();
        }
        match room.min(len_max as u64) as usize {
            0 => Err(TrySendError::Full(())),
            len => Ok(Run { start: self.tail.get(), len, is_long }),
        }
    }

    #[inline]
    unsafe fn write(&self, run: Run, index: usize, message: T) {
        // SAFETY: the run is from `tail` to at most `limit`: as in `try_send_now`.
        self.slots.at(run.start + index as u64).with_mut(|place| unsafe { (*place).write(message) });
    }

    /// WHY not one by one: slots side by side are written in a loop without masks.
    #[inline]
    unsafe fn write_all(&self, run: Run, written: &mut usize, mut messages: impl FusedIterator<Item = T>) {
        let mut written = Count::on(written);
        for row in self.slots.rows(run.start + written.now as u64, run.len - written.now) {
            for (slot, message) in row.iter().zip(&mut messages) {
                // SAFETY: the run is from `tail` to at most `limit`: as in `try_send_now`.
                slot.with_mut(|place| unsafe { (*place).write(message) });
                written.now += 1;
            }
        }
    }

    #[inline]
    unsafe fn unwrite(&self, run: Run, index: usize) {
        // SAFETY: written by us, not published, and not dropped again, as the caller promises.
        self.slots.at(run.start + index as u64).with_mut(|place| unsafe { (*place).assume_init_drop() });
    }

    #[inline]
    unsafe fn publish(&self, run: Run, written: usize) {
        if written != 0 {
            self.move_tail(&self.ring, run.start + written as u64);
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
    /// Looks how far the sender has come. Returns how many messages there are.
    #[inline]
    fn find_messages(&self) -> Result<u64, TryRecvError> {
        if self.pace.is_busy(self.head.get()) {
            let there = self.look();
            if there != 0 {
                return Ok(there);
            }
        }
        self.find_messages_slowly()
    }

    #[inline]
    fn look(&self) -> u64 {
        // ORDERING: Acquire, P1: pairs with the sender's Release and carries the messages before it.
        self.ready.set(self.ring.tail.load(Ordering::Acquire));
        self.ready.get() - self.head.get()
    }

    /// WHY cold: a stream looks seldom, and what is left is small enough to be inlined whole, without spilling registers.
    #[cold]
    fn find_messages_slowly(&self) -> Result<u64, TryRecvError> {
        match self.pace.paced_look(self.head.get(), || self.look()) {
            0 => self.find_last_messages(),
            there => Ok(there),
        }
    }

    /// After there were none: whether one may still come.
    #[cold]
    fn find_last_messages(&self) -> Result<u64, TryRecvError> {
        // ORDERING: Acquire, P3: pairs with the sender's drop and carries its last `tail`.
        if !self.ring.sender_gone.load(Ordering::Acquire) {
            return Err(TryRecvError::Empty);
        }
        // Once more, because the sender may have sent and gone in between.
        match self.look() {
            0 => Err(TryRecvError::Disconnected),
            there => Ok(there),
        }
    }

    #[inline]
    fn move_head(&self, ring: &Ring<T>, head: u64) {
        self.head.set(head);
        // ORDERING: Release, P2: pairs with the sender's Acquire: weaker, it could overwrite what we are reading.
        ring.head.store(head, Ordering::Release);
        ring.not_full.notify_one();
    }
}

impl<T> ReceiveEnd for Receiver<T> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        let head = self.head.get();
        if head == self.ready.get() {
            self.find_messages()?;
        }
        // SAFETY: `head` is below `ready`, which is at most `tail`: the message was written whole (P1), and the sender
        // does not touch the slot before `head` moves (P2). There is one receiver.
        let message = self.slots.at(head).with(|place| unsafe { (*place).assume_init_read() });
        self.move_head(&self.ring, head + 1);
        Ok(message)
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        let head = self.head.get();
        let mut there = self.ready.get() - head;
        if there < len_max as u64 {
            there = self.find_messages()?;
        }
        Ok(Run { start: head, len: there.min(len_max as u64) as usize, is_long })
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        // SAFETY: the run is from `head` to at most `ready`: as in `try_recv_now`; the reference lives as long as
        // the caller keeps the run.
        self.slots.at(run.start + index as u64).with(|place| unsafe { (*place).assume_init_ref() })
    }

    #[inline]
    unsafe fn fold<'a, B>(&'a self, run: Run, from: usize, init: B, mut f: impl FnMut(B, &'a T) -> B) -> B
    where
        T: 'a,
    {
        let [first, second] = self.slots.rows(run.start + from as u64, run.len - from);
        // SAFETY: as in `peek`.
        let mut f =
            |folded, slot: &'a Slot<T>| f(folded, unsafe { slot.with(|place| (*place).assume_init_ref()) });
        let folded = first.iter().fold(init, &mut f);
        second.iter().fold(folded, f)
    }

    #[inline]
    unsafe fn read(&self, run: Run, index: usize) -> T {
        // SAFETY: as in `peek`, and read once, as the caller promises.
        self.slots.at(run.start + index as u64).with(|place| unsafe { (*place).assume_init_read() })
    }

    /// WHY not one by one: slots side by side are read in a loop without masks.
    #[inline]
    unsafe fn read_all(&self, run: Run, read: &mut usize, mut sink: impl FnMut(T)) {
        let mut read = Count::on(read);
        for row in self.slots.rows(run.start + read.now as u64, run.len - read.now) {
            for slot in row {
                read.now += 1;
                // SAFETY: as in `peek`, and read once, because it is counted.
                sink(slot.with(|place| unsafe { (*place).assume_init_read() }));
            }
        }
    }

    #[inline]
    unsafe fn release(&self, run: Run, read: usize) {
        if read != 0 {
            self.move_head(&self.ring, run.start + read as u64);
        }
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

sender_verbs!(Sender<[T]> for [T], mut);
receiver_verbs!(Receiver<[T]> for [T], mut);
both_ends!(Sender<[T]> for [T]);
both_ends!(Receiver<[T]> for [T]);

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // ORDERING: Release, P3: carries the last `tail`, and what this thread did before.
        self.ring.sender_gone.store(true, Ordering::Release);
        self.ring.not_empty.notify_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // ORDERING: Release, P3: carries what this thread did before.
        self.ring.receiver_gone.store(true, Ordering::Release);
        self.ring.not_full.notify_all();
        // WHY: now and not with the sender, because a message may itself hold the sender of this ring.
        drop_all(|| self.try_recv().ok());
    }
}
