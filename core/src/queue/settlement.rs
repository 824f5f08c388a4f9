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
//! resting    | until_ns u64, has_key u8, key
//! ```

use crate::log::Place;
use crate::queue::state::Death;

const STARTED: u8 = 1;
const ACKED: u8 = 2;
const FAILED: u8 = 3;
const RELEASED: u8 = 4;
const DEAD: u8 = 5;
const DROPPED: u8 = 6;
const ADOPTED: u8 = 7;
const RUN: u8 = 8;
const ACKED_RUN: u8 = 9;
const RESTING: u8 = 50;

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
    /// Nothing of this key, or of the queue, is delivered before that.
    Resting {
        until_ns: u64,
        key: Option<Vec<u8>>,
    },
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
    pub(crate) reason: String,
}

/// Ids of the messages whose bits are set.
pub(crate) fn ids_of(first: u64, bits: u64) -> impl Iterator<Item = u64> {
    (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| first.saturating_add(bit))
}

impl Event {
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
                bytes.push(FAILED);
                bytes.extend_from_slice(&failure.id.to_le_bytes());
                bytes.extend_from_slice(&failure.failures.to_le_bytes());
                bytes.extend_from_slice(&failure.expirations.to_le_bytes());
                bytes.extend_from_slice(&failure.due_ns.to_le_bytes());
                bytes.push(failure.death.map_or(0, |death| death as u8));
                bytes.extend_from_slice(failure.reason.as_bytes());
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
            Self::Resting { until_ns, key } => {
                bytes.push(RESTING);
                bytes.extend_from_slice(&until_ns.to_le_bytes());
                bytes.push(key.is_some().into());
                bytes.extend_from_slice(key.as_deref().unwrap_or_default());
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
            FAILED => Self::Failed(Failure {
                id: u64_at(0)?,
                failures: u32_at(8)?,
                expirations: u32_at(12)?,
                due_ns: u64_at(16)?,
                death: match *rest.get(24)? {
                    0 => None,
                    death => Some(Death::from_byte(death)?),
                },
                reason: String::from_utf8(rest.get(25..)?.to_vec()).ok()?,
            }),
            RELEASED if rest.len() == 16 => Self::Released { id: u64_at(0)?, due_ns: u64_at(8)? },
            DEAD if rest.len() == 8 => Self::Dead { id: u64_at(0)? },
            DROPPED if rest.len() == 8 => Self::Dropped { id: u64_at(0)? },
            ADOPTED if rest.len() == 16 => Self::Adopted { id: u64_at(0)?, place: Place(u64_at(8)?) },
            RUN if rest.len() == 17 => {
                Self::Run { id: u64_at(0)?, place: Place(u64_at(8)?), count: *rest.get(16)? }
            }
            ACKED_RUN if rest.len() == 16 => Self::AckedRun { id: u64_at(0)?, bits: u64_at(8)? },
            RESTING => Self::Resting {
                until_ns: u64_at(0)?,
                key: match *rest.get(8)? {
                    0 if rest.len() == 9 => None,
                    1 => Some(rest.get(9..)?.to_vec()),
                    _ => return None,
                },
            },
            _ => return None,
        })
    }
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
            Event::Failed(failure),
            Event::Released { id: 8, due_ns: 0 },
            Event::Dead { id: 1 },
            Event::Dropped { id: u64::MAX },
            Event::Adopted { id: 3, place: Place(4) },
            Event::Run { id: 3, place: Place(4), count: 64 },
            Event::AckedRun { id: 3, bits: u64::MAX },
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
