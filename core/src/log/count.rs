//! How many records there are from a sequence on: exact, although compaction left some out and sequences have gaps there.
//!
//! What was left out of a segment is found by a walk over it, once, and remembered until it is written anew. A log that was never
//! compacted is not read at all, but for the headers of its files.

use crate::error::Result;
use crate::log::Log;
use crate::log::reader::Reader;
use crate::log::segment_file::SegmentFile;
use crate::sync::lock;
use std::sync::Arc;

/// A compacted segment, and the sequence that follows its last one.
struct Gappy {
    segment: SegmentFile,
    end: u64,
    /// Records that it holds, if that is known.
    count: Option<u64>,
}

impl Log {
    /// How many records held have this sequence or a later one. Those that salvage could not bring back are counted as if they
    /// were there.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn count_from(self: &Arc<Self>, sequence: u64) -> Result<u64> {
        let mut count = self.end_sequence().saturating_sub(sequence);
        for gappy in self.gappy_from(sequence)? {
            let from = gappy.segment.base.max(sequence);
            let held = match gappy.count {
                Some(count) if from == gappy.segment.base => count,
                _ => self.count_within(&gappy, from)?,
            };
            count = count.saturating_sub((gappy.end - from).saturating_sub(held));
        }
        Ok(count)
    }

    /// The compacted segments that reach beyond a sequence.
    fn gappy_from(&self, sequence: u64) -> Result<Vec<Gappy>> {
        self.look(|directory| {
            let Some(first) = directory.holding(sequence)? else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for number in first.number..directory.next_number().saturating_sub(1) {
                let (Some(segment), Some(next)) =
                    (directory.segment(number)?, directory.segment(number + 1)?)
                else {
                    continue;
                };
                if segment.is_compacted() && next.base > sequence {
                    let count = directory.get(number).and_then(|entry| entry.count);
                    found.push(Gappy { segment, end: next.base, count });
                }
            }
            Ok(found)
        })
    }

    fn count_within(self: &Arc<Self>, gappy: &Gappy, from: u64) -> Result<u64> {
        let SegmentFile { number, base, .. } = gappy.segment;
        let (mut all, mut held) = (0, 0);
        let mut reader = Reader::at(self.clone(), number, base);
        while reader.advance_within()? {
            if reader.kind().is_record() {
                all += 1;
                held += u64::from(reader.sequence() >= from);
            }
        }
        if let Some(entry) = lock(&self.directory).get_mut(number)
            && entry.segment == Some(gappy.segment)
        {
            entry.count = Some(all);
        }
        Ok(held)
    }
}
