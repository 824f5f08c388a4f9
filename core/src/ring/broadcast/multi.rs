//! Many senders of a ring: they take positions by moving `tail`, and publish each message by the stamp of its
//! slot.
//!
//! ```text
//!   stamp == position           holds the message of `position`
//!   stamp == position | EMPTY   held it, and it has been dropped
//!
//!   tail == position            the next one to take
//!   tail == position | HELD     a claim has the positions from there on, for as long as it likes
//!   tail == position | SHORT    a batch is about to take them
//! ```
//!
//! What was taken is sent: a claim that may give positions back does not move `tail` before it ends. So there
//! are no holes, for which readers would have to look, and where a reader joins is after all that was sent
//! before.

use super::Policy;
use super::receiver::Receiver;
use super::ring::{Place, Ring, Writers};
use crate::ring::drop_all;
use crate::ring::verbs::*;
use crate::ring::wait::Pause;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, Ordering};
use std::cell::Cell;
use std::mem::needs_drop;

/// Set in `tail` by a claim.
const HELD: u64 = 1 << 63;
/// Set in `tail` by a batch that drops what is in its slots.
const SHORT: u64 = 1 << 62;
/// Set in a stamp when the message has been dropped. Positions stay below it: they need a century to get
/// there.
const EMPTY: u64 = 1 << 61;

/// A ring with many senders.
#[derive(Debug)]
pub struct Many;

/// Room for a message, and which one is in it.
#[derive(Debug)]
pub struct Slot<T> {
    stamp: AtomicU64,
    place: Place<T>,
}

impl<T> Slot<T> {
    /// Takes out what is here, if it has not been taken out and its type has anything to do when it is
    /// dropped.
    ///
    /// # Safety
    /// The slot is the caller's alone, and not stamped for its position.
    #[inline]
    unsafe fn empty(&self) -> Option<T> {
        if !needs_drop::<T>() {
            return None;
        }
        // ORDERING: Relaxed: the slot is the caller's.
        let stamp = self.stamp.load(Ordering::Relaxed);
        (stamp & EMPTY == 0).then(|| {
            // ORDERING: Release: pairs with the Acquire of the next sender, should the caller give the slot
            // back.
            self.stamp.store(stamp | EMPTY, Ordering::Release);
            // SAFETY: the slot is the caller's; it was stamped with a message, which is taken once, because
            // `EMPTY`.
            unsafe { self.place.take() }
        })
    }
}

impl Writers for Many {
    type Slot<T> = Slot<T>;

    fn slot<T>(index: u64) -> Slot<T> {
        // As if it had been used for the position before the first one.
        Slot { stamp: AtomicU64::new(index | EMPTY), place: Place::new() }
    }

    #[inline]
    fn place<T>(slot: &Slot<T>) -> &Place<T> {
        &slot.place
    }

    #[inline]
    fn sent_end<T>(ring: &Ring<T, Self>, position: u64, len_max: usize) -> u64 {
        let end_max = position + len_max.min(ring.slots.len()) as u64;
        let mut end = position;
        // ORDERING: Acquire, P1: pairs with the senders' Release: weaker, we could read a slot as it was
        // before.
        while end < end_max && ring.slot(end).stamp.load(Ordering::Acquire) == end {
            end += 1;
        }
        end
    }

    fn tail<T>(ring: &Ring<T, Self>) -> u64 {
        // ORDERING: Acquire: keeps it before the loads of cursors that a count of messages is made of.
        ring.tail.load(Ordering::Acquire) & !(HELD | SHORT)
    }

    unsafe fn drop_messages<T>(ring: &Ring<T, Self>) {
        let slots = Cell::new(ring.slots.iter());
        drop_all(|| {
            let mut left = slots.take();
            // SAFETY: nobody else uses the ring. Of a claim that was forgotten nothing is stamped.
            let found = left.find_map(|slot| unsafe { slot.empty() });
            slots.set(left);
            found
        });
    }
}

/// The sending side of [`multi`](super::multi). Clones send into the same ring; when the last one is dropped,
/// receivers get what is left.
///
/// While a [`Claim`] of one of them is open, the others find the ring full.
pub struct MultiSender<T> {
    ring: Arc<Ring<T, Many>>,
    /// Where to try first.
    next: AtomicU64,
    /// There is room up to this position, and maybe more.
    limit: AtomicU64,
    waiting: Waiting,
}

impl<T> MultiSender<T> {
    pub(super) fn new(ring: Arc<Ring<T, Many>>) -> Self {
        let next = AtomicU64::new(Many::tail(&ring));
        Self { ring, next, limit: AtomicU64::new(0), waiting: Waiting::default() }
    }

