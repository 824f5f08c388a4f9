//! The ordinary backend: positioned reads and writes and fdatasync, run by the calling thread.
//!
//! **Promise.** That of [`Storage`], on a disk that honours flushes. Files and directories are made for the owner
//! only; every descriptor is closed in a program that the process starts. A file that is a symbolic link is refused, so that a link
//! left in a hub's directory cannot point a log elsewhere; below a directory that is held open ([`Storage::beneath`]), a directory that
//! is one is refused, too.
//!
//! **Not promised.** Links among the directories of any other path are followed: a hub may live behind one.

use super::beneath::{Beneath, Wrap};
use super::direct::Direct;
use super::names::{self, Names};
use super::{File, Lock, Space, Storage};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How much of what a lock's holder wrote is told.
const HOLDER_BYTES_MAX: u64 = 1024;

/// Files of the operating system, by blocking calls.
#[derive(Debug, Default, Clone, Copy)]
pub struct Blocking;

/// Writes of at least so many bytes go around the page cache, if they are aligned.
const DIRECT_BYTES_MIN: usize = 512;

/// From so many bytes on the disk is quicker than the page cache, even for what nobody waits for.
const CACHED_BYTES_MAX: usize = 64 << 10;

/// What a new file's owner may do, and nobody else.
const OWNERS_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

#[derive(Debug)]
pub(super) struct OsFile {
    file: fs::File,
    names: Names,
    path: PathBuf,
    /// Opened by the first write that can use it.
    direct: OnceLock<Option<Direct>>,
}

impl OsFile {
    pub(super) fn create(names: &Names, path: &Path, bytes: u64) -> io::Result<Self> {
        let file = names.open(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, OWNERS_FILE)?;
        if let Err(e) = allocate(&file, bytes) {
            // A failed create leaves nothing behind; if even this fails, the first error says why.
            let _ = names.remove(path);
            return Err(e);
        }
        Ok(Self::new(file, names, path))
    }

    pub(super) fn open(names: &Names, path: &Path) -> io::Result<Self> {
        regular(names, path, OFlags::RDWR).map(|file| Self::new(file, names, path))
    }

    fn new(file: fs::File, names: &Names, path: &Path) -> Self {
        Self { file, names: names.clone(), path: path.to_path_buf(), direct: OnceLock::new() }
    }

    /// The descriptor for direct writes, if the file has one.
    #[cfg(target_os = "linux")]
    pub(super) fn direct_descriptor(&self) -> Option<std::os::fd::RawFd> {
        self.direct().map(Direct::descriptor)
    }

    fn direct(&self) -> Option<&Direct> {
        self.direct.get_or_init(|| Direct::of(&self.file, &self.names, &self.path)).as_ref()
    }

    /// Writes directly what can be written so; says how much that was.
    fn write_directly(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let Some(direct) = self.direct().filter(|direct| direct.takes(bytes, position)) else { return Ok(0) };
        match direct.write_at(bytes, position) {
            // The file system says now that it cannot.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(0),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(0),
            written => written,
        }
    }
}

#[derive(Debug)]
struct OsLock {
    _file: fs::File,
}

impl Lock for OsLock {}

impl Wrap for Blocking {
    fn wrap(&self, file: OsFile) -> Arc<dyn File> {
        Arc::new(file)
    }
}

