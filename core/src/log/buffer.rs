//! The bytes of one live segment: zeroed, aligned to a disk block, written by many producers at disjoint places.
//!
//! Bytes of a frame that is not committed may be written by its claimant at any moment, so no slice over them is
//! ever formed by anybody else: everything goes through raw pointers and the atomic length words.

use crate::log::claim::GRANULE_BYTES;
use crate::log::pages::Pages;
use crate::storage;
use crate::sync::memory::Seen;
use crate::sync::{IS_MODEL, Ordering};
use std::ptr::NonNull;

/// Alignment of buffers: that of direct I/O; in models, that of frames.
pub(crate) const ALIGN_BYTES: usize = if IS_MODEL { 8 } else { storage::ALIGN_BYTES };
/// The same in granules: home is written in whole blocks of so many.
pub(crate) const BLOCK_GRANULES: u64 = ALIGN_BYTES as u64 / GRANULE_BYTES;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Buffer {
    pages: Pages,
    seen: Seen,
}

// SAFETY: the buffer owns its memory; access is by raw pointer under the claim protocol (`append.rs`).
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Zeroed memory of `bytes`, which is not 0 and a multiple of 8.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        debug_assert!(bytes > 0 && bytes.is_multiple_of(8));
        Self { pages: Pages::zeroed(bytes), seen: Seen::new(bytes) }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pages.bytes()
    }

    /// Where the commit word of the frame is that begins at `byte`: in bounds and aligned. Frame boundaries are only ever
    /// accessed atomically while the buffer is shared, except by `copy_in` before that and by the claimant of an enclosing
    /// frame, whose bytes nobody takes for a boundary before it commits.
    #[inline]
    fn word(&self, byte: usize) -> NonNull<u8> {
        assert!(byte.is_multiple_of(8) && byte + 8 <= self.bytes());
        // SAFETY: in bounds (asserted).
        unsafe { self.pages.start().add(byte) }
    }

    /// Runs `write` on the bytes that follow the commit word of a frame of `bytes` at `byte`.
    ///
    /// # Safety
    /// The caller holds the claim of exactly these bytes and has not committed them: nobody else reads or writes
    /// them, but for loads of the commit word, which the slice leaves out.
    #[inline]
    pub(crate) unsafe fn with_claimed(&self, byte: usize, bytes: usize, write: impl FnOnce(&mut [u8])) {
        assert!(bytes >= 4 && byte + bytes <= self.bytes());
        self.seen.write(byte, bytes);
        // SAFETY: in bounds (asserted), initialised (zeroed at birth), exclusive by the caller's claim.
        write(unsafe {
            std::slice::from_raw_parts_mut(self.pages.start().as_ptr().add(byte + 4), bytes - 4)
        });
    }

    /// Committed bytes.
    ///
    /// # Safety
    /// Every frame in the range is committed, seen by an Acquire load of its (or an earlier claim's first) commit
    /// word, and the buffer outlives the slice.
    #[inline]
    pub(crate) unsafe fn committed<'a>(&self, byte: usize, bytes: usize) -> &'a [u8] {
        assert!(byte + bytes <= self.bytes());
        self.seen.read(byte, bytes);
        // SAFETY: in bounds (asserted); committed bytes are never written again until the buffer is freed, and the
        // caller promises that it outlives the slice.
        unsafe { std::slice::from_raw_parts(self.pages.start().as_ptr().add(byte), bytes) }
    }

    /// Fills the beginning of a buffer that nobody else knows yet.
    pub(crate) fn copy_in(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.bytes());
        // SAFETY: in bounds (asserted) and exclusive (`&mut self`).
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.pages.start().as_ptr(), bytes.len()) }
    }

    /// Stores a commit word: everything written before is seen by whoever acquires it.
    #[inline]
    pub(crate) fn commit(&self, byte: usize, word: u32, ordering: Ordering) {
        // SAFETY: a place for a commit word, see `word`.
        unsafe { self.seen.store(self.word(byte), byte, word.to_le(), ordering) }
    }

    /// Loads a commit word.
    #[inline]
    pub(crate) fn committed_word(&self, byte: usize) -> u32 {
        // ORDERING: Acquire, P1 commit: pairs with the Release store of the claimant; carries the frame's bytes.
        // SAFETY: as in `commit`.
        u32::from_le(unsafe { self.seen.load(self.word(byte), byte, Ordering::Acquire) })
    }
}
