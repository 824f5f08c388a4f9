//! Copying what can still be read of a damaged directory into a new one that opens.

use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::error::Result;
use crate::hub::snapshot::Target;
use crate::hub::verify::{LogPlace, Looked};
use crate::hub::{Hub, HubBuilder, Report};
use crate::journal::Journal;
use crate::log::{Level, Log, Loss};
use crate::notice::{self, Notice};
use crate::queue;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

impl Hub {
    /// Copies everything that can still be read in `directory`, which stays as it is, into the new directory `into`, and
    /// tells what was lost. Records keep their ids and offsets; where one was lost there is none. Of a batch, those that can
    /// be read are kept. What was settled or committed, and the note of it lost, comes again.
    ///
    /// The catalogue must be readable: without it nothing tells what the files are.
    ///
    /// ```
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let (directory, mended) = (scratch.path().join("data"), scratch.path().join("mended"));
    /// # ringmain::Hub::open(&directory)?.stream("flights").open()?;
    /// let report = ringmain::Hub::salvage(&directory, &mended)?;
    /// for damage in &report.damage {
    ///     eprintln!("{damage}");
    /// }
    /// let hub = ringmain::Hub::open(&mended)?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Locked` if a process has it open, `NotFound` if there is no hub, `InvalidArgument` if `into` is not empty, `Corrupt` if
    /// the catalogue is damaged or a file holds what no log writes, `Io`, `Unsupported`.
    pub fn salvage(directory: impl AsRef<Path>, into: impl AsRef<Path>) -> Result<Report> {
        Self::builder().salvage(directory, into)
    }
}

impl HubBuilder {
    /// As [`Hub::salvage`], on this builder's storage.
    ///
    /// # Errors
    /// As [`Hub::salvage`].
    pub fn salvage(&self, directory: impl AsRef<Path>, into: impl AsRef<Path>) -> Result<Report> {
        let (storage, into) = (&self.files(), into.as_ref());
        let mut looked = Looked::at(storage, directory.as_ref())?;
        let mut target = Target::begin(storage.clone(), into, self.allow_world_writable)?;
        let mut is_sound = looked.report.is_sound();
        let copied = looked.copy_to(&mut target, |to, survey| {
            let of_queue = to.is_queue && !(is_sound && survey.damage.is_empty());
            is_sound &= survey.damage.iter().all(|damage| damage.loss == Loss::Nothing);
            let lost = survey.damage.iter().filter_map(|damage| match &damage.loss {
                Loss::Records(lost) => Some(lost.clone()),
                _ => None,
            });
            let lost: Vec<_> = lost.collect();
            if of_queue { self.mend(to, &lost) } else { Ok(()) }
        });
        if let Err(error) = copied {
            target.discard();
            return Err(error);
        }
        target.finish()?;
        let report = looked.report;
        let lost = report.damage.iter().filter(|damage| damage.loss != Loss::Nothing);
        let (records, damage) = (report.records, lost.count() as u64);
        let path = directory.as_ref().to_path_buf();
        notice::now(|| Notice::Salvaged { path, into: into.to_path_buf(), records, damage });
        Ok(report)
    }

    /// Has a salvaged queue know what was lost.
    fn mend(&self, queue: LogPlace, lost: &[Range<u64>]) -> Result<()> {
        let journal = Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Durable, 0);
        let opened = Log::open(self.files(), queue.path, queue.id, Level::Durable, Arc::default());
        queue::mend(&Arc::new(opened?.0), &journal, lost)
    }
}
