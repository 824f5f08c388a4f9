//! A ring without a bound, for many senders and many receivers: each message goes to one receiver.
//!
//! **Promise.** First in, first out, and linearizable: a send that is over before another one starts comes out first,
//! `Empty` was true at some moment of the call. A send never waits for room. Memory is given back as receivers go on:
//! there are as many blocks as the messages need, and a few to spare, so that a ring that neither grows nor shrinks
//! does not allocate.
//!
//! **Not promised.** That memory lasts: nothing keeps senders from outrunning receivers. That a suspended thread stops
//! nobody: one that was interrupted between taking a position and writing there keeps back the receiver that comes to
//! it, and one that goes over to the next block its whole side, until it runs again. While a [`Peek`] is open, the
//! other receivers find the ring empty. A [`Claim`] keeps back nobody: its messages are written aside, and take their
//! places when it is committed.
//!
//! **Picture.** Blocks of slots, each leading to the next one; positions count slots, and a block's number is in their
//! upper bits. It is the list of blocks of crossbeam's unbounded channel, with other ways to read, publish and recycle.
//!
//! ```text
//!         head                                             tail
//!          v                                                v
//!   [ r r  full full full ] -> [ full full full full ] -> [ full  free free free ]      spare: [ ]  [ ]
//! ```
//!
//! Each handle remembers the position that it came to, and tries there first. A receiver also remembers how far it
//! has seen the senders come: it looks at the line that they all write only when it has got there.
//!
//! **Protocol.**
//! - `P1 publish-slot`: the sender that moved `tail` writes the message, then stores the stamp with Release; the
//!   receiver that moved `head` loads the stamp with Acquire, waits for it if it must, and reads the message.
//! - `P2 next-block`: who takes the last slot of a block stores the next block with Release and then moves its end
//!   there with Release; who finds that position, or one after it, with Acquire, finds that block or a later one. With
//!   a later one the compare-and-swap that decides is bound to fail, because it comes after the position has moved.
//! - `P3 close`: the `CLOSED` bit is set in the tail position itself, so that no send succeeds after it, and what was
//!   taken before it is counted in the same word.
//! - `P4 park-wake`: after P1 the sender notifies `not_empty`; the event count orders it against the sleeper's last
//!   look. The end of a peek is news for all receivers.
//! - `P5 recycle`: see `block.rs`.
//! - `P6 hold`: a peek sets `HELD` in the head position, and nobody else moves it until it is gone.
//!
//! **Failure.** Errors hand the message back; the only one is that no receiver is left. A message whose `drop` panics
//! while the ring drops what is left does not keep the others from being dropped.
//!
//! **Where next.** `block.rs` for the blocks and their second life.

use super::block::{Block, READ, Yard};
use super::drop_all;
use super::handles::Handles;
use super::slot::Slot;
use super::verbs::*;
use super::wait::Pause;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, UnsafeCell};
use crossbeam_utils::CachePadded;
use std::collections::VecDeque;
use std::marker::PhantomData;

/// Set in the tail position when a side is gone. Positions stay below it: they need a century to get there.
const CLOSED: u64 = 1 << 63;
/// Set in the head position by a peek.
const HELD: u64 = 1 << 62;

/// Makes a ring.
///
/// ```
/// use ringmain::ring::{TryRecvError, unbounded};
/// let (sender, receiver) = unbounded::unbounded();
/// (0..1000).for_each(|n| sender.send(n).unwrap());
/// assert_eq!(receiver.recv(), Ok(0));
/// drop(sender);
/// assert_eq!(receiver.iter().sum::<u32>(), 499_500);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let block = Box::into_raw(Block::new());
    let ring = Arc::new(Ring {
        tail: End::new(block),
        head: End::new(block),
        yard: Yard::new(),
        senders: Handles::new(),
        receivers: Handles::new(),
        not_empty: EventCount::new(),
        blocks: PhantomData,
    });
    let waiting = Waiting::default();
    let unsent = UnsafeCell::new(Vec::new());
    let sender = Sender { ring: Arc::clone(&ring), next: AtomicU64::new(0), unsent, waiting };
    (sender, Receiver { ring, hints: Hints::default(), waiting })
}

