//! What a queue is to do, in plain code that shares nothing with it: a map of messages, and a copy of it as of the last
//! commit, which is what a crash goes back to.

use crate::verb::{LEASE_MS, PRIORITY_DEFAULT, Wish};
use ringmain::OnExhausted;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub const FAILURES_MAX: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ready,
    Scheduled { due_ms: u64 },
    Leased { deadline_ms: u64 },
    Deferred,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub value: Arc<str>,
    sent_ms: u64,
    pub status: Status,
    pub attempts: u32,
    pub failures: u32,
    priority: u8,
    group: Option<u8>,
    /// `u64::MAX`: never.
    expires_ms: u64,
    /// Cancelled while it was out: it does not come back.
    pub is_recalled: bool,
    /// Of its last failure.
    error: String,
    /// It was out and came back: of the same priority it comes first.
    is_returned: bool,
    /// Those that had to wait come next, in that order; then those that nobody had, as they were sent. 0: it did not.
    due_ms: u64,
    /// The one that holds its lease has it in hand, and did not only take it ahead.
    is_started: bool,
    told: Told,
}

/// What of it the log tells: of leases that were only taken ahead it knows nothing.
#[derive(Debug, Clone, Copy)]
struct Told {
    attempts: u32,
    is_returned: bool,
    due_ms: u64,
}

impl Entry {
    /// Its place among those of its priority.
    fn place(&self, id: u64) -> (u8, u64, u64) {
        let part = match (self.due_ms, self.is_returned) {
            (0, true) => 0,
            (0, false) => 2,
            _ => 1,
        };
        (part, self.due_ms, id)
    }

    pub fn is_leased(&self) -> bool {
        matches!(self.status, Status::Leased { .. })
    }

