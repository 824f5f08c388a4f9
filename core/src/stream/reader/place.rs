//! The place of a reader in one partition.
//!
//! **Promise.** Records come in order, each once. Where those that come next were removed, that is found before anything behind
//! them is shown.
//!
//! **How far it is believed.** What may be read is asked for once a walk, at its first record: all that follow are in the same
//! segment, which the walk pins. So a record may still be shown that became too old, or one too many, while the walk was under way.

use crate::error::{Error, Result};
use crate::log::{self, Kind, Log, Shown, Then};
use crate::stream::gate;
use crate::stream::latest::Latest;
use crate::stream::reader::Start;
use crate::stream::record::{Position, Record, RecordRef};
use crate::stream::shared::Shared;
use std::sync::Arc;

const NO_END: u64 = u64::MAX;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct PartitionReader {
    pub(crate) partition: u32,
    log: Arc<Log>,
    /// Next to be handed out, whether it is still there or not.
    offset: u64,
    reader: log::Reader,
    /// It ends before this offset.
    end: u64,
    /// And before the first record accepted at or after this time.
    end_ns: u64,
    /// It has come to its end although the last records before that are not there any more.
    is_read_out: bool,
    /// That its place was removed is known.
    pub(super) is_lost: bool,
    /// Nothing is read of it for now.
    pub(super) is_paused: bool,
    /// What holds those who append, if the stream is to wait for its readers.
    place: Option<gate::Place>,
    /// What hides all but the last record of each key, if the stream is to.
    latest: Option<Arc<Latest>>,
}

/// A record that a walk shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    shown: Shown<'a>,
    position: Position,
}

impl<'a> Found<'a> {
    /// Where it lies.
    #[inline]
    pub(crate) fn borrowed(&self) -> RecordRef<'a> {
        RecordRef::new(self.shown.frame, self.position)
    }

    /// Kept alive on its own.
    pub(crate) fn record(&self) -> Record {
        Record::new(self.shown.payload(), self.position)
    }

    /// Bytes of it in the log, the header of its frame with them.
    pub(crate) fn bytes(&self) -> u64 {
        self.shown.frame.bytes().len() as u64
    }
}

/// What becomes of a record that a walk shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Taken,
    /// It is passed over.
    Unwanted,
    /// It comes again: the walk ends before it.
    TooMuch,
}

/// What a walk has done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walked {
    pub(crate) taken: usize,
    pub(crate) unwanted: usize,
    /// It ended before a record that was too much.
    pub(crate) is_full: bool,
    /// The records that come next were removed, up to this one.
    pub(crate) lost: Option<u64>,
    /// There was something, be it no record.
    pub(crate) moved: bool,
}

impl PartitionReader {
    pub(crate) fn new(stream: &Shared, partition: u32, start: Start) -> Result<Self> {
        let log = stream.readable(partition)?;
        // From here on nobody takes from it what it is to read.
        let place = stream.gate().enter(partition, || log.first_readable());
        Self::with(stream, partition, resolve(stream, partition, start)?, place)
    }

    /// At an offset that may have been removed meanwhile: then the first walk says so.
    pub(crate) fn at(stream: &Shared, partition: u32, offset: u64) -> Result<Self> {
        Self::with(stream, partition, offset, stream.gate().enter(partition, || offset))
    }

    fn with(stream: &Shared, partition: u32, offset: u64, place: Option<gate::Place>) -> Result<Self> {
        let log = stream.readable(partition)?.clone();
        let reader = reader_at(&log, offset)?;
        let (end, end_ns, is_read_out, is_lost) = (NO_END, u64::MAX, false, false);
        let (latest, is_paused) = (stream.latest_only(), false);
        let new = Self {
            partition,
            log,
            offset,
            reader,
            end,
            end_ns,
            is_read_out,
            is_lost,
            is_paused,
            place,
            latest,
        };
        new.publish();
        Ok(new)
    }

    /// Whether somebody may wait for it.
    pub(super) fn is_gated(&self) -> bool {
        self.place.is_some()
    }

    /// Tells those who wait for it where it is.
    pub(super) fn publish(&self) {
        if let Some(place) = &self.place {
            place.publish(self.offset);
        }
    }

    /// Next offset to read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Continues somewhere else.
    pub(crate) fn go_to(&mut self, offset: u64) -> Result<()> {
        self.reader = reader_at(&self.log, offset)?;
        (self.offset, self.is_read_out, self.is_lost) = (offset, false, false);
        self.publish();
        Ok(())
    }

