//! The sending end of a ring with many senders whose receiver keeps a position of its own: `mpsc`. (`broadcast`
//! has its own: its readers may come when slots are already claimed.)
//!
//! **Picture.** Positions count messages from 0; slots are a power of two. A sender takes positions by moving `tail`,
//! up to a limit that its ring computes from how far the receivers have come, and stamps each slot when the message
//! is in it. Only senders write slots: who receives says so in a word of its own.
//!
//! ```text
//!   stamp == position + 1         holds the message of `position`
//!   stamp == position + 1 | HELD  taken by a claim that may last
//!   stamp == position + 1 | VOID  the claim of `position` was aborted
//!   anything else                 nothing is there yet
//! ```
//!
//! **Protocol.**
//! - `P1 publish-slot`: the sender that moved `tail` writes the message, then stores the stamp with Release; the
//!   receiver loads the stamp with Acquire and reads the message.
//! - `P3 close`: the `CLOSED` bit is set in `tail` itself, so that no send succeeds after it, and what was taken
//!   before it is counted in the same word.
//! - `P5 run`: a batch takes positions in a row by one compare-and-swap. They are published last to first, so that
//!   who waits for the first finds all.
//!
//! **Where next.** The limit, and the receiving end: `mpsc.rs`.

use super::claim::Run;
use super::error::TrySendError;
use super::slot::{Layout, Packed, Slot};
use super::wait::Pause;
use crate::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// Set in `tail` when a side is gone. Positions stay below it: they need a century to get there.
const CLOSED: u64 = 1 << 63;
/// Set in the stamp of the first slot of a claim.
const HELD: u64 = 1 << 62;
/// Set in the stamps of slots that were claimed and not written.
const VOID: u64 = 1 << 61;

/// See the module's description.
pub(super) struct Stamped<T> {
    /// The next position to send to, and `CLOSED`.
    tail: CachePadded<AtomicU64>,
    slots: Box<[<Packed as Layout>::Place<T>]>,
    /// One less than the number of slots, which is a power of two.
    mask: u64,
}

/// What a sender remembers: where to try first, and up to where there is room.
#[derive(Debug)]
pub(super) struct Guess {
    next: AtomicU64,
    limit: AtomicU64,
}

/// What is to be found at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message.
    Message,
    /// Nothing: an aborted claim. Go on to the next position.
    Void,
    /// Nothing yet, and it may take long.
    Nothing,
    /// Nothing, and nothing will come.
    End,
}

impl Guess {
    pub(super) fn new(limit: u64) -> Self {
        Self { next: AtomicU64::new(0), limit: AtomicU64::new(limit) }
    }
}

impl Clone for Guess {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed: a guess.
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed));
        // ORDERING: Acquire: as in `take`.
        Self { next, limit: AtomicU64::new(self.limit.load(Ordering::Acquire)) }
    }
}

impl<T> Stamped<T> {
    /// Room for `capacity` messages at once.
    pub(super) fn new(capacity: usize) -> Self {
        let slot_count = capacity.next_power_of_two();
        let slots = (0..slot_count).map(|_| Packed::place(Slot::new(0))).collect();
        Self { tail: CachePadded::new(AtomicU64::new(0)), slots, mask: slot_count as u64 - 1 }
    }

