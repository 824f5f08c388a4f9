//! Who of a group reads which partition: a plain struct under a lock, not a protocol. It is told the time, and does nothing by
//! itself.
//!
//! **Rule.** Who is to have what: `assignment.rs`. A partition that does not move is not disturbed. One that moves goes through
//! two phases:
//!
//! ```text
//! Given ──owner looks──▶ Taken ──is to move──▶ Asked ──owner looks──▶ Stopped ──released──▶ Given to the next
//!   └───────────────────────────── is to move: at once, nobody has read it ─────────────────────▲
//!                                              └── revoke_timeout, or the owner is gone ────────┘
//! ```
//!
//! **Promise.** No partition has two owners in one generation. Until the old owner has released what it was asked for, or its
//! time is over, or it is gone, nobody else gets it. A member that was forgotten owns nothing, so that each verb of its is fenced.

use crate::error::{Error, Result};
use crate::limits::GROUP_MEMBER_COUNT_MAX;
use crate::name::Name;
use crate::stream::assignment::{self, Held};
use crate::stream::liveness::Pulse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const NEVER: u64 = u64::MAX;
/// How long an owner may take to let go of a partition, unless the group says otherwise.
const REVOKE_NS_DEFAULT: u64 = 30_000_000_000;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Coordinator {
    group: Name,
    /// Grows with every change of members, and whenever a partition is given to somebody.
    generation: u64,
    next_member: u64,
    members: BTreeMap<u64, Seat>,
    partitions: Vec<Holding>,
    /// Who is to have each partition.
    target: Vec<Option<u64>>,
    /// What the members that are there have said about it.
    revoke_ns: Option<u64>,
    happened: Vec<Happened>,
}

/// What an operator is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happened {
    /// A member has not polled for too long.
    Silent { member: u64 },
    /// An owner did not let go of a partition in time.
    RevokeTimedOut { member: u64, partition: u32 },
    /// A member was replaced by another one of its name.
    Replaced { member: u64, name: Name },
}

/// What a member says of itself when it joins.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) name: Option<Name>,
    pub(super) pulse: Arc<Pulse>,
    /// `u64::MAX`: none.
    pub(super) poll_interval_ns_max: u64,
    /// How long what it has is kept for its name.
    pub(super) session_ns: u64,
    pub(super) presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Here,
    /// It left, and what it has is kept for its name.
    Away {
        until_ns: u64,
    },
    /// It did not poll in time and has nothing; it comes back when it polls.
    Evicted,
}

/// Who has a partition, and since which generation: that fences an owner that lost it and got it back without noticing.
#[derive(Debug, Clone, Copy)]
struct Holding {
    owner: Option<u64>,
    since: u64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The owner does not know yet.
    Given,
    Taken,
    /// It is to let go, and does not know yet.
    Asked {
        until_ns: u64,
    },
    /// It knows, and reads no more.
    Stopped {
        until_ns: u64,
    },
}

impl Holding {
    const FREE: Self = Self { owner: None, since: 0, phase: Phase::Given };

    fn revoking_until_ns(&self) -> Option<u64> {
        match self.phase {
            Phase::Asked { until_ns } | Phase::Stopped { until_ns } => self.owner.map(|_| until_ns),
            Phase::Given | Phase::Taken => None,
        }
    }

    fn free(&mut self) {
        *self = Self { since: self.since, ..Self::FREE };
    }
}

/// What a member finds when it looks.
#[derive(Debug)]
pub(super) struct View {
    pub(super) generation: u64,
    /// What it owns, each with the generation since which it does.
    pub(super) since: BTreeMap<u32, u64>,
    /// What of that it is to let go.
    pub(super) stopped: BTreeSet<u32>,
}

/// A group's members, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) generation: u64,
    pub(super) members: u32,
    pub(super) idle: u32,
    pub(super) away: u32,
    pub(super) revoking: u32,
}

