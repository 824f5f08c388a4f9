//! A simulated disk as one process sees it. When the process is killed, its mount goes away: no call of it reaches the
//! disk any more, its locks are gone, and what it wrote without a sync is still unsynced for whoever mounts next.

use ringmain::storage::{File, Lock, Storage, sim::SimDisk};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Mount {
    disk: SimDisk,
    calls_left: Arc<AtomicI64>,
}

#[derive(Debug)]
struct MountedFile {
    file: Arc<dyn File>,
    calls_left: Arc<AtomicI64>,
}

#[derive(Debug)]
struct NoLock;

impl Lock for NoLock {}

impl Mount {
    pub fn new(disk: &SimDisk) -> Self {
        Self { disk: disk.clone(), calls_left: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    pub fn kill(&self) {
        self.kill_after(0);
    }

    /// Kills the process after so many more calls: in the middle of a verb.
    pub fn kill_after(&self, calls: i64) {
        self.calls_left.store(calls, Ordering::SeqCst);
    }

    pub fn is_killed(&self) -> bool {
        self.calls_left.load(Ordering::SeqCst) <= 0
    }
}

fn alive(calls_left: &AtomicI64) -> io::Result<()> {
    if calls_left.fetch_sub(1, Ordering::SeqCst) > 0 {
        return Ok(());
    }
    calls_left.store(0, Ordering::SeqCst);
    Err(io::Error::other("the process was killed"))
}

impl Storage for Mount {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.disk.create_dir(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        alive(&self.calls_left)?;
        let file = self.disk.create(path, bytes)?;
        Ok(Arc::new(MountedFile { file, calls_left: self.calls_left.clone() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        alive(&self.calls_left)?;
        let file = self.disk.open(path)?;
        Ok(Arc::new(MountedFile { file, calls_left: self.calls_left.clone() }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        alive(&self.calls_left)?;
        self.disk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.disk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.disk.sync_dir(path)
    }

    fn lock(&self, _path: &Path, _holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        alive(&self.calls_left)?;
        Ok(Ok(Box::new(NoLock)))
    }
}

impl File for MountedFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.file.read_exact_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.file.write_all_at(bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        alive(&self.calls_left)?;
        self.file.len()
    }

    fn sync(&self) -> io::Result<()> {
        alive(&self.calls_left)?;
        self.file.sync()
    }
}