    #[inline]
    pub(super) fn slot(&self, position: u64) -> &Slot<T> {
        let index = (position & self.mask) as usize;
        debug_assert!(index < self.slots.len());
        // SAFETY: the number of slots is a power of two, so that the masked index is below it.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// The position after the last one taken, and whether the ring is closed.
    pub(super) fn tail(&self) -> (u64, bool) {
        // ORDERING: Acquire, P3: pairs with `close`: whoever learns that a side is gone sees what it did before.
        let tail = self.tail.load(Ordering::Acquire);
        (tail & !CLOSED, tail & CLOSED != 0)
    }

    /// Takes up to `len_max` positions. `find_limit` computes up to where there is room, with Acquire of whatever the
    /// receivers say.
    #[inline]
    pub(super) fn take(
        &self,
        guess: &Guess,
        len_max: usize,
        is_long: bool,
        find_limit: impl Fn() -> u64,
    ) -> Result<Run, TrySendError<()>> {
        // ORDERING: Relaxed: a guess; the CAS decides whether it was good.
        let tail = guess.next.load(Ordering::Relaxed);
        // ORDERING: Acquire: pairs with the Release in `take_slowly`, by a thread that shares this handle and computed
        // the limit: weaker, we could overwrite a message that a receiver is reading.
        let limit = guess.limit.load(Ordering::Acquire);
        if limit.saturating_sub(tail) >= len_max as u64
            && let Some(run) = self.take_at(guess, tail, len_max as u64, is_long)
        {
            return Ok(run);
        }
        self.take_slowly(guess, tail, len_max, is_long, find_limit)
    }

    #[inline]
    fn take_at(&self, guess: &Guess, tail: u64, len: u64, is_long: bool) -> Option<Run> {
        // ORDERING: Acquire: pairs with the Release in `untake`, which gives positions back: weaker, our write could
        // overtake what its claim did there. Relaxed on failure: a ticket. P3: `CLOSED` makes it fail.
        self.tail.compare_exchange(tail, tail + len, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // ORDERING: Relaxed: a guess.
        guess.next.store(tail + len, Ordering::Relaxed);
        if is_long {
            // ORDERING: Relaxed: carries nothing; receivers that see it late spin a little longer.
            self.slot(tail).stamp.store((tail + 1) | HELD, Ordering::Relaxed);
        }
        Some(Run { start: tail, len: len as usize, is_long })
    }

    #[cold]
    #[inline(never)]
    fn take_slowly(
        &self,
        guess: &Guess,
        mut tail: u64,
        len_max: usize,
        is_long: bool,
        find_limit: impl Fn() -> u64,
    ) -> Result<Run, TrySendError<()>> {
        let pause = Pause::new();
        loop {
            let limit = find_limit();
            // ORDERING: Release: pairs with the Acquire in `take`.
            guess.limit.store(limit, Ordering::Release);
            let (now, is_closed) = self.tail();
            if is_closed {
                return Err(TrySendError::Disconnected(()));
            }
            let room = limit.saturating_sub(now);
            if room == 0 && now == tail {
                return Err(TrySendError::Full(()));
            }
            tail = now;
            if room != 0 {
                match self.take_at(guess, tail, room.min(len_max as u64), is_long) {
                    Some(run) => return Ok(run),
                    None => pause.spin(),
                }
            }
        }
    }

    /// Writes the message of a position that was taken.
    ///
    /// # Safety
    /// The position was taken by the caller and is not published.
    #[inline]
    pub(super) unsafe fn write(&self, position: u64, message: T) {
        // SAFETY: the position is the caller's; below the limit, so that the receivers are done with the slot.
        self.slot(position).message.with_mut(|place| unsafe { (*place).write(message) });
    }

    /// Drops the message of a position that was taken and written.
    ///
    /// # Safety
    /// As for `write`, and it is not dropped or published afterwards.
    pub(super) unsafe fn unwrite(&self, position: u64) {
        // SAFETY: the caller's promise.
        self.slot(position).message.with_mut(|place| unsafe { (*place).assume_init_drop() });
    }

    /// Publishes the message of a single position that was taken and written.
    #[inline]
    pub(super) fn publish_one(&self, position: u64) {
        // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message.
        self.slot(position).stamp.store(position + 1, Ordering::Release);
    }

    /// Publishes the first `written` messages of a run and gives the other positions back.
    #[inline]
    pub(super) fn publish(&self, run: Run, written: usize) {
        let end = if written < run.len && self.untake(run, written) { written } else { run.len };
        for index in (0..end).rev() {
            let position = run.start + index as u64;
            let void = if index < written { 0 } else { VOID };
            // ORDERING: Release, P1: pairs with the receiver's Acquire and carries the message; P5, last to first.
            self.slot(position).stamp.store((position + 1) | void, Ordering::Release);
        }
    }

    /// Gives back the positions of `run` from number `written` on, if nobody has taken any behind them.
    fn untake(&self, run: Run, written: usize) -> bool {
        if written == 0 {
            // ORDERING: Relaxed: no longer held; whoever takes the position next sees it by the CAS below.
            self.slot(run.start).stamp.store(0, Ordering::Relaxed);
        }
        let (start, end) = (run.start + written as u64, run.start + run.len as u64);
        // ORDERING: Release: pairs with the Acquire in `take`, and carries what was written there and dropped again.
        self.tail.compare_exchange(end, start, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Whether the message of `position` is there.
    #[inline]
    pub(super) fn is_sent(&self, position: u64) -> bool {
        // ORDERING: Acquire, P1: pairs with the sender's Release: weaker, we could read the slot as it was before.
        self.slot(position).stamp.load(Ordering::Acquire) == position + 1
    }

    /// What is to be found at `position`, for a receiver that has had everything before it.
    pub(super) fn find(&self, position: u64) -> Found {
        let pause = Pause::new();
        loop {
            // ORDERING: Acquire, P1: as in `is_sent`.
            let stamp = self.slot(position).stamp.load(Ordering::Acquire);
            if stamp == position + 1 {
                return Found::Message;
            }
            if stamp == (position + 1) | VOID {
                return Found::Void;
            }
            let (tail, is_closed) = self.tail();
            if tail == position {
                return if is_closed { Found::End } else { Found::Nothing };
            }
            if stamp == (position + 1) | HELD {
                return Found::Nothing;
            }
            // The sender of this slot is at work on it, or was interrupted there.
            pause.snooze();
        }
    }

    /// Lets no further send succeed.
    pub(super) fn close(&self) {
        // ORDERING: Release, P3: carries what this side did before; in `tail`, see the module's description.
        self.tail.fetch_or(CLOSED, Ordering::Release);
    }
}
