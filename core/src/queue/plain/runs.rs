//! Leases of plain messages: one entry for a run of up to 64 that one receive took, with a bit for each.
//!
//! **Promise.** Of all who want a message's bit, be it for an ack or because its lease has run out, exactly one gets it. An
//! entry serves nobody else as long as anybody holds a delivery of it, so a stale delivery needs no number to be told from a
//! current one: its bit is gone.
//!
//! **Protocol**, `P14 run`: `handles` counts the deliveries that live, and whoever looks the entry over, and one more as long as
//! the entry is in use. Its fields are written while it is 0, by the one whose it is, and published by the store that makes it
//! more. Who looks over all entries counts itself in by a compare-and-swap from more than 1, as if it were one more delivery.
//! Whoever brings it back to 1 empties the entry, and then stores 0. Most runs are over when their seat takes the next one, so a
//! seat has an entry of its own, its *home*, and looks whether that is free. The others come from a free list, and go back
//! there. The list is a stack whose head carries a tag that grows with every change, so that a head that came back is not
//! taken for one that stayed (R. K. Treiber, 1986).

use crate::log::{Place, Slab};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, IS_MODEL, Ordering, UnsafeCell};
use std::ops::Range;

/// Most messages in a run: the bits of a word.
pub(crate) const RUN_COUNT_MAX: usize = if IS_MODEL { 2 } else { 64 };
const FIRST: usize = if IS_MODEL { 2 } else { 64 };
/// Most entries. An entry outlives its leases only as long as somebody keeps a delivery of it.
const ENTRY_COUNT_MAX: u32 = crate::limits::LEASE_COUNT_MAX as u32;
const NEVER: u64 = u64::MAX;
/// When a run that could not be dealt with comes up again.
const AGAIN_NS: u64 = 1_000_000_000;

/// What a run keeps alive: the bytes of its messages, and the queue itself, which has the table.
pub(crate) trait Keep: Sized {
    /// The table that the run is in.
    fn runs(&self) -> &Runs<Self>;
}

/// One run.
#[derive(Debug)]
#[repr(align(128))]
struct Run<K> {
    /// Bit `i`: message `first + i` is leased to its delivery.
    held: AtomicU64,
    handles: AtomicU32,
    /// Its own index, from when it was first taken.
    index: AtomicU32,
    /// It is a seat's own.
    is_home: AtomicBool,
    /// While it is free: 0, or 1 + the index of the next free one.
    next_free: AtomicU32,
    first: AtomicU64,
    place: AtomicU64,
    deadline_ns: AtomicU64,
    kept: UnsafeCell<Option<K>>,
}

impl<K> Default for Run<K> {
    fn default() -> Self {
        Self {
            held: AtomicU64::new(0),
            handles: AtomicU32::new(0),
            index: AtomicU32::new(0),
            is_home: AtomicBool::new(false),
            next_free: AtomicU32::new(0),
            first: AtomicU64::new(0),
            place: AtomicU64::new(0),
            deadline_ns: AtomicU64::new(0),
            kept: UnsafeCell::new(None),
        }
    }
}

// SAFETY: `kept` is written by whoever has the entry alone, before it is published, and taken out by whoever brought `handles`
// to 1; in between it is only read, by those counted in (P14).
unsafe impl<K: Send + Sync> Sync for Run<K> {}

/// The table of a queue.
#[derive(Debug)]
pub(crate) struct Runs<K> {
    slab: Slab<Run<K>, FIRST>,
    /// `tag:32 | head:32`, the head as in `next_free`.
    free: AtomicU64,
    /// How many entries were ever taken.
    made: AtomicU32,
    /// No lease runs out before.
    next_deadline_ns: AtomicU64,
}

/// An entry that is nobody else's, to be used for a run. Dropping it unused leaks the entry until the queue is gone: give it
/// back to its owner's store instead.
#[derive(Debug)]
pub(crate) struct Spare(u32);

/// The entry that is a seat's own, once it has one.
#[derive(Debug, Default)]
pub(crate) struct Home(Option<u32>);

