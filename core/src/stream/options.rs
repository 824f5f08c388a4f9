//! What a stream can be told beside its number of partitions, each option with its default.

use crate::error::{Error, Result};
use crate::log::{Limits, Rules, UNLIMITED};
use crate::message::duration_ns;
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
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            lag_min: Duration::ZERO,
            tombstone_grace: Duration::from_secs(24 * 3600),
            dirty_percent_min: 50,
            seal_after: Duration::from_secs(3600),
        }
    }
}

impl Compaction {
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
            Self { until_read: true, .. } if self.limits() == Limits::NONE => {
                let detail = "a group that is never polled again would keep everything; set age_max, bytes_max or count_max, too";
                Err(Error::invalid("until_read", detail))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            age_ns_max: self.age_max.map_or(UNLIMITED, duration_ns),
            bytes_max: self.bytes_max.unwrap_or(UNLIMITED),
            count_max: self.count_max.unwrap_or(UNLIMITED),
        }
    }
}
