//! Zeroed memory for segments, straight from the system.
//!
//! A page that was never touched costs nothing, so that an idle log holds what it wrote and no more; and it comes zeroed,
//! so that nobody zeroes it a second time. The first touch of a page costs as much as 16 appends of 100 bytes: large
//! buffers ask for huge pages, which brings that to a seventh (measured on a virtual machine, 2 µs for each 4 KiB).
//!
//! **Ready.** Who appends and has to open a segment finds its memory ready, but for the first of a size: a mapping takes up to 40 µs
//! (`docs/adr/0009`). Buffers that are given back are zeroed and kept for the next segment, of whatever log; whoever makes the
//! file of a large segment has memory made for the ones that follow; a memory log, which has nobody to do that, takes several pieces at
//! once. All of it is bounded for the whole process, and none of it is touched before it is used, or the system may take it back.
//!
//! **Failure.** Out of memory ends the process, as everywhere in Rust.

use crate::log::buffer::ALIGN_BYTES;
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

/// Memory of its own, aligned to [`ALIGN_BYTES`].
#[derive(Debug)]
pub(crate) struct Pages {
    start: NonNull<u8>,
    layout: Layout,
}

impl Pages {
    /// Zeroed memory of `bytes`, which is not 0.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        let Ok(layout) = Layout::from_size_align(bytes, ALIGN_BYTES) else {
            handle_alloc_error(Layout::new::<u8>());
        };
        let Some(start) = system::take(layout) else { handle_alloc_error(layout) };
        Self { start, layout }
    }

    /// Has some memory of so many bytes ready for whoever asks for it next, where making it takes long.
    pub(crate) fn prepare(bytes: usize) {
        if let Ok(layout) = Layout::from_size_align(bytes, ALIGN_BYTES) {
            system::prepare(layout);
        }
    }

    /// How many pieces of so many bytes are ready.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn ready_count(bytes: usize) -> usize {
        system::count(bytes)
    }

    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: taken with this layout, and given back once.
        unsafe { system::give_back(self.start, self.layout) }
    }
}

// Not for models, whose segments are smaller than a page.
#[cfg(all(target_os = "linux", not(any(ringmain_loom, ringmain_shuttle))))]
mod system {
    use crate::log::MEMORY_SEGMENT_BYTES_MAX;
    use crate::sync::lock;
    use std::alloc::Layout;
    use std::ptr::NonNull;
    use std::sync::Mutex;

    /// Largest size of a small piece.
    const SMALL_BYTES_MAX: usize = 64 << 10;
    /// Size and alignment of a huge page.
    const HUGE_BYTES: usize = 2 << 20;
    /// Largest piece that is kept when it is given back: zeroing the larger ones of durable logs would keep their I/O thread
    /// from writing.
    const KEPT_BYTES_MAX: usize = 4 << 20;
    /// So many pieces of a size are made ready: a log may open two segments while a file is made.
    const READY_COUNT: usize = 2;
    /// Of the largest segments of logs in memory, which have nobody to make them ready, so many are made at once, out of huge pages.
    const AT_ONCE_COUNT: usize = 16;
    const AT_ONCE_BYTES: usize = MEMORY_SEGMENT_BYTES_MAX as usize;

    /// Zeroed memory that nobody uses: where it is, and its size.
    static SPARE: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

    pub(super) fn take(layout: Layout) -> Option<NonNull<u8>> {
        let bytes = layout.size();
        if let Some(spare) = take_spare(bytes) {
            return Some(spare);
        }
        if bytes == AT_ONCE_BYTES && room(bytes) >= AT_ONCE_COUNT {
            // What is not needed yet costs addresses only.
            let start = make(bytes * AT_ONCE_COUNT)?;
            // SAFETY: inside of what was made.
            (1..AT_ONCE_COUNT).for_each(|index| keep(unsafe { start.add(index * bytes) }, bytes));
            return Some(start);
        }
        make(bytes)
    }

    pub(super) fn prepare(layout: Layout) {
        let bytes = layout.size();
        if bytes >= HUGE_BYTES && count(bytes) < READY_COUNT && room(bytes) > 0 {
            make(bytes).into_iter().for_each(|start| keep(start, bytes));
        }
    }

    /// From the system.
    fn make(bytes: usize) -> Option<NonNull<u8>> {
        if bytes < HUGE_BYTES {
            return map(bytes);
        }
        // The system aligns to pages only: what is too much on either side is given back. The upper end is kept, so that
        // what is mapped next, below it, becomes one mapping with it: the system has a limit to how many there are.
        let mapped = map(bytes.checked_add(HUGE_BYTES)?)?;
        let before = HUGE_BYTES - mapped.addr().get() % HUGE_BYTES;
        // SAFETY: inside of what was mapped, which is larger by a whole huge page.
        let (start, after) = unsafe { (mapped.add(before), mapped.add(before + bytes)) };
        unmap(mapped, before);
        unmap(after, HUGE_BYTES - before);
        // SAFETY: our own pages. A system that knows no huge pages refuses, and does with small ones.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        Some(start)
    }