/// The hold of one delivery on its message.
#[derive(Debug)]
pub(crate) struct Hold<K: Keep> {
    run: std::ptr::NonNull<Run<K>>,
    bit: u32,
}

// SAFETY: a hold is a counted reference to an entry, which is Sync, as an `Arc` would be.
unsafe impl<K: Keep + Send + Sync> Send for Hold<K> {}
// SAFETY: as above.
unsafe impl<K: Keep + Send + Sync> Sync for Hold<K> {}

impl<K: Keep> Runs<K> {
    pub(crate) fn new() -> Self {
        Self {
            slab: Slab::new(),
            free: AtomicU64::new(0),
            made: AtomicU32::new(0),
            next_deadline_ns: AtomicU64::new(NEVER),
        }
    }

    /// An entry for a run to come. None: there are as many as there can be.
    pub(crate) fn spare(&self) -> Option<Spare> {
        // ORDERING: Acquire, P14: pairs with the Release of `give_back`; carries `next_free` of the head.
        let mut head = self.free.load(Ordering::Acquire);
        while let Some(index) = (head as u32).checked_sub(1) {
            let run = self.slab.entry(index as usize)?;
            // ORDERING: Relaxed: it may be another's by now; the tag makes the exchange fail then.
            let next = u64::from(run.next_free.load(Ordering::Relaxed));
            // ORDERING: Acquire, P14: as the load; the entry's last user is done with it.
            match self.free.compare_exchange_weak(
                head,
                tagged(head, next),
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(Spare(index)),
                Err(now) => head = now,
            }
        }
        // ORDERING: Relaxed: a number for each; the entry is new to everybody.
        let index = self.made.fetch_add(1, Ordering::Relaxed);
        if index >= ENTRY_COUNT_MAX {
            // ORDERING: Relaxed: as above.
            self.made.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        // ORDERING: Relaxed: read by those who got the entry from us.
        self.slab.entry(index as usize)?.index.store(index, Ordering::Relaxed);
        Some(Spare(index))
    }

    /// The same for a seat: its own, if that is free.
    #[inline]
    pub(crate) fn spare_of(&self, home: &mut Home) -> Option<Spare> {
        let Some(index) = home.0 else {
            let spare = self.spare()?;
            // ORDERING: Relaxed: published by the store of `handles`.
            self.slab.entry(spare.0 as usize)?.is_home.store(true, Ordering::Relaxed);
            *home = Home(Some(spare.0));
            return Some(spare);
        };
        // ORDERING: Acquire, P14: pairs with the store of whoever emptied it.
        let is_free = self.slab.entry(index as usize)?.handles.load(Ordering::Acquire) == 0;
        if is_free { Some(Spare(index)) } else { self.spare() }
    }

    fn give_back(&self, index: u32) {
        let Some(run) = self.slab.entry(index as usize) else { return };
        // ORDERING: Relaxed: the exchange decides.
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed: published by the exchange.
            run.next_free.store(head as u32, Ordering::Relaxed);
            let next = tagged(head, 1 + u64::from(index));
            // ORDERING: Release, P14: pairs with `spare`; carries `next_free`, and that we are done with the entry.
            match self.free.compare_exchange_weak(head, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Leases messages `ids`, the first of which is at `place`, until `deadline_ns`: a hold for each, in order.
    pub(crate) fn lease(
        &self,
        spare: Spare,
        kept: K,
        ids: Range<u64>,
        place: Place,
        deadline_ns: u64,
    ) -> impl Iterator<Item = Hold<K>> + use<K> {
        let count = (ids.end - ids.start).min(RUN_COUNT_MAX as u64) as u32;
        let Some(run) = self.slab.entry(spare.0 as usize) else { unreachable!("spares are of the slab") };
        // SAFETY: the entry is ours alone: whose it was has emptied it, and nobody is counted in.
        run.kept.with_mut(|slot| unsafe { *slot = Some(kept) });
        // ORDERING: Relaxed for all of them: published by the store of `handles` to those who look the entries over, and
        // by whatever hands a delivery to another thread to that one.
        run.first.store(ids.start, Ordering::Relaxed);
        run.place.store(place.0, Ordering::Relaxed);
        run.deadline_ns.store(deadline_ns, Ordering::Relaxed);
        run.held.store(u64::MAX >> (64 - count), Ordering::Relaxed);
        // ORDERING: Release, P14: pairs with `count_in`; carries the fields above.
        run.handles.store(1 + count, Ordering::Release);
        // ORDERING: Relaxed: an earlier time is set already; whoever takes it away looks at us, for it does so before it
        // looks, and by a read-modify-write of this word, which comes before or after ours.
        if self.next_deadline_ns.load(Ordering::Relaxed) > deadline_ns {
            // ORDERING: AcqRel, P14: pairs with the swap of `expire`.
            self.next_deadline_ns.fetch_min(deadline_ns, Ordering::AcqRel);
        }
        let run = std::ptr::NonNull::from(run);
        (0..count).map(move |bit| Hold { run, bit })
    }

    /// The runs that have a delivery, or had one a moment ago.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = Counted<'_, K>> {
        // ORDERING: Relaxed: an entry made meanwhile is of a lease granted meanwhile.
        let made = self.made.load(Ordering::Relaxed) as usize;
        self.slab.iter().take(made).filter(|run| run.count_in()).map(Counted)
    }

    /// When the first lease may run out.
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        // ORDERING: Acquire, P14.
        Some(self.next_deadline_ns.load(Ordering::Acquire)).filter(|next_ns| *next_ns != NEVER)
    }

    /// Shows every run whose leases have run out by now. Those that it says false of come up again a while later.
    pub(crate) fn for_each_due(&self, now_ns: u64, mut then: impl FnMut(&Counted<'_, K>) -> bool) {
        if self.next_deadline_ns().is_none_or(|next_ns| next_ns > now_ns) {
            return;
        }
        // ORDERING: AcqRel, P14: before any entry is looked at: who leases after this sets it again.
        self.next_deadline_ns.swap(NEVER, Ordering::AcqRel);
        let mut next_ns = NEVER;
        for run in self.in_use().filter(|run| run.held() != 0) {
            let deadline_ns = run.deadline_ns();
            if deadline_ns > now_ns {
                next_ns = next_ns.min(deadline_ns);
            } else if !then(&run) {
                next_ns = next_ns.min(now_ns.saturating_add(AGAIN_NS));
            }
        }
        // ORDERING: AcqRel, P14: as in `lease`.
        self.next_deadline_ns.fetch_min(next_ns, Ordering::AcqRel);
    }

    /// How many messages are leased.
    pub(crate) fn held_count(&self) -> u64 {
        self.in_use().map(|run| u64::from(run.held().count_ones())).sum()
    }
}

/// The head with the next one in its place, and another tag.
fn tagged(head: u64, next: u64) -> u64 {
    ((head >> 32) + 1) << 32 | next
}

/// A run that somebody looks at, counted in as if it had a delivery.
pub(crate) struct Counted<'a, K: Keep>(&'a Run<K>);

impl<K: Keep> Counted<'_, K> {
    /// What the run keeps.
    pub(crate) fn kept(&self) -> &K {
        // SAFETY: we are counted in.
        unsafe { self.0.kept() }
    }

