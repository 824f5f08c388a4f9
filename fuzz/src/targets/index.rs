//! The index behind the data area of a segment: not believed, or one that leads nowhere but into the segment.
//!
//! Input: 2 bytes for the size of the data area in units of 4 KiB, the index.

use crate::disk::LOG_ID;
use crate::log::index::Index;
use crate::log::segment_file::SegmentFile;

pub(super) fn run(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first_chunk() else { return };
    let data_bytes = (1 + u64::from(u16::from_le_bytes(*size))) << 12;
    let segment = SegmentFile { log_id: LOG_ID, number: 9, base: 77, data_bytes, generation: 1 };
    let Some(index) = Index::decode(bytes, &segment) else { return };
    assert!(
        (1..=segment.number).contains(&index.times.since) && index.times.own_ns <= index.times.largest_ns
    );
    let mut last = None;
    for sequence in [0, 1, 100, u32::MAX] {
        let found = index.landing(|landing| landing.sequence <= sequence);
        assert!(
            found.is_none_or(|found| found.sequence <= sequence && u64::from(found.granule) * 8 < data_bytes)
        );
        assert!(last <= found.map(|found| found.granule), "a later record is behind an earlier one");
        last = found.map(|found| found.granule);
    }
}
