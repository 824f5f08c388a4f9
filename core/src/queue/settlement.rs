//! Layout of a queue's control frames: what happened to messages after they were sent. Nobody else computes an
//! offset.
//!
//! ```text
//! | event u8 | ...                         all integers little-endian
//! started    | (id u64, place u64) * n      leases granted; counts an attempt each
//! acked      | id u64 * n
//! failed     | id u64, failures u32, expirations u32, due_ns u64, death u8, reason utf-8
//! released   | (id u64, due_ns u64)
//! dead       | id u64                       it is in the dead letter queue
//! dropped    | id u64
//! adopted    | id u64, place u64            a plain message that is no longer the cursor's
//! run        | id u64, place u64, count u8  leases granted of messages that follow each other, the first of which is there
//! acked run  | id u64, bits u64             bit i: message id + i
//! recalled   | id u64                       it was cancelled while it was leased: it does not come back
//! deferred   | id u64                       set aside, delivered only by its id
//! breached   | id u64, deadline u8, then u8  it missed a deadline, once
//! copied     | id u64, deadline u8          it is, or a copy of it, where the breach had it go
//! leaving    | keeps failures u8, length of the name u8, queue utf-8, (id u64, place u64, due_ns u64) * n
//! gone       | id u64 * n                   redriven, discarded or purged; wherever they were
//! failed_as  | as failed, but for the reason: length of the class u8, class utf-8, reason utf-8
//! remembered | (id u64, since_ns u64, hash u64, key_len u16, key) * n      deduplication keys
//! forgotten  |                             all deduplication keys, because the queue was purged
//! fired      | (schedule u64, slot_ns u64) * n   the last slots of schedules, their messages sent
//! resting    | until_ns u64, has_key u8, key
//! halted     | id u64, time_ns u64, death u8, length of the key u16, that of the error u16, key, error utf-8, then the event
//!            | that has the message die; not if the halt is told again
//! resumed    | key
//! relocated  | see `relocated.rs`          a message is told again, because its segment goes
//! ```

use crate::log::Place;
use crate::name::Name;
use crate::queue::dead_letters::Terms;
use crate::queue::deadline::{Deadline, Then};
use crate::queue::dedup::Entry;
use crate::queue::halt::Halt;
use crate::queue::history::Reason;
use crate::queue::relocated::Relocated;
use crate::queue::state::Death;
use std::sync::Arc;

const STARTED: u8 = 1;
const ACKED: u8 = 2;
const FAILED: u8 = 3;
const RELEASED: u8 = 4;
const DEAD: u8 = 5;
const DROPPED: u8 = 6;
const ADOPTED: u8 = 7;
const RUN: u8 = 8;
const ACKED_RUN: u8 = 9;
const RECALLED: u8 = 20;
const DEFERRED: u8 = 21;
const BREACHED: u8 = 22;
const COPIED: u8 = 23;
const FAILED_AS: u8 = 40;
const LEAVING: u8 = 41;
const GONE: u8 = 42;
const REMEMBERED: u8 = 30;
const FORGOTTEN: u8 = 31;
const FIRED: u8 = 60;
const RESTING: u8 = 50;
const HALTED: u8 = 124;
const RESUMED: u8 = 125;
pub(crate) const RELOCATED: u8 = 0x78;

