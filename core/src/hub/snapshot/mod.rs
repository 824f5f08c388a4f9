//! A consistent copy of a durable hub while it runs, and back from it.
//!
//! **Promise.** What a snapshot holds is one instant: everything that was acknowledged before the call, and what a power cut at that
//! instant could have left of the rest. Across queues and streams, too: no ack is there without its message, no dead letter is
//! lost between the queue that it left and the one that it went to.
//!
//! **How.** All logs are held still for as long as it takes to note how far each has come (`log/still.rs`); nothing else waits. What
//! only the journal has is brought to the logs' own files, which is where it would go anyway, and these are copied up to what was
//! noted. So a snapshot has no journal, and opening it is ordinary recovery.
//!
//! **Cost.** Commits wait while the logs are noted: two locks and two loads a log, and no call of the system. Files that would be removed or replaced
//! while they are copied are so afterwards: until then they take room.
//!
//! **Failure.** A snapshot is no hub before its last step, a rename (`target.rs`). What cannot be copied is removed again, as far as possible.
//!
//! | file | what |
//! |---|---|
//! | `instant` | how far each log goes |
//! | `copy` | their files |
//! | `target` | a directory that is being made into a hub |
//! | `restore` | a snapshot, looked at and copied to where it is used |

mod copy;
mod instant;
mod restore;
mod target;

pub(super) use instant::Instant;
pub(super) use target::Target;

use crate::error::{Error, Result};
use crate::hub::{Hub, Inner};
use crate::log::Log;
use crate::notice::{self, Notice, lock_quietly};
use copy::Copying;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// What [`Hub::snapshot`] copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Queues, empty ones too.
    pub queues: u64,
    /// Streams, empty ones too.
    pub streams: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes read from them.
    pub bytes: u64,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotProgress {
    /// Bytes copied.
    pub copied_bytes: u64,
    /// Bytes to be copied in all.
    pub total_bytes: u64,
}

impl Hub {
    /// Copies the hub, while it is in use, into the directory `into`, which is empty or not there yet. The copy is a hub's directory
    /// like any other: [`Hub::open`] opens it, [`Hub::verify`] reads all of it, and [`Hub::restore`] does that and copies it to where
    /// it is wanted.
    ///
    /// It holds everything that verbs had returned for when this was called, whatever the hub's durability, and of what goes on
    /// meanwhile what a power cut at one instant could have left: order is kept across queues and streams. Messages that are out with
    /// workers are in it as after a crash: they are delivered again, with one failure more. Nobody waits for the copying; until it is done, what is
    /// settled, too old or compacted goes on taking room on the disk. One snapshot of a hub is taken at a time.
    ///
    /// The bytes are copied as they are: damage that the disk has done is found by [`Hub::verify`] of the copy, and refused by
    /// [`Hub::restore`].
    ///
    /// A copy is the same hub once more, its ids and offsets included: of the two, only one should go on being used. Keep it outside of the
    /// hub's own directory, and on another disk if it is to survive this one.
    ///
    /// ```
    /// # use ringmain::{Hub, Message, Start};
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let (directory, backup) = (scratch.path().join("data"), scratch.path().join("backup"));
    /// let hub = Hub::open(&directory)?;
    /// let flights = hub.stream("flights").open()?;
    /// flights.append(Message::new(b"EWR-IAH"))?;
    /// let copied = hub.snapshot(&backup)?;
    /// assert_eq!((copied.queues, copied.streams), (0, 1));
    /// flights.append(Message::new(b"EWR-ORD"))?;
    /// assert_eq!(Hub::open(&backup)?.stream("flights").open()?.reader(Start::Earliest)?.count(), 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if the hub is in memory, if `into` is not empty or lies in the hub's directory, or if a snapshot is being taken
    /// already. `Io` if something cannot be read or written, or if the disk has not the room for it, which is looked at first.
    /// `Poisoned`; `Closed` if the hub is closed meanwhile. There is no copy then.
    pub fn snapshot(&self, into: impl AsRef<Path>) -> Result<Snapshot> {
        let copied = self.snapshot_with(into, |_| ControlFlow::Continue(()))?;
        // Nobody has stopped it.
        Ok(copied.unwrap_or_default())
    }

    /// As [`snapshot`](Self::snapshot), and tells how far it has come: before the first byte is copied, and after every mebibyte or
    /// so. None: `progress` has stopped it, and there is no copy. No lock is held when `progress` is called: it may use the hub.
    ///
    /// ```
    /// # use ringmain::Hub;
    /// # use std::ops::ControlFlow;
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let (directory, backup) = (scratch.path().join("data"), scratch.path().join("backup"));
    /// # let hub = Hub::open(&directory)?;
    /// let copied = hub.snapshot_with(&backup, |progress| {
    ///     eprintln!("{} of {} bytes", progress.copied_bytes, progress.total_bytes);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(copied.is_some());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub fn snapshot_with(
        &self,
        into: impl AsRef<Path>,
        mut progress: impl FnMut(SnapshotProgress) -> ControlFlow<()>,
    ) -> Result<Option<Snapshot>> {
        let inner = self.inner();
        inner.check_open()?;
        let Some(source) = &inner.directory else {
            let detail = "a hub in memory has no files to copy; only that of a durable hub can be taken";
            return Err(Error::invalid("snapshot", detail));
        };
        let into = into.as_ref();
        let into = &std::path::absolute(into).map_err(|e| Error::io("resolve", into, &e))?;
        if into.starts_with(&source.path) {
            let detail = format!("{into:?} lies in the hub's own directory; name one outside of it");
            return Err(Error::invalid("into", detail));
        }
        let mut target = Target::begin(inner.scratch.storage.clone(), into, false)?;
        let logs: Vec<Arc<Log>> = lock_quietly(&inner.registry).logs.clone();
        let copied = inner.flush(&logs).and_then(|()| {
            let under_way = UnderWay::begin(inner)?;
            Copying::new(inner, source, &under_way.instant, &mut target, &mut progress).run()
        });
        match copied {
            Ok(Some(copied)) => {
                target.finish()?;
                let (path, Snapshot { segments, bytes, .. }) = (source.path.clone(), copied);
                notice::now(|| Notice::SnapshotTaken { path, into: into.clone(), segments, bytes });
                Ok(Some(copied))
            }
            other => {
                target.discard();
                other
            }
        }
    }
}

/// A snapshot that is being taken. When it is over, files go that were to go meanwhile.
struct UnderWay<'a> {
    inner: &'a Inner,
    instant: Arc<Instant>,
}

impl<'a> UnderWay<'a> {
    fn begin(inner: &'a Inner) -> Result<Self> {
        let mut registry = inner.registry_of_open()?;
        if registry.copied.is_some() {
            let detail = "another one of this hub is being taken; wait until that is done";
            return Err(Error::invalid("snapshot", detail));
        }
        let instant = Arc::new(Instant::of(&registry)?);
        registry.copied = Some(instant.clone());
        Ok(Self { inner, instant })
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let (queues, streams): (Vec<_>, Vec<_>) = {
            let mut registry = lock_quietly(&self.inner.registry);
            registry.copied = None;
            self.instant.let_files_go();
            // What cannot be removed now is the next time.
            let _ = self.inner.remove_deleted(&mut registry);
            (registry.queues.values().cloned().collect(), registry.streams.values().cloned().collect())
        };
        queues.iter().for_each(|queue| queue.release_settled());
        streams.iter().for_each(|stream| stream.upkeep().look_again());
    }
}
