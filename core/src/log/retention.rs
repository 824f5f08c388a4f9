//! What of a log may still be read: a start that moves record by record, and behind it segments that are given back whole.
//!
//! **Promise.** Below the start nothing is read, although its segment may still be there. Age is that of the *ingest* time,
//! whose running maximum is what counts: a record is too old once one before which it was accepted is. What a producer says
//! of its own times is not looked at.
//!
//! **The start never goes back**, but for what compaction has left out anyway. Every durable mark of the log carries it, so that a log that is opened again begins where
//! it had begun, whatever its limits are by then, and although the clock may have been set back. What no mark carried before
//! a crash follows again from limits, records and clock. There is no other note of it: to write one whenever
//! time moves the start would be a sync now and then for a hub that has nothing to do.
//!
//! ```text
//!   [ segment 4 ][ segment 5 ][ segment 6 ][ segment 7, open ]
//!     released     |  start: the first that may be read
//!                  still there, hidden up to the start
//! ```
//!
//! **Failure.** What cannot be read is not too old: damage in a segment keeps it, until bytes or count make it go.

use crate::error::Result;
use crate::log::claim::Place;
use crate::log::frame::Kind;
use crate::log::reader::Reader;
use crate::log::{Level, Log, SEGMENT_BYTES_MIN};
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use std::sync::Arc;

/// No limit.
pub(crate) const UNLIMITED: u64 = u64::MAX;

/// How many times the largest segment fits the bytes that a log may hold: so exact are they.
const SEGMENTS_OF_BYTES_MAX: u64 = 8;

/// How much a log keeps; [`UNLIMITED`] for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) age_ns_max: u64,
    /// Of the segments held, the open one left out.
    pub(crate) bytes_max: u64,
    pub(crate) count_max: u64,
}

impl Limits {
    pub(crate) const NONE: Self = Self { age_ns_max: UNLIMITED, bytes_max: UNLIMITED, count_max: UNLIMITED };
}

/// The part of a log that knows how much is kept.
#[derive(Debug)]
pub(super) struct Retention {
    /// Sequence of the first record that may be read. At or above the first of the first segment held.
    start: AtomicU64,
    /// When the record at the start will be too old, as far as is known.
    expires_ns: AtomicU64,
    age_ns_max: AtomicU64,
    bytes_max: AtomicU64,
    count_max: AtomicU64,
    /// The first segment that is to stay whatever the limits say.
    held_from: AtomicU64,
    /// Held by whoever sets limits, or looks for what is too old.
    looking: Mutex<()>,
}

impl Retention {
    pub(super) fn from(start: u64) -> Self {
        let none = || AtomicU64::new(UNLIMITED);
        Self {
            start: AtomicU64::new(start),
            expires_ns: none(),
            age_ns_max: none(),
            bytes_max: none(),
            count_max: none(),
            held_from: none(),
            looking: Mutex::new(()),
        }
    }
}

impl Log {
    /// Sequence of the first record that may be read.
    pub(crate) fn first_readable(&self) -> u64 {
        // ORDERING: Acquire, P12 start: pairs with `move_start_to`; a reader that found a segment released finds the start
        // behind it, too.
        self.retention.start.load(Ordering::Acquire)
    }

    /// What is before `sequence` may no longer be read. Before its segments are released.
    pub(crate) fn move_start_to(&self, sequence: u64) {
        // ORDERING: AcqRel, P12: pairs with `first_readable`. It never goes back, whoever comes late.
        self.retention.start.fetch_max(sequence, Ordering::AcqRel);
    }

    /// How much is kept from now on.
    pub(crate) fn set_limits(&self, limits: Limits) {
        let _looking = lock(&self.retention.looking);
        let Limits { age_ns_max, bytes_max, count_max } = limits;
        // ORDERING: Relaxed for all of them: each is a number by itself, and the next look finds it.
        self.retention.age_ns_max.store(age_ns_max, Ordering::Relaxed);
        self.retention.bytes_max.store(bytes_max, Ordering::Relaxed);
        self.retention.count_max.store(count_max, Ordering::Relaxed);
        let expires_ns = if age_ns_max == UNLIMITED { UNLIMITED } else { 0 };
        self.retention.expires_ns.store(expires_ns, Ordering::Relaxed);
        // A power of two, as all usual sizes.
        let segment_bytes_max = 1 << (bytes_max / SEGMENTS_OF_BYTES_MAX).max(1).ilog2();
        lock(&self.directory).limit_bytes(SEGMENT_BYTES_MIN.max(segment_bytes_max));
    }

    fn limits(&self) -> Limits {
        // ORDERING: Relaxed for all of them: as in `set_limits`.
        Limits {
            age_ns_max: self.retention.age_ns_max.load(Ordering::Relaxed),
            bytes_max: self.retention.bytes_max.load(Ordering::Relaxed),
            count_max: self.retention.count_max.load(Ordering::Relaxed),
        }
    }

    /// Whether anything is ever given back.
    pub(crate) fn is_limited(&self) -> bool {
        self.limits() != Limits::NONE
    }

    /// When the record at the start will be too old, or the next one that comes.
    pub(crate) fn expires_ns(&self) -> u64 {
        // ORDERING: Relaxed: a time by itself.
        self.retention.expires_ns.load(Ordering::Relaxed)
    }

    /// Moves the start past what is too old at `now_ns`, and past what is over the count.
    pub(crate) fn move_start(self: &Arc<Self>, now_ns: u64) {
        let count_max = self.limits().count_max;
        if count_max != UNLIMITED {
            self.move_start_to(self.end_sequence().saturating_sub(count_max));
        }
        if self.expires_ns() <= now_ns {
            self.expire(now_ns);
        }
    }

