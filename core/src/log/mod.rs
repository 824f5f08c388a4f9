//! The log: frames appended lock-free to segments, read by any number of readers, and, on a durable hub, the very
//! same bytes written to files.
//!
//! **Promise.** Sequences of records are dense and in order of claim. A batch is seen whole or not at all. A stalled
//! producer delays readers at its record and never another append, until the blocks come round. What the journal
//! reported durable survives power loss as a prefix.
//!
//! **Not promised.** That a record stays: its owner limits what is kept (`retention.rs`), or releases segments.
//!
//! ```text
//!   producers --claim--> block[segment % BLOCKS] --> Header --pin--> Buffer      (live)
//!                                                       |
//!   readers  --len words-------------------------------+--> file, by Home        (durable, evicted)
//! ```
//!
//! **Protocols**, each argued where its words are: `P1 commit` (append.rs), `P2 mark` (marks.rs), `P3 pin` and
//! `P4 seal` (segment.rs), `P5 next` (segment.rs), `P6 open` (rotate.rs), `P12 start` (retention.rs). Models of this
//! code, named for them, are in `loom-tests/`.
//!
//! **Failure.** A failed write or sync poisons the log: appends and waits return the error until it is reopened.
//!
//! | file | what |
//! |---|---|
//! | `claim`, `frame`, `header_block`, `segment_file` | layouts: packed words, frames, headers of files |
//! | `append`, `append_at`, `rotate` | producers: claim and commit; only where the log ends as expected; opening, evicting, releasing segments |
//! | `reader`, `cold`, `pin`, `payload` | walking the log; in its files; keeping a segment, or one frame |
//! | `find`, `time`, `index` | seeking by offset and by time |
//! | `retention` | what may still be read, by age, bytes and count |
//! | `compaction` | leaving out what a later record of the same key has replaced |
//! | `count` | how many records there are |
//! | `writer`, `streaming`, `home` | to disk, on disk |
//! | `restore`, `recovery`, `open` | back from the journal, back from disk |
//! | `spill` | what is too much for a log in memory, to a scratch file |
//! | `still` | at one instant, to be copied while it is in use |
//! | `survey` | what damaged files hold |
//! | `pages`, `buffer`, `segment`, `marks`, `slab`, `directory` | memory |
//! | `ranges` | sets of sequences |

mod append;
mod append_at;
mod buffer;
pub(crate) mod claim;
mod cold;
mod compaction;
mod count;
mod directory;
mod find;
pub(crate) mod frame;
pub(crate) mod header_block;
mod home;
pub(crate) mod index;
pub(crate) mod marks;
mod open;
mod pages;
mod payload;
mod pin;
mod ranges;
mod reader;
pub(crate) mod recovery;
mod restore;
mod retention;
mod rotate;
mod segment;
pub(crate) mod segment_file;
mod slab;
mod spill;
mod still;
mod streaming;
pub(crate) mod survey;
mod time;
mod writer;

pub(crate) use append::Appended;
pub(crate) use claim::Place;
pub(crate) use compaction::{Compactor, Rules};
#[cfg(feature = "seeded-bugs")]
pub use frame::without_frame_checksums;
pub(crate) use frame::{Draft, Frame, INDEXED, Kind, Options};
pub(crate) use home::Home;
pub(crate) use payload::Payload;
pub(crate) use ranges::Ranges;
pub(crate) use reader::{Reader, Shown, Then};
pub(crate) use restore::Restore;
pub(crate) use retention::{Limits, UNLIMITED};
pub(crate) use segment_file::SegmentFile;
pub(crate) use slab::Slab;
pub(crate) use spill::{SEGMENTS_OF_MEMORY, Scratch};
pub(crate) use still::Cut;
pub(crate) use streaming::Progress;
pub use survey::Loss;

use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::notice::{self, Notice};
use crate::sync::event_count::EventCount;
use crate::sync::{AtomicBool, AtomicU64, IS_MODEL, Mutex, Ordering, lock};
use claim::{CLOSED, ROTATING, UNOPENED};
use crossbeam_utils::CachePadded;
use directory::Directory;
use marks::Marks;
use retention::Retention;
use segment::Header;
use spill::Spill;
use std::sync::{Arc, OnceLock};
use writer::Writer;

