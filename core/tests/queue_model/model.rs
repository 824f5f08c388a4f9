//! What a queue is to do, in plain code that shares nothing with it: a map of messages, and a copy of it as of the last
//! commit, which is what a crash goes back to.

use crate::admission::Key;
use crate::limits::Limits;
use crate::setup::{Change, Setup};
use crate::verb::LEASE_MS;
use ringmain::{Deadline, DedupMode, OnExhausted};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

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
    pub key: Option<u8>,
    pub sent_ms: u64,
    pub status: Status,
    pub attempts: u32,
    pub failures: u32,
    pub priority: u8,
    /// Its ordering key.
    pub group: Option<u8>,
    /// `u64::MAX`: never.
    pub expires_ms: u64,
    /// `u64::MAX`: it has no such deadline, or has missed it.
    pub start_by_ms: u64,
    pub complete_by_ms: u64,
    /// Cancelled while it was out: it does not come back.
    pub is_recalled: bool,
    /// Of its last failure.
    pub error: String,
    /// It was out and came back: of the same priority it comes first.
    pub is_returned: bool,
    /// Those that had to wait come next, in that order; then those that nobody had, as they were sent. 0: it did not.
    pub due_ms: u64,
    /// The one that holds its lease has it in hand, and did not only take it ahead.
    pub is_started: bool,
    pub told: Told,
}

/// What of it the log tells: of leases that were only taken ahead it knows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub attempts: u32,
    pub is_returned: bool,
    pub due_ms: u64,
}

impl Entry {
    pub fn is_leased(&self) -> bool {
        matches!(self.status, Status::Leased { .. })
    }

