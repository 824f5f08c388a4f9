//! The index of a sealed segment: where in it a walk may begin, and how far its times reach. Pure functions of bytes.
//!
//! **Promise.** It is believed only if its checksum, seeded with the segment and the place, matches; whoever does not find it walks
//! the segment and finds the same. It says where to begin to look and proves nothing: no record is there because of it.
//!
//! ```text
//!  0  8  magic "RINGINDX"
//!  8  4  CRC-32C of bytes 12..40 + 16 x landings, exclusive-or the seed of the end of the data area
//! 12  4  count of landings
//! 16  8  largest time of the segment's records
//! 24  8  largest time of the records of the segments from the following to this one
//! 32  8  number of that segment
//! 40     landings, 16 bytes each: granule 4, sequence from the segment's base 4, largest time of the records before it 8
//! ```
//!
//! A *landing* is the first frame that begins in a block of 64 KiB; the first block has none, for its first frame is the segment's.
//!
//! **Why two times.** The clock may go back, and the largest times of single segments with it; those of all segments up to one
//! only grow, so that the segment of a time is found by bisection (`time.rs`).

use crate::log::claim::GRANULE_BYTES;
use crate::log::frame::{Frame, Kind, checksum, u64_at};
use crate::log::segment_file::SegmentFile;

/// Bytes of the data area for which there is one landing.
const BLOCK_BYTES: u64 = 64 << 10;
const MAGIC: &[u8; 8] = b"RINGINDX";
const CRC: usize = 8;
const COUNT: usize = 12;
const LANDINGS: usize = 40;
const LANDING_BYTES: usize = 16;

/// How far the times of a segment reach, and of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// Largest time of the segment's records; 0 if it has none.
    pub(crate) own_ns: u64,
    /// Largest time of the records from segment `since` to this one.
    pub(crate) largest_ns: u64,
    pub(crate) since: u64,
}

impl Times {
    /// Of segment `number`, whose largest time is `own_ns`, behind a segment with the times `before`, if those are known.
    pub(crate) fn following(before: Option<Self>, number: u64, own_ns: u64) -> Self {
        match before {
            Some(before) => Self { own_ns, largest_ns: before.largest_ns.max(own_ns), since: before.since },
            None => Self { own_ns, largest_ns: own_ns, since: number },
        }
    }
}

/// A place that a walk may begin at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Landing {
    pub(crate) granule: u32,
    /// Sequence of the next record, from the segment's base.
    pub(crate) sequence: u32,
    /// Largest time of the segment's records before it.
    pub(crate) time_ns: u64,
}

/// The frames of a segment, entered one after the other from its first.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Where the next frame is.
    pub(crate) at: Landing,
    landings: Vec<Landing>,
}

/// A segment, as far as it was walked.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    number: u64,
    walk: Walk,
}

impl Walked {
    /// The walk of a segment, from the beginning if it was another one's.
    pub(crate) fn of(&mut self, number: u64) -> &mut Walk {
        if self.number != number {
            *self = Self { number, walk: Walk::default() };
        }
        &mut self.walk
    }
}

impl Walk {
    /// Goes past a frame.
    pub(crate) fn enter(&mut self, frame: &Frame<'_>) {
        let block = |landing: &Landing| u64::from(landing.granule) * GRANULE_BYTES / BLOCK_BYTES;
        if block(&self.at) > self.landings.last().map_or(0, block) {
            self.landings.push(self.at);
        }
        self.at.granule += frame.granules() as u32;
        // In a compacted segment with gaps.
        self.at.sequence = frame.sequence_from_base() + u32::from(frame.kind().is_record());
        if frame.kind() == Kind::Data {
            self.at.time_ns = self.at.time_ns.max(frame.time_ns());
        }
    }

    /// The index as it is kept, once all frames were entered: `times` are those of the segment.
    pub(crate) fn encode(&self, times: &Times, segment: &SegmentFile) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LANDINGS + LANDING_BYTES * self.landings.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(self.landings.len() as u32).to_le_bytes());
        for word in [times.own_ns, times.largest_ns, times.since] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for landing in &self.landings {
            bytes.extend_from_slice(&landing.granule.to_le_bytes());
            bytes.extend_from_slice(&landing.sequence.to_le_bytes());
            bytes.extend_from_slice(&landing.time_ns.to_le_bytes());
        }
        let crc = checksum(&bytes[COUNT..], segment.seed().at(segment.data_bytes));
        bytes[CRC..COUNT].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// What the index of a segment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) times: Times,
    landings: Vec<Landing>,
}

impl Index {
    /// Most bytes that the index of a segment may have.
    pub(crate) fn bytes_max(segment: &SegmentFile) -> usize {
        LANDINGS + LANDING_BYTES * (segment.data_bytes / BLOCK_BYTES) as usize
    }

    /// The index at the beginning of `bytes`; `None` unless it is that of the segment, whole and possible.
    pub(crate) fn decode(bytes: &[u8], segment: &SegmentFile) -> Option<Self> {
        let count = (u64_at(bytes, CRC)? >> 32) as usize;
        let length = LANDINGS + LANDING_BYTES * count;
        if length > Self::bytes_max(segment) || !bytes.starts_with(MAGIC) {
            return None;
        }
        let body = bytes.get(COUNT..length)?;
        if u64_at(bytes, CRC)? as u32 != checksum(body, segment.seed().at(segment.data_bytes)) {
            return None;
        }
        let times =
            Times { own_ns: u64_at(bytes, 16)?, largest_ns: u64_at(bytes, 24)?, since: u64_at(bytes, 32)? };
        let landing = |bytes: &[u8]| {
            let place = u64_at(bytes, 0)?;
            Some(Landing {
                granule: place as u32,
                sequence: (place >> 32) as u32,
                time_ns: u64_at(bytes, 8)?,
            })
        };
        let landings: Vec<_> =
            bytes.get(LANDINGS..length)?.chunks_exact(LANDING_BYTES).map(landing).collect::<Option<_>>()?;
        let is_possible = times.own_ns <= times.largest_ns
            && (1..=segment.number).contains(&times.since)
            && landings
                .last()
                .is_none_or(|last| u64::from(last.granule) * GRANULE_BYTES < segment.data_bytes)
            && landings.is_sorted_by(|a, b| {
                a.granule < b.granule && a.sequence <= b.sequence && a.time_ns <= b.time_ns
            });
        is_possible.then_some(Self { times, landings })
    }

