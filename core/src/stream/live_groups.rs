//! The groups of a stream that have, or had, members since it was opened, and when something is due for them.
//!
//! **Promise.** Whoever changes a group wakes all that wait for records, because who waits may have lost a partition or got one,
//! and has the hub's thread come back in time. Nothing is told, and nobody woken, while a group's lock is held.

use crate::clock::alarm::Alarm;
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::stream::coordinator::{Coordinator, Counts, Happened};
use crate::stream::shared::Shared;
use crate::sync::{AtomicU64, Ordering, lock};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const NEVER: u64 = u64::MAX;

/// See the module's description.
#[derive(Debug)]
pub(super) struct LiveGroups {
    groups: Mutex<BTreeMap<Name, Arc<Mutex<Coordinator>>>>,
    /// When there will be something to do.
    due_ns: AtomicU64,
}

impl LiveGroups {
    pub(super) fn new() -> Self {
        Self { groups: Mutex::default(), due_ns: AtomicU64::new(NEVER) }
    }

    fn be_due_at(&self, at_ns: u64, alarm: &Alarm) {
        if at_ns != NEVER {
            // ORDERING: AcqRel, as P10 of the alarm: pairs with the swap of `take`, after which the groups are looked at.
            self.due_ns.fetch_min(at_ns, Ordering::AcqRel);
            alarm.arm(at_ns);
        }
    }

    /// Takes the time away if it has come. True: the groups are to be looked at.
    fn take(&self, now_ns: u64, alarm: &Alarm) -> bool {
        // ORDERING: Acquire: pairs with `be_due_at`.
        let due_ns = self.due_ns.load(Ordering::Acquire);
        if due_ns > now_ns {
            // The alarm rang for somebody else, and has forgotten this one.
            self.be_due_at(due_ns, alarm);
            return false;
        }
        // ORDERING: AcqRel, as P10: before the groups are looked at; whoever comes later makes it due again.
        self.due_ns.swap(NEVER, Ordering::AcqRel);
        true
    }
}

impl Shared {
    /// The coordinator of a group, made at first use.
    pub(crate) fn coordinator(&self, group: &Name) -> Arc<Mutex<Coordinator>> {
        let make = || Arc::new(Mutex::new(Coordinator::new(group.clone(), self.partition_count())));
        lock(&self.live_groups.groups).entry(group.clone()).or_insert_with(make).clone()
    }

    /// What its members are counted as; nothing if it has had none.
    pub(super) fn member_counts(&self, group: &str) -> Counts {
        let groups = lock(&self.live_groups.groups);
        let coordinator =
            groups.iter().find(|(name, _)| name.as_str() == group).map(|(_, found)| found.clone());
        drop(groups);
        coordinator.map(|coordinator| lock(&coordinator).counts()).unwrap_or_default()
    }

    /// Changes a group, which is told the time.
    pub(super) fn change_group<T>(
        &self,
        name: &Name,
        coordinator: &Mutex<Coordinator>,
        change: impl FnOnce(&mut Coordinator, u64) -> T,
    ) -> T {
        let now_ns = self.now_ns();
        let (result, is_new, due_ns, happened) = {
            let mut coordinator = lock(coordinator);
            let before = coordinator.generation();
            let result = change(&mut coordinator, now_ns);
            let is_new = coordinator.generation() != before;
            (result, is_new, coordinator.due_ns(now_ns), coordinator.take_happened())
        };
        self.live_groups.be_due_at(due_ns, self.journal.alarm());
        if is_new {
            self.wake_all();
        }
        happened.into_iter().for_each(|happened| notice::now(|| self.notice_of(name, happened)));
        result
    }

    /// Does what is due.
    pub(super) fn tick_groups(&self, now_ns: u64) {
        if self.live_groups.take(now_ns, self.journal.alarm()) {
            for (name, coordinator) in self.coordinators() {
                self.change_group(&name, &coordinator, Coordinator::tick);
            }
        }
    }

    /// Shares out partitions that were added.
    pub(super) fn grow_groups(&self, partition_count: u32) {
        for (name, coordinator) in self.coordinators() {
            let grow = |coordinator: &mut Coordinator, now_ns| coordinator.grow(partition_count, now_ns);
            self.change_group(&name, &coordinator, grow);
        }
    }

    fn coordinators(&self) -> BTreeMap<Name, Arc<Mutex<Coordinator>>> {
        lock(&self.live_groups.groups).clone()
    }

    fn notice_of(&self, group: &Name, happened: Happened) -> Notice {
        let (stream, group) = (self.name.clone(), group.clone());
        match happened {
            Happened::Silent { member } => Notice::MemberSilent { stream, group, member },
            Happened::RevokeTimedOut { member, partition } => {
                Notice::RevokeTimedOut { stream, group, member, partition }
            }
            Happened::Replaced { member, name } => Notice::MemberReplaced { stream, group, member, name },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_later_is_not_forgotten_when_the_alarm_rings_for_somebody_else() {
        let (groups, alarm) = (LiveGroups::new(), Alarm::new());
        groups.be_due_at(100, &alarm);
        alarm.arm(50);
        assert!(alarm.take(50) && !groups.take(50, &alarm));
        assert!(!alarm.take(99));
        assert!(alarm.take(100) && groups.take(100, &alarm));
        assert!(!groups.take(100, &alarm) && !alarm.take(NEVER - 1), "once");
    }
}
