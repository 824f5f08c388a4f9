//! What a queue is told when it is opened, at random, and what it is told anew while it is open.

use crate::subject::{DEAD, LATE, Mode};
use proptest::prelude::*;
use ringmain::{
    Capacity, Dedup, DedupMode, Jitter, OnBreach, OnConflict, OnExhausted, Overflow, QueueBuilder, Rate,
    Retry,
};
use std::time::Duration;

pub const DEDUP_WINDOW_MS: u64 = 5_000;

/// The options of a case.
#[derive(Debug, Clone)]
pub struct Setup {
    pub mode: Mode,
    /// A consumer takes messages ahead.
    pub with_consumer: bool,
    pub on_exhausted: OnExhausted,
    pub failures_max: u32,
    /// Before the first retry; 0: all of them come at once.
    pub retry_base_ms: u64,
    pub on_breach: OnBreach,
    pub dedup: Dedup,
    pub capacity: Option<(u64, Overflow)>,
    pub limits: LimitsSetup,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct LimitsSetup {
    pub concurrency_max: Option<u32>,
    pub concurrency_max_per_key: Option<u32>,
    pub rate: Option<Tokens>,
    pub rate_per_key: Option<Tokens>,
}

/// A rate: one delivery takes so long, and so many at once.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    pub token_ms: u64,
    pub burst: u32,
}

/// What can be altered while the queue is open, and lasts.
#[derive(Debug, Clone)]
pub enum Change {
    FailuresMax(u32),
    OnBreach(OnBreach),
    OnConflict(OnConflict),
    Capacity(u64, Overflow),
    ConcurrencyMax(u32),
    Rate(Tokens),
}

impl Setup {
    pub fn change(&mut self, change: &Change) {
        match change {
            Change::FailuresMax(count) => self.failures_max = *count,
            Change::OnBreach(action) => self.on_breach = action.clone().fitting(&self.on_exhausted),
            Change::OnConflict(on_conflict) => self.dedup.on_conflict = *on_conflict,
            Change::Capacity(count, overflow) => self.capacity = Some((*count, *overflow)),
            Change::ConcurrencyMax(count) => self.limits.concurrency_max = Some(*count),
            Change::Rate(rate) => self.limits.rate = Some(*rate),
        }
    }

    /// Whether keys have limits of their own.
    pub fn limits_keys(&self) -> bool {
        self.limits.concurrency_max_per_key.is_some() || self.limits.rate_per_key.is_some()
    }

    /// Tells a queue all of it.
    pub fn tell(&self, builder: QueueBuilder) -> QueueBuilder {
        let retry = Retry {
            base: Duration::from_millis(self.retry_base_ms),
            factor: 2.0,
            cap: Duration::from_secs(3),
            jitter: Jitter::None,
        };
        let mut builder = builder
            .max_failures(self.failures_max)
            .retry(retry)
            .on_exhausted(self.on_exhausted.clone())
            .on_breach(self.on_breach.clone())
            .dedup(self.dedup);
        if let Some((messages, overflow)) = self.capacity {
            builder =
                builder.capacity(Capacity { messages: Some(messages), overflow, ..Capacity::default() });
        }
        let LimitsSetup { concurrency_max, concurrency_max_per_key, rate, rate_per_key } = self.limits;
        if let Some(count) = concurrency_max {
            builder = builder.concurrency_max(count);
        }
        if let Some(count) = concurrency_max_per_key {
            builder = builder.concurrency_max_per_key(count);
        }
        if let Some(tokens) = rate {
            builder = builder.rate(tokens.rate());
        }
        if let Some(tokens) = rate_per_key {
            builder = builder.rate_per_key(tokens.rate());
        }
        builder
    }
}

impl Tokens {
    fn rate(self) -> Rate {
        Rate::per_second(1000.0 / self.token_ms as f64).burst(self.burst)
    }
}

/// An action that a queue with that policy can have.
trait Fitting {
    fn fitting(self, policy: &OnExhausted) -> Self;
}

impl Fitting for OnBreach {
    fn fitting(self, policy: &OnExhausted) -> Self {
        if self == Self::Dead && *policy == OnExhausted::Keep { Self::Cancel } else { self }
    }
}

