//! A reader of a ring.

use super::readers::{Cursor, LAG};
use super::ring::{Ring, Writers};
use super::{One, Policy};
use crate::ring::verbs::*;
use crate::sync::event_count::EventCount;
use std::cell::Cell;

/// The receiving side. Each one gets every message from where it joined on, as a clone; a clone of it starts where it
/// is itself, with the same policy. When the last one is dropped, nothing can be sent until somebody
/// [subscribes](Self::subscribe) again.
///
/// [`len`](Self::len) is how many messages it has yet to receive, and that of a sender how many messages hold it.
pub struct Receiver<T, W: Writers = One> {
    ring: Arc<Ring<T, W>>,
    cursor: Cursor,
    /// The position of the next message: what the cursor says, unless it was overtaken.
    head: Cell<u64>,
    /// There are messages up to this position, and maybe more.
    ready: Cell<u64>,
    /// How many were missed and not told.
    missed: Cell<u64>,
    policy: Policy,
    waiting: Waiting,
}

impl<T, W: Writers> Receiver<T, W> {
    /// From the next message on.
    pub(super) fn join(ring: &Arc<Ring<T, W>>, policy: Policy) -> Self {
        let cursor = ring.readers.join(W::tail(ring));
        // P5: now that senders know it, or have not come further than this.
        let this = Self::new(ring, cursor, W::tail(ring), policy, Waiting::default());
        // Until now it held the senders, wherever it was.
        this.move_head(this.head.get());
        this.ring.not_full.notify_all();
        this
    }

    fn new(ring: &Arc<Ring<T, W>>, cursor: Cursor, head: u64, policy: Policy, waiting: Waiting) -> Self {
        let (head, ready, missed) = (Cell::new(head), Cell::new(head), Cell::new(0));
        Self { ring: Arc::clone(ring), cursor, head, ready, missed, policy, waiting }
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

    /// How many messages it has missed since this was last asked, because senders have overtaken it: all those between
    /// the ones that it received before and those that it will receive from now on.
    pub fn take_missed(&self) -> u64 {
        if self.policy == Policy::Lag {
            self.stand_at(self.cursor.position());
        }
        self.missed.take()
    }

    /// Counts what was missed on the way to `position`.
    #[inline]
    fn stand_at(&self, position: u64) {
        self.missed.set(self.missed.get() + (position - self.head.get()));
        self.head.set(position);
    }

    fn len_now(&self) -> usize {
        let tail = W::tail(&self.ring);
        tail.saturating_sub(self.cursor.position()).min(self.ring.capacity) as usize
    }

    /// The next message is that of `head`; senders may do with those before what they like.
    #[inline]
    fn move_head(&self, head: u64) {
        self.head.set(head);
        self.cursor.store(if self.policy == Policy::Gate { head } else { head | LAG });
    }

    /// Keeps senders from overtaking, if they may, until the cursor is stored again.
    #[inline]
    fn stand_still(&self) {
        if self.policy == Policy::Lag {
            self.stand_at(self.cursor.lock());
        }
    }

    /// Looks how many messages there are, up to `len_max` or more.
    #[inline]
    fn find_messages(&self, len_max: usize) -> Result<u64, TryRecvError> {
        let head = self.head.get();
        self.ready.set(W::sent_end(&self.ring, head, len_max));
        if self.ready.get() == head {
            if !self.ring.is_closed() {
                return Err(TryRecvError::Empty);
            }
            // Once more, because the last sender may have sent and gone in between (P3).
            self.ready.set(W::sent_end(&self.ring, head, len_max));
            if self.ready.get() == head {
                return Err(TryRecvError::Disconnected);
            }
        }
        Ok(self.ready.get() - head)
    }

    /// The same for a reader that stands still, which goes on if there is none.
    #[inline]
    fn find_or_go_on(&self, len_max: usize) -> Result<u64, TryRecvError> {
        // Overtaken, it may be past what it knew of.
        let there = self.ready.get().saturating_sub(self.head.get());
        if there >= len_max as u64 {
            return Ok(there);
        }
        let found = self.find_messages(len_max);
        if found.is_err() && self.policy == Policy::Lag {
            self.move_head(self.head.get());
        }
        found
    }
}

impl<T: Clone, W: Writers> ReceiveEnd for Receiver<T, W> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        if self.policy == Policy::Lag {
            let run = self.take_sent(1, false)?;
            let standing = Standing(self, run);
            // SAFETY: just taken, and released after it.
            let message = unsafe { self.read(run, 0) };
            std::mem::forget(standing);
            // SAFETY: just taken and read.
            unsafe { self.release(run, 1) };
            return Ok(message);
        }
        let head = self.head.get();
        if head == self.ready.get() {
            self.find_messages(1)?;
        }
        // SAFETY: `head` is below `ready`: the message was written whole (P1), and senders do not touch the slot before
        // the cursor moves (P2).
        let message = unsafe { self.ring.place(head).get() }.clone();
        self.move_head(head + 1);
        self.ring.not_full.notify_one();
        Ok(message)
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        self.stand_still();
        let there = self.find_or_go_on(len_max)?;
        let start = self.head.get();
        if is_long && self.policy == Policy::Lag {
            // A gate now: senders do not wait for it, but find the ring full.
            self.cursor.store(start);
        }
        Ok(Run { start, len: there.min(len_max as u64) as usize, is_long })
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        // SAFETY: the run is from `head` to at most `ready`, and the cursor stands still: as in `try_recv_now`; the
        // reference lives as long as the caller keeps the run.
        unsafe { self.ring.place(run.start + index as u64).get() }
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
        for row in self.ring.rows(run.start + *read as u64, run.len - *read) {
            for slot in row {
                *read += 1;
                // SAFETY: as in `peek`.
                sink(unsafe { W::place(slot).get() }.clone());
            }
        }
    }

    #[inline]
    unsafe fn release(&self, run: Run, read: usize) {
        self.move_head(run.start + read as u64);
        match self.policy {
            Policy::Gate => self.ring.not_full.notify(read),
            // It was a gate until now.
            Policy::Lag if run.is_long => self.ring.not_full.notify_all(),
            Policy::Lag => {}
        }
    }

    fn messages(&self) -> &EventCount {
        &self.ring.not_empty
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

/// Lets senders overtake the reader again if a clone panics.
struct Standing<'a, T: Clone, W: Writers>(&'a Receiver<T, W>, Run);

impl<T: Clone, W: Writers> Drop for Standing<'_, T, W> {
    fn drop(&mut self) {
        // SAFETY: taken, and none of it read.
        unsafe { self.0.release(self.1, 0) };
    }
}

receiver_verbs!(Receiver<[T, W]> for [T: Clone, W: Writers], mut);
both_ends!(Receiver<[T, W]> for [T, W: Writers], |receiver| receiver.len_now());

impl<T, W: Writers> Clone for Receiver<T, W> {
    fn clone(&self) -> Self {
        self.stand_still();
        let head = self.head.get();
        // A gate meanwhile, so that senders do not wait for this.
        self.cursor.store(head);
        let cursor = self.ring.readers.join(head);
        let clone = Self::new(&self.ring, cursor, head, self.policy, self.waiting);
        clone.move_head(head);
        self.move_head(head);
        self.ring.not_full.notify_all();
        clone
    }
}

impl<T, W: Writers> Drop for Receiver<T, W> {
    fn drop(&mut self) {
        self.ring.readers.leave(&self.cursor);
        self.ring.not_full.notify_all();
    }
}
