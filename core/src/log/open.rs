//! Opening a durable log: the files are read back into a directory, the torn tail is cut, appends go on where they
//! stopped.
//!
//! **Promise.** Nothing is written before the whole log has a verdict; the cut (zeros to the end, synced) can be
//! repeated, so a crash in it does no harm. Cost: a list of names, the header of the first segment, and a walk of the last, however
//! many there are. The headers between are read when they are needed (`find.rs`).

use crate::error::{Error, Result};
use crate::log::buffer::Buffer;
use crate::log::claim::{GRANULE_BYTES, Place, SEGMENT_NUMBER_MAX, current};
use crate::log::directory::{Directory, Entry, SEGMENTS_MAX};
use crate::log::frame::{Seed, corrupt};
use crate::log::home::Home;
use crate::log::recovery::{Scan, scan};
use crate::log::segment_file::{BASE, HEADER_BYTES, SegmentFile};
use crate::log::writer::Writer;
use crate::log::{DURABLE_SEGMENT_BYTES_MAX, Level, Log, SEGMENT_BYTES_MIN};
use crate::storage::{File, Storage};
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What opening a log found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Segments on disk.
    pub(crate) segments: u64,
    /// Bytes of unfinished writes that were cut from the tail.
    pub(crate) cut_bytes: u64,
}

/// The tail as read: header, open file, data area, what is in it.
struct TailSegment {
    header: SegmentFile,
    file: Arc<dyn File>,
    data: Vec<u8>,
    scan: Scan,
}

impl TailSegment {
    /// Where its frames end, in granules: a sealed segment is full.
    fn end(&self) -> u64 {
        if self.scan.sealed { self.header.data_bytes / GRANULE_BYTES } else { self.scan.end }
    }
}

impl Log {
    /// Opens the log in `directory`, which exists. `visible` is what readers see.
    ///
    /// # Errors
    /// `Corrupt` with file and byte position, `Unsupported`, `Io`.
    pub(crate) fn open(
        storage: Arc<dyn Storage>,
        directory: PathBuf,
        id: u64,
        visible: Level,
        data: Arc<EventCount>,
    ) -> Result<(Self, Recovered)> {
        let home = Home::new(storage, directory);
        let mut files = segment_files(&home)?;
        let tail = match files.last() {
            Some((number, path)) => open_tail(&home, id, *number, path)?,
            None => None,
        };
        // Its making was interrupted: not even its header is there, so nothing ever was in it.
        let interrupted = if tail.is_none() { files.pop() } else { None };
        // A segment that was complete when its successor was made, and has none: the walk tells where it ended.
        let tail = match (tail, files.last()) {
            (None, Some((number, path))) => open_tail(&home, id, *number, path)?,
            (tail, _) => tail,
        };
        let entries = entries(&home, id, &files, tail.as_ref())?;
        if let Some(tail) =
            tail.as_ref().filter(|tail| tail.scan.start > tail.header.base + tail.scan.records)
        {
            let detail = format!(
                "a durable mark says that reading begins at sequence {}, but the log ends at {}",
                tail.scan.start,
                tail.header.base + tail.scan.records,
            );
            return Err(corrupt(&home.path(tail.header.number), HEADER_BYTES as u64, detail));
        }
        if let Some((number, _)) = interrupted {
            home.remove(number)?;
        }
        home.remove_unfinished()?;
        let mut recovered = Recovered { segments: files.len() as u64, cut_bytes: 0 };
        if let Some(tail) = tail.as_ref().filter(|tail| tail.scan.torn_bytes > 0) {
            recovered.cut_bytes = tail.scan.torn_bytes;
            cut(&home.path(tail.header.number), tail)?;
        }
        if let Some(tail) = &tail {
            settle(&home, tail)?;
        }
        let mut log = Self::with(id, Some(home), visible, entries, data);
        if let Some(tail) = tail {
            log.resume(tail);
        }
        Ok((log, recovered))
    }