/// The sending side. Clones send into the same ring; when the last one is dropped, receivers get what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
    /// Where to try first.
    next: AtomicU64,
    /// What the open claim has written.
    unsent: UnsafeCell<Vec<T>>,
    waiting: Waiting,
}

/// The receiving side. Clones compete for the messages; when the last one is dropped, what is left is dropped too.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    hints: Hints,
    waiting: Waiting,
}

/// What a receiver remembers.
#[derive(Default)]
struct Hints {
    /// Where to try first.
    next: AtomicU64,
    /// The tail has come this far, and maybe further.
    seen: AtomicU64,
}

/// Where one side goes on.
struct End<T> {
    /// The next position to take, and a flag.
    position: CachePadded<AtomicU64>,
    /// The block of that position. On a line that is seldom written.
    block: CachePadded<AtomicPtr<Block<T>>>,
}

struct Ring<T> {
    tail: End<T>,
    head: End<T>,
    yard: Yard<T>,
    senders: Handles,
    receivers: Handles,
    not_empty: EventCount,
    /// What the pointers own.
    blocks: PhantomData<Box<Block<T>>>,
}

/// Positions in a row that a handle has taken, in one block.
struct Span<T> {
    block: *mut Block<T>,
    start: u64,
    len: u64,
}

// SAFETY: a message is written by the one sender and read by the one receiver that took its position (P1), so a ring
// moves messages between threads and never shares one. A peek shares nothing either: it holds the receiving end.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: `&Ring` gives away messages, but never two threads the same one.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: `unsent` is touched by claims alone, and a claim borrows its sender mutably.
unsafe impl<T: Send> Sync for Sender<T> {}

impl<T> End<T> {
    fn new(block: *mut Block<T>) -> Self {
        let position = CachePadded::new(AtomicU64::new(0));
        Self { position, block: CachePadded::new(AtomicPtr::new(block)) }
    }

    #[inline]
    fn block(&self) -> *mut Block<T> {
        // ORDERING: Acquire, P2: pairs with `enter`. Weaker, a compare-and-swap that follows could still succeed
        // for a position of the block before.
        self.block.load(Ordering::Acquire)
    }

    #[inline]
    fn position(&self) -> u64 {
        // ORDERING: Acquire, P2: pairs with the Release of whoever went over to this block, or moved within it.
        self.position.load(Ordering::Acquire)
    }

    /// Takes `len` positions from `start` on, all in one block, if that is where the end is. If not: where it is.
    #[inline]
    fn take(&self, start: u64, len: u64) -> Result<Span<T>, u64> {
        let block = self.block();
        // ORDERING: Relaxed on success: the stamps carry the messages, and what P2 has released a read-modify-write
        // carries on. Acquire on failure: P2 for the block of the new position, P3 for what the side that is gone did
        // before. P3 and P6: a flag makes it fail.
        match self.position.compare_exchange(start, start + len, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => Ok(Span { block, start, len }),
            Err(now) => Err(now),
        }
    }

    /// Lets `block` be the one of the next position; the position is moved afterwards.
    fn enter(&self, block: *mut Block<T>) {
        // ORDERING: Release, P2: pairs with `block`, and carries the move past the block before.
        self.block.store(block, Ordering::Release);
    }
}

impl<T> Span<T> {
    /// Whether the block's last slot is in it: then its end has to be moved to the next block.
    #[inline]
    fn is_last(&self) -> bool {
        Block::<T>::len_from(self.start + self.len) == 0
    }

    /// The position that comes after it.
    #[inline]
    fn end(&self) -> u64 {
        self.start + self.len + u64::from(self.is_last())
    }

