//! Numbers on their way in. JavaScript has one number type, so NaN, fractions, negatives and the absurdly large all
//! arrive here and are refused by name.

use ringmain::{Error, Result};
use std::time::Duration;

/// A time span given in milliseconds; fractions are allowed.
pub(crate) fn milliseconds(argument: &'static str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value / 1000.0).map_err(|_| {
        Error::invalid(
            argument,
            format!("{value} is not a time span; give milliseconds, 0 or more and finite"),
        )
    })
}

/// A whole number of at least `min` and at most `max`.
pub(crate) fn whole(argument: &'static str, value: f64, min: u64, max: u64) -> Result<u64> {
    // In this range every whole number has an exact f64, so the cast below cannot change it.
    if value.fract() == 0.0 && value >= min as f64 && value <= max as f64 && value <= EXACT_MAX as f64 {
        return Ok(value as u64);
    }
    Err(Error::invalid(
        argument,
        format!("{value} is not a whole number from {min} to {}", max.min(EXACT_MAX)),
    ))
}

/// How many messages to take: one at least.
pub(crate) fn count(value: f64) -> Result<usize> {
    whole("count", value, 1, ringmain::limits::RECEIVE_COUNT_MAX as u64).map(|count| count as usize)
}

/// The number of a partition.
pub(crate) fn partition(value: f64) -> Result<u32> {
    whole("partition", value, 0, u64::from(ringmain::limits::PARTITION_COUNT_MAX))
        .map(|partition| partition as u32)
}

/// An offset or an id.
pub(crate) fn offset(argument: &'static str, value: f64) -> Result<u64> {
    whole(argument, value, 0, EXACT_MAX)
}

/// The largest integer up to which every integer has an exact f64 (`Number.MAX_SAFE_INTEGER`).
const EXACT_MAX: u64 = (1 << 53) - 1;