/// One event of a queue's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Started(Vec<(u64, Place)>),
    Acked(Vec<u64>),
    Failed(Failure),
    Released {
        id: u64,
        due_ns: u64,
    },
    Dead {
        id: u64,
    },
    Dropped {
        id: u64,
    },
    Adopted {
        id: u64,
        place: Place,
    },
    Run {
        id: u64,
        place: Place,
        count: u8,
    },
    AckedRun {
        id: u64,
        bits: u64,
    },
    Remembered(Vec<(Arc<[u8]>, Entry)>),
    Forgotten,
    Fired(Vec<(u64, u64)>),
    Recalled {
        id: u64,
    },
    Deferred {
        id: u64,
    },
    Breached {
        id: u64,
        deadline: Deadline,
        then: Then,
    },
    Copied {
        id: u64,
        deadline: Deadline,
    },
    Leaving {
        terms: Terms,
        letters: Vec<Leaving>,
    },
    Gone(Vec<u64>),
    /// Nothing of this key, or of the queue, is delivered before that.
    Resting {
        until_ns: u64,
        key: Option<Vec<u8>>,
    },
    /// Nothing of this ordering key that is behind a message that died is delivered before it is resumed.
    Halted {
        key: Vec<u8>,
        halt: Halt,
        /// What has it die, unless it did before.
        by: Option<Box<Event>>,
    },
    Resumed {
        key: Vec<u8>,
    },
    /// From here on the message is where this is told.
    Relocated(Box<Relocated>),
}

/// A letter on its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaving {
    pub(crate) id: u64,
    pub(crate) place: Place,
    /// When it may be delivered where it goes; 0 for at once.
    pub(crate) due_ns: u64,
}

/// A failure that counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) id: u64,
    /// Counted so far, this one included.
    pub(crate) failures: u32,
    /// Leases that ran out so far.
    pub(crate) expirations: u32,
    /// When it is tried again.
    pub(crate) due_ns: u64,
    /// Why it is not delivered again, if so.
    pub(crate) death: Option<Death>,
    pub(crate) reason: Reason,
}

/// Ids of the messages whose bits are set.
pub(crate) fn ids_of(first: u64, bits: u64) -> impl Iterator<Item = u64> {
    (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| first.saturating_add(bit))
}