    #[inline]
    fn block(&self) -> &Block<T> {
        // SAFETY: whoever made the span took its positions: a block lives until all its messages were read out, and
        // ours were not, or not even written.
        unsafe { &*self.block }
    }

    #[inline]
    fn slot(&self, position: u64) -> &Slot<T> {
        self.block().slot(position)
    }

    /// Writes the message of `position`, and lets its receiver see it.
    ///
    /// # Safety
    /// A sender's span, `position` is in it and is written once.
    #[inline]
    unsafe fn write(&self, position: u64, message: T) {
        let slot = self.slot(position);
        // SAFETY: the position is ours alone, and its receiver does not look before the stamp says so (P1). The block
        // is new, or what was in it was read out (P5).
        slot.message.with_mut(|place| unsafe { (*place).write(message) });
        // ORDERING: Release, P1: pairs with `is_written` and carries the message. From here on the block may go.
        slot.stamp.store(position + 1, Ordering::Release);
    }

    /// Whether the message of `position` is there.
    #[inline]
    fn is_written(&self, position: u64) -> bool {
        // ORDERING: Acquire, P1: pairs with `write` and carries the message.
        self.slot(position).stamp.load(Ordering::Acquire) == position + 1
    }

    #[cold]
    fn wait_for(&self, position: u64) {
        let pause = Pause::new();
        while !self.is_written(position) {
            pause.snooze();
        }
    }

    /// Reads the message of `position` out, waiting for its sender to be done.
    ///
    /// # Safety
    /// A receiver's span, `position` is in it and is read once.
    #[inline]
    unsafe fn read(&self, position: u64) -> T {
        if !self.is_written(position) {
            self.wait_for(position);
        }
        let slot = self.slot(position);
        // SAFETY: written whole (P1), and ours alone.
        let message = slot.message.with(|place| unsafe { (*place).assume_init_read() });
        // ORDERING: Release, P5: pairs with `Block::is_read`: weaker, the next sender here could overwrite what we are
        // reading. From here on the block may go, unless this was its last message, which is ours to say.
        slot.stamp.store((position + 1) | READ, Ordering::Release);
        message
    }
}

impl<T> Ring<T> {
    /// Takes positions for senders, trying at `next` first: up to `len_max`, at least one, and all in one block.
    #[inline(always)]
    fn take_free(&self, next: &AtomicU64, len_max: u64) -> Result<Span<T>, SendError<()>> {
        // ORDERING: Acquire, P2: pairs with the Release below. The position is a guess: the exchange decides.
        let tail = next.load(Ordering::Acquire);
        if len_max < Block::<T>::len_from(tail)
            && let Ok(span) = self.tail.take(tail, len_max)
        {
            // ORDERING: Release, P2: for another thread that uses the same handle. A guess.
            next.store(tail + len_max, Ordering::Release);
            return Ok(span);
        }
        self.take_free_anywhere(next, len_max)
    }

    /// The same, when `next` was no good or the block comes to its end.
    #[inline(never)]
    fn take_free_anywhere(&self, next: &AtomicU64, len_max: u64) -> Result<Span<T>, SendError<()>> {
        let pause = Pause::new();
        let mut spare = None;
        let mut tail = self.tail.position();
        let taken = loop {
            if tail & CLOSED != 0 {
                break Err(SendError(()));
            }
            let room = Block::<T>::len_from(tail);
            if room == 0 {
                // Somebody is about to go over to the next block.
                pause.snooze();
                tail = self.tail.position();
                continue;
            }
            if len_max >= room && spare.is_none() {
                // WHY: before the exchange, so that nobody waits for the allocator.
                spare = Some(self.yard.take());
            }
            match self.tail.take(tail, len_max.min(room)) {
                Ok(span) => break Ok(span),
                Err(now) => {
                    tail = now;
                    pause.spin();
                }
            }
        };
        if let Some(spare) = spare {
            self.end_block(&taken, spare);
        }
        if let Ok(span) = &taken {
            // ORDERING: Release, P2: as in `take_free`.
            next.store(span.end(), Ordering::Release);
        }
        taken
    }

