//! How a producer's progress lies in the logs: behind the records that advanced it, and in the log of commits.
//!
//! ```text
//! control frame of a partition, behind the data of the same batch:
//!   1 u8 | producer u64 | epoch u64 | first u64 | count u32 | partitions u32 | partition u32 *
//! log of commits, key "producer/NAME":
//!   producer u64 | epoch u64 | next u64 | partitions u32 | (partition u32, next u64) *
//! log of commits, key "producer/":
//!   producers made u64 | segment u64 *
//! ```
//!
//! All little-endian, and nothing behind it.

use crate::limits::PARTITION_COUNT_MAX;
use std::collections::BTreeMap;

/// First byte of a control frame of a partition that tells of a producer.
const PRODUCED: u8 = 1;

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*first))
    }

    fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// Another partition, of `count` and after the one before.
    fn partition(&mut self, count: u32, before: Option<u32>) -> Option<u32> {
        self.u32().filter(|partition| *partition < count && before.is_none_or(|before| before < *partition))
    }
}

/// What one call of a producer put into a partition, with what it put elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Produced {
    pub(super) producer: u64,
    pub(super) epoch: u64,
    /// Sequence of the call's first message, whatever its partition.
    pub(super) first: u64,
    /// Messages of the call.
    pub(super) count: u32,
    /// Partitions of the stream, as the call's messages were spread.
    pub(super) partitions: u32,
    /// Those that have messages of the call; empty if it is this one alone.
    pub(super) shared_with: Vec<u32>,
}

impl Produced {
    /// One past the sequence of the call's last message.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![PRODUCED];
        bytes.extend_from_slice(&self.producer.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.partitions.to_le_bytes());
        self.shared_with.iter().for_each(|partition| bytes.extend_from_slice(&partition.to_le_bytes()));
        bytes
    }

    /// What a control frame says. `Ok(None)`: it is none of a producer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, String> {
        let mut fields = Fields(bytes);
        if fields.u8() != Some(PRODUCED) {
            return Ok(None);
        }
        let impossible = || format!("{} bytes that tell nothing possible of a producer", bytes.len());
        Self::fields(&mut fields).map(Some).ok_or_else(impossible)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        let mut produced = Self {
            producer: fields.u64()?,
            epoch: fields.u64()?,
            first: fields.u64()?,
            count: fields.u32()?,
            partitions: fields.u32()?,
            shared_with: Vec::new(),
        };
        while !fields.is_over() {
            let before = produced.shared_with.last().copied();
            produced.shared_with.push(fields.partition(produced.partitions, before)?);
        }
        let is_possible = produced.epoch > 0
            && produced.count > 0
            && produced.first.checked_add(produced.count.into()).is_some()
            && (1..=PARTITION_COUNT_MAX).contains(&produced.partitions)
            && produced.shared_with.len() != 1;
        is_possible.then_some(produced)
    }
}

/// What of a producer is in the logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Every message before this sequence is in its partition.
    pub(super) next: u64,
    /// Partitions of the stream when those that are ahead were written.
    pub(super) partitions: u32,
    /// Partitions that have more: all their messages before this sequence.
    pub(super) ahead: BTreeMap<u32, u64>,
}

impl Progress {
    /// Up to where a partition has its messages.
    pub(super) fn of(&self, partition: u32) -> u64 {
        self.ahead.get(&partition).map_or(self.next, |ahead| self.next.max(*ahead))
    }

    /// Every message before this sequence is in its partition.
    pub(super) fn complete(&mut self, next: u64) {
        self.next = self.next.max(next);
        self.ahead.retain(|_, ahead| *ahead > next);
    }
}

/// A producer as the log of commits tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(super) producer: u64,
    pub(super) epoch: u64,
    pub(super) progress: Progress,
}

