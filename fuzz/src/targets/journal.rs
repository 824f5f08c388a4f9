//! The hub's two journal files, whatever is in them: opening them brings pieces home or blames a file, twice the same; then
//! nothing is wanted of them any more, and what is committed next is there after a power cut.
//!
//! Input: of each file, whether it is there, its header, and its batches; then a value to commit.

use crate::clock::alarm::Alarm;
use crate::clock::{Clock, ManualClock};
use crate::disk::{self, LOG_ID, assert_blames_the_files, read_all};
use crate::error::Result;
use crate::input::{Input, Output};
use crate::journal::{Journal, JournalPlace, Planted, Range};
use crate::log::{Level, Restore};
use crate::storage::sim::{SimDisk, Unsynced};
use std::path::Path;
use std::sync::Arc;

/// Of the hub whose journal it is.
pub(crate) const HUB_ID: u64 = 7;
/// Bytes of a header that say something.
const HEADER_USED_BYTES: usize = 44;
const HEADER_BYTES: u64 = 4096;
/// A file of a segment is made as large as a piece of it says: larger ones only cost time.
const SEGMENT_BYTES_MAX: u64 = 1 << 20;

pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let disk = disk::empty();
    disk::make_directory(&disk, Path::new("/hub"));
    for index in 0..2 {
        if input.u8() % 2 == 1 {
            let (header, batches) = (input.bytes(HEADER_USED_BYTES), input.piece());
            let path = Path::new("/hub").join(format!("journal.{index}"));
            let bytes = HEADER_BYTES + batches.len() as u64;
            disk::put(&disk, &path, bytes, &[(0, header), (HEADER_BYTES, batches)]);
        }
    }
    if let Err(error) = open(&disk) {
        assert_blames_the_files(&error);
        let again = open(&disk).map(drop);
        return assert_eq!(format!("{:?}", again.err()), format!("{:?}", Some(error)), "the second time");
    }
    let (journal, wanted) = open(&disk).expect("a journal that opened opens again");
    assert_eq!(wanted, 0, "what was brought home is wanted again");
    let Ok((log, _)) = disk::open(&disk, "/log", LOG_ID) else { return };
    let (before, Ok(_)) = (read_all(&log).0, log.append(&[disk::data(input.rest())])) else { return };
    journal.commit_to(&log, log.claimed(), Level::Durable).expect("a simulated disk does not fail");
    let disk = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    open(&disk).expect("a journal opens after a power cut");
    let (log, _) = disk::open(&disk, "/log", LOG_ID).expect("a log opens after a power cut");
    let (after, error) = read_all(&log);
    if error.is_none() {
        assert_eq!(after.len(), before.len() + 1, "what was committed is lost");
        assert_eq!(after.last().map(|seen| &seen.value[..]), Some(input.rest()));
    }
}

/// Opens the journal, and brings home what it wants of `/log`. How many pieces that were.
fn open(disk: &SimDisk) -> Result<(Journal, usize)> {
    let place = JournalPlace {
        storage: Arc::new(disk.clone()),
        directory: "/hub".into(),
        hub_id: HUB_ID,
        bytes_max: 4096,
        stream_bytes_min: 256 << 10,
        has_threads: false,
        planted: Planted::default(),
    };
    let mut wanted = 0;
    let clock = Clock::Manual(ManualClock::new());
    let mut journal = Journal::new(clock, Arc::new(Alarm::new()), Level::Durable, 0);
    journal.open(place, |pieces| {
        let mut restore = Restore::of(Arc::new(disk.clone()), "/log".into())?;
        for Range { segment, byte_position, bytes } in pieces {
            wanted += 1;
            if segment.log_id == LOG_ID && segment.data_bytes <= SEGMENT_BYTES_MAX {
                restore.write(segment, *byte_position, bytes)?;
            }
        }
        restore.sync()
    })?;
    Ok((journal, wanted))
}

/// The other half of the format: of a file, as it is.
pub(crate) fn put_journal(output: &mut Output, file: Option<&[u8]>) {
    let Some(bytes) = file else {
        output.u8(0);
        return;
    };
    let batches = &bytes[HEADER_BYTES as usize..];
    let used = batches.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    output.u8(1).bytes(&bytes[..HEADER_USED_BYTES]).piece(&batches[..used]);
}
