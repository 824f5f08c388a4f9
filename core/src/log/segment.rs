//! The header of a live segment: whose bytes they are, and who still needs them.
//!
//! **Promise.** A header is type-stable: it lives as long as its log, so a stale index may be dereferenced. It is
//! *believed* only after [`Header::pin`] has checked the segment's number.
//!
//! **Protocol**, `P3 pin`: the word `pins` is `number:40 | RETIRED:1 | count:23`. A pin is a compare-and-swap from a
//! word with the expected number and without RETIRED; an increment followed by a check would pin somebody else's
//! segment. Whoever needs bytes holds a pin: the block that claims are made in, readers, payloads. The unpin that
//! brings the count to 0 of a retired segment frees the buffer; the retirer does, if the count was 0 already.
//!
//! **Protocol**, `P4 seal`: the one claim that crosses the end stores the record count of its own fetch-add (a
//! reread would count overshooters).

use crate::log::buffer::Buffer;
use crate::log::claim::GRANULE_BYTES;
use crate::log::frame::Seed;
use crate::sync::{AtomicU64, Ordering, UnsafeCell};

const RETIRED: u64 = 1 << 23;
const COUNT: u64 = RETIRED - 1;
const NUMBER_SHIFT: u32 = 24;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Header {
    pins: AtomicU64,
    /// Sequence of the first record.
    base: AtomicU64,
    /// Capacity in granules.
    capacity: AtomicU64,
    /// 0, or 1 + record count once the end was crossed.
    seal: AtomicU64,
    /// Where the frames end, in granules; set before `seal`.
    end: AtomicU64,
    /// 0, or 1 + the header index of the next segment: a hint, checked by pinning.
    next: AtomicU64,
    generation: AtomicU64,
    buffer: UnsafeCell<Option<Buffer>>,
}

// SAFETY: `buffer` is written only by `prepare`, before the number is published, and by `free`, after the last pin;
// in between it is only read, by holders of a pin.
unsafe impl Sync for Header {}

impl Default for Header {
    fn default() -> Self {
        Self {
            pins: AtomicU64::new(RETIRED),
            base: AtomicU64::new(0),
            capacity: AtomicU64::new(0),
            seal: AtomicU64::new(0),
            end: AtomicU64::new(0),
            next: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            buffer: UnsafeCell::new(None),
        }
    }
}

