//! Which partition a record goes to.

use crate::error::{Error, Result};
use crate::message::Message;
use crate::stream::shared::Shared;
use crate::sync::{AtomicU32, Ordering};
use std::fmt;
use std::sync::Arc;

/// What a user gives instead: key, record and number of partitions; the partition.
type Choose = dyn Fn(Option<&[u8]>, &Message<'_>, u32) -> u32 + Send + Sync;

/// A partitioner of the user's, which belongs to a handle. It is asked before anything is claimed, and without a lock.
#[derive(Clone)]
pub(crate) struct Custom(Arc<Choose>);

impl Custom {
    pub(crate) fn new(
        choose: impl Fn(Option<&[u8]>, &Message<'_>, u32) -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(choose))
    }

    /// The partition of a record, of `count`.
    ///
    /// # Errors
    /// `InvalidArgument` if it says one that there is not.
    pub(crate) fn partition(&self, message: &Message<'_>, count: u32) -> Result<u32> {
        let partition = (self.0)(message.key, message, count);
        if partition < count {
            return Ok(partition);
        }
        let detail = format!(
            "it chose partition {partition} of a stream that has {count}, counted from 0; choose a lower one"
        );
        Err(Error::invalid("partitioner", detail))
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo): the hash that NATS JetStream's own partitioning uses, so that a key keeps its
/// partition number there.
pub(crate) fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Keyed records go by the hash of their key; keyless ones stick to one partition for a batch, then move on.
#[derive(Debug)]
pub(crate) struct Partitioner {
    count: AtomicU32,
    sticky: AtomicU32,
}

impl Partitioner {
    pub(crate) fn new(count: u32) -> Self {
        Self { count: AtomicU32::new(count), sticky: AtomicU32::new(0) }
    }

    #[inline]
    fn count(&self) -> u32 {
        // ORDERING: Acquire: pairs with `set_count`; whoever is sent to a partition finds it.
        self.count.load(Ordering::Acquire)
    }

    /// There are more partitions, which can be found already.
    pub(crate) fn set_count(&self, count: u32) {
        // ORDERING: Release: pairs with `count`.
        self.count.store(count, Ordering::Release);
    }

    /// The partition of the keyless records of one batch: of those with the least to do, the next in turn.
    pub(crate) fn next_sticky_by(&self, queued: impl Fn(u32) -> u64) -> u32 {
        let (first, count) = (self.next_sticky(), self.count());
        let turns = (0..count).map(|turn| (first + turn) % count);
        turns.min_by_key(|partition| queued(*partition)).unwrap_or(first)
    }

    /// The partition of a keyless record on its own.
    #[inline]
    pub(crate) fn next_sticky(&self) -> u32 {
        let count = self.count();
        if count == 1 {
            return 0;
        }
        // ORDERING: Relaxed: a round robin that publishes nothing.
        self.sticky.fetch_add(1, Ordering::Relaxed) % count
    }

    /// The partition of a record of a batch.
    #[inline]
    pub(crate) fn partition(&self, key: Option<&[u8]>, sticky: u32) -> u32 {
        match key.zip(Some(self.count())) {
            Some((key, count)) if count > 1 => fnv1a_32(key) % count,
            _ => sticky,
        }
    }
}

impl Shared {
    /// The partition of the keyless records of a batch: the one with the least bytes that are on their way to the disk, and of
    /// several the next in turn. In memory nothing is on its way.
    pub(super) fn sticky_of_batch(&self) -> u32 {
        let queued = |partition| self.partition(partition).map_or(u64::MAX, |log| log.queued_granules());
        self.partitioner.next_sticky_by(queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a_as_published() {
        assert_eq!(fnv1a_32(b""), 0x811c_9dc5);
        assert_eq!(fnv1a_32(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a_32(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn a_key_always_goes_to_the_same_partition_and_keyless_batches_go_round() {
        let partitioner = Partitioner::new(4);
        assert_eq!(partitioner.partition(Some(b"N14228"), 0), partitioner.partition(Some(b"N14228"), 3));
        let stickies: Vec<u32> = (0..8).map(|_| partitioner.next_sticky()).collect();
        assert_eq!(stickies, [0, 1, 2, 3, 0, 1, 2, 3]);
    }

    #[test]
    fn the_next_batch_goes_where_least_is_queued_and_round_where_that_is_the_same() {
        let partitioner = Partitioner::new(4);
        let queued = [30, 20, 10, 20];
        let next = |queued: [u64; 4]| partitioner.next_sticky_by(|partition| queued[partition as usize]);
        assert_eq!([next(queued), next(queued)], [2, 2]);
        assert_eq!([(); 4].map(|()| next([5, 0, 5, 0])), [3, 3, 1, 1]);
        assert_eq!([(); 4].map(|()| next([0; 4])), [2, 3, 0, 1]);
    }
}
