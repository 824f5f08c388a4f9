//! The readers of a ring: where each of them is, and how far senders may go because of it.

use crate::ring::wait::Pause;
use crate::sync::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, barrier};
use crossbeam_utils::CachePadded;
use std::ptr;
// Not the scheduler's: who has an entry is not what models are about.
use std::sync::Arc;

/// Set in the cursor of a reader that senders may overtake.
pub(super) const LAG: u64 = 1 << 63;
/// Set, with `LAG`, while the reader looks at messages.
pub(super) const BUSY: u64 = 1 << 62;
/// A cursor that is nobody's.
const FREE: u64 = u64::MAX;
/// An overtaken reader loses one in so many of the capacity more than need be.
const SLACK: u64 = 8;

/// Where the position is in a cursor.
const POSITION: u64 = BUSY - 1;

/// A reader's cursor, and the way to the next one. Entries are used again when their readers have left, and
/// stay on the list as long as the ring lives: there are as many as there were readers at once.
#[derive(Debug)]
struct Entry {
    cursor: AtomicU64,
    next: AtomicPtr<Line>,
}

/// On lines of its own.
type Line = CachePadded<Entry>;

/// A reader's place among the others.
#[derive(Debug)]
pub(super) struct Cursor(Arc<Line>);

/// All readers.
#[derive(Debug)]
pub struct Readers {
    /// The list of entries, which owns a count of each.
    first: AtomicPtr<Line>,
    /// How many readers have joined.
    joins: AtomicU64,
    /// How many readers there are.
    count: AtomicUsize,
    capacity: u64,
}

impl Readers {
    pub(super) fn new(capacity: u64) -> Self {
        let first = AtomicPtr::new(ptr::null_mut());
        Self { first, joins: AtomicU64::new(0), count: AtomicUsize::new(0), capacity }
    }

    /// Whether there is no reader.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // ORDERING: Acquire, P3: pairs with the Release in `leave`: whoever learns that all are gone sees
        // what they did.
        self.count.load(Ordering::Acquire) == 0
    }

    /// A new cursor at `position`, which holds the senders as soon as they can have passed it. The position
    /// is one of a gating cursor, which stands still meanwhile; or it is moved on, when this has returned, to
    /// `tail` or further.
    pub(super) fn join(&self, position: u64) -> Cursor {
        // ORDERING: Relaxed: a send that comes after this knows it, and no other has to.
        self.count.fetch_add(1, Ordering::Relaxed);
        let cursor = self.take_free(position).unwrap_or_else(|| self.add(position));
        // ORDERING: Release, P5: pairs with the first look at `joins` in `limit`: who sees the count sees the
        // cursor.
        self.joins.fetch_add(1, Ordering::Release);
        barrier::heavy();
        cursor
    }

    /// A cursor that somebody has left.
    fn take_free(&self, position: u64) -> Option<Cursor> {
        // ORDERING: AcqRel: Acquire, P2: what the last reader of this cursor did comes before what is
        // released by it from now on. Release: as in `Cursor::store`.
        let take = |entry: &Entry| {
            entry.cursor.compare_exchange(FREE, position, Ordering::AcqRel, Ordering::Relaxed)
        };
        let line = self.iter().find(|line| take(line).is_ok())?;
        // SAFETY: it comes from `Arc::into_raw`, in `add`, and the list has a count of it.
        unsafe {
            Arc::increment_strong_count(ptr::from_ref(line));
            Some(Cursor(Arc::from_raw(line)))
        }
    }

    /// A new cursor, on the list.
    fn add(&self, position: u64) -> Cursor {
        let next = AtomicPtr::new(ptr::null_mut());
        let line = Arc::new(CachePadded::new(Entry { cursor: AtomicU64::new(position), next }));
        let listed = Arc::into_raw(Arc::clone(&line)).cast_mut();
        // ORDERING: Relaxed: only for the CAS to compare with and to hand on.
        let mut first = self.first.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed: published by the CAS.
            line.next.store(first, Ordering::Relaxed);
            // ORDERING: Release: pairs with the Acquire in `iter` and carries the entry. As a
            // read-modify-write it passes on what those before have released.
            match self.first.compare_exchange(first, listed, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Cursor(line),
                Err(now) => first = now,
            }
        }
    }

    /// Gives up a cursor. Returns whether it was the last one.
    pub(super) fn leave(&self, cursor: &Cursor) -> bool {
        // Over whatever a sender is making of it: it no longer matters where it is.
        cursor.store(FREE);
        // ORDERING: Release, P3: pairs with the Acquire in `is_empty`.
        self.count.fetch_sub(1, Ordering::Release) == 1
    }

    fn iter(&self) -> impl Iterator<Item = &Line> {
        // ORDERING: Acquire: pairs with the Release in `add` and carries all entries from this one on.
        let mut at = self.first.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: null, or an entry that was made before it was listed, and is listed as long as the ring
            // lives.
            let line = unsafe { at.as_ref() }?;
            // ORDERING: Relaxed: it has not changed since the entry was listed.
            at = line.next.load(Ordering::Relaxed);
            Some(line)
        })
    }

    /// The oldest position that senders may not take from a reader, and the oldest one that they may; at most
    /// `tail`.
    fn oldest(&self, tail: u64) -> (u64, u64) {
        let (mut gated, mut lagging) = (tail, tail);
        for entry in self.iter() {
            // ORDERING: Acquire, P2: pairs with the Release in `Cursor::store`: weaker, our write could
            // overtake its read.
            match entry.cursor.load(Ordering::Acquire) {
                FREE => {}
                cursor if cursor & LAG == 0 => gated = gated.min(cursor),
                cursor => lagging = lagging.min(cursor & POSITION),
            }
        }
        (gated, lagging)
    }

    /// The oldest position that senders may not take from a reader; at most `tail`.
    pub(super) fn oldest_gated(&self, tail: u64) -> u64 {
        self.oldest(tail).0
    }

    /// Up to where senders may write, of whom the caller wants to send `wanted` messages from `tail` on: at
    /// most the capacity, at a tail that it has loaded or stored. Readers that may be overtaken have to make
    /// room if that is of any use.
    #[cold]
    #[inline(never)]
    pub(super) fn limit(&self, tail: u64, wanted: u64) -> u64 {
        loop {
            barrier::light();
            barrier::light_by_fence();
            // ORDERING: Acquire, P5: pairs with the Release in `join`: if the count is there, so is the
            // cursor. The barrier pair orders this load after the caller's `tail`.
            let joins = self.joins.load(Ordering::Acquire);
            let (gated, mut lagging) = self.oldest(tail);
            if gated + self.capacity > tail && lagging + self.capacity < tail + wanted {
                lagging = self.overtake(tail + wanted, gated);
            }
            // ORDERING: Relaxed, P5: the Acquire loads of the cursors keep it behind them. If one of them was
            // moved by a reader that has let another one join beside it, then that other one is counted here.
            if self.joins.load(Ordering::Relaxed) == joins {
                return gated.min(lagging) + self.capacity;
            }
        }
    }

    /// Moves readers that may be overtaken out of the way up to `end`, as far as those at `gated` let senders
    /// come anyway. Returns where the last one is then.
    #[cold]
    fn overtake(&self, end: u64, gated: u64) -> u64 {
        let end = (end + self.capacity / SLACK).min(gated + self.capacity);
        self.iter().map(|entry| entry.overtake(end - self.capacity)).fold(gated, u64::min)
    }
}

