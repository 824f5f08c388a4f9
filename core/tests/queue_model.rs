//! The queue against a model: random verbs, clean closes and crashes, compared after every step.
//!
//! The model is plain code that shares nothing with the queue: a map of messages, and a copy of it as of the last commit,
//! which is what a crash goes back to. 512 cases by default; `PROPTEST_CASES` scales.
#![cfg(feature = "simulation")]

use proptest::prelude::*;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{
    Clock, Delivery, Durability, Error, Hub, Jitter, Letters, ManualClock, Message, OnExhausted, Queue,
    Redrive, Retry,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const LEASE_MS: u64 = 30_000;
const FAILURES_MAX: u32 = 3;
const DEAD: &str = "jobs.dead";

#[derive(Debug, Clone)]
enum Verb {
    Send { delay_ms: u64 },
    SendBatch { delays_ms: Vec<u64> },
    Receive { count: usize },
    Ack { which: usize },
    AckBatch { which: usize, count: usize },
    Fail { which: usize, delay_ms: Option<u64> },
    Release { which: usize, delay_ms: u64 },
    Reject { which: usize },
    Extend { which: usize, ms: u64 },
    Drop { which: usize },
    Advance { ms: u64 },
    AckLetter,
    Redrive,
    Discard,
    Purge { with_force: bool },
    Reopen,
    Crash,
}

fn verbs() -> impl Strategy<Value = Verb> {
    let delay = || prop_oneof![3 => Just(0u64), 1 => 1..5000u64];
    let which = || 0..1000usize;
    prop_oneof![
        8 => delay().prop_map(|delay_ms| Verb::Send { delay_ms }),
        4 => proptest::collection::vec(delay(), 0..6).prop_map(|delays_ms| Verb::SendBatch { delays_ms }),
        12 => (1..5usize).prop_map(|count| Verb::Receive { count }),
        8 => which().prop_map(|which| Verb::Ack { which }),
        2 => (which(), 1..4usize).prop_map(|(which, count)| Verb::AckBatch { which, count }),
        8 => (which(), proptest::option::of(delay())).prop_map(|(which, delay_ms)| Verb::Fail { which, delay_ms }),
        4 => (which(), delay()).prop_map(|(which, delay_ms)| Verb::Release { which, delay_ms }),
        3 => which().prop_map(|which| Verb::Reject { which }),
        3 => (which(), 1..60_000u64).prop_map(|(which, ms)| Verb::Extend { which, ms }),
        3 => which().prop_map(|which| Verb::Drop { which }),
        8 => prop_oneof![4 => 1..4000u64, 1 => Just(LEASE_MS), 1 => 20_000..70_000u64]
            .prop_map(|ms| Verb::Advance { ms }),
        2 => Just(Verb::AckLetter),
        3 => Just(Verb::Redrive),
        1 => Just(Verb::Discard),
        1 => any::<bool>().prop_map(|with_force| Verb::Purge { with_force }),
        2 => Just(Verb::Reopen),
        2 => Just(Verb::Crash),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Memory,
    /// A crash is a killed process: everything written is there.
    Written,
    /// A crash is a power cut: nothing unsynced is there.
    Synced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ready,
    Scheduled { due_ms: u64 },
    Leased { deadline_ms: u64 },
}

#[derive(Debug, Clone)]
struct Entry {
    value: String,
    status: Status,
    attempts: u32,
    failures: u32,
    /// It was out, or delayed: when it is ready, it comes before those that never were.
    returned: bool,
    /// Those that had to wait come in that order, behind those that keep their place.
    due_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter {
    value: String,
    id: u64,
    reason: &'static str,
    error: String,
    attempts: u32,
    failures: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    sent: u64,
    acked: u64,
    failures: u64,
    expired: u64,
    redeliveries: u64,
    dead: u64,
    dropped: u64,
}

/// What survives, if it was committed.
#[derive(Debug, Clone, Default)]
struct Kept {
    messages: BTreeMap<u64, Entry>,
    letters: Vec<Letter>,
    next_id: u64,
}

#[derive(Debug)]
struct Model {
    policy: OnExhausted,
    now_ms: u64,
    kept: Kept,
    /// As of the last commit.
    committed: Kept,
    totals: Totals,
    acked: Vec<(u64, u32)>,
    sent_count: u64,
}

impl Model {
    fn new(policy: OnExhausted) -> Self {
        Self {
            policy,
            now_ms: 1000,
            kept: Kept::default(),
            committed: Kept::default(),
            totals: Totals::default(),
            acked: Vec::new(),
            sent_count: 0,
        }
    }

    fn commit(&mut self) {
        self.committed = self.kept.clone();
    }

    fn waiting(&self, delay_ms: u64) -> Status {
        if delay_ms == 0 { Status::Ready } else { Status::Scheduled { due_ms: self.now_ms + delay_ms } }
    }

    fn next_value(&mut self) -> String {
        self.sent_count += 1;
        // Of many lengths, so that segments fill, rotate and are released.
        format!("message {} {}", self.sent_count, ".".repeat((self.sent_count * 157 % 1200) as usize))
    }

    fn send(&mut self, values: &[String], delays_ms: &[u64]) -> Vec<u64> {
        let mut ids = Vec::new();
        for (value, delay_ms) in values.iter().zip(delays_ms) {
            let (status, returned) = (self.waiting(*delay_ms), *delay_ms > 0);
            let due_ms = if returned { self.now_ms + delay_ms } else { 0 };
            let entry = Entry { value: value.clone(), status, attempts: 0, failures: 0, returned, due_ms };
            self.kept.messages.insert(self.kept.next_id, entry);
            ids.push(self.kept.next_id);
            self.kept.next_id += 1;
        }
        self.totals.sent += values.len() as u64;
        self.commit();
        ids
    }

    /// Ids in the order in which they are handed out.
    fn receive(&mut self, count: usize) -> Vec<u64> {
        let ready = |entry: &&Entry| entry.status == Status::Ready;
        let messages = &self.kept.messages;
        let mut returned: Vec<_> =
            messages.iter().filter(|(_, entry)| ready(entry) && entry.returned).collect();
        returned.sort_by_key(|(id, entry)| (entry.due_ms, **id));
        let others = messages.iter().filter(|(_, entry)| ready(entry) && !entry.returned);
        let mut taken: Vec<u64> = Vec::new();
        for (id, entry) in returned.into_iter().chain(others).take(count) {
            // One that would die of one failure more goes alone.
            let is_last_chance =
                self.policy != OnExhausted::Keep && entry.failures > 0 && entry.failures + 1 >= FAILURES_MAX;
            if is_last_chance && !taken.is_empty() {
                break;
            }
            taken.push(*id);
            if is_last_chance {
                break;
            }
        }
        for id in &taken {
            let entry = self.kept.messages.get_mut(id).expect("it was found");
            entry.status = Status::Leased { deadline_ms: self.now_ms + LEASE_MS };
            entry.attempts += 1;
            entry.returned = true;
            self.totals.redeliveries += u64::from(entry.attempts > 1);
        }
        taken
    }

    fn holds(&self, id: u64, attempt: u32) -> bool {
        let entry = self.kept.messages.get(&id);
        entry.is_some_and(|entry| entry.attempts == attempt && matches!(entry.status, Status::Leased { .. }))
    }

    /// Whether each ack is fine.
    fn ack(&mut self, tokens: &[(u64, u32)]) -> Vec<bool> {
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

    fn fail(&mut self, id: u64, error: &str, delay_ms: Option<u64>) {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        entry.failures += 1;
        let failures = entry.failures;
        self.totals.failures += 1;
        if failures >= FAILURES_MAX && self.policy != OnExhausted::Keep {
            self.die(id, "failed", error);
        } else {
            let status = self.waiting(delay_ms.unwrap_or_else(|| Self::retry_ms(failures)));
            self.set(id, status);
        }
    }

    fn die(&mut self, id: u64, reason: &'static str, error: &str) {
        let Some(entry) = self.kept.messages.remove(&id) else { return };
        if self.policy == OnExhausted::Drop {
            self.totals.dropped += 1;
        } else {
            let Entry { value, attempts, failures, .. } = entry;
            self.kept.letters.push(Letter { value, id, reason, error: error.into(), attempts, failures });
            self.totals.dead += 1;
        }
    }

    /// Letters go back: new messages, tried as often as before, and with no failure yet.
    fn redrive(&mut self) -> u64 {
        let letters = std::mem::take(&mut self.kept.letters);
        for Letter { value, attempts, .. } in &letters {
            let (value, attempts, status) = (value.clone(), *attempts, Status::Ready);
            let entry = Entry { value, status, attempts, failures: 0, returned: true, due_ms: 0 };
            self.kept.messages.insert(self.kept.next_id, entry);
            self.kept.next_id += 1;
        }
        self.totals.sent += letters.len() as u64;
        letters.len() as u64
    }

    fn purge(&mut self, with_force: bool) -> u64 {
        let before = self.kept.messages.len();
        let stays = |entry: &Entry| matches!(entry.status, Status::Leased { .. }) && !with_force;
        self.kept.messages.retain(|_, entry| stays(entry));
        (before - self.kept.messages.len()) as u64
    }

    fn set(&mut self, id: u64, status: Status) {
        if let Some(entry) = self.kept.messages.get_mut(&id) {
            entry.status = status;
            entry.due_ms = if let Status::Scheduled { due_ms } = status { due_ms } else { 0 };
        }
    }

    /// Time passes: what is due is ready, leases that have run out fail in the order of their deadlines.
    fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        self.tick();
        self.commit();
    }

    fn tick(&mut self) {
        let mut expired = Vec::new();
        for (id, entry) in &mut self.kept.messages {
            match entry.status {
                Status::Scheduled { due_ms } if due_ms <= self.now_ms => entry.status = Status::Ready,
                Status::Leased { deadline_ms } if deadline_ms <= self.now_ms => {
                    expired.push((deadline_ms, *id))
                }
                _ => {}
            }
        }
        expired.sort_unstable();
        for (_, id) in expired {
            self.totals.expired += 1;
            self.fail(id, "the lease ran out", None);
        }
    }

    fn leased(&self) -> Vec<u64> {
        let leased = |entry: &&Entry| matches!(entry.status, Status::Leased { .. });
        self.kept.messages.iter().filter(|(_, entry)| leased(entry)).map(|(id, _)| *id).collect()
    }

    /// A clean close hands back what is out.
    fn close(&mut self) {
        self.leased().into_iter().for_each(|id| self.set(id, Status::Ready));
        self.commit();
        self.open();
    }

    /// What was not committed is gone, and leases that were out count as failures.
    fn crash(&mut self) {
        self.kept = self.committed.clone();
        self.open();
        let died = self.totals;
        for id in self.leased() {
            self.fail(id, "the process ended while it held the lease", None);
        }
        self.tick();
        if (self.totals.dead, self.totals.dropped) != (died.dead, died.dropped) {
            self.commit();
        }
    }

    fn open(&mut self) {
        self.totals = Totals::default();
        self.acked.clear();
        self.tick();
    }
}

/// The queue under test.
struct Subject {
    mode: Mode,
    policy: OnExhausted,
    clock: ManualClock,
    disk: SimDisk,
    held: Vec<Held>,
    hub: Hub,
    jobs: Queue,
    dead: Queue,
}

struct Held {
    delivery: Delivery,
    id: u64,
    attempt: u32,
    /// A verb ended it: dropping it does nothing.
    ended: bool,
}

fn open(mode: Mode, policy: &OnExhausted, clock: &ManualClock, disk: &SimDisk) -> (Hub, Queue, Queue) {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = match mode {
        Mode::Memory => builder.memory(),
        Mode::Written => builder.durability(Durability::Written).open("/hub"),
        Mode::Synced => builder.open("/hub"),
    };
    let hub = hub.expect("the hub opens");
    let retry = Retry {
        base: Duration::from_millis(500),
        factor: 2.0,
        cap: Duration::from_secs(3),
        jitter: Jitter::None,
    };
    let jobs = hub.queue("jobs").max_failures(FAILURES_MAX).retry(retry).on_exhausted(policy.clone()).open();
    let dead = hub.queue(DEAD).on_exhausted(OnExhausted::Keep).open();
    (hub, jobs.expect("the queue opens"), dead.expect("the dead letter queue opens"))
}

impl Subject {
    fn new(mode: Mode, policy: OnExhausted) -> Self {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let (hub, jobs, dead) = open(mode, &policy, &clock, &disk);
        Self { mode, policy, clock, disk, held: Vec::new(), hub, jobs, dead }
    }

    fn reopen(&mut self) {
        self.held.clear();
        (self.hub, self.jobs, self.dead) = open(self.mode, &self.policy, &self.clock, &self.disk);
    }

    /// The old hub goes on for a moment, on a disk that nobody looks at any more.
    fn crash(&mut self) {
        let fate = if self.mode == Mode::Written { Unsynced::Kept } else { Unsynced::Dropped };
        self.disk = self.disk.image_with(self.disk.operation_count(), fate);
        self.reopen();
    }

    fn index(&self, which: usize) -> Option<usize> {
        which.checked_rem(self.held.len())
    }
}

fn outcome(result: Result<(), Error>) -> Result<bool, TestCaseError> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::LeaseLost { .. }) => Ok(false),
        Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

fn apply(subject: &mut Subject, model: &mut Model, verb: &Verb) -> Result<(), TestCaseError> {
    let ms = Duration::from_millis;
    match verb {
        Verb::Send { delay_ms } => {
            let value = model.next_value();
            let mut message = Message::new(&value).key("k");
            if *delay_ms > 0 {
                message = message.delay(ms(*delay_ms));
            }
            let id = subject.jobs.send(message).expect("sent");
            prop_assert_eq!(vec![id], model.send(&[value], &[*delay_ms]));
        }
        Verb::SendBatch { delays_ms } => {
            let values: Vec<String> = delays_ms.iter().map(|_| model.next_value()).collect();
            let messages: Vec<_> =
                values.iter().zip(delays_ms).map(|(v, d)| Message::new(v).key("k").delay(ms(*d))).collect();
            let ids = subject.jobs.send_batch(&messages).expect("sent");
            if values.is_empty() {
                prop_assert!(ids.is_empty());
            } else {
                prop_assert_eq!(ids, model.send(&values, delays_ms));
            }
        }
        Verb::Receive { count } => receive(subject, model, *count)?,
        Verb::Ack { which } => {
            let Some(index) = subject.index(*which) else { return Ok(()) };
            let held = &mut subject.held[index];
            held.ended = true;
            prop_assert_eq!(vec![outcome(held.delivery.ack())?], model.ack(&[(held.id, held.attempt)]));
        }
        Verb::AckBatch { which, count } => {
            let Some(first) = subject.index(*which) else { return Ok(()) };
            let range = first..subject.held.len().min(first + count);
            subject.held[range.clone()].iter_mut().for_each(|held| held.ended = true);
            let held = &subject.held[range];
            let deliveries: Vec<&Delivery> = held.iter().map(|held| &held.delivery).collect();
            let results: Result<Vec<bool>, _> =
                subject.jobs.ack_batch(&deliveries).into_iter().map(outcome).collect();
            let tokens: Vec<_> = held.iter().map(|held| (held.id, held.attempt)).collect();
            prop_assert_eq!(results?, model.ack(&tokens));
        }
        Verb::Advance { ms: by_ms } => {
            subject.clock.advance(ms(*by_ms));
            model.advance(*by_ms);
        }
        Verb::AckLetter => {
            let letter = subject.dead.try_receive().expect("a look");
            prop_assert_eq!(letter.is_some(), !model.kept.letters.is_empty());
            if let Some(letter) = letter {
                letter.ack().expect("acked");
                model.kept.letters.remove(0);
                model.commit();
            }
        }
        Verb::Redrive => {
            let how = Redrive::default();
            let redriven = subject.dead.dead_letters().redrive(&Letters::all(), &how).expect("redriven");
            prop_assert_eq!(redriven, model.redrive(), "redriven");
            if redriven > 0 {
                model.commit();
            }
        }
        Verb::Discard => {
            let discarded = subject.dead.dead_letters().discard(&Letters::all()).expect("discarded");
            prop_assert_eq!(discarded, model.kept.letters.len() as u64, "discarded");
            model.kept.letters.clear();
            if discarded > 0 {
                model.commit();
            }
        }
        Verb::Purge { with_force } => {
            let purged = if *with_force { subject.jobs.purge_all() } else { subject.jobs.purge() };
            // However few there are, it waits for what was said before.
            prop_assert_eq!(purged.expect("purged"), model.purge(*with_force), "purged");
            model.commit();
        }
        Verb::Reopen if subject.mode != Mode::Memory => {
            subject.hub.close(ms(60_000)).expect("closed");
            subject.reopen();
            model.close();
        }
        Verb::Crash if subject.mode != Mode::Memory => {
            subject.crash();
            model.crash();
        }
        Verb::Reopen | Verb::Crash => {}
        Verb::Fail { which, .. }
        | Verb::Release { which, .. }
        | Verb::Reject { which }
        | Verb::Extend { which, .. }
        | Verb::Drop { which } => {
            if let Some(index) = subject.index(*which) {
                settle(subject, model, verb, index)?;
            }
        }
    }
    Ok(())
}

fn receive(subject: &mut Subject, model: &mut Model, count: usize) -> Result<(), TestCaseError> {
    let taken = subject.jobs.receive_batch(count, Duration::ZERO).expect("a look");
    let expected = model.receive(count);
    let ids: Vec<u64> = taken.iter().map(Delivery::id).collect();
    prop_assert_eq!(&ids, &expected, "what is received, and in which order");
    for delivery in taken {
        let entry = &model.kept.messages[&delivery.id()];
        prop_assert_eq!(delivery.value(), entry.value.as_bytes());
        prop_assert_eq!(delivery.key(), Some(&b"k"[..]));
        let (id, attempt) = (delivery.id(), delivery.attempts());
        prop_assert_eq!(
            (attempt, delivery.failures()),
            (entry.attempts, entry.failures),
            "of message {}",
            id
        );
        subject.held.push(Held { delivery, id, attempt, ended: false });
    }
    Ok(())
}

/// The verbs on one delivery.
fn settle(subject: &mut Subject, model: &mut Model, verb: &Verb, index: usize) -> Result<(), TestCaseError> {
    let ms = Duration::from_millis;
    let held = &mut subject.held[index];
    let (id, holds) = (held.id, model.holds(held.id, held.attempt));
    match verb {
        Verb::Fail { delay_ms, .. } => {
            held.ended = true;
            let failed = match delay_ms {
                None => held.delivery.fail("no luck"),
                Some(delay_ms) => held.delivery.fail_after("no luck", ms(*delay_ms)),
            };
            prop_assert_eq!(outcome(failed)?, holds);
            if holds {
                model.fail(id, "no luck", *delay_ms);
                model.commit();
            }
        }
        Verb::Release { delay_ms, .. } => {
            held.ended = true;
            prop_assert_eq!(outcome(held.delivery.release_after(ms(*delay_ms)))?, holds);
            if holds {
                let status = model.waiting(*delay_ms);
                model.set(id, status);
                model.commit();
            }
        }
        Verb::Reject { .. } if model.policy == OnExhausted::Keep => {
            let refused = held.delivery.reject("never");
            prop_assert!(matches!(refused, Err(Error::OptionMissing { .. })), "{:?}", refused);
        }
        Verb::Reject { .. } => {
            held.ended = true;
            prop_assert_eq!(outcome(held.delivery.reject("never"))?, holds);
            if holds {
                model.die(id, "rejected", "never");
                model.commit();
            }
        }
        Verb::Extend { ms: by_ms, .. } => {
            prop_assert_eq!(outcome(held.delivery.extend(ms(*by_ms)))?, holds);
            if let Some(Status::Leased { deadline_ms }) = model.kept.messages.get(&id).map(|e| e.status)
                && holds
            {
                let deadline_ms = deadline_ms.max(model.now_ms + by_ms);
                model.set(id, Status::Leased { deadline_ms });
            }
        }
        Verb::Drop { .. } => {
            let held = subject.held.swap_remove(index);
            if holds && !held.ended {
                model.set(id, Status::Ready);
            }
        }
        _ => unreachable!("not a verb on a delivery"),
    }
    Ok(())
}

/// Everything that can be seen from outside.
fn compare(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let stats = subject.jobs.stats().expect("stats");
    let count = |status: fn(&Status) -> bool| {
        model.kept.messages.values().filter(|entry| status(&entry.status)).count() as u64
    };
    prop_assert_eq!(stats.ready, count(|s| *s == Status::Ready), "ready");
    prop_assert_eq!(stats.scheduled, count(|s| matches!(s, Status::Scheduled { .. })), "scheduled");
    prop_assert_eq!(stats.leased, count(|s| matches!(s, Status::Leased { .. })), "leased");
    let totals = Totals {
        sent: stats.sent_total,
        acked: stats.acked_total,
        failures: stats.failures_total,
        expired: stats.leases_expired_total,
        redeliveries: stats.redeliveries_total,
        dead: stats.dead_total,
        dropped: stats.dropped_total,
    };
    prop_assert_eq!(totals, model.totals);
    let peeked: Vec<_> = subject
        .jobs
        .peek(0, 1000)
        .expect("a look")
        .iter()
        .map(|p| (p.id(), String::from_utf8_lossy(p.value()).into_owned(), p.attempts(), p.failures()))
        .collect();
    let waiting = model.kept.messages.iter().filter(|(_, e)| !matches!(e.status, Status::Leased { .. }));
    let expected: Vec<_> = waiting.map(|(id, e)| (*id, e.value.clone(), e.attempts, e.failures)).collect();
    if let Some((middle, ..)) = expected.get(expected.len() / 2) {
        let from = subject.jobs.peek(*middle, 2).expect("a look");
        let ids: Vec<u64> = from.iter().map(|p| p.id()).collect();
        let rest: Vec<u64> = expected[expected.len() / 2..].iter().map(|e| e.0).take(2).collect();
        prop_assert_eq!(ids, rest, "peek from {}", middle);
    }
    prop_assert_eq!(peeked, expected);
    compare_letters(subject, model)
}

fn compare_letters(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let letters = subject.dead.peek(0, 1000).expect("a look");
    prop_assert_eq!(letters.len(), model.kept.letters.len(), "dead letters");
    for (letter, expected) in letters.iter().zip(&model.kept.letters) {
        let header = |name| String::from_utf8_lossy(letter.header(name).unwrap_or(b"missing")).into_owned();
        prop_assert_eq!(letter.value(), expected.value.as_bytes());
        prop_assert_eq!(letter.key(), Some(&b"k"[..]));
        let found = (header("rm-dead-reason"), header("rm-dead-error"), header("rm-dead-queue"));
        prop_assert_eq!(found, (expected.reason.to_owned(), expected.error.clone(), "jobs".to_owned()));
        let numbers = (header("rm-dead-id"), header("rm-attempts"), header("rm-failures"));
        let Letter { id, attempts, failures, .. } = expected;
        prop_assert_eq!(numbers, (id.to_string(), attempts.to_string(), failures.to_string()));
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        ProptestConfig { cases: 512, ..default }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_queue_does_what_its_model_does(
        mode in prop_oneof![Just(Mode::Memory), Just(Mode::Written), Just(Mode::Synced)],
        policy in prop_oneof![
            4 => Just(OnExhausted::DeadLetter(DEAD.into())), 1 => Just(OnExhausted::Drop), 1 => Just(OnExhausted::Keep),
        ],
        verbs in proptest::collection::vec(verbs(), 1..120),
    ) {
        let mut subject = Subject::new(mode, policy.clone());
        let mut model = Model::new(policy);
        for (step, verb) in verbs.iter().enumerate() {
            let applied = apply(&mut subject, &mut model, verb).and_then(|()| compare(&subject, &model));
            applied.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
    }
}
