//! Writing batches to the two journal files in turn, and bringing home what they hold before they are used again.
//!
//! **Promise.** A batch is overwritten only when every range in it is in its log's own file, synced, *and* a later batch
//! that says so is synced too: at any moment the files tell what is wanted of them.
//!
//! ```text
//!   journal.0  [ 1 ][ 2 ][ 3 ] full          --checkpoint--> homes of the logs in 1..3
//!   journal.1  [ 4 ][ 5, homed 3 ] ...       full: the next lap goes to journal.0
//! ```
//!
//! The checkpoint of a full file runs in a thread of its own, as long as that takes, while commits go on in the other
//! file; on a manual clock, where nothing happens by itself, it runs at once.

use super::batch::{Draft, Head, Range};
use super::file::{HEADER_BYTES, JournalFile};
use super::replay::{Read, Replay};
use super::seeded_bug::{Planted, SeededBug};
use crate::error::{Error, Result};
use crate::log::{Log, Place};
use crate::notice::{self, Notice};
use crate::storage::Storage;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A file grows by so much at most: that takes a millisecond or two.
const STEP_BYTES_MAX: u64 = 4 << 20;

/// Where a hub keeps its journal.
#[derive(Debug, Clone)]
pub(crate) struct JournalPlace {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) directory: PathBuf,
    pub(crate) hub_id: u64,
    /// About so much goes into one file before its content is brought home.
    pub(crate) bytes_max: u64,
    /// From so much on what a log has written goes straight to its own file.
    pub(crate) stream_bytes_min: u64,
    /// Whether checkpoints run in threads of their own.
    pub(crate) has_threads: bool,
    pub(crate) planted: Planted,
}

/// See the module's description.
#[derive(Debug)]
pub(super) struct Writer {
    place: JournalPlace,
    files: [Option<JournalFile>; 2],
    active: usize,
    /// Where the next batch goes.
    end: u64,
    /// Sequence of the last batch written, and of the last one synced.
    written: u64,
    synced: u64,
    /// Batches up to this one are home.
    homed: u64,
    /// What the last batch that is synced says about that, and the last that is written.
    homed_told: u64,
    homed_written: u64,
    /// Sequence of the last batch in the file that is not active.
    other_last: u64,
    /// The logs in the active file, with the place up to which it has them.
    lap: BTreeMap<u64, (Arc<Log>, Place)>,
    checkpoint: Option<Checkpoint>,
    draft: Draft,
}

/// A checkpoint under way.
#[derive(Debug)]
struct Checkpoint {
    /// When it is done, batches up to this one are home.
    last: u64,
    worker: JoinHandle<Result<()>>,
}