    /// Lets senders go on in the block `spare` if the last slot of theirs was `taken`.
    fn end_block(&self, taken: &Result<Span<T>, SendError<()>>, spare: Box<Block<T>>) {
        match taken {
            Ok(span) if span.is_last() => {
                let spare = Box::into_raw(spare);
                self.tail.enter(spare);
                // ORDERING: Release, P2: pairs with the Acquire of whoever takes a position in the new block. Added,
                // so that `CLOSED` stays.
                self.tail.position.fetch_add(1, Ordering::Release);
                span.block().link(spare);
            }
            _ => self.yard.keep(spare),
        }
    }

    /// Takes positions for receivers, trying at `next` first: up to `len_max`, at least one, and all in one block.
    #[inline(always)]
    fn take_sent(&self, hints: &Hints, len_max: u64) -> Result<Span<T>, TryRecvError> {
        // ORDERING: Acquire, P2: pairs with the Release below. The position is a guess: the exchange decides.
        let head = hints.next.load(Ordering::Acquire);
        let len = self.sent_len(hints, head, len_max)?;
        if len < Block::<T>::len_from(head)
            && let Ok(span) = self.head.take(head, len)
        {
            // ORDERING: Release, P2: for another thread that uses the same handle. A guess.
            hints.next.store(head + len, Ordering::Release);
            return Ok(span);
        }
        self.take_sent_anywhere(hints, len_max)
    }

    /// The same, when `next` was no good or the block comes to its end.
    #[inline(never)]
    fn take_sent_anywhere(&self, hints: &Hints, len_max: u64) -> Result<Span<T>, TryRecvError> {
        let span = self.at_head(hints, len_max, |head, len| self.head.take(head, len))?;
        if span.is_last() {
            self.leave_block(&span);
        }
        // ORDERING: Release, P2: as in `take_sent`.
        hints.next.store(span.end(), Ordering::Release);
        Ok(span)
    }

    /// Has `take` try at a position, with how many were sent from there on, up to `len_max` and in one block, until
    /// that is where the head is. If it is not, `take` says where.
    fn at_head<R>(
        &self,
        hints: &Hints,
        len_max: u64,
        take: impl Fn(u64, u64) -> Result<R, u64>,
    ) -> Result<R, TryRecvError> {
        let pause = Pause::new();
        let mut head = self.head.position();
        loop {
            if head & HELD != 0 {
                return Err(TryRecvError::Empty);
            }
            let room = Block::<T>::len_from(head);
            if room == 0 {
                // Somebody is about to go over to the next block.
                pause.snooze();
                head = self.head.position();
                continue;
            }
            let len = self.sent_len(hints, head, len_max.min(room))?;
            match take(head, len) {
                Ok(taken) => return Ok(taken),
                Err(now) => {
                    head = now;
                    pause.spin();
                }
            }
        }
    }

    /// How many positions from `head` on senders have taken: at least one, up to `len_max`.
    #[inline]
    fn sent_len(&self, hints: &Hints, head: u64, len_max: u64) -> Result<u64, TryRecvError> {
        // ORDERING: Relaxed: a count that once was true, and stays true, because the tail only grows.
        let seen = hints.seen.load(Ordering::Relaxed);
        if len_max <= seen.saturating_sub(head) {
            return Ok(len_max);
        }
        Ok(self.look(hints, head)?.min(len_max))
    }

    /// Looks how far senders have come. Returns how many positions from `head` on that is.
    fn look(&self, hints: &Hints, head: u64) -> Result<u64, TryRecvError> {
        // ORDERING: Acquire, P3: pairs with `close`: whoever learns that a side is gone sees what it did before. For
        // the emptiness Relaxed would do: a send that happened before this call has moved the tail.
        let tail = self.tail.position.load(Ordering::Acquire);
        let seen = tail & !CLOSED;
        // ORDERING: Relaxed: as in `sent_len`.
        hints.seen.store(seen, Ordering::Relaxed);
        // WHY: `head` may be a guess of long ago, but never one too far: the tail is at it only if the head is too.
        if seen > head {
            Ok(seen - head)
        } else if tail & CLOSED == 0 {
            Err(TryRecvError::Empty)
        } else {
            Err(TryRecvError::Disconnected)
        }
    }