/// Claim lines: segment `s` is served by block `s % BLOCKS`.
const BLOCKS: usize = if IS_MODEL { 2 } else { 4 };

/// Smallest segment: what an idle queue costs; in models, two empty records.
pub(crate) const SEGMENT_BYTES_MIN: u64 = if IS_MODEL { 48 } else { 16 << 10 };
/// Largest segment of a memory log, unless one record needs more: what a second-level cache holds, so that whoever writes finds there
/// what was zeroed just before.
pub(crate) const MEMORY_SEGMENT_BYTES_MAX: u64 = if IS_MODEL { SEGMENT_BYTES_MIN } else { 1 << 20 };
/// Largest segment of a durable log, unless one record needs more.
pub(crate) const DURABLE_SEGMENT_BYTES_MAX: u64 = if IS_MODEL { SEGMENT_BYTES_MIN } else { 32 << 20 };

/// What a record must have reached for readers to see it, and for verbs to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// In memory.
    Committed,
    /// With the operating system.
    Written,
    /// On disk.
    Durable,
}

impl From<Durability> for Level {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Relaxed => Self::Committed,
            Durability::Written => Self::Written,
            Durability::Synced => Self::Durable,
        }
    }
}

#[derive(Debug)]
struct Block {
    claim: AtomicU64,
    header: AtomicU64,
}

/// One log. See the module's description.
#[derive(Debug)]
pub(crate) struct Log {
    id: u64,
    /// What readers see.
    visible: Level,
    home: Option<Home>,
    current: CachePadded<AtomicU64>,
    blocks: [CachePadded<Block>; BLOCKS],
    marks: Marks,
    headers: Slab<Header, 8>,
    /// Headers whose buffer was freed. Its own lock: a reader that unpins must not wait for the directory.
    free_headers: Mutex<Vec<u32>>,
    directory: Mutex<Directory>,
    /// Bytes that the next segment must have at least, for a record too large for the usual size.
    size_request: AtomicU64,
    /// Committed something, or moved what readers may see. Told for one reader: where more of them are to look, it is for all,
    /// or the first passes it on.
    data: Arc<EventCount>,
    writer: Mutex<Writer>,
    written: AtomicU64,
    durable: AtomicU64,
    /// Up to here everything is in the log's own files, synced.
    homed: AtomicU64,
    /// Held by whoever brings something home.
    homing: Mutex<index::Walked>,
    /// That `homed` moved, or `homing` is free.
    home_moved: EventCount,
    /// Bytes of the segments that are not wholly home.
    unhomed_bytes: AtomicU64,
    /// From this place on the log is worth streaming.
    stream_at: AtomicU64,
    /// In the journal's list of logs to commit.
    dirty: AtomicBool,
    retention: Retention,
    /// Where it may put what is too much for memory.
    scratch: Option<Scratch>,
    spill: Mutex<Spill>,
    poison: OnceLock<Error>,
}

impl Log {
    /// An empty log in memory. `data` is notified when there is more to read; logs may share one.
    pub(crate) fn memory(data: Arc<EventCount>) -> Self {
        Self::with(0, None, Level::Committed, Directory::new(MEMORY_SEGMENT_BYTES_MAX, 1, 0), data)
    }

    /// The same, and what is too much for memory goes to scratch files there, once there is a limit
    /// ([`limit_memory`](Self::limit_memory)).
    pub(crate) fn memory_with(scratch: Scratch, data: Arc<EventCount>) -> Self {
        Self { scratch: Some(scratch), ..Self::memory(data) }
    }

    fn with(
        id: u64,
        home: Option<Home>,
        visible: Level,
        directory: Directory,
        data: Arc<EventCount>,
    ) -> Self {
        let first = directory.next_number() - 1;
        let (_, start) = directory.start();
        let block = || CachePadded::new(Block { claim: AtomicU64::new(UNOPENED), header: AtomicU64::new(0) });
        Self {
            id,
            visible,
            home,
            current: CachePadded::new(AtomicU64::new(claim::current(first, ROTATING))),
            blocks: std::array::from_fn(|_| block()),
            marks: Marks::new(),
            headers: Slab::new(),
            free_headers: Mutex::new(Vec::new()),
            directory: Mutex::new(directory),
            size_request: AtomicU64::new(0),
            data,
            writer: Mutex::new(Writer::at(Place::new(first + 1, 0), start)),
            written: AtomicU64::new(Place::new(first + 1, 0).0),
            durable: AtomicU64::new(Place::new(first + 1, 0).0),
            homed: AtomicU64::new(Place::new(first + 1, 0).0),
            homing: Mutex::default(),
            home_moved: EventCount::new(),
            unhomed_bytes: AtomicU64::new(0),
            stream_at: AtomicU64::new(0),
            dirty: AtomicBool::new(false),
            retention: Retention::from(start),
            scratch: None,
            spill: Mutex::default(),
            poison: OnceLock::new(),
        }
    }

