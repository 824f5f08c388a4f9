//! Append: claim by one fetch-add, write in place, commit by the length word.
//!
//! **Protocol**, `P1 commit`: frames of a claim are written last to first; the length word of the *first* is stored
//! last, with Release. A reader that acquires it sees every frame of the batch, because it goes in order.
//!
//! **Three outcomes of a claim**, decided by the constant [`LIMIT`] alone: *in range*: the block, its header and the
//! buffer are stable until the mark is cleared; *crossing*: exactly one claimant per segment, which pads and seals;
//! *overshoot*: nothing of this block may be believed, the claimant looks again.

use crate::error::{Error, Result};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::log::claim::{
    self, BLIND_GRANULES_MAX, CLOSED, GRANULE_BYTES, LIMIT, Place, ROTATING, UNOPENED, current,
};
use crate::log::frame::{
    BATCH_CONTINUED, BATCH_CONTINUES, Draft, PAD, granules as granules_of, pad_checksum,
};
use crate::log::marks::MarkGuard;
use crate::log::segment::Header;
use crate::log::{BLOCKS, Level, Log};
use crate::sync::Ordering;
use crate::sync::pause::Pause;

/// What an append leaves in the caller's hand: committed, not yet durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Sequence of the first record.
    pub(crate) sequence: u64,
    /// Where the first frame is.
    pub(crate) start: Place,
    /// Where the last frame ends: what must be durable for all of it to be.
    pub(crate) end: Place,
}

/// Frames that belong together, in order.
pub(crate) trait Drafts<'d>:
    DoubleEndedIterator<Item = Draft<'d>> + ExactSizeIterator + Clone
{
}

impl<'d, I: DoubleEndedIterator<Item = Draft<'d>> + ExactSizeIterator + Clone> Drafts<'d> for I {}

pub(super) struct Claimed<'a> {
    pub(super) header: &'a Header,
    pub(super) segment: u64,
    /// Granule of the segment.
    pub(super) at: u64,
    pub(super) sequence: u64,
    /// Cleared when the frames are committed.
    pub(super) _mark: MarkGuard<'a>,
}

/// How many records and granules a batch has, if it is within its limits.
#[inline]
pub(super) fn measure<'d>(drafts: impl Drafts<'d>) -> Result<(u64, u64)> {
    let count = drafts.len();
    let (mut records, mut granules) = (0, 0);
    for draft in drafts {
        records += u64::from(draft.kind.is_record());
        granules += draft.granules();
    }
    if granules * GRANULE_BYTES > BATCH_BYTES_MAX as u64 || !(1..=BATCH_RECORDS_MAX).contains(&count) {
        return Err(refused(granules, count));
    }
    Ok((records, granules))
}

#[cold]
fn refused(granules: u64, records: usize) -> Error {
    if granules * GRANULE_BYTES > BATCH_BYTES_MAX as u64 {
        let (bytes, limit_bytes) = (granules * GRANULE_BYTES, BATCH_BYTES_MAX as u64);
        return Error::TooLarge { what: "batch", bytes, limit_bytes };
    }
    Error::invalid("batch", format!("{records} messages; one batch takes 1 to {BATCH_RECORDS_MAX}"))
}

impl Log {
    /// Appends frames as one atomic batch: data frames, of which the last may be followed by a control frame; or that alone.
    ///
    /// # Errors
    /// `Closed`, `Poisoned`, or `TooLarge` for a batch over its limits. Then nothing was appended.
    pub(crate) fn append(&self, drafts: &[Draft<'_>]) -> Result<Appended> {
        self.append_each(drafts.iter().copied())
    }

    /// As [`append`](Self::append), for drafts that exist only while they are written.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    #[inline]
    pub(crate) fn append_each<'d>(&self, drafts: impl Drafts<'d>) -> Result<Appended> {
        let (records, granules) = measure(drafts.clone())?;
        let claimed = self.claim(records, granules)?;
        Ok(self.fill(claimed, drafts, records, granules))
    }

