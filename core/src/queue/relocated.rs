//! A message as it is told again in an event: its frame, as it was sent, and what became of it since. Nobody else computes an
//! offset in it; `settlement.rs` has the byte before.
//!
//! ```text
//! | id u64 | attempts u32 | failures u32 | expirations u32 | stand u8 | marks u8 | due_ns u64
//! | start_by_ns u64 | complete_by_ns u64 | frame | (time_ns u64, class_len u8, class, text_len u16, text) * n
//! ```
//! All integers little-endian; the frame begins with its length, as every frame does.

use crate::error::Result;
use crate::log::{Frame, Kind, Payload, Place, Reader};
use crate::queue::history::Reason;
use crate::queue::rank::{NEW, RETURNED};
use crate::queue::settlement::RELOCATED;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, State, Status};

/// Bytes before the frame.
const FIXED_BYTES: usize = 8 + 3 * 4 + 2 + 3 * 8;
/// Of one failure, without its texts.
const FAILURE_BYTES: usize = 8 + 1 + 2;
/// Header of the event's own frame, its first byte, and what both frames are padded with at the most.
const AROUND_BYTES: usize = 24 + 1 + 7;

/// It was cancelled while it was out.
const RECALLED: u8 = 1;
/// It holds up those behind it of its ordering key.
const HOLDS: u8 = 2;

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It waits, for its time unless that is one of those of `rank.rs`.
    Waiting,
    Leased,
    Deferred,
    /// Its letter waits for room.
    Dying(Death),
}

/// Beside why it died.
const DYING: u8 = 0x80;

impl Stand {
    fn byte(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Leased => 1,
            Self::Deferred => 2,
            Self::Dying(death) => DYING | death as u8,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Waiting),
            1 => Some(Self::Leased),
            2 => Some(Self::Deferred),
            _ if byte & DYING != 0 => Death::from_byte(byte & !DYING).map(Self::Dying),
            _ => None,
        }
    }
}

/// See the module's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relocated {
    pub(crate) id: u64,
    /// Those that the log was told of.
    pub(crate) attempts: u32,
    pub(crate) failures: u32,
    pub(crate) expirations: u32,
    pub(crate) stand: Stand,
    pub(crate) is_recalled: bool,
    pub(crate) holds: bool,
    pub(crate) due_ns: u64,
    /// `u64::MAX`: it has no such deadline, or has missed it.
    pub(crate) start_by_ns: u64,
    pub(crate) complete_by_ns: u64,
    /// The whole frame of the record.
    pub(crate) frame: Vec<u8>,
    /// The last failures, oldest first.
    pub(crate) history: Vec<(u64, Reason)>,
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_u8(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?))
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))
}

fn take_text(rest: &mut &[u8], bytes: usize) -> Option<String> {
    String::from_utf8(take(rest, bytes)?.to_vec()).ok()
}

fn take_frame<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let bytes = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?);
    Frame::enclosed(take(rest, bytes as usize)?)
}

