//! Leaving out what a later record of the same key has replaced: sealed segments are written anew, one after the other.
//!
//! **Promise.** Order and sequences stay. The last record of each key stays, and all records of the head: the open segment,
//! those whose records are younger than the lag, and on disk those that nothing follows in its file. Records without a key stay.
//! A tombstone stays for its grace, counted from the first pass that came by, which is stamped into it: whoever reads all of the
//! log within the grace sees every deletion.
//!
//! ```text
//!    compacted before    |  read in this pass: the last sequence of each key     | head
//!   [ 1 ][ 2 ][ 3 ]         [ 4 ][ 5 ][ 6 ]                                        [ 7 ][ 8, open ]
//!     ------- then written anew, oldest first, where that saves something ----->
//! ```
//!
//! Oldest first is what makes it safe to forget a tombstone: it is stamped only when everything older with its key is gone,
//! durably, whatever crash comes in between.
//!
//! **Commit.** A segment is written to a file of its own with the next generation, synced, and renamed over the old one. A crash
//! leaves the old or the new. Who was reading the old one goes on reading it. What the journal still has of it
//! is of an older generation, and not copied back (`restore.rs`).
//!
//! **Failure.** What cannot be read is left as it is, and the pass ends there. A failed write of the new file leaves the old; a
//! failed sync of its name poisons the log, because nobody knows which of the two a crash would leave.

use crate::error::Result;
use crate::log::buffer::Buffer;
use crate::log::claim::GRANULE_BYTES;
use crate::log::frame::{Frame, Kind, PAD, Seed, pad_checksum};
use crate::log::reader::Reader;
use crate::log::segment_file::SegmentFile;
use crate::log::{CLOSED, Log};
use crate::sync::{Ordering, lock};
use std::collections::HashMap;
use std::sync::Arc;

/// Keys that one pass remembers, in bytes with what it takes to hold them: what is beyond that waits for the next pass.
const KEYS_BYTES_MAX: usize = 64 << 20;
/// What holding a key takes beside its bytes, about.
const KEY_OVERHEAD_BYTES: usize = 64;

/// When to compact, and what has to stay for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) lag_ns_min: u64,
    pub(crate) tombstone_grace_ns: u64,
    /// A pass begins by itself when so much of what could be compacted has not been, in percent of bytes.
    pub(crate) dirty_percent_min: u32,
}

/// Compacts one log. See the module's description.
#[derive(Debug)]
pub(crate) struct Compactor {
    log: Arc<Log>,
    pass: Option<Pass>,
    /// The first segment that no pass has read.
    clean_end: u64,
    /// When the oldest tombstone may be forgotten, as far as known: 0 until the first pass since the log was opened.
    tombstone_due_ns: u64,
}

/// A pass under way.
#[derive(Debug)]
struct Pass {
    /// The segment that comes next, to be read or to be written anew.
    next: u64,
    /// One past the last segment that was read; none as long as there is more to read.
    end: Option<u64>,
    latest: HashMap<Box<[u8]>, u64>,
    keys_bytes: usize,
    /// When the oldest tombstone found may be forgotten.
    tombstone_due_ns: u64,
}

/// What is to become of a record.
enum Fate {
    Stays,
    /// As a tombstone with this time.
    Stamped(u64),
    Goes,
}

