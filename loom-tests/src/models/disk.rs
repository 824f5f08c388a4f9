//! A disk that tells what a power cut would leave of it. Only what was synced is the scheduler's to watch: whoever looks
//! at it must come after the sync.

use crate::log::Appended;
use crate::storage::{File, Lock, Storage};
use crate::sync::UnsafeCell;
use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a segment file before its frames, and of a frame before its time.
const BEFORE_FRAMES: usize = 4096;
const BEFORE_TIME: usize = 8;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Disk {
    files: Mutex<Vec<(PathBuf, Arc<Content>)>>,
    fails: Arc<AtomicBool>,
}

struct Content {
    bytes: Mutex<Vec<u8>>,
    synced: UnsafeCell<Vec<u8>>,
    fails: Arc<AtomicBool>,
}

// SAFETY: `synced` is written under the lock of `bytes`, and the scheduler checks that it is read after.
unsafe impl Sync for Content {}
// SAFETY: as above.
unsafe impl Send for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// From now on every write fails.
    pub fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Whether the record with this number and receipt would survive.
    pub fn keeps(&self, number: u64, receipt: &Appended) -> bool {
        let Ok(content) = self.content(&PathBuf::from(format!("{:016}.segment", receipt.start.segment())))
        else {
            return false;
        };
        let at = BEFORE_FRAMES + receipt.start.granule() as usize * 8 + BEFORE_TIME;
        // SAFETY: who calls this has seen a mark that was moved after the sync.
        content.synced.with(|synced| unsafe { (&*synced).get(at..at + 8) == Some(&number.to_le_bytes()[..]) })
    }

    fn content(&self, path: &Path) -> Result<Arc<Content>> {
        let files = lock(&self.files);
        let found = files.iter().find(|(name, _)| name == path);
        found.map(|(_, content)| content.clone()).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Storage for Disk {
    fn create_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn create(&self, path: &Path, bytes: u64) -> Result<Arc<dyn File>> {
        let bytes = Mutex::new(vec![0; bytes as usize]);
        let content =
            Arc::new(Content { bytes, synced: UnsafeCell::new(Vec::new()), fails: self.fails.clone() });
        lock(&self.files).push((path.into(), content.clone()));
        Ok(content)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.content(path)?)
    }

    fn list(&self, _: &Path) -> Result<Vec<PathBuf>> {
        Ok(lock(&self.files).iter().map(|(path, _)| path.clone()).collect())
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        lock(&self.files).retain(|(name, _)| name != path);
        Ok(())
    }

    fn remove_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path, _: &str) -> Result<std::result::Result<Box<dyn Lock>, String>> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl File for Content {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> Result<()> {
        let bytes = lock(&self.bytes);
        let from = bytes.get(position as usize..position as usize + buffer.len());
        buffer.copy_from_slice(from.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, from: &[u8], position: u64) -> Result<()> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::from_raw_os_error(5));
        }
        lock(&self.bytes)[position as usize..position as usize + from.len()].copy_from_slice(from);
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(lock(&self.bytes).len() as u64)
    }

    fn sync(&self) -> Result<()> {
        let bytes = lock(&self.bytes).clone();
        // SAFETY: the log syncs a file by one thread at a time.
        self.synced.with_mut(|synced| unsafe { *synced = bytes });
        Ok(())
    }
}
