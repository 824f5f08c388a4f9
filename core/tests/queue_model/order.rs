//! Which message comes next.

use crate::model::{Entry, Model, Status};
use crate::verb::LEASE_MS;
use std::collections::BTreeSet;

impl Entry {
    /// Its place among those of its priority: those that came back come first, then those that had to wait, then those that
    /// nobody had.
    fn place(&self, id: u64) -> (u8, u64, u64) {
        let part = match (self.due_ms, self.is_returned) {
            (0, true) => 0,
            (0, false) => 2,
            _ => 1,
        };
        (part, self.due_ms, id)
    }
}

impl Model {
    /// What may be received now, and what only waits for others of its ordering key.
    pub fn ready(&self) -> (Vec<u64>, Vec<u64>) {
        let mut lines = BTreeSet::new();
        let (mut deliverable, mut blocked) = (Vec::new(), Vec::new());
        for (id, entry) in &self.kept.messages {
            let is_first = match entry.group {
                Some(group) => entry.is_in_line() && lines.insert(group),
                None => true,
            };
            if entry.status == Status::Ready {
                if is_first { deliverable.push(*id) } else { blocked.push(*id) }
            }
        }
        (deliverable, blocked)
    }

    /// How long the one waits that may be received and has waited longest: since it was sent, or was last due.
    pub fn oldest_ready_age_ms(&self) -> u64 {
        let since_ms = |entry: &Entry| if entry.due_ms == 0 { entry.sent_ms } else { entry.due_ms };
        let (deliverable, _) = self.ready();
        let since_ms = deliverable.iter().map(|id| since_ms(&self.kept.messages[id])).min();
        self.now_ms - since_ms.unwrap_or(self.now_ms)
    }

    /// What may come next: of the highest priority the first that has no ordering key, or the first of any key, which take
    /// turns. What a limit holds does not.
    fn next(&self) -> Vec<u64> {
        if !self.is_open() {
            return Vec::new();
        }
        let entry = |id: &u64| &self.kept.messages[id];
        let (mut deliverable, _) = self.ready();
        deliverable.retain(|id| self.is_key_open(entry(id).key));
        let Some(highest) = deliverable.iter().map(|id| entry(id).priority).max() else { return Vec::new() };
        let (others, mut next): (Vec<u64>, Vec<u64>) = deliverable
            .into_iter()
            .filter(|id| entry(id).priority == highest)
            .partition(|id| entry(id).group.is_none());
        next.extend(others.into_iter().min_by_key(|id| entry(id).place(*id)));
        next
    }

    /// Whether it would die of one failure more.
    fn has_last_chance(&self, id: u64) -> bool {
        let failures = self.kept.messages[&id].failures;
        failures > 0 && failures.saturating_add(1) >= self.failures_max()
    }

    /// What was taken of at most `count`: whether it was next each time, and whether nothing was left that should have come.
    pub fn receive(&mut self, taken: &[u64], count: usize) -> Result<(), String> {
        let mut is_over = false;
        for (index, id) in taken.iter().enumerate() {
            let next = self.next();
            if is_over || !next.contains(id) {
                return Err(format!("{taken:?}: {id} was received where one of {next:?} was next"));
            }
            // One that would die of one failure more goes alone.
            is_over = self.has_last_chance(*id);
            if is_over && index > 0 {
                return Err(format!("{taken:?}: {id} has its last chance and did not come alone"));
            }
            self.lease(*id);
            self.start(*id);
        }
        let next = self.next();
        // Be it that a limit of its key would hold it: that is asked when it comes alone.
        let asked_later = self.ready().0.into_iter().filter(|_| self.limits_keys());
        let waits_alone =
            !taken.is_empty() && next.iter().copied().chain(asked_later).any(|id| self.has_last_chance(id));
        if taken.len() < count && !is_over && !waits_alone && !next.is_empty() {
            return Err(format!("{taken:?} of {count} were received, and none of {next:?}"));
        }
        Ok(())
    }

    /// Whether something that a consumer took ahead is no longer its own.
    pub fn has_lost_ahead(&self) -> bool {
        self.ahead.iter().any(|(id, attempt)| !self.holds(*id, *attempt))
    }

    /// What a consumer hands out next; no ordering keys are about.
    pub fn next_of_consumer(&mut self) -> Option<u64> {
        loop {
            while let Some((id, attempt)) = self.ahead.pop_front() {
                if self.holds(id, attempt) {
                    self.start(id);
                    self.handed.push((id, attempt));
                    // Its lease begins when it is handed out, if that is not at once.
                    if self.now_ms - self.ahead_since_ms > LEASE_MS / 100 {
                        self.extend(id, LEASE_MS);
                    }
                    return Some(id);
                }
            }
            self.take_ahead();
            if self.ahead.is_empty() {
                return None;
            }
        }
    }

    fn take_ahead(&mut self) {
        self.ahead_since_ms = self.now_ms;
        while self.ahead.len() < self.prefetch
            && let Some(id) = self.next().first().copied()
        {
            let is_alone = self.has_last_chance(id);
            if is_alone && !self.ahead.is_empty() {
                break;
            }
            self.lease(id);
            self.ahead.push_back((id, self.kept.messages[&id].attempts));
            if is_alone {
                break;
            }
        }
    }

    pub fn drop_consumer(&mut self) {
        for (id, attempt) in std::mem::take(&mut self.ahead) {
            // Those before it may have missed deadlines meanwhile.
            self.look();
            if self.holds(id, attempt) {
                let Entry { due_ms, is_returned, .. } = self.kept.messages[&id];
                self.release(id, Status::Ready);
                // As if it had not been taken.
                if let Some(entry) = self.kept.messages.get_mut(&id) {
                    (entry.attempts, entry.due_ms, entry.is_returned) = (attempt - 1, due_ms, is_returned);
                }
            }
        }
        self.handed.clear();
    }
}
