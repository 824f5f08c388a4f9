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
    count: u32,
    sticky: AtomicU32,
}

impl Partitioner {
    pub(crate) fn new(count: u32) -> Self {
        Self { count, sticky: AtomicU32::new(0) }
    }

    /// The partition of the keyless records of one batch.
    #[inline]
    pub(crate) fn next_sticky(&self) -> u32 {
        if self.count == 1 {
            return 0;
        }
        // ORDERING: Relaxed: a round robin that publishes nothing.
        self.sticky.fetch_add(1, Ordering::Relaxed) % self.count
    }

    /// The partition of a record of a batch.
    #[inline]
    pub(crate) fn partition(&self, key: Option<&[u8]>, sticky: u32) -> u32 {
        match key {
            Some(key) if self.count > 1 => fnv1a_32(key) % self.count,
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
