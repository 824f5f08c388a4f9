//! What the log of commits says, frame by frame. The key of a frame is the group's name; numbers are little-endian.
//!
//! ```text
//! data frame:     (partition u32, next u64) * n                                         committed: the next offset to read
//! control frame:  1, (partition u32, next u64, count u32, (start u64, end u64) * count) * n    done: also these, beyond next
//!                 2, (partition u32, next u64) * n                                      rewound: and nothing beyond it is done
//!                 3                                                                     the group was deleted
//! ```
//!
//! Unknown control frames are skipped.

use crate::log::{Frame, Kind};
use std::ops::Range;

const DONE: u8 = 1;
const REWOUND: u8 = 2;
const DELETED: u8 = 3;

/// What is done of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) partition: u32,
    /// Everything below it.
    pub(crate) next: u64,
    /// Beyond it, in order, none of which touch.
    pub(crate) islands: Vec<Range<u64>>,
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Committed(Vec<(u32, u64)>),
    Done(Vec<Done>),
    Rewound(Vec<(u32, u64)>),
    Deleted,
}

impl Said {
    /// What a frame says of a group. The words say what is wrong with it.
    pub(crate) fn parse<'a>(frame: &Frame<'a>) -> Result<Option<(&'a str, Self)>, &'static str> {
        let Some(group) = frame.key().and_then(|key| std::str::from_utf8(key).ok()) else { return Ok(None) };
        let said = match frame.kind() {
            Kind::Data => Some(Self::Committed(pairs(frame.value()))),
            Kind::Control => Self::parse_control(frame.value())?,
            _ => None,
        };
        Ok(said.map(|said| (group, said)))
    }

    fn parse_control(value: &[u8]) -> Result<Option<Self>, &'static str> {
        match value.split_first() {
            Some((&DONE, rest)) => {
                Ok(Some(Self::Done(dones(rest).ok_or("a commit does not fit its frame")?)))
            }
            Some((&REWOUND, rest)) if rest.len() % 12 == 0 => Ok(Some(Self::Rewound(pairs(rest)))),
            Some((&DELETED, [])) => Ok(Some(Self::Deleted)),
            Some((&REWOUND | &DELETED, _)) => Err("a rewind or deletion does not fit its frame"),
            _ => Ok(None),
        }
    }

    /// The kind and the value of its frame.
    pub(crate) fn encode(&self) -> (Kind, Vec<u8>) {
        match self {
            Self::Committed(next) => (Kind::Data, of_pairs(next)),
            Self::Done(dones) => {
                (Kind::Control, [vec![DONE], dones.iter().flat_map(of_done).collect()].concat())
            }
            Self::Rewound(next) => (Kind::Control, [vec![REWOUND], of_pairs(next)].concat()),
            Self::Deleted => (Kind::Control, vec![DELETED]),
        }
    }
}

fn of_pairs(pairs: &[(u32, u64)]) -> Vec<u8> {
    pairs
        .iter()
        .flat_map(|(partition, next)| [&partition.to_le_bytes()[..], &next.to_le_bytes()].concat())
        .collect()
}

fn pairs(value: &[u8]) -> Vec<(u32, u64)> {
    let pair = |mut pair: &[u8]| Some((u32_of(&mut pair)?, u64_of(&mut pair)?));
    value.chunks_exact(12).filter_map(pair).collect()
}

fn of_done(done: &Done) -> Vec<u8> {
    let count = done.islands.len() as u32;
    let mut bytes =
        [&done.partition.to_le_bytes()[..], &done.next.to_le_bytes(), &count.to_le_bytes()].concat();
    for island in &done.islands {
        bytes.extend([island.start.to_le_bytes(), island.end.to_le_bytes()].concat());
    }
    bytes
}

fn dones(mut value: &[u8]) -> Option<Vec<Done>> {
    let mut dones = Vec::new();
    while !value.is_empty() {
        let (partition, next, count) = (u32_of(&mut value)?, u64_of(&mut value)?, u32_of(&mut value)?);
        let (mut islands, mut below) = (Vec::new(), next);
        for _ in 0..count {
            let island = u64_of(&mut value)?..u64_of(&mut value)?;
            if island.start <= below || island.is_empty() {
                return None;
            }
            below = island.end;
            islands.push(island);
        }
        dones.push(Done { partition, next, islands });
    }
    Some(dones)
}

fn u32_of(bytes: &mut &[u8]) -> Option<u32> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*first))
}

fn u64_of(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(partition: u32, next: u64, islands: &[(u64, u64)]) -> Done {
        Done { partition, next, islands: islands.iter().map(|(start, end)| *start..*end).collect() }
    }

    fn parsed(kind: Kind, value: &[u8]) -> Result<Option<Said>, &'static str> {
        if kind == Kind::Data { Ok(Some(Said::Committed(pairs(value)))) } else { Said::parse_control(value) }
    }

    #[test]
    fn what_is_said_is_read_again() {
        for said in [
            Said::Committed(vec![(0, 7), (1023, u64::MAX)]),
            Said::Committed(Vec::new()),
            Said::Done(vec![done(1, 5, &[(6, 7), (9, 20)]), done(2, 0, &[])]),
            Said::Rewound(vec![(3, 4)]),
            Said::Deleted,
        ] {
            let (kind, value) = said.encode();
            assert_eq!(parsed(kind, &value).unwrap().unwrap(), said);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_unknown_is_skipped() {
        let islands = |islands: &[(u64, u64)]| Said::Done(vec![done(1, 5, islands)]).encode().1;
        let whole = islands(&[(6, 7), (9, 20)]);
        for len in 2..whole.len() {
            assert!(Said::parse_control(&whole[..len]).is_err(), "cut at {len}");
        }
        let wrong: [&[(u64, u64)]; 6] =
            [&[(5, 7)], &[(4, 7)], &[(8, 8)], &[(9, 8)], &[(6, 9), (9, 10)], &[(8, 9), (6, 7)]];
        for wrong in wrong {
            assert!(Said::parse_control(&islands(wrong)).is_err(), "{wrong:?}");
        }
        assert!(
            Said::parse_control(&[REWOUND, 1, 2]).is_err() && Said::parse_control(&[DELETED, 0]).is_err()
        );
        assert_eq!(Said::parse_control(&[200, 1, 2]), Ok(None));
        assert_eq!(Said::parse_control(&[]), Ok(None));
    }
}
