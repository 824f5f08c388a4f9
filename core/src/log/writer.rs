//! From memory to disk: finding what is committed and not yet written, bringing it home, moving the watermarks.
//!
//! Called by the journal's leader, one at a time: collect, then write and sync it in the journal or at home, then publish.
//! Whoever holds `homing` brings home what the journal has.
//!
//! **Protocol**, `P7 watermark`: `written` and `durable` are stored by the leader alone, with Release, after the write
//! or sync of everything below them returned; `homed` by who holds `homing`, after the sync. They only grow.

use crate::error::Result;
use crate::log::Log;
use crate::log::buffer::BLOCK_GRANULES;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::frame::{Draft, Kind, Word};
use crate::log::index::Walked;
use crate::log::recovery::DurableMark;
use crate::log::segment_file::SegmentFile;
use crate::sync::event_count::EventCount;
use crate::sync::{MutexGuard, Ordering, lock, try_lock};

/// How far the leader has come.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) place: Place,
    /// Where the last commit ended that was published.
    pub(super) journalled: Place,
    /// What the durable mark says that was appended last.
    marked: DurableMark,
    /// See `streaming.rs`: nothing is collected.
    pub(super) streaming: bool,
}

impl Writer {
    /// A log that goes on at `place`, with `start` the first record that may be read.
    pub(crate) fn at(place: Place, start: u64) -> Self {
        Self { place, journalled: place, marked: DurableMark { durable: place, start }, streaming: false }
    }
}

/// Committed bytes of one segment that are to be written at their byte position: a piece of its image.
#[derive(Debug)]
pub(crate) struct Extent {
    segment: SegmentFile,
    header: u32,
    from: u64,
    to: u64,
}

/// The right to bring something home. Whoever waits for it is told when it is given up.
pub(super) struct Homing<'a> {
    pub(super) guard: Option<MutexGuard<'a, Walked>>,
    free: &'a EventCount,
}

impl Drop for Homing<'_> {
    fn drop(&mut self) {
        self.guard = None;
        self.free.notify_all();
    }
}

impl Log {
    /// Whether something may be committed that is not written.
    pub(crate) fn has_unwritten(&self) -> bool {
        let place = lock(&self.writer).place;
        let directory = lock(&self.directory);
        let Some(header) = directory.get(place.segment()).and_then(|entry| entry.header) else {
            return false;
        };
        let header = self.header(header);
        if place.granule() == header.capacity() {
            return directory.get(place.segment() + 1).is_some();
        }
        // SAFETY: at or above the home mark: not evicted, not released, under the directory's lock.
        unsafe { header.buffer() }.committed_word((place.granule() * GRANULE_BYTES) as usize) != 0
    }

    /// Notes in the log what is durable so far, as proof for recovery, and what may be read. Once per commit, before
    /// `collect`. False: it was noted before.
    pub(crate) fn append_durable_mark(&self, time_ns: u64) -> bool {
        // ORDERING: Acquire, P7.
        let durable = Place(self.durable.load(Ordering::Acquire));
        let mark = DurableMark { durable, start: self.first_readable() };
        if lock(&self.writer).marked == mark {
            return false;
        }
        self.append_mark(mark, time_ns)
    }

    /// Puts something into the open segment that is not needed there, so that it gets a file.
    pub(crate) fn append_durable_mark_again(&self, time_ns: u64) {
        let mark = lock(&self.writer).marked;
        self.append_mark(mark, time_ns);
    }

    fn append_mark(&self, mark: DurableMark, time_ns: u64) -> bool {
        let appended = self.append(&[Draft::control(Kind::DurableMark, time_ns, &mark.encode())]).is_ok();
        if appended {
            lock(&self.writer).marked = mark;
        }
        appended
    }

    /// What is committed without a gap from where the last collect stopped, and where this one does. None while the log
    /// is streaming.
    pub(crate) fn collect(&self) -> Option<(Vec<Extent>, Place)> {
        let mut writer = lock(&self.writer);
        if writer.streaming {
            return None;
        }
        let (extents, place) = self.extents(writer.place, Place::END);
        writer.place = place;
        Some((extents, place))
    }

    /// What is committed without a gap between two places that are not evicted, and where it ends.
    fn extents(&self, mut place: Place, to: Place) -> (Vec<Extent>, Place) {
        let mut extents = Vec::new();
        while place < to {
            let (number, from) = (place.segment(), place.granule());
            let Some((segment, index)) = self.live_segment(number) else { break };
            let header = self.header(index);
            // SAFETY: at or above the home mark: neither evicted nor released before that moves, which is up to us.
            let buffer = unsafe { header.buffer() };
            let mut at = from;
            let over = loop {
                if at == header.capacity() {
                    break true;
                }
                if Place::new(number, at) >= to {
                    break false;
                }
                match Word::new(buffer.committed_word((at * GRANULE_BYTES) as usize)) {
                    Word::Empty => break false,
                    Word::Pad { .. } => {
                        at += 1;
                        break true;
                    }
                    Word::Frame { bytes } => at += crate::log::frame::granules(bytes),
                }
            };
            if at > from {
                extents.push(Extent { segment, header: index, from, to: at });
            }
            if !over {
                return (extents, Place::new(number, at));
            }
            if self.live_segment(number + 1).is_none() {
                // At the very end, not behind the pad: what lies there is never committed, and would be waited for.
                return (extents, Place::new(number, header.capacity()));
            }
            place = Place::new(number + 1, 0);
        }
        (extents, place)
    }