    /// What names it in its files and in the journal.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether there are files under it.
    pub(crate) fn is_durable(&self) -> bool {
        self.home.is_some()
    }

    /// Whether everything before `place` has reached `level`.
    pub(crate) fn reached(&self, level: Level, place: Place) -> bool {
        self.limit(level) >= place
    }

    /// Where `level` ends now; the end of everything for a level that this log does not track.
    fn limit(&self, level: Level) -> Place {
        // ORDERING: Acquire, P7 watermark: pairs with the Release of `publish`; carries that the frames below are
        // committed, and for the caller that they are written or synced.
        match level {
            _ if self.home.is_none() => Place::END,
            Level::Committed => Place::END,
            Level::Written => Place(self.written.load(Ordering::Acquire)),
            Level::Durable => Place(self.durable.load(Ordering::Acquire)),
        }
    }

    /// Where what is written ends now.
    fn written_end(&self) -> Place {
        self.limit(Level::Written)
    }

    /// What notifies when there is more to read.
    pub(crate) fn data(&self) -> &EventCount {
        &self.data
    }

    /// Sets the flag that the log is in the journal's list; true if it was not.
    pub(crate) fn mark_dirty(&self) -> bool {
        // ORDERING: AcqRel, P8 dirty: pairs with `clear_dirty`. Whoever finds the flag set knows that the leader that
        // will clear it acquires what was committed before this.
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    /// Clears the flag, before the frames are collected.
    pub(crate) fn clear_dirty(&self) {
        // ORDERING: AcqRel, P8: see `mark_dirty`; a read-modify-write, so that it acquires every swap before it.
        self.dirty.swap(false, Ordering::AcqRel);
    }

    /// The error that stopped this log, if one did.
    pub(crate) fn poisoned(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |e| Err(e.clone()))
    }

    /// Refuses everything from now on, and wakes everybody to tell them.
    pub(crate) fn poison(&self, error: &Error) {
        if self.refuse(error) {
            notice::later(|| Notice::StorageFailed { is_journal: false, error: error.clone() });
        }
    }

    /// The same because of something that the operator is told anyway. False: it did so already.
    pub(crate) fn refuse(&self, error: &Error) -> bool {
        let poisoned = match error {
            Error::Io { operation, path, detail, errno } => {
                Error::Poisoned { path: path.clone(), operation, detail: detail.clone(), errno: *errno }
            }
            other => other.clone(),
        };
        let is_first = self.poison.set(poisoned).is_ok();
        if is_first {
            self.close();
            self.home_moved.notify_all();
        }
        is_first
    }

    /// Refuses appends from now on, and removes no file any more; readers drain what is there. Who claimed before commits
    /// normally; nobody claims after, so that what [`claimed`](Self::claimed) says then is the end for good.
    pub(crate) fn close(&self) {
        {
            // Nobody opens a segment meanwhile, nor removes a file.
            let _directory = lock(&self.directory);
            // ORDERING: AcqRel: appends that load it after this see CLOSED.
            let found = self.current.fetch_or(CLOSED, Ordering::AcqRel);
            if found & (CLOSED | ROTATING) == 0 {
                // Without a pad: the segment may be continued when the log is opened again.
                if let Some((header, records, end)) = self.end_claims(claim::current_segment(found)) {
                    header.seal(records, end);
                }
            }
        }
        self.data.notify_all();
    }

    #[inline]
    fn header(&self, index: u32) -> &Header {
        match self.headers.entry(index as usize) {
            Some(header) => header,
            None => unreachable!("a header index comes from the slab"),
        }
    }
}

#[cfg(test)]
mod tests;
