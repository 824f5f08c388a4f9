//! Where the logs are while they are measured: beside what is built, never in a file system in memory by accident.
//!
//! Directories are `scratch/SUITE PROCESS/ENTRANT PROCESS/NUMBER`. Each is removed when it is dropped; what a killed
//! entrant leaves, [`sweep`] removes, and what a killed suite leaves, [`guard`].

use anyhow::{Context, Result, ensure};
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

const COPY_BYTES: usize = 1 << 20;

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new directory.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // STATISTIC: only a name.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = process_root()?.join(number.to_string());
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is swept.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The directory of this entrant's process.
///
/// # Errors
/// This program's own file cannot be found.
pub fn process_root() -> Result<PathBuf> {
    Ok(root()?.join(std::os::unix::process::parent_id().to_string()).join(std::process::id().to_string()))
}

/// The directory of all suites: beside that of the profile in which this program was built.
fn root() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let target = program.ancestors().nth(2).context("this program's own file is in no directory")?;
    Ok(target.join("bench").join("scratch"))
}

/// Removes what this suite's entrants left, and what suites left that are gone.
pub fn sweep() {
    let Ok(suites) = root().and_then(|root| Ok(fs::read_dir(root)?)) else { return };
    for suite in suites.filter_map(Result::ok) {
        let name = suite.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if process == std::process::id() || !Path::new("/proc").join(process.to_string()).exists() {
            let _ = fs::remove_dir_all(suite.path());
        }
    }
}

/// Has everything of this suite removed when its process ends, however it does: it may be killed, and what it had measured
/// with it, which then removes nothing.
///
/// # Errors
/// The shell that does it cannot be started.
pub fn guard() -> Result<()> {
    // It reads until nobody can write any more, which is when this process is gone; then the entrants get a moment to go, too.
    const SCRIPT: &str = r#"trap "" HUP INT TERM; cat; sleep 1; rm -rf -- "$0""#;
    let mine = root()?.join(std::process::id().to_string());
    let shell = Command::new("sh")
        .args(["-c", SCRIPT])
        .arg(mine)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start a shell that removes what is left")?;
    // Open as long as this process is.
    std::mem::forget(shell);
    Ok(())
}

/// Bytes that are free on the disk with the directory of all suites.
///
/// # Errors
/// The system does not tell.
pub fn free_bytes() -> Result<u64> {
    let root = root()?;
    fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
    let path = CString::new(root.as_os_str().as_bytes())?;
    // SAFETY: all zeroes are a valid value of it.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with a zero, and the call writes into a value of ours; it keeps neither.
    let done = unsafe { libc::statvfs(path.as_ptr(), &mut found) };
    ensure!(done == 0, "cannot tell what is free: {}", io::Error::last_os_error());
    Ok(found.f_bavail * found.f_frsize)
}

/// Bytes that the files below a directory take on the disk.
///
/// # Errors
/// They cannot be listed.
pub fn disk_bytes(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { 512 * metadata.blocks() };
    }
    Ok(bytes)
}

/// Copies a directory as a killed process leaves it. Holes stay holes.
///
/// # Errors
/// Something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let to = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            copy_file(&entry.path(), &to)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (File::open(from)?, File::create(to)?);
    let bytes = from.metadata()?.len();
    to.set_len(bytes)?;
    let mut chunk = vec![0; COPY_BYTES];
    let mut position = 0;
    while let Some(data) = next_data(&from, position, bytes) {
        position = data.start;
        while position < data.end {
            let wanted = chunk.len().min((data.end - position) as usize);
            let count = from.read_at(&mut chunk[..wanted], position)?;
            if count == 0 {
                // It became shorter meanwhile.
                return Ok(());
            }
            to.write_all_at(&chunk[..count], position)?;
            position += count as u64;
        }
    }
    Ok(())
}

/// The next bytes of the file that are not a hole.
fn next_data(file: &File, position: u64, bytes: u64) -> Option<Range<u64>> {
    if position >= bytes {
        return None;
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let seek = |position: u64, whence| {
            // SAFETY: the descriptor is open; the call takes numbers and touches no memory of ours.
            let found = unsafe { libc::lseek(file.as_raw_fd(), position as libc::off_t, whence) };
            u64::try_from(found).ok()
        };
        let start = seek(position, libc::SEEK_DATA)?;
        Some(start..seek(start, libc::SEEK_HOLE)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        Some(position..bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_the_holes() {
        let scratch = Scratch::new().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        let file = File::create(from.join("inner/file")).unwrap();
        file.write_all_at(b"begin", 0).unwrap();
        file.write_all_at(b"end", 5 << 20).unwrap();
        copy(&from, &to).unwrap();
        let same = |name: &str| fs::read(from.join(name)).unwrap() == fs::read(to.join(name)).unwrap();
        assert!(same("inner/file"));
        assert!(disk_bytes(&to).unwrap() < 1 << 20);
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }
}
