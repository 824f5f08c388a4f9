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