    /// Whether it holds its place among those of its ordering key: all but those that wait for their first time.
    fn is_in_line(&self) -> bool {
        self.attempts > 0 || !matches!(self.status, Status::Scheduled { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub value: Arc<str>,
    pub id: u64,
    pub reason: &'static str,
    pub error: String,
    pub attempts: u32,
    pub failures: u32,
    priority: u8,
    group: Option<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub sent: u64,
    pub acked: u64,
    pub failures: u64,
    pub leases_expired: u64,
    pub redeliveries: u64,
    pub dead: u64,
    pub dropped: u64,
    pub expired: u64,
    pub cancelled: u64,
    pub purged: u64,
    /// Of its dead letter queue.
    pub redriven: u64,
    pub discarded: u64,
}

impl Totals {
    /// Messages that are no longer there, and were not acked: that is never left to a later commit.
    fn gone(&self) -> u64 {
        self.dead + self.dropped + self.cancelled
    }
}

/// What survives, if it was committed.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub messages: BTreeMap<u64, Entry>,
    pub letters: Vec<Letter>,
    pub next_id: u64,
}

#[derive(Debug)]
pub struct Model {
    pub policy: OnExhausted,
    pub now_ms: u64,
    pub kept: Kept,
    /// As of the last commit.
    committed: Kept,
    pub totals: Totals,
    acked: Vec<(u64, u32)>,
    sent_count: u64,
    /// How many its consumer takes at a time.
    pub prefetch: usize,
    /// What its consumer took ahead and has not handed out.
    ahead: VecDeque<(u64, u32)>,
    ahead_since_ms: u64,
}

impl Model {
    pub fn new(policy: OnExhausted) -> Self {
        Self {
            policy,
            now_ms: 1000,
            kept: Kept::default(),
            committed: Kept::default(),
            totals: Totals::default(),
            acked: Vec::new(),
            sent_count: 0,
            prefetch: 0,
            ahead: VecDeque::new(),
            ahead_since_ms: 0,
        }
    }

    pub fn commit(&mut self) {
        self.committed = self.kept.clone();
    }

    pub fn waiting(&self, delay_ms: u64) -> Status {
        if delay_ms == 0 { Status::Ready } else { Status::Scheduled { due_ms: self.now_ms + delay_ms } }
    }

    pub fn next_value(&mut self) -> Arc<str> {
        self.sent_count += 1;
        // Of many lengths, so that segments fill, rotate and are released.
        let filling = ".".repeat((self.sent_count * 157 % 1200) as usize);
        format!("message {} {filling}", self.sent_count).into()
    }

    fn add(&mut self, entry: Entry) -> u64 {
        let id = self.kept.next_id;
        self.kept.messages.insert(id, entry);
        self.kept.next_id += 1;
        self.totals.sent += 1;
        id
    }

    pub fn send(&mut self, values: &[Arc<str>], wishes: &[Wish]) -> Vec<u64> {
        let mut ids = Vec::new();
        for (value, wish) in values.iter().zip(wishes) {
            let due_ms = if wish.delay_ms > 0 { self.now_ms + wish.delay_ms } else { 0 };
            let priority = wish.priority.unwrap_or(PRIORITY_DEFAULT);
            ids.push(self.add(Entry {
                value: value.clone(),
                sent_ms: self.now_ms,
                status: self.waiting(wish.delay_ms),
                attempts: 0,
                failures: 0,
                priority,
                group: wish.group,
                expires_ms: wish.ttl_ms.map_or(u64::MAX, |ttl_ms| self.now_ms + ttl_ms),
                is_recalled: false,
                error: String::new(),
                is_returned: false,
                due_ms,
                is_started: false,
                told: Told { attempts: 0, is_returned: false, due_ms },
            }));
        }
        self.commit();
        ids
    }

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
    /// turns.
    fn next(&self) -> Vec<u64> {
        let (deliverable, _) = self.ready();
        let entry = |id: &u64| &self.kept.messages[id];
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
        self.policy != OnExhausted::Keep && failures > 0 && failures + 1 >= FAILURES_MAX
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
        let waits_alone = !taken.is_empty() && next.iter().any(|id| self.has_last_chance(*id));
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
            if self.holds(id, attempt) {
                let due_ms = self.kept.messages[&id].due_ms;
                self.release(id, Status::Ready);
                // As if it had not been taken.
                if let Some(entry) = self.kept.messages.get_mut(&id) {
                    (entry.attempts, entry.due_ms) = (attempt - 1, due_ms);
                }
            }
        }
    }

    /// Somebody has its message in hand.
    fn start(&mut self, id: u64) {
        if let Some(entry) = self.kept.messages.get_mut(&id) {
            entry.is_started = true;
            entry.told.attempts += 1;
        }
    }

    /// Its lease ends so much after now, and never earlier than it would have.
    pub fn extend(&mut self, id: u64, ms: u64) {
        if let Some(entry) = self.kept.messages.get_mut(&id)
            && let Status::Leased { deadline_ms } = &mut entry.status
        {
            *deadline_ms = (*deadline_ms).max(self.now_ms + ms);
        }
    }

    fn lease(&mut self, id: u64) {
        let deadline_ms = self.now_ms + LEASE_MS;
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        entry.status = Status::Leased { deadline_ms };
        entry.attempts += 1;
        entry.is_started = false;
        self.totals.redeliveries += u64::from(entry.attempts > 1);
    }

    pub fn holds(&self, id: u64, attempt: u32) -> bool {
        let entry = self.kept.messages.get(&id);
        entry.is_some_and(|entry| entry.attempts == attempt && entry.is_leased())
    }

    /// Whether each ack is fine.
    pub fn ack(&mut self, tokens: &[(u64, u32)]) -> Vec<bool> {
        let held: Vec<bool> = tokens.iter().map(|(id, attempt)| self.holds(*id, *attempt)).collect();
        let remembered = |token: &(u64, u32)| self.acked.contains(token);
        let fine: Vec<bool> =
            tokens.iter().zip(&held).map(|(token, held)| *held || remembered(token)).collect();
        if fine.contains(&true) {
            // An ack that is said again waits for the first one, and so commits what came since, too.
            self.commit();
        }
        for ((id, attempt), held) in tokens.iter().zip(held) {
            if held && self.kept.messages.remove(id).is_some() {
                self.acked.push((*id, *attempt));
                self.totals.acked += 1;
                self.commit();
            }
        }
        fine
    }

    fn retry_ms(failures: u32) -> u64 {
        [500, 1000, 2000].get(failures as usize - 1).copied().unwrap_or(3000)
    }

    pub fn fail(&mut self, id: u64, error: &str, delay_ms: Option<u64>) {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        if entry.is_recalled {
            return self.cancel_now(id);
        }
        entry.failures += 1;
        // Of that the log tells: it was out at least once.
        entry.told.attempts = entry.told.attempts.max(1);
        entry.error = error.into();
        let failures = entry.failures;
        self.totals.failures += 1;
        if failures >= FAILURES_MAX && self.policy != OnExhausted::Keep {
            self.die(id, "failed");
        } else {
            let status = self.waiting(delay_ms.unwrap_or_else(|| Self::retry_ms(failures)));
            self.set(id, status);
        }
    }

    pub fn reject(&mut self, id: u64, error: &str) {
        if let Some(entry) = self.kept.messages.get_mut(&id) {
            entry.error = error.into();
        }
        self.die(id, "rejected");
    }

    fn die(&mut self, id: u64, reason: &'static str) {
        let Some(entry) = self.kept.messages.remove(&id) else { return };
        if matches!(self.policy, OnExhausted::DeadLetter(_)) {
            let Entry { value, error, attempts, failures, priority, group, .. } = entry;
            self.kept.letters.push(Letter { value, id, reason, error, attempts, failures, priority, group });
            self.totals.dead += 1;
        } else {
            self.totals.dropped += 1;
        }
    }

    /// It comes back without a failure, or to be set aside.
    pub fn release(&mut self, id: u64, status: Status) {
        if self.kept.messages.get(&id).is_some_and(|entry| entry.is_recalled) {
            self.cancel_now(id);
        } else {
            self.set(id, status);
        }
    }

    /// True: it waited, and is gone.
    pub fn cancel(&mut self, id: u64, with_force: bool) -> bool {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return false };
        let goes = with_force || !entry.is_leased();
        if goes {
            self.cancel_now(id);
        } else {
            entry.is_recalled = true;
            self.commit();
        }
        goes
    }