impl Entry {
    /// Moves the cursor up to `position`, if it is before that and senders may. Returns where it is, if it is
    /// anywhere.
    fn overtake(&self, position: u64) -> u64 {
        let pause = Pause::new();
        // ORDERING: Acquire, P2: as in `oldest`.
        let mut cursor = self.cursor.load(Ordering::Acquire);
        loop {
            if cursor == FREE {
                return u64::MAX;
            }
            if cursor & LAG == 0 || cursor & POSITION >= position {
                return cursor & POSITION;
            }
            if cursor & BUSY != 0 {
                pause.snooze();
                // ORDERING: Acquire, P2: as in `oldest`.
                cursor = self.cursor.load(Ordering::Acquire);
                continue;
            }
            // ORDERING: AcqRel, P6: Acquire as in `oldest`. Release: pairs with the Acquire in
            // `Cursor::lock`, and carries the `tail` that the reader has not been past. Acquire on failure,
            // as in `oldest`.
            match self.cursor.compare_exchange(cursor, position | LAG, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return position,
                Err(now) => cursor = now,
            }
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // ORDERING: Relaxed: nobody else is left.
        let mut at = self.first.load(Ordering::Relaxed);
        while !at.is_null() {
            // SAFETY: from `Arc::into_raw`, in `add`, whose count is given up here, once.
            let line = unsafe { Arc::from_raw(at) };
            // ORDERING: Relaxed: as above.
            at = line.next.load(Ordering::Relaxed);
        }
    }
}

impl Cursor {
    /// Moves it: its reader is done with all before. Its reader only, and not to where senders may be
    /// already.
    #[inline]
    pub(super) fn store(&self, cursor: u64) {
        // ORDERING: Release, P2: pairs with the senders' Acquire: weaker, they could overwrite what we are
        // reading.
        // P5: carries the count of those who have joined beside us.
        self.0.cursor.store(cursor, Ordering::Release);
    }

    /// Where it is.
    pub(super) fn position(&self) -> u64 {
        // ORDERING: Acquire, P6: pairs with the Release in `overtake`, for the sake of a later look at
        // `tail`.
        self.0.cursor.load(Ordering::Acquire) & POSITION
    }

    /// Makes it busy, and says where it is: from here on senders do not overtake it.
    #[inline]
    pub(super) fn lock(&self) -> u64 {
        // ORDERING: Relaxed: a guess; the CAS below decides whether it was good.
        let mut cursor = self.0.cursor.load(Ordering::Relaxed);
        loop {
            let position = cursor & POSITION;
            // ORDERING: Acquire, P6: pairs with the Release in `overtake`; and what we read in the slots
            // comes after it. Nothing to release: as a read-modify-write it passes on what the last store
            // released.
            match self.0.cursor.compare_exchange(
                cursor,
                position | LAG | BUSY,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return position,
                Err(now) => cursor = now,
            }
        }
    }
}
