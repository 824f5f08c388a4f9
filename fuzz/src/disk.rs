//! A log in a directory of a simulated disk.

use crate::clock::alarm::Alarm;
use crate::clock::{Clock, ManualClock};
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::{Draft, Kind, Level, Log, Place, Reader};
use crate::storage::sim::SimDisk;
use crate::storage::{File, Storage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of every log that a target opens; a second one of the same target has the next.
pub(crate) const LOG_ID: u64 = 77;

/// A record as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) value: Vec<u8>,
}

/// A disk with an empty, durable directory `/log`.
pub(crate) fn empty() -> SimDisk {
    let disk = SimDisk::new();
    make_directory(&disk, Path::new("/log"));
    disk
}

/// Makes a directory in the root, durably.
pub(crate) fn make_directory(disk: &SimDisk, path: &Path) {
    disk.create_dir(path)
        .and_then(|()| disk.sync_dir(Path::new("/")))
        .expect("a simulated disk does not fail");
}

/// Makes a file, durably.
pub(crate) fn put(disk: &SimDisk, path: &Path, bytes: u64, pieces: &[(u64, &[u8])]) {
    let write = |file: Arc<dyn File>| {
        pieces.iter().try_for_each(|(position, piece)| file.write_all_at(piece, *position))?;
        file.sync()
    };
    let directory = path.parent().expect("a file lies in a directory");
    let put = disk.create(path, bytes).and_then(write).and_then(|()| disk.sync_dir(directory));
    put.expect("a simulated disk does not fail");
}

/// The file of a segment of `/log`.
pub(crate) fn segment_path(number: u64) -> PathBuf {
    Path::new("/log").join(format!("{number:016}.segment"))
}

/// A journal that syncs, on this clock.
pub(crate) fn journal(clock: &ManualClock) -> Arc<Journal> {
    Arc::new(Journal::new(Clock::Manual(clock.clone()), Arc::new(Alarm::new()), Level::Durable, 0))
}

/// Opens the log in a directory.
pub(crate) fn open(disk: &SimDisk, directory: &str, id: u64) -> Result<(Arc<Log>, u64)> {
    let opened = Log::open(Arc::new(disk.clone()), directory.into(), id, Level::Durable, Arc::default());
    opened.map(|(log, recovered)| (Arc::new(log), recovered.cut_bytes))
}

/// A data frame.
pub(crate) fn data(value: &[u8]) -> Draft<'_> {
    Draft::control(Kind::Data, 1, value)
}

/// Everything that a reader is shown, and the error that stopped it.
pub(crate) fn read_all(log: &Arc<Log>) -> (Vec<Seen>, Option<Error>) {
    let mut reader = Reader::earliest(log.clone());
    let mut found = Vec::new();
    loop {
        match reader.advance() {
            Ok(true) => found.extend(seen(&reader)),
            Ok(false) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}

/// The record that a reader has found, if it is one.
pub(crate) fn seen(reader: &Reader) -> Option<Seen> {
    let frame = reader.frame();
    (frame.kind() == Kind::Data).then(|| Seen {
        sequence: reader.sequence(),
        key: frame.key().map(<[u8]>::to_vec),
        headers: frame.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
        value: frame.value().to_vec(),
    })
}

/// Appends a batch of values and waits until it is durable. Returns the place behind it.
pub(crate) fn append(log: &Arc<Log>, journal: &Journal, values: &[Vec<u8>]) -> Result<(u64, Place)> {
    let drafts: Vec<_> = values.iter().map(|value| data(value)).collect();
    let receipt = log.append(&drafts)?;
    journal.commit(log, receipt.end)?;
    Ok((receipt.sequence, receipt.end))
}

/// What files may be blamed for: anything else is our own fault.
#[track_caller]
pub(crate) fn assert_blames_the_files(error: &Error) {
    let blames = matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. });
    assert!(blames, "the files are damaged, and the error is {error:?}");
}