impl Saved {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Progress { next, partitions, ahead } = &self.progress;
        let mut bytes = Vec::with_capacity(28 + 12 * ahead.len());
        bytes.extend_from_slice(&self.producer.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&next.to_le_bytes());
        bytes.extend_from_slice(&partitions.to_le_bytes());
        for (partition, next) in ahead {
            bytes.extend_from_slice(&partition.to_le_bytes());
            bytes.extend_from_slice(&next.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (producer, epoch) = (fields.u64()?, fields.u64()?);
        let (next, partitions) = (fields.u64()?, fields.u32()?);
        let mut progress = Progress { next, partitions, ahead: BTreeMap::new() };
        while !fields.is_over() {
            let before = progress.ahead.last_key_value().map(|(partition, _)| *partition);
            let partition = fields.partition(partitions, before)?;
            progress.ahead.insert(partition, fields.u64().filter(|ahead| *ahead > next)?);
        }
        // There is always another epoch.
        let is_possible = (1..u64::MAX).contains(&epoch) && partitions <= PARTITION_COUNT_MAX;
        is_possible.then_some(Self { producer, epoch, progress })
    }
}

/// How far the log of commits tells all that the partitions do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Numbers of producers that were given.
    pub(super) made: u64,
    /// Of each partition, the first segment of which it does not.
    pub(super) segments: Vec<u64>,
}

impl Told {
    pub(super) fn encode(&self) -> Vec<u8> {
        std::iter::once(&self.made).chain(&self.segments).flat_map(|number| number.to_le_bytes()).collect()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let made = fields.u64()?;
        let mut segments = Vec::new();
        while !fields.is_over() {
            segments.push(fields.u64()?);
        }
        let is_possible = made < u64::MAX && segments.len() <= PARTITION_COUNT_MAX as usize;
        is_possible.then_some(Self { made, segments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn produced() -> Produced {
        Produced { producer: 7, epoch: 2, first: 40, count: 3, partitions: 4, shared_with: vec![0, 3] }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let alone = Produced { shared_with: Vec::new(), ..produced() };
        for produced in [produced(), alone] {
            assert_eq!(Produced::decode(&produced.encode()), Ok(Some(produced)));
        }
        let ahead = BTreeMap::from([(1, 43), (3, 50)]);
        let saved = Saved { producer: 7, epoch: 2, progress: Progress { next: 40, partitions: 4, ahead } };
        assert_eq!(Saved::decode(&saved.encode()), Some(saved));
        let told = Told { made: 8, segments: vec![1, 17] };
        assert_eq!(Told::decode(&told.encode()), Some(told));
    }

    #[test]
    fn a_control_frame_of_something_else_is_none_of_a_producer() {
        assert_eq!(Produced::decode(&[2, 0, 0]), Ok(None));
        assert_eq!(Produced::decode(&[]), Ok(None));
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        let refused = |produced: Produced| Produced::decode(&produced.encode()).is_err();
        assert!(refused(Produced { epoch: 0, ..produced() }));
        assert!(refused(Produced { count: 0, ..produced() }));
        assert!(refused(Produced { first: u64::MAX - 1, ..produced() }));
        assert!(refused(Produced { partitions: 3, ..produced() }), "partition 3 of 3");
        assert!(refused(Produced { partitions: 1025, ..produced() }));
        assert!(refused(Produced { shared_with: vec![3, 0], ..produced() }), "not in order");
        assert!(refused(Produced { shared_with: vec![3], ..produced() }), "that one alone is left out");
        let saved = |ahead: &[(u32, u64)], epoch| {
            let progress = Progress { next: 40, partitions: 4, ahead: ahead.iter().copied().collect() };
            Saved { producer: 7, epoch, progress }.encode()
        };
        assert!(Saved::decode(&saved(&[], 0)).is_none() && Saved::decode(&saved(&[], u64::MAX)).is_none());
        assert!(Saved::decode(&saved(&[(4, 50)], 1)).is_none());
        assert!(Saved::decode(&saved(&[(1, 40)], 1)).is_none(), "not ahead");
        for cut in 0..saved(&[(1, 50)], 1).len() {
            let is_whole = cut == 28;
            assert_eq!(Saved::decode(&saved(&[(1, 50)], 1)[..cut]).is_some(), is_whole, "{cut}");
        }
        for cut in 1..produced().encode().len() {
            let is_whole = cut == 33;
            assert_eq!(Produced::decode(&produced().encode()[..cut]).is_ok(), is_whole, "{cut}");
        }
        assert!(Told::decode(&[0; 7]).is_none() && Told::decode(&[0; 12]).is_none());
        assert!(Told::decode(&vec![0; 8 * 1026]).is_none());
    }
}
