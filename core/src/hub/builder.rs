//! Options of a hub, each declared once with its default.

use crate::clock::Clock;
use crate::durability::Durability;
use crate::error::Result;
use crate::hub::{Hub, Inner};
use crate::journal::{Planted, STREAM_BYTES_MIN};
use crate::storage::Storage;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Options of a hub, each with its default.
///
/// ```
/// use ringmain::{Durability, Hub};
/// # let scratch = tempfile::tempdir().unwrap();
/// # let directory = scratch.path();
/// let hub = Hub::builder().durability(Durability::Written).open(directory)?;
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HubBuilder {
    pub(super) durability: Durability,
    pub(super) relaxed_max: Duration,
    pub(super) journal_bytes_max: u64,
    pub(super) stream_bytes_min: u64,
    pub(super) disk_reserve_bytes: Option<u64>,
    pub(super) allow_world_writable: bool,
    pub(super) clock: Clock,
    pub(super) storage: Option<Arc<dyn Storage>>,
    pub(super) scratch_directory: Option<PathBuf>,
    pub(super) planted: Planted,
}

impl Default for HubBuilder {
    fn default() -> Self {
        Self {
            durability: Durability::Synced,
            relaxed_max: Duration::from_millis(100),
            journal_bytes_max: 16 << 20,
            stream_bytes_min: STREAM_BYTES_MIN,
            disk_reserve_bytes: None,
            allow_world_writable: false,
            clock: Clock::System,
            storage: None,
            scratch_directory: None,
            planted: Planted::default(),
        }
    }
}

impl HubBuilder {
    /// What verbs wait for. Default [`Durability::Synced`]. A hub in memory waits for nothing.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a write that nobody waits for may stay in memory: what [`Durability::Relaxed`] may lose. Default 100 ms.
    pub fn relaxed_max(mut self, time: Duration) -> Self {
        self.relaxed_max = time;
        self
    }

    /// About how much each of the two journal files holds before its content is brought to the files of queues and
    /// streams: what opening after a crash may have to copy, twice at most. Default 16 MiB; at least 4 KiB and at most 1 GiB.
    pub fn journal_bytes_max(mut self, bytes: u64) -> Self {
        self.journal_bytes_max = bytes.clamp(4 << 10, 1 << 30);
        self
    }

    /// From about so much on, what one queue or stream has waiting for the disk goes straight to its own file, instead of
    /// through the journal. Default 128 KiB; at least 4 KiB and at most 16 MiB.
    pub fn streaming_bytes_min(mut self, bytes: u64) -> Self {
        self.stream_bytes_min = bytes.clamp(4 << 10, 16 << 20);
        self
    }

    /// How much of the file system publishing leaves free, so that a full disk can be drained: below it sends and appends get
    /// [`Error::DiskFull`](crate::Error::DiskFull); acknowledging, failing, committing, reading, deleting and closing go on.
    /// Default a twentieth of the file system, at most 1 GiB. A segment of a queue or stream may be begun beyond it: at most a 64th
    /// of the file system and 32 MiB.
    ///
    /// With 0 the disk may really fill up. The first write that finds no room then poisons the hub, as any failed write does:
    /// nothing acknowledged is lost, but nothing more is accepted until it is opened again, and that needs room.
    pub fn disk_reserve_bytes(mut self, bytes: u64) -> Self {
        self.disk_reserve_bytes = Some(bytes);
        self
    }

    /// Opens a directory that everybody on this machine may write, too. Default no: whoever may write it may put anything
    /// into it.
    pub fn allow_world_writable(mut self, allow: bool) -> Self {
        self.allow_world_writable = allow;
        self
    }

    /// Where time comes from. Default the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where files live. Default [`best`](crate::storage::best): the operating system's files, by io_uring where there is
    /// one; [`HubStats::storage`](crate::HubStats::storage) says which it is.
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }

    /// Where a hub in memory makes the files that queues with [`Overflow::Spill`](crate::Overflow::Spill) write to. Default the
    /// system's directory for temporary files; where that is in memory itself, name another. The files have no names, and are
    /// gone with the process.
    pub fn scratch_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.scratch_directory = Some(directory.into());
        self
    }

    /// Plants a bug, for the test that shows that it is caught.
    #[cfg(feature = "seeded-bugs")]
    pub fn seeded_bug(mut self, bug: crate::journal::SeededBug) -> Self {
        self.planted = Planted(Some(bug));
        self
    }

    /// A hub in memory.
    ///
    /// # Errors
    /// `Io` if its timer thread cannot be started.
    pub fn memory(self) -> Result<Hub> {
        Inner::start(self, None)
    }

    /// The durable hub in a directory, which is made if need be (mode 0700).
    ///
    /// # Errors
    /// `Locked` saying by whom, `Io`, `Corrupt` saying where, `Unsupported`.
    pub fn open(self, directory: impl AsRef<Path>) -> Result<Hub> {
        Inner::start(self, Some(directory.as_ref()))
    }
}
