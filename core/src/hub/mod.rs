//! The hub: names, directory, lock, thread, clock, options. Everything else hangs from it.
//!
//! **Promise.** One process has a durable hub open at a time. What a verb of a durable hub acknowledged survives what its
//! [`Durability`] says. Closing wakes everybody, and never hangs longer than asked.
//!
//! **Failure.** A queue or stream whose files are damaged cannot be opened; the others can.
//!
//! **Where next.** `builder`, `queue_builder`, `stream_builder`: options; `delete`: away with them; `directory`, `catalogue`: files; `timer`: the
//! thread; `schedule`: messages sent by the clock; `prometheus`: counts as text; `snapshot`: a copy, and
//! back; `verify`, `salvage`: damaged directories.

mod builder;
mod catalogue;
mod delete;
mod directory;
mod hand_over;
mod info;
mod prometheus;
mod queue_builder;
mod registry;
mod salvage;
mod schedule;
mod snapshot;
mod stream_builder;
mod timer;
mod verify;

pub use builder::HubBuilder;
pub use info::{QueueInfo, StreamInfo};
pub use queue_builder::QueueBuilder;
#[cfg(feature = "cron")]
pub use schedule::{Missed, Schedule, ScheduleBuilder, ScheduleInfo};
pub use snapshot::{Snapshot, SnapshotProgress};
pub use stream_builder::StreamBuilder;
pub use verify::{Damage, Report};

pub use crate::log::Loss;

use crate::clock::alarm::Alarm;
use crate::clock::{Clock, Timed};
use crate::error::{Error, Result};
use crate::journal::{Journal, JournalPlace, Range, Reserve};
use crate::log::{Level, Log, Restore, Scratch};
use crate::message::duration_ns;
use crate::notice::{self, Notice, QuietGuard, lock_quietly};
use crate::queue::QueueStats;
use crate::storage;
use crate::stream::StreamStats;
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicBool, Ordering, lock};
use catalogue::Catalogue;
use directory::Directory;
use registry::Registry;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// An open hub. Clones are the same hub; it closes with [`close`](Hub::close), or when the last clone and the last of
/// its queues and streams are dropped.
///
/// ```
/// use ringmain::{Hub, Message};
/// # let scratch = tempfile::tempdir().unwrap();
/// # let directory = scratch.path().join("data");
/// let hub = Hub::open(&directory)?;
/// let jobs = hub.queue("jobs").dead_letter("jobs.dead").open()?;
/// jobs.send(Message::new(b"resize 17.png"))?; // on disk when this returns
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

/// What a hub holds.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HubStats {
    /// The open queues by name.
    pub queues: Vec<(String, QueueStats)>,
    /// The open streams by name.
    pub streams: Vec<(String, StreamStats)>,
    /// Bytes of unfinished writes, left by a crash, that were cut when queues and streams were opened.
    pub recovered_cut_bytes: u64,
    /// Bytes that are free on the file system of its directory; `None` in memory, and where that cannot be told.
    pub disk_free_bytes: Option<u64>,
    /// Bytes of them that publishing leaves free.
    pub disk_reserve_bytes: u64,
    /// How files are written, and, where that is not the best way there is, why; empty in memory.
    pub storage: String,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    alarm: Arc<Alarm>,
    journal: Arc<Journal>,
    directory: Option<Directory>,
    storage_name: String,
    /// Where queues in memory put what is too much for it.
    scratch: Scratch,
    registry: Mutex<Registry>,
    #[cfg(feature = "cron")]
    schedules: schedule::Schedules,
    closed: AtomicBool,
    timer: Mutex<Option<JoinHandle<()>>>,
}

impl Hub {
    /// A hub in memory: gone with the last handle.
    ///
    /// # Panics
    /// If the system cannot start a thread; [`HubBuilder::memory`] returns that as an error.
    pub fn memory() -> Self {
        match Self::builder().memory() {
            Ok(hub) => hub,
            Err(error) => panic!("{error}"),
        }
    }