    /// The last landing before which `is_before` holds: where to begin to look for the first record of which it does not.
    pub(crate) fn landing(&self, is_before: impl Fn(&Landing) -> bool) -> Option<Landing> {
        let after = self.landings.partition_point(is_before);
        self.landings.get(after.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::frame::Draft;
    use proptest::prelude::*;

    const SEGMENT: SegmentFile =
        SegmentFile { log_id: 3, number: 9, base: 77, data_bytes: 1 << 20, generation: 1 };

    /// The walk of records of so many bytes and such times, and each one's place.
    fn walk(records: &[(usize, u64)]) -> (Walk, Vec<Landing>) {
        let (mut walk, mut places) = (Walk::default(), vec![]);
        for (bytes, time_ns) in records {
            let value = vec![0; *bytes];
            let draft = Draft { time_ns: *time_ns, ..Draft::control(Kind::Data, 0, &value) };
            let mut frame = vec![0; draft.bytes()];
            draft.encode(&mut frame[4..], walk.at.sequence, 0, None);
            places.push(walk.at);
            walk.enter(&Frame::trusted(&frame));
        }
        (walk, places)
    }

    fn times(walk: &Walk) -> Times {
        Times::following(None, SEGMENT.number, walk.at.time_ns)
    }

    proptest! {
        /// A landing is never behind what is looked for, and less than a block and a frame before it.
        #[test]
        fn a_landing_is_less_than_a_block_before_what_is_looked_for(
            records in proptest::collection::vec((0..20_000usize, 1..1000u64), 1..60),
            wanted in any::<proptest::sample::Index>(),
        ) {
            let (walk, places) = walk(&records);
            let index = Index::decode(&walk.encode(&times(&walk), &SEGMENT), &SEGMENT).unwrap();
            prop_assert_eq!(index.times.own_ns, records.iter().map(|(_, time)| *time).max().unwrap());
            let place = places[wanted.index(places.len())];
            let found = index.landing(|landing| landing.sequence <= place.sequence).unwrap_or_default();
            prop_assert!(found == Landing::default() || places.contains(&found));
            prop_assert!(found.sequence <= place.sequence);
            prop_assert!(u64::from(place.granule - found.granule) * GRANULE_BYTES < BLOCK_BYTES + 20_040);

            let time_ns = records[wanted.index(places.len())].1;
            let first = records.iter().position(|(_, time)| *time >= time_ns).unwrap();
            let found = index.landing(|landing| landing.time_ns < time_ns).unwrap_or_default();
            prop_assert!(found.sequence as usize <= first);
            prop_assert!(u64::from(places[first].granule - found.granule) * GRANULE_BYTES < BLOCK_BYTES + 20_040);
        }

        #[test]
        fn an_index_with_a_flipped_bit_or_of_another_segment_is_not_believed(
            records in proptest::collection::vec((0..20_000usize, any::<u64>()), 1..40), bit in any::<proptest::sample::Index>(),
        ) {
            let (walk, _) = walk(&records);
            let bytes = walk.encode(&times(&walk), &SEGMENT);
            let followed = [&bytes[..], &[7; 50]].concat();
            prop_assert!(Index::decode(&followed, &SEGMENT).is_some(), "whatever lies behind it");
            for other in [
                SegmentFile { number: 10, ..SEGMENT }, SegmentFile { log_id: 4, ..SEGMENT },
                SegmentFile { generation: 2, ..SEGMENT }, SegmentFile { data_bytes: 2 << 20, ..SEGMENT },
            ] {
                prop_assert_eq!(Index::decode(&bytes, &other), None);
            }
            let mut damaged = bytes.clone();
            let bit = bit.index(bytes.len() * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Index::decode(&damaged, &SEGMENT), None);
            prop_assert_eq!(Index::decode(&bytes[..bytes.len() - 1], &SEGMENT), None);
        }

        #[test]
        fn hostile_bytes_are_no_index_of_places_outside_the_segment(
            words in proptest::collection::vec(any::<u64>(), 3..12), small in any::<bool>(),
        ) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&((words.len() as u32 - 3) / 2).to_le_bytes());
            for word in words {
                bytes.extend_from_slice(&(if small { word % 1000 } else { word }).to_le_bytes());
            }
            let crc = checksum(&bytes[COUNT..], SEGMENT.seed().at(SEGMENT.data_bytes));
            bytes[CRC..COUNT].copy_from_slice(&crc.to_le_bytes());
            if let Some(index) = Index::decode(&bytes, &SEGMENT) {
                prop_assert!(index.times.since <= SEGMENT.number);
                prop_assert!(index.landings.iter().all(|l| u64::from(l.granule) * 8 < SEGMENT.data_bytes));
            }
        }
    }

    #[test]
    fn times_only_grow_from_segment_to_segment_though_the_clock_goes_back() {
        let first = Times::following(None, 4, 100);
        let second = Times::following(Some(first), 5, 60);
        assert_eq!(second, Times { own_ns: 60, largest_ns: 100, since: 4 });
        assert_eq!(Times::following(Some(second), 6, 130).largest_ns, 130);
    }
}
