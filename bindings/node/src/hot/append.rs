//! Appending to streams. `append` takes what is in the window; `appendMessage` and `appendMany` the packed form of `codec.rs`. `PARTITION` says where it goes, unless it is [`ANY`].

use super::Call;
use super::room::{NUMBER, PARTITION, Room};
use crate::codec;
use crate::handle::Held;
use crate::registry::SharedHub;
use ringmain::{Message, Position, Result, Stream};
use std::sync::Arc;

/// No partition in particular: that of the key.
const ANY: u32 = u32::MAX;

/// A stream as the callbacks know it.
pub(crate) struct OpenStream {
    pub(crate) hub: Arc<SharedHub>,
    pub(crate) stream: Held<Stream>,
}

impl OpenStream {
    /// The stream, if its hub handle is open.
    pub(crate) fn get(&self) -> Result<&Stream> {
        self.hub.check()?;
        Ok(&self.stream)
    }
}

impl Room {
    /// `append()`: the message in the window. `PARTITION` and `NUMBER` become where it is.
    pub(super) fn append(&self, _: &Call) -> Result<()> {
        self.append_one(self.message()?)
    }

    /// `appendMessage(packed)`: the same with one that is too long for the window.
    pub(super) fn append_message(&self, call: &Call) -> Result<()> {
        let [packed] = call.arrays()?;
        self.append_one(codec::unpack_one(packed.bytes())?)
    }

    fn append_one(&self, message: Message<'_>) -> Result<()> {
        let Position { partition, offset } = self.with_stream(|stream| match self.number(PARTITION) {
            ANY => stream.append(message),
            partition => stream.append_to(partition, message),
        })?;
        self.set_number(PARTITION, partition);
        self.set_double(NUMBER, offset as f64);
        Ok(())
    }

    /// `appendMany(packed, positions)`: a partition and an offset of each, one after the other.
    pub(super) fn append_many(&self, call: &Call) -> Result<()> {
        let [packed, mut positions] = call.arrays()?;
        let messages = codec::unpack(packed.bytes())?;
        let appended = self.with_stream(|stream| match self.number(PARTITION) {
            ANY => stream.append_batch(&messages),
            partition => stream.append_batch_to(partition, &messages),
        })?;
        for (index, Position { partition, offset }) in appended.into_iter().enumerate() {
            positions.put(2 * index, f64::from(partition).to_ne_bytes())?;
            positions.put(2 * index + 1, (offset as f64).to_ne_bytes())?;
        }
        Ok(())
    }
}
