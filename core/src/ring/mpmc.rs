//! A bounded ring for many senders and many receivers: each message goes to one receiver.
//!
//! **Promise.** Linearizable: a send that is over before another one starts comes out first, `Full` and `Empty` were
//! true at some moment of the call. No allocation after [`bounded`].
//!
//! **Not promised.** That a suspended thread stops nobody: one that was interrupted between taking a slot and
//! marking it keeps back the receivers (or senders) that come to that slot, and no others. While a [`Claim`] is
//! open, receivers find the ring empty from there on; while a [`Peek`] is, the other receivers find all of it empty.
//! A claim that is aborted when others have sent behind it takes up room until a receiver gets there.
//!
//! **Picture.** A position is `lap | index`, where a lap is a power of two above the capacity, so that positions
//! order all messages and an index needs no division. Every slot has a stamp, which says for which position it is
//! good (Vyukov's bounded queue, 2010):
//!
//! ```text
//!   stamp == position             free, the sender at `position` may take it      head          tail
//!   stamp == position | HELD      taken by a claim that may last                    v             v
//!   stamp == position + 1         holds the message of `position`                [ free | full | full | free ]
//!   stamp == position + 1 | VOID  the claim of `position` was aborted
//!   stamp == position + lap       free again, for the sender one lap later
//! ```
//!
//! A handle remembers the position that it came to, and tries there first: alone on its side, it never reads the
//! line that the compare-and-swap is about to change.
//!
//! **Protocol.**
//! - `P1 publish-slot`: the sender that moved `tail` writes the message, then stores the stamp with Release; the
//!   receiver loads the stamp with Acquire and reads the message.
//! - `P2 release-slot`: the receiver that moved `head` reads the message out, then stores the next lap's stamp with
//!   Release; the sender of the next lap loads it with Acquire and overwrites.
//! - `P3 close`: the `CLOSED` bit is set in `tail` itself, so that no send succeeds after it, and what was taken
//!   before it is counted in the same word: a receiver that finds `head` there knows that it has had everything.
//! - `P4 park-wake`: after P1 the sender notifies `not_empty`, after P2 the receiver `not_full`; the event count
//!   orders each against the sleeper's last look. The end of a claim or peek is news for all receivers.
//! - `P5 run`: a batch finds how many slots in a row are ready, and takes them by one compare-and-swap: as long as
//!   the ticket is where it was, nobody has taken any of them. They are published last to first, so that who waits
//!   for the first finds all.
//! - `P6 hold`: a peek sets `HELD` in `head`, and nobody else moves `head` until it is gone.
//!
//! `tail` and `head` are only tickets: they carry no data, and are Relaxed, but for positions that an aborted claim gives
//! back.
//!
//! **Failure.** Errors hand the message back. A message whose `drop` panics while the ring drops what is left does
//! not keep the others from being dropped.
//!
//! **Where next.** `slot.rs` for the layouts, `claim.rs` and `peek.rs` for what is made of the two ends.

use super::handles::Handles;
use super::slot::Slot;
use super::verbs::*;
use super::wait::Pause;
use super::{check_capacity, drop_all};
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

pub use super::slot::{Layout, Packed, Padded};
pub use super::{IntoIter, Iter, TryIter};
pub use super::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};

/// Set in `tail` when a side is gone. Positions stay below it: they need a century to get there.
const CLOSED: u64 = 1 << 63;
/// Set in `head` by a peek, and in the stamp of the first slot of a claim.
const HELD: u64 = 1 << 62;
/// Set in the stamps of slots that were claimed and not written.
const VOID: u64 = 1 << 61;

/// Makes a ring for `capacity` messages.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::mpmc::{self, TrySendError};
/// let (sender, receiver) = mpmc::bounded(2);
/// sender.send("a").unwrap();
/// sender.send("b").unwrap();
/// assert_eq!(sender.try_send("c"), Err(TrySendError::Full("c")));
/// assert_eq!(receiver.recv(), Ok("a"));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    with_layout(capacity)
}