    /// Goes on in the last segment, or after it if it is full.
    fn resume(&mut self, tail: TailSegment) {
        let end = tail.end();
        self.move_start_to(tail.scan.start);
        let TailSegment { header, file, mut data, scan } = tail;
        let place =
            if scan.sealed { Place::new(header.number + 1, 0) } else { Place::new(header.number, end) };
        self.writer = Mutex::new(Writer::at(place, self.first_readable()));
        self.written = AtomicU64::new(place.0);
        self.durable = AtomicU64::new(place.0);
        self.homed = AtomicU64::new(place.0);
        if scan.sealed {
            return;
        }
        data.truncate((scan.end * GRANULE_BYTES) as usize);
        let mut buffer = Buffer::zeroed(header.data_bytes as usize);
        buffer.copy_in(&data);
        let index = self.free_header();
        self.header(index).prepare(header.number, header.base, header.generation, buffer);
        if let Some(entry) = lock(&self.directory).get_mut(header.number) {
            entry.header = Some(index);
        }
        if let Some(home) = &self.home {
            home.resume(header.number, file);
        }
        // ORDERING: Relaxed: nobody else knows the log yet.
        self.current.store(current(header.number, 0), Ordering::Relaxed);
        self.publish_open(index, header.number, scan.end, scan.records);
    }
}

/// The segment files in order; anything else in the directory is refused, gaps too.
fn segment_files(home: &Home) -> Result<Vec<(u64, PathBuf)>> {
    let directory = home.directory();
    let paths = home.storage().list(directory).map_err(|e| Error::io("list", directory, &e))?;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let Some(number) = Home::number(&path) else { continue };
        if files.len() == SEGMENTS_MAX {
            let detail =
                format!("{SEGMENTS_MAX} segments come before it, and this version opens no log with more");
            return Err(corrupt(&path, 0, detail));
        }
        if !(1..=SEGMENT_NUMBER_MAX).contains(&number) {
            return Err(corrupt(&path, 0, format!("segments are counted from 1 to {SEGMENT_NUMBER_MAX}")));
        }
        if let Some((last, _)) = files.last()
            && last + 1 != number
        {
            let detail = format!("segment {} is missing before it", last + 1);
            return Err(corrupt(&path, 0, detail));
        }
        files.push((number, path));
    }
    Ok(files)
}

/// What the header of a segment's file says, and the file.
pub(super) fn read_header(
    home: &Home,
    id: u64,
    number: u64,
    path: &Path,
) -> Result<(SegmentFile, Arc<dyn File>)> {
    let file = home.open(number)?;
    let mut block = vec![0; HEADER_BYTES];
    file.read_exact_at(&mut block, 0).map_err(|e| read_error(path, &e))?;
    let header = SegmentFile::decode(&block, path)?;
    if (header.log_id, header.number) != (id, number) {
        let found = format!("it is segment {} of log {:#x}", header.number, header.log_id);
        return Err(corrupt(path, 24, format!("{found}, expected segment {number} of log {id:#x}")));
    }
    let bytes = file.len().map_err(|e| Error::io("measure", path, &e))?;
    if bytes < HEADER_BYTES as u64 + header.data_bytes {
        return Err(corrupt(
            path,
            bytes,
            format!("the file ends here, its header says {} bytes of data", header.data_bytes),
        ));
    }
    Ok((header, file))
}

fn read_error(path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return corrupt(path, 0, "the file is shorter than its header says");
    }
    Error::io("read", path, error)
}

/// A segment takes at most this part of a disk: the last one stays when all the others have been given back.
const SEGMENTS_OF_DISK: u64 = 64;

/// Bytes of the largest usual segment, which is smaller on a small disk.
fn segment_bytes_max(home: &Home) -> u64 {
    let space = home.storage().space(home.directory());
    let part = space.map_or(u64::MAX, |space| space.total_bytes / SEGMENTS_OF_DISK);
    // A power of two, as all usual sizes.
    DURABLE_SEGMENT_BYTES_MAX.min(1 << part.max(SEGMENT_BYTES_MIN).ilog2())
}

/// The segments, of which the headers of the first and the last are read.
fn entries(home: &Home, id: u64, files: &[(u64, PathBuf)], tail: Option<&TailSegment>) -> Result<Directory> {
    let first = files.first().map_or(1, |(number, _)| *number);
    let mut entries = Directory::new(segment_bytes_max(home), first, 0);
    for (number, _) in files {
        entries.push(Entry::unread(*number));
    }
    let Some(tail) = tail else {
        // The last header is damaged, and nothing is behind it; but later segments were made, or there would be a tail.
        return match files.last() {
            Some((number, path)) => read_header(home, id, *number, path).map(|_| entries),
            None => Ok(entries),
        };
    };
    let mut learn = |segment: SegmentFile| {
        entries.learn(segment).map_err(|detail| corrupt(&home.path(segment.number), BASE, detail))
    };
    if let Some((number, path)) = files.first().filter(|(number, _)| *number != tail.header.number) {
        learn(read_header(home, id, *number, path)?.0)?;
    }
    learn(tail.header)?;
    entries.resume_at(tail.header.base + tail.scan.records);
    Ok(entries)
}

