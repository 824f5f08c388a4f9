//! Copying the files of logs that are in use, up to where each had come at the instant of a snapshot.

use crate::error::{Error, Result};
use crate::hub::Inner;
use crate::hub::directory::Directory;
use crate::hub::snapshot::instant::{Instant, Stand};
use crate::hub::snapshot::{Snapshot, SnapshotProgress, Target};
use crate::journal::SeededBug;
use crate::log::{Home, Level};
use crate::notice::{self, Notice, lock_quietly};
use crate::storage::{ALIGN_BYTES, Aligned, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// A log to be copied.
struct LogCopy {
    id: u64,
    /// From the directory of either hub.
    path: PathBuf,
    stand: Stand,
    segments: Vec<SegmentCopy>,
}

/// A segment to be copied.
struct SegmentCopy {
    number: u64,
    /// So many bytes of its file count;
    counted_bytes: u64,
    /// and so long the copy is.
    file_bytes: u64,
}

/// See the module's description.
pub(super) struct Copying<'a> {
    inner: &'a Inner,
    source: &'a Directory,
    instant: &'a Instant,
    target: &'a mut Target,
    progress: &'a mut dyn FnMut(SnapshotProgress) -> ControlFlow<()>,
    done: SnapshotProgress,
    copied: Snapshot,
    buffer: Aligned,
}