/// As [`bounded`], with a layout of the caller's choice.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::mpmc::{self, Padded};
/// let (sender, receiver) = mpmc::with_layout::<_, Padded>(2);
/// sender.send("a").unwrap();
/// assert_eq!(receiver.recv(), Ok("a"));
/// ```
pub fn with_layout<T, L: Layout>(capacity: usize) -> (Sender<T, L>, Receiver<T, L>) {
    check_capacity(capacity);
    let lap = (capacity as u64 + 1).next_power_of_two();
    let ring = Arc::new(Ring {
        tail: CachePadded::new(AtomicU64::new(0)),
        head: CachePadded::new(AtomicU64::new(0)),
        slots: (0..capacity as u64).map(|index| L::place(Slot::new(index))).collect(),
        lap,
        mask: lap - 1,
        senders: Handles::new(),
        receivers: Handles::new(),
        not_empty: EventCount::new(),
        not_full: EventCount::new(),
    });
    let waiting = Waiting::default();
    let sender = Sender { ring: Arc::clone(&ring), next: AtomicU64::new(0), waiting };
    (sender, Receiver { ring, next: AtomicU64::new(0), waiting })
}

/// The sending side. Clones send into the same ring; when the last one is dropped, receivers get what is left.
pub struct Sender<T, L: Layout = Packed> {
    ring: Arc<Ring<T, L>>,
    /// Where to try first.
    next: AtomicU64,
    waiting: Waiting,
}

/// The receiving side. Clones compete for the messages; when the last one is dropped, what is left is dropped too.
pub struct Receiver<T, L: Layout = Packed> {
    ring: Arc<Ring<T, L>>,
    /// Where to try first.
    next: AtomicU64,
    waiting: Waiting,
}

struct Ring<T, L: Layout> {
    /// The next position to send to, and `CLOSED`.
    tail: CachePadded<AtomicU64>,
    /// The next position to receive from, and `HELD`.
    head: CachePadded<AtomicU64>,
    slots: Box<[L::Place<T>]>,
    /// How far apart two positions with the same index are: a power of two above the capacity.
    lap: u64,
    /// One less than that: what of a position is the index.
    mask: u64,
    senders: Handles,
    receivers: Handles,
    not_empty: EventCount,
    not_full: EventCount,
}

// SAFETY: a message is written by the one sender and read by the one receiver that took its position (P1, P2), so a
// ring moves messages between threads and never shares one. A peek shares nothing either: it holds the receiving end.
unsafe impl<T: Send, L: Layout> Send for Ring<T, L> {}
// SAFETY: as above: `&Ring` gives away messages, but never two threads the same one.
unsafe impl<T: Send, L: Layout> Sync for Ring<T, L> {}

