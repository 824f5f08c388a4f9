//! The cursor: where the next plain message is that nobody has received.
//!
//! **Protocol**, `P13 cursor`: a place, moved by compare-and-swap only, and only forward, so that no place comes back. Whoever
//! moves it past messages has them, and nobody else does. It is read with a reader of one's own, which pins the segment that
//! it reads.

use crate::error::Result;
use crate::log::{Frame, INDEXED, Kind, Place, Reader, Shown, Then};
use crate::queue::plain::RUN_COUNT_MAX;
use crate::sync::{AtomicU64, Ordering};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Cursor {
    place: AtomicU64,
    /// No plain message before this id is waiting for a first receiver: what stands at the place, or a little before.
    sequence: AtomicU64,
}

/// A run of messages that the cursor was moved past.
pub(crate) struct Taken {
    pub(crate) ids: Range<u64>,
    /// Where the first is.
    pub(crate) place: Place,
    /// What keeps the bytes.
    pub(crate) keep: Arc<dyn Send + Sync>,
}

/// The frame of a message, which somebody keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(NonNull<[u8]>);

// SAFETY: the bytes are committed and never written again; whoever reads them says that they are kept.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// The frame.
    ///
    /// # Safety
    /// What kept the bytes when they were found is kept for as long as the frame is used.
    #[inline]
    pub(crate) unsafe fn frame<'a>(self) -> Frame<'a> {
        // SAFETY: as the caller says.
        Frame::trusted(unsafe { self.0.as_ref() })
    }
}

impl Cursor {
    pub(crate) fn new(place: Place, sequence: u64) -> Self {
        Self { place: AtomicU64::new(place.0), sequence: AtomicU64::new(sequence) }
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        // ORDERING: Relaxed: a hint.
        Place(self.place.load(Ordering::Relaxed))
    }

    /// The id of the next message, unless that is taken this very moment.
    pub(crate) fn next_sequence(&self) -> u64 {
        // ORDERING: Acquire: whoever takes what lies before has been there.
        self.sequence.load(Ordering::Acquire)
    }

    /// The message that comes next: its id, and when it was sent. What [`take`](Self::take) would pass over is passed over.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    pub(crate) fn peek(
        &self,
        reader: &mut Reader,
        is_skipped: impl Fn(u64) -> bool,
    ) -> Result<Option<(u64, u64)>> {
        loop {
            // ORDERING: Acquire, P13: as in `take`.
            let from = self.place.load(Ordering::Acquire);
            reader.go_to_place(Place(from));
            let mut end = (reader.place(), reader.next_sequence());
            let mut found = None;
            while found.is_none() && reader.advance()? {
                let (frame, id) = (reader.frame(), reader.sequence());
                if reader.kind() == Kind::Data && !frame.has(INDEXED) && !is_skipped(id) {
                    found = Some((id, frame.time_ns()));
                } else {
                    end = (reader.place(), reader.next_sequence());
                }
            }
            let (place, sequence) = end;
            if place.0 == from {
                return Ok(found);
            }
            // ORDERING: AcqRel and Relaxed, P13: as in `take`; whoever moved it meanwhile is met by the next load.
            if self.place.compare_exchange(from, place.0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                // ORDERING: AcqRel: pairs with `next_sequence`.
                self.sequence.fetch_max(sequence, Ordering::AcqRel);
                return Ok(found);
            }
        }
    }

    /// Takes up to `count_max` messages, as many as 64, that follow each other in one segment. Their frames go to `frames`, and
    /// live as long as `keep`. Ids that `is_skipped` tells, and indexed messages, are passed over.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file.
    #[inline]
    pub(crate) fn take(
        &self,
        reader: &mut Reader,
        count_max: usize,
        frames: &mut Vec<Bytes>,
        mut is_skipped: impl FnMut(u64) -> bool,
    ) -> Result<Option<Taken>> {
        let count_max = count_max.min(RUN_COUNT_MAX);
        // ORDERING: Acquire, P13: pairs with the exchange of whoever moved it here.
        let mut from = self.place.load(Ordering::Acquire);
        loop {
            reader.go_to_place(Place(from));
            frames.clear();
            let mut run: Option<(Range<u64>, Place)> = None;
            reader.walk(|Shown { frame, kind, sequence: id, place, .. }| {
                if kind == Kind::Data && !frame.has(INDEXED) && !is_skipped(id) {
                    match &mut run {
                        None => run = Some((id..id + 1, place)),
                        Some((ids, _)) if ids.end == id => ids.end += 1,
                        Some(_) => return Then::Back,
                    }
                    frames.push(Bytes(NonNull::from(frame.bytes())));
                    if frames.len() < count_max { Then::On } else { Then::Enough }
                } else if run.is_some() && kind.is_record() {
                    Then::Back
                } else {
                    Then::On
                }
            })?;
            let (place, sequence) = (reader.place(), reader.next_sequence());
            if place.0 == from {
                return Ok(None);
            }
            // ORDERING: AcqRel, P13: who moves it next comes after us. Acquire on failure, as the load.
            match self.place.compare_exchange(from, place.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    // ORDERING: AcqRel: pairs with `next_sequence`.
                    self.sequence.fetch_max(sequence, Ordering::AcqRel);
                    if let Some((ids, place)) = run {
                        return Ok(Some(Taken { ids, place, keep: reader.keep() }));
                    }
                    from = place.0;
                }
                Err(now) => from = now,
            }
        }
    }
}
