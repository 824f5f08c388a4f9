//! A directory of segment files that anybody may have written: opening it gives a log or blames a file, twice the same;
//! a log that opened goes on, and after a power cut it still has what it had.
//!
//! Input: how many files; of each its number, its header, its length in granules and the beginning of its data area.
//! Then operations on the log.

use crate::clock::ManualClock;
use crate::disk::{self, LOG_ID, Seen, assert_blames_the_files, read_all, seen, segment_path};
use crate::error::Result;
use crate::input::{Input, Output};
use crate::journal::Journal;
use crate::log::segment_file::{BASE_MAX, HEADER_BYTES, SegmentFile};
use crate::log::{Log, Reader};
use crate::storage::Storage;
use crate::storage::sim::{SimDisk, Unsynced};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a header block that say something.
pub(crate) const HEADER_USED_BYTES: usize = 64;
/// A number that does not fit a byte follows.
const LONG_NUMBER: u8 = 255;
const FILE_COUNT_MAX: u8 = 4;
const OPERATION_COUNT_MAX: u32 = 8;
/// The largest record that is appended.
const VALUE_BYTES_MAX: usize = 6_000;

pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let disk = directory(&mut input);
    let (log, _) = match disk::open(&disk, "/log", LOG_ID) {
        Ok(opened) => opened,
        Err(error) => {
            assert_blames_the_files(&error);
            let again = disk::open(&disk, "/log", LOG_ID).map(drop);
            return assert_eq!(format!("{:?}", again.err()), format!("{:?}", Some(error)), "the second time");
        }
    };
    let found = read_all(&log);
    if let Some(error) = &found.1 {
        assert_blames_the_files(error);
    }
    look_up(&log, &found.0);
    if !has_compacted(&disk) {
        assert_dense(&log);
    }
    drop(log);
    let (log, cut_bytes) = disk::open(&disk, "/log", LOG_ID).expect("a log that opened opens again");
    assert_eq!(cut_bytes, 0, "what was torn was cut when it was opened first");
    let again = read_all(&log);
    assert_eq!((&again.0, format!("{:?}", again.1)), (&found.0, format!("{:?}", found.1)), "the second time");
    let journal = disk::journal(&ManualClock::new());
    if found.1.is_none() {
        go_on(&mut input, disk, log, &journal, found.0);
    }
}

fn directory(input: &mut Input<'_>) -> SimDisk {
    let disk = disk::empty();
    for _ in 0..input.u8() % (FILE_COUNT_MAX + 1) {
        let number = match input.u8() {
            LONG_NUMBER => input.u64() % 10_000_000_000_000_000,
            number => number.into(),
        };
        let header = input.bytes(HEADER_USED_BYTES);
        let area_bytes = u64::from(input.u16()) * 8;
        let area = input.piece();
        let path = segment_path(number);
        let bytes = HEADER_BYTES as u64 + area_bytes;
        if disk.open(&path).is_err() {
            disk::put(&disk, &path, bytes, &[(0, header), (HEADER_BYTES as u64, area)]);
        }
    }
    disk
}

/// The other half of the format.
pub(crate) fn put_file(output: &mut Output, number: u8, header: &[u8], area_bytes: usize, area: &[u8]) {
    let header = header.get(..HEADER_USED_BYTES).unwrap_or(header);
    output.u8(number).bytes(header).u16((area_bytes / 8) as u16).piece(area);
}

/// Whether a file says that records were left out of it.
fn has_compacted(disk: &SimDisk) -> bool {
    let paths = disk.list(Path::new("/log")).expect("it is there");
    paths.iter().any(|path| {
        let mut block = vec![0; HEADER_BYTES];
        let read = disk.open(path).and_then(|file| file.read_exact_at(&mut block, 0));
        read.is_ok() && SegmentFile::decode(&block, path).is_ok_and(|segment| segment.is_compacted())
    })
}

/// No sequence is passed over, from segment to segment either.
fn assert_dense(log: &Arc<Log>) {
    let (mut reader, mut next) = (Reader::earliest(log.clone()), None);
    while matches!(reader.advance(), Ok(true)) {
        if reader.kind().is_record() {
            assert_eq!(next.unwrap_or(reader.sequence()), reader.sequence(), "a sequence was passed over");
            next = Some(reader.sequence() + 1);
        }
    }
}

/// A record is the same however one comes to it.
fn look_up(log: &Arc<Log>, records: &[Seen]) {
    for record in records.iter().step_by(records.len() / 8 + 1) {
        let mut reader = Reader::earliest(log.clone());
        let found: Result<Option<Seen>> = (|| {
            reader.seek(record.sequence)?;
            while reader.advance()? {
                if let Some(seen) = seen(&reader) {
                    return Ok(Some(seen));
                }
            }
            Ok(None)
        })();
        match found {
            Ok(found) => assert_eq!(found.as_ref(), Some(record), "looked up"),
            Err(error) => panic!("{record:?} was read, and is refused when it is looked up: {error}"),
        }
    }
}

fn go_on(
    input: &mut Input<'_>,
    mut disk: SimDisk,
    mut log: Arc<Log>,
    journal: &Journal,
    mut records: Vec<Seen>,
) {
    for _ in 0..OPERATION_COUNT_MAX {
        if input.is_over() {
            break;
        }
        match input.u8() % 3 {
            0 => {
                let count = usize::from(input.u8() % 4) + 1;
                let bytes = usize::from(input.u16()) % VALUE_BYTES_MAX;
                let values: Vec<_> = (0..count).map(|index| vec![index as u8 + 1; bytes]).collect();
                let (first, _) = match disk::append(&log, journal, &values) {
                    Ok(appended) => appended,
                    Err(error) => {
                        let is_used_up = log.end_sequence() > BASE_MAX;
                        assert!(is_used_up, "a log that opened takes records: {error}");
                        assert_blames_the_files(&error);
                        drop(log);
                        return drop(
                            disk::open(&disk, "/log", LOG_ID).expect("it opens again, and has no more room"),
                        );
                    }
                };
                if let Some(last) = records.last() {
                    assert!(first > last.sequence, "{first} was given after {}", last.sequence);
                }
                let appended = values.into_iter().zip(first..);
                records.extend(appended.map(|(value, sequence)| Seen {
                    sequence,
                    key: None,
                    headers: vec![],
                    value,
                }));
            }
            1 => {
                drop(log);
                (log, _) = disk::open(&disk, "/log", LOG_ID).expect("a log that went on opens again");
            }
            _ => {
                drop(log);
                let seed = input.u8();
                let unsynced = if seed == 0 { Unsynced::Dropped } else { Unsynced::Seeded(seed.into()) };
                disk = disk.image_with(disk.operation_count(), unsynced);
                (log, _) = disk::open(&disk, "/log", LOG_ID).expect("a log opens after a power cut");
            }
        }
        let (found, error) = read_all(&log);
        assert!(error.is_none(), "{error:?}");
        assert!(found == records, "{} records instead of {}", found.len(), records.len());
    }
}
