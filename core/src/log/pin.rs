//! A pin on a live segment (`segment.rs`, P3), which whoever reads shares with what it has read: the pins of a segment are
//! on one line for all its readers, so that a pin for each frame would have them pass it around.

use crate::log::Log;
use crate::log::segment::Header;
use std::sync::Arc;

/// See the module's description. Given up when dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    log: Arc<Log>,
    header: u32,
}

impl Pin {
    /// Pins segment `number`, if it still lives behind `header`.
    pub(super) fn new(log: &Arc<Log>, header: u32, number: u64) -> Option<Arc<Self>> {
        log.header(header).pin(number).then(|| Arc::new(Self { log: log.clone(), header }))
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        self.log.header(self.header)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.log.unpin(self.header);
    }
}
