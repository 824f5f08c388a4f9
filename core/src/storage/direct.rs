//! Writing around the page cache: two to five times as fast as through it from 64 KiB on, at a tenth of the processor's
//! time (measured, 2026-11-22: `docs/adr/0006`).
//!
//! **Promise.** The same as an ordinary write: other descriptors of the file read what was written. Where the file
//! system, the kernel or the alignment of a write does not allow it, the write goes through the cache.

use super::names::Names;
#[cfg(target_os = "linux")]
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd, RawFd};
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What memory must be aligned to, to be written directly on every disk.
pub const ALIGN_BYTES: usize = 4096;

/// A second descriptor of a file, for direct writes.
#[derive(Debug)]
pub(super) struct Direct {
    file: fs::File,
    /// What the place in the file must be a multiple of.
    align_bytes: u64,
}

#[cfg(target_os = "linux")]
impl Direct {
    /// For `file`, which was opened at `path`. None: this file is written through the cache.
    pub(super) fn of(file: &fs::File, names: &Names, path: &Path) -> Option<Self> {
        let align_bytes = align_bytes(file)?;
        let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::NOFOLLOW;
        let direct = names.open(path, flags, Mode::empty()).ok()?;
        // Another file may have the name by now.
        let (one, other) = (file.metadata().ok()?, direct.metadata().ok()?);
        let is_same = (one.dev(), one.ino()) == (other.dev(), other.ino());
        is_same.then_some(Self { file: direct, align_bytes })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

/// What direct writes to a file must be aligned to; kernels before 6.1 do not say.
#[cfg(target_os = "linux")]
fn align_bytes(file: &fs::File) -> Option<u64> {
    // SAFETY: a structure of integers, for which zero is a value.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: an open descriptor, an empty path that ends in 0, and room for the answer.
    let asked = unsafe {
        let (path, mask) = (c"".as_ptr(), libc::STATX_DIOALIGN);
        libc::statx(file.as_raw_fd(), path, libc::AT_EMPTY_PATH, mask, &mut found)
    };
    if asked != 0 {
        return None;
    }
    if found.stx_mask & libc::STATX_DIOALIGN == 0 {
        return Some(ALIGN_BYTES as u64);
    }
    let (memory, place) = (found.stx_dio_mem_align, u64::from(found.stx_dio_offset_align));
    // 0: not at all.
    (place != 0 && memory as usize <= ALIGN_BYTES).then_some(place)
}

#[cfg(not(target_os = "linux"))]
impl Direct {
    pub(super) fn of(_file: &fs::File, _names: &Names, _path: &Path) -> Option<Self> {
        None
    }
}

impl Direct {
    /// Whether these bytes can be written directly there.
    pub(super) fn takes(&self, bytes: &[u8], position: u64) -> bool {
        bytes.as_ptr().addr().is_multiple_of(ALIGN_BYTES)
            && (bytes.len() as u64).is_multiple_of(self.align_bytes)
            && position.is_multiple_of(self.align_bytes)
    }

    /// Writes from the beginning of `bytes`, and says how much.
    pub(super) fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.file, bytes, position)
    }
}

/// A block of a file in memory, where direct writes can find it.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(4096))]
struct Block([u8; ALIGN_BYTES]);

/// Bytes that grow, aligned for direct writes.
#[derive(Debug, Default)]
pub struct Aligned {
    blocks: Vec<Block>,
    bytes: usize,
}

impl Aligned {
    /// Forgets its content, not its memory.
    pub fn clear(&mut self) {
        self.bytes = 0;
    }

    /// Appends.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let from = self.bytes;
        self.resize_uncleared(from + bytes.len());
        self[from..].copy_from_slice(bytes);
    }

    /// Becomes so long; what is new is zero.
    pub fn resize(&mut self, bytes: usize) {
        let from = self.bytes;
        self.resize_uncleared(bytes);
        if from < bytes {
            self[from..].fill(0);
        }
    }

    fn resize_uncleared(&mut self, bytes: usize) {
        let blocks = bytes.div_ceil(ALIGN_BYTES);
        if blocks > self.blocks.len() {
            self.blocks.resize(blocks, Block([0; ALIGN_BYTES]));
        }
        self.bytes = bytes;
    }
}

impl std::ops::Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.blocks.as_ptr().cast();
        // SAFETY: blocks lie behind each other without gaps, and there are enough of them for so many bytes.
        unsafe { std::slice::from_raw_parts(start, self.bytes) }
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        let start = self.blocks.as_mut_ptr().cast();
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(start, self.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_grow_stay_what_they_are_and_new_ones_are_zero() {
        let mut aligned = Aligned::default();
        for round in 0..3u8 {
            aligned.clear();
            aligned.extend_from_slice(&[round + 1; 5000]);
            aligned.resize(9000);
            aligned.extend_from_slice(b"end");
            assert!(aligned.as_ptr().addr().is_multiple_of(ALIGN_BYTES));
            assert!(aligned[..5000].iter().all(|byte| *byte == round + 1));
            assert!(aligned[5000..9000].iter().all(|byte| *byte == 0));
            assert_eq!(&aligned[9000..], b"end");
        }
    }
}
