//! What a stream can be told beside its number of partitions, each option with its default.

use crate::error::{Error, Result};
use crate::log::{Limits, UNLIMITED};
use crate::message::duration_ns;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Options of one stream as kept in the catalogue. `None`: not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_max: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_max: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_max: Option<u64>,
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
