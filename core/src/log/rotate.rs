//! Opening the next segment, evicting buffers whose bytes are on disk, and releasing segments that nobody needs.
//!
//! **Protocol**, `P6 open`: under the directory's lock, whose holder is the only opener: the block's header index,
//! then the claim word by a swap (a read-modify-write orders after the stray adds of stale producers), then `current`.
//! A producer that claims in range has acquired the swap and therefore sees all of it.

use crate::error::Result;
use crate::log::buffer::Buffer;
use crate::log::claim::{self, CLOSED, Place, ROTATING, current};
use crate::log::directory::Entry;
use crate::log::segment_file::{BASE_MAX, SegmentFile};
use crate::log::{BLOCKS, Log};
use crate::sync::{IS_MODEL, Ordering, lock, try_lock, yield_now};

/// Buffers of sealed and durable segments that a log keeps for its readers, in bytes.
const CACHE_BYTES_MAX: u64 = if IS_MODEL { 1 } else { 4 << 20 };

impl Log {
    /// Opens the segment after `segment`. False: not now, look again.
    pub(super) fn open_next(&self, segment: u64) -> bool {
        let Some(mut directory) = try_lock(&self.directory) else { return false };
        // ORDERING: Acquire, P6: the opener before us held the same lock; CLOSED may come at any time.
        if self.current.load(Ordering::Acquire) != current(segment, ROTATING) {
            return true;
        }
        let next = segment + 1;
        let previous = directory.last().filter(|last| last.number == segment).and_then(|last| last.header);
        let base = match previous.map(|header| self.header(header)) {
            Some(header) => match header.sealed() {
                Some((records, _)) => header.base() + records,
                None => return false,
            },
            None => directory.resume_base(),
        };
        let block = &self.blocks[next as usize % BLOCKS];
        if let Some(old) = next.checked_sub(BLOCKS as u64)
            && self.marks.any_at_or_before(old)
        {
            return false;
        }
        if base > BASE_MAX {
            // A segment that begins there is refused when the log is opened again: nothing must be appended to it.
            drop(directory);
            let detail = format!(
                "the sequences are used up: {base} would be the next, {BASE_MAX} is the last to begin with"
            );
            self.poison(&self.blame(Place::new(segment.max(1), 0), detail));
            return true;
        }
        // From here on nothing fails.
        // ORDERING: Relaxed: only openers and in-range claimants touch it, and there are none of the latter.
        let served = block.header.load(Ordering::Relaxed);
        if served != 0 {
            self.unpin(served as u32);
        }
        // ORDERING: Relaxed: a wish, see `cross`.
        let request = self.size_request.swap(0, Ordering::Relaxed);
        let bytes = directory.next_bytes(request);
        let index = self.free_header();
        let segment = SegmentFile { log_id: self.id, number: next, base, data_bytes: bytes, generation: 1 };
        self.header(index).prepare(next, base, segment.generation, Buffer::zeroed(bytes as usize));
        // ORDERING: Relaxed: changed under the directory's lock, and read as a bound that need not be exact.
        self.unhomed_bytes.fetch_add(bytes, Ordering::Relaxed);
        directory.push(Entry::of(segment, Some(index)));
        if let Some(previous) = previous {
            self.header(previous).set_next(index);
        }
        self.publish_open(index, next, 0, 0);
        true
    }

    /// Lets producers into a segment.
    pub(super) fn publish_open(&self, index: u32, number: u64, used: u64, records: u64) {
        let block = &self.blocks[number as usize % BLOCKS];
        let word = claim::opened(self.header(index).capacity(), used, records);
        // ORDERING: Relaxed: carried by the swap.
        block.header.store(u64::from(index), Ordering::Relaxed);
        // ORDERING: AcqRel, P6: pairs with the claims; a swap, see the module's description.
        block.claim.swap(word, Ordering::AcqRel);
        // ORDERING: Release, P6: pairs with the Acquire of append; keeps CLOSED, should it have come in between.
        let mut found = self.current.load(Ordering::Relaxed);
        while let Err(now) = self.current.compare_exchange(
            found,
            current(number, found & CLOSED),
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            found = now;
        }
    }

    /// A header that serves no segment. Called by the opener.
    pub(super) fn free_header(&self) -> u32 {
        let mut free = lock(&self.free_headers);
        if free.is_empty() {
            // A whole bucket at a time; index 0 stays unused, so that 0 can mean "none".
            let first = self.headers.len().max(1);
            let _ = self.headers.entry(first);
            free.extend((first as u32..self.headers.len() as u32).rev());
        }
        match free.pop() {
            Some(header) => header,
            None => unreachable!("the slab holds more headers than memory has room for segments"),
        }
    }

    /// Seals the open segment although it is not full, so that it can be released, and opens the next.
    pub(crate) fn seal_open(&self) {
        let segment = {
            let mut directory = lock(&self.directory);
            // ORDERING: Acquire, P6: as in `open_next`.
            let found = self.current.load(Ordering::Acquire);
            let segment = claim::current_segment(found);
            if found != current(segment, 0) {
                return;
            }
            directory.forget_pace();
            if let Some((header, records, at)) = self.end_claims(segment) {
                self.cross(header, segment, at, records, 0);
            }
            self.start_rotation(segment);
            segment
        };
        self.open_next(segment);
    }

    pub(super) fn unpin(&self, index: u32) {
        if self.header(index).unpin() {
            lock(&self.free_headers).push(index);
        }
    }

    pub(super) fn retire(&self, index: u32) {
        if self.header(index).retire() {
            lock(&self.free_headers).push(index);
        }
    }