    fn cancel_now(&mut self, id: u64) {
        self.kept.messages.remove(&id);
        self.totals.cancelled += 1;
        self.commit();
    }

    /// True: it waited, and is to wait so long now.
    pub fn reschedule(&mut self, id: u64, delay_ms: u64) -> bool {
        let Some(entry) = self.kept.messages.get(&id) else { return false };
        if !matches!(entry.status, Status::Ready | Status::Scheduled { .. }) {
            return false;
        }
        self.set(id, Status::Scheduled { due_ms: self.now_ms + delay_ms });
        self.tick();
        self.commit();
        true
    }

    /// True: it was set aside, and is out now.
    pub fn receive_deferred(&mut self, id: u64) -> bool {
        let is_deferred = self.kept.messages.get(&id).is_some_and(|entry| entry.status == Status::Deferred);
        if is_deferred {
            self.lease(id);
            self.start(id);
        }
        is_deferred
    }

    /// Letters go back: new messages, tried as often as before, and with no failure yet.
    pub fn redrive(&mut self) -> u64 {
        let letters = std::mem::take(&mut self.kept.letters);
        let count = letters.len() as u64;
        self.totals.redriven += count;
        for Letter { value, attempts, priority, group, .. } in letters {
            self.add(Entry {
                value,
                sent_ms: self.now_ms,
                status: Status::Ready,
                attempts,
                failures: 0,
                priority,
                group,
                expires_ms: u64::MAX,
                is_recalled: false,
                error: String::new(),
                is_returned: false,
                due_ms: 0,
                is_started: false,
                told: Told { attempts, is_returned: false, due_ms: 0 },
            });
        }
        count
    }

    pub fn discard(&mut self) -> u64 {
        let count = std::mem::take(&mut self.kept.letters).len() as u64;
        self.totals.discarded += count;
        count
    }

