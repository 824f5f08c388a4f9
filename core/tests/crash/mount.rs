//! A simulated disk as one process sees it. When the process is killed, its mount goes away: no call of it reaches the
//! disk any more, its locks are gone, and what it wrote without a sync is still unsynced for whoever mounts next.

use ringmain::storage::{File, Lock, Storage, sim::SimDisk};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Mount {
    disk: SimDisk,
    killed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct MountedFile {
    file: Arc<dyn File>,
    killed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct NoLock;

impl Lock for NoLock {}

impl Mount {
    pub fn new(disk: &SimDisk) -> Self {
        Self { disk: disk.clone(), killed: Arc::default() }
    }

    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
    }
}

fn alive(killed: &AtomicBool) -> io::Result<()> {
    if killed.load(Ordering::SeqCst) { Err(io::Error::other("the process was killed")) } else { Ok(()) }
}

impl Storage for Mount {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.killed)?;
        self.disk.create_dir(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        alive(&self.killed)?;
        let file = self.disk.create(path, bytes)?;
        Ok(Arc::new(MountedFile { file, killed: self.killed.clone() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        alive(&self.killed)?;
        let file = self.disk.open(path)?;
        Ok(Arc::new(MountedFile { file, killed: self.killed.clone() }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        alive(&self.killed)?;
        self.disk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        alive(&self.killed)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        alive(&self.killed)?;
        self.disk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.killed)?;
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        alive(&self.killed)?;
        self.disk.sync_dir(path)
    }

    fn lock(&self, _path: &Path, _holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        alive(&self.killed)?;
        Ok(Ok(Box::new(NoLock)))
    }
}

impl File for MountedFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        alive(&self.killed)?;
        self.file.read_exact_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        alive(&self.killed)?;
        self.file.write_all_at(bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        alive(&self.killed)?;
        self.file.len()
    }

    fn sync(&self) -> io::Result<()> {
        alive(&self.killed)?;
        self.file.sync()
    }
}