    /// # Safety
    /// From `take` with this layout, once, when nobody uses it any more.
    pub(super) unsafe fn give_back(start: NonNull<u8>, layout: Layout) {
        let bytes = layout.size();
        if bytes > KEPT_BYTES_MAX || room(bytes) == 0 {
            return unmap(start, bytes);
        }
        // SAFETY: the caller's promise: it is nobody's now. What the system takes of it reads as zeros, too.
        unsafe {
            start.as_ptr().write_bytes(0, bytes);
            if bytes >= HUGE_BYTES {
                libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_FREE);
            }
        }
        keep(start, bytes);
    }

    fn keep(start: NonNull<u8>, bytes: usize) {
        lock(&SPARE).push((start.as_ptr().expose_provenance(), bytes));
    }

    pub(super) fn count(bytes: usize) -> usize {
        lock(&SPARE).iter().filter(|(_, found)| *found == bytes).count()
    }

    fn take_spare(bytes: usize) -> Option<NonNull<u8>> {
        let mut spare = lock(&SPARE);
        let place = spare.iter().rposition(|(_, found)| *found == bytes)?;
        NonNull::new(std::ptr::with_exposed_provenance_mut(spare.swap_remove(place).0))
    }

    /// How many more pieces of this size may be kept. About: others may give something back at the same time.
    fn room(bytes: usize) -> usize {
        let most = bytes_max(bytes);
        let spare = lock(&SPARE);
        let kept = spare.iter().map(|(_, bytes)| *bytes).filter(|bytes| bytes_max(*bytes) == most);
        most.saturating_sub(kept.sum()) / bytes
    }

    /// Most that is kept of pieces of about this size. The system does not take back those smaller than a huge page; the others it does, if
    /// it needs memory; and what was made ready was not touched.
    fn bytes_max(bytes: usize) -> usize {
        match bytes {
            _ if bytes <= SMALL_BYTES_MAX => 4 << 20,
            AT_ONCE_BYTES => 32 << 20,
            _ if bytes < HUGE_BYTES => 16 << 20,
            _ if bytes <= KEPT_BYTES_MAX => 64 << 20,
            _ => 128 << 20,
        }
    }

    fn map(bytes: usize) -> Option<NonNull<u8>> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping where the system likes, which touches nothing that exists.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
        if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) }
    }

    /// Whole pages of a mapping of ours that nobody uses.
    fn unmap(start: NonNull<u8>, bytes: usize) {
        if bytes > 0 {
            // SAFETY: as the callers say. It fails only if the system can split no mapping any more: then they leak.
            unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(ringmain_loom, ringmain_shuttle)))))]
mod system {
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::ptr::NonNull;

    pub(super) fn take(layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    pub(super) fn prepare(_layout: Layout) {}

    /// # Safety
    /// From `take` with this layout, once, when nobody uses it any more.
    pub(super) unsafe fn give_back(start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { dealloc(start.as_ptr(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_comes_aligned_and_zeroed() {
        for bytes in [ALIGN_BYTES, 16 << 10, 1 << 20, 2 << 20, (3 << 20) + ALIGN_BYTES, 8 << 20] {
            let pages = Pages::zeroed(bytes);
            assert!(pages.start().as_ptr().addr().is_multiple_of(ALIGN_BYTES));
            // SAFETY: that many bytes, initialised, which nobody else has.
            let all = unsafe { std::slice::from_raw_parts_mut(pages.start().as_ptr(), pages.bytes()) };
            assert!(all.len() == bytes && all.iter().all(|byte| *byte == 0));
            all.fill(1);
        }
    }

    #[test]
    fn memory_that_was_given_back_comes_again_zeroed_and_is_nobody_elses() {
        for round in 0..100 {
            let size = [16 << 10, 1 << 20, 2 << 20][round % 3];
            let all: Vec<_> = (0..5).map(|_| Pages::zeroed(size)).collect();
            for (index, pages) in all.iter().enumerate() {
                // SAFETY: that many bytes, initialised, which nobody else has.
                let bytes = unsafe { std::slice::from_raw_parts_mut(pages.start().as_ptr(), pages.bytes()) };
                assert!(bytes.iter().all(|byte| *byte == 0), "round {round}");
                bytes.fill(index as u8 + 1);
            }
            for (index, pages) in all.iter().enumerate() {
                // SAFETY: as above.
                let bytes = unsafe { std::slice::from_raw_parts(pages.start().as_ptr(), pages.bytes()) };
                assert!(bytes.iter().all(|byte| *byte == index as u8 + 1), "round {round}");
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_was_made_ready_is_what_is_taken_next_and_there_is_never_much_of_it() {
        // A size that nobody else asks for.
        const BYTES: usize = (6 << 20) + ALIGN_BYTES;
        (0..100).for_each(|_| Pages::prepare(BYTES));
        assert_eq!(Pages::ready_count(BYTES), 2);
        let pages = Pages::zeroed(BYTES);
        assert_eq!(Pages::ready_count(BYTES), 1, "the other is ready");
        // SAFETY: that many bytes, initialised, which nobody else has.
        let all = unsafe { std::slice::from_raw_parts_mut(pages.start().as_ptr(), pages.bytes()) };
        assert!(all.iter().all(|byte| *byte == 0));
        all.fill(1);
        drop(pages);
        assert_eq!(Pages::ready_count(BYTES), 1, "too large to be zeroed");
        Pages::prepare(ALIGN_BYTES + 8);
        assert_eq!(Pages::ready_count(ALIGN_BYTES + 8), 0, "not worth it");
    }
}