    /// The id of its first message.
    pub(crate) fn first(&self) -> u64 {
        self.0.first()
    }

    /// Where that is.
    pub(crate) fn place(&self) -> Place {
        self.0.place()
    }

    pub(crate) fn deadline_ns(&self) -> u64 {
        // ORDERING: Relaxed: constant as long as we are counted in.
        self.0.deadline_ns.load(Ordering::Relaxed)
    }

    /// Bits of the messages that are leased.
    pub(crate) fn held(&self) -> u64 {
        // ORDERING: Relaxed: whoever acts on it takes the bits.
        self.0.held.load(Ordering::Relaxed)
    }

    /// Takes the leases on those away; returns which of them there were.
    pub(crate) fn take(&self, bits: u64) -> u64 {
        self.0.take(bits)
    }
}

impl<K: Keep> Drop for Counted<'_, K> {
    fn drop(&mut self) {
        // What it kept goes last: it may be the table itself.
        drop(self.0.count_out());
    }
}

impl<K: Keep> Run<K> {
    fn count_in(&self) -> bool {
        // ORDERING: Relaxed: the exchange decides.
        let mut handles = self.handles.load(Ordering::Relaxed);
        while handles > 1 {
            // ORDERING: Acquire, P14: pairs with the store of `lease`, and reads of its release sequence.
            match self.handles.compare_exchange_weak(
                handles,
                handles + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => handles = now,
            }
        }
        false
    }

