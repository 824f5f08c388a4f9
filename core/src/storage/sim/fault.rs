//! Calls that fail on purpose.

use std::io;

/// How a call fails; see [`SimDisk::fail_nth`](super::SimDisk::fail_nth).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`, from any call. A write leaves the first half of its bytes behind; a sync makes nothing durable and
    /// forgets nothing, so that a later one may succeed.
    Io,
    /// `ENOSPC`, from a call that needs space: create, create_dir, write, rename, lock. A write leaves the first
    /// half of its bytes behind.
    NoSpace,
    /// `EIO` from a file's sync that also marks the unsynced pages clean, as Linux does: the process goes on
    /// reading what it wrote, later syncs succeed, and yet these bytes are on disk only by luck.
    SyncForgets,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::Io | Self::SyncForgets => libc::EIO,
            Self::NoSpace => libc::ENOSPC,
        })
    }

    fn can_hit(self, call: Call) -> bool {
        match self {
            Self::Io => true,
            Self::NoSpace => call == Call::NeedsSpace,
            Self::SyncForgets => call == Call::SyncFile,
        }
    }
}

/// What a call is to the faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    NeedsSpace,
    SyncFile,
    Other,
}

/// The faults that wait for their call.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<(u64, Fault)>,
    pub(super) hit_count: u64,
}

impl Faults {
    pub(super) fn arm(&mut self, nth: u64, fault: Fault) {
        self.armed.push((nth, fault));
    }

    /// The fault that hits this call, if one does.
    pub(super) fn strike(&mut self, call: Call) -> Option<Fault> {
        let mut hit = None;
        self.armed.retain_mut(|(left, fault)| {
            if fault.can_hit(call) {
                *left = left.saturating_sub(1);
            }
            if *left == 0 {
                hit = hit.or(Some(*fault));
            }
            *left > 0
        });
        self.hit_count += u64::from(hit.is_some());
        hit
    }
}
