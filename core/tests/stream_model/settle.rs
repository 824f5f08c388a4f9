//! Groups that are left alone until nothing happens any more.

use crate::apply::Outcome;
use crate::verb::{Change, From};
use crate::world::{GROUPS, SESSION, World};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Who has each partition.
type Owners = BTreeMap<u32, u64>;

const ROUNDS_MAX: usize = 20;

impl World {
    pub fn settle_all(&mut self) -> Outcome {
        (0..self.groups.len()).try_for_each(|group| self.settle(group).map(drop))
    }

    fn of(&self, group: usize) -> Vec<usize> {
        let is_of =
            |index: &usize| self.sittings[*index].group == group && !self.sittings[*index].is_replaced;
        (0..self.sittings.len()).filter(is_of).collect()
    }

    /// Members poll and commit until the group is at rest. `None`: it has none.
    fn settle(&mut self, group: usize) -> Result<Option<Owners>, TestCaseError> {
        let mine = self.of(group);
        if mine.is_empty() {
            return Ok(None);
        }
        for round in 0.. {
            prop_assert!(round < ROUNDS_MAX, "progress: {} does not come to rest", GROUPS[group]);
            let before = self.counts(group);
            let mut given = 0;
            for index in &mine {
                let mut more = 1;
                while more > 0 {
                    more = self.poll(*index, 1000)?;
                    given += more;
                }
                self.commit(*index)?;
                self.observe()?;
            }
            let after = self.counts(group);
            if after.2 > 0 {
                self.clock.advance(SESSION);
                self.observe()?;
            } else if given == 0 && before == after && after.1 == 0 {
                break;
            }
        }
        let mut owners = Owners::new();
        for index in &mine {
            let assigned = self.sittings[*index].member.assignment().expect("an assignment");
            self.hear(*index)?;
            for partition in assigned {
                let before = owners.insert(partition, self.sittings[*index].id);
                prop_assert_eq!(before, None, "one owner: of partition {}", partition);
            }
        }
        prop_assert_eq!(owners.len(), self.logs.len(), "progress: partitions that nobody reads");
        let sizes = self
            .of(group)
            .into_iter()
            .map(|index| owners.values().filter(|owner| **owner == self.sittings[index].id).count());
        let sizes: Vec<usize> = sizes.collect();
        prop_assert!(
            sizes.iter().max() <= sizes.iter().min().map(|least| least + 1).as_ref(),
            "balance: {:?}",
            sizes
        );
        self.check_all_given(group)?;
        Ok(Some(owners))
    }

    /// **Progress**: what is held was given to somebody, and is committed.
    fn check_all_given(&mut self, group: usize) -> Outcome {
        let (now_ns, setup) = (self.now_ns(), self.setup);
        for (partition, committed) in (0..).zip(self.committed(group)) {
            let log = &self.logs[partition as usize];
            let held = log.must_show(0, log.end, &setup, now_ns);
            let share = self.groups[group].share(partition);
            let open = held.iter().find(|offset| committed.is_none_or(|committed| **offset >= committed));
            prop_assert_eq!(open, None, "progress: of {} not committed by {}", partition, GROUPS[group]);
            let lost =
                held.iter().find(|offset| !share.given.contains(offset) && !share.passed.has(**offset));
            prop_assert_eq!(lost, None, "no gap: of {} never given to {}", partition, GROUPS[group]);
        }
        Ok(())
    }

    /// Generation, partitions on their way, members that are away.
    fn counts(&self, group: usize) -> (u64, u32, u32) {
        let stats = self.stream.stats().expect("stats");
        let stats = stats.groups.iter().find(|stats| stats.name == GROUPS[group]);
        stats.map_or((0, 0, 0), |stats| (stats.generation, stats.revoking_partitions, stats.away_members))
    }

    /// **Stickiness**: one change of a group that is at rest moves no more than it has to.
    pub fn settle_and_change(&mut self, group: usize, change: Option<Change>) -> Outcome {
        let Some(before) = self.settle(group)? else { return Ok(()) };
        let mine = self.of(group);
        match change {
            None => return Ok(()),
            Some(Change::Join) => self.join(group, None, From::Earliest)?,
            Some(Change::Leave(which)) => self.leave(mine[which % mine.len()])?,
            Some(Change::Grow) => self.grow_a_little(),
        }
        let Some(after) = self.settle(group)? else { return Ok(()) };
        let members: Vec<u64> = self.of(group).into_iter().map(|index| self.sittings[index].id).collect();
        let (fair, extra) = (after.len() / members.len(), after.len() % members.len());
        let had = members.iter().map(|member| before.values().filter(|owner| *owner == member).count());
        let (mut kept_max, mut above) = (0, 0);
        for had in had {
            kept_max += had.min(fair);
            above += usize::from(had > fair);
        }
        kept_max += above.min(extra);
        let kept = before.iter().filter(|(partition, owner)| after.get(partition) == Some(owner)).count();
        prop_assert_eq!(kept, kept_max, "stickiness: {:?} became {:?}", before, after);
        Ok(())
    }
}