impl Event {
    /// Whether something may be delivered now that could not before: the message itself, or others that waited for it to go.
    pub(crate) fn is_freeing(&self) -> bool {
        !matches!(
            self,
            Self::Started(_)
                | Self::Adopted { .. }
                | Self::Run { .. }
                | Self::AckedRun { .. }
                | Self::Remembered(_)
                | Self::Forgotten
                | Self::Fired(_)
                | Self::Copied { .. }
                | Self::Resting { .. }
                | Self::Relocated(_)
        )
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40);
        match self {
            Self::Started(leases) => {
                bytes.push(STARTED);
                for (id, place) in leases {
                    bytes.extend_from_slice(&id.to_le_bytes());
                    bytes.extend_from_slice(&place.0.to_le_bytes());
                }
            }
            Self::Acked(ids) => {
                bytes.push(ACKED);
                ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
            }
            Self::Failed(failure) => {
                let Reason { class, text } = &failure.reason;
                bytes.push(if class.is_empty() { FAILED } else { FAILED_AS });
                bytes.extend_from_slice(&failure.id.to_le_bytes());
                bytes.extend_from_slice(&failure.failures.to_le_bytes());
                bytes.extend_from_slice(&failure.expirations.to_le_bytes());
                bytes.extend_from_slice(&failure.due_ns.to_le_bytes());
                bytes.push(failure.death.map_or(0, |death| death as u8));
                if !class.is_empty() {
                    bytes.push(class.len() as u8);
                    bytes.extend_from_slice(class.as_bytes());
                }
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::Released { id, due_ns } => {
                bytes.push(RELEASED);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&due_ns.to_le_bytes());
            }
            Self::Dead { id } => {
                bytes.push(DEAD);
                bytes.extend_from_slice(&id.to_le_bytes());
            }
            Self::Dropped { id } => {
                bytes.push(DROPPED);
                bytes.extend_from_slice(&id.to_le_bytes());
            }
            Self::Adopted { id, place } => {
                bytes.push(ADOPTED);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&place.0.to_le_bytes());
            }
            Self::Run { id, place, count } => {
                bytes.push(RUN);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&place.0.to_le_bytes());
                bytes.push(*count);
            }
            Self::AckedRun { id, bits } => {
                bytes.push(ACKED_RUN);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&bits.to_le_bytes());
            }
            Self::Recalled { id } => {
                bytes.push(RECALLED);
                bytes.extend_from_slice(&id.to_le_bytes());
            }
            Self::Deferred { id } => {
                bytes.push(DEFERRED);
                bytes.extend_from_slice(&id.to_le_bytes());
            }
            Self::Breached { id, deadline, then } => {
                bytes.push(BREACHED);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&[*deadline as u8, *then as u8]);
            }
            Self::Copied { id, deadline } => {
                bytes.push(COPIED);
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.push(*deadline as u8);
            }
            Self::Leaving { terms, letters } => {
                let name = terms.to.as_str();
                bytes.extend_from_slice(&[LEAVING, terms.keeps_failures.into(), name.len() as u8]);
                bytes.extend_from_slice(name.as_bytes());
                for Leaving { id, place, due_ns } in letters {
                    [*id, place.0, *due_ns].iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
                }
            }
            Self::Gone(ids) => {
                bytes.push(GONE);
                ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
            }
            Self::Remembered(entries) => {
                bytes.push(REMEMBERED);
                for (key, entry) in entries {
                    let numbers = [entry.id, entry.since_ns, entry.hash];
                    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
                    bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
                    bytes.extend_from_slice(key);
                }
            }
            Self::Forgotten => bytes.push(FORGOTTEN),
            Self::Fired(slots) => {
                bytes.push(FIRED);
                for (schedule, slot_ns) in slots {
                    bytes.extend_from_slice(&schedule.to_le_bytes());
                    bytes.extend_from_slice(&slot_ns.to_le_bytes());
                }
            }
            Self::Resting { until_ns, key } => {
                bytes.push(RESTING);
                bytes.extend_from_slice(&until_ns.to_le_bytes());
                bytes.push(key.is_some().into());
                bytes.extend_from_slice(key.as_deref().unwrap_or_default());
            }
            Self::Halted { key, halt, by } => {
                bytes.push(HALTED);
                bytes.extend_from_slice(&halt.id.to_le_bytes());
                bytes.extend_from_slice(&halt.time_ns.to_le_bytes());
                bytes.push(halt.death as u8);
                bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
                bytes.extend_from_slice(&(halt.error.len() as u16).to_le_bytes());
                bytes.extend_from_slice(key);
                bytes.extend_from_slice(halt.error.as_bytes());
                bytes.extend(by.iter().flat_map(|by| by.encode()));
            }
            Self::Resumed { key } => {
                bytes.push(RESUMED);
                bytes.extend_from_slice(key);
            }
            Self::Relocated(relocated) => {
                bytes.push(RELOCATED);
                relocated.encode_to(&mut bytes);
            }
        }
        bytes
    }

    /// `None`: no event of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (event, rest) = bytes.split_first()?;
        let u64_at = |at: usize| Some(u64::from_le_bytes(rest.get(at..at + 8)?.try_into().ok()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(rest.get(at..at + 4)?.try_into().ok()?));
        Some(match *event {
            STARTED if rest.len() % 16 == 0 => Self::Started(
                (0..rest.len())
                    .step_by(16)
                    .map(|at| Some((u64_at(at)?, Place(u64_at(at + 8)?))))
                    .collect::<Option<_>>()?,
            ),
            ACKED if rest.len() % 8 == 0 => {
                Self::Acked((0..rest.len()).step_by(8).map(u64_at).collect::<Option<_>>()?)
            }
            FAILED | FAILED_AS => Self::Failed(Failure {
                id: u64_at(0)?,
                failures: u32_at(8)?,
                expirations: u32_at(12)?,
                due_ns: u64_at(16)?,
                death: match *rest.get(24)? {
                    0 => None,
                    death => Some(Death::from_byte(death)?),
                },
                reason: reason(rest.get(25..)?, *event == FAILED_AS)?,
            }),
            RELEASED if rest.len() == 16 => Self::Released { id: u64_at(0)?, due_ns: u64_at(8)? },
            DEAD if rest.len() == 8 => Self::Dead { id: u64_at(0)? },
            DROPPED if rest.len() == 8 => Self::Dropped { id: u64_at(0)? },
            LEAVING => leaving(rest)?,
            GONE if rest.len() % 8 == 0 => {
                Self::Gone((0..rest.len()).step_by(8).map(u64_at).collect::<Option<_>>()?)
            }
            ADOPTED if rest.len() == 16 => Self::Adopted { id: u64_at(0)?, place: Place(u64_at(8)?) },
            RUN if rest.len() == 17 => {
                Self::Run { id: u64_at(0)?, place: Place(u64_at(8)?), count: *rest.get(16)? }
            }
            ACKED_RUN if rest.len() == 16 => Self::AckedRun { id: u64_at(0)?, bits: u64_at(8)? },
            RECALLED if rest.len() == 8 => Self::Recalled { id: u64_at(0)? },
            DEFERRED if rest.len() == 8 => Self::Deferred { id: u64_at(0)? },
            BREACHED if rest.len() == 10 => Self::Breached {
                id: u64_at(0)?,
                deadline: Deadline::from_byte(*rest.get(8)?)?,
                then: Then::from_byte(*rest.get(9)?)?,
            },
            COPIED if rest.len() == 9 => {
                Self::Copied { id: u64_at(0)?, deadline: Deadline::from_byte(*rest.get(8)?)? }
            }
            REMEMBERED => Self::Remembered(decode_remembered(rest)?),
            FORGOTTEN if rest.is_empty() => Self::Forgotten,
            FIRED if rest.len() % 16 == 0 => Self::Fired(
                (0..rest.len())
                    .step_by(16)
                    .map(|at| Some((u64_at(at)?, u64_at(at + 8)?)))
                    .collect::<Option<_>>()?,
            ),
            RESTING => Self::Resting {
                until_ns: u64_at(0)?,
                key: match *rest.get(8)? {
                    0 if rest.len() == 9 => None,
                    1 => Some(rest.get(9..)?.to_vec()),
                    _ => return None,
                },
            },
            HALTED => {
                let length_at = |at: usize| Some(u16::from_le_bytes(rest.get(at..at + 2)?.try_into().ok()?));
                let (key, after) = rest.get(21..)?.split_at_checked(length_at(17)?.into())?;
                let (error, by) = after.split_at_checked(length_at(19)?.into())?;
                let death = Death::from_byte(*rest.get(16)?)?;
                let error = String::from_utf8(error.to_vec()).ok()?;
                let by = match by.first() {
                    None => None,
                    // No other has a message die, and none is within another.
                    Some(&(FAILED | FAILED_AS | BREACHED)) => Some(Box::new(Self::decode(by)?)),
                    Some(_) => return None,
                };
                let halt = Halt { id: u64_at(0)?, time_ns: u64_at(8)?, death, error };
                Self::Halted { key: key.to_vec(), halt, by }
            }
            RESUMED => Self::Resumed { key: rest.to_vec() },
            RELOCATED => Self::Relocated(Box::new(Relocated::decode(rest)?)),
            _ => return None,
        })
    }

    /// Bytes that so many slots take.
    pub(crate) fn fired_bytes(count: usize) -> usize {
        2 * size_of::<u64>() * count
    }

    /// Bytes that one rest takes.
    pub(crate) fn resting_bytes(key: Option<&[u8]>) -> usize {
        size_of::<u64>() + 1 + key.map_or(0, <[u8]>::len)
    }

    /// Bytes that one key takes.
    pub(crate) fn remembered_bytes(key: &[u8]) -> usize {
        REMEMBERED_BYTES + key.len()
    }
}

