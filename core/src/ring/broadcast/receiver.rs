//! A reader of a ring.

use super::readers::{Cursor, LAG};
use super::ring::{Ring, Writers};
use super::{One, Policy};
use crate::ring::verbs::*;
use crate::sync::event_count::EventCount;
use std::cell::Cell;

/// In place of `head` while messages are cloned: a `clone` that receives from the same handle finds nothing,
/// because what it is itself made from must stay.
const READING: u64 = u64::MAX;

/// The receiving side. Each one gets every message from where it joined on, as a clone; a clone of it starts
/// where it is itself, with the same policy. When the last one is dropped, nothing can be sent until somebody
/// [subscribes](Self::subscribe) again.
///
/// [`len`](Self::len) is how many messages it has yet to receive, and that of a sender how many messages hold
/// it.
pub struct Receiver<T, W: Writers = One> {
    ring: Arc<Ring<T, W>>,
    /// Where its next message is, and what senders may do about it.
    cursor: Cursor,
    /// The position of its next message: what the cursor says, unless it was overtaken. Or `READING`.
    head: Cell<u64>,
    /// A gate knows of messages up to this position, and maybe there are more. 0 if it may be overtaken,
    /// because then it has to look anyway.
    ready: Cell<u64>,
    /// How many it has missed and not told.
    missed: Cell<u64>,
    policy: Policy,
    waiting: Waiting,
}

impl<T, W: Writers> Receiver<T, W> {
    /// From the next message on.
    pub(super) fn join(ring: &Arc<Ring<T, W>>, policy: Policy) -> Self {
        let cursor = ring.readers.join(W::tail(ring));
        // P5: now that senders know it, or have not come further than this.
        Self::begin(ring, cursor, W::tail(ring), policy)
    }

    /// From `position` on. Until now the cursor held the senders, wherever it was.
    fn begin(ring: &Arc<Ring<T, W>>, cursor: Cursor, position: u64, policy: Policy) -> Self {
        let this = Self {
            ring: Arc::clone(ring),
            cursor,
            head: Cell::new(position),
            ready: Cell::new(0),
            missed: Cell::new(0),
            policy,
            waiting: Waiting::default(),
        };
        this.move_to(policy, position);
        this.ring.not_full.notify_all();
        this
    }

    /// Another reader, which gets the messages from the next one on.
    pub fn subscribe(&self, policy: Policy) -> Self {
        let mut new = Self::join(&self.ring, policy);
        new.waiting = self.waiting;
        new
    }

    /// What happens when it is too far behind.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// How many messages it has missed since this was last asked, because senders have overtaken it: all
    /// those between the ones that it received before and those that it will receive from now on.
    pub fn take_missed(&self) -> u64 {
        if self.policy == Policy::Lag && !self.is_reading() {
            self.see(self.cursor.position());
        }
        self.missed.take()
    }

    #[inline]
    fn is_reading(&self) -> bool {
        self.head.get() == READING
    }

    /// Counts what was missed on the way to `position`.
    fn see(&self, position: u64) {
        self.missed.set(self.missed.get() + (position - self.head.get()));
        self.head.set(position);
    }

    fn len_now(&self) -> usize {
        let tail = W::tail(&self.ring);
        tail.saturating_sub(self.cursor.position()).min(self.ring.capacity) as usize
    }

    /// Where it is. Senders do not overtake it until it moves, or is moved to where it is.
    #[inline]
    fn stand_still(&self, policy: Policy) -> u64 {
        if policy == Policy::Lag {
            self.see(self.cursor.lock());
        }
        self.head.get()
    }

    /// The next message is that of `position`; senders may do with those before what they like.
    #[inline]
    fn move_to(&self, policy: Policy, position: u64) {
        self.head.set(position);
        self.cursor.store(if policy == Policy::Gate { position } else { position | LAG });
    }

    /// Looks up to where there are messages from `head` on, where it stands: for `len_max` of them, or more.
    #[inline]
    fn find_messages(&self, head: u64, len_max: usize) -> Result<u64, TryRecvError> {
        let end = W::sent_end(&self.ring, head, len_max);
        if end == head { self.find_last_messages(head, len_max) } else { Ok(end) }
    }

    /// After there were none: whether one may still come.
    #[cold]
    fn find_last_messages(&self, head: u64, len_max: usize) -> Result<u64, TryRecvError> {
        if !self.ring.is_closed() {
            return Err(TryRecvError::Empty);
        }
        // Once more, because the last sender may have sent and gone in between (P3).
        let end = W::sent_end(&self.ring, head, len_max);
        if end == head { Err(TryRecvError::Disconnected) } else { Ok(end) }
    }
}

// WHY `policy` is handed on, where it could be read: known where these are inlined, it makes one verb of each policy.
impl<T: Clone, W: Writers> Receiver<T, W> {
    #[inline]
    fn try_recv_by(&self, policy: Policy) -> Result<T, TryRecvError> {
        let start = self.head.get();
        let run = if start < self.ready.get() {
            self.head.set(READING);
            Run { start, len: 1, is_long: false }
        } else {
            self.take_sent_by(policy, 1, false)?
        };
        let released = Released { receiver: self, run };
        // SAFETY: the first message of a run that was just taken.
        let message = unsafe { self.read(run, 0) };
        std::mem::forget(released);
        self.release_by(policy, run, 1);
        Ok(message)
    }

