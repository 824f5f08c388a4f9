//! The groups of a stream that have, or had, members since it was opened, and when something is due for them.
//!
//! **Promise.** Whoever changes a group wakes all that wait for records, because who waits may have lost a partition or got one,
//! and has the hub's thread come back in time. Nothing is told, and nobody woken, while a group's lock is held.

use crate::name::Name;
use crate::notice::{self, Notice};
use crate::stream::coordinator::{Coordinator, Counts, Happened};
use crate::stream::due::Due;
use crate::stream::shared::Shared;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// See the module's description.
#[derive(Debug)]
pub(super) struct LiveGroups {
    groups: Mutex<BTreeMap<Name, Arc<Mutex<Coordinator>>>>,
    /// When there will be something to do.
    due: Due,
}

impl LiveGroups {
    pub(super) fn new() -> Self {
        Self { groups: Mutex::default(), due: Due::new() }
    }
}

impl Shared {
    /// The coordinator of a group, made at first use.
    pub(crate) fn coordinator(&self, group: &Name) -> Arc<Mutex<Coordinator>> {
        let make = || Arc::new(Mutex::new(Coordinator::new(group.clone(), self.partition_count())));
        lock(&self.live_groups.groups).entry(group.clone()).or_insert_with(make).clone()
    }

    /// Forgets who was in a group, unless somebody is, or is about to be.
    pub(super) fn forget_members(&self, group: &Name) {
        let mut groups = lock(&self.live_groups.groups);
        // Nobody else gets hold of it under this lock.
        if groups.get(group).is_some_and(|coordinator| Arc::strong_count(coordinator) == 1) {
            groups.remove(group);
        }
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
        self.live_groups.due.be_at(due_ns, self.journal.alarm());
        if is_new {
            self.wake_all();
        }
        happened.into_iter().for_each(|happened| notice::now(|| self.notice_of(name, happened)));
        result
    }

    /// Does what is due.
    pub(super) fn tick_groups(&self, now_ns: u64) {
        if self.live_groups.due.take(now_ns, self.journal.alarm()) {
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
