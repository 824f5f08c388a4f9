//! From a snapshot back to a hub: all of it is read and found sound before anything is taken for one.

use crate::error::{Error, Result};
use crate::hub::snapshot::Target;
use crate::hub::verify::Looked;
use crate::hub::{Hub, HubBuilder, Report};
use crate::log::Loss;
use crate::notice::{self, Notice};
use std::path::Path;

impl Hub {
    /// Reads all of the snapshot in `snapshot`, which stays as it is, every segment and every checksum, and copies it into the
    /// directory `into`, which is empty or not there yet: [`Hub::open`] opens that. Any directory of a hub that nobody has open can be
    /// copied so; what a crash left of unfinished writes is left out.
    ///
    /// The copy is the same hub once more, its ids and offsets included: of the two, only one should go on being used. Whoever
    /// has a place in the lost hub that is behind the snapshot will find other records there.
    ///
    /// ```
    /// # use ringmain::Hub;
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let (directory, backup, restored) =
    /// #     (scratch.path().join("data"), scratch.path().join("backup"), scratch.path().join("restored"));
    /// Hub::open(&directory)?.snapshot(&backup)?;
    /// let report = Hub::restore(&backup, &restored)?;
    /// println!("{report}");
    /// let hub = Hub::open(&restored)?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Corrupt` naming the first damage by which something is lost ([`Hub::verify`] names all, [`Hub::salvage`] copies what is left);
    /// `NotFound` if there is no hub, or a snapshot that was not finished; `Locked` if a process has it open; `InvalidArgument` if
    /// `into` is not empty; `Io`, `Unsupported`. Nothing opens what is in `into` then.
    pub fn restore(snapshot: impl AsRef<Path>, into: impl AsRef<Path>) -> Result<Report> {
        Self::builder().restore(snapshot, into)
    }
}

impl HubBuilder {
    /// As [`Hub::restore`], on this builder's storage.
    ///
    /// # Errors
    /// As [`Hub::restore`].
    pub fn restore(&self, snapshot: impl AsRef<Path>, into: impl AsRef<Path>) -> Result<Report> {
        let (snapshot, into) = (snapshot.as_ref(), into.as_ref());
        let mut looked = Looked::at(&self.files(), snapshot)?;
        refuse_damage(&looked.report)?;
        let mut target = Target::begin(self.files(), into, self.allow_world_writable)?;
        let copied = looked.copy_to(&mut target, |_, survey| {
            survey.damage.iter().try_for_each(|damage| {
                let Loss::Nothing = damage.loss else {
                    return Err(corrupt(&damage.path, damage.byte_position, &damage.detail));
                };
                Ok(())
            })
        });
        // The checksums fit; whether it is what a hub writes is known when it opens.
        if let Err(error) = copied.and_then(|()| self.open_in_memory(snapshot)) {
            target.discard();
            return Err(error);
        }
        target.finish()?;
        let (path, into) = (snapshot.to_path_buf(), into.to_path_buf());
        let records = looked.report.records;
        notice::now(|| Notice::Restored { path, into, records });
        Ok(looked.report)
    }
}

fn refuse_damage(report: &Report) -> Result<()> {
    match report.damage.iter().find(|damage| damage.loss != Loss::Nothing) {
        Some(damage) => Err(corrupt(&damage.path, damage.byte_position, &damage.detail)),
        None => Ok(()),
    }
}

fn corrupt(path: &Path, byte_position: u64, detail: &str) -> Error {
    Error::Corrupt { path: path.to_path_buf(), byte_position, detail: detail.to_owned() }
}
