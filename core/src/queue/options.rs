//! What a queue can be told, each option with its default.

use crate::error::{Error, Result};
use crate::limits::{CLASS_COUNT_MAX, LEASE_SECONDS_MAX};
use crate::message::{check_span, check_ttl, duration_ns};
use crate::name::Name;
use crate::queue::capacity::Capacity;
use crate::queue::classes::ErrorClass;
use crate::queue::dedup::Dedup;
use crate::queue::finished::HistoryOptions;
use crate::queue::group_options::GroupOptions;
use crate::queue::history::{Reason, check_class};
use crate::queue::limits::LimitOptions;
use crate::queue::rank::Ageing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a lease may last in all, unless the queue says otherwise or its lease is longer.
const LEASE_TOTAL_DEFAULT: Duration = Duration::from_secs(3600);

/// What happens to a message whose failures have reached `max_failures`, or that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExhausted {
    /// It moves to this queue, with its reason and counts in `rm-` headers.
    DeadLetter(String),
    /// It is dropped and counted.
    Drop,
    /// It stays and is retried for ever: what a dead letter queue does.
    Keep,
}

impl OnExhausted {
    /// The queue that it needs.
    pub(crate) fn dead_letter(&self) -> Option<&str> {
        match self {
            Self::DeadLetter(queue) => Some(queue),
            Self::Drop | Self::Keep => None,
        }
    }
}

/// What happens to a message that misses a deadline, beside being counted and told by
/// [`breaches`](crate::Queue::breaches).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBreach {
    /// Nothing more.
    #[default]
    None,
    /// A copy of it goes to this queue, and it goes on here.
    EscalateTo(String),
    /// It goes to this queue.
    MoveTo(String),
    /// It is dead, with the reason `deadline`: it goes where exhausted messages go.
    Dead,
    /// It is cancelled: at once if it waits; if it is out, its worker is told.
    Cancel,
}

impl OnBreach {
    /// The queue that it needs.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::EscalateTo(queue) | Self::MoveTo(queue) => Some(queue),
            Self::None | Self::Dead | Self::Cancel => None,
        }
    }

    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// How a retry delay is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// The delay as computed.
    None,
    /// Half of it, and a random part of the other half.
    Equal,
    /// A random part of it.
    #[default]
    Full,
}

/// The delay before the nth retry: `min(cap, base * factor^(n-1))`, then jitter.
///
/// ```
/// use ringmain::{Jitter, Retry};
/// use std::time::Duration;
/// let fixed = Retry { base: Duration::from_millis(10), factor: 1.0, jitter: Jitter::None, ..Retry::default() };
/// assert_eq!(fixed.delay(7, 0.5), Duration::from_millis(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// First delay. Default 1 s.
    pub base: Duration,
    /// Growth per failure, at least 1. Default 2.
    pub factor: f64,
    /// Longest delay. Default 10 min.
    pub cap: Duration,
    /// Spread. Default full.
    pub jitter: Jitter,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_secs(600),
            jitter: Jitter::Full,
        }
    }
}

impl Retry {
    /// The delay after the nth failure, `random` being in 0..1.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let exponent = failures.saturating_sub(1).min(1000) as i32;
        let whole = (self.base.as_secs_f64() * self.factor.powi(exponent)).min(self.cap.as_secs_f64());
        let seconds = match self.jitter {
            Jitter::None => whole,
            Jitter::Equal => whole / 2.0 + whole / 2.0 * random,
            Jitter::Full => whole * random,
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(self.cap)
    }

    fn check(&self) -> Result<()> {
        if !self.factor.is_finite() || self.factor < 1.0 {
            let detail = format!("{} is not allowed; a finite number of at least 1 is", self.factor);
            return Err(Error::invalid("retry factor", detail));
        }
        if self.base > self.cap {
            let detail = format!("the base of {:?} is over the cap of {:?}", self.base, self.cap);
            return Err(Error::invalid("retry base", detail));
        }
        Ok(())
    }
}

/// Options of one queue as kept in the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueOptions {
    pub(crate) lease: Duration,
    pub(crate) max_failures: u32,
    pub(crate) on_exhausted: OnExhausted,
    pub(crate) retry: Retry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease_total_max: Option<Duration>,
    #[serde(default, skip_serializing_if = "OnBreach::is_none")]
    pub(crate) on_breach: OnBreach,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) error_classes: BTreeMap<String, ErrorClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dedup: Option<Dedup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) capacity: Option<Capacity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) history: Option<HistoryOptions>,
    #[serde(default, skip_serializing_if = "LimitOptions::is_default")]
    pub(crate) limits: LimitOptions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_step: Option<Duration>,
    #[serde(default, skip_serializing_if = "GroupOptions::is_default")]
    pub(crate) groups: GroupOptions,
}

