//! The header block of a segment file: refused, or understood as it would be written.
//!
//! Input: the block, zeros to its end.

use crate::log::segment_file::{HEADER_BYTES, SegmentFile};
use std::path::Path;

pub(super) fn run(bytes: &[u8]) {
    let path = Path::new("segment");
    let mut block = bytes.to_vec();
    // A short block is a short file.
    if bytes.first() == Some(&b'R') {
        block.resize(HEADER_BYTES.max(bytes.len()), 0);
    }
    match SegmentFile::decode(&block, path) {
        Ok(header) => match SegmentFile::decode(&header.encode(), path) {
            Ok(again) => assert_eq!(again, header),
            Err(error) => panic!("what was understood is refused when it is written again: {error}"),
        },
        Err(error) => crate::disk::assert_blames_the_files(&error),
    }
}