    /// A reader that gets the messages from the next one on.
    pub fn subscribe(&self, policy: Policy) -> super::MultiReceiver<T> {
        Receiver::join(&self.ring, policy)
    }

    /// Takes up to `len_max` positions in a row, and moves `tail` behind them; or only holds it, with `flag`.
    #[inline]
    fn take(&self, len_max: usize, flag: u64) -> Result<Run, TrySendError<()>> {
        let ring = &*self.ring;
        if ring.readers.is_empty() {
            return Err(TrySendError::Disconnected(()));
        }
        let pause = Pause::new();
        let wanted = (len_max as u64).min(ring.capacity);
        // ORDERING: Acquire, P5: a guess, and the CAS below decides whether it was good; but the limit that
        // we compute from it has to come after it, also if a thread that shares this handle has found it.
        let mut tail = self.next.load(Ordering::Acquire);
        loop {
            let limit = self.limit_for(tail, wanted);
            let len = self.free_len(tail, limit.saturating_sub(tail).min(wanted));
            if len == 0 {
                tail = self.tail_unless_full(tail, limit, &pause)?;
                continue;
            }
            let after = if flag == 0 { tail + len } else { tail | flag };
            // ORDERING: Acquire, P7: pairs with the Release in `move_tail`: weaker, our write could overtake
            // what a claim did in these slots before it gave them back. Relaxed on failure: a ticket; a flag
            // makes it fail.
            match ring.tail.compare_exchange(tail, after, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    // ORDERING: Release, P5: as above. Not where we shall be, because we may give everything
                    // back.
                    self.next.store(after & !(HELD | SHORT), Ordering::Release);
                    return Ok(Run { start: tail, len: len as usize, is_long: flag == HELD });
                }
                Err(now) if now & HELD != 0 => return Err(TrySendError::Full(())),
                Err(now) => {
                    pause.spin();
                    tail = now & !SHORT;
                }
            }
        }
    }

    /// Up to where there is room for `wanted` messages from `tail` on.
    #[inline]
    fn limit_for(&self, tail: u64, wanted: u64) -> u64 {
        // ORDERING: Acquire: pairs with the Release below, of a thread that shares this handle and computed
        // the limit: weaker, we could overwrite a message that a reader is reading.
        let limit = self.limit.load(Ordering::Acquire);
        if tail + wanted <= limit {
            return limit;
        }
        // If `tail` is an old guess, then so is the limit: it is good for no more than a capacity behind it.
        let limit = self.ring.readers.limit(tail, wanted);
        // ORDERING: Release: as above.
        self.limit.store(limit, Ordering::Release);
        limit
    }

    /// How many slots in a row from `tail` on, up to `len_max`, have been published one lap before. They
    /// have, if the readers are past them; but those who have joined since have never been there.
    #[inline]
    fn free_len(&self, tail: u64, len_max: u64) -> u64 {
        let lap = self.ring.slots.len() as u64;
        let mut len = 0;
        // ORDERING: Acquire: pairs with the Release of whoever stamped it: its message or its drop comes
        // before ours.
        let stamp = |position| self.ring.slot(position).stamp.load(Ordering::Acquire) & !EMPTY;
        while len < len_max && stamp(tail + len) + lap == tail + len {
            len += 1;
        }
        len
    }

    /// Where to try after nothing was free at `tail`, with that limit.
    #[cold]
    fn tail_unless_full(&self, tail: u64, limit: u64, pause: &Pause) -> Result<u64, TrySendError<()>> {
        // ORDERING: Relaxed: a ticket.
        let now = self.ring.tail.load(Ordering::Relaxed);
        if now & HELD != 0 || (now == tail && limit <= tail) {
            return Err(TrySendError::Full(()));
        }
        if now == tail | SHORT || (now == tail && limit > tail) {
            // A sender is at work: the one that holds `tail`, or the one of this slot one lap before.
            pause.snooze();
        }
        Ok(now & !SHORT)
    }

    /// Moves `tail`, which we hold, and lets the other senders go on.
    fn move_tail(&self, tail: u64) {
        // ORDERING: Release, P7: pairs with the Acquire in `take`, and carries what we did in slots that we
        // give back.
        self.ring.tail.store(tail, Ordering::Release);
        // ORDERING: Release, P5: as in `take`.
        self.next.store(tail, Ordering::Release);
        self.ring.not_full.notify_all();
    }

    /// Drops what is in the slots of a run that we hold `tail` for. If that panics, gives the run back.
    fn empty(&self, run: Run) {
        struct Hold<'a, T>(Option<(&'a MultiSender<T>, Run)>);

        impl<T> Drop for Hold<'_, T> {
            fn drop(&mut self) {
                if let Some((sender, run)) = self.0 {
                    sender.move_tail(run.start);
                }
            }
        }

        let mut hold = Hold(Some((self, run)));
        let index = Cell::new(0);
        drop_all(|| {
            while index.get() < run.len {
                let position = run.start + index.replace(index.get() + 1) as u64;
                // SAFETY: the slots from `tail` on are ours while we hold it, and their readers are past
                // them.
                if let Some(message) = unsafe { self.ring.slot(position).empty() } {
                    return Some(message);
                }
            }
            None
        });
        hold.0 = None;
    }
}

