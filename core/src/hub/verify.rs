//! What a directory holds and what of it is damaged, found without changing anything.

use crate::clock::{Clock, ManualClock};
use crate::error::{Error, Result};
use crate::hub::catalogue::{self, Catalogue};
use crate::hub::directory::{Directory, LOCK};
use crate::hub::snapshot::Target;
use crate::hub::{Hub, HubBuilder, restore};
use crate::journal;
use crate::log::survey::{LogSurvey, survey_log};
use crate::log::{Home, Loss, SegmentFile};
use crate::name::Name;
use crate::storage::{Blocking, Lock, Overlay, Storage};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What [`Hub::verify`] or [`Hub::salvage`] found in a directory.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Messages and records that can be read, settled ones that are still on disk included.
    pub records: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes of their data areas.
    pub bytes: u64,
    /// What is damaged.
    pub damage: Vec<Damage>,
    /// Why the hub, or a queue or stream of it, cannot be opened.
    pub refused: Option<Error>,
}

/// A damaged place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Damage {
    /// Which queue, stream, or file of the hub.
    pub of: String,
    /// The file.
    pub path: PathBuf,
    /// Where in the file.
    pub byte_position: u64,
    /// What was found there.
    pub detail: String,
    /// What is lost by it.
    pub loss: Loss,
}

impl Report {
    /// Whether the hub opens and nothing is lost. An unfinished write at the end of a log, which a crash leaves, is no loss.
    pub fn is_sound(&self) -> bool {
        self.refused.is_none() && self.damage.iter().all(|damage| damage.loss == Loss::Nothing)
    }

    fn note(&mut self, of: &str, error: Error, loss: Loss) -> Result<()> {
        let Error::Corrupt { path, byte_position, detail } = error else { return Err(error) };
        self.damage.push(Damage { of: of.to_owned(), path, byte_position, detail, loss });
        Ok(())
    }

    pub(super) fn take(&mut self, of: &str, survey: LogSurvey) {
        self.records += survey.messages;
        self.segments += survey.segments;
        self.bytes += survey.bytes;
        self.damage.extend(survey.damage.into_iter().map(|damage| Damage {
            of: of.to_owned(),
            path: damage.path,
            byte_position: damage.byte_position,
            detail: damage.detail,
            loss: damage.loss,
        }));
    }
}

impl fmt::Display for Report {
    /// A line of counts, and one for each damage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, segments, bytes, .. } = self;
        write!(f, "{records} records in {segments} segments of {bytes} bytes")?;
        for damage in &self.damage {
            write!(f, "\n{damage}")?;
        }
        match &self.refused {
            Some(error) => write!(f, "\ncannot be opened: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, path, byte_position, detail, loss } = self;
        write!(f, "{of}: {path:?} at byte {byte_position}: {detail}; ")?;
        match loss {
            Loss::Nothing => write!(f, "nothing is lost"),
            Loss::Notes => write!(f, "what was settled or committed may come again"),
            Loss::Records(lost) => {
                write!(f, "records {} to {} are lost", lost.start, lost.end.saturating_sub(1))
            }
            Loss::RecordsFrom(first) => write!(f, "records are lost from {first} on"),
            Loss::Latest => write!(f, "some of what was committed last may be lost"),
            Loss::Everything => write!(f, "without it nothing can be opened"),
        }
    }
}

/// A log of the catalogue.
pub(super) struct LogPlace {
    pub(super) of: String,
    pub(super) id: u64,
    pub(super) path: PathBuf,
    /// The name of the queue, if it is one's.
    pub(super) is_queue: bool,
}

/// A directory that is looked at, with its journal copied home, in memory.
pub(super) struct Looked {
    pub(super) overlay: Arc<Overlay>,
    pub(super) catalogue: Catalogue,
    pub(super) directory: Directory,
    pub(super) report: Report,
    /// So that no writer comes meanwhile.
    _lock: Option<Box<dyn Lock>>,
}

impl Looked {
    /// # Errors
    /// `Locked`, `NotFound`, `Io`, `Unsupported`; `Corrupt` if the catalogue is.
    pub(super) fn at(storage: &Arc<dyn Storage>, path: &Path) -> Result<Self> {
        let storage = beneath(storage, path)?;
        let lock = lock_shared(&*storage, path)?;
        let overlay = Arc::new(Overlay::new(storage));
        if let Err(error) = overlay.open(&path.join(catalogue::FILE)) {
            catalogue::refuse_unfinished(&*overlay, path)?;
            return Err(match error.kind() {
                io::ErrorKind::NotFound => Error::NotFound {
                    noun: "hub",
                    name: path.display().to_string(),
                    advice: ": there is no catalogue in this directory",
                },
                _ => Error::io("open", path.join(catalogue::FILE), &error),
            });
        }
        let catalogue = Catalogue::load(&*overlay, path)?;
        let directory = Directory::unlocked(overlay.clone(), path);
        let mut report = Report::default();
        let refused = journal::salvage(&*overlay, path, catalogue.hub_id(), |pieces| {
            restore(&directory, &catalogue, pieces)
        })?;
        if let Some(error) = refused {
            report.note("the journal", error, Loss::Latest)?;
        }
        Ok(Self { overlay, catalogue, directory, report, _lock: lock })
    }

