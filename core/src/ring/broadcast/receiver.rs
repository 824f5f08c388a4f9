//! A reader of a ring.

use super::readers::{Cursor, LAG};
use super::ring::{Ring, Writers};
use super::{One, Policy};
use crate::ring::pace::Pace;
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
    /// Where its next message is, and what senders may do about it.
    cursor: Cursor,
    /// A gate knows of messages up to this position, and maybe there are more. 0 if it may be overtaken, because then
    /// it has to look anyway.
    ready: Cell<u64>,
    /// Where one that may be overtaken was last.
    seen: Cell<u64>,
    /// How many it has missed and not told.
    missed: Cell<u64>,
    pace: Pace,
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
            ready: Cell::new(0),
            seen: Cell::new(position),
            missed: Cell::new(0),
            pace: Pace::new(ring.capacity as usize),
            policy,
            waiting: Waiting::default(),
        };
        this.move_to(position);
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

    /// How many messages it has missed since this was last asked, because senders have overtaken it: all those between
    /// the ones that it received before and those that it will receive from now on.
    pub fn take_missed(&self) -> u64 {
        if self.policy == Policy::Lag {
            self.see(self.cursor.position());
        }
        self.missed.take()
    }

    /// Counts what was missed on the way to `position`.
    fn see(&self, position: u64) {
        self.missed.set(self.missed.get() + (position - self.seen.get()));
        self.seen.set(position);
    }

    fn len_now(&self) -> usize {
        let tail = W::tail(&self.ring);
        tail.saturating_sub(self.cursor.position()).min(self.ring.capacity) as usize
    }

    /// Where it is. Senders do not overtake it until it moves, or is moved to where it is.
    #[inline]
    fn stand_still(&self) -> u64 {
        match self.policy {
            Policy::Gate => self.cursor.gated(),
            Policy::Lag => {
                self.see(self.cursor.lock());
                self.seen.get()
            }
        }
    }

    /// The next message is that of `position`; senders may do with those before what they like.
    #[inline]
    fn move_to(&self, position: u64) {
        match self.policy {
            Policy::Gate => self.cursor.store(position),
            Policy::Lag => {
                self.seen.set(position);
                self.cursor.store(position | LAG);
            }
        }
    }

    /// Looks how many messages there are from `head` on, where it stands: up to `len_max`, or more.
    #[inline]
    fn find_messages(&self, head: u64, len_max: usize) -> Result<u64, TryRecvError> {
        self.pace.rest();
        let end = W::sent_end(&self.ring, head, len_max);
        self.pace.found(end - head);
        if end != head { Ok(end) } else { self.find_last_messages(head, len_max) }
    }

    /// After there were none: whether one may still come.
    #[cold]
    fn find_last_messages(&self, head: u64, len_max: usize) -> Result<u64, TryRecvError> {
        if !self.ring.is_closed() {
            return Err(TryRecvError::Empty);
        }
        // Once more, because the last sender may have sent and gone in between (P3).
        let end = W::sent_end(&self.ring, head, len_max);
        if end != head { Ok(end) } else { Err(TryRecvError::Disconnected) }
    }
}

impl<T: Clone, W: Writers> Receiver<T, W> {
    /// Receives what was not known to be there, or may be overtaken.
    #[inline]
    fn try_recv_slowly(&self) -> Result<T, TryRecvError> {
        let run = self.take_sent(1, false)?;
        let mut taken = Taken { receiver: self, run, read: 0 };
        // SAFETY: just taken, and released after it.
        let message = unsafe { self.read(run, 0) };
        taken.read = 1;
        Ok(message)
    }
}

impl<T: Clone, W: Writers> ReceiveEnd for Receiver<T, W> {
    type Message = T;

    #[inline]
    fn try_recv_now(&self) -> Result<T, TryRecvError> {
        let head = self.cursor.gated();
        if head >= self.ready.get() {
            return self.try_recv_slowly();
        }
        // SAFETY: a gate, and `head` is below `ready`: the message was written whole (P1), and senders do not touch the
        // slot before the cursor moves (P2).
        let message = unsafe { self.ring.place(head).get() }.clone();
        self.cursor.store(head + 1);
        self.ring.not_full.notify_one();
        Ok(message)
    }

    #[inline]
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError> {
        let start = self.stand_still();
        let mut end = self.ready.get();
        if end.saturating_sub(start) < len_max as u64 {
            end = self.find_messages(start, len_max).inspect_err(|_| {
                if self.policy == Policy::Lag {
                    self.move_to(start);
                }
            })?;
        }
        match self.policy {
            Policy::Gate => self.ready.set(end),
            // A gate now: senders do not wait for it, but find the ring full.
            Policy::Lag if is_long => self.cursor.store(start),
            Policy::Lag => {}
        }
        Ok(Run { start, len: (end - start).min(len_max as u64) as usize, is_long })
    }

    #[inline]
    unsafe fn peek(&self, run: Run, index: usize) -> &T {
        // SAFETY: the messages of a run were written whole (P1), and the cursor stands still (P2, P6) until it is
        // released; the reference lives as long as the caller keeps the run.
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
        self.move_to(run.start + read as u64);
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

/// A run of one, released also if its clone panics: then it was not read.
struct Taken<'a, T: Clone, W: Writers> {
    receiver: &'a Receiver<T, W>,
    run: Run,
    read: usize,
}

impl<T: Clone, W: Writers> Drop for Taken<'_, T, W> {
    fn drop(&mut self) {
        // SAFETY: taken, and so much of it read.
        unsafe { self.receiver.release(self.run, self.read) };
    }
}

receiver_verbs!(Receiver<[T, W]> for [T: Clone, W: Writers], mut);
both_ends!(Receiver<[T, W]> for [T, W: Writers], |receiver| receiver.len_now());

impl<T, W: Writers> Clone for Receiver<T, W> {
    fn clone(&self) -> Self {
        let position = self.stand_still();
        // A gate meanwhile, so that senders do not wait for this.
        self.cursor.store(position);
        let cursor = self.ring.readers.join(position);
        let mut clone = Self::begin(&self.ring, cursor, position, self.policy);
        clone.waiting = self.waiting;
        self.move_to(position);
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
