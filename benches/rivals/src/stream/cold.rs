//! Reading what is not in the page cache: how files are put out of it, and what the disk itself gives.

use crate::log::disk::Block;
use crate::log::scratch::Scratch;
use anyhow::{Context, Result, anyhow};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

const BLOCK_BYTES: usize = 1 << 20;
const IN_FLIGHT: usize = 4;

/// Has the system write what is not written yet of the files in a directory, and put all of them out of the page cache. It may
/// keep some; [`read_bytes`] says what came from the disk.
///
/// # Errors
/// They cannot be listed, opened or synced.
pub fn forget(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            forget(&entry.path())?;
        } else if kind.is_file() {
            let file = File::open(entry.path())?;
            file.sync_all().with_context(|| format!("cannot sync {}", entry.path().display()))?;
            forget_file(&file);
        }
    }
    Ok(())
}

fn forget_file(file: &File) {
    #[cfg(target_os = "linux")]
    // SAFETY: the descriptor is open; the call takes numbers and touches no memory of ours.
    unsafe {
        libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file.as_raw_fd();
}

/// What this process has had from disks, in bytes, where the system tells.
pub fn read_bytes() -> Option<u64> {
    let counts = fs::read_to_string("/proc/self/io").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("read_bytes:"))?.trim().parse().ok()
}

/// A file that is read for comparison.
#[derive(Debug)]
pub struct Plain {
    scratch: Scratch,
    bytes: u64,
}

impl Plain {
    /// Of so many bytes, whole blocks of them.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(bytes: u64) -> Result<Self> {
        let scratch = Scratch::new()?;
        let bytes = bytes.next_multiple_of(BLOCK_BYTES as u64);
        let mut file = File::create(scratch.path().join("file"))?;
        let mut state = 88_172_645_463_325_252_u64;
        let mut block = vec![0; BLOCK_BYTES];
        for _ in 0..bytes / BLOCK_BYTES as u64 {
            // No two blocks are alike, should the disk look.
            for word in block.chunks_exact_mut(512) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                word[..8].copy_from_slice(&state.to_le_bytes());
            }
            file.write_all(&block)?;
        }
        file.sync_all()?;
        Ok(Self { scratch, bytes })
    }

    /// How large it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Megabytes per second, read by one thread from first to last after the page cache has forgotten them.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_cold(&self) -> Result<f64> {
        forget(self.scratch.path())?;
        let file = File::open(self.scratch.path().join("file"))?;
        let (mut block, begin) = (vec![0; BLOCK_BYTES], Instant::now());
        for position in (0..self.bytes).step_by(BLOCK_BYTES) {
            file.read_exact_at(&mut block, position)?;
        }
        Ok(self.bytes as f64 / 1e6 / begin.elapsed().as_secs_f64())
    }

    /// Megabytes per second, read around the page cache, so many blocks at a time.
    ///
    /// # Errors
    /// It cannot be read, or not so.
    pub fn read_direct(&self) -> Result<f64> {
        forget(self.scratch.path())?;
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.custom_flags(libc::O_DIRECT);
        }
        let file =
            options.open(self.scratch.path().join("file")).context("the file system does no direct reads")?;
        let (next, failed, begin) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            for _ in 0..IN_FLIGHT {
                scope.spawn(|| {
                    let mut block = Block::new(BLOCK_BYTES);
                    loop {
                        // ORDERING: Relaxed: each takes another number.
                        let position = next.fetch_add(BLOCK_BYTES as u64, Ordering::Relaxed);
                        if position >= self.bytes {
                            return;
                        }
                        if file.read_exact_at(block.bytes_mut(), position).is_err() {
                            // ORDERING: Relaxed: the end of the scope orders it.
                            return failed.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        // ORDERING: Relaxed: the threads have ended.
        if failed.load(Ordering::Relaxed) {
            return Err(anyhow!("a direct read failed"));
        }
        Ok(self.bytes as f64 / 1e6 / begin.elapsed().as_secs_f64())
    }
}