    /// Gives back the buffers of segments that are wholly in their files, oldest first, beyond a small cache.
    pub(crate) fn evict(&self) {
        let homed = self.homed().segment();
        let mut directory = lock(&self.directory);
        let bytes = |entry: &Entry| entry.segment.map_or(0, |segment| segment.data_bytes);
        let unhomed = directory.live().take_while(|entry| entry.number >= homed).map(bytes);
        // ORDERING: Relaxed: as in `open_next`.
        self.unhomed_bytes.store(unhomed.sum(), Ordering::Relaxed);
        // Never the last: it tells the opener where the log goes on.
        let homed = homed.min(directory.last().map_or(0, |last| last.number));
        let evictable = directory.live().filter(|entry| entry.number < homed);
        let (mut cached, mut oldest) = (0, homed);
        for entry in evictable {
            (cached, oldest) = (cached + bytes(entry), entry.number);
        }
        for number in oldest..homed {
            if cached <= CACHE_BYTES_MAX {
                break;
            }
            let Some(entry) = directory.get_mut(number) else { break };
            cached -= bytes(entry);
            if let Some(header) = entry.header.take() {
                self.retire(header);
            }
        }
    }

    /// Forgets every segment before `number`, in memory and on disk; none once the log is closed, or while its files are copied. Their records are
    /// settled, or too old (`retention.rs`).
    ///
    /// # Errors
    /// A file that cannot be removed; those before it are gone.
    pub(crate) fn release_before(&self, number: u64) -> Result<()> {
        let mut released = Vec::new();
        let outcome = self.remove_before(number.min(self.held_from()), &mut released);
        // Not under the directory's lock: the memory of the segments is zeroed.
        released.into_iter().for_each(|header| self.retire(header));
        outcome
    }

    /// Takes segments off the directory, and says which headers served them.
    fn remove_before(&self, number: u64, released: &mut Vec<u32>) -> Result<()> {
        let mut directory = lock(&self.directory);
        // ORDERING: Relaxed: `close` sets it under the lock that we hold.
        if self.current.load(Ordering::Relaxed) & CLOSED != 0 {
            // The files may be somebody else's by now.
            return Ok(());
        }
        if directory.is_kept() {
            return Ok(());
        }
        while let Some(first) = directory.first() {
            let last = directory.last().map_or(0, |last| last.number);
            // The last one is open for appends, or tells where the log goes on. As long as nothing of a later one is
            // home, there may be no file but this one to tell that: without it, sequences would begin again at 0.
            if first.number >= number || first.number == last || !self.is_later_home(first.number) {
                break;
            }
            let first = first.number;
            if directory.segment(first + 1).is_err() {
                self.learn(&mut directory, self.read_segment(first + 1)?)?;
            }
            if let Ok(Some(second)) = directory.segment(first + 1) {
                self.move_start_to(second.base);
            }
            if let Some(home) = &self.home {
                home.remove(first)?;
            }
            released.extend(directory.pop_first().and_then(|entry| entry.header));
        }
        Ok(())
    }

    /// First segment held, and the sequence of its first record.
    pub(crate) fn start(&self) -> (u64, u64) {
        lock(&self.directory).start()
    }

    /// One past the sequence of the last record claimed.
    pub(crate) fn end_sequence(&self) -> u64 {
        let directory = lock(&self.directory);
        match directory.last() {
            Some(Entry { number, header: Some(index), .. }) => self.claimed_end(*number, *index),
            _ => directory.resume_base(),
        }
    }

    /// The segment that appends go to.
    #[inline]
    pub(crate) fn current_segment(&self) -> u64 {
        // ORDERING: Relaxed: a hint, which may be old.
        claim::current_segment(self.current.load(Ordering::Relaxed))
    }

    fn claimed_end(&self, number: u64, index: u32) -> u64 {
        let header = self.header(index);
        // ORDERING: Relaxed: a snapshot; the segment is the last, so the block serves it, under the directory's lock.
        let word = self.blocks[number as usize % BLOCKS].claim.load(Ordering::Relaxed);
        let (records, position) = claim::split(word);
        match header.sealed() {
            Some((records, _)) => header.base() + records,
            None if position <= claim::LIMIT => header.base() + records,
            // Crossed, and the crosser has not sealed it yet: what is committed is at least the base.
            None => header.base(),
        }
    }

    /// Where everything ends that was claimed so far.
    pub(crate) fn claimed(&self) -> Place {
        loop {
            {
                let directory = lock(&self.directory);
                let Some(last) = directory.last() else { return Place::new(directory.next_number(), 0) };
                let Some(index) = last.header else { return Place::new(last.number + 1, 0) };
                let header = self.header(index);
                // ORDERING: Relaxed: as in `claimed_end`; whose append has returned to us is in it.
                let word = self.blocks[last.number as usize % BLOCKS].claim.load(Ordering::Relaxed);
                let (_, position) = claim::split(word);
                if let Some((_, end)) = header.sealed() {
                    return Place::new(last.number, end);
                }
                if position <= claim::LIMIT {
                    return Place::new(last.number, position - (claim::LIMIT - header.capacity()));
                }
            }
            // Crossed and not sealed yet: a few instructions of another thread.
            yield_now();
        }
    }

    /// Where everything ends that readers may see, but for what is being written this very moment.
    pub(crate) fn readable_end(&self) -> Place {
        self.limit(self.visible).min(self.claimed())
    }

    /// Bytes of the segments that have no file yet. They live in memory.
    pub(crate) fn unmade_bytes(&self) -> u64 {
        let homed = self.homed();
        let directory = lock(&self.directory);
        let unmade = directory.live().filter_map(|entry| entry.segment);
        unmade
            .filter(|segment| Place::new(segment.number, 0) >= homed)
            .map(|segment| segment.data_bytes)
            .sum()
    }
}
