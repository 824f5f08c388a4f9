//! Messages with an ordering key: one at a time of each key, in order, or a few if the queue says so; the keys take turns.
//!
//! **Promise.** Of each group only the first members are ever handed out, as many as may be out at a time (one, unless the queue
//! says otherwise). Whatever is out, waits for its retry or is set aside is one of them: while those are all like that, the others
//! wait. Groups with the same priority at their head take turns, whoever has more messages; one with a weight has so many turns in a
//! row, as soon as it can use them. Of a group that is halted only what is before the message that died is handed out. A group
//! exists only as long as it has messages, or is halted.
//!
//! **Not promised.** That a delayed message holds up those behind it: it joins its group when it is due, at its old place.

use crate::limits::PRIORITY_MAX;
use crate::log::Place;
use crate::queue::group_options::{GroupOptions, OnGroupDeath};
use crate::queue::halt::{Halt, HaltedGroup};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What a member of a group does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// May be handed out when it is the first.
    Ready { priority: u8 },
    /// Keeps its place and holds up those behind it.
    Held,
}

#[derive(Debug)]
struct Group {
    key: Box<[u8]>,
    /// Messages of the key, those included that wait for their first time and are no members yet.
    messages: usize,
    members: BTreeMap<u64, Member>,
    /// It stands in a round.
    is_queued: bool,
    /// More of the turns that it has in a row.
    turns_left: u32,
    /// What is behind that id is not handed out; `u64::MAX`: it is not halted.
    halted_by: u64,
}

impl Group {
    /// Members that may be handed out if `parallelism` of them may be out.
    fn open(&self, parallelism: usize) -> impl Iterator<Item = (u64, u8)> {
        self.members.range(..self.halted_by).take(parallelism).filter_map(|(id, member)| match member {
            Member::Ready { priority } => Some((*id, *priority)),
            Member::Held => None,
        })
    }

    /// The first of them.
    fn head(&self, parallelism: usize) -> Option<(u64, u8)> {
        self.open(parallelism).next()
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Groups {
    parallelism: usize,
    weights: HashMap<Box<[u8]>, u32>,
    on_death: OnGroupDeath,
    /// By the numbers of groups; and where each was told in the log.
    halts: BTreeMap<u64, (Halt, Place)>,
    numbers: HashMap<Box<[u8]>, u64>,
    groups: HashMap<u64, Group>,
    next_number: u64,
    /// Groups whose head was ready, by its priority, in the order of their turns. It may no longer be: whoever takes one looks.
    rounds: [VecDeque<u64>; PRIORITY_MAX as usize + 1],
    /// How many those are.
    queued: usize,
    ready: usize,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            parallelism: 1,
            weights: HashMap::new(),
            on_death: OnGroupDeath::Continue,
            halts: BTreeMap::new(),
            numbers: HashMap::new(),
            groups: HashMap::new(),
            next_number: 0,
            rounds: Default::default(),
            queued: 0,
            ready: 0,
        }
    }
}

impl Groups {
    pub(crate) fn set_options(&mut self, options: &GroupOptions) {
        self.on_death = options.on_death;
        self.weights = options.weights().map(|(key, weight)| (key.into(), weight)).collect();
        let before = std::mem::replace(&mut self.parallelism, options.parallelism as usize);
        if self.parallelism > before {
            let numbers: Vec<u64> = self.groups.keys().copied().collect();
            numbers.into_iter().for_each(|number| self.offer(number));
        }
    }

    /// The number of a key's group, which has one message more.
    pub(crate) fn join(&mut self, key: &[u8]) -> u64 {
        let number = self.number(key);
        if let Some(group) = self.groups.get_mut(&number) {
            group.messages += 1;
        }
        number
    }

