//! What a stream can be told beside its number of partitions, each option with its default.

use crate::error::{Error, Result};
use crate::log::{Limits, Rules, UNLIMITED};
use crate::message::{check_span, duration_ns};
use crate::stream::gate::{GateRule, SlowReaders};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a stream leaves out what a later record of the same key has replaced. Its records must have keys.
///
/// Whoever reads from the start sees at least the last record of each key, in order, at the offset that it always had.
///
/// ```
/// use ringmain::{Compaction, Hub, Message, Start};
/// use std::time::Duration;
/// let hub = Hub::memory();
/// let grace = Compaction { tombstone_grace: Duration::from_secs(60), ..Compaction::default() };
/// let gates = hub.stream("gates").compaction(grace).open()?;
/// for gate in ["C71", "C73", "C75"] {
///     gates.append(Message::new(gate).key("UA1"))?;
/// }
/// gates.compact()?;
/// let left: Vec<u64> = gates.reader(Start::Earliest)?.map(|record| Ok(record?.offset())).collect::<Result<_, ringmain::Error>>()?;
/// assert_eq!(left, [2]);
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// Records younger than this all stay. Default 0.
    pub lag_min: Duration,
    /// How long a tombstone stays, counted from when compaction first came by. Default 24 hours.
    pub tombstone_grace: Duration,
    /// It begins by itself when this much of what is written has not been compacted yet, in percent of bytes, 1 to 100.
    /// Default 50.
    pub dirty_percent_min: u32,
    /// The segment that is written to, and left alone therefore, is ended when its first record is about that old, so that a
    /// quiet stream is compacted, too. Default 1 hour.
    pub seal_after: Duration,
    /// Readers see of each key the last record only, as soon as they may see that one; so do groups. It takes a place in memory
    /// for each key, which is why an append that would bring in more than `keys_max` keys is refused. A reader that was opened
    /// before the option was set goes on seeing everything. Default false: what was replaced is seen until it was compacted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub latest_only: bool,
    /// How many keys a stream with `latest_only`, or a [`Table`](crate::Table), has at most; 1 to 16,777,216. Default 1,000,000. A
    /// key that was deleted counts until its tombstone was compacted away. If a stream has more keys when `latest_only` is set, they stay.
    #[serde(default = "keys_max_default", skip_serializing_if = "is_keys_max_default")]
    pub keys_max: u32,
}

/// Most keys that may be asked for.
const KEYS_MAX: u32 = 1 << 24;

fn keys_max_default() -> u32 {
    1_000_000
}

fn is_keys_max_default(keys_max: &u32) -> bool {
    *keys_max == keys_max_default()
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            lag_min: Duration::ZERO,
            tombstone_grace: Duration::from_secs(24 * 3600),
            dirty_percent_min: 50,
            seal_after: Duration::from_secs(3600),
            latest_only: false,
            keys_max: keys_max_default(),
        }
    }
}

impl Compaction {
    /// Of each key only the last record, at once, of at most so many keys: for states that fit in memory.
    ///
    /// ```
    /// use ringmain::{Compaction, Hub, Message, Start};
    /// let gates = Hub::memory().stream("gates").compaction(Compaction::latest_only(10_000)).open()?;
    /// for gate in ["C71", "C73", "C75"] {
    ///     gates.append(Message::new(gate).key("UA1"))?;
    /// }
    /// let seen: Vec<_> = gates.reader(Start::Earliest)?.collect::<Result<_, _>>()?;
    /// assert_eq!((seen.len(), seen[0].value()), (1, &b"C75"[..]));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn latest_only(keys_max: u32) -> Self {
        Self { latest_only: true, keys_max, ..Self::default() }
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            lag_ns_min: duration_ns(self.lag_min),
            tombstone_grace_ns: duration_ns(self.tombstone_grace),
            dirty_percent_min: self.dirty_percent_min,
        }
    }
}

/// Options of one stream as kept in the catalogue. `None`: not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_max: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_max: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_max: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compaction: Option<Compaction>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) until_read: bool,
    #[serde(default, skip_serializing_if = "SlowReaders::is_default")]
    pub(crate) slow_readers: SlowReaders,
}

impl SlowReaders {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl StreamOptions {
    /// Whether it says anything.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let nothing =
            |option| Err(Error::invalid(option, "0 is not allowed: it would keep nothing; at least 1 is"));
        match self {
            Self { age_max: Some(Duration::ZERO), .. } => nothing("age_max"),
            Self { bytes_max: Some(0), .. } => nothing("bytes_max"),
            Self { count_max: Some(0), .. } => nothing("count_max"),
            Self { compaction: Some(Compaction { dirty_percent_min: percent, .. }), .. }
                if !(1..=100).contains(percent) =>
            {
                let detail = format!("{percent} is not allowed; 1 to 100 are");
                Err(Error::invalid("dirty_percent_min", detail))
            }
            Self { compaction: Some(Compaction { keys_max, .. }), .. }
                if !(1..=KEYS_MAX).contains(keys_max) =>
            {
                Err(Error::invalid("keys_max", format!("{keys_max} is not allowed; 1 to {KEYS_MAX} are")))
            }
            Self { compaction: Some(Compaction { latest_only: true, lag_min, .. }), .. }
                if !lag_min.is_zero() =>
            {
                let detail = format!("{lag_min:?} keeps what latest_only hides; leave out one of them");
                Err(Error::invalid("lag_min", detail))
            }
            Self { until_read: true, .. } if self.limits() == Limits::NONE => {
                let detail = "a group that is never polled again would keep everything; set age_max, bytes_max or count_max, too";
                Err(Error::invalid("until_read", detail))
            }
            Self { slow_readers: SlowReaders::Gate { .. }, count_max: None, .. } => {
                let detail = "a gate holds what count_max would push out, and there is none; set it, too";
                Err(Error::invalid("slow_readers", detail))
            }
            Self { slow_readers: SlowReaders::Gate { timeout, .. }, .. } => check_span("timeout", *timeout),
            _ => Ok(()),
        }
    }

    pub(crate) fn gate(&self) -> Option<GateRule> {
        let SlowReaders::Gate { timeout, then } = self.slow_readers else { return None };
        Some(GateRule { count_max: self.count_max?, timeout_ns: duration_ns(timeout), then })
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            age_ns_max: self.age_max.map_or(UNLIMITED, duration_ns),
            bytes_max: self.bytes_max.unwrap_or(UNLIMITED),
            count_max: self.count_max.unwrap_or(UNLIMITED),
        }
    }
}
