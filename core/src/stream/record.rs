//! One record of a stream, kept alive on its own.

use crate::log::{Frame, Payload};

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// Its number in the partition: strictly increasing, not promised to be dense.
    pub offset: u64,
}

/// One record of a stream. It holds on to the segment that it lies in, or the part of a file; copy what you keep for long.
#[derive(Debug, Clone)]
pub struct Record {
    payload: Payload,
    position: Position,
    /// Where the member that polled it was before: between there and here is nothing for it.
    from: u64,
}

impl Record {
    pub(crate) fn new(payload: Payload, position: Position) -> Self {
        Self { payload, position, from: position.offset }
    }

    /// From where on [`Member::done`](crate::Member::done) marks with it: offsets from there to its own have nothing for the member that
    /// polled it. Its own offset, if it was not polled by a member. For those who keep the numbers of a record instead of the record, see
    /// [`Member::done_at`](crate::Member::done_at).
    pub fn done_from(&self) -> u64 {
        self.from
    }

    pub(super) fn set_from(&mut self, from: u64) {
        self.from = from;
    }

    /// As it is shown where it lies.
    pub(super) fn borrowed(&self) -> RecordRef<'_> {
        RecordRef::new(self.frame(), self.position)
    }

    #[inline]
    fn frame(&self) -> Frame<'_> {
        self.payload.frame()
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The partition.
    pub fn partition(&self) -> u32 {
        self.position.partition
    }

    /// Whether it says that its key has no value any more: see [`Message::tombstone`](crate::Message::tombstone).
    pub fn is_tombstone(&self) -> bool {
        self.payload.frame().tombstone_ns().is_some()
    }

    /// Its number in the partition.
    pub fn offset(&self) -> u64 {
        self.position.offset
    }
}

/// One record of a stream, borrowed from the segment that it lies in: nothing is copied, and nothing counted.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a> {
    frame: Frame<'a>,
    position: Position,
}

impl<'a> RecordRef<'a> {
    #[inline]
    pub(crate) fn new(frame: Frame<'a>, position: Position) -> Self {
        Self { frame, position }
    }

    #[inline]
    fn frame(&self) -> Frame<'a> {
        self.frame
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether it says that its key has no value any more: see [`Message::tombstone`](crate::Message::tombstone).
    pub fn is_tombstone(&self) -> bool {
        self.frame.tombstone_ns().is_some()
    }
}

crate::message::accessors!(Record);
crate::message::accessors!(RecordRef<'_>);