    /// Whether it holds its place among those of its ordering key: all but those that wait for their first time.
    pub fn is_in_line(&self) -> bool {
        self.attempts > 0 || !matches!(self.status, Status::Scheduled { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub value: Arc<str>,
    pub key: Option<u8>,
    pub id: u64,
    pub reason: &'static str,
    pub error: String,
    pub attempts: u32,
    pub failures: u32,
    priority: u8,
    group: Option<u8>,
}

/// What went to another queue because it missed a deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    pub value: Arc<str>,
    pub key: Option<u8>,
    pub id: u64,
    pub deadline: Deadline,
    pub attempts: u32,
    pub failures: u32,
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
    pub start_breaches: u64,
    pub complete_breaches: u64,
    pub refused: u64,
    pub dropped_oldest: u64,
    pub dropped_newest: u64,
    pub dropped_lowest_priority: u64,
    pub dead_lettered_oldest: u64,
    pub dedup_hits: u64,
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
    pub late: Vec<Late>,
    pub keys: BTreeMap<u8, Key>,
    /// Until when a key rests, or the queue.
    pub rests: BTreeMap<Option<u8>, u64>,
    pub next_id: u64,
}

#[derive(Debug)]
pub struct Model {
    pub setup: Setup,
    pub is_paused: bool,
    pub limits: Limits,
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
    pub ahead: VecDeque<(u64, u32)>,
    pub ahead_since_ms: u64,
    /// What it has handed out.
    pub handed: Vec<(u64, u32)>,
    /// Deadlines that were missed, until somebody asks.
    pub breaches: Vec<(u64, Deadline)>,
}

impl Model {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            is_paused: false,
            limits: Limits::default(),
            now_ms: 1000,
            kept: Kept::default(),
            committed: Kept::default(),
            totals: Totals::default(),
            acked: Vec::new(),
            sent_count: 0,
            prefetch: 0,
            ahead: VecDeque::new(),
            ahead_since_ms: 0,
            handed: Vec::new(),
            breaches: Vec::new(),
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

    pub fn add(&mut self, entry: Entry) -> u64 {
        let id = self.kept.next_id;
        self.kept.messages.insert(id, entry);
        self.kept.next_id += 1;
        self.totals.sent += 1;
        id
    }

    /// Somebody has its message in hand.
    pub fn start(&mut self, id: u64) {
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

    pub fn lease(&mut self, id: u64) {
        let deadline_ms = self.now_ms + LEASE_MS;
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        entry.status = Status::Leased { deadline_ms };
        entry.attempts += 1;
        entry.is_started = false;
        self.totals.redeliveries += u64::from(entry.attempts > 1);
        let key = entry.key;
        self.spend(key);
        if self.setup.dedup.mode == DedupMode::UntilStarted {
            self.kept.keys.retain(|_, key| key.id != id);
        }
    }

    /// It leaves the queue, and so does its deduplication key, unless time alone ends that.
    pub fn take_out(&mut self, id: u64) -> Option<Entry> {
        if !self.remembers_by_time() {
            self.kept.keys.retain(|_, key| key.id != id);
        }
        self.kept.messages.remove(&id)
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
            if held && self.take_out(*id).is_some() {
                self.acked.push((*id, *attempt));
                self.totals.acked += 1;
                self.commit();
            }
        }
        fine
    }

    /// Acks what its consumer handed out up to this one. `None`: it is none of those.
    pub fn ack_up_to(&mut self, token: (u64, u32)) -> Option<bool> {
        let last = self.handed.iter().rposition(|handed| *handed == token)?;
        let tokens: Vec<_> = self.handed.drain(..=last).collect();
        let held: Vec<_> = tokens.into_iter().filter(|(id, attempt)| self.holds(*id, *attempt)).collect();
        for (id, _) in &held {
            self.take_out(*id);
            self.totals.acked += 1;
            self.commit();
        }
        let is_held = held.last() == Some(&token);
        if is_held {
            self.acked.push(token);
        }
        Some(is_held)
    }

    pub fn alter(&mut self, change: &Change) {
        self.setup.change(change);
    }

    fn retry_ms(&self, failures: u32) -> u64 {
        (self.setup.retry_base_ms << (failures - 1).min(10)).min(3000)
    }

    pub fn fail(&mut self, id: u64, error: &str, delay_ms: Option<u64>) {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        if entry.is_recalled {
            return self.cancel_now(id);
        }
        entry.failures += 1;
        // Of that the log tells: it was out, and at least once.
        entry.is_started = true;
        entry.told.attempts = entry.told.attempts.max(1);
        entry.error = error.into();
        let failures = entry.failures;
        self.totals.failures += 1;
        if failures >= self.failures_max() {
            self.die(id, "failed");
        } else {
            let status = self.waiting(delay_ms.unwrap_or_else(|| self.retry_ms(failures)));
            self.set(id, status);
        }
    }

    pub fn reject(&mut self, id: u64, error: &str) {
        if let Some(entry) = self.kept.messages.get_mut(&id) {
            entry.error = error.into();
        }
        self.die(id, "rejected");
    }

    pub fn die(&mut self, id: u64, reason: &'static str) {
        let Some(entry) = self.take_out(id) else { return };
        if matches!(self.setup.on_exhausted, OnExhausted::DeadLetter(_)) {
            let Entry { value, key, error, attempts, failures, priority, group, .. } = entry;
            self.kept.letters.push(Letter {
                value,
                key,
                id,
                reason,
                error,
                attempts,
                failures,
                priority,
                group,
            });
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

    pub fn cancel_now(&mut self, id: u64) {
        self.take_out(id);
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
        let deferred = self.kept.messages.get(&id).filter(|entry| entry.status == Status::Deferred);
        let comes = deferred.is_some_and(|entry| self.is_open() && self.is_key_open(entry.key));
        if comes {
            self.lease(id);
            self.start(id);
        }
        comes
    }

    /// Letters go back: new messages, tried as often as before, and with no failure yet.
    pub fn redrive(&mut self) -> u64 {
        let letters = std::mem::take(&mut self.kept.letters);
        let count = letters.len() as u64;
        self.totals.redriven += count;
        for Letter { value, key, attempts, priority, group, .. } in letters {
            self.add(Entry {
                value,
                key,
                sent_ms: self.now_ms,
                status: Status::Ready,
                attempts,
                failures: 0,
                priority,
                group,
                expires_ms: u64::MAX,
                start_by_ms: u64::MAX,
                complete_by_ms: u64::MAX,
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
        self.kept.keys.clear();
        let purged = (before - self.kept.messages.len()) as u64;
        self.totals.purged += purged;
        purged
    }

    pub fn set(&mut self, id: u64, status: Status) {
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
        let before = (self.totals.gone(), self.kept.late.len());
        self.tick();
        if (self.totals.gone(), self.kept.late.len()) != before {
            self.commit();
        }
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
        self.handed.clear();
        self.breaches.clear();
        self.limits = Limits::default();
        self.totals = Totals::default();
        self.acked.clear();
    }
}
