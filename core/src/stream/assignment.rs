//! Who of a group is to have which partition: a pure function of who has it now.
//!
//! **Rule**, cooperative and sticky: first the balance, nobody has two more than another; then each keeps what it has, as far as
//! the balance allows; then the lowest member number. Deterministic, and no rule that keeps the balance moves fewer.

use std::collections::{BTreeMap, BTreeSet};

/// A partition as the rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) owner: Option<u64>,
    /// Its owner reads it no more: of what it has it keeps that last.
    pub(super) is_stopped: bool,
}

/// The owner that each partition is to have. `None` only where there are no members.
pub(super) fn target(held: &[Held], members: &BTreeSet<u64>) -> Vec<Option<u64>> {
    let mut target = vec![None; held.len()];
    if members.is_empty() {
        return target;
    }
    let (fair, mut extra) = (held.len() / members.len(), held.len() % members.len());
    let mut has: BTreeMap<u64, Vec<(bool, usize)>> = members.iter().map(|member| (*member, vec![])).collect();
    for (partition, held) in held.iter().enumerate() {
        if let Some(partitions) = held.owner.and_then(|owner| has.get_mut(&owner)) {
            partitions.push((held.is_stopped, partition));
        }
    }
    let mut sizes = BTreeSet::new();
    for (member, mut partitions) in has {
        // Those that have more than the fair share keep one more, as long as there are extras.
        let keeps_extra = partitions.len() > fair && extra > 0;
        extra -= usize::from(keeps_extra);
        partitions.sort_unstable();
        partitions.truncate(fair + usize::from(keeps_extra));
        sizes.insert((partitions.len(), member));
        for (_, partition) in partitions {
            target[partition] = Some(member);
        }
    }
    for owner in target.iter_mut().filter(|owner| owner.is_none()) {
        if let Some((size, member)) = sizes.pop_first() {
            *owner = Some(member);
            sizes.insert((size + 1, member));
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The most that any balanced assignment leaves where it is, by trying all.
    fn most_kept(held: &[Held], members: &[u64]) -> usize {
        let (fair, has_extra) = (held.len() / members.len(), !held.len().is_multiple_of(members.len()));
        let count = members.len().pow(held.len() as u32);
        let kept = |mut code: usize| {
            let mut sizes = vec![0; members.len()];
            let mut kept = 0;
            for held in held {
                sizes[code % members.len()] += 1;
                kept += usize::from(held.owner == Some(members[code % members.len()]));
                code /= members.len();
            }
            let is_balanced = sizes.iter().all(|size| (fair..=fair + usize::from(has_extra)).contains(size));
            is_balanced.then_some(kept)
        };
        (0..count).filter_map(kept).max().expect("there is a balanced one")
    }

    proptest! {
        #[test]
        fn no_balanced_assignment_moves_fewer_partitions(
            owners in proptest::collection::vec((proptest::option::of(1..6u64), any::<bool>()), 0..7),
            members in proptest::collection::btree_set(1..8u64, 1..5),
        ) {
            let held: Vec<Held> = owners.into_iter().map(|(owner, is_stopped)| Held { owner, is_stopped }).collect();
            let target = target(&held, &members);
            let kept = held.iter().zip(&target).filter(|(held, owner)| owner.is_some() && held.owner == **owner).count();
            let all: Vec<u64> = members.iter().copied().collect();
            prop_assert_eq!(kept, most_kept(&held, &all));
            let size = |member: &u64| target.iter().filter(|owner| **owner == Some(*member)).count();
            let sizes: Vec<usize> = all.iter().map(size).collect();
            prop_assert_eq!(sizes.iter().sum::<usize>(), held.len());
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn the_lowest_member_number_decides_where_nothing_else_does() {
        let free = [Held { owner: None, is_stopped: false }; 5];
        assert_eq!(target(&free, &BTreeSet::from([7, 3])), [Some(3), Some(7), Some(3), Some(7), Some(3)]);
    }
}