impl Compactor {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        let segments = log.sealed_segments().unwrap_or_default();
        let is_dirty = |entry: &SegmentFile| !entry.is_compacted();
        let clean_end = segments.iter().find(|entry| is_dirty(entry)).map(|entry| entry.number);
        let clean_end = clean_end.unwrap_or_else(|| segments.last().map_or(0, |last| last.number + 1));
        // Only those that were compacted have tombstones that wait.
        let waits = segments.first().is_some_and(SegmentFile::is_compacted);
        Self { log, pass: None, clean_end, tombstone_due_ns: if waits { 0 } else { u64::MAX } }
    }

    /// Whether there is a reason to begin a pass, or one is under way.
    pub(crate) fn is_due(&self, rules: &Rules, now_ns: u64) -> bool {
        if self.pass.is_some() || self.tombstone_due_ns <= now_ns {
            return true;
        }
        let (mut dirty, mut all) = (0u64, 0u64);
        for segment in self.log.sealed_segments().unwrap_or_default() {
            all += segment.data_bytes;
            dirty += if segment.number < self.clean_end { 0 } else { segment.data_bytes };
        }
        dirty > 0 && dirty.saturating_mul(100) >= all.saturating_mul(rules.dirty_percent_min.into())
    }

    /// Whether a pass has begun and is not over.
    pub(crate) fn is_under_way(&self) -> bool {
        self.pass.is_some()
    }

    /// When time alone will be a reason to begin a pass.
    pub(crate) fn due_ns(&self) -> u64 {
        self.tombstone_due_ns
    }

    /// Reads one segment or writes one anew, beginning a pass if none is under way. False: the pass is over, or nothing may be
    /// written anew while the files are copied.
    ///
    /// # Errors
    /// `Corrupt` or `Io`: the pass is over, what it has done stays.
    pub(crate) fn step(&mut self, rules: &Rules, now_ns: u64) -> Result<bool> {
        let mut pass = self.pass.take().unwrap_or_else(|| Pass {
            next: self.clean_end,
            end: None,
            latest: HashMap::new(),
            keys_bytes: 0,
            tombstone_due_ns: u64::MAX,
        });
        let segments = self.log.sealed_segments()?;
        let first = segments.first().map_or(u64::MAX, |first| first.number);
        pass.next = pass.next.max(first);
        let segment = segments.iter().find(|segment| segment.number == pass.next);
        match (pass.end, segment) {
            (None, Some(segment)) if pass.read(&self.log, segment, rules, now_ns)? => pass.next += 1,
            (None, _) => (pass.end, pass.next) = (Some(pass.next), 0),
            (Some(end), Some(segment)) if segment.number < end => {
                if !pass.rewrite(&self.log, segment, rules, now_ns)? {
                    self.pass = Some(pass);
                    return Ok(false);
                }
                pass.next += 1;
            }
            (Some(end), _) => {
                if first != u64::MAX {
                    self.clean_end = end;
                }
                self.tombstone_due_ns = pass.tombstone_due_ns;
                return Ok(false);
            }
        }
        self.pass = Some(pass);
        Ok(true)
    }
}

impl Pass {
    /// Remembers the last sequence of each key. False: nothing of the segment counts, it is of the head, or there is no room.
    fn read(&mut self, log: &Arc<Log>, segment: &SegmentFile, rules: &Rules, now_ns: u64) -> Result<bool> {
        let mut found: HashMap<Box<[u8]>, u64> = HashMap::new();
        let mut bytes = 0;
        let mut reader = Reader::at(log.clone(), segment.number, segment.base);
        while reader.advance_within()? {
            let frame = reader.frame();
            if frame.time_ns().saturating_add(rules.lag_ns_min) > now_ns && rules.lag_ns_min > 0 {
                return Ok(false);
            }
            if let (Kind::Data, Some(key)) = (frame.kind(), frame.key())
                && found.insert(key.into(), reader.sequence()).is_none()
            {
                bytes += key.len() + KEY_OVERHEAD_BYTES;
            }
        }
        // One segment alone is always taken: it is bounded.
        if self.keys_bytes > 0 && self.keys_bytes + bytes > KEYS_BYTES_MAX {
            return Ok(false);
        }
        self.keys_bytes += bytes;
        self.latest.extend(found);
        Ok(true)
    }

    fn fate(&self, frame: &Frame<'_>, sequence: u64, rules: &Rules, now_ns: u64) -> Fate {
        let replaced = |key| self.latest.get(key).is_some_and(|latest| *latest > sequence);
        match (frame.kind(), frame.tombstone_ns()) {
            (Kind::Data, _) if frame.key().is_some_and(replaced) => Fate::Goes,
            (Kind::Data, Some(0)) => Fate::Stamped(now_ns.max(1)),
            (Kind::Data, Some(since_ns)) if since_ns.saturating_add(rules.tombstone_grace_ns) <= now_ns => {
                Fate::Goes
            }
            (Kind::Data, _) => Fate::Stays,
            _ => Fate::Goes,
        }
    }