    /// Lets receivers go on in the next block, after the last slot of theirs was taken.
    #[cold]
    fn leave_block(&self, span: &Span<T>) {
        let pause = Pause::new();
        let next = loop {
            let next = span.block().next();
            if !next.is_null() {
                break next;
            }
            // The sender of the last slot is about to say which block is next.
            pause.snooze();
        };
        self.head.enter(next);
        // ORDERING: Release, P2: pairs with the Acquire of whoever takes a position in the new block. Nobody else
        // stores here meanwhile, because there is no slot at this position.
        self.head.position.store(span.end(), Ordering::Release);
    }

    /// Gives a block back whose last message was in `span`, which was read out.
    #[inline]
    fn retire(&self, span: &Span<T>) {
        if span.is_last() {
            // SAFETY: `end_block` or `unbounded` made it from a box, both ends have left it, and it is retired by the
            // one who had its last message.
            unsafe { self.yard.retire(span.block) };
        }
    }

    fn try_send(&self, next: &AtomicU64, message: T) -> Result<(), SendError<T>> {
        let Ok(span) = self.take_free(next, 1) else { return Err(SendError(message)) };
        // SAFETY: a span of one position, which was just taken.
        unsafe { span.write(span.start, message) };
        self.not_empty.notify_one();
        Ok(())
    }

    /// Sends all messages, block by block; those that are left have no receiver.
    fn send_all(&self, next: &AtomicU64, messages: &mut Vec<T>) -> Result<usize, SendError<()>> {
        let len = messages.len();
        let mut rest = VecDeque::from(std::mem::take(messages));
        while !rest.is_empty() {
            let Ok(span) = self.take_free(next, rest.len() as u64) else { break };
            for (position, message) in (span.start..).zip(rest.drain(..span.len as usize)) {
                // SAFETY: in the span, which was just taken, and counted upwards.
                unsafe { span.write(position, message) };
            }
            self.not_empty.notify(span.len as usize);
        }
        let sent = len - rest.len();
        *messages = Vec::from(rest);
        if sent == 0 && len != 0 { Err(SendError(())) } else { Ok(sent) }
    }

    #[inline]
    fn try_recv(&self, hints: &Hints) -> Result<T, TryRecvError> {
        let span = self.take_sent(hints, 1)?;
        // SAFETY: a span of one position, which was just taken.
        let message = unsafe { span.read(span.start) };
        self.retire(&span);
        Ok(message)
    }

    /// Receives what is there, up to `len_max`, block by block.
    fn recv_all(&self, hints: &Hints, messages: &mut Vec<T>, len_max: usize) -> Result<usize, TryRecvError> {
        let mut received = 0;
        while received < len_max {
            match self.take_sent(hints, (len_max - received) as u64) {
                Ok(span) => {
                    // SAFETY: the positions of the span, which was just taken, each once.
                    messages.extend(
                        (span.start..span.start + span.len).map(|position| unsafe { span.read(position) }),
                    );
                    self.retire(&span);
                    received += span.len as usize;
                }
                Err(error) if received == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(received)
    }

    /// Lets no further send succeed, and wakes everybody.
    fn close(&self) {
        // ORDERING: Release, P3: carries what this side did before; in the tail, see the module's description.
        self.tail.position.fetch_or(CLOSED, Ordering::Release);
        self.not_empty.notify_all();
    }

    fn drop_messages(&self) {
        let hints = Hints::default();
        drop_all(|| self.try_recv(&hints).ok());
    }

    fn capacity(&self) -> Option<usize> {
        None
    }

    fn len(&self) -> usize {
        let count =
            |position: u64| position / Block::<T>::LAP * Block::<T>::LEN + Block::<T>::index(position);
        // ORDERING: Acquire, for both: keeps the loads in order; the head first, so that it is not past the tail.
        let head = self.head.position.load(Ordering::Acquire) & !HELD;
        let tail = self.tail.position.load(Ordering::Acquire) & !CLOSED;
        count(tail).saturating_sub(count(head)) as usize
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        /// Frees the one block that is left, even when dropping a message panics.
        struct Last<'a, T>(&'a End<T>);

        impl<T> Drop for Last<'_, T> {
            fn drop(&mut self) {
                // SAFETY: made from a box; the ends are both here once there are no messages, and no handle is left.
                drop(unsafe { Box::from_raw(self.0.block()) });
            }
        }

        // A peek that was forgotten. ORDERING: Relaxed: nobody else is left.
        self.head.position.fetch_and(!HELD, Ordering::Relaxed);
        let _last = Last(&self.head);
        self.drop_messages();
    }
}