/// Of one key, without the key.
const REMEMBERED_BYTES: usize = 3 * 8 + 2;

fn decode_remembered(mut rest: &[u8]) -> Option<Vec<(Arc<[u8]>, Entry)>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (fixed, after) = rest.split_at_checked(REMEMBERED_BYTES)?;
        let u64_at = |at: usize| Some(u64::from_le_bytes(fixed.get(at..at + 8)?.try_into().ok()?));
        let key_len = u16::from_le_bytes(fixed.get(24..)?.try_into().ok()?);
        let (key, after) = after.split_at_checked(key_len.into())?;
        entries.push((key.into(), Entry { id: u64_at(0)?, since_ns: u64_at(8)?, hash: u64_at(16)? }));
        rest = after;
    }
    Some(entries)
}

fn leaving(bytes: &[u8]) -> Option<Event> {
    let (keeps_failures, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (name, letters) = rest.split_at_checked(usize::from(*length))?;
    let to = Name::new(std::str::from_utf8(name).ok()?).ok()?;
    let letter = |bytes: &[u8]| {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        Some(Leaving { id: number(0)?, place: Place(number(8)?), due_ns: number(16)? })
    };
    let terms = Terms { to, keeps_failures: (*keeps_failures <= 1).then_some(*keeps_failures == 1)? };
    Some(Event::Leaving { terms, letters: letters.chunks(24).map(letter).collect::<Option<_>>()? })
}

fn reason(bytes: &[u8], has_class: bool) -> Option<Reason> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    if !has_class {
        return Some(text(bytes)?.into());
    }
    let (length, rest) = bytes.split_first()?;
    let (class, rest) = rest.split_at_checked(usize::from(*length))?;
    // Without one it would be written as the other event.
    Some(Reason { class: text(class).filter(|class| !class.is_empty())?, text: text(rest)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_come_back_as_they_were() {
        let failure = Failure {
            id: 9,
            failures: 2,
            expirations: 1,
            due_ns: 77,
            death: Some(Death::Rejected),
            reason: "späť".into(),
        };
        for event in [
            Event::Started(vec![(1, Place(2)), (3, Place(4))]),
            Event::Acked(vec![5, 6, 7]),
            Event::Failed(Failure {
                reason: Reason { class: "Zlé".into(), text: String::new() },
                death: None,
                ..failure.clone()
            }),
            Event::Failed(failure),
            Event::Released { id: 8, due_ns: 0 },
            Event::Dead { id: 1 },
            Event::Dropped { id: u64::MAX },
            Event::Adopted { id: 3, place: Place(4) },
            Event::Remembered(vec![
                (b"key"[..].into(), Entry { id: 5, since_ns: 6, hash: 7 }),
                (b""[..].into(), Entry { id: u64::MAX, since_ns: 0, hash: 0 }),
            ]),
            Event::Run { id: 3, place: Place(4), count: 64 },
            Event::AckedRun { id: 3, bits: u64::MAX },
            Event::Recalled { id: 4 },
            Event::Deferred { id: 5 },
            Event::Breached { id: 6, deadline: Deadline::Start, then: Then::Escalate },
            Event::Copied { id: 6, deadline: Deadline::Complete },
            Event::Leaving {
                terms: Terms { to: Name::new("jobs").unwrap(), keeps_failures: true },
                letters: vec![Leaving { id: 1, place: Place(2), due_ns: 3 }; 2],
            },
            Event::Gone(vec![3, 9]),
            Event::Forgotten,
            Event::Fired(vec![(1, 2), (3, u64::MAX)]),
            Event::Halted {
                key: b"a".to_vec(),
                halt: Halt { id: 3, time_ns: 4, death: Death::Deadline, error: "späť".into() },
                by: Some(Box::new(Event::Breached { id: 3, deadline: Deadline::Start, then: Then::Die })),
            },
            Event::Halted {
                key: Vec::new(),
                halt: Halt { id: 3, time_ns: 4, death: Death::Failed, error: String::new() },
                by: None,
            },
            Event::Resumed { key: b"a".to_vec() },
            Event::Resting { until_ns: 5, key: None },
            Event::Resting { until_ns: 5, key: Some(b"a".to_vec()) },
        ] {
            assert_eq!(Event::decode(&event.encode()), Some(event));
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Event::decode(&bytes);
        }
    }
}
