//! The part of the file system that publishing leaves free, so that acknowledging, committing and deleting go on when it is
//! full.
//!
//! **Promise.** Below the reserve [`admit`](Reserve::admit) refuses, saying how much is free; above it costs one load. What
//! the journal has not brought home counts as used: the segments for it will be made.
//!
//! **Not promised.** That the disk is never full: others write to it too, and the segment that is begun last may reach into
//! the reserve. The file system is asked after so many bytes were
//! committed, or after a tenth of a second, and before anything is refused.

use crate::error::{Error, Result};
use crate::notice::{self, Notice};
use crate::storage::{Space, Storage};
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use std::path::PathBuf;
use std::sync::Arc;

/// Most bytes that are committed between two looks, and the most time.
const UNLOOKED_BYTES_MAX: u64 = 1 << 20;
const UNLOOKED_NS_MAX: u64 = 100_000_000;
/// The default: a twentieth of the file system, but no more than this.
const DEFAULT_BYTES_MAX: u64 = 1 << 30;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Reserve {
    storage: Arc<dyn Storage>,
    directory: PathBuf,
    bytes: u64,
    is_low: AtomicBool,
    /// What the journal held at the last look and had not brought home.
    pending_bytes: AtomicU64,
    unlooked_bytes: AtomicU64,
    looked_ns: AtomicU64,
}

impl Reserve {
    /// Of the file system that `directory` is on, as it is. None: nothing is reserved, or the storage cannot tell.
    pub(crate) fn new(storage: Arc<dyn Storage>, directory: PathBuf, bytes: Option<u64>) -> Option<Self> {
        let total_bytes = storage.space(&directory).ok()?.total_bytes;
        let bytes = bytes.unwrap_or((total_bytes / 20).min(DEFAULT_BYTES_MAX));
        let reserve = Self {
            storage,
            directory,
            bytes,
            is_low: AtomicBool::new(false),
            pending_bytes: AtomicU64::new(0),
            unlooked_bytes: AtomicU64::new(0),
            looked_ns: AtomicU64::new(0),
        };
        reserve.look();
        (bytes > 0).then_some(reserve)
    }

    /// How much publishing leaves free.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether something may be published.
    ///
    /// # Errors
    /// `DiskFull`.
    pub(crate) fn admit(&self) -> Result<()> {
        // ORDERING: Relaxed: nothing is published by the flag; whoever sees it late publishes a little more.
        if !self.is_low.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Space may have been freed, and when nothing is committed nobody else looks.
        let low = self.look();
        notice::tell();
        match low {
            Some(space) => Err(Error::DiskFull {
                path: self.directory.clone(),
                free_bytes: space.free_bytes,
                reserve_bytes: self.bytes,
            }),
            None => Ok(()),
        }
    }

    /// Counts what was committed; called by the leader alone. `pending_bytes`: what the journal has not brought home takes.
    pub(crate) fn committed(&self, bytes: u64, pending_bytes: impl FnOnce() -> u64, now_ns: u64) {
        // ORDERING: Relaxed: the leader's own, under its lock.
        let unlooked = self.unlooked_bytes.load(Ordering::Relaxed) + bytes;
        let looked_ns = self.looked_ns.load(Ordering::Relaxed);
        let is_due = unlooked >= UNLOOKED_BYTES_MAX.min(self.bytes / 8)
            || now_ns.saturating_sub(looked_ns) >= UNLOOKED_NS_MAX;
        // ORDERING: Relaxed: the leader's own.
        self.unlooked_bytes.store(if is_due { 0 } else { unlooked }, Ordering::Relaxed);
        if is_due {
            self.looked_ns.store(now_ns, Ordering::Relaxed);
            // ORDERING: Relaxed: whoever looks needs about this number.
            self.pending_bytes.store(pending_bytes(), Ordering::Relaxed);
            self.look();
        }
    }

    /// Called when a piece of a stream is on disk, which is a mebibyte or more.
    pub(crate) fn streamed(&self) {
        self.look();
    }

    /// Asks the file system. The space, if it is too little; if it cannot be asked, the next write finds out.
    fn look(&self) -> Option<Space> {
        // ORDERING: Relaxed: about this number.
        let kept = self.bytes.saturating_add(self.pending_bytes.load(Ordering::Relaxed));
        let low = self.storage.space(&self.directory).ok().filter(|space| space.free_bytes < kept);
        // ORDERING: Relaxed: see `admit`.
        if self.is_low.swap(low.is_some(), Ordering::Relaxed) != low.is_some() {
            let (path, reserve_bytes) = (self.directory.clone(), self.bytes);
            notice::later(|| match low {
                Some(Space { free_bytes, .. }) => {
                    Notice::DiskReserveReached { path, free_bytes, reserve_bytes }
                }
                None => Notice::DiskReserveLeft { path, reserve_bytes },
            });
        }
        low
    }
}