/// The last segment with a walk of its frames. `None`: its making was interrupted before its header was synced.
fn open_tail(home: &Home, id: u64, number: u64, path: &Path) -> Result<Option<TailSegment>> {
    let (header, file) = match read_header(home, id, number, path) {
        Ok(found) => found,
        Err(error @ Error::Corrupt { .. }) => {
            // Nothing is written behind the header before the header is synced.
            return if has_data(home, number, path)? { Err(error) } else { Ok(None) };
        }
        Err(error) => return Err(error),
    };
    if header.is_compacted() {
        return Err(corrupt(path, 56, "it was compacted, and the segment after it is missing"));
    }
    let mut data = vec![0; header.data_bytes as usize];
    file.read_exact_at(&mut data, HEADER_BYTES as u64).map_err(|e| read_error(path, &e))?;
    let seed = Seed { log_id: id, segment: number, generation: header.generation };
    let scan = scan(&data, seed)
        .map_err(|damage| corrupt(path, HEADER_BYTES as u64 + damage.byte_position, damage.detail))?;
    Ok(Some(TailSegment { header, file, data, scan }))
}

fn has_data(home: &Home, number: u64, path: &Path) -> Result<bool> {
    let file = home.open(number)?;
    let bytes = file.len().map_err(|e| Error::io("measure", path, &e))?;
    let mut chunk = vec![0; 64 << 10];
    let mut position = HEADER_BYTES as u64;
    while position < bytes {
        let length = chunk.len().min((bytes - position) as usize);
        file.read_exact_at(&mut chunk[..length], position).map_err(|e| read_error(path, &e))?;
        if chunk[..length].iter().any(|byte| *byte != 0) {
            return Ok(true);
        }
        position += length as u64;
    }
    Ok(false)
}

/// Makes durable what was found: a killed process leaves frames and names that can be read and were never synced. From here
/// on they count as durable, for readers, for other logs and for the next durable mark.
///
/// What no mark proves is written once more: after a failed sync the system takes pages for clean that it never wrote, and
/// another sync alone would succeed without them.
fn settle(home: &Home, tail: &TailSegment) -> Result<()> {
    let path = home.path(tail.header.number);
    let write = |bytes: &[u8], position: u64| {
        tail.file.write_all_at(bytes, position).map_err(|e| Error::io("write", &path, &e))
    };
    let proven = match tail.scan.durable {
        durable if durable.segment() == tail.header.number => durable.granule(),
        _ => 0,
    };
    if proven == 0 {
        // The header and the length were synced with nothing else.
        write(&tail.header.encode(), 0)?;
        if tail.scan.end * GRANULE_BYTES < tail.header.data_bytes {
            write(&[0], HEADER_BYTES as u64 + tail.header.data_bytes - 1)?;
        }
    }
    let unproven = (proven * GRANULE_BYTES) as usize..(tail.end() * GRANULE_BYTES) as usize;
    if let Some(bytes) = tail.data.get(unproven.clone()).filter(|bytes| !bytes.is_empty()) {
        write(bytes, (HEADER_BYTES + unproven.start) as u64)?;
    }
    tail.file.sync().map_err(|e| Error::io("sync", &path, &e))?;
    let directory = home.directory();
    home.storage().sync_dir(directory).map_err(|e| Error::io("sync", directory, &e))
}

/// Zeros what is behind the last good frame: stale frames there would pass for new ones after the next crash.
fn cut(path: &Path, tail: &TailSegment) -> Result<()> {
    let zeros = vec![0; tail.scan.torn_bytes as usize];
    let position = HEADER_BYTES as u64 + tail.scan.end * GRANULE_BYTES;
    tail.file.write_all_at(&zeros, position).map_err(|e| Error::io("write", path, &e))?;
    tail.file.sync().map_err(|e| Error::io("sync", path, &e))
}