impl<T> SendEnd for MultiSender<T> {
    type Message = T;

    #[inline]
    fn try_send_now(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.take(1, 0) {
            Ok(run) => {
                let slot = self.ring.slot(run.start);
                // SAFETY: the CAS gave this position to us alone; it is below the limit, so that the readers
                // are past what was in its slot (P2), and they do not look at it before the stamp says so
                // (P1).
                let old = unsafe { slot.empty() };
                // SAFETY: as above, and it is empty.
                unsafe { slot.place.write(message) };
                // ORDERING: Release, P1: pairs with the readers' Acquire and carries the message.
                slot.stamp.store(run.start, Ordering::Release);
                self.ring.not_empty.notify_all();
                // Not before, so that nobody waits for it, and its panic leaves everything whole.
                drop(old);
                Ok(())
            }
            Err(TrySendError::Full(())) => Err(TrySendError::Full(message)),
            Err(TrySendError::Disconnected(())) => Err(TrySendError::Disconnected(message)),
        }
    }

    #[inline]
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>> {
        let flag = match (is_long, needs_drop::<T>()) {
            (true, _) => HELD,
            (false, true) => SHORT,
            (false, false) => 0,
        };
        let run = self.take(len_max, flag)?;
        if needs_drop::<T>() {
            self.empty(run);
        }
        if flag == SHORT {
            self.move_tail(run.start + run.len as u64);
        }
        Ok(run)
    }

    #[inline]
    unsafe fn write(&self, run: Run, index: usize, message: T) {
        // SAFETY: a position of ours, whose slot was emptied: as in `try_send_now`.
        unsafe { self.ring.place(run.start + index as u64).write(message) };
    }

    #[inline]
    unsafe fn write_all(&self, run: Run, written: &mut usize, mut messages: impl FusedIterator<Item = T>) {
        let mut written = Count::on(written);
        for row in self.ring.rows(run.start + written.now as u64, run.len - written.now) {
            for slot in row {
                let Some(message) = messages.next() else { return };
                // SAFETY: as in `write`.
                unsafe { slot.place.write(message) };
                written.now += 1;
            }
        }
    }

    unsafe fn unwrite(&self, run: Run, index: usize) {
        // SAFETY: written by us, not published, and not dropped again, as the caller promises.
        drop(unsafe { self.ring.place(run.start + index as u64).take() });
    }

    #[inline]
    unsafe fn publish(&self, run: Run, written: usize) {
        if run.is_long {
            self.move_tail(run.start + written as u64);
        }
        let written = written as u64;
        for index in 0..written {
            let position = run.start + (written - 1 - index);
            // ORDERING: Release, P1: pairs with the readers' Acquire and carries the message. Last to first,
            // so that who waits for the first finds all.
            self.ring.slot(position).stamp.store(position, Ordering::Release);
        }
        self.ring.not_empty.notify_all();
    }

    fn room(&self) -> &EventCount {
        &self.ring.not_full
    }

    fn waiting(&self) -> Waiting {
        self.waiting
    }
}

sender_verbs!(MultiSender<[T]> for [T]);
both_ends!(MultiSender<[T]> for [T]);

impl<T> Clone for MultiSender<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed: we hold a handle, so that the count cannot reach zero meanwhile.
        self.ring.sender_count.fetch_add(1, Ordering::Relaxed);
        // ORDERING: Acquire, P5: as in `take`.
        let next = AtomicU64::new(self.next.load(Ordering::Acquire));
        // Its limit is computed when it is needed.
        Self { ring: Arc::clone(&self.ring), next, limit: AtomicU64::new(0), waiting: self.waiting }
    }
}

impl<T> Drop for MultiSender<T> {
    fn drop(&mut self) {
        self.ring.leave_sender();
    }
}
