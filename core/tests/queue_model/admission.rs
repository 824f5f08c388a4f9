//! Sending: which keys are remembered, and which messages go to make room.

use crate::model::{Entry, Model, Status, Told};
use crate::setup::DEDUP_WINDOW_MS;
use crate::verb::{PRIORITY_DEFAULT, Wish};
use ringmain::{DedupMode, OnConflict, Overflow};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A deduplication key that is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub id: u64,
    since_ms: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The id of each, and whether it was a duplicate.
    Sent(Vec<(u64, bool)>),
    Duplicate,
    Full,
    Invalid,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy)]
enum Fate {
    New {
        replaces: Option<u64>,
    },
    /// It is that one, which is put off.
    Same {
        id: u64,
        due_ms: u64,
    },
    /// It is another one of the batch.
    Again(usize),
}

impl Model {
    pub fn remembers_by_time(&self) -> bool {
        matches!(self.setup.dedup.mode, DedupMode::Fixed | DedupMode::Sliding)
    }

    pub fn forget_old_keys(&mut self) {
        if self.remembers_by_time() {
            let now_ms = self.now_ms;
            self.kept.keys.retain(|_, key| key.since_ms + DEDUP_WINDOW_MS > now_ms);
        }
    }

    pub fn send(&mut self, values: &[Arc<str>], wishes: &[Wish]) -> Answer {
        self.forget_old_keys();
        let mut wishes = wishes.to_vec();
        let (mut fates, mut hits) = (Vec::new(), Vec::new());
        match self.judge(&mut wishes, &mut fates, &mut hits) {
            None => {}
            Some(refused) => return refused,
        }
        let new = |fate: &Fate| matches!(fate, Fate::New { .. });
        let count = fates.iter().filter(|fate| new(fate)).count();
        let victims = match self.victims(&wishes, &fates, count) {
            Ok(victims) => victims,
            Err(refused) => {
                if refused == Answer::Full {
                    self.totals.refused += values.len() as u64;
                    self.commit_for_room();
                }
                return refused;
            }
        };
        let mut ids = vec![0; fates.len()];
        for (index, fate) in fates.iter().enumerate() {
            if let Fate::New { .. } = fate {
                ids[index] = self.add_sent(&values[index], &wishes[index]);
            }
        }
        victims.into_iter().for_each(|id| self.drop_for_room(id));
        for (index, fate) in fates.iter().enumerate() {
            if let Fate::New { replaces } = *fate {
                self.remember(wishes[index].dedup_key, ids[index], replaces);
            }
        }
        let mut is_told = count > 0;
        for (index, fate) in fates.iter().enumerate() {
            if let Fate::Same { id, due_ms } = *fate {
                ids[index] = id;
                is_told |= self.put_off(id, due_ms);
                is_told |= self.refresh(wishes[index].dedup_key);
            }
        }
        for index in (0..ids.len()).rev().chain(0..ids.len()) {
            if let Fate::Again(other) = fates[index] {
                ids[index] = ids[other];
            }
        }
        self.totals.dedup_hits += hits.iter().filter(|is_hit| **is_hit).count() as u64;
        if is_told {
            self.commit();
        }
        Answer::Sent(ids.into_iter().zip(hits).collect())
    }

    /// Decides for each, in their order; some answer if all of them are refused.
    fn judge(&mut self, wishes: &mut [Wish], fates: &mut Vec<Fate>, hits: &mut Vec<bool>) -> Option<Answer> {
        let (mut new_keys, mut in_batch) = (0, BTreeMap::new());
        for index in 0..wishes.len() {
            let Some(key) = wishes[index].dedup_key else {
                fates.push(Fate::New { replaces: None });
                hits.push(false);
                continue;
            };
            let on_conflict = self.setup.dedup.on_conflict;
            let earlier = in_batch.get(&key).copied();
            let known = self.kept.keys.get(&key).copied();
            let due_ms = match wishes[index].delay_ms {
                0 => 0,
                delay_ms => self.now_ms + delay_ms,
            };
            let fate = match (earlier, known, on_conflict) {
                (Some(_), _, OnConflict::Error) => return Some(Answer::Invalid),
                (Some(earlier), _, OnConflict::Ignore) => Fate::Again(earlier),
                (Some(earlier), _, OnConflict::Extend) => {
                    wishes[earlier].delay_ms = wishes[earlier].delay_ms.max(wishes[index].delay_ms);
                    Fate::Again(earlier)
                }
                (Some(earlier), _, OnConflict::Replace) => {
                    std::mem::replace(&mut fates[earlier], Fate::Again(index))
                }
                (None, Some(_), OnConflict::Error) => return Some(Answer::Duplicate),
                (None, Some(known), OnConflict::Replace) if self.finds_waiting(known.id) => {
                    Fate::New { replaces: Some(known.id) }
                }
                (None, Some(known), OnConflict::Extend) if due_ms > 0 && self.finds_waiting(known.id) => {
                    Fate::Same { id: known.id, due_ms }
                }
                (None, Some(known), _) => Fate::Same { id: known.id, due_ms: 0 },
                (None, None, _) => {
                    new_keys += 1;
                    Fate::New { replaces: None }
                }
            };
            if matches!(fate, Fate::New { .. }) {
                in_batch.insert(key, index);
            }
            fates.push(fate);
            hits.push(earlier.is_some() || known.is_some());
        }
        let over = self.kept.keys.len() as u64 + new_keys > self.setup.dedup.entries_max;
        (new_keys > 0 && over).then_some(Answer::Full)
    }

