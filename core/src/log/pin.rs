//! A pin on a live segment (`segment.rs`, P3), which whoever reads shares with what it has read: the pins of a segment are
//! on one line for all its readers, so that a pin for each frame would have them pass it around.

use crate::log::Log;
use crate::log::segment::Header;
use std::ptr::NonNull;
use std::sync::Arc;

/// See the module's description. Given up when dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    log: Arc<Log>,
    index: u32,
    header: NonNull<Header>,
}

// SAFETY: a header is Sync, and lives as long as the log, which the pin keeps.
unsafe impl Send for Pin {}
// SAFETY: as above.
unsafe impl Sync for Pin {}

impl Pin {
    /// Pins segment `number`, if it still lives behind the header `index`.
    pub(super) fn new(log: &Arc<Log>, index: u32, number: u64) -> Option<Arc<Self>> {
        let found = log.header(index);
        found.pin(number).then(|| Arc::new(Self { log: log.clone(), index, header: NonNull::from(found) }))
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: the slab of the log, which we keep, never moves a header nor frees one.
        unsafe { self.header.as_ref() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.log.unpin(self.index);
    }
}
