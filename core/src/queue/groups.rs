//! Messages with an ordering key: one at a time of each key, in order; the keys take turns.
//!
//! **Promise.** Of each group only the first member is ever handed out. While that one is out, waits for its retry or is set
//! aside, the others wait. Groups with the same priority at their head take turns, whoever has more messages. A group exists
//! only as long as it has messages.
//!
//! **Not promised.** That a delayed message holds up those behind it: it joins its group when it is due, at its old place.

use crate::limits::PRIORITY_MAX;
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
}

impl Group {
    /// The first member, if that may be handed out.
    fn head(&self) -> Option<(u64, u8)> {
        match self.members.first_key_value() {
            Some((id, Member::Ready { priority })) => Some((*id, *priority)),
            _ => None,
        }
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    numbers: HashMap<Box<[u8]>, u64>,
    groups: HashMap<u64, Group>,
    next_number: u64,
    /// Groups whose head was ready, by its priority, in the order of their turns. It may no longer be: whoever takes one looks.
    rounds: [VecDeque<u64>; PRIORITY_MAX as usize + 1],
    ready: usize,
}

impl Groups {
    /// The number of a key's group, which has one message more.
    pub(crate) fn join(&mut self, key: &[u8]) -> u64 {
        if let Some(number) = self.numbers.get(key) {
            if let Some(group) = self.groups.get_mut(number) {
                group.messages += 1;
            }
            return *number;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(key.into(), number);
        let group = Group { key: key.into(), messages: 1, members: BTreeMap::new(), is_queued: false };
        self.groups.insert(number, group);
        number
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
        let is_last = group.messages == 0;
        self.count(before, None);
        if is_last && let Some(group) = self.groups.remove(&number) {
            self.numbers.remove(&group.key);
        }
        self.offer(number);
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
            && let Some((_, priority)) = group.head()
        {
            group.is_queued = true;
            self.rounds[usize::from(priority)].push_back(number);
        }
    }

    /// The message whose turn it is, and its priority. It stays where it is.
    pub(crate) fn first(&mut self) -> Option<(u64, u8)> {
        let mut priority = PRIORITY_MAX;
        loop {
            let round = &self.rounds[usize::from(priority)];
            match round.front().map(|number| self.groups.get(number).and_then(Group::head)) {
                Some(Some((id, found))) if found == priority => return Some((id, found)),
                // Its head is another than when it was put here, and maybe a more urgent one.
                Some(head) => {
                    self.pass(priority);
                    priority = head.map_or(priority, |(_, found)| found.max(priority));
                }
                None => priority = priority.checked_sub(1)?,
            }
        }
    }

    /// The turn of the group at the front of a round is over; its next is behind all others.
    pub(crate) fn pass(&mut self, priority: u8) {
        if let Some(number) = self.rounds[usize::from(priority)].pop_front() {
            if let Some(group) = self.groups.get_mut(&number) {
                group.is_queued = false;
            }
            self.offer(number);
        }
    }

    /// Whether any member is ready, even if others are before it.
    pub(crate) fn has_ready(&self) -> bool {
        self.ready > 0
    }

    /// How many are.
    pub(crate) fn ready_count(&self) -> usize {
        self.ready
    }

    /// Whether a message keeps a place in a group.
    pub(crate) fn has(&self, number: u64, id: u64) -> bool {
        self.groups.get(&number).is_some_and(|group| group.members.contains_key(&id))
    }

    /// The first member of a group, whatever it does.
    pub(crate) fn first_of(&self, number: u64) -> Option<u64> {
        self.groups.get(&number)?.members.first_key_value().map(|(id, _)| *id)
    }

    /// Groups whose turn comes before that of this one.
    pub(crate) fn turns_before(&self, number: u64) -> usize {
        let rounds = self.rounds.iter().rev().flatten();
        rounds.take_while(|other| **other != number).count()
    }

    /// Members that may be handed out now.
    pub(crate) fn heads(&self) -> impl Iterator<Item = u64> {
        let head = |number: &u64| self.groups.get(number).and_then(Group::head).map(|(id, _)| id);
        self.rounds.iter().flatten().filter_map(head)
    }

    /// Members that may be handed out now: one of each group at most.
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

    fn take(groups: &mut Groups, number: u64) -> Option<u64> {
        let (id, priority) = groups.first()?;
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
        assert_eq!(groups.first(), None);
        assert_eq!((groups.deliverable_count(), groups.blocked_count()), (0, 2));
        groups.leave(numbers[0], 1);
        assert_eq!(groups.first(), Some((2, 4)));
    }

    #[test]
    fn groups_take_turns_however_many_messages_they_have() {
        let mut groups = Groups::default();
        let numbers: Vec<u64> = (0..6).map(|id| groups.join(if id < 4 { b"a" } else { b"b" })).collect();
        (0..6).for_each(|id| groups.set(numbers[id], id as u64, READY));
        let mut order = Vec::new();
        while let Some((id, priority)) = groups.first() {
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
        assert_eq!(groups.first(), Some((2, 4)));
    }

    #[test]
    fn a_member_that_waits_again_gives_up_its_place_and_gets_it_back() {
        let mut groups = Groups::default();
        let number = [1, 2].map(|id| (groups.join(b"a"), id)).map(|(number, id)| {
            groups.set(number, id, READY);
            number
        })[0];
        groups.withdraw(number, 1);
        assert_eq!((groups.first(), groups.blocked_count()), (Some((2, 4)), 0));
        groups.withdraw(number, 2);
        assert_eq!(groups.first(), None);
        groups.set(number, 2, READY);
        groups.set(number, 1, READY);
        assert_eq!((groups.first(), groups.blocked_count()), (Some((1, 4)), 1));
    }

    #[test]
    fn a_group_whose_next_message_is_more_urgent_is_found_where_that_belongs() {
        let mut groups = Groups::default();
        let numbers = [1, 2].map(|_| groups.join(b"a"));
        groups.set(numbers[0], 1, READY);
        groups.set(numbers[0], 2, Member::Ready { priority: 7 });
        assert_eq!(groups.first(), Some((1, 4)));
        groups.pass(4);
        groups.set(numbers[0], 1, Member::Held);
        groups.leave(numbers[0], 1);
        assert_eq!(groups.first(), Some((2, 7)));
    }

    #[test]
    fn groups_end_with_their_last_message() {
        let mut groups = Groups::default();
        for id in 0..1000u64 {
            let number = groups.join(&id.to_le_bytes());
            groups.set(number, id, READY);
            assert_eq!(groups.first(), Some((id, 4)));
            groups.leave(number, id);
        }
        assert_eq!(groups.first(), None);
        assert!(groups.numbers.is_empty() && groups.groups.is_empty());
        assert!(groups.rounds.iter().all(VecDeque::is_empty), "no round keeps what is gone");
    }
}
