//! How often messages may be delivered: a token bucket in one number.
//!
//! **Promise.** In any time span at most `burst` deliveries, and `per_second` more for each second of it. Buckets start full.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Lowest and highest rate.
const PER_SECOND: std::ops::RangeInclusive<f64> = 0.0001..=1e9;
/// Largest burst.
const BURST_MAX: u32 = 1_000_000;

/// How often messages may be delivered: a token bucket that is full at first and refills on the hub's clock.
///
/// ```
/// use ringmain::{Hub, OnExhausted, Rate};
/// let queue = Hub::memory().queue("mails").on_exhausted(OnExhausted::Drop).rate(Rate::per_second(10.0).burst(50)).open()?;
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Deliveries per second in the long run, 0.0001 to 1e9.
    pub per_second: f64,
    /// Deliveries at once after a pause, 1 to 1,000,000.
    pub burst: u32,
}

impl Rate {
    /// So many per second, and never more than one at once.
    pub fn per_second(per_second: f64) -> Self {
        Self { per_second, burst: 1 }
    }

    /// Lets so many through at once after a pause.
    pub fn burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    pub(crate) fn check(&self, argument: &'static str) -> Result<()> {
        if !PER_SECOND.contains(&self.per_second) {
            let detail = format!("{} per second is not allowed; 0.0001 to 1e9 are", self.per_second);
            return Err(Error::invalid(argument, detail));
        }
        if self.burst == 0 || self.burst > BURST_MAX {
            let detail = format!("a burst of {} is not allowed; 1 to {BURST_MAX} are", self.burst);
            return Err(Error::invalid(argument, detail));
        }
        Ok(())
    }

    /// Time that one token takes.
    fn token_ns(&self) -> u64 {
        // As casts from floats do, this stays within u64 whatever a catalogue says.
        ((1e9 / self.per_second).round() as u64).max(1)
    }
}

/// What is left of a rate: kept as the time at which the bucket will be full again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    full_ns: u64,
}

impl Bucket {
    pub(crate) fn is_full(&self, now_ns: u64) -> bool {
        self.full_ns <= now_ns
    }

    /// When there will be a token, if there is none now.
    pub(crate) fn empty_until(&self, rate: Rate, now_ns: u64) -> Option<u64> {
        let token_ns = rate.token_ns();
        let depth_ns = token_ns.saturating_mul(rate.burst.into());
        let next_ns = self.full_ns.max(now_ns).saturating_add(token_ns).saturating_sub(depth_ns);
        (next_ns > now_ns).then_some(next_ns)
    }

    pub(crate) fn take(&mut self, rate: Rate, now_ns: u64) {
        self.full_ns = self.full_ns.max(now_ns).saturating_add(rate.token_ns());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Tokens that can be taken at once.
    fn drain(bucket: &mut Bucket, rate: Rate, now_ns: u64) -> u32 {
        let mut taken = 0;
        while bucket.empty_until(rate, now_ns).is_none() {
            bucket.take(rate, now_ns);
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_bucket_starts_full_refills_with_time_and_holds_no_more_than_its_burst() {
        let rate = Rate::per_second(2.0).burst(5);
        let (mut bucket, start) = (Bucket::default(), 100 * SECOND);
        assert!(bucket.is_full(start));
        assert_eq!(drain(&mut bucket, rate, start), 5);
        assert_eq!(bucket.empty_until(rate, start), Some(start + SECOND / 2));
        assert_eq!(drain(&mut bucket, rate, start + SECOND / 2 - 1), 0);
        assert_eq!(drain(&mut bucket, rate, start + SECOND), 2);
        assert!(!bucket.is_full(start + SECOND));
        assert_eq!(drain(&mut bucket, rate, start + 100 * SECOND), 5);
    }

    #[test]
    fn a_rate_out_of_its_range_is_refused_and_one_from_a_file_does_no_harm() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e10] {
            let rate = Rate::per_second(bad).burst(u32::MAX);
            assert!(Rate::per_second(bad).check("rate").is_err(), "{bad}");
            let mut bucket = Bucket { full_ns: u64::MAX };
            bucket.take(rate, 1);
            let _ = bucket.empty_until(rate, u64::MAX);
        }
        assert!(Rate::per_second(1.0).burst(0).check("rate").is_err());
        assert!(Rate::per_second(1.0).burst(BURST_MAX + 1).check("rate").is_err());
        assert!(Rate::per_second(0.0001).burst(BURST_MAX).check("rate").is_ok());
    }
}