    /// The durable hub in a directory, which is made if need be.
    ///
    /// # Errors
    /// `Locked` saying by whom, `Io`, `Corrupt` saying where, `Unsupported`.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(directory)
    }

    /// A hub with options other than the defaults.
    pub fn builder() -> HubBuilder {
        HubBuilder::default()
    }

    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// A queue to open or make.
    pub fn queue(&self, name: &str) -> QueueBuilder {
        QueueBuilder::new(self.clone(), name)
    }

    /// A stream to open or make.
    pub fn stream(&self, name: &str) -> StreamBuilder {
        StreamBuilder::new(self.clone(), name)
    }

    /// Where its time comes from.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Names of its queues, in order.
    ///
    /// # Errors
    /// `Closed`.
    pub fn queues(&self) -> Result<Vec<String>> {
        self.inner.check_open()?;
        Ok(lock_quietly(&self.inner.registry).catalogue.queues.keys().cloned().collect())
    }

    /// Names of its streams, in order.
    ///
    /// # Errors
    /// `Closed`.
    pub fn streams(&self) -> Result<Vec<String>> {
        self.inner.check_open()?;
        Ok(lock_quietly(&self.inner.registry).catalogue.streams.keys().cloned().collect())
    }

    /// Makes everything durable that verbs have returned for, whatever the hub's durability.
    ///
    /// # Errors
    /// `Poisoned` if a write or sync failed.
    pub fn flush(&self) -> Result<()> {
        self.inner.check_open()?;
        let logs = lock_quietly(&self.inner.registry).logs.clone();
        self.inner.flush(&logs)
    }

    /// Counts of every queue and stream that is open.
    ///
    /// # Errors
    /// `Closed`.
    pub fn stats(&self) -> Result<HubStats> {
        self.inner.check_open()?;
        let registry = lock_quietly(&self.inner.registry);
        Ok(HubStats {
            queues: registry.queues.iter().map(|(name, queue)| (name.to_string(), queue.stats())).collect(),
            streams: registry
                .streams
                .iter()
                .map(|(name, stream)| (name.to_string(), stream.stats()))
                .collect(),
            recovered_cut_bytes: registry.cut_bytes,
            disk_free_bytes: self.inner.free_bytes(),
            disk_reserve_bytes: self.inner.journal.reserve_bytes(),
            storage: self.inner.storage_name.clone(),
        })
    }

    /// Refuses verbs from now on, wakes whoever waits with `Closed`, releases what is out without penalty, makes
    /// everything durable, and unlocks the directory. A second close is fine.
    ///
    /// # Errors
    /// `Timeout` if the disk took longer than `timeout` (it goes on, and unlocks when done); `Poisoned`.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        self.inner.journal.check_owner()?;
        let (done, outcome) = mpsc::channel();
        let inner = self.inner.clone();
        let closer = thread::Builder::new().name("ringmain-close".into()).spawn(move || {
            let _ = done.send(inner.shut());
        });
        closer.map_err(|e| Error::io("start a thread for", "close", &e))?;
        outcome.recv_timeout(timeout).unwrap_or(Err(Error::Timeout { doing: "closing the hub" }))
    }
}

