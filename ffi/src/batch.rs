//! Batches: one handle for many messages or records, which lend their bytes until it is closed.

use crate::answer::Out;
use crate::argument::check_count;
use crate::table::{Kind, open};
use ringmain::limits::RECEIVE_COUNT_MAX;
use ringmain::{Error, Result};

/// Where a caller wants a batch and how many are in it.
pub(crate) struct BatchOut {
    handle: Out<u64>,
    count: Out<usize>,
}

impl BatchOut {
    /// # Safety
    /// The caller's promise for both pointers.
    pub(crate) unsafe fn new(argument: &'static str, handle: *mut u64, count: *mut usize) -> Result<Self> {
        // Both are zeroed, even if one of them is bad.
        // SAFETY: the caller's promise.
        let (handle, count) = unsafe { (Out::one(argument, handle), Out::one("count_out", count)) };
        Ok(Self { handle: handle?, count: count? })
    }

    /// Opens a batch, unless there is nothing in it: then the caller has nothing to close.
    pub(crate) fn set<T>(&self, batch: Vec<T>) -> Result<()>
    where
        Vec<T>: Kind,
    {
        let count = batch.len();
        if count > 0 {
            self.handle.set(open(batch)?);
            self.count.set(count);
        }
        Ok(())
    }
}

/// Checks how many a caller wants at most.
pub(crate) fn check_count_max(count_max: usize) -> Result<()> {
    if count_max == 0 {
        return Err(Error::invalid("count_max", "it is 0, ask for at least one"));
    }
    check_count("count_max", count_max, RECEIVE_COUNT_MAX)
}

/// The element of a batch at an index.
pub(crate) fn element<T>(batch: &[T], index: usize) -> Result<&T> {
    let beyond =
        || Error::invalid("index", format!("{index} is beyond the batch, which has {}", batch.len()));
    batch.get(index).ok_or_else(beyond)
}
