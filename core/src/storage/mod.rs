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

mod blocking;
mod direct;
#[cfg(feature = "simulation")]
pub mod sim;

pub use blocking::Blocking;
pub use direct::Aligned;

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

    /// Takes the hub's lock file at `path` for this process and writes `holder` into it, until the returned guard
    /// is dropped. `Ok(Err(text))` when another holds it, with what that holder wrote.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>>;
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

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Makes data and length durable (fdatasync).
    fn sync(&self) -> io::Result<()>;
}