impl Writer {
    /// Reads what is there, and hands every piece that may not be home to `restore`, which makes it so, synced.
    pub(super) fn open(
        place: JournalPlace,
        restore: impl FnOnce(&mut dyn Iterator<Item = &Range<'_>>) -> Result<()>,
    ) -> Result<Self> {
        let read = |index| JournalFile::open(&*place.storage, &place.directory, place.hub_id, index);
        let found: [Read; 2] = [read(0)?, read(1)?];
        let replay = Replay::of(&found, place.hub_id, &place.directory, place.planted)?;
        let is_wanted = replay.ranges().next().is_some();
        if is_wanted {
            replay.settle(&found)?;
            match place.planted.is(SeededBug::ReplayedOutOfOrder) {
                false => restore(&mut replay.ranges())?,
                true => restore(&mut replay.ranges().rev())?,
            }
        }
        let pieces = replay.ranges().count() as u64;
        let bytes = replay.ranges().map(|range| range.bytes.len() as u64).sum();
        let (sequence, homed_told, resume) = (replay.sequence_max(), replay.homed, replay.resume());
        // Without a batch nothing proves that its header is durable: it is made anew.
        let is_used = [replay.is_used(0), replay.is_used(1)];
        let mut writer = Self {
            place,
            active: resume.map_or(0, |(file, _)| file),
            end: resume.map_or(HEADER_BYTES, |(_, end)| end),
            written: sequence,
            synced: sequence,
            homed: sequence,
            homed_told,
            homed_written: homed_told,
            other_last: sequence,
            lap: BTreeMap::new(),
            checkpoint: None,
            draft: Draft::default(),
            files: std::array::from_fn(|_| None),
        };
        for ((place, file), is_used) in writer.files.iter_mut().zip(found).zip(is_used) {
            *place = file.filter(|_| is_used).map(|(file, _)| file);
        }
        if is_wanted {
            // Before anything is overwritten, and before anything is written under a sequence that was used.
            writer.tell_homed()?;
            notice::later(|| Notice::JournalReplayed { path: writer.place.directory.clone(), pieces, bytes });
        }
        Ok(writer)
    }

    /// The batch that is being put together, empty at first.
    pub(super) fn draft(&mut self) -> &mut Draft {
        self.draft.clear();
        &mut self.draft
    }

    /// Writes the batch that was put together. It is in the journal when this returns, and on disk after a sync, if `is_synced` says
    /// that there will be one soon.
    pub(super) fn write(
        &mut self,
        logs: impl IntoIterator<Item = (Arc<Log>, Place)>,
        is_synced: bool,
    ) -> Result<()> {
        if self.draft.is_empty() {
            return Ok(());
        }
        self.look_after_checkpoint()?;
        let end = self.end + self.draft.padded_bytes();
        if end > HEADER_BYTES + self.place.bytes_max && self.end > HEADER_BYTES {
            let draft = std::mem::take(&mut self.draft);
            self.turn()?;
            self.draft = draft;
        }
        self.write_draft(is_synced)?;
        self.lap.extend(logs.into_iter().map(|(log, place)| (log.id(), (log, place))));
        Ok(())
    }

    /// About how much room bringing home what was written here will take.
    pub(super) fn pending_bytes(&self) -> u64 {
        let other = if self.checkpoint.is_some() { self.place.bytes_max } else { 0 };
        self.lap.values().map(|(log, _)| log.unmade_bytes()).sum::<u64>() + other
    }

    fn write_draft(&mut self, is_synced: bool) -> Result<()> {
        let file = match &mut self.files[self.active] {
            Some(file) => file,
            none => none.insert(JournalFile::make(
                &*self.place.storage,
                &self.place.directory,
                self.place.hub_id,
                self.active,
                self.place.planted,
            )?),
        };
        let homed = if self.place.planted.is(SeededBug::HomedAhead) { self.written } else { self.homed };
        let head = Head { sequence: self.written + 1, homed, synced: self.synced };
        let seed = file.seed(self.end);
        let batch = self.draft.finish(head, seed);
        file.write(batch, self.end, (self.place.bytes_max / 4).min(STEP_BYTES_MAX), is_synced)?;
        self.end += batch.len() as u64;
        self.written = head.sequence;
        self.homed_written = head.homed;
        Ok(())
    }

    /// Makes durable what was written.
    pub(super) fn sync(&mut self) -> Result<()> {
        if self.synced == self.written {
            return Ok(());
        }
        if let Some(file) = &self.files[self.active] {
            match file.sync() {
                Err(_) if self.place.planted.is(SeededBug::RetryAfterFailedSync) => file.sync()?,
                synced => synced?,
            }
        }
        self.synced = self.written;
        self.homed_told = self.homed_written;
        Ok(())
    }

    /// Brings everything home: a reader of the journal finds nothing that is wanted.
    pub(super) fn close(&mut self) -> Result<()> {
        self.finish_checkpoint()?;
        if self.homed < self.written {
            bring_home(std::mem::take(&mut self.lap))?;
            self.sync()?;
            self.homed = self.written;
            self.tell_homed()?;
        }
        Ok(())
    }

    /// Goes on in the other file, and has the content of this one brought home.
    fn turn(&mut self) -> Result<()> {
        self.finish_checkpoint()?;
        self.sync()?;
        if self.homed_told < self.other_last {
            self.tell_homed()?;
        }
        let (last, lap) = (self.written, std::mem::take(&mut self.lap));
        if self.place.planted.is(SeededBug::RecycledBeforeHome) {
            self.homed = last;
        } else if self.place.has_threads {
            let worker = thread::Builder::new().name("ringmain-home".into()).spawn(move || bring_home(lap));
            let worker = worker.map_err(|e| Error::io("start a thread for", "a checkpoint", &e))?;
            self.checkpoint = Some(Checkpoint { last, worker });
        } else {
            bring_home(lap)?;
            self.homed = last;
        }
        self.other_last = last;
        self.active = 1 - self.active;
        self.end = HEADER_BYTES;
        Ok(())
    }

    /// Says durably, in a batch without ranges, what is home.
    fn tell_homed(&mut self) -> Result<()> {
        self.draft.clear();
        self.write_draft(true)?;
        self.sync()
    }

    fn look_after_checkpoint(&mut self) -> Result<()> {
        match &self.checkpoint {
            Some(checkpoint) if checkpoint.worker.is_finished() => self.finish_checkpoint(),
            _ => Ok(()),
        }
    }

    fn finish_checkpoint(&mut self) -> Result<()> {
        let Some(Checkpoint { last, worker }) = self.checkpoint.take() else { return Ok(()) };
        let died = |_| Err(Error::Internal { detail: "the thread of a checkpoint panicked".into() });
        worker.join().unwrap_or_else(died)?;
        self.homed = last;
        Ok(())
    }
}

/// Writes what the journal has of these logs to their own files, and syncs those.
fn bring_home(logs: BTreeMap<u64, (Arc<Log>, Place)>) -> Result<()> {
    logs.into_values().try_for_each(|(log, place)| log.bring_home(place))
}
