//! Times as Python gives them: seconds as a float, `None` for ever.

use ringmain::Error;
use std::time::Duration;

/// A duration that has an end.
pub fn duration(argument: &'static str, seconds: f64) -> ringmain::Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| {
        Error::invalid(argument, format!("{seconds} seconds: {error}; give 0 or more seconds"))
    })
}

/// How long a call waits; `None` for ever, which infinity means too.
pub fn limit(timeout: Option<f64>) -> ringmain::Result<Option<Duration>> {
    match timeout {
        None => Ok(None),
        Some(seconds) if seconds >= Duration::MAX.as_secs_f64() => Ok(None),
        Some(seconds) => duration("timeout", seconds).map(Some),
    }
}