impl Relocated {
    pub(crate) fn encode_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.id.to_le_bytes());
        for count in [self.attempts, self.failures, self.expirations] {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        let mark = |is_set: bool, mark: u8| if is_set { mark } else { 0 };
        bytes.push(self.stand.byte());
        bytes.push(mark(self.is_recalled, RECALLED) | mark(self.holds, HOLDS));
        for time_ns in [self.due_ns, self.start_by_ns, self.complete_by_ns] {
            bytes.extend_from_slice(&time_ns.to_le_bytes());
        }
        bytes.extend_from_slice(&self.frame);
        for (time_ns, Reason { class, text }) in &self.history {
            bytes.extend_from_slice(&time_ns.to_le_bytes());
            bytes.push(class.len() as u8);
            bytes.extend_from_slice(class.as_bytes());
            bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = &mut &*bytes;
        let (id, attempts, failures) = (take_u64(rest)?, take_u32(rest)?, take_u32(rest)?);
        let (expirations, stand, marks) = (take_u32(rest)?, take_u8(rest)?, take_u8(rest)?);
        let (due_ns, start_by_ns, complete_by_ns) = (take_u64(rest)?, take_u64(rest)?, take_u64(rest)?);
        let stand = Stand::from_byte(stand)?;
        if marks & !(RECALLED | HOLDS) != 0 {
            return None;
        }
        let (is_recalled, holds) = (marks & RECALLED != 0, marks & HOLDS != 0);
        let frame = take_frame(rest)?.bytes().to_vec();
        let mut history = Vec::new();
        while !rest.is_empty() {
            let (time_ns, class_bytes) = (take_u64(rest)?, take_u8(rest)?);
            let class = take_text(rest, class_bytes.into())?;
            let text_bytes = u16::from_le_bytes(take(rest, 2)?.try_into().ok()?);
            history.push((time_ns, Reason { class, text: take_text(rest, text_bytes.into())? }));
        }
        Some(Self {
            id,
            attempts,
            failures,
            expirations,
            stand,
            is_recalled,
            holds,
            due_ns,
            start_by_ns,
            complete_by_ns,
            frame,
            history,
        })
    }

    /// What such an event takes in the log for a message that never failed, without the frame in it.
    pub(crate) const EXTRA_BYTES: u64 = (AROUND_BYTES + FIXED_BYTES) as u64;

    /// The same for this one.
    pub(crate) fn extra_bytes(message: &Message) -> u64 {
        let failure = |(_, reason): &(u64, Reason)| FAILURE_BYTES + reason.class.len() + reason.text.len();
        let failures: usize = message.history.failures().iter().map(failure).sum();
        Self::EXTRA_BYTES + failures as u64
    }
}

/// Id and frame of the message that a frame of the log is, or tells again.
pub(crate) fn message_in<'a>(frame: Frame<'a>, sequence: u64) -> Option<(u64, Frame<'a>)> {
    match frame.kind() {
        Kind::Data => Some((sequence, frame)),
        Kind::Control => {
            let rest = &mut frame.value().strip_prefix(&[RELOCATED])?;
            let (id, _) = (take_u64(rest)?, take(rest, FIXED_BYTES - 8)?);
            Some((id, take_frame(rest)?))
        }
        _ => None,
    }
}

/// The same of the frame that a reader has found.
pub(crate) fn message_found(reader: &Reader) -> Option<(u64, Frame<'_>)> {
    message_in(reader.frame(), reader.sequence())
}

impl Shared {
    /// The message at `place`, whichever of the two kinds of frame is there.
    ///
    /// # Errors
    /// `Corrupt` or `Io` from a file; `NotFound` if its segment was released.
    pub(crate) fn payload_at(&self, place: Place, id: u64) -> Result<Payload> {
        let payload = self.log.payload_at(place, id)?;
        if payload.frame().kind() == Kind::Data {
            return Ok(payload);
        }
        let told = payload.within(|frame| message_in(frame, id).map(|(_, frame)| frame));
        told.ok_or_else(|| {
            self.log.blame(place, format!("message {id} was told again here, and is not there"))
        })
    }
}

impl State {
    /// A message as it is to be told again in the frame that it is in.
    pub(crate) fn told(&self, id: u64, message: &Message, frame: Frame<'_>) -> Option<Relocated> {
        let stand = match message.status {
            // The log does not know that it is out.
            Status::Leased { .. } if !message.is_ahead => Stand::Leased,
            Status::Leased { .. } | Status::Ready | Status::Held | Status::Scheduled { .. } => Stand::Waiting,
            Status::Deferred => Stand::Deferred,
            Status::Dying { death } if self.letters_held.contains(&id) => Stand::Dying(death),
            Status::Dying { .. } | Status::Moving | Status::Leaving => return None,
        };
        Some(Relocated {
            id,
            attempts: message.attempts.saturating_sub(message.untold),
            failures: message.failures,
            expirations: message.expirations,
            stand,
            is_recalled: message.is_recalled,
            holds: message.group.is_some_and(|group| self.groups.has(group, id)),
            due_ns: message.due_ns,
            start_by_ns: message.asks.start_by_ns,
            complete_by_ns: message.asks.complete_by_ns,
            frame: frame.bytes().to_vec(),
            history: message.history.failures().to_vec(),
        })
    }