impl Storage for Blocking {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Names::ALL.create_dir(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        Ok(self.wrap(OsFile::create(&Names::ALL, path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.wrap(OsFile::open(&Names::ALL, path)?))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        Names::ALL.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Names::ALL.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Names::ALL.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        Names::ALL.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        Names::ALL.sync_dir(path)
    }

    fn beneath(&self, path: &Path) -> io::Result<Option<Arc<dyn Storage>>> {
        Beneath::open(path, *self)
    }

    fn is_writable_by_all(&self, path: &Path) -> io::Result<bool> {
        is_writable_by_all(&Names::ALL, path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        Names::ALL.space(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        lock(&Names::ALL, path, holder)
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
        lock_shared(&Names::ALL, path)
    }

    fn name(&self) -> String {
        "blocking calls".to_owned()
    }
}

pub(super) fn is_writable_by_all(names: &Names, path: &Path) -> io::Result<bool> {
    let found = names.open(path, OFlags::RDONLY, Mode::empty())?.metadata()?;
    Ok(found.permissions().mode() & 0o002 != 0)
}

pub(super) fn lock(names: &Names, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
    let mut file = regular(names, path, OFlags::RDWR | OFlags::CREATE)?;
    if let Some(holder) = holder_of(&mut file, fs::File::try_lock)? {
        return Ok(Err(holder));
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

pub(super) fn lock_shared(names: &Names, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
    let mut file = regular(names, path, OFlags::RDONLY)?;
    Ok(match holder_of(&mut file, fs::File::try_lock_shared)? {
        Some(holder) => Err(holder),
        None => Ok(Box::new(OsLock { _file: file })),
    })
}

/// Tries to lock a file. None: it is locked now; otherwise what its holder wrote.
fn holder_of(
    file: &mut fs::File,
    try_lock: fn(&fs::File) -> Result<(), TryLockError>,
) -> io::Result<Option<String>> {
    match try_lock(file) {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            // Another program may hold it, or this holder has not finished writing: whatever is there is told.
            let mut text = Vec::new();
            Read::by_ref(file).take(HOLDER_BYTES_MAX).read_to_end(&mut text)?;
            Ok(Some(String::from_utf8_lossy(&text).into_owned()))
        }
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// A new file gets its blocks at once if they are at most this part of what is free.
const ALLOCATED_PART: u64 = 8;

/// Makes a new file so long, with its blocks where the disk has plenty and the file system can do that: blocks that
/// are there cost less to write. Otherwise they are taken when they are written.
fn allocate(file: &fs::File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let (1.., Ok(bytes)) = (bytes, bytes.try_into())
        && names::space(file).is_ok_and(|space| bytes as u64 <= space.free_bytes / ALLOCATED_PART)
    {
        use std::os::fd::AsRawFd;
        // SAFETY: an open descriptor and three numbers.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, bytes) } == 0 {
            return Ok(());
        }
        // Some of it may have been taken.
        file.set_len(0)?;
    }
    file.set_len(bytes)
}

/// Opens a regular file, and nothing else: not what a symbolic link points at, nor a directory, device or pipe.
fn regular(names: &Names, path: &Path, flags: OFlags) -> io::Result<fs::File> {
    let file = names.open(path, flags | OFlags::NOFOLLOW, OWNERS_FILE)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

impl File for OsFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut written = 0;
        if bytes.len() >= DIRECT_BYTES_MIN {
            written = self.write_directly(bytes, position)?;
        }
        self.file.write_all_at(&bytes[written..], position + written as u64)
    }

    fn write_cached_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        if bytes.len() > CACHED_BYTES_MAX {
            return self.write_all_at(bytes, position);
        }
        self.file.write_all_at(bytes, position)
    }

    fn will_read(&self, position: u64, bytes: u64) {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let (Ok(position), Ok(bytes)) = (position.try_into(), bytes.try_into()) else { return };
            // SAFETY: our open file; numbers, and no memory.
            unsafe { libc::posix_fadvise(self.file.as_raw_fd(), position, bytes, libc::POSIX_FADV_WILLNEED) };
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (position, bytes);
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn release_from(&self, position: u64) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let too_far = |_| io::Error::from(io::ErrorKind::InvalidInput);
            let bytes = self.len()?.saturating_sub(position);
            let (from, bytes) = (position.try_into().map_err(too_far)?, bytes.try_into().map_err(too_far)?);
            let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
            // SAFETY: an open descriptor and three numbers.
            if bytes > 0 && unsafe { libc::fallocate(self.file.as_raw_fd(), mode, from, bytes) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = position;
        Ok(())
    }
}