impl<T, L: Layout> Ring<T, L> {
    #[inline]
    fn slot(&self, position: u64) -> &Slot<T> {
        let index = (position & self.mask) as usize;
        debug_assert!(index < self.slots.len());
        // SAFETY: a position's index is below the capacity: `after` makes them, and the first is 0.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// The position `count` after `position`; at most the capacity.
    #[inline]
    fn after(&self, position: u64, count: u64) -> u64 {
        if (position & self.mask) + count < self.slots.len() as u64 {
            position + count
        } else {
            self.after_wrap(position, count)
        }
    }

    /// WHY cold: a branch that is foreseen costs nothing, the same computed without a branch delays every CAS.
    #[cold]
    fn after_wrap(&self, position: u64, count: u64) -> u64 {
        position + count + self.lap - self.slots.len() as u64
    }

    /// The slots of `len` positions from `position` on, which lie in a row, or in two: each with its first position.
    #[inline]
    fn rows(&self, position: u64, len: usize) -> [(u64, &[L::Place<T>]); 2] {
        let (before, after) = self.slots.split_at((position & self.mask) as usize);
        let first = len.min(after.len());
        [
            (position, &after[..first]),
            (position + self.lap - before.len() as u64, &before[..(len - first).min(before.len())]),
        ]
    }

    /// How many slots from `position` on, up to `len_max`, have the stamp that is `ahead` of their position.
    #[inline]
    fn ready_len(&self, position: u64, len_max: usize, ahead: u64) -> u64 {
        // ORDERING: Acquire, P1 and P2: as for a single message; all the slots of the run are carried by their own.
        let is_ready = |slot: &Slot<T>, at: u64| slot.stamp.load(Ordering::Acquire) == at + ahead;
        if len_max == 1 {
            return u64::from(is_ready(self.slot(position), position));
        }
        let mut len = 0;
        for (mut at, row) in self.rows(position, len_max) {
            for slot in row {
                if !is_ready(slot, at) {
                    return len;
                }
                len += 1;
                at += 1;
            }
        }
        len
    }

    /// Takes free slots by moving `tail`, trying at `next` first. Returns the position of the first, and how many.
    #[inline]
    fn take_free(&self, next: &AtomicU64, len_max: usize) -> Result<(u64, u64), TrySendError<()>> {
        // ORDERING: Relaxed: a guess; the CAS decides whether it was good.
        let tail = next.load(Ordering::Relaxed);
        match self.try_take_free(next, tail, len_max) {
            Ok(taken) => Ok(taken),
            Err(now) => self.take_free_slowly(next, now, len_max),
        }
    }

    /// Takes free slots at `tail`, or says where `tail` is now: where it was, if no slot is free there.
    #[inline]
    fn try_take_free(&self, next: &AtomicU64, tail: u64, len_max: usize) -> Result<(u64, u64), u64> {
        let len = self.ready_len(tail, len_max, 0);
        if len == 0 {
            return Err(tail);
        }
        let end = self.after(tail, len);
        // ORDERING: Acquire: pairs with the Release in `untake`, which gives positions back: weaker, our write could
        // overtake what its claim did there. Relaxed on failure: a ticket. P3: `CLOSED` makes it fail.
        self.tail.compare_exchange(tail, end, Ordering::Acquire, Ordering::Relaxed)?;
        // ORDERING: Relaxed: a guess.
        next.store(end, Ordering::Relaxed);
        Ok((tail, len))
    }

    #[cold]
    #[inline(never)]
    fn take_free_slowly(
        &self,
        next: &AtomicU64,
        mut tail: u64,
        len_max: usize,
    ) -> Result<(u64, u64), TrySendError<()>> {
        let pause = Pause::new();
        loop {
            tail = self.tail_unless_full(tail, &pause)?;
            match self.try_take_free(next, tail, len_max) {
                Ok(taken) => return Ok(taken),
                Err(now) if now != tail => pause.spin(),
                Err(_) => {}
            }
        }
    }

    /// Where to try after `tail` was no good.
    fn tail_unless_full(&self, tail: u64, pause: &Pause) -> Result<u64, TrySendError<()>> {
        // ORDERING: Acquire, P3: pairs with `close`: whoever learns that a side is gone sees what it did before.
        let now = self.tail.load(Ordering::Acquire);
        if now & CLOSED != 0 {
            return Err(TrySendError::Disconnected(()));
        }
        // ORDERING: Acquire, P2: as in `ready_len`.
        if now == tail && self.slot(tail).stamp.load(Ordering::Acquire) != tail {
            // The slot belongs to the lap before. Full, if nobody has taken that message, or holds it for long; else
            // its receiver is at work on the slot, or was interrupted there.
            // ORDERING: Relaxed: `head` only grows, and the ring never holds more than its capacity; so if `head`
            // is a lap behind `tail`, no receive that happened before this call has made room.
            if (self.head.load(Ordering::Relaxed) & !HELD) + self.lap == tail {
                return Err(TrySendError::Full(()));
            }
            pause.snooze();
        }
        Ok(now)
    }

    /// Gives back the slots of `run` from number `written` on, if nobody has taken any behind them.
    fn untake(&self, run: Run, written: usize) -> bool {
        for index in written..run.len {
            let position = self.after(run.start, index as u64);
            // ORDERING: Release, P2: free again, and as after P2 the next sender acquires it, and with it what was
            // written and dropped. Before the CAS, after which the slots are not ours.
            self.slot(position).stamp.store(position, Ordering::Release);
        }
        let (start, end) = (self.after(run.start, written as u64), self.after(run.start, run.len as u64));
        // ORDERING: Release: if `tail` is where we left it, nobody has taken a position behind ours. Pairs with the Acquire
        // in `try_take_free`, and carries what was written there and dropped again: who saw the slot free before our
        // claim has not acquired our stamp, and takes it by the CAS alone. Relaxed on failure: a ticket.
        self.tail.compare_exchange(end, start, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Takes messages by moving `head`, trying at `next` first. Returns the position of the first, and how many.
    #[inline]
    fn take_sent(&self, next: &AtomicU64, len_max: usize) -> Result<(u64, u64), TryRecvError> {
        // ORDERING: Relaxed: a guess; the CAS decides whether it was good.
        let head = next.load(Ordering::Relaxed);
        match self.try_take_sent(next, head, len_max) {
            Ok(taken) => Ok(taken),
            Err(now) => self.take_sent_slowly(next, now, len_max),
        }
    }

    /// Takes messages at `head`, or says where `head` is now: where it was, if there is no message.
    #[inline]
    fn try_take_sent(&self, next: &AtomicU64, head: u64, len_max: usize) -> Result<(u64, u64), u64> {
        let len = self.ready_len(head, len_max, 1);
        if len == 0 {
            return Err(head);
        }
        let end = self.after(head, len);
        // ORDERING: Relaxed: a ticket; the stamps have already given us the messages. P6: `HELD` makes it fail.
        self.head.compare_exchange(head, end, Ordering::Relaxed, Ordering::Relaxed)?;
        // ORDERING: Relaxed: a guess.
        next.store(end, Ordering::Relaxed);
        Ok((head, len))
    }

    #[cold]
    #[inline(never)]
    fn take_sent_slowly(
        &self,
        next: &AtomicU64,
        mut head: u64,
        len_max: usize,
    ) -> Result<(u64, u64), TryRecvError> {
        let pause = Pause::new();
        loop {
            head = self.head_unless_empty(head, &pause)?;
            match self.try_take_sent(next, head, len_max) {
                Ok(taken) => return Ok(taken),
                Err(now) if now != head => pause.spin(),
                Err(_) => {}
            }
        }
    }

    /// Where to try after `head` was no good.
    fn head_unless_empty(&self, head: u64, pause: &Pause) -> Result<u64, TryRecvError> {
        // ORDERING: Relaxed: a ticket.
        let now = self.head.load(Ordering::Relaxed);
        if now & HELD != 0 {
            return Err(TryRecvError::Empty);
        }
        if now != head {
            return Ok(now);
        }
        let slot = self.slot(head);
        // ORDERING: Acquire, P1: for the sake of what an aborted claim did before.
        let stamp = slot.stamp.load(Ordering::Acquire);
        if stamp == (head + 1) | VOID {
            let end = self.after(head, 1);
            // ORDERING: Relaxed: a ticket.
            if self.head.compare_exchange(head, end, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.free_one(head);
                return Ok(end);
            }
        } else if stamp == head | HELD {
            return Err(TryRecvError::Empty);
        } else if stamp == head {
            // ORDERING: Acquire, P3: pairs with `close`, so that whoever learns that a side is gone sees what that
            // side did before. For the emptiness Relaxed would do: a send that happened before this call has moved
            // `tail`.
            let tail = self.tail.load(Ordering::Acquire);
            if tail & !CLOSED == head {
                return Err(if tail & CLOSED == 0 {
                    TryRecvError::Empty
                } else {
                    TryRecvError::Disconnected
                });
            }
        }
        // The sender of this slot is at work on it, or was interrupted there; or `head` moves just now.
        pause.snooze();
        Ok(head)
    }

    /// Makes a slot free for the sender of the next lap.
    #[inline]
    fn free_slot(&self, slot: &Slot<T>, position: u64) {
        // ORDERING: Release, P2: pairs with the next lap's sender's Acquire: weaker, it could overwrite the message
        // while we read it.
        slot.stamp.store(position + self.lap, Ordering::Release);
    }

    #[inline]
    fn free_one(&self, position: u64) {
        self.free_slot(self.slot(position), position);
        self.not_full.notify_one();
    }

    /// Makes `len` slots from `position` on free for the senders of the next lap.
    #[inline]
    fn free(&self, position: u64, len: u64) {
        for (start, row) in self.rows(position, len as usize).into_iter().rev() {
            for (index, slot) in row.iter().enumerate().rev() {
                self.free_slot(slot, start + index as u64);
            }
        }
        self.not_full.notify(len as usize);
    }

    /// Lets no further send succeed, and wakes everybody.
    fn close(&self) {
        // ORDERING: Release, P3: carries what this side did before; in `tail`, see the module's description.
        self.tail.fetch_or(CLOSED, Ordering::Release);
        self.not_empty.notify_all();
        self.not_full.notify_all();
    }

    fn drop_messages(&self) {
        drop_all(|| self.try_recv(&AtomicU64::new(0)).ok());
    }

    #[inline]
    fn try_recv(&self, next: &AtomicU64) -> Result<T, TryRecvError> {
        let (position, _) = self.take_sent(next, 1)?;
        // SAFETY: the CAS gave the message of `position` to us alone, the stamp says that it was written whole (P1),
        // and no sender touches the slot before the next stamp (P2).
        let message = self.slot(position).message.with(|place| unsafe { (*place).assume_init_read() });
        self.free_one(position);
        Ok(message)
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.slots.len())
    }

    fn len(&self) -> usize {
        loop {
            // ORDERING: Acquire, for both: keeps the three loads in order. If `tail` is the same before and after,
            // it was so when `head` was read.
            let tail = self.tail.load(Ordering::Acquire);
            let head = self.head.load(Ordering::Acquire) & !HELD;
            // ORDERING: Relaxed: nothing follows.
            let unmoved = self.tail.load(Ordering::Relaxed) == tail;
            let tail = tail & !CLOSED;
            // WHY: the tickets are Relaxed, so that on paper either may be seen without the other's latest move.
            if unmoved && head <= tail {
                let capacity = self.slots.len() as u64;
                let index = |position: u64| position & self.mask;
                let laps = tail / self.lap - head / self.lap;
                return (laps * capacity + index(tail) - index(head)).min(capacity) as usize;
            }
        }
    }
}

impl<T, L: Layout> Drop for Ring<T, L> {
    fn drop(&mut self) {
        // A peek that was forgotten. ORDERING: Relaxed: nobody else is left.
        self.head.fetch_and(!HELD, Ordering::Relaxed);
        self.drop_messages();
    }
}

impl<T, L: Layout> SendEnd for Sender<T, L> {
    type Message = T;

    #[inline]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        let ring = &*self.ring;
        match ring.take_free(&self.next, 1) {
            Ok((position, _)) => {
                let slot = ring.slot(position);
                // SAFETY: the CAS gave `position` to us alone, and its stamp says that the slot is free: the receiver
                // one lap before has read it out (P2), and none will look at it before the stamp says so (P1).
                slot.message.with_mut(|place| unsafe { (*place).write(message) });
                // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message.
                slot.stamp.store(position + 1, Ordering::Release);
                ring.not_empty.notify_one();
                Ok(())
            }
            Err(TrySendError::Full(())) => Err(TrySendError::Full(message)),
            Err(TrySendError::Disconnected(())) => Err(TrySendError::Disconnected(message)),
        }
    }

    #[inline]
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        let (start, len) = self.ring.take_free(&self.next, len_max)?;
        if is_long {
            // ORDERING: Relaxed: carries nothing; receivers that see it late spin a little longer.
            self.ring.slot(start).stamp.store(start | HELD, Ordering::Relaxed);
        }
        Ok(Run { start, len: len as usize, is_long })
    }

