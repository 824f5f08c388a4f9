//! One frame kept alive on its own: a delivery or a record in the hands of the application.

use crate::log::Log;
use crate::log::cold::Chunk;
use crate::log::frame::Frame;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// A committed frame and whatever keeps its bytes.
pub(crate) struct Payload {
    keep: Keep,
    bytes: NonNull<[u8]>,
}

enum Keep {
    /// A pin on a live segment.
    Live { log: Arc<Log>, header: u32 },
    /// A piece of a segment read from its file.
    Cold(Arc<Chunk>),
    /// Bytes of its own.
    Owned(Arc<[u8]>),
}

// SAFETY: the bytes are committed, never written again, and kept by `keep`, which is Send and Sync itself.
unsafe impl Send for Payload {}
// SAFETY: as above: shared access only reads.
unsafe impl Sync for Payload {}

impl Payload {
    /// Pins the segment behind `header`, which the caller has pinned; should its pins be exhausted, copies.
    pub(super) fn live(log: &Arc<Log>, header: u32, frame: &[u8]) -> Self {
        let segment = log.header(header);
        if !segment.pin(segment.number()) {
            return Self::owned(frame);
        }
        Self { keep: Keep::Live { log: log.clone(), header }, bytes: NonNull::from(frame) }
    }

    /// Holds on to the chunk that the frame lies in.
    pub(super) fn cold(chunk: &Arc<Chunk>, frame: &[u8]) -> Self {
        Self { keep: Keep::Cold(chunk.clone()), bytes: NonNull::from(frame) }
    }

    pub(super) fn owned(frame: &[u8]) -> Self {
        let owned: Arc<[u8]> = frame.into();
        let bytes = NonNull::from(&*owned);
        Self { keep: Keep::Owned(owned), bytes }
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        // SAFETY: `keep` holds the bytes: a pin, or a reference to the allocation that they lie in.
        Frame::trusted(unsafe { self.bytes.as_ref() })
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        match &self.keep {
            Keep::Live { log, header } => Self::live(log, *header, self.frame().bytes()),
            Keep::Cold(chunk) => Self::cold(chunk, self.frame().bytes()),
            Keep::Owned(owned) => Self { keep: Keep::Owned(owned.clone()), bytes: self.bytes },
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if let Keep::Live { log, header } = &self.keep {
            log.unpin(*header);
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.frame().bytes().len())
    }
}
