//! Everything that a log's files hold, whatever has become of them: what is damaged and what that means, and the segments
//! with their damage closed. Nothing is written.
//!
//! **Promise.** The files are read by what reads them when the log is opened. What is sound for an opening is sound here, and
//! every record that is neither in the segments handed on nor in the list of what was lost was never durable.

use crate::error::{Error, Result};
use crate::log::claim::{GRANULE_BYTES, LIMIT, Place, SEGMENT_NUMBER_MAX};
use crate::log::frame::{Seed, corrupt};
use crate::log::home::Home;
use crate::log::recovery::{later_mark, mend, scan, survey};
use crate::log::segment_file::{HEADER_BYTES, SegmentFile};
use crate::storage::Storage;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a damage means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing that was acknowledged: what a crash leaves of a write that nobody was told of. Opening cuts it.
    Nothing,
    /// No records, but notes about them: a queue may deliver again what was settled, a group may read again what it
    /// committed.
    Notes,
    /// The records with these ids or offsets, and notes that lay between them.
    Records(Range<u64>),
    /// Every record from this id or offset on.
    RecordsFrom(u64),
    /// Some of what was committed last before the hub ended without being closed, of any queue or stream.
    Latest,
    /// Whatever needs this file: it cannot be opened at all.
    Everything,
}

/// Damage to a log.
#[derive(Debug)]
pub(crate) struct LogDamage {
    pub(crate) path: PathBuf,
    pub(crate) byte_position: u64,
    pub(crate) loss: Loss,
    pub(crate) detail: String,
}

/// What a log's files hold.
#[derive(Debug, Default)]
pub(crate) struct LogSurvey {
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    pub(crate) damage: Vec<LogDamage>,
}

/// A segment file as it was found.
struct Found {
    number: u64,
    path: PathBuf,
    /// Or what is wrong with it, and where.
    header: Result<SegmentFile, (u64, String)>,
    file_bytes: u64,
}

/// More segments missing in a row than this are not made up for.
const MISSING_MAX: u64 = 1 << 10;
/// What a record takes that is not there: the header of a frame.
const ABORT_BYTES: u64 = 24;

/// Surveys the log in `directory`. `keep` is given each segment with its damage closed, in order and without a gap.
///
/// # Errors
/// `Io`, `Unsupported`, what `keep` brings; `Corrupt` for files that no damage explains.
pub(crate) fn survey_log(
    storage: Arc<dyn Storage>,
    directory: PathBuf,
    id: u64,
    keep: &mut dyn FnMut(&SegmentFile, &[u8]) -> Result<()>,
) -> Result<LogSurvey> {
    let home = Home::new(storage, directory);
    let files = find(&home, id)?;
    let mut surveying = Surveying { home: &home, id, keep, next: None, result: LogSurvey::default() };
    for (index, file) in files.iter().enumerate() {
        let base_after = files.get(index + 1).map(|next| next.header.as_ref().ok().map(|header| header.base));
        surveying.segment(file, base_after)?;
    }
    Ok(surveying.result)
}

fn find(home: &Home, id: u64) -> Result<Vec<Found>> {
    let directory = home.directory();
    let paths = home.storage().list(directory).map_err(|e| Error::io("list", directory, &e))?;
    let mut files = Vec::new();
    for path in paths {
        let number = Home::number(&path).filter(|number| (1..=SEGMENT_NUMBER_MAX).contains(number));
        let Some(number) = number else { continue };
        let read = |e| Error::io("read", &path, &e);
        let file = home.open(number)?;
        let file_bytes = file.len().map_err(read)?;
        let mut block = vec![0; HEADER_BYTES];
        let there = block.len().min(file_bytes as usize);
        file.read_exact_at(&mut block[..there], 0).map_err(read)?;
        let header = match SegmentFile::decode(&block, &path) {
            Ok(header) if (header.log_id, header.number) == (id, number) => Ok(header),
            Ok(header) => Err((24, format!("it is segment {} of log {:#x}", header.number, header.log_id))),
            Err(Error::Corrupt { byte_position, detail, .. }) => Err((byte_position, detail)),
            Err(error) => return Err(error),
        };
        files.push(Found { number, path, header, file_bytes });
    }
    Ok(files)
}

struct Surveying<'a> {
    home: &'a Home,
    id: u64,
    keep: &'a mut dyn FnMut(&SegmentFile, &[u8]) -> Result<()>,
    /// Number and base of the next segment, once there was one.
    next: Option<(u64, u64)>,
    result: LogSurvey,
}