    #[inline]
    unsafe fn write(&self, run: Run, index: usize, message: T) {
        let slot = self.ring.slot(self.ring.after(run.start, index as u64));
        // SAFETY: a position of ours: as in `try_send_now`.
        slot.message.with_mut(|place| unsafe { (*place).write(message) });
    }

    #[inline]
    unsafe fn write_all(&self, run: Run, written: &mut usize, mut messages: impl FusedIterator<Item = T>) {
        let mut written = Count::on(written);
        let start = self.ring.after(run.start, written.now as u64);
        for (_, row) in self.ring.rows(start, run.len - written.now) {
            for slot in row {
                let Some(message) = messages.next() else { return };
                // SAFETY: a position of ours: as in `try_send_now`.
                slot.message.with_mut(|place| unsafe { (*place).write(message) });
                written.now += 1;
            }
        }
    }

    unsafe fn unwrite(&self, run: Run, index: usize) {
        let slot = self.ring.slot(self.ring.after(run.start, index as u64));
        // SAFETY: written by us, not published, and not dropped again, as the caller promises.
        slot.message.with_mut(|place| unsafe { (*place).assume_init_drop() });
    }

    #[inline]
    unsafe fn publish(&self, run: Run, written: usize) {
        let ring = &*self.ring;
        let void_from = if written < run.len && ring.untake(run, written) { written } else { run.len };
        let mut index = void_from;
        for (start, row) in ring.rows(run.start, void_from).into_iter().rev() {
            for (offset, slot) in row.iter().enumerate().rev() {
                index -= 1;
                let void = if index < written { 0 } else { VOID };
                // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message; P5, last to first.
                slot.stamp.store((start + offset as u64 + 1) | void, Ordering::Release);
            }
        }
        if run.is_long {
            // Messages behind the claim may have been passed over, and an aborted one makes room again.
            ring.not_empty.notify_all();
            ring.not_full.notify(run.len - written);
        } else {
            ring.not_empty.notify(written);
        }
    }