    fn expire(self: &Arc<Self>, now_ns: u64) {
        let _looking = lock(&self.retention.looking);
        let age_ns_max = self.limits().age_ns_max;
        if self.expires_ns() > now_ns {
            return;
        }
        let oldest_ns = now_ns.checked_sub(age_ns_max).map_or(0, |too_old_ns| too_old_ns + 1);
        let first_ns = self.end_of_older(oldest_ns).and_then(|sequence| {
            self.move_start_to(sequence);
            self.first_time_ns()
        });
        // Without a record to look at, none that comes is too old before that.
        let first_ns = first_ns.unwrap_or_default().unwrap_or(now_ns);
        let expires_ns = first_ns.max(oldest_ns).saturating_add(age_ns_max).max(now_ns.saturating_add(1));
        // ORDERING: Relaxed: a time by itself.
        self.retention.expires_ns.store(expires_ns, Ordering::Relaxed);
    }

    /// The sequence behind the last record that was accepted before `oldest_ns`, and before any that was not.
    fn end_of_older(self: &Arc<Self>, oldest_ns: u64) -> Result<u64> {
        let is_compacted = lock(&self.directory)
            .iter()
            .filter_map(|entry| entry.segment)
            .any(|segment| segment.is_compacted());
        if !is_compacted {
            return self.sequence_at_time(oldest_ns);
        }
        // What compaction left out was not too old: who waits there, misses nothing.
        let mut end = self.first_readable();
        let mut reader = Reader::earliest(self.clone());
        reader.seek(end)?;
        while reader.advance()? {
            match reader.frame() {
                frame if frame.kind() != Kind::Data => {}
                frame if frame.time_ns() < oldest_ns => end = end.max(reader.sequence() + 1),
                _ => break,
            }
        }
        Ok(end)
    }

    /// When the first record that may be read was accepted.
    fn first_time_ns(self: &Arc<Self>) -> Result<Option<u64>> {
        let mut reader = Reader::earliest(self.clone());
        reader.seek(self.first_readable())?;
        while reader.advance()? {
            if reader.frame().kind() == Kind::Data {
                return Ok(Some(reader.frame().time_ns()));
            }
        }
        Ok(None)
    }

    /// Whether the open segment has records, none of which may be read: sealed, it could be given back.
    pub(crate) fn is_open_segment_unreadable(&self) -> bool {
        let (start, end) = (self.first_readable(), self.end_sequence());
        start >= end && self.open_segment_with_records().is_some()
    }

    /// Gives back the segments in which nothing may be read, and those over the bytes, oldest first.
    ///
    /// False: what comes after is not in its file yet, and without that a file has to stay.
    ///
    /// # Errors
    /// A file that cannot be removed; those before it are gone.
    pub(crate) fn release_unreadable(&self) -> Result<bool> {
        let Some(number) = self.first_wanted()? else { return Ok(true) };
        self.release_before(number)?;
        Ok(self.start().0 >= number)
    }

    /// Whether there is a segment that may not be read any more.
    ///
    /// # Errors
    /// A header that cannot be read.
    pub(crate) fn has_unwanted(&self) -> Result<bool> {
        Ok(self.first_wanted()?.is_some_and(|number| self.start().0 < number))
    }

    /// From this segment on all stay as they are, because their frames tell something that is told nowhere else.
    pub(crate) fn hold_from(&self, segment: u64) {
        // ORDERING: Release: pairs with `held_from`; what the segments before tell is durable elsewhere.
        self.retention.held_from.store(segment, Ordering::Release);
    }

    /// The first segment that has to stay as it is; [`UNLIMITED`] if none has.
    pub(crate) fn held_from(&self) -> u64 {
        // ORDERING: Acquire: pairs with `hold_from`.
        self.retention.held_from.load(Ordering::Acquire)
    }

    /// The first segment that is to stay.
    fn first_wanted(&self) -> Result<Option<u64>> {
        let bytes_max = self.limits().bytes_max;
        let start = self.first_readable();
        self.look(|directory| {
            let Some(last) = directory.last().map(|last| last.number) else { return Ok(None) };
            let first = directory.start().0;
            let (mut by_bytes, mut bytes) = (if bytes_max == UNLIMITED { first } else { last }, 0u64);
            while by_bytes > first
                && let Some(before) = directory.segment(by_bytes - 1)?
                && bytes.saturating_add(before.data_bytes) <= bytes_max
            {
                (by_bytes, bytes) = (by_bytes - 1, bytes + before.data_bytes);
            }
            let by_start = directory.holding(start)?.map_or(0, |segment| segment.number);
            Ok(Some(by_bytes.max(by_start)))
        })
    }

    /// Brings home what is durable, whatever the journal has of it.
    ///
    /// # Errors
    /// The failed write or sync; the log is poisoned.
    pub(crate) fn bring_all_home(&self) -> Result<()> {
        self.bring_home(self.limit(Level::Durable)).inspect_err(|error| self.poison(error))
    }

    /// Whether something of the open segment is in its file: before that, the one before it has to stay as it is.
    pub(crate) fn is_open_segment_home(&self) -> bool {
        let last = lock(&self.directory).last().map_or(0, |last| last.number);
        self.is_later_home(last.saturating_sub(1))
    }

    /// Whether something of a segment after `number` is in its file: before that, `number` has to stay as it is.
    pub(super) fn is_later_home(&self, number: u64) -> bool {
        self.homed() > Place::new(number + 1, 0)
    }
}
