//! The ordinary backend: positioned reads and writes and fdatasync, run by the calling thread.
//!
//! **Promise.** That of [`Storage`], on a disk that honours flushes. Files and directories are made for the owner
//! only; every descriptor is closed in a program that the process starts (the standard library opens them so). A
//! file that is a symbolic link is refused, so that a link left in a hub's directory cannot point a log elsewhere.
//!
//! **Not promised.** Links among the directories of a path are followed: a hub may live behind one.

use super::{File, Lock, Storage};
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of what a lock's holder wrote is told.
const HOLDER_BYTES_MAX: u64 = 1024;

/// Files of the operating system, by blocking calls.
#[derive(Debug, Default, Clone, Copy)]
pub struct Blocking;

#[derive(Debug)]
struct OsFile(fs::File);

#[derive(Debug)]
struct OsLock {
    _file: fs::File,
}

impl Lock for OsLock {}

impl Storage for Blocking {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        if let Err(e) = file.set_len(bytes) {
            // A failed create leaves nothing behind; if even this fails, the first error says why.
            let _ = fs::remove_file(path);
            return Err(e);
        }
        Ok(Arc::new(OsFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        regular(OpenOptions::new().read(true).write(true), path).map(|file| Arc::new(OsFile(file)) as _)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut entries = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)?.sync_all()
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = regular(&mut options, path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Another program may hold it, or this holder has not finished writing: whatever is there is told.
                let mut text = Vec::new();
                Read::by_ref(&mut file).take(HOLDER_BYTES_MAX).read_to_end(&mut text)?;
                return Ok(Err(String::from_utf8_lossy(&text).into_owned()));
            }
            Err(TryLockError::Error(e)) => return Err(e),
        }
        file.set_len(0)?;
        file.rewind()?;
        match file.write_all(holder.as_bytes()) {
            // WHY: the lock is held without its text, and a full disk must not keep a hub from being drained.
            Err(e) if e.kind() == io::ErrorKind::StorageFull => {}
            written => written?,
        }
        Ok(Ok(Box::new(OsLock { _file: file })))
    }
}

/// Opens a regular file, and nothing else: not what a symbolic link points at, nor a directory, device or pipe.
fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<fs::File> {
    let file = options.custom_flags(libc::O_NOFOLLOW).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

impl File for OsFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