    fn room(&self) -> &EventCount {
        &self.ring.not_full
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

impl<T, L: Layout> Receiver<T, L> {
    /// Shows every message to `look`, the oldest first, and receives none: for a collector of garbage, which has to know
    /// what a ring refers to. What is sent meanwhile may be shown or not.
    ///
    /// # Safety
    /// Until it returns nobody receives from the ring, on this handle or another, `look` included.
    pub unsafe fn visit(&self, mut look: impl FnMut(&T)) {
        let ring = &*self.ring;
        // ORDERING: Acquire, for both: the head first, so that it is not past the tail.
        let mut position = ring.head.load(Ordering::Acquire) & !HELD;
        let tail = ring.tail.load(Ordering::Acquire) & !CLOSED;
        while position < tail {
            let slot = ring.slot(position);
            // ORDERING: Acquire, P1: pairs with the sender's Release and carries the message.
            if slot.stamp.load(Ordering::Acquire) == position + 1 {
                // SAFETY: written whole (P1), and nobody takes it out meanwhile, as the caller promises.
                slot.message.with(|place| look(unsafe { (*place).assume_init_ref() }));
            }
            position = ring.after(position, 1);
        }
    }
}

impl<T, L: Layout> ReceiveEnd for Receiver<T, L> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        self.ring.try_recv(&self.next)
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        let ring = &*self.ring;
        if !is_long {
            let (start, len) = ring.take_sent(&self.next, len_max)?;
            return Ok(Run { start, len: len as usize, is_long });
        }
        let pause = Pause::new();
        // ORDERING: Relaxed: a ticket; the CAS below decides whether it was good.
        let mut head = ring.head.load(Ordering::Relaxed);
        loop {
            if head & HELD != 0 {
                return Err(TryRecvError::Empty);
            }
            let len = ring.ready_len(head, len_max, 1);
            if len == 0 {
                head = ring.head_unless_empty(head, &pause)?;
                continue;
            }
            // ORDERING: Relaxed, P6: a ticket, as in `Ring::take_sent`; from here on nobody else takes messages.
            match ring.head.compare_exchange(head, head | HELD, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Run { start: head, len: len as usize, is_long }),
                Err(now) => head = now,
            }
        }
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        let slot = self.ring.slot(self.ring.after(run.start, index as u64));
        // SAFETY: written whole (P1), and ours until `release`; the reference lives as long as the run.
        slot.message.with(|place| unsafe { (*place).assume_init_ref() })
    }

    #[inline]
    unsafe fn read(&self, run: Run, index: usize) -> T {
        let slot = self.ring.slot(self.ring.after(run.start, index as u64));
        // SAFETY: as in `peek`, and read once, as the caller promises.
        slot.message.with(|place| unsafe { (*place).assume_init_read() })
    }

    #[inline]
    unsafe fn read_all(&self, run: Run, read: &mut usize, mut sink: impl FnMut(T)) {
        let mut read = Count::on(read);
        let start = self.ring.after(run.start, read.now as u64);
        for (_, row) in self.ring.rows(start, run.len - read.now) {
            for slot in row {
                read.now += 1;
                // SAFETY: as in `peek`, and read once, because it is counted.
                sink(slot.message.with(|place| unsafe { (*place).assume_init_read() }));
            }
        }
    }

    #[inline]
    unsafe fn release(&self, run: Run, read: usize) {
        let ring = &*self.ring;
        if run.is_long {
            // ORDERING: Relaxed, P6: a ticket, which is ours alone while `HELD`. Before the slots are free: a sender
            // that saw them free and `head` behind could find more than the capacity.
            ring.head.store(ring.after(run.start, read as u64), Ordering::Relaxed);
        }
        ring.free(run.start, read as u64);
        if run.is_long {
            ring.not_empty.notify_all();
        }
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

sender_verbs!(Sender<[T, L]> for [T, L: Layout]);
receiver_verbs!(Receiver<[T, L]> for [T, L: Layout]);
both_ends!(Sender<[T, L]> for [T, L: Layout]);
both_ends!(Receiver<[T, L]> for [T, L: Layout]);

impl<T, L: Layout> Clone for Sender<T, L> {
    fn clone(&self) -> Self {
        self.ring.senders.join();
        // ORDERING: Relaxed: a guess.
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed));
        Self { ring: Arc::clone(&self.ring), next, waiting: self.waiting }
    }
}

impl<T, L: Layout> Clone for Receiver<T, L> {
    fn clone(&self) -> Self {
        self.ring.receivers.join();
        // ORDERING: Relaxed: a guess.
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed));
        Self { ring: Arc::clone(&self.ring), next, waiting: self.waiting }
    }
}

impl<T, L: Layout> Drop for Sender<T, L> {
    fn drop(&mut self) {
        if self.ring.senders.leave() {
            self.ring.close();
        }
    }
}

impl<T, L: Layout> Drop for Receiver<T, L> {
    fn drop(&mut self) {
        if self.ring.receivers.leave() {
            self.ring.close();
            // WHY: now and not with the last sender, because a message may itself hold a sender of this ring.
            self.ring.drop_messages();
        }
    }
}