    /// Writes frames where they were claimed, commits them, and wakes those who wait for records.
    #[inline]
    pub(super) fn fill<'d>(
        &self,
        claimed: Claimed<'_>,
        drafts: impl Drafts<'d>,
        records: u64,
        granules: u64,
    ) -> Appended {
        let appended = Appended {
            sequence: claimed.sequence,
            start: Place::new(claimed.segment, claimed.at),
            end: Place::new(claimed.segment, claimed.at + granules),
        };
        self.write(&claimed, drafts, granules);
        drop(claimed);
        if records > 0 && self.visible == Level::Committed {
            self.data.notify_one();
        }
        appended
    }

    #[inline]
    pub(super) fn write<'d>(&self, claimed: &Claimed<'_>, drafts: impl Drafts<'d>, granules: u64) {
        let header = claimed.header;
        // SAFETY: an in-range claim under its mark, which outlives this call.
        let buffer = unsafe { header.buffer() };
        let seed = self.home.is_some().then(|| header.seed(self.id, claimed.segment));
        let from_base = claimed.sequence - header.base();
        let mut at = claimed.at + granules;
        let len = drafts.len();
        for (index, draft) in drafts.enumerate().rev() {
            let bytes = draft.bytes();
            at -= granules_of(bytes);
            let byte = (at * GRANULE_BYTES) as usize;
            let mut batch = 0;
            if index + 1 < len {
                batch |= BATCH_CONTINUES;
            }
            if index > 0 {
                batch |= BATCH_CONTINUED;
            }
            let sequence = (from_base + index as u64) as u32;
            let seed = seed.map(|seed| seed.at(byte as u64));
            // SAFETY: these bytes lie in our claim, and their commit word is stored below.
            unsafe {
                buffer.with_claimed(byte, bytes, |into| draft.encode(into, sequence, batch, seed));
            }
            // ORDERING: Release for the first frame of the claim, P1; the others are covered by it.
            let ordering = if index == 0 { Ordering::Release } else { Ordering::Relaxed };
            buffer.commit(byte, bytes as u32, ordering);
        }
    }

    #[inline]
    fn claim(&self, records: u64, granules: u64) -> Result<Claimed<'_>> {
        let pause = Pause::new();
        loop {
            // ORDERING: Acquire, P6 open: pairs with the opener's store; the claim word of that segment is open.
            let found = self.current.load(Ordering::Acquire);
            let segment = claim::current_segment(found);
            if found & CLOSED != 0 {
                self.poisoned()?;
                return Err(Error::Closed { what: "the log" });
            }
            if found & ROTATING != 0 {
                // The opener is another thread, or the crosser is inside its few instructions, or a producer has been
                // asleep for BLOCKS segments: nothing to wait on but time.
                if !self.open_next(segment) {
                    pause.snooze();
                }
                continue;
            }
            let mark = self.marks.set(segment);
            let block = &self.blocks[segment as usize % BLOCKS];
            let (count, position) = claim::split(self.add_to_claim(&block.claim, records, granules));
            if position > LIMIT {
                drop(mark);
                self.start_rotation(segment);
                continue;
            }
            // ORDERING: Relaxed: the claim was in range, so the fetch-add acquired the opener's swap, which came
            // after it stored the header's index, and the mark keeps the block from being reopened.
            let header = self.header(block.header.load(Ordering::Relaxed) as u32);
            let segment = header.number();
            let at = position - (LIMIT - header.capacity());
            if position + granules <= LIMIT {
                return Ok(Claimed { header, segment, at, sequence: header.base() + count, _mark: mark });
            }
            self.cross(header, segment, at, count, granules);
            drop(mark);
            self.start_rotation(segment);
        }
    }

    /// Adds a claim and returns the word before.
    fn add_to_claim(&self, word: &crate::sync::AtomicU64, records: u64, granules: u64) -> u64 {
        let increment = claim::increment(records, granules);
        if granules <= BLIND_GRANULES_MAX {
            // ORDERING: AcqRel, P6: Acquire pairs with the opener's swap (header, base, capacity, zeroed bytes);
            // Release carries the mark to the crosser through the chain of read-modify-writes.
            return word.fetch_add(increment, Ordering::AcqRel);
        }
        // A large claim never adds blindly: it fits, or crosses, or does not touch the word.
        // ORDERING: Relaxed: the compare-and-swap decides.
        let mut found = word.load(Ordering::Relaxed);
        loop {
            let (_, position) = claim::split(found);
            if position > LIMIT {
                return UNOPENED;
            }
            let fits = position + granules <= LIMIT;
            let next = if fits { found + increment } else { claim::crossed(found) };
            // ORDERING: AcqRel, P6: as the fetch-add above.
            match word.compare_exchange_weak(found, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return found,
                Err(now) => found = now,
            }
        }
    }

    /// The one claimant that crosses the end, under its mark or the directory's lock, pads what is left and seals the segment.
    pub(super) fn cross(&self, header: &Header, segment: u64, at: u64, records: u64, granules: u64) {
        let left = header.capacity() - at;
        if left > 0 {
            let byte = (at * GRANULE_BYTES) as usize;
            let word = PAD | left as u32;
            // SAFETY: the crossing claim is in the segment's last `left` granules; our mark, or the lock, keeps it open.
            let buffer = unsafe { header.buffer() };
            if self.home.is_some() {
                let crc = pad_checksum(word, header.seed(self.id, segment).at(byte as u64));
                // SAFETY: as above; the word itself is stored below.
                unsafe { buffer.with_claimed(byte, 8, |into| into.copy_from_slice(&crc.to_le_bytes())) }
            }
            // ORDERING: Release, P1.
            buffer.commit(byte, word, Ordering::Release);
        }
        if granules > header.capacity() / 8 {
            // ORDERING: Relaxed: a wish; whoever does not see it opens a smaller segment, and we cross again.
            self.size_request.fetch_max(2 * granules * GRANULE_BYTES, Ordering::Relaxed);
        }
        header.seal(records, at);
    }

    /// Takes what is left of the open segment away from those that loaded `current` before the log was closed: as a crosser
    /// does. Its header, record count and end, unless a crosser came first. Under the directory's lock.
    pub(super) fn end_claims(&self, segment: u64) -> Option<(&Header, u64, u64)> {
        let block = &self.blocks[segment as usize % BLOCKS];
        // ORDERING: Relaxed: the compare-and-swap decides.
        let mut found = block.claim.load(Ordering::Relaxed);
        loop {
            let (records, position) = claim::split(found);
            if position > LIMIT {
                return None;
            }
            // ORDERING: AcqRel, P6: as in `add_to_claim`.
            match block.claim.compare_exchange(
                found,
                claim::crossed(found),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    // ORDERING: Relaxed: the directory's lock, which openers hold, keeps the block serving the segment.
                    let header = self.header(block.header.load(Ordering::Relaxed) as u32);
                    return Some((header, records, position - (LIMIT - header.capacity())));
                }
                Err(now) => found = now,
            }
        }
    }

    /// Tells everybody that the segment is full. If it is no longer current, somebody has.
    pub(super) fn start_rotation(&self, segment: u64) {
        // ORDERING: AcqRel, P6: the seal came before; a failed exchange means that `current` moved on or was closed.
        let _ = self.current.compare_exchange(
            current(segment, 0),
            current(segment, ROTATING),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
    }
}