impl Coordinator {
    pub(crate) fn new(group: Name, partition_count: u32) -> Self {
        Self {
            group,
            generation: 0,
            next_member: 1,
            members: BTreeMap::new(),
            partitions: vec![Holding::FREE; partition_count as usize],
            target: vec![None; partition_count as usize],
            revoke_ns: None,
            happened: Vec::new(),
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether anybody is in the group.
    pub(crate) fn has_members(&self) -> bool {
        let is_away = |seat: &Seat| matches!(seat.presence, Presence::Away { .. });
        !self.members.values().all(is_away)
    }

    /// The stream has so many partitions now; never fewer than before.
    pub(super) fn grow(&mut self, partition_count: u32, now_ns: u64) {
        if self.partitions.len() < partition_count as usize {
            self.partitions.resize(partition_count as usize, Holding::FREE);
            self.rebalance(now_ns);
        }
    }

    /// Adds a member and returns its number. One that has the name of another takes over what that has.
    pub(super) fn join(&mut self, seat: Seat, revoke_timeout: Option<Duration>, now_ns: u64) -> Result<u64> {
        let asked_ns = revoke_timeout.map(crate::message::duration_ns);
        if let (Some(asked_ns), Some(stored_ns)) = (asked_ns, self.revoke_ns)
            && asked_ns != stored_ns
        {
            return Err(Error::OptionMismatch {
                noun: "group",
                name: self.group.clone(),
                option: "revoke_timeout",
                stored: format!("{:?}", Duration::from_nanos(stored_ns)),
                asked: format!("{:?}", Duration::from_nanos(asked_ns)),
            });
        }
        let namesake = self.members.iter().find(|(_, other)| seat.name.is_some() && other.name == seat.name);
        let namesake = namesake.map(|(number, other)| (*number, other.presence));
        if namesake.is_none() && self.members.len() >= GROUP_MEMBER_COUNT_MAX {
            let detail = format!(
                "group {} has {GROUP_MEMBER_COUNT_MAX} members, the most there may be; let some leave",
                self.group
            );
            return Err(Error::invalid("group", detail));
        }
        self.revoke_ns = self.revoke_ns.or(asked_ns);
        let member = self.next_member;
        self.next_member += 1;
        let name = seat.name.clone();
        self.members.insert(member, seat);
        if let Some((before, presence)) = namesake {
            self.members.remove(&before);
            self.hand_on(before, Some(member));
            if let (Presence::Here, Some(name)) = (presence, name) {
                self.happened.push(Happened::Replaced { member: before, name });
            }
        }
        self.rebalance(now_ns);
        Ok(member)
    }

    /// A member goes. What one with a name has is kept for its name.
    pub(super) fn leave(&mut self, member: u64, now_ns: u64) {
        let Some(seat) = self.members.get_mut(&member) else { return };
        let until_ns = now_ns.saturating_add(seat.session_ns);
        if seat.name.is_some() && seat.presence == Presence::Here && until_ns > now_ns {
            seat.presence = Presence::Away { until_ns };
            // What it was asked for it will not read on.
            let asked = |holding: &Holding| holding.revoking_until_ns().is_some();
            if self.free_where(|_, holding| holding.owner == Some(member) && asked(holding)) {
                self.give();
            }
            return;
        }
        self.members.remove(&member);
        self.hand_on(member, None);
        self.rebalance(now_ns);
    }

    /// What a member has, which comes back if it had been given up for dead. It knows it from now on.
    pub(super) fn look(&mut self, member: u64, now_ns: u64) -> Result<View> {
        self.check_member(member)?;
        if let Some(seat) = self.members.get_mut(&member)
            && seat.presence == Presence::Evicted
        {
            seat.presence = Presence::Here;
            seat.pulse.beat(now_ns);
            self.rebalance(now_ns);
        }
        let mut view = View { generation: self.generation, since: BTreeMap::new(), stopped: BTreeSet::new() };
        for (partition, holding) in (0..).zip(&mut self.partitions) {
            if holding.owner != Some(member) {
                continue;
            }
            view.since.insert(partition, holding.since);
            match holding.phase {
                Phase::Given => holding.phase = Phase::Taken,
                Phase::Asked { until_ns } => holding.phase = Phase::Stopped { until_ns },
                Phase::Taken | Phase::Stopped { .. } => {}
            }
            if holding.revoking_until_ns().is_some() {
                view.stopped.insert(partition);
            }
        }
        Ok(view)
    }

    /// `Fenced` if another one has taken the member's name.
    pub(super) fn check_member(&self, member: u64) -> Result<()> {
        if self.members.contains_key(&member) {
            return Ok(());
        }
        Err(Error::Fenced { group: self.group.clone(), member, partition: None })
    }

    /// The generation since which the member owns the partition, if it does.
    pub(crate) fn owned_since(&self, member: u64, partition: u32) -> Option<u64> {
        let holding = self.partitions.get(partition as usize)?;
        (holding.owner == Some(member)).then_some(holding.since)
    }

    /// An owner lets go of what it was asked for: the next ones get it.
    pub(super) fn release(&mut self, member: u64, partitions: &[u32]) {
        let is_released = |partition: u32, holding: &Holding| {
            holding.owner == Some(member)
                && matches!(holding.phase, Phase::Stopped { .. })
                && partitions.contains(&partition)
        };
        if self.free_where(is_released) {
            self.give();
        }
    }

    /// Does what the time has come for.
    pub(super) fn tick(&mut self, now_ns: u64) {
        let mut gone = Vec::new();
        for (number, seat) in &mut self.members {
            let is_over = match seat.presence {
                Presence::Here => {
                    let over_ns = |since_ns: u64| since_ns.saturating_add(seat.poll_interval_ns_max);
                    seat.pulse.silent_since_ns().map(over_ns).is_some_and(|over_ns| over_ns <= now_ns)
                }
                Presence::Away { until_ns } => until_ns <= now_ns,
                Presence::Evicted => false,
            };
            if is_over {
                gone.push((*number, seat.presence));
                seat.presence = Presence::Evicted;
            }
        }
        for (member, presence) in &gone {
            if *presence == Presence::Here {
                self.happened.push(Happened::Silent { member: *member });
            } else {
                self.members.remove(member);
            }
            self.hand_on(*member, None);
        }
        if !gone.is_empty() {
            self.rebalance(now_ns);
        }
        let mut late = Vec::new();
        for (partition, holding) in (0..).zip(&self.partitions) {
            if let (Some(member), Some(until_ns)) = (holding.owner, holding.revoking_until_ns())
                && until_ns <= now_ns
            {
                late.push(Happened::RevokeTimedOut { member, partition });
            }
        }
        if !late.is_empty() {
            self.happened.append(&mut late);
            self.free_where(|_, holding| {
                holding.revoking_until_ns().is_some_and(|until_ns| until_ns <= now_ns)
            });
            self.give();
        }
    }

    /// When there will be something for [`tick`](Self::tick) to do; `u64::MAX`: nothing. Of what runs now it is not known: an
    /// interval from now it will be.
    pub(super) fn due_ns(&self, now_ns: u64) -> u64 {
        let seats = self.members.values().map(|seat| match seat.presence {
            Presence::Here => {
                seat.pulse.silent_since_ns().unwrap_or(now_ns).saturating_add(seat.poll_interval_ns_max)
            }
            Presence::Away { until_ns } => until_ns,
            Presence::Evicted => NEVER,
        });
        let revoking = self.partitions.iter().filter_map(Holding::revoking_until_ns);
        seats.chain(revoking).min().unwrap_or(NEVER)
    }

    /// What has happened since the last time that somebody asked.
    pub(super) fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |presence: fn(&Presence) -> bool| {
            self.members.values().filter(|seat| presence(&seat.presence)).count() as u32
        };
        let owners: BTreeSet<u64> = self.partitions.iter().filter_map(|holding| holding.owner).collect();
        let is_idle =
            |(number, seat): &(&u64, &Seat)| seat.presence == Presence::Here && !owners.contains(number);
        Counts {
            generation: self.generation,
            members: count(|presence| *presence == Presence::Here),
            idle: self.members.iter().filter(is_idle).count() as u32,
            away: count(|presence| matches!(presence, Presence::Away { .. })),
            revoking: self.partitions.iter().filter_map(Holding::revoking_until_ns).count() as u32,
        }
    }

    /// Those that count for the balance.
    fn present(&self) -> BTreeSet<u64> {
        let present = |(_, seat): &(&u64, &Seat)| seat.presence != Presence::Evicted;
        self.members.iter().filter(present).map(|(number, _)| *number).collect()
    }

    /// What `from` had is `to`'s, who has to look first, or free. What `from` was asked for it does not read any more: free.
    fn hand_on(&mut self, from: u64, to: Option<u64>) {
        let since = self.generation + 1;
        for holding in self.partitions.iter_mut().filter(|holding| holding.owner == Some(from)) {
            match to {
                Some(_) if holding.revoking_until_ns().is_none() => {
                    *holding = Holding { owner: to, since, phase: Phase::Given };
                }
                _ => holding.free(),
            }
        }
    }

    fn free_where(&mut self, is_freed: impl Fn(u32, &Holding) -> bool) -> bool {
        let mut any = false;
        for (partition, holding) in (0..).zip(&mut self.partitions) {
            if holding.owner.is_some() && is_freed(partition, holding) {
                holding.free();
                any = true;
            }
        }
        any
    }

    /// Members or partitions have changed: what is to move is asked for, and what can move does.
    fn rebalance(&mut self, now_ns: u64) {
        let present = self.present();
        if self.members.is_empty() {
            self.revoke_ns = None;
        }
        let is_stopped = |holding: &Holding| matches!(holding.phase, Phase::Stopped { .. });
        let held = |holding: &Holding| Held { owner: holding.owner, is_stopped: is_stopped(holding) };
        let held: Vec<Held> = self.partitions.iter().map(held).collect();
        self.target = assignment::target(&held, &present);
        let revoke_ns = self.revoke_ns.unwrap_or(REVOKE_NS_DEFAULT);
        let until_ns = now_ns.saturating_add(revoke_ns);
        let members = &self.members;
        let is_here = |owner: u64| members.get(&owner).is_some_and(|seat| seat.presence == Presence::Here);
        for (holding, target) in self.partitions.iter_mut().zip(&self.target) {
            let Some(owner) = holding.owner else { continue };
            let stays = *target == Some(owner);
            match holding.phase {
                Phase::Asked { .. } if stays => holding.phase = Phase::Taken,
                Phase::Given if !stays => holding.free(),
                Phase::Taken if !stays && is_here(owner) && revoke_ns > 0 => {
                    holding.phase = Phase::Asked { until_ns };
                }
                Phase::Taken if !stays => holding.free(),
                _ => {}
            }
        }
        self.give();
    }

    /// What is free goes to whom it is meant for, in a generation of its own.
    fn give(&mut self) {
        self.generation += 1;
        for (holding, target) in self.partitions.iter_mut().zip(&self.target) {
            if holding.owner.is_none() && target.is_some() {
                *holding = Holding { owner: *target, since: self.generation, phase: Phase::Given };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    /// What members do, and the time.
    #[derive(Debug, Clone)]
    enum Step {
        Join {
            name: Option<u8>,
        },
        Leave {
            which: usize,
        },
        Look {
            which: usize,
        },
        /// Lets go of all that it was asked for.
        Confirm {
            which: usize,
        },
        Advance {
            seconds: u64,
        },
        Grow,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let which = || 0..100usize;
        let step = prop_oneof![
            4 => proptest::option::of(0..3u8).prop_map(|name| Step::Join { name }),
            3 => which().prop_map(|which| Step::Leave { which }),
            8 => which().prop_map(|which| Step::Look { which }),
            6 => which().prop_map(|which| Step::Confirm { which }),
            3 => (1..60u64).prop_map(|seconds| Step::Advance { seconds }),
            1 => Just(Step::Grow),
        ];
        proptest::collection::vec(step, 1..60)
    }

    struct Member {
        number: u64,
        name: Option<u8>,
        pulse: Arc<Pulse>,
        /// What it reads, as far as it knows, and what it is to let go of.
        since: BTreeMap<u32, u64>,
        stopped: BTreeSet<u32>,
    }

    struct Group {
        coordinator: Coordinator,
        now_ns: u64,
        members: Vec<Member>,
        /// The one owner of each partition in each generation.
        owners: BTreeMap<(u64, usize), u64>,
    }

    impl Group {
        fn new(partition_count: u32) -> Self {
            let coordinator = Coordinator::new(Name::new("g").unwrap(), partition_count);
            Self { coordinator, now_ns: 1, members: vec![], owners: BTreeMap::new() }
        }

        fn apply(&mut self, step: &Step) {
            let Self { coordinator, now_ns, members, .. } = self;
            match *step {
                Step::Join { name } => {
                    let pulse = Arc::new(Pulse::new(*now_ns));
                    let seat = Seat {
                        name: name.map(|name| Name::new(&format!("desk-{name}")).unwrap()),
                        pulse: pulse.clone(),
                        poll_interval_ns_max: 100 * SECOND,
                        session_ns: 45 * SECOND,
                        presence: Presence::Here,
                    };
                    let number = coordinator.join(seat, None, *now_ns).unwrap();
                    // Its namesake is fenced.
                    let replaced = |member: &mut Member| name.is_some() && member.name == name;
                    for member in members.extract_if(.., replaced) {
                        assert!(coordinator.look(member.number, *now_ns).is_err());
                    }
                    members.push(Member {
                        number,
                        name,
                        pulse,
                        since: BTreeMap::new(),
                        stopped: BTreeSet::new(),
                    });
                }
                Step::Leave { which } => {
                    if let Some(index) = which.checked_rem(members.len()) {
                        coordinator.leave(members.swap_remove(index).number, *now_ns);
                    }
                }
                Step::Look { which } => {
                    if let Some(index) = which.checked_rem(members.len()) {
                        members[index].look(coordinator, *now_ns);
                    }
                }
                Step::Confirm { which } => {
                    if let Some(index) = which.checked_rem(members.len()) {
                        let member = &mut members[index];
                        let stopped: Vec<u32> = std::mem::take(&mut member.stopped).into_iter().collect();
                        coordinator.release(member.number, &stopped);
                    }
                }
                Step::Advance { seconds } => {
                    *now_ns += seconds * SECOND;
                    coordinator.tick(*now_ns);
                }
                Step::Grow => coordinator.grow(coordinator.partitions.len() as u32 + 1, *now_ns),
            }
        }

        fn check(&mut self) -> Result<(), TestCaseError> {
            let coordinator = &self.coordinator;
            for (partition, holding) in coordinator.partitions.iter().enumerate() {
                let key = (coordinator.generation, partition);
                if let Some(owner) = holding.owner {
                    let known = *self.owners.entry(key).or_insert(owner);
                    prop_assert_eq!(known, owner, "two owners of {} in generation {}", partition, key.0);
                }
                prop_assert_eq!(
                    holding.owner.is_none(),
                    coordinator.present().is_empty(),
                    "waits for nobody"
                );
            }
            // What a member reads, as far as it knows, is its own, or it has been told that its time is over.
            for partition in 0..coordinator.partitions.len() as u32 {
                let reads = |member: &&Member| {
                    let since = member.since.get(&partition);
                    since.is_some() && since.copied() == coordinator.owned_since(member.number, partition)
                };
                prop_assert!(self.members.iter().filter(reads).count() <= 1);
            }
            let present = coordinator.present();
            let sizes = present.iter().map(|m| coordinator.target.iter().filter(|t| **t == Some(*m)).count());
            let sizes: Vec<usize> = sizes.collect();
            if let (Some(least), Some(most)) = (sizes.iter().min(), sizes.iter().max()) {
                prop_assert!(most - least <= 1, "{:?}", sizes);
            }
            Ok(())
        }

        /// Once everybody has looked and let go, everything is where it is meant to be.
        fn settle(&mut self) -> Result<(), TestCaseError> {
            for _ in 0..3 {
                for member in &mut self.members {
                    member.look(&mut self.coordinator, self.now_ns);
                    let stopped: Vec<u32> = std::mem::take(&mut member.stopped).into_iter().collect();
                    self.coordinator.release(member.number, &stopped);
                    member.look(&mut self.coordinator, self.now_ns);
                }
            }
            let owners: Vec<_> = self.coordinator.partitions.iter().map(|holding| holding.owner).collect();
            prop_assert_eq!(&owners, &self.coordinator.target);
            prop_assert_eq!(self.coordinator.counts().revoking, 0);
            Ok(())
        }
    }

    impl Member {
        fn look(&mut self, coordinator: &mut Coordinator, now_ns: u64) {
            self.pulse.beat(now_ns);
            let view = coordinator.look(self.number, now_ns).expect("it is not replaced");
            (self.since, self.stopped) = (view.since, view.stopped);
        }
    }

    proptest! {
        #[test]
        fn whatever_members_do_a_partition_has_one_owner_the_balance_holds_and_it_comes_to_rest(
            partitions in 1..12u32, steps in steps(),
        ) {
            let mut group = Group::new(partitions);
            for step in &steps {
                let before: Vec<Holding> = group.coordinator.partitions.clone();
                let looked: BTreeSet<u64> = group.members.iter().map(|member| member.number).collect();
                group.apply(step);
                group.check()?;
                // Nobody loses at once what it reads, unless it is gone, replaced or late.
                if matches!(step, Step::Join { name: None } | Step::Look { .. } | Step::Grow) {
                    for (old, new) in before.iter().zip(&group.coordinator.partitions) {
                        let owner = old.owner.filter(|owner| looked.contains(owner));
                        if let (Some(owner), true) = (owner, old.phase != Phase::Given) {
                            prop_assert_eq!((new.owner, new.since), (Some(owner), old.since), "after {:?}", step);
                        }
                    }
                }
            }
            group.settle()?;
            let generation = group.coordinator.generation;
            group.settle()?;
            prop_assert_eq!(group.coordinator.generation, generation, "at rest nothing moves");
        }
    }

    #[test]
    fn what_nobody_has_read_yet_moves_at_once() {
        let mut group = Group::new(4);
        group.apply(&Step::Join { name: None });
        group.apply(&Step::Join { name: None });
        group.apply(&Step::Look { which: 1 });
        assert_eq!(group.members[1].since.len(), 2);
        assert_eq!(group.coordinator.counts(), Counts { generation: 2, members: 2, ..Counts::default() });
    }

    #[test]
    fn what_an_owner_was_asked_for_and_does_not_know_yet_it_keeps_if_it_need_not_go_after_all() {
        let mut group = Group::new(2);
        group.apply(&Step::Join { name: None });
        group.apply(&Step::Look { which: 0 });
        let before = group.members[0].since.clone();
        group.apply(&Step::Join { name: None });
        assert_eq!(group.coordinator.counts().revoking, 1);
        group.apply(&Step::Leave { which: 1 });
        group.apply(&Step::Look { which: 0 });
        assert_eq!((&group.members[0].since, group.members[0].stopped.len()), (&before, 0));
    }

    #[test]
    fn the_hub_is_woken_when_the_first_of_the_times_has_come() {
        let mut group = Group::new(2);
        assert_eq!(group.coordinator.due_ns(1), NEVER);
        group.apply(&Step::Join { name: Some(1) });
        assert_eq!(group.coordinator.due_ns(1), 1 + 100 * SECOND);
        group.apply(&Step::Look { which: 0 });
        group.apply(&Step::Join { name: None });
        assert_eq!(group.coordinator.due_ns(1), 1 + 30 * SECOND);
        group.apply(&Step::Leave { which: 1 });
        group.apply(&Step::Leave { which: 0 });
        assert_eq!(group.coordinator.due_ns(1), 1 + 45 * SECOND);
        group.apply(&Step::Advance { seconds: 45 });
        assert_eq!(group.coordinator.due_ns(group.now_ns), NEVER);
    }
}
