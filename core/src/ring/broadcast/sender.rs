//! The one sender of a ring: it publishes messages by moving `tail`, and the slots hold nothing else.
//!
//! Slots from `tail` to `limit` are empty: when the limit moves on, the messages that no reader will look at
//! any more are dropped at once, before anything else, so that their `drop` finds the ring whole whatever it
//! does.

use super::Policy;
use super::receiver::Receiver;
use super::ring::{Place, Ring, Writers};
use crate::ring::drop_all;
use crate::ring::verbs::*;
use crate::sync::Ordering;
use crate::sync::event_count::EventCount;
use std::cell::Cell;

/// A ring with one sender.
#[derive(Debug)]
pub struct One;

impl Writers for One {
    type Slot<T> = Place<T>;

    fn slot<T>(_: u64) -> Place<T> {
        Place::new()
    }

    #[inline]
    fn place<T>(slot: &Place<T>) -> &Place<T> {
        slot
    }

    #[inline]
    fn sent_end<T>(ring: &Ring<T, Self>, _: u64, _: usize) -> u64 {
        Self::tail(ring)
    }

    #[inline]
    fn tail<T>(ring: &Ring<T, Self>) -> u64 {
        // ORDERING: Acquire, P1: pairs with the sender's Release and carries the messages before it.
        ring.tail.load(Ordering::Acquire)
    }

    unsafe fn drop_messages<T>(ring: &Ring<T, Self>) {
        // ORDERING: Relaxed: the last handle is gone, and the `Arc` has put everything before this.
        let dropped = Cell::new(ring.dropped.load(Ordering::Relaxed));
        let tail = Self::tail(ring);
        drop_all(|| {
            let position = dropped.get();
            (position != tail).then(|| {
                dropped.set(position + 1);
                // SAFETY: sent (P1), not dropped so far, and taken once, because `dropped` has moved on.
                unsafe { ring.place(position).take() }
            })
        });
    }
}

/// The sending side of [`bounded`](super::bounded). When it is dropped, receivers get what is left.
pub struct Sender<T> {
    ring: Arc<Ring<T, One>>,
    /// The position of the next message: what `Ring::tail` says.
    tail: Cell<u64>,
    /// There is room up to this position, and maybe more. Messages more than a capacity before it have been
    /// dropped.
    limit: Cell<u64>,
    waiting: Waiting,
}

impl<T> Sender<T> {
    pub(super) fn new(ring: Arc<Ring<T, One>>) -> Self {
        let tail = One::tail(&ring);
        let limit = Cell::new(tail + ring.capacity);
        Self { ring, tail: Cell::new(tail), limit, waiting: Waiting::default() }
    }

    /// A reader that gets the messages from the next one on.
    pub fn subscribe(&self, policy: Policy) -> Receiver<T> {
        Receiver::join(&self.ring, policy)
    }

    /// Looks how far the readers have come. Returns how much room there is.
    #[cold]
    fn find_room(&self, wanted: u64) -> u64 {
        let limit = self.ring.readers.limit(self.tail.get(), wanted.min(self.ring.capacity));
        if std::mem::needs_drop::<T>() {
            self.drop_messages(limit);
        } else if limit > self.limit.get() {
            self.limit.set(limit);
        }
        self.limit.get() - self.tail.get()
    }

    /// Moves the limit, dropping what it passes.
    #[cold]
    fn drop_messages(&self, limit: u64) {
        drop_all(|| {
            // Looked at anew each time: a message that is dropped may send.
            let position = self.limit.get();
            (position < limit).then(|| {
                self.limit.set(position + 1);
                // SAFETY: the readers are past it (P2), because the limit is a capacity ahead; it was sent,
                // because the limit is at most a capacity past `tail`; it is taken once, because the limit
                // has moved on.
                unsafe { self.ring.place(position - self.ring.capacity).take() }
            })
        });
    }

    #[inline]
    fn move_tail(&self, ring: &Ring<T, One>, tail: u64) {
        self.tail.set(tail);
        // ORDERING: Release, P1: pairs with the readers' Acquire and carries the messages.
        ring.tail.store(tail, Ordering::Release);
        ring.not_empty.notify_all();
    }
}

impl<T> SendEnd for Sender<T> {
    type Message = T;

    #[inline(always)]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        if self.ring.readers.is_empty() {
            return Err(TrySendError::Disconnected(message));
        }
        if self.tail.get() == self.limit.get() && self.find_room(1) == 0 {
            return Err(TrySendError::Full(message));
        }
        let tail = self.tail.get();
        // Found once: for all the compiler knows, the message could be written over the handle.
        let ring = &*self.ring;
        // SAFETY: `tail` is below `limit`: the readers are past what was in this slot (P2), it is dropped,
        // and they do not look at it before `tail` moves (P1). There is one sender.
        unsafe { ring.place(tail).write(message) };
        self.move_tail(ring, tail + 1);
        Ok(())
    }

    #[inline(always)]
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        if self.ring.readers.is_empty() {
            return Err(TrySendError::Disconnected(()));
        }
        let mut room = self.limit.get() - self.tail.get();
        if room < len_max as u64 {
            room = self.find_room(len_max as u64);
        }
        match room.min(len_max as u64) as usize {
            0 => Err(TrySendError::Full(())),
            len => Ok(Run { start: self.tail.get(), len, is_long }),
        }
    }

    #[inline]
    unsafe fn write(&self, run: Run, index: usize, message: T) {
        // SAFETY: the run is from `tail` to at most `limit`: as in `try_send_now`.
        unsafe { self.ring.place(run.start + index as u64).write(message) };
    }

    #[inline]
    unsafe fn write_all(&self, run: Run, written: &mut usize, mut messages: impl FusedIterator<Item = T>) {
        let mut written = Count::on(written);
        for row in self.ring.rows(run.start + written.now as u64, run.len - written.now) {
            for (place, message) in row.iter().zip(&mut messages) {
                // SAFETY: as in `write`.
                unsafe { place.write(message) };
                written.now += 1;
            }
        }
    }

    unsafe fn unwrite(&self, run: Run, index: usize) {
        // SAFETY: written by us, not published, and not dropped again, as the caller promises.
        drop(unsafe { self.ring.place(run.start + index as u64).take() });
    }

    #[inline(always)]
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

sender_verbs!(Sender<[T]> for [T], mut);
both_ends!(Sender<[T]> for [T]);

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed: for the drop of the ring, which the `Arc` puts after this.
        self.ring.dropped.store(self.limit.get() - self.ring.capacity, Ordering::Relaxed);
        self.ring.leave_sender();
    }
}