impl Inner {
    fn start(options: HubBuilder, directory: Option<&Path>) -> Result<Hub> {
        let alarm = Arc::new(Alarm::new());
        let mut storage_name = String::new();
        let scratch = Scratch {
            storage: options.storage.clone().unwrap_or_else(|| Arc::new(storage::Blocking)),
            directory: options.scratch_directory.unwrap_or_else(std::env::temp_dir),
        };
        let (directory, level) = match directory {
            Some(path) => {
                let (storage, why) = options.storage.map_or_else(storage::best, |storage| (storage, None));
                storage_name = match why {
                    Some(why) => format!("{} ({why})", storage.name()),
                    None => storage.name(),
                };
                (
                    Some(Directory::open(storage, path, options.allow_world_writable)?),
                    options.durability.into(),
                )
            }
            None => (None, Level::Committed),
        };
        let catalogue = match &directory {
            Some(directory) => Catalogue::load(&*directory.storage, &directory.path)?,
            None => Catalogue::new(),
        };
        let mut journal =
            Journal::new(options.clock.clone(), alarm.clone(), level, duration_ns(options.relaxed_max));
        if let Some(directory) = &directory {
            let place = JournalPlace {
                storage: directory.storage.clone(),
                directory: directory.path.clone(),
                hub_id: catalogue.hub_id(),
                bytes_max: options.journal_bytes_max,
                stream_bytes_min: options.stream_bytes_min,
                has_threads: options.clock.is_system(),
                planted: options.planted,
            };
            journal.open(place, |pieces| restore(directory, &catalogue, pieces))?;
            let (storage, path) = (directory.storage.clone(), directory.path.clone());
            journal.keep_free(Reserve::new(storage, path, options.disk_reserve_bytes));
        }
        let inner = Arc::new(Self {
            clock: options.clock,
            alarm,
            journal: Arc::new(journal),
            directory,
            storage_name,
            scratch,
            registry: Mutex::new(Registry::new(catalogue)),
            #[cfg(feature = "cron")]
            schedules: schedule::Schedules::default(),
            closed: AtomicBool::new(false),
            timer: Mutex::new(None),
        });
        // What cannot be removed now is when a queue or stream is made.
        let _ = inner.remove_deleted(&mut lock_quietly(&inner.registry));
        let weak = Arc::downgrade(&inner);
        if inner.clock.is_system() {
            if inner.directory.is_some() {
                inner.journal.start()?;
            }
            let thread =
                timer::start(weak, inner.alarm.clone()).map_err(|e| Error::io("start", "timer", &e))?;
            *lock(&inner.timer) = Some(thread);
        } else {
            inner.clock.register(weak as Weak<dyn Timed>);
        }
        let hub = Hub { inner };
        #[cfg(feature = "cron")]
        schedule::Schedules::load(&hub);
        let (path, storage) = (hub.inner.path(), hub.inner.storage_name.clone());
        notice::now(|| Notice::HubOpened { path, storage });
        Ok(hub)
    }