    pub fn purge(&mut self, with_force: bool) -> u64 {
        let before = self.kept.messages.len();
        self.kept.messages.retain(|_, entry| entry.is_leased() && !with_force);
        let purged = (before - self.kept.messages.len()) as u64;
        self.totals.purged += purged;
        purged
    }

    fn set(&mut self, id: u64, status: Status) {
        if let Some(entry) = self.kept.messages.get_mut(&id) {
            let was_leased = entry.is_leased();
            entry.status = status;
            entry.due_ms = if let Status::Scheduled { due_ms } = status { due_ms } else { 0 };
            entry.is_returned = was_leased && entry.due_ms == 0;
            if was_leased && entry.is_started || entry.due_ms > 0 {
                entry.told.is_returned = entry.is_returned;
                entry.told.due_ms = entry.due_ms;
            }
        }
    }

    pub fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        self.tick();
        self.commit();
    }

    /// What waited longer than it may is gone by the time somebody looks.
    pub fn look(&mut self) {
        let before = self.totals.gone();
        self.tick();
        if self.totals.gone() != before {
            self.commit();
        }
    }

    /// Time has passed: what is due is ready, or expires, each at its time; then leases that have run out fail in the order
    /// of their deadlines.
    fn tick(&mut self) {
        while self.wait_is_over() || self.lease_is_over() {}
    }

    fn wait_is_over(&mut self) -> bool {
        let mut brought = Vec::new();
        for (id, entry) in &self.kept.messages {
            if let Status::Scheduled { due_ms } = entry.status {
                brought.push((due_ms, *id, false));
            }
            if !entry.is_leased() {
                brought.push((entry.expires_ms, *id, true));
            }
        }
        brought.retain(|(at_ms, ..)| *at_ms <= self.now_ms);
        brought.sort_unstable();
        for (_, id, expires) in &brought {
            match self.kept.messages.get_mut(id) {
                Some(_) if *expires => {
                    self.totals.expired += 1;
                    self.die(*id, "expired");
                }
                Some(entry) => entry.status = Status::Ready,
                None => {}
            }
        }
        !brought.is_empty()
    }

    fn lease_is_over(&mut self) -> bool {
        let mut over = Vec::new();
        for (id, entry) in &self.kept.messages {
            if let Status::Leased { deadline_ms } = entry.status
                && deadline_ms <= self.now_ms
            {
                over.push((deadline_ms, *id));
            }
        }
        over.sort_unstable();
        for (_, id) in &over {
            self.totals.leases_expired += u64::from(!self.kept.messages[id].is_recalled);
            self.fail(*id, "the lease ran out", None);
        }
        !over.is_empty()
    }

    fn leased(&self) -> Vec<u64> {
        self.kept.messages.iter().filter(|(_, entry)| entry.is_leased()).map(|(id, _)| *id).collect()
    }

    /// A clean close hands back what is out.
    pub fn close(&mut self) {
        self.leased().into_iter().for_each(|id| self.release(id, Status::Ready));
        self.commit();
        self.open();
        self.look();
    }

    /// What was not committed is gone, and leases that were out count as failures, but for those that were only taken ahead.
    pub fn crash(&mut self) {
        self.kept = self.committed.clone();
        self.open();
        for id in self.leased() {
            if self.kept.messages[&id].is_started {
                self.fail(id, "the process ended while it held the lease", Some(0));
            } else {
                self.hand_back_ahead(id);
            }
        }
        if self.totals.gone() > 0 {
            self.commit();
        }
        self.look();
    }

    /// It was never out, as far as the log tells.
    fn hand_back_ahead(&mut self, id: u64) {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        entry.status = Status::Ready;
        if entry.is_recalled {
            self.cancel_now(id);
        }
    }

    fn open(&mut self) {
        for entry in self.kept.messages.values_mut() {
            entry.attempts = entry.told.attempts;
            entry.is_returned = entry.told.is_returned;
            entry.due_ms = entry.told.due_ms;
        }
        self.ahead.clear();
        self.totals = Totals::default();
        self.acked.clear();
    }
}