    pub(super) fn live_segment(&self, number: u64) -> Option<(SegmentFile, u32)> {
        let directory = lock(&self.directory);
        let entry = directory.get(number)?;
        Some((entry.segment?, entry.header?))
    }

    /// The bytes of an extent, with the segment that they are a piece of, and their byte position in its data area.
    pub(crate) fn piece<'a>(&'a self, extent: &'a Extent) -> (&'a SegmentFile, u64, &'a [u8]) {
        let (from, to) = (extent.from * GRANULE_BYTES, extent.to * GRANULE_BYTES);
        // SAFETY: collected as committed, by acquiring each length word; not evicted before it is home.
        let bytes =
            unsafe { self.header(extent.header).buffer().committed(from as usize, (to - from) as usize) };
        (&extent.segment, from, bytes)
    }

    /// Up to where everything is in the log's own files, synced. A log in memory waits for no file.
    pub(crate) fn homed(&self) -> Place {
        if self.home.is_none() {
            return Place::END;
        }
        // ORDERING: Acquire, P7: pairs with the Release of `bring_home`; whoever finds a segment home may evict it.
        Place(self.homed.load(Ordering::Acquire))
    }

    /// Writes what is not yet home, up to a place that was collected, to the segments' files, making those that begin; and
    /// syncs them.
    ///
    /// # Errors
    /// The first failure. What is home stays so; the caller poisons whatever relied on the rest.
    pub(crate) fn bring_home(&self, place: Place) -> Result<()> {
        let Some(home) = &self.home else { return Ok(()) };
        let Some(homing) = self.take_homing(place) else { return self.poisoned() };
        // On a file that failed nothing is tried again.
        self.poisoned()?;
        let homed = self.homed();
        if homed >= place {
            return Ok(());
        }
        for mut extent in self.extents(homed, place).0 {
            // From the beginning of a block: what it holds is written once more, as it was.
            extent.from -= extent.from % BLOCK_GRANULES;
            let (segment, byte_position, bytes) = self.piece(&extent);
            if byte_position == 0 {
                home.create(segment)?;
            }
            home.write(segment, byte_position, bytes)?;
        }
        home.sync()?;
        // ORDERING: Release, P7: pairs with `homed`.
        self.homed.store(place.0, Ordering::Release);
        self.write_indexes(homed..place);
        drop(homing);
        self.evict();
        Ok(())
    }

    /// The lock on bringing something home; None if others have brought that place home before it was free, or failed.
    fn take_homing(&self, place: Place) -> Option<Homing<'_>> {
        let try_homing = || try_lock(&self.homing).map(|guard| self.homing(guard));
        let mut homing = try_homing();
        if homing.is_none() {
            // Not a wait for the lock: who streams takes it again at once, for as long as there is more.
            self.home_moved.wait_until(None, || {
                homing = try_homing();
                homing.is_some() || self.homed() >= place || self.poisoned().is_err()
            });
        }
        homing
    }

    /// The same, for whoever streams.
    pub(super) fn wait_to_home(&self) -> Homing<'_> {
        self.homing(lock(&self.homing))
    }

    fn homing<'a>(&'a self, guard: MutexGuard<'a, Walked>) -> Homing<'a> {
        Homing { guard: Some(guard), free: &self.home_moved }
    }

    /// Gives back the room on the disk that the open segment has not used. For a log that is closed, and home.
    pub(crate) fn release_unused(&self) {
        let end = self.homed();
        let used = end.granule().next_multiple_of(BLOCK_GRANULES) * GRANULE_BYTES;
        // Behind one that is full there is its index.
        if let (Some(home), Some((segment, _))) = (&self.home, self.live_segment(end.segment()))
            && end >= self.claimed()
            && used < segment.data_bytes
        {
            home.release_from(segment.number, used);
        }
    }

    /// What the disk reported while streaming: up to here everything is in the log's own files, synced.
    pub(super) fn home_reached(&self, place: Place) {
        // ORDERING: Release, P7: pairs with `homed`.
        self.homed.store(place.0, Ordering::Release);
        self.home_moved.notify_all();
        self.publish(place, true);
    }

    /// Moves the watermarks to where a commit ended, and tells readers.
    pub(crate) fn publish(&self, place: Place, synced: bool) {
        {
            let mut writer = lock(&self.writer);
            writer.journalled = writer.journalled.max(place);
            // ORDERING: Release, P7: pairs with `limit`. A maximum, for a leader and whoever streams may both be here.
            self.written.fetch_max(place.0, Ordering::Release);
            if synced {
                // ORDERING: Release, P7: as above.
                self.durable.fetch_max(place.0, Ordering::Release);
            }
        }
        self.data.notify_one();
    }
}
