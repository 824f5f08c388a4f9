//! Sending. `send` takes what is in the window; `sendMessage` and `sendMany` the packed form of `codec.rs`;
//! `sendPacked` takes values one after the other, and where each begins and ends.

use super::room::{COUNT, NUMBER, Room};
use super::{Block, Call};
use crate::codec;
use ringmain::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use ringmain::{Error, Message, Result};

impl Room {
    /// `send()`: the message in the window.
    pub(super) fn send(&self, _: &Call) -> Result<()> {
        let id = self.with_queue(|open| open.queue.send(self.message()?))?;
        self.set_double(NUMBER, id as f64);
        Ok(())
    }

    /// `sendMessage(packed)`: one that is too long for the window.
    pub(super) fn send_message(&self, call: &Call) -> Result<()> {
        let [packed] = call.arrays()?;
        let id = self.with_queue(|open| open.queue.send(codec::unpack_one(packed.bytes())?))?;
        self.set_double(NUMBER, id as f64);
        Ok(())
    }

    /// `sendMany(packed, ids)`.
    pub(super) fn send_many(&self, call: &Call) -> Result<()> {
        let [packed, mut ids] = call.arrays()?;
        let sent = self.with_queue(|open| open.queue.send_batch(&codec::unpack(packed.bytes())?))?;
        put_ids(&mut ids, &sent)
    }

    /// `sendPacked(values, offsets, ids)`, `COUNT` messages: the first is the bytes from `offsets[0]` up to `offsets[1]`.
    pub(super) fn send_packed(&self, call: &Call) -> Result<()> {
        let [values, offsets, mut ids] = call.arrays()?;
        let count = self.number(COUNT) as usize;
        if count > BATCH_RECORDS_MAX {
            let detail = format!("{count} messages, at most {BATCH_RECORDS_MAX} are one batch");
            return Err(Error::invalid("offsets", detail));
        }
        let messages = messages_of(&values, &offsets, count)?;
        let sent = self.with_queue(|open| open.queue.send_batch(&messages))?;
        put_ids(&mut ids, &sent)
    }
}

fn messages_of<'a>(values: &'a Block, offsets: &Block, count: usize) -> Result<Vec<Message<'a>>> {
    let mut messages = Vec::with_capacity(count);
    let (bytes, mut start) = (values.bytes(), offsets.u32(0)?);
    let first = start;
    for index in 1..=count {
        let end = offsets.u32(index)?;
        let value = bytes.get(start as usize..end as usize).ok_or_else(|| {
            let length = bytes.len();
            Error::invalid(
                "offsets",
                format!("{start} to {end} is not within the {length} bytes of the values"),
            )
        })?;
        messages.push(Message::new(value));
        start = end;
    }
    let bytes = start.saturating_sub(first) as usize;
    if bytes > BATCH_BYTES_MAX {
        let limit_bytes = BATCH_BYTES_MAX as u64;
        return Err(Error::TooLarge { what: "batch", bytes: bytes as u64, limit_bytes });
    }
    Ok(messages)
}

/// Writes ids where JavaScript wants them; nowhere, if it gave no room at all.
pub(super) fn put_ids(room: &mut Block, ids: &[u64]) -> Result<()> {
    if room.bytes().is_empty() {
        return Ok(());
    }
    (0..).zip(ids).try_for_each(|(index, id)| room.put(index, (*id as f64).to_ne_bytes()))
}
