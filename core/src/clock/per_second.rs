//! How fast a total grows, from what it was whenever somebody asked: whoever adds to the total pays nothing.

use std::collections::VecDeque;

const WINDOW_NS: u64 = 60_000_000_000;
/// Samples are no closer than this, and no rate is of a shorter time.
const SPACING_NS: u64 = 1_000_000_000;

/// The rate of one total: over the last minute, or since it was last asked for if that is longer ago.
#[derive(Debug, Default)]
pub(crate) struct PerSecond {
    /// Times and totals, the oldest first.
    samples: VecDeque<(u64, u64)>,
}

impl PerSecond {
    /// The rate now. The first time that it is asked for it is 0.
    pub(crate) fn sample(&mut self, now_ns: u64, total: u64) -> f64 {
        let window_ns = now_ns.saturating_sub(WINDOW_NS);
        while self.samples.get(1).is_some_and(|(at_ns, _)| *at_ns <= window_ns) {
            self.samples.pop_front();
        }
        let (since_ns, before) = self.samples.front().copied().unwrap_or((now_ns, total));
        if self.samples.back().is_none_or(|(at_ns, _)| now_ns.saturating_sub(*at_ns) >= SPACING_NS) {
            self.samples.push_back((now_ns, total));
        }
        let passed_ns = now_ns.saturating_sub(since_ns).max(SPACING_NS);
        total.saturating_sub(before) as f64 / (passed_ns as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_rate_is_of_the_last_minute() {
        let mut rate = PerSecond::default();
        assert_eq!(rate.sample(0, 5), 0.0);
        for second in 1..=100 {
            assert_eq!(rate.sample(second * SECOND, 5 + 3 * second), 3.0);
        }
        for second in 101..=160 {
            rate.sample(second * SECOND, 305);
        }
        assert_eq!(rate.sample(160 * SECOND, 305), 0.0);
    }

    #[test]
    fn whoever_asks_seldom_gets_the_mean_since_the_last_time_and_asking_often_takes_no_room() {
        let mut rate = PerSecond::default();
        rate.sample(0, 0);
        assert_eq!(rate.sample(600 * SECOND, 1200), 2.0);
        for nanosecond in 0..100_000 {
            rate.sample(600 * SECOND + nanosecond * 1_000_000, 1200);
        }
        assert!(rate.samples.len() <= 62);
    }

    #[test]
    fn a_moment_is_no_time_to_tell_a_rate_from() {
        let mut rate = PerSecond::default();
        rate.sample(0, 0);
        assert_eq!(rate.sample(1, 10), 10.0);
    }
}
