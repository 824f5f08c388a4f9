//! From memory to disk: finding what is committed and not yet written, writing it to its home, moving the watermarks.
//!
//! Called by the journal's leader, one at a time, in the order collect, write, sync, publish.
//!
//! **Protocol**, `P7 watermark`: `written` and `durable` are stored by the leader alone, with Release, after the write
//! or sync of everything below them returned; they only grow.

use crate::error::Result;
use crate::log::Log;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::frame::{Draft, Kind, Word};
use crate::log::segment_file::SegmentFile;
use crate::sync::{Ordering, lock};

/// How far the leader has come.
#[derive(Debug)]
pub(crate) struct Writer {
    place: Place,
    /// Durable mark that was appended last.
    marked: Place,
}

impl Writer {
    pub(crate) fn at(place: Place) -> Self {
        Self { place, marked: place }
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
        // SAFETY: at or above the durable mark: not evicted, not released, under the directory's lock.
        unsafe { header.buffer() }.committed_word((place.granule() * GRANULE_BYTES) as usize) != 0
    }

    /// Notes in the log what is durable so far, as proof for recovery. Once per commit, before `collect`. False: it was
    /// noted before.
    pub(crate) fn append_durable_mark(&self, time_ns: u64) -> bool {
        // ORDERING: Acquire, P7.
        let durable = Place(self.durable.load(Ordering::Acquire));
        if lock(&self.writer).marked == durable {
            return false;
        }
        let mark = durable.0.to_le_bytes();
        let appended = self.append(&[Draft::control(Kind::DurableMark, time_ns, &mark)]).is_ok();
        if appended {
            lock(&self.writer).marked = durable;
        }
        appended
    }

    /// What is committed without a gap from where the last collect stopped.
    pub(crate) fn collect(&self) -> Vec<Extent> {
        let mut writer = lock(&self.writer);
        let mut extents = Vec::new();
        loop {
            let (number, from) = (writer.place.segment(), writer.place.granule());
            let Some((segment, index)) = self.live_segment(number) else { break };
            let header = self.header(index);
            // SAFETY: at or above the durable mark: neither evicted nor released before we publish.
            let buffer = unsafe { header.buffer() };
            let mut at = from;
            let over = loop {
                if at == header.capacity() {
                    break true;
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
                writer.place = Place::new(number, at);
                break;
            }
            if self.live_segment(number + 1).is_none() {
                // At the very end, not behind the pad: what lies there is never committed, and would be waited for.
                writer.place = Place::new(number, header.capacity());
                break;
            }
            writer.place = Place::new(number + 1, 0);
        }
        extents
    }

    fn live_segment(&self, number: u64) -> Option<(SegmentFile, u32)> {
        let directory = lock(&self.directory);
        let entry = directory.get(number)?;
        let segment = SegmentFile {
            log_id: self.id,
            number,
            base: entry.base,
            data_bytes: entry.bytes,
            generation: entry.generation,
        };
        Some((segment, entry.header?))
    }

    /// Writes extents to the segments' files, making those that begin. Returns the place written up to.
    ///
    /// # Errors
    /// The first failure; the caller poisons the log.
    pub(crate) fn write_home(&self, extents: &[Extent]) -> Result<()> {
        let Some(home) = &self.home else { return Ok(()) };
        for extent in extents {
            if extent.from == 0 {
                home.create(&extent.segment)?;
            }
            let (from, to) = (extent.from * GRANULE_BYTES, extent.to * GRANULE_BYTES);
            // SAFETY: collected as committed, by acquiring each length word; not evicted before we publish.
            let bytes =
                unsafe { self.header(extent.header).buffer().committed(from as usize, (to - from) as usize) };
            home.write(extent.segment.number, from, bytes)?;
        }
        Ok(())
    }

    /// Makes durable what was written home.
    ///
    /// # Errors
    /// The system's; the caller poisons the log.
    pub(crate) fn sync_home(&self) -> Result<()> {
        self.home.as_ref().map_or(Ok(()), |home| home.sync())
    }

    /// Moves the watermarks to where `collect` stopped, and tells readers.
    pub(crate) fn publish(&self, synced: bool) {
        let place = lock(&self.writer).place;
        // ORDERING: Release, P7: pairs with `limit`.
        self.written.store(place.0, Ordering::Release);
        // What is written of a segment lies in its file, before whose making the segment before was synced.
        let durable = if synced {
            place
        } else if place.granule() > 0 {
            Place::new(place.segment(), 0)
        } else {
            Place::default()
        };
        // ORDERING: Release, P7; a maximum, for what was only written may be behind what was synced.
        if self.durable.fetch_max(durable.0, Ordering::Release) < durable.0 {
            self.evict();
        }
        self.data.notify_all();
    }
}