    /// First offset held, and one past the last.
    pub(crate) fn bounds(&self) -> (u64, u64) {
        let start = self.log.first_readable();
        (start, self.log.end_sequence().max(start))
    }

    /// Offsets from its place to the end.
    pub(crate) fn lag(&self) -> u64 {
        let (start, end) = self.bounds();
        end.saturating_sub(self.offset.max(start))
    }

    /// It ends before that offset, or before one that it was told earlier.
    pub(super) fn end_before(&mut self, offset: u64) {
        self.end = self.end.min(offset);
    }

    /// It ends before the first record accepted then or later.
    pub(super) fn end_before_time(&mut self, time_ns: u64) {
        self.end_ns = self.end_ns.min(time_ns);
    }

    /// Whether it has come to its end, as far as that is known.
    pub(crate) fn is_done(&self) -> bool {
        self.offset >= self.end || self.is_read_out
    }

    /// Shows records until `count_max` are taken or `look_count_max` are shown, in one run: there may be more behind it. Nothing was
    /// passed where it says that records are lost.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file, before anything was shown.
    #[inline]
    pub(crate) fn walk(
        &mut self,
        count_max: usize,
        look_count_max: usize,
        mut each: impl FnMut(Found<'_>) -> Verdict,
    ) -> Result<Walked> {
        let mut walked = Walked::default();
        if self.is_paused || self.is_done() {
            return Ok(walked);
        }
        let Self { partition, log, offset, end, end_ns, reader, latest, .. } = self;
        let (mut is_first, mut is_behind, mut failed) = (true, false, None);
        let found = reader.walk(|shown| {
            if is_first {
                is_first = false;
                // Behind the step to this frame: what was released in between was passed over by it.
                let start = log.first_readable();
                if *offset < start {
                    walked.lost = Some(start);
                    return Then::Back;
                }
            }
            if shown.kind != Kind::Data {
                return Then::On;
            }
            if shown.sequence >= *end || *end_ns != u64::MAX && shown.frame.time_ns() >= *end_ns {
                is_behind = true;
                return Then::Back;
            }
            let position = Position { partition: *partition, offset: shown.sequence };
            let verdict = match latest.as_ref().map(|latest| is_hidden(latest, &shown, position)) {
                None | Some(Ok(false)) => each(Found { shown, position }),
                Some(Ok(true)) => Verdict::Unwanted,
                Some(Err(error)) => {
                    failed = Some(error);
                    return Then::Back;
                }
            };
            match verdict {
                Verdict::Taken => walked.taken += 1,
                Verdict::Unwanted => walked.unwanted += 1,
                Verdict::TooMuch => {
                    walked.is_full = true;
                    return Then::Back;
                }
            }
            *offset = shown.sequence + 1;
            let is_enough = walked.taken >= count_max || walked.taken + walked.unwanted >= look_count_max;
            if is_enough { Then::Enough } else { Then::On }
        })?;
        // What was shown before it is handed out first; it is found again by the next walk.
        if let Some(error) = failed
            && walked.taken == 0
        {
            return Err(error);
        }
        walked.moved = found && !is_behind && walked.lost.is_none();
        if !found {
            let start = self.log.first_readable();
            walked.lost = (self.offset < start).then_some(start);
        }
        if walked.lost.is_none() {
            // What compaction left out at the end of a segment the next one tells; there always is one.
            self.is_read_out |= is_behind || !found && self.reader.next_sequence() >= self.end;
        }
        Ok(walked)
    }
}

/// Whether a later record of its key hides this one.
#[cold]
fn is_hidden(latest: &Latest, shown: &Shown<'_>, position: Position) -> Result<bool> {
    shown.frame.key().map_or(Ok(false), |key| latest.is_last(position, key).map(|is_last| !is_last))
}

fn reader_at(log: &Arc<Log>, offset: u64) -> Result<log::Reader> {
    let mut reader = log::Reader::earliest(log.clone());
    if offset != reader.next_sequence() {
        reader.seek(offset)?;
    }
    Ok(reader)
}

/// The offset that a start means in a partition.
pub(crate) fn resolve(stream: &Shared, partition: u32, start: Start) -> Result<u64> {
    let log = stream.readable(partition)?;
    let (first, end) = (log.first_readable(), log.end_sequence());
    match start {
        Start::Earliest => Ok(first),
        Start::Latest => Ok(end),
        Start::Offset(offset) if (first..=end).contains(&offset) => Ok(offset),
        Start::Offset(offset) => Err(Error::OutOfRange { partition, offset, start: first, end }),
        Start::Time(time_ns) => Ok(log.sequence_at_time(time_ns)?.max(first)),
    }
}
