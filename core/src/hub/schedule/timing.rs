//! When a schedule fires: its slots, in nanoseconds since 1970.

use crate::error::Result;
use crate::hub::schedule::calendar::Calendar;
use crate::hub::schedule::expression::{Expression, zone};
use jiff::tz::TimeZone;
use std::collections::VecDeque;

const SECOND_NS: u64 = 1_000_000_000;
/// Where the search for the latest slots begins, and how fast it widens.
const WINDOW_NS: u64 = 60 * SECOND_NS;
const WINDOW_FACTOR: u64 = 4;

/// See the module's description.
#[derive(Debug, Clone)]
pub(super) enum Timing {
    /// On the wall of a zone.
    Cron(Calendar, TimeZone),
    /// So long after an instant, and again after that: real time, whatever clocks on walls do.
    Every { anchor_ns: u64, every_ns: u64 },
}

impl Timing {
    /// # Errors
    /// `InvalidArgument`, `TooLarge`.
    pub(super) fn new(expression: &str, time_zone: &str, anchor_ns: u64) -> Result<Self> {
        let zone = zone(time_zone)?;
        Ok(match Expression::parse(expression)? {
            Expression::Cron(calendar) => Self::Cron(calendar, zone),
            Expression::Every(seconds) => Self::Every { anchor_ns, every_ns: seconds * SECOND_NS },
        })
    }

    /// The first slot after an instant.
    pub(super) fn next(&self, after_ns: u64) -> Option<u64> {
        match self {
            Self::Cron(calendar, zone) => {
                let second = i64::try_from(after_ns / SECOND_NS).ok()? + 1;
                let slot = calendar.first_from(zone, second)?;
                u64::try_from(slot).ok()?.checked_mul(SECOND_NS)
            }
            Self::Every { anchor_ns, every_ns } => {
                let passed = after_ns.saturating_sub(*anchor_ns) / every_ns;
                anchor_ns.checked_add((passed + 1).checked_mul(*every_ns)?)
            }
        }
    }

    /// The latest slots after an instant and up to another, at most so many, in their order. It looks backwards from the end, so that a hub
    /// that was closed for years need not count what it missed.
    pub(super) fn latest(&self, after_ns: u64, until_ns: u64, count_max: usize) -> VecDeque<u64> {
        let mut window_ns = WINDOW_NS;
        loop {
            let from_ns = until_ns.saturating_sub(window_ns).max(after_ns);
            let mut found = VecDeque::with_capacity(count_max + 1);
            let mut last_ns = from_ns;
            while let Some(slot_ns) = self.next(last_ns).filter(|slot_ns| *slot_ns <= until_ns) {
                found.push_back(slot_ns);
                if found.len() > count_max {
                    found.pop_front();
                }
                last_ns = slot_ns;
            }
            if found.len() >= count_max || from_ns == after_ns {
                return found;
            }
            window_ns = window_ns.saturating_mul(WINDOW_FACTOR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_counts_from_its_anchor_in_real_time() {
        let timing = Timing::new("@every 90s", "Europe/Berlin", 7).unwrap();
        let slot = |count: u64| 7 + count * 90 * SECOND_NS;
        for (after_ns, next) in [(0, 1), (7, 1), (slot(1) - 1, 1), (slot(1), 2), (slot(5) + 3, 6)] {
            assert_eq!(timing.next(after_ns), Some(slot(next)), "after {after_ns}");
        }
        assert_eq!(timing.next(u64::MAX), None);
    }

    #[test]
    fn a_slot_is_after_what_it_was_asked_for_to_the_nanosecond() {
        let timing = Timing::new("* * * * * *", "UTC", 0).unwrap();
        for after_ns in [0, 1, SECOND_NS - 1] {
            assert_eq!(timing.next(after_ns), Some(SECOND_NS));
        }
        assert_eq!(timing.next(SECOND_NS), Some(2 * SECOND_NS));
    }

    proptest! {
        #[test]
        fn the_latest_slots_are_the_last_of_all(
            expression in proptest::sample::select(
                &["* * * * *", "*/7 1-3 * * *", "0 12 * * MON", "@every 1h7m", "0 0 1 1 *", "*/20 * 5 * * *"][..]
            ),
            after in 0..40 * 86_400_u64, span in 0..40 * 86_400_u64, count_max in 1..70_usize,
        ) {
            let timing = Timing::new(expression, "America/New_York", 1000).unwrap();
            let (after_ns, until_ns) = (after * SECOND_NS, (after + span) * SECOND_NS + 5);
            let next = |after_ns| timing.next(after_ns).filter(|slot_ns| *slot_ns <= until_ns);
            let all: Vec<u64> = std::iter::successors(next(after_ns), |slot_ns| next(*slot_ns)).collect();
            let latest = timing.latest(after_ns, until_ns, count_max);
            prop_assert_eq!(&all[all.len().saturating_sub(count_max)..], Vec::from(latest));
        }
    }
}
