//! Who of a group reads which partition: a plain struct under a lock, not a protocol.
//!
//! **Rule** (cooperative sticky): members keep what they have as far as the balance (at most one apart) allows; what is
//! left goes to those with fewest, lowest member number first. Deterministic. A partition that does not move is not
//! disturbed.

use std::collections::BTreeMap;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Coordinator {
    /// Grows with every change of members.
    generation: u64,
    next_member: u64,
    /// Members with the partitions that they own.
    members: BTreeMap<u64, Vec<u32>>,
    /// For each partition the generation in which it was given to its owner: what fences an owner that lost it and got it
    /// back without noticing.
    since: Vec<u64>,
}

impl Coordinator {
    pub(crate) fn new(partition_count: u32) -> Self {
        let since = vec![0; partition_count as usize];
        Self { generation: 0, next_member: 1, members: BTreeMap::new(), since }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether anybody is in the group.
    pub(crate) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    /// Adds a member and returns its number.
    pub(crate) fn join(&mut self) -> u64 {
        let member = self.next_member;
        self.next_member += 1;
        self.members.insert(member, Vec::new());
        self.assign();
        member
    }

    pub(crate) fn leave(&mut self, member: u64) {
        if self.members.remove(&member).is_some() {
            self.assign();
        }
    }

    /// There are more partitions, which are shared out like any that are free.
    pub(crate) fn set_partition_count(&mut self, count: u32) {
        if count as usize > self.since.len() {
            self.since.resize(count as usize, 0);
            self.assign();
        }
    }

    /// What a member owns, in order.
    pub(crate) fn assignment(&self, member: u64) -> &[u32] {
        self.members.get(&member).map_or(&[], Vec::as_slice)
    }

    /// The generation since which the member owns the partition, if it does.
    pub(crate) fn owned_since(&self, member: u64, partition: u32) -> Option<u64> {
        let owned = self.assignment(member).contains(&partition);
        self.since.get(partition as usize).copied().filter(|_| owned)
    }

    fn assign(&mut self) {
        self.generation += 1;
        let count = self.members.len() as u32;
        if count == 0 {
            return;
        }
        let partition_count = self.since.len() as u32;
        let (fair, mut extra) = (partition_count / count, partition_count % count);
        // Those that have more than the fair share keep one more, as long as there are extras.
        for owned in self.members.values_mut() {
            let keeps_extra = owned.len() as u32 > fair && extra > 0;
            extra -= u32::from(keeps_extra);
            owned.truncate((fair + u32::from(keeps_extra)) as usize);
        }
        let owned: Vec<u32> = self.members.values().flatten().copied().collect();
        let free = (0..partition_count).filter(|partition| !owned.contains(partition));
        for partition in free {
            if let Some(since) = self.since.get_mut(partition as usize) {
                *since = self.generation;
            }
            let fewest = self.members.values_mut().min_by_key(|owned| owned.len());
            if let Some(owned) = fewest {
                owned.push(partition);
                owned.sort_unstable();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn partitions_are_shared_out_whole_balanced_and_without_needless_moves(
            partitions in 1..20u32, steps in proptest::collection::vec((any::<bool>(), any::<proptest::sample::Index>()), 1..20),
        ) {
            let mut coordinator = Coordinator::new(partitions);
            let mut members = vec![];
            for (join, which) in steps {
                let before = coordinator.members.clone();
                if join || members.is_empty() {
                    members.push(coordinator.join());
                } else {
                    let member = members.remove(which.index(members.len()));
                    coordinator.leave(member);
                }
                if members.is_empty() { continue }
                let mut all: Vec<u32> = coordinator.members.values().flatten().copied().collect();
                all.sort_unstable();
                prop_assert_eq!(all, (0..partitions).collect::<Vec<_>>());
                let sizes: Vec<usize> = coordinator.members.values().map(Vec::len).collect();
                prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
                let most = (partitions as usize).div_ceil(members.len());
                for (member, owned) in &coordinator.members {
                    let had = before.get(member).cloned().unwrap_or_default();
                    let kept = owned.iter().filter(|p| had.contains(p)).count();
                    prop_assert!(kept >= had.len().min(most - 1), "member {} lost more than it had to", member);
                }
            }
        }
    }
}