    #[inline(never)]
    fn try_recv_lagging(&self) -> Result<T, TryRecvError> {
        self.try_recv_by(Policy::Lag)
    }

    #[inline]
    fn take_sent_by(&self, policy: Policy, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        if self.is_reading() {
            return Err(TryRecvError::Empty);
        }
        let start = self.stand_still(policy);
        let mut end = self.ready.get();
        if end.saturating_sub(start) < len_max as u64 {
            end = self.find_messages(start, len_max).inspect_err(|_| {
                if policy == Policy::Lag {
                    self.move_to(policy, start);
                }
            })?;
        }
        match policy {
            Policy::Gate => self.ready.set(end),
            // A gate now: senders do not wait for it, but find the ring full.
            Policy::Lag if is_long => self.cursor.store(start),
            Policy::Lag => {}
        }
        // A peek has the handle to itself.
        if !is_long {
            self.head.set(READING);
        }
        Ok(Run { start, len: (end - start).min(len_max as u64) as usize, is_long })
    }

    #[inline]
    fn release_by(&self, policy: Policy, run: Run, read: usize) {
        // Found once: for all the compiler knows, the cursor could be written over the handle.
        let ring = &*self.ring;
        self.move_to(policy, run.start + read as u64);
        match policy {
            Policy::Gate => ring.not_full.notify(read),
            // It was a gate until now.
            Policy::Lag if run.is_long => ring.not_full.notify_all(),
            Policy::Lag => {}
        }
    }
}

impl<T: Clone, W: Writers> ReceiveEnd for Receiver<T, W> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        match self.policy {
            Policy::Gate => self.try_recv_by(Policy::Gate),
            Policy::Lag => self.try_recv_lagging(),
        }
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        self.take_sent_by(self.policy, len_max, is_long)
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        // SAFETY: the messages of a run were written whole (P1), and the cursor stands still (P2, P6) until
        // it is released; the reference lives as long as the caller keeps the run.
        unsafe { self.ring.place(run.start + index as u64).get() }
    }

    #[inline]
    unsafe fn fold<'a, B>(&'a self, run: Run, from: usize, init: B, mut f: impl FnMut(B, &'a T) -> B) -> B
    where
        T: 'a,
    {
        let [first, second] = self.ring.rows(run.start + from as u64, run.len - from);
        // SAFETY: as in `peek`.
        let mut f = |folded, slot: &'a W::Slot<T>| f(folded, unsafe { W::place(slot).get() });
        let folded = first.iter().fold(init, &mut f);
        second.iter().fold(folded, f)
    }

    #[inline]
    unsafe fn read(&self, run: Run, index: usize) -> T {
        // SAFETY: as in `peek`.
        unsafe { self.peek(run, index) }.clone()
    }

    #[inline]
    unsafe fn discard(&self, _: Run, _: usize) {
        // The others get it too.
    }

    #[inline]
    unsafe fn read_all(&self, run: Run, read: &mut usize, mut sink: impl FnMut(T)) {
        let mut read = Count::on(read);
        for row in self.ring.rows(run.start + read.now as u64, run.len - read.now) {
            for slot in row {
                read.now += 1;
                // SAFETY: as in `peek`.
                sink(unsafe { W::place(slot).get() }.clone());
            }
        }
    }

    #[inline]
    unsafe fn release(&self, run: Run, read: usize) {
        self.release_by(self.policy, run, read);
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

/// Releases a run without having read any of it, when a clone panics.
struct Released<'a, T: Clone, W: Writers> {
    receiver: &'a Receiver<T, W>,
    run: Run,
}

impl<T: Clone, W: Writers> Drop for Released<'_, T, W> {
    fn drop(&mut self) {
        // SAFETY: taken, and nothing read.
        unsafe { self.receiver.release(self.run, 0) };
    }
}

receiver_verbs!(Receiver<[T, W]> for [T: Clone, W: Writers], mut);
both_ends!(Receiver<[T, W]> for [T, W: Writers], |receiver| receiver.len_now());

impl<T, W: Writers> Clone for Receiver<T, W> {
    fn clone(&self) -> Self {
        // A gate stands still anyway, and so does who is reading.
        let may_move = self.policy == Policy::Lag && !self.is_reading();
        let position = if may_move { self.stand_still(self.policy) } else { self.cursor.position() };
        if may_move {
            // A gate meanwhile, so that senders do not wait for this.
            self.cursor.store(position);
        }
        let cursor = self.ring.readers.join(position);
        let mut clone = Self::begin(&self.ring, cursor, position, self.policy);
        clone.waiting = self.waiting;
        if may_move {
            self.move_to(self.policy, position);
            self.ring.not_full.notify_all();
        }
        clone
    }
}

impl<T, W: Writers> Drop for Receiver<T, W> {
    fn drop(&mut self) {
        self.ring.readers.leave(&self.cursor);
        self.ring.not_full.notify_all();
    }
}