    fn check_open(&self) -> Result<()> {
        self.journal.check_owner()?;
        // ORDERING: Acquire: pairs with `shut`.
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed { what: "the hub" }) } else { Ok(()) }
    }

    /// The registry, to open something in: `shut` closes what is opened before it takes the lock, and nothing is after.
    fn registry_of_open(&self) -> Result<QuietGuard<'_, Registry>> {
        let registry = lock_quietly(&self.registry);
        self.check_open()?;
        Ok(registry)
    }

    fn free_bytes(&self) -> Option<u64> {
        let directory = self.directory.as_ref()?;
        directory.storage.space(&directory.path).ok().map(|space| space.free_bytes)
    }

    fn save(&self, catalogue: &Catalogue) -> Result<()> {
        match &self.directory {
            Some(directory) => catalogue.save(&*directory.storage, &directory.path),
            None => Ok(()),
        }
    }

    /// Opens a log of this hub, in memory or in the directory that `path` names.
    fn open_log(
        &self,
        registry: &mut Registry,
        id: u64,
        data: Arc<EventCount>,
        path: impl FnOnce(&Directory) -> Result<PathBuf>,
    ) -> Result<Arc<Log>> {
        match &self.directory {
            None => Ok(Arc::new(Log::memory_with(self.scratch.clone(), data))),
            Some(directory) => {
                let (path, level) = (path(directory)?, self.journal.level());
                let (log, recovered) = Log::open(directory.storage.clone(), path.clone(), id, level, data)?;
                let log = Arc::new(log);
                if recovered.cut_bytes > 0 {
                    notice::later(|| Notice::TailCut { path, bytes: recovered.cut_bytes });
                }
                registry.cut_bytes += recovered.cut_bytes;
                registry.logs.push(log.clone());
                registry.copied.iter().for_each(|copied| copied.opened(&log));
                Ok(log)
            }
        }
    }

    /// Does what is due: leases and delays of the queues, schedules, the commit of what nobody waits for, the members of the
    /// groups and the upkeep of the streams.
    fn run_due(&self, now_ns: u64) {
        let (queues, streams) = {
            let registry = lock_quietly(&self.registry);
            let queues: Vec<_> = registry.queues.values().cloned().collect();
            (queues, registry.streams.values().cloned().collect::<Vec<_>>())
        };
        queues.iter().for_each(|queue| queue.tick(now_ns));
        #[cfg(feature = "cron")]
        self.schedules.tick(self);
        streams.iter().for_each(|stream| stream.lines.tick(now_ns));
        self.journal.commit_noted();
        streams.iter().for_each(|stream| stream.tick(now_ns));
    }

    fn flush(&self, logs: &[Arc<Log>]) -> Result<()> {
        // All of them on the list first, so that the first wait commits them all. Nevertheless each is waited for: a
        // leader of the hub's own, lower level may have taken it off the list.
        logs.iter().for_each(|log| self.journal.note(log));
        let wait = |log: &Arc<Log>| {
            self.journal.commit_to(log, log.claimed(), Level::Durable).and_then(|()| log.poisoned())
        };
        logs.iter().map(wait).fold(Ok(()), Result::and)
    }

    fn shut(&self) -> Result<()> {
        // ORDERING: AcqRel: pairs with `check_open`.
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.alarm.stop();
        let (queues, streams, logs) = {
            let registry = lock_quietly(&self.registry);
            let queues: Vec<_> = registry.queues.values().cloned().collect();
            let streams: Vec<_> = registry.streams.values().cloned().collect();
            (queues, streams, registry.logs.clone())
        };
        queues.iter().for_each(|queue| queue.close());
        streams.iter().for_each(|stream| stream.close());
        let mut flushed = self.flush(&logs);
        // Once more, so that a durable mark covers that flush: damage in it is then told from a torn tail. And verbs in
        // flight may have appended; from the close of its log on none does, and none has anything left to write.
        for log in &logs {
            log.append_durable_mark(self.clock.now_ns());
            log.close();
        }
        flushed = flushed.and(self.flush(&logs)).and(self.journal.close());
        if flushed.is_ok() {
            logs.iter().for_each(|log| log.release_unused());
        }
        if let Some(directory) = &self.directory {
            directory.unlock();
        }
        notice::now(|| Notice::HubClosed { path: self.path() });
        flushed
    }

    /// Where it is; `None` in memory.
    fn path(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.path.clone())
    }
}

/// Copies what the journal holds to the files of the logs. Those that are not in the catalogue were deleted.
fn restore(
    directory: &Directory,
    catalogue: &Catalogue,
    pieces: &mut dyn Iterator<Item = &Range<'_>>,
) -> Result<()> {
    let mut logs = BTreeMap::new();
    for Range { segment, byte_position, bytes } in pieces {
        let log = match logs.entry(segment.log_id) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(new) => {
                let path = catalogue.path_of(segment.log_id, directory).transpose()?;
                let restore = path.map(|path| Restore::of(directory.storage.clone(), path)).transpose()?;
                new.insert(restore)
            }
        };
        if let Some(restore) = log {
            restore.write(segment, *byte_position, bytes)?;
        }
    }
    logs.values().flatten().try_for_each(Restore::sync)
}

impl Timed for Inner {
    fn tick(&self, now_ns: u64) {
        if self.check_open().is_ok() {
            self.run_due(now_ns);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.journal.check_owner().is_err() {
            return;
        }
        let _ = self.shut();
        if let Some(timer) = lock(&self.timer).take()
            && timer.thread().id() != thread::current().id()
        {
            let _ = timer.join();
        }
    }
}