fn on_exhausted() -> impl Strategy<Value = OnExhausted> {
    prop_oneof![
        4 => Just(OnExhausted::DeadLetter(DEAD.into())),
        1 => Just(OnExhausted::Drop),
        1 => Just(OnExhausted::Keep),
    ]
}

fn on_breach() -> impl Strategy<Value = OnBreach> {
    prop_oneof![
        Just(OnBreach::None),
        Just(OnBreach::EscalateTo(LATE.into())),
        Just(OnBreach::MoveTo(LATE.into())),
        Just(OnBreach::Dead),
        Just(OnBreach::Cancel),
    ]
}

fn on_conflict() -> impl Strategy<Value = OnConflict> {
    prop_oneof![
        Just(OnConflict::Ignore),
        Just(OnConflict::Replace),
        Just(OnConflict::Extend),
        Just(OnConflict::Error),
    ]
}

fn dedup(with_consumer: bool) -> impl Strategy<Value = Dedup> {
    // Of messages that were only taken ahead the log does not tell, so that after reopening they were not started.
    let until_started = if with_consumer { DedupMode::UntilDone } else { DedupMode::UntilStarted };
    let mode = prop_oneof![
        Just(DedupMode::Fixed),
        Just(DedupMode::Sliding),
        Just(DedupMode::UntilDone),
        Just(until_started),
    ];
    let entries_max = prop_oneof![3 => Just(1000), 1 => 1..3u64];
    (mode, on_conflict(), entries_max).prop_map(|(mode, on_conflict, entries_max)| Dedup {
        window: Duration::from_millis(DEDUP_WINDOW_MS),
        mode,
        on_conflict,
        entries_max,
        ..Dedup::default()
    })
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Block(Duration::ZERO)),
        Just(Overflow::Reject),
        Just(Overflow::DropOldest),
        Just(Overflow::DropNewest),
        Just(Overflow::DropLowestPriority),
        Just(Overflow::DeadLetterOldest),
    ]
}

fn tokens() -> impl Strategy<Value = Tokens> {
    (prop_oneof![Just(500u64), Just(2000), Just(10_000)], 1..4u32)
        .prop_map(|(token_ms, burst)| Tokens { token_ms, burst })
}

fn limits(with_consumer: bool) -> impl Strategy<Value = LimitsSetup> {
    let most = || proptest::option::of(1..4u32);
    (most(), most(), proptest::option::of(tokens()), proptest::option::of(tokens())).prop_map(
        move |(concurrency_max, concurrency_max_per_key, rate, rate_per_key)| LimitsSetup {
            concurrency_max,
            // What it takes ahead is to be told without asking it.
            concurrency_max_per_key: concurrency_max_per_key.filter(|_| !with_consumer),
            rate,
            rate_per_key: rate_per_key.filter(|_| !with_consumer),
        },
    )
}

pub fn setup() -> impl Strategy<Value = Setup> {
    let mode = prop_oneof![Just(Mode::Memory), Just(Mode::Written), Just(Mode::Synced)];
    (mode, any::<bool>(), on_exhausted()).prop_flat_map(|(mode, with_consumer, on_exhausted)| {
        let capacity = proptest::option::weighted(0.3, (2..8u64, overflow()));
        let limits = prop_oneof![2 => Just(LimitsSetup::default()), 1 => limits(with_consumer)];
        let retry_base_ms = prop_oneof![3 => Just(500u64), 1 => Just(0)];
        (on_breach(), dedup(with_consumer), capacity, limits, retry_base_ms).prop_map(
            move |(on_breach, dedup, capacity, limits, retry_base_ms)| Setup {
                mode,
                with_consumer,
                on_exhausted: on_exhausted.clone(),
                failures_max: 3,
                retry_base_ms,
                on_breach: on_breach.fitting(&on_exhausted),
                dedup,
                capacity,
                limits,
            },
        )
    })
}

pub fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (2..5u32).prop_map(Change::FailuresMax),
        on_breach().prop_map(Change::OnBreach),
        on_conflict().prop_map(Change::OnConflict),
        (2..8u64, overflow()).prop_map(|(count, overflow)| Change::Capacity(count, overflow)),
        (1..4u32).prop_map(Change::ConcurrencyMax),
        tokens().prop_map(Change::Rate),
    ]
}