impl Header {
    /// Gives the header a segment, with one pin: the block's. The caller has it from the free list, alone.
    pub(crate) fn prepare(&self, number: u64, base: u64, generation: u32, buffer: Buffer) {
        // ORDERING: Relaxed for all of them: published by the Release of `pins` below to those that pin, and by the
        // opener's claim swap to producers.
        self.base.store(base, Ordering::Relaxed);
        self.capacity.store(buffer.bytes() as u64 / GRANULE_BYTES, Ordering::Relaxed);
        self.seal.store(0, Ordering::Relaxed);
        self.end.store(0, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
        self.generation.store(u64::from(generation), Ordering::Relaxed);
        // SAFETY: the header is free: no pin exists and none can be made before the store below.
        self.buffer.with_mut(|slot| unsafe { *slot = Some(buffer) });
        // ORDERING: Release, P3: pairs with the Acquire of `pin`; carries the fields above and the buffer.
        self.pins.store(number << NUMBER_SHIFT | 1, Ordering::Release);
    }

    /// Pins segment `number`, if it still lives here.
    pub(crate) fn pin(&self, number: u64) -> bool {
        // ORDERING: Relaxed: the compare-and-swap decides.
        let mut word = self.pins.load(Ordering::Relaxed);
        loop {
            if word >> NUMBER_SHIFT != number || word & RETIRED != 0 || word & COUNT == COUNT {
                return false;
            }
            // ORDERING: Acquire, P3: pairs with the Release of `prepare`.
            match self.pins.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// Gives up a pin. True: it was the last of a retired segment, and the buffer is freed: the header is to be
    /// put on the free list.
    #[must_use]
    pub(crate) fn unpin(&self) -> bool {
        // ORDERING: AcqRel, P3: the last unpin happens after every other pin holder's reads (Release sequence).
        let word = self.pins.fetch_sub(1, Ordering::AcqRel);
        debug_assert!(word & COUNT != 0);
        let last = word & RETIRED != 0 && word & COUNT == 1;
        if last {
            self.free();
        }
        last
    }

    /// No new pins from now on. True as for `unpin`.
    #[must_use]
    pub(crate) fn retire(&self) -> bool {
        // ORDERING: AcqRel, P3: as `unpin`.
        let word = self.pins.fetch_or(RETIRED, Ordering::AcqRel);
        debug_assert!(word & RETIRED == 0);
        let unpinned = word & COUNT == 0;
        if unpinned {
            self.free();
        }
        unpinned
    }

    /// Whether anybody needs its bytes at this moment.
    pub(crate) fn is_pinned(&self) -> bool {
        // ORDERING: Relaxed: a hint: whoever pins it next keeps what he has pinned.
        self.pins.load(Ordering::Relaxed) & COUNT != 0
    }

    fn free(&self) {
        // SAFETY: RETIRED is set and the count is 0, seen by exactly one thread (P3): nobody has or can get a pin.
        self.buffer.with_mut(|slot| unsafe { *slot = None });
    }

    /// The segment's number; only meaningful under a pin.
    pub(crate) fn number(&self) -> u64 {
        // ORDERING: Relaxed: constant under a pin.
        self.pins.load(Ordering::Relaxed) >> NUMBER_SHIFT
    }

    /// The segment's bytes, for holders of a pin and claimants in range.
    ///
    /// # Safety
    /// The caller holds a pin, or a claim in range under its mark, for as long as the reference lives.
    pub(crate) unsafe fn buffer(&self) -> &Buffer {
        // SAFETY: written before the pin or claim could be had, not written again before the last pin is given up.
        let buffer = self.buffer.with(|slot| unsafe { (*slot).as_ref() });
        match buffer {
            Some(buffer) => buffer,
            None => unreachable!("a pinned segment has a buffer"),
        }
    }

    pub(crate) fn base(&self) -> u64 {
        // ORDERING: Relaxed: constant under a pin or an in-range claim, see `prepare`.
        self.base.load(Ordering::Relaxed)
    }

    pub(crate) fn capacity(&self) -> u64 {
        // ORDERING: Relaxed: as `base`.
        self.capacity.load(Ordering::Relaxed)
    }

    pub(crate) fn generation(&self) -> u32 {
        // ORDERING: Relaxed: as `base`.
        self.generation.load(Ordering::Relaxed) as u32
    }

    pub(crate) fn seed(&self, log_id: u64, number: u64) -> Seed {
        Seed { log_id, segment: number, generation: self.generation() }
    }

    /// Says where the segment ends and how many records it has. By its crosser, once.
    pub(crate) fn seal(&self, records: u64, end: u64) {
        // ORDERING: Relaxed: published by the next line.
        self.end.store(end, Ordering::Relaxed);
        // ORDERING: Release, P4: pairs with `sealed`; carries `end`, and the marks of every claimant of the segment,
        // which the crosser acquired through the claim word.
        self.seal.store(1 + records, Ordering::Release);
    }

    /// Record count and end in granules, once sealed.
    pub(crate) fn sealed(&self) -> Option<(u64, u64)> {
        // ORDERING: Acquire, P4: pairs with `seal`.
        let seal = self.seal.load(Ordering::Acquire);
        // ORDERING: Relaxed: carried by the Acquire above.
        (seal != 0).then(|| (seal - 1, self.end.load(Ordering::Relaxed)))
    }

    pub(crate) fn set_next(&self, header: u32) {
        // ORDERING: Release, P5 next: pairs with `next`; carries the next header's identity.
        self.next.store(1 + u64::from(header), Ordering::Release);
    }

    /// The header of the next segment, once it is open.
    pub(crate) fn next(&self) -> Option<u32> {
        // ORDERING: Acquire, P5: pairs with `set_next`.
        let next = self.next.load(Ordering::Acquire);
        (next != 0).then(|| (next - 1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_believed_only_for_the_segment_it_serves() {
        let header = Header::default();
        assert!(!header.pin(0));
        header.prepare(7, 100, 1, Buffer::zeroed(64));
        assert!(header.pin(7) && !header.pin(8));
        assert!(!header.unpin());
        assert!(!header.retire(), "the block still holds a pin");
        assert!(!header.pin(7), "retired");
        assert!(header.unpin(), "the last pin frees");
        header.prepare(8, 200, 1, Buffer::zeroed(64));
        assert!(header.pin(8) && !header.pin(7));
    }
}