impl Surveying<'_> {
    /// `base_after`: there is a segment after this one, and this is its base if its header tells.
    fn segment(&mut self, found: &Found, base_after: Option<Option<u64>>) -> Result<()> {
        let Found { number, path, header, file_bytes } = found;
        self.fill_gap(found)?;
        let is_last = base_after.is_none();
        let data_bytes = match header {
            Ok(header) => header.data_bytes,
            Err(_) => {
                let bytes = file_bytes.saturating_sub(HEADER_BYTES as u64);
                (bytes - bytes % GRANULE_BYTES).min(LIMIT * GRANULE_BYTES)
            }
        };
        let mut data = self.read(found, data_bytes)?;
        self.result.segments += 1;
        self.result.bytes += data_bytes;
        let generation = header.as_ref().map_or(1, |header| header.generation);
        let seed = Seed { log_id: self.id, segment: *number, generation };
        let base_known = header.as_ref().ok().map(|header| header.base).or(match self.next {
            Some((_, base)) => Some(base),
            None => (*number == 1).then_some(0),
        });
        let base = base_known.or_else(|| base_after??.checked_sub(survey(&data, seed, None).records));
        if let Err((byte_position, detail)) = header {
            if is_last && data.iter().all(|byte| *byte == 0) {
                self.note(path, *byte_position, Loss::Nothing, "its making was interrupted".into());
                return Ok(());
            }
            let loss = if base.is_some() { Loss::Nothing } else { Loss::RecordsFrom(0) };
            let detail = format!("{detail}; nothing in its place would tell where the records begin");
            let detail =
                if base.is_some() { "the header is damaged, what it says is known".into() } else { detail };
            self.note(path, *byte_position, loss, detail);
        }
        let Some(base) = base else { return Ok(()) };
        let header = SegmentFile { log_id: self.id, number: *number, base, data_bytes, generation };
        let end = self.tail(path, &data, seed, is_last);
        let records = base_after.flatten().map(|after| after.saturating_sub(base));
        let surveyed = survey(&data[..end], seed, records);
        for hole in &surveyed.holes {
            // At the end of the last segment there is nothing to close: appends go on there.
            let is_open = is_last && hole.to == data.len();
            let is_proven =
                later_mark(&data, 0, seed) > Place::new(*number, hole.from as u64 / GRANULE_BYTES);
            if is_open && !is_proven && data[hole.from..].iter().all(|byte| *byte == 0) {
                continue;
            }
            let lost = base + hole.first..base + hole.first + hole.lost;
            let loss = match hole.lost {
                _ if is_open && !is_proven => Loss::Nothing,
                _ if is_open => Loss::RecordsFrom(lost.start),
                0 => Loss::Notes,
                _ => Loss::Records(lost),
            };
            let detail = format!("{} bytes cannot be read: {}", hole.to - hole.from, hole.why);
            self.note(path, (HEADER_BYTES + hole.from) as u64, loss, detail);
            if is_open {
                data[hole.from..].fill(0);
            } else if !mend(&mut data, hole, seed) {
                return Err(corrupt(
                    path,
                    (HEADER_BYTES + hole.from) as u64,
                    "no log writes this: it cannot be mended",
                ));
            }
        }
        data[end..].fill(0);
        // In a compacted segment, only the next one tells what is lacking at the end.
        let is_short = |records: u64| header.is_compacted() && surveyed.records < records;
        let does_not_fit = |records: &u64| *records != surveyed.records && !is_short(*records);
        if let Some(records) = records.filter(does_not_fit) {
            let detail =
                format!("it has {} records, and the next one begins after {records}", surveyed.records);
            return Err(corrupt(path, 40, detail));
        }
        self.result.messages += surveyed.messages;
        self.next = Some((number + 1, base + records.unwrap_or(surveyed.records)));
        (self.keep)(&header, &data)
    }

    /// Where the frames of the last segment end; of any other they go on to its end.
    fn tail(&mut self, path: &Path, data: &[u8], seed: Seed, is_last: bool) -> usize {
        match scan(data, seed) {
            Ok(scan) if is_last && !scan.sealed => {
                let end = (scan.end * GRANULE_BYTES) as usize;
                if scan.torn_bytes > 0 {
                    let detail = format!("{} bytes of an unfinished write", scan.torn_bytes);
                    self.note(path, (HEADER_BYTES + end) as u64, Loss::Nothing, detail);
                }
                end
            }
            _ => data.len(),
        }
    }

    fn read(&mut self, found: &Found, data_bytes: u64) -> Result<Vec<u8>> {
        let Found { number, path, file_bytes, .. } = found;
        let mut data = vec![0; data_bytes as usize];
        let there = file_bytes.saturating_sub(HEADER_BYTES as u64).min(data_bytes);
        if there < data_bytes {
            let detail = format!("the file ends here, its header says {data_bytes} bytes of data");
            self.note(path, *file_bytes, Loss::Nothing, detail);
        }
        let file = self.home.open(*number)?;
        let read = file.read_exact_at(&mut data[..there as usize], HEADER_BYTES as u64);
        read.map_err(|e| Error::io("read", path, &e))?;
        Ok(data)
    }

    /// Makes up for segments that are missing before one.
    fn fill_gap(&mut self, found: &Found) -> Result<()> {
        let Some((expected, sequence)) = self.next.filter(|(expected, _)| *expected < found.number) else {
            return Ok(());
        };
        let path = self.home.path(expected);
        let base = found.header.as_ref().map_or(sequence, |header| header.base);
        let lost = base.saturating_sub(sequence);
        let data_bytes = (lost.max(1) * ABORT_BYTES).max(ABORT_BYTES);
        if found.number - expected > MISSING_MAX || data_bytes > LIMIT * GRANULE_BYTES {
            let detail = format!("segments {expected} to {} are missing before it", found.number - 1);
            return Err(corrupt(&found.path, 0, detail));
        }
        self.note(&path, 0, Loss::Records(sequence..base), "the file is missing".into());
        for number in expected..found.number {
            let (first, lost) = if number == expected { (sequence, lost) } else { (base, 0) };
            let data_bytes = lost.max(1) * ABORT_BYTES;
            let header = SegmentFile { log_id: self.id, number, base: first, data_bytes, generation: 1 };
            let seed = Seed { log_id: self.id, segment: number, generation: 1 };
            let mut data = vec![0; data_bytes as usize];
            for hole in survey(&data, seed, Some(lost)).holes {
                mend(&mut data, &hole, seed);
            }
            (self.keep)(&header, &data)?;
        }
        self.next = Some((found.number, base));
        Ok(())
    }

    fn note(&mut self, path: &Path, byte_position: u64, loss: Loss, detail: String) {
        self.result.damage.push(LogDamage { path: path.to_owned(), byte_position, loss, detail });
    }
}