    /// Where the logs of the catalogue are in a directory.
    pub(super) fn logs(&self, directory: &Directory) -> Result<Vec<LogPlace>> {
        let mut logs = Vec::new();
        for (name, queue) in &self.catalogue.queues {
            let path = directory.queue(&Name::new(name)?)?;
            logs.push(LogPlace { of: format!("queue {name}"), id: queue.log, path, is_queue: true });
        }
        for (name, stream) in &self.catalogue.streams {
            let parts = stream.partitions.iter().enumerate();
            let parts = parts.map(|(partition, id)| (partition.to_string(), *id));
            for (part, id) in parts.chain([("offsets".to_owned(), stream.offsets)]) {
                let path = directory.stream(&Name::new(name)?, &part)?;
                logs.push(LogPlace { of: format!("stream {name}, {part}"), id, path, is_queue: false });
            }
        }
        Ok(logs)
    }

    /// Surveys a log, and hands on its segments as they are when their damage is closed.
    pub(super) fn survey(
        &mut self,
        log: &LogPlace,
        keep: &mut dyn FnMut(&SegmentFile, &[u8]) -> Result<()>,
    ) -> Result<LogSurvey> {
        survey_log(self.overlay.clone(), log.path.clone(), log.id, keep)
    }

    /// Copies every log, with its damage closed, to a directory that is being made. `copied` is told where the log is there, and what
    /// was found.
    pub(super) fn copy_to(
        &mut self,
        target: &mut Target,
        mut copied: impl FnMut(LogPlace, &LogSurvey) -> Result<()>,
    ) -> Result<()> {
        target.mark(&self.catalogue)?;
        for from in self.logs(&self.directory)? {
            let relative = from.path.strip_prefix(&self.directory.path).unwrap_or(&from.path);
            let path = target.make(relative)?;
            let survey = self.survey(&from, &mut |segment, data| {
                Home::write_whole(&**target.storage(), &Home::path_in(&path, segment.number), segment, data)
            })?;
            let of = from.of.clone();
            copied(LogPlace { path, ..from }, &survey)?;
            self.report.take(&of, survey);
        }
        Ok(())
    }
}

/// The directory as it is now. Without one, there will be no catalogue.
fn beneath(storage: &Arc<dyn Storage>, path: &Path) -> Result<Arc<dyn Storage>> {
    match storage.beneath(path) {
        Ok(beneath) => Ok(beneath.unwrap_or_else(|| storage.clone())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(storage.clone()),
        Err(e) => Err(Error::io("open", path, &e)),
    }
}

fn lock_shared(storage: &dyn Storage, path: &Path) -> Result<Option<Box<dyn Lock>>> {
    let lock_path = path.join(LOCK);
    match storage.lock_shared(&lock_path) {
        Ok(Ok(lock)) => Ok(Some(lock)),
        Ok(Err(holder)) => Err(Error::Locked { path: path.to_owned(), holder: holder.trim().to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("lock", lock_path, &e)),
    }
}

impl Hub {
    /// Reads everything in the directory of a hub that nobody has open, and changes nothing: every segment, every checksum,
    /// and what would come of opening it. Reading all of it takes as long as that takes.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let directory = scratch.path().join("data");
    /// # ringmain::Hub::open(&directory)?.stream("flights").open()?;
    /// let report = ringmain::Hub::verify(&directory)?;
    /// assert!(report.is_sound(), "{report}");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Locked` if a process has it open, `NotFound` if there is no hub, `Io`, `Unsupported`. Damage is no error: it is in
    /// the report, unless no log writes such a thing, which is `Corrupt`.
    pub fn verify(directory: impl AsRef<Path>) -> Result<Report> {
        Self::builder().verify(directory)
    }
}

impl HubBuilder {
    /// As [`Hub::verify`], on this builder's storage.
    ///
    /// # Errors
    /// As [`Hub::verify`].
    pub fn verify(&self, directory: impl AsRef<Path>) -> Result<Report> {
        let path = directory.as_ref();
        let mut looked = match Looked::at(&self.files(), path) {
            Ok(looked) => looked,
            Err(error @ Error::Corrupt { .. }) => {
                let mut report = Report { refused: Some(error.clone()), ..Report::default() };
                report.note("the catalogue", error, Loss::Everything)?;
                return Ok(report);
            }
            Err(error) => return Err(error),
        };
        for log in looked.logs(&looked.directory)? {
            let survey = looked.survey(&log, &mut |_, _| Ok(()))?;
            looked.report.take(&log.of, survey);
        }
        let mut report = looked.report;
        report.refused = self.open_in_memory(path).err();
        Ok(report)
    }

    /// The files that are looked at: nobody waits for so many of them at once that it would take a faster way.
    pub(super) fn files(&self) -> Arc<dyn Storage> {
        self.storage.clone().unwrap_or_else(|| Arc::new(Blocking))
    }

    /// Opens everything in a directory, and forgets it.
    pub(super) fn open_in_memory(&self, path: &Path) -> Result<()> {
        let path = &std::path::absolute(path).map_err(|e| Error::io("resolve", path, &e))?;
        let overlay = Arc::new(Overlay::new(beneath(&self.files(), path)?));
        let builder =
            HubBuilder { storage: Some(overlay), clock: Clock::Manual(ManualClock::new()), ..self.clone() };
        let hub = builder.open(path)?;
        hub.queues()?.iter().try_for_each(|name| hub.queue(name).open().map(drop))?;
        hub.streams()?.iter().try_for_each(|name| hub.stream(name).open().map(drop))
    }
}