    /// Whether a message waits.
    fn finds_waiting(&self, id: u64) -> bool {
        let entry = self.kept.messages.get(&id);
        entry.is_some_and(|entry| matches!(entry.status, Status::Ready | Status::Scheduled { .. }))
    }

    fn add_sent(&mut self, value: &Arc<str>, wish: &Wish) -> u64 {
        let due_ms = if wish.delay_ms > 0 { self.now_ms + wish.delay_ms } else { 0 };
        let by_ms = |within_ms: Option<u64>| within_ms.map_or(u64::MAX, |ms| self.now_ms + ms);
        self.add(Entry {
            value: value.clone(),
            key: wish.key,
            sent_ms: self.now_ms,
            status: self.waiting(wish.delay_ms),
            attempts: 0,
            failures: 0,
            priority: wish.priority.unwrap_or(PRIORITY_DEFAULT),
            group: wish.group,
            expires_ms: by_ms(wish.ttl_ms),
            start_by_ms: by_ms(wish.start_ms),
            complete_by_ms: by_ms(wish.complete_ms),
            is_recalled: false,
            error: String::new(),
            is_returned: false,
            due_ms,
            is_started: false,
            told: Told { attempts: 0, is_returned: false, due_ms },
        })
    }

    /// It has the key from now on, and is there instead of another one.
    fn remember(&mut self, key: Option<u8>, id: u64, replaces: Option<u64>) {
        let Some(key) = key else { return };
        let mut since_ms = self.now_ms;
        if let Some(old) = replaces {
            if self.setup.dedup.mode == DedupMode::Fixed
                && let Some(first) = self.kept.keys.get(&key)
            {
                since_ms = first.since_ms;
            }
            self.take_out(old);
        }
        self.kept.keys.insert(key, Key { id, since_ms });
    }

    fn put_off(&mut self, id: u64, due_ms: u64) -> bool {
        let known_ms = match self.kept.messages.get(&id).map(|entry| entry.status) {
            Some(Status::Scheduled { due_ms }) => due_ms,
            _ => 0,
        };
        let is_later = due_ms > known_ms;
        if is_later {
            self.set(id, Status::Scheduled { due_ms });
        }
        is_later
    }

    fn refresh(&mut self, key: Option<u8>) -> bool {
        let now_ms = self.now_ms;
        let entry = key.and_then(|key| self.kept.keys.get_mut(&key));
        let Some(entry) = entry.filter(|_| self.setup.dedup.mode == DedupMode::Sliding) else { return false };
        entry.since_ms = now_ms;
        true
    }

    /// The messages that have to go for so many new ones.
    fn victims(&mut self, wishes: &[Wish], fates: &[Fate], count: usize) -> Result<Vec<u64>, Answer> {
        let Some((limit, overflow)) = self.setup.capacity else { return Ok(Vec::new()) };
        if count as u64 > limit {
            return Err(Answer::Invalid);
        }
        let new = wishes.iter().zip(fates).filter(|(_, fate)| matches!(fate, Fate::New { .. }));
        let lowest = new.map(|(wish, _)| wish.priority.unwrap_or(PRIORITY_DEFAULT)).min();
        let replaced = |fate: &Fate| match fate {
            Fate::New { replaces } => *replaces,
            _ => None,
        };
        let going: Vec<u64> = fates.iter().filter_map(replaced).collect();
        let mut chosen = Vec::new();
        while count > 0
            && (self.kept.messages.len() + count) as u64 > limit + (going.len() + chosen.len()) as u64
        {
            let waits = |entry: &Entry| matches!(entry.status, Status::Ready | Status::Scheduled { .. });
            let mut waiting: Vec<(u64, u8)> = self
                .kept
                .messages
                .iter()
                .filter(|(id, entry)| waits(entry) && !going.contains(id) && !chosen.contains(*id))
                .map(|(id, entry)| (*id, entry.priority))
                .collect();
            let victim = match overflow {
                Overflow::DropOldest | Overflow::DeadLetterOldest => waiting.first(),
                Overflow::DropNewest => waiting.last(),
                Overflow::DropLowestPriority => {
                    waiting.retain(|(_, priority)| Some(*priority) <= lowest);
                    waiting.iter().min_by_key(|(id, priority)| (*priority, *id))
                }
                _ => None,
            };
            let Some((id, _)) = victim.copied() else { return Err(Answer::Full) };
            chosen.push(id);
        }
        Ok(chosen)
    }

    /// Before it is refused because nothing may be dropped: what is not durable yet may not be.
    fn commit_for_room(&mut self) {
        let drops = |(_, overflow)| !matches!(overflow, Overflow::Block(_) | Overflow::Reject);
        if self.setup.capacity.is_some_and(drops) {
            self.commit();
        }
    }

    fn drop_for_room(&mut self, id: u64) {
        let Some((_, overflow)) = self.setup.capacity else { return };
        match overflow {
            Overflow::DropOldest => self.totals.dropped_oldest += 1,
            Overflow::DropNewest => self.totals.dropped_newest += 1,
            Overflow::DropLowestPriority => self.totals.dropped_lowest_priority += 1,
            _ => {
                self.totals.dead_lettered_oldest += 1;
                return self.die(id, "overflow");
            }
        }
        self.take_out(id);
    }
}