impl<'a> Copying<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        source: &'a Directory,
        instant: &'a Instant,
        target: &'a mut Target,
        progress: &'a mut dyn FnMut(SnapshotProgress) -> ControlFlow<()>,
    ) -> Self {
        let catalogue = &instant.catalogue;
        let (queues, streams) = (catalogue.queues.len() as u64, catalogue.streams.len() as u64);
        let copied = Snapshot { queues, streams, ..Snapshot::default() };
        let (done, buffer) = Default::default();
        Self { inner, source, instant, target, progress, done, copied, buffer }
    }

    /// Copies everything. None: it was stopped.
    ///
    /// # Errors
    /// `Io`, `Poisoned`, `Closed`.
    pub(super) fn run(mut self) -> Result<Option<Snapshot>> {
        self.target.mark(&self.instant.catalogue)?;
        let logs = self.instant.catalogue.logs()?;
        let logs = logs.into_iter().map(|(id, path)| self.look(id, path)).collect::<Result<Vec<_>>>()?;
        let segments = logs.iter().flat_map(|log| &log.segments);
        self.done.total_bytes = segments.map(|segment| segment.counted_bytes).sum();
        self.check_space()?;
        let (path, into) = (self.source.path.clone(), self.target.path().to_path_buf());
        let bytes = self.done.total_bytes;
        notice::now(|| Notice::SnapshotBegun { path, into, bytes });
        if self.tell()?.is_break() {
            return Ok(None);
        }
        for log in logs {
            if self.copy_log(log)?.is_break() {
                return Ok(None);
            }
        }
        // Before that, the directory may have been another process's.
        self.inner.check_open()?;
        Ok(Some(self.copied))
    }

    fn check_space(&self) -> Result<()> {
        let (path, needed) = (self.target.path(), self.done.total_bytes);
        // One that cannot be asked tells when it is full.
        let Ok(space) = self.target.storage().space(path) else { return Ok(()) };
        let of_source = self.source.storage.space(&self.source.path);
        // On the same file system, as far as can be told, what the hub keeps in reserve must stay: it would refuse to publish.
        let is_same = of_source.is_ok_and(|other| other.total_bytes == space.total_bytes);
        let reserve = if is_same { self.inner.journal.reserve_bytes() } else { 0 };
        if space.free_bytes >= needed.saturating_add(reserve) {
            return Ok(());
        }
        let free = space.free_bytes;
        let detail =
            format!("{needed} bytes are needed beside a reserve of {reserve}, and {free} are free there");
        Err(Error::Io { operation: "copy to", path: path.to_path_buf(), detail, errno: libc::ENOSPC })
    }

    /// Tells how far it has come.
    fn tell(&mut self) -> Result<ControlFlow<()>> {
        self.inner.check_open()?;
        Ok((self.progress)(self.done))
    }

    /// What of a log is to be copied, all of which is in its files then.
    fn look(&self, id: u64, path: PathBuf) -> Result<LogCopy> {
        loop {
            let stand = self.instant.stand(id);
            match self.look_at_files(id, &path, stand.clone()) {
                Err(_) if self.is_opened_since(id, &stand) => {}
                looked => return looked,
            }
        }
    }

    /// Whether a log was opened since, by which what a crash left of a file may have gone.
    fn is_opened_since(&self, id: u64, stand: &Stand) -> bool {
        // An opening that is under way is over then.
        drop(lock_quietly(&self.inner.registry));
        matches!((stand, self.instant.stand(id)), (Stand::Unopened, Stand::Open(..)))
    }

    fn look_at_files(&self, id: u64, path: &Path, mut stand: Stand) -> Result<LogCopy> {
        if let Stand::Open(log, cut) = &mut stand {
            if self.inner.journal.has_bug(SeededBug::SnapshotInTurn) {
                *cut = log.hold_still().cut();
            }
            // At its level it was acknowledged, but that may be a lower one.
            self.inner.journal.commit_to(log, cut.end(), Level::Durable)?;
            log.bring_all_home()?;
        }
        let directory = self.source.path.join(path);
        let segments = match &stand {
            Stand::Open(_, cut) => cut
                .segments()
                .map(|number| self.look_at(&directory, number, cut.file_bytes(number)))
                .collect::<Result<_>>()?,
            _ => {
                let files = self.source.list(&directory)?.unwrap_or_default();
                let numbers = files.iter().filter_map(|file| Home::number(file));
                numbers.map(|number| self.look_at(&directory, number, None)).collect::<Result<_>>()?
            }
        };
        Ok(LogCopy { id, path: path.to_path_buf(), stand, segments })
    }

    fn look_at(&self, directory: &Path, number: u64, counted_bytes: Option<u64>) -> Result<SegmentCopy> {
        let path = Home::path_in(directory, number);
        let file_bytes = self.open(&path)?.len().map_err(|e| Error::io("measure", &path, &e))?;
        let counted_bytes = counted_bytes.unwrap_or(file_bytes);
        Ok(SegmentCopy { number, counted_bytes, file_bytes })
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.source.storage.open(path).map_err(|e| Error::io("open", path, &e))
    }

    fn copy_log(&mut self, mut log: LogCopy) -> Result<ControlFlow<()>> {
        loop {
            if self.inner.journal.has_bug(SeededBug::SnapshotInTurn) {
                log = self.look(log.id, log.path)?;
            }
            let before = self.copied;
            match self.copy_segments(&log) {
                Err(_) if self.is_opened_since(log.id, &log.stand) => {}
                Ok(ControlFlow::Continue(())) if !self.instant.copied(log.id, &log.stand) => {}
                copied => return copied,
            }
            // It was opened meanwhile, and appended to, perhaps.
            self.copied = before;
            self.target.empty(&log.path)?;
            log = self.look(log.id, log.path)?;
        }
    }

    fn copy_segments(&mut self, log: &LogCopy) -> Result<ControlFlow<()>> {
        for segment in &log.segments {
            if self.copy_segment(&log.path, segment)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn copy_segment(&mut self, log: &Path, segment: &SegmentCopy) -> Result<ControlFlow<()>> {
        let from = Home::path_in(&self.source.path.join(log), segment.number);
        let into = Home::path_in(&self.target.make(log)?, segment.number);
        let source = self.open(&from)?;
        let written = |e| Error::io("write", &into, &e);
        let copy = self.target.storage().create(&into, segment.file_bytes).map_err(written)?;
        let mut position = 0;
        while position < segment.counted_bytes {
            let bytes = COPY_BYTES.min(segment.counted_bytes - position);
            self.buffer.resize(bytes as usize);
            source.read_exact_at(&mut self.buffer, position).map_err(|e| Error::io("read", &from, &e))?;
            // It reads as zeros already.
            if self.buffer.iter().any(|byte| *byte != 0) {
                copy.write_all_at(&self.buffer, position).map_err(written)?;
            }
            position += bytes;
            self.copied.bytes += bytes;
            self.done.copied_bytes = (self.done.copied_bytes + bytes).min(self.done.total_bytes);
            if self.tell()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        copy.sync().map_err(|e| Error::io("sync", &into, &e))?;
        if segment.counted_bytes < segment.file_bytes {
            // A courtesy: what is not used yet takes no room.
            let _ = copy.release_from(segment.counted_bytes.next_multiple_of(ALIGN_BYTES as u64));
        }
        self.copied.segments += 1;
        Ok(ControlFlow::Continue(()))
    }
}
