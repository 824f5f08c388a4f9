//! Files under the log: the smallest interface that a durable log needs, so that a real disk, a simulated one and
//! later io_uring fit under it.
//!
//! **Promise.** What `File::sync` returned `Ok` for survives power loss, provided that the file's directory entry
//! was made durable by [`Storage::sync_dir`]. Nothing else does. Positions are explicit, so any number of threads
//! may use one file.
//!
//! **Not promised.** Atomicity of a write: after a crash any part of an unsynced write may be there.
//!
//! **Failure.** Errors are the system's; callers decide what they mean. A failed `sync` must be taken as "unknown
//! what is on disk": the log poisons itself and never retries (`log/poison.rs`).

mod beneath;
mod blocking;
mod direct;
mod names;
mod overlay;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(feature = "simulation")]
pub mod sim;

pub use blocking::Blocking;
pub use direct::{ALIGN_BYTES, Aligned};
pub(crate) use overlay::Overlay;
#[cfg(target_os = "linux")]
pub use ring::{Ring, RingSetup};

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place where files live.
pub trait Storage: Send + Sync + Debug {
    /// Makes a directory, and its parents where missing, with mode 0700. One that is there already is fine. The
    /// new entries become durable by `sync_dir` of each parent.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes a new file with mode 0600, `bytes` long and reading as zeros, opened for reading and writing. Fails
    /// with `AlreadyExists` if it is there. The entry becomes durable by `sync_dir`.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>>;

    /// Opens an existing regular file for reading and writing; a symbolic link is refused.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// The entries of a directory, in order of name.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;

    /// Renames a file, replacing what has the new name. Durable by `sync_dir`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable by `sync_dir`.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory. Durable by `sync_dir` of the parent.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The same files, but for those below the directory at `path`: that stays the one that it is now, whatever becomes of its name, and
    /// below it no symbolic link is followed, in the place of a directory neither. None: this storage knows no such thing.
    fn beneath(&self, path: &Path) -> io::Result<Option<Arc<dyn Storage>>> {
        let _ = path;
        Ok(None)
    }

    /// Whether anybody on this machine may write the directory.
    fn is_writable_by_all(&self, path: &Path) -> io::Result<bool> {
        let _ = path;
        Ok(false)
    }

    /// The room on the file system that `path` is on. A storage that cannot tell answers `Unsupported`: nothing is kept in
    /// reserve on it.
    fn space(&self, path: &Path) -> io::Result<Space> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes the hub's lock file at `path` for this process and writes `holder` into it, until the returned guard
    /// is dropped. `Ok(Err(text))` when another holds it, with what that holder wrote.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>>;

    /// Takes the lock file for somebody who only reads, beside others who do, so that no writer comes meanwhile.
    /// `Ok(Err(text))` when a writer holds it. A storage that knows no such lock takes the writer's.
    fn lock_shared(&self, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
        self.lock(path, "by somebody who only reads\n")
    }

    /// What it is, for people.
    fn name(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }
}

/// The fastest storage that this system has, and, if that is not the best one there is, why.
pub fn best() -> (Arc<dyn Storage>, Option<io::Error>) {
    #[cfg(target_os = "linux")]
    return match Ring::best() {
        Ok(ring) => (Arc::new(ring), None),
        Err(error) => (Arc::new(Blocking), Some(error)),
    };
    #[cfg(not(target_os = "linux"))]
    (Arc::new(Blocking), None)
}

/// The room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that may still be written, by an ordinary user.
    pub free_bytes: u64,
    /// Bytes of all of it.
    pub total_bytes: u64,
}

/// Holds a lock file until dropped.
pub trait Lock: Send + Sync + Debug {}

/// One open file.
#[expect(clippy::len_without_is_empty, reason = "nobody asks; a length is a system call that may fail")]
pub trait File: Send + Sync + Debug {
    /// Fills `buffer` from `position`; fewer bytes in the file than that is `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `position`, extending the file if need be.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// As [`write_all_at`](Self::write_all_at), for what nobody is about to sync: where the system has a page cache a short write ends
    /// there, and does not wait for the disk.
    fn write_cached_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.write_all_at(bytes, position)
    }

    /// Says that so many bytes from `position` on will be read soon: a system that can has them in memory by then.
    fn will_read(&self, position: u64, bytes: u64) {
        let _ = (position, bytes);
    }

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Makes data and length durable (fdatasync).
    fn sync(&self) -> io::Result<()>;

    /// Gives back the room that everything from `position` on takes on the disk, where the system can. Nothing was ever
    /// written there; it goes on reading as zeros, and the length stays.
    fn release_from(&self, position: u64) -> io::Result<()> {
        let _ = position;
        Ok(())
    }

    /// Writes what `feed` gives, as long as it gives something, and makes it durable on the way: as fast as the disk goes.
    /// Returns when all of it is durable. After an error nothing more is asked for, and it is not known what was written.
    fn stream(&self, feed: &mut dyn Feed<'_>) -> io::Result<()> {
        let (mut unsynced_bytes, mut end) = (0, None);
        while let Some((bytes, position)) = feed.next(STREAM_BYTES) {
            self.write_all_at(bytes, position)?;
            (unsynced_bytes, end) = (unsynced_bytes + bytes.len(), Some(position + bytes.len() as u64));
            if unsynced_bytes >= STREAM_UNSYNCED_BYTES_MAX {
                self.sync()?;
                feed.durable(position + bytes.len() as u64);
                (unsynced_bytes, end) = (0, None);
            }
        }
        if let Some(end) = end {
            self.sync()?;
            feed.durable(end);
        }
        Ok(())
    }
}

/// By blocking calls, about so much is written at once,
const STREAM_BYTES: usize = 1 << 20;
/// and at most so much lies unsynced when the disk is told to make it durable: a sync takes a tenth of that time.
const STREAM_UNSYNCED_BYTES_MAX: usize = 4 << 20;

/// Where a file's content comes from while it is streamed: pieces that follow each other without gaps.
pub trait Feed<'a> {
    /// The next piece and its position in the file: about `bytes` long, or less if there is no more, and a multiple of
    /// 4096 where the file's length allows. None: that was all, for now.
    fn next(&mut self, bytes: usize) -> Option<(&'a [u8], u64)>;

    /// Everything before this position in the file, which is the end of a piece, is durable.
    fn durable(&mut self, position: u64);
}
