//! The directory of a durable hub, and the lock on it.
//!
//! ```text
//! DIR/LOCK                        held by the one process that has the hub open; says which
//! DIR/catalogue                   queues, streams, options
//! DIR/queues/NAME/                segments of the queue's log
//! DIR/streams/NAME/PARTITION/     segments of each partition's log
//! DIR/streams/NAME/offsets/       segments of the groups' commits
//! ```

use crate::error::{Error, Result};
use crate::hub::catalogue;
use crate::name::Name;
use crate::storage::{Lock, Storage};
use crate::sync::lock;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// The name of the lock file.
pub(super) const LOCK: &str = "LOCK";

/// See the module's description.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) path: PathBuf,
    guard: Mutex<Option<Box<dyn Lock>>>,
}

impl Directory {
    /// Makes the directory if need be, and locks it. One that everybody may write is refused, unless `any_mode`.
    pub(super) fn open(storage: Arc<dyn Storage>, path: &Path, any_mode: bool) -> Result<Self> {
        // Absolute, so that the name of the first relative directory has a parent to be synced, too.
        let path = &std::path::absolute(path).map_err(|e| Error::io("resolve", path, &e))?;
        let mut directory = Self { storage, path: path.to_path_buf(), guard: Mutex::new(None) };
        directory.make(path)?;
        let beneath = directory.storage.beneath(path).map_err(|e| Error::io("open", path, &e))?;
        directory.storage = beneath.unwrap_or(directory.storage);
        let is_open_to_all = directory.storage.is_writable_by_all(path);
        if is_open_to_all.map_err(|e| Error::io("look at", path, &e))? && !any_mode {
            let detail = format!(
                "{path:?} may be written by everybody on this machine, who could replace what is in it; chmod 700 it, or say \
                 allow_world_writable(true)"
            );
            return Err(Error::invalid("directory", detail));
        }
        if directory.storage.open(&path.join(catalogue::FILE)).is_err() {
            directory.sync_ancestors()?;
        }
        let lock_path = path.join(LOCK);
        let locked =
            directory.storage.lock(&lock_path, &holder()).map_err(|e| Error::io("lock", lock_path, &e))?;
        match locked {
            Ok(guard) => *lock(&directory.guard) = Some(guard),
            Err(holder) => {
                let holder = if holder.trim().is_empty() { "by an unknown process" } else { holder.trim() };
                return Err(Error::Locked { path: path.to_path_buf(), holder: holder.to_owned() });
            }
        }
        Ok(directory)
    }

    /// One that is neither made nor locked.
    pub(super) fn unlocked(storage: Arc<dyn Storage>, path: &Path) -> Self {
        Self { storage, path: path.to_path_buf(), guard: Mutex::new(None) }
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.storage.sync_dir(path).map_err(|e| Error::io("sync", path, &e))
    }

    /// The directory of a new hub may have been made together with those on the way to it: their names must be durable
    /// before anything in them is. One that may not be read was there before.
    fn sync_ancestors(&self) -> Result<()> {
        for ancestor in self.path.ancestors().skip(2) {
            match self.storage.sync_dir(ancestor) {
                Err(e) if e.kind() != io::ErrorKind::PermissionDenied => {
                    return Err(Error::io("sync", ancestor, &e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets others have it.
    pub(super) fn unlock(&self) {
        *lock(&self.guard) = None;
    }

    /// Makes a directory below this one, durably.
    fn make(&self, path: &Path) -> Result<()> {
        self.storage.create_dir(path).map_err(|e| Error::io("make the directory", path, &e))?;
        let mut made = path;
        while let Some(parent) = made.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.sync_dir(parent)?;
            if made == self.path {
                break;
            }
            made = parent;
        }
        Ok(())
    }

    /// The directory of a queue's log.
    pub(super) fn queue(&self, name: &Name) -> Result<PathBuf> {
        let path = self.path.join(path_of_queue(name));
        self.make(&path)?;
        Ok(path)
    }

    /// Removes the directory of a queue's log, and everything in it. One that is not there is fine.
    pub(super) fn remove_queue(&self, name: &Name) -> Result<()> {
        let queues = self.path.join("queues");
        match self.remove_log(&queues.join(name.as_str()))? {
            true => self.sync_dir(&queues),
            false => Ok(()),
        }
    }

    /// The same of the directories of a stream's logs.
    pub(super) fn remove_stream(&self, name: &Name) -> Result<()> {
        let streams = self.path.join("streams");
        let path = streams.join(name.as_str());
        let Some(logs) = self.list(&path)? else { return Ok(()) };
        logs.iter().try_for_each(|log| self.remove_log(log).map(drop))?;
        self.storage.remove_dir(&path).map_err(|e| Error::io("remove", path, &e))?;
        self.sync_dir(&streams)
    }

    /// Removes the directory of a log. False: it is not there.
    pub(super) fn remove_log(&self, path: &Path) -> Result<bool> {
        let Some(files) = self.list(path)? else { return Ok(false) };
        for file in files {
            self.storage.remove(&file).map_err(|e| Error::io("remove", file, &e))?;
        }
        self.storage.remove_dir(path).map_err(|e| Error::io("remove", path, &e))?;
        Ok(true)
    }

    /// What is in a directory. None: it is not there.
    pub(super) fn list(&self, path: &Path) -> Result<Option<Vec<PathBuf>>> {
        match self.storage.list(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some).map_err(|e| Error::io("list", path, &e)),
        }
    }

    /// A directory of a stream: of a partition, or of its offsets.
    pub(super) fn stream(&self, name: &Name, part: &str) -> Result<PathBuf> {
        let path = self.path.join(path_of_stream(name, part));
        self.make(&path)?;
        Ok(path)
    }
}

/// Where a queue's log is, from the hub's directory.
pub(super) fn path_of_queue(name: &Name) -> PathBuf {
    Path::new("queues").join(name.as_str())
}

/// Where a log of a stream is, from the hub's directory.
pub(super) fn path_of_stream(name: &Name, part: &str) -> PathBuf {
    Path::new("streams").join(name.as_str()).join(part)
}

/// What the lock file says of this process.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "unknown host" } else { host.trim() };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    format!("by process {} on {host}, since {since} seconds after 1970\n", std::process::id())
}