impl QueueOptions {
    pub(crate) fn new(on_exhausted: OnExhausted) -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_failures: 5,
            on_exhausted,
            retry: Retry::default(),
            ttl: None,
            lease_total_max: None,
            on_breach: OnBreach::None,
            error_classes: BTreeMap::new(),
            dedup: None,
            capacity: None,
            history: None,
            limits: LimitOptions::default(),
            age_step: None,
            groups: GroupOptions::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_lease(self.lease)?;
        self.check_lease_total()?;
        if self.max_failures == 0 {
            return Err(Error::invalid("max_failures", "0 is not allowed; at least 1 is"));
        }
        if let OnExhausted::DeadLetter(name) = &self.on_exhausted {
            Name::new(name)?;
        }
        if let Some(name) = self.on_breach.target() {
            Name::new(name)?;
        }
        if self.on_breach == OnBreach::Dead && self.on_exhausted == OnExhausted::Keep {
            let detail =
                "the queue keeps its exhausted messages; name a dead letter queue, or choose another action";
            return Err(Error::invalid("on_breach", detail));
        }
        self.ttl.map_or(Ok(()), check_ttl)?;
        self.error_classes.keys().try_for_each(|class| check_class(class))?;
        if self.error_classes.len() > CLASS_COUNT_MAX {
            let count = self.error_classes.len();
            let detail = format!("rules for {count} classes; at most {CLASS_COUNT_MAX} are allowed");
            return Err(Error::invalid("error_class", detail));
        }
        self.dedup.map_or(Ok(()), |dedup| dedup.check())?;
        self.capacity.map_or(Ok(()), |capacity| capacity.check())?;
        self.history.map_or(Ok(()), |history| history.check())?;
        self.limits.check()?;
        self.groups.check()?;
        self.age_step.map_or(Ok(()), |step| check_span("age_step", step))?;
        self.retry.check()
    }

    /// What becomes of a message that failed for this reason.
    pub(crate) fn class_of(&self, reason: &Reason) -> ErrorClass {
        self.error_classes.get(&reason.class).copied().unwrap_or_default()
    }

    pub(crate) fn ttl_ns(&self) -> u64 {
        self.ttl.map_or(u64::MAX, duration_ns)
    }

    pub(crate) fn ageing(&self) -> Ageing {
        Ageing { step_ns: self.age_step.map_or(u64::MAX, duration_ns) }
    }

    /// Failures of which the last kills; `u32::MAX` where none does.
    pub(crate) fn failures_max(&self) -> u32 {
        if self.on_exhausted == OnExhausted::Keep { u32::MAX } else { self.max_failures }
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.capacity.is_some_and(|capacity| capacity.is_limited())
    }

    pub(crate) fn lease_ns(&self) -> u64 {
        duration_ns(self.lease)
    }

    /// How much a lease can be prolonged.
    pub(crate) fn lease_slack_ns(&self) -> u64 {
        duration_ns(self.lease_total()).saturating_sub(self.lease_ns())
    }

    /// How long a lease may last in all.
    pub(crate) fn lease_total(&self) -> Duration {
        self.lease_total_max.unwrap_or(LEASE_TOTAL_DEFAULT.max(self.lease))
    }

    fn check_lease_total(&self) -> Result<()> {
        let (total, lease) = (self.lease_total(), self.lease);
        if total < lease || total > Duration::from_secs(LEASE_SECONDS_MAX) {
            let detail = format!("{total:?} is not allowed; the lease of {lease:?} to 7 days are");
            return Err(Error::invalid("lease_total_max", detail));
        }
        Ok(())
    }
}

/// A lease is 1 ms to 7 days.
pub(crate) fn check_lease(lease: Duration) -> Result<()> {
    if lease < Duration::from_millis(1) || lease > Duration::from_secs(LEASE_SECONDS_MAX) {
        return Err(Error::invalid("lease", format!("{lease:?} is not allowed; 1 ms to 7 days are")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_by_the_factor_up_to_the_cap() {
        let retry = Retry { jitter: Jitter::None, ..Retry::default() };
        let seconds: Vec<u64> = [1, 2, 3, 4, 20, u32::MAX].map(|n| retry.delay(n, 0.0).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 8, 600, 600]);
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let retry = Retry { jitter: Jitter::Equal, ..Retry::default() };
        assert_eq!(retry.delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(Retry::default().delay(1, 0.0), Duration::ZERO);
        assert!(Retry::default().delay(1, 0.999) < Duration::from_secs(1));
    }
}
