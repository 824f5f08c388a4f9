//! A log at one instant, for a copy of its files that is made while it is in use.
//!
//! **Promise.** While a log is held still nothing of it becomes written or durable, so nobody is told that it is; appends go on. So
//! where several logs are held still at once, the cuts of all of them are of one instant: what was acknowledged before is before the
//! cut of its log, and of what was begun after an acknowledgement nothing is, unless what was acknowledged is, too.
//!
//! **Promise.** From the cut on no file of the log is removed or replaced, until [`Log::let_files_go`]. What was to go then stays for
//! a while; whoever wanted it gone tries again, as after a failed removal.

use crate::log::Log;
use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::segment_file::HEADER_BYTES;
use crate::log::writer::Writer;
use crate::sync::{MutexGuard, lock};

/// How far a log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The first segment.
    first: u64,
    /// Where everything ends.
    end: Place,
}

impl Cut {
    /// Where it ends.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// The segments that it has something of.
    pub(crate) fn segments(&self) -> impl Iterator<Item = u64> + use<> {
        self.first..self.end.segment() + u64::from(self.end.granule() > 0)
    }

    /// So many bytes of a segment's file count. None: all of them.
    pub(crate) fn file_bytes(&self, number: u64) -> Option<u64> {
        let is_last = number == self.end.segment();
        is_last.then(|| HEADER_BYTES as u64 + self.end.granule() * GRANULE_BYTES)
    }
}

/// While it lives nothing of its log becomes written or durable.
pub(crate) struct Still<'a> {
    log: &'a Log,
    /// Whoever moves the watermarks waits for it (P7).
    _writer: MutexGuard<'a, Writer>,
}

impl Still<'_> {
    /// Where the log ends now, and from now on its files stay as they are but for what is appended.
    pub(crate) fn cut(&self) -> Cut {
        let first = {
            let mut directory = lock(&self.log.directory);
            directory.keep_files(true);
            directory.start().0
        };
        // What is in the files already may be ahead of what its writers were told. A segment is compacted only when the next one
        // has something in its file, which must not be cut off.
        Cut { first, end: self.log.written_end().max(self.log.homed()) }
    }
}

impl Log {
    /// Holds it still. Of several logs one thread at a time holds more than one.
    pub(crate) fn hold_still(&self) -> Still<'_> {
        Still { log: self, _writer: lock(&self.writer) }
    }

    /// Whether its files must stay as they are.
    pub(crate) fn keeps_files(&self) -> bool {
        lock(&self.directory).is_kept()
    }

    /// From now on files may be removed and replaced again.
    pub(crate) fn let_files_go(&self) {
        lock(&self.directory).keep_files(false);
    }
}