    /// The last one gets what was kept.
    fn count_out(&self) -> Option<K> {
        // ORDERING: AcqRel, P14: whoever brings it to 1 comes after everybody else's last look.
        if self.handles.fetch_sub(1, Ordering::AcqRel) != 2 {
            return None;
        }
        // SAFETY: nobody is counted in, and nobody can be: the entry is ours alone.
        let kept = self.kept.with_mut(|slot| unsafe { (*slot).take() })?;
        // ORDERING: Relaxed, both: written before the entry was first used. The seat may have it as soon as it is 0.
        let (index, is_home) = (self.index.load(Ordering::Relaxed), self.is_home.load(Ordering::Relaxed));
        // ORDERING: Release, P14: pairs with `spare_of`; we are done with the entry.
        self.handles.store(0, Ordering::Release);
        if !is_home {
            kept.runs().give_back(index);
        }
        Some(kept)
    }

    /// # Safety
    /// The caller is counted in.
    unsafe fn kept(&self) -> &K {
        // SAFETY: written before anybody was counted in, not written again as long as somebody is.
        let kept = self.kept.with(|slot| unsafe { (*slot).as_ref() });
        match kept {
            Some(kept) => kept,
            None => unreachable!("an entry in use keeps something"),
        }
    }

    fn first(&self) -> u64 {
        // ORDERING: Relaxed: constant as long as anybody is counted in.
        self.first.load(Ordering::Relaxed)
    }

    fn place(&self) -> Place {
        // ORDERING: Relaxed: as above.
        Place(self.place.load(Ordering::Relaxed))
    }

    /// Takes bits away from their deliveries. By somebody counted in.
    fn take(&self, bits: u64) -> u64 {
        // ORDERING: AcqRel, P14: of all who want a bit one gets it, after whoever had it before.
        self.held.fetch_and(!bits, Ordering::AcqRel) & bits
    }
}

impl<K: Keep> Hold<K> {
    fn run(&self) -> &Run<K> {
        // SAFETY: we are counted in, so the table lives: the run keeps it.
        unsafe { self.run.as_ref() }
    }

    /// What the run keeps.
    #[inline]
    pub(crate) fn kept(&self) -> &K {
        // SAFETY: we are counted in.
        unsafe { self.run().kept() }
    }

    /// The message's id.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.first() + u64::from(self.bit)
    }

    /// The id of the first message of the run.
    #[inline]
    pub(crate) fn first(&self) -> u64 {
        self.run().first()
    }

    /// Where that is.
    #[inline]
    pub(crate) fn place(&self) -> Place {
        self.run().place()
    }

    /// The run, to be looked at.
    pub(crate) fn counted(&self) -> Option<Counted<'_, K>> {
        let run = self.run();
        run.count_in().then(|| Counted(run))
    }

    /// Whether both are of one run.
    #[inline]
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.run == other.run
    }

    /// This message's bit.
    #[inline]
    pub(crate) fn bit(&self) -> u64 {
        1 << self.bit
    }

    /// Ends the leases on those messages of the run; returns which of them there were.
    #[inline]
    pub(crate) fn ack(&self, bits: u64) -> u64 {
        self.run().take(bits)
    }

    /// Whether it still has its lease.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        // ORDERING: Relaxed: whoever acts on it takes the bit.
        self.run().held.load(Ordering::Relaxed) & self.bit() != 0
    }
}

impl<K: Keep> Drop for Hold<K> {
    fn drop(&mut self) {
        drop(self.run().count_out());
    }
}