    /// The number of a key's group, which is there from now on.
    fn number(&mut self, key: &[u8]) -> u64 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(key.into(), number);
        let group = Group {
            key: key.into(),
            messages: 0,
            members: BTreeMap::new(),
            is_queued: false,
            turns_left: 0,
            halted_by: u64::MAX,
        };
        self.groups.insert(number, group);
        number
    }

    /// Hands out nothing of a key that is behind the message that died, as was told there. Where an earlier one died counts.
    pub(crate) fn halt(&mut self, key: &[u8], halt: Halt, told: Place) {
        let number = self.number(key);
        if let Some(group) = self.groups.get_mut(&number)
            && halt.id <= group.halted_by
        {
            group.halted_by = halt.id;
            self.halts.insert(number, (halt, told));
        }
    }

    /// Hands out what a halt held back.
    pub(crate) fn resume(&mut self, key: &[u8]) {
        let Some(number) = self.numbers.get(key).copied() else { return };
        self.halts.remove(&number);
        if let Some(group) = self.groups.get_mut(&number) {
            group.halted_by = u64::MAX;
        }
        self.forget_if_over(number);
        self.offer(number);
    }

    /// Whether a death halts its key.
    pub(crate) fn halts(&self) -> bool {
        self.on_death == OnGroupDeath::Halt
    }

    pub(crate) fn halted_count(&self) -> usize {
        self.halts.len()
    }

    pub(crate) fn is_halted(&self, key: &[u8]) -> bool {
        self.numbers.get(key).is_some_and(|number| self.halts.contains_key(number))
    }

    pub(crate) fn halt_of(&self, number: u64) -> Option<&Halt> {
        self.halts.get(&number).map(|(halt, _)| halt)
    }

    pub(crate) fn key_of(&self, number: u64) -> Option<&[u8]> {
        self.groups.get(&number).map(|group| &*group.key)
    }

    /// What is halted, why, and where that was told.
    pub(crate) fn halts_told(&self) -> impl Iterator<Item = (&[u8], &Halt, Place)> {
        self.halts.iter().filter_map(|(number, (halt, told))| Some((self.key_of(*number)?, halt, *told)))
    }

    /// The same for people.
    pub(crate) fn halted(&self) -> impl Iterator<Item = HaltedGroup> {
        self.halts.iter().filter_map(|(number, (halt, _))| {
            let group = self.groups.get(number)?;
            Some(HaltedGroup {
                key: group.key.to_vec(),
                id: halt.id,
                reason: halt.death.as_str().to_owned(),
                error: halt.error.clone(),
                time_ns: halt.time_ns,
                messages: group.messages as u64,
            })
        })
    }

    /// Puts a member into its group, or changes what it does.
    pub(crate) fn set(&mut self, number: u64, id: u64, member: Member) {
        let Some(group) = self.groups.get_mut(&number) else { return };
        let before = group.members.insert(id, member);
        self.count(before, Some(member));
        self.offer(number);
    }

    /// A message leaves its group; the last one takes the group along.
    pub(crate) fn leave(&mut self, number: u64, id: u64) {
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.messages -= 1;
        let before = group.members.remove(&id);
        self.count(before, None);
        self.forget_if_over(number);
        self.offer(number);
    }

    fn forget_if_over(&mut self, number: u64) {
        let is_over = |group: &Group| group.messages == 0 && group.halted_by == u64::MAX;
        if self.groups.get(&number).is_some_and(is_over)
            && let Some(group) = self.groups.remove(&number)
        {
            self.numbers.remove(&group.key);
        }
    }

    /// A member waits for its first time again, or is leaving: it gives up its place until it is put back.
    pub(crate) fn withdraw(&mut self, number: u64, id: u64) {
        let Some(group) = self.groups.get_mut(&number) else { return };
        let before = group.members.remove(&id);
        self.count(before, None);
        self.offer(number);
    }

    fn count(&mut self, before: Option<Member>, after: Option<Member>) {
        let ready = |member| usize::from(matches!(member, Some(Member::Ready { .. })));
        self.ready = self.ready + ready(after) - ready(before);
    }

    fn offer(&mut self, number: u64) {
        if let Some(group) = self.groups.get_mut(&number)
            && !group.is_queued
            && let Some((_, priority)) = group.head(self.parallelism)
        {
            group.is_queued = true;
            self.queued += 1;
            let round = &mut self.rounds[usize::from(priority)];
            if group.turns_left > 0 { round.push_front(number) } else { round.push_back(number) }
        }
    }

    /// The messages whose turn it is, of each priority the first one, the highest before the others. They stay where they are.
    pub(crate) fn fronts(&mut self) -> impl Iterator<Item = (u64, u8)> {
        for priority in 0..=PRIORITY_MAX {
            // Heads are others than when they were put here: those groups go where they belong now, behind all others.
            while let Some(number) = self.rounds[usize::from(priority)].front()
                && self.head(*number).is_none_or(|(_, found)| found != priority)
            {
                self.go_on(priority, 0);
            }
        }
        let fronts = self.rounds.iter().rev().filter_map(VecDeque::front);
        fronts.filter_map(|number| self.head(*number))
    }

    fn head(&self, number: u64) -> Option<(u64, u8)> {
        self.groups.get(&number)?.head(self.parallelism)
    }

    /// The turn of the group at the front of a round is over; its next is behind all others, unless it has more of them in a row.
    pub(crate) fn pass(&mut self, priority: u8) {
        self.go_on(priority, 1);
    }

    /// Takes a group from the front of a round to where it belongs, having used so many turns.
    fn go_on(&mut self, priority: u8, turns: u32) {
        let Some(number) = self.rounds[usize::from(priority)].pop_front() else { return };
        self.queued -= 1;
        if let Some(group) = self.groups.get_mut(&number) {
            group.is_queued = false;
            if group.turns_left == 0 && turns > 0 && !self.weights.is_empty() {
                group.turns_left = self.weights.get(&group.key).copied().unwrap_or(1);
            }
            group.turns_left = group.turns_left.saturating_sub(turns);
        }
        self.offer(number);
    }

    /// Whether somebody waits for his turn. It may turn out when it comes that there is nothing to hand out.
    pub(crate) fn has_turns(&self) -> bool {
        self.queued > 0
    }

    /// How many members are ready, whoever is before them.
    pub(crate) fn ready_count(&self) -> usize {
        self.ready
    }

    /// Whether a message keeps a place in a group.
    pub(crate) fn has(&self, number: u64, id: u64) -> bool {
        self.groups.get(&number).is_some_and(|group| group.members.contains_key(&id))
    }

    /// The member that must end before another one may be handed out, the first of those.
    pub(crate) fn blocker_of(&self, number: u64, id: u64) -> Option<u64> {
        let mut before = self.groups.get(&number)?.members.range(..id).map(|(before, _)| *before);
        let first = before.next();
        first.filter(|_| {
            self.parallelism == 1 || before.take(self.parallelism - 1).count() + 1 == self.parallelism
        })
    }

    /// Groups whose turn comes before that of this one.
    pub(crate) fn turns_before(&self, number: u64) -> usize {
        let rounds = self.rounds.iter().rev().flatten();
        rounds.take_while(|other| **other != number).count()
    }

    /// Members that may be handed out now.
    pub(crate) fn heads(&self) -> impl Iterator<Item = u64> {
        let open = |number: &u64| Some(self.groups.get(number)?.open(self.parallelism).map(|(id, _)| id));
        self.rounds.iter().flatten().filter_map(open).flatten()
    }

    /// How many that are.
    pub(crate) fn deliverable_count(&self) -> usize {
        self.heads().count()
    }

    /// Members that would be ready, if they had no others before them.
    pub(crate) fn blocked_count(&self) -> usize {
        self.ready - self.deliverable_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: Member = Member::Ready { priority: 4 };

    fn first(groups: &mut Groups) -> Option<(u64, u8)> {
        groups.fronts().next()
    }

    fn take(groups: &mut Groups, number: u64) -> Option<u64> {
        let (id, priority) = first(groups)?;
        groups.pass(priority);
        groups.set(number, id, Member::Held);
        Some(id)
    }

    #[test]
    fn only_the_first_of_a_group_is_handed_out() {
        let mut groups = Groups::default();
        let numbers = [3, 1, 2].map(|id| {
            let number = groups.join(b"a");
            groups.set(number, id, READY);
            number
        });
        assert_eq!((groups.deliverable_count(), groups.blocked_count()), (1, 2));
        assert_eq!(take(&mut groups, numbers[0]), Some(1));
        assert_eq!(first(&mut groups), None);
        assert_eq!((groups.deliverable_count(), groups.blocked_count()), (0, 2));
        groups.leave(numbers[0], 1);
        assert_eq!(first(&mut groups), Some((2, 4)));
    }

    #[test]
    fn groups_take_turns_however_many_messages_they_have() {
        let mut groups = Groups::default();
        let numbers: Vec<u64> = (0..6).map(|id| groups.join(if id < 4 { b"a" } else { b"b" })).collect();
        (0..6).for_each(|id| groups.set(numbers[id], id as u64, READY));
        let mut order = Vec::new();
        while let Some((id, priority)) = first(&mut groups) {
            let number = numbers[id as usize];
            groups.pass(priority);
            groups.set(number, id, Member::Held);
            groups.leave(number, id);
            order.push(id);
        }
        assert_eq!(order, [0, 4, 1, 5, 2, 3]);
    }

    #[test]
    fn a_group_lasts_until_its_last_message_even_if_that_is_not_due_yet() {
        let mut groups = Groups::default();
        let number = groups.join(b"a");
        groups.set(number, 1, READY);
        assert_eq!(groups.join(b"a"), number, "not due yet");
        groups.leave(number, 1);
        groups.set(number, 2, READY);
        assert_eq!(first(&mut groups), Some((2, 4)));
    }

    #[test]
    fn a_member_that_waits_again_gives_up_its_place_and_gets_it_back() {
        let mut groups = Groups::default();
        let number = [1, 2].map(|id| (groups.join(b"a"), id)).map(|(number, id)| {
            groups.set(number, id, READY);
            number
        })[0];
        groups.withdraw(number, 1);
        assert_eq!((first(&mut groups), groups.blocked_count()), (Some((2, 4)), 0));
        groups.withdraw(number, 2);
        assert_eq!(first(&mut groups), None);
        groups.set(number, 2, READY);
        groups.set(number, 1, READY);
        assert_eq!((first(&mut groups), groups.blocked_count()), (Some((1, 4)), 1));
    }

    #[test]
    fn a_group_whose_next_message_is_more_urgent_is_found_where_that_belongs() {
        let mut groups = Groups::default();
        let numbers = [1, 2].map(|_| groups.join(b"a"));
        groups.set(numbers[0], 1, READY);
        groups.set(numbers[0], 2, Member::Ready { priority: 7 });
        assert_eq!(first(&mut groups), Some((1, 4)));
        groups.pass(4);
        groups.set(numbers[0], 1, Member::Held);
        groups.leave(numbers[0], 1);
        assert_eq!(first(&mut groups), Some((2, 7)));
    }

    #[test]
    fn a_group_with_a_weight_has_so_many_turns_in_a_row() {
        let mut groups = Groups::default();
        let mut options = GroupOptions::default();
        options.set_weight(b"a", 3);
        groups.set_options(&options);
        let number_of: Vec<u64> = (0..12).map(|id| groups.join(if id < 8 { b"a" } else { b"b" })).collect();
        (0..12).for_each(|id| groups.set(number_of[id], id as u64, READY));
        let mut order = Vec::new();
        while let Some((id, _)) = first(&mut groups) {
            take(&mut groups, number_of[id as usize]);
            groups.leave(number_of[id as usize], id);
            order.push(id);
        }
        assert_eq!(order, [0, 1, 2, 8, 3, 4, 5, 9, 6, 7, 10, 11]);
    }

    #[test]
    fn groups_end_with_their_last_message() {
        let mut groups = Groups::default();
        for id in 0..1000u64 {
            let number = groups.join(&id.to_le_bytes());
            groups.set(number, id, READY);
            assert_eq!(first(&mut groups), Some((id, 4)));
            groups.leave(number, id);
        }
        assert_eq!(first(&mut groups), None);
        assert!(groups.numbers.is_empty() && groups.groups.is_empty());
        assert!(groups.rounds.iter().all(VecDeque::is_empty), "no round keeps what is gone");
    }
}