impl<T> SendEnd for Sender<T> {
    type Message = T;

    #[inline]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        self.ring.try_send(&self.next, message).map_err(TrySendError::from)
    }

    fn try_send_batch_now(&self, messages: &mut Vec<T>) -> Result<usize, TrySendError<()>> {
        self.ring.send_all(&self.next, messages).map_err(TrySendError::from)
    }

    /// Takes nothing: the messages are written aside.
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        // ORDERING: Acquire, P3: pairs with `close`: whoever learns that a side is gone sees what it did before.
        if self.ring.tail.position.load(Ordering::Acquire) & CLOSED != 0 {
            return Err(TrySendError::Disconnected(()));
        }
        // SAFETY: a claim's, which borrows us mutably. There is something in it if the claim before was forgotten.
        self.unsent.with_mut(|unsent| unsafe { (*unsent).clear() });
        Ok(Run { start: 0, len: len_max, is_long })
    }

    #[inline]
    unsafe fn write(&self, _run: Run, _index: usize, message: T) {
        // SAFETY: a claim's, which borrows us mutably; and it writes in order.
        self.unsent.with_mut(|unsent| unsafe { (*unsent).push(message) });
    }

    unsafe fn unwrite(&self, _run: Run, _index: usize) {
        // SAFETY: as in `write`; and it unwrites the last first. Dropped when the borrow is over.
        drop(self.unsent.with_mut(|unsent| unsafe { (*unsent).pop() }));
    }

    unsafe fn publish(&self, _run: Run, _written: usize) {
        // SAFETY: as in `write`; what is written is all that is in it.
        let mut unsent = self.unsent.with_mut(|unsent| unsafe { std::mem::take(&mut *unsent) });
        // If the last receiver has gone meanwhile, they go where those go that it left.
        _ = self.ring.send_all(&self.next, &mut unsent);
        unsent.clear();
        // SAFETY: as above. Put back for the next claim.
        self.unsent.with_mut(|place| unsafe { *place = unsent });
    }

    fn room(&self) -> &EventCount {
        // Nobody sleeps there as a sender: there is room.
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

impl<T> Receiver<T> {
    /// Shows every message to `look`, the oldest first, and receives none: for a collector of garbage, which has to know
    /// what a ring refers to. What is sent meanwhile may be shown or not.
    ///
    /// # Safety
    /// Until it returns nobody receives from the ring, on this handle or another, `look` included.
    pub unsafe fn visit(&self, mut look: impl FnMut(&T)) {
        let ring = &*self.ring;
        let mut block = ring.head.block();
        let mut position = ring.head.position() & !HELD;
        let tail = ring.tail.position() & !CLOSED;
        while position < tail && !block.is_null() {
            // SAFETY: the block at the head, or one behind it: it goes when its messages were received, and nobody
            // receives meanwhile, as the caller promises.
            let here = unsafe { &*block };
            if Block::<T>::len_from(position) == 0 {
                block = here.next();
            } else {
                let slot = here.slot(position);
                // ORDERING: Acquire, P1: pairs with `Span::write` and carries the message.
                if slot.stamp.load(Ordering::Acquire) == position + 1 {
                    // SAFETY: written whole (P1), and nobody takes it out meanwhile, as the caller promises.
                    slot.message.with(|place| look(unsafe { (*place).assume_init_ref() }));
                }
            }
            position += 1;
        }
    }

    /// The slots of a peek's run, which are in the block at the head as long as that is held.
    #[inline]
    fn held(&self, run: Run) -> Span<T> {
        Span { block: self.ring.head.block(), start: run.start, len: run.len as u64 }
    }
}

impl<T> ReceiveEnd for Receiver<T> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        self.ring.try_recv(&self.hints)
    }

    fn try_recv_batch_now(&self, messages: &mut Vec<T>, len_max: usize) -> Result<usize, TryRecvError> {
        self.ring.recv_all(&self.hints, messages, len_max)
    }

    /// Holds the head.
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        let ring = &*self.ring;
        let (start, len) = ring.at_head(&self.hints, len_max as u64, |head, len| {
            let held = head | HELD;
            // ORDERING: Relaxed on success, P6: from here on nobody else takes messages, and who takes some later has
            // acquired the end of the hold. Acquire on failure, P2: for the block of the new position.
            ring.head.position.compare_exchange(head, held, Ordering::Relaxed, Ordering::Acquire)?;
            Ok((head, len as usize))
        })?;
        let mut run = Run { start, len: 1, is_long };
        let span = self.held(run);
        span.wait_for(start);
        while run.len < len && span.is_written(start + run.len as u64) {
            run.len += 1;
        }
        Ok(run)
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        let block = self.ring.head.block();
        // SAFETY: held, so that the block lives, and the reference does not outlive the hold.
        let slot = unsafe { &*block }.slot(run.start + index as u64);
        // SAFETY: written whole (P1), as `take_sent` has seen, and ours until `release`.
        slot.message.with(|place| unsafe { (*place).assume_init_ref() })
    }

    #[inline]
    unsafe fn read(&self, run: Run, index: usize) -> T {
        // SAFETY: in the run, and read once, as the caller promises.
        unsafe { self.held(run).read(run.start + index as u64) }
    }

    unsafe fn release(&self, run: Run, read: usize) {
        let ring = &*self.ring;
        let span = self.held(Run { len: read, ..run });
        if span.is_last() {
            ring.leave_block(&span);
            ring.retire(&span);
        } else {
            // ORDERING: Release, P6: the head is ours alone while `HELD`; pairs with the Acquire of whoever takes messages
            // next, and carries the block (P2).
            ring.head.position.store(run.start + read as u64, Ordering::Release);
        }
        ring.not_empty.notify_all();
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

sender_verbs!(Sender<[T]> for [T]);
receiver_verbs!(Receiver<[T]> for [T]);
both_ends!(Sender<[T]> for [T]);
both_ends!(Receiver<[T]> for [T]);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.ring.senders.join();
        // ORDERING: Acquire, P2: for the block of that position.
        let next = AtomicU64::new(self.next.load(Ordering::Acquire));
        let unsent = UnsafeCell::new(Vec::new());
        Self { ring: Arc::clone(&self.ring), next, unsent, waiting: self.waiting }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.ring.receivers.join();
        // ORDERING: Acquire, P2: for the block of that position.
        let next = AtomicU64::new(self.hints.next.load(Ordering::Acquire));
        // ORDERING: Relaxed: a count that stays true.
        let seen = AtomicU64::new(self.hints.seen.load(Ordering::Relaxed));
        Self { ring: Arc::clone(&self.ring), hints: Hints { next, seen }, waiting: self.waiting }
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
        if self.ring.receivers.leave() {
            self.ring.close();
            // WHY: now and not with the last sender, because a message may itself hold a sender of this ring.
            self.ring.drop_messages();
        }
    }
}