    /// Puts a message where an event at `place` says, instead of what was known of it.
    pub(crate) fn put_relocated(&mut self, relocated: Relocated, place: Place) {
        let Relocated { id, attempts, holds, stand, due_ns, .. } = relocated;
        let Some(frame) = Frame::enclosed(&relocated.frame) else { return };
        let mut message = self.replace_read(id, place, &frame);
        message.failures = relocated.failures;
        message.expirations = relocated.expirations;
        message.is_recalled = relocated.is_recalled;
        message.is_told = true;
        message.asks.start_by_ns = relocated.start_by_ns;
        message.asks.complete_by_ns = relocated.complete_by_ns;
        relocated.history.into_iter().for_each(|(time_ns, reason)| message.history.push(time_ns, reason));
        // What it has been in an earlier life holds up nobody.
        let in_this_life = attempts.saturating_sub(message.attempts);
        message.attempts = in_this_life.max(holds.into());
        message.due_ns = due_ns;
        message.status = match (stand, due_ns) {
            (Stand::Waiting, RETURNED | NEW) => Status::Ready,
            (Stand::Waiting, due_ns) => Status::Scheduled { due_ns },
            (Stand::Dying(death), _) => Status::Dying { death },
            _ => Status::Leased { deadline_ns: u64::MAX },
        };
        self.insert(id, message);
        if stand == Stand::Deferred {
            self.set_status(id, Status::Deferred);
        }
        if let Some(message) = self.messages.get_mut(&id) {
            message.attempts = attempts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Draft;
    use crate::queue::settlement::Event;
    use proptest::prelude::*;

    fn frame_of(draft: &Draft<'_>) -> Vec<u8> {
        let mut bytes = vec![0; draft.bytes()];
        let len = (bytes.len() as u32).to_le_bytes();
        bytes[..4].copy_from_slice(&len);
        draft.encode(&mut bytes[4..], 7, 0, Some(1));
        bytes
    }

    fn relocated() -> Relocated {
        let headers: [(&str, &[u8]); 1] = [("colour", b"blue")];
        let draft = Draft { key: Some(b"k"), headers: &headers, ..Draft::control(Kind::Data, 5, b"value") };
        Relocated {
            id: 9,
            attempts: 3,
            failures: 2,
            expirations: 1,
            stand: Stand::Deferred,
            is_recalled: true,
            holds: true,
            due_ns: 77,
            start_by_ns: u64::MAX,
            complete_by_ns: 88,
            frame: frame_of(&draft),
            history: vec![(4, "späť".into()), (5, Reason { class: "Zlé".into(), text: String::new() })],
        }
    }

    #[test]
    fn a_message_told_again_is_the_one_that_was_sent() {
        let event = Event::Relocated(Box::new(relocated())).encode();
        let bytes = frame_of(&Draft::control(Kind::Control, 6, &event));
        let (id, frame) = message_in(Frame::trusted(&bytes), 1000).unwrap();
        assert_eq!((id, frame.time_ns(), frame.key(), frame.value()), (9, 5, Some(&b"k"[..]), &b"value"[..]));
        assert_eq!(frame.headers().collect::<Vec<_>>(), [("colour", &b"blue"[..])]);
        assert_eq!(Event::decode(&event), Some(Event::Relocated(Box::new(relocated()))));
    }

    proptest! {
        #[test]
        fn damage_is_refused_or_understood_as_it_would_be_written(at in 0usize..200, byte: u8, cut in 0usize..200) {
            let mut bytes = Event::Relocated(Box::new(relocated())).encode();
            bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(150)));
            if let Some(damaged) = bytes.get_mut(at) {
                *damaged = byte;
            }
            let outer = frame_of(&Draft::control(Kind::Control, 6, &bytes));
            let found = message_in(Frame::trusted(&outer), 1);
            if let Some(event) = Event::decode(&bytes) {
                prop_assert_eq!(event.encode(), bytes);
                if let Event::Relocated(relocated) = event {
                    prop_assert_eq!(found.map(|(id, frame)| (id, frame.bytes().to_vec())), Some((relocated.id, relocated.frame)));
                }
            }
        }
    }
}