    /// Writes a segment anew without what is replaced, if there is something. False: not while its file is copied.
    fn rewrite(&mut self, log: &Arc<Log>, segment: &SegmentFile, rules: &Rules, now_ns: u64) -> Result<bool> {
        let Some(generation) = segment.generation.checked_add(1) else { return Ok(true) };
        if log.keeps_files() {
            return Ok(false);
        }
        let new = SegmentFile { generation, ..*segment };
        let seed = Seed { log_id: segment.log_id, segment: segment.number, generation };
        let seed = log.is_durable().then_some(seed);
        let mut area = Vec::new();
        let (mut is_changed, mut last) = (false, segment.base);
        let mut reader = Reader::at(log.clone(), segment.number, segment.base);
        while reader.advance_within()? {
            let frame = reader.frame();
            let fate = self.fate(&frame, reader.sequence(), rules, now_ns);
            let is_record = frame.kind() == Kind::Data;
            is_changed |= is_record && !matches!(fate, Fate::Stays);
            let since_ns = match fate {
                Fate::Goes => continue,
                Fate::Stays => frame.tombstone_ns(),
                Fate::Stamped(since_ns) => Some(since_ns),
            };
            if let Some(since_ns) = since_ns {
                let due_ns = since_ns.saturating_add(rules.tombstone_grace_ns);
                self.tombstone_due_ns = self.tombstone_due_ns.min(due_ns);
            }
            frame.copy_to(&mut area, since_ns, seed);
            last = reader.sequence() + 1;
        }
        if is_changed { log.replace_segment(new, area, last, seed) } else { Ok(true) }
    }
}

impl Log {
    /// The segments that may be compacted: nothing is written to them any more, and what follows them is in its file, so that
    /// none of them is ever the one that recovery walks.
    ///
    /// # Errors
    /// A header that cannot be read.
    fn sealed_segments(&self) -> Result<Vec<SegmentFile>> {
        self.look(|directory| {
            let last = directory.last().map_or(0, |last| last.number).min(self.held_from());
            let sealed = (directory.start().0..last).take_while(|number| self.is_later_home(*number));
            sealed.filter_map(|number| directory.segment(number).transpose()).collect()
        })
    }

    /// The open segment, if it has records.
    pub(crate) fn open_segment_with_records(&self) -> Option<u64> {
        let end = self.end_sequence();
        let directory = lock(&self.directory);
        let open = directory.last().filter(|last| last.header.is_some())?.segment?;
        (open.base < end).then_some(open.number)
    }

    /// Puts these frames in the place of a sealed segment's, the last of them before sequence `end`. False: not while its file is
    /// copied.
    fn replace_segment(
        &self,
        mut new: SegmentFile,
        mut area: Vec<u8>,
        end: u64,
        seed: Option<Seed>,
    ) -> Result<bool> {
        if area.is_empty() {
            // Its header stays, so that numbers have no gaps, and a data area is never empty.
            let word = PAD | 1;
            area.extend_from_slice(&word.to_le_bytes());
            let crc = seed.map_or(0, |seed| pad_checksum(word, seed.at(0)));
            area.extend_from_slice(&crc.to_le_bytes());
        }
        new.data_bytes = area.len() as u64;
        if let Some(home) = &self.home {
            home.write_new(&new, &area)?;
        }
        {
            let mut directory = lock(&self.directory);
            // ORDERING: Relaxed: `close` sets it under the lock that we hold.
            if self.current.load(Ordering::Relaxed) & CLOSED != 0 {
                return Ok(true);
            }
            if directory.is_kept() {
                return Ok(false);
            }
            let next = directory.get(new.number + 1).and_then(|entry| entry.header);
            let Some(entry) = directory.get_mut(new.number) else { return Ok(true) };
            let header = match &self.home {
                Some(home) => {
                    home.replace(new.number)?;
                    None
                }
                None => Some(self.hold(&new, &area, end, next)),
            };
            (entry.segment, entry.times, entry.count) = (Some(new), None, None);
            if let Some(old) = std::mem::replace(&mut entry.header, header) {
                self.retire(old);
            }
        }
        if let Some(home) = &self.home {
            home.sync_names().inspect_err(|error| self.poison(error))?;
        }
        Ok(true)
    }

    /// A header for a segment that is wholly there and that no block serves: readers find it in the directory.
    fn hold(&self, segment: &SegmentFile, area: &[u8], end: u64, next: Option<u32>) -> u32 {
        let mut buffer = Buffer::zeroed(area.len());
        buffer.copy_in(area);
        let index = self.free_header();
        let header = self.header(index);
        header.prepare(segment.number, segment.base, segment.generation, buffer);
        header.seal(end - segment.base, area.len() as u64 / GRANULE_BYTES);
        if let Some(next) = next {
            header.set_next(next);
        }
        // That of the block that would serve it.
        self.unpin(index);
        index
    }
}
