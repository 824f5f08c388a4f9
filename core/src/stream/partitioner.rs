//! Which partition a record goes to.

use crate::sync::{AtomicU32, Ordering};

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

    /// The partition of the keyless records of one batch.
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
}
