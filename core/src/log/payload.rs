//! One frame kept alive on its own: a delivery or a record in the hands of the application.

use crate::log::frame::Frame;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// A committed frame and whatever keeps its bytes.
#[derive(Clone)]
pub(crate) struct Payload {
    /// A pin on a live segment, or a segment read from its file.
    _keep: Arc<dyn Send + Sync>,
    bytes: NonNull<[u8]>,
}

// SAFETY: the bytes are committed, never written again, and kept by `_keep`, which is Send and Sync itself.
unsafe impl Send for Payload {}
// SAFETY: as above: shared access only reads.
unsafe impl Sync for Payload {}

impl Payload {
    /// `frame` lies in what `keep` keeps.
    pub(super) fn new(keep: Arc<dyn Send + Sync>, frame: &[u8]) -> Self {
        Self { _keep: keep, bytes: NonNull::from(frame) }
    }

    /// A frame that lies within this one, kept by the same.
    pub(crate) fn within(&self, find: impl FnOnce(Frame<'_>) -> Option<Frame<'_>>) -> Option<Self> {
        let inner = find(self.frame())?;
        Some(Self::new(self._keep.clone(), inner.bytes()))
    }

    #[inline]
    pub(crate) fn frame(&self) -> Frame<'_> {
        // SAFETY: `_keep` holds the bytes: a pin, or a reference to the allocation that they lie in.
        Frame::trusted(unsafe { self.bytes.as_ref() })
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.frame().bytes().len())
    }
}
